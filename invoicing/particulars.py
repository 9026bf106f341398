"""What the law of a country wants on a document, checked before a number is spent.

Pure rules over a `Payload`: `check_particulars` lists what is missing or does not add up (any
finding stops the issue), `check_deadlines` what is late (late papers are issued all the same).
Sources: Directive 2006/112/EC art. 219–230, VAT Notice 700 §18.2.3 and 700/21, § 14 UStG, Japan's
qualified invoice system (NTA), Canada's input tax credit regulations since 2021-04-20.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from config.core.money import ZERO, quantum
from config.core.sentence import Sentence, Value, say
from invoicing.payload import EU, Amounts, Line, Party, Payload, iso_country
from invoicing.texts import EXEMPTIONS, LANGUAGES, PAYMENT_NOTES, regime

DEDUCTIONS = frozenset({"restocking_fee", "return_freight"})
# What a category that is not simply taxed must say; AE, K and G have exactly one wording.
WORDING = {"AE": "reverse_charge", "K": "intra_community", "G": "export"}
# National currencies of the EU states without the euro, and of the United Kingdom.
NATIONAL = {"CZ": "CZK", "DK": "DKK", "GB": "GBP", "HU": "HUF", "PL": "PLN", "RO": "RON",
            "SE": "SEK"}  # fmt: skip
CANADA_NUMBER_FROM = Decimal(100)  # CAD: from here the GST/HST number must be shown
CANADA_BUYER_FROM = Decimal(500)  # CAD: from here the buyer's name too
T_NUMBER = re.compile(r"T[0-9]{13}")
GST_NUMBER = re.compile(r"[0-9]{9} ?(RT ?[0-9]{4})?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stops the issue: `code` for machines, `sentence` for the clerk."""

    code: str
    sentence: Sentence


def check_particulars(payload: Payload) -> list[Finding]:
    """Return everything that is missing or wrong; empty means the document may take a number."""
    checks = [_parties, _substance, _preceding, _categories, _jurisdiction, _currency_of_tax]
    findings = [finding for check in checks for finding in check(payload)]
    try:
        quantum(payload.currency)
    except ValueError:
        bad = _finding("currency", "The currency %(currency)s is not a known code.",
                       currency=payload.currency)  # fmt: skip
        return [*findings, bad]
    return [*findings, *_arithmetic(payload)]


