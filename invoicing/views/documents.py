"""Lists of documents: all of them, and the drafts that wait, with trying them again at once.

The page of one document is in `document.py`.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from config.core.lists import BulkAction, HeaderAction, ListPage, Tab
from config.core.refused import Refused
from invoicing import documents, waiting
from invoicing.filters import DocumentFilters, DraftFilters, waiting_for
from invoicing.models import Delivery, Document
from invoicing.models.document import Kind
from invoicing.states import DocumentState
from invoicing.tables import DocumentTable, DraftTable

CHOSEN_AT_MOST = 50  # each is checked against every rule while the person waits


class DocumentList(ListPage):
    """All invoices and credit notes, newest first."""

    table_class = DocumentTable
    filterset_class = DocumentFilters
    row_template = "invoicing/document_row.html"
    permission = "invoicing.view_document"
    title = gettext_lazy("Documents")
    empty_text = gettext_lazy(
        "Invoices appear here when they are issued or recorded, credit notes with their refund."
    )
    search_placeholder = gettext_lazy("Number, order or RMA")
    default_sort = "-id"
    sorts = {"id": "id"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("kind", "state")
    file_name = "documents"

    def get_rows(self) -> QuerySet:
        """One row a document."""
        return Document.objects.values(
            "id",
            "number",
            "kind",
            "occasion",
            "state",
            "issuer",
            "findings",
            "gross",
            "currency",
            "issue_date",
            "origin",
            "order__amazon_order_id",
            "buyer__legal_name",
        )

    def get_tabs(self) -> list[Tab]:
        """Kinds, and what is not finished."""
        rows = Document.objects.order_by()
        drafts = rows.filter(state=DocumentState.DRAFT)
        numbered = rows.filter(state=DocumentState.NUMBERED)
        failed = Delivery.objects.filter(document=OuterRef("pk"), state=Delivery.State.FAILED)
        undelivered = rows.filter(Exists(failed))
        return [
            Tab(_("All")),
            Tab(_("Issued"), {"state": DocumentState.ISSUED}),
            Tab(_("Invoices"), {"kind": Kind.INVOICE}),
            Tab(_("Credit notes"), {"kind": Kind.CREDIT_NOTE}),
            Tab(_("Drafts"), {"state": DocumentState.DRAFT}, drafts),
            Tab(_("With findings"), {"blocked": "true"}, drafts.exclude(findings=[])),
            Tab(_("Files being made"), {"state": DocumentState.NUMBERED}, numbered),
            Tab(_("Delivery failed"), {"delivery": Delivery.State.FAILED}, undelivered),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        """What waits has pages of its own, which say why."""
        return [
            HeaderAction(_("Drafts queue"), reverse("invoicing:drafts")),
            HeaderAction(_("Amazon's tax data"), reverse("invoicing:tax-data")),
        ]


class DraftList(ListPage):
    """What is not numbered yet, oldest first: why, since when, and what to do about it."""

    table_class = DraftTable
    filterset_class = DraftFilters
    row_template = "invoicing/draft_row.html"
    permission = "invoicing.view_document"
    title = gettext_lazy("Drafts queue")
    empty_text = gettext_lazy("Nothing waits: every document that was asked for is issued.")
    search_placeholder = gettext_lazy("Order, buyer or RMA")
    default_sort = "id"
    sorts = {"id": "id"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("kind", "waits")
    file_name = "drafts"

    def get_rows(self) -> QuerySet:
        """One row a draft, with what `waiting` reads."""
        return Document.objects.filter(state=DocumentState.DRAFT).values(
            "id", "kind", "occasion", "findings", "due_at", "gated_at", "created_at", "gross",
            "currency", "origin", "order__amazon_order_id", "buyer_id", "buyer__legal_name",
            "seller_id", "refund__state", "refund__key",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """What the drafts wait for."""
        drafts = Document.objects.order_by().filter(state=DocumentState.DRAFT)
        views = {
            "findings": _("Something is missing"),
            "due": _("In line"),
            "refund": _("Wait for their refund"),
            "nobody": _("Nobody asked yet"),
        }
        return [
            Tab(_("All drafts")),
            *(
                Tab(label, {"waits": what}, waiting_for(drafts, what))
                for what, label in views.items()
            ),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        """What could not even be drafted, and back to everything."""
        return [
            HeaderAction(_("Amazon's tax data"), reverse("invoicing:tax-data")),
            HeaderAction(_("All documents"), reverse("invoicing:documents")),
        ]

    def get_bulk_actions(self) -> list[BulkAction]:
        """Check the chosen again, and issue those that pass."""
        url = reverse("invoicing:drafts-try-again")
        sentence = _("Check {n} drafts again? Those that pass get their number, which is final.")
        return [BulkAction("try-again", _("Try again"), url, "invoicing.issue_document", sentence)]

    def get_csv_row(self, row: dict, columns: list[str]) -> list[Any]:
        """With the reason and the next step as sentences."""
        words = {"findings": waiting.why(row), "due_at": waiting.next_step(row)[0]}
        return super().get_csv_row({**row, **words}, columns)


@require_POST
@login_required
@permission_required("invoicing.issue_document", raise_exception=True)
def try_again(request: HttpRequest) -> HttpResponse:
    """POST /documents/drafts/try-again/ with ``ids``: check each again, issue what passes."""
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal()][:CHOSEN_AT_MOST]
    if not ids:
        messages.error(request, _("Choose at least one row first."))
    done = 0
    for draft in Document.objects.filter(pk__in=ids).select_related("order").order_by("pk"):
        try:
            documents.number(draft, by=request.user)
            done += 1
        except Refused as refused:
            messages.error(request, f"{draft.order.amazon_order_id}: {refused.sentence}")
    if done:
        said = ngettext("%(n)d document numbered.", "%(n)d documents numbered.", done)
        messages.success(request, said % {"n": done})
    return redirect("invoicing:drafts")
