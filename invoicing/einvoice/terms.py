"""The business terms of EN 16931 (BT-n, BG-n) that a payload says in a profile.

Pure. Every choice of what is written, where and with which code is made here, once for both
syntaxes; `writing.py` only makes bytes of it. Keys and nesting are those of the factur-x package.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from config.core.money import round_money
from invoicing import texts
from invoicing.einvoice.parties import buyer_terms, delivery_terms, seller_terms, to_france
from invoicing.einvoice.profiles import Profile
from invoicing.mentions import mentions
from invoicing.payload import AllowanceCharge, Line, Note, Payload, RateRow

TYPE_CODES = {"invoice": "380", "credit_note": "381"}  # UNTDID 1001
ONLINE_PAYMENT = "68"  # UNTDID 4461: never a bank account, the money moves through Amazon
NO_ONLINE_PAYMENT = {("NL", "NL"), ("DK", "DK")}
NO_ORDER = "NA"  # UBL cannot name the sales order (BT-14) without a purchase order (BT-13)

# Why a rate is zero, where the payload does not say it: the category leaves no choice.
EXEMPTION_OF = {"AE": "reverse_charge", "K": "intra_community", "G": "export", "O": "outside_scope"}

# What XML 1.0 cannot carry; Amazon's titles hold such characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def terms(payload: Payload, profile: Profile) -> dict[str, Any]:
    """The document as BT-n and BG-n: text, dates, and amounts as decimal strings with a point.

    BT-24 is the standard's own; `writing.py` puts the profile's in its place.
    """
    ubl_order = NO_ORDER if profile.syntax == "ubl" and payload.order_ids else ""
    said: dict[str, Any] = {
        "BT-1": payload.number,
        "BT-2": payload.issue_date,
        "BT-3": TYPE_CODES[payload.kind],
        "BT-5": payload.currency,
        "BT-7": _tax_point(payload),
        "BT-10": payload.buyer_reference or _order(payload, profile),
        "BT-13": payload.purchase_order or ubl_order,
        "BT-14": ", ".join(payload.order_ids),
        "BT-16": ", ".join(payload.shipment_ids),
        "BT-72": supply_day(payload),
        "BG-1": _notes(payload, profile),
        "BG-3": _preceding(payload, profile),
        "BG-4": seller_terms(payload, profile),
        "BG-7": buyer_terms(payload, profile),
        "BG-13": delivery_terms(payload),
        "BG-25": [_line(line, payload) for line in payload.lines],
    }
    said |= _payment(payload, profile) | _process(payload, profile) | _money(payload)
    return _cleaned(said)


def notes(payload: Payload) -> tuple[Note, ...]:
    """The notes of the document (BG-1): those it states, the return it belongs to, and the exchange
    rate of the national tax. The printed page says the same.
    """
    return (*stated_notes(payload), *_references(payload))


def stated_notes(payload: Payload) -> tuple[Note, ...]:
    """The document's own notes and what the law of the buyer's country adds to them."""
    own = payload.notes
    subjects = {note.subject for note in own}
    law = mentions(payload.buyer.country)
    return (*own, *(note for note in law if note.subject not in subjects))


def supply_day(payload: Payload) -> date | None:
    """The day of supply (BT-72); on a credit note that of the goods taken back or made cheaper."""
    known = payload.delivery and payload.delivery.day
    if payload.kind == "credit_note":
        return known or payload.original_supply_date or payload.tax_point
    return known or payload.tax_point


def exemption_of(row: RateRow) -> str:
    """The key of `texts.EXEMPTIONS` for a row of the breakdown, empty for S and Z (BR-Z-10)."""
    return row.exemption or EXEMPTION_OF.get(row.category, "")


def _notes(payload: Payload, profile: Profile) -> list[dict[str, str]]:
    """BG-1; Peppol knows one note without a subject (PEPPOL-EN16931-R002)."""
    said = (*notes(payload), *_further_preceding(payload, profile))
    if profile.routed:
        return [{"BT-22": "\n".join(note.text for note in said)}]
    return [{"BT-21": note.subject, "BT-22": note.text} for note in said]


def _preceding(payload: Payload, profile: Profile) -> list[dict[str, Any]]:
    shown = payload.preceding[:1] if profile.single_preceding else payload.preceding
    return [{"BT-25": was.number, "BT-26": was.date} for was in shown]


def _further_preceding(payload: Payload, profile: Profile) -> Iterator[Note]:
    """The corrected invoices that BG-3 has no room for: named all the same (art. 219)."""
    further = payload.preceding[1:] if profile.single_preceding else ()
    if further:
        label = texts.texts(payload.language, payload.jurisdiction)["preceding"]
        named = ", ".join(f"{was.number} ({was.date.isoformat()})" for was in further)
        yield Note(f"{label}: {named}")


def _references(payload: Payload) -> Iterator[Note]:
    words = texts.texts(payload.language, payload.jurisdiction)
    if payload.rma_number:
        yield Note(f"{words['rma_number']}: {payload.rma_number}")
    if national := payload.national_tax:
        amount = format(round_money(national.tax, national.currency), "f")
        yield Note(
            words["national_tax"].format(
                currency=national.currency,
                amount=amount,
                rate=format(national.rate.normalize(), "f"),
                source=national.source,
                date=national.date.isoformat(),
            )
        )


def _tax_point(payload: Payload) -> date | None:
    """BT-7 only where it says more than the dates of issue and supply do; France knows none."""
    known = (payload.issue_date, supply_day(payload))
    outside = any(row.category == "O" for row in payload.rates)
    if outside or payload.jurisdiction == "FR" or payload.tax_point in known:
        return None
    return payload.tax_point


def _order(payload: Payload, profile: Profile) -> str:
    """XRechnung and Peppol want a reference of the buyer: the order it placed with Amazon."""
    return (*payload.order_ids, payload.purchase_order, "")[0] if profile.addressed else ""


def _payment(payload: Payload, profile: Profile) -> dict[str, Any]:
    """BG-16 and BT-20. Between two Dutch or two Danish parties Peppol knows no online payment
    (NL-R-008, DK-R-005); the terms say the same.
    """
    key = payload.payment_note
    said = {"BT-20": texts.payment_note(key, payload.language, payload.own_words) if key else ""}
    countries = (payload.seller.country, payload.buyer.country)
    if profile.routed and countries in NO_ONLINE_PAYMENT:
        return said
    return said | {"BT-81": payload.payment_means or ONLINE_PAYMENT, "BT-82": said["BT-20"]}


def _process(payload: Payload, profile: Profile) -> dict[str, Any]:
    """BT-23: the profile's, or for a French buyer B2 (goods, paid, with the day: BT-9) or B1."""
    if profile.bt23:
        return {"BT-23": profile.bt23}
    if not to_france(payload):
        return {}
    totals = payload.totals
    paid = payload.tax_point if totals.paid == totals.gross and not totals.due else None
    return {"BT-23": "B2", "BT-9": paid} if paid else {"BT-23": "B1"}


