"""Sixteen people at once on one case: one of them does it. The same without the lock fails."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet

from config.core.models import User
from config.core.refused import Refused
from invoicing import refund_row
from invoicing.matching import match_refunds
from invoicing.models import Refund
from returns import refunding, workflow
from returns.models import RMA, Message, RMALine
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full_size(times=4)]

THREADS = 16


def at_once(work) -> list:
    """Run ``work(i)`` in sixteen threads that start together; returns what each got."""
    barrier = threading.Barrier(THREADS)

    def one(i):
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return work(i)
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def approvals(rma: RMA) -> int:
    """How often the case was approved, as the trail has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM returns_rmaevent WHERE pgh_obj_id = %s AND pgh_label = 'update'"
            " AND state = 'approved' AND pgh_context->>'verb' = 'approve'",
            [rma.pk],
        )
        return cursor.fetchone()[0]


def approve_together(rma: RMA) -> list:
    lead = make_user("lead")
    return at_once(lambda i: workflow.approve(rma.number, by=User.objects.get(pk=lead.pk)))


def test_sixteen_approvals_have_one_winner():
    rma = make_rma("requested")
    results = approve_together(rma)
    refused = [r for r in results if isinstance(r, Refused)]
    assert len(refused) == THREADS - 1
    assert {r.code for r in refused} == {"state"}
    assert approvals(rma) == 1
    assert Message.objects.filter(rma=rma, template="approved").count() == 1


def test_without_the_lock_several_win(monkeypatch):
    """The control: it shows that the race is real and that the test would see it."""
    rma = make_rma("requested")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    results = approve_together(rma)
    winners = [r for r in results if not isinstance(r, Refused)]
    assert len(winners) > 1


def test_sixteen_requests_never_claim_more_than_was_ordered():
    order, lead = make_order(quantity=5), make_user("lead")
    line = order.lines.get()

    def work(i):
        request = workflow.LineRequest(line.pk, 1, "CR-DEFECTIVE")
        return workflow.request(by=User.objects.get(pk=lead.pk), lines=[request])

    results = at_once(work)
    assert sum(isinstance(r, Refused) for r in results) == THREADS - 5
    assert sum(RMALine.objects.values_list("requested", flat=True)) == 5
    numbers = sorted(RMA.objects.values_list("number", flat=True))
    assert [int(number[-6:]) for number in numbers] == [1, 2, 3, 4, 5]


def test_the_second_of_two_people_is_told_who_was_faster():
    ada, bo = make_user("lead", "ada"), make_user("lead", "bo")
    rma = make_rma("requested", by=bo)
    workflow.approve(rma.number, by=ada, version=rma.version)
    with pytest.raises(Refused) as refused:
        workflow.decline(rma.number, by=bo, reason="late", version=rma.version)
    assert refused.value.code == "changed"
    assert refused.value.sentence.startswith("ada was faster: approved just now.")
    rma.refresh_from_db()
    assert rma.state == "approved"


# --- A settlement and a proposal for the same case ------------------------------------------------


def wait_until(sql: str) -> None:
    """Poll until the query counts somebody; ten seconds at most."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees one moment
            cursor.execute(sql)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody came")


WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database()"
)


def match_while_proposing(rma: RMA, monkeypatch) -> list:
    """Matching makes a refund of Amazon's and is stopped before the case hears of it, until a
    proposal on the same case waits for a lock. Returns what each of the two got."""
    order, agent = rma.lines.get().order_line.order, make_user("agent")
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-39.67", adjustment="A1")
    made, real = threading.Event(), refund_row.tell

    def tell(ids):
        if not made.is_set():
            made.set()
            wait_until(WAITING)
        real(ids)

    monkeypatch.setattr(refund_row, "tell", tell)

    def matches():
        return match_refunds().created

    def proposes():
        assert made.wait(timeout=30)
        return refunding.propose(rma.number, by=User.objects.get(pk=agent.pk))

    def safely(work):
        try:
            return work()
        except OperationalError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(safely, [matches, proposes]))


def test_settlement_and_proposal_lock_in_one_order(monkeypatch):
    rma = make_rma("inspected")
    (amazons,), (ours,) = match_while_proposing(rma, monkeypatch)
    assert Refund.objects.get(pk=amazons).gross + ours.gross == Decimal("79.34")


def test_without_the_cases_lock_they_wait_in_a_circle(monkeypatch):
    """The control: matching locked the order lines first."""
    rma = make_rma("inspected")
    monkeypatch.setattr(refund_row, "lockers", [])
    results = match_while_proposing(rma, monkeypatch)
    assert any("deadlock" in str(result) for result in results)
