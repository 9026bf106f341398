"""Today: what waits for me, what is late, what went wrong; every number is a link to its list."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.core import roles
from config.core.lists import capped_counts
from invoicing.models import Document, Refund
from invoicing.states import DocumentState, RefundState
from orders.models import ImportFile
from returns.models import RMA, WorkItem
from returns.states import NextActor, State

ACTOR_OF_ROLE = {
    roles.AGENT: NextActor.AGENT,
    roles.INSPECTOR: NextActor.WAREHOUSE,
    roles.LEAD: NextActor.LEAD,
    roles.FINANCE: NextActor.FINANCE,
}
SHOWN = 15


@login_required
def today(request: HttpRequest) -> HttpResponse:
    """GET /: the reader's next cases and the numbers that need somebody."""
    actor = ACTOR_OF_ROLE.get(request.user.role, NextActor.AGENT)
    tiles = _tiles(actor, request.user)
    counts = capped_counts({tile["key"]: tile.pop("rows") for tile in tiles})
    for tile in tiles:
        tile["count"] = counts[tile["key"]]
    context = {
        "tiles": tiles,
        "actor": actor,
        "next_cases": _next_cases(actor),
        "imports": ImportFile.objects.select_related("seller", "by")[:5],
        "first_steps": not counts["all"] and not ImportFile.objects.exists(),
    }
    return render(request, "returns/today.html", context)


def _next_cases(actor: str):
    rows = RMA.objects.waiting_for(actor).select_related("buyer", "marketplace", "owner")
    return rows.order_by("due_at", "id")[:SHOWN]


def _tile(key: str, label, rows, url: str, look: str = "") -> dict:
    return {"key": key, "label": label, "rows": rows, "url": url, "look": look}


def _tiles(actor: str, user) -> list[dict]:
    queue, refunds = reverse("returns:queue"), reverse("invoicing:refunds")
    documents = reverse("invoicing:documents")
    rmas, now = RMA.objects.order_by(), timezone.now()
    money = Refund.objects.order_by()
    late_to_ship = rmas.filter(state=State.APPROVED, ship_by__lt=timezone.localdate())
    unfinished = Document.objects.order_by().exclude(state=DocumentState.ISSUED)
    return [
        _tile("mine", _("Waiting for me"), rmas.waiting_for(actor), f"{queue}?next={actor}"),
        _tile("owned", _("My cases"), rmas.open().filter(owner=user), f"{queue}?mine=true"),
        _tile("late", _("Overdue"), rmas.overdue(now), f"{queue}?overdue=true", "bad"),
        _tile(
            "unsent", _("Not sent back in time"), late_to_ship, f"{queue}?state=approved", "warn"
        ),
        _tile(
            "second",
            _("Refunds to approve"),
            money.filter(state=RefundState.PROPOSED),
            f"{refunds}?state=proposed",
        ),
        _tile(
            "carry",
            _("Refunds to carry out"),
            money.filter(state__in=(RefundState.APPROVED, RefundState.SENDING)),
            f"{refunds}?state=approved",
        ),
        _tile(
            "unknown",
            _("Refunds unknown or failed"),
            money.filter(state__in=(RefundState.UNKNOWN, RefundState.FAILED)),
            f"{refunds}?state=unknown",
            "bad",
        ),
        _tile("papers", _("Documents unfinished"), unfinished, f"{documents}?state=draft", "warn"),
        _tile(
            "work",
            _("To sort out"),
            WorkItem.objects.order_by().filter(done_at=None),
            f"{queue}?work=true",
            "warn",
        ),
        _tile("all", _("All returns"), rmas, queue),
    ]
