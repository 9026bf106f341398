"""The refund calculation: never more than paid, nothing lost in splitting, every number said."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import quantum
from config.core.sentence import say
from invoicing.states import CAP_GROUP, Component
from returns.balance import ITEM_GROUP
from returns.refund import (
    AlreadyRefunded,
    Calculation,
    PaidComponent,
    PaidLine,
    ReturnedLine,
    calculate,
    content_hash,
    lane_amounts,
)
from tests.returns.money import (
    CURRENCIES,
    LIABILITIES,
    amazon_refunds,
    as_refunded,
    paid_lines,
    returned_lines,
    rules,
    spent,
)

D = Decimal
RATE = D("0.19")
DRILL = PaidLine(
    "7",
    "EUR",
    10,
    "DRILL-18V",
    "18V Drill Kit",
    PaidComponent(D("1287.00"), D("244.53"), RATE),
    PaidComponent(D("10.00"), D("1.90"), RATE),
    PaidComponent(D("5.00"), D("0.95"), RATE),
)
YEN = PaidLine("9", "JPY", 3, "LABEL", "Labels", PaidComponent(D("1000.00"), D("100.00"), D("0.1")))


def back(quantity: int = 1, *, paid: PaidLine = DRILL, origin: str = "RMA-1/1/1", **more):
    return ReturnedLine(paid.order_line, origin, quantity, **more)


def refund(*returned: ReturnedLine, already=(), paid: PaidLine = DRILL, **more) -> Calculation:
    return calculate([paid], already, returned, rules(paid.currency, **more))


def before(component: str, net: str, tax: str, quantity: int | None = 0) -> AlreadyRefunded:
    return AlreadyRefunded("7", component, D(net), D(tax), quantity)


def by_component(calculation: Calculation) -> dict[str, tuple[Decimal, Decimal]]:
    return {line.component: (line.net, line.tax) for line in calculation.lines}


def codes(calculation: Calculation) -> list[str]:
    return [reason.code for reason in calculation.reasons]


def test_item_group_is_the_cap_group_of_the_papers():
    assert set(ITEM_GROUP) == {part for part, group in CAP_GROUP.items() if group == Component.ITEM}


def test_units_get_their_share_and_say_so():
    (item, wrap) = refund(back(3)).lines
    assert (item.net, item.tax, item.gross) == (D("386.10"), D("73.36"), D("459.46"))
    assert (item.component, item.quantity, item.rate, item.rule) == (
        "item",
        3,
        RATE,
        "share_of_units",
    )
    assert item.sentence == (
        "3 of 10 units of 18V Drill Kit: 386.10 of 1,287.00 net, last unit takes the remainder"
    )
    assert (wrap.component, wrap.net, wrap.tax) == ("gift_wrap", D("1.50"), D("0.29"))


def test_last_unit_takes_the_remainder_across_refunds():
    already, nets = [], []
    for number in range(3):
        found = refund(back(paid=YEN, origin=f"RMA-{number}/1/1"), paid=YEN, already=already)
        nets.append(found.net)
        already += as_refunded(found)
    assert nets == [333, 334, 333]
    assert refund(back(paid=YEN), paid=YEN, already=already).gross == 0


def test_yen_have_no_decimals():
    found = refund(back(2, paid=YEN, liability="buyer", percent_kept=D(15)), paid=YEN)
    assert {line.net.as_tuple().exponent for line in found.lines} == {0}
    assert found.to_json()["gross"] == "624"


def test_shipping_none_for_the_buyers_change_of_mind():
    assert "shipping" not in by_component(refund(back(3, liability="buyer")))


def test_shipping_proportional_with_units():
    found = by_component(refund(back(3, liability="seller", shipping="proportional")))
    assert found["shipping"] == (D("3.00"), D("0.57"))


def test_shipping_all_that_is_left_after_a_part():
    already = [before("shipping", "3.00", "0.57")]
    found = by_component(refund(back(7, shipping="all_left"), already=already))
    assert found["shipping"] == (D("7.00"), D("1.33"))


def test_shipping_alone_without_goods():
    found = refund(back(0, shipping="all_left"))
    assert by_component(found) == {"shipping": (D("10.00"), D("1.90"))}


def test_restocking_fee_keeps_rate_and_share_of_the_item():
    found = refund(back(3, liability="buyer", percent_kept=D(20), kept_because="box damaged"))
    fee = found.lines[1]
    assert (fee.component, fee.net, fee.tax, fee.rate) == (
        "restocking_fee",
        D("-77.22"),
        D("-14.67"),
        RATE,
    )
    assert fee.sentence == "Restocking fee of 20% of the item on 18V Drill Kit: box damaged"


@pytest.mark.parametrize("liability", [name for name in LIABILITIES if name != "buyer"])
def test_fee_and_freight_never_where_the_buyer_is_not_liable(liability):
    found = refund(back(liability=liability, percent_kept=D(20), return_freight=D("5.95")))
    assert set(by_component(found)) == {"item", "gift_wrap"}
    assert codes(found) == ["no_fee", "no_freight"]


def test_freight_is_not_deducted_where_the_policy_has_the_seller_pay():
    line = back(liability="buyer", return_freight=D("5.95"))
    found = refund(line, freight_payer_by_liability={"buyer": "seller"})
    assert codes(found) == ["no_freight"]


def test_freight_deduction_is_split_like_the_item():
    found = by_component(refund(back(liability="buyer", return_freight=D("5.95"))))
    assert found["return_freight"] == (D("-5.00"), D("-0.95"))


def test_freight_above_the_goods_is_cut_and_nothing_is_paid():
    paid = replace(DRILL, gift_wrap=PaidComponent())
    found = refund(back(liability="buyer", return_freight=D("500")), paid=paid)
    assert (found.net, found.tax, found.gross) == (0, 0, 0)
    assert found.floored
    assert not found.pays
    assert codes(found) == ["freight_cut", "nothing_to_pay"]


def test_price_credit_in_percent_without_goods():
    (line,) = refund(back(0, credit_percent=D(20), condition="damaged")).lines
    assert (line.net, line.tax, line.quantity) == (D("257.40"), D("48.91"), 0)
    assert line.sentence == (
        "Price credit of 20% on 18V Drill Kit (damaged): 257.40 of 1,287.00 net"
    )


def test_price_credit_of_an_amount_without_goods():
    (line,) = refund(back(0, credit_gross=D("119.00"))).lines
    assert (line.net, line.tax) == (D("100.00"), D("19.00"))


def test_units_after_a_price_credit_get_the_reduced_price():
    first = refund(back(0, credit_percent=D(20)))
    found = refund(back(5, origin="RMA-2/1/1"), already=as_refunded(first))
    assert by_component(found)["item"][0] == D("514.80")  # 5 x 128.70 x 80 %


def test_price_credit_never_gives_back_a_fee_as_item():
    already = [
        before("item", "1287.00", "244.53", 10),
        before("restocking_fee", "-257.40", "-48.91"),
    ]
    found = refund(back(0, credit_percent=D(10)), already=already)
    assert found.lines == ()
    assert codes(found) == ["item_capped", "nothing_to_pay"]


def test_last_unit_heals_amazons_rounding():
    paid = replace(DRILL, quantity=3, item=PaidComponent(D("100.00"), D("19.00"), RATE))
    found = refund(back(1), paid=paid, already=[before("item", "66.66", "12.66", 2)])
    assert by_component(found)["item"] == (D("33.34"), D("6.34"))


def test_goodwill_within_what_is_left():
    already = [before("item", "1280.00", "243.20", 9)]
    found = refund(back(0, goodwill=D("100")), already=already)
    assert found.gross == D("8.33")
    assert codes(found) == ["goodwill_capped"]


def test_amazon_refund_leaves_less_for_ours():
    found = refund(back(3), already=[before("item", "1158.30", "220.08", 9)])
    assert found.lines[0].quantity == 1
    assert by_component(found)["item"] == (D("128.70"), D("24.45"))
    assert codes(found) == ["units_capped"]


def test_amazon_refund_of_unsaid_units_counts_for_the_nearest_number():
    found = refund(back(10), already=[before("item", "386.10", "73.36", None)])
    assert found.lines[0].quantity == 7
    assert by_component(found)["item"] == (D("900.90"), D("171.17"))


def test_money_without_units_is_pointed_out():
    found = refund(back(1), already=[before("item", "50.00", "9.50", 0)])
    assert codes(found) == ["money_without_units"]
    assert by_component(found)["item"][0] == D("123.70")


def test_nothing_left_is_said():
    found = refund(back(2), already=[before("item", "1287.00", "244.53", 10)])
    assert found.lines == ()
    assert codes(found) == ["units_capped", "nothing_to_pay"]
    assert found.floored


def test_goodwill_of_the_past_cuts_the_item():
    found = refund(back(10), already=[before("goodwill", "100.00", "19.00")])
    assert by_component(found)["item"] == (D("1187.00"), D("225.53"))
    assert codes(found) == ["item_capped"]
    assert found.lines[0].sentence.endswith("net, cut to what is left")


@pytest.mark.parametrize(
    ("paid", "returned", "words"),
    [
        ([DRILL, YEN], [back()], "one currency"),
        ([DRILL], [back(), back()], "origin"),
        ([DRILL], [back(paid=YEN)], "not among the paid"),
        ([DRILL], [back(-1)], "negative"),
        ([DRILL], [back(goodwill=D(-1))], "negative"),
        ([DRILL], [back(percent_kept=D(101))], "percentage"),
        ([DRILL], [back(credit_percent=D(5))], "without units"),
        ([DRILL], [back(0, credit_percent=D(5), credit_gross=D(5))], "or a percentage"),
        ([replace(DRILL, item=PaidComponent(D("-1"), D(0)))], [back()], "paid negative"),
        ([replace(YEN, item=PaidComponent(D("9.99"), D(0)))], [back(paid=YEN)], "more decimals"),
    ],
)
def test_impossible_input_is_refused(paid, returned, words):
    with pytest.raises(ValueError, match=words):
        calculate(paid, [], returned, rules())


def test_floats_are_refused():
    with pytest.raises(TypeError, match="Decimal"):
        refund(back(goodwill=1.5))


@st.composite
def histories(draw):
    """A paid line and a sequence of refunds on it, ours and Amazon's mixed."""
    paid = draw(paid_lines(draw(st.sampled_from(CURRENCIES))))
    steps = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    moves = [
        draw(returned_lines(paid, f"RMA-{number}/1/1")) if ours else draw(amazon_refunds(paid))
        for number, ours in enumerate(steps)
    ]
    return paid, moves


