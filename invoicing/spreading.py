"""Spreads what refunds give back over the invoice lines it was charged on, by what is left there.

A credit note may touch several invoices, such as one for each shipment; every row of it names the
invoice line it takes back. Reads only; rows of documents are made in `drafting.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from config.core.money import Split
from invoicing.credited import Credited, add, first, signed_pieces
from invoicing.models import Document, DocumentLine, RefundLine
from invoicing.models.document import Kind
from invoicing.states import CAP_GROUP, Component, DocumentState

Place = tuple[int, int, str]  # invoice id, order line id, cap group


@dataclass(frozen=True)
class Share:
    """Part of a refund line that goes to one invoice line; amounts in the refund's currency.

    ``original`` is None where no invoice charged the component.
    """

    line: RefundLine
    original: DocumentLine | None
    quantity: int
    net: Decimal
    tax: Decimal


def spread(lines: Iterable[RefundLine], invoices: Iterable[Document]) -> list[Share]:
    """Share refund lines out over invoices, in the order given; the sums of a line never change.

    One invoice that covers a line takes it whole, else each takes what is left of it, the first
    the oldest. Fees follow the item they lower. What nothing is left for stays with the last: the
    gate of the credit note says so.
    """
    room = _Room(list(invoices))
    return [share for line in lines for share in room.take(line)]


class _Room:
    """What can still be credited of the invoices, counting drafts of credit notes."""

    def __init__(self, invoices: list[Document]) -> None:
        self.left: dict[Place, Split] = defaultdict(Split)
        self.pieces: dict[Place, int] = defaultdict(int)
        self.last: dict[tuple[int, int], DocumentLine] = {}
        found = _rows_of(invoices)
        self.originals = _originals(invoices, found)
        self._count(add(Credited(), found))
        for row in found:
            self._count_pieces(row)

    def _count(self, sums: Credited) -> None:
        for (invoice, line, group, _rate), split in sums.invoiced.items():
            self.left[invoice, line, group] += split
        for (invoice, line, group, _rate), split in sums.credited.items():
            self.left[invoice, line, group] -= split

    def _count_pieces(self, row: DocumentLine) -> None:
        if row.component == Component.ITEM:
            place = (first(row).document_id, row.order_line_id, Component.ITEM)
            self.pieces[place] += signed_pieces(row)

    def take(self, line: RefundLine) -> list[Share]:
        """The shares of one line, taken out of what is left."""
        charged = self.originals.get((line.order_line_id, CAP_GROUP[line.component]), [])
        mine = (line.refund_id, line.order_line_id)
        if line.net < 0 and mine in self.last:
            charged = [self.last[mine]]
        elif whole := [row for row in charged if self._covers(row, line)]:
            charged = whole[:1]
        elif open_rows := [row for row in charged if self.left[_place(row)].net > 0]:
            charged = open_rows
        shares = _cut(line, charged, [self.left[_place(row)] for row in charged], self._pieces)
        for share in shares:
            self._remove(share, mine)
        return shares

    def _covers(self, row: DocumentLine, line: RefundLine) -> bool:
        left = self.left[_place(row)]
        return line.net <= left.net and line.tax <= left.tax

    def _pieces(self, row: DocumentLine) -> int:
        return max(self.pieces[_place(row)], 0)

    def _remove(self, share: Share, mine: tuple[int, int]) -> None:
        if share.original is None:
            return
        place = _place(share.original)
        self.left[place] -= Split(share.net, share.tax)
        if share.line.component == Component.ITEM:
            self.pieces[place] -= share.quantity
            self.last[mine] = share.original


def _rows_of(invoices: list[Document]) -> list[DocumentLine]:
    """The lines that count of the invoices' orders, each with its document, the one that corrects,
    and the lines it goes back to; every row is read once, however many lines name it.
    """
    rows = DocumentLine.objects.filter(document__order_id__in={i.order_id for i in invoices})
    counted = ~Q(document__state=DocumentState.DRAFT) | Q(document__kind=Kind.CREDIT_NOTE)
    found = list(rows.filter(counted))
    lines = {row.pk: row for row in found}
    while missing := {row.original_id for row in lines.values()} - lines.keys() - {None}:
        lines |= DocumentLine.objects.in_bulk(missing)
    papers = {invoice.pk: invoice for invoice in invoices}
    while missing := _named(lines.values(), papers.values()) - papers.keys():
        papers |= Document.objects.defer("payload").in_bulk(missing)
    for row in lines.values():
        row.document = papers[row.document_id]
        row.original = lines.get(row.original_id)
    for paper in papers.values():
        paper.corrects = papers.get(paper.corrects_id)
    return found


def _named(lines: Iterable[DocumentLine], papers: Iterable[Document]) -> set[int]:
    """Ids of the documents that the lines belong to and the papers correct."""
    return {row.document_id for row in lines} | {p.corrects_id for p in papers if p.corrects_id}


def _cut(line: RefundLine, charged: list[DocumentLine], left: list[Split], pieces) -> list[Share]:
    """Fill the invoice lines one after the other; the last takes what remains."""
    if not charged:
        return [Share(line, None, line.quantity, line.net, line.tax)]
    shares, net, tax, quantity = [], line.net, line.tax, line.quantity
    for row, rest in zip(charged[:-1], left[:-1], strict=True):
        if not net:
            break
        part = min(net, rest.net)
        part_tax = min(tax, rest.tax) if part < net else tax
        part_pieces = min(quantity, pieces(row))
        shares.append(Share(line, row, part_pieces, part, part_tax))
        net, tax, quantity = net - part, tax - part_tax, quantity - part_pieces
    if net or not shares:
        shares.append(Share(line, charged[-1], quantity, net, tax))
    return shares


def _place(row: DocumentLine) -> Place:
    return row.document_id, row.order_line_id, CAP_GROUP[row.component]


def _originals(
    invoices: list[Document], rows: list[DocumentLine]
) -> dict[tuple[int, str], list[DocumentLine]]:
    """The invoice lines per (order line, cap group), in the invoices' order; reductions are none.

    Of several rows of one invoice that mean the same the first stands for all.
    """
    rank = {invoice.pk: position for position, invoice in enumerate(invoices)}
    charged = [row for row in rows if row.document_id in rank and row.net >= 0]
    found: dict[tuple[int, str], dict[int, DocumentLine]] = {}
    for row in sorted(charged, key=lambda row: (rank[row.document_id], row.position)):
        places = found.setdefault((row.order_line_id, CAP_GROUP[row.component]), {})
        places.setdefault(row.document_id, row)
    return {key: list(places.values()) for key, places in found.items()}
