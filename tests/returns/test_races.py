"""Sixteen people at once on one case: one of them does it. The same without the lock fails."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import QuerySet

from config.core.models import User
from config.core.refused import Refused
from returns import workflow
from returns.models import RMA, Message, RMALine
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.django_db(transaction=True)

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
    assert refused.value.sentence.startswith("ada was faster: approved 0\xa0minutes ago.")
    rma.refresh_from_db()
    assert rma.state == "approved"
