"""The verbs on an RMA's header: from request to closed. Goods are in ``goods.py``, money in
``refunding.py``, many at once in ``bulk.py``.

Every verb takes the RMA's number first and the rest by keyword, runs in one transaction under the
RMA's lock, and returns the RMA or raises ``Refused``. ``*_case`` functions are the rules of a verb
on a case somebody else has locked.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core import roles
from config.core.refused import Refused
from orders.models import OrderLine
from returns import quantities, snapshot, verdicts
from returns.case import Case, opened
from returns.models import RMA, Note, Parcel, WorkItem
from returns.opening import Draft, LineRequest, open_many
from returns.states import Liability, State

__all__ = ["LineRequest"]


def request(
    *,
    by: Any,
    lines: Sequence[LineRequest],
    source: str = RMA.Source.PORTAL,
    opened_at: datetime | None = None,
    buyer_reference: str = "",
    amazon_rma_id: str = "",
    owner: Any = None,
) -> RMA:
    """Open an RMA for units of one buyer's order lines; approved at once where the policy says so.

    Refused: "forbidden", "empty", "line", "quantity", "cancelled", "mixed", "incomplete".
    """
    draft = Draft(lines, source, opened_at, buyer_reference, amazon_rma_id, owner)
    done, refused = open_many([draft], by=by)
    if refused:
        raise refused[0][1]
    return done[0].rma


def approve(
    number: str, *, by: Any, version: int | None = None, quantities: dict[int, int] | None = None
) -> RMA:
    """requested → approved, for all units or for ``quantities`` (line id → units, others 0)."""
    with opened(number, "approve", by=by, version=version) as case:
        approve_case(case, quantities)
    return case.rma


def approve_case(case: Case, quantities: dict[int, int] | None = None) -> None:
    """Approve units, start the ship-back clock, tell the buyer."""
    case.move("approve")
    _needs_facts(case)
    if case.rma.verdict.get("needs_second") and not roles.may(case.by, "returns.approve_valuable"):
        raise Refused("second", _("The value is above the policy's limit: a lead approves this."))
    for line in case.lines:
        units = line.requested if quantities is None else int(quantities.get(line.pk, 0))
        if not 0 <= units <= line.requested:
            raise Refused(
                "quantity",
                _("Approve between 0 and %(units)s units of %(sku)s.")
                % {"units": line.requested, "sku": line.order_line.sku},
            )
        line.approved = units
    if not any(line.approved for line in case.lines):
        raise Refused("quantity", _("Nothing is approved: decline the request instead."))
    case.lines_changed = True
    _start_clock(case)
    case.tell_buyer("approved", instructions=verdicts.instructions(case))


def _start_clock(case: Case) -> None:
    case.rma.approved_at, case.rma.approved_by = case.now, case.by
    case.rma.ship_by = case.today + timedelta(days=verdicts.terms(case.rma).ship_back_days)
    case.rma.warned_at = None


def _needs_facts(case: Case) -> None:
    """A stub order waits: its quantities and amounts are not known."""
    for order in case.orders:
        if not order.facts_complete:
            raise Refused(
                "incomplete",
                _("Order %(order)s is not imported yet. Import the orders report, then go on.")
                % {"order": order.amazon_order_id},
            )


def decline(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """requested → closed (declined); the buyer is told the reason."""
    with opened(number, "decline", by=by, version=version, reason=_reason(reason)) as case:
        case.move("decline")
        case.tell_buyer("declined", reason=reason.strip())
    return case.rma


def _reason(text: str) -> str:
    """The reason as given; Refused("reason") when it is empty."""
    if not text.strip():
        raise Refused("reason", _("Give a reason; it stays with the case."))
    return text.strip()


def withdraw(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """requested, approved → closed (withdrawn): the buyer keeps the goods."""
    with opened(number, "withdraw", by=by, version=version, reason=_reason(reason)) as case:
        case.move("withdraw")
        _no_open_refund(case)
    return case.rma


def _no_open_refund(case: Case) -> None:
    """Refused("refund") while a refund of this RMA is planned, on its way or paid."""
    live = ("proposed", "approved", "sending", "unknown", "sent", "confirmed")
    if any(case.facts.refunds.get(state) for state in live):
        raise Refused(
            "refund", _("A refund of this case is planned or paid. Cancel or reverse it first.")
        )


def ship(
    number: str,
    *,
    by: Any,
    carrier: str = "",
    tracking: str = "",
    label_type: str = "",
    label_payer: str = "",
    label_cost: Decimal | None = None,
    shipped_at: datetime | None = None,
    version: int | None = None,
) -> RMA:
    """approved → shipped: the buyer has handed over the goods."""
    parcel = Parcel(
        carrier=carrier,
        tracking=tracking,
        label_type=label_type,
        label_payer=label_payer,
        label_cost=label_cost,
        shipped_at=shipped_at,
    )
    with opened(number, "ship", by=by, version=version) as case:
        ship_case(case, parcel)
    return case.rma


def ship_case(case: Case, parcel: Parcel) -> None:
    """Move to shipped with a parcel."""
    case.move("ship")
    parcel.shipped_at = parcel.shipped_at or case.now
    case.rma.shipped_at = case.rma.shipped_at or parcel.shipped_at
    case.add_parcel(parcel)


def add_parcel(number: str, *, by: Any, version: int | None = None, **parcel: Any) -> RMA:
    """One more parcel of a case whose goods are on their way; fields as in ``ship``."""
    permission = "returns.ship_rma"
    with opened(number, "add_parcel", by=by, permission=permission, version=version) as case:
        case.within("add_parcel", State.SHIPPED, State.INSPECTED, State.REFUNDED)
        case.add_parcel(Parcel(**{"shipped_at": case.now} | parcel))
    return case.rma


def extend(number: str, *, by: Any, until: date, reason: str, version: int | None = None) -> RMA:
    """Give the buyer time to send the goods until a later day; the extender is on record."""
    permission = "returns.extend_rma"
    with opened(
        number, "extend", by=by, permission=permission, version=version, reason=_reason(reason)
    ) as case:
        case.within("extend", State.APPROVED)
        rma = case.rma
        if until <= max(rma.ship_by or case.today, case.today):
            raise Refused("date", _("Choose a day after %(day)s.") % {"day": rma.ship_by})
        rma.ship_by, rma.extended_by, rma.warned_at = until, by, None
    return case.rma


def expire(number: str, *, by: Any, version: int | None = None) -> RMA:
    """approved → closed (expired): not sent back in time."""
    with opened(number, "expire", by=by, version=version) as case:
        expire_case(case)
    return case.rma


def expire_case(case: Case) -> None:
    """Close a case that is past its day, unless a parcel moves or came, or money is on its way."""
    case.move("expire")
    if case.facts.moving or case.facts.delivered_at:
        raise Refused("moving", _("A parcel of this case is moving; it does not expire."))
    if case.rma.ship_by is None or case.today <= case.rma.ship_by:
        raise Refused(
            "early",
            _("The buyer has until %(day)s. Withdraw the case if it ends before.")
            % {"day": case.rma.ship_by},
        )
    _no_open_refund(case)
    case.tell_buyer("expired")


def reject_goods(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """inspected → closed: nothing was accepted, the goods go back to the buyer."""
    with opened(number, "reject_goods", by=by, version=version, reason=_reason(reason)) as case:
        case.move("reject_goods")
        accepted = sum(line.accepted for line in case.lines)
        if accepted:
            raise Refused(
                "accepted",
                _("%(units)s units were accepted. Refund them; the case closes afterwards.")
                % {"units": accepted},
            )
        _no_open_refund(case)
        case.tell_buyer("rejected", reason=reason.strip())
    return case.rma


def replace(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """approved, shipped, inspected → closed: the goods were exchanged, no money moves."""
    with opened(number, "replace", by=by, version=version, reason=_reason(reason)) as case:
        case.move("replace")
        _no_open_refund(case)
    return case.rma


def settle(number: str, *, by: Any, version: int | None = None) -> RMA:
    """refunded → closed (settled): the money was seen and the goods are accounted for or waived."""
    with opened(number, "settle", by=by, version=version) as case:
        case.move("settle")
        unseen = [
            s
            for s in ("proposed", "approved", "sending", "unknown", "failed", "sent")
            if case.facts.refunds.get(s)
        ]
        if unseen or any(snapshot.unseen(line, case.facts) for line in case.lines):
            raise Refused(
                "money", _("Amazon's settlement does not show all of the money yet; it waits.")
            )
        _goods_are_accounted_for(case)
    return case.rma


def _goods_are_accounted_for(case: Case) -> None:
    waiting = sum(line.outstanding + line.uninspected for line in case.lines)
    if waiting and not case.rma.goods_waived_by_id:
        raise Refused(
            "goods",
            _("%(units)s units are not accounted for: receive and inspect them, or waive them.")
            % {"units": waiting},
        )


def reopen(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """closed → inspected where goods were inspected and none is waited for, else → approved.

    For a late parcel, a lost dispute, an A-to-z claim. Units that were freed when the case closed
    are claimed again, under the order lines' lock.
    """
    with opened(number, "reopen", by=by, version=version, reason=_reason(reason)) as case:
        reopen_case(case)
    return case.rma


def reopen_case(case: Case) -> None:
    """Open a locked case again, where its goods say."""
    here = all(line.outstanding == 0 == line.uninspected for line in case.lines)
    seen = any(line.accepted or line.rejected for line in case.lines)
    case.move("reopen", via="reopen_inspected" if here and seen else "reopen_approved")
    rma = case.rma
    _claim_again(case)
    rma.close_reason, rma.closed_at, rma.refunded_at = "", None, None
    rma.reopened_count += 1
    if rma.owner and not rma.owner.is_active:  # left while it was closed: nobody's again
        rma.owner = None
    if rma.state == State.APPROVED:
        _start_clock(case)


def _claim_again(case: Case) -> None:
    """Claim the case's units once more; Refused("quantity") when another RMA has them now."""
    ids = sorted(line.order_line_id for line in case.lines)
    held = OrderLine.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    ordered = {line.pk: line for line in held.select_related(None)}
    others = quantities.claimed_by_line(ids, but=case.rma.pk)
    undecided = not any(line.approved for line in case.lines)
    for line in case.lines:
        if line.nothing_due:  # what is owed is decided anew
            line.nothing_due, case.lines_changed = 0, True
        if undecided:  # declined or withdrawn before anybody approved
            line.approved, case.lines_changed = line.requested, True
        others[line.order_line_id] = others.get(line.order_line_id, 0) + line.approved
        if others[line.order_line_id] > ordered[line.order_line_id].quantity:
            raise Refused(
                "quantity",
                _("Units of %(sku)s are part of another return meanwhile. Reopen that one.")
                % {"sku": line.order_line.sku},
            )


