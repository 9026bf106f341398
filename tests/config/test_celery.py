"""The queue: request ids travel, scheduled tasks exist, a broker that is away says so at once."""

import time
from importlib import import_module

import pytest

from config import supervisor
from config.celery import HARD_LIMIT, QUEUES, SCHEDULE, SOFT_LIMIT, VISIBILITY, app
from config.core import trail


@app.task(name="tests.say_request_id")
def say_request_id() -> str:
    return trail.request_id.get()


@pytest.fixture
def queue(broker, request):
    """A queue of this test's own on the real broker, emptied afterwards."""
    name = f"test-{time.monotonic_ns()}"
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        yield name, lambda: channel.basic_get(name, no_ack=True)
        channel.queue_delete(name)


@pytest.fixture
def published():
    app.conf.task_always_eager = False
    yield
    app.conf.task_always_eager = True


def test_request_id_travels_with_the_message(queue, published):
    name, take = queue
    token = trail.request_id.set("request-1")
    try:
        say_request_id.apply_async(queue=name)
    finally:
        trail.request_id.reset(token)
    message = take()
    assert message.headers["request_id"] == "request-1"
    assert message.content_type == "application/json"


def test_task_sees_the_request_id_it_came_with():
    from config.celery import _forget_request_id, _take_request_id

    say_request_id.push_request(request_id="request-2", is_eager=False)
    try:
        _take_request_id(task=say_request_id)
        assert say_request_id.run() == "request-2"
        _forget_request_id(task=say_request_id)
        assert say_request_id.run() == ""
    finally:
        say_request_id.pop_request()


def test_broker_that_is_away_answers_at_once(published, tmp_path):
    started = time.monotonic()
    with (
        app.connection_for_write(f"redis+socket://{tmp_path}/nobody.sock") as away,
        pytest.raises(Exception, match=r"(?i)no such file|connect"),
    ):
        say_request_id.apply_async(connection=away)
    assert time.monotonic() - started < 5


def test_scheduled_tasks_exist():
    for room in ("config.core", "invoicing", "returns"):
        import_module(f"{room}.tasks")
    assert {task for task, _ in SCHEDULE.values()} - set(app.tasks) == set()


def test_slow_task_is_ended_before_it_is_handed_out_again():
    assert SOFT_LIMIT < HARD_LIMIT < VISIBILITY
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost


def test_every_queue_has_a_worker_in_the_supervisor():
    assert {"default", *QUEUES.values()} <= set(supervisor.QUEUES.split(","))
