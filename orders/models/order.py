"""Orders, their lines with money by component, product and shipment.

Rows come from Amazon's reports; each carries the import, the hash of its raw row and the raw row
before the last change instead of a trail.
"""

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from orders.models.buyer import Buyer
from orders.models.imports import ImportFile
from orders.models.marketplace import Marketplace
from orders.models.seller import Seller

COMPONENTS = ("item", "shipping", "gift_wrap")
PROMOTIONS = {"item": "item_promotion", "shipping": "shipping_promotion", "gift_wrap": None}


class Channel(models.TextChoices):
    """Who fulfils: the seller (MFN) or Amazon (AFN)."""

    MFN = "MFN", _("Seller")
    AFN = "AFN", _("Amazon")


class ImportedModel(models.Model):
    """What every imported fact carries.

    ``import_file`` has no constraint and no index: two checks a row would double the time of an
    import, nothing looks facts up by it, and a promise (``invariants.py``) recomputes it.
    """

    import_file = models.ForeignKey(
        ImportFile,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    row_hash = models.CharField(max_length=32, blank=True)
    previous_raw = models.JSONField(null=True)

    class Meta:
        abstract = True


@tracked()
class Product(models.Model):
    """What a seller sells under a SKU; the flags feed the return policy."""

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="products")
    sku = models.CharField(max_length=80)
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    category = models.CharField(max_length=80, blank=True)
    custom_made = models.BooleanField(default=False)

    class Meta:
        ordering = ["sku"]
        constraints = [models.UniqueConstraint(fields=["seller", "sku"], name="sku_once_a_seller")]

    def __str__(self):
        return self.sku


def decided_by_people(name: str, condition: str, fields: list[str]):
    """Record in the trail what people decide about an imported fact, not what reports say.

    ``condition`` compares OLD and NEW in SQL. Reports change facts too often for a trail of all.
    """
    event = pghistory.UpdateEvent(condition=pghistory.Condition(condition))
    indexes = [models.Index(fields=["pgh_created_at"])]
    return pghistory.track(event, model_name=name, fields=fields, meta={"indexes": indexes})


@decided_by_people(
    "OrderEvent",
    "OLD.marketplace_said_by_id IS DISTINCT FROM NEW.marketplace_said_by_id"
    " OR OLD.marketplace_id IS DISTINCT FROM NEW.marketplace_id"
    " AND NEW.marketplace_said_by_id IS NOT NULL"
    " OR OLD.buyer_id IS DISTINCT FROM NEW.buyer_id AND OLD.facts_complete = NEW.facts_complete",
    ["amazon_order_id", "buyer", "marketplace", "marketplace_said_by"],
)
class Order(ImportedModel):
    """One Amazon order. A stub (``facts_complete`` false) was named by another report first."""

    # the indexes below begin with these keys, another one each would only slow imports
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="orders", db_index=False)
    marketplace = models.ForeignKey(
        Marketplace, models.PROTECT, null=True, related_name="orders", db_index=False
    )
    marketplace_said_by = models.ForeignKey(
        "core.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    buyer = models.ForeignKey(
        Buyer, models.PROTECT, null=True, blank=True, related_name="orders", db_index=False
    )
    amazon_order_id = models.CharField(max_length=30)
    merchant_order_id = models.CharField(max_length=60, blank=True)
    purchased_at = models.DateTimeField(null=True)
    last_updated_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=40, blank=True)
    channel = models.CharField(max_length=3, choices=Channel, blank=True)
    sales_channel = models.CharField(max_length=60, blank=True)
    is_business = models.BooleanField(default=False)
    po_number = models.CharField(max_length=100, blank=True)
    is_amazon_invoiced = models.BooleanField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    ship_service_level = models.CharField(max_length=60, blank=True)
    ship_city = models.CharField(max_length=100, blank=True)
    ship_state = models.CharField(max_length=60, blank=True)
    ship_postal_code = models.CharField(max_length=20, blank=True)
    ship_country = models.CharField(max_length=2, blank=True)
    gross_total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    facts_complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True, db_default=models.functions.Now())

    class Meta:
        ordering = ["-purchased_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "amazon_order_id"], name="order_once_a_seller"
            )
        ]
        indexes = [
            models.Index(fields=["amazon_order_id"]),
            models.Index(F("purchased_at").desc(nulls_last=True), F("id").desc(), name="order_new"),
            models.Index(fields=["marketplace", "-purchased_at", "-id"]),
            models.Index(fields=["buyer", "-purchased_at"]),
        ]

    def __str__(self):
        return self.amazon_order_id

    def get_absolute_url(self):
        """The page of this row."""
        return f"/orders/{self.amazon_order_id}/"


