"""What the pure policy needs to know of a case, read from rows; and the derived columns of an RMA.

``refresh`` ends every verb: next actor, next step, due date, value and search text are computed
here and nowhere else, for one case or for many with the same number of queries.
"""

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from config.core.money import ZERO, round_money
from returns.facts import Facts
from returns.models import RMALine
from returns.next_step import CaseSnapshot, next_step
from returns.states import State

SLACK = Decimal("0.01")  # rounding of an amount, as a part of a unit


def creditable(line: RMALine) -> int:
    """Units that money is owed for unless they turn out rejected or missing."""
    return line.approved - line.rejected - line.missing - line.nothing_due


def line_value(line: RMALine) -> Decimal:
    """Gross value of the units that come back, at what was paid for the item; no rounding loss."""
    ordered = line.order_line
    net, tax, _rate = ordered.paid("item")
    units = line.approved if line.rma.approved_at else line.requested
    return (net + tax) * units / max(ordered.quantity, units, 1)


def covered_elsewhere(line: RMALine, facts: Facts) -> int:
    """Units of an RMA line that money from Amazon pays for, as settlements or returns reports say.

    A settlement names no RMA: its money counts for the oldest units first.
    """
    return max(settled_elsewhere(line, facts), _told(line, facts))


def settled_elsewhere(line: RMALine, facts: Facts) -> int:
    """Units that a refund of Amazon's on record pays for."""
    net, tax, _rate = line.order_line.paid("item")
    if net + tax <= 0:
        return 0
    seen = facts.elsewhere.get(line.order_line_id, ZERO)
    units = int(seen * line.order_line.quantity / (net + tax) + SLACK)
    units -= facts.earlier.get(line.order_line_id, 0)
    return max(0, min(claimed_units(line), units))


def _told(line: RMALine, facts: Facts) -> int:
    """Units that Amazon's returns report calls refunded, whether or not a settlement shows it."""
    net, tax, _rate = line.order_line.paid("item")
    said, units = facts.said.get(line.position, ZERO), claimed_units(line)
    if said <= 0 or net + tax <= 0:
        return 0
    ordered = line.order_line.quantity
    # the report's amount is net where prices are: net for all units means all units
    if said + SLACK >= net * units / ordered:
        return units
    return min(units, int(said * ordered / (net + tax) + SLACK))


def is_free(line: RMALine) -> bool:
    """Whether nothing was paid for the item, so that nothing can be owed."""
    net, tax, _rate = line.order_line.paid("item")
    return net + tax <= 0


def claimed_units(line: RMALine) -> int:
    """Units that money is or may be owed for: requested ones while nobody decided."""
    return line.requested if line.rma.state == State.REQUESTED else creditable(line)


def paid(line: RMALine, facts: Facts) -> int:
    """Units that money was sent for, by us or by Amazon."""
    return facts.paid_units.get(line.position, 0) + covered_elsewhere(line, facts)


def unpaid(line: RMALine, facts: Facts) -> int:
    """Units owed for which neither we nor Amazon sent money."""
    return 0 if is_free(line) else max(0, creditable(line) - paid(line, facts))


def unseen(line: RMALine, facts: Facts) -> int:
    """Units owed for which no refund on record paid: Amazon's returns report alone is not money."""
    seen = facts.paid_units.get(line.position, 0) + settled_elsewhere(line, facts)
    return 0 if is_free(line) else max(0, creditable(line) - seen)


def uncredited(line: RMALine, facts: Facts) -> int:
    """Accepted units that no live refund of ours and no refund of Amazon's covers."""
    live = facts.live_units.get(line.position, 0) + covered_elsewhere(line, facts)
    return 0 if is_free(line) else max(0, line.accepted - line.nothing_due - live)


def refresh(cases: Iterable[Any]) -> None:
    """Recompute the derived columns of every case from its lines and facts."""
    for case in cases:
        rma, lines = case.rma, case.lines
        rma.value = round_money(sum((line_value(line) for line in lines), ZERO), rma.currency)
        rma.search = search_text(rma, lines, case.facts)
        step = next_step(of(case))
        rma.next_actor, rma.next_step, rma.due_at = step.actor, step.sentence[:200], step.due


def of(case: Any) -> CaseSnapshot:
    """The pure picture of a case. A missing address is a work item beside it, not a block."""
    rma, facts = case.rma, case.facts
    sums = {
        name: sum(getattr(line, name) for line in case.lines)
        for name in ("requested", "approved", "received", "missing", "accepted", "rejected")
    }
    return CaseSnapshot(
        state=rma.state,
        requested_at=rma.opened_at,
        **sums,
        uncredited=sum(uncredited(line, facts) for line in case.lines),
        refunds=facts.refunds,
        refund_needs_second=facts.refund_needs_second,
        approval_needs_second=bool(rma.verdict.get("needs_second")),
        facts_incomplete=not all(order.facts_complete for order in case.orders),
        ship_by=_end_of(rma.ship_by, rma.seller.time_zone),
        shipped_at=rma.shipped_at,
        delivered_at=facts.delivered_at,
        first_received_at=facts.first_received_at,
        missing_after_days=rma.policy.missing_after_days if rma.policy else 21,
        goods_expected=rma.goods_waived_by_id is None,
        amazon_refunds=all(order.channel == "AFN" for order in case.orders),
    )


def _end_of(day: date | None, zone: str) -> datetime | None:
    """The end of a day where the seller is."""
    return datetime.combine(day, time.max, ZoneInfo(zone)).replace(microsecond=0) if day else None


def search_text(rma, lines: list[RMALine], facts: Facts) -> str:
    """What people type to find a case, each word once, in capitals: a database without a locale
    would not fold letters such as ü.
    """
    words = [rma.number, rma.amazon_rma_id, rma.buyer_reference]
    words += [rma.buyer.legal_name if rma.buyer else ""]
    words += [parcel.tracking for parcel in facts.parcels]
    for line in lines:
        order = line.order_line.order
        words += [order.amazon_order_id, order.po_number, line.order_line.sku]
    return " ".join(dict.fromkeys(word for word in words if word)).upper()
