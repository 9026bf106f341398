"""What the law of a country wants on a document, checked before a number is spent.

Pure rules over a `Payload`: `check_particulars` lists what is missing or does not add up (any
finding stops the issue), `check_deadlines` what is late (late papers are issued all the same).
Sources: Directive 2006/112/EC art. 219–230, VAT Notice 700 §18.2.3 and 700/21, § 14 UStG, Japan's
qualified invoice system (NTA), Canada's input tax credit regulations since 2021-04-20.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from config.core.money import quantum, round_money
from invoicing.cents import check_cents
from invoicing.finding import Finding, finding
from invoicing.payload import EU, Party, Payload, TaxRegistration, iso_country
from invoicing.tax_ids import country_of, has_form, has_vat_form
from invoicing.texts import EXEMPTIONS, LANGUAGES, PAYMENT_NOTES, regime

# What a category that is not simply taxed must say; these have exactly one wording.
WORDING = {"AE": "reverse_charge", "K": "intra_community", "G": "export", "O": "outside_scope"}
# National currencies of the EU states without the euro, and of the United Kingdom.
NATIONAL = {"CZ": "CZK", "DK": "DKK", "GB": "GBP", "HU": "HUF", "PL": "PLN", "RO": "RON",
            "SE": "SEK"}  # fmt: skip
EURO_SINCE = {"BG": ("BGN", date(2026, 1, 1)), "HR": ("HRK", date(2023, 1, 1))}
CANADA_NUMBER_FROM = Decimal(100)  # CAD: from here the GST/HST number must be shown
CANADA_BUYER_FROM = Decimal(500)  # CAD: from here the buyer's name too


def check_particulars(payload: Payload) -> list[Finding]:
    """Return everything that is missing or wrong; empty means the document may take a number."""
    checks = (
        _parties,
        _identity,
        _substance,
        _preceding,
        _categories,
        _buyer_vat_id,
        _supply,
        _jurisdiction,
        _currency_of_tax,
    )
    findings = [finding for check in checks for finding in check(payload)]
    try:
        quantum(payload.currency)
    except ValueError:
        bad = finding("currency", "The currency %(currency)s is not a known code.",
                       currency=payload.currency)  # fmt: skip
        return [*findings, bad]
    return [*findings, *check_cents(payload)]


def check_deadlines(payload: Payload) -> list[Finding]:
    """Return what is issued too late by the country's law; a note to the clerk, never a gate."""
    if payload.tax_point is None:
        return []
    limit = _time_limit(payload, payload.tax_point)
    if limit is None or payload.issue_date <= limit:
        return []
    return [
        finding(
            "late",
            "This document had to be issued by %(limit)s; it is issued on %(issued)s.",
            limit=limit.isoformat(),
            issued=payload.issue_date.isoformat(),
        )
    ]


def _time_limit(payload: Payload, tax_point: date) -> date | None:
    """UK: credit note 14 days, invoice 30 days. EU: cross-border by the 15th of the next month."""
    if payload.jurisdiction == "GB":
        return tax_point + timedelta(days=14 if payload.kind == "credit_note" else 30)
    cross_border = any(row.category in ("K", "AE") for row in payload.rates)
    if cross_border and payload.kind == "invoice":
        return (tax_point.replace(day=1) + timedelta(days=32)).replace(day=15)
    return None


# --- Who, what, when ---------------------------------------------------------------------------


def _parties(payload: Payload) -> Iterator[Finding]:
    seller, buyer = payload.seller, payload.buyer
    if not seller.legal_name.strip():
        yield finding("seller_name", "The seller's legal name is missing: add it to the seller.")
    if not _has_address(seller):
        yield finding("seller_address", "The seller's address is missing: add it to the seller.")
    if _buyer_optional(payload):
        return
    if not buyer.legal_name.strip():
        yield finding("buyer_name", "The buyer's legal name is missing: add it to the buyer.")
    if regime(payload.jurisdiction) == "vat" and not _has_address(buyer):
        yield finding("buyer_address", "The buyer's address is missing: add it to the buyer.")


