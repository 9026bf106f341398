"""Token buckets: what they allow, how Amazon's answers correct them, and two who take at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from orders.amazon import quota
from orders.amazon.errors import NotDone
from orders.models import Quota

NAME = "DE1/EU/createFeed"


def drain(name: str = NAME) -> None:
    for _ in range(quota.PLANS[name.rpartition("/")[2]][1]):
        quota.take(name)


@pytest.mark.django_db
def test_burst_is_allowed_and_the_next_call_waits():
    drain()
    with pytest.raises(NotDone) as caught:
        quota.take(NAME)
    assert caught.value.code == "throttled"
    assert caught.value.retry_after == pytest.approx(1 / 0.0083, rel=0.02)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", sorted(quota.PLANS))
def test_bucket_starts_with_the_plan(operation):
    name = f"DE1/EU/{operation}"
    drain(name)
    bucket = Quota.objects.get(name=name)
    assert (bucket.rate, bucket.burst) == quota.PLANS[operation]
    assert bucket.tokens < 1 + bucket.rate * 5


@pytest.mark.django_db
def test_tokens_come_back_with_time():
    drain()
    Quota.objects.update(tokens=0, filled_at=timezone.now() - timedelta(seconds=125))
    quota.take(NAME)  # one in two minutes
    with pytest.raises(NotDone):
        quota.take(NAME)


@pytest.mark.django_db
def test_rest_never_exceeds_the_burst():
    quota.take(NAME)
    Quota.objects.update(filled_at=timezone.now() - timedelta(days=30))
    drain()
    with pytest.raises(NotDone):
        quota.take(NAME)


@pytest.mark.django_db
def test_clock_that_was_set_back_takes_no_token_away():
    quota.take(NAME)
    Quota.objects.update(filled_at=timezone.now() + timedelta(hours=1))
    quota.take(NAME)
    assert Quota.objects.get().tokens == pytest.approx(13)


@pytest.mark.django_db
def test_accounts_regions_and_operations_have_their_own():
    drain()
    for name in ("DE2/EU/createFeed", "DE1/NA/createFeed", "DE1/EU/getFeed"):
        quota.take(name)


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["0.5", "0.5 "])
def test_rate_is_corrected_by_the_answer(header):
    drain()
    quota.correct(NAME, header)
    with pytest.raises(NotDone) as caught:
        quota.take(NAME)
    assert caught.value.retry_after <= 2


@pytest.mark.django_db
@pytest.mark.parametrize("header", [None, "", "string", "0", "-1", "nan", "inf", "1e9"])
def test_nonsense_in_the_answer_changes_nothing(header):
    quota.take(NAME)
    quota.correct(NAME, header)
    assert Quota.objects.get().rate == 0.0083


@pytest.mark.django_db
def test_amazons_no_empties_the_bucket():
    quota.take(NAME)
    assert quota.exhausted(NAME) == pytest.approx(1 / 0.0083)
    with pytest.raises(NotDone):
        quota.take(NAME)


@pytest.mark.django_db
def test_lock_timeout_of_the_caller_stays():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '7s'")
        quota.take(NAME)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "7s"


# --- Several at once ---------------------------------------------------------------------------
TAKERS = 8


def taken_by_many(take, each: int = 5) -> int:
    """How many of eight threads, starting together, got a token."""
    start, got, errors = threading.Barrier(TAKERS), [], []

    def work() -> None:
        start.wait()
        try:
            for _ in range(each):
                take(NAME)
                got.append(1)
        except NotDone:
            pass
        except Exception as error:  # noqa: BLE001 told below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(TAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return len(got)


@pytest.mark.django_db(transaction=True)
@pytest.mark.full_size(times=10)
def test_many_workers_take_no_more_than_there_is():
    assert taken_by_many(quota.take) == 15


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_takes_more(monkeypatch):
    """The same code without its row lock: two who read before either writes take one token."""
    quota.take(NAME)
    Quota.objects.update(tokens=1, filled_at=timezone.now())
    both_have_read = threading.Barrier(TAKERS, timeout=20)
    monkeypatch.setattr(quota, "_LOCK", quota._LOCK.replace("FOR UPDATE", ""))
    monkeypatch.setattr(quota, "_STORE", _Waiting(quota._STORE, both_have_read))
    assert taken_by_many(quota.take, each=1) == TAKERS


class _Waiting(str):
    """SQL that first waits until everybody has read."""

    __slots__ = ("barrier",)

    def __new__(cls, sql: str, barrier: threading.Barrier):
        made = super().__new__(cls, sql)
        made.barrier = barrier
        return made

    def encode(self, *args) -> bytes:
        self.barrier.wait()
        return super().encode(*args)


@pytest.mark.django_db(transaction=True)
def test_worker_that_holds_the_bucket_makes_nobody_wait_long():
    quota.take(NAME)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Quota.objects.select_for_update().get(name=NAME)
            held.set()
            done.wait(30)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    try:
        with pytest.raises(NotDone) as caught:
            quota.take(NAME)
    finally:
        done.set()
        holder.join()
    assert caught.value.retry_after == quota.BUSY
