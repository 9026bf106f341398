"""Core's pages: log-in, and the jobs with their progress, problems and result files.

What a job does is said by the room that registered it; nothing here knows a domain word.
"""

from pathlib import Path
from typing import Any

import django_filters
import django_tables2
from django.conf import settings
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from config.core import csvfile, roles
from config.core.lists import ListPage, Tab
from config.core.models import Job, User

UNDER_WAY = (Job.Status.QUEUED, Job.Status.RUNNING)


# The demo's people as (role, user name, password); the room that makes them says so here.
demo_people: list[tuple[str, str, str]] = []


class Login(LoginView):
    """Log-in. Somebody who just came to the front door goes where their work is."""

    redirect_authenticated_user = True

    def get_redirect_url(self) -> str:
        """The page that was asked for; the front page counts as none."""
        asked = super().get_redirect_url()
        return "" if asked == "/" else asked

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """In the demo with the logins of those people who exist."""
        context = super().get_context_data(**kwargs)
        if settings.RETOUR_DEMO and demo_people:
            names = [name for _role, name, _password in demo_people]
            here = set(User.objects.filter(username__in=names).values_list("username", flat=True))
            context["demo_logins"] = [
                {"role": role, "username": name, "password": password}
                for role, name, password in demo_people
                if name in here
            ]
        return context


class JobFilters(django_filters.FilterSet):
    """Jobs by status, and one's own."""

    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label=_("Title"))
    status = django_filters.ChoiceFilter(choices=Job.Status.choices, label=_("Status"))
    mine = django_filters.BooleanFilter(method="only_mine", label=_("Mine"))

    class Meta:
        model = Job
        fields = ["q", "status", "mine"]

    def only_mine(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Jobs the reader started."""
        return rows.filter(owner=self.request.user) if value else rows


class JobTable(django_tables2.Table):
    """The list of jobs."""

    title = Column(verbose_name=_("Job"))
    status = Column(verbose_name=_("Status"))
    summary = Column(verbose_name=_("Result"), attrs={"th": {"class": "opt"}})
    owner = Column(verbose_name=_("Started by"), accessor="owner__username")
    created_at = Column(verbose_name=_("Age"), attrs={"th": {"class": "num"}})


class JobList(ListPage):
    """All jobs, newest first."""

    table_class = JobTable
    filterset_class = JobFilters
    row_template = "core/job_row.html"
    permission = "core.view_job"
    title = _("Jobs")
    empty_text = _("Imports, exports and reports appear here while they run, and stay.")
    search_placeholder = _("Title")
    file_name = "jobs"

    def get_rows(self) -> QuerySet:
        """One row a job."""
        return Job.objects.values(
            "id", "title", "status", "summary", "done", "total", "created_at", "owner__username"
        )

    def get_tabs(self) -> list[Tab]:
        """Mine, and those that failed."""
        rows = Job.objects.order_by()
        running, failed = Job.Status.RUNNING, Job.Status.FAILED
        return [
            Tab(str(_("All"))),
            Tab(str(_("Mine")), {"mine": "true"}, rows.filter(owner=self.request.user)),
            Tab(str(_("Running")), {"status": running}, rows.filter(status=running)),
            Tab(str(_("Failed")), {"status": failed}, rows.filter(status=failed)),
        ]


@login_required
@permission_required("core.view_job", raise_exception=True)
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /jobs/<id>/: progress; asked by htmx for its own region, that region alone."""
    found = get_object_or_404(Job.objects.select_related("owner"), pk=pk)
    context = {"job": found, "may_download": _may_download(request.user, found)}
    alone = request.headers.get("HX-Target") == f"job-{found.pk}"
    response = render(request, "core/job_progress.html" if alone else "core/job.html", context)
    response["Vary"] = "HX-Target"
    response["Cache-Control"] = "no-store"
    return response


@login_required
def job_download(request: HttpRequest, pk: int) -> FileResponse:
    """GET /jobs/<id>/result/: the result file, for its owner and for admins."""
    found = get_object_or_404(Job, pk=pk, status=Job.Status.DONE)
    if not _may_download(request.user, found):
        raise PermissionDenied
    path = _result_path(found)
    if path is None:
        raise Http404("The result file is gone.")
    response = FileResponse(path.open("rb"), as_attachment=True, filename=found.result_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
def job_errors(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /jobs/<id>/problems/: the problems as CSV, one row each."""
    found = get_object_or_404(Job, pk=pk)
    if not _may_download(request.user, found):
        raise PermissionDenied
    columns = list(dict.fromkeys(name for row in found.errors for name in row))
    rows = ([row.get(name, "") for name in columns] for row in found.errors)
    return csvfile.response(f"job-{found.pk}-problems.csv", columns, rows)


def _may_download(user: Any, job: Job) -> bool:
    return job.owner_id == user.pk or user.role == roles.ADMIN


def _result_path(job: Job) -> Path | None:
    """Where the result lies; None when it expired or would lie outside the data folder."""
    folder = Path(settings.DATA_DIR).resolve()
    path = (folder / job.result_path).resolve()
    return path if job.result_path and path.is_file() and folder in path.parents else None
