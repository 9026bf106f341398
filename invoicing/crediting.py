"""The credit document of a refund whose money left: ours due for its number, or Amazon's recorded.

Every sent or confirmed refund has one, or a visible reason why not: findings on its draft, or
Amazon's document not recorded yet.
"""

from collections.abc import Collection
from datetime import date

import structlog
from django.db import transaction
from django.utils import timezone

from config.core.refused import Refused
from config.core.roles import require
from config.core.sentence import say
from config.core.trail import trail
from invoicing import refund_row
from invoicing.caps import lock_lines
from invoicing.drafting import (
    credit_document,
    draft_credit_note,
    fee_invoices,
    invoice_of,
    invoices_of,
    share_rows,
    spread_lines,
    store_lines,
)
from invoicing.issuing import is_amazons_credit
from invoicing.models import Document, Refund
from invoicing.models.document import Issuer
from invoicing.numbering import number_now, send_to_worker
from invoicing.states import MONEY_LEFT, DocumentState

log = structlog.get_logger(__name__)


def write_credit_note(refund: Refund, *, by) -> None:
    """Have the credit note of a locked refund issued, now that its money left: drafted where it is
    missing, due from now on, gated and numbered by a worker after the commit.

    Never raises for what concerns the paper, because the transaction also holds the fact that money
    left. Nothing to do where Amazon writes the credit note.
    """
    try:
        with transaction.atomic():
            document = _draft(refund, by)
            if document is not None:
                _due(document)
    except Refused as refusal:
        log.warning("credit_note_waits", refund=str(refund.key), code=refusal.code)
    except Exception as error:
        log.exception("credit_note_failed", refund=str(refund.key))
        _keep_finding(refund, type(error).__name__)


def issue_credit_note(refund: Refund, *, by) -> Document:
    """Draft and number the credit note of a refund that Amazon made, where we issue documents.

    Findings are stored on the draft and refused with code "gate", as in `numbering.number`.
    """
    require(by, "invoicing.issue_document")
    with trail("issue_credit_note", by=by):
        locked = refund_row.one(refund.key)
        _check_money_left(locked)
        if locked.document_id and locked.document.state != DocumentState.DRAFT:
            raise Refused("state", f"Its credit note is {locked.document.number} already.")
        document = _draft(locked, by)
    if document is None:
        raise Refused("amazon_issues", "Amazon writes this credit note: record its number.")
    return number_now(document.pk, by=by, verb="issue_credit_note")


def record_credit_note(refund: Refund, *, by, number: str, issue_date: date) -> Document:
    """Record the credit note that Amazon issued for a refund: its number and date.

    Lines are the refund's. A draft of ours, made before Amazon's was known, is thrown away.
    """
    require(by, "invoicing.record_document")
    with trail("record_credit_note", by=by):
        locked = refund_row.one(refund.key)
        _check_money_left(locked)
        invoice = invoice_of(locked.order)
        if not is_amazons_credit(invoice):
            raise Refused("we_issue", "We issue the credit notes of this order ourselves: "
                          "number the draft instead.")  # fmt: skip
        lock_lines([locked.order_id])
        _without_draft(locked)
        document = _record(locked, by, check_number(locked.order, number), issue_date)
        locked.document = document
        locked.version += 1
        locked.save(update_fields=["document", "version"])
        refund_row.tell([locked.pk])
    return document


def throw_away(draft_ids: Collection[int]) -> None:
    """Delete drafts of credit notes, and of the fee invoices beside them; no number was spent."""
    fee_invoices(draft_ids).filter(state=DocumentState.DRAFT).delete()
    Document.objects.filter(pk__in=draft_ids, state=DocumentState.DRAFT).delete()


def check_number(order, number: str) -> str:
    """A number as entered, without blanks; an empty or known one is refused."""
    number = number.strip()
    if not number:
        raise Refused("number", "Enter the number printed on the document.")
    known = Document.objects.filter(seller_id=order.seller_id, number=number)
    if other := known.select_related("order").first():
        raise Refused("number_known", f"{number} is on record already, for order {other.order}.")
    return number


def _without_draft(refund: Refund) -> None:
    """Part a locked refund from a draft of ours; a document on record is refused."""
    if refund.document is None:
        return
    if refund.document.state != DocumentState.DRAFT:
        raise Refused("state", f"Its credit note is on record: {refund.document}.")
    draft_id, refund.document = refund.document_id, None
    refund.save(update_fields=["document"])
    throw_away([draft_id])


def _check_money_left(refund: Refund) -> None:
    if refund.state not in MONEY_LEFT:
        raise Refused("not_sent", "The credit note follows the money: this refund is not sent yet.")


def _due(note: Document) -> None:
    """A credit note falls due, and the restocking fee's own invoice with it; the note may have its
    number already, where its refund failed and was carried out once more.
    """
    if note.state == DocumentState.DRAFT:
        note.due_at = timezone.now()
        note.save(update_fields=["due_at"])
        send_to_worker(note.pk)
    drafts = fee_invoices([note.pk]).filter(state=DocumentState.DRAFT, due_at=None)
    for pk in list(drafts.values_list("pk", flat=True)):
        Document.objects.filter(pk=pk).update(due_at=timezone.now())
        send_to_worker(pk)


def _draft(refund: Refund, by) -> Document | None:
    """The refund's credit document, drafted where it is missing; None where Amazon writes it."""
    if refund.document_id is None:
        if is_amazons_credit(invoice_of(refund.order)):
            return None
        refund.document = draft_credit_note(refund, by=by)
        refund.save(update_fields=["document"])
    rows = Document.objects.select_for_update(of=("self",), no_key=True)
    return rows.get(pk=refund.document_id)


def _keep_finding(refund: Refund, what: str) -> None:
    said = say("The credit note could not be written (%(name)s). Ask for it again.", name=what)
    finding = {"code": "fault", "layer": "", "sentence": said.to_json(), "at": ""}
    drafts = Document.objects.filter(pk=refund.document_id, state=DocumentState.DRAFT)
    drafts.update(findings=[finding])


def _record(refund: Refund, by, number: str, issue_date: date) -> Document:
    invoices = invoices_of([refund.order_id])
    lines = list(refund.lines.order_by("pk").select_related("order_line"))
    shares = spread_lines([refund], invoices, lines)[refund.pk]
    document = credit_document(
        refund,
        shares,
        invoices[refund.order_id],
        by,
        issuer=Issuer.AMAZON,
        number=number,
        issue_date=issue_date,
        tax_point=refund.sent_on or issue_date,
    )
    document.save()
    store_lines(share_rows(document, shares))
    document.state = DocumentState.ISSUED
    document.save(update_fields=["state"])
    return document
