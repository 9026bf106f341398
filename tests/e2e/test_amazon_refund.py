"""Amazon refunds part by itself while ours is under way: ours stops, says why, and the rest is left
to propose.
"""

from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from invoicing.models import Document, Refund
from tests.e2e.steps import act, carry_out, open_case, open_refund, said, state_is, upload
from tests.factories import make_order, make_rma, make_seller, make_user, record_invoice

pytestmark = pytest.mark.e2e
HEADER = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
    "total-amount", "currency", "transaction-type", "order-id", "merchant-order-id",
    "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description",
    "amount", "fulfillment-id", "posted-date", "posted-date-time", "order-item-code",
    "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
)  # fmt: skip


def settlement(folder: Path, order, gross: str) -> Path:
    """A settlement of today in which Amazon gave the buyer ``gross`` of the order's first line."""
    now = timezone.now()
    clock, line = f"{now:%d.%m.%Y %H:%M:%S} UTC", order.lines.first()
    total = {
        "settlement-start-date": clock, "settlement-end-date": clock, "deposit-date": clock,
        "total-amount": f"-{gross}".replace(".", ","), "currency": "EUR",
    }  # fmt: skip
    refund = {
        "transaction-type": "Refund", "order-id": order.amazon_order_id,
        "adjustment-id": "amzn1:crow:DEMO00000001", "marketplace-name": "Amazon.de",
        "amount-type": "ItemPrice", "amount-description": "Principal",
        "amount": f"-{gross}".replace(".", ","), "fulfillment-id": "MFN",
        "posted-date": f"{now:%d.%m.%Y}", "posted-date-time": clock, "sku": line.sku,
    }  # fmt: skip
    rows = [{"settlement-id": "19480000777", **row} for row in (total, refund)]
    lines = ["\t".join(HEADER), *("\t".join(row.get(h, "") for h in HEADER) for row in rows)]
    path = folder / "settlement.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def rma(transactional_db):
    """Three units are back and accepted; each cost 119.00 with tax."""
    order = make_order(seller=make_seller(code="DH"), quantity=3, net="300.00")
    record_invoice(order)
    return make_rma("inspected", by=make_user("lead"), order=order, quantity=3)


def proposed(page, rma) -> Refund:
    """The agent proposes what the case's page offers."""
    open_case(page, rma)
    act(page, "propose")
    said(page, "Refund proposed")
    return Refund.objects.filter(origin=rma.number).latest("pk")


def rest_is_paid(agent, books, rma, gross: str) -> None:
    """The agent proposes what Amazon left, finance carries it out, the case is refunded."""
    open_case(agent, rma)
    state_is(agent, "Inspected")
    expect(agent.locator("#quotes")).to_contain_text(gross)
    rest = proposed(agent, rma)
    assert rest.gross == Decimal(gross)
    carry_out(books, rest)
    open_case(agent, rma)
    state_is(agent, "Refunded")
    live = Refund.objects.filter(state__in=("sent", "confirmed")).order_by("gross")
    assert [one.source for one in live] == ["amazon", "retour"]
    assert sum(one.gross for one in live) == Decimal("357.00")


@pytest.mark.parametrize(
    "case",
    [
        ("119.00", "this case owes 2 units by now, its refunds pay for 3", "238.00"),
        ("50.00", "only €307.00 can still be refunded", "307.00"),
    ],
    ids=["a-unit", "part-of-a-unit"],
)
def test_approval_is_refused_and_the_rest_is_proposed(desk, rma, tmp_path, case):
    theirs, why, rest = case
    agent, books = desk(make_user("agent")), desk(make_user("finance"))
    ours = proposed(agent, rma)
    assert ours.gross == Decimal("357.00")
    upload(books, settlement(tmp_path, ours.order, theirs))
    open_refund(books, ours)
    act(books, "approve")
    said(books, why)
    said(books, "Amazon")
    state_is(books, "Proposed")

    open_refund(agent, ours)
    act(agent, "cancel", reason="Amazon refunded some of it")
    state_is(agent, "Cancelled")
    rest_is_paid(agent, books, rma, rest)


def test_start_is_refused_after_the_approval(desk, rma, tmp_path):
    agent, books = desk(make_user("agent")), desk(make_user("finance"))
    ours = proposed(agent, rma)
    open_refund(books, ours)
    act(books, "approve")
    state_is(books, "Approved")
    upload(books, settlement(tmp_path, ours.order, "119.00"))
    open_refund(books, ours)
    act(books, "start")
    said(books, "this case owes 2 units by now")
    state_is(books, "Approved")

    open_refund(agent, ours)
    act(agent, "cancel", reason="Amazon refunded one of the three")
    state_is(agent, "Cancelled")
    assert not Document.objects.filter(refund=ours).exists()
    rest_is_paid(agent, books, rma, "238.00")