def waive_goods(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """The goods need not come back (any more); money decides alone when the case closes."""
    with opened(
        number,
        "waive_goods",
        by=by,
        permission="returns.waive_goods",
        version=version,
        reason=_reason(reason),
    ) as case:
        case.within("waive_goods", State.APPROVED, State.SHIPPED, State.REFUNDED)
        case.rma.goods_waived_by = by
    return case.rma


def assign(number: str, *, by: Any, owner: Any, version: int | None = None) -> RMA:
    """Make somebody (or nobody: None) look after the case."""
    with opened(number, "assign", by=by, permission="returns.assign_rma", version=version) as case:
        assign_case(case, owner)
    return case.rma


def assign_case(case: Case, owner: Any) -> None:
    """Refused("owner") for a person who has left."""
    if owner is not None and not owner.is_active:
        raise Refused("owner", _("%(who)s has left; choose somebody else.") % {"who": owner})
    case.within("assign", *[state for state in State.values if state != State.CLOSED])
    case.rma.owner = owner


def set_liability(
    number: str, *, by: Any, line_id: int, liability: str, version: int | None = None
) -> RMA:
    """Say who is answerable for a line; it decides who pays the freight."""
    with opened(
        number, "set_liability", by=by, permission="returns.set_liability", version=version
    ) as case:
        if liability not in Liability.values:
            raise Refused("liability", _("Choose who is answerable from the list."))
        case.line(line_id).liability = liability
        case.lines_changed = True
    return case.rma


def add_note(number: str, *, by: Any, text: str) -> RMA:
    """Write a note for colleagues; allowed in every state."""
    with opened(number, "add_note", by=by, permission="returns.note_rma") as case:
        if not text.strip():
            raise Refused("empty", _("The note is empty."))
        Note.objects.create(rma=case.rma, text=text.strip()[:2000], by=by)
    return case.rma


def finish_work_item(pk: int, *, by: Any) -> WorkItem:
    """Mark a work item as done. Refused: "not_found", "forbidden", "done"."""
    number = WorkItem.objects.filter(pk=pk).values_list("rma__number", flat=True).first()
    if number is None:
        raise Refused("not_found", _("There is no such work item."))
    permission = "returns.finish_workitem"
    with opened(number, "finish_work_item", by=by, permission=permission) as case:
        item = WorkItem.objects.get(pk=pk)  # under the RMA's lock
        if item.done_at:
            raise Refused("done", _("Somebody finished this already."))
        item.done_at, item.done_by = case.now, by
        item.save(update_fields=["done_at", "done_by"])
    return item
