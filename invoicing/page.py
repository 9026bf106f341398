"""A payload as the words and figures of its page: formatted strings for the template.

Knows locales, addresses and labels; decides nothing about money and draws nothing (`render.py`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_percent

from config.core.money import format_money, format_number, quantum, whole
from invoicing import texts
from invoicing.payload import Line, Party, Payload, TaxRegistration, iso_country

# Amounts and dates are written as where the language is at home, unless the country of the
# document has its own way of writing that language.
_HOME = {"en": "GB", "de": "DE", "fr": "FR", "it": "IT", "es": "ES", "ja": "JP"}
_AWAY = {("en", "US"), ("en", "CA"), ("fr", "CA"), ("es", "US")}
_SCHEMES = {"CA": "GST", "JP": "JCT"}  # what a buyer's tax id is called there; else VAT
_MAX_UNIT_PLACES = 4
_REDUCED_JAPAN = Decimal("0.08")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class _Style:
    """How one document writes: its language, where it is taxed, its currency, its labels."""

    language: str
    country: str
    currency: str
    locale: str
    labels: dict[str, str]

    def amount(self, value: Decimal) -> str:
        """Amount for a column, without the currency sign, never broken over two lines."""
        return _unbroken(format_number(whole(value, self.currency), self.locale))

    def unit_price(self, value: Decimal) -> str:
        """At least the currency's places; more (up to four) only where the price has them."""
        step = quantum(self.currency)
        exact = value.normalize()
        if value % step == 0:
            return self.amount(value)
        places = min(-int(exact.as_tuple().exponent), _MAX_UNIT_PLACES)
        return _unbroken(format_number(round(value, places), self.locale))

    def money(self, value: Decimal) -> str:
        return _unbroken(format_money(value, self.currency, self.locale))

    def quantity(self, value: Decimal) -> str:
        return format_number(Decimal(format(value.normalize(), "f")), self.locale)

    def percent(self, rate: Decimal) -> str:
        return _unbroken(_format_percent(rate, self.locale))

    def date(self, day: date) -> str:
        return _unbroken(format_date(day, "long", locale=self.locale))


def page(payload: Payload, number: str, *, draft: bool) -> dict[str, Any]:
    """Everything the template prints. `number` is shown; `draft` marks the page as not valid."""
    style = _style(payload)
    kind = "invoice" if payload.kind == "invoice" else "credit_note"
    return {
        "language": payload.language,
        "labels": style.labels,
        "title": texts.title(kind, payload.language, payload.jurisdiction),
        "number": number,
        "draft": draft,
        "issued": payload.issue_date.isoformat(),
        "seller": _seller(payload, style),
        "buyer_label": style.labels["bill_to" if kind == "invoice" else "credit_to"],
        "buyer": _buyer(payload, style),
        "facts": _facts(payload, number, style),
        "corrects": _corrects(payload, style),
        "amounts_in": style.labels["amounts_in"].format(currency=payload.currency),
        "lines": [_line(line, payload, style) for line in payload.lines],
        "rates": _rates(payload, style),
        "totals": _totals(payload, style),
        "grand_total": (style.labels[f"{kind}_total"], style.money(payload.totals.gross)),
        "national_tax": _national_tax(payload, style),
        "notes": _notes(payload, style),
    }


def _style(payload: Payload) -> _Style:
    language, country = payload.language, payload.jurisdiction
    home = country if (language, country) in _AWAY else _HOME[language]
    return _Style(
        language, country, payload.currency, f"{language}_{home}", texts.texts(language, country)
    )


def _seller(payload: Payload, style: _Style) -> dict[str, Any]:
    seller = payload.seller
    labelled = [(r, _registration(r, payload)) for r in seller.registrations]
    local = [text for r, text in labelled if iso_country(r.country) == payload.jurisdiction]
    identity = [text for _, text in labelled] + ([seller.email] if seller.email else [])
    return {
        "name": seller.legal_name,
        "address": _address(seller, style),
        "identity": identity,
        "folio": [seller.legal_name, *local],
    }


def _registration(registration: TaxRegistration, payload: Payload) -> str:
    return f"{texts.registration(registration.scheme, payload.language)} {registration.number}"


def _buyer(payload: Payload, style: _Style) -> dict[str, Any]:
    buyer = payload.buyer
    attention = f"{style.labels['contact']} {buyer.contact}" if buyer.contact else ""
    scheme = _SCHEMES.get(iso_country(buyer.country), "VAT")
    vat_id = f"{texts.registration(scheme, payload.language)} {buyer.vat_id}"
    return {
        "name": buyer.legal_name + (style.labels["honorific"] if buyer.legal_name else ""),
        "address": [attention, *_address(buyer, style)] if attention else _address(buyer, style),
        "vat_id": vat_id if buyer.vat_id else "",
    }


def _address(party: Party, style: _Style) -> list[str]:
    """Street, place and country as the party's own country writes an envelope."""
    country = iso_country(party.country)
    streets = [line for line in party.address if line.strip()]
    places = _place(party, country)
    rows = [*places, *streets] if country == "JP" else [*streets, *places]
    return [*rows, _country_name(country, style.locale)] if country else rows


