"""Django admin of the facts. Settings (sellers, marketplaces, products) and buyers can be edited,
with a trail; what reports say is to look at only.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from config.core.admin import ReadOnlyAdmin, TrailedAdmin
from orders.models import (
    AmazonReturn,
    Buyer,
    BuyerAddress,
    BuyerTaxId,
    ImportFile,
    ImportProblem,
    ImportRow,
    Marketplace,
    Order,
    OrderItemCode,
    OrderLine,
    Product,
    Quota,
    Seller,
    SellerTaxRegistration,
    Shipment,
)


class _Facts(ReadOnlyAdmin):
    """Facts are many: no exact counts, no list of every related row."""

    show_full_result_count = False
    list_per_page = 50


@admin.register(Seller)
class SellerAdmin(TrailedAdmin):
    """The company's selling accounts."""

    list_display = ("code", "name", "legal_name", "country", "active")
    list_filter = ("active", "country")
    search_fields = ("code", "name", "legal_name", "amazon_seller_id", "legal_id", "endpoint")
    fieldsets = (
        (None, {"fields": ("code", "name", "amazon_seller_id", "approver_email", "time_zone",
                           "active")}),
        (_("Printed on documents"), {"fields": ("legal_name", "address_line1", "address_line2",
                                                "postal_code", "city", "state", "country", "email",
                                                "contact_name", "phone")}),
        (_("E-invoice"), {"fields": ("legal_id", "legal_id_scheme", "endpoint",
                                     "endpoint_scheme")}),
    )  # fmt: skip


@admin.register(SellerTaxRegistration)
class SellerTaxRegistrationAdmin(TrailedAdmin):
    """Tax numbers of sellers and when they hold."""

    list_display = ("seller", "country", "scheme", "number", "valid_from", "valid_to")
    list_filter = ("scheme", "country")
    list_select_related = ("seller",)
    search_fields = ("number", "seller__code", "seller__name")


@admin.register(Marketplace)
class MarketplaceAdmin(TrailedAdmin):
    """Marketplaces: currency, zone, price basis."""

    list_display = ("code", "name", "currency", "language", "time_zone", "prices_include_tax")
    list_filter = ("region", "currency", "prices_include_tax")
    search_fields = ("code", "name", "amazon_id")


@admin.register(Buyer)
class BuyerAdmin(TrailedAdmin):
    """Buyer organisations; the buyers' pages are the pleasant way to edit them. The kind of
    e-invoice is chosen there only, where it is known which rules are installed.
    """

    list_display = ("legal_name", "kind", "country", "language", "watched")
    list_filter = ("kind", "watched", "country", "language", "invoice_profile")
    search_fields = ("legal_name", "match_key", "tax_ids__number", "endpoint", "legal_id")
    readonly_fields = ("match_key", "invoice_profile")
    show_full_result_count = False

    def has_add_permission(self, request):
        """Buyers come with orders, or from the buyers' pages, which find doubles."""
        return False


@admin.register(BuyerTaxId)
class BuyerTaxIdAdmin(TrailedAdmin):
    """Tax ids of buyers with the verdict of the offline check."""

    list_display = ("buyer", "country", "scheme", "number", "valid_form")
    list_filter = ("scheme", "valid_form", "country")
    list_select_related = ("buyer",)
    search_fields = ("number", "buyer__legal_name")
    autocomplete_fields = ("buyer",)


@admin.register(BuyerAddress)
class BuyerAddressAdmin(TrailedAdmin):
    """Addresses of buyers."""

    list_display = ("buyer", "kind", "city", "country")
    list_filter = ("kind", "country")
    list_select_related = ("buyer",)
    search_fields = ("buyer__legal_name", "city", "postal_code")
    autocomplete_fields = ("buyer",)


@admin.register(Product)
class ProductAdmin(TrailedAdmin):
    """Products; category and custom-made feed the return policy."""

    list_display = ("sku", "seller", "title", "category", "custom_made")
    list_filter = ("seller", "custom_made")
    list_select_related = ("seller",)
    search_fields = ("sku", "asin", "title")
    show_full_result_count = False


