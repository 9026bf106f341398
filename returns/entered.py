"""A refund without a return, pure: an amount somebody entered, or the share of a line's pieces.

No ORM: the verb in ``order_refund.py`` fills the inputs from rows under the lock.
"""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from config.core.money import Split, round_money
from config.core.sentence import Sentence, gettext_noop, say
from invoicing.calculation import CalculatedLine, Component
from invoicing.states import CAP_GROUP
from invoicing.states import Component as States
from returns.balance import Balance

ORIGIN = "order"


def entered_line(
    balance: Balance, component: Component, gross: Decimal | None, pieces: int, note: str
) -> CalculatedLine:
    """The amount (gross, the line's currency), or without one the pieces' share of what was paid.

    Tax is the share that was paid on the component; the last pieces get what is left.
    """
    if gross is not None:
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
        rate=balance.of(_group(component))[1],
        rule="share_of_units" if gross is None else "entered",
        says=_says(balance, money, gross is not None, pieces, note),
    )


def _group(component: Component) -> Component:
    """Whose paid amount a component draws on."""
    return cast(Component, str(CAP_GROUP[States(component)]))


def _split(balance: Balance, component: Component, gross: Decimal) -> Split:
    """Net and tax of an amount as they were paid; what closes a line takes its last cents.

    More than is left keeps the paid proportion: ``refunds.propose`` refuses it and says what fits.
    """
    group = _group(component)
    currency, paid = balance.paid.currency, balance.of(group)[0]
    gross = round_money(gross, currency)
    left = balance.left(group) if component == group else balance.room()
    if group == "item":
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
