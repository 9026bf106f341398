"""Money as Decimal: rounding, splitting and formatting. Every rounding of Retour happens here.

Pure: no ORM, no Django settings. Amounts are in the currency's major unit (12.50 EUR, 999 JPY),
tax rates are fractions as Amazon gives them (0.19). Floats are refused with TypeError.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, format_decimal

ZERO = Decimal(0)
ONE = Decimal(1)

# ISO 4217 minor units that are not 2, for currencies a marketplace or a bank line may carry.
EXPONENTS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
QUANTA = {0: Decimal(1), 2: Decimal("0.01"), 3: Decimal("0.001")}
GROUPED = {
    ",": re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?", re.ASCII),
    ".": re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?", re.ASCII),
}


def exact(value: Decimal | int) -> Decimal:
    """Return the value as a finite Decimal; float and bool raise TypeError, NaN ValueError."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
        raise TypeError(f"money is Decimal, never {type(value).__name__}: {value!r}")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"not an amount: {value!r}")
    return number


def exponent(currency: str) -> int:
    """Return the decimal places of an ISO 4217 code (JPY 0, most 2); bad codes raise ValueError."""
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise ValueError(f"not an ISO 4217 code: {currency!r}")
    return EXPONENTS.get(currency, 2)


def quantum(currency: str) -> Decimal:
    """Return the smallest amount of the currency: 0.01 EUR, 1 JPY."""
    return QUANTA[exponent(currency)]


def round_money(amount: Decimal | int, currency: str) -> Decimal:
    """Round half up (half away from zero) to the currency's places."""
    return exact(amount).quantize(quantum(currency), rounding=ROUND_HALF_UP)


def whole(amount: Decimal | int, currency: str) -> Decimal:
    """Return the amount with the currency's places; ValueError if that would lose anything."""
    rounded = round_money(amount, currency)
    if rounded != amount:
        raise ValueError(f"{amount} has more decimals than {currency} knows")
    return rounded


def allocate(
    total: Decimal | int, weights: Sequence[Decimal | int], currency: str
) -> list[Decimal]:
    """Split `total` by weights (>= 0) with the largest remainder; the parts sum to it exactly.

    Ties go to the earlier part. A zero weight gets nothing; if all are zero, parts are even.
    No part exceeds its weight when total <= sum(weights) and the weights are whole amounts.
    """
    scaled = _as_integers(weights)
    if not scaled:
        raise ValueError("nothing to allocate to")
    if not any(scaled):
        scaled = [1] * len(scaled)
    step = quantum(currency)
    units = int(whole(total, currency) / step)
    shares = _largest_remainder(abs(units), scaled)
    sign = -1 if units < 0 else 1
    return [step * (sign * share) for share in shares]


def _as_integers(weights: Sequence[Decimal | int]) -> list[int]:
    """Scale weights to integers without loss; a negative one raises ValueError."""
    numbers = [exact(weight) for weight in weights]
    if any(number < 0 for number in numbers):
        raise ValueError("weights must not be negative")
    places = max((-int(number.as_tuple().exponent) for number in numbers), default=0)
    return [int(number.scaleb(max(places, 0))) for number in numbers]


def _largest_remainder(units: int, weights: list[int]) -> list[int]:
    """Split an integer by integer weights: floors first, leftovers to the largest remainders."""
    weight = sum(weights)
    shares = [units * part // weight for part in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(units * weights[i] % weight), i))
    for index in order[: units - sum(shares)]:
        shares[index] += 1
    return shares


@dataclass(frozen=True)
class Split:
    """An amount as net and tax of one currency; gross is always their sum."""

    net: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax

    def __add__(self, other: Split) -> Split:
        return Split(self.net + other.net, self.tax + other.tax)

    def __sub__(self, other: Split) -> Split:
        return Split(self.net - other.net, self.tax - other.tax)

    def __neg__(self) -> Split:
        return Split(-self.net, -self.tax)

    def __bool__(self) -> bool:
        return bool(self.net or self.tax)

    def least(self, other: Split) -> Split:
        """Return the smaller net and the smaller tax, each on its own."""
        return Split(min(self.net, other.net), min(self.tax, other.tax))

    def floor(self) -> Split:
        """Return it with negative net and negative tax, each on its own, raised to zero."""
        return Split(max(self.net, ZERO), max(self.tax, ZERO))

    def portion(self, gross: Decimal, currency: str) -> Split:
        """Return `gross` (0 <= gross <= self.gross) split as self is; never above net or tax."""
        net, tax = allocate(gross, [self.net, self.tax], currency)
        return Split(net, tax)

    def scaled(self, numerator: Decimal | int, denominator: Decimal | int, currency: str) -> Split:
        """Return net and tax, each times numerator/denominator, each rounded half up."""
        top, bottom = exact(numerator), exact(denominator)
        return Split(
            round_money(self.net * top / bottom, currency),
            round_money(self.tax * top / bottom, currency),
        )


def split_gross(gross: Decimal | int, rate: Decimal | int, currency: str) -> Split:
    """Split a tax-inclusive amount at `rate` (0.19); the net is rounded, the tax is the rest."""
    total = whole(gross, currency)
    net = round_money(total / (ONE + exact(rate)), currency)
    return Split(net, total - net)


def tax_on(net: Decimal | int, rate: Decimal | int, currency: str) -> Decimal:
    """Return the tax on a net amount at `rate` (0.19), rounded half up."""
    return round_money(exact(net) * exact(rate), currency)


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    """Return Babel's locale of a language tag (de, pt-br, ja_JP); English if unknown."""
    for tag in (language, language[:2]):
        try:
            return Locale.parse(tag.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=8192)
def format_money(amount: Decimal, currency: str, language: str = "en") -> str:
    """Return the amount with currency sign, as the language writes it: 1.287,00 €, ￥999."""
    rounded = round_money(amount, currency)
    locale = _locale(language)
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency),) * 2
    return str(pattern.apply(rounded, locale, currency=currency, currency_digits=False))


@lru_cache(maxsize=8192)
def _format_number(text: str, language: str) -> str:
    places = len(text.partition(".")[2])
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(Decimal(text), format=pattern, locale=_locale(language))


def format_number(amount: Decimal, language: str = "en") -> str:
    """Return the number grouped as the language writes it, with the places it has: 1,287.00."""
    return _format_number(format(exact(amount), "f"), language)


def parse_decimal(text: str, decimal_comma: bool) -> Decimal:
    """Read a number of a file whose decimal sign is known: "1.234,56" or "1,234.56".

    Spaces of any kind and apostrophes group too; a full-width or true minus sign is understood.
    Anything else, a grouping that does not fit included, raises ValueError naming the text.
    """
    group, point = (".", ",") if decimal_comma else (",", ".")
    plain = re.sub(r"[\s'’]", "", unicodedata.normalize("NFKC", text)).replace("\u2212", "-")
    digits = plain.replace(group, "").replace(point, ".")
    if not any(sign.isdigit() for sign in plain) or not GROUPED[group].fullmatch(plain):
        raise ValueError(f"not a number with decimal {point!r}: {text!r}")
    return Decimal(digits)
