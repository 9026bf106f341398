"""How much of what a buyer ordered came back in the last 90 days, the seller's faults left out.

Expressions for querysets of buyers; units, not money. Nothing here writes.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from orders.models import Buyer, OrderLine
from returns.models import RMALine
from returns.reasons import NOT_THE_BUYER
from returns.states import CloseReason

DAYS = 90
HIGH = Decimal("10")  # percent above which Today speaks up
WITHOUT_GOODS = (CloseReason.DECLINED, CloseReason.WITHDRAWN, CloseReason.EXPIRED)


def since(now: datetime | None = None) -> datetime:
    """The beginning of the period."""
    return (now or timezone.now()) - timedelta(days=DAYS)


def ordered_units() -> Coalesce:
    """Units a buyer ordered in the period."""
    lines = OrderLine.objects.filter(
        order__buyer=OuterRef("pk"), order__purchased_at__gte=since()
    ).order_by()
    return _total(lines.values("order__buyer").annotate(units=Sum("quantity")))


def returned_units() -> Coalesce:
    """Units of a buyer's returns of the period that are the buyer's own choice or fault."""
    lines = (
        RMALine.objects.filter(rma__buyer=OuterRef("pk"), rma__opened_at__gte=since())
        .exclude(liability__in=NOT_THE_BUYER)
        .exclude(rma__close_reason__in=WITHOUT_GOODS)
        .order_by()
    )
    return _total(lines.values("rma__buyer").annotate(units=Sum("requested")))


def _total(sums: QuerySet) -> Coalesce:
    return Coalesce(Subquery(sums.values("units"), output_field=IntegerField()), 0)


def with_rate(buyers: QuerySet) -> QuerySet:
    """Buyers with ``ordered`` and ``returned`` units of the period."""
    return buyers.annotate(ordered=ordered_units(), returned=returned_units())


def percent(ordered: int, returned: int) -> Decimal | None:
    """Returned of ordered units in percent, one decimal; None where nothing was ordered."""
    if not ordered:
        return None
    return (Decimal(returned) * 100 / ordered).quantize(Decimal("0.1"))


def of(buyer: Buyer) -> tuple[int, int, Decimal | None]:
    """Ordered units, returned units and the rate of one buyer."""
    row = with_rate(Buyer.objects.filter(pk=buyer.pk)).values_list("ordered", "returned").get()
    return (*row, percent(*row))
