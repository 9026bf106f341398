"""Jobs: run once, say why they failed, and never stay "running" when their worker is gone."""

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from config.core import jobs
from config.core.models import Job
from config.core.refused import Refused
from config.core.tasks import requeue_jobs
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind(monkeypatch):
    """Register a kind of job for one test."""
    monkeypatch.setattr(jobs, "_kinds", dict(jobs._kinds))

    def register(run):
        jobs.register("test", run)
        return Job.objects.create(kind="test", title="A test", owner=make_user("finance"))

    return register


def _raise(error):
    def run(progress):
        raise error

    return run


def test_job_runs_once_and_keeps_its_summary(kind):
    times = []
    job = kind(lambda progress: times.append(progress.job.pk) or "All done.")
    jobs.run(job.pk)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.summary, times) == (Job.Status.DONE, "All done.", [job.pk])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Refused("no", "The file is empty."), "The file is empty."),
        (SoftTimeLimitExceeded(), jobs.TOO_LONG),
        (KeyError("secret value"), "Stopped by an error (KeyError)."),
    ],
)
def test_failed_job_says_why_without_its_data(kind, error, sentence):
    job = kind(_raise(error))
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.summary) == (Job.Status.FAILED, sentence)
    assert job.finished_at is not None


def test_job_of_a_killed_worker_is_failed_by_the_sweeper(kind):
    job = kind(lambda progress: "never")
    long_ago = timezone.now() - jobs.DEAD_AFTER - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.RUNNING, started_at=long_ago)
    requeue_jobs()
    job.refresh_from_db()
    assert (job.status, job.summary) == (Job.Status.FAILED, jobs.DIED)
    assert job.is_over


def test_job_with_a_heartbeat_is_left_alone(kind):
    job = kind(lambda progress: "never")
    long_ago = timezone.now() - timedelta(hours=2)
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.RUNNING, started_at=long_ago, heartbeat_at=timezone.now()
    )
    assert jobs.fail_dead() == 0
    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING


def test_dead_job_is_counted_as_dead_only_beyond_the_hard_limit():
    from config.celery import HARD_LIMIT

    assert jobs.DEAD_AFTER.total_seconds() > 2 * HARD_LIMIT
