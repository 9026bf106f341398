"""What refunds mean for cases: called by ``invoicing.refunds`` inside its transaction.

A case is refunded when nothing accepted is left without a sent refund of ours or one Amazon made,
and goes back when a sent refund failed. Also locks the cases first, so that every verb takes its
locks in the same order: case, refund, document, order lines, number series.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from config.core.models import User
from config.core.money import format_money
from config.core.refused import Refused
from config.core.trail import current_actor, current_verb, trail
from invoicing.models import Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.states import Component, RefundState
from returns import case as cases
from returns import snapshot
from returns.facts import Facts, facts_of
from returns.messages import language_of
from returns.models import RMALine
from returns.refunding import held_open, void_case
from returns.states import CloseReason, State
from returns.workflow import approve_case, reopen_case

# One array each, as a matching run names thousands.
_LOCK_CASES = """
SELECT r.id FROM returns_rma r WHERE r.id IN (
    SELECT id FROM returns_rma WHERE number = ANY(%(numbers)s::text[])
    UNION SELECT x.id FROM orders_orderline o
    JOIN returns_rmaline l ON l.order_line_id = o.id JOIN returns_rma x ON x.id = l.rma_id
    WHERE o.order_id = ANY(%(orders)s::bigint[]) AND x.state <> 'closed')
ORDER BY r.id FOR UPDATE
"""
# These tell of a refund's document: that the money left was told when it was sent.
OF_PAPER = ("record_credit_note", "follow_supplies")


def lock_cases(origins: list[str], orders: list[int]) -> None:
    """Lock the RMAs whose refunds are about to change, and the open ones of the orders."""
    numbers = [origin for origin in origins if origin != "order"]
    if numbers or orders:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_CASES, {"numbers": numbers, "orders": list(orders)})


def object_to(refunds: list[Refund], rows: list[RefundLine]) -> dict[int, Refused]:
    """Why refunds (whose cases are locked) must not go on: the case ended, or is paid already."""
    numbers = {refund.origin for refund in refunds if refund.origin.startswith("RMA-")}
    lines = RMALine.objects.filter(rma__number__in=numbers).select_related("rma", "order_line")
    of_case: dict[str, list[RMALine]] = {}
    for line in lines if numbers else ():
        of_case.setdefault(line.rma.number, []).append(line)
    facts = facts_of([own[0].rma_id for own in of_case.values()]) if of_case else {}
    told = {}
    for refund in refunds:
        own = of_case.get(refund.origin, [])
        if not own:
            continue
        if own[0].rma.state == State.CLOSED:
            sentence = _("%(rma)s is closed. Reopen it, or cancel this refund.")
            told[refund.pk] = Refused("case_closed", sentence % {"rma": refund.origin})
            continue
        units = _units(refund, rows)
        too_many = (_too_many(line, facts[line.rma_id], refund, units) for line in own)
        if refusal := next(filter(None, too_many), None):
            told[refund.pk] = refusal
    return told


def _units(refund: Refund, rows: list[RefundLine]) -> dict[int, int]:
    """Line position → units of the goods that the refund pays for."""
    found: dict[int, int] = {}
    for row in rows:
        if row.refund_id == refund.pk and row.component == Component.ITEM and row.quantity:
            position = int(row.origin.split("/")[1])
            found[position] = found.get(position, 0) + row.quantity
    return found


def _too_many(line: RMALine, facts: Facts, refund: Refund, units: dict[int, int]) -> Refused | None:
    """Refused when the case's refunds together pay for more units of a line than it owes."""
    own = units.get(line.position, 0)
    planned = facts.live_units.get(line.position, 0) + (0 if refund.is_live else own)
    owed = max(snapshot.creditable(line) - snapshot.covered_elsewhere(line, facts), 0)
    if not own or planned <= owed or snapshot.is_free(line):
        return None
    sentence = _(
        "Of %(sku)s this case owes %(owed)s units by now, its refunds pay for %(planned)s: "
        "Amazon refunded some, or they were rejected. Cancel this refund, propose again."
    )
    names = {"sku": line.order_line.sku, "owed": owed, "planned": planned}
    return Refused("not_owed", sentence % names)


