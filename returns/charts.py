"""The figures finance looks at: refunds by week and status, how long cases take, what they cost.

Reads only; three queries over the last half year, whatever the tables hold. Weeks begin on Monday,
in UTC. What a chart looks like is in ``config/core/charts.py``.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.charts import Chart, Series, side_by_side, stacked
from returns.states import Liability

WEEKS = 26
STATUSES = {
    "done": gettext_lazy("Paid"),
    "open": gettext_lazy("In work"),
    "trouble": gettext_lazy("Failed or unknown"),
    "amazon": gettext_lazy("Made at Amazon"),
    "ended": gettext_lazy("Rejected, cancelled, reversed"),
}
_SCOPE = """(%(seller)s::bigint IS NULL OR {0}.seller_id = %(seller)s)
  AND (%(marketplace)s::bigint IS NULL OR {0}.marketplace_id = %(marketplace)s)"""
_BY_WEEK = f"""
SELECT date_trunc('week', r.proposed_at AT TIME ZONE 'UTC')::date AS week,
    CASE WHEN r.state IN ('rejected', 'cancelled', 'reversed') THEN 'ended'
        WHEN r.source <> 'retour' THEN 'amazon'
        WHEN r.state IN ('sent', 'confirmed') THEN 'done'
        WHEN r.state IN ('failed', 'unknown') THEN 'trouble' ELSE 'open' END AS status,
    count(*) AS refunds
FROM invoicing_refund r WHERE r.proposed_at >= %(since)s AND {_SCOPE.format("r")}
GROUP BY 1, 2
"""
_CYCLE = f"""
SELECT date_trunc('week', r.refunded_at AT TIME ZONE 'UTC')::date AS week,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY r.refunded_at - r.opened_at) AS half,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY r.refunded_at - r.opened_at) AS most
FROM returns_rma r WHERE r.refunded_at >= %(since)s AND {_SCOPE.format("r")}
GROUP BY 1
"""
# What a case's refund took back from the buyer's price and what it gave: fees stand as negative.
_BY_CAUSE = f"""
SELECT r.currency, COALESCE(line.liability, 'none') AS cause,
    COALESCE(sum(rl.net) FILTER (WHERE rl.component = 'item'), 0) AS goods,
    COALESCE(sum(rl.net) FILTER (WHERE rl.component IN ('shipping', 'gift_wrap')), 0) AS freight,
    COALESCE(sum(rl.net) FILTER (WHERE rl.component = 'goodwill'), 0) AS goodwill,
    -COALESCE(sum(rl.net) FILTER (
        WHERE rl.component IN ('restocking_fee', 'return_freight')), 0) AS kept
FROM invoicing_refund r JOIN invoicing_refundline rl ON rl.refund_id = r.id
LEFT JOIN returns_rma rma ON rma.number = r.origin
LEFT JOIN returns_rmaline line ON line.rma_id = rma.id
    AND line.position::text = split_part(rl.origin, '/', 2)
WHERE r.proposed_at >= %(since)s AND r.state IN ('sent', 'confirmed')
    AND r.source IN ('retour', 'amazon') AND {_SCOPE.format("r")}
GROUP BY 1, 2 ORDER BY 1, 2
"""
DAY = Decimal(86_400)


@dataclass(frozen=True)
class Scope:
    """Whose figures: ids of a seller and a marketplace, None for all."""

    seller: int | None = None
    marketplace: int | None = None


def charts(scope: Scope, today: date) -> list[tuple[str, Chart]]:
    """All charts with a name each: by week, cycle time, and one of cost for each currency."""
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    weeks = [first + timedelta(weeks=number) for number in range(WEEKS)]
    params = {"since": first, "seller": scope.seller, "marketplace": scope.marketplace}
    return [
        ("weeks", _by_week(weeks, params)),
        ("cycle", _cycle_time(weeks, params)),
        *_by_cause(params),
    ]


def _by_week(weeks: list[date], params: dict[str, Any]) -> Chart:
    found = {(week, status): number for week, status, number in _rows(_BY_WEEK, params)}
    series = [
        Series(key, str(label), [found.get((week, key), 0) for week in weeks])
        for key, label in STATUSES.items()
    ]
    return stacked(_("Refunds by week and status"), _names(weeks), series)


def _cycle_time(weeks: list[date], params: dict[str, Any]) -> Chart:
    found = {week: (_days(half), _days(most)) for week, half, most in _rows(_CYCLE, params)}
    nothing = (Decimal(0), Decimal(0))
    series = [
        Series("half", _("Half of the cases"), [found.get(week, nothing)[0] for week in weeks]),
        Series("most", _("Nine of ten"), [found.get(week, nothing)[1] for week in weeks]),
    ]
    return side_by_side(_("Days from request to refund, by week"), _names(weeks), series)


def _by_cause(params: dict[str, Any]) -> list[tuple[str, Chart]]:
    """A currency has a chart of its own: amounts of two are never added."""
    by_currency: dict[str, list[tuple]] = {}
    for currency, *rest in _rows(_BY_CAUSE, params):
        by_currency.setdefault(currency, []).append(tuple(rest))
    labels = {**dict(Liability.choices), "none": _("No return")}
    names = ("goods", "freight", "goodwill", "kept")
    said = (_("Goods"), _("Freight"), _("Goodwill"), _("Fees kept"))
    return [
        (
            f"cause-{currency}",
            side_by_side(
                _("Cost by who is liable, net, in %(currency)s") % {"currency": currency},
                [str(labels.get(row[0], row[0])) for row in rows],
                [
                    Series(name, label, [row[place] for row in rows])
                    for place, (name, label) in enumerate(zip(names, said, strict=True), start=1)
                ],
            ),
        )
        for currency, rows in by_currency.items()
    ]


def _names(weeks: list[date]) -> list[str]:
    return [date_format(week, "j M") for week in weeks]


def _days(span: timedelta) -> Decimal:
    return (Decimal(int(span.total_seconds())) / DAY).quantize(Decimal("0.1"))


def _rows(statement: str, params: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
