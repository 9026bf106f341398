"""Two people on one case, two tabs, two clicks: one winner, and the other is told what happened."""

import pytest
from playwright.sync_api import expect

from invoicing.models import Document, Refund
from returns import refunding
from returns.models import RMA
from tests.e2e.steps import act, door, open_case, open_refund, said, state_is
from tests.factories import make_rma, make_user
from tests.papers import make_invoice, make_shipped_order

pytestmark = pytest.mark.e2e


def test_second_person_is_told_who_was_faster_and_what_changed(desk):
    rma = make_rma(by=make_user("lead"))
    first, second = desk(make_user("agent", username="ada")), desk(make_user("lead"))
    open_case(first, rma)
    open_case(second, rma)
    act(first, "approve")
    said(first, "Approved")

    act(second, "decline", reason="Out of the window")
    notice = second.locator("#messages .notice.error")
    expect(notice).to_contain_text("ada was faster")
    expect(notice).to_contain_text("approved")
    expect(notice).to_contain_text("Look again")
    state_is(second, "Approved")
    expect(second.locator(".timeline > li", has_text="Requested → Approved")).to_contain_text("ada")
    expect(second.locator(".timeline > li", has_text="declined")).to_have_count(0)

    act(second, "withdraw", reason="The buyer keeps it")  # having looked, the lead may go on
    state_is(second, "Closed")


def test_note_of_a_colleague_does_not_stop_a_decision(desk):
    rma = make_rma(by=make_user("lead"))
    first, second = desk(make_user("agent")), desk(make_user("agent"))
    open_case(first, rma)
    open_case(second, rma)
    act(first, "note", text="The buyer called")
    act(second, "approve")
    said(second, "Approved")
    state_is(second, "Approved")


@pytest.fixture
def refund(transactional_db):
    """A proposed refund of two units that somebody else may approve."""
    order = make_shipped_order()
    make_invoice(order)
    rma = make_rma("inspected", by=make_user("lead"), order=order)
    return refunding.propose(rma.number, by=make_user("agent"))[0]


def approvals(refund: Refund) -> int:
    """How often the trail says that the refund was approved."""
    events = refund.events.filter(pgh_context__verb="approve_refund", state="approved")
    return events.count()


def test_double_click_approves_one_refund_once(desk, refund):
    page = desk(make_user("finance"))
    open_refund(page, refund)
    with page.expect_navigation():
        door(page, "approve").locator("button").dblclick(no_wait_after=True)
    state_is(page, "Approved")
    expect(page.locator("#messages .notice.error")).to_have_count(0)
    assert approvals(refund) == 1
    assert Refund.objects.count() == 1
    assert Document.objects.filter(kind="credit_note").count() == 1


def test_two_tabs_approve_one_refund_once(desk, refund):
    one, other = desk(make_user("finance")), desk(make_user("finance"))
    open_refund(one, refund)
    open_refund(other, refund)
    for page in (one, other):  # both are under way before either is answered
        door(page, "approve").locator("button").click(no_wait_after=True)
    for page in (one, other):
        expect(page.locator("#messages .notice")).to_have_count(1)
        state_is(page, "Approved")
    errors = [page.locator("#messages .notice.error").count() for page in (one, other)]
    assert sorted(errors) == [0, 1]  # whoever came second is told
    assert approvals(refund) == 1
    assert Document.objects.filter(kind="credit_note").count() == 1


def test_double_click_proposes_one_refund(desk):
    rma = make_rma("inspected", by=make_user("lead"))
    page = desk(make_user("agent"))
    open_case(page, rma)
    page.locator("summary", has_text="Propose refund").click()
    with page.expect_navigation():
        door(page, "propose").locator("button").dblclick(no_wait_after=True)
    said(page, "Refund proposed")
    assert Refund.objects.get().origin == rma.number


def test_click_in_a_stale_tab_does_not_repeat_the_verb(desk, refund):
    page = desk(make_user("finance"))
    open_refund(page, refund)
    stale = page.context.new_page()
    stale.goto(page.url)
    act(page, "approve")
    act(stale, "approve")
    expect(stale.locator("#messages .notice.error")).to_have_count(1)
    state_is(stale, "Approved")
    assert approvals(refund) == 1


def test_goods_received_twice_by_two_people_count_once(desk):
    rma = make_rma("shipped", by=make_user("lead"))
    one, other = desk(make_user("inspector")), desk(make_user("inspector"))
    open_case(one, rma)
    open_case(other, rma)
    act(one, "receive")
    act(other, "receive")
    expect(other.locator("#messages .notice.error")).to_contain_text("was faster")
    assert RMA.objects.get(pk=rma.pk).lines.get().received == 2
