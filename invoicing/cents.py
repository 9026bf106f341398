"""Whether a payload's money is right to the cent: stricter than the official rules, which let a
euro of wrong tax pass. Pure.

The sums are BR-CO-10 to BR-CO-17 of EN 16931, exactly. How a payload gets such figures is in
`exact.py`.
"""

from collections.abc import Iterator
from decimal import Decimal

from config.core.money import ONE, ZERO, quantum, tax_on
from invoicing.finding import Finding, finding
from invoicing.payload import AllowanceCharge, Amounts, Line, Payload

DEDUCTIONS = frozenset({"restocking_fee", "return_freight"})
PRICE_PLACES = Decimal("0.0001")
SHARE = Decimal("0.1")
Key = tuple[str, Decimal]


def check_cents(payload: Payload) -> Iterator[Finding]:
    """Findings about amounts; the currency must be a known one."""
    yield from _places(payload)
    for line in payload.lines:
        yield from _line(payload, line)
    for row in payload.allowances:
        yield from _allowance(row)
    yield from _sums(payload)
    yield from _rate_table(payload)
    yield from _rounding(payload)
    if payload.kind == "credit_note" and payload.totals.gross <= 0:
        yield finding("nothing_to_credit", "Nothing is left to credit: no document is needed.")
    if payload.kind == "invoice" and payload.totals.gross < 0:
        yield finding("negative_invoice", "An invoice cannot be negative: write a credit note.")


def _places(payload: Payload) -> Iterator[Finding]:
    """BR-DEC: no amount has more decimals than the currency."""
    step = quantum(payload.currency)
    rows: tuple[Line | AllowanceCharge, ...] = (*payload.lines, *payload.allowances)
    money = [amount for row in rows for amount in (row.net, row.tax, row.gross)]
    money += [amount for rate in payload.rates for amount in (rate.base, rate.tax)]
    money += _amounts(payload.totals)
    if odd := next((amount for amount in money if amount % step), None):
        yield finding("places", "%(amount)s is not a payable amount in %(currency)s.",
                      amount=format(odd, "f"), currency=payload.currency)  # fmt: skip


def _amounts(totals: Amounts) -> tuple[Decimal, ...]:
    sums = (totals.net, totals.tax, totals.gross, totals.lines, totals.allowances)
    return (*sums, totals.charges, totals.paid, totals.rounding, totals.due)


def _line(payload: Payload, line: Line) -> Iterator[Finding]:
    if line.net + line.tax != line.gross:
        yield finding("line_gross", "Line %(position)s: net %(net)s and tax %(tax)s do not make "
                      "%(gross)s.", position=line.position, net=line.net, tax=line.tax,
                      gross=line.gross)  # fmt: skip
    if line.quantity * line.unit_price != line.net * line.price_quantity:
        yield finding("line_net", "Line %(position)s: %(quantity)s times %(price)s is not "
                      "%(net)s.", position=line.position, quantity=line.quantity,
                      price=line.unit_price, net=line.net)  # fmt: skip
    elif line.net < 0 or line.price_quantity <= 0 or (
        line.price_quantity == ONE and line.unit_price % PRICE_PLACES
    ):  # fmt: skip
        yield finding("line_price", "Line %(position)s has no price that can be printed.",
                      position=line.position)  # fmt: skip
    fee = line.component in DEDUCTIONS and payload.occasion in ("", "refund")
    if payload.kind == "credit_note" and fee and line.gross > 0:
        yield finding("deduction", "Line %(position)s is a deduction and must lower the credit.",
                      position=line.position)  # fmt: skip


def _allowance(row: AllowanceCharge) -> Iterator[Finding]:
    if row.net + row.tax != row.gross:
        yield finding("line_gross", "%(what)s: net %(net)s and tax %(tax)s do not make %(gross)s.",
                      what=row.reason, net=row.net, tax=row.tax, gross=row.gross)  # fmt: skip
    if row.net < 0:
        yield finding("deduction", "%(what)s is a deduction and must lower the document.",
                      what=row.reason)  # fmt: skip
    if not row.reason.strip():
        yield finding("allowance_reason", "A deduction or charge does not say what it is for.")


