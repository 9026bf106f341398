"""How an RMA comes to be: one of each party, a number of the year, the verdict frozen."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from orders.models import Marketplace
from returns import workflow
from returns.models import RMA, Policy
from tests.factories import make_buyer, make_line, make_order, make_rma, make_seller, make_user

pytestmark = pytest.mark.django_db


def make_policy(**fields) -> Policy:
    by = User.objects.system()
    with trail("setup", by=by):
        return Policy.objects.create(
            **{
                "name": "Demo policy",
                "version": 1,
                "valid_from": date(2020, 1, 1),
                "created_by": by,
            }
            | fields
        )


def request(*lines, quantity=1, **more) -> RMA:
    return workflow.request(
        by=make_user("agent"),
        lines=[workflow.LineRequest(line.pk, quantity, "CR-DEFECTIVE") for line in lines],
        **more,
    )


def code_of(*lines, **more) -> str:
    with pytest.raises(Refused) as refused:
        request(*lines, **more)
    return refused.value.code


def test_lines_of_two_orders_of_one_buyer_are_one_rma():
    seller, buyer = make_seller(), make_buyer()
    one, two = (make_order(seller=seller, buyer=buyer) for _ in range(2))
    rma = request(one.lines.get(), two.lines.get())
    assert rma.lines.count() == 2
    assert all(word in rma.search for word in (one.po_number, two.amazon_order_id))


@pytest.mark.parametrize(
    "other",
    [
        lambda seller, buyer: make_order(seller=seller),
        lambda seller, buyer: make_order(buyer=buyer),
        lambda seller, buyer: make_order(seller=seller, buyer=buyer, marketplace="FR"),
        lambda seller, buyer: make_order(seller=seller, buyer=buyer, marketplace="UK"),
    ],
    ids=["buyer", "seller", "marketplace", "currency"],
)
def test_mixed_lines_are_refused(other):
    seller, buyer = make_seller(), make_buyer()
    first, second = make_order(seller=seller, buyer=buyer), other(seller, buyer)
    assert code_of(first.lines.get(), second.lines.get()) == "mixed"


def test_unknown_buyer_is_one_only_within_an_order():
    seller = make_seller()
    one, two = (make_order(seller=seller, buyer=None, lines=2) for _ in range(2))
    request(*one.lines.all())
    assert code_of(one.lines.first(), two.lines.first()) == "mixed"


def test_impossible_requests_are_refused():
    order = make_order()
    cancelled = make_line(order, item_status="Cancelled")
    assert code_of() == "empty"
    assert code_of(order.lines.first(), quantity=0) == "quantity"
    assert code_of(order.lines.first(), quantity=4) == "quantity"
    assert code_of(cancelled) == "cancelled"
    assert code_of(order.lines.first(), order.lines.first(), quantity=2) == "quantity"
    assert not RMA.objects.exists()


def test_refused_request_takes_no_number():
    order = make_order()
    code_of(order.lines.get(), quantity=9)
    assert request(order.lines.get()).number.endswith("-000001")


def test_year_of_the_number_is_that_of_the_sellers_zone():
    tokyo = make_order(seller=make_seller(time_zone="Asia/Tokyo")).lines.get()
    berlin = make_order().lines.get()
    new_year = datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert request(tokyo, opened_at=new_year).number == "RMA-2026-000001"
    assert request(berlin, opened_at=new_year).number == "RMA-2025-000001"


def test_without_any_policy_a_person_decides():
    rma = make_rma("requested")
    assert (rma.policy, rma.verdict["outcome"]) == (None, "review")
    assert "No policy" in rma.verdict["reasons"][0]["sentence"]


def test_verdict_and_version_are_frozen():
    policy = make_policy(window_days=60)
    rma = make_rma("requested")
    make_policy(version=2, window_days=1)
    rma.refresh_from_db()
    assert rma.policy == policy
    assert rma.verdict["policy_version"] == "Demo policy v1"
    assert (rma.verdict["outcome"], rma.outside_policy) == ("inside", False)


def test_late_request_is_outside_policy():
    make_policy(window_days=14)
    order = make_order(purchased_at=timezone.now() - timedelta(days=40))
    rma = make_rma(order=order, reason_code="CR-UNWANTED_ITEM")
    assert (rma.verdict["outcome"], rma.outside_policy) == ("outside", True)


def test_most_specific_policy_holds():
    make_policy(name="All")
    german = make_policy(name="DE", marketplace=Marketplace.objects.get(code="DE"))
    assert make_rma().policy == german
    assert str(make_rma(order=make_order(marketplace="FR")).policy) == "All v1"


def test_policy_approves_by_itself_as_the_system_actor():
    make_policy(auto_approve=True, ship_back_days=10)
    rma = make_rma("requested")
    assert (rma.state, rma.approved_by) == ("approved", User.objects.system())
    assert rma.lines.get().approved == 2
    assert rma.messages.filter(template="approved").exists()


def test_value_above_the_limit_needs_a_lead():
    make_policy(auto_approve=True, second_look_above=Decimal("50.00"))
    rma = make_rma("requested")
    assert (rma.state, rma.next_actor) == ("requested", "lead")
    with pytest.raises(Refused) as refused:
        workflow.approve(rma.number, by=make_user("agent"))
    assert refused.value.code == "second"
    assert workflow.approve(rma.number, by=make_user("lead")).state == "approved"


def test_watched_buyer_is_never_approved_by_itself():
    make_policy(auto_approve=True)
    buyer = make_buyer(watched=True, watch_reason="many returns")
    rma = make_rma(order=make_order(buyer=buyer))
    assert (rma.state, rma.verdict["outcome"]) == ("requested", "review")


def test_stub_order_waits_with_a_work_item():
    rma = make_rma(order=make_order(facts_complete=False), quantity=2)
    assert rma.work_items.get().kind == "incomplete"
    with pytest.raises(Refused) as refused:
        workflow.approve(rma.number, by=make_user("lead"))
    assert refused.value.code == "incomplete"
