"""What hangs on an RMA in other tables, counted: parcels, refunds. One query for any N.

Only reads. What the counts mean for a case is in ``snapshot.py``.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from returns.quantities import CLAIMED_SQL

_OLDER = CLAIMED_SQL.replace("r.", "o.")  # the same rule for an older RMA o
# What Amazon's report calls refunded may be money we sent: what left before that report is ours.
_OURS_SAID = """(SELECT coalesce(sum(x.gross), 0) FROM invoicing_refundline x
  JOIN invoicing_refund f ON f.id = x.refund_id
  WHERE f.origin = r.number AND x.origin LIKE r.number || '/' || l.position || '/%%'
  AND x.live AND f.sending_at < coalesce(m.created_at, now()))"""
_FACTS = f"""
SELECT r.id,
  (SELECT jsonb_agg(jsonb_build_object('id', p.id, 'tracking', p.tracking, 'moves',
     p.shipped_at IS NOT NULL OR p.tracking <> '', 'delivered_at', p.delivered_at,
     'label_cost', CASE WHEN p.label_payer = 'seller' THEN p.label_cost::text END) ORDER BY p.id)
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
  (SELECT jsonb_object_agg(e.order_line_id, e.units) FROM (SELECT l.order_line_id,
     sum(greatest(0, ({_OLDER}) - (SELECT coalesce(sum(i.quantity), 0)
       FROM invoicing_refundline i WHERE i.live AND i.component = 'item'
       AND i.order_line_id = l.order_line_id
       AND i.origin LIKE o.number || '/' || l.position || '/%%')
     )) AS units FROM returns_rmaline l JOIN returns_rma o ON o.id = l.rma_id AND o.id < r.id
     WHERE l.order_line_id IN (SELECT x.order_line_id FROM returns_rmaline m
       JOIN invoicing_refundline x ON x.order_line_id = m.order_line_id AND x.live
       JOIN invoicing_refund f ON f.id = x.refund_id AND f.source <> 'retour'
       WHERE m.rma_id = r.id) GROUP BY l.order_line_id) AS e),
  (SELECT jsonb_object_agg(l.position, (a.refunded_amount - {_OURS_SAID})::text)
     FROM returns_rmaline l
     JOIN orders_amazonreturn a ON a.id = l.amazon_return_id AND a.refunded_amount > 0
     LEFT JOIN orders_importfile m ON m.id = a.import_file_id WHERE l.rma_id = r.id),
  (SELECT jsonb_object_agg(s.order_line_id, s.unseen::text) FROM (SELECT a.order_line_id,
     sum(a.refunded_amount) - (SELECT coalesce(sum(x.gross), 0) FROM invoicing_refundline x
       JOIN invoicing_refund f ON f.id = x.refund_id WHERE x.order_line_id = a.order_line_id
       AND x.live AND (f.source <> 'retour' OR f.sending_at < coalesce(max(m.created_at), now()))
     ) AS unseen
     FROM orders_amazonreturn a LEFT JOIN orders_importfile m ON m.id = a.import_file_id
     WHERE a.refunded_amount > 0 AND a.order_line_id IN
       (SELECT order_line_id FROM returns_rmaline WHERE rma_id = r.id)
     GROUP BY a.order_line_id) AS s WHERE s.unseen > 0),
  (SELECT min(x.at) FROM returns_receipt x WHERE x.rma_id = r.id AND x.kind <> 'missing'),
  EXISTS (SELECT FROM invoicing_refund f WHERE f.origin = r.number AND f.state = 'proposed'
     AND f.needs_second)
FROM returns_rma r WHERE r.id = ANY(%s)
"""


@dataclass
class Seen:
    """What is known of a parcel. ``moves``: handed over, or a label with a tracking number."""

    id: int | None
    tracking: str
    moves: bool
    delivered_at: datetime | None
    label_cost: Decimal | None = None


@dataclass
class Facts:
    """What hangs on an RMA, counted.

    ``live_units`` and ``paid_units``: line position → units that refunds of ours cover, planned
    and sent. ``elsewhere``: order line id → gross that Amazon refunded without us;
    ``earlier``: order line id → units of older RMAs that such money is counted for first.
    ``said``: line position → amount that Amazon's returns report calls refunded, ours left out;
    ``unseen``: order line id → what all its reports call refunded and no refund stands for.
    """

    parcels: list[Seen] = field(default_factory=list)
    refunds: dict[str, int] = field(default_factory=dict)
    live_units: dict[int, int] = field(default_factory=dict)
    paid_units: dict[int, int] = field(default_factory=dict)
    elsewhere: dict[int, Decimal] = field(default_factory=dict)
    earlier: dict[int, int] = field(default_factory=dict)
    said: dict[int, Decimal] = field(default_factory=dict)
    unseen: dict[int, Decimal] = field(default_factory=dict)
    first_received_at: datetime | None = None
    refund_needs_second: bool = False

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
    parcels, refunds, live, paid, elsewhere, earlier, said, unseen, *rest = row
    first_received_at, needs_second = rest
    return Facts(
        [_parcel(found) for found in parcels or []],
        refunds or {},
        _by_position(live),
        _by_position(paid),
        {int(line): Decimal(gross) for line, gross in (elsewhere or {}).items()},
        {int(line): int(units) for line, units in (earlier or {}).items()},
        {int(position): Decimal(amount) for position, amount in (said or {}).items()},
        {int(line): Decimal(amount) for line, amount in (unseen or {}).items()},
        first_received_at,
        needs_second,
    )


def _parcel(found: dict) -> Seen:
    delivered = found["delivered_at"]
    at = datetime.fromisoformat(delivered) if delivered else None
    cost = Decimal(found["label_cost"]) if found["label_cost"] else None
    return Seen(found["id"], found["tracking"], found["moves"], at, cost)


def _by_position(units: dict[str, int] | None) -> dict[int, int]:
    """Origins are RMA number, line position and tranche: tranches of a line add up."""
    found: dict[int, int] = {}
    for origin, quantity in (units or {}).items():
        position = int(origin.split("/")[1])
        found[position] = found.get(position, 0) + quantity
    return found