def fits(rows: list[AlreadyRefunded], paid: PaidLine) -> bool:
    caps = [("item",), ("shipping",), ("gift_wrap",), ITEM_GROUP]
    sources = [paid.item, paid.shipping, paid.gift_wrap, paid.item]
    sums = [spent(rows, *names) for names in caps]
    return all(
        net <= source.net and tax <= source.tax
        for (net, tax), source in zip(sums, sources, strict=True)
    )


@given(histories())
def test_refunds_never_exceed_what_was_paid(history):
    paid, moves = history
    already: list[AlreadyRefunded] = []
    for move in moves:
        if isinstance(move, AlreadyRefunded):
            already += [move] if fits([*already, move], paid) else []
            continue
        found = calculate([paid], already, [move], rules(paid.currency))
        check_one(found, paid)
        already += as_refunded(found)
        assert fits(already, paid)
        assert sum(row.quantity or 0 for row in as_refunded(found) if row.component == "item") <= (
            paid.quantity
        )


def check_one(found: Calculation, paid: PaidLine) -> None:
    """What holds for every single calculation."""
    step = quantum(paid.currency)
    assert found.net >= 0
    assert found.tax >= 0
    assert found.gross == found.net + found.tax == sum(line.gross for line in found.lines)
    assert found.pays or found.floored
    for line in found.lines:
        deduction = line.component in {"restocking_fee", "return_freight"}
        assert all(amount <= 0 if deduction else amount >= 0 for amount in (line.net, line.tax))
        assert line.net % step == line.tax % step == 0
        assert line.net.as_tuple().exponent == line.tax.as_tuple().exponent
        assert line.sentence
    amounts = by_component(found)
    item, fee = amounts.get("item", (0, 0)), amounts.get("restocking_fee", (0, 0))
    assert item[0] + fee[0] >= 0
    assert item[1] + fee[1] >= 0
    for basis in ("net", "gross"):
        assert sum(one.amount for one in lane_amounts(found, basis)) == found.gross


