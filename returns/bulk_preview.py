"""What a bulk verb would do with the chosen RMAs: how many, how much, and which cannot."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from config.core.money import ZERO
from returns import words_of_verbs
from returns.models import RMA
from returns.states import State

POSSIBLE = {
    "approve": (State.REQUESTED,),
    "assign": tuple(state for state in State if state != State.CLOSED),
}


@dataclass
class Preview:
    """RMAs that can, those that cannot with the sentence, and value per currency of the first."""

    can: list[RMA] = field(default_factory=list)
    cannot: list[tuple[str, str]] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, Decimal]:
        """Currency → value of what can be done."""
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for rma in self.can:
            sums[rma.currency] += rma.value
        return dict(sums)


def preview(verb: str, rmas: Iterable[RMA]) -> Preview:
    """Sort RMAs by whether their state allows the verb; the verb itself decides again."""
    found = Preview()
    for rma in rmas:
        if rma.state in POSSIBLE[verb]:
            found.can.append(rma)
        else:
            found.cannot.append((rma.number, words_of_verbs.impossible(rma, verb)))
    return found