def _sums(payload: Payload) -> Iterator[Finding]:
    """BR-CO-10 to BR-CO-16."""
    totals = payload.totals
    lines = sum((line.net for line in payload.lines), ZERO)
    off = sum((row.net for row in payload.allowances if not row.charge), ZERO)
    charged = sum((row.net for row in payload.allowances if row.charge), ZERO)
    net = totals.lines - totals.allowances + totals.charges
    tax = sum((row.tax for row in payload.rates), ZERO)
    if (lines, off, charged, net) != (totals.lines, totals.allowances, totals.charges, totals.net):
        yield finding("totals", "The lines add up to %(lines)s net, the document says %(net)s.",
                      lines=lines - off + charged, net=totals.net)  # fmt: skip
    if tax != totals.tax:
        yield finding("totals", "The taxes add up to %(added)s, the document says %(tax)s.",
                      added=tax, tax=totals.tax)  # fmt: skip
    if totals.net + totals.tax != totals.gross:
        yield finding("totals", "Net %(net)s and tax %(tax)s do not make the total %(gross)s.",
                      net=totals.net, tax=totals.tax, gross=totals.gross)  # fmt: skip
    due = totals.gross - totals.paid + totals.rounding
    if totals.due != due or due:
        yield finding("due", "The total %(gross)s, with %(rounding)s of rounding, is not the "
                      "%(paid)s that moved through Amazon.", gross=totals.gross,
                      rounding=totals.rounding, paid=totals.paid)  # fmt: skip


def _rate_table(payload: Payload) -> Iterator[Finding]:
    """BG-23 against the rows, and BR-CO-17 without the euro of tolerance the official rule has."""
    rows: dict[Key, tuple[Decimal, Decimal]] = {}
    every: tuple[Line | AllowanceCharge, ...] = (*payload.lines, *payload.allowances)
    for row in every:
        lowers = isinstance(row, AllowanceCharge) and not row.charge
        base, tax = rows.get((row.category, row.rate), (ZERO, ZERO))
        sign = -1 if lowers else 1
        rows[row.category, row.rate] = (base + sign * row.net, tax + sign * row.tax)
    table = {(row.category, row.rate): (row.base, row.tax) for row in payload.rates}
    if table != rows or len(table) != len(payload.rates):
        yield finding("rate_table", "The table per tax rate does not match the lines.")
    for share in payload.rates:
        if share.tax != tax_on(share.base, share.rate, payload.currency):
            percent = format((share.rate * 100).normalize(), "f")
            yield finding("rate_tax", "%(tax)s is not the tax on %(base)s at %(percent)s %%.",
                          tax=share.tax, base=share.base, percent=percent)  # fmt: skip


def _rounding(payload: Payload) -> Iterator[Finding]:
    """Rounding may hold what rounding a piece at a time leaves, and no more.

    A piece is off by up to two units of tax on a share (`exact.settle`); the base moves by that
    over the rate. A credit takes a share of what many pieces were rounded to, and says no longer
    how many: there a tenth.
    """
    step, allowed = quantum(payload.currency), ZERO
    if payload.kind == "credit_note":
        allowed += abs(payload.totals.net) * SHARE
    for share in payload.rates:
        if share.rate:
            pieces = _pieces(payload, (share.category, share.rate))
            allowed += step * (2 * pieces + 1) / share.rate + step
    if abs(payload.totals.rounding) > allowed:
        yield finding("rounding", "%(rounding)s is more than rounding can explain.",
                      rounding=payload.totals.rounding)  # fmt: skip


def _pieces(payload: Payload, key: Key) -> Decimal:
    lines = (max(abs(r.quantity), ONE) for r in payload.lines if (r.category, r.rate) == key)
    others = (ONE for row in payload.allowances if (row.category, row.rate) == key)
    return sum(lines, ZERO) + sum(others, ZERO)
