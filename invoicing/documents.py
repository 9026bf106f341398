"""The verbs of documents: issue or record an invoice, ask again, hand out the stored file.

Drafts are made in `drafting.py`, numbers given in `numbering.py`, files made in `finishing.py`,
credit notes follow their refund in `crediting.py`; doors find all of them here.
"""

from datetime import date

from django.db import transaction
from django.utils import timezone

from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import paper
from invoicing.caps import lock_lines
from invoicing.crediting import check_number, issue_credit_note, record_credit_note
from invoicing.drafting import draft_credit_note, invoice_lines, new_document, store_lines
from invoicing.finishing import finish_documents, issue_due, render_numbered
from invoicing.issuing import require_whole_order
from invoicing.models import Artifact, Document, DocumentLine, Download
from invoicing.models.document import Issuer, Kind
from invoicing.numbering import check_turn, lock_document, number, number_now, send_to_worker
from invoicing.reviewing import accept_finding
from invoicing.standing import SALES
from invoicing.states import DocumentState
from orders.models import Order

CHANGED = ("changed", "The facts of this document are changing right now: try it again.")
__all__ = [
    "accept_finding",
    "ask_again",
    "draft_credit_note",
    "file_of",
    "finish_documents",
    "issue_credit_note",
    "issue_due",
    "issue_invoice",
    "number",
    "record_credit_note",
    "record_invoice",
    "render_numbered",
]


def issue_invoice(order: Order, *, by) -> Document:
    """Issue the order's invoice from its facts: one an order, only where we issue.

    What the gate finds is stored on the draft and refused with code "gate"; calling again writes
    the draft anew.
    """
    require(by, "invoicing.issue_document")
    with trail("issue_invoice", by=by):
        _check_facts(order)
        require_whole_order(order)
        document = _draft_invoice(order, Issuer.RETOUR, by)
    try:
        number_now(document.pk, by=by, verb="issue_invoice")
    except Document.DoesNotExist as error:
        raise Refused(*CHANGED) from error
    except Refused as refused:
        if refused.code == "state":
            _refuse_known(order)
        raise
    return Document.objects.select_related("order").get(pk=document.pk)


def record_invoice(
    order: Order, *, by, number: str, issue_date: date, issuer: str = Issuer.AMAZON
) -> Document:
    """Record the invoice that Amazon or an earlier system issued: number, date, lines as ordered.

    ``issuer`` is "amazon" or "earlier". Replaces a draft of ours.
    """
    require(by, "invoicing.record_document")
    if issuer not in (Issuer.AMAZON, Issuer.EARLIER):
        raise Refused("issuer", "Say whether Amazon or an earlier system issued it.")
    with trail("record_invoice", by=by):
        _check_facts(order)
        document = _draft_invoice(order, issuer, by)
        document.number, document.issue_date = check_number(order, number), issue_date
        document.tax_point = paper.supply_date(order) or issue_date
        document.state = DocumentState.ISSUED
        document.save()
    return document


def ask_again(document: Document, *, by) -> Document:
    """Have a draft checked and issued by a worker, or a numbered document's file made, now.

    What was found before is looked at afresh; the sweeper would try it again by itself, but later.
    """
    require(by, "invoicing.issue_document")
    with trail("ask_again", by=by):
        locked = lock_document(document.pk)
        if locked.state == DocumentState.NUMBERED:
            locked.gated_at = None
        else:
            check_turn(locked)
            locked.due_at = timezone.now()
        locked.save(update_fields=["due_at", "gated_at"])
        send_to_worker(locked.pk)
    return locked


def file_of(document: Document, *, by, kind: str = "pdf") -> Artifact:
    """The stored file, the same bytes every time; the download is written down."""
    require(by, "invoicing.view_document")
    artifact = Artifact.objects.filter(document=document, kind=kind).first()
    if artifact is None:
        raise Refused("no_file", _why_no_file(document))
    with transaction.atomic():
        Download.objects.create(document=document, kind=kind, by=by)
    return artifact


def _why_no_file(document: Document) -> str:
    if document.issuer != Issuer.RETOUR:
        who = document.get_issuer_display()
        return f"{who} issued this document; Retour knows its number and date, not its file."
    if document.state == DocumentState.NUMBERED:
        return "The file is being made and will be here soon."
    return "A draft has no file yet: it gets one when it is numbered."


def _check_facts(order: Order) -> None:
    if order.erasures.exists():
        raise Refused("erased", "The documents of this order were erased after their time; it "
                      "gets no new ones.")  # fmt: skip
    if not order.facts_complete or order.marketplace_id is None:
        raise Refused(
            "facts_incomplete",
            f"Order {order.amazon_order_id} is known by name only. Import the orders report that "
            "holds it first.",
        )


def _refuse_known(order: Order) -> None:
    known = Document.objects.filter(order=order, kind=Kind.INVOICE, occasion__in=SALES)
    if invoice := known.exclude(state=DocumentState.DRAFT).first():
        raise Refused("invoice_known", f"The invoice of this order is on record: {invoice.number}.")


def _draft_invoice(order: Order, issuer: str, by) -> Document:
    """The draft under the lock of the order's lines: the one there is, if it says the same, so that
    two who issue at once work on one; an invoice on record is refused.
    """
    lock_lines([order.pk])
    _refuse_known(order)
    document = new_document(order, Kind.INVOICE, issuer, by, origin="order")
    rows = invoice_lines(order, document)
    if not rows:
        raise Refused("nothing", "This order has no line to invoice: all of them are cancelled.")
    document.net = sum(row.net for row in rows)
    document.tax = sum(row.tax for row in rows)
    document.gross = document.net + document.tax
    for known in Document.objects.filter(order=order, kind=Kind.INVOICE, occasion__in=SALES):
        if _says_the_same(known, document, rows):
            return known
        known.delete()
    document.save()
    store_lines(rows)
    return document


def _says_the_same(known: Document, document: Document, rows: list[DocumentLine]) -> bool:
    header = ("issuer", "buyer_id", "currency", "language", "net", "tax")
    line = ("order_line_id", "component", "sku", "description", "quantity", "net", "tax", "rate")
    return [getattr(known, name) for name in header] == [
        getattr(document, name) for name in header
    ] and list(known.lines.values_list(*line)) == [
        tuple(getattr(row, name) for name in line) for row in rows
    ]
