"""The refund desk: what waits for a decision or a pair of hands, and approving many at once."""

from collections import defaultdict
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from config.core.lists import BulkAction, HeaderAction, ListPage, Tab
from config.core.refused import Refused
from invoicing.actions import SECOND
from invoicing.approval import foresee
from invoicing.elsewhere import seen_elsewhere
from invoicing.filters import RefundFilters
from invoicing.four_eyes import is_alone, know_failures
from invoicing.models import Refund
from invoicing.models.refund import Source
from invoicing.refunds import approve_many
from invoicing.sending.needing import annotations, needing
from invoicing.states import RefundState
from invoicing.tables import RefundTable

CHOSEN_AT_MOST = 500


class RefundList(ListPage):
    """All refunds, newest first; tabs are the stations of the desk."""

    table_class = RefundTable
    filterset_class = RefundFilters
    row_template = "invoicing/refund_row.html"
    permission = "invoicing.view_refund"
    title = gettext_lazy("Refunds")
    empty_text = gettext_lazy(
        "Refunds appear here when one is proposed on a return, or seen at Amazon."
    )
    search_placeholder = gettext_lazy("Order, RMA, PO, Amazon's refund id")
    default_sort = "-proposed_at"
    sorts = {"proposed_at": "proposed_at"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("state", "lane")
    file_name = "refunds"

    def get_rows(self) -> QuerySet:
        """One row a refund."""
        return Refund.objects.values(
            "id",
            "key",
            "state",
            "source",
            "lane",
            "wait_why",
            "note",
            "needs_second",
            "origin",
            "gross",
            "currency",
            "sent_on",
            "proposed_at",
            "order__amazon_order_id",
            "order__po_number",
            "order__buyer__legal_name",
            "proposer__username",
            "document__number",
            "document__id",
            **annotations(),
        )

    def get_tabs(self) -> list[Tab]:
        """The stations, counted in one query."""
        proposed = {"state": RefundState.PROPOSED}
        views = {
            _("Ready to approve"): {**proposed, "second": "false"},
            _("Needs a second person"): {**proposed, "second": "true"},
            _("Needs somebody"): {"needs": "true"},
            _("To carry out"): {"state": RefundState.APPROVED},
            _("Being carried out"): {"state": RefundState.SENDING},
            _("Sent"): {"state": RefundState.SENT},
            _("Unknown"): {"state": RefundState.UNKNOWN},
            _("Failed"): {"state": RefundState.FAILED},
            _("Seen at Amazon"): {"source": Source.AMAZON},
        }
        return [
            Tab(_("All")),
            *(Tab(label, params, _counted(params)) for label, params in views.items()),
        ]

    def get_bulk_actions(self) -> list[BulkAction]:
        """Approve the chosen or put them into a bank file; a page with the totals asks first."""
        return [
            BulkAction("approve", _("Approve"), reverse("invoicing:refunds-approve"),
                       "invoicing.approve_refund"),
            BulkAction("bank_file", _("Make a bank file"), reverse("invoicing:bank-file-new"),
                       "invoicing.carry_out_refund"),
        ]  # fmt: skip

    def get_header_actions(self) -> list[HeaderAction]:
        """The files that carry refunds out."""
        may = self.request.user.has_perm
        return [
            HeaderAction(label, reverse(name))
            for label, name, permission in (
                (_("Feeds"), "invoicing:feeds", "invoicing.view_feed"),
                (_("Bank files"), "invoicing:bank-files", "invoicing.view_bankfile"),
            )
            if may(permission)
        ]


def _counted(params: dict) -> QuerySet:
    names = {"state": "state", "source": "source"}
    rows = Refund.objects.filter(**{names[k]: v for k, v in params.items() if k in names})
    if "second" in params:
        rows = rows.filter(needs_second=params["second"] == "true")
    return rows.filter(needing()) if "needs" in params else rows


def chosen(request: HttpRequest) -> list[Refund]:
    """The refunds whose rows were chosen on the desk."""
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal()][:CHOSEN_AT_MOST]
    related = ("order__buyer", "proposer", "seller", "payee")
    rows = Refund.objects.filter(pk__in=ids).select_related(*related)
    return list(rows.order_by("pk"))


@require_POST
@login_required
@permission_required("invoicing.approve_refund", raise_exception=True)
def approve(request: HttpRequest) -> HttpResponse:
    """POST /refunds/bulk/approve/ with ``ids``: totals first, then with ``confirm`` the deed."""
    rows = chosen(request)
    if not rows:
        messages.error(request, _("Choose at least one row first."))
        return redirect("invoicing:refunds")
    if "confirm" not in request.POST:
        return render(request, "invoicing/approve_many.html", _preview(rows, request.user))
    try:
        keys = [refund.key for refund in rows]
        _tell(request, approve_many(keys, by=request.user, seen=_seen(request)), rows)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("invoicing:refunds")


def _seen(request: HttpRequest) -> dict[str, str]:
    """Key → hash of the content that the page with the totals showed."""
    pairs = (one.partition(":") for one in request.POST.getlist("seen"))
    return {key: content_hash for key, _colon, content_hash in pairs}


def _preview(rows: list[Refund], user) -> dict:
    """What can be approved, its totals per currency, what cannot and why, and what Amazon gave
    back on the same lines.

    Asks what the click will ask (state, second person, caps, Amazon's money); the click asks again.
    """
    totals: dict[str, Decimal] = defaultdict(Decimal)
    know_failures(rows)
    whys = {refund.pk: _why_not(refund, user) for refund in rows}
    asked = [refund for refund in rows if not whys[refund.pk]]
    whys |= {pk: refusal.sentence for pk, refusal in foresee(asked, by=user).items()}
    can = [refund for refund in rows if not whys[refund.pk]]
    for refund in can:
        totals[refund.currency] += refund.gross
    elsewhere = seen_elsewhere(can)
    return {
        "can": can,
        "cannot": [(refund, whys[refund.pk]) for refund in rows if whys[refund.pk]],
        "totals": dict(sorted(totals.items())),
        "ids": [refund.pk for refund in can],
        "elsewhere": [(one, elsewhere[one.pk]) for one in can if one.pk in elsewhere],
    }


def _why_not(refund: Refund, user) -> str:
    if refund.state not in (RefundState.PROPOSED, RefundState.FAILED):
        return _("It is %(state)s.") % {"state": refund.get_state_display().lower()}
    if refund.needs_second and is_alone(refund, user):
        return str(SECOND)
    return ""


def _tell(request: HttpRequest, result, rows: list[Refund]) -> None:
    if result.done:
        said = ngettext("%(n)d refund approved.", "%(n)d refunds approved.", len(result.done))
        messages.success(request, said % {"n": len(result.done)})
    orders = {str(refund.key): refund.order.amazon_order_id for refund in rows}
    for key, sentence in result.refused[:20]:
        messages.error(request, f"{orders.get(key, key)}: {sentence}")
