"""A case's money: what would be refunded, proposing it, and the RMA's own refund verbs.

The verbs on one refund (approve, carry out, fail …) are in ``invoicing/refunds.py``; what they
mean for the case is in ``following.py``. Amounts come from the pure calculation only.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core import roles
from config.core.display import percent
from config.core.money import ZERO, format_money
from config.core.refused import Refused
from invoicing import refunds
from invoicing.calculation import Calculation
from invoicing.models import Refund
from invoicing.states import OPEN, Component, RefundState
from orders.models import Order
from returns import basis, messages, snapshot, words_of_verbs
from returns.case import Case, opened
from returns.facts import facts_of
from returns.models import RMA, RMALine
from returns.owed import Owed, Wishes, sentences
from returns.states import State

# Numbers of the cases a verb holds open right now: the follower leaves them to that verb.
held_open: ContextVar[frozenset[str]] = ContextVar("held_open", default=frozenset())


@dataclass(frozen=True)
class Quote:
    """What a proposal for one order would be now. ``sentence`` says why not, or what was cut."""

    order: Order
    calculation: Calculation
    refundable: bool
    sentence: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines as the money table draws them."""
        return [
            {
                "label": Component(line.component).label,
                "sentence": line.says.render(_),
                "net": line.net,
                "tax": line.tax,
                "gross": line.gross,
                "tax_rate": percent(line.rate),
                "policy": self.calculation.policy_version,
            }
            for line in self.calculation.lines
        ]


def quote(
    rma: RMA,
    lines: list[RMALine] | None = None,
    wishes: Wishes = Wishes(),  # noqa: B008 frozen
) -> list[Quote]:
    """What a proposal would be now, one an order; three queries, nothing is locked or written."""
    if lines is None:
        lines = list(rma.lines.select_related("order_line__order"))
    for line in lines:
        line.rma = rma
    owed = Owed.load(rma, lines, facts_of([rma.pk])[rma.pk])
    return [_quoted(rma, *found) for found in owed.calculations(wishes)]


def _quoted(rma: RMA, order: Order, calculation: Calculation) -> Quote:
    states = (State.APPROVED, State.SHIPPED, State.INSPECTED, State.REFUNDED)
    why_not = ""
    if rma.state not in states:
        standing = words_of_verbs.standing(rma)
        why_not = _("Nothing to refund while the case is: %(state)s.") % {"state": standing}
    elif not order.facts_complete:
        why_not = _("The order is not imported yet.")
    refundable = calculation.pays and not why_not
    return Quote(order, calculation, refundable, why_not or sentences([calculation]))


def propose(
    number: str,
    *,
    by: Any,
    goodwill: Decimal | None = None,
    refund_shipping: bool | None = None,
    restocking_percent: Decimal | None = None,
    price_credits: Mapping[int, Decimal] | None = None,
    reason_code: str = "CustomerReturn",
    early: bool = False,
    version: int | None = None,
) -> list[Refund]:
    """Propose the refund of what is accepted and not covered yet, one refund an order.

    Partial proposals are tranches: origin "RMA-…/position/tranche". ``early`` pays approved units
    before they are inspected (a permission of its own). ``price_credits``: RMA line id →
    gross price credit without goods. Refused: "state", "forbidden", "nothing", "early", and what
    ``invoicing.refunds.propose`` refuses.
    """
    wishes = Wishes(goodwill, refund_shipping, restocking_percent, price_credits or {}, early)
    with opened(
        number, "propose_refund", by=by, permission="invoicing.propose_refund", version=version
    ) as case:
        _may_propose(case, wishes)
        bases = Owed.load(case.rma, case.lines, case.facts).bases(wishes)
        found = [(order, inputs, inputs.calculate()) for order, inputs in bases]
        paying = [one for one in found if one[2].pays]
        if not paying:
            why = sentences(calculation for _order, _inputs, calculation in found)
            raise Refused("nothing", _("There is nothing to refund now. %s") % why)
        with holding(case.rma.number):
            made = [_propose(case, *one, reason_code) for one in paying]
        case.facts = facts_of([case.rma.pk])[case.rma.pk]
        _tell_approver(case, [refund for refund in made if refund.needs_second])
    return made


def _may_propose(case: Case, wishes: Wishes) -> None:
    states = [State.APPROVED, State.SHIPPED, State.INSPECTED, State.REFUNDED]
    case.within("propose_refund", *states)
    extra = wishes.goodwill or wishes.price_credits
    if wishes.early:
        roles.require(case.by, "returns.refund_early")
        case.within("propose_refund", State.APPROVED, State.SHIPPED)
    elif case.rma.state == State.APPROVED and not extra:
        raise Refused(
            "early", _("The goods are not here yet. A lead may refund before they come back.")
        )


