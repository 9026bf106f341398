"""The page of one refund: why this amount, the figures to type, what is next, what happened."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.core.display import percent
from config.core.refused import Refused
from invoicing import (
    actions,
    documents,
    dossier,
    finance_forms,
    forms,
    refund_dossier,
    refunds,
    timeline,
)
from invoicing.calculation import Calculation
from invoicing.elsewhere import seen_elsewhere
from invoicing.ledger import fx_loss
from invoicing.models import BankFile, Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.sending import bank, lanes
from invoicing.sending.attempts import figures_of
from invoicing.states import REFUND_VERB, RefundState
from invoicing.words import why_url

FIGURES = (RefundState.APPROVED, RefundState.SENDING, RefundState.UNKNOWN)


@login_required
@permission_required("invoicing.view_refund", raise_exception=True)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """GET /refunds/<key>/"""
    return page(request, key)


def page(request: HttpRequest, key, bound: dict | None = None, status: int = 200) -> HttpResponse:
    """Draw the refund; ``bound`` is the form of a verb that was posted with errors."""
    related = ("order__buyer", "order__marketplace", "seller", "marketplace", "document",
               "match__owner", "payee")  # fmt: skip
    people = ("proposer", "approver", "sender")
    refund = get_object_or_404(Refund.objects.select_related(*related, *people), key=key)
    lines = list(refund.lines.select_related("order_line").order_by("order_line_id", "pk"))
    facts = list(refund.money_facts.select_related("settlement").order_by("posted_at", "pk"))
    seen = -sum((fact.amount for fact in facts), Decimal(0))
    differs = bool(facts) and seen != refund.gross
    context = {
        "refund": refund,
        "lines": _reasons(refund, lines),
        "figures": _figures(refund, lines),
        "facts": [{"fact": fact, "amount": -fact.amount} for fact in facts],
        "seen": seen,
        "findings": dossier.findings(refund.document) if refund.document else [],
        "differs": differs,
        "other_basis": _other_basis(refund),
        "match": getattr(refund, "match", None),
        "payee": getattr(refund, "payee", None),
        "approvals": refund_dossier.approvals(refund),
        "attempts": refund_dossier.attempts(refund),
        "elsewhere": seen_elsewhere([refund]).get(refund.pk, []),
        "stops": refund_dossier.stops(refund),
        "bookings": refund_dossier.bookings(refund),
        "fx": fx_loss.of(refund),
        "why_url": why_url(refund.key),
        "actions": actions.of_refund(refund, request.user, bound, differs=differs),
        "events": timeline.of("invoicing.refund", refund.pk),
    }
    return render(request, "invoicing/refund.html", context, status=status)


def _reasons(refund: Refund, lines: list[RefundLine]) -> list[dict[str, Any]]:
    """The table "why this amount"; our own sentences in the reader's language."""
    said, why = {}, why_url(refund.key)
    if refund.source == Source.RETOUR:
        language = get_language() or "en"
        for one in Calculation.from_json(refund.calculation).lines:
            key = (int(one.order_line), one.origin, one.component)
            said[key] = one.says.render(gettext, language)
    return [
        _reason(
            line, said.get((line.order_line_id, line.origin, line.component), line.sentence), why
        )
        for line in lines
    ]


def _reason(line: RefundLine, sentence: str, why: str) -> dict[str, Any]:
    label = f"{line.order_line.sku}: {line.get_component_display()}"
    if line.quantity:
        label += f" × {line.quantity}"
    return {
        "label": label,
        "sentence": sentence,
        "net": line.net,
        "tax": line.tax,
        "gross": line.gross,
        "tax_rate": percent(line.rate),
        "url": f"{why}#line-{line.pk}",
    }


def _other_basis(refund: Refund) -> str:
    """Why it must be proposed again before it is sent: its lane wants net now, or gross."""
    if refund.state not in REFUND_VERB["change_lane"].sources:
        return ""
    return lanes.other_basis(refund, lanes.basis_now(refund))


