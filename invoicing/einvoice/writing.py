"""Writes the payload as XML in a profile: the same payload gives the same bytes.

Pure. What is written is decided in `terms.py`; here are only syntax and bytes.
"""

import re

from facturx.generate_xml import (  # type: ignore[import-untyped]
    generate_cii_xml,
    generate_ubl_xml,
)

from invoicing.einvoice.profiles import EN16931, FACTURX, PROFILES, Profile
from invoicing.einvoice.terms import terms
from invoicing.payload import Payload

GENERATE = {"cii": generate_cii_xml, "ubl": generate_ubl_xml}
# The element that holds BT-24. No text of a document can hold a "<", so it is found exactly.
GUIDELINE = {"cii": "<ram:ID>{}</ram:ID>", "ubl": "<cbc:CustomizationID>{}</cbc:CustomizationID>"}
# A credit note has its tax point before the type, an invoice after the notes (UBL 2.1 schema).
TAX_POINT = re.compile(
    rb"( *<cbc:CreditNoteTypeCode>.*?)( *<cbc:TaxPointDate>[^<]*</cbc:TaxPointDate>\n)", re.DOTALL
)
ROUNDING = '<cbc:PayableRoundingAmount currencyID="{}">'


def write(payload: Payload, key: str) -> bytes:
    """The document as XML (UTF-8, with declaration) in profile `key` of `profiles.PROFILES`."""
    profile = PROFILES[key]
    xml: bytes = GENERATE[profile.syntax](
        terms(payload, profile), level="en16931", check_xsd=False, check_schematron=False
    )
    return _corrected(xml, profile, payload.currency)


def files(payload: Payload) -> dict[str, bytes]:
    """Every file the document has, by profile: Factur-X always, then `payload.profiles`."""
    return {key: write(payload, key) for key in dict.fromkeys((FACTURX, *payload.profiles))}


def _corrected(xml: bytes, profile: Profile, currency: str) -> bytes:
    """What the package cannot say: the profile's BT-24, BT-114 in another currency than EUR, and
    BT-7 of a UBL credit note in its place.
    """
    element = GUIDELINE[profile.syntax]
    xml = xml.replace(element.format(EN16931).encode(), element.format(profile.bt24).encode(), 1)
    if profile.syntax == "cii":
        return xml
    xml = TAX_POINT.sub(rb"\2\1", xml, count=1)
    return xml.replace(ROUNDING.format("EUR").encode(), ROUNDING.format(currency).encode(), 1)
