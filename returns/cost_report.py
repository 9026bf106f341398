"""What returns cost, as a kind of report: sums by month, fulfilment, site, cause, liability and
marketplace. Money given back is the ledger's; labels, inspections and Amazon's reimbursements are
the cases'; Amazon's fees are those of its refund rows.

Labour is inspected units at the rate a unit that ``INSPECTION_COST`` names for the currency; where
it names none, labour is left out. Storage and the value that graded goods lost are not in it:
nothing that is recorded says them.
"""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from invoicing.models import ReportRun
from invoicing.reports import kinds
from invoicing.reports.kinds import Choice, Column, Scope
from returns import cost_sql as sql
from returns.reasons import BY_LABEL, reason_label

_DIMENSIONS = (
    ("fulfilment", _("Fulfilment")),
    ("marketplace", _("Marketplace")),
    ("site", _("Site")),
    ("cause", _("Cause")),
    ("liability", _("Liability")),
    ("month", _("Month")),
)
BY = Choice("by", _("Totals by"), _DIMENSIONS, "fulfilment")
_HEADERS = {
    "goods": "Goods",
    "freight": "Freight refunded",
    "goodwill": "Goodwill",
    "kept": "Fees kept",
    "label": "Return labels",
    "labour": "Labour",
    "processing": "Amazon fees",
    "fx": "Exchange difference",
    "difference": "Accepted difference",
    "reimbursed": "Reimbursed by Amazon",
}
_SUMS = (
    *(Column(key, _HEADERS[key], "money") for key in sql.COSTS),
    Column("handling", "Handling", "money"),
    Column("total", "Total", "money"),
    Column("vat", "VAT taken back", "money"),
)
COLUMNS = (
    Column("month", "Month"),
    Column("seller", "Seller"),
    Column("marketplace", "Marketplace"),
    Column("fulfilment", "Fulfilment"),
    Column("site", "Site"),
    Column("cause", "Cause"),
    Column("liability", "Liability"),
    Column("currency", "Currency"),
    Column("cases", "Cases", "count"),
    Column("units", "Units inspected", "count"),
    *_SUMS,
)
TOTAL_COLUMNS = (
    Column("currency", "Currency"),
    Column("dimension", "By"),
    Column("units", "Units inspected", "count"),
    *_SUMS,
)


def fill(cursor: Any, scope: Scope) -> None:
    """Create the temporary table of the report's rows."""
    cursor.execute(sql.TABLE.format(dimension=scope.chosen[BY.key]), scope.params | _rates())


def summed(cursor: Any, params: dict[str, Any], dimension: str) -> list[tuple]:
    """(currency, value of ``dimension``, each of ``cost_sql.COSTS``), dearest first; the amounts
    are those of the report over the same days (``from``, ``to``, ``seller``, ``marketplace``).
    """
    if dimension not in dict(_DIMENSIONS):
        raise ValueError(f"Costs are not known by {dimension}.")
    cursor.execute(sql.SUMMED.format(dimension=dimension), params | _rates())
    return cursor.fetchall()


def _rates() -> dict[str, list]:
    rates = labour_rates(settings.INSPECTION_COST)
    return {"codes": list(rates), "rates": list(rates.values())}


def labour_rates(given: str) -> dict[str, Decimal]:
    """What inspecting a unit costs, by currency, from text such as "EUR=2.50 GBP=2.10".

    Raises ValueError for anything else.
    """
    rates = {}
    for part in given.replace(",", " ").split():
        code, sign, rate = part.partition("=")
        amount = Decimal(rate) if sign and rate.replace(".", "", 1).isdecimal() else None
        if len(code) != 3 or amount is None:
            raise ValueError(f"INSPECTION_COST: {part} is not a currency and a rate (EUR=2.50).")
        rates[code.upper()] = amount
    return rates


def links(row: dict[str, str]) -> dict[str, str]:
    """Sums name no refund: their cases lead to the queue, by reason and liability."""
    if row.get("cases", "0") == "0":
        return {}
    code = BY_LABEL.get(reason_label(row["cause"]), "") if row["cause"] else ""
    asked = {"cause": code, "liability": row["liability"], "seller": row["seller"]}
    given = urlencode({name: value for name, value in asked.items() if value})
    return {"cases": f"{reverse('returns:queue')}?{given}"}


kinds.register(
    kinds.Kind(
        key=ReportRun.Kind.COST.value,
        label=_("Cost of returns"),
        description=_("Money given back, labels, labour, Amazon's fees and exchange, by cause."),
        stem="cost-of-returns",
        table="cost_report",
        fill=fill,
        columns=COLUMNS,
        order="currency, month, seller, marketplace, fulfilment, site, cause, liability",
        totals=sql.TOTALS,
        total_columns=TOTAL_COLUMNS,
        choices=(BY,),
        links=links,
        printed=(
            "month", "marketplace", "fulfilment", "site", "cause", "liability", "currency",
            "cases", "goods", "kept", "handling", "total",
        ),
    )
)  # fmt: skip
