"""The kinds of electronic invoice Retour writes, and what each wants a document to say.

Pure. A profile is a syntax, its identifiers (BT-24, BT-23) and the layers of official rules that
must find nothing. Whether those rules are installed is known to `rulesets.py`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from config.core.sentence import Sentence, say
from invoicing.einvoice import parties
from invoicing.payload import Payload

Syntax = Literal["cii", "ubl"]

EN16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL = f"{EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

FACTURX = "facturx"
FRENCH_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")  # BR-FR-01, BR-FR-02
E_MAIL = re.compile(r"[^@\s]+@([^@.\s]+\.)+[^@.\s]+")  # BR-DE-28


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of file: `syntax` cii (UN/CEFACT D16B) or ubl (UBL 2.1), BT-24 and BT-23 as written
    (BT-23 empty: none, or the French process code), `layers` the rules to pass, in order.
    """

    key: str
    label: str
    syntax: Syntax
    bt24: str
    bt23: str
    layers: tuple[str, ...]

    @property
    def addressed(self) -> bool:
        """Demands electronic addresses (BT-34, BT-49) and a reference of the buyer (BT-10)."""
        return self.bt23 == BILLING

    @property
    def routed(self) -> bool:
        """The electronic address brings the document to the buyer, so only a given one will do."""
        return self.bt24 == PEPPOL

    @property
    def single_preceding(self) -> bool:
        """Its schema (CII D16B; Factur-X has its own) knows one preceding invoice only (BG-3)."""
        return self.syntax == "cii" and self.bt24 == XRECHNUNG


PROFILES: dict[str, Profile] = {
    profile.key: profile
    for profile in (
        Profile(FACTURX, "Factur-X / ZUGFeRD EN 16931", "cii", EN16931, "",
                ("xsd", "cen", "facturx")),
        Profile("xrechnung-cii", "XRechnung 3.0 (CII)", "cii", XRECHNUNG, BILLING,
                ("xsd", "cen", "xrechnung")),
        Profile("xrechnung-ubl", "XRechnung 3.0 (UBL)", "ubl", XRECHNUNG, BILLING,
                ("xsd", "cen", "xrechnung")),
        Profile("peppol-ubl", "Peppol BIS Billing 3", "ubl", PEPPOL, BILLING,
                ("xsd", "cen", "peppol")),
        Profile("en16931-ubl", "EN 16931 (UBL)", "ubl", EN16931, "", ("xsd", "cen")),
    )
}  # fmt: skip


def french_rules(key: str, payload: Payload) -> bool:
    """Whether BR-FR must pass as well: French law applies, and the profile leaves BT-23 to it."""
    return parties.french(payload) and not PROFILES[key].bt23


def missing_for(key: str, payload: Payload) -> list[Sentence]:
    """What the document would still have to say to be written in profile `key`; empty is fine.

    Sentences for a clerk: each names the record that lacks it. What every document must say,
    whatever its file, is checked in `particulars.py`.
    """
    profile = PROFILES[key]
    checks: list[Iterable[Sentence]] = [_identity(payload), _delivery(payload)]
    if french_rules(key, payload):
        checks.append(_france(profile, payload))
    if profile.addressed:
        checks += [_addresses(profile, payload), _reference(profile, payload)]
    if profile.bt24 == XRECHNUNG or (profile.routed and _german(payload)):
        checks += [_contact(payload), _places(payload)]
    return [sentence for found in checks for sentence in found]


def _identity(payload: Payload) -> Iterator[Sentence]:
    """BR-CO-26: some number must identify the seller."""
    if not parties.seller_vat_id(payload) and not parties.seller_legal_id(payload)[0]:
        yield say("Nothing identifies the seller on this document: add its register number to "
                  "the seller.")  # fmt: skip


def _delivery(payload: Payload) -> Iterator[Sentence]:
    """BR-IC-12; the day (BR-IC-11) is a particular of every document."""
    community = any(row.category == "K" for row in payload.rates)
    if community and not (payload.delivery and payload.delivery.country):
        yield say("An intra-Community supply must say where the goods went: add the delivery "
                  "country to the order.")  # fmt: skip


def _france(profile: Profile, payload: Payload) -> Iterator[Sentence]:
    """BR-FR-10, 12, 13 and 01."""
    if not parties.siren(payload.seller):
        yield say("A document to a French buyer shows the seller's SIREN: add it to the seller as "
                  "register number with scheme 0002.")  # fmt: skip
    yield from _addresses(profile, payload)
    if payload.number and not FRENCH_NUMBER.fullmatch(payload.number):
        yield say("France allows letters, digits and + - _ / in a document number, 35 at most; "
                  "%(number)s is not such: change the series.", number=payload.number)  # fmt: skip


def _addresses(profile: Profile, payload: Payload) -> Iterator[Sentence]:
    """BT-34 and BT-49."""
    if not parties.seller_address(payload, profile)[0]:
        yield say("%(profile)s needs the seller's electronic address: add it to the seller.",
                  profile=profile.label)  # fmt: skip
    if not parties.buyer_address(payload, profile)[0]:
        yield say("%(profile)s needs the buyer's electronic address: add it to the buyer.",
                  profile=profile.label)  # fmt: skip


def _reference(profile: Profile, payload: Payload) -> Iterator[Sentence]:
    """BT-10."""
    if not (payload.buyer_reference or payload.order_ids or payload.purchase_order):
        yield say("%(profile)s needs a reference of the buyer (Leitweg-ID for public bodies): add "
                  "it to the buyer.", profile=profile.label)  # fmt: skip


def _contact(payload: Payload) -> Iterator[Sentence]:
    """BG-6: BR-DE-2, 5, 6, 7, 27 and 28."""
    seller = payload.seller
    if not seller.contact.strip():
        yield say("German e-invoices name a contact of the seller: add one to the seller.")
    if sum(sign.isdigit() for sign in seller.phone) < 3:
        yield say("German e-invoices show a phone number of the seller: add one to the seller.")
    if not E_MAIL.fullmatch(seller.email):
        yield say("German e-invoices show an e-mail address of the seller: add one to the seller.")


def _places(payload: Payload) -> Iterator[Sentence]:
    """BT-37, 38, 52, 53, 77 and 78: BR-DE-3, 4, 8, 9, 10, 11."""
    seller, buyer, to = payload.seller, payload.buyer, payload.delivery
    if not (seller.city and seller.postcode):
        yield say("German e-invoices show the seller's postcode and place: complete the seller.")
    if not (buyer.city and buyer.postcode):
        yield say("German e-invoices show the buyer's postcode and place: complete the buyer.")
    if to and not (to.city and to.postcode):
        yield say("German e-invoices show the postcode and place of delivery: complete the order.")


def _german(payload: Payload) -> bool:
    """Peppol applies Germany's rules between German businesses."""
    return payload.seller.country == payload.buyer.country == "DE"
