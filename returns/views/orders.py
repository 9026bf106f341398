"""Orders, and the page of one order: Amazon's facts, and what we made of them.

The page joins the rooms: lines, buyer, documents, returns, refunds, money facts, raw rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.core.display import percent
from config.core.lists import ListPage, Tab
from config.core.money import ZERO
from config.core.refused import Refused
from config.core.roles import may
from invoicing import documents, issuing, supplies, waiting
from invoicing.models import Document, IssuingMode, MoneyFact, Refund
from invoicing.models.document import Kind
from invoicing.shown import untied
from invoicing.states import Component, DocumentState
from orders import buyers, decisions
from orders.models import AmazonReturn, ImportRow, Order, OrderLine
from orders.models.order import COMPONENTS, PROMOTIONS
from returns import order_forms, quantities
from returns.actions import NOT_YOURS, Action
from returns.filters import OrderFilters
from returns.models import RMA, RMALine
from returns.order_refund import propose_without_return
from returns.tables import OrderTable

FACTS_SHOWN = 200


class OrderList(ListPage):
    """All orders, newest first."""

    table_class = OrderTable
    filterset_class = OrderFilters
    row_template = "returns/order_row.html"
    permission = "orders.view_order"
    title = _("Orders")
    empty_text = _("Orders appear here when an all-orders report is imported.")
    search_placeholder = _("Order id, PO number or buyer")
    default_sort = "-purchased_at"
    sorts = {"purchased_at": "purchased_at"}
    scope_fields = ("seller__code", "marketplace__code")
    file_name = "orders"

    def get_rows(self) -> QuerySet:
        """One row an order, with the numbers of its RMAs."""
        rmas = RMALine.objects.filter(order_line__order=OuterRef("pk")).order_by("rma_id")
        return Order.objects.annotate(
            rmas=ArraySubquery(rmas.values("rma__number").distinct()[:3])
        ).values(
            "id",
            "amazon_order_id",
            "buyer__legal_name",
            "po_number",
            "marketplace__code",
            "status",
            "channel",
            "gross_total",
            "currency",
            "purchased_at",
            "facts_complete",
            "rmas",
        )

    def get_tabs(self) -> list[Tab]:
        """What needs somebody: stubs, orders without a buyer."""
        rows = Order.objects.order_by()
        stubs = rows.filter(facts_complete=False)
        nobodys = rows.filter(buyer=None, facts_complete=True)
        return [
            Tab(str(_("All"))),
            Tab(str(_("Facts incomplete")), {"complete": "false"}, stubs),
            Tab(str(_("Without a buyer")), {"no_buyer": "true"}, nobodys),
        ]


@login_required
@permission_required("orders.view_order", raise_exception=True)
def show(request: HttpRequest, amazon_order_id: str) -> HttpResponse:
    """GET /orders/<id>/"""
    return page(request, amazon_order_id)


def page(
    request: HttpRequest, amazon_order_id: str, bound: dict | None = None, status: int = 200
) -> HttpResponse:
    """Draw the order; ``bound`` is the form of a button that was posted with errors."""
    order = get_order(request, amazon_order_id)
    lines = list(order.lines.select_related("product"))
    refunds = list(
        Refund.objects.filter(order=order).select_related("document").order_by("-proposed_at", "id")
    )
    papers = list(Document.objects.filter(order=order).select_related("refund").order_by("id"))
    for paper in papers:
        paper.why = waiting.of_document(paper, getattr(paper, "refund", None))
    mode, not_ours = _issuing(order)
    by_tax_data = mode and mode != str(IssuingMode.Issuer.SELLER.label)
    left = quantities.returnable_of([line.pk for line in lines])
    for line in lines:
        line.left, line.parts = left.get(line.pk, 0), _parts(line)
    amazon_returns = list(order.amazon_returns.order_by("id"))
    context = {
        "order": order,
        "lines": lines,
        "paid": sum((part["gross"] for line in lines for part in line.parts), ZERO),
        "refunds": refunds,
        "untied": untied([order.pk]).get(order.pk, []),
        "papers": papers,
        "issuing_mode": mode,
        "not_ours": not_ours,
        "open_supplies": supplies.open_supplies(order_id=order.pk) if by_tax_data else [],
        "shipments": order.shipments.all(),
        "rmas": _rmas_of(order),
        "money": MoneyFact.objects.filter(order=order)
        .select_related("settlement")
        .order_by("posted_at", "id")[:FACTS_SHOWN],
        "amazon_returns": amazon_returns,
        "raw_rows": _raw_rows(order, lines),
        "actions": _actions(
            order,
            request.user,
            lines=lines,
            papers=papers,
            not_ours=not_ours,
            unsure=_unsure(amazon_returns),
            bound=bound or {},
        ),
        "may_return": may(request.user, "returns.request_rma"),
    }
    for action in context["actions"]:  # the button means the order that is shown
        action.url = _address(request, "returns:order-verb", order.amazon_order_id, action.name)
    return render(request, "returns/order.html", context, status=status)


def _issuing(order: Order) -> tuple[str, str]:
    """Who issues the order's documents, in words (empty: undecided), and why no invoice over the
    whole order is issued here (empty: one may be).
    """
    mode = issuing.mode_of(order.seller_id, order.marketplace_id) if order.marketplace_id else ""
    if not mode:
        return "", str(_("Nobody has decided who issues here: an admin sets the issuing mode."))
    word = str(IssuingMode.Issuer(mode).label)
    try:
        issuing.require_whole_order(order)
    except Refused as refused:
        return word, refused.sentence
    return word, ""


def _parts(line: OrderLine) -> list[dict[str, Any]]:
    """The components of a line that cost something, the item always."""
    found = []
    for component in COMPONENTS:
        net, tax, rate = line.paid(component)
        promotion = PROMOTIONS[component]
        off = (
            getattr(line, f"{promotion}_net") + getattr(line, f"{promotion}_tax")
            if promotion
            else 0
        )
        if net or tax or off or component == "item":
            found.append(
                {
                    "label": Component(component).label,
                    "net": net,
                    "tax": tax,
                    "gross": net + tax,
                    "rate": percent(rate),
                    "promotion": off,
                }
            )
    return found


def get_order(request: HttpRequest, amazon_order_id: str) -> Order:
    """The order of an Amazon id; with ``?seller=`` where two sellers know the same id."""
    found = Order.objects.filter(amazon_order_id=amazon_order_id)
    if code := request.GET.get("seller"):
        found = found.filter(seller__code=code)
    joined = found.select_related("seller", "marketplace", "buyer", "import_file")
    order = joined.order_by("pk").first()
    if order is None:
        raise Http404(f"No order {amazon_order_id}")
    return order


def _address(request: HttpRequest, name: str, *args: str) -> str:
    """The path of a page about this order, with ``?seller=`` where this request has it."""
    code = request.GET.get("seller")
    return reverse(name, args=args) + (f"?{urlencode({'seller': code})}" if code else "")


def _rmas_of(order: Order) -> QuerySet:
    lines = RMALine.objects.filter(rma=OuterRef("pk"), order_line__order=order)
    return RMA.objects.filter(Exists(lines)).select_related("owner").order_by("-opened_at", "-id")


def _raw_rows(order: Order, lines: list[OrderLine]) -> QuerySet:
    """Raw rows of the files as they came in, as long as they are kept."""
    wanted = Q(pk__in=[])
    for fact in (order, *lines):
        if fact.import_file_id and fact.row_hash:
            wanted |= Q(import_file_id=fact.import_file_id, row_hash=fact.row_hash)
    return ImportRow.objects.filter(wanted).select_related("import_file").order_by("line")[:50]


def _unsure(amazon_returns: Iterable[AmazonReturn]) -> list[AmazonReturn]:
    """Amazon's returns that may mean several lines."""
    return [row for row in amazon_returns if row.order_line_id is None]