def _identity(payload: Payload) -> Iterator[Finding]:
    """BR-CO-26: a register number (BT-30) or a VAT id (BT-31) says who the seller is."""
    seller = payload.seller
    named = any(row.scheme in ("VAT", "OSS") for row in seller.registrations)
    if not named and not seller.legal_id and seller.registrations:
        yield finding("seller_identity", "The seller has neither VAT id nor register number: "
                      "add one to the seller.")  # fmt: skip


def _has_address(party: Party) -> bool:
    return bool(party.country) and any(line.strip() for line in (*party.address, party.city))


def _buyer_optional(payload: Payload) -> bool:
    small = abs(payload.totals.gross) < CANADA_BUYER_FROM and payload.currency == "CAD"
    return small and payload.jurisdiction == "CA"


def _substance(payload: Payload) -> Iterator[Finding]:
    if payload.language not in LANGUAGES:
        yield finding("language", "There are no document texts in the language %(language)s.",
                       language=payload.language)  # fmt: skip
    if payload.tax_point is None:
        yield _missing_date(payload)
    if payload.payment_note and payload.payment_note not in PAYMENT_NOTES:
        yield finding("payment_note", "The payment note %(key)s is unknown.",
                       key=payload.payment_note)  # fmt: skip
    if not payload.lines:
        yield finding("lines", "The document has no line.")
    for line in payload.lines:
        if line.component == "item" and not line.description.strip():
            yield finding("description", "Line %(position)s does not say what was sold.",
                           position=line.position)  # fmt: skip
        if line.quantity <= 0:
            yield finding("quantity", "Line %(position)s has no quantity.", position=line.position)


def _missing_date(payload: Payload) -> Finding:
    if payload.kind == "credit_note":
        return finding("refund_date", "The date of the refund is missing.")
    return finding("supply_date", "The date of supply is missing: the order has no shipment yet.")


def _preceding(payload: Payload) -> Iterator[Finding]:
    if payload.kind != "credit_note":
        return
    named = [invoice for invoice in payload.preceding if invoice.number.strip()]
    if not named and not (payload.jurisdiction == "US" and payload.order_ids):
        yield finding(
            "preceding_invoice",
            "The invoice this credit note corrects is not known: record its number and date.",
        )
    if payload.jurisdiction == "JP" and payload.original_supply_date is None:
        yield finding(
            "original_supply_date",
            "A Japanese return invoice must name the date of the original supply: "
            "the order has no shipment date.",
        )


# --- Tax ---------------------------------------------------------------------------------------


def _categories(payload: Payload) -> Iterator[Finding]:
    for row in payload.rates:
        wanted = WORDING.get(row.category)
        if row.exemption and row.exemption not in EXEMPTIONS:
            yield finding("exemption", "The exemption %(key)s is unknown.", key=row.exemption)
        elif wanted and row.exemption != wanted:
            yield finding("exemption", "Category %(category)s must state its legal reason "
                           "(%(wanted)s).", category=row.category, wanted=wanted)  # fmt: skip
        elif row.category == "E" and not row.exemption:
            yield finding("exemption", "Exempt lines must state why they are exempt.")
        elif row.category in ("S", "Z") and row.exemption:
            yield finding("exemption", "Taxed and zero-rated lines give no exemption reason.")
        if row.category != "S" and (row.rate or row.tax):
            yield finding("untaxed", "Category %(category)s cannot carry tax.",
                           category=row.category)  # fmt: skip


def _buyer_vat_id(payload: Payload) -> Iterator[Finding]:
    """Art. 226 (4): reverse charge and intra-Community supply need the customer's VAT id."""
    free = {row.category for row in payload.rates} & {"AE", "K"}
    vat_id = payload.buyer.vat_id
    if not free:
        return
    if not vat_id.strip():
        yield finding("buyer_vat_id", "Without the buyer's VAT id this sale cannot be tax free: "
                      "ask the buyer for it, or charge tax.")  # fmt: skip
    elif "K" in free and country_of(vat_id) == payload.jurisdiction:
        yield finding("buyer_vat_id", "An intra-Community supply needs a VAT id of another "
                      "country than %(country)s.", country=payload.jurisdiction)  # fmt: skip
    elif not has_vat_form(vat_id):
        yield finding("buyer_vat_form", "%(number)s cannot be a VAT id of the EU: ask the buyer "
                      "for the right one, or charge tax.", number=vat_id)  # fmt: skip


