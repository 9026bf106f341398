"""What the rows of the process promise, recomputed from the rows (``manage.py check_invariants``).

Constraints and triggers keep most of it from breaking; this finds what went past them.
"""

from collections.abc import Iterable

from cattrs import BaseValidationError
from django.apps import apps

from config.core import invariants
from config.core.invariants import Promise
from invoicing.models import Refund
from returns import case as cases
from returns import snapshot, why
from returns.models import RMA
from returns.quantities import CLAIMED_SQL

_LINE = "SELECT l.id AS line, r.number, l.position"
_JOIN = " FROM returns_rmaline l JOIN returns_rma r ON r.id = l.rma_id"
NOTHING = "SELECT 1 AS nothing WHERE false"
CHUNK = 1_000

_RECEIPTS = f"""
SELECT l.id AS line, r.number, l.received, l.missing, s.came, s.lost {_JOIN}
LEFT JOIN (SELECT line_id,
    sum(quantity) FILTER (WHERE kind IN ('received', 'found')) AS came,
    coalesce(sum(quantity) FILTER (WHERE kind = 'missing'), 0)
      - coalesce(sum(quantity) FILTER (WHERE kind = 'found'), 0) AS lost
  FROM returns_receipt GROUP BY line_id) s ON s.line_id = l.id
WHERE l.received <> coalesce(s.came, 0) OR l.missing <> coalesce(s.lost, 0)
"""
_INSPECTIONS = f"""
SELECT l.id AS line, r.number, l.accepted, l.rejected, s.good, s.bad {_JOIN}
LEFT JOIN (SELECT line_id,
    sum(quantity) FILTER (WHERE disposition <> 'reject') AS good,
    sum(quantity) FILTER (WHERE disposition = 'reject') AS bad
  FROM returns_inspection GROUP BY line_id) s ON s.line_id = l.id
WHERE l.accepted <> coalesce(s.good, 0) OR l.rejected <> coalesce(s.bad, 0)
"""
_ORDERED = f"""
SELECT o.id AS order_line, o.quantity AS ordered, sum({CLAIMED_SQL}) AS claimed {_JOIN}
JOIN orders_orderline o ON o.id = l.order_line_id
JOIN orders_order h ON h.id = o.order_id AND h.facts_complete
WHERE NOT EXISTS (SELECT FROM returns_workitem w
  WHERE w.rma_id = r.id AND w.kind IN ('identity', 'incomplete') AND w.done_at IS NULL)
GROUP BY o.id HAVING sum({CLAIMED_SQL}) > o.quantity
"""
# Units that arrived after they were given up may wait for inspection in an inspected case.
_INSPECTED = f"""
{_LINE} {_JOIN} WHERE r.state = 'inspected' AND (l.approved <> l.received + l.missing
  OR l.received - l.accepted - l.rejected > (SELECT coalesce(sum(x.quantity), 0)
    FROM returns_receipt x WHERE x.line_id = l.id AND x.kind = 'found'))
"""
_REFUNDED = f"""
{_LINE} {_JOIN} JOIN orders_orderline o ON o.id = l.order_line_id
WHERE (r.state = 'refunded' OR r.close_reason = 'settled')
AND o.item_net + o.item_tax > o.item_promotion_net + o.item_promotion_tax
AND l.approved - l.rejected - l.missing - l.nothing_due > (SELECT coalesce(sum(x.quantity), 0)
  FROM invoicing_refundline x JOIN invoicing_refund f ON f.id = x.refund_id
  WHERE f.origin = r.number AND x.origin LIKE r.number || '/' || l.position || '/%'
  AND x.component = 'item' AND f.state IN ('sent', 'confirmed'))
AND NOT EXISTS (SELECT FROM invoicing_refundline x JOIN invoicing_refund f ON f.id = x.refund_id
  WHERE x.order_line_id = o.id AND x.live AND f.source <> 'retour')
AND NOT EXISTS (SELECT FROM orders_amazonreturn a
  WHERE a.id = l.amazon_return_id AND a.refunded_amount > 0)
"""
_SETTLED = """
SELECT r.number FROM returns_rma r WHERE r.close_reason = 'settled' AND (EXISTS (
    SELECT FROM invoicing_refund f WHERE f.origin = r.number
    AND f.state IN ('proposed', 'approved', 'sending', 'sent', 'unknown'))
  OR (r.goods_waived_by_id IS NULL AND EXISTS (SELECT FROM returns_rmaline l
    WHERE l.rma_id = r.id
    AND (l.approved <> l.received + l.missing OR l.received <> l.accepted + l.rejected))))
"""
_PARTIES = f"""
SELECT r.number, o.amazon_order_id {_JOIN}
JOIN orders_orderline i ON i.id = l.order_line_id JOIN orders_order o ON o.id = i.order_id
WHERE o.facts_complete AND (o.seller_id <> r.seller_id OR o.buyer_id <> r.buyer_id
  OR o.marketplace_id <> r.marketplace_id OR o.currency <> r.currency)
"""
_NUMBERS = """
SELECT coalesce(n.name, c.name) AS series, c.value AS given_out, n.used
FROM (SELECT 'rma:' || split_part(number, '-', 2) AS name, count(*) AS used,
    max(split_part(number, '-', 3)::int) AS last FROM returns_rma GROUP BY 1) n
FULL JOIN (SELECT * FROM core_counter WHERE name LIKE 'rma:%') c ON c.name = n.name
WHERE c.value IS DISTINCT FROM n.used OR c.value IS DISTINCT FROM n.last
"""


