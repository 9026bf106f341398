"""Totals of EN 16931 to the exact cent, from rows as Amazon gave them. Pure: no ORM, no language.

Amazon rounds tax a piece at a time, the standard once per category and rate (BR-CO-17). Amazon's
tax is the truth; where it is not base x rate, the base moves by the fewest cents that make it so,
and the difference is shown as rounding (BT-114): what the buyer paid never changes.
Which rows a document has, and their words, is decided in `paper.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from config.core.money import ONE, ZERO, quantum, round_money, tax_on
from invoicing.payload import Amounts, Category, RateRow

PRICE_PLACES = Decimal("0.0001")  # BT-146: at most four decimals
Key = tuple[Category, Decimal]


@dataclass(frozen=True, slots=True)
class Row:
    """One amount of a document as Amazon gave it, in the document's currency.

    `rate` is a fraction. A `deduction` (promotion, restocking fee, return freight) is negative and
    becomes a document allowance (BG-20); every other row becomes a line (BG-25). `pieces` is how
    many were rounded one by one, where that is not the quantity: a share of an invoice's line.
    """

    net: Decimal
    tax: Decimal
    category: Category
    rate: Decimal
    quantity: Decimal = ONE
    deduction: bool = False
    pieces: Decimal = ONE


@dataclass(frozen=True, slots=True)
class Priced:
    """A row as it stands in the document: amounts signed as given, category and rate as shown.

    `quantity` x `unit_price` / `price_quantity` is `net`, exactly (BT-129, BT-146, BT-149, BT-131).
    """

    net: Decimal
    tax: Decimal
    category: Category
    rate: Decimal
    unit_price: Decimal
    price_quantity: Decimal
    deduction: bool

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Exact:
    """A whole document: its rows in the order given, the table per rate (BG-23) and the totals.

    `sales_tax` is the US sales tax, which is no VAT: a charge (BG-21) of category O, counted in
    `totals.charges`; zero elsewhere.
    """

    rows: tuple[Priced, ...]
    rates: tuple[RateRow, ...]
    totals: Amounts
    sales_tax: Decimal = ZERO


def settle(
    rows: Sequence[Row], currency: str, regime: str = "vat", *, credit: bool = False
) -> Exact:
    """Return rows, table and totals that satisfy BR-CO-10 to BR-CO-17 exactly.

    `regime` is "vat", "ca", "jp" or "us" (`texts.regime`). totals.gross + totals.rounding is the
    money moved, always. A tax that rounding cannot explain is left as it is, for the gate to stop:
    a unit a piece, on a credit note (a share of net and of tax, each rounded) two.
    """
    paid = sum((row.net + row.tax for row in rows), ZERO)
    sales_tax = sum((row.tax for row in rows), ZERO) if regime == "us" else ZERO
    if regime == "us":
        rows = [_untaxed(row) for row in rows]
    nets, taxes = [row.net for row in rows], [row.tax for row in rows]
    table: dict[Key, tuple[Decimal, Decimal]] = {}
    for key, members in _groups(rows).items():
        group = [rows[index] for index in members]
        base, tax = _target(group, key[1], currency, regime, 2 if credit else 1)
        more = base - sum((row.net for row in group), ZERO)
        for index, cents in _spread(rows, members, more):
            nets[index] += cents
        largest = max(members, key=lambda index: (not rows[index].deduction, abs(nets[index])))
        taxes[largest] += tax - sum((row.tax for row in group), ZERO)
        table[key] = base, tax
    if sales_tax:
        base, tax = table["O", ZERO]
        table["O", ZERO] = base + sales_tax, tax
    priced = tuple(map(_priced, rows, nets, taxes))
    shares = tuple(RateRow(*key, *table[key]) for key in sorted(table, key=_highest_rate_first))
    return Exact(priced, shares, _totals(priced, sales_tax, paid), sales_tax)


def unit_price(net: Decimal, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Return price and price quantity (BT-146, BT-149): the price of one where four decimals say
    it exactly, else the price of all.
    """
    one = (net / quantity).quantize(PRICE_PLACES) if quantity else net
    return (one.normalize() + 0, ONE) if one * quantity == net else (net, quantity)


def nearest_base(base: Decimal, tax: Decimal, rate: Decimal, currency: str) -> Decimal:
    """Return the base closest to `base` whose tax at `rate`, rounded half up, is exactly `tax`.

    `base` itself where there is none: at rate zero a tax cannot be explained.
    """
    if not rate or tax_on(base, rate, currency) == tax:
        return base
    step = quantum(currency)
    units, part = int(abs(tax) / step), 2 * Fraction(rate)
    high = _ceiling((2 * units + 1) / part) - 1
    low = _ceiling((2 * units - 1) / part) if units else -high  # half is away from zero
    if low > high:
        return base
    wanted = int(base / step) * (-1 if tax < 0 else 1)
    found = min(max(wanted, low), high) * step
    return -found if tax < 0 else found


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _untaxed(row: Row) -> Row:
    """The US knows no VAT: outside its scope; sales tax is a charge of its own."""
    return Row(row.net, ZERO, "O", ZERO, row.quantity, row.deduction)


def _groups(rows: Sequence[Row]) -> dict[Key, list[int]]:
    groups: dict[Key, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault((row.category, row.rate.normalize() + 0), []).append(index)
    return groups


def _highest_rate_first(key: Key) -> tuple[Decimal, str]:
    return -key[1], key[0]


def _target(
    group: list[Row], rate: Decimal, currency: str, regime: str, slack: int
) -> tuple[Decimal, Decimal]:
    """Base and tax of one category and rate. Japan rounds once per rate, from the gross (NTA)."""
    base, tax = sum((row.net for row in group), ZERO), sum((row.tax for row in group), ZERO)
    pieces = sum((max(abs(row.quantity), row.pieces, ONE) for row in group), ZERO)
    if abs(base * rate - tax) > quantum(currency) * pieces * slack:
        return base, tax
    if regime == "jp":
        once = round_money((base + tax) * rate / (ONE + rate), currency)
        base, tax = base + tax - once, once
    return nearest_base(base, tax, rate, currency), tax


def _spread(
    rows: Sequence[Row], members: list[int], more: Decimal
) -> Iterator[tuple[int, Decimal]]:
    """Which rows take the moved cents: the largest line, then the next, as far as a line stays a
    line and a deduction a deduction.
    """
    order = sorted(members, key=lambda index: (rows[index].deduction, -abs(rows[index].net)))
    for index in order:
        net, rises = rows[index].net, more > 0
        bounded = rises if rows[index].deduction else not rises
        taken = more if not bounded or abs(more) <= abs(net) else -net
        more -= taken
        yield index, taken
    yield order[0], more


def _priced(row: Row, net: Decimal, tax: Decimal) -> Priced:
    price, pieces = unit_price(net, row.quantity)
    rate = row.rate.normalize() + 0
    return Priced(net, tax, row.category, rate, price, pieces, row.deduction)


def _totals(rows: Sequence[Priced], sales_tax: Decimal, paid: Decimal) -> Amounts:
    lines = sum((row.net for row in rows if not row.deduction), ZERO)
    allowances = -sum((row.net for row in rows if row.deduction), ZERO)
    charges = sales_tax
    if charges < 0:
        allowances, charges = allowances - charges, ZERO
    net = lines - allowances + charges
    tax = sum((row.tax for row in rows), ZERO)
    gross = net + tax
    rounding = paid - gross
    return Amounts(
        net=net,
        tax=tax,
        gross=gross,
        lines=lines,
        allowances=allowances,
        charges=charges,
        paid=paid,
        rounding=rounding,
        due=gross - paid + rounding,
    )
