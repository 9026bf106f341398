"""The verbs in words: what somebody did, and why a verb is not possible in a state."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from returns import states
from returns.models import RMA

# verb → (what the button says, what the trail says somebody did)
_WORDS = {
    "request": (gettext_lazy("request"), gettext_lazy("requested")),
    "approve": (gettext_lazy("approve"), gettext_lazy("approved")),
    "decline": (gettext_lazy("decline"), gettext_lazy("declined")),
    "withdraw": (gettext_lazy("withdraw"), gettext_lazy("withdrew")),
    "ship": (gettext_lazy("record parcel"), gettext_lazy("recorded a parcel")),
    "add_parcel": (gettext_lazy("add a parcel"), gettext_lazy("added a parcel")),
    "deliver": (gettext_lazy("record delivery"), gettext_lazy("recorded the delivery")),
    "expire": (gettext_lazy("expire"), gettext_lazy("expired")),
    "warn": (gettext_lazy("warn"), gettext_lazy("warned the buyer")),
    "extend": (gettext_lazy("give more time"), gettext_lazy("gave more time")),
    "receive": (gettext_lazy("receive"), gettext_lazy("received goods")),
    "mark_missing": (gettext_lazy("give up as missing"), gettext_lazy("gave up units as missing")),
    "inspect": (gettext_lazy("inspect"), gettext_lazy("inspected")),
    "refund": (gettext_lazy("refund"), gettext_lazy("refunded")),
    "propose_refund": (gettext_lazy("propose a refund"), gettext_lazy("proposed a refund")),
    "refund_nothing": (
        gettext_lazy("close without a refund"),
        gettext_lazy("closed it without a refund, for nothing is due"),
    ),
    "reject_goods": (gettext_lazy("reject goods"), gettext_lazy("rejected the goods")),
    "replace": (gettext_lazy("replace"), gettext_lazy("replaced the goods")),
    "void_refund": (gettext_lazy("void refund"), gettext_lazy("voided the refund")),
    "settle": (gettext_lazy("settle"), gettext_lazy("settled")),
    "reopen": (gettext_lazy("reopen"), gettext_lazy("reopened")),
    "assign": (gettext_lazy("assign"), gettext_lazy("assigned")),
    "set_liability": (gettext_lazy("set liability"), gettext_lazy("set the liability")),
    "waive_goods": (gettext_lazy("waive goods"), gettext_lazy("waived the goods")),
    "heal": (gettext_lazy("complete"), gettext_lazy("completed the order's facts")),
    "hand_over": (gettext_lazy("hand over"), gettext_lazy("handed over")),
}
# Verbs of the other rooms, as the trail says them.
_ELSEWHERE = {
    "add_evidence": gettext_lazy("added evidence"),
    "add_note": gettext_lazy("wrote a note"),
    "add_policy": gettext_lazy("added a policy"),
    "approve_refund": gettext_lazy("approved the refund"),
    "attach_buyer": gettext_lazy("named the order's buyer"),
    "cancel_refund": gettext_lazy("cancelled the refund"),
    "catch_up": gettext_lazy("brought the case up to date"),
    "choose_line": gettext_lazy("decided which line Amazon's return means"),
    "confirm_identity": gettext_lazy("decided which order line it is"),
    "confirm_refund": gettext_lazy("confirmed the refund"),
    "fail_refund": gettext_lazy("marked the refund as failed"),
    "finish_work_item": gettext_lazy("sorted something out"),
    "give_back_refund": gettext_lazy("gave the refund back"),
    "import_report": gettext_lazy("imported a report"),
    "issue_credit_note": gettext_lazy("issued the credit note"),
    "issue_document": gettext_lazy("stored the document's file"),
    "issue_invoice": gettext_lazy("asked for the invoice"),
    "link_amazon_return": gettext_lazy("tied Amazon's return to it"),
    "mail_bounced": gettext_lazy("noted that a mail came back"),
    "mark_sent_refund": gettext_lazy("carried out the refund"),
    "mark_unknown_refund": gettext_lazy("lost sight of the refund"),
    "match_refunds": gettext_lazy("matched Amazon's money"),
    "migrate": gettext_lazy("installed a release"),
    "number_document": gettext_lazy("numbered the document"),
    "record_credit_note": gettext_lazy("recorded Amazon's credit note"),
    "record_invoice": gettext_lazy("recorded the invoice"),
    "reject_refund": gettext_lazy("rejected the refund"),
    "resolve_unknown_refund": gettext_lazy("found out about the refund"),
    "reverse_refund": gettext_lazy("reversed the refund"),
    "save_address": gettext_lazy("saved an address"),
    "save_buyer": gettext_lazy("saved the buyer"),
    "save_tax_id": gettext_lazy("saved a tax id"),
    "send_message": gettext_lazy("sent a mail"),
    "say_marketplace": gettext_lazy("said which marketplace the order is of"),
    "start_refund": gettext_lazy("began the refund in Seller Central"),
    "take_back_identity": gettext_lazy("took back which order line it is"),
}


def button(verb: str) -> str:
    """The verb as its button says it."""
    return str(_WORDS[verb][0]) if verb in _WORDS else verb.replace("_", " ")


def past(verb: str) -> str:
    """What somebody did, as in "Ada approved 2 minutes ago"."""
    if verb in _WORDS:
        return str(_WORDS[verb][1])
    return str(_ELSEWHERE.get(verb, verb.replace("_", " ").replace(".", ": ")))


def standing(rma: RMA) -> str:
    """The state in words, with the reason where it is closed."""
    if rma.close_reason:
        return f"{rma.get_state_display()} ({rma.get_close_reason_display()})"
    return rma.get_state_display()


def impossible(rma: RMA, verb: str) -> str:
    """Why the verb cannot be done in the RMA's state, and what can."""
    possible = ", ".join(button(row.verb) for row in states.verbs_from(rma.state))
    template = gettext_noop("%(rma)s is %(state)s: “%(verb)s” is not possible. Possible: %(list)s.")
    return _(template) % {
        "rma": rma.number,
        "state": standing(rma),
        "verb": button(verb),
        "list": possible,
    }