def _tracked() -> list[str]:
    """Tables of the process that the trail records."""
    return [
        model._meta.db_table
        for model in apps.get_app_config("returns").get_models()
        if model._meta.managed and not hasattr(model, "pgh_tracked_model")
    ]


def trail_sql() -> str:
    """Rows the trail does not know, and entries that do not say which verb, by whom."""
    parts = []
    for table in _tracked():
        parts.append(
            f"SELECT '{table}' AS table, t.id::text AS row, 'no entry' AS what FROM {table} t"
            f" WHERE NOT EXISTS (SELECT FROM {table}event e WHERE e.pgh_obj_id = t.id)"
        )
        parts.append(
            f"SELECT '{table}', e.pgh_obj_id::text, 'no verb' FROM {table}event e"
            " WHERE e.pgh_context IS NULL OR coalesce(e.pgh_context->>'verb', '') = ''"
        )
    parts.append(
        "SELECT 'returns_rma', r.id::text, 'state differs' FROM returns_rma r JOIN LATERAL"
        " (SELECT e.state FROM returns_rmaevent e WHERE e.pgh_obj_id = r.id"
        " ORDER BY e.pgh_id DESC LIMIT 1) e ON e.state <> r.state"
    )
    return " UNION ALL ".join(parts)


def next_step_sql() -> str:
    """Open cases whose stored next step is not what the rows say now."""
    found, last = [], 0
    waiting = RMA.objects.open().select_related(*cases.JOINED).order_by("pk")
    while batch := list(waiting.filter(pk__gt=last)[:CHUNK]):
        found += [case.rma.number for case in cases.load(batch, by=None) if _is_stale(case)]
        last = batch[-1].pk
    return _named("number", found)


def _is_stale(case: cases.Case) -> bool:
    rma = case.rma
    stored = (rma.next_actor, rma.next_step, rma.due_at)
    snapshot.refresh([case])
    return stored != (rma.next_actor, rma.next_step, rma.due_at)


def recalculated_sql() -> str:
    """Refunds whose kept inputs, calculated again, give another cent, line or sentence.

    Every one there is, streamed: a chunk of rows in memory at a time, however many were refunded.
    """
    kept = Refund.objects.exclude(basis={}).only("key", "basis", "calculation", "gross")
    rows = kept.order_by().iterator(chunk_size=CHUNK)
    return _named("refund", (str(one.key) for one in rows if not _same_cent(one)))


def _same_cent(refund: Refund) -> bool:
    try:
        return why.recomputed(refund).same is True
    except (ValueError, ArithmeticError, LookupError, BaseValidationError):
        return False  # what cannot be calculated any more is not the same either


def _named(column: str, values: Iterable[str]) -> str:
    """A query with these values, which are our own, as rows; of none, one without rows."""
    names = ", ".join(f"'{value}'" for value in values)
    return f"SELECT unnest(ARRAY[{names}]) AS {column}" if names else NOTHING


PROMISES = (
    Promise(
        "rma_quantities_nest",
        "Requested ≥ approved ≥ received + missing, received ≥ accepted + rejected, and accepted ≥"
        " what nothing is due for.",
        f"{_LINE} {_JOIN} WHERE l.approved > l.requested OR l.received + l.missing > l.approved"
        " OR l.accepted + l.rejected > l.received OR l.nothing_due > l.accepted",
    ),
    Promise("rma_receipts_add_up", "Received and missing are sums over receipts.", _RECEIPTS),
    Promise(
        "rma_inspections_add_up",
        "Accepted and rejected are sums over inspections by disposition.",
        _INSPECTIONS,
    ),
    Promise(
        "rma_units_within_order",
        "The RMAs of an order line never claim more units than were ordered.",
        _ORDERED,
    ),
    Promise(
        "rma_inspected_is_accounted_for",
        "In an inspected RMA every approved unit was inspected or never came.",
        _INSPECTED,
    ),
    Promise(
        "rma_refunded_is_paid",
        "In a refunded or settled RMA no unit is owed money that was not sent.",
        _REFUNDED,
    ),
    Promise(
        "rma_settled_is_seen",
        "In a settled RMA all money is confirmed, and goods are accounted for or waived.",
        _SETTLED,
    ),
    Promise(
        "rma_closed_has_reason",
        "An RMA has a close reason and a closing time when, and only when, it is closed.",
        "SELECT r.number FROM returns_rma r WHERE (r.state = 'closed') <> (r.close_reason <> '')"
        " OR (r.state = 'closed') <> (r.closed_at IS NOT NULL)",
    ),
    Promise(
        "rma_has_one_of_each_party",
        "All lines of an RMA have its seller, buyer, marketplace and currency.",
        _PARTIES,
    ),
    Promise("rma_numbers_have_no_gap", "RMA numbers of a year run from 1 without a gap.", _NUMBERS),
    Promise(
        "rma_next_step_is_current",
        "The stored next step of an open RMA is what its rows say.",
        next_step_sql,
    ),
    Promise(
        "refund_recalculates",
        "A refund calculated again from the inputs it kept gives the same cent, line by line.",
        recalculated_sql,
    ),
    Promise(
        "returns_trail_is_complete",
        "Every row of the process is in the trail, and every entry says which verb.",
        trail_sql,
    ),
)


def register() -> None:
    """Offer the room's promises to ``check_invariants``."""
    invariants.register(*PROMISES)
