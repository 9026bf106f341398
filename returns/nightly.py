"""The nightly rule: what was approved and not sent back is warned about, then closed.

Which of both, and when not, is decided by the pure ``clocks.expiry``; extensions move the day.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from returns import case as cases
from returns import verdicts
from returns.clocks import ShipBack, expiry
from returns.models import RMA
from returns.states import State
from returns.workflow import expire_case

log = structlog.get_logger(__name__)
BATCH = 500


def expire_unshipped(now: datetime) -> dict[str, int]:
    """Warn and expire what is due at ``now``; returns how many of each. Safe to run twice."""
    counts = {"warned": 0, "expired": 0}
    system = User.objects.system()
    numbers = list(_candidates())
    for start in range(0, len(numbers), BATCH):
        for verb, done in _batch(numbers[start : start + BATCH], now, system).items():
            counts[verb] += done
    return counts


def _candidates() -> Any:
    """Approved cases near their day; ``expiry`` decides (an extension moves the warning too)."""
    waiting = RMA.objects.filter(state=State.APPROVED, ship_by__isnull=False)
    waiting = waiting.filter(goods_waived_by=None).order_by("ship_by", "id")
    return waiting.values_list("number", flat=True)


def _batch(numbers: list[str], now: datetime, system: User) -> dict[str, int]:
    steps: dict[str, list[cases.Case]] = {"warn": [], "expire": []}
    with trail("expire", by=system, reason="not sent back in time"):
        for case in cases.lock(numbers, by=system):
            case.now = now
            if case.rma.state == State.APPROVED and (step := _step(case)) in steps:
                steps[step].append(case)
        expired = [case for case in steps["expire"] if _expired(case)]
        cases.save(expired)
        with trail("warn", by=system):
            for case in steps["warn"]:
                case.rma.warned_at = now
                case.tell_buyer("expiring")
            cases.save(steps["warn"])
    return {"warned": len(steps["warn"]), "expired": len(expired)}


def _step(case: cases.Case) -> str:
    terms, zone = verdicts.terms(case.rma), ZoneInfo(case.rma.seller.time_zone)
    warned = case.rma.warned_at
    back = ShipBack(
        ship_by=case.rma.ship_by,
        today=case.today,
        warned_on=warned.astimezone(zone).date() if warned else None,
        moving=bool(case.facts.parcels),
        ship_back_days=terms.ship_back_days,
        warn_after_days=terms.warn_after_days,
    )
    return expiry(back)


def _expired(case: cases.Case) -> bool:
    try:
        expire_case(case)
    except Refused as no:  # such as a refund on its way: somebody has to look
        log.info("not_expired", rma=case.rma.number, code=no.code)
        return False
    return True
