"""The page of one document, its buttons, its stored files and its XML for reading."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from config.core.refused import Refused
from invoicing import (
    corrections,
    delivery,
    document_actions,
    documents,
    dossier,
    forms,
    retention,
    reviewing,
    timeline,
    vies,
    waiting,
)
from invoicing.einvoice.profiles import PROFILES
from invoicing.models import Artifact, Delivery, Document, IssuingMode

VIEW = "invoicing.view_document"
TYPES = {"pdf": ("application/pdf", "pdf"), dossier.REPORT: ("application/json", "json")}
XML = ("application/xml", "xml")


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /documents/<id>/"""
    return page(request, pk)


def page(request: HttpRequest, pk: int, bound: dict | None = None, status: int = 200):
    """Draw the document; ``bound`` is the form of a button that was posted with errors."""
    related = ("order", "buyer", "seller", "marketplace", "corrects", "refund", "created_by",
               "series")  # fmt: skip
    document = get_object_or_404(Document.objects.select_related(*related), pk=pk)
    refund = getattr(document, "refund", None)
    document.findings = dossier.still_open(document)  # what was accepted waits for nobody
    holds = list(document.holds.select_related("placed_by"))
    kept = (("invoicing.legalhold", one.pk) for one in holds)
    files = dossier.files(document)
    context = {
        "document": document,
        "refund": refund,
        "lines": dossier.lines(document),
        "taxes": dossier.taxes(document),
        "sums": dossier.sums(document),
        "late": dossier.late(document),
        "findings": dossier.findings(document),
        "waits": waiting.of_document(document, refund),
        "cancelled_by": corrections.cancellation_of(document),
        "steps": waiting.steps_of(document, request.user),
        "layers": dossier.checked(document),
        "files": files,
        "pdf": next((one for one in files if one.kind == "pdf"), None),
        "chain": dossier.chain(document),
        "neighbours": dossier.neighbours(document),
        "downloads": dossier.downloads(document),
        "events": timeline.of("invoicing.document", document.pk, *kept),
    }
    deliveries = list(document.deliveries.order_by("-pk")[: dossier.SHOWN])
    for one in deliveries:
        one.actions = document_actions.of_delivery(one, request.user)
    hold = next((one for one in holds if one.lifted_at is None), None)
    context |= {
        "deliveries": deliveries,
        "hold": hold,
        "kept_until": retention.keep_until(document),
        "kept_by": retention.rule_of(document),
        "mode": dict(IssuingMode.Issuer.choices).get(document.mode, ""),
        "actions": document_actions.of_document(
            document, request.user, refund=refund, deliveries=deliveries, hold=hold, bound=bound
        ),
    }
    return render(request, "invoicing/document.html", context, status=status)


# --- Files ---------------------------------------------------------------------------------------


@login_required
@permission_required(VIEW, raise_exception=True)
@xframe_options_sameorigin
def file(request: HttpRequest, pk: int, kind: str = "pdf") -> HttpResponse:
    """GET /documents/<id>/file/ and /documents/<id>/file/<kind>/: a stored file, as it was stored;
    ``?inline`` for the preview. Each is recorded.
    """
    document = get_object_or_404(Document, pk=pk)
    try:
        artifact = documents.file_of(document, by=request.user, kind=kind)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(document)
    content_type, ending = TYPES.get(artifact.kind, XML)
    response = HttpResponse(bytes(artifact.content), content_type=content_type)
    how = "inline" if "inline" in request.GET and kind == "pdf" else "attachment"
    name = _file_name(document, artifact.kind)
    response["Content-Disposition"] = f'{how}; filename="{name}.{ending}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _file_name(document: Document, kind: str) -> str:
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in document.number)
    return name if kind == "pdf" else f"{name}-{kind}"


