"""Core's tasks: thin doors to ``jobs.py``."""

from celery import shared_task

from config.core import jobs


@shared_task(name="core.tasks.run_job")
def run_job(job_id: int) -> None:
    """Run one job by its id."""
    jobs.run(job_id)


@shared_task(name="core.tasks.requeue_jobs")
def requeue_jobs() -> int:
    """Publish again the jobs whose message was lost; name those whose worker died."""
    jobs.fail_dead()
    return jobs.requeue_lost()
