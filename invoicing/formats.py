"""How a document writes figures, dates and addresses: by its language and the country it serves.

Pure; rounds nothing. Which of them a page shows is decided in `page.py`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_percent

from config.core.money import format_money, format_number, quantum, whole
from invoicing.payload import Delivery, Party, iso_country

# Amounts and dates are written as where the language is at home, unless the country of the
# document has its own way of writing that language.
_HOME = {"en": "GB", "de": "DE", "fr": "FR", "it": "IT", "es": "ES", "nl": "NL", "pl": "PL",
         "ja": "JP"}  # fmt: skip
_AWAY = {("en", "US"), ("en", "CA"), ("fr", "CA"), ("es", "US")}
_MAX_UNIT_PLACES = 4


@dataclass(frozen=True)
class Format:
    """One document's way of writing: its locale (`de_DE`) and its currency (ISO 4217)."""

    locale: str
    currency: str

    @classmethod
    def of(cls, language: str, country: str, currency: str) -> "Format":
        """The format of a document in `language` for `country` (ISO 3166)."""
        home = country if (language, country) in _AWAY else _HOME[language]
        return cls(f"{language}_{home}", currency)

    def amount(self, value: Decimal) -> str:
        """Amount for a column, without the currency sign, never broken over two lines.

        ValueError where the currency does not have the amount's places.
        """
        return unbroken(format_number(whole(value, self.currency), self.locale))

    def unit_price(self, value: Decimal) -> str:
        """At least the currency's places; more (up to four) only where the price has them."""
        exact = value.normalize()
        if value % quantum(self.currency) == 0:
            return self.amount(value)
        places = min(-int(exact.as_tuple().exponent), _MAX_UNIT_PLACES)
        return unbroken(format_number(round(value, places), self.locale))

    def money(self, value: Decimal, currency: str = "") -> str:
        """Amount with its currency sign; of another currency where one is given."""
        return unbroken(format_money(value, currency or self.currency, self.locale))

    def number(self, value: Decimal) -> str:
        """A quantity or an exchange rate with the places it has."""
        return format_number(Decimal(format(value.normalize(), "f")), self.locale)

    def percent(self, rate: Decimal) -> str:
        """A fraction as percent with up to four places: 0.055 is 5,5 %."""
        return unbroken(_percent(rate, self.locale))

    def date(self, day: date) -> str:
        """The day with its month as a word."""
        return _date(day, self.locale)

    def address(self, place: Party | Delivery) -> list[str]:
        """Street, place and country as the place's own country writes an envelope."""
        country = iso_country(place.country)
        streets = [line for line in place.address if line.strip()]
        rows = _place(place, country)
        rows = [*rows, *streets] if country == "JP" else [*streets, *rows]
        return [*rows, _country_name(country, self.locale)] if country else rows


def unbroken(text: str) -> str:
    """Keep a figure on one line: spaces become no-break spaces."""
    return text.replace(" ", "\u00a0")


def _place(place: Party | Delivery, country: str) -> list[str]:
    code, city, region = place.postcode, place.city, place.region
    if country in ("US", "CA"):
        rows = [", ".join(filter(None, [city, f"{region} {code}".strip()]))]
    elif country == "GB":
        rows = [city, region, code]
    elif country == "JP":
        rows = [f"〒{code}" if code else "", f"{region}{city}"]
    else:
        rows = [f"{code} {city}".strip() + (f" ({region})" if region not in ("", city) else "")]
    return [row.strip() for row in rows if row.strip()]


@cache
def _country_name(country: str, locale: str) -> str:
    return str(Locale.parse(locale).territories.get(country, country))


@cache
def _percent(rate: Decimal, locale: str) -> str:
    standard = Locale.parse(locale).percent_formats[None].pattern
    pattern = standard.replace("#,##0", "#,##0.####")
    return format_percent(rate, format=pattern, locale=locale)


@cache
def _date(day: date, locale: str) -> str:
    return unbroken(format_date(day, "long", locale=locale))
