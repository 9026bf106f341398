"""Tax per rate: what a document's lines add up to, rate by rate. Pure: no ORM, no rounding.

The tax of a line is Amazon's figure and wins; here it is only added up and compared.
Rates are fractions (0.19). Which rate applies, and to whom, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from config.core.money import ZERO, Split, exact, tax_on, whole


@dataclass(frozen=True)
class TaxLine:
    """Net and tax of one line in the document's currency, with its rate as a fraction."""

    net: Decimal
    tax: Decimal
    rate: Decimal


@dataclass(frozen=True)
class RateTotal:
    """Base and tax of all lines of one rate."""

    rate: Decimal
    base: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        """Base plus tax."""
        return self.base + self.tax

    def difference(self, currency: str) -> Decimal:
        """Return this tax minus base x rate: the cents by which Amazon's rounding departs.

        Documents whose format demands base x rate (EN 16931 BR-CO-17) look at this first.
        """
        return self.tax - tax_on(self.base, self.rate, currency)


@dataclass(frozen=True)
class Totals:
    """The foot of a document: net + tax = gross, and the table per rate behind it."""

    net: Decimal
    tax: Decimal
    rates: tuple[RateTotal, ...]

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax


def summarise(lines: Iterable[TaxLine], currency: str) -> tuple[RateTotal, ...]:
    """Return base and tax per rate, highest rate first.

    A line with more decimals than the currency knows raises ValueError, a float TypeError.
    """
    by_rate: dict[Decimal, Split] = {}
    for line in lines:
        rate = exact(line.rate)
        amount = Split(whole(line.net, currency), whole(line.tax, currency))
        by_rate[rate] = by_rate.get(rate, Split()) + amount
    return tuple(
        RateTotal(rate, by_rate[rate].net, by_rate[rate].tax)
        for rate in sorted(by_rate, reverse=True)
    )


def totals(lines: Iterable[TaxLine], currency: str) -> Totals:
    """Return net, tax, gross and the table per rate; no line is lost, nothing is rounded."""
    rates = summarise(lines, currency)
    return Totals(
        net=sum((part.base for part in rates), ZERO),
        tax=sum((part.tax for part in rates), ZERO),
        rates=rates,
    )
