"""Refunds: decisions to pay money back, ours and those Amazon made without us.

The verbs are in ``refunds.py``, the states in ``states.py``.
"""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from config.core.trail import tracked
from invoicing.models.document import Document
from invoicing.states import LIVE, REFUND_TRANSITIONS, REFUND_VERB, Component, RefundState
from orders.models import Marketplace, Order, OrderLine, Seller


class Source(models.TextChoices):
    """Who decided the refund."""

    RETOUR = "retour", _("Retour")
    AMAZON = "amazon", _("Amazon")
    OPENING = "opening", _("Before Retour")


class Lane(models.TextChoices):
    """How the money goes. ``guided``: a person does it in Seller Central with our figures."""

    GUIDED = "guided", _("Seller Central")
    FEED = "feed", _("Amazon feed")
    BANK = "bank", _("Bank transfer")
    NONE = "none", _("Not ours")


class LaneBasis(models.TextChoices):
    """Whether the amounts a lane is asked for include tax."""

    NET = "net", _("net amounts")
    GROSS = "gross", _("gross amounts")


# What may wait for a person, as its index knows it; which of them do is in ``sending/needing.py``.
WAITING = Q(state__in=("sending", "unknown")) | (
    Q(state="approved", lane=Lane.FEED.value) & ~Q(wait_why="")
)


_LINES_FOLLOW = pgtrigger.Func(
    f"""
    UPDATE invoicing_refundline SET live = NEW.state IN ({", ".join(f"'{s.value}'" for s in LIVE)})
    WHERE refund_id = NEW.id;
    RETURN NULL;
    """
)


# What was decided. A change of mind is another refund; the approval is bound to this content.
_CONTENT = (
    "key",
    "source",
    "seller_id",
    "order_id",
    "origin",
    "currency",
    "net",
    "tax",
    "gross",
    "calculation",
    "basis",
    "proposer_id",
    "proposed_at",
)

# Refunds of ours start as proposals; they go on only with the newest approval of what they are now.
_BEGINS_PROPOSED = """
    IF NEW.state <> 'proposed' THEN
        RAISE EXCEPTION 'a refund of ours begins as a proposal' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""
_APPROVED_IN_WRITING = """
    SELECT a.content_hash, a.by_id, a.at INTO yes FROM invoicing_approval a
        WHERE a.refund_id = NEW.id ORDER BY a.id DESC LIMIT 1;
    IF NOT FOUND OR (yes.content_hash, yes.by_id, yes.at)
            IS DISTINCT FROM (NEW.content_hash, NEW.approver_id, NEW.approved_at) THEN
        RAISE EXCEPTION 'refund % has no approval of what it is now', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""


def _row(record: str) -> str:
    return f"ROW({', '.join(f'{record}.{column}' for column in _CONTENT)})"


def _move(verb: str, target: str = ""):
    """The django-fsm transition of a verb, from the one table in ``states.py``."""
    row = REFUND_VERB[verb]

    def change(refund: "Refund") -> None:
        """Change the state; what else the verb does is in ``refunds.py``."""

    change.__name__ = f"move_{verb}"
    return transition(field="state", source=list(row.sources), target=target or row.targets[0])(
        change
    )


