"""The figures a lane is asked for, by hand or in a file, and whether they are net or gross.

Pure. Gross: a component is one tax-inclusive amount. Net: the amount without tax, and its tax in a
field of its own. Which of them a refund takes is decided once (``basis_of``) and kept with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from config.core.money import Split
from config.core.sentence import Sentence, gettext_noop, say
from invoicing.calculation import Calculation, Component

Basis = Literal["net", "gross"]

# Amazon's component names (payment adjustment schema): amount, and where its tax goes if apart.
FIELDS: dict[Component, tuple[str, str]] = {
    "item": ("Principal", "Tax"),
    "shipping": ("Shipping", "ShippingTax"),
    "gift_wrap": ("GiftWrap", "GiftWrapTax"),
    "restocking_fee": ("RestockingFee", "RestockingFeeTax"),
    # Amazon has no tax field for these two; their tax belongs to the item's.
    "return_freight": ("ReturnShipping", "Tax"),
    "goodwill": ("Goodwill", "Tax"),
}
ORDER = tuple(dict.fromkeys(name for pair in FIELDS.values() for name in pair))

GROSS_HINT = gettext_noop("Including tax")
NET_HINT = gettext_noop("Without tax")
TAX_HINT = gettext_noop("The tax alone")
DEDUCTION_GROSS_HINT = gettext_noop("Deduction, including tax")
DEDUCTION_NET_HINT = gettext_noop("Deduction, without tax")
DEDUCTION_TAX_HINT = gettext_noop("Deduction, the tax alone")


@dataclass(frozen=True)
class LaneAmount:
    """One figure: Amazon's field name, the signed amount (deductions negative), its basis."""

    order_line: str
    field: str
    amount: Decimal
    basis: Basis
    hint: Sentence


class Place(Protocol):
    """What a marketplace says of its prices."""

    prices_include_tax: bool
    currency: str


def basis_of(wanted: str, marketplace: Place) -> Basis:
    """Whether amounts go to Amazon net or gross on a marketplace.

    ``wanted`` is what the lane's rule says, anything but "net" and "gross" being the marketplace's
    own: gross where its prices include tax. In yen always gross: Japan refuses a tax component
    (amzn selling-partner-api-models issue 1372).
    """
    if marketplace.currency == "JPY" or wanted == "gross":
        return "gross"
    return "net" if wanted == "net" or not marketplace.prices_include_tax else "gross"


def lane_amounts(calculation: Calculation, basis: str) -> list[LaneAmount]:
    """Return the figures per order line, in the order lines first appear; they sum to the gross.

    ``basis`` is "net" or "gross", anything else a ValueError: a wrong guess pays another amount.
    Several origins of one order line are added up: Seller Central shows a line once. Fields that
    come to zero are left out.
    """
    if basis not in ("net", "gross"):
        raise ValueError(f"amounts are net or gross, not {basis!r}")
    inclusive = basis == "gross"
    figures: dict[tuple[str, str], Decimal] = {}
    for line in calculation.lines:
        amount = Split(line.net, line.tax)
        for field, part in _parts(line.component, amount, inclusive):
            key = (line.order_line, field)
            figures[key] = figures.get(key, Decimal(0)) + part
    order_lines = list(dict.fromkeys(line.order_line for line in calculation.lines))
    return [
        _figure(order_line, field, figures[order_line, field], inclusive)
        for order_line in order_lines
        for field in ORDER
        if figures.get((order_line, field))
    ]


def _parts(component: Component, amount: Split, inclusive: bool) -> Iterator[tuple[str, Decimal]]:
    name, tax_name = FIELDS[component]
    yield (name, amount.gross if inclusive else amount.net)
    if not inclusive:
        yield (tax_name, amount.tax)


def _figure(order_line: str, field: str, amount: Decimal, inclusive: bool) -> LaneAmount:
    return LaneAmount(
        order_line, field, amount, "gross" if inclusive else "net", _hint(field, amount, inclusive)
    )


def _hint(field: str, amount: Decimal, inclusive: bool) -> Sentence:
    if inclusive:
        return say(DEDUCTION_GROSS_HINT if amount < 0 else GROSS_HINT)
    if field.endswith("Tax"):
        return say(DEDUCTION_TAX_HINT if amount < 0 else TAX_HINT)
    return say(DEDUCTION_NET_HINT if amount < 0 else NET_HINT)
