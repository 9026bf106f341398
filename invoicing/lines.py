"""Rows of drafts: their words, categories and the table per rate that belongs to them.

Which rows a document has is decided in `drafting.py` and `supplies.py`; cents and the page come
from `exact.py` and `paper.py`.
"""

from collections.abc import Iterator
from decimal import Decimal

from config.core.money import ZERO
from invoicing import texts
from invoicing.category import category_of, rate_of
from invoicing.inserting import insert
from invoicing.models import Document, DocumentLine, DocumentTax, TaxFact
from invoicing.models.document import Kind
from invoicing.states import Component
from invoicing.tax_groups import COMPONENTS, Group
from orders.models import OrderLine


def new_line(
    document: Document,
    line: OrderLine,
    component: str,
    *,
    quantity: int,
    net: Decimal,
    tax: Decimal,
    given: Decimal | None,
    **more,
) -> DocumentLine:
    """An unsaved line; ``given`` is the rate the report gave, if it gave one."""
    return DocumentLine(
        document=document,
        order_line=line,
        component=component,
        sku=line.sku,
        description=_description(document, line, component, net),
        quantity=quantity,
        net=net,
        tax=tax,
        gross=net + tax,
        rate=rate_of(net, tax, given, document.currency),
        **more,
    )


def _description(document: Document, line: OrderLine, component: str, net: Decimal) -> str:
    """The goods by their title; everything else by its name in the document's language."""
    title = line.title or line.sku
    if component == Component.ITEM and net >= 0:
        return title
    name = component
    if document.kind == Kind.INVOICE and net < 0:
        name = "promotion"
    return f"{texts.component(name, document.language)}: {title}"[:500]


def fact_rows(
    document: Document, group: Group, invoice: Document | None = None
) -> list[DocumentLine]:
    """Unsaved rows of a document from a group's facts: per fact its components, as Amazon has them.

    On a credit note amounts are positive and each row names the line of ``invoice``. Promotions are
    netted already.
    """
    originals = {
        (row.order_line_id, row.component): row
        for row in (invoice.lines.filter(net__gte=0) if invoice else ())
    }
    rows: list[DocumentLine] = []
    for fact in sorted(group.facts, key=lambda fact: (fact.order_line_id, fact.pk)):
        for component, net, tax in _amounts(fact):
            original = originals.get((fact.order_line_id, component))
            rows.append(
                new_line(
                    document,
                    fact.order_line,
                    component,
                    quantity=fact.quantity if component == Component.ITEM else 0,
                    net=net,
                    tax=tax,
                    given=original.rate if original else getattr(fact, f"{component}_rate"),
                    position=len(rows) + 1,
                    original=original,
                    category=_category(fact, original),
                )
            )
    return rows


def _amounts(fact: TaxFact) -> Iterator[tuple]:
    sign = 1 if fact.transaction_type == TaxFact.Type.SHIPMENT else -1
    for component in COMPONENTS:
        net = sign * getattr(fact, f"{component}_net")
        tax = sign * getattr(fact, f"{component}_tax")
        if net or tax or component == Component.ITEM:
            yield component, net, tax


def _category(fact: TaxFact, original: DocumentLine | None) -> str:
    """The original's; export as Amazon says it; else decided from the facts of the order."""
    if original is not None:
        return original.category
    return "G" if fact.export and fact.item_tax == ZERO else ""


def store_lines(rows: list[DocumentLine]) -> None:
    """Store lines of drafts and the table per category and rate that belongs to them.

    A row without a category gets the one its invoice, or the facts of its order, gave untaxed rows.
    """
    _categorise(rows)
    insert(rows)
    table: dict[tuple[int, str, Decimal], DocumentTax] = {}
    for row in rows:
        key = (row.document_id, row.category, row.rate)
        tax = table.setdefault(
            key,
            DocumentTax(
                document_id=row.document_id,
                category=row.category,
                rate=row.rate,
                base=ZERO,
                tax=ZERO,
            ),
        )
        tax.base += row.net
        tax.tax += row.tax
    insert(table.values())


def _categorise(rows: list[DocumentLine]) -> None:
    open_rows = [row for row in rows if not _taxed(row) and row.category in ("", "S")]
    known = _untaxed_categories(open_rows)
    decided: dict[int, str] = {}
    for row in rows:
        if _taxed(row):
            row.category = row.category or "S"
        elif row.category in ("", "S"):
            row.category = known.get(row.document.corrects_id, "")
            if not row.category:
                if row.document_id not in decided:
                    decided[row.document_id] = category_of(row.document)
                row.category = decided[row.document_id]


def _taxed(row: DocumentLine) -> bool:
    return bool(row.rate or row.tax)


def _untaxed_categories(rows: list[DocumentLine]) -> dict[int, str]:
    """The category an invoice (by id) gave its untaxed lines; its credit notes keep it."""
    wanted = {row.document.corrects_id for row in rows} - {None}
    if not wanted:
        return {}
    found = DocumentTax.objects.filter(document_id__in=wanted, rate=0)
    return dict(found.values_list("document_id", "category"))