@login_required
@permission_required(VIEW, raise_exception=True)
def xml(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """GET /documents/<id>/xml/<profile>/: a stored XML file, indented for reading."""
    document = get_object_or_404(Document.objects.select_related("order"), pk=pk)
    artifact = get_object_or_404(Artifact, document=document, kind=kind)
    if kind not in PROFILES:
        raise Http404(f"{kind} is no XML")
    kinds = Artifact.objects.filter(document=document, kind__in=PROFILES).order_by("kind")
    context = {
        "document": document,
        "artifact": artifact,
        "profile": PROFILES[kind],
        "profiles": [PROFILES[one] for one in kinds.values_list("kind", flat=True)],
        "text": dossier.pretty(bytes(artifact.content)),
    }
    return render(request, "invoicing/document_xml.html", context)


# --- Buttons -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Door:
    """A button: the verb it calls, the sentence after success, its form, and whether the page
    shown next is that of the document the verb made.
    """

    call: Callable[..., Any]
    done: Any
    form: type[django_forms.Form] | None = None
    leads_on: bool = False


def _discard(document: Document, *, by: Any, reason: str) -> Document:
    """Throw a stopped correction away; the invoice it would have corrected is shown next."""
    corrections.discard(document, by=by, reason=reason)
    return document.corrects


DOORS = {
    "number": Door(documents.number, _("Numbered; its file is being made.")),
    "again": Door(documents.ask_again, _("Its file is being made.")),
    "cancel": Door(
        corrections.cancel_invoice, _("Cancelled: this credit note is being issued."),
        forms.ReasonForm, leads_on=True,
    ),
    "correct": Door(
        corrections.correct_invoice, _("Corrected: the credit note and this invoice are being "
                                       "issued."),
        forms.ReasonForm, leads_on=True,
    ),
    "issue-again": Door(
        corrections.issue_again, _("Issued again: this invoice is being issued."),
        forms.ReasonForm, leads_on=True,
    ),
    "reverse": Door(
        corrections.reverse_credit_note, _("Reversed: this invoice is being issued."),
        forms.ReasonForm, leads_on=True,
    ),
    "ask_vies": Door(vies.ask_now, _("VIES was asked; its answer is kept.")),
    "discard": Door(_discard, _("Thrown away; no number was spent."), forms.ReasonForm,
                    leads_on=True),
    "accept": Door(reviewing.accept_finding, _("Accepted; it is being issued."), forms.AcceptForm),
    "send": Door(delivery.send, _("It goes out within a minute."), forms.SendForm),
    "place-hold": Door(retention.place_hold, _("It stays, whatever its age."), forms.HoldForm),
    "lift-hold": Door(retention.lift_hold, _("The hold is lifted."), forms.ReasonForm),
}  # fmt: skip
DELIVERY_DOORS = {
    "cancel": Door(delivery.cancel, _("Cancelled."), forms.ReasonForm),
    "resend": Door(delivery.resend, _("Prepared again.")),
    "came-back": Door(delivery.came_back, _("Noted: find another address and mail it again.")),
}


def _posted(request: HttpRequest, document: Document, verb: str, door: Door):
    if door.form is forms.AcceptForm:
        return document_actions.accept_form(document, request.POST)
    return door.form(request.POST, auto_id=f"{verb}_%s") if door.form else None


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /documents/<id>/<verb>/: check the form, call the verb, say what happened."""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    document = get_object_or_404(Document.objects.select_related("corrects"), pk=pk)
    form = _posted(request, document, verb, door)
    if form is not None and not form.is_valid():
        return page(request, pk, bound={verb: form}, status=422)
    try:
        made = door.call(document, by=request.user, **(form.cleaned_data if form else {}))
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(document)
    return redirect(made if door.leads_on else document)


@require_POST
@login_required
@permission_required(VIEW, raise_exception=True)
def hand_over(request: HttpRequest, pk: int, delivery_id: int, verb: str) -> HttpResponse:
    """POST /documents/<id>/deliveries/<id>/<verb>/"""
    door = DELIVERY_DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    one = get_object_or_404(
        Delivery.objects.select_related("document"), pk=delivery_id, document=pk
    )
    form = door.form(request.POST) if door.form else None
    try:
        if form is not None and not form.is_valid():
            raise Refused("reason", gettext("Say why, so that colleagues understand."))
        door.call(one, by=request.user, **(form.cleaned_data if form else {}))
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect(one.document)
