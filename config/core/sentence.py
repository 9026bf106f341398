"""A sentence that explains a number or a verdict: a template with its values, kept apart.

Pure: imports no ORM and no Django settings. English is rendered here; pages translate the
template with gettext and render the same values. What the sentences say lives with the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from config.core.money import format_number

Value = str | int | Decimal


def gettext_noop(message: str) -> str:
    """Mark a template for makemessages. Django's own needs settings, pure modules have none."""
    return message


@dataclass(frozen=True)
class Sentence:
    """A python-format template (`%(name)s`) and its values; `str()` gives plain English."""

    template: str
    params: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return self.render()

    def render(self, translate: Callable[[str], str] = gettext_noop, language: str = "en") -> str:
        """Return the text; `translate` is usually gettext. Decimals are grouped per language."""
        values = {
            name: format_number(value, language) if isinstance(value, Decimal) else value
            for name, value in self.params
        }
        return translate(self.template) % values

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; decimals become {"decimal": "386.10"} so that they come back."""
        return {
            "template": self.template,
            "params": {
                name: {"decimal": format(value, "f")} if isinstance(value, Decimal) else value
                for name, value in self.params
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sentence:
        """Read what `to_json` wrote."""
        return say(
            data["template"],
            **{
                name: Decimal(value["decimal"]) if isinstance(value, dict) else value
                for name, value in data["params"].items()
            },
        )


def say(template: str, **params: Value) -> Sentence:
    """Build a Sentence; values are sorted by name, so equal sentences compare equal."""
    return Sentence(template, tuple(sorted(params.items())))
