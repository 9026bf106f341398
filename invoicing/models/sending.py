"""How refunds leave: lanes, who approved what, every attempt, and the files that carried them.

The decision itself is `refund.py`; the verbs are in ``refunds.py`` and ``sending/``.
"""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from invoicing.models.refund import Lane, LaneBasis, Refund
from invoicing.states import ATTEMPT_TRANSITIONS, FEED_TRANSITIONS, AttemptState, FeedState
from orders.models import Marketplace, Seller


@tracked()
class LaneRule(models.Model):
    """Which lane refunds of a seller take on a marketplace, and whether their amounts go there net
    or gross; Seller Central, as the marketplace's prices are, where no rule says."""

    class Basis(models.TextChoices):
        MARKETPLACE = "market", _("As the marketplace's prices")
        NET = "net", _("Net, tax apart")
        GROSS = "gross", _("Gross, including tax")

    class Format(models.TextChoices):
        FLAT = "flat", _("Flat file")
        XML = "xml", _("XML")

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="lane_rules")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="lane_rules")
    lane = models.CharField(max_length=8, choices=Lane)
    feed_format = models.CharField(max_length=4, choices=Format, default=Format.FLAT)
    basis = models.CharField(
        _("amounts"),
        max_length=6,
        choices=Basis,
        default=Basis.MARKETPLACE,
        help_text=_(
            "How refund amounts go to Amazon there. Choose net where Amazon's VAT calculation "
            "service (VCS) adds the tax: it takes partial refunds without VAT. Not in yen. What "
            "was approved otherwise waits, and is proposed and approved again."
        ),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "marketplace"], name="one_lane_a_marketplace"
            ),
            models.CheckConstraint(condition=Q(lane__in=("guided", "feed")), name="lane_of_amazon"),
        ]

    def __str__(self):
        return f"{self.seller} on {self.marketplace}: {self.get_lane_display()}"


@tracked()
class PayerAccount(models.Model):
    """The bank account a seller pays refunds from that do not go through Amazon (SEPA)."""

    seller = models.OneToOneField(Seller, models.PROTECT, related_name="payer_account")
    name = models.CharField(max_length=70)
    iban = models.CharField(max_length=34)
    bic = models.CharField(max_length=11, blank=True)

    def __str__(self):
        return f"{self.seller}: {self.iban}"


# What a yes says must be what the refund is, and how it came about; whoever says it alone does so
# within the limits of the currency: one amount, and the sum of a day under a lock of that sum.
_GIVEN_RIGHTLY = """
    IF EXISTS (
        SELECT FROM added a JOIN invoicing_refund r ON r.id = a.refund_id
        JOIN core_user u ON u.id = a.by_id JOIN orders_seller s ON s.id = r.seller_id
        LEFT JOIN invoicing_payee p ON p.refund_id = r.id
        WHERE (a.content_hash, a.lane, a.currency, a.gross)
                IS DISTINCT FROM (r.content_hash, r.lane, r.currency, r.gross)
            OR a.day <> (a.at AT TIME ZONE s.time_zone)::date
            OR a.alone <> (a.by_id = r.proposer_id OR u.is_system
                OR coalesce(a.by_id = p.by_id, false)
                OR r.version > 1 AND EXISTS (
                    SELECT FROM invoicing_refundattempt t WHERE t.refund_id = r.id
                      AND t.evidence @> jsonb_build_object('failed_by', a.by_id)))
            OR (a.alone AND r.needs_second)
    ) THEN
        RAISE EXCEPTION 'this approval is not of what the refund is'
            USING ERRCODE = 'check_violation';
    END IF;
    FOR one IN
        SELECT a.by_id, a.currency, a.day, max(a.gross) AS largest FROM added a WHERE a.alone
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(
            format('approved alone %s %s %s', one.by_id, one.currency, one.day), 0));
        SELECT l.amount, l.daily_amount INTO allowed FROM invoicing_approvallimit l
            WHERE l.currency = one.currency;
        IF NOT FOUND OR one.largest > allowed.amount OR allowed.daily_amount < (
            SELECT sum(a.gross) FROM invoicing_approval a
            WHERE a.by_id = one.by_id AND a.currency = one.currency AND a.day = one.day AND a.alone
        ) THEN
            RAISE EXCEPTION 'approved alone beyond the limit of %', one.currency
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NULL;
"""
# A refund that was decided on keeps where it goes; retention removes it in the owner's role.
_DECIDED_STAYS = """
    IF current_setting('retour.maintenance', true) = 'on' AND current_user = (
            SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN OLD;
    END IF;
    IF EXISTS (SELECT FROM invoicing_refund WHERE id = OLD.refund_id AND state <> 'proposed') THEN
        RAISE EXCEPTION 'this refund is decided, its payee stays'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
"""


class Payee(models.Model):
    """Where a refund by bank transfer goes. Personal data: not in the trail, frozen once made.

    ``by`` named the account and is therefore not the one who approves it.
    """

    refund = models.OneToOneField(Refund, models.PROTECT, related_name="payee")
    name = models.CharField(max_length=70)
    iban = models.CharField(max_length=34)
    bic = models.CharField(max_length=11, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="decided_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_DECIDED_STAYS,
            ),
        ]

    def __str__(self):
        return f"{self.iban[:4]}…{self.iban[-4:]}"


