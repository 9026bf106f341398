"""The page of charts: refunds by week, cycle time, cost by cause or by who is liable.

Costs are shown to those who may see reports; the rest to all who may see refunds.
"""

from django import forms
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.core.roles import may
from orders.models import Marketplace, Seller
from returns import charts as figures

COSTS = "invoicing.view_reportrun"


class ScopeForm(forms.Form):
    """Whose figures."""

    seller = forms.ModelChoiceField(
        Seller.objects.all(),
        required=False,
        label=_("Seller"),
        to_field_name="code",
        empty_label=_("All"),
    )
    marketplace = forms.ModelChoiceField(
        Marketplace.objects.all(),
        required=False,
        label=_("Marketplace"),
        to_field_name="code",
        empty_label=_("All"),
    )
    by = forms.ChoiceField(choices=figures.BY.items(), required=False, label=_("Cost by"))


@login_required
@permission_required("invoicing.view_refund", raise_exception=True)
def charts(request: HttpRequest) -> HttpResponse:
    """GET /charts/?seller=…&marketplace=…&by=cause|liability"""
    form = ScopeForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    seller, marketplace = chosen.get("seller"), chosen.get("marketplace")
    scope = figures.Scope(seller and seller.pk, marketplace and marketplace.pk)
    cost_by: str | None = chosen.get("by") or "cause"
    if not may(request.user, COSTS):
        del form.fields["by"]
        cost_by = None
    found = figures.charts(scope, timezone.now().date(), cost_by)
    return render(request, "returns/charts.html", {"charts": found, "form": form})
