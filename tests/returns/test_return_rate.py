"""Who returns much: enough orders, the buyer's own choice or fault only, and never a refusal."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import Buyer
from returns import return_rate, workflow
from tests.factories import make_buyer, make_order, make_rma, make_user

pytestmark = pytest.mark.django_db


def make_customer(*, orders=3, returned=4, reason="UNWANTED_ITEM", days_ago=10, **fields) -> Buyer:
    """A buyer with orders of ten units each, who sends units of the first one back."""
    buyer = make_buyer(**fields)
    day = timezone.now() - timedelta(days=days_ago)
    made = [make_order(buyer=buyer, quantity=10, purchased_at=day) for _ in range(orders)]
    if returned:
        make_rma(order=made[0], quantity=returned, reason_code=reason)
    return buyer


def high() -> list[Buyer]:
    return list(return_rate.high(Buyer.objects.all()))


def test_four_of_thirty_units_are_high():
    buyer = make_customer(returned=4)
    assert high() == [buyer]


@pytest.mark.parametrize(
    "case",
    [
        {"returned": 3},  # ten percent, not above
        {"returned": 0},
        {"orders": 2, "returned": 9},
        {"reason": "DEFECTIVE"},
        {"reason": "DAMAGED_BY_CARRIER"},
        {"days_ago": 100},
    ],
    ids=str,
)
def test_buyer_is_not_high(case):
    make_customer(**case)
    assert high() == []


def test_declined_returns_do_not_count():
    buyer = make_customer()
    rma = buyer.rmas.get()
    workflow.decline(rma.number, by=make_user("lead"), reason="too late")
    assert high() == []


def test_orders_without_units_do_not_make_the_fewest():
    buyer = make_customer(orders=2)
    make_order(buyer=buyer, quantity=0)
    assert high() == []


@pytest.mark.parametrize("case", [{}, {"returned": 3}, {"orders": 2}, {"returned": 0}], ids=str)
def test_rule_of_rows_and_rule_of_queries_agree(case):
    make_customer(**case)
    row = return_rate.with_rate(Buyer.objects).get()
    said = return_rate.is_high(row.order_count, row.ordered, row.returned)
    assert said == bool(high())


def test_today_counts_them_and_links_to_their_list(client):
    client.force_login(make_user("agent"))
    make_customer(legal_name="Demo Vielretour AG")
    make_customer(legal_name="Demo Behalten AG", returned=1)
    tile = next(one for one in client.get("/").context["tiles"] if one.key == "high")
    assert (tile.count, tile.url) == (1, reverse("returns:buyers") + "?high=true")
    page = client.get(tile.url).content.decode()
    assert "Demo Vielretour AG" in page
    assert "Demo Behalten AG" not in page
    others = client.get(reverse("returns:buyers") + "?high=false").content.decode()
    assert "Demo Vielretour AG" not in others
    assert "Demo Behalten AG" in others


def test_nobody_is_refused_because_of_a_rate():
    buyer = make_customer(returned=9)
    rma = make_rma(order=make_order(buyer=buyer, quantity=10), reason_code="UNWANTED_ITEM")
    assert rma.state == "requested"
    assert rma.outside_policy is False
