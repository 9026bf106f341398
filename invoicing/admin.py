"""Django admin of papers and money. Documents, refunds, files and settlements are to look at only;
who issues, above which amount two people decide, number patterns, rates and how long documents are
kept are set here, with a trail.
"""

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.core.admin import ReadOnlyAdmin, TrailedAdmin
from invoicing import ledger_admin, payment_admin, texts  # noqa: F401 registers on import
from invoicing.models import (
    ApprovalLimit,
    Artifact,
    Delivery,
    Document,
    DocumentLine,
    DocumentRules,
    DocumentTax,
    Download,
    Erasure,
    FxRate,
    IssuingMode,
    LegalHold,
    MoneyFact,
    NumberSeries,
    PayeeErasure,
    Refund,
    RefundLine,
    ReportRun,
    RetentionRule,
    Settlement,
    TaxFact,
    VatRate,
    ViesCheck,
    Wording,
)

PATTERN = _("Write a pattern with {year} and {number}, such as DE-INV-{year}-{number:06d}.")


class RowsInline(admin.TabularInline):
    """Rows that belong to what is shown; never edited here."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        """Nobody."""
        return False


class DocumentLines(RowsInline):
    """The lines of a document."""

    model = DocumentLine
    fields = ("position", "sku", "description", "component", "quantity", "net", "tax", "rate")


class DocumentTaxes(RowsInline):
    """The per-rate table of a document."""

    model = DocumentTax
    fields = ("category", "rate", "base", "tax")


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """Invoices and credit notes, ours and recorded ones."""

    list_display = (
        "__str__",
        "kind",
        "issuer",
        "state",
        "order",
        "issue_date",
        "gross",
        "currency",
    )
    list_filter = ("kind", "issuer", "state", "seller", "marketplace", "currency")
    search_fields = ("number", "order__amazon_order_id", "origin", "buyer__legal_name")
    list_select_related = ("order",)
    date_hierarchy = "issue_date"
    inlines = (DocumentLines, DocumentTaxes)


@admin.register(DocumentLine)
class DocumentLineAdmin(ReadOnlyAdmin):
    """Lines over all documents."""

    list_display = ("document", "position", "sku", "component", "quantity", "net", "tax", "rate")
    list_filter = ("component", "document__kind")
    search_fields = ("sku", "document__number", "document__order__amazon_order_id")
    list_select_related = ("document",)


@admin.register(DocumentTax)
class DocumentTaxAdmin(ReadOnlyAdmin):
    """Per-rate tables over all documents."""

    list_display = ("document", "category", "rate", "base", "tax")
    list_filter = ("category", "rate")
    search_fields = ("document__number",)
    list_select_related = ("document",)


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """Stored files; their bytes leave through the document's page, which writes the download."""

    list_display = ("document", "kind", "size", "sha256", "created_at")
    list_filter = ("kind",)
    search_fields = ("document__number", "sha256")
    list_select_related = ("document",)
    fields = ("document", "kind", "size", "sha256", "versions", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artifact]:
        """Without the bytes: a list of files is not a list of downloads."""
        return super().get_queryset(request).defer("content")


@admin.register(Download)
class DownloadAdmin(ReadOnlyAdmin):
    """Who took which document, report or file for the bank, and when."""

    list_display = ("at", "by", "document", "kind", "run", "bank_file")
    list_filter = ("kind", "by", "at")
    search_fields = ("document__number", "run__file_name", "by__username")
    list_select_related = ("by", "document", "run", "bank_file")


class NumberSeriesForm(forms.ModelForm):
    """A series whose numbers never repeat: counting starts at one again every year."""

    class Meta:
        model = NumberSeries
        fields = ("seller", "kind", "marketplace", "pattern")

    def clean_pattern(self) -> str:
        """With {year} and {number}, each of which makes another number of it."""
        pattern = self.cleaned_data["pattern"].strip()
        try:
            numbers = {
                pattern.format(year=year, number=number)
                for year in (2026, 2027)
                for number in (1, 2)
            }
        except (LookupError, ValueError, AttributeError) as error:
            raise forms.ValidationError(PATTERN) from error
        if len(numbers) < 4:
            raise forms.ValidationError(PATTERN)
        return pattern


