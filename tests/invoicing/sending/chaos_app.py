"""The Celery app of the chaos test: the real one, with a beat of a second and small files.

Run by `chaos.py` as `celery --app tests.invoicing.sending.chaos_app worker --beat`.
"""

from celery.signals import worker_process_init

from config.celery import app

app.conf.beat_schedule = {
    "sweep-refunds": {
        "task": "invoicing.tasks.sweep_refunds",
        "schedule": 1.0,
        "options": {"expires": 30},
    }
}
# What was in a killed worker's hands comes back to the queue while the test still runs.
app.conf.broker_transport_options = app.conf.broker_transport_options | {"visibility_timeout": 5}


@worker_process_init.connect
def _small_files(**kwargs) -> None:
    from datetime import timedelta

    from invoicing.sending import feeds, polling, sweeper

    feeds.LARGEST = 10
    polling.LONGEST_WAIT = sweeper.BUSY = feeds.SOON = timedelta(seconds=2)
