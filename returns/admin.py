"""The process in Django's admin: everything to look at and search, only policies to write.

States and quantities change through the verbs alone, so that nothing here passes them by.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from config.core.admin import ReadOnlyAdmin
from config.core.trail import trail
from returns.models import (
    RMA,
    Evidence,
    Inspection,
    Message,
    Note,
    Parcel,
    Policy,
    Receipt,
    RMALine,
    WorkItem,
)


class ReadOnly(ReadOnlyAdmin):
    """What hangs on an RMA, found by its number."""

    list_per_page = 50
    show_full_result_count = False
    list_select_related = ("rma",)
    search_fields = ("rma__number",)


class Lines(admin.TabularInline):
    """The lines of an RMA."""

    model = RMALine
    extra = 0
    can_delete = False
    fields = (
        "position",
        "order_line",
        "requested",
        "approved",
        "received",
        "missing",
        "accepted",
        "rejected",
        "reason_code",
        "liability",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest):
        """With the order line's name in the same query."""
        return super().get_queryset(request).select_related("order_line")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Lines come with the request."""
        return False


@admin.register(RMA)
class RMAAdmin(ReadOnly):
    list_display = (
        "number",
        "state",
        "close_reason",
        "seller",
        "marketplace",
        "buyer",
        "owner",
        "next_actor",
        "value",
        "currency",
        "opened_at",
    )
    list_filter = ("state", "next_actor", "source", "marketplace", "seller", "close_reason")
    list_select_related = ("seller", "marketplace", "buyer", "owner")
    search_fields = ("number", "amazon_rma_id", "buyer_reference", "buyer__legal_name")
    inlines = (Lines,)


@admin.register(RMALine)
class RMALineAdmin(ReadOnly):
    list_display = ("rma", "position", "order_line", "requested", "approved", "received")
    list_filter = ("liability",)
    list_select_related = ("rma", "order_line")
    search_fields = ("rma__number", "order_line__sku", "order_line__order__amazon_order_id")


@admin.register(Parcel)
class ParcelAdmin(ReadOnly):
    list_display = ("rma", "carrier", "tracking", "label_payer", "shipped_at", "delivered_at")
    list_filter = ("carrier", "label_type", "label_payer")
    search_fields = ("rma__number", "tracking")


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly):
    list_display = ("rma", "line", "kind", "quantity", "site", "by", "at")
    list_filter = ("kind",)
    list_select_related = ("rma", "line", "by")


@admin.register(Inspection)
class InspectionAdmin(ReadOnly):
    list_display = ("rma", "line", "quantity", "condition", "disposition", "by", "at")
    list_filter = ("condition", "disposition")
    list_select_related = ("rma", "line", "by")


@admin.register(Evidence)
class EvidenceAdmin(ReadOnly):
    list_display = ("rma", "kind", "content_type", "size", "by", "at", "expires_at")
    list_filter = ("kind", "content_type")
    list_select_related = ("rma", "by")


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = ("rma", "template", "language", "status", "created_at", "sent_at")
    list_filter = ("status", "template", "language")


@admin.register(Note)
class NoteAdmin(ReadOnly):
    list_display = ("rma", "by", "at")
    list_filter = ("at",)
    list_select_related = ("rma", "by")


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnly):
    list_display = ("rma", "kind", "sentence", "actor", "created_at", "done_at", "done_by")
    list_filter = ("kind", "actor", ("done_at", admin.EmptyFieldListFilter))
    list_select_related = ("rma", "done_by")


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin):
    """A policy is changed by adding its next version; versions never change."""

    list_display = (
        "name",
        "version",
        "marketplace",
        "buyer_kind",
        "category",
        "window_days",
        "auto_approve",
        "valid_from",
    )
    list_filter = ("marketplace", "buyer_kind", "auto_approve")
    list_select_related = ("marketplace",)
    search_fields = ("name", "category")
    exclude = ("created_by", "version")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only on the list, where the button for the next version is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Frozen RMAs quote it."""
        return False

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: Any) -> None:
        """The next version of its name, in the trail."""
        with trail("add_policy", by=request.user):
            names = Policy.objects.filter(name=obj.name).order_by("-version")
            obj.version = (names.values_list("version", flat=True).first() or 0) + 1
            obj.created_by = request.user
            super().save_model(request, obj, form, change)
