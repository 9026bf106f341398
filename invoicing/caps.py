"""How much of what a buyer paid is still there to be refunded: per order line and cap group.

Locks and sums; the rule itself is `exceeded`, which is pure. Net and tax are capped each on its
own, so that a refund never gives back tax that was not paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet, Sum

from config.core.money import ZERO, Split, format_money
from invoicing.models import RefundLine
from invoicing.shown import BEYOND
from invoicing.states import CAP_GROUP, Component
from orders.models import OrderLine

Key = tuple[int, str]  # order line id, component or cap group
MEMBERS = {  # cap group → the components that count against what was paid of it
    group: tuple(component for component, of in CAP_GROUP.items() if of == group)
    for group in (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP)
}


def lock_lines(order_ids: Iterable[int]) -> dict[int, OrderLine]:
    """Lock all lines of the orders, in the order of their ids, until the transaction ends.

    Everything that adds money to a line asks here first, so two refunds of one order never add up
    without seeing each other.
    """
    return {line.pk: line for line in _lines(order_ids).select_for_update(no_key=True)}


def read_lines(order_ids: Iterable[int]) -> dict[int, OrderLine]:
    """The same lines as they are now, without a lock: to foresee, never to decide."""
    return {line.pk: line for line in _lines(order_ids)}


def _lines(order_ids: Iterable[int]) -> QuerySet[OrderLine]:
    rows = OrderLine.objects.filter(order_id__in=set(order_ids)).order_by("pk")
    return rows.defer("previous_raw", "row_hash")


def live_sums(line_ids: Iterable[int], *, without: Iterable[int] = ()) -> dict[Key, Split]:
    """Σ net and tax of live refund lines per (order line, component), some refunds left out."""
    rows = (
        RefundLine.objects.filter(order_line_id__in=list(line_ids), live=True)
        .exclude(refund_id__in=list(without))
        .order_by()
        .values_list("order_line_id", "component")
        .annotate(Sum("net"), Sum("tax"))
    )
    return {(line, component): Split(net, tax) for line, component, net, tax in rows}


def exceeded(
    line: OrderLine, taken: Mapping[Key, Split], added: Mapping[Key, Split]
) -> tuple[str, Decimal] | None:
    """The first component of ``line`` whose paid amount would be passed, and the gross left.

    ``taken`` and ``added`` are sums per (line, component). Fees lower the sum of their group, so a
    group may hold item and goodwill; the item itself is capped without them.
    """
    groups = {CAP_GROUP[component] for pk, component in added if pk == line.pk}
    for group in (group for group in MEMBERS if group in groups):
        for members in ((group,), MEMBERS[group]):
            now = _sum(added, line.pk, members)
            if not now:
                continue
            net, tax, _ = line.paid(group)
            paid, before = Split(net, tax), _sum(taken, line.pk, members)
            after = before + now
            if after.net > paid.net or after.tax > paid.tax:
                return group, max((paid - before).gross, ZERO)
    return None


def first_excess(
    lines: Mapping[int, OrderLine], taken: Mapping[Key, Split], added: Mapping[Key, Split]
) -> tuple[OrderLine, str, Decimal] | None:
    """The first order line and group that ``added`` would take above what was paid."""
    for pk in sorted({line for line, _ in added}):
        if found := exceeded(lines[pk], taken, added):
            return lines[pk], *found
    return None


@dataclass(frozen=True)
class Reported:
    """Gross that Amazon calls refunded and no live refund stands for: by which returns report, or
    (``shown``) by the money itself that its files show."""

    gross: Decimal
    report: str
    day: date | None
    shown: bool = False

    @property
    def code(self) -> str:
        """The word of the refusal."""
        return "shown" if self.shown else "reported"


# What we sent before Amazon wrote the report may be the refund it tells of.
_REPORTED = f"""
SELECT a.order_line_id, sum(a.refunded_amount) - coalesce((
        SELECT sum(x.gross) FROM invoicing_refundline x
        JOIN invoicing_refund f ON f.id = x.refund_id
        WHERE x.order_line_id = a.order_line_id AND x.live AND (f.source <> 'retour'
            OR f.sending_at < coalesce(max(m.created_at), now()))), 0) AS gross,
    (array_agg(m.file_name ORDER BY m.created_at DESC NULLS LAST))[1],
    max(coalesce(a.delivered_on, a.requested_on)), false
