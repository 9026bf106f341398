"""Which VAT treatment a sale of goods has: the decision table of facts on tax by country. Pure.

Amazon's figure wins where it gave one; what the table says beside it is compared (`category.py`),
and a difference is reviewed by a person. Every row and every switch here is general knowledge of
tax law put down as data: a tax adviser confirms it before real documents are issued.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from config.core.sentence import Sentence, say
from invoicing.payload import EU, Category, TaxRegistration

TAXED_AT_DISPATCH = frozenset({"K", "G"})
# Northern Ireland trades goods as in the EU, under ids that begin with XI.
UNION = EU | {"XI"}
KINGDOM = frozenset({"GB", "XI"})
EXEMPTIONS: dict[str, str] = {
    "K": "intra_community",
    "G": "export",
    "AE": "reverse_charge",
    "E": "exempt",
    "O": "outside_scope",
}
# Art. 194 of Directive 2006/112/EC: states that make the registered buyer owe the tax on goods a
# seller from abroad sells there. True: also when the seller has a VAT number there; False: only
# when it has none. States that are missing leave the tax with the seller.
ARTICLE_194 = {
    "BE": True,  # art. 51 § 2, 5° VAT code
    "ES": True,  # art. 84.Uno.2º LIVA
    "FR": True,  # art. 283-1 CGI
    "IT": True,  # art. 17 (2) DPR 633/1972
    "NL": True,  # art. 12 (3) Wet OB 1968
    "PL": False,  # art. 17 (1) 5 ustawa o VAT
}
# Jurisdictions without VAT categories of the EU: a sale there is S, in the US O.
ABROAD: dict[str, Category] = {"US": "O", "JP": "S", "CA": "S"}


@dataclass(frozen=True, slots=True)
class Sale:
    """What is known of a sale of goods; countries are ISO codes, XI for Northern Ireland.

    `vat` are the countries where the seller has a VAT number, `established` is where it sits,
    `buyer_id` the country of the buyer's VAT id (empty: none). `buyer_id_valid` is None while
    nobody has confirmed a well-formed id.
    """

    ship_from: str
    ship_to: str
    established: str
    vat: frozenset[str] = frozenset()
    one_stop_shop: bool = False
    buyer_id: str = ""
    buyer_id_valid: bool | None = None

    @property
    def buyer_registered(self) -> bool:
        """The buyer has an id that nobody found to be wrong."""
        return bool(self.buyer_id) and self.buyer_id_valid is not False


@dataclass(frozen=True, slots=True)
class Treatment:
    """The treatment: EN 16931 category, the country whose rate applies, why it is free of tax.

    `deemed_supplier`: Amazon owes the tax and nobody else may issue. `review` asks a person.
    """

    category: Category
    rate_country: str
    exemption: str = ""
    deemed_supplier: bool = False
    review: Sentence | None = None


def treat(sale: Sale) -> Treatment:
    """Return the row of the table that the sale falls under; the first that fits."""
    rows = (_deemed, _abroad, _kingdom, _domestic, _within_the_union, _export)
    found = (row(sale) for row in rows)
    return next(filter(None, found), None) or _no_row(sale)


def tax_country(
    categories: Collection[str],
    ship_from: str,
    ship_to: str,
    registrations: Iterable[TaxRegistration],
) -> str:
    """ISO country whose tax a document shows.

    Intra-Community supply and export belong to the country of dispatch, all else to that of
    arrival; distance sales below the threshold, without a registration there, stay at home.
    """
    if TAXED_AT_DISPATCH & set(categories):
        return ship_from
    vat = frozenset(row.country for row in registrations if row.scheme == "VAT")
    shop = any(row.scheme == "OSS" for row in registrations)
    return _distance_country(Sale(ship_from, ship_to, ship_from, vat, shop))


def _made(category: Category, country: str, review: Sentence | None = None) -> Treatment:
    return Treatment(category, country, EXEMPTIONS.get(category, ""), review=review)


def _deemed(sale: Sale) -> Treatment | None:
    """Art. 14a and UK online marketplaces: a seller from outside, goods inside, no registered
    buyer. Amazon supplies the buyer then.
    """
    inside = {sale.ship_from, sale.ship_to}
    union = inside <= UNION and sale.established not in UNION
    kingdom = inside <= KINGDOM and "GB" in inside and sale.established != "GB"
    if sale.buyer_id or not (union or kingdom):
        return None
    says = say(
        "Amazon is the deemed supplier of this sale: the seller is not established there and the "
        "buyer has no VAT id. Nobody but Amazon issues its invoice."
    )
    return Treatment("S", sale.ship_to, deemed_supplier=True, review=says)


def _abroad(sale: Sale) -> Treatment | None:
    """US, Japan and Canada at home: sales tax, consumption tax, GST."""
    if sale.ship_from != sale.ship_to or sale.ship_to not in ABROAD:
        return None
    return _made(ABROAD[sale.ship_to], sale.ship_to)


def _kingdom(sale: Sale) -> Treatment | None:
    """Within the United Kingdom. Between Great Britain and Northern Ireland VAT is charged as at
    home, though the goods cross the Union's border (HMRC, goods moving between both since 2021).
    """
    if not {sale.ship_from, sale.ship_to} <= KINGDOM:
        return None
    return _made("S", "GB", None if "GB" in sale.vat else _unregistered("GB"))


def _domestic(sale: Sale) -> Treatment | None:
    country = sale.ship_to
    if sale.ship_from != country or country not in UNION:
        return None
    if _reverse_charge(sale):
        return _made("AE", country, _unconfirmed(sale))
    return _made("S", country, None if country in sale.vat else _unregistered(country))


def _reverse_charge(sale: Sale) -> bool:
    """Art. 194, where the state uses it, for a buyer registered in the same state."""
    country = sale.ship_to
    if sale.established == country or country not in ARTICLE_194:
        return False
    applies = ARTICLE_194[country] or country not in sale.vat
    return applies and sale.buyer_id == country and sale.buyer_registered


def _within_the_union(sale: Sale) -> Treatment | None:
    """Intra-Community supply to a buyer with an id of another state than that of dispatch, else a
    distance sale.
    """
    if not {sale.ship_from, sale.ship_to} <= UNION:
        return None
    if sale.buyer_registered and sale.buyer_id in UNION - {sale.ship_from}:
        doubt = None if sale.ship_from in sale.vat else _unregistered(sale.ship_from)
        return _made("K", sale.ship_from, _unconfirmed(sale) or doubt)
    return _made("S", _distance_country(sale), _why_taxed(sale))


def _distance_country(sale: Sale) -> str:
    """Arrival, by registration or One Stop Shop; without either, below the threshold, dispatch."""
    distance = {sale.ship_from, sale.ship_to} <= UNION and sale.ship_from != sale.ship_to
    there = sale.ship_to in sale.vat or sale.one_stop_shop
    return sale.ship_from if distance and not there and sale.ship_from in sale.vat else sale.ship_to


def _export(sale: Sale) -> Treatment | None:
    """Out of the Union or out of Great Britain; import VAT is the buyer's."""
    leaves = sale.ship_from in UNION and sale.ship_to not in UNION
    if leaves or (sale.ship_from == "GB" and sale.ship_to != "GB"):
        return _made("G", sale.ship_from)
    return None


def _no_row(sale: Sale) -> Treatment:
    says = say(
        "No rule covers goods sent from %(origin)s to %(target)s: ask the tax adviser.",
        origin=sale.ship_from,
        target=sale.ship_to,
    )
    return Treatment("Z", sale.ship_from, review=says)


def _unregistered(country: str) -> Sentence:
    return say("The seller has no VAT id of %(country)s, where the goods are.", country=country)


def _unconfirmed(sale: Sale) -> Sentence | None:
    if sale.buyer_id_valid:
        return None
    return say("Nobody has confirmed the buyer's VAT id yet; without it this sale is taxed.")


def _why_taxed(sale: Sale) -> Sentence:
    if sale.buyer_id and sale.buyer_id_valid is False:
        return say("The buyer's VAT id is not valid: a sale to another country is taxed then.")
    return say(
        "The buyer has no VAT id of another country than %(country)s: a sale to another country "
        "is taxed then.",
        country=sale.ship_from,
    )
