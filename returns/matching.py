"""Closing what the settlement has confirmed: set-based, as the system actor; and what a case adds
to the match of its refund: RMA lines, receipts, inspections.

Runs after an import and by the clock; refunds themselves are matched in ``invoicing/matching.py``
and compared in ``invoicing/matches``.
"""

from django.db import connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from returns.next_step import CaseSnapshot, next_step
from returns.quantities import CLAIMED_SQL

# Settled: every refund of ours is confirmed or given up, confirmed money is there for every line
# that is owed any (Amazon's word alone is not enough), and the goods are accounted for or waived.
# A failed refund may be approved again: then somebody has to decide first.
_SETTLED = """
r.state = 'refunded'
  AND NOT EXISTS (
    SELECT FROM invoicing_refund f WHERE f.origin = r.number
    AND f.state NOT IN ('confirmed', 'rejected', 'cancelled', 'reversed'))
  AND NOT EXISTS (
    SELECT FROM returns_rmaline l JOIN orders_orderline o ON o.id = l.order_line_id
    WHERE l.rma_id = r.id AND l.approved > l.rejected + l.missing + l.nothing_due
    AND o.item_net + o.item_tax > o.item_promotion_net + o.item_promotion_tax
    AND NOT EXISTS (SELECT FROM invoicing_refundline x JOIN invoicing_refund f ON f.id = x.refund_id
      WHERE x.order_line_id = o.id AND x.live AND f.state = 'confirmed'))
  AND (r.goods_waived_by_id IS NOT NULL OR NOT EXISTS (
    SELECT FROM returns_rmaline l WHERE l.rma_id = r.id
    AND (l.approved > l.received + l.missing OR l.received > l.accepted + l.rejected)))
"""
# Locked first, in the order every verb locks: whoever was faster is seen by the UPDATE.
_LOCK = f"SELECT r.id FROM returns_rma r WHERE {_SETTLED} ORDER BY r.id FOR UPDATE"
_SETTLE = f"""
UPDATE returns_rma AS r
SET state = 'closed', close_reason = 'settled', closed_at = %(now)s, updated_at = %(now)s,
    next_actor = %(actor)s, next_step = %(step)s, due_at = NULL, version = r.version + 1
WHERE r.id = ANY(%(locked)s) AND {_SETTLED}
"""


# What stands beside a refund in a match (see ``invoicing.matches.sql.returns``). Our refunds name
# their case; one of Amazon's belongs to the cases of its order lines, and a case asked for it where
# they claim more units than our own refunds pay for. ``units`` of our case were paid although its
# receipts and inspections allow only ``accepted``; units still on their way are allowed.
MATCH_SIDES = f"""
WITH tied AS (
    SELECT c.id AS refund_id, l.id AS line_id FROM candidate c
    JOIN returns_rma r ON r.number = c.origin JOIN returns_rmaline l ON l.rma_id = r.id
    WHERE c.source = 'retour'
    UNION
    SELECT c.id, l.id FROM candidate c JOIN invoicing_refundline x ON x.refund_id = c.id
    JOIN returns_rmaline l ON l.order_line_id = x.order_line_id
    WHERE c.source = 'amazon'
), line AS (
    SELECT l.id, l.rma_id, l.order_line_id, r.number,
        CASE WHEN r.state = 'requested' THEN 0 ELSE {CLAIMED_SQL} END AS claimed,
        l.approved > l.received + l.missing AND r.goods_waived_by_id IS NULL
            AND ({CLAIMED_SQL}) > 0 AS waits,
        CASE WHEN r.goods_waived_by_id IS NOT NULL THEN l.approved
            ELSE l.approved - l.rejected - l.missing END AS allowed
    FROM returns_rmaline l JOIN returns_rma r ON r.id = l.rma_id
    WHERE l.id IN (SELECT line_id FROM tied)
), paid AS (
    SELECT order_line_id, split_part(origin, '/', 1) AS number, sum(quantity) AS units
    FROM invoicing_refundline
    WHERE live AND component = 'item' AND origin LIKE 'RMA-%%'
      AND order_line_id IN (SELECT order_line_id FROM line) GROUP BY 1, 2
), ours AS (
    SELECT order_line_id, sum(units) AS units FROM paid GROUP BY 1
), too_many AS (
    SELECT paid.number, sum(paid.units) AS units, sum(may.units) AS accepted FROM paid
    JOIN (
        SELECT number, order_line_id, sum(allowed) AS units FROM line GROUP BY 1, 2
    ) may USING (number, order_line_id)
    WHERE paid.units > may.units GROUP BY 1
), claim AS (
    SELECT order_line_id, sum(claimed) AS units FROM line GROUP BY 1
), came AS (
    SELECT line_id, jsonb_agg(id ORDER BY id) AS ids FROM returns_receipt
    WHERE line_id IN (SELECT line_id FROM tied) GROUP BY 1
), graded AS (
    SELECT line_id, jsonb_agg(id ORDER BY id) AS ids FROM returns_inspection
    WHERE line_id IN (SELECT line_id FROM tied) GROUP BY 1
)
SELECT t.refund_id, jsonb_strip_nulls(jsonb_build_object(
        'rma', min(l.number), 'rma_lines', jsonb_agg(l.id ORDER BY l.id),
        'receipts', jsonb_path_query_array(jsonb_agg(came.ids ORDER BY l.id), '$[*][*]'),
        'inspections', jsonb_path_query_array(jsonb_agg(graded.ids ORDER BY l.id), '$[*][*]')
    )) AS sides,
    bool_or(claim.units > COALESCE(ours.units, 0)) AS decided,
    bool_or(l.waits) AS goods_open, min(l.number) FILTER (WHERE l.waits) AS name,
    max(too_many.units)::int AS units, max(too_many.accepted)::int AS accepted
FROM tied t JOIN line l ON l.id = t.line_id
JOIN claim ON claim.order_line_id = l.order_line_id
LEFT JOIN ours ON ours.order_line_id = l.order_line_id
LEFT JOIN candidate c ON c.id = t.refund_id AND c.source = 'retour'
LEFT JOIN too_many ON too_many.number = c.origin
LEFT JOIN came ON came.line_id = l.id LEFT JOIN graded ON graded.line_id = l.id
GROUP BY t.refund_id
"""


def settle_refunded() -> int:
    """refunded → closed (settled) wherever money and goods are seen; returns how many."""
    end = next_step(CaseSnapshot(state="closed", requested_at=timezone.now()))
    values = {"now": timezone.now(), "actor": end.actor, "step": end.sentence}
    with trail("settle", by=User.objects.system()), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        locked = [pk for (pk,) in cursor.fetchall()]
        if not locked:
            return 0
        cursor.execute(_SETTLE, values | {"locked": locked})
        return cursor.rowcount
