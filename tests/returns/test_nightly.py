"""Approved and not sent back: warned on day 5, expired after day 7, never while a parcel moves."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from config.core.refused import Refused
from config.core.trail import trail
from returns import nightly, workflow
from returns.models import Parcel
from tests.factories import make_rma, make_user

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def night(day: int) -> dict[str, int]:
    """The nightly run of the given day after the approval."""
    with time_machine.travel(START + timedelta(days=day), tick=False):
        return nightly.expire_unshipped(timezone.now())


@pytest.fixture
def rma():
    with time_machine.travel(START, tick=False):
        return make_rma("approved")


def test_nothing_happens_before_day_five(rma):
    assert [night(day) for day in range(5)] == [{"warned": 0, "expired": 0}] * 5


def test_buyer_is_warned_once_on_day_five(rma):
    assert night(5) == {"warned": 1, "expired": 0}
    assert night(6) == {"warned": 0, "expired": 0}
    rma.refresh_from_db()
    assert rma.warned_at.date() == (START + timedelta(days=5)).date()
    assert rma.messages.filter(template="expiring").count() == 1


def test_case_expires_after_the_last_day(rma):
    night(5)
    assert night(7) == {"warned": 0, "expired": 0}
    assert night(8) == {"warned": 0, "expired": 1}
    rma.refresh_from_db()
    assert (rma.state, rma.close_reason) == ("closed", "expired")
    assert rma.messages.filter(template="expired").count() == 1
    assert night(9) == {"warned": 0, "expired": 0}


def test_nobody_expires_unwarned(rma):
    assert night(20) == {"warned": 1, "expired": 0}
    assert night(23) == {"warned": 0, "expired": 1}


def test_moving_parcel_stops_the_clock(rma):
    with trail("setup", by=make_user("lead")):
        Parcel.objects.create(rma=rma, carrier="DHL", tracking="JD1")
    assert night(30) == {"warned": 0, "expired": 0}


def test_extension_moves_warning_and_expiry(rma):
    lead = make_user("lead")
    night(5)
    with time_machine.travel(START + timedelta(days=6), tick=False):
        until = (START + timedelta(days=20)).date()
        workflow.extend(rma.number, by=lead, until=until, reason="internal approval")
    assert night(8) == {"warned": 0, "expired": 0}
    assert night(18) == {"warned": 1, "expired": 0}
    assert night(21) == {"warned": 0, "expired": 1}
    rma.refresh_from_db()
    assert rma.extended_by == lead


def test_agent_may_not_extend(rma):
    with pytest.raises(Refused) as refused:
        workflow.extend(
            rma.number,
            by=make_user("agent"),
            until=timezone.now().date() + timedelta(days=30),
            reason="asked",
        )
    assert refused.value.code == "forbidden"


def test_expiry_by_hand_waits_for_the_day(rma):
    with time_machine.travel(START, tick=False), pytest.raises(Refused) as refused:
        workflow.expire(rma.number, by=make_user("lead"))
    assert refused.value.code == "early"
