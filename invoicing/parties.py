"""Seller, buyer and places of a document as payload parties: who they are on the day of issue.

Reads rows, decides nothing about tax; which country taxes is `treatment.py`.
"""

from datetime import date

from django.db.models import Q, QuerySet

from invoicing.einvoice.parties import SIREN, siren
from invoicing.models import Document, TaxFact
from invoicing.payload import Party, TaxRegistration, iso_country
from invoicing.tax_ids import prefixed
from invoicing.texts import regime
from orders.models import BuyerAddress, Seller

PRINTED_SCHEMES = ("VAT", "OSS", "JCT", "GST")
# Where no VAT id names the seller (BR-CO-26), the number of its registration does (BT-30).
LEGAL_SCHEMES = {"jp": ("LEGAL", "JCT"), "ca": ("LEGAL", "GST")}


def seller(seller: Seller, country: str, day: date, buyer_country: str = "") -> Party:
    """BG-4, with the registrations that count in the taxing country on the day."""
    known = registrations_on(seller, day)
    legal_id, scheme = _siren(seller, known) if buyer_country == "FR" else ("", "")
    if not legal_id:
        legal_id, scheme = _legal_id(seller, country, known)
    return Party(
        legal_name=seller.legal_name,
        address=tuple(filter(None, (seller.address_line1, seller.address_line2))),
        country=iso_country(seller.country),
        postcode=seller.postal_code,
        city=seller.city,
        region=seller.state,
        registrations=_registrations(country, known),
        email=seller.email,
        contact=seller.contact_name,
        phone=seller.phone,
        legal_id=legal_id,
        legal_id_scheme=scheme,
        endpoint=seller.endpoint,
        endpoint_scheme=seller.endpoint_scheme,
    )


def registrations_on(seller: Seller, day: date) -> list[TaxRegistration]:
    """All registrations valid on the day, by country and scheme, the newest first of each."""
    valid = seller.tax_registrations.filter(
        Q(valid_to=None) | Q(valid_to__gte=day), valid_from__lte=day
    )
    return [
        TaxRegistration(iso_country(row.country), row.scheme, row.number)
        for row in valid.order_by("country", "scheme", "-valid_from")
    ]


def _registrations(country: str, known: list[TaxRegistration]) -> tuple[TaxRegistration, ...]:
    """Those of the taxing country, else One Stop Shop, else the VAT ones; Canada's and Japan's say
    nothing abroad, and outside the scope of VAT no number is named (BR-O-02).
    """
    if regime(country) == "us":
        return ()
    found = [row for row in known if row.scheme in PRINTED_SCHEMES]
    local = [row for row in found if row.country == country]
    shop = [row for row in found if row.scheme == "OSS"]
    return tuple(local or shop or [row for row in found if row.scheme == "VAT"])


def _siren(seller: Seller, known: list[TaxRegistration]) -> tuple[str, str]:
    """BT-30 as a buyer in France wants it (BR-FR-10), where the seller is known there."""
    held = tuple(row for row in known if row.scheme == "VAT")
    number = siren(
        Party("", (), "", registrations=held, legal_id=seller.legal_id,
              legal_id_scheme=seller.legal_id_scheme)
    )  # fmt: skip
    return number, SIREN if number else ""


def _legal_id(seller: Seller, country: str, known: list[TaxRegistration]) -> tuple[str, str]:
    """BT-30 and its scheme: the register number, else what identifies the seller without VAT id;
    in the US, where nothing else is printed, Amazon's seller id or our code.
    """
    if seller.legal_id:
        return seller.legal_id, seller.legal_id_scheme
    wanted = LEGAL_SCHEMES.get(regime(country), ("LEGAL",))
    numbers = {row.scheme: row.number for row in known if row.country == country}
    found = next((numbers[scheme] for scheme in wanted if scheme in numbers), "")
    if not found and regime(country) == "us":
        found = seller.amazon_seller_id or seller.code
    return found, ""


def buyer(document: Document, country: str) -> Party:
    """BG-7; without a buyer on record only the country the goods went to."""
    buyer, order = document.buyer, document.order
    if buyer is None:
        return Party("", (), iso_country(order.ship_country or country))
    address = buyer.addresses.order_by("kind", "id").first() or BuyerAddress(
        country=buyer.country, city=order.ship_city, postal_code=order.ship_postal_code
    )
    at_home = iso_country(address.country or buyer.country or order.ship_country)
    named = address.name if address.name and address.name != buyer.legal_name else ""
    lines = (named, address.line1, address.line2, address.line3)
    return Party(
        legal_name=buyer.legal_name,
        address=tuple(filter(None, lines)),
        country=at_home,
        postcode=address.postal_code,
        city=address.city,
        region=address.state,
        vat_id=_tax_id(document, country),
        contact=buyer.contact_name,
        legal_id=buyer.legal_id,
        legal_id_scheme=buyer.legal_id_scheme,
        endpoint=buyer.endpoint,
        endpoint_scheme=buyer.endpoint_scheme,
    )


def vat_id(document: Document) -> str:
    """The buyer's VAT id of the country the goods went to, else the first one known; one whose
    form is wrong only where there is no other. Where none is on record, Amazon's tax report's.
    """
    target = territory(document)
    rows = document.buyer.tax_ids.all() if document.buyer else ()
    ids = [row for row in rows if row.scheme == "VAT"]
    ids.sort(key=lambda row: (row.valid_form is False, iso_country(row.country) != target, row.pk))
    if ids and ids[0].valid_form is not False:
        return prefixed(ids[0].number, ids[0].country)
    said = _facts(document).exclude(buyer_tax_id="").values_list("buyer_tax_id", flat=True).first()
    return said or (ids[0].number if ids else "")


def _tax_id(document: Document, country: str) -> str:
    """VAT ids where VAT is charged, any tax id in Japan and Canada, none in the US (BR-O-02)."""
    kind = regime(country)
    if kind == "vat":
        return vat_id(document)
    first = document.buyer.tax_ids.order_by("pk").first()
    return first.number if first and kind != "us" else ""


def _facts(document: Document) -> QuerySet[TaxFact]:
    """Rows of Amazon's tax reports about the document's shipment, or its order."""
    facts = document.order.tax_facts.order_by("pk")
    return facts.filter(shipment_id=document.shipment_id) if document.shipment_id else facts


def ship_from(document: Document) -> str:
    """The country of dispatch: as Amazon's tax report says, else the seller's."""
    return reported_dispatch(document) or iso_country(document.seller.country)


def reported_dispatch(document: Document) -> str:
    """The country of dispatch as Amazon's tax report says; empty where none has come."""
    said = _facts(document).exclude(ship_from_country="")
    return iso_country(said.values_list("ship_from_country", flat=True).first() or "")


def ship_to(document: Document) -> str:
    """The country of arrival; the marketplace's where the order does not say."""
    return iso_country(document.order.ship_country or document.marketplace.country)


def territory(document: Document) -> str:
    """The country of arrival as the law on goods sees it: Northern Ireland (postcodes BT) is XI."""
    country = ship_to(document)
    code = document.order.ship_postal_code.strip().upper()
    return "XI" if country == "GB" and code.startswith("BT") else country
