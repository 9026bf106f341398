"""Today: what waits for me, what is late, what went wrong; every number is a link to its list."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.core import roles
from config.core.context import path_of
from config.core.lists import capped_counts
from invoicing.corrections import to_take_back
from invoicing.delivery import with_problems
from invoicing.models import BankFile, Document, Feed, Match, Refund
from invoicing.models.match import Result
from invoicing.sending.needing import late_feeds, needs_person
from invoicing.states import DocumentState, FeedState, RefundState
from orders import decisions
from orders.models import Buyer, ImportFile
from returns import return_rate
from returns.intake import waiting_returns
from returns.models import RMA, WorkItem
from returns.states import NextActor, State
from returns.views.undecided import open_lines

ACTOR_OF_ROLE = {
    roles.AGENT: NextActor.AGENT,
    roles.INSPECTOR: NextActor.WAREHOUSE,
    roles.LEAD: NextActor.LEAD,
    roles.FINANCE: NextActor.FINANCE,
}
STARTS = {
    roles.INSPECTOR: "returns:inspect",
    roles.FINANCE: "invoicing:refunds",
    roles.AUDITOR: "invoicing:reports",
}
SHOWN = 15


@login_required
def start(request: HttpRequest) -> HttpResponse:
    """GET /start/: to where the reader's work is; Today for everybody else."""
    return redirect(path_of(STARTS.get(request.user.role, "")) or "returns:today")


@dataclass
class Tile:
    """A number that needs somebody; ``look`` is "warn" or "bad" and shows when it is not zero."""

    key: str
    label: Any
    rows: QuerySet
    url: str
    look: str = ""
    count: int = 0


@login_required
def today(request: HttpRequest) -> HttpResponse:
    """GET /: the reader's next cases and the numbers that need somebody."""
    actor = ACTOR_OF_ROLE.get(request.user.role, "")
    tiles = [*_own(actor, request.user), *_desk(), *_money(), *_facts(request.user)]
    counts = capped_counts(
        {tile.key: tile.rows for tile in tiles} | {"any": RMA.objects.all()}, 999
    )
    for tile in tiles:
        tile.count = counts[tile.key]
    imports = list(ImportFile.objects.select_related("seller", "by")[:5])
    context = {
        "tiles": tiles,
        "next_cases": _next_cases(actor),
        "imports": imports,
        "watched": Buyer.objects.filter(watched=True)[:5],
        "work_items": _work_items(actor),
        "first_steps": not counts["any"] and not imports,
    }
    return render(request, "returns/today.html", context)


def _next_cases(actor: str) -> QuerySet:
    """What waits for this role, the most urgent first; for the others what is most urgent."""
    rows = RMA.objects.waiting_for(actor) if actor else RMA.objects.overdue(timezone.now())
    rows = rows.select_related("buyer", "marketplace", "owner")
    return rows.order_by(F("due_at").asc(nulls_last=True), "id")[:SHOWN]


def _work_items(actor: str) -> QuerySet:
    rows = WorkItem.objects.filter(done_at=None).select_related("rma").order_by("id")
    return (rows.filter(actor=actor) if actor else rows)[:5]


def _own(actor: str, user: Any) -> list[Tile]:
    """Numbers of one's own role and person."""
    queue, rmas = reverse("returns:queue"), RMA.objects.order_by()
    owned = Tile("owned", _("My cases"), rmas.open().filter(owner=user), f"{queue}?mine=true")
    if not actor:
        return []
    url = f"{queue}?next={actor}"
    return [Tile("mine", _("Waiting for me"), rmas.waiting_for(actor), url), owned]


def _desk() -> list[Tile]:
    """Numbers of the returns desk."""
    queue, rmas = reverse("returns:queue"), RMA.objects.order_by()
    late = rmas.overdue(timezone.now())
    unsent = rmas.filter(state=State.APPROVED, ship_by__lt=timezone.localdate())
    work = rmas.filter(pk__in=WorkItem.objects.filter(done_at=None).values("rma"))
    high, buyers = return_rate.high(Buyer.objects.order_by()), reverse("returns:buyers")
    return [
        Tile("new", _("To decide"), rmas.filter(state=State.REQUESTED), f"{queue}?state=requested"),
        Tile("late", _("Overdue"), late, f"{queue}?overdue=true", "bad"),
        Tile("unsent", _("Not sent back in time"), unsent, f"{queue}?unsent=true", "warn"),
        Tile("work", _("To sort out"), work, f"{queue}?work=true", "warn"),
        Tile("high", _("Buyers returning much"), high, f"{buyers}?high=true", "warn"),
    ]


