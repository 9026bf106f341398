"""The clocks: warned on day 5, expired after day 7, never unwarned, never while a parcel moves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns.clocks import ShipBack, expiry, missing_due, refund_due, reply_due, ship_by

APPROVED = date(2026, 10, 1)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def day(number: int) -> date:
    return APPROVED + timedelta(days=number)


def case(today: int, warned: int | None = None, **more) -> ShipBack:
    warned_on = None if warned is None else day(warned)
    return ShipBack(ship_by=day(7), today=day(today), warned_on=warned_on, **more)


def test_ship_by_is_the_last_day():
    assert ship_by(APPROVED) == day(7)
    assert ship_by(APPROVED, 10) == day(10)


def test_due_dates():
    assert reply_due(NOON) == NOON + timedelta(hours=24)
    assert refund_due(NOON) == NOON + timedelta(days=4)
    assert missing_due(NOON, 21) == NOON + timedelta(days=21)


@pytest.mark.parametrize(
    ("today", "warned", "step"),
    [
        (4, None, "wait"),
        (5, None, "warn"),
        (5, 5, "wait"),
        (7, 5, "wait"),
        (8, 5, "expire"),
        (8, None, "warn"),
        (9, 8, "wait"),
        (10, 8, "wait"),
        (11, 8, "expire"),
    ],
)
def test_expiry_warns_first_and_keeps_the_notice(today, warned, step):
    assert expiry(case(today, warned)) == step


def test_extension_starts_a_new_warning():
    extended = replace(case(8, 5), ship_by=day(21))
    assert expiry(extended) == "wait"
    assert expiry(replace(extended, today=day(19))) == "warn"
    assert expiry(replace(extended, today=day(22), warned_on=day(19))) == "expire"


@given(st.integers(0, 100), st.one_of(st.none(), st.integers(0, 100)))
def test_expiry_never_while_a_parcel_moves(today, warned):
    assert expiry(case(today, warned, moving=True)) == "hold"


@given(st.integers(0, 60), st.integers(0, 14), st.integers(0, 14), st.integers(0, 21))
def test_nightly_run_never_expires_without_notice(start, days, warn_after, extension):
    """However late the first night runs, the warning comes first and the notice passes."""
    warn_after = min(warn_after, days)
    waiting = ShipBack(
        ship_by(APPROVED, days + extension),
        day(start),
        ship_back_days=days,
        warn_after_days=warn_after,
    )
    for night in range(start, start + 60):
        waiting = replace(waiting, today=day(night))
        step = expiry(waiting)
        if step == "warn":
            waiting = replace(waiting, warned_on=day(night))
        if step == "expire":
            assert waiting.warned_on is not None
            assert waiting.today - waiting.warned_on > timedelta(days=days - warn_after)
            assert waiting.today > waiting.ship_by
            break
    else:
        pytest.fail("the case never expired")
