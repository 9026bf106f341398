"""A payload as the words and figures of its page: formatted strings for the template.

The page says what the XML says. How figures are written is in `formats.py`, words are in `texts.py`
and `labels.py`; nothing is decided about money and nothing drawn (`render.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from invoicing import texts
from invoicing.einvoice.parties import buyer_vat_id, vat_number
from invoicing.einvoice.terms import exemption_of, stated_notes
from invoicing.formats import Format, unbroken
from invoicing.payload import (
    AllowanceCharge,
    Line,
    Party,
    Payload,
    TaxRegistration,
    iso_country,
)

_SCHEMES = {"CA": "GST", "JP": "JCT"}  # what a buyer's tax id is called there; else VAT
_REDUCED_JAPAN = Decimal("0.08")
_ONE = Decimal(1)
_NO_RATE = "–"
# How the sentence about earlier documents begins, by why the document exists.
_REFERENCES = {"cancellation": "cancels", "correction": "replaces", "reversal": "takes_back"}

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class _Page:
    """What every section needs: the payload, its labels and its way of writing."""

    payload: Payload
    labels: Mapping[str, str]
    write: Format
    regime: texts.Regime

    @property
    def credit(self) -> bool:
        return self.payload.kind == "credit_note"

    @property
    def taxed(self) -> bool:
        """Whether tax is shown: a US paper without tax has no table and no tax total."""
        return self.regime != "us" or bool(self.payload.totals.tax)


def page(payload: Payload, number: str, *, draft: bool) -> dict[str, Any]:
    """Everything the template prints. `number` is shown; `draft` marks the page as not valid."""
    language, country = payload.language, payload.jurisdiction
    it = _Page(
        payload,
        texts.texts(language, country),
        Format.of(language, country, payload.currency),
        texts.regime(country),
    )
    return {
        "language": language,
        "labels": it.labels,
        "title": texts.title(payload.kind, language, country, payload.occasion),
        "number": number,
        "draft": draft,
        "issued": payload.issue_date.isoformat(),
        "seller": _seller(it),
        "buyer_label": it.labels["credit_to" if it.credit else "bill_to"],
        "buyer": _buyer(it),
        "delivery": _delivery(it),
        "facts": _facts(it, number),
        "corrects": _corrects(it),
        "amounts_in": it.labels["amounts_in"].format(currency=payload.currency),
        "taxed": it.taxed,
        "lines": [_line(line, it) for line in payload.lines],
        "allowances": [_allowance(part, it) for part in payload.allowances],
        "rates": _rates(it) if it.taxed else [],
        "totals": _totals(it),
        "grand_total": _grand_total(it),
        "settled": _settled(it),
        "national_tax": _national_tax(it),
        "notes": _notes(it),
    }


# --- Who ---------------------------------------------------------------------------------------


def _seller(it: _Page) -> dict[str, Any]:
    seller, country = it.payload.seller, it.payload.jurisdiction
    labelled = [(r, _registration(r, it)) for r in seller.registrations]
    local = [text for r, text in labelled if iso_country(r.country) == country]
    identity = [text for _, text in labelled] + _register(seller, it)
    reach = [part for part in (seller.contact, seller.phone, seller.email) if part]
    return {
        "name": seller.legal_name,
        "address": it.write.address(seller),
        "identity": identity,
        "reach": reach,
        "folio": [seller.legal_name, *local],
    }


def _registration(registration: TaxRegistration, it: _Page) -> str:
    """VAT ids as the XML writes them, whatever blanks or dots they were noted with."""
    label = texts.registration(registration.scheme, it.payload.language)
    if registration.scheme in ("VAT", "OSS"):
        return f"{label} {vat_number(registration.number, registration.country)}"
    return f"{label} {registration.number}"


def _register(party: Party, it: _Page) -> list[str]:
    """The company number (BT-30, BT-47) with the name of its register."""
    if not party.legal_id:
        return []
    return [f"{texts.register(party.legal_id_scheme, it.payload.language)} {party.legal_id}"]


def _buyer(it: _Page) -> dict[str, Any]:
    buyer = it.payload.buyer
    attention = [f"{it.labels['contact']} {buyer.contact}"] if buyer.contact else []
    scheme = _SCHEMES.get(iso_country(buyer.country), "VAT")
    number = buyer_vat_id(it.payload) or buyer.vat_id
    vat_id = f"{texts.registration(scheme, it.payload.language)} {number}"
    numbers = ([vat_id] if buyer.vat_id else []) + _register(buyer, it)
    reach = [part for part in (buyer.phone, buyer.email) if part]
    return {
        "name": buyer.legal_name + (it.labels["honorific"] if buyer.legal_name else ""),
        "rows": [*attention, *it.write.address(buyer), *numbers, *reach],
    }


def _delivery(it: _Page) -> list[str]:
    """Where the goods went, unless the buyer's address above says it.

    Amazon's reports often name the place alone: what is not known is no difference.
    """
    place, buyer = it.payload.delivery, it.payload.buyer
    if place is None:
        return []
    named = place.name and place.name != buyer.legal_name
    known = [place.address, place.postcode, place.city, place.region, place.country]
    billed = [buyer.address, buyer.postcode, buyer.city, buyer.region, buyer.country]
    differs = any(part and part != other for part, other in zip(known, billed, strict=True))
    if not (named or differs):
        return []
    return [place.name or buyer.legal_name, *map(unbroken, it.write.address(place))]


# --- What it is about --------------------------------------------------------------------------


def _facts(it: _Page, number: str) -> Pairs:
    """The reference block: label and value, empty values left out."""
    payload, write = it.payload, it.write
    earlier = "preceding" if it.credit else "preceding_document"
    values = {
        _number_label(it): number,
        "issue_date": write.date(payload.issue_date),
        _tax_point_label(it): payload.tax_point and write.date(payload.tax_point),
        "original_supply_date": (
            payload.original_supply_date and write.date(payload.original_supply_date)
        ),
        "delivery_date": _delivery_date(it),
        earlier: ", ".join(invoice.number for invoice in payload.preceding),
        "purchase_order": payload.purchase_order,
        "buyer_reference": payload.buyer_reference,
        "order_ids": ", ".join(payload.order_ids),
        "shipment_ids": ", ".join(payload.shipment_ids),
        "rma_number": payload.rma_number,
        "marketplace": payload.marketplace_name,
        "issuer_reference": payload.issuer_reference,
    }
    return [(it.labels[key], value) for key, value in values.items() if value]


def _number_label(it: _Page) -> str:
    return "credit_memo_number" if it.credit and it.regime == "us" else f"{it.payload.kind}_number"


def _tax_point_label(it: _Page) -> str:
    if it.payload.occasion == "cancellation":
        return "cancelled_on"
    if it.credit:
        return "refund_date"
    return "tax_point" if it.payload.jurisdiction == "GB" else "supply_date"


def _delivery_date(it: _Page) -> str:
    """The day of delivery where neither day above says it."""
    payload = it.payload
    day = payload.delivery and payload.delivery.day
    said = (payload.original_supply_date,) if it.credit else (payload.tax_point,)
    return it.write.date(day) if day and day not in said else ""


def _corrects(it: _Page) -> str:
    payload = it.payload
    if not payload.preceding:
        return ""
    named = "; ".join(
        it.labels["invoice_of"].format(number=invoice.number, date=it.write.date(invoice.date))
        for invoice in payload.preceding
    )
    key = _REFERENCES.get(payload.occasion, "corrects" if it.credit else "refers_to")
    return it.labels[key].format(invoices=named)


# --- Rows --------------------------------------------------------------------------------------


def _line(line: Line, it: _Page) -> dict[str, Any]:
    component = texts.component(line.component, it.payload.language)
    named = line.component == "item" and line.description
    detail = "" if named or line.description == component else line.description
    return {
        "position": str(line.position),
        "head": _marked(line.description if named else component, line.rate, it),
        "details": _details(detail, line.sku, line.asin, line.note, _category(line.category, it)),
        "quantity": it.write.number(line.quantity) + (f" {line.unit}" * (line.unit != "C62")),
        "unit_price": it.write.unit_price(line.unit_price),
        "per": _per(line, it),
        "rate": _rate(line.category, line.rate, it),
        "net": it.write.amount(line.net),
    }


def _details(text: str, sku: str, asin: str, note: str, category: str) -> list[str]:
    codes = [f"SKU {sku}" if sku else "", f"ASIN {asin}" if asin else "", category]
    return [part for part in (text, " · ".join(filter(None, codes)), note) if part]


def _category(code: str, it: _Page) -> str:
    """Said row by row only where rows differ; else the table per rate says it once."""
    mixed = it.taxed and len({row.category for row in it.payload.rates}) > 1
    return texts.category(code, it.payload.language) if mixed else ""


def _per(line: Line, it: _Page) -> str:
    """The price is that of several pieces where no price of one says the line exactly."""
    if line.price_quantity == _ONE:
        return ""
    return it.labels["per_quantity"].format(quantity=it.write.number(line.price_quantity))


def _rate(category: str, rate: Decimal, it: _Page) -> str:
    """What is outside the scope of VAT has no rate at all (BR-O-05)."""
    if not it.taxed:
        return ""
    return _NO_RATE if category == "O" else it.write.percent(rate)


def _marked(text: str, rate: Decimal, it: _Page) -> str:
    return text + ("\u00a0※" if _is_reduced(rate, it) else "")


def _is_reduced(rate: Decimal, it: _Page) -> bool:
    """Japan wants goods at the reduced rate marked line by line."""
    return it.regime == "jp" and rate == _REDUCED_JAPAN


def _allowance(part: AllowanceCharge, it: _Page) -> dict[str, Any]:
    """A deduction is printed negative, as it works on the total."""
    name = texts.component(part.component, it.payload.language)
    detail = "" if part.reason in ("", name) else name
    return {
        "head": _marked(part.reason or name, part.rate, it),
        "details": _details(detail, part.sku, "", part.note, _category(part.category, it)),
        "rate": _rate(part.category, part.rate, it),
        "net": it.write.amount(part.net if part.charge else -part.net),
    }


# --- Sums --------------------------------------------------------------------------------------


def _rates(it: _Page) -> list[dict[str, str]]:
    return [
        {
            "rate": _rate(row.category, row.rate, it),
            "category": texts.category(row.category, it.payload.language),
            "base": it.write.amount(row.base),
            "tax": it.write.amount(row.tax),
        }
        for row in it.payload.rates
    ]


def _totals(it: _Page) -> Pairs:
    """From the sum of lines to the tax; what is zero or says nothing new is left out."""
    totals = it.payload.totals
    rows: list[tuple[str, Decimal]] = []
    if totals.allowances or totals.charges:
        rows.append(("total_lines", totals.lines))
    if totals.allowances:
        rows.append(("total_allowances", -totals.allowances))
    if totals.charges:
        rows.append(("total_charges", totals.charges))
    if it.taxed:
        rows += [("total_net", totals.net), ("total_tax", totals.tax)]
    return [(it.labels[key], it.write.money(value)) for key, value in rows]


def _grand_total(it: _Page) -> tuple[str, str]:
    return it.labels[f"{it.payload.kind}_total"], it.write.money(it.payload.totals.gross)


def _settled(it: _Page) -> Pairs:
    """What was paid, the cents between that and the total, and what is still open (BT-115)."""
    totals = it.payload.totals
    kind = "cancellation" if it.payload.occasion == "cancellation" else it.payload.kind
    if not (totals.paid or totals.rounding or totals.due):
        return []
    rows = [(f"{kind}_paid", -totals.paid), (f"{kind}_due", totals.due)]
    if totals.rounding:
        rows.insert(0, ("rounding", totals.rounding))
    return [(it.labels[key], it.write.money(value)) for key, value in rows]


def _national_tax(it: _Page) -> str:
    national = it.payload.national_tax
    if national is None:
        return ""
    return it.labels["national_tax"].format(
        currency=national.currency,
        amount=it.write.money(national.tax, national.currency),
        rate=it.write.number(national.rate),
        source=national.source,
        date=it.write.date(national.date),
    )


def _notes(it: _Page) -> list[str]:
    """Closing sentences: legal wordings first, then the notes, then how the money moves."""
    payload = it.payload
    keys = dict.fromkeys(filter(None, map(exemption_of, payload.rates)))
    notes = [texts.exemption(key, payload.language, payload.own_words) for key in keys]
    marked = [line.rate for line in payload.lines] + [part.rate for part in payload.allowances]
    if any(_is_reduced(rate, it) for rate in marked):
        notes.append(it.labels["reduced_rate"])
    notes += [note.text for note in stated_notes(payload)]
    if payload.payment_note:
        notes.append(texts.payment_note(payload.payment_note, payload.language, payload.own_words))
    return notes
