"""Many at once: bulk entry by CSV or paste with a preview, and bulk verbs over chosen RMAs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.core.refused import Refused
from config.core.roles import may
from returns import bulk, bulk_entry
from returns.models import RMA

CHOSEN_AT_MOST = 500


class EntryForm(forms.Form):
    """A file or pasted rows: order id, SKU, quantity, reason, text."""

    rows = forms.CharField(
        label=_("Rows"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_(
            "One line each: order id; SKU; units; reason code; comment. Semicolon or tab between"
            " them, such as 302-1234567-1234567; DRILL-18V; 2; CR-DEFECTIVE; does not start"
        ),
    )
    upload = forms.FileField(label=_("or a CSV file"), required=False)

    def clean(self):
        """Take the file's text where one was given."""
        data = super().clean()
        upload = data.get("upload")
        if upload:
            if upload.size > bulk_entry.MAX_BYTES:
                raise forms.ValidationError(_("The file is larger than 1 MB. Split it."))
            data["rows"] = upload.read().decode("utf-8-sig", errors="replace")
        if not data.get("rows", "").strip():
            raise forms.ValidationError(_("Paste rows or choose a file."))
        return data


@login_required
@permission_required("returns.request_rma", raise_exception=True)
def entry(request: HttpRequest) -> HttpResponse:
    """GET the form; POST a preview; POST with ``confirm`` requests what is right."""
    form = EntryForm(request.POST or None, request.FILES or None)
    context = {"form": form, "columns": bulk_entry.COLUMNS}
    if request.method == "POST" and form.is_valid():
        preview = bulk_entry.preview(form.cleaned_data["rows"])
        context |= {"preview": preview, "text": form.cleaned_data["rows"]}
        if "confirm" in request.POST and preview.good:
            return _enter(request, preview)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "returns/bulk.html", context, status=status)


def _enter(request: HttpRequest, preview) -> HttpResponse:
    try:
        result = bulk.request_many(preview.good, by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("returns:bulk")
    _tell(request, result, _("requested"))
    return redirect("returns:queue")


@dataclass(frozen=True)
class Verb:
    """A bulk button: what it calls, what it needs, its label and its word afterwards."""

    call: Callable
    permission: str
    label: Any
    done: Any


VERBS = {
    "approve": Verb(bulk.approve_many, "returns.approve_rma", _("Approve"), _("approved")),
    "assign": Verb(bulk.take_over_many, "returns.assign_rma", _("Take over"), _("taken over")),
}


@require_POST
@login_required
def verb(request: HttpRequest, verb: str) -> HttpResponse:
    """POST /returns/bulk/<verb>/ with ``ids``: preview first, then with ``confirm`` the deed."""
    if verb not in VERBS:
        raise Http404(f"No bulk verb {verb}")
    button = VERBS[verb]
    if not may(request.user, button.permission):
        raise PermissionDenied
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal()][:CHOSEN_AT_MOST]
    rows = list(RMA.objects.filter(pk__in=ids).select_related("buyer").order_by("number"))
    if not rows:
        messages.error(request, _("Choose at least one row first."))
        return redirect("returns:queue")
    if "confirm" not in request.POST:
        preview = bulk.preview(verb, rows, by=request.user)
        context = {"button": button, "preview": preview, "ids": ids}
        return render(request, "returns/bulk_confirm.html", context)
    try:
        result = button.call([rma.number for rma in rows], by=request.user)
        _tell(request, result, button.done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("returns:queue")


def _tell(request: HttpRequest, result, word) -> None:
    if result.done:
        said = ngettext("%(n)d RMA: %(word)s.", "%(n)d RMAs: %(word)s.", len(result.done))
        messages.success(request, said % {"n": len(result.done), "word": word})
    for number, sentence in result.refused[:20]:
        messages.error(request, f"{number}: {sentence}")
