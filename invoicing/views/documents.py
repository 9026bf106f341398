"""Documents: the list, the page with its file, chain and findings, and numbering a draft."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from config.core.display import percent
from config.core.lists import ListPage, Tab
from config.core.refused import Refused
from invoicing import actions, documents, timeline
from invoicing.filters import DocumentFilters
from invoicing.models import Artifact, Document
from invoicing.models.document import Kind
from invoicing.states import DocumentState
from invoicing.tables import DocumentTable


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
        return [
            Tab(_("All")),
            Tab(_("Invoices"), {"kind": Kind.INVOICE}),
            Tab(_("Credit notes"), {"kind": Kind.CREDIT_NOTE}),
            Tab(_("Drafts"), {"state": DocumentState.DRAFT}, drafts),
            Tab(_("With findings"), {"blocked": "true"}, drafts.exclude(findings=[])),
            Tab(_("Being rendered"), {"state": DocumentState.NUMBERED}, numbered),
        ]


@login_required
@permission_required("invoicing.view_document", raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /documents/<id>/"""
    related = ("order", "buyer", "seller", "marketplace", "corrects", "refund", "created_by")
    document = get_object_or_404(Document.objects.select_related(*related), pk=pk)
    lines = [_line(line) for line in document.lines.all()]
    chain = Document.objects.filter(order=document.order_id).select_related("refund").order_by("pk")
    context = {
        "document": document,
        "refund": getattr(document, "refund", None),
        "lines": lines,
        "taxes": [
            {"rate": percent(row.rate), "base": row.base, "tax": row.tax}
            for row in document.taxes.all()
        ],
        "chain": chain,
        "artifact": Artifact.objects.filter(document=document, kind="pdf").defer("content").first(),
        "downloads": document.downloads.select_related("by")[:20],
        "actions": actions.of_document(document, request.user),
        "events": timeline.of("invoicing.document", document.pk),
    }
    return render(request, "invoicing/document.html", context)


def _line(line) -> dict:
    label = f"{line.sku}: {line.get_component_display()}"
    if line.quantity:
        label += f" × {line.quantity}"
    amounts = {"net": line.net, "tax": line.tax, "gross": line.gross}
    return {"label": label, "sentence": line.sentence, "tax_rate": percent(line.rate), **amounts}


@login_required
@permission_required("invoicing.view_document", raise_exception=True)
@xframe_options_sameorigin
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /documents/<id>/file/: the stored PDF; ``?inline`` for the preview. Each is recorded."""
    document = get_object_or_404(Document, pk=pk)
    try:
        artifact = documents.file_of(document, by=request.user)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(document)
    response = HttpResponse(bytes(artifact.content), content_type="application/pdf")
    how = "inline" if "inline" in request.GET else "attachment"
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in document.number)
    response["Content-Disposition"] = f'{how}; filename="{name}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


VERBS = {"number": (documents.number, gettext_lazy("Numbered; its file is being made."))}


@require_POST
@login_required
@permission_required("invoicing.view_document", raise_exception=True)
def run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /documents/<id>/<verb>/"""
    if verb not in VERBS:
        raise Http404(f"No verb {verb}")
    call, done = VERBS[verb]
    document = get_object_or_404(Document, pk=pk)
    try:
        call(document, by=request.user)
        messages.success(request, done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect(document)