def _figures(refund: Refund, lines: list[RefundLine]) -> list[dict[str, Any]]:
    """What to type into Seller Central, by order line; only while somebody has to."""
    by_hand = refund.source == Source.RETOUR and lanes.lane_of(refund).by_hand
    if not by_hand or not refund.lane_basis or refund.state not in FIGURES:
        return []
    skus = {str(line.order_line_id): line.order_line for line in lines}
    return [
        {
            "line": skus[one.order_line],
            "field": one.field,
            "amount": one.amount,
            "hint": one.hint.render(gettext),
        }
        for one in figures_of(refund)
    ]


@dataclass(frozen=True)
class Door:
    """A button: the verb it calls, the sentence after success, and its form (or none)."""

    call: Callable[..., Any]
    done: Any
    form: type[django_forms.Form] | None = None


def _on_row(verb: Callable) -> Callable:
    def call(key, **fields):
        return verb(get_object_or_404(Refund, key=key), **fields)

    return call


def _one_file(key, *, by) -> BankFile:
    return bank.make_file([key], by=by)


DOORS = {
    "approve": Door(refunds.approve, _("Approved.")),
    "reject": Door(refunds.reject, _("Rejected."), forms.ReasonForm),
    "cancel": Door(refunds.cancel, _("Cancelled."), forms.ReasonForm),
    "start": Door(
        refunds.start, gettext_lazy("It is yours. Type the figures into Seller Central now.")
    ),
    "give_back": Door(refunds.give_back, _("Given back."), forms.ReasonForm),
    "mark_sent": Door(
        refunds.mark_sent, _("Sent. The next settlement confirms it."), forms.SentForm
    ),
    "mark_unknown": Door(
        refunds.mark_unknown, _("Marked as unknown; finance decides."), forms.ReasonForm
    ),
    "change_lane": Door(
        refunds.change_lane,
        _("It goes another way now and waits for approval."),
        finance_forms.LaneForm,
    ),
    "bank_file": Door(_one_file, _("The file is made. Download it and hand it to the bank.")),
    "confirm_paid": Door(refunds.confirm_paid, _("Confirmed."), finance_forms.PaidForm),
    "accept_difference": Door(
        refunds.accept_difference, _("Confirmed with the amount seen."), forms.ReasonForm
    ),
    "resolve_unknown": Door(refunds.resolve_unknown, _("Decided."), forms.ResolveForm),
    "fail": Door(refunds.fail, _("Marked as failed."), forms.ReasonForm),
    "reverse": Door(refunds.reverse, _("Marked as reversed."), forms.ReasonForm),
    "record_credit_note": Door(
        _on_row(documents.record_credit_note), _("Credit note recorded."), forms.NumberForm
    ),
    "issue_credit_note": Door(_on_row(documents.issue_credit_note), _("Credit note numbered.")),
}


@require_POST
@login_required
@permission_required("invoicing.view_refund", raise_exception=True)
def run(request: HttpRequest, key: str, verb: str) -> HttpResponse:
    """POST /refunds/<key>/<verb>/: check the form, call the verb, say what happened."""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    given = {}
    if door.form is finance_forms.LaneForm:
        given = {"refund": get_object_or_404(Refund, key=key)}
    form = door.form(request.POST, auto_id=f"{verb}_%s", **given) if door.form else None
    if form is not None and not form.is_valid():
        return page(request, key, bound={verb: form}, status=422)
    fields = getattr(form, "call", lambda: form.cleaned_data)() if form else {}
    if verb == "approve":  # the yes is to what the page showed
        fields["content_hash"] = request.POST.get("version") or None
    try:
        done = door.call(key, by=request.user, **fields)
        messages.success(request, door.done)
        if isinstance(done, BankFile):
            return redirect("invoicing:bank-file", done.key)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:refund", key)