def _not_needed(order: Order, unsure: list[AmazonReturn]) -> set[str]:
    """Buttons of decisions that nobody has to make on this order."""
    said = set() if decisions.may_say_marketplace(order) else {"marketplace"}
    return said if unsure and order.facts_complete else said | {"return-line"}


def _actions(
    order: Order,
    user: Any,
    *,
    lines: list[OrderLine],
    papers: list[Document],
    not_ours: str,
    unsure: list[AmazonReturn],
    bound: dict,
) -> list[Action]:
    """What can be done with an order, each with why not."""
    on_record = [paper for paper in papers if paper.state != DocumentState.DRAFT]
    invoice = next((paper for paper in on_record if paper.kind == Kind.INVOICE), None)
    has = _("The invoice is on record: %(number)s.") % {"number": invoice} if invoice else ""
    stub = "" if order.facts_complete else _("Import the orders report first.")
    blocked = {"issue-invoice": stub or has or not_ours, "record-invoice": has, "refund": stub}
    found, hidden = [], _not_needed(order, unsure) - bound.keys()
    for verb, button in BUTTONS.items():
        if verb in hidden:
            continue
        why = blocked.get(verb) or ("" if may(user, button.permission) else NOT_YOURS)
        url = reverse("returns:order-verb", args=[order.amazon_order_id, verb])
        fresh = button.form and not why
        shown = bound.get(verb) or (button.form(lines=lines, unsure=unsure) if fresh else None)
        found.append(Action(verb, button.label, url, refused=str(why), form=shown))
    return found