@admin.register(NumberSeries)
class NumberSeriesAdmin(TrailedAdmin):
    """Patterns of numbers; one that has given numbers keeps its pattern."""

    form = NumberSeriesForm
    list_display = ("pattern", "seller", "kind", "marketplace")
    list_filter = ("kind", "seller", "marketplace")
    search_fields = ("pattern", "seller__code", "seller__name")
    list_select_related = ("seller", "marketplace")

    def get_readonly_fields(self, request: HttpRequest, obj=None) -> tuple[str, ...]:
        """A used series stays as it is: its numbers are printed."""
        if obj and (obj.documents.exists() or obj.erasures.exists()):
            return ("seller", "kind", "marketplace", "pattern")
        return ()


@admin.register(IssuingMode)
class IssuingModeAdmin(TrailedAdmin):
    """Who issues on which marketplace."""

    list_display = ("seller", "marketplace", "issuer")
    list_filter = ("issuer", "seller", "marketplace")
    search_fields = ("seller__code", "seller__name", "marketplace__name")
    list_select_related = ("seller", "marketplace")


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(TrailedAdmin):
    """Above which amount a second person approves; without a row, always."""

    list_display = ("currency", "amount", "daily_amount")
    list_filter = ("currency",)
    search_fields = ("currency",)


class RefundLines(RowsInline):
    """The lines of a refund."""

    model = RefundLine
    fields = ("order_line", "component", "quantity", "net", "tax", "rate", "live", "sentence")

    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundLine]:
        """With what names a line."""
        return super().get_queryset(request).select_related("order_line")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Refunds of ours and of Amazon's; they change by their verbs only."""

    list_display = ("key", "order", "origin", "source", "state", "gross", "currency", "proposer")
    list_filter = ("state", "source", "needs_second", "seller", "marketplace", "currency")
    search_fields = ("key", "order__amazon_order_id", "origin", "amazon_refund_id")
    list_select_related = ("order", "proposer")
    date_hierarchy = "proposed_at"
    inlines = (RefundLines,)


@admin.register(RefundLine)
class RefundLineAdmin(ReadOnlyAdmin):
    """Lines over all refunds."""

    list_display = ("refund", "order_line", "component", "quantity", "net", "tax", "live")
    list_filter = ("component", "live")
    search_fields = ("origin", "order_line__sku", "order_line__order__amazon_order_id")
    list_select_related = ("refund", "order_line")


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    """Settlements as imported."""

    list_display = ("settlement_id", "seller", "deposited_at", "total", "currency")
    list_filter = ("seller", "currency")
    search_fields = ("settlement_id",)
    list_select_related = ("seller",)
    date_hierarchy = "deposited_at"


@admin.register(MoneyFact)
class MoneyFactAdmin(ReadOnlyAdmin):
    """Rows of settlements, and the refund each one proves."""

    list_display = ("settlement", "amazon_order_id", "amount_description", "amount", "currency",
                    "bucket", "posted_on", "refund")  # fmt: skip
    list_filter = ("bucket", "is_refund", "seller", "marketplace", "currency")
    search_fields = ("amazon_order_id", "adjustment_id", "settlement__settlement_id", "sku")
    list_select_related = ("settlement", "refund")
    show_full_result_count = False
    raw_id_fields = ("settlement", "order", "order_line", "refund")


@admin.register(ReportRun)
class ReportRunAdmin(ReadOnlyAdmin):
    """Stored runs of finance's reports."""

    list_display = ("file_name", "kind", "date_from", "date_to", "seller", "rows", "by",
                    "created_at")  # fmt: skip
    list_filter = ("kind", "output_format", "seller", "marketplace")
    search_fields = ("file_name", "sha256", "by__username")
    list_select_related = ("seller", "by")


@admin.register(DocumentRules)
class DocumentRulesAdmin(TrailedAdmin):
    """How each seller writes documents."""

    list_display = ("seller", "restocking", "email_documents")
    list_filter = ("restocking", "email_documents")
    search_fields = ("seller__code", "seller__name")
    list_select_related = ("seller",)


