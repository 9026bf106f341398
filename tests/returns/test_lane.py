"""The figures for Seller Central, on the basis each marketplace wants."""

from decimal import Decimal

from invoicing.lane import lane_amounts
from returns.refund import PaidComponent, PaidLine, ReturnedLine, calculate
from tests.returns.money import rules

D = Decimal


def figures(paid: PaidLine, *returned: ReturnedLine, basis: str):
    found = calculate([paid], [], returned, rules(paid.currency))
    return [
        (one.order_line, one.field, str(one.amount), one.basis, str(one.hint))
        for one in lane_amounts(found, basis)
    ]


def test_american_figures_are_net_with_tax_apart():
    paid = PaidLine("1", "USD", 2, item=PaidComponent(D("39.96"), D("2.80"), D("0.07")))
    assert figures(paid, ReturnedLine("1", "a", 1), basis="net") == [
        ("1", "Principal", "19.98", "net", "Without tax"),
        ("1", "Tax", "1.40", "net", "The tax alone"),
    ]


def test_german_figures_include_tax_and_add_up_per_order_line():
    paid = PaidLine(
        "1",
        "EUR",
        25,
        item=PaidComponent(D("500"), D("95"), D("0.19")),
        shipping=PaidComponent(D("10"), D("1.9"), D("0.19")),
    )
    lines = (
        ReturnedLine("1", "a", 3, "buyer", percent_kept=D(10)),
        ReturnedLine("1", "b", 2, "seller", shipping="proportional"),
    )
    assert figures(paid, *lines, basis="gross") == [
        ("1", "Principal", "119.00", "gross", "Including tax"),
        ("1", "Shipping", "0.95", "gross", "Including tax"),
        ("1", "RestockingFee", "-7.14", "gross", "Deduction, including tax"),
    ]


def test_japanese_figures_are_all_in_principal():
    paid = PaidLine("1", "JPY", 1, item=PaidComponent(D("999.00"), D("100.00"), D("0.10")))
    assert figures(paid, ReturnedLine("1", "a", 1), basis="gross") == [
        ("1", "Principal", "1099", "gross", "Including tax"),
    ]


def test_american_deductions_carry_their_tax():
    paid = PaidLine("1", "USD", 1, item=PaidComponent(D("100"), D("7"), D("0.07")))
    line = ReturnedLine("1", "a", 1, "buyer", percent_kept=D(10), return_freight=D("10.70"))
    assert [row[1:3] for row in figures(paid, line, basis="net")] == [
        ("Principal", "100.00"),
        ("Tax", "6.30"),
        ("RestockingFee", "-10.00"),
        ("RestockingFeeTax", "-0.70"),
        ("ReturnShipping", "-10.00"),
    ]
