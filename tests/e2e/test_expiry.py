"""Approved and not sent back: the night warns, then closes; more time and parcels hold it."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from config.core.trail import trail
from returns.models import Parcel
from returns.nightly import expire_unshipped
from tests.e2e.steps import act, open_case, said, state_is, step_is
from tests.factories import make_order, make_rma, make_seller, make_user

pytestmark = pytest.mark.e2e
APPROVED = timedelta(days=6)  # ago


def night(day: int) -> dict[str, int]:
    """The nightly run of a day after the approval."""
    return expire_unshipped(timezone.now() - APPROVED + timedelta(days=day))


@pytest.fixture
def cases(transactional_db):
    """Four cases approved six days ago; of the last one a parcel is known to move."""
    lead, seller = make_user("lead"), make_seller()
    with time_machine.travel(timezone.now() - APPROVED):
        found = [make_rma("approved", order=make_order(seller=seller), by=lead) for _ in range(4)]
    with trail("setup", by=lead):
        Parcel.objects.create(rma=found[3], carrier="DHL", tracking="JD0000000001")
    return found


def test_unsent_return_is_warned_then_expires_unless_time_or_a_parcel_holds_it(desk, cases):
    late, extended, sent, moving = cases
    mail.outbox.clear()
    assert night(4) == {"warned": 0, "expired": 0}
    assert night(5) == {"warned": 3, "expired": 0}
    assert len(mail.outbox) == 3

    lead = desk(make_user("lead"))
    open_case(lead, late)
    expect(lead.locator(".timeline > li", has_text="warned the buyer")).to_have_count(1)
    open_case(lead, extended)
    until = timezone.localdate() + timedelta(days=20)
    act(lead, "extend", until=until.isoformat(), reason="Their internal approval takes longer")
    said(lead, "Extended")
    expect(lead.locator(".facts", has_text="Send back by")).to_contain_text("extended")
    agent = desk(make_user("agent"))
    open_case(agent, sent)
    act(agent, "ship", carrier="DHL", tracking="JD0000000002")
    state_is(agent, "Shipped back")

    mail.outbox.clear()
    assert night(7) == {"warned": 0, "expired": 0}
    assert night(8) == {"warned": 0, "expired": 1}
    assert len(mail.outbox) == 1
    open_case(lead, late)
    state_is(lead, "Closed")
    step_is(lead, "Closed")
    expect(lead.locator(".page-actions")).to_contain_text("Not sent back")
    expired = lead.locator(".timeline > li", has_text="Approved → Closed")
    expect(expired).to_contain_text("not sent back in time")
    for case, word in ((extended, "Approved"), (sent, "Shipped back"), (moving, "Approved")):
        open_case(lead, case)
        state_is(lead, word)


def test_agent_is_told_who_may_give_more_time(desk, cases):
    page = desk(make_user("agent"))
    open_case(page, cases[0])
    button = page.get_by_role("button", name="Give more time")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#why-extend")).to_contain_text("Ask a lead")
