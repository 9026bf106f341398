"""Seller, buyer and place of delivery as business terms: names, addresses, numbers, end points.

Pure. Which of a seller's numbers a document shows, and how a number is written, is decided here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from invoicing.payload import EU, Party, Payload, iso_country

if TYPE_CHECKING:
    from invoicing.einvoice.profiles import Profile

SIREN = "0002"  # ISO 6523 (ICD)
FRENCH_ADDRESS = "0225"  # EAS: the French directory, where a SIREN alone is an address
E_MAIL = "EM"  # EAS; not an address in Peppol
LEITWEG = "0204"
_LEITWEG = re.compile(r"\d{2,12}-[0-9A-Z]{1,30}-\d{2}|\d{2,12}-\d{2}")

# Electronic address schemes (EAS) of a country's VAT id, for buyers that gave no other address.
VAT_ADDRESS = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CY": "9928", "CZ": "9929", "DE": "9930",
    "EE": "9931", "GB": "9932", "GR": "9933", "HR": "9934", "IE": "9935", "LT": "9937",
    "LU": "9938", "LV": "9939", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946",
    "RO": "9947", "SI": "9949", "SK": "9950", "ES": "9920", "FR": "9957", "IT": "0211",
    "HU": "9910", "SE": "9955",
}  # fmt: skip
# Countries whose VAT ids carry a prefix (BR-CO-09). XI is Northern Ireland, EL is Greece.
PREFIXED = EU | {"GB", "CH", "NO", "XI"}
PREFIXES = PREFIXED | {"EL"}


def seller_terms(payload: Payload, profile: Profile) -> dict[str, Any]:
    """BG-4 to BG-6 as a party of the factur-x package."""
    seller = payload.seller
    number, scheme = seller_legal_id(payload)
    return {
        **_party(seller),
        "vat_identifier": seller_vat_id(payload),
        "tax_identifier": seller_tax_number(payload),
        "legal_identifier": number,
        "legal_identifier_schemeid": scheme if number else "",
        **_address("einvoicing_addr", seller_address(payload, profile)),
    }


def buyer_terms(payload: Payload, profile: Profile) -> dict[str, Any]:
    """BG-7 to BG-9 as a party of the factur-x package."""
    number, scheme = buyer_legal_id(payload)
    return {
        **_party(payload.buyer),
        "vat_identifier": buyer_vat_id(payload),
        "legal_identifier": number,
        "legal_identifier_schemeid": scheme if number else "",
        **_address("einvoicing_addr", buyer_address(payload, profile)),
    }


def delivery_terms(payload: Payload) -> dict[str, Any]:
    """BG-13 and BG-15; who received the goods (BT-70) is the buyer unless somebody is named."""
    place = payload.delivery
    if place is None:
        return {}
    return {
        "name": place.name or payload.buyer.legal_name,
        **_place(place.address, place.postcode, place.city, place.region, place.country),
    }


def to_france(payload: Payload) -> bool:
    """A buyer in France: notes, process code and addresses are written as French law wants."""
    return iso_country(payload.buyer.country) == "FR"


def french(payload: Payload) -> bool:
    """Whether the French rules (BR-FR) must pass: a buyer in France and a seller known there.

    A seller without establishment or VAT id in France has no SIREN (BR-FR-10): it writes a foreign
    invoice, which the French e-invoicing duty does not cover; nor does it cover a sale taxed at
    another country's rate (BR-FR-16).
    """
    seller = payload.seller
    if payload.jurisdiction != "FR" and any(row.category == "S" for row in payload.rates):
        return False
    known = any(row.country == "FR" for row in seller.registrations)
    return to_france(payload) and (
        known or seller.country == "FR" or seller.legal_id_scheme == SIREN
    )


def outside_vat(payload: Payload) -> bool:
    """A document outside the scope of VAT names no VAT id at all (BR-O-02, BR-O-03)."""
    return any(row.category == "O" for row in payload.rates)


def seller_vat_id(payload: Payload) -> str:
    """BT-31: the VAT id of the taxing country, else the One Stop Shop's, else the first one."""
    if outside_vat(payload):
        return ""
    country = payload.jurisdiction
    held = [row for row in payload.seller.registrations if row.scheme in ("VAT", "OSS")]
    held.sort(key=lambda row: 1 if row.scheme == "OSS" else 0 if row.country == country else 2)
    return vat_number(held[0].number, held[0].country) if held else ""


def seller_tax_number(payload: Payload) -> str:
    """BT-32: the number of a tax that is not European VAT (Japan, Canada)."""
    held = [row.number for row in payload.seller.registrations if row.scheme in ("JCT", "GST")]
    return held[0] if held and not outside_vat(payload) else ""


