"""Corrections a person has a say in, and credit notes whose refund came to nothing."""

from decimal import Decimal

import pytest
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import corrections, documents, refunds, reviewing, vies
from invoicing.models import Document, ViesCheck
from orders.models import BuyerTaxId
from tests.factories import make_user
from tests.invoicing.test_corrections import SAYS, broken, credit, issued
from tests.invoicing.test_drafting import carried_out, fee_order, refund_with_fee
from tests.papers import make_shipped_order

pytestmark = pytest.mark.django_db


def told_late() -> Document:
    """An invoice of a distance sale with tax, whose buyer has a French VAT id after all."""
    invoice = issued(make_shipped_order(ship_country="FR", ship_city="Lyon"))
    with trail("setup", by=User.objects.system()):
        BuyerTaxId.objects.create(buyer=invoice.buyer, country="FR", number="FR83404833048")
    return invoice


def in_doubt() -> tuple[Document, Document, Document]:
    """The invoice, its cancellation and the new invoice, which wait for somebody's word."""
    invoice = told_late()
    with pytest.raises(Refused) as refused:
        corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    assert refused.value.code == "review"
    note = Document.objects.get(occasion="cancellation")
    return invoice, note, Document.objects.get(occasion="correction")


def states(*rows: Document) -> list[str]:
    return [Document.objects.get(pk=row.pk).state for row in rows]


def test_correction_whose_treatment_is_in_doubt_waits_and_issues_nothing():
    _, note, anew = in_doubt()
    documents.finish_documents()
    assert states(note, anew) == ["draft", "draft"]
    assert {row["code"] for row in anew.findings} == {"treatment"}


def test_correction_goes_out_once_somebody_accepted_what_was_in_doubt():
    invoice, note, anew = in_doubt()
    finance = make_user("finance")
    reviewing.accept_finding(anew, by=finance, code="treatment", reason="Taxed by Amazon")
    documents.finish_documents()
    assert states(note, anew) == ["issued", "issued"]
    assert Document.objects.get(pk=anew.pk).payload["buyer"]["vat_id"] == "FR83404833048"
    assert broken() == {}
    with trail("setup", by=finance):
        type(invoice.buyer).objects.filter(pk=invoice.buyer_id).update(legal_name="Demo Neu SAS")
    corrections.correct_invoice(anew, by=finance, reason="The name too")  # accepted already
    documents.finish_documents()
    assert not Document.objects.exclude(state="issued").exists()


def test_correction_in_doubt_can_be_thrown_away_and_begun_anew():
    invoice, note, _ = in_doubt()
    finance = make_user("finance")
    corrections.discard(note, by=finance, reason="The id is wrong")
    assert list(Document.objects.all()) == [invoice]
    with trail("setup", by=finance):
        BuyerTaxId.objects.filter(number="FR83404833048").delete()
    anew = corrections.correct_invoice(invoice, by=finance, reason=SAYS)
    documents.finish_documents()
    assert states(anew) == ["issued"]


def test_invoice_issued_again_in_doubt_can_be_thrown_away():
    invoice, finance = told_late(), make_user("finance")
    corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    documents.finish_documents()
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "review"
    corrections.discard(Document.objects.get(occasion="correction"), by=finance, reason=SAYS)
    assert not Document.objects.filter(occasion="correction").exists()


def test_correction_asks_vies_before_it_doubts_the_new_buyer(monkeypatch):
    asked = []

    def ensure(document, *, by=None):
        asked.append((document.occasion, by))

    monkeypatch.setattr(vies, "ensure", ensure)
    invoice, finance = issued(), make_user("finance")
    asked.clear()
    corrections.correct_invoice(invoice, by=finance, reason=SAYS)
    assert asked == [("cancellation", finance), ("correction", finance)]
    assert not ViesCheck.objects.exists()


# --- Credit notes whose refund came to nothing ---------------------------------------------------


def test_credit_note_of_a_failed_refund_is_taken_back_although_the_refund_was_cancelled():
    order, finance = make_shipped_order(), make_user("finance")
    issued(order)
    refund = credit(order, "30.00", "5.70")
    refunds.fail(refund.key, by=finance, reason="The card is closed")
    refunds.cancel(refund.key, by=finance, reason="Paid by bank")
    note = refund.document
    assert list(corrections.to_take_back()) == [note]
    corrections.reverse_credit_note(note, by=finance, reason="Paid by bank")
    documents.finish_documents()
    assert not corrections.to_take_back().exists()
    assert broken() == {}


def test_credit_note_is_not_taken_back_while_its_invoice_is_being_corrected():
    order, finance = make_shipped_order(), make_user("finance")
    invoice = issued(order)
    refund = credit(order, "30.00", "5.70")
    refunds.reverse(refund.key, by=finance, reason="It came back")
    anew = corrections.correct_invoice(invoice, by=finance, reason=SAYS)
    with pytest.raises(Refused) as refused:
        corrections.reverse_credit_note(refund.document, by=finance, reason=SAYS)
    assert refused.value.code == "waiting"
    documents.finish_documents()
    corrections.reverse_credit_note(refund.document, by=finance, reason=SAYS)
    documents.finish_documents()
    assert states(anew) == ["issued"]
    assert not Document.objects.filter(state="draft").exists()


def test_invoice_that_charges_something_again_is_not_issued_again():
    order, finance = make_shipped_order(), make_user("finance")
    invoice = issued(order)
    refund = credit(order, "30.00", "5.70")
    corrections.cancel_invoice(invoice, by=finance, reason=SAYS)
    documents.finish_documents()
    refunds.reverse(refund.key, by=finance, reason="It came back")
    corrections.reverse_credit_note(refund.document, by=finance, reason=SAYS)
    documents.finish_documents()
    with pytest.raises(Refused) as refused:
        corrections.issue_again(invoice, by=finance, reason=SAYS)
    assert refused.value.code == "stands"


def fee_of_a_failed_refund(*, fee_issued: bool) -> tuple[Document, Document]:
    """The issued credit note of a refund that failed, and the invoice of its fee."""
    refund, finance = refund_with_fee(fee_order("invoice")), make_user("finance")
    refunds.approve(refund.key, by=finance)
    if fee_issued:
        carried_out(refund)
    else:
        refunds.start(refund.key, by=finance)
        day = timezone.localdate()
        refunds.mark_sent(refund.key, by=finance, sent_on=day, amount=refund.gross)
        documents.issue_due(Document.objects.get(refund=refund).pk)
    refunds.fail(refund.key, by=finance, reason="The card is closed")
    return Document.objects.get(refund=refund), Document.objects.get(occasion="fee")


def test_fee_is_cancelled_with_the_credit_note_it_was_kept_from():
    note, fee = fee_of_a_failed_refund(fee_issued=True)
    corrections.reverse_credit_note(note, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    back = Document.objects.get(occasion="cancellation")
    assert (back.corrects, back.state, back.gross) == (fee, "issued", Decimal("17.85"))
    assert broken() == {}


def test_fee_that_was_not_issued_yet_goes_with_its_credit_note():
    note, _ = fee_of_a_failed_refund(fee_issued=False)
    corrections.reverse_credit_note(note, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    assert not Document.objects.filter(occasion__in=("fee", "cancellation")).exists()
    assert broken() == {}
