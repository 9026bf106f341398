"""The clocks of a return: reply, ship-back with warning and expiry, refund after receipt.

Pure functions of dates and times; nothing here reads the clock. Days are days of the seller's
zone, chosen by the caller. What expires or warns is done by the verbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

REPLY_HOURS = 24  # Amazon asks for an answer to a return request within 24 hours (EU help)
REFUND_DAYS = 4  # after receipt; then Amazon refunds by itself and SAFE-T is mostly lost (US)

ExpiryStep = Literal["wait", "warn", "expire", "hold"]


def ship_by(approved_on: date, days: int = 7) -> date:
    """Return the last day on which the buyer may ship."""
    return approved_on + timedelta(days=days)


def reply_due(requested_at: datetime) -> datetime:
    """Return when the request must be answered."""
    return requested_at + timedelta(hours=REPLY_HOURS)


def refund_due(received_at: datetime) -> datetime:
    """Return when the refund must be out: four calendar days after receipt, same hour."""
    return received_at + timedelta(days=REFUND_DAYS)


def missing_due(shipped_at: datetime, missing_after_days: int) -> datetime:
    """Return when units that never arrived may be given up as missing."""
    return shipped_at + timedelta(days=missing_after_days)


@dataclass(frozen=True)
class ShipBack:
    """An approved return that is waited for: its days, and whether a parcel already moves.

    `ship_by` is the last day, extensions included. `moving`: a carrier has it, or it arrived.
    """

    ship_by: date
    today: date
    warned_on: date | None = None
    moving: bool = False
    ship_back_days: int = 7
    warn_after_days: int = 5

    @property
    def notice(self) -> timedelta:
        """How long the buyer keeps after the warning."""
        return timedelta(days=self.ship_back_days - self.warn_after_days)

    @property
    def warn_on(self) -> date:
        """The day of the warning: day 5 of 7, or as long before an extended last day."""
        return self.ship_by - self.notice

    @property
    def warned(self) -> bool:
        """Whether the warning for this last day went out; an extension asks for a new one."""
        return self.warned_on is not None and self.warned_on >= self.warn_on


def expiry(case: ShipBack) -> ExpiryStep:
    """Say what the nightly rule does: hold (a parcel moves), wait, warn or expire.

    Nobody loses a return unwarned: if a warning came late, its full notice still runs.
    """
    if case.moving:
        return "hold"
    if case.warned and case.warned_on is not None:
        last_day = max(case.ship_by, case.warned_on + case.notice)
        return "expire" if case.today > last_day else "wait"
    return "warn" if case.today >= case.warn_on else "wait"
