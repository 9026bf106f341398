"""A refund on an order without a return: the amount somebody names, at the line's own tax rate."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.money import round_money
from config.core.refused import Refused
from config.core.sentence import gettext_noop, say
from config.core.trail import trail
from invoicing import refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.caps import lock_lines
from invoicing.models import Refund, RefundLine
from invoicing.states import CAP_GROUP, RefundState
from orders.models import Order, OrderLine

ORIGIN = "order"


def propose_without_return(
    order: Order, *, by: Any, line: int, component: str, gross: Decimal, note: str
) -> Refund:
    """Propose ``gross`` (the order's currency) for one component of a line; nothing comes back.

    Tax is the share that was paid on the component: the original rate, whatever it is today.
    The same once more while the first still waits is refused: a double click is one refund.
    Refused: "line", "amount", "twice", and all of ``refunds.propose``.
    """
    ordered = OrderLine.objects.filter(order=order, pk=line).first()
    if ordered is None:
        raise Refused("line", _("Choose one of the order's lines."))
    paid_net, paid_tax, rate = ordered.paid(CAP_GROUP[component])
    if paid_net + paid_tax <= 0:
        raise Refused("amount", _("Nothing was paid for that, so nothing can be refunded."))
    gross = round_money(gross, order.currency)
    tax = round_money(gross * paid_tax / (paid_net + paid_tax), order.currency)
    says = say(
        gettext_noop("%(gross)s %(currency)s as entered, without a return: %(note)s"),
        gross=gross,
        currency=order.currency,
        note=note,
    )
    found = CalculatedLine(
        order_line=str(ordered.pk),
        origin=ORIGIN,
        component=component,
        quantity=0,
        net=gross - tax,
        tax=tax,
        rate=rate,
        rule="entered",
        says=says,
    )
    with trail("propose_refund", by=by, reason=note):
        lock_lines([order.pk])
        _not_twice(found)
        return refunds.propose(
            by=by,
            order=order,
            origin=ORIGIN,
            calculation=Calculation(order.currency, (found,), policy_version=""),
            note=note,
        )


def _not_twice(wanted: CalculatedLine) -> None:
    """Refuse what waits already; the order's lines are locked."""
    same = RefundLine.objects.filter(
        order_line_id=int(wanted.order_line),
        component=wanted.component,
        gross=wanted.gross,
        origin=ORIGIN,
        refund__state__in=(RefundState.PROPOSED, RefundState.APPROVED, RefundState.SENDING),
    )
    if same.exists():
        raise Refused(
            "twice",
            _("The same refund of this line waits already. Carry it out before the next one."),
        )
