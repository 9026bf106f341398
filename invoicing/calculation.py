"""What a refund is made of: calculated lines, each with its amount and the sentence behind it.

Pure types and their canonical form; no ORM. How the amounts come about is calculated in the room
above (returns/refund.py), or read from Amazon's own refund.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from config.core.money import ZERO
from config.core.sentence import Sentence

Component = Literal["item", "shipping", "gift_wrap", "restocking_fee", "return_freight", "goodwill"]


@dataclass(frozen=True)
class Reason:
    """Why: a stable code, what it does to the outcome, its sentence, and the line it is about."""

    code: str
    says: Sentence
    line: str | None = None
    weight: str = "inside"

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return str(self.says)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the English sentence included for whoever reads the row."""
        return {
            "code": self.code,
            "line": self.line,
            "weight": self.weight,
            "sentence": self.sentence,
            "says": self.says.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reason:
        """Read what `to_json` wrote."""
        says = Sentence.from_json(data["says"])
        return cls(data["code"], says, data["line"], data["weight"])


@dataclass(frozen=True)
class CalculatedLine:
    """Money of one component: net + tax = gross, the original rate, and why it is this much."""

    order_line: str
    origin: str
    component: Component
    quantity: int
    net: Decimal
    tax: Decimal
    rate: Decimal | None
    rule: str
    says: Sentence

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return str(self.says)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON with decimals as text."""
        return {
            "order_line": self.order_line,
            "origin": self.origin,
            "component": self.component,
            "quantity": self.quantity,
            "net": format(self.net, "f"),
            "tax": format(self.tax, "f"),
            "gross": format(self.gross, "f"),
            "rate": None if self.rate is None else format(self.rate, "f"),
            "rule": self.rule,
            "sentence": self.sentence,
            "says": self.says.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CalculatedLine:
        """Read what `to_json` wrote; sums and English text are derived again."""
        return cls(
            order_line=data["order_line"],
            origin=data["origin"],
            component=data["component"],
            quantity=data["quantity"],
            net=Decimal(data["net"]),
            tax=Decimal(data["tax"]),
            rate=None if data["rate"] is None else Decimal(data["rate"]),
            rule=data["rule"],
            says=Sentence.from_json(data["says"]),
        )


@dataclass(frozen=True)
class Calculation:
    """The refund: its lines, their sum, the policy version, and what was cut or refused and why.

    `floored`: a deduction was cut, or nothing is left to pay. Without `pays` there is no refund
    and no document.
    """

    currency: str
    lines: tuple[CalculatedLine, ...]
    policy_version: str
    floored: bool = False
    reasons: tuple[Reason, ...] = ()

    @property
    def net(self) -> Decimal:
        """Sum of the lines' net."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def tax(self) -> Decimal:
        """Sum of the lines' tax."""
        return sum((line.tax for line in self.lines), ZERO)

    @property
    def gross(self) -> Decimal:
        """Net plus tax: what the buyer gets back."""
        return self.net + self.tax

    @property
    def pays(self) -> bool:
        """Whether any money goes back."""
        return self.gross > 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, decimals as text, keys always in this order."""
        return {
            "currency": self.currency,
            "net": format(self.net, "f"),
            "tax": format(self.tax, "f"),
            "gross": format(self.gross, "f"),
            "policy_version": self.policy_version,
            "floored": self.floored,
            "lines": [line.to_json() for line in self.lines],
            "reasons": [reason.to_json() for reason in self.reasons],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calculation:
        """Read what `to_json` wrote."""
        return cls(
            currency=data["currency"],
            lines=tuple(CalculatedLine.from_json(line) for line in data["lines"]),
            policy_version=data["policy_version"],
            floored=data["floored"],
            reasons=tuple(Reason.from_json(reason) for reason in data["reasons"]),
        )


def content_hash(
    calculation: Calculation | Mapping[str, Any],
    lane: str,
    extra: Mapping[str, str | int | bool | None] | None = None,
) -> str:
    """Return the sha-256 (hex) of what is approved: calculation, lane, and what else binds.

    ``calculation`` may be what `Calculation.to_json` wrote: hashed as it is stored.
    """
    for name, value in (extra or {}).items():
        if isinstance(value, float):
            raise TypeError(f"no floats in what is approved: {name}={value!r}")
    stored = calculation.to_json() if isinstance(calculation, Calculation) else dict(calculation)
    content = {"calculation": stored, "lane": lane, "extra": dict(extra or {})}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