@admin.register(TaxFact)
class TaxFactAdmin(ReadOnlyAdmin):
    """Amazon's tax figures as imported."""

    list_display = ("amazon_order_id", "shipment_id", "transaction_type", "sku", "item_net",
                    "item_tax", "item_rate", "currency", "invoice_number", "status")  # fmt: skip
    list_filter = ("report", "transaction_type", "seller", "marketplace", "deemed_supplier")
    search_fields = ("amazon_order_id", "shipment_id", "transaction_id", "invoice_number", "sku")
    raw_id_fields = ("order", "order_line")
    show_full_result_count = False


@admin.register(VatRate)
class VatRateAdmin(TrailedAdmin):
    """VAT rates by country and date; they check new invoices only."""

    list_display = ("country", "region", "kind", "rate", "valid_from", "valid_to", "source")
    list_filter = ("kind", "country")
    search_fields = ("country", "region", "source")


@admin.register(FxRate)
class FxRateAdmin(TrailedAdmin):
    """Exchange rates as published. One more can be entered; none is ever changed."""

    list_display = ("day", "base", "quote", "rate", "source")
    list_filter = ("quote", "base", "source")
    search_fields = ("quote", "source")
    date_hierarchy = "day"

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        """Nobody: documents were written with it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        """Nobody."""
        return False


@admin.register(ViesCheck)
class ViesCheckAdmin(ReadOnlyAdmin):
    """What VIES answered about buyers' VAT ids, and when."""

    list_display = ("number", "answer", "name", "consultation", "asked_at", "by")
    list_filter = ("answer", "asked_at")
    search_fields = ("number", "name", "consultation")
    list_select_related = ("by",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Documents on their way to others; they are sent again from the document's page."""

    list_display = ("document", "channel", "state", "language", "attempts", "sent_at", "problem")
    list_filter = ("channel", "state", "language")
    search_fields = ("document__number", "document__order__amazon_order_id", "subject", "problem")
    list_select_related = ("document",)


@admin.register(RetentionRule)
class RetentionRuleAdmin(TrailedAdmin):
    """How long documents are kept, and which law says so."""

    list_display = ("kind", "country", "years", "source")
    list_filter = ("kind", "country")
    search_fields = ("country", "source")


class WordingForm(forms.ModelForm):
    """A wording for a key documents know, in a language they are written in."""

    key = forms.ChoiceField(
        choices=[(key, key) for key in (*texts.EXEMPTIONS, *texts.PAYMENT_NOTES)]
    )
    language = forms.ChoiceField(choices=[(language, language) for language in texts.LANGUAGES])

    class Meta:
        model = Wording
        fields = ("key", "language", "text")


@admin.register(Wording)
class WordingAdmin(TrailedAdmin):
    """The seller's own words on documents; new documents freeze them, issued ones keep theirs."""

    form = WordingForm
    list_display = ("key", "language", "text")
    list_filter = ("key", "language")
    search_fields = ("key", "text")


@admin.register(LegalHold)
class LegalHoldAdmin(ReadOnlyAdmin):
    """Documents that stay while a dispute or an audit runs; placed on the document's page."""

    list_display = ("document", "reason", "placed_by", "placed_at", "lifted_by", "lifted_at")
    list_filter = ("placed_at", "lifted_at")
    search_fields = ("document__number", "reason", "placed_by__username")
    list_select_related = ("document", "placed_by", "lifted_by")


@admin.register(PayeeErasure)
class PayeeErasureAdmin(ReadOnlyAdmin):
    """Proofs of accounts and bank files that retention forgot."""

    list_display = ("erased_at", "refund", "bank_file", "sha256", "kept_until", "rule")
    list_filter = ("rule",)
    search_fields = ("sha256",)
    list_select_related = ("refund", "bank_file")


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """Proof of what retention removed."""

    list_display = ("number", "kind", "seller_code", "country", "issue_date", "kept_until",
                    "erased_at", "rule")  # fmt: skip
    list_filter = ("kind", "country", "seller_code")
    search_fields = ("number", "payload_sha256", "chain_hash")
