"""The bytes of a feed of payment adjustments: flat file or XML, as Amazon's two feed types want it.

Pure. Figures come from ``invoicing.lane``; reading Amazon's answer is in `feed_report.py`. Sources:
Amazon's column list of POST_FLAT_FILE_PAYMENT_ADJUSTMENT_DATA and selling-partner-api-models issues
1372 (Japan takes one tax-inclusive Principal) and 4405 (a quantity multiplies the amounts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from xml.etree import ElementTree as ET

from config.core.money import ZERO, exponent

FLAT_COLUMNS: tuple[str, ...] = (
    "order-id", "order-item-id", "adjustment-reason-code", "currency", "item-price-adj",
    "item-tax-adj", "shipping-price-adj", "shipping-tax-adj", "gift-wrap-price-adj",
    "gift-wrap-tax-adj", "item-promotion-adj", "item-promotion-id", "ship-promotion-adj",
    "ship-promotion-id", "quantity-cancelled",
)  # fmt: skip
_COLUMN = {
    "Principal": "item-price-adj",
    "Tax": "item-tax-adj",
    "Shipping": "shipping-price-adj",
    "ShippingTax": "shipping-tax-adj",
    "GiftWrap": "gift-wrap-price-adj",
    "GiftWrapTax": "gift-wrap-tax-adj",
}
# Amazon has no field for these in a feed: they lower or raise the item's own.
_NETTED = {
    "RestockingFee": "Principal",
    "ReturnShipping": "Principal",
    "Goodwill": "Principal",
    "RestockingFeeTax": "Tax",
}
REASONS = (
    "CustomerReturn",
    "GeneralAdjustment",
    "CouldNotShip",
    "DifferentItem",
    "Abandoned",
    "CustomerCancel",
    "PriceError",
)
_ID = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Unsayable(ValueError):
    """A refund that Amazon's file cannot say; the sentence is for a person."""


@dataclass(frozen=True)
class Item:
    """Money of one order item: Amazon's field → positive amount in the currency's major unit."""

    order_item_id: str
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True)
class Adjustment:
    """One refund of one order as it goes into the file. Amounts sum to what the buyer gets."""

    order_id: str
    currency: str
    reason: str
    items: tuple[Item, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        """Gross of the refund."""
        return sum((sum(item.amounts.values(), ZERO) for item in self.items), ZERO)


@dataclass(frozen=True)
class FeedFile:
    """A file and where each adjustment stands in it: (first, last) message or record, from 1."""

    feed_type: str
    content_type: str
    content: bytes
    places: tuple[tuple[int, int], ...]

    @property
    def messages(self) -> int:
        """How many messages or records it holds, as Amazon counts them."""
        return self.places[-1][1] if self.places else 0


def adjustment(
    order_id: str,
    currency: str,
    reason: str,
    figures: Sequence[tuple[str, str, Decimal]],
) -> Adjustment:
    """One refund from its figures: (order item id, field of ``lane_amounts``, signed amount).

    Fees and goodwill are netted into the item's money; in yen everything is Principal. Raises
    ``Unsayable`` where an item has no id or would get a negative amount.
    """
    sums: dict[str, dict[str, Decimal]] = {}
    for item_id, name, amount in figures:
        if not item_id or not _ID.fullmatch(item_id):
            raise Unsayable(
                f"Amazon's item number of a line of order {order_id} is not known yet: import the "
                "orders report that names it, or refund it in Seller Central."
            )
        target = "Principal" if currency == "JPY" else _NETTED.get(name, name)
        item = sums.setdefault(item_id, {})
        item[target] = item.get(target, ZERO) + amount
    items = tuple(Item(item_id, _positive(order_id, found)) for item_id, found in sums.items())
    items = tuple(item for item in items if item.amounts)
    if not items or not _ID.fullmatch(order_id):
        raise Unsayable(f"There is nothing to refund on order {order_id}.")
    for amount in (amount for item in items for amount in item.amounts.values()):
        _say(amount, currency)  # what a file cannot say must not stop the file of the others
    return Adjustment(
        order_id, currency, reason if reason in REASONS else "GeneralAdjustment", items
    )


def _positive(order_id: str, amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    if any(amount < 0 for amount in amounts.values()):
        raise Unsayable(
            f"A fee on order {order_id} is more than what it is taken from, and Amazon's file has "
            "no field for it: refund it in Seller Central."
        )
    return {name: amounts[name] for name in _COLUMN if amounts.get(name)}


def flat_file(adjustments: Sequence[Adjustment]) -> FeedFile:
    """Tab-separated values in UTF-8, a record for each order item."""
    rows, places = [FLAT_COLUMNS], []
    for one in adjustments:
        first = len(rows)
        rows += [_flat_row(one, item) for item in one.items]
        places.append((first, len(rows) - 1))
    content = "".join("\t".join(row) + "\r\n" for row in rows).encode()
    return FeedFile(
        "POST_FLAT_FILE_PAYMENT_ADJUSTMENT_DATA",
        "text/tab-separated-values; charset=UTF-8",
        content,
        tuple(places),
    )


def _flat_row(one: Adjustment, item: Item) -> tuple[str, ...]:
    cells = {
        "order-id": one.order_id,
        "order-item-id": item.order_item_id,
        "adjustment-reason-code": one.reason,
        "currency": one.currency,
    }
    cells |= {_COLUMN[name]: _say(amount, one.currency) for name, amount in item.amounts.items()}
    return tuple(cells.get(column, "") for column in FLAT_COLUMNS)


def xml_file(adjustments: Sequence[Adjustment], merchant: str) -> FeedFile:
    """An AmazonEnvelope in UTF-8, a message for each refund; no quantity is ever sent."""
    root = ET.Element("AmazonEnvelope")
    root.set("xmlns:xsi", _XSI)
    root.set("xsi:noNamespaceSchemaLocation", "amzn-envelope.xsd")
    header = ET.SubElement(root, "Header")
    _text(header, "DocumentVersion", "1.01")
    _text(header, "MerchantIdentifier", merchant)
    _text(root, "MessageType", "OrderAdjustment")
    for number, one in enumerate(adjustments, start=1):
        _message(root, number, one)
    content = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    places = tuple((number, number) for number in range(1, len(adjustments) + 1))
    return FeedFile("POST_PAYMENT_ADJUSTMENT_DATA", "text/xml; charset=UTF-8", content, places)


def _message(root: ET.Element, number: int, one: Adjustment) -> None:
    message = ET.SubElement(root, "Message")
    _text(message, "MessageID", str(number))
    order = ET.SubElement(message, "OrderAdjustment")
    _text(order, "AmazonOrderID", one.order_id)
    _text(order, "ActionType", "Refund")
    for item in one.items:
        adjusted = ET.SubElement(order, "AdjustedItem")
        _text(adjusted, "AmazonOrderItemCode", item.order_item_id)
        _text(adjusted, "AdjustmentReason", one.reason)
        prices = ET.SubElement(adjusted, "ItemPriceAdjustments")
        for name, amount in item.amounts.items():
            component = ET.SubElement(prices, "Component")
            _text(component, "Type", name)
            _text(component, "Amount", _say(amount, one.currency)).set("currency", one.currency)


def _text(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element


def _say(amount: Decimal, currency: str) -> str:
    said = f"{amount:.{exponent(currency)}f}"
    if Decimal(said) != amount:
        raise Unsayable(f"{amount} is not an amount in {currency}.")
    return said
