"""The gate: everything a document must pass before it may take a number.

Our own invariants to the cent, then the XML in every profile the document has, then the official
rules on it. Spends nothing, writes nothing, holds no lock: it may be asked about a draft as often
as one likes. The printed page is checked later by `pdf_checks.py`.
"""

from dataclasses import dataclass, field
from typing import Any

from config.core.sentence import Sentence
from invoicing.einvoice import checking, profiles, rulesets, sentences, writing
from invoicing.particulars import check_particulars
from invoicing.payload import Payload, canonical_json

OURS = "particulars"  # the layer of our own invariants; the others are those of the profiles


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stops the issue: `code` a rule id or a key of ours, `layer` who found it,
    `sentence` for the clerk, `at` where (an XPath, a line, or empty).
    """

    code: str
    layer: str
    sentence: Sentence
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        """As stored on a draft; the sentence keeps its values apart, so pages translate it."""
        return {
            "code": self.code,
            "layer": self.layer,
            "sentence": self.sentence.to_json(),
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class GateReport:
    """The verdict: `findings` (empty: the document may be issued), `layers` what was asked in
    which version, `files` the XML by profile as it was checked.
    """

    findings: list[Finding]
    layers: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Nothing was found, warnings included."""
        return not self.findings

    def to_json(self) -> str:
        """Canonical JSON of verdict and layers; the files are kept as files."""
        return canonical_json(
            {
                "passed": self.passed,
                "findings": [finding.to_json() for finding in self.findings],
                "layers": self.layers,
            }
        )


def check(payload: Payload) -> GateReport:
    """Ask all rules about a document; the first group that finds something ends the questions.

    Groups: particulars (law and exact cents), what the profiles want said, then schema and rules
    of every file. The number may be a placeholder. Our own papers allow no warning either.
    """
    findings, layers = _own(payload)
    if findings:
        return GateReport(findings, layers)
    files = writing.files(payload)
    for key, xml in files.items():
        for answer in checking.ask(xml, key, french=profiles.french_rules(key, payload)):
            findings += [_finding(found) for found in answer.findings]
            layers.append(_layer(key, answer))
    return GateReport(_once(findings), layers, files)


def warm() -> None:
    """Compile what every document is asked: for a worker process, after it was forked.

    Rules of other profiles and of France are compiled by the first document that needs them
    (0.1 to 0.3 s each, once): each costs memory that a seller without such buyers need not spend.
    """
    checking.warm([profiles.FACTURX], french=False)


def _own(payload: Payload) -> tuple[list[Finding], list[dict[str, Any]]]:
    found = [Finding(one.code, OURS, one.sentence) for one in check_particulars(payload)]
    for key in dict.fromkeys((profiles.FACTURX, *payload.profiles)):
        if reason := rulesets.refusal(key):
            found.append(Finding("rules_missing", OURS, reason, key))
        found += [
            Finding("profile", OURS, sentence, key)
            for sentence in profiles.missing_for(key, payload)
        ]
    return found, [{"profile": "", "name": OURS, "source": "retour", "version": "",
                    "sha256": "", "findings": len(found)}]  # fmt: skip


def _finding(found: checking.RuleFinding) -> Finding:
    return Finding(found.rule, found.layer, sentences.sentence(found), found.at)


def _layer(key: str, answer: checking.Answer) -> dict[str, Any]:
    rules = answer.rules
    return {
        "profile": key,
        "name": rules.layer,
        "source": f"{rules.path.name} ({rules.source})",
        "version": rules.version(),
        "sha256": rules.sha256(),
        "findings": len(answer.findings),
    }


def _once(findings: list[Finding]) -> list[Finding]:
    """The same rule may fire in several files of one document; the clerk reads it once."""
    return list({(one.code, str(one.sentence)): one for one in reversed(findings)}.values())[::-1]
