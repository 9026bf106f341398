"""What a refund was calculated from, frozen as JSON beside it, and the calculation done again.

Pure. A proposal stores its basis; recomputing it gives the same cent for ever, whatever rows or
policies say today. What the calculation itself is, is in ``refund.py`` and ``entered.py``.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cattrs import Converter

from invoicing.calculation import Calculation, Component
from returns.balance import AlreadyRefunded, PaidLine, ReturnedLine, open_balances
from returns.entered import entered_line
from returns.policy import PolicyRules
from returns.refund import calculate

_json = Converter(unstruct_collection_overrides={Set: sorted})
_json.register_unstructure_hook(Decimal, lambda value: format(value, "f"))
_json.register_structure_hook(Decimal, lambda value, _type: Decimal(value))


@dataclass(frozen=True)
class OfReturn:
    """A case's refund of one order: what was paid, went back before, comes back, and the terms."""

    paid: tuple[PaidLine, ...]
    already: tuple[AlreadyRefunded, ...]
    returned: tuple[ReturnedLine, ...]
    rules: PolicyRules

    def calculate(self) -> Calculation:
        """The amount; raises ValueError as ``refund.calculate`` does."""
        return calculate(self.paid, self.already, self.returned, self.rules)


@dataclass(frozen=True)
class OfOrder:
    """A refund without a return: one component of one line, an amount or pieces, and the words."""

    paid: PaidLine
    already: tuple[AlreadyRefunded, ...]
    component: Component
    gross: Decimal | None
    pieces: int
    note: str

    def calculate(self) -> Calculation:
        """The amount, on the balance as it was."""
        balance = open_balances([self.paid], self.already)[self.paid.order_line]
        line = entered_line(balance, self.component, self.gross, self.pieces, self.note)
        return Calculation(self.paid.currency, (line,), policy_version="")


Basis = OfReturn | OfOrder
KINDS: dict[str, type[OfReturn] | type[OfOrder]] = {"return": OfReturn, "order": OfOrder}


def to_json(basis: Basis) -> dict[str, Any]:
    """Plain JSON, decimals as text."""
    kind = next(name for name, of in KINDS.items() if isinstance(basis, of))
    return {"kind": kind, **_json.unstructure(basis)}


def from_json(data: dict[str, Any]) -> Basis | None:
    """What `to_json` wrote; None for refunds that have no basis (Amazon's, older ones)."""
    if not data:
        return None
    found: Basis = _json.structure(
        {key: value for key, value in data.items() if key != "kind"}, KINDS[data["kind"]]
    )
    return found
