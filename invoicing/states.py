"""The states of a refund and of a document, and which may follow which. A leaf: no imports of ours.

The same tables are enforced by database triggers, because ``.update()`` passes the field by.
"""

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


R = RefundState
REFUND_TRANSITIONS: tuple[tuple[str, str], ...] = (
    (R.PROPOSED, R.APPROVED),
    (R.PROPOSED, R.REJECTED),
    (R.PROPOSED, R.CANCELLED),
    (R.APPROVED, R.SENDING),
    (R.APPROVED, R.PROPOSED),
    (R.APPROVED, R.CANCELLED),
    (R.SENDING, R.SENT),
    (R.SENDING, R.APPROVED),
    (R.SENDING, R.FAILED),
    (R.SENDING, R.UNKNOWN),
    (R.UNKNOWN, R.SENT),
    (R.UNKNOWN, R.FAILED),
    (R.SENT, R.CONFIRMED),
    (R.SENT, R.FAILED),
    (R.SENT, R.REVERSED),
    (R.CONFIRMED, R.REVERSED),
    (R.FAILED, R.APPROVED),
    (R.FAILED, R.CANCELLED),
)
# A live refund counts against what the buyer paid.
LIVE = (R.PROPOSED, R.APPROVED, R.SENDING, R.SENT, R.CONFIRMED, R.UNKNOWN)
OPEN = (R.PROPOSED, R.APPROVED, R.SENDING, R.UNKNOWN, R.FAILED)
MONEY_LEFT = (R.SENT, R.CONFIRMED)


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
