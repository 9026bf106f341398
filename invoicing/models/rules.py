"""Who issues tax documents, and above which amount two people decide a refund."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from orders.models import Marketplace, Seller


@tracked()
class IssuingMode(models.Model):
    """Whether Amazon or the seller issues invoices and credit notes on a marketplace.

    A second tax invoice for the same supply is a second tax debt (art. 203 Directive 2006/112/EC),
    so exactly one of them does.
    """

    class Issuer(models.TextChoices):
        AMAZON = "amazon", _("Amazon")
        SELLER = "seller", _("Seller (Retour)")

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="issuing_modes")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="issuing_modes")
    issuer = models.CharField(max_length=10, choices=Issuer)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "marketplace"], name="one_issuing_mode_a_marketplace"
            )
        ]

    def __str__(self):
        return f"{self.seller} on {self.marketplace}: {self.get_issuer_display()}"


@tracked()
class ApprovalLimit(models.Model):
    """Refunds above ``amount`` (gross, in ``currency``) need a second person."""

    currency = models.CharField(max_length=3, unique=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        ordering = ["currency"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="approval_limit_not_negative")
        ]

    def __str__(self):
        return f"{self.amount} {self.currency}"
