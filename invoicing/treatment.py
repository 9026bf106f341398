"""Which VAT treatment a sale of goods has: the decision table of facts on tax by country. Pure.

Amazon's figure wins where it gave one; what the table says beside it is compared, and a difference
is reviewed by a person. Texts and ids are checked in `particulars.py`.
"""

from collections.abc import Collection, Iterable

from invoicing.payload import EU, TaxRegistration

TAXED_AT_DISPATCH = frozenset({"K", "G"})


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
    vat = {row.country for row in registrations if row.scheme == "VAT"}
    shop = any(row.scheme == "OSS" for row in registrations)
    distance = ship_from in EU and ship_to in EU and ship_from != ship_to
    if distance and ship_to not in vat and not shop and ship_from in vat:
        return ship_from
    return ship_to
