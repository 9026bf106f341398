"""How an RMA comes to be: lines checked under the order lines' lock, number, frozen verdict.

One function serves the form (one RMA), bulk entry and Amazon's returns (many), with the same
number of queries. What happens afterwards is in ``workflow.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from config.core import roles
from config.core.models import User
from config.core.models.counter import next_number
from config.core.refused import Refused
from config.core.trail import trail
from orders.models import AmazonReturn, Marketplace, OrderLine
from returns import case as cases
from returns import quantities, verdicts
from returns.models import RMA, RMALine, WorkItem
from returns.states import NextActor

CANCELLED = ("cancelled", "canceled")


@dataclass(frozen=True)
class LineRequest:
    """Units of one order line somebody wants to send back. ``opened``: as the buyer says."""

    order_line_id: int
    quantity: int
    reason_code: str
    reason_text: str = ""
    opened: bool | None = None
    amazon_return_id: int | None = None


@dataclass(frozen=True)
class Draft:
    """One RMA to be. ``label`` names it in refusals; ``marketplace`` helps orders without one."""

    lines: Sequence[LineRequest]
    source: str = RMA.Source.PORTAL
    opened_at: datetime | None = None
    buyer_reference: str = ""
    amazon_rma_id: str = ""
    owner: Any = None
    label: str = ""
    marketplace: Marketplace | None = None


@dataclass
class _Checked:
    """A draft whose lines hold: its order lines, one seller, buyer, marketplace and currency."""

    draft: Draft
    lines: list[OrderLine]
    marketplace: Marketplace
    currency: str
    refused: Refused | None = field(default=None)


def open_many(
    drafts: Sequence[Draft], *, by: Any, quiet: bool = False
) -> tuple[list[cases.Case], list[tuple[Draft, Refused]]]:
    """Open an RMA for every draft that holds; refuse the others one by one, each with a sentence.

    ``quiet`` sends no mail (Amazon told the buyer). Locks the order lines in the order of their
    ids. Raises Refused("forbidden") for the whole.
    """
    with trail("request", by=by):
        roles.require(by, "returns.request_rma")
        found = _lock_lines(drafts)
        claimed = quantities.claimed_by_line(sorted(found))
        good, refused = [], []
        for draft in drafts:
            try:
                good.append(_check(draft, found, claimed))
            except Refused as no:
                refused.append((draft, no))
        opened = _insert(good, by=by, quiet=quiet)
        _approve_by_policy(opened)
    return opened, refused


def _lock_lines(drafts: Sequence[Draft]) -> dict[int, OrderLine]:
    wanted = {line.order_line_id for draft in drafts for line in draft.lines}
    joined = ("order__seller", "order__marketplace", "order__buyer", "product")
    held = OrderLine.objects.select_for_update(of=("self",)).select_related(*joined)
    return {line.pk: line for line in held.filter(pk__in=wanted).order_by("pk")}


def _check(draft: Draft, found: dict[int, OrderLine], claimed: dict[int, int]) -> _Checked:
    """Raise Refused when the draft breaks a rule; else count its units as claimed."""
    if not draft.lines:
        raise Refused("empty", _("Choose at least one line to return."))
    lines = []
    for request in draft.lines:
        line = found.get(request.order_line_id)
        if line is None:
            raise Refused("line", _("One of the chosen order lines does not exist any more."))
        lines.append(line)
    marketplace, currency = _one_of_each(draft, lines)
    wanted: dict[int, int] = {}
    for request, line in zip(draft.lines, lines, strict=True):
        wanted[line.pk] = wanted.get(line.pk, 0) + request.quantity
        _check_units(line, request.quantity, wanted[line.pk], claimed.get(line.pk, 0))
    for pk, units in wanted.items():
        claimed[pk] = claimed.get(pk, 0) + units
    return _Checked(draft, lines, marketplace, currency)


def _check_units(line: OrderLine, units: int, wanted: int, claimed: int) -> None:
    """Units must be ordered, not cancelled, and not part of another return."""
    names = {"sku": line.sku, "order": line.order.amazon_order_id}
    if units < 1:
        raise Refused("quantity", _("Return at least one unit of %(sku)s.") % names)
    if not line.order.facts_complete:  # nobody knows yet how many were ordered
        return
    if line.item_status.casefold() in CANCELLED:
        raise Refused("cancelled", _("%(sku)s of %(order)s was cancelled, not sold.") % names)
    if claimed + wanted > line.quantity:
        raise Refused(
            "quantity",
            _(
                "%(wanted)s units of %(sku)s cannot come back: order %(order)s has %(ordered)s, "
                "and %(claimed)s are part of other returns."
            )
            % {**names, "wanted": wanted, "ordered": line.quantity, "claimed": claimed},
        )


def _one_of_each(draft: Draft, lines: list[OrderLine]) -> tuple[Marketplace, str]:
    """One seller, buyer, marketplace and currency for all lines; returns the last two."""
    orders = {line.order_id: line.order for line in lines}.values()
    first = lines[0].order
    same = len({(o.seller_id, o.buyer_id, o.marketplace_id, o.currency) for o in orders}) == 1
    if not same or (len(orders) > 1 and first.buyer_id is None):
        raise Refused(
            "mixed",
            _("All lines of an RMA need the same buyer, seller, marketplace and currency."),
        )
    marketplace = first.marketplace or draft.marketplace
    if marketplace is None:
        raise Refused(
            "incomplete",
            _("Order %(order)s has no marketplace yet. Import the orders report first.")
            % {"order": first.amazon_order_id},
        )
    return marketplace, first.currency or marketplace.currency


def _insert(good: list[_Checked], *, by: Any, quiet: bool) -> list[cases.Case]:
    """Number and write RMAs and lines, with verdict, mail and work items."""
    if not good:
        return []
    now = timezone.now()
    rmas = [_header(checked, now) for checked in good]
    for rma, number in zip(rmas, _numbers(rmas), strict=True):
        rma.number = number
    RMA.objects.bulk_create(rmas)
    lines = [
        _line(rma, position, request, line)
        for rma, checked in zip(rmas, good, strict=True)
        for position, (request, line) in enumerate(
            zip(checked.draft.lines, checked.lines, strict=True), start=1
        )
    ]
    _attach_returns(lines)
    RMALine.objects.bulk_create(lines)
    opened = cases.fresh(rmas, lines, by=by, now=now, quiet=quiet)
    verdicts.decide(opened)
    for case in opened:
        _welcome(case)
    cases.save(opened)
    return opened


def _header(checked: _Checked, now: datetime) -> RMA:
    draft, order = checked.draft, checked.lines[0].order
    return RMA(
        seller=order.seller,
        marketplace=checked.marketplace,
        buyer=order.buyer,
        currency=checked.currency,
        source=draft.source,
        owner=draft.owner,
        amazon_rma_id=draft.amazon_rma_id,
        buyer_reference=draft.buyer_reference,
        opened_at=draft.opened_at or now,
    )


def _line(rma: RMA, position: int, request: LineRequest, line: OrderLine) -> RMALine:
    return RMALine(
        rma=rma,
        position=position,
        order_line=line,
        amazon_return_id=request.amazon_return_id,
        requested=request.quantity,
        reason_code=request.reason_code,
        reason_text=request.reason_text,
        opened=request.opened,
        liability=verdicts.liability_of(request.reason_code),
    )


def _attach_returns(lines: list[RMALine]) -> None:
    """Load Amazon's returns of all lines at once; the policy reads them."""
    ids = [line.amazon_return_id for line in lines if line.amazon_return_id]
    known = AmazonReturn.objects.in_bulk(ids) if ids else {}
    for line in lines:
        if line.amazon_return_id:
            line.amazon_return = known[line.amazon_return_id]