class Approval(models.Model):
    """One person's yes to one content of a refund: amount, lines, lane and bank target by hash.

    Never changed. ``alone``: the approver proposed it, named its account, or is the system; such
    amounts are summed per person, currency and day against the limit by a trigger under an
    advisory lock.
    """

    append_only = True

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="approvals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    day = models.DateField(help_text=_("The day of the seller's zone that the sum counts for."))
    content_hash = models.CharField(max_length=64)
    lane = models.CharField(max_length=8, choices=Lane)
    currency = models.CharField(max_length=3)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    alone = models.BooleanField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["by", "currency", "day"], condition=Q(alone=True), name="approved_alone"
            )
        ]
        triggers = [
            pgtrigger.Trigger(
                name="given_rightly",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("one", "RECORD"), ("allowed", "RECORD")],
                func=_GIVEN_RIGHTLY,
            )
        ]

    def __str__(self):
        return f"{self.gross} {self.currency} by {self.by}"


@tracked(exclude=("content", "report"))
class Feed(models.Model):
    """One file of refunds for Amazon: content frozen before anything is called.

    ``creating`` is committed before the one call that pays; a lost answer is ``unknown`` and is
    looked for, never sent again. ``next_at`` says when the sweeper looks next.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="feeds")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="feeds")
    state = models.CharField(max_length=10, choices=FeedState, default=FeedState.PREPARED)
    feed_type = models.CharField(max_length=60)
    content_type = models.CharField(max_length=60)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    document_id = models.CharField(max_length=120, blank=True)
    feed_id = models.CharField(max_length=60, blank=True)
    processing_status = models.CharField(max_length=20, blank=True)
    result_document_id = models.CharField(max_length=120, blank=True)
    report = models.BinaryField(null=True)
    sentence = models.CharField(max_length=500, blank=True)
    looks = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    creating_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "feed_id"], condition=~Q(feed_id=""), name="feed_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=("prepared", "creating", "unknown", "submitted")),
                name="feed_due",
            )
        ]
        triggers = [
            pgtrigger.FSM(name="feed_states", field="state", transitions=list(FEED_TRANSITIONS)),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="frozen",
                fields=["key", "seller", "marketplace", "feed_type", "content", "sha256"],
            ),
        ]

    def __str__(self):
        return self.feed_id or str(self.key)


@tracked(exclude=("content",))
class BankFile(models.Model):
    """One SEPA credit transfer file (pain.001) of a seller; a person hands it to the bank."""

    class State(models.TextChoices):
        MADE = "made", _("Made")
        EXECUTED = "executed", _("Executed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="bank_files")
    state = models.CharField(max_length=10, choices=State, default=State.MADE)
    message_id = models.CharField(max_length=35, unique=True)
    currency = models.CharField(max_length=3, default="EUR")
    total = models.DecimalField(max_digits=14, decimal_places=2)
    count = models.PositiveIntegerField()
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    executed_on = models.DateField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        triggers = [
            pgtrigger.FSM(
                name="bank_file_states",
                field="state",
                transitions=[("made", "executed"), ("made", "withdrawn")],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="frozen",
                fields=["key", "seller", "message_id", "currency", "total", "content", "sha256"],
            ),
        ]

    def __str__(self):
        return self.message_id


@tracked(exclude=("evidence",))
class RefundAttempt(models.Model):
    """One try to pay a refund. Terminal once over: a failed refund gets a new attempt.

    ``request`` is what was asked for (figures, no personal data), ``request_hash`` its sha-256;
    ``evidence`` what was answered.
    """

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lane = models.CharField(max_length=8, choices=Lane)
    state = models.CharField(max_length=10, choices=AttemptState, default=AttemptState.SENDING)
    request = models.JSONField(default=dict)
    request_hash = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    feed = models.ForeignKey(Feed, models.PROTECT, null=True, related_name="attempts")
    message = models.PositiveIntegerField(
        null=True, help_text=_("Which message or record of the feed.")
    )
    bank_file = models.ForeignKey(BankFile, models.PROTECT, null=True, related_name="attempts")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)
    sentence = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["refund_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["refund", "number"], name="attempt_numbered"),
            models.UniqueConstraint(
                fields=["refund"],
                condition=Q(state__in=("sending", "unknown")),
                name="one_open_attempt",
            ),
            models.UniqueConstraint(fields=["feed", "message"], name="attempt_in_feed_once"),
            models.CheckConstraint(
                condition=Q(state__in=("sending", "unknown")) | Q(ended_at__isnull=False),
                name="attempt_over_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="attempt_ends_after_it_starts",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="attempt_states", field="state", transitions=list(ATTEMPT_TRANSITIONS)
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="frozen",
                fields=[
                    "refund", "number", "key", "lane", "request", "request_hash", "by",
                    "feed", "message", "bank_file", "started_at",
                ],
            ),
        ]  # fmt: skip

    @property
    def asked(self) -> str:
        """Net or gross in words, as its lane was asked for it; "" where it does not say."""
        figures = self.request.get("figures") or [{}]
        basis = figures[0].get("basis")
        return str(LaneBasis(basis).label) if basis else ""

    def __str__(self):
        return f"{self.refund_id}/{self.number}"
