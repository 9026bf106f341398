"""A rule id becomes a sentence that a clerk can act on."""

import pytest

from invoicing.einvoice import rulesets, sentences
from invoicing.einvoice.checking import RuleFinding
from invoicing.einvoice.schematron import compile_schematron
from invoicing.einvoice.skeleton import read_skeleton

OURS = {"XML", "XSD"}


def said(rule, text="[X] shall be"):
    return str(sentences.sentence(RuleFinding("cen", rule, "fatal", "/", text)))


def installed_rules():
    """The ids of all checks of the rule files that are here."""
    files = [rules.path for rules, _ in rulesets._installed() if rules.layer != "xsd"]
    compiled = [
        compile_schematron(path) if path.suffix == ".sch" else read_skeleton(path) for path in files
    ]
    return OURS | {check.rule for rules in compiled for check in rules.checks}


@pytest.mark.parametrize(("rule", "words"), [
    ("BR-CO-15", "do not add up"),
    ("BR-AE-02", "The buyer's VAT id is missing"),
    ("BR-DE-15", "Leitweg-ID"),
    ("DE-R-015", "Leitweg-ID"),
    ("BR-CL-22", "VATEX"),
    ("PEPPOL-EN16931-CL008", "e-mail address is none in Peppol"),
    ("BR-FR-10_BT-30", "SIREN"),
    ("BR-DEC-14", "more decimals"),
    ("XSD", "schema"),
])  # fmt: skip
def test_a_known_rule_says_what_to_do(rule, words):
    assert words in said(rule)


def test_an_unknown_rule_speaks_for_itself_with_its_id():
    text = "[BR-51]-An invoice should never include a card number."
    assert said("BR-51", text) == "Rule BR-51: An invoice should never include a card number."
    assert said("FX-SCH", "100 % of it") == "Rule FX-SCH: 100 % of it"


def test_every_rule_with_a_sentence_exists_in_an_official_set():
    """A rule set that renames its rules is noticed; without RULES_DIR the packaged ones are."""
    ids, unknown = installed_rules(), []
    for rule in sentences._SENTENCES:
        start = rule.removesuffix("*")
        known = any(one.startswith(start) for one in ids) if rule.endswith("*") else rule in ids
        unknown += [] if known else [rule]
    if rulesets.unusable():
        foreign = ("BR-DE-", "PEPPOL-", "DK-", "SE-", "IT-", "BR-CL-", "CII-")
        unknown = [rule for rule in unknown if not rule.startswith(foreign)]
    assert unknown == []


def test_no_rule_has_two_sentences():
    listed = [rule for rules in sentences._SAME.values() for rule in rules]
    assert len(listed) == len(set(listed))


def test_sentences_are_plain_words_without_business_terms():
    for template in sentences._SAME:
        assert "%" not in template
        assert "BG-" not in template
        assert template.endswith(".")
