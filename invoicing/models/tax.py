"""Tax facts: Amazon's tax figures per shipment, rates by date, exchange rates, VAT id answers.

Facts and tables; what follows from them is decided in the pure rules of this room.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from orders.models import ImportFile, Marketplace, Order, OrderLine, Seller


class TaxFact(models.Model):
    """One row of Amazon's VIDR or SC_VAT_TAX report: one line of one shipment, return or refund.

    Amounts are as in the report (negative for returns and refunds), after promotions, in
    ``currency``; rates are fractions. ``document`` is set by `supplies.py`: a row of money without
    one waits for something, which `supplies.open_supplies` names.
    """

    class Report(models.TextChoices):
        VIDR = "vidr", _("VAT invoice data (VIDR)")
        AMAZON = "sc_vat_tax", _("Amazon VAT invoices (SC_VAT_TAX)")

    class Type(models.TextChoices):
        SHIPMENT = "shipment", _("Shipment")
        RETURN = "return", _("Return")
        REFUND = "refund", _("Refund")

    report = models.CharField(max_length=10, choices=Report)
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="tax_facts")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="tax_facts")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="tax_facts")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, null=True, related_name="tax_facts")
    amazon_order_id = models.CharField(max_length=30)
    order_item_code = models.CharField(max_length=30, blank=True)
    shipment_id = models.CharField(max_length=60, blank=True)
    transaction_id = models.CharField(max_length=80)
    transaction_type = models.CharField(max_length=10, choices=Type)
    sku = models.CharField(max_length=80, blank=True)
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    quantity = models.IntegerField(default=0)
    currency = models.CharField(max_length=3)
    item_net = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    item_tax = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    item_rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    shipping_net = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    shipping_tax = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    shipping_rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    gift_wrap_net = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    gift_wrap_tax = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    gift_wrap_rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    invoice_number = models.CharField(max_length=60, blank=True)
    original_number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=40, blank=True)
    status_description = models.CharField(max_length=300, blank=True)
    amazon_invoiced = models.BooleanField(null=True)
    deemed_supplier = models.BooleanField(
        default=False, help_text=_("Amazon owes the tax: nobody else may issue.")
    )
    export = models.BooleanField(null=True)
    corrected = models.BooleanField(default=False)
    correction_details = models.CharField(max_length=300, blank=True)
    seller_tax_id = models.CharField(max_length=40, blank=True)
    buyer_tax_id = models.CharField(max_length=40, blank=True)
    ship_from_country = models.CharField(max_length=2, blank=True)
    ship_to_country = models.CharField(max_length=2, blank=True)
    citation = models.CharField(max_length=300, blank=True)
    ordered_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    row_hash = models.CharField(max_length=64)
    occurrence = models.PositiveSmallIntegerField(default=0)
    import_file = models.ForeignKey(ImportFile, models.SET_NULL, null=True, related_name="+")
    document = models.ForeignKey(
        "invoicing.Document",
        models.SET_NULL,
        null=True,
        related_name="tax_facts",
        help_text=_("Invoice or credit note that stands for this row."),
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "report",
                    "seller",
                    "transaction_id",
                    "transaction_type",
                    "amazon_order_id",
                    "sku",
                    "order_item_code",
                    "occurrence",
                ],
                name="tax_fact_once",
            )
        ]
        indexes = [
            models.Index(fields=["amazon_order_id"]),
            models.Index(fields=["order", "transaction_type"]),
            models.Index(
                fields=["seller", "order"],
                condition=Q(document__isnull=True) & ~Q(transaction_type="return"),
                name="tax_fact_open",
            ),
        ]

    def __str__(self):
        return f"{self.get_transaction_type_display()} {self.transaction_id}"


@tracked()
class VatRate(models.Model):
    """A country's rate of value added tax in a period, with the source that says so.

    Checks new invoices only: a credit note takes the rate of its original line.
    """

    class Kind(models.TextChoices):
        STANDARD = "standard", _("Standard")
        REDUCED = "reduced", _("Reduced")
        SECOND_REDUCED = "reduced2", _("Second reduced")
        SUPER_REDUCED = "super", _("Super-reduced")
        PARKING = "parking", _("Parking")

    country = models.CharField(max_length=2)
    region = models.CharField(max_length=3, blank=True, help_text=_("Province with own rates."))
    kind = models.CharField(max_length=10, choices=Kind)
    rate = models.DecimalField(max_digits=7, decimal_places=4, help_text=_("0.1900 for 19 %."))
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200)

    class Meta:
        verbose_name, verbose_name_plural = "VAT rate", "VAT rates"
        ordering = ["country", "region", "kind", "-valid_from", "-rate"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "region", "kind", "rate", "valid_from"], name="vat_rate_once"
            ),
            models.CheckConstraint(
                condition=Q(rate__gte=0) & Q(rate__lt=1), name="vat_rate_is_a_fraction"
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="vat_rate_period_forward",
            ),
        ]

    def __str__(self):
        return f"{self.country} {self.get_kind_display()} {self.rate}"


class FxRate(models.Model):
    """Units of ``quote`` for one unit of ``base`` on a day, as the source published it."""

    append_only = True

    base = models.CharField(max_length=3, default="EUR")
    quote = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(max_length=80, default="ECB")

    class Meta:
        verbose_name, verbose_name_plural = "exchange rate", "exchange rates"
        ordering = ["-day", "base", "quote"]
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "day", "source"], name="fx_rate_once"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="fx_rate_positive"),
        ]

    def __str__(self):
        return f"{self.day} {self.base}/{self.quote} {self.rate}"


class ViesCheck(models.Model):
    """One question to VIES about a buyer's VAT id, and the answer, kept as proof."""

    append_only = True

    class Answer(models.TextChoices):
        VALID = "valid", _("Valid")
        INVALID = "invalid", _("Not valid")
        UNAVAILABLE = "unavailable", _("No answer")

    number = models.CharField(max_length=40)
    asked_by_number = models.CharField(max_length=40, blank=True)
    answer = models.CharField(max_length=12, choices=Answer)
    name = models.CharField(max_length=200, blank=True)
    consultation = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name, verbose_name_plural = "VIES check", "VIES checks"
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["number", "-asked_at"])]

    def __str__(self):
        return f"{self.number}: {self.get_answer_display()}"
