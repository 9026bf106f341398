"""Asks the official rules about one XML file: XML schema, EN 16931, the profile's own, France's.

What the answers mean to a clerk is in `sentences.py`, who asks and when in `invoicing/gate.py`.
"""

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree

from invoicing.einvoice import rulesets, saxon
from invoicing.einvoice.profiles import PROFILES
from invoicing.einvoice.rulesets import RuleSet

_SAFE = etree.XMLParser(resolve_entities=False, no_network=True)
_schemas = threading.Lock()  # a schema keeps the errors of its last document


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What one rule says: `flag` fatal | warning | information, `at` an XPath or a line."""

    layer: str
    rule: str
    flag: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule file and what it found."""

    rules: RuleSet
    findings: tuple[RuleFinding, ...]


def check(xml: bytes, key: str, *, french: bool = False) -> list[RuleFinding]:
    """Return what the rules of profile `key` find in `xml`, warnings and information included.

    `french`: the buyer sits in France, so the French CTC rules are asked too. A file that breaks
    its schema is asked nothing else. Raises LookupError when rules are not installed.
    """
    answers = ask(xml, key, french=french)
    return [finding for answer in answers for finding in answer.findings]


def ask(xml: bytes, key: str, *, french: bool = False) -> list[Answer]:
    """Like `check`, as one answer per rule file. What two sets repeat counts for the first."""
    rules = rulesets.rule_sets(key, french=french)
    first = _ask_schema(xml, key)
    if first.findings:
        return [first]
    answers, seen = [first], set()
    for rule_set, hits in zip(rules, saxon.find(xml, [one.path for one in rules]), strict=True):
        new = [RuleFinding(rule_set.layer, *hit) for hit in hits if hit.rule not in seen]
        seen |= {finding.rule for finding in new}
        answers.append(Answer(rule_set, tuple(new)))
    return answers


def warm(keys: list[str], *, french: bool = True) -> None:
    """Compile the rules of the given profiles in this process."""
    for key in keys:
        saxon.warm([rules.path for rules in rulesets.rule_sets(key, french=french)])
        roots = ["Invoice", "CreditNote"] if PROFILES[key].syntax == "ubl" else [""]
        for root in roots:
            _schema(rulesets.schema(key, root).path)


def _ask_schema(xml: bytes, key: str) -> Answer:
    try:
        document = etree.fromstring(xml, _SAFE)
    except etree.XMLSyntaxError as error:
        broken = RuleFinding("xsd", "XML", "fatal", "", str(error))
        return Answer(rulesets.schema(key, "Invoice"), (broken,))
    root = etree.QName(document).localname
    rules = rulesets.schema(key, root if root == "CreditNote" else "Invoice")
    with _schemas:
        schema = _schema(rules.path)
        schema.validate(document)
        errors = [(error.line, error.message) for error in schema.error_log]
    return Answer(
        rules, tuple(RuleFinding("xsd", "XSD", "fatal", f"line {n}", text) for n, text in errors)
    )


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))
