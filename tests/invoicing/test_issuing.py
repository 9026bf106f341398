"""Who issues is decided first, per seller and marketplace, and every verb keeps to it."""

from datetime import date

import pytest
from django.utils import timezone

from config.core.refused import Refused
from invoicing import crediting, documents, issuing, refunds
from invoicing.models import Document, Refund, TaxFact
from tests.factories import make_marketplace, make_seller, make_user
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def refused(function, *args, **kwargs):
    """The refusal of a call that must be refused."""
    with pytest.raises(Refused) as caught:
        function(*args, **kwargs)
    return caught.value


def make_fact(order, **fields):
    """One row of Amazon's tax report about an order."""
    given = {
        "report": TaxFact.Report.AMAZON,
        "seller": order.seller,
        "marketplace": order.marketplace,
        "order": order,
        "amazon_order_id": order.amazon_order_id,
        "transaction_id": "amzn1:crow:DEMO",
        "transaction_type": TaxFact.Type.SHIPMENT,
        "currency": order.currency,
        "row_hash": "demo",
    }
    return TaxFact.objects.create(**given | fields)


@pytest.mark.parametrize("issuer", ["amazon", "vidr", "seller"])
def test_mode_is_decided_by_seller_and_marketplace(issuer):
    seller, other = make_seller(), make_seller()
    make_issuing(seller, "DE", issuer)
    assert issuing.mode_of(seller, make_marketplace("DE")) == issuer
    assert issuing.mode_of(seller.pk, make_marketplace("DE").pk) == issuer
    assert issuing.mode_of(seller, make_marketplace("FR")) == ""
    assert issuing.mode_of(other, make_marketplace("DE")) == ""


def test_undecided_mode_is_refused_and_says_where_to_decide():
    order = make_shipped_order()
    refusal = refused(documents.issue_invoice, order, by=make_user("finance"))
    assert refusal.code == "issuing_mode"
    assert "/admin/invoicing/issuingmode/" in refusal.sentence
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "code"), [("amazon", "amazon_issues"), ("vidr", "vidr"), ("seller", "")]
)
def test_invoice_of_a_whole_order_is_issued_in_one_mode_only(issuer, code):
    order = make_shipped_order()
    make_issuing(order.seller, "DE", issuer)
    if code:
        assert refused(documents.issue_invoice, order, by=make_user("finance")).code == code
        assert not Document.objects.exists()
    else:
        assert documents.issue_invoice(order, by=make_user("finance")).mode in ("", "seller")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"deemed_supplier": True}, "deemed_supplier"),
        ({"invoice_number": "DE600001DEMO1I"}, "amazon_issues"),
        ({"report": "vidr", "amazon_invoiced": True}, "amazon_issues"),
        ({"report": "vidr", "invoice_number": "OURS-1"}, ""),
        ({"report": "vidr", "amazon_invoiced": False}, ""),
    ],
)
def test_what_amazon_says_of_one_order_counts_more_than_the_mode(fields, code):
    order = make_shipped_order()
    make_issuing(order.seller, "DE", "seller")
    make_fact(order, **fields)
    if code:
        assert refused(documents.issue_invoice, order, by=make_user("finance")).code == code
    else:
        assert documents.issue_invoice(order, by=make_user("finance")).number


def test_mode_changed_after_the_draft_stops_the_number():
    order = make_shipped_order(buyer=None)
    make_issuing(order.seller, "DE", "seller")
    assert refused(documents.issue_invoice, order, by=make_user("finance")).code == "gate"
    make_issuing(order.seller, "DE", "amazon")
    draft = Document.objects.get()
    assert refused(documents.number, draft, by=make_user("finance")).code == "amazon_issues"
    assert refused(documents.ask_again, draft, by=make_user("finance")).code == "amazon_issues"


def test_who_wrote_the_invoice_writes_the_credit_note():
    ours, amazons = make_refund("approved"), make_refund(
        "approved", order=make_invoice(make_shipped_order(), recorded=True).order
    )  # fmt: skip
    assert ours.document is not None
    assert amazons.document is None
    make_issuing(ours.seller, "DE", "amazon")
    make_issuing(amazons.seller, "DE", "seller")
    assert not issuing.is_amazons_credit(Document.objects.get(order=ours.order, kind="invoice"))
    assert issuing.is_amazons_credit(Document.objects.get(order=amazons.order))


@pytest.mark.parametrize(
    ("issuer", "amazons"), [("amazon", True), ("vidr", False), ("seller", False)]
)
def test_invoice_of_an_earlier_system_is_credited_as_the_mode_says(issuer, amazons):
    order = make_shipped_order()
    make_issuing(order.seller, "DE", issuer)
    invoice = documents.record_invoice(
        order, by=make_user("finance"), number="OLD-1", issue_date=date(2026, 3, 1),
        issuer="earlier",
    )  # fmt: skip
    assert issuing.is_amazons_credit(invoice) is amazons
    refund = make_refund("sent", order=order)
    assert (refund.document is None) is amazons
    if not amazons:
        refusal = refused(
            crediting.record_credit_note, refund, by=make_user("finance"), number="C-1",
            issue_date=date(2026, 10, 1),
        )  # fmt: skip
        assert refusal.code == "we_issue"


def test_amazon_took_over_the_credit_notes_of_an_earlier_systems_invoice():
    order, finance = make_shipped_order(), make_user("finance")
    make_issuing(order.seller)
    documents.record_invoice(
        order, by=finance, number="OLD-2", issue_date=date(2026, 3, 1), issuer="earlier"
    )
    refund = make_refund("sending", order=order)
    make_issuing(order.seller, "DE", "amazon")
    refunds.mark_sent(refund.key, by=finance, sent_on=timezone.localdate(), amount=refund.gross)
    documents.finish_documents()
    draft = Document.objects.get(kind="credit_note")
    assert (draft.state, [row["code"] for row in draft.findings]) == ("draft", ["amazon_issues"])
    note = documents.record_credit_note(
        refund, by=finance, number="AMZ-7", issue_date=timezone.localdate()
    )
    assert Document.objects.get(kind="credit_note") == note
    assert (note.issuer, note.state, note.gross) == ("amazon", "issued", refund.gross)
    assert Refund.objects.get(pk=refund.pk).document == note
