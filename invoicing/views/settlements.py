"""Settlements as Amazon's files tell them: the list, and one with its sums and rows.

The sums stand against the file's own total. What ties to refunds is matched elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.lists import HeaderAction, ListPage, Tab
from config.core.money import ZERO
from invoicing.models import MoneyFact, Settlement
from invoicing.settlement_lists import (
    SettlementFilters,
    SettlementRowFilters,
    SettlementRowTable,
    SettlementTable,
)

VIEW = "invoicing.view_settlement"


class SettlementList(ListPage):
    """All settlements, the last deposit first."""

    table_class = SettlementTable
    filterset_class = SettlementFilters
    row_template = "invoicing/settlement_row.html"
    permission = VIEW
    title = gettext_lazy("Settlements")
    empty_text = gettext_lazy("Import a settlement report (V2); each one stays here with its sums.")
    search_placeholder = gettext_lazy("Settlement number")
    default_sort = "-deposited_at"
    scope_fields = ("seller__code",)
    file_name = "settlements"

    def get_rows(self) -> QuerySet:
        """One row a settlement."""
        return Settlement.objects.values(
            "id", "settlement_id", "seller__name", "starts_at", "ends_at", "deposited_at", "total",
            "currency", "import_file_id", "import_file__file_name",
        )  # fmt: skip

    def get_header_actions(self) -> list[HeaderAction]:
        """What of it no refund stands for."""
        return [HeaderAction(_("Money not tied to a refund"), reverse("invoicing:untied"))]


@dataclass
class Share:
    """What one bucket, or one transaction type of it, adds up to; ``url`` lists its rows."""

    label: str
    url: str
    rows: int = 0
    amount: Decimal = ZERO
    parts: list["Share"] = field(default_factory=list)


class SettlementRows(ListPage):
    """One settlement: its sums against the file's total, and every row, in the file's order."""

    table_class = SettlementRowTable
    filterset_class = SettlementRowFilters
    row_template = "invoicing/settlement_fact_row.html"
    template_name = "invoicing/settlement.html"
    permission = VIEW
    empty_text = gettext_lazy("No row of this settlement is like that.")
    search_placeholder = gettext_lazy("Order id, Amazon's refund id or SKU")
    default_sort = "id"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """GET /settlements/<id>/"""
        related = Settlement.objects.select_related("seller", "import_file")
        self.settlement = get_object_or_404(related, pk=kwargs["pk"])
        self.title = _("Settlement %(number)s") % {"number": self.settlement}
        self.file_name = f"settlement-{self.settlement}"
        return super().get(request, *args, **kwargs)

    def get_rows(self) -> QuerySet:
        """One row an amount."""
        return MoneyFact.objects.filter(settlement=self.settlement).values(
            "id", "amount_description", "amount_type", "transaction_type", "bucket", "order_id",
            "amazon_order_id", "sku", "refund__key", "amount", "currency", "posted_on",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """Whose money."""
        own = [one for one in MoneyFact.Bucket if one != MoneyFact.Bucket.ECHO]
        return [Tab(_("All")), *(Tab(str(one.label), {"bucket": one.value}) for one in own)]

    def get_context(self, **extra: Any) -> dict[str, Any]:
        """The file's head, the sums and what is between them."""
        shares = list(_shares(self.settlement))
        counted = sum((one.amount for one in shares), ZERO)
        return super().get_context(
            settlement=self.settlement,
            shares=shares,
            counted=counted,
            rows_counted=sum(one.rows for one in shares),
            difference=counted - self.settlement.total,
            **extra,
        )


def _shares(settlement: Settlement) -> Iterator[Share]:
    """The sums per bucket and, inside it, per type of transaction; one query."""
    rows = MoneyFact.objects.filter(settlement=settlement).values("bucket", "transaction_type")
    rows = rows.annotate(rows=Count("id"), amount=Sum("amount"))
    found: dict[str, list[dict]] = {}
    for row in rows.order_by("bucket", "transaction_type"):
        found.setdefault(row["bucket"], []).append(row)
    for bucket in MoneyFact.Bucket:
        parts = [
            Share(
                one["transaction_type"],
                _list(bucket=bucket.value, transaction=one["transaction_type"]),
                one["rows"],
                one["amount"],
            )
            for one in found.get(bucket, [])
        ]
        if parts:
            amount = sum((one.amount for one in parts), ZERO)
            rows_of = sum(one.rows for one in parts)
            yield Share(str(bucket.label), _list(bucket=bucket.value), rows_of, amount, parts)


def _list(**asked: str) -> str:
    return f"?{urlencode(asked)}"