def test_free_units_are_counted_without_money():
    free = replace(DRILL, item=PaidComponent())
    found = refund(back(3), paid=free)
    assert [(line.component, line.quantity, line.gross) for line in found.lines] == [
        ("item", 3, 0),
        ("gift_wrap", 3, D("1.79")),
    ]


@given(st.data(), st.sampled_from(CURRENCIES))
def test_splitting_units_in_any_order_sums_to_the_whole(data, currency):
    paid = data.draw(paid_lines(currency))
    left, already = paid.quantity, []
    while left:
        units = data.draw(st.integers(1, left))
        line = ReturnedLine("1", f"RMA-{left}/1/1", units, "seller", shipping="proportional")
        already += as_refunded(calculate([paid], already, [line], rules(currency)))
        left -= units
    for name in ("item", "shipping", "gift_wrap"):
        source = getattr(paid, name)
        assert spent(already, name) == (source.net, source.tax)


@given(st.data(), st.sampled_from(CURRENCIES))
def test_one_calculation_of_many_lines_is_the_same_as_one_by_one(data, currency):
    paid = data.draw(paid_lines(currency))
    lines = [data.draw(returned_lines(paid, f"RMA-1/{number}/1")) for number in range(3)]
    together = calculate([paid], [], lines, rules(currency))
    already = []
    for line in lines:
        already += as_refunded(calculate([paid], already, [line], rules(currency)))
    assert spent(already, *CAP_GROUP) == (together.net, together.tax)


