"""Ledger search: every line of every journal, each linked to its refund, document and period."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.lists import HeaderAction, ListPage, Tab
from invoicing.finance_filters import LedgerFilters
from invoicing.finance_tables import LedgerTable
from invoicing.models import Account, JournalLine

COLUMNS = (
    "id", "account", "country", "rate", "component", "order_line_id", "amount", "fx_rate", "fx_day",
    "journal__source", "journal__kind", "journal__currency",
    "journal__posted_on", "journal__period_id", "journal__period__month",
    "journal__refund__key", "journal__refund__origin", "journal__refund__order__amazon_order_id",
    "journal__refund__document_id", "journal__refund__document__number",
)  # fmt: skip


class LedgerList(ListPage):
    """All lines, what was booked last first."""

    table_class = LedgerTable
    filterset_class = LedgerFilters
    row_template = "invoicing/ledger_row.html"
    permission = "invoicing.view_journalline"
    title = gettext_lazy("Ledger")
    empty_text = gettext_lazy("A refund is booked when it is sent, and again when its money shows.")
    search_placeholder = gettext_lazy("Order, RMA, credit note, refund's key")
    quick_filters = ("account",)
    file_name = "ledger"

    def get_rows(self) -> QuerySet:
        """One row a line."""
        return JournalLine.objects.values(*COLUMNS)

    def get_tabs(self) -> list[Tab]:
        """The accounts people ask for most."""
        asked = (Account.IN_TRANSIT, Account.VAT, Account.AMAZON, Account.BANK, Account.FX)
        return [Tab(_("All")), *(Tab(str(one.label), {"account": one.value}) for one in asked)]

    def get_header_actions(self) -> list[HeaderAction]:
        """The months it is booked in."""
        return [HeaderAction(_("Periods"), reverse("invoicing:periods"))]
