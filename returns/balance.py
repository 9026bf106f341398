"""What was paid on an order line, what went back before, what is asked for now, and what is left.

Pure. The frozen dataclasses are the inputs of refund.py; a `Balance` is opened per order line,
posted on and thrown away. Amounts of one line are in its currency, rates are fractions (0.19).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from config.core.money import ZERO, Split, quantum, whole
from invoicing import units
from invoicing.calculation import Component
from returns.policy import ShippingRule
from returns.reasons import UNDECIDED

# These four draw on what was paid for the item; shipping and gift wrap each on their own.
ITEM_GROUP: tuple[Component, ...] = ("item", "restocking_fee", "return_freight", "goodwill")


@dataclass(frozen=True)
class PaidComponent:
    """Net and tax really paid for a component, promotion taken off; rate as fraction (0.19)."""

    net: Decimal = ZERO
    tax: Decimal = ZERO
    rate: Decimal | None = None


@dataclass(frozen=True)
class PaidLine:
    """One order line as paid; `order_line` is the row's id as text, `title` is for sentences."""

    order_line: str
    currency: str
    quantity: int
    sku: str = ""
    title: str = ""
    item: PaidComponent = PaidComponent()
    shipping: PaidComponent = PaidComponent()
    gift_wrap: PaidComponent = PaidComponent()


@dataclass(frozen=True)
class AlreadyRefunded:
    """Money of live refunds, ours and Amazon's, on one component; fees are negative.

    `quantity` counts units on item rows (0: money without units). None means Amazon did not say;
    then it is inferred from the amount.
    """

    order_line: str
    component: Component
    net: Decimal
    tax: Decimal
    quantity: int | None = 0


@dataclass(frozen=True)
class ReturnedLine:
    """What shall be credited on one order line. Amounts are gross, percents 0 to 100.

    `origin` is unique in a calculation ("RMA-2026-000123/1/1"). `quantity` 0 credits money
    without goods: `credit_gross` or `credit_percent` of the item. `condition` is said in the
    sentence; `percent_kept` is the restocking fee, `kept_because` its reason.
    """

    order_line: str
    origin: str
    quantity: int = 0
    liability: str = UNDECIDED
    condition: str = ""
    percent_kept: Decimal = ZERO
    kept_because: str = ""
    return_freight: Decimal = ZERO
    goodwill: Decimal = ZERO
    shipping: ShippingRule = "none"
    credit_gross: Decimal = ZERO
    credit_percent: Decimal = ZERO


@dataclass
class Balance:
    """What of one order line is spent so far: units, and money per component."""

    paid: PaidLine
    units: int = 0
    spent: dict[Component, Split] = field(default_factory=dict)

    def of(self, component: Component) -> tuple[Split, Decimal | None]:
        """Paid amount and rate of item, shipping or gift_wrap."""
        part: PaidComponent = getattr(self.paid, component)
        currency = self.paid.currency
        return Split(whole(part.net, currency), whole(part.tax, currency)), part.rate

    def spent_on(self, *components: Component) -> Split:
        """What went out for the components together."""
        return sum((self.spent.get(name, Split()) for name in components), Split())

    def left(self, component: Component) -> Split:
        """What of a paid component is not refunded on that very component."""
        return (self.of(component)[0] - self.spent_on(component)).floor()

    def room(self) -> Split:
        """What the item may still cost us, fees kept and goodwill given counted in."""
        return (self.of("item")[0] - self.spent_on(*ITEM_GROUP)).floor()

    def add(self, component: Component, amount: Split) -> None:
        """Count money as spent."""
        self.spent[component] = self.spent_on(component) + amount

    def units_in(self, row: AlreadyRefunded) -> int:
        """Units a row stands for; where Amazon did not say, those its amount tells, or none."""
        if row.component != "item":
            return 0
        if row.quantity is not None:
            return row.quantity
        paid = self.of("item")[0]
        told = units.units_of(
            row.net + row.tax,
            row.net,
            paid_gross=paid.gross,
            paid_net=paid.net,
            quantity=self.paid.quantity,
            currency=self.paid.currency,
        )
        return told or 0

    @property
    def units_left(self) -> int:
        """Ordered units that no refund has credited yet."""
        return max(self.paid.quantity - self.units, 0)

    def share(self, component: Component, units: int) -> Split:
        """Money for the next units, so that all units of the line add up to the paid sum exactly.

        The n-th unit ends at round(paid * n / ordered); what was refunded before is taken off.
        Where history differs from that by more than rounding (price credits, Amazon's own
        amounts), the units get the lower of their plain share and their share of what is left.
        Either way it is never more than what is left of the component.
        """
        paid, _ = self.of(component)
        spent, currency = self.spent_on(component), self.paid.currency
        ordered, after = self.paid.quantity, self.units + units
        before = paid.scaled(self.units, ordered, currency)
        target = paid.scaled(after, ordered, currency)
        noise = self.units * quantum(currency)
        if max(abs(spent.net - before.net), abs(spent.tax - before.tax)) <= noise:
            return (target - spent).floor()
        rest = self.left(component).scaled(units, ordered - self.units, currency)
        return (target - before).least(rest).floor()


def open_balances(
    paid: Iterable[PaidLine], already: Iterable[AlreadyRefunded]
) -> dict[str, Balance]:
    """Open one balance per order line and post what was refunded before."""
    balances = {line.order_line: Balance(line) for line in paid}
    for balance in balances.values():
        for component in ("item", "shipping", "gift_wrap"):
            amount, _ = balance.of(component)
            if amount.net < 0 or amount.tax < 0:
                raise ValueError(f"{component} of {balance.paid.order_line} was paid negative")
    for row in already:
        if row.order_line in balances:
            balance = balances[row.order_line]
            currency = balance.paid.currency
            balance.add(row.component, Split(whole(row.net, currency), whole(row.tax, currency)))
            balance.units += balance.units_in(row)
    return balances
