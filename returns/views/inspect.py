"""Inspection, made for a tablet and a scanner: one scan field, then one card for each line.

Receiving and grading happen in one go, and either all of it or none.
"""

from dataclasses import dataclass, field

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.core.refused import Refused
from returns import evidence, goods, sites
from returns.forms import InspectionForm, SiteForm
from returns.models import RMA, Evidence, RMALine
from returns.states import NextActor, State

ROWS = 3
SHOWN = 25


@login_required
@permission_required("returns.inspect_rma", raise_exception=True)
def scan(request: HttpRequest) -> HttpResponse:
    """GET /returns/inspect/?q=…: the case that was scanned, or the cases it may be."""
    code = request.GET.get("q", "").strip()
    found = list(_of_code(code)[:SHOWN]) if code else []
    if len(found) == 1:
        return redirect("returns:inspect-rma", found[0].number)
    waiting = RMA.objects.waiting_for(NextActor.WAREHOUSE).select_related("buyer")
    waiting = waiting.order_by(F("due_at").asc(nulls_last=True), "id")
    context = {
        "code": code,
        "found": found,
        "waiting": [] if found else waiting[:SHOWN],
    }
    return render(request, "returns/inspect_scan.html", context)


def _of_code(code: str):
    """Cases that a scanned code means: number, order, tracking, Amazon's id, LPN, else the SKU of
    goods that are waited for.
    """
    code = code.upper()
    open_cases = RMA.objects.open().select_related("buyer").order_by("due_at", "id")
    exact = (
        Q(number=code)
        | Q(amazon_rma_id=code)
        | Q(pk__in=_lines(order_line__order__amazon_order_id=code))
        | Q(pk__in=RMA.objects.filter(parcels__tracking__iexact=code).values("pk"))
        | Q(pk__in=_lines(amazon_return__licence_plate=code))
    )
    by_id = open_cases.filter(exact)
    if by_id.exists():
        return by_id
    if number := RMA.objects.filter(number=code).select_related("buyer"):
        return number
    here = open_cases.filter(state__in=(State.APPROVED, State.SHIPPED, State.REFUNDED))
    return here.filter(pk__in=_lines(order_line__sku__iexact=code))


def _lines(**where: str):
    return RMALine.objects.filter(**where).values("rma_id")


@dataclass
class Card:
    """One line with units that are to come or to be looked at, and its outcome rows."""

    line: RMALine
    rows: list[InspectionForm]
    problems: list[str] = field(default_factory=list)

    @property
    def expected(self) -> int:
        """Units that may be graded now: received ones, and those that may be in this parcel."""
        return self.line.outstanding + self.line.uninspected

    @property
    def first(self) -> InspectionForm:
        """The outcome of most parcels."""
        return self.rows[0]

    @property
    def more(self) -> list[InspectionForm]:
        """Further outcomes, folded away."""
        return self.rows[1:]

    @property
    def more_open(self) -> bool:
        """Whether a further outcome was begun."""
        return any(row.errors or row["condition"].value() for row in self.more)

    def wanted(self) -> list[InspectionForm]:
        """The rows somebody filled in."""
        return [row for row in self.rows if row.cleaned_data.get("disposition")]


@login_required
@permission_required("returns.inspect_rma", raise_exception=True)
def rma(request: HttpRequest, number: str) -> HttpResponse:
    """GET the cards of /returns/<number>/inspect/; POST receives and grades what was entered."""
    case = get_object_or_404(RMA.objects.select_related("buyer", "marketplace"), number=number)
    cards, problem = _cards(request, case), ""
    where = SiteForm(request.POST or None, sites=sites.known(case.seller_id, request.user))
    if request.method == "POST":
        problem = _check(cards, where) or _carry_out(request, case, cards, where)
        if not problem:
            return redirect("returns:inspect")
    context = {
        "rma": case,
        "cards": cards,
        "where": where,
        "problem": problem,
        "seen": case.inspections.select_related("line__order_line", "by"),
        "parcels": case.parcels.all(),
    }
    return render(request, "returns/inspect_rma.html", context, status=422 if problem else 200)


def _cards(request: HttpRequest, case: RMA) -> list[Card]:
    if case.state not in (State.APPROVED, State.SHIPPED, State.INSPECTED, State.REFUNDED):
        return []
    cards = []
    for line in case.lines.select_related("order_line__order", "order_line__product"):
        units = line.outstanding + line.uninspected
        if units > 0:
            cards.append(Card(line, [_row(request, line, units, place) for place in range(ROWS)]))
    return cards


def _row(request: HttpRequest, line: RMALine, units: int, place: int) -> InspectionForm:
    return InspectionForm(
        request.POST or None,
        request.FILES or None,
        prefix=f"l{line.pk}-{place}",
        initial={"quantity": units if place == 0 else 0},
        most=units,
        use_required_attribute=False,
    )


def _check(cards: list[Card], where: SiteForm) -> str:
    """Check all rows of all cards; the sentence of what is wrong, or nothing."""
    wrong = [row for card in cards for row in card.rows if not row.is_valid()]
    if wrong or not where.is_valid():
        return _("Something is missing. Look at the marked fields.")
    for card in cards:
        given = sum(row.cleaned_data["quantity"] for row in card.wanted())
        if given > card.expected:
            card.problems.append(
                _("%(given)d units entered, at most %(most)d can be here.")
                % {"given": given, "most": card.expected}
            )
    if any(card.problems for card in cards):
        return _("More units than expected. Look at the marked line.")
    if not any(card.wanted() for card in cards):
        return _("Choose condition and destination for at least one line.")
    return ""


def _carry_out(request: HttpRequest, case: RMA, cards: list[Card], where: SiteForm) -> str:
    """Receive what is not here yet, grade it, keep the photos; the refusal's sentence, if any."""
    given = request.POST.get("version", "")
    version, site = int(given) if given.isdecimal() else None, where.cleaned_data["site"]
    try:
        with transaction.atomic():
            _receive_and_grade(request, case, cards, site, version)
    except Refused as refused:
        return refused.sentence
    units = sum(row.cleaned_data["quantity"] for card in cards for row in card.wanted())
    said = ngettext("%(n)d unit of %(rma)s inspected.", "%(n)d units of %(rma)s inspected.", units)
    messages.success(request, said % {"n": units, "rma": case.number})
    return ""


def _receive_and_grade(
    request: HttpRequest, case: RMA, cards: list[Card], site: str, version: int | None
) -> None:
    new = {}
    for card in cards:
        given = sum(row.cleaned_data["quantity"] for row in card.wanted())
        if given > card.line.uninspected:
            new[card.line.pk] = given - card.line.uninspected
    if new:
        goods.receive(case.number, by=request.user, quantities=new, site=site, version=version)
        version = None
    results = [row.result(card.line.pk) for card in cards for row in card.wanted()]
    goods.inspect(case.number, by=request.user, results=results, version=version)
    for card in cards:
        for row in card.wanted():
            for photo in row.cleaned_data["photos"]:
                evidence.add(
                    case.number,
                    by=request.user,
                    upload=photo,
                    kind=Evidence.Kind.PHOTO,
                    line_id=card.line.pk,
                )
