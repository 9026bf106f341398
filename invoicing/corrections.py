"""Corrections, only by new documents: cancel an invoice, write it anew, take a credit note back.

Each verb drafts what is needed and makes it due; `documents.py` gates, numbers and issues it. What
is left of an invoice is counted in `credited.py` under the lock of the order's lines.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from config.core.money import ZERO, Split
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import numbering, paper, refund_row, vies
from invoicing.caps import lock_lines
from invoicing.credited import of_order, pieces_left
from invoicing.drafting import fee_invoices, new_document, store_lines
from invoicing.gate import Finding
from invoicing.issuing import is_amazons_credit, require_turn
from invoicing.models import Document, DocumentLine, Refund
from invoicing.models.document import Issuer, Kind
from invoicing.refund_row import need_reason
from invoicing.reviewing import ACCEPTABLE
from invoicing.standing import SALES, current, waits
from invoicing.states import (
    CAP_GROUP,
    UNPAID,
    Component,
    DocumentState,
    Occasion,
    RefundState,
)

REVIEW = "Nothing is issued yet: accept it on the new invoice's draft, or throw the draft away."
# Kept on what the seller decided; what the supply was stays as it was invoiced.
_OF_THE_SUPPLY = ("shipment_id", "whole_order", "mode")


def cancel_invoice(document: Document, *, by, reason: str) -> Document:
    """Take an invoice back: draft the credit note over everything still creditable, due now.

    Per order line, component group and rate, in the invoice's currency. Refused: "forbidden",
    "reason", "kind", "state", "amazon_issues", "replaced", "waiting", "nothing".
    """
    require(by, "invoicing.correct_document")
    with trail("cancel_invoice", by=by, reason=need_reason(reason)):
        invoice = _locked_invoice(document.pk)
        note = _take_back(invoice, by)
        _issue_after_commit(note.pk)
    return note


def correct_invoice(document: Document, *, by, reason: str) -> Document:
    """Cancel an invoice and write it anew for what is left, with today's facts about the buyer.

    For a wrong address, name or VAT id; amounts, rates and categories stay Amazon's. Nothing is
    kept when the gate would stop one of both ("gate"); doubts that a person may accept leave both
    as drafts until then ("review"). Else both are due, and the new invoice, which is returned, is
    numbered only once nothing is left of the old one. Refused otherwise as `cancel_invoice`, and
    "kind" for an invoice of fees.
    """
    require(by, "invoicing.correct_document")
    reason = need_reason(reason)
    with trail("correct_invoice", by=by, reason=reason):
        invoice = _locked_invoice(document.pk)
        if invoice.occasion not in SALES:
            raise Refused("kind", "Only the invoice of a supply is written anew; cancel this one.")
        note = _take_back(invoice, by, due=False)
        anew = _write_anew(invoice, note, by)
    _gate_then_issue(invoice, [note, anew], by, reason)
    return anew


def issue_again(document: Document, *, by, reason: str) -> Document:
    """Write an invoice anew that was cancelled by mistake: what its cancellation took back.

    With today's facts about the buyer; amounts, rates and categories stay Amazon's. Nothing is
    kept when the gate would stop it ("gate"), "review" is as in `correct_invoice`. Refused
    otherwise: "forbidden", "reason", "kind", "state", "stands", "replaced", "waiting", and as
    `issuing.require_turn`.
    """
    require(by, "invoicing.correct_document")
    reason = need_reason(reason)
    with trail("issue_again", by=by, reason=reason):
        invoice = _locked_invoice(document.pk)
        note = cancellation_of(invoice)
        if note is None:
            raise Refused("stands", f"{invoice.number} is not cancelled: correct it instead.")
        if any(of_order(invoice.order_id).left(invoice.pk).values()):
            raise Refused("stands", f"Something is charged with {invoice.number} again: cancel "
                          "that first.")  # fmt: skip
        if invoice.occasion not in SALES:
            raise Refused("kind", "Only the invoice of a supply is issued again.")
        require_turn(invoice)
        anew = _write_anew(invoice, note, by)
    _gate_then_issue(invoice, [anew], by, reason)
    return anew


def cancellation_of(invoice: Document) -> Document | None:
    """The issued credit note that took the whole rest of an invoice back, if there is one."""
    notes = Document.objects.filter(corrects=invoice, occasion=Occasion.CANCELLATION)
    return notes.filter(state=DocumentState.ISSUED).order_by("pk").last()


def _gate_then_issue(invoice: Document, drafts: list[Document], by, reason: str) -> None:
    """Make the drafts due when the gate would pass all of them, else throw them away; what only a
    person's word is missing for waits for it.
    """
    try:  # without a lock: the rules take their time
        found = [one for draft in drafts for one in _gate(draft, by)]
    except Exception:
        with trail("correct_invoice", by=by, reason=reason):
            _throw_away(_locked_pair(invoice.pk))
        raise
    doubtful = all(one.code in ACCEPTABLE for one in found)
    with trail("correct_invoice", by=by, reason=reason):
        lock_lines([invoice.order_id])
        pair = _locked_pair(invoice.pk)
        if not doubtful:
            _throw_away(pair)
        for row in pair if doubtful else ():
            if not found:
                row.due_at = timezone.now()
            elif row.occasion == Occasion.CORRECTION:
                row.findings, row.gated_at = [one.to_json() for one in found], timezone.now()
            row.save(update_fields=["due_at", "findings", "gated_at"])
        if not found:
            # The invoice follows when its cancellation has its number (`numbering.send_followers`).
            _issue_after_commit(*(row.pk for row in pair if row.occasion != Occasion.CORRECTION))
    if found:
        said = " ".join(str(one.sentence) for one in found)
        raise Refused("review", f"{said} {REVIEW}") if doubtful else Refused("gate", said)


def reverse_credit_note(document: Document, *, by, reason: str) -> Document:
    """Take a credit note back by an invoice that names it: its refund failed or was reversed.

    The invoice of a fee kept from the refund is cancelled with it. A failed refund may be approved
    again; then it gets a credit note of its own. Refused: "forbidden", "reason", "kind", "state",
    "amazon_issues", "money_left", "waiting".
    """
    require(by, "invoicing.correct_document")
    with trail("reverse_credit_note", by=by, reason=need_reason(reason)):
        refund = _lock_refund(document)
        lock_lines([document.order_id])
        note = _on_record(document.pk, Kind.CREDIT_NOTE)
        _check_not_reversed(note)
        _check_not_in_correction(note)
        invoice, cancelled = _reverse(note, by), _take_fees_back(note, by)
        if refund.state == RefundState.FAILED:
            refund.document = None
            refund.version += 1
            refund.save(update_fields=["document", "version"])
        _issue_after_commit(invoice.pk, *cancelled)
    return invoice


def to_take_back() -> QuerySet[Document]:
    """Credit notes of ours that stand although the buyer does not have their money, oldest first.

    The tax they lowered is owed again: `reverse_credit_note` is the next step.
    """
    notes = Document.objects.filter(
        kind=Kind.CREDIT_NOTE, issuer=Issuer.RETOUR, state=DocumentState.ISSUED
    )
    unpaid = notes.filter(refund__state__in=UNPAID)
    back = Document.objects.filter(corrects=OuterRef("pk"), occasion=Occasion.REVERSAL)
    return unpaid.filter(~Exists(back)).order_by("id")


def discard(document: Document, *, by, reason: str) -> None:
    """Throw away a cancellation that the gate stopped, and the invoice that waits for it.

    No number was spent. Refused: "forbidden", "reason", "state".
    """
    require(by, "invoicing.correct_document")
    with trail("discard_correction", by=by, reason=need_reason(reason)):
        lock_lines([document.order_id])
        pair = _locked_pair(document.corrects_id)
        if document.pk not in {row.pk for row in pair}:
            raise Refused("state", "Only a draft of a cancellation or correction is thrown away.")
        if all(row.occasion == Occasion.CORRECTION and row.due_at for row in pair) and not any(
            map(waits, pair)
        ):
            raise Refused("state", "The cancellation has its number: the invoice must follow it.")
        _throw_away(pair)


# --- What may be corrected -----------------------------------------------------------------------


def _locked_invoice(pk: int) -> Document:
    """The invoice under the lock of its order's lines, when it may be taken back."""
    lock_lines(Document.objects.filter(pk=pk).values_list("order_id", flat=True))
    invoice = _on_record(pk, Kind.INVOICE)
    if invoice.occasion == Occasion.REVERSAL:
        raise Refused("kind", "This invoice takes a credit note back; credit again by a refund.")
    if invoice.occasion in SALES:
        latest = current([invoice.order_id]).filter(shipment_id=invoice.shipment_id).first()
        if latest and latest.pk != invoice.pk:
            raise Refused("replaced", f"Invoice {latest.number} replaced this one: take that one.")
    _check_nothing_waits(invoice)
    return invoice


