"""The buyer's money under Amazon's order-item codes: what helps a person to say which order line a
code is, and what follows from that. The decision itself is a verb of orders.
"""

from django.db.models import DecimalField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from invoicing import tasks
from invoicing.models import MoneyFact
from orders import decisions
from orders.models import Order, OrderLine

_AMOUNT = DecimalField(max_digits=14, decimal_places=2)


def with_money(codes: QuerySet) -> QuerySet:
    """Order-item codes with ``charged`` and ``refunded``, in the order's currency, as settlements
    show the buyer's money under them: Amazon's signs, so a refund is negative.
    """
    return codes.annotate(charged=_sum(Q(is_refund=False)), refunded=_sum(Q(is_refund=True)))


def _sum(which: Q) -> Coalesce:
    facts = MoneyFact.objects.filter(
        which,
        order=OuterRef("order"),
        order_item_code=OuterRef("code"),
        bucket=MoneyFact.Bucket.BUYER,
    ).order_by()
    total = facts.values("order").annotate(total=Sum("amount")).values("total")
    return Coalesce(Subquery(total), 0, output_field=_AMOUNT)


def object_to(line: OrderLine, code: str | None) -> str:
    """Why a line may not have this code: refunds stand on the money of another. Else empty."""
    used = MoneyFact.objects.filter(order_line=line, refund__isnull=False)
    if not used.exclude(order_item_code__in=("", code or "")).exists():
        return ""
    return _("Refunds stand on the money of this line's code. It cannot be changed any more.")


def match_again(order: Order) -> None:
    """Match the money of the order's seller once more, in the background."""
    tasks.publish(tasks.match_refunds, [order.seller_id])


def register() -> None:
    """Follow people's decisions about facts."""
    decisions.followers.append(match_again)
    decisions.objectors.append(object_to)
