"""Why a refund is this much: each of its figures with the rows and rules behind it.

Reads only, a fixed number of queries. The sentence of a figure is the calculation's own; here stand
the policy version, the inspection, the liability, what was paid and refunded before, the papers,
the bookings and the money, and the same calculation done once more from its frozen basis.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext

from config.core.display import percent
from invoicing.calculation import Calculation
from invoicing.models import DocumentLine, JournalLine, MoneyFact, Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.states import CAP_GROUP, Component
from returns import basis
from returns.balance import AlreadyRefunded, PaidLine
from returns.models import Inspection, RMALine


@dataclass
class Figure:
    """One line of a refund, and everything that made it or came of it."""

    line: RefundLine
    sentence: str
    paid: PaidLine | None = None
    before: list[AlreadyRefunded] = field(default_factory=list)
    rma_line: RMALine | None = None
    inspections: list[Inspection] = field(default_factory=list)
    papers: list[DocumentLine] = field(default_factory=list)
    bookings: list[JournalLine] = field(default_factory=list)
    facts: list[MoneyFact] = field(default_factory=list)
    heading: str = ""  # where lines of the ledger lead, which know order line and component

    @property
    def rate(self) -> str:
        """The rate as people write it."""
        return percent(self.line.rate)

    @property
    def part(self) -> Any:
        """Net, tax and rate paid for what the figure draws on; None without a frozen basis."""
        return self.paid and getattr(self.paid, CAP_GROUP[Component(self.line.component)])


@dataclass(frozen=True)
class Proof:
    """The calculation done again: ``same`` is None where no basis was kept."""

    same: bool | None
    gross: Decimal | None = None
    rules: Any = None


def figures(refund: Refund) -> list[Figure]:
    """The refund's lines, each with its sources and its consequences."""
    lines = list(refund.lines.select_related("order_line").order_by("order_line_id", "pk"))
    said = _sentences(refund)
    found = [
        Figure(line, said.get((line.order_line_id, line.origin, line.component), line.sentence))
        for line in lines
    ]
    _name_headings(found)
    _add_basis(refund, found)
    _add_case(refund, found)
    _add_consequences(refund, found)
    return found


def recomputed(refund: Refund) -> Proof:
    """Calculate once more from the frozen basis and compare every cent, line by line."""
    inputs = basis.from_json(refund.basis)
    if inputs is None:
        return Proof(None)
    again, stored = inputs.calculate(), Calculation.from_json(refund.calculation)
    rules = inputs.rules if isinstance(inputs, basis.OfReturn) else None
    return Proof(again == stored and again.gross == refund.gross, again.gross, rules)


def _sentences(refund: Refund) -> dict[tuple[int, str, str], str]:
    """The calculation's sentences in the reader's language."""
    if refund.source != Source.RETOUR:
        return {}
    language = get_language() or "en"
    return {
        (int(one.order_line), one.origin, one.component): one.says.render(gettext, language)
        for one in Calculation.from_json(refund.calculation).lines
    }


def _name_headings(found: list[Figure]) -> None:
    """``of-<order line>-<component>`` for the first figure of each pair, its own id for others."""
    named = set()
    for figure in found:
        pair = f"of-{figure.line.order_line_id}-{figure.line.component}"
        figure.heading = pair if pair not in named else f"line-{figure.line.pk}-title"
        named.add(pair)


def _add_basis(refund: Refund, found: list[Figure]) -> None:
    inputs = basis.from_json(refund.basis)
    if inputs is None:
        return
    rows = inputs.paid if isinstance(inputs, basis.OfReturn) else (inputs.paid,)
    paid = {row.order_line: row for row in rows}
    for figure in found:
        key = str(figure.line.order_line_id)
        figure.paid = paid.get(key)
        figure.before = [row for row in inputs.already if row.order_line == key]


def _add_case(refund: Refund, found: list[Figure]) -> None:
    """The RMA line each figure names, and what was seen of its goods before it was proposed."""
    if not refund.origin.startswith("RMA-"):
        return
    lines = RMALine.objects.filter(rma__number=refund.origin).select_related("rma")
    by_position = {line.position: line for line in lines}
    seen = Inspection.objects.filter(rma__number=refund.origin, at__lte=refund.proposed_at)
    inspections = list(seen.select_related("by").order_by("at", "pk"))
    for figure in found:
        figure.rma_line = by_position.get(_position(figure.line.origin))
        if figure.rma_line:
            own = figure.rma_line.pk
            figure.inspections = [row for row in inspections if row.line_id == own]


def _position(origin: str) -> int:
    """ "RMA-2026-000123/2/1" → 2; 0 where the origin names no line."""
    parts = origin.split("/")
    return int(parts[1]) if len(parts) > 2 and parts[1].isdecimal() else 0


def _add_consequences(refund: Refund, found: list[Figure]) -> None:
    papers = DocumentLine.objects.filter(document=refund.document_id).select_related("document")
    bookings = JournalLine.objects.filter(journal__refund=refund).select_related("journal__period")
    facts = refund.money_facts.select_related("settlement").order_by("posted_at", "pk")
    _share(found, papers.order_by("position"), _same_component, "papers")
    _share(found, bookings.order_by("journal_id", "pk"), _same_component, "bookings")
    _share(found, facts, _same_component, "facts")


def _same_component(figure: Figure, row: Any) -> bool:
    line = figure.line
    return line.order_line_id == row.order_line_id and line.component == row.component


def _share(
    found: list[Figure], rows: Iterable[Any], belongs: Callable[[Figure, Any], bool], name: str
) -> None:
    """Hand each row to the first figure it belongs to."""
    for row in rows:
        figure = next((one for one in found if belongs(one, row)), None)
        if figure:
            getattr(figure, name).append(row)
