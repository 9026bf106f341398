"""What people decide about open facts: codes of lines, lines of returns, marketplaces of stubs."""

import threading

import pytest
from django.db import connections

from config.core import invariants
from config.core.models import TrailEvent
from config.core.refused import Refused
from orders import decisions, identity
from orders.invariants import PROMISES
from orders.models import AmazonReturn, Marketplace, Order, OrderLine
from tests.factories import make_line, make_seller, make_user
from tests.orders.doubts import make_doubt, make_unsure

pytestmark = pytest.mark.django_db


def lines_of(order) -> list[OrderLine]:
    return list(order.lines.order_by("pk"))


def listed() -> list[int]:
    return list(
        OrderLine.objects.filter(identity_open=True).order_by("pk").values_list("pk", flat=True)
    )


def promises_hold() -> None:
    broken = {p.name: invariants.violations(p) for p in PROMISES}
    assert {name: found for name, found in broken.items() if found[0]} == {}


def trail_of(model: str) -> list[tuple]:
    return [
        (event.context["verb"], event.context["name"])
        for event in TrailEvent.objects.filter(model=model).order_by("at", "key")
    ]


# --- Which code a line has -----------------------------------------------------------------------
def test_doubtful_lines_are_listed_until_each_is_decided():
    order, lead = make_doubt(), make_user("lead")
    first, second = lines_of(order)
    assert listed() == [first.pk, second.pk]
    decisions.confirm_identity(first, "222", by=lead)
    assert listed() == [second.pk]
    decisions.confirm_identity(second, "111", by=lead)
    assert listed() == []
    codes = [(line.order_item_id, line.identity_confirmed_by) for line in lines_of(order)]
    assert codes == [("222", lead), ("111", lead)]
    promises_hold()


def test_line_without_a_code_left_is_not_listed():
    order = make_doubt(codes=("111",))
    first, second = lines_of(order)
    assert listed() == [first.pk, second.pk]
    decisions.confirm_identity(second, "111", by=make_user("finance"))
    assert listed() == []
    promises_hold()


def test_stub_is_not_listed_until_its_report_arrives():
    order = make_doubt(facts_complete=False)
    assert listed() == []
    Order.objects.filter(pk=order.pk).update(facts_complete=True)
    identity.resolve_identities([order.pk])
    assert len(listed()) == 2


def test_decision_is_in_the_trail_and_reports_are_not():
    order, lead = make_doubt(), make_user("lead")
    assert trail_of("orders.orderline") == []
    line = decisions.confirm_identity(lines_of(order)[0], "111", by=lead)
    decisions.take_back_identity(line, by=lead)
    said = [("confirm_identity", lead.username), ("take_back_identity", lead.username)]
    assert trail_of("orders.orderline") == said


def test_decision_can_be_taken_back_and_made_anew():
    order, lead = make_doubt(), make_user("lead")
    first, second = lines_of(order)
    decisions.confirm_identity(first, "111", by=lead)
    line = decisions.take_back_identity(first, by=lead)
    assert (line.order_item_id, line.identity_confirmed_by) == (None, None)
    assert listed() == [first.pk, second.pk]
    decisions.confirm_identity(second, "111", by=lead)
    decisions.confirm_identity(first, "222", by=lead)
    promises_hold()


def test_nothing_to_take_back_is_refused():
    line = lines_of(make_doubt())[0]
    with pytest.raises(Refused) as refused:
        decisions.take_back_identity(line, by=make_user("lead"))
    assert refused.value.code == "not_decided"


