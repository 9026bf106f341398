"""Starting and running jobs. Rooms register what a kind of job does; core runs it and keeps the
row true. The row is committed before the queue hears of it; a sweeper repeats what the queue lost
and names what a killed worker left behind.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from config.core import trail
from config.core.models import Job
from config.core.refused import Refused

log = structlog.get_logger(__name__)
ERRORS_KEPT = 1000
LOST_AFTER = timedelta(seconds=30)
DEAD_AFTER = timedelta(minutes=10)  # well beyond the hard limit of a task (celery.py: 240 s)
TOO_LONG = "It took too long and was stopped. Ask for less at once, such as a shorter period."
DIED = "The worker stopped in the middle of it. Start it again."
_kinds: dict[str, tuple[Callable, str]] = {}


def register(kind: str, run: Callable[["Progress"], str], queue: str = "default") -> None:
    """Say what a kind of job does: ``run(progress)`` returns its one-line summary."""
    _kinds[kind] = (run, queue)


def start(kind: str, title: str, *, by, params: dict | None = None) -> Job:
    """Create a job and hand it to the queue once the transaction has committed."""
    job = Job.objects.create(
        kind=kind, title=title, owner=by, params=params or {}, request_id=trail.request_id.get()
    )
    transaction.on_commit(lambda: enqueue(job))
    return job


def enqueue(job: Job) -> None:
    """Publish the job; a broker that is away costs delay, the sweeper tries again."""
    from config.core.tasks import run_job

    try:
        run_job.apply_async([job.pk], queue=_kinds[job.kind][1])
    except Exception as error:  # noqa: BLE001 any broker failure means: later
        log.warning("job_not_published", job=job.pk, error=type(error).__name__)


def run(job_id: int) -> None:
    """Run one queued job in this process. A job that somebody else took is left alone."""
    with transaction.atomic():
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(pk=job_id, status=Job.Status.QUEUED)
            .first()
        )
        if job is None:
            return
        job.status, job.started_at = Job.Status.RUNNING, timezone.now()
        job.heartbeat_at = job.started_at
        job.save(update_fields=["status", "started_at", "heartbeat_at"])
    token = trail.request_id.set(job.request_id)
    try:
        _execute(job)
    finally:
        trail.request_id.reset(token)


def _execute(job: Job) -> None:
    progress = Progress(job)
    try:
        summary = _kinds[job.kind][0](progress)
        _finish(job, Job.Status.DONE, summary)
    except Refused as refused:
        _finish(job, Job.Status.FAILED, refused.sentence)
    except SoftTimeLimitExceeded:
        log.warning("job_too_long", job=job.pk, kind=job.kind)
        _finish(job, Job.Status.FAILED, TOO_LONG)
    except Exception as error:
        log.exception("job_failed", job=job.pk, kind=job.kind)
        _finish(job, Job.Status.FAILED, f"Stopped by an error ({type(error).__name__}).")


def _finish(job: Job, status: str, summary: str) -> None:
    job.status, job.summary, job.finished_at = status, (summary or "")[:500], timezone.now()
    job.save()


class Progress:
    """What a running job reports: how far it is, what went wrong, what it made."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.params = job.params
        self.owner = job.owner

    def set(self, done: int, total: int | None = None) -> None:
        """Store progress; rooms call it every few thousand rows."""
        self.job.done = done
        self.job.total = total if total is not None else self.job.total
        Job.objects.filter(pk=self.job.pk).update(
            done=self.job.done, total=self.job.total, heartbeat_at=timezone.now()
        )

    def counts(self, counts: dict) -> None:
        """Keep the counts the page shows."""
        self.job.counts = counts

    def error(self, row: dict) -> None:
        """Keep a problem as a row for the error list; only the first thousand."""
        if len(self.job.errors) < ERRORS_KEPT:
            self.job.errors.append(row)

    def result_file(self, name: str) -> Path:
        """Where to write the result; it is offered for download under ``name``."""
        folder = Path(settings.DATA_DIR) / "jobs"
        folder.mkdir(parents=True, exist_ok=True)
        self.job.result_name = name
        self.job.result_path = f"jobs/{self.job.pk}-{name}"
        return Path(settings.DATA_DIR) / self.job.result_path

    def seal_result(self) -> str:
        """Hash the finished result file and keep the hash."""
        path = Path(settings.DATA_DIR) / self.job.result_path
        with path.open("rb") as stream:
            self.job.result_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return self.job.result_sha256


def requeue_lost() -> int:
    """Publish again what is queued for longer than half a minute; returns how many."""
    lost = Job.objects.filter(
        status=Job.Status.QUEUED, created_at__lt=timezone.now() - LOST_AFTER
    ).order_by("pk")[:100]
    for job in lost:
        enqueue(job)
    return len(lost)


def fail_dead() -> int:
    """Mark as failed what runs without a sign of life: its worker was killed. Returns how many.

    A dead job is not repeated by itself: nobody knows how far it came.
    """
    running = Job.objects.filter(status=Job.Status.RUNNING)
    silent = running.alias(seen=Coalesce("heartbeat_at", "started_at", "created_at"))
    return silent.filter(seen__lt=timezone.now() - DEAD_AFTER).update(
        status=Job.Status.FAILED, summary=DIED, finished_at=timezone.now()
    )