@dataclass(frozen=True)
class Button:
    """A button of the order page: label, permission, its form, what it does, what is said after."""

    label: Any
    permission: str
    form: Callable | None
    call: Callable[..., Any]
    done: Any


def _issue(order: Order, form: None, by: Any) -> None:
    documents.issue_invoice(order, by=by)


def _record(order: Order, form: Any, by: Any) -> None:
    documents.record_invoice(order, by=by, **form.cleaned_data)


def _name_buyer(order: Order, form: Any, by: Any) -> None:
    buyers.attach_buyer(order, form.buyer(by=by), by=by)


def _refund(order: Order, form: Any, by: Any) -> None:
    propose_without_return(order, by=by, **form.cleaned_data)


def _say_marketplace(order: Order, form: Any, by: Any) -> None:
    decisions.say_marketplace(order, form.cleaned_data["marketplace"], by=by)


def _choose_line(order: Order, form: Any, by: Any) -> None:
    decisions.choose_line(*form.chosen(), by=by)


BUTTONS = {
    "marketplace": Button(
        _("Say the marketplace"),
        decisions.SAY_MARKETPLACE,
        order_forms.MarketplaceForm,
        _say_marketplace,
        _("The marketplace is noted. What waited for it goes on."),
    ),
    "return-line": Button(
        _("Choose the line of a return"),
        decisions.IDENTIFY,
        order_forms.ChooseLineForm,
        _choose_line,
        _("The line is chosen. The return becomes an RMA."),
    ),
    "issue-invoice": Button(
        _("Issue invoice"),
        "invoicing.issue_document",
        None,
        _issue,
        _("The invoice has its number; its files are being made."),
    ),
    "record-invoice": Button(
        _("Record an invoice issued elsewhere"),
        "invoicing.record_document",
        order_forms.RecordInvoiceForm,
        _record,
        _("The invoice is on record."),
    ),
    "buyer": Button(
        _("Name the buyer"),
        "orders.change_buyer",
        order_forms.BuyerForm,
        _name_buyer,
        _("The buyer is named."),
    ),
    "refund": Button(
        _("Refund without a return"),
        "invoicing.propose_refund",
        order_forms.OrderRefundForm,
        _refund,
        _("Refund proposed."),
    ),
}


@require_POST
@login_required
def run(request: HttpRequest, amazon_order_id: str, verb: str) -> HttpResponse:
    """POST /orders/<id>/<verb>/"""
    if verb not in BUTTONS:
        raise Http404(f"No verb {verb}")
    button, order = BUTTONS[verb], get_order(request, amazon_order_id)
    form = None
    if button.form:
        facts = {"lines": list(order.lines.all()), "unsure": _unsure(order.amazon_returns.all())}
        form = button.form(request.POST, **facts)
    if form is not None and not form.is_valid():
        return page(request, amazon_order_id, {verb: form}, status=422)
    try:
        button.call(order, form, request.user)
    except Refused as refused:
        if form is None:
            messages.error(request, refused.sentence)
            return redirect(_address(request, "returns:order", amazon_order_id))
        form.add_error(None, refused.sentence)
        return page(request, amazon_order_id, {verb: form}, status=422)
    messages.success(request, button.done)
    return redirect(_address(request, "returns:order", amazon_order_id))
