"""Runs of reports: made in one consistent snapshot, stored with their parameters, totals and hash;
and the record of who downloaded them.

    start(kind, scope, output_format, *, by) -> Job        queue a run; its page shows progress
    run(kind, scope, output_format, *, by) -> ReportRun    make it now
    download(run, *, by) -> Path                           the stored file; recorded
    stored_csv(run) -> Path                                CSV of (at least) its first rows

``kind`` is a key of ``kinds`` ("settlement", "journal", "datev", "vat", "cost"), ``scope`` a
``Scope(date_from, date_to, seller=None, marketplace=None, chosen={})``, ``output_format`` one of
``kinds.named(kind).formats``. Each raises Refused where the person may not or it makes no sense.
"""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.core import jobs
from config.core.models import Job
from config.core.refused import Refused
from config.core.roles import require
from invoicing.models import Download, ReportRun
from invoicing.reports import files, kinds, pdf, xlsx
from invoicing.reports.kinds import Kind, Scope
from orders.models import Marketplace, Seller

JOB = "report"
FOLDER = "reports"
BESIDE = ".rows.csv"
ROWS_BESIDE = 50


def run(
    kind: str,
    scope: Scope,
    output_format: str,
    *,
    by: Any,
    job: Job | None = None,
    progress: jobs.Progress | None = None,
) -> ReportRun:
    """Make the file, store it and the run; returns the run. Raises Refused as ``start`` does."""
    chosen, scope = _required(kind, scope, output_format, by)
    path = Path(FOLDER) / f"{uuid.uuid4()}.{output_format}"
    full = Path(settings.DATA_DIR) / path
    full.parent.mkdir(parents=True, exist_ok=True)
    rows, totals = _write(chosen, scope, full, by, progress)
    with full.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ReportRun.objects.create(
        kind=kind,
        date_from=scope.date_from,
        date_to=scope.date_to,
        seller=scope.seller,
        marketplace=scope.marketplace,
        choices=scope.chosen,
        output_format=output_format,
        rows=rows,
        totals=totals,
        file_name=f"{chosen.stem}-{scope.suffix}.{output_format}",
        file_path=str(path),
        sha256=digest,
        by=by,
        job=job,
    )


def start(kind: str, scope: Scope, output_format: str, *, by: Any) -> Job:
    """Queue a run as a job; its page shows the progress.

    Raises Refused when the person may not, or the period, seller or format makes no sense.
    """
    chosen, scope = _required(kind, scope, output_format, by)
    params = {
        "kind": kind,
        "from": scope.date_from.isoformat(),
        "to": scope.date_to.isoformat(),
        "seller": scope.seller and scope.seller.pk,
        "marketplace": scope.marketplace and scope.marketplace.pk,
        "chosen": scope.chosen,
        "format": output_format,
    }
    title = _("%(report)s %(from)s to %(to)s") % {**params, "report": chosen.label}
    with transaction.atomic():
        return jobs.start(JOB, title, by=by, params=params)


def download(run: ReportRun, *, by: Any) -> Path:
    """The stored file of a run; records who took it. Raises Refused when it is gone or changed."""
    require(by, "invoicing.view_reportrun")
    path = Path(settings.DATA_DIR) / run.file_path
    if not path.is_file():
        raise Refused("file_gone", _("The file of this run is not stored any more. Run it again."))
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != run.sha256:
            raise Refused("file_changed", _("The stored file was changed. Run the report again."))
    Download.objects.create(run=run, by=by)
    return path


def stored_csv(run: ReportRun) -> Path:
    """Where a run's rows lie as plain CSV, for its page: the file itself, or its first rows."""
    path = Path(settings.DATA_DIR) / run.file_path
    beside = path.with_suffix(BESIDE)
    return beside if beside.is_file() else path.with_suffix(".csv")


def run_job(progress: jobs.Progress) -> str:
    """The work of a job of kind ``report``; returns its summary."""
    given = progress.params
    scope = Scope(
        date.fromisoformat(given["from"]),
        date.fromisoformat(given["to"]),
        Seller.objects.filter(pk=given["seller"]).first(),
        Marketplace.objects.filter(pk=given["marketplace"]).first(),
        given["chosen"],
    )
    made = run(
        given["kind"], scope, given["format"],
        by=progress.owner, job=progress.job, progress=progress,
    )  # fmt: skip
    progress.counts({_("Rows"): made.rows})
    return _("%(rows)s rows in %(file)s.") % {"rows": made.rows, "file": made.file_name}


