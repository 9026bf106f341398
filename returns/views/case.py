"""The page of one RMA: state, lines, money, evidence, what is next, what happened."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers

from invoicing import waiting
from invoicing.models import Refund
from invoicing.states import OPEN as OPEN_REFUND
from invoicing.states import RefundState
from returns import actions, forms, refunding, timeline
from returns.models import RMA, Evidence, Inspection, Message, Note, Parcel, RMALine, WorkItem
from returns.states import Liability, State

UNSEEN = (*OPEN_REFUND, RefundState.SENT)
_CHILDREN = {
    "parcel_list": (
        Parcel,
        ("id", "carrier", "tracking", "label_payer", "label_cost", "shipped_at", "delivered_at"),
    ),
    "inspection_list": (
        Inspection,
        ("id", "line_id", "quantity", "condition", "disposition", "note", "at"),
    ),
    "evidence_list": (Evidence, ("id", "kind", "file_name", "content_type", "size", "at")),
    "message_list": (Message, ("id", "template", "subject", "status", "created_at")),
    "note_list": (Note, ("id", "text", "by__username", "at")),
    "work_items_open": (WorkItem, ("id", "kind", "sentence", "actor")),
}


@login_required
@permission_required("returns.view_rma", raise_exception=True)
def refund_preview(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>/refund/ with a proposal's wishes: what it would be. Writes nothing.

    With ``early`` approved units count, not only accepted ones.

    htmx asks for the figures alone, while somebody types; without it this is a page of its own.
    """
    rma = get_object_or_404(RMA.objects.select_related("policy", "marketplace"), number=number)
    form = forms.ProposeForm(request.GET or None)
    early = "early" in request.GET
    wishes = form.wishes(early=early) if form.is_bound and form.is_valid() else None
    quotes = refunding.quote(rma, wishes=wishes) if wishes else refunding.quote(rma)
    alone = "HX-Request" in request.headers
    template = "returns/_quotes.html" if alone else "returns/refund_preview.html"
    context = {"rma": rma, "quotes": quotes, "form": form, "problem": form.errors, "early": early}
    response = render(request, template, context)
    patch_vary_headers(response, ("HX-Request",))
    return response


@dataclass
class Case:
    """Everything the page shows of an RMA, read in a constant number of queries."""

    rma: RMA
    lines: list[RMALine]
    refunds: list[Refund]
    quotes: list
    facts: actions.Facts

    @property
    def shows_missing(self) -> bool:
        """Whether any unit was given up; else the column says nothing."""
        return any(line.missing for line in self.lines)

    @property
    def shows_rejected(self) -> bool:
        """Whether any unit was rejected; else the column says nothing."""
        return any(line.rejected for line in self.lines)


@login_required
@permission_required("returns.view_rma", raise_exception=True)
def show(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>/"""
    return page(request, number)


def page(request: HttpRequest, number: str, bound: dict | None = None, status: int = 200):
    """Draw the case; ``bound`` is the form of a verb that was posted with errors."""
    case = load(number)
    rma = case.rma
    reached = {
        State.REQUESTED: rma.opened_at,
        State.APPROVED: rma.approved_at,
        State.SHIPPED: rma.shipped_at,
        State.INSPECTED: rma.inspected_at,
        State.REFUNDED: rma.refunded_at,
        State.CLOSED: rma.closed_at,
    }
    context = {
        "case": case,
        "rma": rma,
        "states": State.choices,
        "reached": {state.value: at for state, at in reached.items() if at},
        "actions": actions.panel(
            rma, request.user, case.facts, lines=case.lines, refunds=case.refunds, bound=bound
        ),
        "side_actions": actions.side(rma, request.user),
        "events": timeline.of(rma),
        "liabilities": Liability.choices,
    }
    return render(request, "returns/case.html", context, status=status)


def load(number: str) -> Case:
    """RMA with its children, lines, refunds; the quote adds its own three."""
    rma = get_object_or_404(_with_children(), number=number)
    lines = list(
        rma.lines.select_related(
            "order_line__order__marketplace",
            "order_line__order__seller",
            "order_line__product",
            "amazon_return",
        )
    )
    refunds = list(
        Refund.objects.filter(origin=rma.number)
        .select_related("document", "order", "proposer", "approver")
        .order_by("id")
    )
    for refund in refunds:
        refund.paper_waits = refund.document and waiting.of_document(refund.document, refund)
    quotes = refunding.quote(rma, lines=lines)
    return Case(rma, lines, refunds, quotes, _facts(lines, refunds, quotes))


def _with_children():
    """RMAs with their small children as JSON arrays: one query instead of seven."""
    arrays = {}
    for name, (model, fields) in _CHILDREN.items():
        rows = model.objects.filter(rma=OuterRef("pk")).order_by("pk")
        if model is WorkItem:
            rows = rows.filter(done_at=None)
        arrays[name] = ArraySubquery(rows.values(json=JSONObject(**{f: f for f in fields})))
    people = ("seller", "marketplace", "buyer", "owner", "policy", "approved_by")
    return RMA.objects.select_related(*people).annotate(**arrays)


def _facts(lines: list[RMALine], refunds: list[Refund], quotes: list) -> actions.Facts:
    outstanding = sum(line.outstanding for line in lines)
    refundable = [quote for quote in quotes if quote.refundable]
    return actions.Facts(
        outstanding=outstanding,
        uninspected=sum(line.uninspected for line in lines),
        refundable=bool(refundable),
        refund_sentence=" ".join(str(quote.sentence) for quote in quotes),
        open_refunds=sum(refund.state in OPEN_REFUND for refund in refunds),
        unseen_refunds=sum(refund.state in UNSEEN for refund in refunds),
        accounted_for=not outstanding and not any(line.uninspected for line in lines),
    )
