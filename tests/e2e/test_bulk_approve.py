"""Many returns approved at once from the queue: chosen, previewed with totals, confirmed, told."""

from decimal import Decimal

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from invoicing.models import Refund
from returns import workflow
from returns.models import RMA
from returns.opening import Draft, open_many
from returns.workflow import LineRequest
from tests.e2e.steps import said
from tests.factories import make_line, make_order, make_user
from tests.papers import make_limit, make_refund

pytestmark = pytest.mark.e2e


def request_returns(order, count: int) -> list[RMA]:
    """One return of one unit for each of the order's lines; a unit cost 11.90 with tax."""
    lead = make_user("lead")
    lines = [make_line(order, quantity=1, net="10.00") for _ in range(count)]
    drafts = [Draft([LineRequest(line.pk, 1, "CR-DEFECTIVE")]) for line in lines]
    opened, refused = open_many(drafts, by=lead)
    assert refused == []
    return [case.rma for case in opened]


def choose_all(page: Page, url: str = "/returns/") -> None:
    """Choose every row of a list's page."""
    page.goto(url)
    page.get_by_label("Choose all rows of this page").check()


def press_approve(page: Page) -> None:
    """The bulk bar's button; what it would do comes on a page of its own."""
    with page.expect_navigation():
        page.get_by_role("button", name="Approve", exact=True).click()


def test_fifty_are_approved_at_once(desk):
    found = request_returns(make_order(lines=0), 50)
    mail.outbox.clear()
    page = desk(make_user("agent"))
    choose_all(page)
    expect(page.locator("[data-chosen]")).to_have_text("50")
    press_approve(page)
    expect(page.locator("h1")).to_have_text("Approve: 50 RMAs")
    expect(page.locator(".figures")).to_contain_text("595.00")
    expect(page.locator("main")).not_to_contain_text("stays as it is")
    assert RMA.objects.filter(state="requested").count() == 50  # looking changes nothing

    press_approve(page)
    said(page, "50 RMAs: approved")
    expect(page.locator("[data-row] .state", has_text="Approved")).to_have_count(50)
    numbers = [rma.number for rma in found]
    assert RMA.objects.filter(number__in=numbers, state="approved").count() == 50
    assert len(mail.outbox) == 50


@pytest.fixture
def planted(transactional_db):
    """Five that can be approved, and three that cannot: closed, shipped, of an unknown order."""
    lead, order = make_user("lead"), make_order(lines=0)
    good = request_returns(order, 7)
    closed, shipped = good.pop(), good.pop()
    workflow.decline(closed.number, by=lead, reason="Out of the window")
    workflow.approve(shipped.number, by=lead)
    workflow.ship(shipped.number, by=lead, tracking="JD0000000001")
    stub = make_order(lines=0, seller=order.seller, buyer=order.buyer, facts_complete=False)
    (unknown,) = request_returns(stub, 1)
    return good, {
        closed.number: "Closed (Declined)",
        shipped.number: "Shipped back",
        unknown.number: f"Order {stub.amazon_order_id} is not imported yet",
    }


def test_preview_names_what_cannot_and_every_refusal_is_told(desk, planted):
    good, impossible = planted
    page = desk(make_user("lead"))
    choose_all(page)
    press_approve(page)
    expect(page.locator("h1")).to_have_text("Approve: 5 RMAs")
    expect(page.locator(".figures")).to_contain_text("59.50")
    expect(page.get_by_role("heading", name="3 stay as they are")).to_be_visible()
    for number, why in impossible.items():
        row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=number))
        expect(row).to_contain_text(why)

    rival = make_user("lead", username="rival")
    workflow.withdraw(good[0].number, by=rival, reason="The buyer keeps it")
    press_approve(page)
    said(page, "4 RMAs: approved")
    told = page.locator("#messages .notice.error")
    for number, why in {**impossible, good[0].number: "Closed (Withdrawn)"}.items():
        expect(told.filter(has_text=number)).to_contain_text(why)
    assert RMA.objects.filter(state="approved").count() == 4


def test_bulk_buttons_wait_until_a_row_is_chosen(desk, planted):
    page = desk(make_user("agent"))
    page.goto("/returns/")
    button = page.get_by_role("button", name="Approve", exact=True)
    expect(button).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(button).to_be_visible()
    expect(page.locator("[data-chosen]")).to_have_text("1")


def test_inspector_has_nothing_to_choose(desk, planted):
    page = desk(make_user("inspector"))
    page.goto("/returns/")
    expect(page.locator("[data-row]")).to_have_count(8)
    expect(page.get_by_label("Choose all rows of this page")).to_have_count(0)


def test_refunds_are_approved_with_their_totals(desk, check_page):
    """The refund desk does it the same way; what one proposed above the limit stays."""
    finance = make_user("finance")
    make_limit("50.00")
    for _ in range(2):
        make_refund(proposer=finance, units=1)  # 39.66 or so each
    above = make_refund(proposer=finance, units=3)
    page = desk(finance)
    choose_all(page, "/refunds/?state=proposed")
    press_approve(page)
    expect(page.locator("h1")).to_have_text("Approve 2 refunds")
    expect(page.locator(".figures")).to_contain_text(f"{2 * Decimal('39.66'):.2f}")
    stays = page.get_by_role("listitem").filter(has_text=above.order.amazon_order_id)
    expect(stays).to_contain_text("somebody else approves it")
    check_page(page)
    press_approve(page)
    said(page, "2 refunds approved")
    assert Refund.objects.filter(state="approved").count() == 2
