"""The VAT category of a line, and its rate where a report gives none. Amazon's figures win.

Categories are those of EN 16931 (UNTDID 5305). Which sale falls under which is the
table of `treatment.py`; here it is asked with the facts of a draft.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from config.core.money import ZERO, quantum, tax_on
from invoicing import parties, vies
from invoicing.finding import Finding, finding
from invoicing.models import Document
from invoicing.payload import Payload, iso_country
from invoicing.tax_ids import country_of
from invoicing.texts import regime
from invoicing.treatment import EXEMPTIONS, Sale, Treatment, treat

PERCENT, FINE = Decimal("0.01"), Decimal("0.0001")
REASONS = EXEMPTIONS  # S and Z give no reason (BR-S-10, BR-Z-10)
# Countries where goods of everyday trade are taxed at zero (books, food, children's wear).
ZERO_RATED = frozenset({"GB", "XI", "IE", "MT"})
# Rates with more than the four decimals that rows keep: Quebec's GST and QST, and QST alone.
FINE_RATES = {Decimal("0.1498"): Decimal("0.14975"), Decimal("0.0998"): Decimal("0.09975")}


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Net and tax of one line and how many pieces it has."""

    net: Decimal
    tax: Decimal
    pieces: int = 1


def fine_rate(rate: Decimal | None, country: str) -> Decimal:
    """The exact rate behind a row's four decimals."""
    rate = ZERO if rate is None else rate
    return FINE_RATES.get(rate, rate) if country == "CA" else rate


def rate_of(net: Decimal, tax: Decimal, given: Decimal | None, currency: str = "EUR") -> Decimal:
    """The rate as a fraction: the report's, else the whole percentage that explains the tax.

    US reports name no rate; combined sales tax rates get four decimals.
    """
    if given is not None:
        return given.quantize(FINE)
    if not net or not tax:
        return ZERO.quantize(FINE)
    whole = (tax / net).quantize(PERCENT)
    exact = (tax / net).quantize(FINE)
    return (whole if tax_on(net, whole, currency) == tax else exact).quantize(FINE)


def likely_rate(rate: Decimal, row: TaxLine, known: Collection[Decimal], currency: str) -> Decimal:
    """The rate a new line stands under: `rate`, read off the amounts, or the known rate closest to
    it that explains the tax with a unit of rounding a piece. Reports name no rates, and many cheap
    pieces blur them: 100 x 0.33 with 0.06 of tax each read as 18.2 %.
    """
    if rate in known or not row.tax:
        return rate
    allowed = quantum(currency) * max(row.pieces, 1)
    fitting = [one for one in known if abs(row.net * one - row.tax) <= allowed]
    return min(fitting, key=lambda one: (abs(one - rate), -one), default=rate).quantize(FINE)


def category_of(document: Document) -> str:
    """The category of a draft's untaxed lines, from the facts of its order. Amazon's zero stands:
    where the table would charge tax the line is zero-rated, and a person looks at it.
    """
    category = treat(sale_of(document)).category
    return "Z" if category == "S" else category


def sale_of(document: Document) -> Sale:
    """What is known of the sale behind a draft."""
    day = document.tax_point or timezone.localdate()
    known = parties.registrations_on(document.seller, day)
    number = parties.vat_id(document)
    return Sale(
        ship_from=parties.ship_from(document),
        ship_to=parties.territory(document),
        established=iso_country(document.seller.country),
        vat=frozenset(row.country for row in known if row.scheme == "VAT"),
        one_stop_shop=any(row.scheme == "OSS" for row in known),
        buyer_id=country_of(number),
        buyer_id_valid=vies.is_valid(number) if number else None,
    )


def check_treatment(document: Document, payload: Payload) -> list[Finding]:
    """What the table says otherwise than Amazon's figures, for a person to decide.

    Only sales are looked at; a credit note follows its invoice. Amazon's own statement that it is,
    or is not, the deemed supplier counts more than the table's.
    """
    if payload.kind != "invoice" or payload.occasion not in ("supply", "correction"):
        return []
    sale = sale_of(document)
    table = treat(sale)
    if table.deemed_supplier:
        return _deemed_supplier(document, table)
    shown = {row.category for row in payload.rates}
    if regime(payload.jurisdiction) != "vat" or shown <= _fitting(table.category, payload):
        return []
    if shown == {"S"} and table.category == "G" and _from_stock_there(document, sale):
        return []
    differs = finding("treatment", "By Amazon's figures this sale is %(shown)s, by its facts it "
                      "should be %(table)s: look at both before it is issued.",
                      shown=", ".join(sorted(shown)), table=table.category)  # fmt: skip
    return [differs, Finding("treatment", table.review)] if table.review else [differs]


def _from_stock_there(document: Document, sale: Sale) -> bool:
    """No report says where the goods came from, and the seller is registered where they went."""
    return sale.ship_to in sale.vat and not parties.reported_dispatch(document)


def _deemed_supplier(document: Document, table: Treatment) -> list[Finding]:
    facts = document.order.tax_facts.all()
    said = list(facts.values_list("deemed_supplier", flat=True))
    if said and not any(said):
        return []
    return [Finding("deemed_supplier", table.review)] if table.review else []


def _fitting(category: str, payload: Payload) -> set[str]:
    """Categories that need no second look beside the table's."""
    fits = {category}
    if category == "S":
        fits |= {"Z"} if payload.jurisdiction in ZERO_RATED else set()
    return fits
