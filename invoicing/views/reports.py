"""Reports: every kind there is, a new run, its progress, and stored runs with totals and files.

What a kind holds is in ``reports/``.
"""

import csv
from collections import defaultdict
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.context import path_of
from config.core.display import money, percent
from config.core.lists import HeaderAction, ListPage, Tab
from config.core.models import Job
from config.core.refused import Refused
from invoicing.filters import RunFilters
from invoicing.forms import ReportForm
from invoicing.imports.opening_balance import TEMPLATE
from invoicing.models import ReportRun
from invoicing.reports import kinds, runs
from invoicing.reports.settlement import KIND as SETTLEMENT
from invoicing.reports.settlement_sql import DIFFERS, MATCHED, MISSING, ONLY_AMAZON, PAID_BY_BANK
from invoicing.tables import RunTable
from invoicing.words import why_url

VIEW = "invoicing.view_reportrun"
ROWS_SHOWN = 50
SUMS = ("net", "vat", "gross", "amazon_amount", "difference")
LISTS = {
    "credit_note": "invoicing:documents",
    "invoice": "invoicing:documents",
    "settlement": "invoicing:settlements",
}
RIGHT = ("money", "exact", "rate", "count")


class RunList(ListPage):
    """Every stored run, newest first; above it the kinds a person may run."""

    table_class = RunTable
    filterset_class = RunFilters
    row_template = "invoicing/run_row.html"
    template_name = "invoicing/runs.html"
    permission = VIEW
    title = gettext_lazy("Reports")
    empty_text = gettext_lazy("Run a report for a period; every run stays here with its file.")
    search_placeholder = gettext_lazy("File name")
    file_name = "reports"

    def get_rows(self) -> QuerySet:
        """One row a run."""
        return ReportRun.objects.annotate(downloaded=Count("downloads")).values(
            "id", "kind", "date_from", "date_to", "output_format", "rows", "created_at",
            "downloaded", "seller__name", "marketplace__name", "by__username",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """The kinds there are."""
        return [Tab(_("All")), *(Tab(str(k.label), {"kind": k.key}) for k in kinds.every())]

    def get_header_actions(self) -> list[HeaderAction]:
        """The books behind the reports."""
        may, found = self.request.user.has_perm, []
        for label, name, permission in (
            (_("Ledger"), "invoicing:ledger", "invoicing.view_journalline"),
            (_("Exchange rates"), "invoicing:rates", "invoicing.view_fxrate"),
            (_("Charts"), "returns:charts", VIEW),
        ):
            if path_of(name) and may(permission):
                found.append(HeaderAction(label, path_of(name)))
        return found

    def get_context(self, **extra):
        """What can be run, and what is being made, with its progress."""
        under_way = Job.objects.filter(
            kind=runs.JOB, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)
        )
        offered = kinds.open_to(self.request.user)
        return super().get_context(jobs=under_way[:5], kinds=offered, **extra)


