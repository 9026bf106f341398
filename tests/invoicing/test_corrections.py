"""Corrections: cancel, write anew, take a credit note back; never more than was invoiced."""

from decimal import Decimal

import pytest

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import corrections, documents, numbering, refunds, standing
from invoicing.models import Document
from orders.models import BuyerAddress
from tests.factories import make_line, make_user
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db
SAYS = "The buyer moved"


def issued(order=None, **more) -> Document:
    """An invoice that is issued."""
    invoice = make_invoice(order, **more)
    documents.finish_documents()
    return Document.objects.get(pk=invoice.pk)


def issue_all() -> None:
    """What the workers do after a verb's commit."""
    documents.finish_documents()


def broken() -> dict[str, int]:
    """The promises that rows break now."""
    ours = [promise for promise in promises() if "." not in promise.name]
    found = {promise.name: violations(promise)[0] for promise in ours}
    return {name: count for name, count in found.items() if count}


def credit(order, net: str, tax: str, state="sent"):
    """A refund of an order's first line, carried out, with its credit note issued."""
    refund = make_refund(state, order=order, net=net, tax=tax)
    issue_all()
    return type(refund).objects.get(pk=refund.pk)


def test_corrected_invoice_is_sent_to_a_worker_as_soon_as_the_cancellation_has_its_number(
    monkeypatch, django_capture_on_commit_callbacks
):
    invoice, sent = issued(), []
    monkeypatch.setattr(numbering, "_hurry", sent.append)
    corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    draft = Document.objects.get(occasion="correction")
    note = Document.objects.get(occasion="cancellation")
    with django_capture_on_commit_callbacks(execute=True):
        assert documents.issue_due(note.pk)
    assert sent == [draft.pk]
    assert documents.issue_due(draft.pk)


# --- Cancel --------------------------------------------------------------------------------------


def test_cancelled_invoice_is_credited_in_full_by_a_note_that_names_it():
    invoice = issued()
    note = corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    note.refresh_from_db()
    assert (note.kind, note.occasion, note.state) == ("credit_note", "cancellation", "issued")
    assert (note.net, note.tax, note.gross) == (invoice.net, invoice.tax, invoice.gross)
    assert note.payload["preceding"] == [
        {"date": str(invoice.issue_date), "number": invoice.number}
    ]
    assert [row.original.document_id for row in note.lines.all()] == [invoice.pk]
    assert [row.quantity for row in note.lines.all()] == [
        row.quantity for row in invoice.lines.all()
    ]
    assert broken() == {}


def test_cancelling_takes_only_what_credits_left_per_line_and_rate():
    order = make_shipped_order()
    make_line(order, sku="SECOND", quantity=1, net="10.00", rate="0.07")
    invoice = issued(order)
    credit(order, "30.00", "5.70")
    note = corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    left = {(row.sku, row.rate): (row.net, row.tax) for row in note.lines.all()}
    first = order.lines.order_by("pk").first()
    assert left == {
        (first.sku, Decimal("0.1900")): (first.item_net - 30, first.item_tax - Decimal("5.70")),
        ("SECOND", Decimal("0.0700")): (Decimal("10.00"), Decimal("0.70")),
    }
    assert broken() == {}


def test_invoice_credited_in_full_cannot_be_cancelled():
    invoice, finance = issued(), make_user("finance")
    corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    issue_all()
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "nothing"


def test_cancelling_waits_for_credit_notes_on_their_way():
    invoice = issued()
    make_refund("approved", order=invoice.order, net="30.00", tax="5.70")
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "waiting"
    assert "credit note" in refused.value.sentence.lower()


def test_cancelling_twice_at_once_drafts_one_note():
    invoice, finance = issued(), make_user("finance")
    corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "waiting"


def test_amazons_invoice_is_not_ours_to_cancel():
    invoice = make_invoice(recorded=True)
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "amazon_issues"


