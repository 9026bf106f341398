"""Settlement money meets refunds: ours are confirmed, Amazon's become rows, doubt waits."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invoicing import matching, refund_row
from invoicing.matching import match_refunds, untied
from invoicing.models import Match, Refund
from invoicing.states import RefundState
from tests.factories import make_order
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def amounts(refund) -> list[tuple]:
    return [
        (line.component, line.net, line.tax, line.gross)
        for line in refund.lines.order_by("order_line_id", "component")
    ]


def test_refund_with_the_same_lines_and_gross_is_confirmed():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    fact = make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1"
    )
    matched = match_refunds()
    refund = Refund.objects.get(pk=refund.pk)
    fact.refresh_from_db()
    assert (matched.rows, matched.confirmed, matched.created) == (1, [refund.pk], [])
    assert (refund.state, refund.amazon_refund_id) == (RefundState.CONFIRMED, "A1")
    assert fact.refund == refund


def test_second_run_writes_nothing():
    order = make_order(lines=2)
    line = order.lines.first()
    make_refund(order, ("30.00", "5.70"))
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    make_fact(settlement, order, line, "-11.90", adjustment="A2")
    match_refunds()
    before = list(Refund.objects.order_by("pk").values())
    again = match_refunds()
    assert (again.rows, again.confirmed, again.created) == (0, [], [])
    assert list(Refund.objects.order_by("pk").values()) == before


def test_equal_refunds_are_confirmed_oldest_first():
    order = make_order()
    line = order.lines.get()
    later = make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 29))
    earlier = make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 28))
    settlement = make_settlement(order.seller)
    first = make_fact(settlement, order, line, "-11.90", adjustment="A1")
    match_refunds()
    second = make_fact(
        settlement, order, line, "-11.90", adjustment="A2", at=DAY + timedelta(days=1)
    )
    match_refunds()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.refund_id, second.refund_id) == (earlier.pk, later.pk)


def test_money_older_than_the_refund_is_amazons():
    order = make_order()
    refund = make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 28))
    make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1",
        at=DAY - timedelta(days=10),
    )  # fmt: skip
    match_refunds()
    assert Refund.objects.get(pk=refund.pk).state == RefundState.SENT
    assert Refund.objects.get(source="amazon").gross == Decimal("11.90")


def test_entered_amazon_id_wins_over_the_older_refund():
    order = make_order()
    line = order.lines.get()
    older = make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 28))
    named = make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 29), amazon_refund_id="A9")
    make_fact(make_settlement(order.seller), order, line, "-11.90", adjustment="A9")
    assert match_refunds().confirmed == [named.pk]
    assert Refund.objects.get(pk=older.pk).state == RefundState.SENT


def test_other_amount_is_tied_and_the_refund_stays_sent():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    fact = make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-35.00", adjustment="A1"
    )
    matched = match_refunds()
    fact.refresh_from_db()
    assert (matched.rows, matched.confirmed, matched.created) == (1, [], [])
    assert fact.refund_id == refund.pk
    assert Refund.objects.get(pk=refund.pk).state == RefundState.SENT


@pytest.mark.parametrize("together", [True, False])
def test_the_right_amount_takes_the_place_of_another(together):
    order = make_order()
    line = order.lines.get()
    refund = make_refund(order, ("30.00", "5.70"))
    settlement = make_settlement(order.seller)
    goodwill = make_fact(settlement, order, line, "-5.00", adjustment="A1")
    if not together:
        match_refunds()
    make_fact(settlement, order, line, "-35.70", adjustment="A2", at=DAY + timedelta(hours=1))
    match_refunds()
    goodwill.refresh_from_db()
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED
    assert (goodwill.refund.source, goodwill.refund.gross) == ("amazon", Decimal("5.00"))


@pytest.mark.parametrize("together", [True, False])
def test_a_refund_paid_line_by_line_is_confirmed_by_the_last(together):
    order = make_order(lines=3)
    refund = make_refund(order, ("10.00", "1.90"), ("20.00", "3.80"), ("30.00", "5.70"))
    settlement = make_settlement(order.seller)
    for number, (line, amount) in enumerate(
        zip(order.lines.order_by("pk"), ("-11.90", "-23.80", "-35.70"), strict=True)
    ):
        make_fact(settlement, order, line, amount, adjustment=f"A{number}")
        if not together:
            match_refunds()
    match_refunds()
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED
    assert not Refund.objects.filter(source="amazon").exists()


def test_same_adjustment_in_a_later_settlement_is_the_same_refund():
    order = make_order()
    line = order.lines.get()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, line, "-30.00", adjustment="A1")
    match_refunds()
    make_fact(make_settlement(order.seller), order, line, "-5.70", adjustment="A1")
    match_refunds()
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED


@pytest.mark.parametrize("state", ["unknown", "sending"])
def test_refund_nobody_marked_as_sent_is_proven_by_its_money(state):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"), state=state)
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    match_refunds()
    refund = Refund.objects.get(pk=refund.pk)
    assert (refund.state, refund.sent_on, refund.amazon_refund_id) == (
        RefundState.CONFIRMED,
        DAY.date(),
        "A1",
    )


@pytest.mark.parametrize("state", ["proposed", "approved"])
def test_refund_that_never_left_is_not_confirmed(state):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"), state=state)
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    assert len(match_refunds().created) == 1
    assert Refund.objects.get(pk=refund.pk).state == state


def test_amazons_refund_of_gross_prices_is_split_at_the_lines_rate():
    order = make_order(net="500.00", quantity=25)
    line = order.lines.get()
    make_fact(make_settlement(order.seller), order, line, "-119.00", adjustment="A1")
    (pk,) = match_refunds().created
    refund = Refund.objects.get(pk=pk)
    assert (refund.source, refund.lane, refund.state) == ("amazon", "none", RefundState.CONFIRMED)
    assert (refund.net, refund.tax, refund.origin) == (
        Decimal("100.00"),
        Decimal("19.00"),
        "amazon:A1",
    )
    row = refund.lines.get()
    assert (row.quantity, row.rate, row.live) == (5, Decimal("0.1900"), True)


def test_amazons_refund_of_net_prices_takes_amazons_own_tax():
    order = make_order(marketplace="US", net="19.98", rate="0.07", quantity=2)
    line = order.lines.get()
    settlement = make_settlement(order.seller, "USD")
    make_fact(settlement, order, line, "-19.98", adjustment="A1")
    make_fact(
        settlement, order, line, "-1.40", adjustment="A1", is_tax=True, amount_description="Tax"
    )
    (pk,) = match_refunds().created
    assert amounts(Refund.objects.get(pk=pk)) == [
        ("item", Decimal("19.98"), Decimal("1.40"), Decimal("21.38"))
    ]


def test_amazons_yen_refund_has_whole_amounts():
    order = make_order(marketplace="JP", net="1000", rate="0.10", quantity=3)
    make_fact(
        make_settlement(order.seller, "JPY"), order, order.lines.get(), "-367", adjustment="A1"
    )
    (pk,) = match_refunds().created
    assert amounts(Refund.objects.get(pk=pk)) == [("item", Decimal(334), Decimal(33), Decimal(367))]


@pytest.mark.parametrize("together", [True, False])
def test_parts_of_one_line_add_up_to_what_was_paid(together):
    order = make_order(net="100.01", rate="0.19", quantity=7)
    line = order.lines.get()
    settlement = make_settlement(order.seller)
    rest = line.item_net + line.item_tax
    for number in range(7):
        part = Decimal("17.01") if number < 6 else rest
        rest -= part
        make_fact(
            settlement, order, line, -part, adjustment=f"A{number}",
            at=DAY + timedelta(minutes=number),
        )  # fmt: skip
        if not together:
            match_refunds()
    match_refunds()
    rows = [row for refund in Refund.objects.all() for row in refund.lines.all()]
    assert sum(row.net for row in rows) == line.item_net
    assert sum(row.tax for row in rows) == line.item_tax


def test_fee_of_a_refund_lowers_it_and_unknown_words_keep_their_amount():
    order = make_order()
    line = order.lines.get()
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    make_fact(
        settlement, order, line, "3.57", adjustment="A1", component="restocking_fee",
        amount_description="RestockingFee",
    )  # fmt: skip
    make_fact(
        settlement, order, line, "-1.19", adjustment="A1", component="",
        amount_description="ExportCharge",
    )  # fmt: skip
    (pk,) = match_refunds().created
    refund = Refund.objects.get(pk=pk)
    assert amounts(refund) == [
        ("goodwill", Decimal("1.00"), Decimal("0.19"), Decimal("1.19")),
        ("item", Decimal("30.00"), Decimal("5.70"), Decimal("35.70")),
        ("restocking_fee", Decimal("-3.00"), Decimal("-0.57"), Decimal("-3.57")),
    ]
    assert refund.gross == Decimal("33.32")


def test_unknown_order_waits_until_its_facts_arrive():
    order = make_order(facts_complete=False, lines=0)
    fact = make_fact(
        make_settlement(order.seller), order, None, "-11.90", adjustment="A1", sku="SKU-X",
        order_item_code="47",
    )  # fmt: skip
    assert match_refunds().created == []
    assert list(untied()) == [fact]
    from tests.factories import make_line

    order.facts_complete = True
    order.save()
    line = make_line(order, sku="SKU-X", order_item_id="47")
    (pk,) = match_refunds().created
    assert Refund.objects.get(pk=pk).lines.get().order_line == line
    assert not untied().exists()


def test_line_in_doubt_never_becomes_a_refund():
    order = make_order(lines=2)
    make_fact(
        make_settlement(order.seller), order, None, "-11.90", adjustment="A1",
        sku=order.lines.first().sku, order_item_code="47",
    )  # fmt: skip
    assert match_refunds().created == []
    assert untied().count() == 1


def test_reversal_of_a_refund_is_left_to_a_person():
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "11.90", adjustment="A1")
    assert match_refunds().created == []
    assert untied().count() == 1


def test_marketplace_and_day_heal_when_the_order_is_known():
    order = make_order(marketplace="US", net="20.00", rate="0")
    at = DAY.replace(hour=3)
    fact = make_fact(
        make_settlement(order.seller, "USD"), order, order.lines.get(), "-20.00",
        adjustment="A1", at=at, marketplace=None,
    )  # fmt: skip
    match_refunds()
    fact.refresh_from_db()
    assert fact.posted_on == at.date() - timedelta(days=1)
    assert fact.refund.sent_on == fact.posted_on


def test_followers_hear_of_confirmed_and_created_once(monkeypatch):
    heard = []
    monkeypatch.setattr(refund_row, "followers", [heard.append])
    order, other = make_order(), make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    heard.clear()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    make_fact(make_settlement(other.seller), other, other.lines.get(), "-11.90", adjustment="A2")
    matched = match_refunds()
    assert heard == [[refund.pk], matched.created]


def test_only_the_asked_sellers_are_matched():
    order, other = make_order(), make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    make_fact(make_settlement(other.seller), other, other.lines.get(), "-11.90", adjustment="A2")
    match_refunds([other.seller_id])
    assert [refund.order for refund in Refund.objects.all()] == [other]


def test_number_of_queries_does_not_grow():
    def queries_for(count: int) -> int:
        for _ in range(count):
            order = make_order()
            make_refund(order, ("30.00", "5.70"))
            settlement, line = make_settlement(order.seller), order.lines.get()
            make_fact(settlement, order, line, "-35.70", adjustment=f"A{order.pk}")
            make_fact(settlement, order, line, "-1.19", adjustment=f"B{order.pk}")
        with CaptureQueriesContext(connection) as queries:
            assert match_refunds().rows == 2 * count
        return len(queries)

    assert queries_for(1) == queries_for(3)


def test_a_big_backlog_is_matched_in_parts(monkeypatch):
    monkeypatch.setattr(matching, "CHUNK", 2)
    settlement = make_settlement(make_order().seller)
    for number in range(5):
        order = make_order(seller=settlement.seller)
        make_fact(settlement, order, order.lines.get(), "-11.90", adjustment=f"A{number}")
    assert len(match_refunds().created) == 5
    assert not untied().exists()


def test_a_few_orders_at_a_time_tie_confirm_and_show_what_is_left(monkeypatch):
    monkeypatch.setattr(matching, "ORDERS_AT_ONCE", 2)
    settlement = make_settlement(make_order().seller)
    sent = []
    for number in range(5):
        order = make_order(seller=settlement.seller)
        sent.append(make_refund(order, ("10.00", "1.90")).pk)
        make_fact(settlement, order, order.lines.get(), "-11.90", adjustment=f"A{number}")
        waits = make_order(seller=settlement.seller, facts_complete=False)
        make_fact(settlement, waits, waits.lines.get(), "-5.00", adjustment=f"B{number}")
    matched = match_refunds()
    assert (matched.rows, matched.confirmed) == (5, sent)
    assert untied().count() == Match.objects.filter(kind="money", result="open").count() == 5
    again = match_refunds()
    assert (again.rows, again.confirmed, again.created) == (0, [], [])


def test_money_in_another_currency_than_the_orders_waits_for_a_person():
    order = make_order()
    settlement = make_settlement(order.seller, "GBP")
    make_fact(settlement, order, order.lines.get(), "-35.70", adjustment="A1")
    assert match_refunds().created == []
    assert untied().count() == 1
