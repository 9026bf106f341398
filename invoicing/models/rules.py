"""Who issues tax documents, and above which amount two people decide a refund."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from orders.models import Marketplace, Seller


@tracked()
class IssuingMode(models.Model):
    """Who issues invoices and credit notes on a marketplace, and from whose figures.

    Amazon (VAT Calculation Service, option 1: we record Amazon's number and never issue), the
    seller from Amazon's data (VIDR: one document per shipment or transaction, Amazon's tax figures
    win), or the seller on its own.

    A second tax invoice for the same supply is a second tax debt (art. 203 Directive 2006/112/EC),
    so exactly one of them does.
    """

    class Issuer(models.TextChoices):
        AMAZON = "amazon", _("Amazon")
        VIDR = "vidr", _("Seller, from Amazon's tax data (VIDR)")
        SELLER = "seller", _("Seller, on its own")

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
    """Refunds above ``amount`` (gross, in ``currency``) need a second person; so does what one
    person approves alone beyond ``daily_amount`` on a day."""

    currency = models.CharField(max_length=3, unique=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    daily_amount = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("What one person may approve alone on a day; empty: no daily limit."),
    )

    class Meta:
        ordering = ["currency"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="approval_limit_not_negative")
        ]

    def __str__(self):
        return f"{self.amount} {self.currency}"


@tracked()
class DocumentRules(models.Model):
    """How a seller writes documents: what its tax adviser decided."""

    class Restocking(models.TextChoices):
        ALLOWANCE = "allowance", _("Lowers the credit (price reduction)")
        INVOICE = "invoice", _("An invoice of its own (service)")

    seller = models.OneToOneField(Seller, models.PROTECT, related_name="document_rules")
    restocking = models.CharField(max_length=10, choices=Restocking, default=Restocking.ALLOWANCE)
    email_documents = models.BooleanField(
        default=False, help_text=_("Mail issued documents to the buyer, where an address is known.")
    )

    class Meta:
        verbose_name_plural = "document rules"

    def __str__(self):
        return f"{self.seller}: {self.get_restocking_display()}"


@tracked()
class Wording(models.Model):
    """What documents say in a language instead of Retour's own words, as a tax adviser wants it.

    ``key`` is one of ``texts.EXEMPTIONS`` or ``texts.PAYMENT_NOTES``. New documents freeze it;
    issued ones keep the words they were issued with.
    """

    key = models.CharField(max_length=40)
    language = models.CharField(max_length=2)
    text = models.CharField(max_length=300)

    class Meta:
        ordering = ["key", "language"]
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="one_wording_a_language"),
            models.CheckConstraint(condition=~Q(text=""), name="wording_says_something"),
        ]

    def __str__(self):
        return f"{self.key} ({self.language})"