@tracked(exclude=("basis", "wait_why", "wait_until"))
class Refund(FSMModelMixin, models.Model):
    """One decision to refund on one order; amounts are what the buyer gets back."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.CharField(max_length=8, choices=Source, default=Source.RETOUR)
    lane = models.CharField(max_length=8, choices=Lane, default=Lane.GUIDED)
    lane_basis = models.CharField(
        max_length=5,
        choices=LaneBasis,
        blank=True,
        default="",
        db_default="",
        help_text=_("What its lane is asked for, as it is approved; empty where it is not ours."),
    )
    state = FSMField(
        max_length=10, choices=RefundState, default=RefundState.PROPOSED, protected=True
    )
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="refunds")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="refunds")
    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds")
    origin = models.CharField(max_length=60, help_text=_("RMA number, or 'order' without one."))
    currency = models.CharField(max_length=3)
    net = models.DecimalField(max_digits=14, decimal_places=2)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    reason_code = models.CharField(max_length=40, default="CustomerReturn")
    calculation = models.JSONField(default=dict)
    basis = models.JSONField(
        default=dict,
        db_default={},
        help_text=_("What was calculated from: recomputing it gives the same cent."),
    )
    content_hash = models.CharField(max_length=64, blank=True)
    policy_version = models.CharField(max_length=40, blank=True)
    needs_second = models.BooleanField(default=False)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    approved_hash = models.CharField(max_length=64, blank=True)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    sent_on = models.DateField(null=True, help_text=_("Day entered in Seller Central."))
    amazon_refund_id = models.CharField(max_length=60, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    document = models.OneToOneField(
        Document, models.PROTECT, null=True, blank=True, related_name="refund"
    )
    note = models.CharField(max_length=500, blank=True)
    wait_why = models.CharField(
        max_length=300,
        blank=True,
        db_default="",
        help_text=_("Why a worker leaves this approved refund alone for now."),
    )
    wait_until = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("propose_refund", "Propose refunds"),
            ("approve_refund", "Approve refunds"),
            ("reject_refund", "Reject refunds"),
            ("carry_out_refund", "Carry out refunds"),
            ("cancel_refund", "Cancel refunds"),
            ("decide_refund", "Decide unknown or failed refunds"),
        ]
        indexes = [
            models.Index(fields=["state", "-proposed_at", "-id"]),
            models.Index(fields=["-proposed_at", "-id"]),
            models.Index(fields=["origin"]),
            models.Index(fields=["order", "state"]),
            models.Index(fields=["-proposed_at", "-id"], condition=WAITING, name="refund_waiting"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="refund_adds_up"),
            models.CheckConstraint(condition=Q(gross__gt=0), name="refund_is_positive"),
            models.CheckConstraint(
                condition=Q(state__in=("proposed", "rejected", "cancelled"))
                | Q(needs_second=False)
                | (Q(approver__isnull=False) & ~Q(approver=F("proposer"))),
                name="second_person_approves",
            ),
            models.CheckConstraint(
                condition=~Q(source="retour", lane="bank") | Q(needs_second=True),
                name="bank_transfer_takes_two",
            ),
            models.CheckConstraint(
                condition=~Q(lane="bank", lane_basis="net"), name="bank_transfer_is_gross"
            ),
            models.UniqueConstraint(
                fields=["seller", "amazon_refund_id"],
                condition=~Q(amazon_refund_id=""),
                name="amazon_refund_once",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="refund_states", field="state", transitions=list(REFUND_TRANSITIONS)
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="content_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"OLD.source = 'retour' AND ({_row('OLD')} IS DISTINCT FROM {_row('NEW')}"
                    " OR (OLD.needs_second AND NOT NEW.needs_second)"
                    " OR ((OLD.lane, OLD.lane_basis, OLD.content_hash, OLD.needs_second)"
                    " IS DISTINCT FROM"
                    " (NEW.lane, NEW.lane_basis, NEW.content_hash, NEW.needs_second)"
                    " AND NOT (NEW.state = 'proposed' AND NEW.approved_hash = '')))"
                ),
            ),
            pgtrigger.Trigger(
                name="begins_proposed",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.source = 'retour'"),
                func=_BEGINS_PROPOSED,
            ),
            pgtrigger.Trigger(
                name="approved_in_writing",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "NEW.source = 'retour' AND NEW.state IN ('approved', 'sending')"
                    " AND NEW.state IS DISTINCT FROM OLD.state"
                ),
                declare=[("yes", "RECORD")],
                func=_APPROVED_IN_WRITING,
            ),
            pgtrigger.Trigger(
                name="lines_follow",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.AnyChange("state"),
                func=_LINES_FOLLOW,
            ),
        ]

    def __str__(self):
        return f"{self.gross} {self.currency} for {self.order_id}"

    def get_absolute_url(self):
        """The page of this row."""
        return f"/refunds/{self.key}/"

    move_approve = _move("approve")
    move_reject = _move("reject")
    move_cancel = _move("cancel")
    move_start = _move("start")
    move_give_back = _move("give_back")
    move_mark_sent = _move("mark_sent")
    move_mark_unknown = _move("mark_unknown")
    move_resolve_sent = _move("resolve_unknown", RefundState.SENT)
    move_resolve_failed = _move("resolve_unknown", RefundState.FAILED)
    move_fail = _move("fail")
    move_reverse = _move("reverse")
    move_confirm = _move("confirm")
    move_change_lane = _move("change_lane")
    move_confirm_paid = _move("confirm_paid")
    move_accept_difference = _move("accept_difference")

    @property
    def is_live(self) -> bool:
        """Whether it counts against what the buyer paid."""
        return self.state in LIVE


@tracked()
class RefundLine(models.Model):
    """Money of one component of one order line. ``live`` mirrors the refund's state (trigger)."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="refund_lines")
    origin = models.CharField(
        max_length=80, help_text=_("RMA number, line and tranche; or 'order'; or Amazon's id.")
    )
    component = models.CharField(max_length=16, choices=Component)
    quantity = models.PositiveIntegerField(default=0)
    net = models.DecimalField(max_digits=14, decimal_places=2)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    sentence = models.CharField(max_length=500, blank=True)
    rule = models.CharField(max_length=60, blank=True)
    live = models.BooleanField(default=True, editable=False)

    class Meta:
        ordering = ["refund_id", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(gross=F("net") + F("tax")), name="refund_line_adds_up"
            ),
            models.UniqueConstraint(
                fields=["origin", "component"],
                condition=Q(live=True) & ~Q(origin="order"),
                name="one_live_refund_an_origin",
            ),
        ]
        indexes = [
            models.Index(
                fields=["order_line", "component"], condition=Q(live=True), name="refund_line_live"
            )
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="frozen", exclude=["live"]),
        ]

    def __str__(self):
        return f"{self.component} {self.gross}"