def test_code_is_kept_where_a_higher_room_objects(monkeypatch):
    line = lines_of(make_doubt())[0]
    monkeypatch.setattr(decisions, "objectors", [lambda line, code: "Money stands on it."])
    with pytest.raises(Refused, match="Money stands"):
        decisions.confirm_identity(line, "111", by=make_user("lead"))
    line.refresh_from_db()
    assert line.order_item_id is None


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor"])
def test_who_may_not_decide_is_refused(role):
    line, person = lines_of(make_doubt())[0], make_user(role)
    for call in (
        lambda: decisions.confirm_identity(line, "111", by=person),
        lambda: decisions.take_back_identity(line, by=person),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.code == "forbidden"


@pytest.mark.django_db(transaction=True)
def test_two_people_cannot_give_one_code_to_two_lines():
    order, people = make_doubt(), [make_user("lead"), make_user("finance")]
    start, answers = threading.Barrier(2), []

    def decide(line, person):
        try:
            start.wait(10)
            decisions.confirm_identity(line, "111", by=person)
            answers.append("done")
        except Refused as refused:
            answers.append(refused.code)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=decide, args=pair)
        for pair in zip(lines_of(order), people, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == ["code_taken", "done"]


# --- Which marketplace a stub is of --------------------------------------------------------------
def make_stub(**fields) -> Order:
    return Order.objects.create(
        seller=make_seller(), amazon_order_id="302-9000001-0000001", **fields
    )


def market(code: str) -> Marketplace:
    return Marketplace.objects.get(code=code)


def test_marketplace_is_said_and_returns_take_its_day():
    order, finance = make_stub(), make_user("finance")
    row = AmazonReturn.objects.create(
        seller=order.seller,
        order=order,
        source="mfn",
        natural_key="one",
        requested_at="2026-10-14T18:30:00Z",
        requested_on="2026-10-14",
    )
    decisions.say_marketplace(order, market("JP"), by=finance)
    order.refresh_from_db()
    row.refresh_from_db()
    assert (order.marketplace.code, order.currency) == ("JP", "JPY")
    assert order.marketplace_said_by == finance
    assert (row.marketplace.code, row.requested_on.day) == ("JP", 15)  # half past three in Tokyo
    assert trail_of("orders.order") == [("say_marketplace", finance.username)]


def test_said_marketplace_can_be_corrected():
    order, finance = make_stub(), make_user("finance")
    decisions.say_marketplace(order, market("DE"), by=finance)
    decisions.say_marketplace(order, market("FR"), by=finance)
    assert Order.objects.get().marketplace.code == "FR"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"currency": "USD"}, "currency"),
        ({"facts_complete": True}, "known"),
        ({"named": "FR"}, "known"),
    ],
)
def test_marketplace_that_is_known_or_cannot_be_is_refused(fields, code):
    if named := fields.pop("named", ""):
        fields["marketplace"] = market(named)
    order = make_stub(**fields)
    with pytest.raises(Refused) as refused:
        decisions.say_marketplace(order, market("DE"), by=make_user("lead"))
    assert refused.value.code == code
    assert Order.objects.get().marketplace == fields.get("marketplace")


def test_agent_does_not_say_the_marketplace():
    with pytest.raises(Refused):
        decisions.say_marketplace(make_stub(), market("DE"), by=make_user("agent"))


# --- Which line a return means -------------------------------------------------------------------
def test_chosen_line_of_a_return_outlives_the_next_import():
    order, lead = make_doubt(), make_user("lead")
    row, line = make_unsure(order), lines_of(order)[1]
    decisions.choose_line(row, line, by=lead)
    decisions.stubs.tie_returns(run_sql, f"SELECT {order.pk}")
    row.refresh_from_db()
    assert (row.order_line, row.line_chosen_by) == (line, lead)
    assert trail_of("orders.amazonreturn") == [("choose_line", lead.username)]
    promises_hold()


def run_sql(sql: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql)


def test_unchosen_return_of_two_lines_stays_open():
    order = make_doubt()
    row = make_unsure(order)
    decisions.stubs.tie_returns(run_sql, f"SELECT {order.pk}")
    row.refresh_from_db()
    assert row.order_line is None


def test_return_is_tied_to_a_line_it_can_mean_only():
    order, lead = make_doubt(), make_user("lead")
    row, first = make_unsure(order), lines_of(order)[0]
    other_sku, other_order = make_line(order, sku="SAW"), make_doubt()
    for line in (other_sku, lines_of(other_order)[0]):
        with pytest.raises(Refused) as refused:
            decisions.choose_line(row, line, by=lead)
        assert refused.value.code == "other_line"
    decisions.choose_line(row, first, by=lead)
    with pytest.raises(Refused) as refused:
        decisions.choose_line(row, lines_of(order)[1], by=lead)
    assert refused.value.code == "certain"


def test_return_of_a_stub_waits_for_its_report():
    order = make_doubt(facts_complete=False)
    with pytest.raises(Refused) as refused:
        decisions.choose_line(make_unsure(order), lines_of(order)[0], by=make_user("lead"))
    assert refused.value.code == "incomplete"


def test_return_without_a_sku_may_mean_any_line():
    order = make_doubt()
    row, line = make_unsure(order, sku=""), lines_of(order)[0]
    assert decisions.choose_line(row, line, by=make_user("lead")).order_line == line
    promises_hold()
