"""What a check says: a code for machines and a sentence for the clerk. A leaf."""

from dataclasses import dataclass

from config.core.sentence import Sentence, Value, say


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stops the issue: `code` for machines, `sentence` for the clerk."""

    code: str
    sentence: Sentence


def finding(code: str, template: str, **params: Value) -> Finding:
    """Build a finding; the template is python-format, the values keep their types."""
    return Finding(code, say(template, **params))
