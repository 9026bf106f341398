"""The refund calculation, pure: from what was paid and comes back to lines that explain themselves.

Verbs fill the inputs from rows under the lock, and show, hash, store and print the one result.
Inputs, shares and caps are in balance.py, the result in invoicing/calculation.py, Seller Central's
figures in lane.py; what callers need may be imported from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from config.core.money import Split, exact, whole
from config.core.sentence import Sentence, Value, gettext_noop, say
from invoicing.calculation import (
    CalculatedLine,
    Calculation,
    Component,
    Reason,
    content_hash,
)
from invoicing.lane import LaneAmount, lane_amounts
from returns.balance import (
    ITEM_GROUP,
    AlreadyRefunded,
    Balance,
    PaidComponent,
    PaidLine,
    ReturnedLine,
    open_balances,
)
from returns.policy import PolicyRules, freight_payer
from returns.reasons import BUYER

__all__ = [
    "AlreadyRefunded",
    "CalculatedLine",
    "Calculation",
    "Component",
    "LaneAmount",
    "PaidComponent",
    "PaidLine",
    "ReturnedLine",
    "calculate",
    "content_hash",
    "lane_amounts",
]
HUNDRED = Decimal(100)
WITHOUT_UNITS = ("return_freight", "goodwill")


def calculate(
    paid: Iterable[PaidLine],
    already: Iterable[AlreadyRefunded],
    returned: Iterable[ReturnedLine],
    rules: PolicyRules,
) -> Calculation:
    """Return what is owed for the returned lines, in their order, never more than was paid.

    Per order line, net and tax each: item + fee + freight + goodwill <= item paid - refunded,
    and item, shipping and gift wrap each <= their own paid - refunded. Mixed currencies, a
    repeated origin, an unknown order line and bad amounts raise ValueError, floats TypeError.
    """
    paid, returned = list(paid), list(returned)
    currencies = {line.currency for line in paid}
    if len(currencies) != 1:
        raise ValueError(f"a refund has one currency, not {sorted(currencies)}")
    if len({line.origin for line in returned}) != len(returned):
        raise ValueError("an origin may stand in a calculation once")
    draft = _Draft(currencies.pop(), rules)
    balances = open_balances(paid, already)
    for line in returned:
        if line.order_line not in balances:
            raise ValueError(f"order line {line.order_line} is not among the paid lines")
        _credit(draft, balances[line.order_line], _checked(line, draft.currency))
    return draft.finished()


def _checked(line: ReturnedLine, currency: str) -> ReturnedLine:
    """Refuse what a refund can never mean: negative units or money, percents beyond 100."""
    if line.quantity < 0:
        raise ValueError(f"{line.origin}: quantity {line.quantity} is negative")
    for amount in (line.return_freight, line.goodwill, line.credit_gross):
        if whole(amount, currency) < 0:
            raise ValueError(f"{line.origin}: {amount} is negative")
    for percent in (line.percent_kept, line.credit_percent):
        if not 0 <= exact(percent) <= HUNDRED:
            raise ValueError(f"{line.origin}: {percent} is not a percentage")
    if line.quantity and (line.credit_gross or line.credit_percent):
        raise ValueError(f"{line.origin}: a price credit goes without units")
    if line.credit_gross and line.credit_percent:
        raise ValueError(f"{line.origin}: a price credit is an amount or a percentage")
    return line


@dataclass(frozen=True)
class _Claim:
    """One returned line on the balance of its order line, with the units that may be credited."""

    balance: Balance
    line: ReturnedLine
    units: int

    @property
    def title(self) -> str:
        """What sentences call the goods."""
        paid = self.balance.paid
        name = paid.title or paid.sku or str(paid.order_line)
        return f"{name} ({self.line.condition})" if self.line.condition else name


@dataclass
class _Draft:
    """The calculation while it is written."""

    currency: str
    rules: PolicyRules
    lines: list[CalculatedLine] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    floored: bool = False

    def tell(self, code: str, origin: str | None, template: str, **params: Value) -> None:
        """Say why a number is not what was asked for."""
        self.reasons.append(Reason(code, say(template, **params), origin))

    def write(
        self, claim: _Claim, component: Component, amount: Split, rule: str, says: Sentence
    ) -> None:
        """Post the amount on the balance and as a line; of zeros only units of the item count."""
        claim.balance.add(component, amount)
        if amount or (component == "item" and claim.units):
            paid_as: Component = "item" if component in ITEM_GROUP else component
            self.lines.append(
                CalculatedLine(
                    order_line=claim.line.order_line,
                    origin=claim.line.origin,
                    component=component,
                    quantity=0 if component in WITHOUT_UNITS else claim.units,
                    net=amount.net,
                    tax=amount.tax,
                    rate=claim.balance.of(paid_as)[1],
                    says=says,
                    rule=rule,
                )
            )

    def finished(self) -> Calculation:
        """Close the draft; where nothing is left to pay, say so."""
        done = Calculation(self.currency, tuple(self.lines), self.rules.version)
        if done.gross <= 0:
            self.floored = True
            template = gettext_noop("Nothing is left to refund: no refund and no document.")
            self.tell("nothing_to_pay", None, template)
        return Calculation(
            self.currency, done.lines, self.rules.version, self.floored, tuple(self.reasons)
        )


def _credit(draft: _Draft, balance: Balance, line: ReturnedLine) -> None:
    """Write every component of one returned line, the item first."""
    claim = _Claim(balance, line, min(line.quantity, balance.units_left))
    _doubts(draft, claim)
    wanted = _wanted(claim)
    item = wanted.least(balance.left("item"))
    fee = _fee(draft, claim, item)
    freight = _freight(draft, claim, item - fee)
    item -= (item - fee - freight - balance.room()).floor()
    _write_item(draft, claim, wanted, item)
    _write_fee(draft, claim, -fee)
    _write_freight(draft, claim, -freight)
    _write_shipping(draft, claim)
    _write_gift_wrap(draft, claim)
    _write_goodwill(draft, claim)
    balance.units += claim.units


def _doubts(draft: _Draft, claim: _Claim) -> None:
    """Say where units were credited before, or money without units, perhaps for these goods."""
    line, balance = claim.line, claim.balance
    if claim.units < line.quantity:
        draft.tell(
            "units_capped",
            line.origin,
            gettext_noop(
                "%(wanted)s units of %(title)s asked, %(left)s of %(ordered)s not credited yet."
            ),
            wanted=line.quantity,
            left=claim.units,
            ordered=balance.paid.quantity,
            title=claim.title,
        )
    unitless = balance.spent_on("item")
    if line.quantity and unitless and not balance.units:
        draft.tell(
            "money_without_units",
            line.origin,
            gettext_noop(
                "%(gross)s was already credited on %(title)s without units: "
                "check that it was not for the same goods."
            ),
            gross=unitless.gross,
            title=claim.title,
        )


def _wanted(claim: _Claim) -> Split:
    """Return the item amount before caps: a share of units, or a price credit without goods."""
    line, balance, currency = claim.line, claim.balance, claim.balance.paid.currency
    paid = balance.of("item")[0]
    if claim.units:
        return balance.share("item", claim.units)
    if line.credit_percent:
        return paid.scaled(line.credit_percent, HUNDRED, currency)
    if line.credit_gross and paid.gross:
        return paid.portion(min(whole(line.credit_gross, currency), paid.gross), currency)
    return Split()


def _fee(draft: _Draft, claim: _Claim, item: Split) -> Split:
    """Return the restocking fee as a positive amount; only a buyer who is answerable pays one."""
    line = claim.line
    if not line.percent_kept or not line.quantity:
        return Split()
    if line.liability != BUYER:
        template = gettext_noop(
            "No restocking fee on %(title)s: liability is %(liability)s, not the buyer."
        )
        draft.tell("no_fee", line.origin, template, title=claim.title, liability=line.liability)
        return Split()
    return item.scaled(line.percent_kept, HUNDRED, draft.currency)


def _freight(draft: _Draft, claim: _Claim, available: Split) -> Split:
    """Return the freight deduction as a positive amount, cut at what the goods still bring."""
    line = claim.line
    asked = whole(line.return_freight, draft.currency)
    if not asked:
        return Split()
    payer = freight_payer(draft.rules, line.liability)
    if line.liability != BUYER or payer != "buyer":
        template = gettext_noop("No freight deduction: liability is %(liability)s, %(payer)s pays.")
        draft.tell("no_freight", line.origin, template, liability=line.liability, payer=payer)
        return Split()
    if asked > available.gross:
        draft.floored = True
        template = gettext_noop(
            "Return freight of %(asked)s is cut to %(cut)s: a refund never falls below zero."
        )
        draft.tell("freight_cut", line.origin, template, asked=asked, cut=available.gross)
    return available.portion(min(asked, available.gross), draft.currency)


def _write_item(draft: _Draft, claim: _Claim, wanted: Split, item: Split) -> None:
    paid = claim.balance.of("item")[0]
    if item != wanted:
        template = gettext_noop(
            "%(title)s: %(wanted)s wanted, cut to %(gross)s, what is left of %(paid)s paid."
        )
        draft.tell(
            "item_capped",
            claim.line.origin,
            template,
            title=claim.title,
            wanted=wanted.gross,
            gross=item.gross,
            paid=paid.gross,
        )
    says, rule = _item_sentence(claim, item, cut=item != wanted)
    draft.write(claim, "item", item, rule, says)


def _item_sentence(claim: _Claim, item: Split, *, cut: bool) -> tuple[Sentence, str]:
    """Return the sentence of an item amount and the name of its rule."""
    line, balance, title = claim.line, claim.balance, claim.title
    paid = balance.of("item")[0]
    if not claim.units:
        if line.credit_percent:
            template = gettext_noop(
                "Price credit of %(percent)s%% on %(title)s: %(net)s of %(paid)s net"
            )
            rule = "price_credit_percent"
        else:
            template = gettext_noop("Price credit on %(title)s: %(net)s of %(paid)s net")
            rule = "price_credit_amount"
        percent = _plain(line.credit_percent)
        return say(template, percent=percent, title=title, net=item.net, paid=paid.net), rule
    says = say(
        _share_template(balance, claim.units, cut=cut),
        units=claim.units,
        ordered=balance.paid.quantity,
        title=title,
        net=item.net,
        paid=paid.net,
    )
    return says, "share_of_units"


def _share_template(balance: Balance, units: int, *, cut: bool) -> str:
    """Return the wording: cut to what is left, split with a remainder, or a plain share."""
    paid, ordered = balance.of("item")[0], balance.paid.quantity
    if cut:
        return gettext_noop(
            "%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net, "
            "cut to what is left"
        )
    exactly = paid.scaled(1, ordered, balance.paid.currency)
    if Split(exactly.net * ordered, exactly.tax * ordered) != paid and units < ordered:
        return gettext_noop(
            "%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net, "
            "last unit takes the remainder"
        )
    return gettext_noop("%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net")


def _plain(percent: Decimal) -> Decimal:
    """Return 20.00 as 20 and 12.50 as 12.5."""
    return Decimal(format(exact(percent).normalize(), "f"))


def _write_fee(draft: _Draft, claim: _Claim, fee: Split) -> None:
    line = claim.line
    template = gettext_noop("Restocking fee of %(percent)s%% of the item on %(title)s")
    if line.kept_because:
        template = gettext_noop(
            "Restocking fee of %(percent)s%% of the item on %(title)s: %(because)s"
        )
    says = say(
        template,
        percent=_plain(line.percent_kept),
        title=claim.title,
        because=line.kept_because,
    )
    draft.write(claim, "restocking_fee", fee, "restocking_percent", says)


def _write_freight(draft: _Draft, claim: _Claim, freight: Split) -> None:
    template = gettext_noop("Return freight of %(gross)s, paid by the buyer")
    says = say(template, gross=-freight.gross)
    draft.write(claim, "return_freight", freight, "freight_deduction", says)


def _write_shipping(draft: _Draft, claim: _Claim) -> None:
    """Give back outbound shipping: none, the units' share, or all that is left."""
    line, balance, units = claim.line, claim.balance, claim.units
    paid = balance.of("shipping")[0]
    if line.shipping == "all_left":
        amount = balance.left("shipping")
        template = gettext_noop("Shipping of %(title)s, all that is left: %(net)s of %(paid)s net")
    elif line.shipping == "proportional" and units:
        amount = balance.share("shipping", units)
        template = gettext_noop(
            "Shipping for %(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net"
        )
    else:
        return
    says = _part_sentence(claim, template, amount, paid)
    draft.write(claim, "shipping", amount, f"shipping_{line.shipping}", says)