def seller_legal_id(payload: Payload) -> tuple[str, str]:
    """BT-30 with its scheme (may be empty): the register's, else the one inside a tax number.

    Japan's T number holds the corporate number (ICD 0188), Canada's account the business number,
    a French VAT id the SIREN.
    """
    seller = payload.seller
    if to_france(payload) and siren(seller):
        return siren(seller), SIREN
    if seller.legal_id:
        return seller.legal_id, seller.legal_id_scheme
    for row in seller.registrations:
        digits = re.sub(r"\D", "", row.number)
        if row.scheme == "JCT" and len(digits) == 13:
            return digits, "0188"
        if row.scheme == "GST" and len(digits) >= 9:
            return digits[:9], ""
        if row.scheme == "EIN":
            return row.number, ""
    return "", ""


def buyer_legal_id(payload: Payload) -> tuple[str, str]:
    """BT-47 with its scheme: the register's number, for a French business its SIREN."""
    buyer = payload.buyer
    if to_france(payload) and siren(buyer):
        return siren(buyer), SIREN
    return buyer.legal_id, buyer.legal_id_scheme


def siren(party: Party) -> str:
    """The nine digits of a French business: given, of its SIRET, or inside its VAT id."""
    given = re.sub(r"\s", "", party.legal_id)
    if party.legal_id_scheme in (SIREN, "0009") and re.fullmatch(r"\d{9}(\d{5})?", given):
        return given[:9]
    numbers = [party.vat_id, *(row.number for row in party.registrations if row.country == "FR")]
    for number in numbers:
        if found := re.fullmatch(r"FR[0-9A-Z]{2}(\d{9})", re.sub(r"\s", "", number.upper())):
            return found[1]
    return ""


def buyer_vat_id(payload: Payload) -> str:
    """BT-48; a number of a tax that is not VAT (US, Canada, Japan) has no place there."""
    buyer = payload.buyer
    if outside_vat(payload) or not buyer.vat_id:
        return ""
    number = vat_number(buyer.vat_id, buyer.country)
    return number if number[:2] in PREFIXES else ""


def vat_number(number: str, country: str) -> str:
    """A VAT id as BR-CO-09 wants it: no blanks or dots, with its country's prefix (EL in Greece).

    A prefix of another country stays: a buyer may use a VAT id from abroad.
    """
    plain = re.sub(r"[\s.\-/]", "", number.upper())
    prefix = {"GR": "EL"}.get(country, country)
    if plain.startswith("GR"):
        return f"EL{plain[2:]}"
    if re.match(r"(EU|IM)\d", plain):  # One Stop Shop of sellers from outside, and of imports
        return plain
    if plain[:2] in PREFIXES or country not in PREFIXED:
        return plain
    return f"{prefix}{plain}"


def seller_address(payload: Payload, profile: Profile) -> tuple[str, str]:
    """BT-34 with its scheme: given, else what the profile lets stand for it."""
    seller = payload.seller
    if to_france(payload) and not seller.endpoint and siren(seller):
        return siren(seller), FRENCH_ADDRESS
    return _given(seller, profile)


def buyer_address(payload: Payload, profile: Profile) -> tuple[str, str]:
    """BT-49 with its scheme: given, else Leitweg-ID, SIREN or e-mail; in XRechnung, which demands
    one, the VAT id at last. In Peppol the address routes the document and must be given.
    """
    buyer = payload.buyer
    given = _given(buyer, profile)
    if buyer.endpoint or profile.routed:
        return given
    if _LEITWEG.fullmatch(payload.buyer_reference):
        return payload.buyer_reference, LEITWEG
    if to_france(payload) and siren(buyer):
        return siren(buyer), FRENCH_ADDRESS
    if not given[0] and profile.addressed and buyer.country in VAT_ADDRESS:
        return buyer_vat_id(payload), VAT_ADDRESS[buyer.country]
    return given


def _given(party: Party, profile: Profile) -> tuple[str, str]:
    if party.endpoint and party.endpoint_scheme:
        peppol = profile.routed and party.endpoint_scheme == E_MAIL
        return ("", "") if peppol else (party.endpoint, party.endpoint_scheme)
    return ("", "") if profile.routed or not party.email else (party.email, E_MAIL)


def _address(term: str, address: tuple[str, str]) -> dict[str, str]:
    return {term: address[0], f"{term}_schemeid": address[1]} if address[0] else {}


def _party(party: Party) -> dict[str, Any]:
    contact = {"name": party.contact, "phone": party.phone, "email": party.email}
    return {
        "name": party.legal_name,
        "contacts": [contact],
        **_place(party.address, party.postcode, party.city, party.region, party.country),
    }


def _place(
    lines: tuple[str, ...], postcode: str, city: str, region: str, country: str
) -> dict[str, Any]:
    """Three lines at most: what is more goes into the third (BT-162, BT-163, BT-165)."""
    first, second, *rest = (*lines, "", "")
    return {
        "addr_l1": first,
        "addr_l2": second,
        "addr_l3": ", ".join(filter(None, rest)),
        "postcode": postcode,
        "city": city,
        "country_subdivision": region,
        "country_code": country,
    }