FROM orders_amazonreturn a LEFT JOIN orders_importfile m ON m.id = a.import_file_id
JOIN orders_orderline l ON l.id = a.order_line_id JOIN orders_order o ON o.id = l.order_id
WHERE a.refunded_amount > 0 AND a.currency IN ('', o.currency) AND a.order_line_id = ANY(%(lines)s)
GROUP BY a.order_line_id
UNION ALL SELECT line, gross, '', day, true FROM ({BEYOND}) beyond
ORDER BY gross
"""


def reported(line_ids: Iterable[int]) -> dict[int, Reported]:
    """Order line → what Amazon tells beyond our rows; one query. The larger of what its returns
    report says and what its money shows: both may tell of the same."""
    with connection.cursor() as cursor:
        cursor.execute(_REPORTED, {"lines": list(line_ids)})
        rows = cursor.fetchall()
    return {
        line: Reported(gross, name or "", day, shown)
        for line, gross, name, day, shown in rows
        if gross > 0
    }


def first_reported(
    lines: Mapping[int, OrderLine],
    taken: Mapping[Key, Split],
    added: Mapping[Key, Split],
    told: Mapping[int, Reported],
) -> tuple[OrderLine, str, Decimal, Reported] | None:
    """The first line and group that ``added`` would take above what was paid with what Amazon tells
    beyond our rows, and the gross left. That counts as item, then shipping, gift wrap."""
    for pk in sorted({line for line, _ in added} & told.keys()):
        unseen = told[pk].gross
        for group, members in MEMBERS.items():
            paid = lines[pk].paid(group)
            left = Split(paid[0], paid[1]).gross - _sum(taken, pk, members).gross
            here = min(unseen, max(left, ZERO))
            unseen -= here
            now = _sum(added, pk, members).gross
            if now > 0 and now > left - here:
                return lines[pk], group, max(left - here, ZERO), told[pk]
    return None


def reported_sentence(
    line: OrderLine, group: str, left: Decimal, told: Reported, currency: str
) -> str:
    """What a person reads when Amazon's returns report, or money it shows, leaves too little."""
    gross, rest = (format_money(one, currency) for one in (told.gross, left))
    only = f"of its {Component(group).label.lower()} amount only {rest} can still be refunded."
    if told.shown:
        return (
            f"Amazon shows {gross} of {line.sku} refunded by {told.day} beyond what our refunds "
            f"stand for: {only} Propose a new amount, or say first what that money means."
        )
    where = f" ({told.report})" if told.report else ""
    return (
        f"Amazon's returns report{where} says that {gross} of {line.sku} went back without us: "
        f"{only} Look at the order in Seller Central, import the settlement, and propose a new "
        "amount."
    )


def sums_of(rows: Iterable) -> dict[Key, Split]:
    """Sums per (order line id, component) of calculated, refund or document lines."""
    total: dict[Key, Split] = defaultdict(Split)
    for row in rows:
        line = row.order_line_id if hasattr(row, "order_line_id") else int(row.order_line)
        total[line, row.component] += Split(row.net, row.tax)
    return dict(total)


def excess_sentence(line: OrderLine, group: str, left: Decimal, currency: str) -> str:
    """What a person reads when a refund does not fit any more."""
    return (
        f"Of the {Component(group).label.lower()} amount of {line.sku} only "
        f"{format_money(left, currency)} can still be refunded. Another refund of this order, ours "
        "or Amazon's, already took the rest: propose a new amount."
    )


def _sum(sums: Mapping[Key, Split], line: int, components: Iterable[str]) -> Split:
    found = [sums[line, component] for component in components if (line, component) in sums]
    return sum(found[1:], found[0]) if found else Split()
