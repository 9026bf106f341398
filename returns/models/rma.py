"""The RMA and its lines. The verbs are in ``workflow.py``; only they move the state."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from config.core.trail import tracked
from orders.models import AmazonReturn, Buyer, Marketplace, OrderLine, Seller
from returns import states
from returns.models.policy import Policy
from returns.states import CloseReason, Liability, NextActor, State

OPEN = ~Q(state=State.CLOSED)  # what work lists ask for; their indexes hold nothing else


class RMAQuerySet(models.QuerySet):
    """Sentences about RMAs."""

    def open(self):
        """Everything that is not closed."""
        return self.filter(OPEN)

    def waiting_for(self, actor: str):
        """Open cases whose next step is this actor's."""
        return self.open().filter(next_actor=actor)

    def overdue(self, now):
        """Open cases whose step was due before ``now``."""
        return self.open().filter(due_at__lt=now)


def _move(verb: str):
    """The django-fsm transition of a verb, from the one table in ``states.py``."""
    row = states.BY_VERB[verb]
    return transition(field="state", source=list(row.sources), target=row.targets[0])


@tracked(exclude=("search", "version"))
class RMA(FSMModelMixin, models.Model):
    """A return of one buyer to one seller on one marketplace, over one or several orders."""

    class Source(models.TextChoices):
        PORTAL = "portal", _("Entered here")
        BULK = "bulk", _("Bulk entry")
        AMAZON = "amazon", _("Amazon's returns report")

    number = models.CharField(max_length=20, unique=True)
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="rmas")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="rmas")
    buyer = models.ForeignKey(Buyer, models.PROTECT, null=True, blank=True, related_name="rmas")
    currency = models.CharField(max_length=3)
    state = FSMField(max_length=10, choices=State, default=State.REQUESTED, protected=True)
    close_reason = models.CharField(max_length=16, choices=CloseReason, blank=True)
    source = models.CharField(max_length=8, choices=Source, default=Source.PORTAL)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="rmas"
    )
    next_actor = models.CharField(max_length=10, choices=NextActor, default=NextActor.AGENT)
    next_step = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    policy = models.ForeignKey(Policy, models.PROTECT, null=True, related_name="rmas")
    verdict = models.JSONField(default=dict, help_text=_("The policy's verdict, frozen."))
    outside_policy = models.BooleanField(default=False)
    value = models.DecimalField(
        max_digits=14, decimal_places=2, default=0, help_text=_("Gross value of what comes back.")
    )
    amazon_rma_id = models.CharField(max_length=40, blank=True)
    buyer_reference = models.CharField(max_length=80, blank=True)
    opened_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ship_by = models.DateField(null=True, help_text=_("Expires when not sent back by then."))
    extended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    warned_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    inspected_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    goods_waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reopened_count = models.PositiveSmallIntegerField(default=0)
    search = models.TextField(
        blank=True, help_text=_("Number, orders, PO, buyer, SKUs, tracking: what people search.")
    )
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RMAQuerySet.as_manager()

    class Meta:
        verbose_name = "RMA"
        verbose_name_plural = "RMAs"
        ordering = ["-opened_at", "-id"]
        permissions = [
            ("request_rma", "Request RMAs"),
            ("approve_rma", "Approve RMAs"),
            ("approve_valuable", "Approve RMAs above the policy's value limit"),
            ("decline_rma", "Decline RMAs"),
            ("withdraw_rma", "Withdraw RMAs"),
            ("ship_rma", "Record parcels"),
            ("receive_rma", "Receive goods"),
            ("inspect_rma", "Inspect goods"),
            ("reject_goods", "Reject goods"),
            ("replace_rma", "Replace goods"),
            ("refund_early", "Refund before the goods are back"),
            ("expire_rma", "Expire RMAs"),
            ("extend_rma", "Extend the ship-back time"),
            ("settle_rma", "Settle RMAs"),
            ("reopen_rma", "Reopen RMAs"),
            ("set_liability", "Set liability"),
            ("assign_rma", "Assign RMAs"),
            ("note_rma", "Write notes"),
            ("waive_goods", "Waive goods that never came"),
        ]
        indexes = [
            models.Index(F("opened_at").desc(), F("id").desc(), name="rma_newest"),
            models.Index("state", F("opened_at").desc(), F("id").desc(), name="rma_state_newest"),
            models.Index(F("due_at").asc(nulls_first=True), "id", name="rma_due"),
            models.Index("due_at", "id", condition=OPEN, name="rma_open_due"),
            models.Index(
                fields=["refunded_at"],
                condition=models.Q(refunded_at__isnull=False),
                name="rma_refunded",
            ),
            models.Index("next_actor", "due_at", "id", condition=OPEN, name="rma_open_next"),
            models.Index(
                "owner",
                F("opened_at").desc(),
                F("id").desc(),
                condition=OPEN,
                name="rma_open_owner",
            ),
            models.Index(fields=["buyer", "-opened_at"]),
            models.Index("value", "id", name="rma_value"),
            models.Index(fields=["ship_by"], condition=Q(state="approved"), name="rma_ship_by"),
            models.Index(
                fields=["amazon_rma_id"], condition=~Q(amazon_rma_id=""), name="rma_amazon_id"
            ),
            GinIndex(OpClass(Upper("search"), name="gin_trgm_ops"), name="rma_search"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="closed") & ~Q(close_reason=""))
                | (~Q(state="closed") & Q(close_reason="")),
                name="closed_rma_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("requested", "closed")) | Q(approved_at__isnull=False),
                name="approved_rma_has_time",
            ),
        ]
        triggers = [
            pgtrigger.FSM(name="rma_states", field="state", transitions=states.pairs()),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return self.number

    def get_absolute_url(self):
        """The page of this row."""
        return f"/returns/{self.number}/"

    @_move("approve")
    def _approve(self):
        """requested → approved"""

    @_move("decline")
    def _decline(self):
        """requested → closed"""

    @_move("withdraw")
    def _withdraw(self):
        """requested, approved → closed"""

    @_move("ship")
    def _ship(self):
        """approved → shipped"""

    @_move("expire")
    def _expire(self):
        """approved → closed"""

    @_move("inspect")
    def _inspect(self):
        """shipped → inspected"""

    @_move("refund")
    def _refund(self):
        """approved, shipped, inspected → refunded"""

    @_move("reject_goods")
    def _reject_goods(self):
        """inspected → closed"""

    @_move("replace")
    def _replace(self):
        """approved, shipped, inspected → closed"""

    @_move("settle")
    def _settle(self):
        """refunded → closed"""

    @transition(field="state", source=State.REFUNDED, target=State.INSPECTED)
    def _void_refund_inspected(self):
        """refunded → inspected: the refund failed after sending"""

    @transition(field="state", source=State.REFUNDED, target=State.APPROVED)
    def _void_refund_approved(self):
        """refunded → approved: it failed and nothing was inspected"""

    @transition(field="state", source=State.CLOSED, target=State.APPROVED)
    def _reopen_approved(self):
        """closed → approved: the goods still have to come"""

    @transition(field="state", source=State.CLOSED, target=State.INSPECTED)
    def _reopen_inspected(self):
        """closed → inspected: the goods are here"""


@tracked()
class RMALine(models.Model):
    """Units of one order line that come back. Quantities are the truth, the state is a view.

    ``received`` and ``missing`` are sums over receipts, ``accepted`` and ``rejected`` over
    inspections, kept by the verbs under the RMA's lock and re-counted by ``check_invariants``.
    """

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="rma_lines")
    amazon_return = models.OneToOneField(
        AmazonReturn, models.PROTECT, null=True, blank=True, related_name="rma_line"
    )
    requested = models.PositiveIntegerField()
    approved = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    nothing_due = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text=_("Accepted units whose refund comes to nothing, such as a full fee."),
    )
    reason_code = models.CharField(max_length=60, blank=True)
    reason_text = models.CharField(max_length=500, blank=True)
    opened = models.BooleanField(null=True, help_text=_("The buyer says the package is opened."))
    liability = models.CharField(max_length=10, choices=Liability, default=Liability.UNDECIDED)
    restocking_percent = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, help_text=_("Empty: as the policy says.")
    )

    class Meta:
        ordering = ["rma_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["rma", "position"], name="rma_position_once"),
            models.CheckConstraint(
                condition=Q(approved__lte=F("requested")), name="approved_within_requested"
            ),
            models.CheckConstraint(
                condition=Q(approved__gte=F("received") + F("missing")),
                name="received_within_approved",
            ),
            models.CheckConstraint(
                condition=Q(received__gte=F("accepted") + F("rejected")),
                name="inspected_within_received",
            ),
            models.CheckConstraint(
                condition=Q(accepted__gte=F("nothing_due")), name="nothing_due_within_accepted"
            ),
            models.CheckConstraint(condition=Q(requested__gt=0), name="something_requested"),
        ]
        indexes = [models.Index(fields=["order_line"])]

    def __str__(self):
        return f"{self.rma_id}/{self.position}"

    @property
    def outstanding(self) -> int:
        """Approved units that neither came nor count as missing."""
        return self.approved - self.received - self.missing

    @property
    def uninspected(self) -> int:
        """Received units nobody has looked at yet."""
        return self.received - self.accepted - self.rejected
