"""Refund settlement reports: stored runs, a new one, its totals and file; and untied money."""

import csv
from collections import defaultdict
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.display import percent
from config.core.lists import HeaderAction, ListPage
from config.core.models import Job
from config.core.refused import Refused
from invoicing.filters import RunFilters, UntiedFilters
from invoicing.forms import ReportForm
from invoicing.imports.opening_balance import TEMPLATE
from invoicing.matching import untied
from invoicing.models import ReportRun
from invoicing.reports import kinds, runs, settlement
from invoicing.reports.settlement_sql import COLUMNS, DIFFERS, MATCHED, MISSING, ONLY_AMAZON
from invoicing.tables import RunTable, UntiedTable

ROWS_SHOWN = 50
SUMS = ("net", "vat", "gross", "amazon_amount", "difference")


class RunList(ListPage):
    """Every stored run, newest first."""

    table_class = RunTable
    filterset_class = RunFilters
    row_template = "invoicing/run_row.html"
    template_name = "invoicing/runs.html"
    permission = "invoicing.view_reportrun"
    title = gettext_lazy("Refund settlement reports")
    empty_text = gettext_lazy("Run the report for a period; every run stays here with its file.")
    search_placeholder = gettext_lazy("File name")
    file_name = "settlement-runs"

    def get_rows(self) -> QuerySet:
        """One row a run."""
        return ReportRun.objects.annotate(downloaded=Count("downloads")).values(
            "id",
            "date_from",
            "date_to",
            "output_format",
            "rows",
            "created_at",
            "downloaded",
            "seller__name",
            "marketplace__name",
            "by__username",
        )

    def get_header_actions(self) -> list[HeaderAction]:
        """Untied money, and a new run for those who may."""
        found = [HeaderAction(_("Money not tied"), reverse("invoicing:settlement-untied"))]
        if self.request.user.has_perm(kinds.PERMISSION):
            new = HeaderAction(_("New report"), reverse("invoicing:settlement-new"), primary=True)
            found.append(new)
        return found

    def get_context(self, **extra):
        """Reports that are being made, with their progress."""
        under_way = Job.objects.filter(
            kind=runs.JOB, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)
        )
        return super().get_context(jobs=under_way[:5], **extra)


class UntiedList(ListPage):
    """Refund money of settlements that no refund stands for yet."""

    table_class = UntiedTable
    filterset_class = UntiedFilters
    row_template = "invoicing/untied_row.html"
    permission = "invoicing.view_moneyfact"
    title = gettext_lazy("Refund money not tied to a refund")
    empty_text = gettext_lazy("Every refund in the imported settlements has its refund here.")
    search_placeholder = gettext_lazy("Order id")
    scope_fields = ("seller__code", "marketplace__code")
    file_name = "untied-refund-money"

    def get_rows(self) -> QuerySet:
        """One row an amount."""
        return untied().values(
            "id",
            "amazon_order_id",
            "sku",
            "amount_description",
            "transaction_type",
            "amount",
            "currency",
            "posted_on",
            "order_id",
            "order_line_id",
            "order__facts_complete",
            "settlement__settlement_id",
        )


@login_required
@permission_required(kinds.PERMISSION, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET and POST /settlement/new/: choose a period, start the run as a job."""
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            job = runs.start(
                settlement.KIND,
                form.scope(),
                form.cleaned_data["output_format"],
                by=request.user,
            )
        except Refused as refused:
            messages.error(request, refused.sentence)
        else:
            return redirect("invoicing:settlement-job", job.pk)
    status = 422 if form.errors else 200
    return render(request, "invoicing/run_new.html", {"form": form}, status=status)


@login_required
@permission_required("invoicing.view_reportrun", raise_exception=True)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /settlement/jobs/<id>/: progress, asked again by htmx or a reload; then the run."""
    job = get_object_or_404(Job.objects.select_related("owner"), pk=pk, kind=runs.JOB)
    asked_by_htmx = request.headers.get("HX-Target") == f"job-{job.pk}"
    run = ReportRun.objects.filter(job=job).first() if job.is_over else None
    if run is not None:
        url = reverse("invoicing:settlement-run", args=[run.pk])
        return HttpResponse(headers={"HX-Redirect": url}) if asked_by_htmx else redirect(url)
    template = "core/_job.html" if asked_by_htmx else "invoicing/run_job.html"
    context = {"job": job, "url": reverse("invoicing:settlement-job", args=[job.pk])}
    response = render(request, template, context)
    response["Vary"] = "HX-Target"
    return response


@login_required
@permission_required("invoicing.view_reportrun", raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /settlement/<id>/: the run's parameters, totals and downloads."""
    related = ("seller", "marketplace", "by", "job")
    run = get_object_or_404(ReportRun.objects.select_related(*related), pk=pk)
    context = {
        "run": run,
        "rates": [_shown(total) for total in run.totals],
        "statuses": [_shown(total) for total in _per_status(run.totals)],
        "header": COLUMNS,
        "rows": _first_rows(run),
        "downloads": run.downloads.select_related("by"),
    }
    return render(request, "invoicing/run.html", context)


LOOKS = {
    MATCHED: ("matched", gettext_lazy("matched")),
    MISSING: ("missing", gettext_lazy("missing at Amazon")),
    ONLY_AMAZON: ("external", gettext_lazy("seen only at Amazon")),
    DIFFERS: ("differs", gettext_lazy("amount differs")),
}


def _shown(total: dict) -> dict:
    """A total with decimals, and its status as badge and word."""
    look, word = LOOKS[total["status"]]
    amounts = {name: Decimal(total[name]) for name in SUMS}
    rate = total.get("vat_rate")
    rate = rate and percent(Decimal(rate))
    return {**total, **amounts, "look": look, "word": word, "vat_rate": rate}


def _first_rows(run: ReportRun) -> list[list[dict]]:
    """The first rows of a run as cells, read from the stored CSV (of an XLSX the one beside it)."""
    path = (Path(settings.DATA_DIR) / run.file_path).with_suffix(".csv")
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(islice(csv.reader(file), 1, ROWS_SHOWN + 1))
    return [
        [
            {"value": value, "num": column.kind in ("money", "rate")}
            for column, value in zip(COLUMNS, line, strict=True)
        ]
        for line in lines
    ]


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
@permission_required("invoicing.view_reportrun", raise_exception=True)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /settlement/<id>/file/: the stored file; who took it is recorded."""
    run = get_object_or_404(ReportRun, pk=pk)
    try:
        path = runs.download(run, by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("invoicing:settlement-run", run.pk)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=run.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
def template(request: HttpRequest) -> HttpResponse:
    """GET /settlement/opening-balance.csv: the form of the opening balance, with an example."""
    response = HttpResponse(TEMPLATE, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="opening-balance.csv"'
    return response