def check_deadlines(payload: Payload) -> list[Finding]:
    """Return what is issued too late by the country's law; a note to the clerk, never a gate."""
    if payload.tax_point is None:
        return []
    limit = _time_limit(payload, payload.tax_point)
    if limit is None or payload.issue_date <= limit:
        return []
    return [
        _finding(
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


def _finding(code: str, template: str, **params: Value) -> Finding:
    return Finding(code, say(template, **params))


# --- Who, what, when ---------------------------------------------------------------------------


def _parties(payload: Payload) -> Iterator[Finding]:
    seller, buyer = payload.seller, payload.buyer
    if not seller.legal_name.strip():
        yield _finding("seller_name", "The seller's legal name is missing: add it to the seller.")
    if not _has_address(seller):
        yield _finding("seller_address", "The seller's address is missing: add it to the seller.")
    if _buyer_optional(payload):
        return
    if not buyer.legal_name.strip():
        yield _finding("buyer_name", "The buyer's legal name is missing: add it to the buyer.")
    if regime(payload.jurisdiction) == "vat" and not _has_address(buyer):
        yield _finding("buyer_address", "The buyer's address is missing: add it to the buyer.")


def _has_address(party: Party) -> bool:
    return bool(party.country) and any(line.strip() for line in (*party.address, party.city))


def _buyer_optional(payload: Payload) -> bool:
    small = abs(payload.totals.gross) < CANADA_BUYER_FROM and payload.currency == "CAD"
    return small and payload.jurisdiction == "CA"


def _substance(payload: Payload) -> Iterator[Finding]:
    if payload.language not in LANGUAGES:
        yield _finding("language", "There are no document texts in the language %(language)s.",
                       language=payload.language)  # fmt: skip
    if payload.tax_point is None:
        yield _missing_date(payload)
    if payload.payment_note and payload.payment_note not in PAYMENT_NOTES:
        yield _finding("payment_note", "The payment note %(key)s is unknown.",
                       key=payload.payment_note)  # fmt: skip
    if not payload.lines:
        yield _finding("lines", "The document has no line.")
    for line in payload.lines:
        if line.component == "item" and not line.description.strip():
            yield _finding("description", "Line %(position)s does not say what was sold.",
                           position=line.position)  # fmt: skip
        if line.quantity <= 0:
            yield _finding("quantity", "Line %(position)s has no quantity.", position=line.position)


def _missing_date(payload: Payload) -> Finding:
    if payload.kind == "credit_note":
        return _finding("refund_date", "The date of the refund is missing.")
    return _finding("supply_date", "The date of supply is missing: the order has no shipment yet.")


def _preceding(payload: Payload) -> Iterator[Finding]:
    if payload.kind != "credit_note":
        return
    named = [invoice for invoice in payload.preceding if invoice.number.strip()]
    if not named and not (payload.jurisdiction == "US" and payload.order_ids):
        yield _finding(
            "preceding_invoice",
            "The invoice this credit note corrects is not known: record its number and date.",
        )
    if payload.jurisdiction == "JP" and payload.original_supply_date is None:
        yield _finding(
            "original_supply_date",
            "A Japanese return invoice must name the date of the original supply: "
            "the order has no shipment date.",
        )


# --- Tax ---------------------------------------------------------------------------------------


def _categories(payload: Payload) -> Iterator[Finding]:
    for row in payload.rates:
        wanted = WORDING.get(row.category)
        if row.exemption and row.exemption not in EXEMPTIONS:
            yield _finding("exemption", "The exemption %(key)s is unknown.", key=row.exemption)
        elif wanted and row.exemption != wanted:
            yield _finding("exemption", "Category %(category)s must state its legal reason "
                           "(%(wanted)s).", category=row.category, wanted=wanted)  # fmt: skip
        elif row.category == "E" and not row.exemption:
            yield _finding("exemption", "Exempt lines must state why they are exempt.")
        elif row.category in ("S", "Z") and row.exemption:
            yield _finding("exemption", "Taxed and zero-rated lines give no exemption reason.")
        if regime(payload.jurisdiction) != "us" and row.category != "S" and (row.rate or row.tax):
            yield _finding("untaxed", "Category %(category)s cannot carry tax.",
                           category=row.category)  # fmt: skip
    yield from _buyer_vat_id(payload)


def _buyer_vat_id(payload: Payload) -> Iterator[Finding]:
    """Art. 226 (4): reverse charge and intra-Community supply need the customer's VAT id."""
    categories = {row.category for row in payload.rates}
    vat_id = payload.buyer.vat_id.replace(" ", "").upper()
    if categories & {"AE", "K"} and not vat_id:
        yield _finding("buyer_vat_id", "Without the buyer's VAT id this sale cannot be tax free: "
                       "ask the buyer for it, or charge tax.")  # fmt: skip
    elif "K" in categories and iso_country(vat_id[:2]) == payload.jurisdiction:
        yield _finding("buyer_vat_id", "An intra-Community supply needs a VAT id of another "
                       "country than %(country)s.", country=payload.jurisdiction)  # fmt: skip


def _jurisdiction(payload: Payload) -> Iterator[Finding]:
    country = payload.jurisdiction
    if country in EU:
        yield from _registered_in_eu(payload, country)
    elif country == "GB":
        yield from _registered(payload, "GB", "VAT", "UK VAT number")
    elif country == "JP":
        yield from _registered_in_japan(payload)
    elif country == "CA" and payload.totals.gross >= CANADA_NUMBER_FROM:
        yield from _registered_in_canada(payload)
    elif country == "US" and any(row.category not in ("O", "S") for row in payload.rates):
        yield _finding("us_vat", "A US document knows sales tax only, no VAT category.")


def _numbers(payload: Payload, country: str, *schemes: str) -> list[str]:
    return [
        registration.number.strip()
        for registration in payload.seller.registrations
        if iso_country(registration.country) == country
        and registration.scheme in schemes
        and registration.number.strip()
    ]


def _registered(payload: Payload, country: str, scheme: str, what: str) -> Iterator[Finding]:
    if not _numbers(payload, country, scheme):
        yield _finding("seller_registration", "The seller has no %(what)s: add it to the seller's "
                       "tax registrations.", what=what)  # fmt: skip


def _registered_in_eu(payload: Payload, country: str) -> Iterator[Finding]:
    """A VAT id of the taxing state, or the One Stop Shop registration of any state."""
    if not any(_numbers(payload, state, "OSS") for state in EU):
        yield from _registered(payload, country, "VAT", f"VAT id of {country}")


def _registered_in_japan(payload: Payload) -> Iterator[Finding]:
    numbers = _numbers(payload, "JP", "JCT")
    if not numbers:
        yield from _registered(payload, "JP", "JCT", "Japanese registration number (T + 13 digits)")
    elif not any(T_NUMBER.fullmatch(number) for number in numbers):
        yield _finding("seller_registration", "%(number)s is not a Japanese registration number: "
                       "T and 13 digits.", number=numbers[0])  # fmt: skip


def _registered_in_canada(payload: Payload) -> Iterator[Finding]:
    numbers = _numbers(payload, "CA", "GST")
    if not numbers:
        yield from _registered(payload, "CA", "GST", "GST/HST number (needed from 100 CAD)")
    elif not any(GST_NUMBER.fullmatch(number) for number in numbers):
        yield _finding("seller_registration", "%(number)s is not a GST/HST number: 9 digits, "
                       "RT and 4 digits.", number=numbers[0])  # fmt: skip


def _currency_of_tax(payload: Payload) -> Iterator[Finding]:
    """Art. 230 and UK rules: the VAT total also in the currency of the country that gets it."""
    country = payload.jurisdiction
    wanted = NATIONAL.get(country, "EUR" if country in EU else payload.currency)
    national = payload.national_tax
    if wanted == payload.currency:
        return
    if national is None:
        yield _finding("national_tax", "The VAT total must also be shown in %(currency)s: "
                       "an exchange rate is missing.", currency=wanted)  # fmt: skip
    elif national.currency != wanted:
        yield _finding("national_tax", "The VAT total must be shown in %(wanted)s, not in "
                       "%(given)s.", wanted=wanted, given=national.currency)  # fmt: skip


# --- To the cent -------------------------------------------------------------------------------


def _arithmetic(payload: Payload) -> Iterator[Finding]:
    yield from _places(payload)
    for line in payload.lines:
        yield from _line(payload, line)
    yield from _sums(payload)
    yield from _rate_table(payload)
    if payload.kind == "credit_note" and payload.totals.gross <= 0:
        yield _finding("nothing_to_credit", "Nothing is left to credit: no document is needed.")
    if payload.kind == "invoice" and payload.totals.gross < 0:
        yield _finding("negative_invoice", "An invoice cannot be negative: write a credit note.")


def _places(payload: Payload) -> Iterator[Finding]:
    step = quantum(payload.currency)
    money = [amount for line in payload.lines for amount in (line.net, line.tax, line.gross)]
    money += [amount for row in payload.rates for amount in (row.base, row.tax)]
    money += [payload.totals.net, payload.totals.tax, payload.totals.gross]
    if odd := next((amount for amount in money if amount % step), None):
        yield _finding("places", "%(amount)s is not a payable amount in %(currency)s.",
                       amount=format(odd, "f"), currency=payload.currency)  # fmt: skip


def _line(payload: Payload, line: Line) -> Iterator[Finding]:
    if line.net + line.tax != line.gross:
        yield _finding("line_gross", "Line %(position)s: net %(net)s and tax %(tax)s do not make "
                       "%(gross)s.", position=line.position, net=line.net, tax=line.tax,
                       gross=line.gross)  # fmt: skip
    # Each unit may have been rounded, and the last one takes the remainder of its order line.
    if abs(line.quantity * line.unit_price - line.net) > quantum(payload.currency) * (
        abs(line.quantity) + 1
    ):
        yield _finding("line_net", "Line %(position)s: %(quantity)s times %(price)s is not "
                       "%(net)s.", position=line.position, quantity=line.quantity,
                       price=line.unit_price, net=line.net)  # fmt: skip
    if payload.kind == "credit_note" and line.component in DEDUCTIONS and line.gross > 0:
        yield _finding("deduction", "Line %(position)s is a deduction and must lower the credit.",
                       position=line.position)  # fmt: skip


def _sums(payload: Payload) -> Iterator[Finding]:
    lines, totals = payload.lines, payload.totals
    if totals.net + totals.tax != totals.gross:
        yield _finding("totals", "Net %(net)s and tax %(tax)s do not make the total %(gross)s.",
                       net=totals.net, tax=totals.tax, gross=totals.gross)  # fmt: skip
    added = Amounts(
        sum((line.net for line in lines), ZERO),
        sum((line.tax for line in lines), ZERO),
        sum((line.gross for line in lines), ZERO),
    )
    if added != totals:
        yield _finding("totals", "The lines add up to %(lines)s, the document says %(gross)s.",
                       lines=added.gross, gross=totals.gross)  # fmt: skip


def _rate_table(payload: Payload) -> Iterator[Finding]:
    by_rate: dict[tuple[str, Decimal], tuple[Decimal, Decimal, Decimal]] = {}
    for line in payload.lines:
        base, tax, pieces = by_rate.get((line.category, line.rate), (ZERO, ZERO, ZERO))
        pieces += max(abs(Decimal(line.quantity)), Decimal(1))
        by_rate[line.category, line.rate] = (base + line.net, tax + line.tax, pieces)
    table = {(row.category, row.rate): (row.base, row.tax) for row in payload.rates}
    if table != {key: value[:2] for key, value in by_rate.items()} or len(table) != len(
        payload.rates
    ):
        yield _finding("rate_table", "The table per tax rate does not match the lines.")
        return
    for (_, rate), (base, tax, pieces) in by_rate.items():
        yield from _plausible(payload, rate, base, tax, pieces)


def _plausible(
    payload: Payload, rate: Decimal, base: Decimal, tax: Decimal, pieces: Decimal
) -> Iterator[Finding]:
    """Amazon rounds per piece, so each may be a cent off; Japan rounds once per rate.

    A credit note takes a share of its invoice's net and of its tax, each rounded on its own: two
    units a piece, in Japan too.
    """
    if regime(payload.jurisdiction) == "us":
        return
    step = quantum(payload.currency)
    if payload.kind == "credit_note":
        allowed = step * pieces * 2
    else:
        allowed = step if regime(payload.jurisdiction) == "jp" else step * pieces
    if abs(base * rate - tax) > allowed:
        percent = format((rate * 100).normalize(), "f")
        yield _finding("rate_tax", "%(tax)s is not the tax on %(base)s at %(percent)s %%.",
                       tax=tax, base=base, percent=percent)  # fmt: skip
