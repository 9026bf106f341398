"""The VAT total in the currency of the taxing country: stored rates, latest at the tax point.

Art. 230 and 91 of Directive 2006/112/EC: the tax in national currency, at the rate of the European
Central Bank or a customs rate. Rates are facts with a day and a source, entered by people or read
from the bank's file; none is ever changed and nothing is fetched.
"""

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q

from config.core.models import User
from config.core.money import ONE, exponent, round_money
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing.models import FxRate
from invoicing.particulars import national_currency
from invoicing.payload import NationalTax

ECB = "ECB"
STALE_AFTER = timedelta(days=7)  # holidays close the ECB for five days at most
RATE_PLACES = Decimal("0.00000001")


def national_tax(
    tax: Decimal, currency: str, country: str, day: date, original: NationalTax | None = None
) -> NationalTax | None:
    """`tax`, in `currency`, as the taxing country wants to see it; None where it needs no second
    figure, or where the rate is not known (the gate tells them apart).

    A credit note passes its invoice's figure as `original`: it keeps that rate.
    """
    wanted = national_currency(country, day, currency)
    if wanted == currency or not tax:
        return None
    if original and original.currency == wanted:
        rate, on, source = original.rate, original.date, original.source
    else:
        found = rate_at(currency, wanted, day)
        if found is None:
            return None
        rate, on, source = found
    return NationalTax(wanted, round_money(tax * rate, wanted), rate, source, on)


def rate_at(base: str, quote: str, day: date) -> tuple[Decimal, date, str] | None:
    """Units of `quote` for one `base`, its day and its source: the latest of the last seven days.

    Crossed over the euro where no source quotes the pair; None where a rate is missing.
    """
    pairs = Q(base=base, quote=quote) | Q(base="EUR", quote__in=(base, quote))
    known = FxRate.objects.filter(pairs, day__lte=day, day__gte=day - STALE_AFTER)
    return latest(known, base, quote, day)


def latest(
    known: Iterable[FxRate], base: str, quote: str, day: date
) -> tuple[Decimal, date, str] | None:
    """The same out of rates that were read already, of whatever days and pairs."""
    days: dict[tuple[date, str], dict[tuple[str, str], Decimal]] = {}
    recent = [row for row in known if day - STALE_AFTER <= row.day <= day]
    for row in sorted(recent, key=lambda row: (-row.day.toordinal(), row.source)):
        days.setdefault((row.day, row.source), {})[row.base, row.quote] = row.rate
    for (on, source), rates in days.items():
        if (rate := _crossed(rates, base, quote)) is not None:
            return rate, on, source
    return None


def _crossed(rates: dict[tuple[str, str], Decimal], base: str, quote: str) -> Decimal | None:
    """The rate out of one day's quotations; the euro is one euro."""
    if (base, quote) in rates:
        return rates[base, quote].normalize()
    euro = {**{pair[1]: rate for pair, rate in rates.items() if pair[0] == "EUR"}, "EUR": ONE}
    if base not in euro or quote not in euro:
        return None
    return (euro[quote] / euro[base]).quantize(RATE_PLACES).normalize()


# --- Entering rates ------------------------------------------------------------------------------


def add_rate(*, quote: str, day: date, rate: Decimal, by: User, base: str = "EUR", source: str):
    """Enter one published rate: units of `quote` for one `base`. Returns the `FxRate`.

    Refused: "currency", "rate", "rate_known" (a rate of that day and source stays as it is).
    """
    require(by, "invoicing.add_fxrate")
    _check_pair(base, quote)
    if rate <= 0:
        raise Refused("rate", "An exchange rate is more than zero.")
    given = {"base": base, "quote": quote, "day": day, "source": source.strip() or ECB}
    with trail("add_fx_rate", by=by):
        known = FxRate.objects.filter(**given).first()
        if known and known.rate != rate:
            raise Refused("rate_known", f"{known.source} said {known.rate.normalize():f} for that "
                          "day already; documents may show it.")  # fmt: skip
        return known or FxRate.objects.create(**given, rate=rate)


def import_ecb(lines: Iterable[str], *, by: User, since: date) -> int:
    """Read the ECB's euro reference rates (eurofxref-hist.csv: a row a day, a column a currency,
    "N/A" where there is none) from `since` on; returns how many rates are new.

    The file is refused whole ("rate_file") when it is another one, or contradicts stored rates.
    """
    require(by, "invoicing.add_fxrate")
    rates = {(row.quote, row.day): row for row in _ecb_rows(lines, since)}
    with trail("import_fx_rates", by=by):
        stored = FxRate.objects.filter(base="EUR", source=ECB, day__gte=since)
        known = {(row.quote, row.day): row.rate for row in stored}
        for key, row in rates.items():
            if known.get(key, row.rate) != row.rate:
                raise Refused("rate_file", f"{row.quote} of {row.day} differs from the rate that "
                              "is stored; nothing was read.")  # fmt: skip
        new = [row for key, row in rates.items() if key not in known]
        FxRate.objects.bulk_create(new)
    return len(new)


def _ecb_rows(lines: Iterable[str], since: date) -> Iterable[FxRate]:
    reader = csv.reader(lines)
    head = [cell.strip() for cell in next(reader, [])]
    if not head or head[0] != "Date":
        raise Refused("rate_file", "This is not the ECB's file: its first column is no Date.")
    for number, cells in enumerate(reader, start=2):
        try:
            yield from _ecb_day(head, [cell.strip() for cell in cells], since)
        except (ArithmeticError, ValueError) as error:
            raise Refused("rate_file", f"Line {number} cannot be read: {error}.") from error


def _ecb_day(head: list[str], cells: list[str], since: date) -> Iterable[FxRate]:
    day = date.fromisoformat(cells[0])
    if day < since:
        return
    for quote, cell in zip(head[1:], cells[1:], strict=False):
        if quote and cell not in ("", "N/A"):
            exponent(quote)
            yield FxRate(base="EUR", quote=quote, day=day, rate=Decimal(cell), source=ECB)


def _check_pair(base: str, quote: str) -> None:
    for code in (base, quote):
        try:
            exponent(code)
        except ValueError:
            raise Refused("currency", f"{code} is not a currency code.") from None
    if base == quote:
        raise Refused("currency", "A rate is between two currencies.")
