"""A stopped draft that is tried again: what is known of the buyer now decides its treatment."""

import pytest
from django.urls import reverse

from config.core.refused import Refused
from invoicing import corrections, documents, second_look, waiting
from invoicing.models import Document
from orders import buyers
from tests.factories import make_buyer, make_order, make_user
from tests.papers import make_invoice, make_issuing, make_shipped_order

pytestmark = pytest.mark.django_db


def untaxed_order():
    """Goods sent free of tax from Germany to a buyer in Austria whose VAT id cannot be one."""
    buyer = make_buyer(country="AT")
    buyer.tax_ids.all().delete()
    order = make_order(rate="0", buyer=buyer, ship_country="AT", status="Shipped")
    order.shipments.create(amazon_shipment_id="S-1", shipped_at=order.purchased_at)
    make_issuing(order.seller)
    return order


def test_draft_is_issued_once_the_buyers_vat_id_is_right():
    finance, order = make_user("finance"), untaxed_order()
    buyers.save_tax_id(order.buyer, by=finance, country="AT", number="ATU1234567X")
    with pytest.raises(Refused, match="VAT id"):
        documents.issue_invoice(order, by=finance)
    draft = Document.objects.get(order=order)
    assert draft.findings
    with pytest.raises(Refused, match="VAT id"):
        documents.number(draft, by=finance)
    buyers.save_tax_id(order.buyer, by=finance, country="AT", number="ATU90000007")
    issued = documents.number(draft, by=finance)
    assert issued.number
    assert list(issued.taxes.values_list("category", flat=True)) == ["K"]
    assert issued.payload["buyer"]["vat_id"] == "ATU90000007"


def test_category_of_a_draft_without_findings_stays():

    finance, order = make_user("finance"), untaxed_order()
    buyers.save_tax_id(order.buyer, by=finance, country="AT", number="ATU90000007")
    invoice = documents.issue_invoice(order, by=finance)
    assert second_look.decide_again(invoice.pk) is False


def test_draft_of_nobody_takes_the_buyer_who_is_named_on_its_order():
    finance, buyer = make_user("finance"), make_buyer()
    order = make_shipped_order()
    type(order).objects.filter(pk=order.pk).update(buyer=None)
    order.refresh_from_db()
    make_issuing(order.seller)
    with pytest.raises(Refused, match="buyer's legal name"):
        documents.issue_invoice(order, by=finance)
    draft = Document.objects.get(order=order)
    assert draft.buyer is None
    page = reverse("returns:order", args=[order.amazon_order_id])
    assert ("Name the buyer of the order", page) in waiting.steps_of(draft, finance)
    buyers.attach_buyer(order, buyer, by=finance)
    issued = documents.number(draft, by=finance)
    assert (issued.buyer_id, issued.payload["buyer"]["legal_name"]) == (buyer.pk, buyer.legal_name)


def test_cancellation_keeps_the_buyer_of_its_invoice():
    finance = make_user("finance")
    invoice = make_invoice()
    documents.finish_documents()
    invoice = Document.objects.get(pk=invoice.pk)
    buyers.attach_buyer(invoice.order, make_buyer(), by=finance)
    note = corrections.cancel_invoice(invoice, by=finance, reason="Wrong company")
    assert second_look.meet_buyer(note.pk) is False
    assert second_look.meet_buyer(invoice.pk) is False