def test_invoice_of_an_earlier_system_is_cancelled_by_us_where_we_issue():
    order = make_shipped_order()
    make_issuing(order.seller)
    finance = make_user("finance")
    invoice = documents.record_invoice(
        order, by=finance, number="OLD-7", issue_date=order.purchased_at.date(), issuer="earlier"
    )
    note = corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    issue_all()
    note.refresh_from_db()
    assert (note.state, note.payload["preceding"][0]["number"]) == ("issued", "OLD-7")


@pytest.mark.parametrize("role", ["agent", "inspector", "lead", "auditor", "admin"])
def test_only_finance_corrects(role):
    invoice, person = issued(), make_user(role)
    for verb in (
        corrections.cancel_invoice,
        corrections.correct_invoice,
        corrections.issue_again,
        corrections.reverse_credit_note,
        corrections.discard,
    ):
        with pytest.raises(Refused) as refused:
            verb(invoice, by=person, reason=SAYS)
        assert refused.value.code == "forbidden"


def test_a_correction_says_why():
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(issued(), by=make_user("finance"), reason="  ")
    assert refused.value.code == "reason"


def test_a_draft_is_not_corrected():
    invoice = make_invoice()  # numbered, its file is not made yet
    with pytest.raises(Refused) as refused:
        corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "state"


def test_cancelled_draft_thrown_away_leaves_the_invoice_as_it_was():
    invoice, finance = issued(), make_user("finance")
    note = corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    corrections.discard(note, by=finance, reason="The address was right")
    assert not Document.objects.filter(occasion="cancellation").exists()
    again = corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    issue_all()
    with pytest.raises(Refused) as refused:
        corrections.discard(again, by=finance, reason=SAYS)
    assert refused.value.code == "state"


# --- Write anew ----------------------------------------------------------------------------------


def rename(buyer, name: str) -> None:
    """The buyer's facts change."""
    with trail("setup", by=User.objects.system()):
        buyer.legal_name = name
        buyer.save()
        BuyerAddress.objects.filter(buyer=buyer).update(line1="Neue Straße 9")


def test_corrected_invoice_has_todays_buyer_and_its_cancellation_the_old_one():
    invoice, finance = issued(), make_user("finance")
    before = invoice.payload["buyer"]
    rename(invoice.buyer, "Demo Neuname GmbH")
    anew = corrections.correct_invoice(invoice, by=finance, reason=SAYS)
    issue_all()
    anew.refresh_from_db()
    note = Document.objects.get(occasion="cancellation")
    assert (anew.state, anew.occasion, anew.revision) == ("issued", "correction", 1)
    assert (anew.net, anew.tax) == (invoice.net, invoice.tax)
    assert anew.payload["buyer"]["legal_name"] == "Demo Neuname GmbH"
    assert anew.payload["preceding"][0]["number"] == invoice.number
    assert note.payload["buyer"] == before
    assert note.numbered_at < anew.numbered_at
    assert broken() == {}


def test_corrected_invoice_waits_until_nothing_is_left_of_the_old_one():
    invoice = issued()
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert standing.waits(anew)
    with pytest.raises(Refused) as refused:
        numbering.take_number(anew.pk, by=User.objects.system(), verb="issue_document")
    assert refused.value.code == "waits"
    issue_all()
    anew.refresh_from_db()
    assert anew.state == "issued"


def test_corrected_invoice_is_for_what_is_left():
    order = make_shipped_order()
    invoice = issued(order)
    credit(order, "30.00", "5.70")
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    assert (anew.net, anew.tax) == (invoice.net - 30, invoice.tax - Decimal("5.70"))
    assert broken() == {}


def test_credits_after_a_correction_point_to_the_new_invoice():
    invoice = issued()
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    refund = credit(invoice.order, "30.00", "5.70")
    note = refund.document
    assert note.state == "issued"
    assert (note.corrects_id, note.lines.get().original.document_id) == (anew.pk, anew.pk)
    assert note.payload["preceding"][0]["number"] == Document.objects.get(pk=anew.pk).number
    assert broken() == {}


