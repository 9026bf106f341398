"""Buyers, and the page of one buyer: rate, watch flag, tax ids, addresses, history."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.core.lists import ListPage, Tab
from config.core.refused import Refused
from config.core.roles import may
from invoicing.einvoice import rulesets
from invoicing.einvoice.profiles import PROFILES
from invoicing.models import Document
from orders import buyers
from orders.models import Buyer, Order
from returns import buyer_forms, return_rate
from returns.actions import NOT_YOURS, Action
from returns.filters import BuyerFilters
from returns.models import RMA
from returns.tables import BuyerTable

SHOWN = 20
CHANGE = "orders.change_buyer"


class BuyerList(ListPage):
    """All buyers by name, with units of the last 90 days."""

    table_class = BuyerTable
    filterset_class = BuyerFilters
    row_template = "returns/buyer_row.html"
    permission = "orders.view_buyer"
    title = _("Buyers")
    empty_text = _("Buyers appear here with the orders report, or when somebody names one.")
    search_placeholder = _("Company name")
    default_sort = "legal_name"
    sorts = {"legal_name": "legal_name"}
    quick_filters = ("kind",)
    file_name = "buyers"

    def get_rows(self) -> QuerySet:
        """One row a buyer."""
        return return_rate.with_rate(Buyer.objects).values(
            "id", "legal_name", "kind", "country", "watched", "watch_reason",
            "ordered", "returned", "order_count",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """Everybody, the watch list, and who returns much."""
        watched, high = Buyer.objects.filter(watched=True), return_rate.high(Buyer.objects.all())
        return [
            Tab(str(_("All"))),
            Tab(str(_("Watched")), {"watched": "true"}, watched),
            Tab(str(_("High return rate")), {"high": "true"}, high),
        ]

    def get_csv_row(self, row: dict, columns: list[str]) -> list:
        """With the rate in percent."""
        row = {**row, "rate": return_rate.percent(row["ordered"], row["returned"])}
        return super().get_csv_row(row, columns)


@login_required
@permission_required("orders.view_buyer", raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /buyers/<id>/"""
    return page(request, pk)


def page(request: HttpRequest, pk: int, bound: dict | None = None, status: int = 200):
    """Draw the buyer; ``bound`` is the form of a button that was posted with errors."""
    buyer = get_object_or_404(return_rate.with_rate(Buyer.objects), pk=pk)
    rate = return_rate.percent(buyer.ordered, buyer.returned)
    rmas = RMA.objects.filter(buyer=buyer).select_related("owner").order_by("-opened_at", "-id")
    orders = Order.objects.filter(buyer=buyer).select_related("marketplace")
    context = {
        "buyer": buyer,
        "rate": rate,
        "rate_is_high": return_rate.is_high(buyer.order_count, buyer.ordered, buyer.returned),
        "days": return_rate.DAYS,
        "tax_ids": buyer.tax_ids.all(),
        "profile": PROFILES.get(buyer.invoice_profile),
        "refusal": _refusal(buyer),
        "addresses": buyer.addresses.all(),
        "rmas": rmas[:SHOWN],
        "orders": orders.order_by("-purchased_at")[:SHOWN],
        "papers": Document.objects.filter(buyer=buyer).order_by("-id")[:SHOWN],
        "actions": _actions(buyer, request.user, bound or {}),
    }
    return render(request, "returns/buyer.html", context, status=status)


def _refusal(buyer: Buyer) -> str:
    """Why the buyer's e-invoice cannot be written here, where its rules are gone."""
    if buyer.invoice_profile not in PROFILES:
        return ""
    refusal = rulesets.refusal(buyer.invoice_profile)
    return refusal.render(gettext, get_language() or "en") if refusal else ""


@dataclass(frozen=True)
class Button:
    """A button of the buyer page: its label, its form, what it does, what is said after."""

    label: Any
    form: Callable
    call: Callable[..., Any]
    done: Any


def _save(buyer: Buyer, by: Any, **fields: Any) -> None:
    buyers.save_buyer(buyer, by=by, **fields)


def _tax_id(buyer: Buyer, by: Any, **fields: Any) -> None:
    buyers.save_tax_id(buyer, by=by, **fields)


def _address(buyer: Buyer, by: Any, **fields: Any) -> None:
    buyers.save_address(buyer, by=by, **fields)


BUTTONS = {
    "watch": Button(_("Watch list"), buyer_forms.WatchForm, _save, _("Watch list changed.")),
    "details": Button(_("Change details"), buyer_forms.DetailsForm, _save, _("Details saved.")),
    "e-invoice": Button(
        _("Change e-invoice"), buyer_forms.EInvoiceForm, _save, _("E-invoice details saved.")
    ),
    "tax-id": Button(_("Add tax id"), buyer_forms.TaxIdForm, _tax_id, _("Tax id added.")),
    "address": Button(_("Set address"), buyer_forms.AddressForm, _address, _("Address saved.")),
}


def _actions(buyer: Buyer, user: Any, bound: dict) -> list[Action]:
    why = "" if may(user, CHANGE) else str(NOT_YOURS)
    return [
        Action(
            verb,
            button.label,
            reverse("returns:buyer-verb", args=[buyer.pk, verb]),
            refused=why,
            form=bound.get(verb) or button.form(buyer=buyer),
        )
        for verb, button in BUTTONS.items()
    ]


@require_POST
@login_required
def run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /buyers/<id>/<verb>/"""
    if verb not in BUTTONS:
        raise Http404(f"No verb {verb}")
    button, buyer = BUTTONS[verb], get_object_or_404(Buyer, pk=pk)
    form = button.form(request.POST, buyer=buyer)
    if form.is_valid():
        try:
            button.call(buyer, request.user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refused.sentence)
        else:
            messages.success(request, button.done)
            return redirect("returns:buyer", pk)
    return page(request, pk, {verb: form}, status=422)
