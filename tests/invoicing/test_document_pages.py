"""The pages of documents: list, drafts queue, one document with its files, XML and buttons."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.core.refused import Refused
from config.core.trail import trail
from invoicing import documents, refunds
from invoicing.models import Delivery, Document, Download, LegalHold
from tests.factories import make_buyer, make_order, make_registration, make_seller, make_user
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def text_of(response) -> str:
    return response.content.decode()


def make_stopped(**fields) -> Document:
    """A draft the gate stopped: its buyer has no address."""
    order = make_shipped_order(buyer=make_buyer(**fields))
    order.buyer.addresses.all().delete()
    make_issuing(order.seller)
    with pytest.raises(Refused):
        documents.issue_invoice(order, by=make_user("finance"))
    return Document.objects.get(order=order)


def make_issued(**fields) -> Document:
    invoice = make_invoice(make_shipped_order(**fields))
    documents.finish_documents()
    return Document.objects.get(pk=invoice.pk)


def post(client, document, verb, **data):
    url = reverse("invoicing:document-verb", args=[document.pk, verb])
    return client.post(url, data, follow=True)


def queries(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


# --- Lists ---------------------------------------------------------------------------------------


def test_queue_says_why_a_draft_waits_and_where_to_go(client, finance):
    draft = make_stopped()
    page = text_of(client.get("/documents/drafts/"))
    assert "buyer&#39;s address is missing" in page
    assert "buyer_address" in page
    assert f"/buyers/{draft.buyer_id}/" in page
    assert "Complete the buyer" in page


def test_queue_tells_refunds_from_findings(client, finance):
    stopped, waiting = make_stopped(), make_refund("approved")
    found = text_of(client.get("/documents/drafts/", {"waits": "findings"}))
    assert stopped.order.amazon_order_id in found
    assert waiting.order.amazon_order_id not in found
    refund = text_of(client.get("/documents/drafts/", {"waits": "refund"}))
    assert waiting.order.amazon_order_id in refund
    assert f"/refunds/{waiting.key}/" in refund
    assert stopped.order.amazon_order_id not in refund
    rule = text_of(client.get("/documents/drafts/", {"rule": "buyer_address"}))
    assert rule.count("data-row") == 1


def test_lists_ask_the_same_queries_for_any_number(client, finance):
    costs = []
    for more in (1, 2):
        for _ in range(more):
            make_stopped()
            make_issued()
        costs.append([queries(client, url) for url in ("/documents/drafts/", "/documents/")])
    assert costs[0] == costs[1]


def test_list_filters_by_everything_a_document_is(client, finance):
    issued = make_issued(ship_country="DE")
    draft = make_stopped()
    post(client, issued, "place-hold", reason="Audit")
    post(client, issued, "send")
    series = issued.series_id
    yes = ({"kind": "invoice"}, {"series": series}, {"country": "DE"}, {"profile": "facturx"},
           {"state": "issued"}, {"occasion": "supply"}, {"held": "true"}, {"issuer": "retour"},
           {"delivery": "prepared"})  # fmt: skip
    for query in yes:
        page = text_of(client.get("/documents/", query))
        assert issued.number in page, query
    no = ({"kind": "credit_note"}, {"country": "FR"}, {"profile": "peppol-ubl"}, {"held": "false"},
          {"occasion": "fee"}, {"delivery": "failed"}, {"blocked": "true"})  # fmt: skip
    for query in no:
        assert issued.number not in text_of(client.get("/documents/", query)), query
    blocked = text_of(client.get("/documents/", {"blocked": "true"}))
    assert f"/documents/{draft.pk}/" in blocked


def test_chosen_drafts_are_tried_again(client, finance):
    good, bad = make_stopped(), make_stopped()
    good.buyer.addresses.create(kind="billing", line1="Weg 1", city="Kiel", country="DE")
    url = reverse("invoicing:drafts-try-again")
    page = text_of(client.post(url, {"ids": [good.pk, bad.pk]}, follow=True))
    assert "1 document numbered." in page
    assert bad.order.amazon_order_id in page
    states = Document.objects.in_bulk([good.pk, bad.pk])
    assert [states[good.pk].number != "", states[bad.pk].state] == [True, "draft"]
    assert "Choose at least one row first." in text_of(client.post(url, follow=True))


# --- One document --------------------------------------------------------------------------------


def test_page_explains_totals_checks_files_and_keeping(client, finance):
    document = make_issued()
    page = text_of(client.get(document.get_absolute_url()))
    for said in ("How the total comes about", "Nothing is left to pay.", "EN 16931 rules",
                 "nothing found", "PDF with Factur-X", "Kept until", "No. 1 of"):  # fmt: skip
        assert said in page, said


def test_page_costs_the_same_for_one_line_and_three(client, finance):
    small, big = make_issued(lines=1), make_issued(lines=3)
    assert queries(client, small.get_absolute_url()) == queries(client, big.get_absolute_url())


def test_draft_shows_its_findings_and_the_way_to_correct_them(client, finance):
    draft = make_stopped()
    page = text_of(client.get(draft.get_absolute_url()))
    assert "No number was spent." in page
    assert "Try again" in page
    assert f"/buyers/{draft.buyer_id}/" in page
    draft.buyer.addresses.create(kind="billing", line1="Weg 1", city="Kiel", country="DE")
    post(client, draft, "number")
    assert Document.objects.get(pk=draft.pk).number


def test_what_an_e_invoice_misses_leads_to_the_buyer(client, finance):
    buyer = make_buyer(country="FR", email="")
    seller = make_seller(country="FR", email="factures@demo.example")
    make_registration(seller, "FR", "VAT", "FR40303265045")
    order = make_shipped_order(
        buyer=buyer, seller=seller, marketplace="FR", ship_country="FR", rate="0.20"
    )
    buyer.tax_ids.all().delete()
    make_issuing(order.seller, "FR")
    with pytest.raises(Refused, match="electronic address: add it to the buyer"):
        documents.issue_invoice(order, by=finance)
    draft = Document.objects.get(order=order)
    page = text_of(client.get(draft.get_absolute_url()))
    assert f'<a href="/buyers/{buyer.pk}/">Complete the buyer or the seller</a>' in page


@pytest.mark.parametrize(
    ("code", "params", "label", "address"),
    [
        ("national_tax", {"currency": "PLN", "base": "EUR", "day": "2026-11-18"},
         "Enter the exchange rate",
         "/admin/invoicing/fxrate/add/?base=EUR&amp;quote=PLN&amp;day=2026-11-18"),
        ("rate_unknown", {"country": "DE"}, "Add the rate",
         "/admin/invoicing/vatrate/add/?country=DE"),
        ("seller_address", {}, "Complete the seller", "/admin/orders/seller/"),
        ("profile", {}, "Complete the seller</a>", "/admin/orders/seller/"),
    ],
)  # fmt: skip
def test_settings_that_a_draft_misses_are_linked_for_who_may_enter_them(
    client, code, params, label, address
):
    draft = make_stopped()
    sentence = {"template": "Something is missing", "params": params}
    draft.findings = [{"code": code, "layer": "", "sentence": sentence, "at": ""}]
    draft.save(update_fields=["findings"])
    for role, linked in (("admin", True), ("finance", False)):
        client.force_login(make_user(role))
        page = text_of(client.get(draft.get_absolute_url()))
        assert (label in page, f'href="{address}' in page) == (linked, linked)
    client.force_login(make_user("admin"))
    url = address.replace("&amp;", "&")
    assert client.get(url).status_code == 200


def test_each_file_is_downloaded_as_stored_and_written_down(client, finance):
    document = make_issued()
    for kind, content_type in (("facturx", "application/xml"), ("report", "application/json"),
                               ("pdf", "application/pdf")):  # fmt: skip
        answer = client.get(reverse("invoicing:document-artifact", args=[document.pk, kind]))
        assert answer["Content-Type"] == content_type
        assert answer.content == bytes(document.artifacts.get(kind=kind).content)
        assert Download.objects.filter(document=document, kind=kind, by=finance).exists()
    page = text_of(client.get(document.get_absolute_url()))
    assert "Report of the checks" in page


def test_xml_is_shown_escaped_and_only_xml(client, finance):
    document = make_issued(buyer=make_buyer(legal_name="Demo <b>Bau</b> & Co"))
    page = text_of(client.get(reverse("invoicing:document-xml", args=[document.pk, "facturx"])))
    assert "&lt;ram:ID&gt;" in page
    assert "Demo &amp;lt;b&amp;gt;Bau" in page
    for kind in ("report", "pdf", "peppol-ubl"):
        url = reverse("invoicing:document-xml", args=[document.pk, kind])
        assert client.get(url).status_code == 404


def test_correction_leads_to_the_new_invoice_and_the_chain(client, finance):
    document = make_issued()
    page = text_of(post(client, document, "correct", reason="The buyer has moved"))
    anew = Document.objects.get(occasion="correction")
    assert document.number in page
    assert f"/documents/{anew.pk}/" in page
    assert "Corrected invoice" in page


def test_cancelled_invoice_offers_to_be_issued_again_once(client, finance):
    document = make_issued()
    assert "Issue it again" not in text_of(client.get(document.get_absolute_url()))
    post(client, document, "cancel", reason="Wrong button")
    documents.finish_documents()
    page = text_of(client.get(document.get_absolute_url()))
    assert "Issue it again" in page
    assert "It is cancelled: nothing is left of it." in page
    page = text_of(post(client, document, "issue-again", reason="Cancelled by mistake"))
    anew = Document.objects.get(occasion="correction", corrects=document)
    assert f"/documents/{anew.pk}/" in page
    assert "Issue it again" not in text_of(client.get(document.get_absolute_url()))


def test_cancellation_wants_a_reason(client, finance):
    document = make_issued()
    url = reverse("invoicing:document-verb", args=[document.pk, "cancel"])
    assert client.post(url).status_code == 422
    post(client, document, "cancel", reason="Never delivered")
    assert Document.objects.filter(occasion="cancellation", corrects=document).exists()


def test_document_is_mailed_and_its_mail_called_back(client, finance):
    document = make_issued()
    post(client, document, "send", to="archive@demo.example")
    mail = Delivery.objects.get(document=document, channel="email")
    assert "archive@demo.example" in text_of(client.get(document.get_absolute_url()))
    url = reverse("invoicing:delivery-verb", args=[document.pk, mail.pk, "cancel"])
    assert "Say why" in text_of(client.post(url, follow=True))
    client.post(url, {"reason": "Wrong address"})
    assert Delivery.objects.get(pk=mail.pk).state == "cancelled"
    unknown = reverse("invoicing:delivery-verb", args=[document.pk, mail.pk, "explode"])
    assert client.post(unknown).status_code == 404


def test_hold_is_placed_and_lifted(client, finance):
    document = make_issued()
    assert "On legal hold" in text_of(post(client, document, "place-hold", reason="Tax audit"))
    post(client, document, "lift-hold", reason="It is over")
    assert LegalHold.objects.get().lifted_by == finance


def test_doubt_about_amazons_figures_is_accepted_with_a_reason(client, finance):
    buyer = make_buyer(country="AT")
    buyer.tax_ids.all().delete()
    order = make_shipped_order(rate="0", buyer=buyer, ship_country="AT")
    make_issuing(order.seller)
    with pytest.raises(Refused):
        documents.issue_invoice(order, by=finance)
    draft = Document.objects.get(order=order)
    assert "Accept Amazon" in text_of(client.get(draft.get_absolute_url()))
    post(client, draft, "accept", code="treatment", reason="The tax adviser says so")
    accepted = Document.objects.get(pk=draft.pk).accepted
    assert {row["reason"] for row in accepted} == {"The tax adviser says so"}


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor"])
def test_buttons_of_others_say_so(client, role):
    document = make_issued()
    client.force_login(make_user(role))
    page = text_of(client.get(document.get_absolute_url()))
    assert "Your role may not do this" in page
    refused = text_of(post(client, document, "cancel", reason="I want to"))
    assert "Your role may not" in refused
    assert not Document.objects.filter(occasion="cancellation").exists()


def test_agents_may_mail_a_document(client):
    document = make_issued()
    client.force_login(make_user("agent"))
    post(client, document, "send")
    assert Delivery.objects.filter(document=document, channel="email").exists()


def test_recorded_document_has_no_buttons_of_ours(client, finance):
    document = make_invoice(make_order(), recorded=True)
    page = text_of(client.get(document.get_absolute_url()))
    for label in ("Cancel this invoice", "Mail it"):
        assert label not in page


def test_file_of_a_numbered_document_is_made_when_somebody_asks(client, finance):
    invoice, stuck = make_issued(), make_invoice()
    Document.objects.filter(pk=stuck.pk).update(gated_at=timezone.now())  # somebody else has it
    assert not documents.issue_due(stuck.pk)
    assert "Make its file now" in text_of(client.get(stuck.get_absolute_url()))
    assert "Make its file now" not in text_of(client.get(invoice.get_absolute_url()))
    assert "Its file is being made." in text_of(post(client, stuck, "again"))
    assert documents.issue_due(stuck.pk)


def test_credit_note_from_before_occasions_is_reversed_like_any_other(client, finance):
    refund = make_refund("sending")
    with trail("setup", by=finance):
        Document.objects.filter(refund=refund).update(occasion="supply")
    refunds.mark_sent(refund.key, by=finance, sent_on=timezone.localdate(), amount=refund.gross)
    documents.finish_documents()
    refunds.fail(refund.key, by=finance, reason="The card is closed")
    note = Document.objects.get(refund=refund)
    assert (note.state, note.occasion) == ("issued", "supply")
    assert "Reverse this credit note" in text_of(client.get(note.get_absolute_url()))
    assert "Reversed" in text_of(post(client, note, "reverse", reason="The card is closed"))
