"""How many units a refunded amount stands for, where Amazon names an amount and no quantity.

Pure, and the same rule as SQL. An amount is n units when it is n units' share of what was paid for
all of them (within one smallest unit), or n times the rounded price of one. Gross is tried first,
then net. What is neither stands for no unit: a person decides.
"""

from __future__ import annotations

from decimal import Decimal

from config.core.money import ZERO, quantum, round_money


def units_of(
    gross: Decimal,
    net: Decimal,
    *,
    paid_gross: Decimal,
    paid_net: Decimal,
    quantity: int,
    currency: str,
) -> int | None:
    """Units of a line of ``quantity`` units; None where the amount does not tell. All amounts are
    in ``currency``; refunds are positive."""
    found = _told(gross, paid_gross, quantity, currency)
    return _told(net, paid_net, quantity, currency) if found is None else found


def _told(amount: Decimal, paid: Decimal, quantity: int, currency: str) -> int | None:
    if amount <= ZERO or paid <= ZERO or quantity <= 0 or amount > paid:
        return None
    units = int((amount * quantity * 2 + paid) // (paid * 2))
    if units == 0:
        return None
    is_share = abs(amount * quantity - paid * units) <= quantum(currency) * quantity
    is_price = amount == round_money(paid / quantity, currency) * units
    return units if is_share or is_price else None


def sql(gross: str, net: str, *, paid_gross: str, paid_net: str, quantity: str, places: str) -> str:
    """The same as a SQL expression over other expressions; ``places`` are the currency's decimals.
    NULL where the amount does not tell."""
    by_gross, by_net = (
        _told_sql(gross, paid_gross, quantity, places),
        _told_sql(net, paid_net, quantity, places),
    )
    return f"COALESCE({by_gross}, {by_net})"


def _told_sql(amount: str, paid: str, quantity: str, places: str) -> str:
    units = f"div({amount} * {quantity} * 2 + {paid}, {paid} * 2)"
    return (
        f"CASE WHEN {amount} > 0 AND {paid} > 0 AND {quantity} > 0 AND {amount} <= {paid} THEN"
        f" CASE WHEN {units} > 0 AND (abs({amount} * {quantity} - {paid} * {units})"
        f" <= power(10::numeric, -{places}) * {quantity}"
        f" OR {amount} = round({paid} / {quantity}, {places}) * {units})"
        f" THEN {units} END END"
    )
