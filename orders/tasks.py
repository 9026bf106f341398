"""The room's work in the background: an upload's import with its progress, and expiry."""

import time
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.core import jobs
from config.core.models import Job
from config.core.refused import Refused
from orders.imports import expiry
from orders.imports.run import import_file
from orders.models import ImportFile, Marketplace, Seller

SECONDS_BETWEEN = 0.5


class Ticker:
    """Writes a job's progress on a connection of its own: the import is one transaction, and what
    it writes itself is seen by nobody before it ends."""

    def __init__(self, job: Job) -> None:
        self.job, self.other, self.at = job, connection.copy(), 0.0

    def __enter__(self) -> "Ticker":
        return self

    def __exit__(self, *args) -> None:
        self.other.close()

    def __call__(self, done: int, total: int) -> None:
        """Store progress, at most twice a second."""
        self.job.done, self.job.total = done, total
        if time.monotonic() - self.at < SECONDS_BETWEEN:
            return
        self.at = time.monotonic()
        with self.other.cursor() as cursor:
            cursor.execute(
                "UPDATE core_job SET done = %s, total = %s, heartbeat_at = %s WHERE id = %s",
                [done, total, timezone.now(), self.job.pk],
            )


def run_import(progress: jobs.Progress) -> str:
    """The job kind "import": import an uploaded file; returns the sentence of its result."""
    params = progress.params
    seller = params.get("seller")
    marketplace = params.get("marketplace")
    with Ticker(progress.job) as ticker:
        try:
            record = import_file(
                Path(settings.DATA_DIR) / params["path"],
                by=progress.owner,
                report_type=params.get("type") or None,
                seller=Seller.objects.get(pk=seller) if seller else None,
                marketplace=Marketplace.objects.get(pk=marketplace) if marketplace else None,
                skip_bad=params.get("skip_bad", False),
                progress=ticker,
                name=params["name"],
                stored_path=params["path"],
                job=progress.job,
            )
        except Refused as refused:
            for problem in getattr(refused, "problems", []):
                progress.error(vars(problem))
            if getattr(refused, "import_file", None) is None:  # no record that would expire
                (Path(settings.DATA_DIR) / params["path"]).unlink(missing_ok=True)
            raise
    progress.counts(counts(record))
    return f"{record.file_name}: {record.rows} rows, {record.inserted} new."


def counts(record: ImportFile) -> dict[str, int]:
    """The counts of an import in the order pages show them."""
    return {
        "rows": record.rows,
        "new": record.inserted,
        "updated": record.updated,
        "unchanged": record.unchanged,
        "bad": record.bad,
    }


@shared_task(name="orders.tasks.expire_raw_rows")
def expire_raw_rows() -> int:
    """Nightly: raw rows and stored files past their time."""
    return expiry.expire_raw_rows()