def _numbers(rmas: list[RMA]) -> list[str]:
    """The next RMA numbers in the given order; the year is that of the seller's zone."""
    years = [rma.opened_at.astimezone(ZoneInfo(rma.seller.time_zone)).year for rma in rmas]
    following = {
        year: iter(range(first, first + years.count(year)))
        for year in sorted(set(years))
        for first in [next_number(f"rma:{year}", years.count(year))]
    }
    return [f"RMA-{year}-{next(following[year]):06d}" for year in years]


def _welcome(case: cases.Case) -> None:
    """Confirm the request to the buyer; a stub order gives somebody the work of completing it."""
    stubs = [o for o in case.orders if not o.facts_complete]
    if stubs:
        case.work.append(
            WorkItem(
                rma=case.rma,
                kind=WorkItem.Kind.INCOMPLETE,
                sentence=_("Order %(order)s is not imported yet; the case goes on by itself then.")
                % {"order": stubs[0].amazon_order_id},
                actor=NextActor.AGENT,
            )
        )
    case.tell_buyer("requested")


def _approve_by_policy(opened: list[cases.Case]) -> None:
    """Approve, as the system actor, what the policy approves by itself."""
    from returns.workflow import approve_case

    automatic = [case for case in opened if verdicts.is_automatic(case)]
    if automatic:
        with trail("approve", by=User.objects.system(), reason=_("inside policy")):
            for case in automatic:
                case.by = User.objects.system()
                approve_case(case)
            cases.save(automatic)
