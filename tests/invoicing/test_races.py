"""Sixteen at once on one refund, one approval, one number series: one winner each.

Each race has its control: the same race with the lock taken away must go wrong, or it proves
nothing. Every thread has its own connection and starts at the same moment.
"""

import threading
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import approval, documents, numbering, refund_row, refunds
from invoicing.models import Document, NumberSeries, Refund, RefundLine
from tests.factories import make_user
from tests.papers import (
    make_calculation,
    make_due,
    make_invoice,
    make_issuing,
    make_refund,
    make_shipped_order,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full_size(times=4)]
THREADS = 16


def race(run: Callable[[int], object], threads: int = THREADS) -> Counter:
    """Run ``run(i)`` in so many threads at once; counts "done", refusal codes and faults."""
    start, outcomes = threading.Barrier(threads), []

    def one(i: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            run(i)
            outcomes.append("done")
        except Refused as refused:
            outcomes.append(refused.code)
        except (DatabaseError, transaction.TransactionManagementError) as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    workers = [threading.Thread(target=one, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(outcomes) == threads
    return Counter(outcomes)


@pytest.fixture
def slow_reader(monkeypatch):
    """Everybody reads before anybody writes: what happens without a lock, made certain.

    ``patch(module, name)`` lets a function's callers wait for each other after it has run.
    """

    def patch(module, name: str) -> None:
        gate, real = threading.Barrier(THREADS), getattr(module, name)

        def waits(*args, **kwargs):
            found = real(*args, **kwargs)
            with_patience(gate)
            return found

        monkeypatch.setattr(module, name, waits)

    return patch


def with_patience(gate: threading.Barrier) -> None:
    """Wait for the others, but not for ever: with a lock they cannot come."""
    try:
        gate.wait(timeout=3)
    except threading.BrokenBarrierError:
        return


@pytest.fixture
def no_row_lock(monkeypatch):
    """Take the lock out of ``select_for_update``: the control of the races on rows."""
    from django.db.models import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self.all())


# --- One refund ----------------------------------------------------------------------------------


def propose_all(order, people, origins: list[str]) -> Counter:
    """Everybody proposes 60.00 of the 100.00 that were paid, each for an origin."""
    made = {
        origin: make_calculation(order, net="60.00", tax="11.40", origin=origin)
        for origin in origins
    }
    return race(
        lambda i: refunds.propose(
            by=people[i],
            order=order,
            origin=origins[i % len(origins)],
            calculation=made[origins[i % len(origins)]],
        )
    )


CASES = [f"RMA-2026-{i:06d}" for i in range(THREADS)]


@pytest.mark.parametrize(
    ("origins", "code"), [(CASES, "cap_exceeded"), (CASES[:1], "already_refunded")]
)
def test_sixteen_proposals_for_one_line_make_one_refund(origins, code):
    order, people = make_shipped_order(), [make_user("agent") for _ in range(THREADS)]
    assert propose_all(order, people, origins) == {"done": 1, code: THREADS - 1}
    assert Refund.objects.count() == 1


def test_without_the_lines_lock_more_is_proposed_than_was_paid(no_row_lock, slow_reader):
    order, people = make_shipped_order(), [make_user("agent") for _ in range(THREADS)]
    slow_reader(refunds, "live_sums")
    propose_all(order, people, CASES)
    assert sum(line.net for line in RefundLine.objects.all()) > Decimal(100)


def test_sixteen_double_clicks_start_a_refund_once():
    refund, people = make_refund("approved"), [make_user("lead") for _ in range(THREADS)]
    outcomes = race(lambda i: refunds.start(refund.key, by=people[i]))
    assert outcomes == {"done": 1, "state": THREADS - 1}
    assert Refund.objects.get().version == 3


def test_without_the_refunds_lock_more_than_one_starts_it(no_row_lock, slow_reader):
    refund, people = make_refund("approved"), [make_user("lead") for _ in range(THREADS)]
    slow_reader(refund_row, "one")
    outcomes = race(lambda i: refunds.start(refund.key, by=people[i]))
    # Without the lock others get past the state; the index on open attempts is the second guard.
    assert outcomes["done"] + outcomes["IntegrityError"] > 1


def test_two_refunds_of_one_line_are_not_both_started_when_amazon_took_the_rest():
    order = make_shipped_order()
    keys = [make_refund("approved", order=order, net="50.00", tax="9.50").key for _ in range(2)]
    amazon(order, "30.00", "5.70")
    lead = make_user("lead")
    outcomes = race(lambda i: refunds.start(keys[i % 2], by=lead))
    assert outcomes == {"cap_exceeded": THREADS}
    assert set(Refund.objects.filter(source="retour").values_list("state", flat=True)) == {
        "approved"
    }


def amazon(order, net: str, tax: str) -> None:
    """A refund of Amazon's, as matching stores it."""
    system, net, tax = User.objects.system(), Decimal(net), Decimal(tax)
    with trail("match_refunds", by=system):
        refund = Refund.objects.create(
            source="amazon", lane="none", state="confirmed", seller=order.seller, order=order,
            origin="order", currency="EUR", net=net, tax=tax, gross=net + tax, proposer=system,
            proposed_at=timezone.now(),
        )  # fmt: skip
        RefundLine.objects.create(
            refund=refund, order_line=order.lines.get(), origin="A", component="item",
            net=net, tax=tax, gross=net + tax,
        )  # fmt: skip


# --- One approval --------------------------------------------------------------------------------


def test_sixteen_approvals_of_one_refund_have_one_approver():
    refund, people = make_refund(), [make_user("finance") for _ in range(THREADS)]
    outcomes = race(lambda i: refunds.approve(refund.key, by=people[i]))
    assert outcomes == {"done": 1, "state": THREADS - 1}
    assert Document.objects.filter(kind="credit_note").count() == 1


def test_without_the_refunds_lock_sixteen_approvals_draft_more_than_one_document(
    no_row_lock, slow_reader
):
    refund, people = make_refund(), [make_user("finance") for _ in range(THREADS)]
    slow_reader(approval, "_check")
    race(lambda i: refunds.approve(refund.key, by=people[i]))
    assert Document.objects.filter(kind="credit_note").count() > 1


def test_approve_and_reject_at_once_leave_one_decision():
    refund, people = make_refund(), [make_user("finance") for _ in range(THREADS)]

    def decide(i: int) -> None:
        if i % 2:
            refunds.approve(refund.key, by=people[i])
        else:
            refunds.reject(refund.key, by=people[i], reason="No")

    assert race(decide)["done"] == 1
    assert Refund.objects.get().version == 2


def test_sixteen_marks_of_one_refund_number_one_credit_note():
    refund, people = make_refund("sending"), [make_user("lead") for _ in range(THREADS)]
    day = timezone.localdate()
    outcomes = race(
        lambda i: refunds.mark_sent(refund.key, by=people[i], sent_on=day, amount=refund.gross)
    )
    assert outcomes == {"done": 1, "state": THREADS - 1}
    assert list(Document.objects.filter(kind="credit_note").values_list("sequence", flat=True)) == [
        1
    ]


# --- One number series ---------------------------------------------------------------------------


@pytest.fixture
def no_rendering(monkeypatch):
    """Numbers only: pages are drawn elsewhere."""
    monkeypatch.setattr(numbering, "_hurry", lambda document_id: None)


def issue_all(orders, finance) -> Counter:
    return race(lambda i: documents.issue_invoice(orders[i], by=finance))


def sixteen_orders():
    first, finance = make_shipped_order(), make_user("finance")
    orders = [first, *(make_shipped_order(seller=first.seller) for _ in range(THREADS))]
    make_invoice(orders.pop(), by=finance)  # the series exists already
    return orders, finance


def test_sixteen_invoices_at_once_take_sixteen_numbers_without_a_gap(no_rendering):
    orders, finance = sixteen_orders()
    assert issue_all(orders, finance) == {"done": THREADS}
    numbered = Document.objects.filter(kind="invoice").order_by("sequence")
    assert [row.sequence for row in numbered] == list(range(1, THREADS + 2))
    before = ""
    for row in numbered:
        assert row.previous_hash == before
        before = row.chain_hash


def test_without_the_counters_lock_numbers_repeat(no_rendering, slow_reader, monkeypatch):
    def read_and_add(name: str, count: int = 1) -> int:
        last = Document.objects.filter(kind="invoice").order_by("-sequence").first()
        return last.sequence + 1 if last and last.sequence else 1

    orders, finance = sixteen_orders()
    monkeypatch.setattr(numbering, "next_number", read_and_add)
    slow_reader(numbering, "next_number")
    assert issue_all(orders, finance)["done"] < THREADS


def test_sixteen_first_documents_of_a_seller_make_one_series(no_rendering):
    seller, finance = make_shipped_order().seller, make_user("finance")
    orders = [make_shipped_order(seller=seller) for _ in range(THREADS)]
    make_issuing(seller)
    assert issue_all(orders, finance) == {"done": THREADS}
    assert NumberSeries.objects.count() == 1


def test_sixteen_invoices_of_one_order_are_one(no_rendering):
    order, finance = sixteen_orders()[0][0], make_user("lead")
    outcomes = race(lambda i: documents.issue_invoice(order, by=finance))
    assert outcomes == {"done": 1, "invoice_known": THREADS - 1}


def test_rolled_back_number_is_given_to_the_next(no_rendering):
    orders, finance = sixteen_orders()
    with transaction.atomic():
        assert documents.issue_invoice(orders[0], by=finance).sequence == 2
        transaction.set_rollback(True)
    assert documents.issue_invoice(orders[1], by=finance).sequence == 2


def two_workers_issue(drafts) -> list[str]:
    """Two workers at once, a due draft each; the states of the drafts afterwards."""
    race(lambda i: documents.issue_due(drafts[i].pk), threads=2)
    rows = Document.objects.filter(pk__in=[draft.pk for draft in drafts])
    return sorted(rows.values_list("state", flat=True))


def two_due_drafts():
    first, finance = make_shipped_order(), make_user("finance")
    make_invoice(first, by=finance)  # the series exists already
    return [make_due(make_shipped_order(seller=first.seller), by=finance) for _ in range(2)]


def test_two_workers_number_and_issue_two_drafts():
    assert two_workers_issue(two_due_drafts()) == ["issued", "issued"]
    assert sorted(Document.objects.values_list("sequence", flat=True)) == [1, 2, 3]


def test_without_the_counters_lock_one_of_two_workers_fails(monkeypatch):
    def read_and_add(name: str, count: int = 1) -> int:
        return Document.objects.filter(state__in=("numbered", "issued")).count() + 1

    drafts, both = two_due_drafts(), threading.Barrier(2)

    def together(name: str) -> int:
        found = read_and_add(name)
        with_patience(both)
        return found

    monkeypatch.setattr(numbering, "next_number", together)
    assert two_workers_issue(drafts) == ["draft", "issued"]
    failed = Document.objects.get(state="draft")
    assert failed.findings[0]["code"] == "fault"


def test_two_workers_with_one_draft_issue_it_once():
    first, _ = two_due_drafts()
    outcomes = []
    race(lambda i: outcomes.append(documents.issue_due(first.pk)), threads=2)
    assert sorted(outcomes) == [False, True]
    assert first.artifacts.filter(kind="pdf").count() == 1


# --- Rendering -----------------------------------------------------------------------------------


def test_eight_workers_render_a_document_once(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(numbering, "_hurry", lambda document_id: None)
        invoice = make_invoice()
    outcomes = []
    race(lambda i: outcomes.append(documents.render_numbered(invoice.pk)), threads=8)
    assert outcomes.count(True) == 1
    assert sorted(invoice.artifacts.values_list("kind", flat=True)) == ["facturx", "pdf", "report"]
