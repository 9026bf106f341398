"""The verbs of documents: issue or record an invoice, number, render, hand out the stored file.

Drafts are made in `drafting.py`, numbers given in `numbering.py`, credit notes follow their refund
in `crediting.py`; doors find all of them here.
"""

import hashlib
from datetime import date

import structlog
from django.db import transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import paper
from invoicing.caps import lock_lines
from invoicing.crediting import check_number, issue_credit_note, record_credit_note
from invoicing.drafting import draft_credit_note, invoice_lines, new_document, store_lines
from invoicing.issuing import require_ours
from invoicing.models import Artifact, Document, Download
from invoicing.models.document import Issuer, Kind
from invoicing.numbering import lock_document, number, number_locked
from invoicing.payload import Payload
from invoicing.states import DocumentState
from orders.models import Order

log = structlog.get_logger(__name__)
__all__ = [
    "draft_credit_note",
    "file_of",
    "finish_numbered",
    "issue_credit_note",
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
        require_ours(order)
        document = _draft_invoice(order, Issuer.RETOUR, by)
        findings = number_locked(lock_document(document.pk))
    if findings:
        raise Refused("gate", " ".join(finding["sentence"] for finding in findings))
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


def render_numbered(document_id: int) -> bool:
    """Render a numbered document once and store the file; True when it is issued now.

    A document that another worker is rendering, or that is issued, is left alone.
    """
    from invoicing.render import render  # loads Pango and fonts, which only this needs

    with trail("issue_document", by=User.objects.system()):
        rows = Document.objects.select_for_update(skip_locked=True, of=("self",))
        document = rows.filter(pk=document_id, state=DocumentState.NUMBERED).first()
        if document is None:
            return False
        rendered = render(Payload.from_json(document.payload))
        if hashlib.sha256(rendered.pdf).hexdigest() != rendered.sha256:
            raise ValueError("the rendered file is not what its hash says")
        Artifact.objects.create(
            document=document,
            kind="pdf",
            content=rendered.pdf,
            sha256=rendered.sha256,
            size=len(rendered.pdf),
            versions=dict(rendered.versions),
        )
        document.state, document.issued_at = DocumentState.ISSUED, timezone.now()
        document.save(update_fields=["state", "issued_at"])
    return True


def finish_numbered(limit: int = 100) -> int:
    """Render what is numbered but not issued, oldest first; returns how many were finished.

    One that cannot be rendered is logged and tried again next time; it never holds up the others.
    """
    waiting = Document.objects.filter(state=DocumentState.NUMBERED).order_by("pk")
    finished = 0
    for pk in list(waiting.values_list("pk", flat=True)[:limit]):
        try:
            finished += render_numbered(pk)
        except Exception:
            log.exception("document_not_rendered", document=pk)
    return finished


def file_of(document: Document, *, by, kind: str = "pdf") -> Artifact:
    """The stored file, the same bytes every time; the download is written down."""
    require(by, "invoicing.view_document")
    artifact = Artifact.objects.filter(document=document, kind=kind).first()
    if artifact is None:
        raise Refused("no_file", _why_no_file(document))
    with transaction.atomic():
        Download.objects.create(document=document, by=by)
    return artifact


def _why_no_file(document: Document) -> str:
    if document.issuer != Issuer.RETOUR:
        who = document.get_issuer_display()
        return f"{who} issued this document; Retour knows its number and date, not its file."
    if document.state == DocumentState.NUMBERED:
        return "The file is being made and will be here within a minute."
    return "A draft has no file yet: it gets one when it is numbered."


def _check_facts(order: Order) -> None:
    if not order.facts_complete or order.marketplace_id is None:
        raise Refused(
            "facts_incomplete",
            f"Order {order.amazon_order_id} is known by name only. Import the orders report that "
            "holds it first.",
        )


def _draft_invoice(order: Order, issuer: str, by) -> Document:
    """A fresh draft under the lock of the order's lines; an invoice on record is refused."""
    lock_lines([order.pk])
    known = Document.objects.filter(order=order, kind=Kind.INVOICE).first()
    if known and known.state != DocumentState.DRAFT:
        raise Refused("invoice_known", f"The invoice of this order is on record: {known.number}.")
    if known:
        known.delete()
    document = new_document(order, Kind.INVOICE, issuer, by, origin="order")
    rows = invoice_lines(order, document)
    if not rows:
        raise Refused("nothing", "This order has no line to invoice: all of them are cancelled.")
    document.net = sum(row.net for row in rows)
    document.tax = sum(row.tax for row in rows)
    document.gross = document.net + document.tax
    document.save()
    store_lines(rows)
    return document
