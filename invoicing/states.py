"""The states of a refund and of a document, and which may follow which. A leaf: no imports of ours.

The same tables are enforced by database triggers, because ``.update()`` passes the field by.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class RefundState(models.TextChoices):
    """Where a refund decision stands. ``unknown``: the answer was lost, a person decides."""

    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    SENDING = "sending", _("Being carried out")
    SENT = "sent", _("Sent")
    CONFIRMED = "confirmed", _("Confirmed")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")
    REVERSED = "reversed", _("Reversed")
    UNKNOWN = "unknown", _("Unknown")


@dataclass(frozen=True)
class RefundVerb:
    """One row of the table: a verb, from where, to where, and the permission it needs."""

    verb: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    permission: str


R = RefundState
REFUND_VERBS: tuple[RefundVerb, ...] = (
    RefundVerb("approve", (R.PROPOSED, R.FAILED), (R.APPROVED,), "invoicing.approve_refund"),
    RefundVerb("reject", (R.PROPOSED,), (R.REJECTED,), "invoicing.reject_refund"),
    RefundVerb(
        "cancel", (R.PROPOSED, R.APPROVED, R.FAILED), (R.CANCELLED,), "invoicing.cancel_refund"
    ),
    RefundVerb("start", (R.APPROVED,), (R.SENDING,), "invoicing.carry_out_refund"),
    RefundVerb("give_back", (R.SENDING,), (R.APPROVED,), "invoicing.carry_out_refund"),
    RefundVerb("mark_sent", (R.SENDING,), (R.SENT,), "invoicing.carry_out_refund"),
    RefundVerb("mark_unknown", (R.SENDING,), (R.UNKNOWN,), "invoicing.carry_out_refund"),
    RefundVerb("resolve_unknown", (R.UNKNOWN,), (R.SENT, R.FAILED), "invoicing.decide_refund"),
    RefundVerb("fail", (R.SENDING, R.SENT), (R.FAILED,), "invoicing.carry_out_refund"),
    RefundVerb("reverse", (R.SENT, R.CONFIRMED), (R.REVERSED,), "invoicing.decide_refund"),
    RefundVerb("confirm", (R.SENT,), (R.CONFIRMED,), "invoicing.assign_money_fact"),
    RefundVerb("confirm_paid", (R.SENT,), (R.CONFIRMED,), "invoicing.decide_refund"),
    RefundVerb("accept_difference", (R.SENT,), (R.CONFIRMED,), "invoicing.decide_refund"),
    RefundVerb(
        "change_lane",
        (R.PROPOSED, R.APPROVED, R.FAILED),
        (R.PROPOSED,),
        "invoicing.propose_refund",
    ),
)
REFUND_VERB = {row.verb: row for row in REFUND_VERBS}
REFUND_TRANSITIONS: tuple[tuple[str, str], ...] = tuple(
    sorted(
        {
            (source.value, target.value)
            for row in REFUND_VERBS
            for source in row.sources
            for target in row.targets
            if source != target
        }
    )
)
# A live refund counts against what the buyer paid.
LIVE = (R.PROPOSED, R.APPROVED, R.SENDING, R.SENT, R.CONFIRMED, R.UNKNOWN)
OPEN = (R.PROPOSED, R.APPROVED, R.SENDING, R.UNKNOWN, R.FAILED)
MONEY_LEFT = (R.SENT, R.CONFIRMED)
# The buyer does not have the money; a refund that failed may be cancelled afterwards.
UNPAID = (R.FAILED, R.REVERSED, R.CANCELLED)


class AttemptState(models.TextChoices):
    """Where one try to pay stands; all but the first and ``unknown`` are final."""

    SENDING = "sending", _("Being carried out")
    UNKNOWN = "unknown", _("Answer lost")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    GIVEN_BACK = "given_back", _("Not carried out")


ATTEMPT_TRANSITIONS: tuple[tuple[str, str], ...] = (
    ("sending", "unknown"),
    ("sending", "sent"),
    ("sending", "failed"),
    ("sending", "given_back"),
    ("unknown", "sent"),
    ("unknown", "failed"),
)


class FeedState(models.TextChoices):
    """Where a file of refunds stands. ``creating`` is committed before the call that pays."""

    PREPARED = "prepared", _("Prepared")
    CREATING = "creating", _("Being handed over")
    UNKNOWN = "unknown", _("Answer lost")
    SUBMITTED = "submitted", _("At Amazon")
    DONE = "done", _("Processed")
    FAILED = "failed", _("Refused")


FEED_TRANSITIONS: tuple[tuple[str, str], ...] = (
    ("prepared", "creating"),
    ("prepared", "failed"),
    ("creating", "prepared"),  # refused for now: certainly not created
    ("creating", "submitted"),
    ("creating", "failed"),
    ("creating", "unknown"),
    ("unknown", "submitted"),
    ("unknown", "done"),
    ("submitted", "done"),
    ("submitted", "failed"),
)


class DocumentState(models.TextChoices):
    """A document is written once: draft, then a number that stays, then the rendered page."""

    DRAFT = "draft", _("Draft")
    NUMBERED = "numbered", _("Numbered")
    ISSUED = "issued", _("Issued")


DOCUMENT_TRANSITIONS: tuple[tuple[str, str], ...] = (
    (DocumentState.DRAFT, DocumentState.NUMBERED),
    (DocumentState.DRAFT, DocumentState.ISSUED),
    (DocumentState.NUMBERED, DocumentState.ISSUED),
)


class Occasion(models.TextChoices):
    """Why a document exists. A correction is a new document, never a change of an old one."""

    SUPPLY = "supply", _("Supply")
    REFUND = "refund", _("Refund")
    CANCELLATION = "cancellation", _("Cancellation")
    CORRECTION = "correction", _("Corrected invoice")
    REVERSAL = "reversal", _("Reversal of a credit note")
    FEE = "fee", _("Restocking fee")


class Component(models.TextChoices):
    """What part of a line's money a number belongs to. Fees are negative, goodwill is positive."""

    ITEM = "item", _("Item")
    SHIPPING = "shipping", _("Shipping")
    GIFT_WRAP = "gift_wrap", _("Gift wrap")
    RESTOCKING_FEE = "restocking_fee", _("Restocking fee")
    RETURN_FREIGHT = "return_freight", _("Return freight")
    GOODWILL = "goodwill", _("Goodwill")


# Components that draw on the same paid amount share its cap.
CAP_GROUP = {
    Component.ITEM: Component.ITEM,
    Component.RESTOCKING_FEE: Component.ITEM,
    Component.RETURN_FREIGHT: Component.ITEM,
    Component.GOODWILL: Component.ITEM,
    Component.SHIPPING: Component.SHIPPING,
    Component.GIFT_WRAP: Component.GIFT_WRAP,
}
