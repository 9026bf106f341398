"""Settlements and their rows: the money as Amazon's files show it. Facts; nothing here decides."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invoicing.models.refund import Refund
from orders.models import ImportFile, Marketplace, Order, OrderLine, Seller


class Settlement(models.Model):
    """One settlement of a selling account: its totals row. It belongs to an account, not to a
    marketplace."""

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="settlements")
    settlement_id = models.CharField(max_length=30)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    deposited_at = models.DateTimeField(null=True)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    import_file = models.ForeignKey(ImportFile, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-deposited_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "settlement_id"], name="settlement_once_a_seller"
            )
        ]

    def __str__(self):
        return self.settlement_id

    def get_absolute_url(self):
        """The page of this row."""
        return f"/settlements/{self.pk}/"


class MoneyFact(models.Model):
    """One amount as a source tells it; ``bucket`` says whose money it is. The buyer's is matched.

    The same money told by several sources counts once: a settlement before Finances before a date
    range report; the others are echoes.
    """

    class Bucket(models.TextChoices):
        BUYER = "buyer", _("Buyer's money")
        FEE = "fee", _("Fees")
        WITHHELD = "withheld", _("Withheld tax")
        ACCOUNT = "account", _("Account")
        ECHO = "echo", _("Seen in another source")

    class Source(models.TextChoices):
        SETTLEMENT = "settlement", _("Settlement")
        FINANCES = "finances", _("Finances")
        DATE_RANGE = "date_range", _("Date range report")

    settlement = models.ForeignKey(
        Settlement, models.PROTECT, null=True, related_name="facts", db_index=False
    )
    source = models.CharField(
        max_length=10, choices=Source, default=Source.SETTLEMENT, db_default=Source.SETTLEMENT
    )
    transaction_id = models.CharField(
        max_length=120, blank=True, db_default="", help_text=_("Of the Finances API; else empty.")
    )
    telling = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text=_("What told this amount with others: a transaction as it stood, a row."),
    )
    twin_id = models.CharField(
        max_length=120,
        blank=True,
        db_default="",
        help_text=_("The deferred transaction that this one releases, or the one it became."),
    )
    status = models.CharField(
        max_length=20, blank=True, db_default="", help_text=_("Of the transaction, in Finances.")
    )
    told = models.CharField(
        max_length=10,
        blank=True,
        db_default="",
        help_text=_("The bucket its words say; blank: the bucket itself, it never is an echo."),
    )
    echo_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="echoes",
        help_text=_("A row of the source that counts, where this one tells of the same money."),
    )
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="+")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="money_facts")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, null=True, related_name="money_facts")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="money_facts")
    bucket = models.CharField(max_length=10, choices=Bucket)
    is_refund = models.BooleanField(default=False)
    transaction_type = models.CharField(max_length=60)
    amazon_order_id = models.CharField(max_length=30, blank=True)
    adjustment_id = models.CharField(max_length=60, blank=True)
    shipment_id = models.CharField(max_length=40, blank=True)
    amount_type = models.CharField(max_length=60)
    amount_description = models.CharField(max_length=120)
    component = models.CharField(max_length=16, blank=True)
    is_tax = models.BooleanField(default=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    posted_at = models.DateTimeField()
    posted_on = models.DateField(help_text=_("Posted date in the marketplace's zone."))
    order_item_code = models.CharField(max_length=30, blank=True)
    sku = models.CharField(max_length=80, blank=True)
    quantity = models.IntegerField(null=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("Who said by hand which line or refund it means."),
    )
    assigned_at = models.DateTimeField(null=True)
    assigned_reason = models.CharField(max_length=500, blank=True, db_default="")
    row_hash = models.CharField(max_length=32)
    occurrence = models.PositiveIntegerField(default=1)
    import_file = models.ForeignKey(ImportFile, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["settlement_id", "id"]
        permissions = [("assign_money_fact", "Decide which line or refund a money fact means")]
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "row_hash", "occurrence"], name="money_fact_once"
            ),
            models.UniqueConstraint(
                fields=["seller", "source", "row_hash", "occurrence"],
                condition=Q(settlement=None),
                name="money_fact_once_a_source",
            ),
            models.CheckConstraint(
                condition=~Q(source="settlement") | Q(settlement__isnull=False),
                name="settlement_fact_has_one",
            ),
            models.CheckConstraint(
                condition=~Q(bucket="echo") | Q(refund=None), name="echo_proves_nothing"
            ),
        ]
        indexes = [
            models.Index(
                fields=["settlement", "id"],
                condition=Q(settlement__isnull=False),
                name="money_of_settlement",
            ),
            models.Index(
                fields=["amazon_order_id", "adjustment_id"],
                condition=Q(is_refund=True),
                name="money_fact_refund",
            ),
            models.Index(fields=["posted_on"], condition=Q(is_refund=True), name="refund_posted"),
            models.Index(fields=["refund"]),
            models.Index(
                fields=["order"], condition=~Q(source="settlement"), name="money_of_lesser_source"
            ),
        ]

    def __str__(self):
        return f"{self.amount_description} {self.amount} {self.currency}"

    def get_absolute_url(self):
        """The page of this row."""
        return f"/money/{self.pk}/"
