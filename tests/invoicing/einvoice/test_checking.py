"""The official unit tests and examples of the rule sets give the published answers.

They lie in `instances` of RULES_DIR; where they are not installed the packaged rules are proved by
our own papers (test_mutations.py, test_gate.py). The header of the run says which rules were here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from lxml import etree

from invoicing.einvoice import checking, rulesets, saxon
from invoicing.einvoice.writing import write
from tests.invoicing.papers_v2 import sample

VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"
INSTANCES = Path(settings.RULES_DIR or "nowhere") / "instances"
EXAMPLES = sorted([*INSTANCES.glob("xrechnung/*.xml"), *INSTANCES.glob("peppol/*.xml")])
# Examples that only inform: the testsuite leaves the delivery date out on purpose.
INFORMED = {"BR-DE-TMP-32"}


def unit_tests(folder: str) -> Iterator[tuple[str, etree._Element, etree._Element]]:
    """Each test of the official sets: its name, itself, and the fragment it is about."""
    for file in sorted((INSTANCES / folder).rglob("*.xml")):
        root = etree.parse(file).getroot()
        if root.tag != f"{VEFA}testSet":
            continue
        for number, test in enumerate(root.iter(f"{VEFA}test"), 1):
            parts = (part for part in test if isinstance(part.tag, str))
            body = next((part for part in parts if not part.tag.startswith(VEFA)), None)
            if body is not None:
                yield f"{file.name} {number}", test, body


def mismatches(folder: str, rules: list[Path]) -> tuple[int, list[str]]:
    """How many assertions hold, and those that do not."""
    held, wrong = 0, []
    for name, test, body in unit_tests(folder):
        hits = saxon.find(etree.tostring(body), rules)
        fired = {hit.rule for found in hits for hit in found}
        for said in test.iter(f"{VEFA}success", f"{VEFA}error", f"{VEFA}warning"):
            rule, should = (said.text or "").strip(), said.tag != f"{VEFA}success"
            held += (rule in fired) == should
            if (rule in fired) != should:
                wrong.append(f"{name}: {rule} should{'' if should else ' not'} fire")
    return held, wrong


if INSTANCES.is_dir():

    @pytest.mark.parametrize(
        ("folder", "key", "at_least"),
        [("cen-unit", "en16931-ubl", 1133), ("peppol-unit", "peppol-ubl", 281)],
    )
    def test_official_unit_tests_all_hold(folder, key, at_least):
        held, wrong = mismatches(folder, [one.path for one in rulesets.rule_sets(key)])
        assert wrong == []
        assert held >= at_least  # as stored in 2026; newer releases have more

    def test_official_unit_tests_hold_for_the_packaged_rules_too(settings):
        settings.RULES_DIR = ""
        held, wrong = mismatches("cen-unit", [rulesets.rule_sets("en16931-ubl")[0].path])
        assert wrong == []
        assert held >= 1133

    @pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
    def test_official_examples_are_valid(file):
        xml = file.read_bytes()
        peppol = "peppol-ubl" if b"poacc:billing:3.0" in xml else "en16931-ubl"
        xrechnung = "xrechnung-cii" if b"CrossIndustryInvoice" in xml else "xrechnung-ubl"
        found = checking.check(xml, xrechnung if b"xrechnung" in xml else peppol)
        assert {finding.rule for finding in found} <= INFORMED


def test_a_file_that_breaks_its_schema_is_asked_nothing_else():
    xml = write(sample(), "facturx").replace(
        b"<ram:TypeCode>380", b"<ram:Nonsense/><ram:TypeCode>9"
    )
    (answer,) = checking.ask(xml, "facturx")
    assert {(one.layer, one.rule) for one in answer.findings} == {("xsd", "XSD")}
    assert answer.findings[0].at.startswith("line ")


def test_what_is_no_xml_is_a_finding_and_no_crash():
    (finding,) = checking.check(b"<Invoice", "en16931-ubl")
    assert (finding.layer, finding.rule) == ("xsd", "XML")


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
def test_the_schema_that_was_asked_is_the_one_of_the_kind(kind):
    answer = checking.ask(write(sample("S19", kind), "en16931-ubl"), "en16931-ubl")[0]
    name = "CreditNote" if kind == "credit_note" else "Invoice"
    assert answer.rules.path.name == f"UBL-{name}-2.1.xsd"


def test_what_two_rule_sets_repeat_counts_once():
    xml = write(sample(), "facturx").replace(b">380<", b">999<")
    answers = checking.ask(xml, "facturx")
    rules = [finding.rule for answer in answers for finding in answer.findings]
    assert len(rules) == len(set(rules)) >= 1


def test_entities_of_a_file_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><Invoice>&e;</Invoice>'
    found = checking.check(entity.encode(), "en16931-ubl")
    assert found
    assert all("secret" not in finding.text for finding in found)
