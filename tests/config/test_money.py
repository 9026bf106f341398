"""Money: rounding, splitting without loss, formatting, reading numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import (
    Split,
    allocate,
    exponent,
    format_money,
    format_number,
    parse_decimal,
    quantum,
    round_money,
    split_gross,
    tax_on,
    whole,
)

CURRENCIES = ("EUR", "GBP", "USD", "JPY")
RATES = tuple(map(Decimal, ("0", "0.05", "0.07", "0.08", "0.10", "0.19", "0.20", "0.255")))
currencies = st.sampled_from(CURRENCIES)


@st.composite
def amounts(draw, currency, low=-(10**9), high=10**9):
    return draw(st.integers(low, high)) * quantum(currency)


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_exponent_follows_iso_4217(currency, places):
    assert exponent(currency) == places
    assert quantum(currency) == Decimal(1).scaleb(-places)


@pytest.mark.parametrize("code", ["", "eur", "EURO", "E1R", "ÉUR"])
def test_exponent_of_no_currency_is_refused(code):
    with pytest.raises(ValueError, match="ISO 4217"):
        exponent(code)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "EUR", "0.01"),
        ("-0.005", "EUR", "-0.01"),
        ("0.0049", "EUR", "0.00"),
        ("2.675", "GBP", "2.68"),
        ("999.5", "JPY", "1000"),
        ("999.00", "JPY", "999"),
    ],
)
def test_round_money_half_up(amount, currency, rounded):
    assert str(round_money(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize(
    "call",
    [
        lambda: round_money(0.1, "EUR"),
        lambda: allocate(0.1, [1], "EUR"),
        lambda: allocate(Decimal(1), [0.5, 0.5], "EUR"),
        lambda: split_gross(1.19, Decimal("0.19"), "EUR"),
        lambda: split_gross(Decimal("1.19"), 0.19, "EUR"),
        lambda: tax_on(1.0, Decimal("0.19"), "EUR"),
        lambda: format_money(1.0, "EUR"),
        lambda: format_number(1.0),
        lambda: round_money(True, "EUR"),
        lambda: round_money("1.00", "EUR"),
    ],
)
def test_float_is_refused(call):
    with pytest.raises(TypeError, match="Decimal"):
        call()


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_round_money_of_no_number_is_refused(value):
    with pytest.raises(ValueError, match="not an amount"):
        round_money(Decimal(value), "EUR")


def test_whole_with_lost_decimals_is_refused():
    assert whole(Decimal("999.00"), "JPY") == 999
    with pytest.raises(ValueError, match="more decimals"):
        whole(Decimal("9.99"), "JPY")


@pytest.mark.parametrize(
    ("total", "weights", "currency", "parts"),
    [
        ("100", [1, 1, 1], "EUR", ["33.34", "33.33", "33.33"]),
        ("100", [1, 1, 1], "JPY", ["34", "33", "33"]),
        ("0.01", [0, 1, 1], "EUR", ["0.00", "0.01", "0.00"]),
        ("-0.05", [1, 1], "EUR", ["-0.03", "-0.02"]),
        ("0.05", [0, 0], "EUR", ["0.03", "0.02"]),
        ("10", [Decimal("0.5"), 2], "EUR", ["2.00", "8.00"]),
    ],
)
def test_allocate_gives_remainders_to_the_largest(total, weights, currency, parts):
    assert allocate(Decimal(total), weights, currency) == [Decimal(part) for part in parts]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_allocate_without_usable_weights_is_refused(weights):
    with pytest.raises(ValueError, match=r"allocate to|negative"):
        allocate(Decimal(1), weights, "EUR")


@given(st.data(), currencies)
def test_allocate_loses_nothing(data, currency):
    total = data.draw(amounts(currency))
    weight = st.one_of(st.integers(0, 10**6), st.decimals(0, 1000, places=4))
    weights = data.draw(st.lists(weight, min_size=1, max_size=12))
    parts = allocate(total, weights, currency)
    assert sum(parts) == total
    assert parts == allocate(total, weights, currency)
    if any(weights):
        assert not any(part for part, weight in zip(parts, weights, strict=True) if not weight)
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - total * weight / sum(weights)) <= quantum(currency)


@given(st.data(), currencies, st.sampled_from(RATES))
def test_split_gross_adds_up(data, currency, rate):
    gross = data.draw(amounts(currency))
    split = split_gross(gross, rate, currency)
    assert split.gross == gross
    assert split == Split(whole(split.net, currency), whole(split.tax, currency))
    assert abs(split.tax - tax_on(split.net, rate, currency)) <= quantum(currency)


@given(st.data(), currencies)
def test_portion_never_exceeds_net_or_tax(data, currency):
    split = Split(
        data.draw(amounts(currency, low=0, high=10**6)),
        data.draw(amounts(currency, low=0, high=10**6)),
    )
    gross = data.draw(st.integers(0, int(split.gross / quantum(currency)))) * quantum(currency)
    part = split.portion(gross, currency)
    assert part.gross == gross
    assert part == part.least(split)
    assert part == part.floor()


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1287", "EUR", "de", "1.287,00\N{NO-BREAK SPACE}€"),
        ("1287", "EUR", "en", "€1,287.00"),
        ("1287", "EUR", "en-gb", "€1,287.00"),
        ("999", "JPY", "ja", "￥999"),
        ("999.00", "JPY", "en", "¥999"),
        ("-12.5", "GBP", "en", "-£12.50"),
        ("5", "USD", "xx-yy", "$5.00"),
    ],
)
def test_format_money_writes_as_the_language_does(amount, currency, language, text):
    assert format_money(Decimal(amount), currency, language) == text


def test_format_number_keeps_the_places():
    assert format_number(Decimal("1287.00"), "de") == "1.287,00"
    assert format_number(Decimal("1287")) == "1,287"
    assert format_number(Decimal("12.5")) == "12.5"


@pytest.mark.parametrize(
    ("text", "comma", "number"),
    [
        ("1.234,56", True, "1234.56"),
        ("1,234.56", False, "1234.56"),
        ("-855,83", True, "-855.83"),
        ("1 234,5", True, "1234.5"),
        ("1\N{NARROW NO-BREAK SPACE}234,5", True, "1234.5"),
        ("1'234.50", False, "1234.50"),
        ("\N{MINUS SIGN}3", False, "-3"),
        ("１２３", False, "123"),
        (".5", False, "0.5"),
        ("999", True, "999"),
        (" 7 ", True, "7"),
    ],
)
def test_parse_decimal_reads_what_files_write(text, comma, number):
    assert parse_decimal(text, comma) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "comma"),
    [
        ("", True),
        ("-", True),
        (",", True),
        ("1,5", False),
        ("1.5", True),
        ("12,34,567", False),
        ("1,234,5", False),
        ("1.234.567,8,9", True),
        ("1e5", False),
        ("1_000", False),
        ("EUR 5", False),
        ("NaN", False),
        ("٣", False),
    ],
)
def test_parse_decimal_of_anything_else_names_the_text(text, comma):
    with pytest.raises(ValueError, match="not a number"):
        parse_decimal(text, comma)


@given(st.data(), currencies, st.booleans())
def test_parse_decimal_reads_back_what_was_formatted(data, currency, comma):
    amount = data.draw(amounts(currency))
    assert parse_decimal(format_number(amount, "de" if comma else "en"), comma) == amount
