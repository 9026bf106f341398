"""Django admin of how refunds leave: lanes and bank accounts are set here, with a trail; approvals,
attempts and the files that carried them are to look at only.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.core.admin import ReadOnlyAdmin, TrailedAdmin
from config.core.refused import Refused
from invoicing import payees
from invoicing.lane import basis_of
from invoicing.models import (
    Approval,
    BankFile,
    Feed,
    LaneRule,
    Payee,
    PayerAccount,
    RefundAttempt,
)


class LaneRuleForm(forms.ModelForm):
    """A rule that can be kept: yen are never sent net."""

    class Meta:
        model = LaneRule
        fields = ("seller", "marketplace", "lane", "feed_format", "basis")

    def clean(self) -> dict[str, Any]:
        """Refuses the basis that sending would not follow."""
        cleaned = super().clean() or self.cleaned_data
        wanted, marketplace = cleaned.get("basis"), cleaned.get("marketplace")
        if wanted == LaneRule.Basis.NET and marketplace and basis_of(wanted, marketplace) != wanted:
            raise forms.ValidationError(
                {"basis": _("Amazon takes yen with tax only: choose another.")}
            )
        return cleaned


@admin.register(LaneRule)
class LaneRuleAdmin(TrailedAdmin):
    """Which way refunds go on a marketplace; Seller Central without a row."""

    form = LaneRuleForm
    list_display = ("seller", "marketplace", "lane", "feed_format", "basis")
    list_filter = ("lane", "feed_format", "basis", "seller", "marketplace")
    search_fields = ("seller__code", "seller__name", "marketplace__name")
    list_select_related = ("seller", "marketplace")


class PayerAccountForm(forms.ModelForm):
    """An account that a SEPA transfer can be paid from."""

    class Meta:
        model = PayerAccount
        fields = ("seller", "name", "iban", "bic")

    def clean(self) -> dict[str, Any]:
        """IBAN and BIC are checked as a payee's are, and stored without blanks."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                account = payees.target(cleaned)
            except Refused as refusal:
                raise forms.ValidationError(refusal.sentence) from refusal
            cleaned |= {"name": account.name, "iban": account.iban, "bic": account.bic}
        return cleaned


@admin.register(PayerAccount)
class PayerAccountAdmin(TrailedAdmin):
    """The bank accounts that sellers pay refunds from."""

    form = PayerAccountForm
    list_display = ("seller", "name", "iban", "bic")
    list_filter = ("seller",)
    search_fields = ("seller__code", "seller__name", "name", "iban")
    list_select_related = ("seller",)


@admin.register(Payee)
class PayeeAdmin(ReadOnlyAdmin):
    """Where refunds by bank transfer go; entered with the refund, never changed."""

    list_display = ("refund", "name", "__str__", "by")
    list_filter = ("refund__state", "refund__seller")
    search_fields = ("refund__key", "refund__order__amazon_order_id", "name")
    list_select_related = ("refund", "by")


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Who said yes to what, and whether alone."""

    list_display = ("at", "by", "refund", "gross", "currency", "lane", "alone")
    list_filter = ("alone", "lane", "currency", "by")
    search_fields = ("refund__key", "refund__order__amazon_order_id", "by__username")
    list_select_related = ("refund", "by")
    date_hierarchy = "day"


@admin.register(RefundAttempt)
class RefundAttemptAdmin(ReadOnlyAdmin):
    """Every try to pay a refund."""

    list_display = ("refund", "number", "lane", "state", "by", "started_at", "ended_at", "outcome")
    list_filter = ("state", "lane", "started_at")
    search_fields = ("key", "refund__key", "refund__order__amazon_order_id", "outcome")
    list_select_related = ("refund", "by")


class FilesAdmin(ReadOnlyAdmin):
    """Files that carried refunds; their bytes leave through their page."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without the bytes."""
        return super().get_queryset(request).defer("content")


@admin.register(Feed)
class FeedAdmin(FilesAdmin):
    """Files of refunds for Amazon."""

    list_display = ("key", "seller", "marketplace", "state", "feed_id", "created_at", "ended_at")
    list_filter = ("state", "feed_type", "seller", "marketplace")
    search_fields = ("key", "feed_id", "document_id", "sha256")
    list_select_related = ("seller", "marketplace")
    exclude = ("content", "report")


@admin.register(BankFile)
class BankFileAdmin(FilesAdmin):
    """Files of transfers for the bank."""

    list_display = ("message_id", "seller", "state", "count", "total", "currency", "made_by")
    list_filter = ("state", "seller")
    search_fields = ("message_id", "sha256", "made_by__username")
    list_select_related = ("seller", "made_by")
    exclude = ("content",)
