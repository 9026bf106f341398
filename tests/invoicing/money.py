"""Settlement rows and refunds for the tests of matching and of the settlement report."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

import time_machine

from config.core.models import User
from config.core.sentence import say
from invoicing import documents, refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.models import MoneyFact, Settlement
from tests.factories import make_user

_next = itertools.count(1)
DAY = datetime(2026, 10, 29, 11, 11, 11, tzinfo=UTC)


def make_settlement(seller, currency="EUR", **fields) -> Settlement:
    """A settlement without rows."""
    return Settlement.objects.create(
        seller=seller,
        settlement_id=fields.pop("settlement_id", str(19480000000 + next(_next))),
        deposited_at=fields.pop("deposited_at", DAY),
        total=Decimal(0),
        currency=currency,
        **fields,
    )


def make_fact(settlement, order, line, amount, *, adjustment="", at=DAY, **fields) -> MoneyFact:
    """One refund row of the buyer's money; ``amount`` is Amazon's (negative gives money back)."""
    given = {
        "bucket": MoneyFact.Bucket.BUYER,
        "is_refund": True,
        "transaction_type": "Refund",
        "amount_type": "ItemPrice",
        "amount_description": "Principal",
        "component": "item",
        "marketplace": order.marketplace,
        "posted_on": at.date(),
        "order_item_code": (line and line.order_item_id) or "",
        "sku": line.sku if line else "",
    }
    return MoneyFact.objects.create(
        settlement=settlement,
        seller=settlement.seller,
        order=order,
        order_line=line,
        amazon_order_id=order.amazon_order_id,
        adjustment_id=adjustment,
        amount=Decimal(amount),
        currency=settlement.currency,
        posted_at=at,
        row_hash=f"{next(_next):032d}",
        **given | fields,
    )


def make_refund(order, *amounts, state="sent", origin="order", sent_on=date(2026, 10, 28), **sent):
    """A refund of ours over the order's lines, decided and carried out on ``sent_on``.

    ``amounts`` are (net, tax) of each line in turn.
    """
    noon = datetime(sent_on.year, sent_on.month, sent_on.day, 12, tzinfo=UTC)
    with time_machine.travel(noon):
        return _walked(order, amounts, state, origin, sent_on=sent_on, **sent)


def _walked(order, amounts, state, origin, *, sent_on, **sent):
    finance, lead = make_user("finance"), make_user("lead")
    if not order.documents.filter(kind="invoice").exists():
        documents.record_invoice(
            order, by=finance, number=f"INV-{order.pk}", issue_date=date(2026, 10, 1),
            issuer="amazon",
        )  # fmt: skip
    calculated = tuple(
        CalculatedLine(
            order_line=str(line.pk),
            origin=origin if origin == "order" else f"{origin}/{line.pk}",
            component="item",
            quantity=1,
            net=Decimal(net),
            tax=Decimal(tax),
            rate=line.item_rate,
            rule="demo",
            says=say("One of them came back."),
        )
        for line, (net, tax) in zip(order.lines.order_by("pk"), amounts, strict=False)
    )
    refund = refunds.propose(
        by=lead,
        order=order,
        origin=origin,
        calculation=Calculation(order.currency, calculated, "demo"),
    )
    if state == "proposed":
        return refund
    refund = refunds.approve(refund.key, by=finance)
    if state == "approved":
        return refund
    refund = refunds.start(refund.key, by=finance)
    if state == "sending":
        return refund
    if state == "unknown":
        return refunds.mark_unknown(refund.key, by=finance, reason="The page did not answer.")
    return refunds.mark_sent(refund.key, by=finance, sent_on=sent_on, amount=refund.gross, **sent)


def system() -> User:
    """The system actor."""
    return User.objects.system()