class _Lines(admin.TabularInline):
    model = OrderLine
    fields = readonly_fields = (
        "sku", "occurrence", "order_item_id", "quantity", "item_net", "item_tax", "item_rate",
        "shipping_net", "shipping_tax", "confirmed",
    )  # fmt: skip
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        """Nobody."""
        return False

    def has_change_permission(self, request, obj=None):
        """Nobody."""
        return False


@admin.register(Order)
class OrderAdmin(_Facts):
    """Orders with their lines."""

    list_display = (
        "amazon_order_id", "seller", "marketplace", "buyer", "po_number", "status", "gross_total",
        "currency", "purchased_at", "facts_complete",
    )  # fmt: skip
    list_filter = ("marketplace", "seller", "channel", "is_business", "facts_complete", "status")
    list_select_related = ("seller", "marketplace", "buyer")
    search_fields = ("amazon_order_id", "po_number", "buyer__legal_name")
    inlines = (_Lines,)


@admin.register(OrderLine)
class OrderLineAdmin(_Facts):
    """Order lines."""

    list_display = ("order", "sku", "occurrence", "order_item_id", "quantity", "confirmed")
    list_filter = ("confirmed", "item_status")
    list_select_related = ("order",)
    search_fields = ("order__amazon_order_id", "sku", "asin", "order_item_id")


@admin.register(OrderItemCode)
class OrderItemCodeAdmin(_Facts):
    """Evidence of order-item codes."""

    list_display = ("order", "sku", "code")
    list_filter = ("order__marketplace",)
    list_select_related = ("order",)
    search_fields = ("order__amazon_order_id", "sku", "code")


@admin.register(Shipment)
class ShipmentAdmin(_Facts):
    """Dispatches to buyers."""

    list_display = ("amazon_shipment_id", "order", "shipped_at", "carrier", "tracking")
    list_filter = ("carrier", "order__marketplace")
    list_select_related = ("order",)
    search_fields = ("amazon_shipment_id", "order__amazon_order_id", "tracking")


@admin.register(AmazonReturn)
class AmazonReturnAdmin(_Facts):
    """Returns as Amazon reports them."""

    list_display = (
        "natural_key", "source", "seller", "order", "sku", "quantity", "status", "requested_on",
        "refunded_amount", "currency",
    )  # fmt: skip
    list_filter = ("source", "seller", "marketplace", "status", "resolution")
    list_select_related = ("seller", "order")
    search_fields = ("amazon_rma_id", "order__amazon_order_id", "sku", "tracking", "licence_plate")


@admin.register(ImportFile)
class ImportFileAdmin(_Facts):
    """Imports; their own page shows the problems."""

    list_display = (
        "file_name", "report_type", "seller", "status", "rows", "inserted", "updated", "bad", "by",
        "created_at",
    )  # fmt: skip
    list_filter = ("status", "report_type", "seller")
    list_select_related = ("seller", "by")
    search_fields = ("file_name", "sha256")


@admin.register(ImportProblem)
class ImportProblemAdmin(_Facts):
    """Problems of imported files."""

    list_display = ("import_file", "line", "column", "value", "problem")
    list_filter = ("import_file__report_type",)
    list_select_related = ("import_file",)
    search_fields = ("import_file__file_name", "column", "problem")


@admin.register(ImportRow)
class ImportRowAdmin(_Facts):
    """Raw rows, while they are kept."""

    list_display = ("import_file", "line", "row_hash")
    list_filter = ("import_file__report_type",)
    list_select_related = ("import_file",)
    search_fields = ("=row_hash",)


@admin.register(Quota)
class QuotaAdmin(ReadOnlyAdmin):
    """How often Amazon may still be asked; workers fill and empty it."""

    list_display = ("name", "tokens", "rate", "burst", "filled_at")
    list_filter = ("burst", "filled_at")
    search_fields = ("name",)
