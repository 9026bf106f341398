"""Goods on their way and in the warehouse: parcels, receipts, inspections. Only ever appended."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from returns.models.rma import RMA, RMALine
from returns.states import Condition, Disposition


@tracked()
class Parcel(models.Model):
    """A return parcel: who carries it, under which number, who paid the label."""

    class LabelType(models.TextChoices):
        AMAZON_PREPAID = "amazon_prepaid", _("Amazon prepaid")
        AMAZON_UNPAID = "amazon_unpaid", _("Amazon, buyer pays")
        OWN_PREPAID = "own_prepaid", _("Our prepaid label")
        BUYER = "buyer", _("Buyer's own label")

    class Payer(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        SELLER = "seller", _("Seller")
        AMAZON = "amazon", _("Amazon")

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="parcels")
    carrier = models.CharField(max_length=60, blank=True)
    tracking = models.CharField(max_length=60, blank=True)
    label_type = models.CharField(max_length=16, choices=LabelType, blank=True)
    label_payer = models.CharField(max_length=10, choices=Payer, blank=True)
    label_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    proof_of_delivery = models.ForeignKey(
        "returns.Evidence", models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rma", "carrier", "tracking"],
                condition=~Q(tracking=""),
                name="parcel_once_an_rma",
            )
        ]
        indexes = [models.Index(fields=["tracking"])]

    def __str__(self):
        return f"{self.carrier} {self.tracking}".strip()


@tracked()
class Receipt(models.Model):
    """Units of a line that arrived, were given up as missing, or arrived after that."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("Received")
        MISSING = "missing", _("Never arrived")
        FOUND = "found", _("Arrived after all")

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="receipts")
    line = models.ForeignKey(RMALine, models.PROTECT, related_name="receipts")
    parcel = models.ForeignKey(Parcel, models.PROTECT, null=True, related_name="receipts")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RECEIVED)
    quantity = models.PositiveIntegerField()
    site = models.CharField(
        max_length=60, blank=True, default="", help_text=_("Which warehouse, where known.")
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="something_received")
        ]
        indexes = [models.Index(fields=["-id"], condition=~Q(site=""), name="receipt_at_a_site")]

    def __str__(self):
        return f"{self.quantity} {self.kind}"


@tracked()
class Inspection(models.Model):
    """What became of some received units: condition, disposition, and the reason in words."""

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="inspections")
    line = models.ForeignKey(RMALine, models.PROTECT, related_name="inspections")
    quantity = models.PositiveIntegerField()
    condition = models.CharField(max_length=12, choices=Condition)
    disposition = models.CharField(max_length=16, choices=Disposition)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="something_inspected")
        ]

    def __str__(self):
        return f"{self.quantity} {self.disposition}"
