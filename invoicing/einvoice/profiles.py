"""The kinds of electronic invoice Retour writes, and what each wants a document to say.

Pure. A profile is a syntax, its identifiers (BT-24, BT-23) and the layers of official rules that
must find nothing. Whether those rules are installed is known to `rulesets.py`.
"""

from dataclasses import dataclass
from typing import Literal

from config.core.sentence import Sentence
from invoicing.payload import Payload

Syntax = Literal["cii", "ubl"]

EN16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL = f"{EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

FACTURX = "facturx"


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


def missing_for(key: str, payload: Payload) -> list[Sentence]:
    """What the document would still have to say to be written in profile `key`; empty is fine.

    Sentences for a clerk: each names the record that lacks it.
    """
    return []
