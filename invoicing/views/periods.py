"""Periods: months of sellers on marketplaces, what stands in the way of closing, close, reopen."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from config.core.display import percent
from config.core.lists import HeaderAction, ListPage, Tab
from config.core.refused import Refused
from config.core.roles import may
from invoicing import forms, periods, timeline
from invoicing.actions import NOT_YOURS, Action
from invoicing.finance_filters import PeriodFilters
from invoicing.finance_tables import PeriodTable
from invoicing.models import Account, Period
from invoicing.views.refund import Door

VIEW = "invoicing.view_period"


class PeriodList(ListPage):
    """Every month that holds bookings, the newest first."""

    table_class = PeriodTable
    filterset_class = PeriodFilters
    row_template = "invoicing/period_row.html"
    permission = VIEW
    title = gettext_lazy("Periods")
    empty_text = gettext_lazy("A month appears here with its first booking.")
    default_sort, sorts = "-month", {"month": "month"}
    scope_fields = ("seller__code", "marketplace__code")
    file_name = "periods"

    def get_rows(self) -> QuerySet:
        """One row a month of a seller on a marketplace."""
        return Period.objects.annotate(count=Count("journals")).values(
            "id", "month", "state", "seller__name", "marketplace__name", "count",
            "closed_by__username", "closed_at",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """What is still to be closed."""
        rows = Period.objects.order_by()
        return [
            Tab(_("All")),
            *(
                Tab(str(one.label), {"state": one.value}, rows.filter(state=one))
                for one in Period.State
            ),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        """The lines they hold."""
        return [HeaderAction(_("Ledger"), reverse("invoicing:ledger"))]


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /periods/<id>/"""
    return page(request, pk)


def page(request: HttpRequest, pk: int, bound: dict | None = None, status: int = 200):
    """Draw the month: its sums, what stands in the way, what happened."""
    related = ("seller", "marketplace", "closed_by")
    period = get_object_or_404(Period.objects.select_related(*related), pk=pk)
    is_open = period.state == Period.State.OPEN
    totals = periods.sums(period)[0] if is_open else period.totals
    blockers = periods.check(period) if is_open else []
    context = {
        "period": period,
        "totals": [_total(one, period) for one in totals],
        "blockers": blockers,
        "journals": period.journals.count(),
        "actions": [_action(period, request.user, bound or {}, bool(blockers))],
        "events": timeline.of("invoicing.period", period.pk),
    }
    return render(request, "invoicing/period.html", context, status=status)


def _total(row: dict[str, Any], period: Period) -> dict[str, Any]:
    """One sum as the page draws it: the account in words, its VAT; amounts as decimals; a link to
    the lines it is the sum of (of every rate: the ledger has no filter for that).
    """
    asked = {"period": period.pk, "account": row["account"]}
    asked |= {"country": row["country"]} if row["country"] else {}
    rate = "" if row["rate"] is None else percent(Decimal(row["rate"]))
    return {
        **row,
        "label": Account(row["account"]).label,
        "more": f"{row['country']} {rate}".strip(),
        "debit": Decimal(row["debit"]),
        "credit": Decimal(row["credit"]),
        "url": f"{reverse('invoicing:ledger')}?{urlencode(asked)}",
    }


def _action(period: Period, user: Any, bound: dict, blocked: bool) -> Action:
    """Close an open month, reopen a closed one."""
    verb = "close" if period.state == Period.State.OPEN else "reopen"
    refused = "" if may(user, f"invoicing.{verb}_period") else str(NOT_YOURS)
    url = reverse("invoicing:period-verb", args=[period.pk, verb])
    if verb == "reopen":
        form = bound.get("reopen") or forms.ReasonForm(auto_id="reopen_%s")
        return Action(verb, _("Reopen the month"), url, refused=refused, form=form, danger=True)
    if blocked and not refused:
        refused = _("Something stands in the way, see the list.")
    confirm = _("Close %(month)s? Later bookings go to the next open month.")
    return Action(verb, _("Close the month"), url, primary=not refused, refused=refused,
                  confirm=confirm % {"month": period})  # fmt: skip


DOORS = {
    "close": Door(periods.close, gettext_lazy("The month is closed.")),
    "reopen": Door(periods.reopen, gettext_lazy("The month is open again."), forms.ReasonForm),
}


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /periods/<id>/<verb>/: check the form, call the verb, say what happened."""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    period = get_object_or_404(Period, pk=pk)
    form = door.form(request.POST, auto_id=f"{verb}_%s") if door.form else None
    if form is not None and not form.is_valid():
        return page(request, pk, bound={verb: form}, status=422)
    try:
        door.call(period, by=request.user, **(form.cleaned_data if form else {}))
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:period", pk)