def _money(payload: Payload) -> dict[str, Any]:
    """BG-20 to BG-23 and BT-106 to BT-115. Optional totals only where they are not zero."""
    totals, currency = payload.totals, payload.currency
    said: dict[str, Any] = {
        "BT-106": _amount(totals.lines, currency),
        "BT-109": _amount(totals.net, currency),
        "BT-110": _amount(totals.tax, currency),
        "BT-112": _amount(totals.gross, currency),
        "BT-115": _amount(totals.due, currency),
        "BG-20": [_allowance(part, currency) for part in payload.allowances if not part.charge],
        "BG-21": [_allowance(part, currency) for part in payload.allowances if part.charge],
        "BG-23": [_rate(row, payload, n) for n, row in enumerate(payload.rates)],
    }
    optional = {"BT-107": totals.allowances, "BT-108": totals.charges, "BT-113": totals.paid,
                "BT-114": totals.rounding}  # fmt: skip
    said |= {term: _amount(value, currency) for term, value in optional.items() if value}
    if national := payload.national_tax:
        said["BT-6"] = national.currency
        said["BT-111"] = _amount(national.tax, national.currency)
    return said


def _rate(row: RateRow, payload: Payload, n: int) -> dict[str, Any]:
    """A row of BG-23. CII keeps BT-7 in the first row (CII-SR-461); XRechnung wants BT-119 always
    (BR-DE-14), and outside the scope of VAT it is zero.
    """
    said = {
        "BT-116": _amount(row.base, payload.currency),
        "BT-117": _amount(row.tax, payload.currency),
        "BT-118": row.category,
        "BT-119": _percent(row.category, row.rate) or "0",
        "BT-7": None if n else _tax_point(payload),
    }
    if key := exemption_of(row):
        said["BT-121"] = texts.EXEMPTIONS[key][0]
        said["BT-120"] = texts.exemption(key, payload.language, payload.own_words)
    return said


def _allowance(part: AllowanceCharge, currency: str) -> dict[str, Any]:
    return {
        "amount": _amount(part.net, currency),
        "reason": part.reason,
        "reason_code": part.reason_code,
        "vat_category_code": part.category,
        "vat_rate": _percent(part.category, part.rate),
    }


def _line(line: Line, payload: Payload) -> dict[str, Any]:
    said = {
        "BT-126": str(line.position),
        "BT-127-00": [{"BT-127": line.note}] if line.note else [],
        "BT-129": _plain(line.quantity),
        "BT-130": line.unit,
        "BT-131": _amount(line.net, payload.currency),
        "BT-146": _plain(line.unit_price),
        "BT-151": line.category,
        "BT-152": _percent(line.category, line.rate),
        "BT-153": line.description or texts.component(line.component, payload.language),
        "BT-155": line.sku,
    }
    if line.price_quantity != 1:
        said["BT-149"] = _plain(line.price_quantity)
    if line.asin:
        # ASIN has no scheme in ISO 6523, so it cannot be the item's standard identifier (BT-157).
        said["BG-32"] = [{"BT-160": "ASIN", "BT-161": line.asin}]
    return said


def _amount(amount: Decimal, currency: str) -> str:
    """Money with the currency's places: 12.50, and 1250 in yen."""
    return format(round_money(amount, currency), "f")


def _plain(number: Decimal) -> str:
    """Quantities and prices without trailing zeros or exponent."""
    return format(number.normalize() + 0, "f")


def _percent(category: str, rate: Decimal) -> str:
    """A fraction as percent; what is outside the scope of VAT has no rate at all (BR-O-05)."""
    return "" if category == "O" else _plain(rate * 100)


def _cleaned(said: dict[str, Any]) -> dict[str, Any]:
    """Without empty terms and without characters that XML does not know."""
    cleaned = {term: _clean(value) for term, value in said.items()}
    return {term: value for term, value in cleaned.items() if value not in ("", None, [], {})}


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return _cleaned(value)
    if isinstance(value, list):
        return [item for item in map(_clean, value) if item]
    return _UNWRITABLE.sub(" ", value).strip() if isinstance(value, str) else value