def _required(kind: str, scope: Scope, output_format: str, by: Any) -> tuple[Kind, Scope]:
    """The kind, and the scope with every choice made. Raises Refused."""
    chosen = kinds.named(kind)
    require(by, chosen.permission)
    if output_format not in chosen.formats:
        known = ", ".join(chosen.formats)
        raise Refused("format", _("There is no format %(format)s here; choose one of %(known)s.")
                      % {"format": output_format, "known": known})  # fmt: skip
    if scope.date_from > scope.date_to:
        raise Refused("period", _("The period ends before it begins; exchange the two dates."))
    if chosen.needs_seller and scope.seller is None:
        raise Refused("seller", _("This report is of one seller; choose one."))
    scope = Scope(scope.date_from, scope.date_to, scope.seller, scope.marketplace,
                  _choices(chosen, scope.chosen))  # fmt: skip
    if chosen.check:
        chosen.check(scope)
    return chosen, scope


def _choices(kind: Kind, given: dict[str, str]) -> dict[str, str]:
    """What was chosen, defaults filled in. Raises Refused for what the kind does not offer."""
    made = {}
    for choice in kind.choices:
        value = given.get(choice.key) or choice.default
        if value not in dict(choice.values):
            known = ", ".join(dict(choice.values))
            raise Refused("choice", _("%(value)s cannot be chosen here; choose one of %(known)s.")
                          % {"value": value, "known": known})  # fmt: skip
        made[choice.key] = value
    return made


def _write(
    kind: Kind, scope: Scope, path: Path, by: Any, progress: jobs.Progress | None
) -> tuple[int, list[dict]]:
    """Write the file; returns its number of rows and the totals."""
    with snapshot() as cursor:
        kind.fill(cursor, scope)
        totals = _totals(cursor, kind)
        rows = _count(cursor, kind, totals)

        def tick(done: int) -> None:
            if progress:
                progress.set(done, rows)

        tick(0)
        if path.suffix == ".pdf":
            figures = pdf.Figures(rows, totals, str(by))
            pdf.write_pdf(cursor, kind, path, scope, figures)
        else:
            _write_rows(cursor, kind, path, scope, totals=totals, tick=tick)
        if path.suffix != ".csv" or kind.write_csv:
            # The run's page shows the first rows from there.
            files.write_csv(cursor, kind, path.with_suffix(BESIDE), _quiet, first=ROWS_BESIDE)
        tick(rows)
    return rows, totals


def _write_rows(
    cursor: Any, kind: Kind, path: Path, scope: Scope, *, totals: list[dict], tick: files.Tick
) -> None:
    """Write the file that holds every row."""
    if path.suffix == ".xlsx":
        xlsx.write_xlsx(cursor, kind, path, totals, tick)
    elif kind.write_csv:
        kind.write_csv(cursor, path, scope, tick)
    else:
        files.write_csv(cursor, kind, path, tick)


def _quiet(done: int) -> None:
    """Progress of what takes no time."""


def _totals(cursor: Any, kind: Kind) -> list[dict]:
    """The kind's sums; amounts as text, exact."""
    cursor.execute(kind.totals)
    names = [column.name for column in cursor.description]
    return [
        {
            name: value if isinstance(value, str | int) or value is None else str(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]


def _count(cursor: Any, kind: Kind, totals: list[dict]) -> int:
    if kind.counted:  # a million rows are read once less
        return sum(total["rows"] for total in totals)
    cursor.execute(f"SELECT count(*) FROM {kind.table}")
    return cursor.fetchone()[0]


@contextmanager
def snapshot() -> Iterator[Any]:
    """A cursor in its own repeatable-read transaction: everything it reads is of one moment.

    A connection of its own, so that the progress of the job stays visible while it runs.
    """
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET LOCAL work_mem = '64MB'; SET temp_buffers = '64MB'")
            yield cursor
        own.rollback()
    finally:
        own.close()


jobs.register(JOB, run_job, queue="reports")
