"""Papers and money for tests: invoices and refunds that walked the real verbs."""

import itertools
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from config.core.models import User
from config.core.sentence import say
from config.core.trail import trail
from invoicing import documents, numbering, refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.models import ApprovalLimit, Document, IssuingMode, PayerAccount
from orders.models import Order, Seller
from tests.factories import make_marketplace, make_order, make_user

_next = itertools.count(1)


def make_issuing(seller: Seller, marketplace="DE", issuer="seller"):
    """Who issues tax documents of the seller there: "seller" or "amazon"."""
    with trail("setup", by=User.objects.system()):
        return IssuingMode.objects.update_or_create(
            seller=seller, marketplace=make_marketplace(marketplace), defaults={"issuer": issuer}
        )[0]


def make_limit(amount="500.00", currency="EUR", daily=None):
    """Refunds above the amount need a second person, and so does what passes ``daily`` of a day."""
    limits = {"amount": Decimal(amount), "daily_amount": daily and Decimal(daily)}
    with trail("setup", by=User.objects.system()):
        return ApprovalLimit.objects.update_or_create(currency=currency, defaults=limits)[0]


def make_account(seller: Seller) -> PayerAccount:
    """The bank account that a seller pays refunds from."""
    with trail("setup", by=User.objects.system()):
        return PayerAccount.objects.get_or_create(
            seller=seller, defaults={"name": seller.name, "iban": "DE02120300000000202051"}
        )[0]


def make_shipped_order(**fields) -> Order:
    """An order whose dispatch is known, so that it can be invoiced."""
    shipped = fields.pop("shipped_at", timezone.now() - timedelta(days=8))
    order = make_order(**fields)
    order.shipments.create(amazon_shipment_id=f"S{next(_next)}", shipped_at=shipped)
    return order


def make_invoice(order: Order | None = None, *, by=None, recorded=False):
    """The order's invoice: ours, or Amazon's recorded with its number."""
    order, by = order or make_shipped_order(), by or make_user("finance")
    if not recorded:
        make_issuing(order.seller, order.marketplace.code)
        return documents.issue_invoice(order, by=by)
    make_issuing(order.seller, order.marketplace.code, "amazon")
    day = timezone.localdate() - timedelta(days=7)
    return documents.record_invoice(order, by=by, number=f"DE6DEMO{next(_next)}I", issue_date=day)


def make_due(order: Order | None = None, *, by=None):
    """A draft of the order's invoice that is due, as automation leaves it for a worker."""
    order, by = order or make_shipped_order(), by or make_user("finance")
    make_issuing(order.seller, order.marketplace.code)
    with trail("setup", by=by):
        draft = documents._draft_invoice(order, "retour", by)
        draft.due_at = timezone.now()
        draft.save()
    return draft


def make_calculation(order: Order, *, units=1, origin="", **money):
    """A calculation of item money: ``units`` of every line, or ``net=…, tax=…`` of the first."""
    origin = origin or f"RMA-2026-{next(_next):06d}"
    lines = list(order.lines.order_by("pk"))
    amounts = {
        line.pk: (
            round(line.item_net * units / line.quantity, 2),
            round(line.item_tax * units / line.quantity, 2),
        )
        for line in lines
    }
    if money:
        amounts = {lines[0].pk: (Decimal(money["net"]), Decimal(money["tax"]))}
    rates = {line.pk: line.item_rate for line in lines}
    calculated = tuple(
        CalculatedLine(
            order_line=str(pk),
            origin=f"{origin}/{position}/1",
            component=money.get("component", "item"),
            quantity=units,
            net=net,
            tax=tax,
            rate=rates[pk],
            rule="test",
            says=say("%(units)s units come back.", units=units),
        )
        for position, (pk, (net, tax)) in enumerate(amounts.items(), start=1)
    )
    return Calculation(order.currency, calculated, policy_version="test")


def make_refund(state="proposed", *, order=None, proposer=None, approver=None, **calculation):
    """A refund of one order in any state, walked there by the real verbs.

    Two people decide it; the order gets an invoice of ours where it has none.
    """
    proposer, approver = proposer or make_user("agent"), approver or make_user("finance")
    order = order or make_shipped_order()
    origin = calculation.get("origin") or f"RMA-2026-{next(_next):06d}"
    if not order.documents.filter(kind="invoice").exists():
        make_invoice(order, by=approver)
    refund = refunds.propose(
        by=proposer,
        order=order,
        origin=origin,
        calculation=make_calculation(order, **{**calculation, "origin": origin}),
    )
    for verb in _ROADS[state]:
        refund = _walk(refund, verb, approver)
    return refund


_ROADS = {
    "proposed": [],
    "rejected": ["reject"],
    "approved": ["approve"],
    "cancelled": ["cancel"],
    "sending": ["approve", "start"],
    "sent": ["approve", "start", "mark_sent"],
    "unknown": ["approve", "start", "mark_unknown"],
    "failed": ["approve", "start", "fail"],
    "confirmed": ["approve", "start", "mark_sent", "confirm"],
    "reversed": ["approve", "start", "mark_sent", "reverse"],
}


def number_due() -> None:
    """Gate and number what is due, as a worker does after the commit; its file is drawn by
    `documents.finish_documents`.
    """
    due = Document.objects.filter(state="draft", due_at__isnull=False, gated_at=None)
    for pk in due.order_by("pk").values_list("pk", flat=True):
        numbering.take_number(pk, by=User.objects.system(), verb="issue_document")


def _walk(refund, verb, by):
    if verb == "confirm":
        refunds.confirm_many([refund.pk], by=User.objects.system())
        return type(refund).objects.get(pk=refund.pk)
    if verb == "mark_sent":
        day = timezone.localdate()
        refund = refunds.mark_sent(refund.key, by=by, sent_on=day, amount=refund.gross)
        number_due()
        return type(refund).objects.get(pk=refund.pk)
    more = {} if verb in ("approve", "start") else {"reason": "As the test wants it"}
    return getattr(refunds, verb)(refund.key, by=by, **more)
