"""The queues, the beat schedule, and the request id that travels with a task.

The database holds the truth and the queue only hurries: a task that is lost is found again by a
sweeper, a task that runs twice finds its work done. What a task does lives in its own room.
"""

import os
from importlib import import_module

import structlog
from celery import Celery, signals
from celery.schedules import crontab

from config.core import trail

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

VISIBILITY = 300  # seconds until an unacknowledged task is handed to somebody else
HARD_LIMIT = 240  # shorter than VISIBILITY, or a slow task would run twice at the same time
SOFT_LIMIT = 220

QUEUES = {
    # task name (pattern)                     queue
    "orders.tasks.*": "imports",
    "invoicing.tasks.pull_*": "imports",
    "invoicing.tasks.issue_*": "documents",
    "invoicing.tasks.finish_*": "documents",
    "*.tasks.report_*": "reports",
}
SCHEDULE = {
    # name                          task                                   when (UTC)
    "requeue-lost-jobs": ("core.tasks.requeue_jobs", 30.0),
    "finish-documents": ("invoicing.tasks.finish_documents", 60.0),
    "send-deliveries": ("invoicing.tasks.send_deliveries", 60.0),
    "sweep-refunds": ("invoicing.tasks.sweep_refunds", 30.0),
    "match-refunds": ("invoicing.tasks.match_refunds", crontab(minute="*/15")),
    "refresh-matches": ("invoicing.tasks.refresh_matches", crontab(minute="25")),
    "post-ledger": ("invoicing.tasks.post_ledger", crontab(minute="55")),
    "follow-supplies": ("invoicing.tasks.follow_supplies", crontab(minute="5,20,35,50")),
    "send-queued-messages": ("returns.tasks.send_messages", 60.0),
    "take-in-returns": ("returns.tasks.take_in_returns", crontab(minute="40")),
    "settle-refunded": ("returns.tasks.settle_refunded", crontab(minute="*/15")),
    "pull-finances": ("invoicing.tasks.pull_finances", crontab(hour="4", minute="10")),
    "expire-raw-rows": ("orders.tasks.expire_raw_rows", crontab(hour="3", minute="20")),
    "expire-unshipped": ("returns.tasks.expire_unshipped", crontab(hour="2", minute="10")),
}

app = Celery("retour")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=HARD_LIMIT,
    task_soft_time_limit=SOFT_LIMIT,
    worker_soft_shutdown_timeout=10,
    worker_proc_alive_timeout=60,  # a new process compiles the e-invoice rules first
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,  # the demo's mails are printed, they are no log lines
    broker_connection_retry_on_startup=True,
    # A broker that is away costs delay, not a hanging page: publishing gives up at once.
    task_publish_retry=False,
    broker_transport_options={
        "visibility_timeout": VISIBILITY,
        "socket_connect_timeout": 2,
        "socket_timeout": 30,
        "max_retries": 1,
        "interval_max": 0.5,
    },
    task_default_queue="default",
    task_routes={pattern: {"queue": queue} for pattern, queue in QUEUES.items()},
    beat_schedule={
        # A message older than half an hour is dropped: the next one does the same work.
        name: {"task": task, "schedule": when, "options": {"expires": 1800}}
        for name, (task, when) in SCHEDULE.items()
    },
    timezone="UTC",
)
app.autodiscover_tasks(["config.core", "orders", "invoicing", "returns"])


@signals.worker_process_init.connect
def _warm_the_gate(**kwargs) -> None:
    """Compile the e-invoice rules in each process of the pool: their engine survives no fork."""
    if "documents" not in app.amqp.queues.consume_from:
        return
    try:
        import_module("invoicing.gate").warm()
    except Exception as error:  # noqa: BLE001 the first document will say it, with its sentence
        structlog.get_logger(__name__).warning("gate_not_warm", error=type(error).__name__)


@signals.before_task_publish.connect
def _send_request_id(headers=None, **kwargs) -> None:
    if headers is not None and trail.request_id.get():
        headers.setdefault("request_id", trail.request_id.get())


@signals.task_prerun.connect
def _take_request_id(task=None, **kwargs) -> None:
    if task.request.is_eager:  # in the caller's own context
        return
    request_id = getattr(task.request, "request_id", None) or ""
    trail.request_id.set(request_id)
    structlog.contextvars.bind_contextvars(request_id=request_id, task=task.name)


@signals.task_postrun.connect
def _forget_request_id(task=None, **kwargs) -> None:
    if task.request.is_eager:
        return
    trail.request_id.set("")
    structlog.contextvars.clear_contextvars()