def _money(default=0):
    return models.DecimalField(max_digits=14, decimal_places=2, default=default, db_default=0)


def _rate():
    return models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)


@decided_by_people(
    "OrderLineEvent",
    "OLD.identity_confirmed_by_id IS DISTINCT FROM NEW.identity_confirmed_by_id"
    " OR OLD.order_item_id IS DISTINCT FROM NEW.order_item_id"
    " AND NEW.identity_confirmed_by_id IS NOT NULL",
    ["order", "sku", "occurrence", "order_item_id", "identity_confirmed_by"],
)
class OrderLine(ImportedModel):
    """One line of an order: quantity, and per component net, tax and rate as Amazon gave them.

    Promotions are positive amounts that reduce their component. ``order_item_id`` is adopted when
    a report names it beyond doubt; until then (order, SKU, occurrence) identifies the line.
    ``identity_open``: the order is complete, has codes for the SKU that no line took, and a person
    must say which is this line's (kept by ``orders/identity.py``).
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="order_lines")
    sku = models.CharField(max_length=80)
    occurrence = models.PositiveSmallIntegerField(default=1, db_default=1)
    order_item_id = models.CharField(max_length=30, null=True, blank=True)
    identity_confirmed_by = models.ForeignKey(
        "core.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    identity_open = models.BooleanField(default=False, db_default=False)
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    item_status = models.CharField(max_length=40, blank=True)
    price_designation = models.CharField(max_length=40, blank=True)
    promotion_ids = models.CharField(max_length=500, blank=True)
    quantity = models.PositiveIntegerField(default=0, db_default=0)
    item_net, item_tax, item_rate = _money(), _money(), _rate()
    shipping_net, shipping_tax, shipping_rate = _money(), _money(), _rate()
    gift_wrap_net, gift_wrap_tax, gift_wrap_rate = _money(), _money(), _rate()
    item_promotion_net, item_promotion_tax = _money(), _money()
    shipping_promotion_net, shipping_promotion_tax = _money(), _money()
    confirmed = models.BooleanField(
        default=False, db_default=False, help_text=_("Named by an orders report, not only implied.")
    )

    class Meta:
        ordering = ["order_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sku", "occurrence"], name="line_once_an_order"
            ),
            models.UniqueConstraint(
                fields=["order", "order_item_id"], name="item_id_once_an_order"
            ),
            models.CheckConstraint(
                condition=Q(item_net__gte=0, shipping_net__gte=0, gift_wrap_net__gte=0),
                name="line_amounts_not_negative",
            ),
        ]
        indexes = [  # small: imports write to neither, people decide few lines
            models.Index(fields=["id"], condition=Q(identity_open=True), name="line_to_identify"),
            models.Index(
                fields=["id"],
                condition=Q(identity_confirmed_by__isnull=False),
                name="line_identified",
            ),
        ]

    def __str__(self):
        return f"{self.order_id}/{self.sku}"

    def paid(self, component: str) -> tuple:
        """Net, tax and rate really paid for a component, after its promotion."""
        promotion = PROMOTIONS[component]
        net = getattr(self, f"{component}_net")
        tax = getattr(self, f"{component}_tax")
        if promotion:
            net -= getattr(self, f"{promotion}_net")
            tax -= getattr(self, f"{promotion}_tax")
        return net, tax, getattr(self, f"{component}_rate")


class OrderItemCode(models.Model):
    """Evidence that Amazon knows a SKU of an order under an order-item code."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="item_codes")
    sku = models.CharField(max_length=80)
    code = models.CharField(max_length=30)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "sku", "code"], name="item_code_once")
        ]

    def __str__(self):
        return f"{self.sku} is {self.code}"


class Shipment(ImportedModel):
    """A dispatch to the buyer, as far as a report names it."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="shipments")
    amazon_shipment_id = models.CharField(max_length=40)
    shipped_at = models.DateTimeField(null=True)
    carrier = models.CharField(max_length=60, blank=True)
    tracking = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["shipped_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "amazon_shipment_id"], name="shipment_once")
        ]

    def __str__(self):
        return self.amazon_shipment_id
