"""Goods come back in two parcels, with different outcomes; each part is paid when it is here."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from invoicing.models import Refund
from returns.models import RMA
from tests.e2e.steps import act, carry_out, open_case, said, state_is
from tests.factories import make_order, make_rma, make_user, record_invoice

pytestmark = pytest.mark.e2e
COLUMNS = ("Asked", "Approved", "Received", "Missing", "Accepted", "Rejected")


@pytest.fixture
def rma(transactional_db):
    """Four of five units on their way back; each cost 23.80 with tax."""
    order = make_order(quantity=5, net="100.00")
    record_invoice(order)
    return make_rma("shipped", by=make_user("lead"), order=order, quantity=4)


def grade(page: Page, rma: RMA, *outcomes: tuple[int, str, str]) -> None:
    """Receive and inspect units; the second outcome is folded away."""
    page.goto(f"/returns/{rma.number}/inspect/")
    if len(outcomes) > 1:
        page.locator("summary", has_text="Another outcome").click()
    for outcome, (units, condition, goes_to) in zip(
        page.locator(".outcome").all(), outcomes, strict=False
    ):
        outcome.get_by_label("Units").fill(str(units))
        outcome.locator("label", has_text=condition).click()
        outcome.locator("label", has_text=goes_to).click()
    page.get_by_role("button", name="Receive and inspect").click()
    said(page, "inspected")


def units(page: Page) -> dict[str, int]:
    """What the case's table says; a column that would hold zeros only may be left out."""
    table = page.get_by_role("table").first
    heads = table.locator("thead th").all_inner_texts()
    cells = table.locator("tbody tr").first.locator("th, td").all_inner_texts()
    row = dict(zip(map(str.lower, heads), cells, strict=True))
    return {name: int(row.get(name.lower(), 0)) for name in COLUMNS}


def counted(*numbers: int) -> dict[str, int]:
    return dict(zip(COLUMNS, numbers, strict=True))


def test_each_part_is_refunded_when_it_is_here(desk, rma):
    bench, agent = desk(make_user("inspector"), width=820), desk(make_user("agent"))
    books = desk(make_user("finance"))
    grade(bench, rma, (2, "Damaged", "Scrap"), (1, "Used", "Reject, back to buyer"))
    open_case(agent, rma)
    state_is(agent, "Shipped back")
    assert units(agent) == counted(4, 4, 3, 0, 2, 1)
    expect(agent.locator("#quotes")).to_contain_text("47.60")
    act(agent, "propose")
    said(agent, "Refund proposed")
    first = Refund.objects.get(origin=rma.number)
    assert (first.net, first.tax, first.gross) == (
        Decimal("40.00"), Decimal("7.60"), Decimal("47.60"),
    )  # fmt: skip
    carry_out(books, first)
    open_case(agent, rma)
    state_is(agent, "Shipped back")  # one unit is still on its way

    grade(bench, rma, (1, "As new", "Back to stock"))
    open_case(agent, rma)
    state_is(agent, "Inspected")
    assert units(agent) == counted(4, 4, 4, 0, 3, 1)
    expect(agent.locator("#quotes")).to_contain_text("23.80")
    act(agent, "propose")
    second = Refund.objects.exclude(pk=first.pk).get(origin=rma.number)
    assert second.gross == Decimal("23.80")
    carry_out(books, second)

    open_case(agent, rma)
    state_is(agent, "Refunded")
    money = agent.locator("section", has=agent.get_by_role("heading", name="Money", exact=True))
    expect(money.locator("tbody tr", has_text="Sent")).to_have_count(2)
    expect(money).to_contain_text("47.60")
    expect(money).to_contain_text("23.80")
    agent.goto(f"/orders/{rma.lines.get().order_line.order.amazon_order_id}/")
    expect(agent.locator("main")).to_contain_text("119.00")  # what the buyer paid


def test_rejected_goods_alone_bring_no_money(desk, rma):
    bench = desk(make_user("inspector"))
    grade(bench, rma, (4, "Used", "Reject, back to buyer"))
    open_case(bench, rma)
    state_is(bench, "Inspected")
    act(bench, "reject_goods", reason="Heavily used")
    state_is(bench, "Closed")
    expect(bench.locator(".page-actions")).to_contain_text("Goods rejected")
    assert not Refund.objects.exists()
