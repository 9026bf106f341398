"""A stopped draft that is tried again: what is known of the buyer now decides its treatment."""

import pytest

from config.core.refused import Refused
from invoicing import documents, second_look
from invoicing.models import Document
from orders import buyers
from tests.factories import make_buyer, make_order, make_user
from tests.papers import make_issuing

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
