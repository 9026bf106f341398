"""Money of Amazon's that no refund stands for: the list; and the page of any amount Amazon tells:
where it came from, what it is tied to, and where a person says what a transaction means.
"""

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from config.core.lists import HeaderAction, ListPage
from config.core.refused import Refused
from config.core.roles import may
from invoicing import matching
from invoicing.actions import NOT_YOURS, Action
from invoicing.filters import UntiedFilters
from invoicing.finance_forms import AssignForm
from invoicing.matches import rows
from invoicing.models import JournalLine, MoneyFact
from invoicing.tables import UntiedTable
from invoicing.words import why_url

VIEW, ASSIGN = "invoicing.view_moneyfact", "invoicing.assign_money_fact"
SHOWN = 20


class UntiedList(ListPage):
    """Refund money of settlements that no refund stands for yet."""

    table_class = UntiedTable
    filterset_class = UntiedFilters
    row_template = "invoicing/untied_row.html"
    permission = VIEW
    title = gettext_lazy("Refund money not tied to a refund")
    empty_text = gettext_lazy("Every refund in the imported settlements has its refund here.")
    search_placeholder = gettext_lazy("Order id")
    scope_fields = ("seller__code", "marketplace__code")
    file_name = "untied-refund-money"

    def get_header_actions(self) -> list[HeaderAction]:
        """The files it came in."""
        return [HeaderAction(_("Settlements"), reverse("invoicing:settlements"))]

    def get_rows(self) -> QuerySet:
        """One row an amount."""
        return matching.untied().values(
            "id", "amazon_order_id", "sku", "amount_description", "transaction_type", "amount",
            "currency", "posted_on", "order_id", "order_line_id", "order__facts_complete",
            "settlement_id", "settlement__settlement_id", "source",
        )  # fmt: skip


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /money/<id>/"""
    return page(request, pk)


def page(request: HttpRequest, pk: int, bound: AssignForm | None = None, status: int = 200):
    """Draw the transaction an amount belongs to, and what it may mean."""
    related = ("order__buyer", "settlement", "refund", "seller", "marketplace", "assigned_by",
               "import_file", "echo_of")  # fmt: skip
    fact = get_object_or_404(MoneyFact.objects.select_related(*related), pk=pk)
    facts = _transaction(fact)
    waits = [one for one in facts if one.refund_id is None and one.bucket == "buyer"]
    form = bound or (AssignForm(facts=facts) if waits else None)
    sign = -1 if fact.is_refund else 1  # what a buyer gets back is shown as such
    context = {
        "fact": fact,
        "facts": [{"fact": one, "amount": sign * one.amount} for one in facts],
        "total": sign * sum(one.amount for one in facts),
        "match": rows.of_money(fact),
        "echoes": fact.echoes.order_by("pk")[:SHOWN],
        "bookings": _bookings(fact),
        "why_url": why_url(fact.refund.key) if fact.refund else "",
        "actions": [_assign(fact, form, request.user)] if waits else [],
    }
    return render(request, "invoicing/money.html", context, status=status)


def _transaction(fact: MoneyFact) -> list[MoneyFact]:
    """The same bucket's money of its transaction: Amazon's id for it, else its moment. An amount
    without an order is alone.
    """
    if not fact.amazon_order_id or not (fact.is_refund or fact.order_id):
        return [fact]
    same = {
        name: getattr(fact, name)
        for name in ("seller", "source", "amazon_order_id", "currency", "is_refund")
    }
    found = MoneyFact.objects.filter(**same, bucket=fact.bucket)
    if fact.order_id:
        found = found.filter(order=fact.order_id)
    if fact.adjustment_id:
        found = found.filter(adjustment_id=fact.adjustment_id)
    else:
        found = found.filter(_same_moment(fact.posted_at), order_item_code=fact.order_item_code)
        if not fact.order_item_code:
            found = found.filter(sku=fact.sku)
    return list(found.select_related("settlement", "refund", "order_line").order_by("pk"))


def _same_moment(at: datetime) -> Q:
    """Within its second: that is how exactly every source tells it."""
    second = at.replace(microsecond=0)
    return Q(posted_at__gte=second, posted_at__lt=second + timedelta(seconds=1))


def _bookings(fact: MoneyFact) -> list[JournalLine]:
    lines = JournalLine.objects.filter(fact=fact).select_related("journal__period")
    return list(lines.order_by("pk")[:SHOWN])


def _assign(fact: MoneyFact, form: AssignForm, user) -> Action:
    refused = "" if may(user, ASSIGN) else str(NOT_YOURS)
    url = reverse("invoicing:money-assign", args=[fact.pk])
    return Action("assign", _("Say what it means"), url, not refused, refused, form=form)


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /money/<id>/assign/: its transaction stands for a refund, or belongs to a line."""
    fact = get_object_or_404(MoneyFact, pk=pk)
    facts = _transaction(fact)
    form = AssignForm(request.POST, facts=facts)
    if not form.is_valid():
        return page(request, pk, bound=form, status=422)
    ids = [one.pk for one in facts if one.refund_id is None]
    try:
        matching.assign(ids, by=request.user, **form.meaning())
        messages.success(request, _("Decided. It is matched by that now."))
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:money", pk)
