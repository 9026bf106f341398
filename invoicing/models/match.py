"""What ties and what does not: one row per refund, and per money nobody here decided.

Computed by ``matches.py``, set-based and repeatable; what people say about an exception stays.
"""

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invoicing.models.document import Document
from invoicing.models.refund import Refund
from orders.models import Marketplace, Order, Seller


class Kind(models.TextChoices):
    """What is compared with what."""

    RETURN = "return", _("Return")  # invoice, RMA line, inspection, credit note, refund, money
    MONEY = "money", _("Money")  # Amazon's money without a refund of ours


class Result(models.TextChoices):
    """How a comparison ended. ``open`` is an exception; ``explained``: a person said why."""

    MATCHED = "matched", _("Matched")
    OPEN = "open", _("Exception")
    EXPLAINED = "explained", _("Explained")


class Cause(models.TextChoices):
    """Why something does not tie, the gravest first."""

    DUPLICATE = "duplicate", _("Refunded twice")
    ONLY_AMAZON = "only_amazon", _("Only at Amazon")
    UNASSIGNED = "unassigned", _("Money without an order line")
    AMOUNT = "amount", _("Amount differs")
    VAT = "vat", _("VAT differs")
    UNKNOWN = "unknown", _("Answer lost")
    MISSING = "missing", _("Missing at Amazon")
    CREDIT_NOTE = "credit_note", _("Credit note missing")
    GOODS = "goods", _("Goods not seen")
    UNITS = "units", _("Units do not tie")
    FX = "fx", _("Exchange rate missing")
    TIMING = "timing", _("Not posted yet")


_SAID = pgtrigger.Condition(
    "OLD.result IS DISTINCT FROM NEW.result OR OLD.cause IS DISTINCT FROM NEW.cause"
    " OR OLD.owner_id IS DISTINCT FROM NEW.owner_id OR OLD.note IS DISTINCT FROM NEW.note"
    " OR OLD.resolution IS DISTINCT FROM NEW.resolution"
)


@pghistory.track(
    pghistory.InsertEvent(condition=pgtrigger.Condition("NEW.result <> 'matched'")),
    pghistory.UpdateEvent(condition=_SAID),
    pghistory.DeleteEvent(),
    meta={"indexes": [models.Index(fields=["pgh_created_at"])]},
)
class Match(models.Model):
    """One comparison. Amounts are what the buyer gets back, in ``currency``.

    ``sides`` names the rows compared: ids of money facts, invoices, RMA line, receipt, inspection,
    document. ``tolerance`` is what a difference may be and still tie: nothing, on purpose.
    """

    key = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="matches")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="matches")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, related_name="match")
    document = models.ForeignKey(Document, models.SET_NULL, null=True, related_name="+")
    origin = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3)
    expected = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    seen = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    difference = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    tolerance = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    posted_on = models.DateField(null=True, help_text=_("Day it counts for, marketplace's zone."))
    sides = models.JSONField(default=dict)
    result = models.CharField(max_length=10, choices=Result)
    cause = models.CharField(max_length=12, choices=Cause, blank=True)
    detail = models.JSONField(default=dict, help_text=_("The sentence, as data."))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="exceptions"
    )
    note = models.CharField(max_length=500, blank=True)
    resolution = models.CharField(max_length=20, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)
    figures_hash = models.CharField(max_length=32, blank=True, help_text=_("Of what it stands on."))
    explained_hash = models.CharField(
        max_length=32, blank=True, help_text=_("What was explained; other figures open it again.")
    )
    since = models.DateTimeField(help_text=_("Since when it stands like this."))
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "matches"
        ordering = ["-id"]
        permissions = [("resolve_match", "Own and resolve exceptions")]
        constraints = [
            models.CheckConstraint(
                condition=Q(result="matched", cause="") | (~Q(result="matched") & ~Q(cause="")),
                name="exception_has_a_cause",
            ),
            models.CheckConstraint(
                condition=~Q(result="explained")
                | (Q(resolved_by__isnull=False) & ~Q(resolution="")),
                name="explained_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["cause", "-since", "-id"], condition=Q(result="open"), name="match_open"
            ),
            models.Index(fields=["result", "-since", "-id"]),
            models.Index(fields=["posted_on"]),
        ]

    def __str__(self):
        return self.key

    def get_absolute_url(self):
        """The page of this row."""
        return f"/exceptions/{self.pk}/"
