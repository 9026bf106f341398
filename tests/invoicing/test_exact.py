"""Exact totals: every rule of the standard to the cent, and nothing of the money lost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import quantum, round_money, tax_on
from invoicing.exact import Row, nearest_base, settle, unit_price
from invoicing.payload import RateRow

D = Decimal
RATES = {
    "EUR": ("0", "0.021", "0.055", "0.07", "0.19", "0.255"),
    "GBP": ("0", "0.05", "0.2"),
    "USD": ("0.0725", "0.08875"),
    "JPY": ("0.08", "0.1"),
    "CAD": ("0.05", "0.13", "0.14975"),
}
REGIME = {"USD": "us", "JPY": "jp", "CAD": "ca"}


@st.composite
def documents(draw):
    """Currency and rows whose tax Amazon rounded a piece at a time, half up or down."""
    currency = draw(st.sampled_from(sorted(RATES)))
    step = quantum(currency)
    rows = []
    for number in range(draw(st.integers(1, 12))):
        rate = D(draw(st.sampled_from(RATES[currency])))
        quantity = draw(st.integers(1, 30))
        price = draw(st.integers(1, 10**6)) * step
        once = tax_on(price, rate, currency)
        if draw(st.booleans()) and once > price * rate:
            once -= step
        tax = once * quantity
        net = price * quantity
        deduction = number > 0 and draw(st.integers(0, 4)) == 0
        if deduction:
            net, tax, quantity = -price, -tax_on(price, rate, currency), 1
        category = "S" if rate else "Z"
        rows.append(Row(net, tax, category, rate, D(quantity), deduction))
    return currency, rows


@given(documents(), st.booleans())
def test_settled_document_keeps_every_rule_and_every_cent(document, credit):
    currency, rows = document
    found = settle(rows, currency, REGIME.get(currency, "vat"), credit=credit)
    totals = found.totals
    lines = [row.net for row in found.rows if not row.deduction]
    assert totals.lines == sum(lines, D(0))  # BR-CO-10
    off = -sum((r.net for r in found.rows if r.deduction), D(0))
    assert totals.allowances == off + max(-found.sales_tax, D(0))  # BR-CO-11
    assert totals.charges == max(found.sales_tax, D(0))  # BR-CO-12
    assert totals.net == totals.lines - totals.allowances + totals.charges  # BR-CO-13
    assert totals.tax == sum((share.tax for share in found.rates), D(0))  # BR-CO-14
    assert totals.gross == totals.net + totals.tax  # BR-CO-15
    assert totals.due == totals.gross - totals.paid + totals.rounding == 0  # BR-CO-16
    for share in found.rates:
        assert share.tax == tax_on(share.base, share.rate, currency)  # BR-CO-17
    paid = sum((row.net + row.tax for row in rows), D(0))
    assert totals.paid == totals.gross + totals.rounding == paid
    every = [*lines, totals.net, totals.tax, totals.rounding, *(row.tax for row in found.rows)]
    assert all(amount == round_money(amount, currency) for amount in every)


@given(documents())
def test_rows_add_up_to_the_table(document):
    currency, rows = document
    found = settle(rows, currency, REGIME.get(currency, "vat"))
    for share in found.rates:
        members = [r for r in found.rows if (r.category, r.rate) == (share.category, share.rate)]
        charge = found.sales_tax if share.category == "O" else D(0)
        assert sum((row.net for row in members), charge) == share.base
        assert sum((row.tax for row in members), D(0)) == share.tax


@given(documents())
def test_price_times_quantity_is_the_net_exactly(document):
    currency, rows = document
    found = settle(rows, currency, REGIME.get(currency, "vat"))
    for given_row, row in zip(rows, found.rows, strict=True):
        assert given_row.quantity * row.unit_price == row.net * row.price_quantity
        assert row.unit_price == round(row.unit_price, 4)


@given(documents())
def test_amazons_tax_stands_where_tax_is_not_rounded_once(document):
    currency, rows = document
    regime = REGIME.get(currency, "vat")
    found = settle(rows, currency, regime)
    tax = sum((row.tax for row in rows), D(0))
    if regime == "us":
        assert (found.totals.tax, found.sales_tax) == (0, tax)
    elif regime != "jp":
        assert found.totals.tax == tax


@given(st.integers(-(10**6), 10**6), st.sampled_from(RATES["EUR"][1:]), st.integers(-40, 40))
def test_base_moves_by_the_fewest_cents(cents, rate, off):
    base, step = D(cents) / 100, D("0.01")
    tax = tax_on(base, D(rate), "EUR") + off * step
    found = nearest_base(base, tax, D(rate), "EUR")
    assert tax_on(found, D(rate), "EUR") == tax
    if found != base:
        nearer = found + (step if found < base else -step)
        assert tax_on(nearer, D(rate), "EUR") != tax


def test_matching_figures_stay_as_they_are():
    found = settle([Row(D("100.00"), D("19.00"), "S", D("0.1900"), D(3))], "EUR")
    (row,) = found.rows
    assert (row.net, row.unit_price, row.price_quantity) == (D("100.00"), D("100.00"), D(3))
    assert found.rates == (RateRow("S", D("0.19"), D("100.00"), D("19.00")),)
    assert found.totals.rounding == 0


def test_cents_of_tax_a_piece_move_the_largest_line_and_show_as_rounding():
    """3 x 0.33 at 19 %: Amazon's 0.06 a piece is 0.18, 19 % of 0.99 would be 0.19."""
    rows = [Row(D("0.99"), D("0.18"), "S", D("0.19"), D(3)), Row(D(0), D(0), "S", D("0.19"))]
    found = settle(rows, "EUR")
    assert [row.net for row in found.rows] == [D("0.97"), D(0)]
    assert found.rates == (RateRow("S", D("0.19"), D("0.97"), D("0.18")),)
    assert (found.totals.gross, found.totals.rounding) == (D("1.15"), D("0.02"))