@login_required
@permission_required(kinds.PERMISSION, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET and POST /reports/new/?kind=…: choose a period, start the run as a job."""
    offered = kinds.open_to(request.user)
    wanted = request.GET.get("kind", SETTLEMENT)
    kind = next((one for one in offered if one.key == wanted), offered[0])
    form = ReportForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            output_format = form.cleaned_data["output_format"]
            job = runs.start(kind.key, form.scope(), output_format, by=request.user)
        except Refused as refused:
            messages.error(request, refused.sentence)
        else:
            return redirect("invoicing:report-job", job.pk)
    status = 422 if form.errors else 200
    context = {"form": form, "kind": kind, "kinds": offered}
    return render(request, "invoicing/run_new.html", context, status=status)


@login_required
@permission_required(VIEW, raise_exception=True)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /reports/jobs/<id>/: progress, asked again by htmx or a reload; then the run."""
    job = get_object_or_404(Job.objects.select_related("owner"), pk=pk, kind=runs.JOB)
    asked_by_htmx = request.headers.get("HX-Target") == f"job-{job.pk}"
    run = ReportRun.objects.filter(job=job).first() if job.is_over else None
    if run is not None:
        url = reverse("invoicing:report-run", args=[run.pk])
        return HttpResponse(headers={"HX-Redirect": url}) if asked_by_htmx else redirect(url)
    template = "core/_job.html" if asked_by_htmx else "invoicing/run_job.html"
    context = {"job": job, "url": reverse("invoicing:report-job", args=[job.pk])}
    response = render(request, template, context)
    response["Vary"] = "HX-Target"
    return response


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /reports/<id>/: the run's parameters, totals and downloads."""
    related = ("seller", "marketplace", "by", "job")
    run = get_object_or_404(ReportRun.objects.select_related(*related), pk=pk)
    kind = kinds.named(run.kind)
    is_settlement = run.kind == SETTLEMENT
    context = {
        "run": run,
        "kind": kind,
        "choices": [(one.label, _word(one, run.choices)) for one in kind.choices],
        "rates": [_shown(total) for total in run.totals] if is_settlement else [],
        "statuses": [_shown(one) for one in _per_status(run.totals)] if is_settlement else [],
        "totals": [] if is_settlement else _totals(kind, run.totals),
        "header": kind.columns,
        "total_header": kind.total_columns,
        "right": RIGHT,
        "rows": _first_rows(kind, run),
        "downloads": run.downloads.select_related("by"),
    }
    return render(request, "invoicing/run.html", context)


LOOKS = {
    MATCHED: ("matched", gettext_lazy("matched")),
    MISSING: ("missing", gettext_lazy("missing at Amazon")),
    ONLY_AMAZON: ("external", gettext_lazy("seen only at Amazon")),
    PAID_BY_BANK: ("matched", gettext_lazy("paid by bank")),
    DIFFERS: ("differs", gettext_lazy("amount differs")),
}


def _word(choice: kinds.Choice, chosen: dict[str, str]) -> Any:
    return dict(choice.values).get(chosen.get(choice.key, choice.default), "–")


def _shown(total: dict) -> dict:
    """A total with decimals, and its status as badge and word."""
    look, word = LOOKS[total["status"]]
    amounts = {name: Decimal(total[name]) for name in SUMS}
    rate = total.get("vat_rate")
    rate = rate and percent(Decimal(rate))
    return {**total, **amounts, "look": look, "word": word, "vat_rate": rate}


def _totals(kind: kinds.Kind, totals: list[dict]) -> list[list[dict]]:
    """The sums of a run as cells, in the order of the kind's columns for totals."""
    return [
        [{"value": _cell(one, total), "num": one.kind in RIGHT} for one in kind.total_columns]
        for total in totals
    ]


def _cell(column: kinds.Column, total: dict) -> Any:
    """One sum as people read it: money with its currency, a rate in percent, no value as a dash."""
    value = total.get(column.key)
    if value is None or value == "":
        return "–"
    if column.kind == "money":
        return money(Decimal(value), total.get("currency", ""))
    return percent(Decimal(value)) if column.kind == "rate" else value


def _first_rows(kind: kinds.Kind, run: ReportRun) -> list[list[dict]]:
    """The first rows of a run as cells, read from the CSV that lies beside every file. A file of
    before a column was added has nothing there.
    """
    path = runs.stored_csv(run)
    if not path.is_file():
        return []
    keys = {column.header: column.key for column in kind.columns}
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(islice(csv.DictReader(file), ROWS_SHOWN))
    return [_cells(kind, {keys.get(name): value for name, value in line.items()}) for line in lines]


def _cells(kind: kinds.Kind, row: dict[str, str]) -> list[dict]:
    links = _links(row) | (kind.links(row) if kind.links else {})
    return [
        {
            "value": row.get(column.key, ""),
            "num": column.kind in RIGHT,
            "url": links.get(column.key, ""),
        }
        for column in kind.columns
    ]


def _links(row: dict[str, str]) -> dict[str, str]:
    """A refund leads to why, papers and settlements to their list; money that no refund stands for
    to where somebody says what it means.
    """
    found = {
        key: f"{reverse(name)}?{urlencode({'q': row[key]})}"
        for key, name in LISTS.items()
        if row.get(key)
    }
    if row.get("refund"):
        found["refund"] = why_url(row["refund"])
    elif row.get("amazon_amount") and row.get("amazon_order_id"):
        asked = urlencode({"q": row["amazon_order_id"]})
        found["amazon_amount"] = f"{reverse('invoicing:untied')}?{asked}"
    return found


def _per_status(totals: list[dict]) -> list[dict]:
    """Totals per currency and status, over the VAT rates."""
    sums: dict[tuple, dict] = defaultdict(lambda: dict.fromkeys(("rows", *SUMS), Decimal(0)))
    for total in totals:
        into = sums[total["currency"], total["status"]]
        for name in ("rows", *SUMS):
            into[name] += Decimal(total[name])
    return [
        {"currency": currency, "status": status, **amounts}
        for (currency, status), amounts in sorted(sums.items())
    ]


@login_required
@permission_required(VIEW, raise_exception=True)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /reports/<id>/file/: the stored file; who took it is recorded."""
    run = get_object_or_404(ReportRun, pk=pk)
    try:
        path = runs.download(run, by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("invoicing:report-run", run.pk)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=run.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
def template(request: HttpRequest) -> HttpResponse:
    """GET /reports/opening-balance.csv: the form of the opening balance, with an example."""
    response = HttpResponse(TEMPLATE, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="opening-balance.csv"'
    return response
