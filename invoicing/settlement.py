"""Runs of the refund settlement report: made in one consistent snapshot, stored with their
parameters, totals and hash; and the record of who downloaded them.

The rows are in ``settlement_sql.py``, the file formats in ``settlement_files.py``.
"""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from invoicing import settlement_files as files
from invoicing import settlement_sql as sql
from invoicing.models import Download, SettlementRun
from orders.models import Marketplace, Seller

FORMATS = ("csv", "xlsx")
PERMISSION = "invoicing.run_settlement_report"
JOB = "settlement_report"
FOLDER = "settlement"


@dataclass(frozen=True)
class Period:
    """What a run covers: posted dates, both included; every seller unless one is named."""

    date_from: date
    date_to: date
    seller: Seller | None = None
    marketplace: Marketplace | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The values of the SELECT."""
        return {
            "from": self.date_from,
            "to": self.date_to,
            "seller": self.seller and self.seller.pk,
            "marketplace": self.marketplace and self.marketplace.pk,
        }

    @property
    def file_stem(self) -> str:
        """A name that says what is in the file."""
        parts = ["refund-settlement", self.date_from.isoformat(), self.date_to.isoformat()]
        parts += [one.code.lower() for one in (self.seller, self.marketplace) if one]
        return "-".join(parts)


def run_report(
    period: Period,
    output_format: str,
    *,
    by: Any,
    job: Job | None = None,
    progress: jobs.Progress | None = None,
) -> SettlementRun:
    """Make the file (``csv`` or ``xlsx``), store it and the run; returns the run.

    Raises Refused when the person may not, or the period or format makes no sense.
    """
    require(by, PERMISSION)
    _require_sense(period, output_format)
    path = Path(FOLDER) / f"{uuid.uuid4()}.{output_format}"
    full = Path(settings.DATA_DIR) / path
    full.parent.mkdir(parents=True, exist_ok=True)
    rows, totals = _write(period, output_format, full, progress)
    with full.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SettlementRun.objects.create(
        date_from=period.date_from,
        date_to=period.date_to,
        seller=period.seller,
        marketplace=period.marketplace,
        output_format=output_format,
        rows=rows,
        totals=totals,
        file_name=f"{period.file_stem}.{output_format}",
        file_path=str(path),
        sha256=digest,
        by=by,
        job=job,
    )


def download(run: SettlementRun, *, by: Any) -> Path:
    """The stored file of a run; records who took it. Raises Refused when it is gone or changed."""
    require(by, "invoicing.view_settlementrun")
    path = Path(settings.DATA_DIR) / run.file_path
    if not path.is_file():
        raise Refused("file_gone", _("The file of this run is not stored any more. Run it again."))
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != run.sha256:
            raise Refused("file_changed", _("The stored file was changed. Run the report again."))
    Download.objects.create(run=run, by=by)
    return path


def start_report(period: Period, output_format: str, *, by: Any) -> Job:
    """Queue a run as a job; its page shows the progress."""
    require(by, PERMISSION)
    _require_sense(period, output_format)
    params = {
        "from": period.date_from.isoformat(),
        "to": period.date_to.isoformat(),
        "seller": period.seller and period.seller.pk,
        "marketplace": period.marketplace and period.marketplace.pk,
        "format": output_format,
    }
    title = _("Refund settlement report %(from)s to %(to)s") % params
    with transaction.atomic():
        return jobs.start(JOB, title, by=by, params=params)


def run_job(progress: jobs.Progress) -> str:
    """The work of a job of kind ``settlement_report``; returns its summary."""
    given = progress.params
    period = Period(
        date.fromisoformat(given["from"]),
        date.fromisoformat(given["to"]),
        Seller.objects.filter(pk=given["seller"]).first(),
        Marketplace.objects.filter(pk=given["marketplace"]).first(),
    )
    run = run_report(
        period, given["format"], by=progress.owner, job=progress.job, progress=progress
    )
    progress.counts({_("Rows"): run.rows})
    return _("%(rows)s rows in %(file)s.") % {"rows": run.rows, "file": run.file_name}


def _require_sense(period: Period, output_format: str) -> None:
    if output_format not in FORMATS:
        raise Refused("format", f"There is no format {output_format}; choose csv or xlsx.")
    if period.date_from > period.date_to:
        raise Refused("period", _("The period ends before it begins; exchange the two dates."))


def _write(
    period: Period, output_format: str, path: Path, progress: jobs.Progress | None
) -> tuple[int, list[dict]]:
    """Write the file; returns its number of rows and the totals."""
    with snapshot() as cursor:
        cursor.execute(sql.REPORT, period.params)
        cursor.execute(sql.COUNT)
        (rows,) = cursor.fetchone()
        totals = _totals(cursor)

        def tick(done: int) -> None:
            if progress:
                progress.set(done, rows)

        tick(0)
        # Beside an XLSX lies the same as CSV: the page shows the first rows from there.
        files.write_csv(cursor, path.with_suffix(".csv"), tick)
        if output_format == "xlsx":
            files.write_xlsx(cursor, path, totals, tick)
        tick(rows)
    return rows, totals


def _totals(cursor: Any) -> list[dict]:
    """Sums per currency, VAT rate and status; amounts as text, exact."""
    cursor.execute(sql.TOTALS)
    names = [column.name for column in cursor.description]
    return [
        {
            name: value if isinstance(value, str | int) or value is None else str(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]


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
