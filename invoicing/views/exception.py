"""The page of one exception: what was compared with what, all sides linked, what to do, what
happened.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from config.core.refused import Refused
from invoicing import exception_actions, finance_forms, forms, timeline
from invoicing.matches import exceptions as verbs
from invoicing.models import Document, Match, MoneyFact
from invoicing.models.match import Cause, Result
from invoicing.views.exceptions import VIEW
from invoicing.views.refund import Door
from invoicing.words import match_why, why_url

RELATED = (
    "seller", "marketplace", "order__buyer", "refund__proposer", "document", "owner",
    "resolved_by",
)  # fmt: skip


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /exceptions/<id>/"""
    return page(request, pk)


def page(request: HttpRequest, pk: int, bound: dict | None = None, status: int = 200):
    """Draw the exception; ``bound`` is the form of a button that was posted with errors."""
    match = get_object_or_404(Match.objects.select_related(*RELATED), pk=pk)
    facts = _facts(match)
    context = {
        "match": match,
        "why": match_why(match.detail),
        "besides": [Cause(one).label for one in match.sides.get("causes", [])[1:]],
        "facts": facts,
        "invoices": _invoices(match),
        "goods": _goods(match.sides),
        "why_url": why_url(match.refund.key) if match.refund else "",
        "steps": _steps(match, facts),
        "resolution": dict(finance_forms.RESOLUTIONS).get(match.resolution, ""),
        "actions": exception_actions.of_exception(match, request.user, bound),
        "events": timeline.of("invoicing.match", match.pk),
    }
    return render(request, "invoicing/exception.html", context, status=status)


def _facts(match: Match) -> list[dict[str, Any]]:
    """The money compared, as what the buyer gets back."""
    rows = MoneyFact.objects.filter(pk__in=match.sides.get("facts", []))
    rows = rows.select_related("settlement", "refund").order_by("posted_at", "pk")
    return [{"fact": fact, "amount": -fact.amount} for fact in rows]


def _invoices(match: Match) -> list[Document]:
    """The invoice that the credit note corrects; before there is one, those the order stands on."""
    rows = Document.objects.filter(pk__in=match.sides.get("invoices", []))
    return list(rows.defer("payload").order_by("pk"))


def _goods(sides: dict[str, Any]) -> dict[str, Any] | None:
    """The case and how much of its goods was seen, where there is one."""
    if "rma" not in sides:
        return None
    return {
        "rma": sides["rma"],
        "receipts": len(sides.get("receipts", [])),
        "inspections": len(sides.get("inspections", [])),
    }


def _steps(match: Match, facts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Where the cause can be mended: label and address."""
    found = []
    untied = [row["fact"] for row in facts if row["fact"].refund_id is None]
    if match.result == Result.OPEN and untied and match.kind == "money":
        url = reverse("invoicing:money", args=[untied[0].pk])
        found.append((_("Say what the money means"), url))
    if match.cause == Cause.FX:
        found.append((_("Add exchange rates"), reverse("invoicing:rate-new")))
    if match.cause in (Cause.CREDIT_NOTE, Cause.UNKNOWN, Cause.ONLY_AMAZON) and match.refund:
        found.append((_("Open the refund"), match.refund.get_absolute_url()))
    return found


def _hand_over(match: Match, *, by, owner) -> Match:
    return verbs.hand_to(match, owner, by=by)


DOORS = {
    "take": Door(verbs.take, gettext_lazy("It is yours.")),
    "explain": Door(verbs.explain, gettext_lazy("Explained."), finance_forms.ExplainForm),
    "note": Door(verbs.note, gettext_lazy("Written down."), finance_forms.NoteForm),
    "hand-over": Door(_hand_over, gettext_lazy("Handed over."), finance_forms.OwnerForm),
    "reopen": Door(verbs.reopen, gettext_lazy("Open again."), forms.ReasonForm),
}


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /exceptions/<id>/<verb>/: check the form, call the verb, say what happened."""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    match = get_object_or_404(Match, pk=pk)
    form = door.form(request.POST, auto_id=f"{verb}_%s") if door.form else None
    if form is not None and not form.is_valid():
        return page(request, pk, bound={verb: form}, status=422)
    try:
        door.call(match, by=request.user, **(form.cleaned_data if form else {}))
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:exception", pk)
