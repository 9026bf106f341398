"""Closing what the settlement has confirmed: set-based, as the system actor.

Runs after an import and by the clock; refunds themselves are matched in ``invoicing/matching.py``.
"""

from django.db import connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from returns.next_step import CaseSnapshot, next_step

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
