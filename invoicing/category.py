"""The VAT category of a line, and its rate where a report gives none. Amazon's figures win.

Categories are those of EN 16931 (UNTDID 5305). Which sale falls under which is facts on tax by
country; here only what order facts can tell is decided, the gate catches what does not fit.
"""

from decimal import Decimal

from config.core.money import ZERO, tax_on
from invoicing.payload import EU, iso_country

PERCENT, FINE = Decimal("0.01"), Decimal("0.0001")
# Key of `texts.EXEMPTIONS` per category; S and Z give no reason (BR-S-10, BR-Z-10).
REASONS = {
    "K": "intra_community",
    "G": "export",
    "AE": "reverse_charge",
    "E": "exempt",
    "O": "outside_scope",
}
# Rates with more than the four decimals that rows keep: Quebec's GST and QST, and QST alone.
FINE_RATES = {Decimal("0.1498"): Decimal("0.14975"), Decimal("0.0998"): Decimal("0.09975")}


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


def sale_category(seller_country: str, ship_to: str, taxed_in: str, buyer_vat_ids: set[str]) -> str:
    """The category of an untaxed sale: K, G or Z; S in the US, which knows no VAT categories.

    ``taxed_in`` is the marketplace's country, ``buyer_vat_ids`` the countries of the buyer's ids.
    """
    origin, target = iso_country(seller_country), iso_country(ship_to or taxed_in)
    if iso_country(taxed_in) == "US":
        return "S"
    if origin in EU and target in EU and origin != target and target in buyer_vat_ids:
        return "K"
    if (origin in EU and target not in EU) or (origin == "GB" and target != "GB"):
        return "G"
    return "Z"


def category_of(document) -> str:
    """The category of a draft's untaxed lines, from the facts of its order."""
    ids = document.buyer.tax_ids.all() if document.buyer_id else []
    return sale_category(
        document.seller.country,
        document.order.ship_country,
        document.marketplace.country,
        {iso_country(tax_id.country) for tax_id in ids},
    )
