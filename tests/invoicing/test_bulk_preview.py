"""The page before many refunds are approved says what the click would refuse, and what Amazon gave
back on the same lines meanwhile: nothing is learned only by clicking.
"""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from invoicing import refunds
from invoicing.matching import match_refunds
from invoicing.models import Refund
from orders.models import AmazonReturn, ImportFile
from tests.factories import make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.papers import make_limit, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def preview(client, *chosen) -> str:
    url = reverse("invoicing:refunds-approve")
    answer = client.post(url, {"ids": [refund.pk for refund in chosen]})
    assert answer.status_code == 200
    return answer.content.decode()


def amazon_refunds(refund, gross) -> Refund:
    """Amazon gives money of the refund's line back by itself, and the settlement shows it."""
    line = refund.order.lines.first()
    make_fact(make_settlement(refund.seller), refund.order, line, f"-{gross}", adjustment="A1",
              at=timezone.now())  # fmt: skip
    match_refunds()
    return Refund.objects.get(source="amazon")


def test_refund_that_amazon_made_meanwhile_is_shown_before_the_click(client, finance):
    refund, free = make_refund(units=3), make_refund()
    assert "Approve 2 refunds" in preview(client, refund, free)
    amazon_refunds(refund, refund.order.lines.first().item_net)
    page = preview(client, refund, free)
    assert "Approve 1 refund<" in page
    assert "1 stays as it is" in page
    assert "already took the rest: propose a new amount" in page
    [(_key, sentence)] = refunds.approve_many([refund.key], by=finance).refused
    assert escape(sentence) in page  # the page says what the click would have said


def test_amazons_money_that_leaves_room_is_shown_beside_the_refund(client, finance):
    refund = make_refund()
    theirs = amazon_refunds(refund, "5.00")
    page = preview(client, refund)
    assert "Approve 1 refund<" in page
    assert "Money of these order lines went back elsewhere too:" in page
    assert f'href="{theirs.get_absolute_url()}"' in page
    assert "5.00" in page


def test_refund_without_money_elsewhere_has_no_warning(client, finance):
    assert "went back elsewhere" not in preview(client, make_refund())


def test_amazons_returns_report_is_shown_before_the_click(client, finance):
    refund = make_refund()
    line, order = refund.order.lines.first(), refund.order
    file = ImportFile.objects.create(seller=order.seller, file_name="r.tsv", size=1, by=finance)
    AmazonReturn.objects.create(
        seller=order.seller, order=order, order_line=line, source="MFN", natural_key="k",
        sku=line.sku, quantity=1, refunded_amount=Decimal(9999), currency=order.currency,
        requested_on=date(2026, 10, 20), import_file=file,
    )  # fmt: skip
    page = preview(client, refund)
    assert "Approve 0 refunds" in page
    assert escape("Amazon's returns report (r.tsv) says that") in page
    assert '<button type="submit" class="btn primary" data-next>' not in page


def test_day_limit_of_one_person_is_shown_before_the_click(client):
    lead = make_user("lead")
    client.force_login(lead)
    make_limit()
    mine = [make_refund(proposer=lead, approver=make_user("finance")) for _ in range(2)]
    make_limit(daily=mine[0].gross)
    page = preview(client, *mine)
    assert "Approve 1 refund<" in page
    assert "ask somebody else of finance or a lead" in page
    refused = refunds.approve_many([refund.key for refund in mine], by=lead).refused
    assert escape(refused[0][1]) in page


def test_preview_changes_nothing_and_takes_no_lock(client, finance):
    refund = make_refund()
    with CaptureQueriesContext(connection) as queries:
        preview(client, refund)
    asked = " ".join(query["sql"] for query in queries).upper()
    assert "FOR UPDATE" not in asked
    assert "FOR NO KEY UPDATE" not in asked
    assert "ADVISORY" not in asked
    assert Refund.objects.get(pk=refund.pk).state == "proposed"


def test_preview_asks_as_much_for_one_as_for_many(client, finance):
    seller = make_shipped_order().seller
    counts = []
    for many in (1, 5):
        chosen = [make_refund(order=make_shipped_order(seller=seller)) for _ in range(many)]
        amazon_refunds_all(chosen)
        preview(client, *chosen)
        with CaptureQueriesContext(connection) as queries:
            preview(client, *chosen)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def amazon_refunds_all(chosen) -> None:
    for refund in chosen:
        make_fact(make_settlement(refund.seller), refund.order, refund.order.lines.first(), "-1.00",
                  adjustment=f"A{refund.pk}", at=timezone.now())  # fmt: skip
    match_refunds()
