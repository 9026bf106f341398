"""Buyer organisations, their tax ids and addresses."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked


@tracked(exclude=("contact_name", "email", "phone"))
class Buyer(models.Model):
    """An organisation that buys. Reports know it by company name only, hence ``match_key``."""

    class Kind(models.TextChoices):
        BUSINESS = "business", _("Business")
        PUBLIC = "public", _("Public body")
        EDUCATION = "education", _("Education")
        HEALTH = "health", _("Healthcare")

    legal_name = models.CharField(max_length=200)
    match_key = models.CharField(
        max_length=200, unique=True, help_text=_("Company name, lower case, single blanks.")
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.BUSINESS)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=5, default="en")
    contact_name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    email_bounced = models.BooleanField(default=False)
    phone = models.CharField(max_length=40, blank=True)
    buyer_reference = models.CharField(
        max_length=80, blank=True, help_text=_("Leitweg-ID or other reference of a buyer: BT-10.")
    )
    legal_id = models.CharField(
        max_length=40, blank=True, help_text=_("Company register number, such as SIREN: BT-47.")
    )
    legal_id_scheme = models.CharField(
        max_length=4, blank=True, help_text=_("ICD code of the register: 0002 for SIREN.")
    )
    endpoint = models.CharField(
        max_length=80, blank=True, help_text=_("Electronic address for e-invoices: BT-49.")
    )
    endpoint_scheme = models.CharField(
        max_length=4, blank=True, help_text=_("EAS code: 9930 German VAT id, 0204 Leitweg-ID.")
    )
    invoice_profile = models.CharField(
        max_length=16,
        blank=True,
        help_text=_("E-invoice the buyer takes besides the PDF with Factur-X."),
    )
    watched = models.BooleanField(default=False)
    watch_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["legal_name"]
        indexes = [models.Index(fields=["legal_name", "id"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(watched=False) | ~models.Q(watch_reason=""),
                name="watched_buyer_has_a_reason",
            )
        ]

    def __str__(self):
        return self.legal_name


def match_key(legal_name: str) -> str:
    """The form under which a company name is recognised: lower case, single blanks."""
    return " ".join(legal_name.casefold().split())


@tracked()
class BuyerTaxId(models.Model):
    """A tax id of a buyer; its form is checked offline by python-stdnum."""

    buyer = models.ForeignKey(Buyer, models.CASCADE, related_name="tax_ids")
    country = models.CharField(max_length=2)
    scheme = models.CharField(max_length=10, default="VAT")
    number = models.CharField(max_length=40)
    valid_form = models.BooleanField(null=True, help_text=_("Empty: no check for this country."))

    class Meta:
        ordering = ["country", "number"]
        constraints = [
            models.UniqueConstraint(fields=["buyer", "country", "number"], name="tax_id_once")
        ]

    def __str__(self):
        return f"{self.country} {self.number}"


@tracked(exclude=("name", "line1", "line2", "line3", "city", "postal_code"))
class BuyerAddress(models.Model):
    """A billing or delivery address of a buyer."""

    class Kind(models.TextChoices):
        BILLING = "billing", _("Billing")
        SHIPPING = "shipping", _("Delivery")

    buyer = models.ForeignKey(Buyer, models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200, blank=True)
    line1 = models.CharField(max_length=200, blank=True)
    line2 = models.CharField(max_length=200, blank=True)
    line3 = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2)

    class Meta:
        verbose_name_plural = "buyer addresses"
        ordering = ["kind", "id"]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.city} {self.country}"
