"""The refund settlement report as a kind: what the buyers got back, beside what Amazon shows.

Its SELECT, columns and totals are in ``settlement_sql.py``.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from invoicing.reports import kinds
from invoicing.reports import settlement_sql as sql

KIND = "settlement"


def fill(cursor: Any, scope: kinds.Scope) -> None:
    """Create the temporary table of the report's rows."""
    cursor.execute(sql.REPORT, scope.params)


kinds.register(
    kinds.Kind(
        key=KIND,
        label=_("Refund settlement"),
        description=_("Every refund beside the money Amazon shows for it, per settlement."),
        stem="refund-settlement",
        table="settlement_report",
        fill=fill,
        columns=sql.COLUMNS,
        order=sql.ORDER,
        counted=True,
        totals=sql.TOTALS,
        total_columns=sql.TOTAL_COLUMNS,
        printed=(
            "amazon_order_id",
            "rma",
            "credit_note",
            "net",
            "vat_rate",
            "vat",
            "gross",
            "currency",
            "settlement",
            "posted_on",
            "amazon_amount",
            "difference",
            "status",
        ),
        exceptions=f"status <> '{sql.MATCHED}'",
    )
)