def _on_record(pk: int, kind: str) -> Document:
    rows = Document.objects.select_related("order__marketplace", "order__buyer", "seller")
    document = rows.select_related("corrects__corrects", "marketplace").get(pk=pk)
    if document.kind != kind:
        wanted = str(Kind(kind).label).lower()
        raise Refused(
            "kind", f"{document} is not {'an' if wanted[0] in 'aeiou' else 'a'} {wanted}."
        )
    if document.state != DocumentState.ISSUED:
        raise Refused("state", "Only an issued document is corrected; a draft is written anew.")
    invoice = document if kind == Kind.INVOICE else document.corrects
    if document.issuer == Issuer.AMAZON or is_amazons_credit(invoice):
        raise Refused(
            "amazon_issues",
            f"Amazon issued {document.number}: ask Amazon to correct it and record what it issues.",
        )
    return document


def _check_nothing_waits(invoice: Document) -> None:
    """No credit of this invoice and no correction is on its way: it would count twice."""
    waiting = Document.objects.exclude(state=DocumentState.ISSUED).filter(order=invoice.order_id)
    siblings = waiting.filter(lines__original__document=invoice) | waiting.filter(corrects=invoice)
    if other := siblings.select_related("refund").distinct().first():
        what = f"{other.get_kind_display()} {other}"
        raise Refused("waiting", f"{what} of this invoice is not issued yet. Issue it or throw it "
                      "away first, then correct what is left.")  # fmt: skip


