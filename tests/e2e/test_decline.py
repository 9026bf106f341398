"""An agent declines a return in the browser: the buyer reads why, the case says so."""

import pytest
from django.core import mail
from playwright.sync_api import expect

from returns.models import RMA
from tests.e2e.steps import act, door, newest, open_case, said, state_is, step_is
from tests.factories import make_buyer, make_order, make_rma, make_user

pytestmark = pytest.mark.e2e
REASON = "The thirty days ended on 2 March"


def test_declined_return_is_closed_and_the_buyer_reads_why(desk):
    agent = make_user("agent")
    buyer = make_buyer(language="en", email="purchasing@demo.example")
    rma = make_rma(order=make_order(buyer=buyer), by=make_user("lead"))
    page = desk(agent)
    open_case(page, rma)
    step_is(page, "Requested")
    mail.outbox.clear()
    act(page, "decline", reason=REASON)

    said(page, "Declined")
    state_is(page, "Closed")
    expect(page.locator(".page-actions")).to_contain_text("Declined")
    step_is(page, "Closed")
    expect(page.get_by_role("list", name="Progress").locator(".skipped")).to_have_count(4)
    entry = page.locator(".timeline > li", has_text="declined").first
    expect(entry).to_contain_text(agent.username)
    expect(entry).to_contain_text(REASON)
    expect(entry).to_contain_text("Requested → Closed")
    (letter,) = mail.outbox
    assert letter.to == ["purchasing@demo.example"]
    assert rma.number in letter.subject
    assert REASON in letter.body


def test_decline_without_a_reason_stays_on_the_page(desk):
    rma = make_rma(by=make_user("lead"))
    page = desk(make_user("agent"))
    open_case(page, rma)
    page.locator("summary", has_text="Decline").click()
    door(page, "decline").locator("button[type=submit]").click()
    expect(door(page, "decline").locator("[name=reason]")).to_be_focused()
    state_is(page, "Requested")
    assert RMA.objects.get(pk=rma.pk).state == "requested"


def test_missing_address_becomes_work_for_somebody(desk):
    rma = make_rma(order=make_order(buyer=make_buyer(email="")), by=make_user("lead"))
    page = desk(make_user("agent"))
    open_case(page, rma)
    act(page, "decline", reason=REASON)
    state_is(page, "Closed")
    todo = page.locator(".notice.warning", has_text="has no e-mail address")
    expect(todo).to_have_count(1)
    todo.get_by_role("button", name="Sorted out").click()
    said(page, "Sorted out")
    expect(todo).to_have_count(0)
    expect(newest(page)).to_contain_text("sorted something out")
    assert mail.outbox == []
