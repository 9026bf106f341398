"""Asks the official rules about one XML file: XML schema, EN 16931, the profile's own, France's.

What the answers mean to a clerk is in `sentences.py`, who asks and when in `invoicing/gate.py`.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree

from invoicing.einvoice import rulesets, saxon
from invoicing.einvoice.rulesets import RuleSet

_XS = "http://www.w3.org/2001/XMLSchema"
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


def warm(keys: Iterable[str], *, french: bool = True) -> None:
    """Compile the rules of the given profiles in this process."""
    for key in keys:
        saxon.warm([rules.path for rules in rulesets.rule_sets(key, french=french)])
        _schema(tuple(rules.path for rules in rulesets.schemas(key)))


def _ask_schema(xml: bytes, key: str) -> Answer:
    schemas = rulesets.schemas(key)
    try:
        document = etree.fromstring(xml, _SAFE)
    except etree.XMLSyntaxError as error:
        return Answer(schemas[0], (RuleFinding("xsd", "XML", "fatal", "", str(error)),))
    with _schemas:
        schema = _schema(tuple(rules.path for rules in schemas))
        schema.validate(document)
        errors = [(error.line, error.message) for error in schema.error_log]
    root = etree.QName(document).localname
    asked = next((rules for rules in schemas if f"-{root}-" in rules.path.name), schemas[0])
    return Answer(
        asked, tuple(RuleFinding("xsd", "XSD", "fatal", f"line {n}", text) for n, text in errors)
    )


@cache
def _schema(paths: tuple[Path, ...]) -> etree.XMLSchema:
    """One schema of several files: UBL's invoice and credit note share nearly all their types."""
    whole = etree.Element(f"{{{_XS}}}schema")
    for path in paths:
        space = etree.parse(path).getroot().get("targetNamespace")
        place = {"namespace": space, "schemaLocation": path.as_uri()}
        etree.SubElement(whole, f"{{{_XS}}}import", place)
    return etree.XMLSchema(whole)
