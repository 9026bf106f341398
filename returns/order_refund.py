"""A refund on an order without a return: an amount somebody names, or some of a line's pieces.

A price difference, goodwill, goods that never came. The amount itself is in ``entered.py``.
"""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.calculation import CalculatedLine
from invoicing.caps import lock_lines
from invoicing.models import Refund, RefundLine
from invoicing.states import CAP_GROUP, Component, RefundState
from orders.models import Order, OrderLine
from returns import basis
from returns.balance import AlreadyRefunded, Balance, open_balances
from returns.entered import ORIGIN
from returns.owed import booked, paid_line


def propose_without_return(
    order: Order,
    *,
    by: Any,
    line: int,
    component: str,
    gross: Decimal | None = None,
    quantity: int | None = None,
    note: str,
) -> Refund:
    """Propose money for one component of a line; nothing comes back.

    ``gross`` (the order's currency) is the amount; without it ``quantity`` pieces are credited at
    their share of what was paid, and the last pieces get what is left. Tax is the share that was
    paid on the component: the original rate, whatever it is today. The same once more while the
    first still waits is refused: a double click is one refund.
    Refused: "line", "amount", "quantity", "twice", and all of ``refunds.propose``.
    """
    ordered = OrderLine.objects.filter(order=order, pk=line).first()
    if ordered is None:
        raise Refused("line", _("Choose one of the order's lines."))
    pieces = quantity or 0
    with trail("propose_refund", by=by, reason=note):
        lock_lines([order.pk])
        paid = paid_line(ordered, order.currency)
        already = _already(ordered)
        _check(open_balances([paid], already)[paid.order_line], component, gross, pieces)
        inputs = basis.OfOrder(paid, already, component, gross, pieces, note)
        calculation = inputs.calculate()
        _not_twice(calculation.lines[0])
        return refunds.propose(
            by=by,
            order=order,
            origin=ORIGIN,
            calculation=calculation,
            basis=basis.to_json(inputs),
            note=note,
        )


def _already(ordered: OrderLine) -> tuple[AlreadyRefunded, ...]:
    """Everything refunded on the line so far; the caller holds its lock."""
    rows = RefundLine.objects.filter(order_line=ordered, live=True).select_related("refund")
    return tuple(booked(row) for row in rows.order_by("pk"))


def _check(balance: Balance, component: str, gross: Decimal | None, pieces: int) -> None:
    if gross is None and not pieces:
        raise Refused("amount", _("Enter an amount, or the number of pieces to credit."))
    if balance.of(CAP_GROUP[component])[0].gross <= 0:
        raise Refused("amount", _("Nothing was paid for that, so nothing can be refunded."))
    if pieces and component != Component.ITEM:
        raise Refused("quantity", _("Pieces are credited for the item only; enter an amount."))
    if pieces > balance.units_left:
        raise Refused(
            "quantity",
            _("Of the %(ordered)d pieces only %(left)d are not credited yet.")
            % {"ordered": balance.paid.quantity, "left": balance.units_left},
        )


def _not_twice(wanted: CalculatedLine) -> None:
    """Refuse what waits already; the order's lines are locked."""
    same = RefundLine.objects.filter(
        order_line_id=int(wanted.order_line),
        component=wanted.component,
        gross=wanted.gross,
        quantity=wanted.quantity,
        origin=ORIGIN,
        refund__state__in=(RefundState.PROPOSED, RefundState.APPROVED, RefundState.SENDING),
    )
    if same.exists():
        raise Refused(
            "twice",
            _("The same refund of this line waits already. Carry it out before the next one."),
        )
