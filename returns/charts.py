"""The figures finance looks at: refunds by week and status, how long cases take, what they cost.

Reads only; three queries over the last half year, whatever the tables hold. Weeks begin on Monday,
in UTC; costs are the cost report's own. What a chart looks like is in ``config/core/charts.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.charts import Chart, Series, side_by_side, stacked
from returns import cost_report
from returns.cost_sql import COSTS
from returns.reasons import BY_LABEL, reason_label
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
BY = {"cause": gettext_lazy("Cause"), "liability": gettext_lazy("Who is liable")}
MOST_BARS = 8
_COSTS = {
    "goods": gettext_lazy("Goods"),
    "freight": gettext_lazy("Freight"),
    "goodwill": gettext_lazy("Goodwill"),
    "kept": gettext_lazy("Fees kept"),
    "label": gettext_lazy("Return labels"),
    "labour": gettext_lazy("Labour"),
    "processing": gettext_lazy("Amazon fees"),
    "fx": gettext_lazy("Exchange difference"),
    "difference": gettext_lazy("Accepted difference"),
    "reimbursed": gettext_lazy("Reimbursed by Amazon"),
}
DAY = Decimal(86_400)


@dataclass(frozen=True)
class Scope:
    """Whose figures: ids of a seller and a marketplace, None for all."""

    seller: int | None = None
    marketplace: int | None = None


def charts(scope: Scope, today: date, cost_by: str | None = None) -> list[tuple[str, Chart]]:
    """All charts with a name each: by week, cycle time, and of cost one for each currency, by
    ``cost_by`` (a key of ``BY``; None leaves costs out).
    """
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    weeks = [first + timedelta(weeks=number) for number in range(WEEKS)]
    params = {"since": first, "seller": scope.seller, "marketplace": scope.marketplace}
    return [
        ("weeks", _by_week(weeks, params)),
        ("cycle", _cycle_time(weeks, params)),
        *(_costs(params | {"from": first, "to": today}, cost_by) if cost_by else ()),
    ]


def _by_week(weeks: list[date], params: dict[str, Any]) -> Chart:
    found = {(week, status): number for week, status, number in _rows(_BY_WEEK, params)}
    series = [
        Series(key, str(label), [found.get((week, key), 0) for week in weeks])
        for key, label in STATUSES.items()
    ]
    links = [
        _to("invoicing:refunds", proposed_after=week, proposed_before=week + timedelta(days=6))
        for week in weeks
    ]
    return stacked(_("Refunds by week and status"), _names(weeks), series, links)


def _cycle_time(weeks: list[date], params: dict[str, Any]) -> Chart:
    found = {week: (_days(half), _days(most)) for week, half, most in _rows(_CYCLE, params)}
    nothing = (Decimal(0), Decimal(0))
    series = [
        Series("half", _("Half of the cases"), [found.get(week, nothing)[0] for week in weeks]),
        Series("most", _("Nine of ten"), [found.get(week, nothing)[1] for week in weeks]),
    ]
    return side_by_side(_("Days from request to refund, by week"), _names(weeks), series)


def _costs(params: dict[str, Any], by: str) -> list[tuple[str, Chart]]:
    """A currency has a chart of its own: amounts of two are never added."""
    with connection.cursor() as cursor:
        found = cost_report.summed(cursor, params, by)
    bars: dict[str, dict[str, Bar]] = {}
    for currency, value, *amounts in found:
        label = _label(by, value)
        bar = bars.setdefault(currency, {}).setdefault(label, Bar(label, _cases(by, value)))
        bar.add(amounts)
    return [(f"cost-{currency}", _cost(currency, by, list(of.values()))) for currency, of in
            bars.items()]  # fmt: skip


@dataclass
class Bar:
    """What returns of one cause cost, in the order of ``cost_sql.COSTS``."""

    label: str
    link: str = ""
    amounts: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * len(COSTS))

    def add(self, amounts: Sequence[Decimal]) -> None:
        """Count more amounts, kind by kind."""
        self.amounts = [old + new for old, new in zip(self.amounts, amounts, strict=True)]


def _cost(currency: str, by: str, bars: list[Bar]) -> Chart:
    """The dearest bars, all others as one; kinds of cost that nobody has are left out."""
    bars.sort(key=lambda bar: -sum(bar.amounts))
    shown, others = bars[:MOST_BARS], Bar(_("All others"))
    for bar in bars[MOST_BARS:]:
        others.add(bar.amounts)
    shown += [others] if len(bars) > MOST_BARS else []
    series = [
        Series(key, str(_COSTS[key]), [bar.amounts[place] for bar in shown])
        for place, key in enumerate(COSTS)
        if any(bar.amounts[place] for bar in shown)
    ]
    title = _("Cost by cause, net, in %(currency)s")
    if by == "liability":
        title = _("Cost by who is liable, net, in %(currency)s")
    links = [bar.link for bar in shown]
    return stacked(title % {"currency": currency}, [bar.label for bar in shown], series, links)


def _label(by: str, value: str) -> str:
    if by == "liability":
        return str(dict(Liability.choices).get(value, value))
    return _(reason_label(value)) if value else _("No reason known")


def _cases(by: str, value: str) -> str:
    """The cases of a bar on the queue; money without a reason has none to show."""
    code = BY_LABEL.get(reason_label(value), "") if by == "cause" else value
    return _to("returns:queue", **{by: code}) if code else ""


def _to(name: str, **asked: Any) -> str:
    return f"{reverse(name)}?{urlencode(asked)}"


def _names(weeks: list[date]) -> list[str]:
    return [date_format(week, "j M") for week in weeks]


def _days(span: timedelta) -> Decimal:
    return (Decimal(int(span.total_seconds())) / DAY).quantize(Decimal("0.1"))


def _rows(statement: str, params: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
