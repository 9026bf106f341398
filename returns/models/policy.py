"""Return policies: versioned rows that are never edited, only followed by the next version."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from orders.models import Buyer, Marketplace


@tracked()
class Policy(models.Model):
    """One version of the rules for a marketplace, buyer type and category (empty: any)."""

    append_only = True

    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    marketplace = models.ForeignKey(
        Marketplace, models.PROTECT, null=True, blank=True, related_name="policies"
    )
    buyer_kind = models.CharField(max_length=12, choices=Buyer.Kind, blank=True)
    category = models.CharField(max_length=80, blank=True)
    window_days = models.PositiveSmallIntegerField(default=30)
    refuse_opened = models.BooleanField(default=False)
    refuse_custom_made = models.BooleanField(default=True)
    refuse_categories = models.JSONField(default=list, blank=True)
    restocking_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    late_restocking_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    freight_payers = models.JSONField(
        default=dict, blank=True, help_text=_("Liability → who pays the return freight.")
    )
    second_look_above = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Value in the marketplace's currency that a person must look at."),
    )
    auto_approve = models.BooleanField(default=False)
    ship_back_days = models.PositiveSmallIntegerField(default=7)
    warn_after_days = models.PositiveSmallIntegerField(default=5)
    missing_after_days = models.PositiveSmallIntegerField(default=21)
    valid_from = models.DateField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="policy_version_once"),
            models.CheckConstraint(
                condition=Q(restocking_percent__gte=0, restocking_percent__lte=100)
                & Q(late_restocking_percent__gte=0, late_restocking_percent__lte=100),
                name="restocking_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(warn_after_days__lte=models.F("ship_back_days")),
                name="warned_before_expiry",
            ),
        ]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self):
        return f"{self.name} v{self.version}"