@given(histories())
def test_calculation_is_deterministic_and_survives_json(history):
    paid, moves = history
    returned = [move for move in moves if isinstance(move, ReturnedLine)]
    found = calculate([paid], [], returned, rules(paid.currency))
    again = calculate([paid], [], returned, rules(paid.currency))
    assert found == again
    assert Calculation.from_json(found.to_json()) == found
    assert list(found.to_json()) == list(again.to_json())
    assert content_hash(found, "guided") == content_hash(again, "guided")


CHANGED = {
    "order_line": "8",
    "origin": "RMA-2/1/1",
    "component": "goodwill",
    "quantity": 4,
    "net": D("386.11"),
    "tax": D("73.37"),
    "rate": D("0.20"),
    "rule": "other",
    "says": say("Other"),
}


def test_hash_changes_with_every_field_of_a_line():
    found = refund(back(3, liability="buyer", percent_kept=D(20)))
    assert {one.name for one in fields(found.lines[0])} == set(CHANGED)
    hashes = {content_hash(found, "guided")}
    for name, value in CHANGED.items():
        line = replace(found.lines[0], **{name: value})
        hashes.add(content_hash(replace(found, lines=(line, *found.lines[1:])), "guided"))
    assert len(hashes) == len(CHANGED) + 1


def test_hash_changes_with_every_field_of_the_calculation_lane_and_extra():
    found = refund(back(3))
    other = refund(back(30))
    variants = [
        replace(found, currency="GBP"),
        replace(found, policy_version="Test v2"),
        replace(found, floored=True),
        replace(found, lines=found.lines[:1]),
        replace(found, reasons=other.reasons),
    ]
    hashes = {content_hash(one, "guided") for one in (found, *variants)}
    hashes |= {content_hash(found, "feed"), content_hash(found, "guided", {"order": "302-1"})}
    assert len(hashes) == len(variants) + 3


def test_hash_of_floats_is_refused():
    with pytest.raises(TypeError, match="no floats"):
        content_hash(refund(back()), "guided", {"amount": 1.5})
