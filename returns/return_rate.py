"""How much of what a buyer ordered came back in the last 90 days, the seller's faults left out.

Expressions for querysets of buyers; units, not money. Nothing here writes, and nothing is ever
refused because of a rate: it makes Today speak up, a person looks and decides.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone

from orders.models import OrderLine
from returns.models import RMALine
from returns.reasons import NOT_THE_BUYER
from returns.states import CloseReason

DAYS = 90
HIGH = Decimal("10")  # percent above which Today speaks up
FEWEST_ORDERS = 3  # one return of a single order says nothing about a buyer
WITHOUT_GOODS = (CloseReason.DECLINED, CloseReason.WITHDRAWN, CloseReason.EXPIRED)


def since(now: datetime | None = None) -> datetime:
    """The beginning of the period."""
    return (now or timezone.now()) - timedelta(days=DAYS)


def ordered_units() -> Coalesce:
    """Units a buyer ordered in the period."""
    return _total(_ordered().annotate(units=Sum("quantity")))


def order_count() -> Coalesce:
    """How many orders with units those were."""
    return _total(_ordered().filter(quantity__gt=0).annotate(units=Count("order", distinct=True)))


def _ordered() -> QuerySet:
    lines = OrderLine.objects.filter(
        order__buyer=OuterRef("pk"), order__purchased_at__gte=since()
    ).order_by()
    return lines.values("order__buyer")


def returned_units() -> Coalesce:
    """Units of a buyer's returns of the period that are the buyer's own choice or fault."""
    lines = _counting().filter(rma__buyer=OuterRef("pk"))
    return _total(lines.values("rma__buyer").annotate(units=Sum("requested")))


def _counting() -> QuerySet:
    return (
        RMALine.objects.filter(rma__opened_at__gte=since())
        .exclude(liability__in=NOT_THE_BUYER)
        .exclude(rma__close_reason__in=WITHOUT_GOODS)
        .order_by()
    )


def _total(sums: QuerySet) -> Coalesce:
    return Coalesce(Subquery(sums.values("units"), output_field=IntegerField()), 0)


def with_rate(buyers: QuerySet) -> QuerySet:
    """Buyers with ``ordered`` and ``returned`` units and ``order_count`` of the period."""
    return buyers.annotate(
        ordered=ordered_units(), returned=returned_units(), order_count=order_count()
    )


def high(buyers: QuerySet) -> QuerySet:
    """The buyers whose rate ``is_high``: two sums over the period, joined once; Today counts it."""
    returned = _counting().exclude(rma__buyer=None).values("rma__buyer")
    ordered = OrderLine.objects.filter(
        order__buyer__isnull=False, order__purchased_at__gte=since(), quantity__gt=0
    )
    parts = (
        returned.annotate(units=Sum("requested")),
        ordered.order_by()
        .values("order__buyer")
        .annotate(units=Sum("quantity"), orders=Count("order", distinct=True)),
    )
    (r, r_values), (o, o_values) = (part.query.sql_with_params() for part in parts)
    above = (
        f"SELECT r.buyer FROM ({r}) AS r (buyer, units) JOIN ({o}) AS o (buyer, units, orders)"
        " ON o.buyer = r.buyer WHERE o.orders >= %s AND r.units * 100 > o.units * %s"
    )
    values = (*r_values, *o_values, FEWEST_ORDERS, HIGH)
    return buyers.filter(pk__in=RawSQL(above, values))  # noqa: S611 nothing typed is in the text


def is_high(order_count: int, ordered: int, returned: int) -> bool:
    """Whether a buyer returns more than ``HIGH`` percent, over enough orders to say so."""
    return order_count >= FEWEST_ORDERS and returned * 100 > ordered * HIGH


def percent(ordered: int, returned: int) -> Decimal | None:
    """Returned of ordered units in percent, one decimal; None where nothing was ordered."""
    if not ordered:
        return None
    return (Decimal(returned) * 100 / ordered).quantize(Decimal("0.1"))
