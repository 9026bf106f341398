"""A refund on an order without a return: an amount somebody names, or some of a line's pieces.

A price difference, goodwill, goods that never came. Tax is that of the line as it was paid.
"""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.money import Split, round_money
from config.core.refused import Refused
from config.core.sentence import Sentence, gettext_noop, say
from config.core.trail import trail
from invoicing import refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.caps import lock_lines
from invoicing.models import Refund, RefundLine
from invoicing.states import CAP_GROUP, Component, RefundState
from orders.models import Order, OrderLine
from returns.balance import Balance, open_balances
from returns.owed import booked, paid_line

ORIGIN = "order"


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
        balance = _balance(ordered, order.currency)
        _check(balance, component, gross, pieces)
        found = _line(balance, component, gross, pieces, note)
        _not_twice(found)
        return refunds.propose(
            by=by,
            order=order,
            origin=ORIGIN,
            calculation=Calculation(order.currency, (found,), policy_version=""),
            note=note,
        )


def _line(
    balance: Balance,
    component: str,
    gross: Decimal | None,
    pieces: int,
    note: str,
) -> CalculatedLine:
    """The amount, or the pieces' share, as the one line of the refund."""
    if entered := gross is not None:
        money = _split(balance, component, gross)
    else:  # goodwill before may have taken part of it
        money = balance.share("item", pieces).least(balance.room())
    return CalculatedLine(
        order_line=balance.paid.order_line,
        origin=ORIGIN,
        component=component,
        quantity=pieces,
        net=money.net,
        tax=money.tax,
        rate=balance.of(CAP_GROUP[component])[1],
        rule="entered" if entered else "share_of_units",
        says=_says(balance, money, entered, pieces, note),
    )


def _balance(ordered: OrderLine, currency: str) -> Balance:
    """The line with everything refunded on it so far; the caller holds its lock."""
    rows = RefundLine.objects.filter(order_line=ordered, live=True).select_related("refund")
    already = [booked(row) for row in rows]
    return open_balances([paid_line(ordered, currency)], already)[str(ordered.pk)]


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


def _split(balance: Balance, component: str, gross: Decimal) -> Split:
    """Net and tax of an amount as they were paid; what closes a line takes its last cents.

    More than is left keeps the paid proportion: ``refunds.propose`` refuses it and says what fits.
    """
    group = CAP_GROUP[component]
    currency, paid = balance.paid.currency, balance.of(group)[0]
    gross = round_money(gross, currency)
    left = balance.left(group) if component == group else balance.room()
    if group == Component.ITEM:
        left = left.least(balance.room())
    tax = round_money(gross * paid.tax / paid.gross, currency)
    if gross <= left.gross:
        tax = min(max(tax, gross - left.net), left.tax)
    return Split(gross - tax, tax)


def _says(balance: Balance, money: Split, entered: bool, pieces: int, note: str) -> Sentence:
    currency = balance.paid.currency
    if entered:
        text = gettext_noop("%(gross)s %(currency)s as entered, without a return: %(note)s")
        return say(text, gross=money.gross, currency=currency, note=note)
    text = gettext_noop(
        "%(pieces)s of %(ordered)s pieces, %(gross)s %(currency)s, without a return: %(note)s"
    )
    return say(
        text,
        pieces=pieces,
        ordered=balance.paid.quantity,
        gross=money.gross,
        currency=currency,
        note=note,
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
