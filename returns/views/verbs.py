"""One door for all buttons of an RMA: check the form, call the verb, say what happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.core.refused import Refused
from returns import evidence, forms, goods, refunding, workflow
from returns.models import RMA
from returns.views import case


@dataclass(frozen=True)
class Door:
    """A button: its form (or none), the verb it calls, and the sentence after success."""

    call: Callable[..., Any]
    done: Any
    form: type[django_forms.Form] | None = None
    lines: Callable | None = None
    versioned: bool = True  # two people on one case: the second is told who was faster


def _outstanding(line) -> int:
    return line.outstanding


def _receive(number: str, *, by, form, **more):
    site = form.cleaned_data["site"]
    return goods.receive(number, by=by, quantities=form.quantities(), site=site, **more)


def _missing(number: str, *, by, form, **more):
    reason = form.cleaned_data["reason"]
    return goods.mark_missing(number, by=by, quantities=form.quantities(), reason=reason, **more)


def _with_fields(verb: Callable) -> Callable:
    """Call a verb with the form's fields as its keywords."""

    def call(number: str, *, by, form, **more):
        fields = {name: v for name, v in form.cleaned_data.items() if v not in (None, "")}
        return verb(number, by=by, **fields, **more)

    return call


def _propose(number: str, *, by, form, **more):
    return refunding.propose(number, by=by, **form.cleaned_data, **more)


def _propose_early(number: str, *, by, form, **more):
    return refunding.propose(number, by=by, early=True, **form.cleaned_data, **more)


def _plain(verb: Callable) -> Callable:
    def call(number: str, *, by, form, **more):
        return verb(number, by=by, **more)

    return call


_R = forms.ReasonForm
DOORS: dict[str, Door] = {
    "approve": Door(_plain(workflow.approve), _("Approved.")),
    "decline": Door(_with_fields(workflow.decline), _("Declined."), _R),
    "withdraw": Door(_with_fields(workflow.withdraw), _("Withdrawn."), _R),
    "ship": Door(_with_fields(workflow.ship), _("Parcel recorded."), forms.ShipForm),
    "add_parcel": Door(_with_fields(workflow.add_parcel), _("Parcel added."), forms.ShipForm),
    "extend": Door(_with_fields(workflow.extend), _("Extended."), forms.ExtendForm),
    "receive": Door(_receive, _("Goods received."), forms.ReceiveForm, _outstanding),
    "missing": Door(_missing, _("Noted as missing."), forms.MissingForm, _outstanding),
    "reject_goods": Door(_with_fields(workflow.reject_goods), _("Goods rejected."), _R),
    "replace": Door(_with_fields(workflow.replace), _("Replaced."), _R),
    "waive": Door(_with_fields(workflow.waive_goods), _("Goods waived."), _R),
    "settle": Door(_plain(workflow.settle), _("Closed as settled.")),
    "reopen": Door(_with_fields(workflow.reopen), _("Reopened."), _R),
    "assign": Door(_with_fields(workflow.assign), _("Assigned."), forms.AssignForm),
    "note": Door(_with_fields(workflow.add_note), _("Note kept."), forms.NoteForm, versioned=False),
    "liability": Door(
        _with_fields(workflow.set_liability),
        _("Liability set."),
        forms.LiabilityForm,
    ),
    "evidence": Door(
        _with_fields(evidence.add), _("Evidence added."), forms.EvidenceForm, versioned=False
    ),
    "propose": Door(_propose, _("Refund proposed."), forms.ProposeForm),
    "propose_early": Door(_propose_early, _("Refund proposed."), forms.ProposeForm),
    "void_refund": Door(_with_fields(refunding.void_refund), _("Refund voided."), _R),
    "refund": Door(_plain(refunding.refund), _("Refunded.")),
    "refund_nothing": Door(
        _with_fields(refunding.refund_nothing), _("Closed without a refund."), _R
    ),
    "expire": Door(_plain(workflow.expire), _("Expired.")),
}


@require_POST
@login_required
def run(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """POST /returns/<number>/<verb>/"""
    door = DOORS.get(verb)
    if door is None:
        raise Http404(f"No verb {verb}")
    form = _form(door, request, number)
    if form is not None and not form.is_valid():
        return case.page(request, number, bound={verb: form}, status=422)
    more = {"version": _version(request)} if door.versioned else {}
    try:
        door.call(number, by=request.user, form=form, **more)
        messages.success(request, door.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("returns:rma", number)


@require_POST
@login_required
def work_item_done(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /returns/work-items/<id>/done/"""
    try:
        item = workflow.finish_work_item(pk, by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("returns:queue")
    messages.success(request, _("Sorted out."))
    return redirect("returns:rma", item.rma.number)


def _form(door: Door, request: HttpRequest, number: str):
    if door.form is None:
        return None
    extra = {}
    if door.lines:
        rma = get_object_or_404(RMA, number=number)
        lines = rma.lines.select_related("order_line")
        extra["lines"] = [(line, door.lines(line)) for line in lines if door.lines(line) > 0]
    return door.form(request.POST, request.FILES, **extra)


def _version(request: HttpRequest) -> int | None:
    given = request.POST.get("version", "")
    return int(given) if given.isdecimal() else None
