"""Stored runs of finance's reports, and who downloaded what."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from invoicing.models.document import Document
from invoicing.models.sending import BankFile
from orders.models import Marketplace, Seller


class ReportRun(models.Model):
    """One run of a report: its kind, parameters, totals, file and hash."""

    class Kind(models.TextChoices):
        SETTLEMENT = "settlement", _("Refund settlement")
        JOURNAL = "journal", _("Journal")
        DATEV = "datev", _("DATEV export")
        VAT = "vat", _("VAT corrections")
        COST = "cost", _("Cost of returns")

    kind = models.CharField(
        max_length=12, choices=Kind, default=Kind.SETTLEMENT, db_default=Kind.SETTLEMENT
    )
    date_from = models.DateField()
    date_to = models.DateField()
    seller = models.ForeignKey(Seller, models.PROTECT, null=True, related_name="+")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    choices = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    output_format = models.CharField(
        max_length=4, choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF")]
    )
    rows = models.PositiveIntegerField(default=0)
    totals = models.JSONField(default=list)
    file_name = models.CharField(max_length=200)
    file_path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    job = models.ForeignKey("core.Job", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("run_report", "Run finance's reports")]

    def __str__(self):
        return self.file_name


@tracked()
class DatevClient(models.Model):
    """The numbers under which a seller's books are kept at its tax adviser, for DATEV exports."""

    seller = models.OneToOneField(Seller, models.PROTECT, related_name="datev_client")
    consultant = models.PositiveIntegerField(
        _("Consultant number"), validators=[MinValueValidator(1001), MaxValueValidator(9_999_999)]
    )
    client = models.PositiveIntegerField(
        _("Client number"), validators=[MinValueValidator(1), MaxValueValidator(99_999)]
    )
    year_begins_in = models.PositiveSmallIntegerField(
        _("Fiscal year begins in month"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(12)],
    )
    account_length = models.PositiveSmallIntegerField(
        _("Digits of an account number"),
        default=4,
        validators=[MinValueValidator(4), MaxValueValidator(8)],
    )
    chart = models.CharField(
        _("Chart of accounts"), max_length=2, blank=True, help_text=_("03 or 04, or empty.")
    )

    class Meta:
        ordering = ["seller_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(consultant__range=(1001, 9_999_999), client__range=(1, 99_999)),
                name="datev_numbers_in_range",
            ),
            models.CheckConstraint(
                condition=Q(year_begins_in__range=(1, 12), account_length__range=(4, 8)),
                name="datev_year_and_length_in_range",
            ),
        ]

    def __str__(self):
        return f"{self.consultant}/{self.client}"


class Download(models.Model):
    """Who downloaded which document, report or file for the bank, and when."""

    append_only = True

    document = models.ForeignKey(Document, models.PROTECT, null=True, related_name="downloads")
    kind = models.CharField(
        max_length=16, blank=True, help_text=_("Which file of the document, as in its artifacts.")
    )
    run = models.ForeignKey(ReportRun, models.PROTECT, null=True, related_name="downloads")
    bank_file = models.ForeignKey(BankFile, models.PROTECT, null=True, related_name="downloads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.by} {self.at:%Y-%m-%d %H:%M}"