def test_draft_credit_note_follows_a_correction_made_meanwhile():
    invoice = issued()
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    refund = make_refund("approved", order=invoice.order, net="30.00", tax="5.70")
    assert refund.document.corrects_id == invoice.pk
    issue_all()
    assert standing.follow_correction(refund.document)
    refund.document.refresh_from_db()
    assert refund.document.corrects_id == anew.pk
    assert not standing.follow_correction(refund.document)


def test_invoice_is_corrected_again_and_the_first_one_no_more():
    first, finance = issued(), make_user("finance")
    second = corrections.correct_invoice(first, by=finance, reason=SAYS)
    issue_all()
    with pytest.raises(Refused) as refused:
        corrections.correct_invoice(first, by=finance, reason=SAYS)
    assert refused.value.code == "replaced"
    third = corrections.correct_invoice(second, by=finance, reason=SAYS)
    issue_all()
    third.refresh_from_db()
    assert (third.revision, third.state) == (2, "issued")
    assert broken() == {}


def test_correction_the_gate_would_stop_is_not_begun():
    invoice = issued()
    with trail("setup", by=User.objects.system()):
        invoice.buyer.legal_name = ""
        invoice.buyer.save()
    with pytest.raises(Refused) as refused:
        corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "gate"
    assert not Document.objects.filter(occasion__in=("cancellation", "correction")).exists()


def test_correction_that_could_not_be_checked_leaves_nothing(monkeypatch):
    def fault(document):
        raise RuntimeError("the rules are gone")

    invoice = issued()
    monkeypatch.setattr(numbering, "look", fault)
    with pytest.raises(RuntimeError):
        corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert not Document.objects.filter(occasion__in=("cancellation", "correction")).exists()


# --- Issue again after a plain cancellation ------------------------------------------------------


def cancelled(order=None) -> Document:
    """An invoice that was taken back, without a new one."""
    invoice = issued(order)
    corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    return invoice


def test_cancelled_invoice_is_issued_again_with_todays_buyer():
    invoice = cancelled()
    type(invoice.buyer).objects.filter(pk=invoice.buyer_id).update(legal_name="Demo Neu GmbH")
    anew = corrections.issue_again(invoice, by=make_user("finance"), reason="Cancelled by mistake")
    issue_all()
    anew.refresh_from_db()
    assert (anew.state, anew.occasion, anew.revision) == ("issued", "correction", 1)
    assert (anew.net, anew.tax, anew.gross) == (invoice.net, invoice.tax, invoice.gross)
    assert anew.payload["buyer"]["legal_name"] == "Demo Neu GmbH"
    assert anew.payload["preceding"] == [
        {"date": str(invoice.issue_date), "number": invoice.number}
    ]
    assert [one.pk for one in standing.current([invoice.order_id])] == [anew.pk]
    assert broken() == {}


def test_only_what_the_cancellation_took_back_is_issued_again():
    order = make_shipped_order()
    invoice = issued(order)
    credit(order, "30.00", "5.70")
    corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    anew = corrections.issue_again(invoice, by=make_user("finance"), reason=SAYS)
    issue_all()
    assert anew.net == invoice.net - 30
    assert broken() == {}


def test_invoice_issued_again_is_credited_and_cancelled_like_any_other():
    invoice = cancelled()
    finance = make_user("finance")
    anew = corrections.issue_again(invoice, by=finance, reason=SAYS)
    issue_all()
    refund = credit(invoice.order, "30.00", "5.70")
    assert refund.document.corrects_id == anew.pk
    note = corrections.cancel_invoice(Document.objects.get(pk=anew.pk), by=finance, reason=SAYS)
    issue_all()
    assert note.net == invoice.net - 30
    assert broken() == {}