def _supply(payload: Payload) -> Iterator[Finding]:
    """Intra-Community supply says when and where to (BR-IC-11, BR-IC-12), export out of where."""
    if not {row.category for row in payload.rates} & {"K", "G"}:
        return
    to = payload.delivery
    if to is None or not to.country or to.day is None:
        yield finding("delivery", "A supply to another country must say where the goods went "
                      "and when: the order has no dispatch or no delivery address.")  # fmt: skip
    elif iso_country(to.country) == payload.jurisdiction:
        yield finding("delivery", "The goods stayed in %(country)s: this is no supply to another "
                      "country.", country=payload.jurisdiction)  # fmt: skip


def _jurisdiction(payload: Payload) -> Iterator[Finding]:
    country = payload.jurisdiction
    if country in EU:
        yield from _registered_in_eu(payload, country)
    elif country == "GB":
        yield from _registered(payload, "GB", "VAT", "UK VAT number")
    elif country == "JP":
        yield from _registered(
            payload, country, "JCT", "Japanese registration number (T and 13 digits)"
        )
    elif country == "CA" and payload.totals.gross >= CANADA_NUMBER_FROM:
        yield from _registered(payload, country, "GST", "GST/HST number (needed from 100 CAD)")
    elif country == "US" and any(row.category != "O" for row in payload.rates):
        yield finding("us_vat", "A US document knows sales tax only, no VAT category.")


def _registrations(payload: Payload, country: str, scheme: str) -> list[TaxRegistration]:
    return [
        row
        for row in payload.seller.registrations
        if iso_country(row.country) == country and row.scheme == scheme and row.number.strip()
    ]


def _registered(payload: Payload, country: str, scheme: str, what: str) -> Iterator[Finding]:
    known = _registrations(payload, country, scheme)
    if not known:
        yield finding("seller_registration", "The seller has no %(what)s: add it to the seller's "
                      "tax registrations.", what=what)  # fmt: skip
    elif all(has_form(row) is False for row in known):
        yield finding("seller_registration", "%(number)s cannot be a %(what)s: correct it in the "
                      "seller's tax registrations.", number=known[0].number, what=what)  # fmt: skip


def _registered_in_eu(payload: Payload, country: str) -> Iterator[Finding]:
    """A VAT id of the taxing state, or the One Stop Shop registration of any state."""
    if not any(has_form(row) for state in EU for row in _registrations(payload, state, "OSS")):
        yield from _registered(payload, country, "VAT", f"VAT id of {country}")


def national_currency(country: str, day: date, otherwise: str) -> str:
    """The currency in which the country wants its VAT total; `otherwise` where it asks none."""
    country = iso_country(country)
    before, since = EURO_SINCE.get(country, ("", date.min))
    if day < since:
        return before
    return NATIONAL.get(country, "EUR" if country in EU else otherwise)


def _currency_of_tax(payload: Payload) -> Iterator[Finding]:
    """Art. 230 and UK rules: the VAT total also in the currency of the country that gets it."""
    day = payload.tax_point or payload.issue_date
    wanted = national_currency(payload.jurisdiction, day, payload.currency)
    national = payload.national_tax
    if wanted == payload.currency or not payload.totals.tax:
        return
    if national is None:
        yield finding(
            "national_tax",
            "The VAT total must also be shown in %(currency)s, and no exchange rate from %(base)s "
            "of the week up to %(day)s is known: an administrator enters it or reads the ECB's "
            "file.",
            currency=wanted,
            base=payload.currency,
            day=day.isoformat(),
        )
    elif national.currency != wanted:
        yield finding("national_tax", "The VAT total must be shown in %(wanted)s, not in "
                      "%(given)s.", wanted=wanted, given=national.currency)  # fmt: skip
    elif national.tax != round_money(payload.totals.tax * national.rate, wanted):
        yield finding("national_tax", "%(tax)s %(currency)s is not the VAT total at the rate "
                      "%(rate)s.", tax=national.tax, currency=wanted,
                      rate=national.rate)  # fmt: skip
