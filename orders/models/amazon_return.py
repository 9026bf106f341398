"""Returns as Amazon reports them. What we do about one is an RMA, in the room above."""

from django.db import models
from django.db.models import Q

from orders.models.marketplace import Marketplace
from orders.models.order import ImportedModel, Order, OrderLine, decided_by_people
from orders.models.seller import Seller


@decided_by_people(
    "AmazonReturnEvent",
    "OLD.line_chosen_by_id IS DISTINCT FROM NEW.line_chosen_by_id"
    " OR OLD.order_line_id IS DISTINCT FROM NEW.order_line_id"
    " AND NEW.line_chosen_by_id IS NOT NULL",
    ["order", "sku", "amazon_rma_id", "order_line", "line_chosen_by"],
)
class AmazonReturn(ImportedModel):
    """One returned item of a returns report (seller-fulfilled or FBA).

    ``natural_key`` is the RMA id with SKU and reason, else order, SKU and request date (Amazon's
    own advice for returnless refunds), for FBA order, SKU and licence plate.
    """

    class Source(models.TextChoices):
        MFN = "mfn", "Seller-fulfilled"
        FBA = "fba", "Fulfilled by Amazon"

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="amazon_returns")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, related_name="amazon_returns")
    order_line = models.ForeignKey(
        OrderLine, models.PROTECT, null=True, related_name="amazon_returns"
    )
    line_chosen_by = models.ForeignKey(
        "core.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    source = models.CharField(max_length=3, choices=Source)
    natural_key = models.CharField(max_length=200)
    amazon_rma_id = models.CharField(max_length=40, blank=True)
    merchant_rma_id = models.CharField(max_length=40, blank=True)
    requested_on = models.DateField(null=True)
    requested_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=60, blank=True)
    sku = models.CharField(max_length=80)
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    category = models.CharField(max_length=80, blank=True)
    quantity = models.PositiveIntegerField(default=0)
    reason_code = models.CharField(max_length=60, blank=True)
    in_policy = models.BooleanField(null=True)
    return_type = models.CharField(max_length=40, blank=True)
    resolution = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    label_type = models.CharField(max_length=40, blank=True)
    label_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    label_payer = models.CharField(max_length=20, blank=True)
    carrier = models.CharField(max_length=60, blank=True)
    tracking = models.CharField(max_length=60, blank=True)
    delivered_on = models.DateField(null=True)
    a_to_z = models.BooleanField(null=True)
    is_prime = models.BooleanField(null=True)
    invoice_number = models.CharField(max_length=60, blank=True)
    order_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    order_quantity = models.PositiveIntegerField(null=True)
    safet_reason = models.CharField(max_length=200, blank=True)
    safet_claim_id = models.CharField(max_length=40, blank=True)
    safet_state = models.CharField(max_length=40, blank=True)
    safet_created_on = models.DateField(null=True)
    safet_reimbursement = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    refunded_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    fulfilment_center = models.CharField(max_length=10, blank=True)
    disposition = models.CharField(max_length=40, blank=True)
    licence_plate = models.CharField(max_length=40, blank=True)
    customer_comment = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-requested_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "natural_key"], name="amazon_return_once")
        ]
        indexes = [
            models.Index(fields=["order", "sku", "requested_on"]),
            models.Index(
                fields=["amazon_rma_id"],
                condition=~Q(amazon_rma_id=""),
                name="amazon_return_rma_id",
            ),
        ]

    def __str__(self):
        return self.amazon_rma_id or self.natural_key
