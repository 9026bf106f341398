"""Rows around an issued document: tax facts, rates, deliveries, holds, retention."""

import itertools
from datetime import date
from decimal import Decimal
from hashlib import sha256

from django.utils import timezone

from config.core.trail import trail
from invoicing import refunds
from invoicing.models import (
    AccountNumber,
    DatevClient,
    Delivery,
    Document,
    DocumentRules,
    Erasure,
    Feed,
    FxRate,
    LaneRule,
    LegalHold,
    PayeeErasure,
    RetentionRule,
    TaxFact,
    VatRate,
    ViesCheck,
    Wording,
)
from invoicing.sending import bank
from orders.models import Order, Quota
from tests.factories import make_user
from tests.papers import make_account, make_calculation

_next = itertools.count(1)
FAR = date(2030, 1, 1)  # reference rates are older


def keep_facts(document: Document, country: str, *, by) -> None:
    """One row of everything that stands around a document, in a country of its own."""
    n = next(_next)
    make_tax_fact(document.order)
    day = FAR.replace(day=n)
    FxRate.objects.create(quote="PLN", day=day, rate=Decimal("4.25"), source="Demo")
    ViesCheck.objects.create(
        number="DE129274202", answer="valid", asked_at=timezone.now(), by=by, consultation=f"W{n}"
    )
    Erasure.objects.create(
        number=f"OLD-{n}", kind="invoice", seller_code="demo", country=country,
        issue_date=date(2010, 1, n), kept_until=date(2020, 12, 31), rule="Demo",
    )  # fmt: skip
    with trail("setup", by=by):
        DocumentRules.objects.get_or_create(seller=document.seller)
        DatevClient.objects.get_or_create(
            seller=document.seller, defaults={"consultant": 1001, "client": n}
        )
        AccountNumber.objects.create(
            seller=document.seller, account="vat", country=country, number=f"17{n:02d}"
        )
        VatRate.objects.create(
            country=country, kind="standard", rate=Decimal("0.19"), valid_from=day, source="Demo"
        )
        RetentionRule.objects.get_or_create(
            kind="invoice", country=country, defaults={"years": 10, "source": "Demo"}
        )
        Wording.objects.create(key=f"own_{n}", language="de", text="Demo")
        make_delivery(document, by=by)
        LegalHold.objects.create(document=document, reason="Audit of the year", placed_by=by)


def keep_payments(order: Order, *, by) -> None:
    """One row of each way that refunds leave: a rule, an account, a bank file, a feed."""
    n = next(_next)
    with trail("setup", by=by):
        LaneRule.objects.create(seller=order.seller, marketplace=order.marketplace, lane="feed")
        Feed.objects.create(
            seller=order.seller, marketplace=order.marketplace, feed_type="DEMO",
            content_type="text/plain", content=b"demo", sha256=sha256(b"demo").hexdigest(),
            feed_id=f"F{n}", state="prepared",
        )  # fmt: skip
    Quota.objects.create(
        name=f"{n}/EU/createFeed", tokens=15, rate=0.0083, burst=15, filled_at=timezone.now()
    )
    make_account(order.seller)
    refund = refunds.propose(
        by=by, order=order, origin="order", note="Account closed",
        payee={"name": "Demo Einkauf AG", "iban": "DE89370400440532013000"},
        calculation=make_calculation(order, net="1.00", tax="0.19"),
    )  # fmt: skip
    refunds.approve(refund.key, by=make_user("lead"))
    file = bank.make_file([refund.key], by=by)
    PayeeErasure.objects.create(
        bank_file=file, sha256=file.sha256, kept_until=date(2020, 12, 31), rule="Demo"
    )


def make_delivery(document: Document, *, by, state="prepared", **fields) -> Delivery:
    """A hand-over of a document by e-mail."""
    given = {"channel": "email", "to": "einkauf@demo.example", "language": "de", "subject": "Demo"}
    with trail("setup", by=by):
        return Delivery.objects.create(
            document=document, state=state, created_by=by, **given | fields
        )


def make_tax_fact(order: Order, **fields) -> TaxFact:
    """Amazon's tax figures of an order's first line, shipped."""
    n, line = next(_next), order.lines.order_by("pk").first()
    given = {
        "report": "vidr", "transaction_id": f"T{n}", "transaction_type": "shipment",
        "shipment_id": f"SHIP{n}", "sku": line.sku, "quantity": line.quantity,
        "item_net": line.item_net, "item_tax": line.item_tax, "item_rate": line.item_rate,
        "status": "InvoicePending", "row_hash": f"{n:064d}", "shipped_at": timezone.now(),
    }  # fmt: skip
    return TaxFact.objects.create(
        seller=order.seller, marketplace=order.marketplace, order=order, order_line=line,
        amazon_order_id=order.amazon_order_id, currency=order.currency, **given | fields,
    )  # fmt: skip
