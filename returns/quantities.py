"""Which units of an order line are spoken for by RMAs. Pure expressions; the verbs hold the locks.

An open RMA claims what it approved, or what was requested while nobody decided. Declined,
withdrawn and expired RMAs claim nothing. After the goods were rejected the buyer has them again,
so only accepted units stay claimed; an RMA settled or replaced keeps everything but the units that
were rejected or never came, unless the goods were waived: then money was paid for all of them.
"""

from django.db.models import Case, F, IntegerField, Q, QuerySet, Sum, Value, When

from orders.models import OrderLine
from returns.models import RMALine
from returns.states import CloseReason, State

FREED = (CloseReason.DECLINED, CloseReason.WITHDRAWN, CloseReason.EXPIRED)

# The same rule in SQL, for the invariants; l is an RMA line, r its RMA.
CLAIMED_SQL = """
CASE WHEN r.state = 'requested' THEN l.requested
     WHEN r.state <> 'closed' THEN l.approved
     WHEN r.close_reason IN ('declined', 'withdrawn', 'expired') THEN 0
     WHEN r.close_reason = 'goods_rejected' THEN l.accepted
     WHEN r.goods_waived_by_id IS NOT NULL THEN l.approved
     ELSE l.approved - l.rejected - l.missing END
"""


def claimed() -> Case:
    """Units of its order line that an RMA line speaks for, as an expression over RMALine."""
    closed = Q(rma__state=State.CLOSED)
    return Case(
        When(rma__state=State.REQUESTED, then=F("requested")),
        When(~closed, then=F("approved")),
        When(rma__close_reason__in=FREED, then=Value(0)),
        When(rma__close_reason=CloseReason.GOODS_REJECTED, then=F("accepted")),
        When(rma__goods_waived_by__isnull=False, then=F("approved")),
        default=F("approved") - F("rejected") - F("missing"),
        output_field=IntegerField(),
    )


def claimed_by_line(order_line_ids: list[int], but: int | None = None) -> dict[int, int]:
    """Order line id → units claimed by its RMAs, ``but`` one; lines without an RMA are absent."""
    rows: QuerySet = RMALine.objects.filter(order_line_id__in=order_line_ids).order_by()
    if but is not None:
        rows = rows.exclude(rma_id=but)
    sums = rows.values("order_line_id").annotate(units=Sum(claimed()))
    return {row["order_line_id"]: row["units"] for row in sums}


def returnable_of(order_line_ids: list[int]) -> dict[int, int]:
    """Order line id → units that may still be requested; nothing is locked, the verb decides."""
    ordered = dict(OrderLine.objects.filter(pk__in=order_line_ids).values_list("pk", "quantity"))
    taken = claimed_by_line(order_line_ids)
    return {pk: max(0, units - taken.get(pk, 0)) for pk, units in ordered.items()}