def _money() -> list[Tile]:
    """Numbers of the refund desk and the documents."""
    refunds, documents = path_of("invoicing:refunds"), path_of("invoicing:documents")
    money = Refund.objects.order_by()
    proposed = money.filter(state=RefundState.PROPOSED)
    carry = money.filter(state=RefundState.APPROVED)
    begun = money.filter(state=RefundState.SENDING)
    somebody = needs_person().order_by()
    failed = money.filter(state=RefundState.FAILED)
    papers = Document.objects.order_by().filter(state=DocumentState.DRAFT).exclude(findings=[])
    return [
        Tile("second", _("Refunds to approve"), proposed, f"{refunds}?state=proposed"),
        Tile("carry", _("Refunds to carry out"), carry, f"{refunds}?state=approved"),
        Tile("begun", _("Refunds being carried out"), begun, f"{refunds}?state=sending"),
        Tile("somebody", _("Refunds that need somebody"), somebody, f"{refunds}?needs=true", "bad"),
        Tile("failed", _("Refunds failed"), failed, f"{refunds}?state=failed", "bad"),
        Tile("papers", _("Documents stopped"), papers, f"{documents}?blocked=true", "warn"),
        Tile("stuck", _("Deliveries in trouble"), _stuck(), f"{documents}?needs=delivery", "warn"),
        Tile("take-back", _("Credit notes to reverse"), to_take_back().order_by(),
             f"{documents}?needs=reversal", "bad"),
    ]  # fmt: skip


def _stuck() -> QuerySet:
    """Issued documents that could not be handed over."""
    return Document.objects.order_by().filter(pk__in=with_problems().order_by().values("document"))


def _books(user: Any) -> list[Tile]:
    """What does not tie, and files of refunds that need somebody, for those who see them."""
    found = []
    if user.has_perm("invoicing.view_match"):
        url, rows = path_of("invoicing:exceptions"), Match.objects.order_by()
        rows = rows.filter(result=Result.OPEN)
        if user.has_perm("invoicing.resolve_match"):
            mine, nobody = rows.filter(owner=user), rows.filter(owner=None)
            found.append(Tile("my-exceptions", _("My exceptions"), mine, f"{url}?owner=mine"))
            url = f"{url}?owner=nobody"
            found.append(Tile("unowned", _("Exceptions of nobody"), nobody, url, "warn"))
        else:
            found.append(Tile("exceptions", _("Exceptions"), rows, url, "warn"))
    if user.has_perm("invoicing.view_feed"):
        lost = Feed.objects.order_by().filter(state=FeedState.UNKNOWN)
        url = f"{path_of('invoicing:feeds')}?state=unknown"
        found.append(Tile("feeds", _("Feeds with a lost answer"), lost, url, "bad"))
        url = f"{path_of('invoicing:feeds')}?late=true"
        late = late_feeds().order_by()
        found.append(Tile("late-feeds", _("Feeds overdue at Amazon"), late, url, "warn"))
        made = BankFile.objects.order_by().filter(state=BankFile.State.MADE)
        url = f"{path_of('invoicing:bank-files')}?state=made"
        found.append(Tile("bank-files", _("Bank files to hand over"), made, url))
    return found


def _facts(user: Any) -> list[Tile]:
    """What reports leave open, for those who decide it."""
    found = _books(user)
    if user.has_perm(decisions.IDENTIFY):
        url = reverse("returns:identity") + "?decided=false"
        found.append(Tile("identity", _("Lines to identify"), open_lines(), url, "warn"))
    if user.has_perm(decisions.SAY_MARKETPLACE):
        waiting, url = waiting_returns().order_by(), reverse("returns:waiting")
        found.append(Tile("waiting", _("Returns waiting for facts"), waiting, url, "warn"))
    return found
