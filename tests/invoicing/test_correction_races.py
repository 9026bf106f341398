"""Corrections at once: one cancellation, and never more credited than invoiced, whoever is first.

Each race has its control without the locks, which must go wrong, or it proves nothing.
"""

import pytest

from config.core.invariants import promises, violations
from config.core.models import User
from invoicing import corrections, credited, documents, numbering, refunds, tasks
from invoicing.models import Document
from tests.factories import make_user
from tests.invoicing.test_races import THREADS, no_row_lock, race, slow_reader  # noqa: F401
from tests.papers import make_invoice, make_refund, make_shipped_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full_size(times=4)]
SAYS = "Wrong company"


@pytest.fixture
def no_worker(monkeypatch):
    """Nothing is issued behind the race's back."""
    monkeypatch.setattr(corrections, "_issue_after_commit", lambda *ids: None)
    monkeypatch.setattr(numbering, "send_to_worker", lambda document_id: None)


def issued() -> Document:
    invoice = make_invoice()
    documents.finish_documents()
    return Document.objects.get(pk=invoice.pk)


def cancel_all(invoice):
    people = [make_user("finance") for _ in range(THREADS)]
    return race(lambda i: corrections.cancel_invoice(invoice, by=people[i], reason=SAYS))


def over_credited() -> int:
    promise = next(row for row in promises() if row.name == "credited_within_invoiced")
    return violations(promise)[0]


def test_sixteen_cancellations_of_one_invoice_are_one(no_worker):
    assert cancel_all(issued()) == {"done": 1, "waiting": THREADS - 1}
    assert Document.objects.filter(occasion="cancellation").count() == 1


def test_without_the_lines_lock_an_invoice_is_cancelled_more_than_once(
    no_worker, no_row_lock, slow_reader  # noqa: F811
):  # fmt: skip
    slow_reader(corrections, "_check_nothing_waits")
    assert cancel_all(issued())["done"] > 1


def two_credits(invoice) -> list[int]:
    """A cancellation and the refund of everything, both drafted while nobody was looking."""
    note = corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    line = invoice.order.lines.get()
    refund = make_refund("approved", order=invoice.order, net=line.item_net, tax=line.item_tax)
    lead = make_user("lead")
    refunds.start(refund.key, by=lead)
    refunds.mark_sent(refund.key, by=lead, sent_on=invoice.issue_date, amount=refund.gross)
    return [note.pk, refund.document_id]


def number_both(drafts):
    system = User.objects.system()
    return race(
        lambda i: numbering.take_number(drafts[i], by=system, verb="issue_document"),
        len(drafts),
    )


@pytest.fixture
def no_tasks(monkeypatch):
    """Tasks are sent nowhere, so that drafts stay drafts until the race."""
    monkeypatch.setattr(tasks, "publish", lambda task, *args: None)


def test_cancellation_and_refund_at_once_credit_an_invoice_once(no_tasks):
    invoice = issued()
    number_both(two_credits(invoice))
    notes = Document.objects.filter(kind="credit_note").order_by("state")
    assert sorted(notes.values_list("state", flat=True)) == ["draft", "numbered"]
    assert notes.get(state="draft").findings[0]["code"] == "credit_exceeds"
    assert over_credited() == 0


def test_without_the_lines_lock_both_are_numbered_and_the_promise_sees_it(
    no_tasks, no_row_lock, slow_reader  # noqa: F811
):  # fmt: skip
    invoice = issued()
    drafts = two_credits(invoice)
    slow_reader(credited, "of_order")
    number_both(drafts)
    assert over_credited() == 1


def test_correction_and_refund_at_once_leave_one_invoice_and_one_credit(no_tasks):
    invoice, finance = issued(), make_user("finance")
    lead, order = make_user("lead"), invoice.order
    refund = make_refund("proposed", order=order, net="30.00", tax="5.70")

    def run(i: int) -> None:
        if i % 2:
            refunds.approve(refund.key, by=lead)
        else:
            corrections.correct_invoice(invoice, by=finance, reason=SAYS)

    outcomes = race(run, 2)
    assert outcomes["done"] >= 1
    assert set(outcomes) <= {"done", "waiting"}
    refunds.start(refund.key, by=lead)
    refunds.mark_sent(refund.key, by=lead, sent_on=invoice.issue_date, amount=refund.gross)
    documents.finish_documents()
    note = Document.objects.get(refund=refund)
    assert note.state == "issued"
    latest = Document.objects.filter(kind="invoice", state="issued").latest("revision")
    assert note.corrects_id == latest.pk
    assert over_credited() == 0


def test_sixteen_reversals_of_one_credit_note_are_one(no_worker):
    order = make_shipped_order()
    refund = make_refund("reversed", order=order, net="30.00", tax="5.70")
    documents.finish_documents()
    people = [make_user("finance") for _ in range(THREADS)]
    outcomes = race(
        lambda i: corrections.reverse_credit_note(refund.document, by=people[i], reason=SAYS)
    )
    assert outcomes == {"done": 1, "waiting": THREADS - 1}
