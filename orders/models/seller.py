"""The company's seller accounts and the tax registrations they hold."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked


@tracked()
class Seller(models.Model):
    """One selling account with its legal identity; documents are issued in its name."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    legal_name = models.CharField(max_length=200)
    amazon_seller_id = models.CharField(max_length=20, blank=True)
    address_line1 = models.CharField(max_length=200, blank=True)
    address_line2 = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2)
    email = models.EmailField(blank=True)
    contact_name = models.CharField(max_length=120, blank=True, help_text=_("Printed: BT-41."))
    phone = models.CharField(max_length=40, blank=True, help_text=_("Printed: BT-42."))
    legal_id = models.CharField(
        max_length=40, blank=True, help_text=_("Company register number, such as SIREN: BT-30.")
    )
    legal_id_scheme = models.CharField(
        max_length=4, blank=True, help_text=_("ICD code of the register: 0002 for SIREN.")
    )
    endpoint = models.CharField(
        max_length=80, blank=True, help_text=_("Electronic address for e-invoices: BT-34.")
    )
    endpoint_scheme = models.CharField(
        max_length=4, blank=True, help_text=_("EAS code: 9930 German VAT id, EM e-mail.")
    )
    approver_email = models.EmailField(
        blank=True, help_text=_("Who hears that refunds wait for approval.")
    )
    time_zone = models.CharField(max_length=40, default="UTC")
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return self.name


@tracked()
class SellerTaxRegistration(models.Model):
    """A VAT, GST or consumption-tax number of a seller, and when it is valid."""

    class Scheme(models.TextChoices):
        VAT = "VAT", _("VAT")
        GST = "GST", _("GST/HST")
        JCT = "JCT", _("Qualified invoice issuer (Japan)")
        OSS = "OSS", _("VAT One Stop Shop")
        EIN = "EIN", _("EIN")
        LEGAL = "LEGAL", _("Legal registration")

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="tax_registrations")
    country = models.CharField(max_length=2)
    scheme = models.CharField(max_length=10, choices=Scheme)
    number = models.CharField(max_length=40)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["country"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "country", "scheme", "valid_from"],
                name="one_registration_a_period",
            )
        ]

    def __str__(self):
        return f"{self.country} {self.scheme} {self.number}"
