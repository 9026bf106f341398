"""A refresh beside a verb, and two people on one exception; each with a control that goes wrong.

Every thread has its own connection; that a statement waits for a lock is seen in pg_stat_activity.
"""

import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from config.core.trail import trail
from invoicing import refund_row
from invoicing.matches import exceptions, refresh, sql
from invoicing.matching import match_refunds
from invoicing.models import Match
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement
from tests.invoicing.test_races import race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full_size(times=4)]


@pytest.fixture(autouse=True)
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def waiting_for_a_lock() -> bool:
    """Whether another connection of this database waits; a transaction sees this as it was at its
    first look, unless it forgets that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


def refresh_beside_a_match(time_machine) -> Match:
    """A refresh reads that a refund's money is missing, waits for who just found the money, and
    goes on when that is committed."""
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    refresh.refresh()
    time_machine.move_to(DAY + timedelta(days=20), tick=True)
    fact = make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-35.70", bucket="account"
    )
    found, problems = threading.Event(), []

    def compare():
        try:
            found.wait(timeout=20)
            refresh.refresh()
        except DatabaseError as error:
            problems.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=compare)
    other.start()
    with transaction.atomic():
        type(fact).objects.filter(pk=fact.pk).update(bucket="buyer")
        match_refunds()
        found.set()
        deadline = time.monotonic() + 20
        while not waiting_for_a_lock() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert waiting_for_a_lock()
    other.join(timeout=30)
    assert not problems
    return Match.objects.get(refund=refund)


def test_a_refresh_never_overwrites_what_a_verb_told_meanwhile(time_machine, monkeypatch):
    monkeypatch.setattr(refresh, "PATIENCE", "20s")
    match = refresh_beside_a_match(time_machine)
    assert match.cause != "missing"
    assert match.seen is not None


def test_control_without_the_version_a_refresh_overwrites_the_truth(time_machine, monkeypatch):
    monkeypatch.setattr(refresh, "PATIENCE", "20s")
    real = sql.returns
    guard = "WHERE m.version = EXCLUDED.version - 1"
    monkeypatch.setattr(sql, "returns", lambda above: real(above).replace(guard, ""))
    match = refresh_beside_a_match(time_machine)
    assert (match.cause, match.seen) == ("missing", None)


def test_a_refresh_gives_way_to_who_holds_a_row(monkeypatch):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    match = Match.objects.get(refund=refund)
    Match.objects.filter(pk=match.pk).update(figures_hash="")  # so that there is something to write
    tries, real = [], refresh._refresh

    def counted(sellers):
        tries.append(sellers)
        return real(sellers)

    monkeypatch.setattr(refresh, "_refresh", counted)
    monkeypatch.setattr(refresh, "PATIENCE", "50ms")
    problems = []

    def compare():
        try:
            refresh.refresh()
        except DatabaseError as error:
            problems.append(type(error).__name__)
        finally:
            connection.close()

    with transaction.atomic():
        Match.objects.select_for_update().get(pk=match.pk)
        other = threading.Thread(target=compare)
        other.start()
        other.join(timeout=30)
    assert (len(tries), problems) == (refresh.TRIES, ["OperationalError"])
    assert refresh.refresh().written == 1


def an_exception() -> Match:
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.00", adjustment="A1")
    match_refunds()
    refresh.refresh()
    return Match.objects.get(refund=refund)


def test_one_of_eight_explains():
    match = an_exception()
    people = [make_user("finance") for _ in range(8)]
    outcomes = race(
        lambda i: exceptions.explain(match.pk, by=people[i], resolution="other", reason=f"By {i}"),
        threads=8,
    )
    assert outcomes == {"done": 1, "state": 7}
    assert Match.objects.get(pk=match.pk).events.filter(result="explained").count() == 1


def test_control_without_the_lock_several_explain(monkeypatch):
    match = an_exception()
    people = [make_user("finance") for _ in range(8)]
    gate = threading.Barrier(8)

    def unlocked(pk):
        row = Match.objects.select_related("refund").get(pk=pk)
        gate.wait(timeout=30)
        return row

    monkeypatch.setattr(exceptions, "_locked", unlocked)
    outcomes = race(
        lambda i: exceptions.explain(match.pk, by=people[i], resolution="other", reason=f"By {i}"),
        threads=8,
    )
    assert outcomes["done"] > 1


def test_a_verb_that_rolls_back_takes_its_comparison_along():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"), state="sending")
    assert not Match.objects.filter(refund=refund).exists()
    finance = make_user("finance")

    def sends_and_fails():
        with trail("mark_sent_refund", by=finance):
            type(refund).objects.filter(pk=refund.pk).update(state="sent", sent_on=DAY.date())
            refund_row.tell([refund.pk])
            assert Match.objects.get(refund=refund).cause == "timing"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sends_and_fails()
    assert not Match.objects.filter(refund=refund).exists()