def _lock_refund(note: Document) -> Refund:
    """The refund of a credit note, locked; its money must not be with the buyer."""
    refund = Refund.objects.filter(document=note.pk).first()
    if refund is None:
        raise Refused("kind", "This credit note belongs to no refund; it cannot be taken back.")
    refund = refund_row.one(refund.key)
    if refund.state not in UNPAID:
        state = refund.get_state_display().lower()
        raise Refused(
            "money_left",
            f"Its refund is {state}: the buyer keeps the money, so the credit note stays.",
        )
    return refund


def _check_not_reversed(note: Document) -> None:
    known = Document.objects.filter(corrects=note, occasion=Occasion.REVERSAL).first()
    if known:
        raise Refused("waiting", f"{known.get_kind_display()} {known} takes it back already.")


def _check_not_in_correction(note: Document) -> None:
    """What charges an invoice again while it is being cancelled would leave its successor waiting
    for good.
    """
    touched = {note.corrects_id, *note.lines.values_list("original__document", flat=True)}
    if draft := next((row for pk in touched if pk for row in _locked_pair(pk)), None):
        raise Refused("waiting", f"{draft.corrects} is being corrected: try again when {draft} is "
                      "issued.")  # fmt: skip


# --- Drafts --------------------------------------------------------------------------------------


