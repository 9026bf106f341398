"""The six states of an RMA, its verbs, and which verb leads from where to where. A leaf.

The state machine, the database trigger, the diagram in README and the test matrix all read this
one table.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where a return stands. Everything finer is derived from quantities and money."""

    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    SHIPPED = "shipped", _("Shipped back")
    INSPECTED = "inspected", _("Inspected")
    REFUNDED = "refunded", _("Refunded")
    CLOSED = "closed", _("Closed")


class CloseReason(models.TextChoices):
    """Why a closed RMA ended."""

    SETTLED = "settled", _("Settled")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Not sent back in time")
    GOODS_REJECTED = "goods_rejected", _("Goods rejected")
    REPLACED = "replaced", _("Replaced")


@dataclass(frozen=True)
class Transition:
    """One row of the table: a verb, from where, to where, and the permission it needs."""

    verb: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    permission: str
    close_reason: str = ""


S = State
TRANSITIONS: tuple[Transition, ...] = (
    Transition("approve", (S.REQUESTED,), (S.APPROVED,), "returns.approve_rma"),
    Transition("decline", (S.REQUESTED,), (S.CLOSED,), "returns.decline_rma", "declined"),
    Transition(
        "withdraw", (S.REQUESTED, S.APPROVED), (S.CLOSED,), "returns.withdraw_rma", "withdrawn"
    ),
    Transition("ship", (S.APPROVED,), (S.SHIPPED,), "returns.ship_rma"),
    Transition("expire", (S.APPROVED,), (S.CLOSED,), "returns.expire_rma", "expired"),
    Transition("inspect", (S.SHIPPED,), (S.INSPECTED,), "returns.inspect_rma"),
    Transition(
        "refund",
        (S.APPROVED, S.SHIPPED, S.INSPECTED),
        (S.REFUNDED,),
        "invoicing.carry_out_refund",
    ),
    Transition(
        "reject_goods", (S.INSPECTED,), (S.CLOSED,), "returns.reject_goods", "goods_rejected"
    ),
    Transition(
        "replace",
        (S.APPROVED, S.SHIPPED, S.INSPECTED),
        (S.CLOSED,),
        "returns.replace_rma",
        "replaced",
    ),
    Transition("void_refund", (S.REFUNDED,), (S.INSPECTED, S.APPROVED), "invoicing.decide_refund"),
    Transition("settle", (S.REFUNDED,), (S.CLOSED,), "returns.settle_rma", "settled"),
    Transition("reopen", (S.CLOSED,), (S.APPROVED, S.INSPECTED), "returns.reopen_rma"),
)
BY_VERB = {transition.verb: transition for transition in TRANSITIONS}


def pairs() -> list[tuple[str, str]]:
    """Every allowed (from, to) pair once, for the database trigger."""
    found = {
        (str(source.value), str(target.value))
        for transition in TRANSITIONS
        for source in transition.sources
        for target in transition.targets
    }
    return sorted(found)


def verbs_from(state: str) -> list[Transition]:
    """The verbs that lead away from a state, in the table's order."""
    return [transition for transition in TRANSITIONS if state in transition.sources]


class NextActor(models.TextChoices):
    """Who has to do the next step."""

    AGENT = "agent", _("Agent")
    BUYER = "buyer", _("Buyer")
    WAREHOUSE = "warehouse", _("Warehouse")
    LEAD = "lead", _("Lead")
    FINANCE = "finance", _("Finance")
    AMAZON = "amazon", _("Amazon")
    NOBODY = "nobody", _("Nobody")


class Liability(models.TextChoices):
    """Who is answerable for the return; sets who pays the freight and where to dispute."""

    UNDECIDED = "undecided", _("Undecided")
    BUYER = "buyer", _("Buyer")
    SELLER = "seller", _("Seller")
    CARRIER = "carrier", _("Carrier")
    AMAZON = "amazon", _("Amazon")


class Condition(models.TextChoices):
    """What the inspector saw."""

    AS_NEW = "as_new", _("As new")
    OPENED = "opened", _("Opened")
    USED = "used", _("Used")
    DAMAGED = "damaged", _("Damaged")
    DEFECTIVE = "defective", _("Defective")
    INCOMPLETE = "incomplete", _("Incomplete")
    WRONG_ITEM = "wrong_item", _("Not our item")


class Disposition(models.TextChoices):
    """What happens with the goods. Its action is the only thing that moves money and stock."""

    RESTOCK = "restock", _("Back to stock")
    REFURBISH = "refurbish", _("Refurbish")
    SCRAP = "scrap", _("Scrap")
    RETURN_TO_VENDOR = "return_to_vendor", _("Return to vendor")
    REJECT = "reject", _("Reject, back to buyer")
    MISSING = "missing", _("Never arrived")


# Whether units with this disposition are paid back.
CREDITS = {
    Disposition.RESTOCK: True,
    Disposition.REFURBISH: True,
    Disposition.SCRAP: True,
    Disposition.RETURN_TO_VENDOR: True,
    Disposition.REJECT: False,
    Disposition.MISSING: False,
}
