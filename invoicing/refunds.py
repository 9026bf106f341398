"""The verbs of a refund: propose, reject and cancel; approve and carrying out are offered on here.

``key`` is the refund's UUID or its text. Every verb runs in one transaction under the refund's
lock, leaves a trail and tells ``followers``; it returns the refund or raises ``Refused``.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from config.core.money import format_money
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import four_eyes, lane_choice, payees
from invoicing.approval import BulkResult, approve, approve_many, content
from invoicing.calculation import Calculation
from invoicing.caps import (
    excess_sentence,
    first_excess,
    first_reported,
    live_sums,
    lock_lines,
    reported,
    reported_sentence,
    sums_of,
)
from invoicing.carrying_out import (
    accept_difference,
    confirm_many,
    confirm_paid,
    fail,
    give_back,
    mark_sent,
    mark_unknown,
    resolve_unknown,
    reverse,
    start,
)
from invoicing.crediting import throw_away
from invoicing.lane_choice import change_lane
from invoicing.models import Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.refund_row import (
    changing,
    followers,
    lock_first,
    lockers,
    need_reason,
    objectors,
    tell,
)
from invoicing.shown import check_untied
from invoicing.states import DocumentState
from orders.models import Order, OrderLine

__all__ = [
    "BulkResult",
    "accept_difference",
    "approve",
    "approve_many",
    "cancel",
    "change_lane",
    "confirm_many",
    "confirm_paid",
    "fail",
    "followers",
    "give_back",
    "lockers",
    "mark_sent",
    "mark_unknown",
    "objectors",
    "propose",
    "reject",
    "resolve_unknown",
    "reverse",
    "start",
]
DEDUCTIONS = ("restocking_fee", "return_freight")


def propose(
    *,
    by,
    order: Order,
    origin: str,
    calculation: Calculation,
    reason_code: str = "CustomerReturn",
    policy_version: str = "",
    note: str = "",
    on_hold: bool = False,
    basis: Mapping[str, Any] | None = None,
    lane: str | None = None,
    payee: Mapping[str, str] | None = None,
) -> Refund:
    """Propose a calculated refund of one order; ``origin`` is the RMA number, or "order".

    ``basis`` is what it was calculated from, as JSON. The lane is the marketplace's, unless
    ``lane`` names another; a ``payee`` (name, iban, bic) makes it a bank transfer, which needs a
    reason (``note``) and two people. Locks the order's lines and checks net and tax against
    everything live on them. Frozen here: whether its lane gets net or gross, and whether a second
    person must approve, above the limits of the currency (`four_eyes.py`) or ``on_hold``.
    """
    require(by, "invoicing.propose_refund")
    _check_facts(order, calculation)
    way = lane_choice.choose(order, lane, payee)
    if way.account:
        need_reason(note)
    alone = (order.seller, calculation.currency, calculation.gross, by)
    with trail("propose_refund", by=by, reason=note):
        lock_first([origin])
        _check_room(lock_lines([order.pk]), calculation)
        check_untied(order.pk)
        refund = Refund.objects.create(
            lane=way.lane,
            lane_basis=way.basis,
            order=order,
            origin=origin,
            reason_code=reason_code,
            basis=dict(basis or {}),
            content_hash=content(calculation, order.pk, origin, way),
            needs_second=on_hold or way.account is not None or four_eyes.needs_second(*alone),
            proposer=by,
            note=note[:500],
            **_facts(order, calculation, policy_version),
        )
        RefundLine.objects.bulk_create(_lines(refund, calculation))
        if way.account:
            payees.store(refund, way.account, by)
        tell([refund.pk])
    return refund


def reject(key: UUID | str, *, by, reason: str) -> Refund:
    """Say no to a proposal; its money is free again."""
    with changing("reject", key, by=by, reason=need_reason(reason)) as refund:
        refund.move_reject()
        refund.note = reason.strip()[:500]
    return refund


def cancel(key: UUID | str, *, by, reason: str) -> Refund:
    """Withdraw a refund that was not carried out; a draft of its credit note is thrown away."""
    reason, drafts = need_reason(reason), []
    with changing(
        "cancel", key, by=by, reason=reason, finish=lambda _: throw_away(drafts)
    ) as refund:
        refund.move_cancel()
        refund.note = reason[:500]
        if refund.document and refund.document.state == DocumentState.DRAFT:
            drafts.append(refund.document_id)
            refund.document = None
    return refund


# --- Checks and parts ----------------------------------------------------------------------------


def _facts(order: Order, calculation: Calculation, policy_version: str) -> dict[str, Any]:
    """What a refund of ours takes over from its order and its calculation."""
    return {
        "policy_version": policy_version or calculation.policy_version,
        "proposed_at": timezone.now(),
        "source": Source.RETOUR,
        "seller_id": order.seller_id,
        "marketplace_id": order.marketplace_id,
        "currency": calculation.currency,
        "net": calculation.net,
        "tax": calculation.tax,
        "gross": calculation.gross,
        "calculation": calculation.to_json(),
    }


def _check_facts(order: Order, calculation: Calculation) -> None:
    if not order.facts_complete or order.marketplace_id is None:
        raise Refused(
            "facts_incomplete",
            f"Order {order.amazon_order_id} is known by name only. Import the orders report that "
            "holds it; the refund can be proposed then.",
        )
    if calculation.currency != order.currency:
        raise Refused("currency", f"This order was paid in {order.currency}.")
    if calculation.gross <= 0:
        reasons = " ".join(reason.sentence for reason in calculation.reasons)
        raise Refused("nothing", f"There is nothing to refund. {reasons}".strip())


def _check_room(order_lines: dict[int, OrderLine], calculation: Calculation) -> None:
    """Refuse what does not belong to the order, is refunded already, or is more than was paid."""
    if foreign := {int(line.order_line) for line in calculation.lines} - order_lines.keys():
        raise Refused("foreign_line", f"Line {min(foreign)} is not a line of this order.")
    for line in calculation.lines:
        if (line.component in DEDUCTIONS) != (line.gross < 0) and line.gross:
            raise Refused("sign", "Fees lower a refund, everything else raises it.")
    origins = {(line.origin, line.component) for line in calculation.lines}
    live = RefundLine.objects.filter(order_line_id__in=order_lines, live=True)
    for taken in live.exclude(origin="order").select_related("refund"):
        if (taken.origin, taken.component) in origins:
            raise Refused(
                "already_refunded",
                f"A refund for {taken.origin} is {taken.refund.get_state_display().lower()} "
                f"already ({format_money(taken.refund.gross, taken.refund.currency)}).",
            )
    taken, added = live_sums(order_lines), sums_of(calculation.lines)
    if found := first_excess(order_lines, taken, added):
        raise Refused("cap_exceeded", excess_sentence(*found, calculation.currency))
    if told := first_reported(order_lines, taken, added, reported(order_lines)):
        raise Refused(told[-1].code, reported_sentence(*told, calculation.currency))


def _lines(refund: Refund, calculation: Calculation) -> list[RefundLine]:
    return [
        RefundLine(
            refund=refund,
            order_line_id=int(line.order_line),
            origin=line.origin,
            component=line.component,
            quantity=line.quantity,
            net=line.net,
            tax=line.tax,
            gross=line.gross,
            rate=line.rate,
            sentence=line.sentence[:500],
            rule=line.rule[:60],
        )
        for line in calculation.lines
    ]