def _locked_pair(invoice_id: int | None) -> list[Document]:
    """Drafts that cancel an invoice and write it anew, locked, the cancellation first."""
    drafts = Document.objects.filter(corrects=invoice_id, state=DocumentState.DRAFT)
    pair = drafts.filter(occasion__in=(Occasion.CANCELLATION, Occasion.CORRECTION))
    return list(pair.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _throw_away(drafts: list[Document]) -> None:
    for row in drafts:
        row.delete()


def _gate(draft: Document, by) -> list[Finding]:
    """What the gate and a second look would say of a draft; VIES is asked first."""
    rows = Document.objects.select_related(*numbering.JOINED)
    vies.ensure(fresh := rows.get(pk=draft.pk), by=by)
    return numbering.look(fresh).report.findings


def _take_back(invoice: Document, by, *, due: bool = True) -> Document:
    """Draft the cancellation: one line per order line, component group and rate that is left."""
    note = _draft(invoice.order, Kind.CREDIT_NOTE, Occasion.CANCELLATION, invoice, by)
    note.due_at = timezone.now() if due else None
    note.tax_point, note.language = paper.today_of(invoice.seller), invoice.language
    rows = _rest_lines(invoice, note)
    if not rows:
        raise Refused("nothing", f"Nothing is left of {invoice.number}: it is credited in full.")
    return _store(note, rows)


def _write_anew(invoice: Document, note: Document, by) -> Document:
    """Draft the invoice that replaces one: the cancelled lines, the buyer as known today."""
    anew = _draft(invoice.order, Kind.INVOICE, Occasion.CORRECTION, invoice, by)
    anew.revision, anew.tax_point = invoice.revision + 1, invoice.tax_point
    anew.accepted = invoice.accepted
    return _store(anew, [_copy(row, anew, None) for row in note.lines.order_by("position")])


def _reverse(note: Document, by) -> Document:
    """Draft the invoice that takes a credit note back, line by line."""
    invoice = _draft(note.order, Kind.INVOICE, Occasion.REVERSAL, note, by)
    invoice.tax_point, invoice.language = note.corrects.tax_point, note.language
    invoice.due_at = timezone.now()
    return _store(invoice, [_copy(row, invoice, row) for row in note.lines.order_by("position")])


def _take_fees_back(note: Document, by) -> list[int]:
    """Cancel the fees that were billed beside a credit note; returns the ids of the drafts."""
    fees = fee_invoices([note.pk]).select_related("order", "seller")
    drafts = fees.filter(state=DocumentState.DRAFT).select_for_update(of=("self",), no_key=True)
    _throw_away(drafts)
    if fees.filter(state=DocumentState.NUMBERED).exists():
        raise Refused("waiting", "The invoice of its fee is being issued: try again in a minute.")
    charged = [fee for fee in fees if any(of_order(fee.order_id).left(fee.pk).values())]
    return [_take_back(fee, by).pk for fee in charged]


def _draft(order, kind: str, occasion: str, corrected: Document, by) -> Document:
    more = {name: getattr(corrected, name) for name in _OF_THE_SUPPLY}
    return new_document(
        order,
        kind,
        Issuer.RETOUR,
        by,
        occasion=occasion,
        corrects=corrected,
        origin=corrected.origin,
        **more,
    )


def _store(document: Document, rows: list[DocumentLine]) -> Document:
    document.net = sum((row.net for row in rows), ZERO)
    document.tax = sum((row.tax for row in rows), ZERO)
    document.gross = document.net + document.tax
    document.save()
    store_lines(rows)
    return document


def _rest_lines(invoice: Document, note: Document) -> list[DocumentLine]:
    """Unsaved lines over what is left, in the order of the invoice's lines."""
    left = of_order(invoice.order_id).left(invoice.pk)
    pieces = pieces_left(invoice)
    charged = invoice.lines.filter(net__gte=0).select_related("order_line").order_by("position")
    rows: list[DocumentLine] = []
    for line in charged:
        group = CAP_GROUP[line.component]
        rest = left.pop((invoice.pk, line.order_line_id, group, line.rate), Split()).floor()
        if not rest:
            continue
        row = _copy(line, note, line, position=len(rows) + 1)
        row.net, row.tax, row.gross = rest.net, rest.tax, rest.gross
        row.quantity = pieces.get(line.order_line_id, 0) if line.component == Component.ITEM else 0
        rows.append(row)
    return rows


def _copy(
    row: DocumentLine, document: Document, original: DocumentLine | None, position: int = 0
) -> DocumentLine:
    """An unsaved line like ``row`` on another document."""
    return DocumentLine(
        document=document,
        position=position or row.position,
        order_line=row.order_line,
        original=original,
        component=row.component,
        sku=row.sku,
        description=row.description,
        quantity=row.quantity,
        net=row.net,
        tax=row.tax,
        gross=row.gross,
        rate=row.rate,
        category=row.category,
        sentence=row.sentence,
    )


def _issue_after_commit(*document_ids: int) -> None:
    """Ask a worker to issue the drafts in this order; without a broker the sweeper does it."""
    from invoicing.tasks import issue_document, publish

    def hurry() -> None:
        for pk in document_ids:
            publish(issue_document, pk)

    transaction.on_commit(hurry)
