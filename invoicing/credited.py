"""How much of an invoice its credit notes took back, and what a new one would take too much.

Per invoice, order line, cap group and rate: Σ credited − Σ reversed ≤ invoiced, net and tax each on
its own. Reads only; who locks first is in `numbering.py`. What was paid is capped in `caps.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from config.core.money import Split
from invoicing.models import Document, DocumentLine
from invoicing.models.document import Kind
from invoicing.states import CAP_GROUP, Component, DocumentState, Occasion

# Invoice id (or credit note id, of what reversals take back), order line id, cap group, rate.
Key = tuple[int | None, int, str, Decimal | None]
Sums = dict[Key, Split]
PAPERS = ("document", "document__corrects", "original__document")


@dataclass
class Credited:
    """Sums of an order's numbered and recorded documents.

    ``invoiced`` and ``credited`` are per invoice, credits less what was reversed; ``noted`` and
    ``reversed`` are per credit note.
    """

    invoiced: Sums = field(default_factory=lambda: defaultdict(Split))
    credited: Sums = field(default_factory=lambda: defaultdict(Split))
    noted: Sums = field(default_factory=lambda: defaultdict(Split))
    reversed: Sums = field(default_factory=lambda: defaultdict(Split))

    def left(self, invoice_id: int) -> Sums:
        """What can still be credited of one invoice, per key."""
        return {
            key: split - self.credited[key]
            for key, split in self.invoiced.items()
            if key[0] == invoice_id
        }


def of_order(order_id: int, *, without: int | None = None) -> Credited:
    """The sums of one order; ``without`` leaves out the draft that is about to be numbered."""
    rows = DocumentLine.objects.filter(document__order_id=order_id)
    rows = rows.exclude(document__state=DocumentState.DRAFT).exclude(document_id=without)
    return add(Credited(), rows)


def add(sums: Credited, rows: Iterable[DocumentLine]) -> Credited:
    """Add document lines, a queryset or a list, to the sums."""
    for row in _joined(rows) if hasattr(rows, "select_related") else rows:
        document, split = row.document, Split(row.net, row.tax)
        if document.kind == Kind.CREDIT_NOTE:
            sums.credited[_key(row, invoice_of_credit(row))] += split
            sums.noted[_key(row, document.pk)] += split
        elif document.occasion == Occasion.REVERSAL:
            sums.credited[_key(row, _invoice_of_reversal(row))] -= split
            sums.reversed[_key(row, document.corrects_id)] += split
        else:
            sums.invoiced[_key(row, document.pk)] += split
    return sums


def excess(document: Document) -> list[DocumentLine]:
    """The lines by which a draft would credit more than its invoices charged, or reverse more than
    its credit note gave. The caller holds the locks of the order's lines.
    """
    if document.kind == Kind.INVOICE and document.occasion != Occasion.REVERSAL:
        return []
    mine = list(_joined(document.lines.all()))
    sums = add(of_order(document.order_id, without=document.pk), mine)
    if document.kind == Kind.CREDIT_NOTE:
        return _over(mine, invoice_of_credit, sums.credited, sums.invoiced)
    return _over(mine, _credit_note_of, sums.reversed, sums.noted)


def invoice_of_credit(row: DocumentLine) -> int | None:
    """Id of the invoice that a credit note's line corrects; a credit note may touch several."""
    original = row.original
    if original is not None and original.document.kind == Kind.INVOICE:
        return original.document_id
    return row.document.corrects_id


def pieces_left(invoice: Document) -> dict[int, int]:
    """Pieces charged less pieces credited, per order line; what was reversed counts again."""
    left: dict[int, int] = defaultdict(int)
    items = DocumentLine.objects.exclude(document__state=DocumentState.DRAFT)
    items = items.filter(document__order=invoice.order_id, component=Component.ITEM)
    for row in _joined(items):
        if first(row).document_id == invoice.pk:
            left[row.order_line_id] += signed_pieces(row)
    return {line: max(pieces, 0) for line, pieces in left.items()}


def first(row: DocumentLine) -> DocumentLine:
    """The invoice line that a document's line goes back to; an invoice's own is its first."""
    while row.original is not None:
        row = row.original
    return row


def signed_pieces(row: DocumentLine) -> int:
    """Pieces charged; those credited are negative."""
    return row.quantity if row.document.kind == Kind.INVOICE else -row.quantity


def _joined(rows):
    """What the sums read of a line's document, its original and the original's; no payloads, which
    every single line would bring along again.
    """
    rows = rows.select_related("document__corrects", "original__document", "original__original")
    return rows.defer(*(f"{path}__payload" for path in PAPERS))


def _invoice_of_reversal(row: DocumentLine) -> int | None:
    credit = row.original
    if credit is not None and credit.original is not None:
        return credit.original.document_id
    note = credit.document if credit is not None else row.document.corrects
    return note.corrects_id if note is not None else None


def _credit_note_of(row: DocumentLine) -> int | None:
    return row.document.corrects_id


def _key(row: DocumentLine, document_id: int | None) -> Key:
    """The rate is the invoice line's: a credit takes it from there, whatever rounding says."""
    root = row.original or row
    root = root.original or root
    return document_id, row.order_line_id, CAP_GROUP[row.component], root.rate


def _over(
    rows: list[DocumentLine],
    target: Callable[[DocumentLine], int | None],
    taken: Sums,
    given: Sums,
) -> list[DocumentLine]:
    found = {}
    for row in rows:
        key = _key(row, target(row))
        mine, cap = taken[key], given[key]
        if mine.net > cap.net or mine.tax > cap.tax:
            found.setdefault(key, row)
    return list(found.values())
