"""What the page of a document says in words: categories, accepted doubts, its end, its history."""

import pytest
from django.urls import reverse

from config.core.refused import Refused
from invoicing import corrections, documents, retention, timeline
from invoicing.models import Document
from tests.factories import make_buyer, make_order, make_user
from tests.papers import make_invoice, make_issuing, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def make_doubtful(by) -> Document:
    """A draft whose buyer in Austria has no VAT id although Amazon took no tax."""
    buyer = make_buyer(country="AT")
    buyer.tax_ids.all().delete()
    order = make_shipped_order(rate="0", buyer=buyer, ship_country="AT")
    make_issuing(order.seller)
    with pytest.raises(Refused):
        documents.issue_invoice(order, by=by)
    return Document.objects.get(order=order)


def show(client, document) -> str:
    return client.get(document.get_absolute_url()).content.decode()


def test_doubt_about_the_treatment_says_what_its_letters_mean(client, finance):
    draft = make_doubtful(finance)
    said = [one["sentence"]["params"] for one in draft.findings if one["sentence"]["params"]]
    assert said[0]["table"] == "S"
    page = show(client, draft)
    assert "S: taxed" in page
    assert "Tax point" in page
    assert "Not issued yet" in page


def test_accepted_doubt_waits_in_line_and_no_more_for_somebody(client, finance):
    draft = make_doubtful(finance)
    url = reverse("invoicing:document-verb", args=[draft.pk, "accept"])
    client.post(url, {"code": "treatment", "reason": "The tax adviser says so"})
    page = show(client, draft)
    assert "Not issued yet" not in page
    assert "In line" in page
    assert "Accept Amazon" not in page


def test_cancelled_invoice_says_so_and_leads_to_its_credit_note(client, finance):
    invoice = make_invoice(make_shipped_order())
    documents.finish_documents()
    invoice.refresh_from_db()
    assert "Cancelled by" not in show(client, invoice)
    note = corrections.cancel_invoice(invoice, by=finance, reason="Ordered twice")
    documents.finish_documents()
    note.refresh_from_db()
    assert f"Cancelled by {note.number}" in show(client, invoice)


def test_history_keeps_a_hold_that_was_lifted(client, finance):
    invoice = make_invoice(make_shipped_order())
    documents.finish_documents()
    invoice.refresh_from_db()
    retention.place_hold(invoice, by=finance, reason="Tax audit")
    retention.lift_hold(invoice, by=finance, reason="Audit over")
    page = show(client, invoice)
    for said in ("placed a legal hold", "Tax audit", "lifted the legal hold", "Audit over"):
        assert said in page


def test_history_shows_the_last_state_of_a_verb(finance):
    recorded = make_invoice(make_order(), recorded=True)
    assert timeline.of("invoicing.document", recorded.pk)[0]["note"] == "Issued"
