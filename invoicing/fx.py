"""The VAT total in the currency of the taxing country: stored rates, latest at the tax point.

Art. 230 and 91 of Directive 2006/112/EC: the tax in national currency, at the rate of the European
Central Bank or a customs rate. Rates are facts with a day and a source; nothing is fetched here.
"""

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q

from config.core.money import ONE, round_money
from invoicing.models import FxRate
from invoicing.particulars import national_currency
from invoicing.payload import NationalTax

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
    days: dict[tuple[date, str], dict[tuple[str, str], Decimal]] = {}
    for row in known.order_by("-day", "source"):
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
