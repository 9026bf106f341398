"""What is owed on a case now: its rows turned into the inputs of the pure refund calculation.

Reads only. The calculation is in ``refund.py``, proposing it in ``refunding.py``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from config.core.money import ZERO, Split, round_money
from invoicing.models import RefundLine
from invoicing.models.refund import Source
from orders.models import Order, OrderLine
from returns import policy, snapshot, verdicts
from returns.basis import OfReturn
from returns.facts import Facts
from returns.models import RMA, RMALine
from returns.refund import (
    AlreadyRefunded,
    Calculation,
    PaidComponent,
    PaidLine,
    ReturnedLine,
)
from returns.states import State


@dataclass(frozen=True)
class Wishes:
    """What somebody wants otherwise than the policy says. Amounts are gross.

    ``price_credits``: RMA line id → price credit without goods. ``early``: approved units count,
    not only accepted ones.
    """

    goodwill: Decimal | None = None
    refund_shipping: bool | None = None
    restocking_percent: Decimal | None = None
    price_credits: Mapping[int, Decimal] = field(default_factory=dict)
    early: bool = False


@dataclass
class Owed:
    """The rows a case's refund is calculated from."""

    rma: RMA
    lines: list[RMALine]
    facts: Facts
    ordered: dict[int, list[OrderLine]]
    booked: list[RefundLine]

    @classmethod
    def load(cls, rma: RMA, lines: list[RMALine], facts: Facts) -> "Owed":
        """Two queries: all lines of the orders, and everything ever refunded on them."""
        orders = {line.order_line.order_id for line in lines}
        found = OrderLine.objects.filter(order_id__in=orders).order_by("pk")
        ordered: dict[int, list[OrderLine]] = {}
        for line in found:
            ordered.setdefault(line.order_id, []).append(line)
        booked = RefundLine.objects.filter(order_line__order__in=orders).select_related("refund")
        return cls(rma, lines, facts, ordered, list(booked.order_by("pk")))

    def calculations(self, wishes: Wishes) -> list[tuple[Order, Calculation]]:
        """One calculation an order, in the order of the case's lines."""
        return [(order, inputs.calculate()) for order, inputs in self.bases(wishes)]

    def bases(self, wishes: Wishes) -> list[tuple[Order, OfReturn]]:
        """What each order's refund is calculated from."""
        orders = {line.order_line.order_id: line.order_line.order for line in self.lines}
        rules = verdicts.terms(self.rma)
        returned = self._returned(wishes, rules)
        return [
            (
                order,
                OfReturn(
                    tuple(paid_line(line, self.rma.currency) for line in self.ordered[pk]),
                    tuple(self._already(pk)),
                    tuple(line for owner, line in returned if owner == pk),
                    rules,
                ),
            )
            for pk, order in orders.items()
        ]

    def _already(self, order_id: int) -> list[AlreadyRefunded]:
        """Money that went back on an order's lines; Amazon does not say for how many units."""
        ids = {line.pk for line in self.ordered[order_id]}
        return self._unseen(ids) + [
            booked(row) for row in self.booked if row.live and row.order_line_id in ids
        ]

    def _unseen(self, ids: set[int]) -> list[AlreadyRefunded]:
        """What Amazon's returns report calls refunded, before any settlement shows it."""
        found = []
        for line in {line.order_line_id: line for line in self.lines}.values():
            paid = Split(*line.order_line.paid("item")[:2])
            said = round_money(self.facts.unseen.get(line.order_line_id, ZERO), self.rma.currency)
            if said > 0 and line.order_line_id in ids:
                amount = paid.portion(min(said, paid.gross), self.rma.currency)
                units = self._units_told(line.order_line_id)
                key = str(line.order_line_id)
                found.append(AlreadyRefunded(key, "item", amount.net, amount.tax, units))
        return found

    def _units_told(self, order_line: int) -> int:
        """Units the case takes as refunded although no refund on record stands for them."""
        return sum(
            snapshot.covered_elsewhere(line, self.facts)
            - snapshot.settled_elsewhere(line, self.facts)
            for line in self.lines
            if line.order_line_id == order_line
        )

    def _returned(
        self, wishes: Wishes, rules: policy.PolicyRules
    ) -> list[tuple[int, ReturnedLine]]:
        """Order id and line to credit. Goodwill and freight go with the first line they fit."""
        goodwill, freight = wishes.goodwill or ZERO, self._freight(rules)
        found = []
        for line in self.lines:
            units = self.units(line, early=wishes.early)
            credit = wishes.price_credits.get(line.pk, ZERO)
            if units or goodwill:
                deducted = freight if self._buyer_pays(line, rules) and units else ZERO
                wanted = self._line(
                    line, units, goodwill=goodwill, freight=deducted, wishes=wishes, rules=rules
                )
                found.append((line, wanted))
                goodwill, freight = ZERO, freight - deducted
            if credit:
                found.append((line, self._credit(line, credit, number=1 if units else 0)))
        return [(line.order_line.order_id, asked) for line, asked in found]

    def units(self, line: RMALine, *, early: bool) -> int:
        """Units of an RMA line to credit now."""
        if not early or line.rma.state not in (State.APPROVED, State.SHIPPED):
            return snapshot.uncredited(line, self.facts)
        live = self.facts.live_units.get(line.position, 0)
        elsewhere = snapshot.covered_elsewhere(line, self.facts)
        return max(0, snapshot.creditable(line) - live - elsewhere)

    def _line(
        self,
        line: RMALine,
        units: int,
        *,
        goodwill: Decimal,
        freight: Decimal,
        wishes: Wishes,
        rules: policy.PolicyRules,
    ) -> ReturnedLine:
        return ReturnedLine(
            order_line=str(line.order_line_id),
            origin=self.origin(line),
            quantity=units,
            liability=line.liability,
            percent_kept=self._percent(line, wishes, rules),
            return_freight=freight,
            goodwill=goodwill,
            shipping=self._shipping(line, wishes),
        )

    def _credit(self, line: RMALine, gross: Decimal, number: int) -> ReturnedLine:
        return ReturnedLine(
            order_line=str(line.order_line_id),
            origin=self.origin(line, number),
            liability=line.liability,
            credit_gross=gross,
        )

    def origin(self, line: RMALine, further: int = 0) -> str:
        """The next free tranche of a line: a failed refund keeps its own, it may live again."""
        prefix = f"{self.rma.number}/{line.position}/"
        used = [
            int(row.origin.removeprefix(prefix))
            for row in self.booked
            if row.origin.startswith(prefix)
        ]
        return f"{prefix}{max(used, default=0) + 1 + further}"

    def _percent(self, line: RMALine, wishes: Wishes, rules: policy.PolicyRules) -> Decimal:
        for given in (wishes.restocking_percent, line.restocking_percent):
            if given is not None:
                return given
        late = any(
            reason["code"] == "window_closed" and reason["line"] == str(line.position)
            for reason in self.rma.verdict.get("reasons", [])
        )
        return policy.restocking_percent(rules, line.liability, late)

    def _shipping(self, line: RMALine, wishes: Wishes) -> policy.ShippingRule:
        if wishes.refund_shipping is False:
            return "none"
        whole = self._whole_order(line.order_line.order_id, wishes)
        if wishes.refund_shipping:
            return "all_left" if whole else "proportional"
        return policy.shipping_rule(line.liability, whole)

    def _whole_order(self, order_id: int, wishes: Wishes) -> bool:
        """Whether with this refund every unit of the order is credited."""
        units: dict[int, int] = {}
        for row in self.booked:
            if row.live and row.component == "item":
                units[row.order_line_id] = units.get(row.order_line_id, 0) + row.quantity
        for line in self.lines:
            now = self.units(line, early=wishes.early)
            units[line.order_line_id] = units.get(line.order_line_id, 0) + now
        return all(units.get(line.pk, 0) >= line.quantity for line in self.ordered[order_id])

    def _freight(self, rules: policy.PolicyRules) -> Decimal:
        """Gross label cost we paid and have not kept back yet."""
        paid = sum((seen.label_cost or ZERO for seen in self.facts.parcels), ZERO)
        kept = sum(
            (
                row.gross
                for row in self.booked
                if row.live
                and row.component == "return_freight"
                and row.refund.origin == self.rma.number
            ),
            ZERO,
        )
        return max(ZERO, paid + kept)

    def _buyer_pays(self, line: RMALine, rules: policy.PolicyRules) -> bool:
        return line.liability == "buyer" and policy.freight_payer(rules, "buyer") == "buyer"


def paid_line(line: OrderLine, currency: str) -> PaidLine:
    """What the buyer paid for an order line, component by component."""
    parts: dict[str, Any] = {
        name: PaidComponent(*line.paid(name)) for name in ("item", "shipping", "gift_wrap")
    }
    return PaidLine(
        str(line.pk), currency, line.quantity, line.sku, line.title or line.sku, **parts
    )


def booked(row: RefundLine) -> AlreadyRefunded:
    """A live refund line as money that went back; Amazon does not say for how many units."""
    ours = row.refund.source == Source.RETOUR
    return AlreadyRefunded(
        str(row.order_line_id),
        row.component,
        row.net,
        row.tax,
        row.quantity if ours else row.quantity or None,
    )


def sentences(calculations: Iterable[Calculation]) -> str:
    """Why amounts are what they are, as one text."""
    return " ".join(str(reason.says) for found in calculations for reason in found.reasons)
