"""The returns queue: the list people work from, with its saved views and bulk actions."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.core.lists import BulkAction, HeaderAction, ListPage, Tab
from returns.filters import QueueFilters
from returns.models import RMA, RMALine
from returns.states import NextActor, State
from returns.tables import QueueTable
from returns.words import reason

_LINES = RMALine.objects.filter(rma=OuterRef("pk")).order_by("position")
ROWS = RMA.objects.annotate(  # built once: building it costs what asking it does
    reasons=ArraySubquery(_LINES.values("reason_code")[:3]),
    pos=ArraySubquery(_LINES.values("order_line__order__po_number")[:3]),
).values(
    "id",
    "number",
    "state",
    "close_reason",
    "next_actor",
    "next_step",
    "value",
    "currency",
    "due_at",
    "opened_at",
    "outside_policy",
    "buyer__legal_name",
    "buyer__watched",
    "owner__username",
    "marketplace__code",
    "reasons",
    "pos",
)


class Queue(ListPage):
    """All RMAs, newest first; tabs are the saved views."""

    table_class = QueueTable
    filterset_class = QueueFilters
    row_template = "returns/queue_row.html"
    permission = "returns.view_rma"
    title = _("Returns")
    empty_text = _("Returns appear here when one is entered or Amazon's returns report comes in.")
    search_placeholder = _("RMA, order, PO, buyer, SKU, tracking")
    default_sort = "-opened_at"
    sorts = {"opened_at": "opened_at", "due_at": "due_at", "value": "value"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("state", "next")
    file_name = "returns"

    def get_rows(self) -> QuerySet:
        """One row an RMA with the first lines' reasons and PO numbers."""
        return ROWS.all()

    def get_tabs(self) -> list[Tab]:
        """The saved views."""
        rows, user = RMA.objects, self.request.user
        new, refund = ({"state": state} for state in (State.REQUESTED, State.INSPECTED))
        warehouse = rows.waiting_for(NextActor.WAREHOUSE)
        return [
            Tab(str(_("All"))),
            Tab(str(_("New")), new, rows.filter(**new)),
            Tab(str(_("To inspect")), {"next": NextActor.WAREHOUSE}, warehouse),
            Tab(str(_("To refund")), refund, rows.filter(**refund)),
            Tab(str(_("Overdue")), {"overdue": "true"}, rows.overdue(timezone.now())),
            Tab(str(_("Mine")), {"mine": "true"}, rows.open().filter(owner=user)),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        """New RMA and bulk entry for those who may."""
        if not self.request.user.has_perm("returns.request_rma"):
            return []
        return [
            HeaderAction(_("Bulk entry"), reverse("returns:bulk")),
            HeaderAction(_("New RMA"), reverse("returns:new"), primary=True),
        ]

    def get_bulk_actions(self) -> list[BulkAction]:
        """What can be done with many at once; each is previewed before it is done."""
        url = reverse("returns:bulk-verb", args=["approve"])
        assign = reverse("returns:bulk-verb", args=["assign"])
        return [
            BulkAction("approve", _("Approve"), url, "returns.approve_rma"),
            BulkAction("assign", _("Take over"), assign, "returns.assign_rma"),
        ]

    def get_csv_row(self, row: dict, columns: list[str]) -> list:
        """The reasons in words."""
        return super().get_csv_row({**row, "reason": [reason(c) for c in row["reasons"]]}, columns)
