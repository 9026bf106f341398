"""Bank files: the SEPA transfers that pay refunds outside Amazon, made, handed over, ended."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from config.core.lists import ListPage, Tab
from config.core.refused import Refused
from config.core.roles import may
from invoicing import forms, timeline
from invoicing.actions import NOT_YOURS, Action
from invoicing.finance_filters import BankFileFilters
from invoicing.finance_forms import ExecutedForm
from invoicing.finance_tables import BankFileTable
from invoicing.models import BankFile, Download, Refund
from invoicing.models.refund import Lane
from invoicing.sending import bank
from invoicing.states import RefundState
from invoicing.views.refund import Door
from invoicing.views.refunds import chosen

VIEW, CARRY_OUT = "invoicing.view_bankfile", "invoicing.carry_out_refund"
State = BankFile.State


class BankFileList(ListPage):
    """Every bank file, newest first."""

    table_class = BankFileTable
    filterset_class = BankFileFilters
    row_template = "invoicing/bank_file_row.html"
    permission = VIEW
    title = gettext_lazy("Bank files")
    empty_text = gettext_lazy(
        "Choose approved bank refunds on the refund desk and make a file of them for the bank."
    )
    search_placeholder = gettext_lazy("File or order")
    scope_fields = ("seller__code",)
    file_name = "bank-files"

    def get_rows(self) -> QuerySet:
        """One row a file."""
        return BankFile.objects.values(
            "id", "key", "message_id", "state", "count", "total", "currency", "made_at",
            "executed_on", "seller__name", "made_by__username",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """Those the bank has not carried out yet."""
        made = BankFile.objects.order_by().filter(state=State.MADE)
        return [Tab(_("All")), Tab(_("To hand over"), {"state": State.MADE.value}, made)]


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """GET /bank-files/<key>/"""
    return page(request, key)


def page(request: HttpRequest, key, bound: dict | None = None, status: int = 200) -> HttpResponse:
    """Draw the file; ``bound`` is the form of a verb that was posted with errors."""
    related = BankFile.objects.select_related("seller", "made_by", "ended_by").defer("content")
    file = get_object_or_404(related, key=key)
    attempts = file.attempts.select_related("refund__order", "refund__payee").order_by("pk")
    context = {
        "file": file,
        "attempts": attempts,
        "actions": _actions(file, request.user, bound or {}),
        "may_download": may(request.user, CARRY_OUT),
        "events": timeline.of("invoicing.bankfile", file.pk),
        "downloads": file.downloads.select_related("by"),
        "erasure": getattr(file, "erasure", None),
    }
    return render(request, "invoicing/bank_file.html", context, status=status)


# verb → label, form, primary, danger
_BUTTONS: dict[str, tuple[Any, Any, bool, bool]] = {
    "executed": (gettext_lazy("The bank carried it out"), ExecutedForm, True, False),
    "withdraw": (gettext_lazy("Withdraw it, nothing was paid"), forms.ReasonForm, False, True),
}


def _actions(file: BankFile, user: Any, bound: dict) -> list[Action]:
    """What may be said of a file the bank has not carried out yet."""
    if file.state != State.MADE:
        return []
    refused = "" if may(user, CARRY_OUT) else str(NOT_YOURS)
    return [
        Action(
            verb, str(label), reverse("invoicing:bank-file-verb", args=[file.key, verb]),
            primary and not refused, refused, danger=danger,
            form=bound.get(verb) or form(auto_id=f"{verb}_%s"),
        )
        for verb, (label, form, primary, danger) in _BUTTONS.items()
    ]  # fmt: skip


DOORS = {
    "executed": Door(
        bank.executed, gettext_lazy("Its refunds are sent; their credit notes follow."),
        ExecutedForm,
    ),
    "withdraw": Door(
        bank.withdraw, gettext_lazy("Withdrawn; its refunds are approved as before."),
        forms.ReasonForm,
    ),
}  # fmt: skip


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def run(request: HttpRequest, key: str, verb: str) -> HttpResponse:
    """POST /bank-files/<key>/<verb>/: check the form, call the verb, say what happened."""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    form = door.form(request.POST, auto_id=f"{verb}_%s")
    if not form.is_valid():
        return page(request, key, bound={verb: form}, status=422)
    try:
        door.call(key, by=request.user, **form.cleaned_data)
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:bank-file", key)


@login_required
@permission_required(CARRY_OUT, raise_exception=True)
def xml(request: HttpRequest, key: str) -> HttpResponse:
    """GET /bank-files/<key>/pain.001.xml: the file for the bank; it names accounts of buyers, so
    who took it is kept.
    """
    file = get_object_or_404(BankFile, key=key)
    if not file.content:
        messages.error(request, _("Its content was erased after its time of keeping."))
        return redirect("invoicing:bank-file", key)
    if file.state == BankFile.State.WITHDRAWN:  # its refunds may be in another file by now
        messages.error(request, _("This file was withdrawn: with the bank it would pay twice."))
        return redirect("invoicing:bank-file", key)
    Download.objects.create(bank_file=file, by=request.user)
    response = HttpResponse(bytes(file.content), content_type="application/xml")
    response["Content-Disposition"] = f'attachment; filename="pain.001-{file.message_id}.xml"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
@permission_required(CARRY_OUT, raise_exception=True)
def make(request: HttpRequest) -> HttpResponse:
    """POST /refunds/bulk/bank-file/ with ``ids``: totals first, then with ``confirm`` the file."""
    rows = chosen(request)
    if not rows:
        messages.error(request, _("Choose at least one row first."))
        return redirect("invoicing:refunds")
    if "confirm" not in request.POST:
        return render(request, "invoicing/bank_file_new.html", _preview(rows))
    try:
        file = bank.make_file([refund.key for refund in rows], by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("invoicing:refunds")
    messages.success(request, _("The file is made. Download it and hand it to the bank."))
    return redirect("invoicing:bank-file", file.key)


def _preview(rows: list[Refund]) -> dict[str, Any]:
    """What a file would hold, its total by seller, and what cannot go and why."""
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    can, cannot = [], []
    for refund in rows:
        if refund.lane != Lane.BANK:
            way = refund.get_lane_display().lower()
            cannot.append((refund, _("It goes another way: %(way)s.") % {"way": way}))
        elif refund.state != RefundState.APPROVED:
            state = refund.get_state_display().lower()
            cannot.append((refund, _("It is %(state)s.") % {"state": state}))
        else:
            can.append(refund)
            totals[str(refund.seller), refund.currency] += refund.gross
    sums = [(seller, currency, total) for (seller, currency), total in sorted(totals.items())]
    return {"can": can, "cannot": cannot, "sums": sums, "ids": [one.pk for one in can]}