def test_invoice_that_stands_or_was_replaced_is_not_issued_again():
    finance = make_user("finance")
    invoice = issued()
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "stands"
    corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    with pytest.raises(Refused) as refused:  # the cancellation has no number yet
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "waiting"
    issue_all()
    corrections.issue_again(invoice, by=finance, reason=SAYS)
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "waiting"
    issue_all()
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "replaced"


def test_what_the_gate_stops_is_not_issued_again_and_leaves_no_draft():
    invoice = cancelled()
    type(invoice.buyer).objects.filter(pk=invoice.buyer_id).update(legal_name="")
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "gate"
    assert not Document.objects.filter(state="draft").exists()


# --- Take a credit note back ---------------------------------------------------------------------


def test_credit_note_of_a_reversed_refund_is_taken_back_by_an_invoice():
    order = make_shipped_order()
    issued(order)
    refund, finance = credit(order, "30.00", "5.70"), make_user("finance")
    refunds.reverse(refund.key, by=finance, reason="Amazon reversed it")
    note = refund.document
    invoice = corrections.reverse_credit_note(note, by=finance, reason="Amazon reversed it")
    issue_all()
    invoice.refresh_from_db()
    assert (invoice.kind, invoice.occasion, invoice.state) == ("invoice", "reversal", "issued")
    assert (invoice.net, invoice.tax) == (note.net, note.tax)
    assert invoice.payload["preceding"] == [{"date": str(note.issue_date), "number": note.number}]
    assert broken() == {}


def test_what_was_taken_back_can_be_credited_again():
    order = make_shipped_order()
    invoice = issued(order)
    line = order.lines.get()
    refund = credit(order, line.item_net, line.item_tax)
    finance = make_user("finance")
    refunds.reverse(refund.key, by=finance, reason="Amazon reversed it")
    again = credit(order, line.item_net, line.item_tax)
    assert [finding["code"] for finding in again.document.findings] == ["credit_exceeds"]
    corrections.reverse_credit_note(refund.document, by=finance, reason="Amazon reversed it")
    issue_all()
    documents.number(again.document, by=finance)
    issue_all()
    again.document.refresh_from_db()
    assert (again.document.state, again.document.corrects_id) == ("issued", invoice.pk)
    assert broken() == {}


def test_failed_refund_gets_a_new_credit_note_when_it_is_approved_again():
    order = make_shipped_order()
    issued(order)
    refund, finance, lead = credit(order, "30.00", "5.70"), make_user("finance"), make_user("lead")
    note = refund.document
    refunds.fail(refund.key, by=finance, reason="The card is closed")
    corrections.reverse_credit_note(note, by=finance, reason="The card is closed")
    issue_all()
    refund = refunds.approve(refund.key, by=lead)
    assert refund.document_id not in (None, note.pk)
    refunds.start(refund.key, by=lead)
    refunds.mark_sent(refund.key, by=lead, sent_on=note.issue_date, amount=refund.gross)
    issue_all()
    refund.document.refresh_from_db()
    assert refund.document.state == "issued"
    assert broken() == {}


def test_credit_note_stays_while_the_buyer_keeps_the_money():
    order = make_shipped_order()
    issued(order)
    refund = credit(order, "30.00", "5.70")
    with pytest.raises(Refused) as refused:
        corrections.reverse_credit_note(refund.document, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "money_left"


def test_credit_note_is_taken_back_once():
    order, finance = make_shipped_order(), make_user("finance")
    issued(order)
    refund = credit(order, "30.00", "5.70", "reversed")
    assert list(corrections.to_take_back()) == [refund.document]
    corrections.reverse_credit_note(refund.document, by=finance, reason=SAYS)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            corrections.reverse_credit_note(refund.document, by=finance, reason=SAYS)
        assert refused.value.code == "waiting"
        issue_all()
    assert not corrections.to_take_back()


def test_cancellation_has_no_refund_and_is_not_taken_back():
    note = corrections.cancel_invoice(issued(), by=make_user("finance"), reason=SAYS)
    issue_all()
    with pytest.raises(Refused) as refused:
        corrections.reverse_credit_note(note, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "kind"