def follow(refund_ids: list[int]) -> None:
    """Bring the cases of changed refunds up to date: state, next step, mail to the buyer."""
    wanted = ("pk", "origin", "source", "state", "gross", "currency")
    rows = Refund.objects.filter(pk__in=refund_ids).order_by("pk")
    changed = list(rows.values_list(*wanted, named=True))
    numbers = _cases_of(changed) - held_open.get()
    if not numbers:
        return
    found = cases.lock(sorted(numbers), by=None)
    if not found:
        return
    actor = current_actor()
    by = User.objects.get(pk=actor) if actor else User.objects.system()
    for case in found:
        case.by = by
    sent = {refund.origin: refund for refund in changed if _just_sent(refund)}
    if current_verb() in OF_PAPER:
        sent = {}
    for case in found:
        if refund := sent.get(case.rma.number):
            amount = format_money(refund.gross, refund.currency, language_of(case.rma))
            case.tell_buyer("refunded", amount=amount)
    catch_up(found, by=by)


def _just_sent(refund: Any) -> bool:
    return refund.source == Source.RETOUR and refund.state == RefundState.SENT


def _cases_of(changed: Sequence[Any]) -> set[str]:
    """Our refunds name their case; Amazon's concern the open cases of the same order lines."""
    numbers = {refund.origin for refund in changed if refund.origin.startswith("RMA-")}
    foreign = [refund.pk for refund in changed if refund.source != Source.RETOUR]
    if foreign:
        lines = RefundLine.objects.filter(refund_id__in=foreign).values("order_line_id")
        open_lines = RMALine.objects.filter(order_line_id__in=lines)
        open_lines = open_lines.exclude(rma__state=State.CLOSED)
        numbers |= set(open_lines.values_list("rma__number", flat=True))
    return numbers


def catch_up(found: Sequence[cases.Case], *, by: Any) -> None:
    """Move locked cases to where their money says they are, and refresh the others.

    What Amazon refunded before anybody approved walks the verbs as the system actor.
    """
    early = [case for case in found if _paid_before_approval(case)]
    if early:
        system = User.objects.system()
        with trail("approve", by=system, reason="Amazon refunded first"):
            for case in early:
                case.by, case.quiet = system, True
                approve_case(case)
            cases.save(early)
    refunded = [case for case in found if _is_paid(case)]
    void = [case for case in found if _lost_money(case)]
    rest = [case for case in found if case not in refunded and case not in void]
    if refunded:
        with trail("refund", by=by):
            for case in refunded:
                case.move("refund")
                case.rma.refunded_at = case.now
            cases.save(refunded)
    if void:
        with trail("void_refund", by=by):
            for case in void:
                void_case(case)
            cases.save(void)
    _reopen([case for case in rest if case.rma.close_reason == CloseReason.SETTLED])
    cases.save([case for case in rest if case.rma.state != State.CLOSED])


def _reopen(settled: Sequence[cases.Case]) -> None:
    """A settled case whose money came back is open again."""
    lost = [case for case in settled if any(_owes(case))]
    if lost:
        with trail("reopen", by=User.objects.system(), reason="a refund was reversed"):
            for case in lost:
                reopen_case(case)
            cases.save(lost)


def _owes(case: cases.Case) -> Iterator[int]:
    return (snapshot.unpaid(line, case.facts) for line in case.lines)


def _paid_before_approval(case: cases.Case) -> bool:
    return (
        case.rma.state == State.REQUESTED
        and all(order.facts_complete for order in case.orders)
        and all(
            snapshot.covered_elsewhere(line, case.facts) >= line.requested for line in case.lines
        )
    )


def _is_paid(case: cases.Case) -> bool:
    """Nothing is owed any more, and something was paid."""
    if case.rma.state not in (State.APPROVED, State.SHIPPED, State.INSPECTED):
        return False
    return any(snapshot.paid(line, case.facts) for line in case.lines) and not any(_owes(case))


def _lost_money(case: cases.Case) -> bool:
    return case.rma.state == State.REFUNDED and any(_owes(case))
