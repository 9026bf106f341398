"""The page of charts: refunds by week, cycle time, cost by cause."""

from django import forms
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Marketplace, Seller
from returns import charts as figures


class ScopeForm(forms.Form):
    """Whose figures."""

    seller = forms.ModelChoiceField(
        Seller.objects.all(), required=False, label=_("Seller"), to_field_name="code"
    )
    marketplace = forms.ModelChoiceField(
        Marketplace.objects.all(), required=False, label=_("Marketplace"), to_field_name="code"
    )


@login_required
@permission_required("invoicing.view_refund", raise_exception=True)
def charts(request: HttpRequest) -> HttpResponse:
    """GET /charts/?seller=…&marketplace=…"""
    form = ScopeForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    ids = {name: one.pk for name, one in chosen.items() if one}
    scope = figures.Scope(ids.get("seller"), ids.get("marketplace"))
    found = figures.charts(scope, timezone.now().date())
    return render(request, "returns/charts.html", {"charts": found, "form": form})
