"""Tax per rate: sums that lose nothing, with Amazon's tax figures as they are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import quantum
from invoicing.tax import RateTotal, TaxLine, summarise, totals

RATES = tuple(map(Decimal, ("0", "0.05", "0.07", "0.08", "0.10", "0.19", "0.20")))


def line(net: str, tax: str, rate: str) -> TaxLine:
    return TaxLine(Decimal(net), Decimal(tax), Decimal(rate))


def test_summarise_adds_up_per_rate_highest_first():
    lines = [line("10.00", "0.70", "0.07"), line("5", "0.95", "0.190"), line("5", "0.95", "0.19")]
    assert summarise(lines, "EUR") == (
        RateTotal(Decimal("0.19"), Decimal("10.00"), Decimal("1.90")),
        RateTotal(Decimal("0.07"), Decimal("10.00"), Decimal("0.70")),
    )


def test_summarise_keeps_amazons_tax_and_names_the_difference():
    (total,) = summarise([line("0.03", "0.01", "0.19")] * 3, "EUR")
    assert total.tax == Decimal("0.03")
    assert total.difference("EUR") == Decimal("0.01")


def test_totals_of_nothing_are_zero():
    assert totals([], "EUR").gross == 0
    assert totals([], "EUR").rates == ()


def test_summarise_with_fractions_of_a_yen_is_refused():
    with pytest.raises(ValueError, match="more decimals"):
        summarise([line("9.99", "0", "0.10")], "JPY")


def test_summarise_of_floats_is_refused():
    with pytest.raises(TypeError, match="Decimal"):
        summarise([TaxLine(1.0, 0.19, Decimal("0.19"))], "EUR")


@given(st.sampled_from(("EUR", "GBP", "USD", "JPY")), st.data())
def test_totals_lose_nothing(currency, data):
    amount = st.integers(-(10**7), 10**7).map(lambda units: units * quantum(currency))
    drawn = st.builds(TaxLine, amount, amount, st.sampled_from(RATES))
    lines = data.draw(st.lists(drawn, max_size=20))
    found = totals(lines, currency)
    assert found.net == sum(one.net for one in lines)
    assert found.tax == sum(one.tax for one in lines)
    assert found.gross == found.net + found.tax == sum(part.gross for part in found.rates)
    assert [part.rate for part in found.rates] == sorted({one.rate for one in lines}, reverse=True)