def _propose(
    case: Case, order: Order, inputs: basis.OfReturn, calculation: Calculation, reason_code: str
) -> Refund:
    """A watched buyer or a value above the policy's limit asks for a second person."""
    rma = case.rma
    return refunds.propose(
        by=case.by,
        order=order,
        origin=rma.number,
        calculation=calculation,
        basis=basis.to_json(inputs),
        reason_code=reason_code,
        policy_version=calculation.policy_version,
        on_hold=bool(rma.verdict.get("needs_second") or (rma.buyer and rma.buyer.watched)),
    )


class holding:  # noqa: N801 reads as a sentence: with holding(number)
    """Within the block the follower leaves a case to the verb that has it open."""

    def __init__(self, number: str) -> None:
        self.number = number

    def __enter__(self) -> None:
        self.token = held_open.set(held_open.get() | {self.number})

    def __exit__(self, *error: object) -> None:
        held_open.reset(self.token)


def _tell_approver(case: Case, waiting: list[Refund]) -> None:
    if not waiting:
        return
    gross = sum((refund.gross for refund in waiting), ZERO)
    message, problem = messages.compose_for_approver(
        case.rma, case.lines, amount=format_money(gross, case.rma.currency, "en"), who=case.by
    )
    case.mail.append(message)
    if problem:
        case.work.append(problem)


def refund(number: str, *, by: Any, version: int | None = None) -> RMA:
    """approved, shipped, inspected → refunded: nothing accepted is left without money.

    The follower does this by itself when a refund is sent; by hand it serves a reopened case.
    Refused: "state", "unpaid".
    """
    with opened(number, "refund", by=by, version=version) as case:
        refund_case(case)
    return case.rma


def refund_case(case: Case) -> None:
    """Move to refunded; Refused("unpaid") while units are owed money or nothing was paid."""
    case.move("refund")
    owed = sum(snapshot.unpaid(line, case.facts) for line in case.lines)
    if owed:
        raise Refused("unpaid", _("%(units)s units are not refunded yet.") % {"units": owed})
    if not any(snapshot.paid(line, case.facts) for line in case.lines):
        raise Refused("unpaid", _("Nothing was refunded on this case."))
    case.rma.refunded_at = case.now


def refund_nothing(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """inspected → closed: what was accepted comes to nothing, such as a fee of all that was paid.

    No refund and no document, only the reason. Beside other money the case is refunded and
    settles by itself. Refused: "state", "reason", "refund" (one is planned), "rejected" (nothing
    was accepted), "owed" (money is due).
    """
    if not reason.strip():
        raise Refused("reason", _("Give a reason; it stays with the case."))
    permission = "returns.settle_rma"
    with opened(
        number,
        "refund_nothing",
        by=by,
        permission=permission,
        version=version,
        reason=reason.strip(),
    ) as case:
        case.within("refund_nothing", State.INSPECTED)
        _comes_to_nothing(case)
        for line in case.lines:
            line.nothing_due += snapshot.uncredited(line, case.facts)
        case.lines_changed = True
        case.move("refund")
        case.rma.refunded_at = case.now
        if not any(snapshot.paid(line, case.facts) for line in case.lines):
            case.move("settle")
    return case.rma


def _comes_to_nothing(case: Case) -> None:
    if any(case.facts.refunds.get(state) for state in OPEN):
        raise Refused("refund", _("A refund of this case is planned. Decide it first."))
    if not any(line.accepted for line in case.lines):
        raise Refused("rejected", _("No unit was accepted: reject the goods."))
    for order, calculation in Owed.load(case.rma, case.lines, case.facts).calculations(Wishes()):
        if calculation.pays:
            amount = format_money(calculation.gross, calculation.currency, "en")
            raise Refused(
                "owed",
                _("%(amount)s is due for order %(order)s: propose its refund.")
                % {"amount": amount, "order": order.amazon_order_id},
            )


def void_refund(number: str, *, by: Any, reason: str, version: int | None = None) -> RMA:
    """refunded → inspected (or approved): the refund we sent did not reach the buyer.

    Fails the case's sent refunds; confirmed money stays. Refused: "state", "confirmed", "reason".
    """
    if not reason.strip():
        raise Refused("reason", _("Give a reason; it stays with the case."))
    with opened(number, "void_refund", by=by, version=version, reason=reason.strip()) as case:
        case.within("void_refund", State.REFUNDED)
        sent = Refund.objects.filter(origin=case.rma.number, state=RefundState.SENT)
        with holding(case.rma.number):
            for key in sent.order_by("pk").values_list("key", flat=True):
                refunds.fail(key, by=by, reason=reason)
        case.facts = facts_of([case.rma.pk])[case.rma.pk]
        void_case(case)
    return case.rma


def void_case(case: Case) -> None:
    """Back to where money is owed; Refused("confirmed") when everything owed was paid."""
    if not any(snapshot.unpaid(line, case.facts) for line in case.lines):
        raise Refused("confirmed", _("The money is confirmed; reverse the refund instead."))
    here = all(line.outstanding == 0 == line.uninspected for line in case.lines)
    seen = any(line.accepted or line.rejected for line in case.lines)
    target = "inspected" if here and seen else "approved"
    case.move("void_refund", via=f"void_refund_{target}")
    case.rma.refunded_at = None
