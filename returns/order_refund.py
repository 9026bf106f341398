"""A refund on an order without a return: the amount somebody names, at the line's own tax rate."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.money import round_money
from config.core.refused import Refused
from config.core.sentence import gettext_noop, say
from invoicing import refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.models import Refund
from invoicing.states import CAP_GROUP
from orders.models import Order, OrderLine

ORIGIN = "order"


def propose_without_return(
    order: Order, *, by: Any, line: int, component: str, gross: Decimal, note: str
) -> Refund:
    """Propose ``gross`` (the order's currency) for one component of a line; nothing comes back.

    Tax is the share that was paid on the component: the original rate, whatever it is today.
    Refused: "line", "amount", and all of ``refunds.propose``.
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
    return refunds.propose(
        by=by,
        order=order,
        origin=ORIGIN,
        calculation=Calculation(order.currency, (found,), policy_version=""),
        note=note,
    )
