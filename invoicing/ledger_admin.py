"""Django admin of the books: account numbers and the tax adviser's numbers are set here, with a
trail; months, journals and matches are to look at only.
"""

from django.contrib import admin

from config.core.admin import ReadOnlyAdmin, TrailedAdmin
from invoicing.models import AccountNumber, DatevClient, Journal, JournalLine, Match, Period


@admin.register(AccountNumber)
class AccountNumberAdmin(TrailedAdmin):
    """The numbers of the ledger's accounts in a seller's own chart, for exports."""

    list_display = ("seller", "account", "country", "rate", "number", "tax_key")
    list_filter = ("account", "seller", "country")
    search_fields = ("number", "account", "seller__code", "seller__name")
    list_select_related = ("seller",)


@admin.register(DatevClient)
class DatevClientAdmin(TrailedAdmin):
    """Under which numbers the tax adviser keeps a seller's books."""

    list_display = ("seller", "consultant", "client", "year_begins_in", "account_length", "chart")
    list_filter = ("chart", "year_begins_in")
    search_fields = ("seller__code", "seller__name", "consultant", "client")
    list_select_related = ("seller",)


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """Months of the ledger; they are closed and reopened on their page."""

    list_display = ("month", "seller", "marketplace", "state", "closed_by", "closed_at")
    list_filter = ("state", "seller", "marketplace")
    search_fields = ("seller__code", "seller__name", "marketplace__name", "sha256")
    list_select_related = ("seller", "marketplace", "closed_by")


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    """Bookings of the ledger."""

    list_display = ("source", "kind", "period", "seller", "currency", "posted_on", "text")
    list_filter = ("kind", "currency", "seller", "marketplace")
    search_fields = ("source", "text", "refund__key")
    list_select_related = ("period", "seller")
    show_full_result_count = False
    raw_id_fields = ("period", "refund", "reverses")


@admin.register(JournalLine)
class JournalLineAdmin(ReadOnlyAdmin):
    """What each booking moves, account by account."""

    list_display = ("journal", "account", "country", "rate", "component", "amount")
    list_filter = ("account", "country")
    search_fields = ("journal__source", "journal__text")
    list_select_related = ("journal",)
    show_full_result_count = False
    raw_id_fields = ("journal", "order_line", "fact")


@admin.register(Match)
class MatchAdmin(ReadOnlyAdmin):
    """What ties and what does not; exceptions are worked on their page."""

    list_display = ("key", "kind", "result", "cause", "difference", "currency", "posted_on")
    list_filter = ("kind", "result", "cause", "seller", "marketplace")
    search_fields = ("key", "origin", "order__amazon_order_id")
    show_full_result_count = False
    raw_id_fields = ("order", "refund", "document")