def _place(party: Party, country: str) -> list[str]:
    code, city, region = party.postcode, party.city, party.region
    if country in ("US", "CA"):
        place = ", ".join(filter(None, [city, f"{region} {code}".strip()]))
    elif country == "GB":
        return [part for part in (city, code) if part]
    elif country == "JP":
        return [part for part in (f"〒{code}" if code else "", f"{region}{city}") if part]
    else:
        place = f"{code} {city}" + (f" ({region})" if region and country == "IT" else "")
    return [place.strip()] if place.strip() else []


@cache
def _country_name(country: str, locale: str) -> str:
    return str(Locale.parse(locale).territories.get(country, country))


def _facts(payload: Payload, number: str, style: _Style) -> Pairs:
    """The reference block: label and value, empty values left out."""
    values = {
        _number_label(payload): number,
        "issue_date": style.date(payload.issue_date),
        _tax_point_label(payload): payload.tax_point and style.date(payload.tax_point),
        "original_supply_date": (
            payload.original_supply_date and style.date(payload.original_supply_date)
        ),
        "preceding": ", ".join(invoice.number for invoice in payload.preceding),
        "purchase_order": payload.purchase_order,
        "order_ids": ", ".join(payload.order_ids),
        "rma_number": payload.rma_number,
        "marketplace": payload.marketplace_name,
        "issuer_reference": payload.issuer_reference,
    }
    return [(style.labels[key], value) for key, value in values.items() if value]


def _number_label(payload: Payload) -> str:
    if payload.kind == "credit_note" and texts.regime(payload.jurisdiction) == "us":
        return "credit_memo_number"
    return f"{payload.kind}_number"


def _tax_point_label(payload: Payload) -> str:
    if payload.kind == "credit_note":
        return "refund_date"
    return "tax_point" if payload.jurisdiction == "GB" else "supply_date"


def _corrects(payload: Payload, style: _Style) -> str:
    if not payload.preceding:
        return ""
    named = [
        style.labels["invoice_of"].format(number=invoice.number, date=style.date(invoice.date))
        for invoice in payload.preceding
    ]
    return style.labels["corrects"].format(invoices="; ".join(named))


def _line(line: Line, payload: Payload, style: _Style) -> dict[str, Any]:
    component = texts.component(line.component, payload.language)
    is_item = line.component == "item"
    codes = [f"SKU {line.sku}" if line.sku else "", f"ASIN {line.asin}" if line.asin else ""]
    head = line.description if is_item else component
    detail = "" if is_item or line.description == component else line.description
    return {
        "position": str(line.position),
        "head": head + ("\u00a0※" if _is_reduced(line.rate, style) else ""),
        "details": [part for part in (detail, " · ".join(filter(None, codes)), line.note) if part],
        "quantity": style.quantity(line.quantity),
        "unit_price": style.unit_price(line.unit_price),
        "net": style.amount(line.net),
        "rate": style.percent(line.rate),
        "tax": style.amount(line.tax),
        "gross": style.amount(line.gross),
    }


def _is_reduced(rate: Decimal, style: _Style) -> bool:
    """Japan wants goods at the reduced rate marked line by line."""
    return style.country == "JP" and rate == _REDUCED_JAPAN


def _rates(payload: Payload, style: _Style) -> list[dict[str, str]]:
    return [
        {
            "rate": style.percent(row.rate),
            "base": style.amount(row.base),
            "tax": style.amount(row.tax),
            "exemption": row.exemption and texts.exemption(row.exemption, payload.language),
        }
        for row in payload.rates
    ]


def _totals(payload: Payload, style: _Style) -> Pairs:
    return [
        (style.labels["total_net"], style.money(payload.totals.net)),
        (style.labels["total_tax"], style.money(payload.totals.tax)),
    ]


def _national_tax(payload: Payload, style: _Style) -> str:
    national = payload.national_tax
    if national is None:
        return ""
    return style.labels["national_tax"].format(
        currency=national.currency,
        amount=_unbroken(format_money(national.tax, national.currency, style.locale)),
        rate=format_number(national.rate, style.locale),
        source=national.source,
        date=style.date(national.date),
    )


def _notes(payload: Payload, style: _Style) -> list[str]:
    """Closing sentences: legal wordings first, then how the money moves."""
    keys = dict.fromkeys(row.exemption for row in payload.rates if row.exemption)
    notes = [texts.exemption(key, payload.language) for key in keys]
    if any(_is_reduced(line.rate, style) for line in payload.lines):
        notes.append(style.labels["reduced_rate"])
    if payload.payment_note:
        notes.append(texts.payment_note(payload.payment_note, payload.language))
    return notes


@cache
def _format_percent(rate: Decimal, locale: str) -> str:
    standard = Locale.parse(locale).percent_formats[None].pattern
    pattern = standard.replace("#,##0", "#,##0.####")
    return format_percent(rate, format=pattern, locale=locale)


def _unbroken(text: str) -> str:
    """Keep a figure on one line: spaces become no-break spaces."""
    return text.replace(" ", "\u00a0")
