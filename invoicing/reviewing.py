"""What a person looks at before an invoice goes out: rows of ours disagree with Amazon's figures.

Amazon's figure wins, once somebody has said so: an accepted doubt is no finding any more, as long
as it says the same. What no person may wave through is in `gate.py` and `issuing.py`.
"""

from django.utils import timezone

from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import category, rates, vies
from invoicing.gate import Finding
from invoicing.models import Document
from invoicing.numbering import check_ours, lock_document, send_to_worker
from invoicing.payload import Payload
from invoicing.refund_row import need_reason
from invoicing.states import DocumentState, Occasion

LAYER = "review"
ACCEPTABLE = ("treatment", "rate_unknown", "vies_waiting")


def doubts(document: Document, payload: Payload) -> list[Finding]:
    """What differs and nobody accepted yet: tax treatment, rate, the buyer's id at VIES."""
    found = [
        *category.check_treatment(document, payload),
        *rates.check_rates(payload),
        *vies.check_answers(payload),
    ]
    accepted = [(row["code"], row["sentence"]) for row in document.accepted]
    return [
        Finding(one.code, LAYER, one.sentence)
        for one in found
        if (one.code, one.sentence.to_json()) not in accepted
    ]


def accept_finding(document: Document, *, by, code: str, reason: str) -> Document:
    """Say that Amazon's figure is right although ours differ, and have the draft issued.

    The reason stays with the document. Refused: "forbidden", "reason", "state", "not_acceptable".
    """
    require(by, "invoicing.issue_document")
    with trail("accept_finding", by=by, reason=need_reason(reason)):
        locked = lock_document(document.pk)
        check_ours(locked)
        waved = [row for row in locked.findings if row["code"] == code and code in ACCEPTABLE]
        if not waved:
            raise Refused("not_acceptable", "This finding cannot be accepted: correct the facts.")
        how = {"by": by.get_username(), "reason": reason.strip(), "at": timezone.now().isoformat()}
        locked.accepted = [*locked.accepted, *(row | how for row in waved)]
        _release(locked)
        locked.due_at = timezone.now()
        locked.save(update_fields=["accepted", "due_at"])
        send_to_worker(locked.pk)
    return locked


def _release(invoice: Document) -> None:
    """Once nothing of a corrected invoice is in doubt, the cancellation that waited falls due."""
    accepted = [(row["code"], row["sentence"]) for row in invoice.accepted]
    if any((row["code"], row["sentence"]) not in accepted for row in invoice.findings):
        return
    notes = Document.objects.filter(corrects=invoice.corrects_id, state=DocumentState.DRAFT)
    for note in notes.filter(occasion=Occasion.CANCELLATION, due_at=None):
        note.due_at = timezone.now()
        note.save(update_fields=["due_at"])
        send_to_worker(note.pk)
