"""What happens to an issued document afterwards: delivery to others, and how long it is kept."""

from functools import reduce
from operator import and_

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from invoicing.models.document import Artifact, Document, Kind, NumberSeries
from invoicing.models.refund import Refund
from invoicing.models.sending import BankFile
from invoicing.retention_sql import DEFAULT_YEARS, FLOORS
from orders.models import Order

# No country's years go below its law, and the default not below ten.
_ABOVE_FLOOR = reduce(
    and_,
    (
        ~Q(country=country) | Q(years__gte=years)
        for country, years in {**FLOORS, "": DEFAULT_YEARS}.items()
    ),
)


@tracked(exclude=("to",))
class Delivery(models.Model):
    """One hand-over of a document: an e-mail to the buyer, or the package for Amazon's upload."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail to the buyer")
        AMAZON = "amazon", _("Amazon upload")

    class State(models.TextChoices):
        PREPARED = "prepared", _("Prepared")
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    document = models.ForeignKey(Document, models.PROTECT, related_name="deliveries")
    artifact = models.ForeignKey(
        Artifact,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deliveries",
        help_text=_("The file that is handed over."),
    )
    channel = models.CharField(max_length=8, choices=Channel)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    to = models.EmailField(blank=True)
    language = models.CharField(max_length=5, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    options = models.JSONField(
        default=dict, blank=True, help_text=_("Feed options of Amazon's UPLOAD_VAT_INVOICE.")
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        permissions = [("send_delivery", "Send issued documents")]
        indexes = [
            models.Index(fields=["state"], condition=Q(state="prepared"), name="delivery_waiting"),
            models.Index(
                fields=["document"],
                condition=~Q(problem="") & Q(state__in=("prepared", "failed")),
                name="delivery_in_trouble",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(channel="amazon", state__in=("prepared", "sent", "accepted")),
                name="one_live_upload_a_document",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False),
                name="sent_delivery_has_a_time",
            ),
        ]

    def __str__(self):
        return f"{self.document}: {self.get_channel_display()}"


@tracked()
class RetentionRule(models.Model):
    """How many full calendar years documents of a kind and country are kept, and which law says so.

    An empty country is the default. Years count from the end of the year of issue.
    """

    kind = models.CharField(max_length=12, choices=Kind)
    country = models.CharField(max_length=2, blank=True)
    years = models.PositiveSmallIntegerField(default=10)
    source = models.CharField(max_length=200)

    class Meta:
        ordering = ["country", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "country"], name="one_retention_rule_a_kind"),
            models.CheckConstraint(condition=Q(years__gte=1), name="retention_at_least_a_year"),
            models.CheckConstraint(condition=_ABOVE_FLOOR, name="retention_not_below_the_law"),
        ]

    def __str__(self):
        return f"{self.country or '*'} {self.get_kind_display()}: {self.years}"


@tracked()
class LegalHold(models.Model):
    """A document that must not be deleted while a dispute or audit runs, whatever its age."""

    document = models.ForeignKey(Document, models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=300)
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("hold_document", "Place and lift legal holds on documents")]
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(lifted_at=None), name="one_hold_a_document"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(lifted_at__gte=F("placed_at")),
                name="hold_lifted_after_placed",
            ),
        ]

    def __str__(self):
        return f"{self.document}: {self.reason}"


class Erasure(models.Model):
    """Proof that retention removed a document: what it was, never what it said.

    It keeps the document's place in its series and chain, so that both can still be checked, the
    refund whose credit note it was, and the order, which gets no document again.
    """

    append_only = True

    number = models.CharField(max_length=60)
    kind = models.CharField(max_length=12, choices=Kind)
    seller_code = models.CharField(max_length=20)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="erasures")
    country = models.CharField(max_length=2)
    issue_date = models.DateField()
    kept_until = models.DateField()
    payload_sha256 = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    chain_hash = models.CharField(max_length=64, blank=True)
    series = models.ForeignKey(
        NumberSeries, models.PROTECT, null=True, blank=True, related_name="erasures"
    )
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    sequence = models.PositiveIntegerField(null=True, blank=True)
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, blank=True, related_name="erasures"
    )
    erased_at = models.DateTimeField(auto_now_add=True)
    rule = models.CharField(max_length=200)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["series", "year", "sequence"], name="erased_once_a_series"
            )
        ]

    def __str__(self):
        return self.number


class PayeeErasure(models.Model):
    """Proof that retention forgot where money went: a refund's account, or what a bank file said.

    ``sha256`` is of what was forgotten: name, IBAN and BIC as an approval hashes them, or the file.
    """

    append_only = True

    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="payee_erasure"
    )
    bank_file = models.OneToOneField(
        BankFile, models.PROTECT, null=True, blank=True, related_name="erasure"
    )
    sha256 = models.CharField(max_length=64)
    kept_until = models.DateField()
    rule = models.CharField(max_length=200)
    erased_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(refund=None) ^ Q(bank_file=None), name="payee_erasure_of_one"
            )
        ]

    def __str__(self):
        return self.sha256[:16]