def _write_gift_wrap(draft: _Draft, claim: _Claim) -> None:
    """Give back gift wrap with the units it went around."""
    balance, units = claim.balance, claim.units
    if units:
        amount = balance.share("gift_wrap", units)
        template = gettext_noop(
            "Gift wrap for %(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net"
        )
        paid = balance.of("gift_wrap")[0]
        says = _part_sentence(claim, template, amount, paid)
        draft.write(claim, "gift_wrap", amount, "share_of_units", says)


def _part_sentence(claim: _Claim, template: str, amount: Split, paid: Split) -> Sentence:
    return say(
        template,
        units=claim.units,
        ordered=claim.balance.paid.quantity,
        title=claim.title,
        net=amount.net,
        paid=paid.net,
    )


def _write_goodwill(draft: _Draft, claim: _Claim) -> None:
    """Give goodwill within what is left of the item after everything else."""
    asked = whole(claim.line.goodwill, draft.currency)
    room = claim.balance.room()
    given = min(asked, room.gross)
    if given < asked:
        template = gettext_noop("Goodwill of %(asked)s is cut to %(given)s, what is left.")
        draft.tell("goodwill_capped", claim.line.origin, template, asked=asked, given=given)
    if given:
        template = gettext_noop("Goodwill of %(gross)s on %(title)s")
        says = say(template, gross=given, title=claim.title)
        amount = room.portion(given, draft.currency)
        draft.write(claim, "goodwill", amount, "goodwill", says)
