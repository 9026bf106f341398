"""What reports leave open and people decide: which code an order line has, and Amazon's returns
that are no RMA yet. The decisions are verbs of orders.
"""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.core.lists import HeaderAction, ListPage, Tab
from config.core.refused import Refused
from invoicing.code_money import with_money
from orders import decisions
from orders.models import OrderItemCode, OrderLine
from returns.filters import IdentityFilters, WaitingFilters
from returns.intake import waiting_returns
from returns.tables import IdentityTable, WaitingTable
from returns.words import what_to_do

CODES_SHOWN = 20


def open_lines() -> QuerySet[OrderLine]:
    """Order lines that wait for a person to say which code is theirs."""
    return OrderLine.objects.filter(identity_open=True).order_by()


class IdentityList(ListPage):
    """Order lines with a doubtful code: those that wait, and those somebody decided."""

    table_class = IdentityTable
    filterset_class = IdentityFilters
    row_template = "returns/identity_row.html"
    permission = decisions.IDENTIFY
    title = _("Lines to identify")
    empty_text = _("Lines appear here when Amazon's item ids fit several lines of an order.")
    search_placeholder = _("Order id or SKU")
    default_sort = "-id"
    file_name = "identity"

    def get_rows(self) -> QuerySet:
        """One row a line, with the codes reports name for its SKU and their money."""
        taken = OrderLine.objects.filter(order=OuterRef("order"), order_item_id=OuterRef("code"))
        codes = OrderItemCode.objects.filter(order=OuterRef("order"), sku=OuterRef("sku"))
        shown = (
            with_money(codes)
            .order_by("code")
            .values(
                json=JSONObject(
                    code="code",
                    taken=Exists(taken),
                    charged=Cast("charged", CharField()),  # as text: JSON's numbers are no decimals
                    refunded=Cast("refunded", CharField()),
                )
            )
        )
        lines = OrderLine.objects.filter(
            Q(identity_open=True) | Q(identity_confirmed_by__isnull=False)
        )
        return lines.annotate(
            paid=F("item_net") + F("item_tax") - F("item_promotion_net") - F("item_promotion_tax"),
            codes=ArraySubquery(shown[:CODES_SHOWN]),
        ).values(
            "id", "sku", "title", "quantity", "paid", "codes", "occurrence", "order_item_id",
            "order__amazon_order_id", "order__currency", "identity_open",
            "identity_confirmed_by__username",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """What waits, and what people decided."""
        decided = OrderLine.objects.filter(identity_confirmed_by__isnull=False).order_by()
        return [
            Tab(str(_("All"))),
            Tab(str(_("To decide")), {"decided": "false"}, open_lines()),
            Tab(str(_("Decided")), {"decided": "true"}, decided),
        ]

    def get_csv_row(self, row: dict, columns: list[str]) -> list:
        """The codes alone, for a sheet."""
        codes = ", ".join(one["code"] for one in row["codes"])
        return super().get_csv_row({**row, "codes": codes}, columns)


class CodeForm(forms.Form):
    """Which code a line has; empty takes a decision back."""

    code = forms.CharField(max_length=30, required=False)


@require_POST
@login_required
def confirm_identity(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /orders/identity/<line>/: decide the line's code; without one, take it back."""
    line, form = get_object_or_404(OrderLine, pk=pk), CodeForm(request.POST)
    code = form.cleaned_data["code"] if form.is_valid() else ""
    try:
        if "take_back" in request.POST:
            decisions.take_back_identity(line, by=request.user)
            messages.success(request, _("Taken back. The line waits for a decision again."))
        else:
            decisions.confirm_identity(line, code, by=request.user)
            messages.success(request, _("Decided. Amazon's money is matched again."))
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("returns:identity")


class WaitingList(ListPage):
    """Amazon's returns that could not become an RMA yet, and what to do about each."""

    table_class = WaitingTable
    filterset_class = WaitingFilters
    row_template = "returns/waiting_row.html"
    permission = "orders.view_amazonreturn"
    title = _("Returns waiting for facts")
    empty_text = _("Every return of Amazon's reports has become an RMA.")
    search_placeholder = _("Order id, SKU or Amazon's RMA id")
    default_sort = "-id"
    scope_fields = ("seller__code",)
    file_name = "returns-waiting"

    def get_rows(self) -> QuerySet:
        """One row a return, with what it lacks."""
        return (
            waiting_returns()
            .annotate(
                since=Coalesce("requested_on", TruncDate("import_file__created_at")), why=lack()
            )
            .values(
                "id", "sku", "title", "quantity", "amazon_rma_id", "since", "why",
                "order__amazon_order_id",
            )
        )  # fmt: skip

    def get_header_actions(self) -> list[HeaderAction]:
        """The way to the report that is missing."""
        if not self.request.user.has_perm("orders.import_report"):
            return []
        url = reverse("orders:import-new")
        return [HeaderAction(_("Import a report"), url, primary=True)]

    def get_csv_row(self, row: dict, columns: list[str]) -> list:
        """What to do in words."""
        return super().get_csv_row({**row, "why": what_to_do(row["why"])}, columns)


def lack() -> Case:
    """What keeps a return from becoming an RMA: a key of ``words.TO_DO``."""
    return Case(
        When(marketplace=None, order__marketplace=None, then=Value("marketplace")),
        When(order_line=None, order__facts_complete=True, then=Value("line")),
        When(order_line=None, then=Value("facts")),
        default=Value("refused"),
    )
