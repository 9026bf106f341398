"""The imports pages: list, upload, progress, one import with its problems. Orders themselves are
shown by the room that joins them with returns.
"""

import uuid
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required, permission_required
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.core import csvfile, jobs
from config.core.context import path_of
from config.core.lists import HeaderAction, ListPage, Tab
from config.core.models import Job
from orders import tasks, words
from orders.filters import ImportFilters
from orders.forms import ImportForm
from orders.imports import registry
from orders.imports.expiry import UPLOADS
from orders.models import ImportFile
from orders.tables import ImportTable

SHOWN = 50
Status = ImportFile.Status


class ImportList(ListPage):
    """All imports, newest first."""

    table_class = ImportTable
    filterset_class = ImportFilters
    row_template = "orders/import_row.html"
    permission = "orders.view_importfile"
    title = _("Imports & jobs")
    empty_text = _("Import Amazon's all-orders report first, then returns and settlements.")
    search_placeholder = _("File name")
    scope_fields = ("seller__code",)
    file_name = "imports"

    def get_rows(self) -> QuerySet:
        """One row an import."""
        return ImportFile.objects.values(
            "id", "file_name", "report_type", "status", "rows", "inserted", "updated", "unchanged",
            "bad", "created_at", "by__username",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """What needs a look first."""
        rows = ImportFile.objects.order_by()
        refused, partial = ({"status": one} for one in (Status.REFUSED, Status.PARTIAL))
        return [
            Tab(_t("All")),
            Tab(_t("Refused"), refused, rows.filter(**refused)),
            Tab(_t("Without bad lines"), partial, rows.filter(**partial)),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        """The way in, for those who may."""
        actions = [HeaderAction(_t("All jobs"), reverse("core:jobs"))]
        if waiting := path_of("returns:waiting"):
            actions.append(HeaderAction(_t("Returns waiting for facts"), waiting))
        if self.request.user.has_perm("orders.import_report"):
            upload = HeaderAction(_t("Import a report"), reverse("orders:import-new"), primary=True)
            actions.append(upload)
        return actions


@login_required
@permission_required("orders.import_report", raise_exception=True)
def import_new(request: HttpRequest) -> HttpResponse:
    """GET /imports/new/: the form. POST: store the file, start the job, show its progress."""
    posted = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if posted else ImportForm()
    if posted and form.is_valid():
        return redirect("orders:import-job", _start(form, request.user).pk)
    context = {"form": form, "types": registry.all_types()}
    return render(request, "orders/import_new.html", context, status=422 if form.errors else 200)


def _start(form: ImportForm, by) -> Job:
    file, data = form.cleaned_data["file"], form.cleaned_data
    name = get_valid_filename(Path(file.name).name)[-150:] or "report"
    params = {
        "path": _store(file, name),
        "name": file.name[-200:],
        "seller": data["seller"].pk,
        "marketplace": data["marketplace"].pk if data["marketplace"] else None,
        "type": data["report_type"],
        "skip_bad": data["skip_bad"],
    }
    title = _t("Import of %(name)s") % {"name": file.name[-150:]}
    return jobs.start("import", title, by=by, params=params)


def _store(file: UploadedFile, name: str) -> str:
    """Keep the bytes under the data folder; returns the path relative to it."""
    folder = Path(settings.DATA_DIR) / UPLOADS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}-{name}"
    with path.open("xb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    path.chmod(0o600)
    return f"{UPLOADS}/{path.name}"


@login_required
@permission_required("orders.view_importfile", raise_exception=True)
def import_job(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /imports/jobs/<id>/: progress, asked again by htmx or a reload; then the import."""
    job = get_object_or_404(Job.objects.select_related("owner"), pk=pk, kind="import")
    asked_by_htmx = request.headers.get("HX-Target") == f"job-{job.pk}"
    record = ImportFile.objects.filter(job=job).first() if job.is_over else None
    if record is not None and asked_by_htmx:
        return HttpResponse(headers={"HX-Redirect": record.get_absolute_url()})
    if record is not None:
        return redirect(record)
    template = "core/_job.html" if asked_by_htmx else "orders/import_job.html"
    context = {"job": job, "url": reverse("orders:import-job", args=[job.pk])}
    response = render(request, template, context)
    response["Vary"] = "HX-Target"
    response["Cache-Control"] = "no-store"
    return response


@login_required
@permission_required("orders.view_importfile", raise_exception=True)
def import_file(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /imports/<id>/: counts, findings and the first problems of one import."""
    record = get_object_or_404(
        ImportFile.objects.select_related("seller", "marketplace", "by", "job"), pk=pk
    )
    problems = list(record.line_errors.all()[: SHOWN + 1])
    context = {
        "record": record,
        "report": words.report_title(record.report_type),
        "badge": words.import_status(record.status),
        "counts": tasks.counts(record),
        "problems": problems[:SHOWN],
        "more": len(problems) > SHOWN,
    }
    return render(request, "orders/import_file.html", context)


@login_required
@permission_required("orders.view_importfile", raise_exception=True)
def import_problems(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /imports/<id>/problems/: every problem as CSV, one a cell."""
    record = get_object_or_404(ImportFile, pk=pk)
    header = ("line", "column", "value", "problem", "remedy")
    rows = record.line_errors.values_list(*header).iterator(chunk_size=2000)
    return csvfile.response(f"import-{record.pk}-problems.csv", header, rows)
