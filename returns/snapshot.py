"""What the pure policy needs to know of a case, read from rows; and the derived columns of an RMA.

``refresh`` ends every verb: next actor, next step, due date, value and search text are computed
here and nowhere else, for one case or for many with the same number of queries.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from config.core.money import ZERO, round_money
from returns.models import RMALine
from returns.next_step import CaseSnapshot, next_step

_FACTS = """
SELECT r.id,
  (SELECT jsonb_agg(jsonb_build_object('id', p.id, 'tracking', p.tracking, 'moves',
     p.shipped_at IS NOT NULL OR p.tracking <> '', 'delivered_at', p.delivered_at) ORDER BY p.id)
     FROM returns_parcel p WHERE p.rma_id = r.id),
  (SELECT jsonb_object_agg(state, n) FROM (SELECT f.state, count(*) AS n
     FROM invoicing_refund f WHERE f.origin = r.number GROUP BY f.state) AS s),
  (SELECT jsonb_object_agg(l.origin, l.units) FROM (SELECT l.origin, max(l.quantity) AS units
     FROM invoicing_refund f JOIN invoicing_refundline l ON l.refund_id = f.id
     WHERE f.origin = r.number AND l.live AND l.component = 'item' GROUP BY l.origin) AS l),
  (SELECT jsonb_object_agg(l.origin, l.units) FROM (SELECT l.origin, max(l.quantity) AS units
     FROM invoicing_refund f JOIN invoicing_refundline l ON l.refund_id = f.id
     WHERE f.origin = r.number AND f.state IN ('sent', 'confirmed') AND l.component = 'item'
     GROUP BY l.origin) AS l),
  (SELECT jsonb_object_agg(a.order_line_id, a.gross) FROM (SELECT l.order_line_id,
     sum(l.gross)::text AS gross FROM invoicing_refundline l
     JOIN invoicing_refund f ON f.id = l.refund_id
     WHERE f.source <> 'retour' AND l.live AND l.component = 'item' AND l.order_line_id IN
       (SELECT order_line_id FROM returns_rmaline WHERE rma_id = r.id)
     GROUP BY l.order_line_id) AS a),
  (SELECT min(x.at) FROM returns_receipt x WHERE x.rma_id = r.id AND x.kind <> 'missing'),
  EXISTS (SELECT FROM invoicing_refund f WHERE f.origin = r.number AND f.state = 'proposed'
     AND f.needs_second),
  (SELECT jsonb_agg(jsonb_build_object('kind', w.kind, 'actor', w.actor, 'sentence', w.sentence)
     ORDER BY w.id) FROM returns_workitem w WHERE w.rma_id = r.id AND w.done_at IS NULL)
FROM returns_rma r WHERE r.id = ANY(%s)
"""


@dataclass
class Seen:
    """What is known of a parcel. ``moves``: handed over, or a label with a tracking number."""

    id: int | None
    tracking: str
    moves: bool
    delivered_at: datetime | None


@dataclass
class Facts:
    """What hangs on an RMA, counted.

    ``live_units`` and ``paid_units``: line position → units that refunds of ours cover, planned
    and sent. ``elsewhere``: order line id → gross that Amazon refunded without us.
    """

    parcels: list[Seen] = field(default_factory=list)
    refunds: dict[str, int] = field(default_factory=dict)
    live_units: dict[int, int] = field(default_factory=dict)
    paid_units: dict[int, int] = field(default_factory=dict)
    elsewhere: dict[int, Decimal] = field(default_factory=dict)
    first_received_at: datetime | None = None
    refund_needs_second: bool = False
    work: list[dict] = field(default_factory=list)

    @property
    def moving(self) -> bool:
        """Whether a parcel is on its way as far as anybody knows."""
        return any(parcel.moves and parcel.delivered_at is None for parcel in self.parcels)

    @property
    def delivered_at(self) -> datetime | None:
        """When the last parcel that arrived was delivered."""
        return max((p.delivered_at for p in self.parcels if p.delivered_at), default=None)


def facts_of(ids: list[int]) -> dict[int, Facts]:
    """RMA id → its facts, in one query whatever the number of ids."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [ids])
        return {row[0]: _facts([_read(cell) for cell in row[1:]]) for row in cursor.fetchall()}


def _read(cell: Any) -> Any:
    """Django leaves jsonb of a raw cursor as text."""
    return json.loads(cell) if isinstance(cell, str) else cell


def _facts(row: list) -> Facts:
    parcels, refunds, live, paid, elsewhere, first_received_at, needs_second, work = row
    return Facts(
        [_parcel(found) for found in parcels or []],
        refunds or {},
        _by_position(live),
        _by_position(paid),
        {int(line): Decimal(gross) for line, gross in (elsewhere or {}).items()},
        first_received_at,
        needs_second,
        work or [],
    )


def _parcel(found: dict) -> Seen:
    delivered = found["delivered_at"]
    at = datetime.fromisoformat(delivered) if delivered else None
    return Seen(found["id"], found["tracking"], found["moves"], at)


def _by_position(units: dict[str, int] | None) -> dict[int, int]:
    """Origins are RMA number, line position and tranche: tranches of a line add up."""
    found: dict[int, int] = {}
    for origin, quantity in (units or {}).items():
        position = int(origin.split("/")[1])
        found[position] = found.get(position, 0) + quantity
    return found


def creditable(line: RMALine) -> int:
    """Units that money is owed for unless they turn out rejected or missing."""
    return line.approved - line.rejected - line.missing


def line_value(line: RMALine) -> Decimal:
    """Gross value of the units that come back, at what was paid for the item; no rounding loss."""
    ordered = line.order_line
    net, tax, _rate = ordered.paid("item")
    units = line.approved if line.rma.approved_at else line.requested
    return (net + tax) * units / max(ordered.quantity, units, 1)


def covered_elsewhere(line: RMALine, facts: Facts) -> int:
    """Units of an RMA line that Amazon's own refunds of the order line pay for in full."""
    ordered, gross = line.order_line, facts.elsewhere.get(line.order_line_id, ZERO)
    net, tax, _rate = ordered.paid("item")
    if not gross or not ordered.quantity or net + tax <= 0:
        return 0
    return min(creditable(line), int(gross * ordered.quantity / (net + tax) + Decimal("0.01")))


def unpaid(line: RMALine, facts: Facts) -> int:
    """Units owed for which neither we nor Amazon sent money."""
    paid = facts.paid_units.get(line.position, 0) + covered_elsewhere(line, facts)
    return max(0, creditable(line) - paid)


def uncredited(line: RMALine, facts: Facts) -> int:
    """Accepted units that no live refund of ours and no refund of Amazon's covers."""
    live = facts.live_units.get(line.position, 0) + covered_elsewhere(line, facts)
    return max(0, line.accepted - live)


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
    )


def _end_of(day: date | None, zone: str) -> datetime | None:
    """The end of a day where the seller is."""
    return datetime.combine(day, time.max, ZoneInfo(zone)).replace(microsecond=0) if day else None


def search_text(rma, lines: list[RMALine], facts: Facts) -> str:
    """What people type to find a case, each word once."""
    words = [rma.number, rma.amazon_rma_id, rma.buyer_reference]
    words += [rma.buyer.legal_name if rma.buyer else ""]
    words += [parcel.tracking for parcel in facts.parcels]
    for line in lines:
        order = line.order_line.order
        words += [order.amazon_order_id, order.po_number, line.order_line.sku]
    return " ".join(dict.fromkeys(word for word in words if word))
