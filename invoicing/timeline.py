"""What happened to one refund or document, read from the trail: one entry a verb."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.models import TrailEvent
from invoicing.models import BankFile, Period
from invoicing.states import DocumentState, FeedState, RefundState

SHOWN = 200
VERBS = {
    "propose_refund": gettext_lazy("proposed the refund"),
    "approve_refund": gettext_lazy("approved the refund"),
    "reject_refund": gettext_lazy("rejected the refund"),
    "cancel_refund": gettext_lazy("cancelled the refund"),
    "start_refund": gettext_lazy("took the refund in hand"),
    "give_back_refund": gettext_lazy("gave the refund back"),
    "mark_sent_refund": gettext_lazy("carried out the refund"),
    "mark_unknown_refund": gettext_lazy("could not tell whether the money left"),
    "resolve_unknown_refund": gettext_lazy("decided what had happened"),
    "fail_refund": gettext_lazy("marked the refund as failed"),
    "reverse_refund": gettext_lazy("noted that the money came back"),
    "confirm_refund": gettext_lazy("saw the money in a settlement"),
    "match_refunds": gettext_lazy("matched Amazon's money"),
    "assign_money": gettext_lazy("said what Amazon's money means"),
    "import_report": gettext_lazy("imported a report"),
    "change_lane_refund": gettext_lazy("let the refund go another way"),
    "confirm_paid_refund": gettext_lazy("saw the transfer on the bank statement"),
    "accept_difference_refund": gettext_lazy("accepted the other amount"),
    "make_bank_file": gettext_lazy("put it into a bank file"),
    "execute_bank_file": gettext_lazy("said that the bank carried it out"),
    "withdraw_bank_file": gettext_lazy("withdrew the bank file"),
    "collect_refunds": gettext_lazy("put it into a feed"),
    "hand_over": gettext_lazy("took the file up"),
    "create_feed": gettext_lazy("began to hand the file over"),
    "submit_feed": gettext_lazy("handed the file over"),
    "adopt_feed": gettext_lazy("found a feed at Amazon that fits"),
    "put_off_feed": gettext_lazy("put the file off"),
    "refuse_feed": gettext_lazy("noted that Amazon refused the file"),
    "lose_feed": gettext_lazy("got no answer"),
    "look_for_feed": gettext_lazy("looked for the file at Amazon"),
    "look_at_feed": gettext_lazy("asked Amazon where the file stands"),
    "keep_feed_report": gettext_lazy("kept the processing report"),
    "cancel_feed": gettext_lazy("noted that Amazon cancelled the file"),
    "end_feed": gettext_lazy("ended the file"),
    "demo.setup": gettext_lazy("set up the demo"),
    "sweep_feeds": gettext_lazy("looked what became of the feed"),
    "keep_report": gettext_lazy("kept the processing report"),
    "post_ledger": gettext_lazy("booked it"),
    "refresh_matches": gettext_lazy("compared all sides"),
    "hand_over_match": gettext_lazy("handed the exception over"),
    "note_match": gettext_lazy("wrote down what is known"),
    "explain_match": gettext_lazy("explained the exception"),
    "reopen_match": gettext_lazy("opened the exception again"),
    "close_period": gettext_lazy("closed the month"),
    "reopen_period": gettext_lazy("reopened the month"),
    "issue_invoice": gettext_lazy("asked for the invoice"),
    "record_invoice": gettext_lazy("recorded the invoice"),
    "record_credit_note": gettext_lazy("recorded Amazon's credit note"),
    "issue_credit_note": gettext_lazy("issued the credit note"),
    "number_document": gettext_lazy("numbered the document"),
    "issue_document": gettext_lazy("checked the document, stored its files"),
    "claim_document": gettext_lazy("took the document up"),
    "decide_treatment": gettext_lazy("decided its tax treatment anew"),
    "accept_finding": gettext_lazy("accepted Amazon's figures"),
    "cancel_invoice": gettext_lazy("cancelled the invoice"),
    "correct_invoice": gettext_lazy("corrected the invoice"),
    "issue_again": gettext_lazy("issued the invoice again"),
    "meet_buyer": gettext_lazy("took over the buyer of its order"),
    "reverse_credit_note": gettext_lazy("took the credit note back"),
    "discard_correction": gettext_lazy("threw the correction away"),
    "follow_supplies": gettext_lazy("wrote it from Amazon's tax data"),
    "place_hold": gettext_lazy("placed a legal hold"),
    "lift_hold": gettext_lazy("lifted the legal hold"),
}
_STATES = {
    "invoicing.refund": dict(RefundState.choices),
    "invoicing.document": dict(DocumentState.choices),
    "invoicing.feed": dict(FeedState.choices),
    "invoicing.bankfile": dict(BankFile.State.choices),
    "invoicing.period": dict(Period.State.choices),
}


def of(model: str, pk: int, *also: tuple[str, int]) -> list[dict[str, Any]]:
    """The history of one row (``model`` as "invoicing.refund"), newest first; one query.

    ``also`` names rows that belong to it, such as the legal holds of a document.
    """
    rows = Q(model=model, obj=str(pk))
    for other, key in also:
        rows |= Q(model=other, obj=str(key))
    found = TrailEvent.objects.filter(rows).order_by("-at")[:SHOWN]
    events = sorted(found, key=_order, reverse=True)
    grouped: dict[Any, dict[str, Any]] = {}
    for event in events:
        context = event.context or {}
        verb = context.get("verb", "")
        entry = grouped.setdefault(
            event.context_id or event.key,
            {
                "at": event.at,
                "who": context.get("name") or _("unknown"),
                "what": VERBS.get(verb) or verb.replace("_", " "),
                "reason": context.get("reason", ""),
            },
        )
        state = event.data.get("state", "")
        entry.setdefault("note", str(_STATES.get(event.model, {}).get(state, state)))
    return list(grouped.values())


def _order(event: TrailEvent) -> tuple[Any, int]:
    """Changes of one transaction share its time; their event rows are counted up."""
    return event.at, int(event.key.rpartition(":")[2])
