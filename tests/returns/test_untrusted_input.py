"""What people and browsers may send without any harm: odd digits, broken CSV, stale owners."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.core.refused import Refused
from invoicing.models import Document
from orders.models import Order, OrderLine
from returns import bulk_entry, handover, workflow
from returns.models import RMA, Parcel
from tests.factories import make_order, make_rma, make_seller, make_user
from tests.orders.reports import bring_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    person = make_user("lead")
    client.force_login(person)
    return person


@pytest.mark.parametrize("number", ["²", "-1", "9" * 30, "1e3", ""])
def test_row_number_that_is_none_chooses_nothing(client, lead, number):
    answer = client.post(reverse("returns:bulk-verb", args=["approve"]), {"ids": number})
    assert answer.status_code == 302


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_version_that_is_no_number_is_no_version(client, lead, verb):
    rma = make_rma()
    url = reverse("returns:verb", args=[rma.number, verb])
    assert client.post(url, {"version": "²", "reason": "x"}).status_code == 302


@pytest.mark.parametrize("quantity", ["²", "0", "-1", "1.5", "9" * 40])
def test_units_that_are_no_number_are_a_problem_of_the_row(quantity):
    order = make_order()
    sku = order.lines.get().sku
    found = bulk_entry.preview(f"{order.amazon_order_id};{sku};{quantity};DEFECTIVE;")
    assert not found.good
    assert [problem.column for problem in found.bad] == ["quantity"]


def test_rows_that_cannot_be_told_apart_are_named():
    found = bulk_entry.preview('"' + "a" * 200_000)
    assert not found.good
    assert "told apart" in str(found.bad[0].problem)


def test_upload_with_nul_is_previewed(client, lead):
    upload = SimpleUploadedFile("rows.csv", b"302-\x000;X;1;;")
    answer = client.post(reverse("returns:bulk"), {"upload": upload})
    assert answer.status_code == 200
    assert not RMA.objects.exists()


def test_search_takes_wildcards_as_text(client, lead):
    make_rma()
    for wanted in ("%%%", "___"):
        page = client.get(reverse("returns:search"), {"q": wanted}).content.decode()
        assert "RMA-2" not in page


def test_delivered_parcel_keeps_a_case_from_expiring(lead):
    rma = make_rma("approved", by=lead)
    RMA.objects.filter(pk=rma.pk).update(ship_by="2020-01-01")
    parcel = Parcel.objects.create(rma=rma, tracking="T1", delivered_at=rma.opened_at)
    with pytest.raises(Refused) as refused:
        workflow.expire(rma.number, by=lead)
    assert refused.value.code == "moving"
    parcel.delete()
    assert workflow.expire(rma.number, by=lead).close_reason == "expired"


def test_reopened_case_of_somebody_who_left_is_nobodys(lead):
    ada = make_user("agent")
    rma = make_rma(by=lead, owner=ada)
    workflow.decline(rma.number, by=lead, reason="late")
    handover.hand_over(ada, make_user("agent"), by=lead)
    assert workflow.reopen(rma.number, by=lead, reason="lost dispute").owner is None


def test_button_means_the_order_that_is_shown(client, lead):
    first, second = make_order(), make_order()
    Order.objects.filter(pk=second.pk).update(amazon_order_id=first.amazon_order_id)
    here = reverse("returns:order", args=[first.amazon_order_id])
    asked = f"?seller={second.seller.code}"
    page = client.get(here + asked).content.decode()
    button = reverse("returns:order-verb", args=[first.amazon_order_id, "record-invoice"])
    assert f'action="{button}{asked}"' in page
    invoice = {"number": "INV-9", "issue_date": "2026-10-05", "issuer": "amazon"}
    client.force_login(make_user("finance"))
    answer = client.post(button + asked, invoice)
    assert answer.url == here + asked
    assert list(Document.objects.filter(number="INV-9").values_list("order", flat=True)) == [
        second.pk
    ]


@pytest.mark.parametrize(("role", "sees"), [("agent", False), ("inspector", False), ("lead", True)])
def test_raw_rows_are_for_those_who_may_see_them(client, tmp_path, role, sees):
    make_seller(code="demo")
    bring_in(tmp_path, text({"product-name": "Only in the raw row"}))
    OrderLine.objects.update(title="")
    client.force_login(make_user(role))
    order = Order.objects.get()
    page = client.get(reverse("returns:order", args=[order.amazon_order_id])).content.decode()
    assert ("Only in the raw row" in page) is sees
