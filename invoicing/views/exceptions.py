"""Exceptions: what does not tie, by cause, owner, age and amount; several at once.

The page of one is in `exception.py`.
"""

from collections import defaultdict
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from config.core.lists import BulkAction, ListPage, Tab
from config.core.refused import Refused
from invoicing.finance_filters import MINE, NOBODY, ExceptionFilters
from invoicing.finance_forms import ExplainForm, OwnerForm
from invoicing.finance_tables import ExceptionTable
from invoicing.matches import exceptions as verbs
from invoicing.models import Match
from invoicing.models.match import Cause, Result

VIEW = "invoicing.view_match"
CHOSEN_AT_MOST = 500


class ExceptionList(ListPage):
    """What does not tie and nobody explained, the oldest first."""

    table_class = ExceptionTable
    filterset_class = ExceptionFilters
    row_template = "invoicing/exception_row.html"
    template_name = "invoicing/exceptions.html"
    permission = VIEW
    title = gettext_lazy("Exceptions")
    empty_text = gettext_lazy("Everything ties: refunds, documents, goods and Amazon's money.")
    search_placeholder = gettext_lazy("Order, RMA or note")
    default_sort, sorts = "since", {"since": "since"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("cause", "owner")
    file_name = "exceptions"

    def get_rows(self) -> QuerySet:
        """One row an exception; the explained ones only where they are asked for."""
        explained = self.request.GET.get("result") == Result.EXPLAINED
        rows = Match.objects.filter(result=Result.EXPLAINED if explained else Result.OPEN)
        return rows.values(
            "id", "key", "kind", "cause", "detail", "result", "expected", "seen", "difference",
            "currency", "origin", "since", "posted_on", "owner__username", "order__amazon_order_id",
            "refund__key", "resolution",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """Whose they are, and what is explained already."""
        rows = Match.objects.order_by().filter(result=Result.OPEN)
        mine = rows.filter(owner=self.request.user.pk)
        explained = Match.objects.order_by().filter(result=Result.EXPLAINED)
        return [
            Tab(_("Open"), {}, rows),
            Tab(_("Mine"), {"owner": MINE}, mine),
            Tab(_("Nobody's"), {"owner": NOBODY}, rows.filter(owner=None)),
            Tab(_("Explained"), {"result": Result.EXPLAINED.value}, explained),
        ]

    def get_bulk_actions(self) -> list[BulkAction]:
        """Take, hand over or explain the chosen; the last two ask on a page of their own."""
        labels = {"take": _("Take"), "hand-over": _("Hand over"), "explain": _("Explain")}
        return [
            BulkAction(verb, label, reverse("invoicing:exceptions-verb", args=[verb]),
                       verbs.PERMISSION)
            for verb, label in labels.items()
        ]  # fmt: skip

    def get_context(self, **extra):
        """How many are open of each cause, the gravest first."""
        rows = Match.objects.filter(result=Result.OPEN).order_by().values("cause")
        counts = {row["cause"]: row for row in rows.annotate(count=Count("pk"))}
        causes = [
            {**counts[value], "label": label, "on": self.request.GET.get("cause") == value}
            for value, label in Cause.choices
            if value in counts
        ]
        return super().get_context(causes=causes, **extra)


FORMS = {"take": None, "hand-over": OwnerForm, "explain": ExplainForm}


@require_POST
@login_required
@permission_required(verbs.PERMISSION, raise_exception=True)
def run(request: HttpRequest, verb: str) -> HttpResponse:
    """POST /exceptions/bulk/<verb>/ with ``ids``: totals and the form first, then the deed."""
    if verb not in FORMS:
        raise Http404(f"No verb {verb}")
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal()][:CHOSEN_AT_MOST]
    rows = list(Match.objects.filter(pk__in=ids).select_related("order").order_by("pk"))
    if not rows:
        messages.error(request, _("Choose at least one row first."))
        return redirect("invoicing:exceptions")
    form = None
    if form_class := FORMS[verb]:
        form = form_class(request.POST if "confirm" in request.POST else None)
        if not form.is_valid():
            status = 422 if form.is_bound else 200
            context = {"verb": verb, "form": form, "rows": rows, **_totals(rows)}
            return render(request, "invoicing/exceptions_many.html", context, status=status)
    try:
        _tell(request, *_do(verb, rows, request.user, form.cleaned_data if form else {}))
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:exceptions")


def _totals(rows: list[Match]) -> dict:
    """Differences per currency, and whether the chosen have one cause: only such are explained."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row.currency] += row.difference
    causes = sorted({str(row.get_cause_display()) for row in rows})
    return {"totals": dict(sorted(totals.items())), "causes": causes}


def _do(verb: str, rows: list[Match], by, fields: dict) -> tuple[int, dict[int, Refused], list]:
    """Run the verb on each row; returns how many it did, what was refused by id, and the rows."""
    if verb == "explain":
        done = verbs.explain_many([row.pk for row in rows], by=by, **fields)
        return len(done.done), done.refused, rows
    owner, count, refused = fields.get("owner", by), 0, {}
    for row in rows:
        try:
            verbs.hand_to(row, owner, by=by)
            count += 1
        except Refused as no:
            refused[row.pk] = no
    return count, refused, rows


def _tell(request: HttpRequest, count: int, refused: dict[int, Refused], rows: list) -> None:
    if count:
        said = ngettext("%(n)d exception changed.", "%(n)d exceptions changed.", count)
        messages.success(request, said % {"n": count})
    names = {row.pk: row.order.amazon_order_id if row.order else row.key for row in rows}
    for pk, why in list(refused.items())[:20]:
        messages.error(request, f"{names[pk]}: {why.sentence}")