def test_tax_that_rounding_cannot_explain_is_left_for_the_gate():
    found = settle([Row(D("100.00"), D("21.00"), "S", D("0.19"))], "EUR")
    assert found.rates == (RateRow("S", D("0.19"), D("100.00"), D("21.00")),)


def test_japan_taxes_once_a_rate_from_the_gross():
    """3 x 333 yen plus 33 each is 1,098 with tax: 1098 x 10/110 = 99.8, half up 100."""
    found = settle([Row(D(333), D(33), "S", D("0.1"))] * 3, "JPY", "jp")
    assert found.rates == (RateRow("S", D("0.1"), D(998), D(100)),)
    assert (found.totals.gross, found.totals.rounding) == (D(1098), D(0))


def test_japan_shows_a_yen_of_rounding_where_no_base_fits():
    """Of 5 yen with tax no whole base at 10 % explains a whole tax."""
    found = settle([Row(D(5), D(0), "S", D("0.1"))], "JPY", "jp")
    assert found.rates == (RateRow("S", D("0.1"), D(4), D(0)),)
    assert found.totals.rounding == 1


def test_us_sales_tax_is_a_charge_and_no_vat():
    rows = [
        Row(D("100.00"), D("8.88"), "S", D("0.0888")),
        Row(D("-10.00"), D("-0.89"), "S", D("0.0888"), deduction=True),
    ]
    found = settle(rows, "USD", "us")
    assert found.rates == (RateRow("O", D(0), D("97.99"), D(0)),)
    assert (found.totals.lines, found.totals.allowances, found.totals.charges) == (
        D("100.00"), D("10.00"), D("7.99")
    )  # fmt: skip
    assert (found.totals.tax, found.totals.gross) == (0, D("97.99"))


@pytest.mark.parametrize(
    ("net", "quantity", "expected"),
    [("10.00", 4, ("2.5", 1)), ("10.00", 3, ("10.00", 3)), ("0.01", 100, ("0.0001", 1)),
     ("0.00", 5, ("0", 1)), ("0.01", 1000, ("0.01", 1000))],
)  # fmt: skip
def test_unit_price_has_four_decimals_or_stands_for_all(net, quantity, expected):
    assert unit_price(D(net), D(quantity)) == (D(expected[0]), D(expected[1]))
