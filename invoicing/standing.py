"""Which invoice of a supply stands after corrections, and what that means for other drafts.

How much of an invoice is left is counted in `credited.py`; who corrects it is `corrections.py`.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from invoicing.credited import of_order
from invoicing.models import Document, DocumentLine
from invoicing.models.document import Kind
from invoicing.states import CAP_GROUP, DocumentState, Occasion

SALES = (Occasion.SUPPLY, Occasion.CORRECTION)
# These take another document back as it was, parties included.
MIRRORS = (Occasion.CANCELLATION, Occasion.REVERSAL)


def current(order_ids: Iterable[int]) -> QuerySet[Document]:
    """The invoices of the orders that credits refer to: on record, the latest of each supply."""
    sold = Document.objects.filter(order_id__in=set(order_ids), kind=Kind.INVOICE)
    sold = sold.filter(occasion__in=SALES).exclude(state=DocumentState.DRAFT)
    return sold.order_by("order_id", "shipment_id", "-revision").distinct("order_id", "shipment_id")


def waits(document: Document) -> bool:
    """Whether a corrected invoice must wait: something is left of the invoice it replaces."""
    if document.occasion != Occasion.CORRECTION:
        return False
    return any(of_order(document.order_id).left(document.corrects_id).values())


def follow_correction(draft: Document) -> bool:
    """Point a refund's draft credit note to the invoices that replaced those it was drafted for.

    Its lines keep amounts and rates. Returns whether it moved; the caller holds the lines' lock.
    """
    if draft.kind != Kind.CREDIT_NOTE or draft.occasion in MIRRORS or draft.corrects is None:
        return False
    lines = draft.lines.select_related("original__document")
    rows = list(lines.defer("original__document__payload"))
    named = {draft.corrects} | {row.original.document for row in rows if row.original}
    latest = {invoice.shipment_id: invoice for invoice in current([draft.order_id])}
    replaced = {
        old.pk: latest[old.shipment_id]
        for old in named
        if old.occasion in SALES and old.revision < latest[old.shipment_id].revision
    }
    if not replaced:
        return False
    _move(rows, replaced)
    draft.corrects = replaced.get(draft.corrects_id, draft.corrects)
    draft.save(update_fields=["corrects"])
    return True


def mirrored(document: Document) -> dict | None:
    """The stored payload of the document that a cancellation or reversal takes back, if ours."""
    return document.corrects.payload if document.occasion in MIRRORS else None


def _move(rows: list[DocumentLine], replaced: dict[int, Document]) -> None:
    charged = DocumentLine.objects.filter(document__in=replaced.values(), net__gte=0)
    now = {
        (row.document_id, row.order_line_id, CAP_GROUP[row.component]): row
        for row in charged.order_by("-position")
    }
    for row in rows:
        if row.original and (invoice := replaced.get(row.original.document_id)):
            key = (invoice.pk, row.order_line_id, CAP_GROUP[row.component])
            row.original = now.get(key, row.original)
            row.save(update_fields=["original"])
