"""Report files for the demo, in Amazon's own layouts, so that the real importers read them."""

import csv
import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from config.core.money import exponent, round_money
from returns.demo import catalogue
from returns.demo.buyers import BUYERS, STOPPED, DemoBuyer
from returns.demo.rates import rate_of

_ORDER_COLUMNS = """
amazon-order-id merchant-order-id purchase-date last-updated-date order-status
fulfillment-channel sales-channel order-channel ship-service-level product-name sku asin
number-of-items item-status quantity currency item-price item-tax shipping-price
shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount
ship-promotion-discount ship-city ship-state ship-postal-code ship-country promotion-ids
is-business-order purchase-order-number price-designation fulfilled-by
buyer-company-name is-amazon-invoiced
"""
ORDER_COLUMNS = _ORDER_COLUMNS.split()
_SETTLEMENT_COLUMNS = """
settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency
transaction-type order-id merchant-order-id adjustment-id shipment-id marketplace-name
amount-type amount-description amount fulfillment-id posted-date posted-date-time
order-item-code merchant-order-item-id merchant-adjustment-item-id sku quantity-purchased
"""
SETTLEMENT_COLUMNS = _SETTLEMENT_COLUMNS.split()
SETTLED_DAYS = 28  # Amazon pays every fortnight; twice that keeps the demo's files few
# Units of a line: of an order somebody may return, and of supplies bought by the box and kept.
USUAL = (1, 1, 2, 3, 5, 10)
SUPPLIES = (20, 30, 40, 50, 80)
_PREFIX = {
    "DE": "302",
    "UK": "202",
    "FR": "403",
    "IT": "404",
    "ES": "408",
    "US": "113",
    "CA": "701",
    "JP": "503",
    "NL": "405",
    "PL": "406",
}


@dataclass
class DemoLine:
    """One line of an invented order, in the marketplace's price basis."""

    sku: str
    title: str
    quantity: int
    price: Decimal
    tax: Decimal
    shipping: Decimal = Decimal(0)
    shipping_tax: Decimal = Decimal(0)


@dataclass
class DemoOrder:
    """An invented order."""

    order_id: str
    purchased_at: dt.datetime
    buyer: DemoBuyer
    po_number: str
    lines: list[DemoLine] = field(default_factory=list)


def orders(rng: random.Random, market, days: list[dt.date], kept: list[dt.date]) -> list[DemoOrder]:
    """One order of a marketplace for each day of purchase, then large ones that are ``kept``."""
    found = [_order(rng, market, number, day) for number, day in enumerate(days)]
    cheap = [product for product in catalogue.PRODUCTS if Decimal(product[3]) < 60]
    buyers = BUYERS[market.code]
    for number, day in enumerate(kept, start=len(days)):
        order = _order(rng, market, number, day)
        order.buyer = rng.choice(buyers[:-1] + buyers[:-1] + buyers[-1:])
        goods = rng.sample(cheap, rng.choice((1, 2, 2)))
        order.lines = [_line(rng, market, order.buyer, one, SUPPLIES) for one in goods]
        _round_once(order, market)
        found.append(order)
    return found


def stopped(rng: random.Random, market, first: int, day: dt.date) -> list[DemoOrder]:
    """An order of each buyer whose invoice the gate stops."""
    buyers = enumerate(STOPPED.get(market.code, ()), start=first)
    return [_order(rng, market, number, day, one) for number, one in buyers]


def _order(
    rng: random.Random, market, number: int, day: dt.date, buyer: DemoBuyer | None = None
) -> DemoOrder:
    when = dt.datetime.combine(day, dt.time(rng.randint(6, 19), rng.randint(0, 59)), dt.UTC)
    order = DemoOrder(
        order_id=f"{_PREFIX[market.code]}-55{number:05d}-{rng.randint(0, 9999999):07d}",
        purchased_at=when,
        buyer=buyer or rng.choice(BUYERS[market.code]),
        po_number=f"45{rng.randint(0, 99999999):08d}" if rng.random() < 0.8 else "",
    )
    goods = rng.sample(catalogue.PRODUCTS, rng.choice((1, 1, 1, 2, 2, 3)))
    order.lines = [_line(rng, market, order.buyer, product) for product in goods]
    _round_once(order, market)
    return order


def _round_once(order: DemoOrder, market) -> None:
    """Japan rounds an invoice's tax once: the first line takes what rounding each line left."""
    if market.code != "JP":
        return
    paid = sum((line.price + line.shipping for line in order.lines), Decimal(0))
    rounded = sum((line.tax + line.shipping_tax for line in order.lines), Decimal(0))
    order.lines[0].tax += _tax(paid, Decimal(catalogue.STANDARD_RATE["JP"]), market) - rounded


def _line(
    rng: random.Random, market, buyer: DemoBuyer, product: tuple, quantities=USUAL
) -> DemoLine:
    sku, title, category, price, _custom = product
    quantity = rng.choice(quantities)
    rate = rate_of(market, buyer, category)
    factor = Decimal(catalogue.PRICE_FACTOR[market.currency])
    amount = round_money(Decimal(price) * factor * quantity, market.currency)
    shipping = Decimal(0)
    if rng.random() < 0.35:
        shipping = round_money(Decimal("7.90") * factor, market.currency)
    return DemoLine(
        sku,
        title,
        quantity,
        amount,
        _tax(amount, rate, market),
        shipping,
        _tax(shipping, rate, market),
    )


def _tax(amount: Decimal, rate: Decimal, market) -> Decimal:
    part = rate / (1 + rate) if market.prices_include_tax else rate
    return round_money(amount * part, market.currency)


def write_orders(path: Path, market, found: list[DemoOrder], amazon_invoices: bool) -> None:
    """An all-orders report, one row a line."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(ORDER_COLUMNS)
        for order in found:
            for line in order.lines:
                writer.writerow(_order_cells(market, order, line, amazon_invoices))


def spoil(path: Path) -> None:
    """Make two amounts of a report unreadable, as a spreadsheet does to a file opened in it."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    price, tax = ORDER_COLUMNS.index("item-price"), ORDER_COLUMNS.index("item-tax")
    rows[1][price], rows[-1][tax] = "#####", "n/a"
    path.write_text("\n".join("\t".join(row) for row in rows) + "\n", "utf-8")


def _order_cells(market, order: DemoOrder, line: DemoLine, amazon_invoices: bool) -> list[str]:
    buyer = order.buyer
    when = order.purchased_at.isoformat()
    cells = {
        "amazon-order-id": order.order_id,
        "purchase-date": when,
        "last-updated-date": when,
        "order-status": "Shipped",
        "fulfillment-channel": "Merchant",
        "sales-channel": market.name,
        "product-name": line.title,
        "sku": line.sku,
        "asin": asin_of(line),
        "item-status": "Shipped",
        "quantity": str(line.quantity),
        "currency": market.currency,
        "item-price": text(line.price, market.currency),
        "item-tax": text(line.tax, market.currency),
        "shipping-price": text(line.shipping, market.currency),
        "shipping-tax": text(line.shipping_tax, market.currency),
        "ship-city": buyer.city,
        "ship-state": catalogue.SHIP_STATE.get(market.code, ""),
        "ship-postal-code": buyer.postal_code,
        "ship-country": buyer.country or market.country,
        "is-business-order": "true",
        "purchase-order-number": order.po_number,
        "price-designation": "Business Price",
        "buyer-company-name": buyer.name,
        "is-amazon-invoiced": "true" if amazon_invoices else "false",
    }
    return cells_of(ORDER_COLUMNS, cells)


def cells_of(columns: Sequence[str], given: dict[str, str]) -> list[str]:
    """The cells in the order of the columns; a name that is no column would be lost: KeyError."""
    if unknown := given.keys() - set(columns):
        raise KeyError(f"No such column: {sorted(unknown)}")
    return [given.get(name, "") for name in columns]


def asin_of(line: DemoLine) -> str:
    """Amazon's number of the article."""
    return f"B0DEMO{abs(hash_of(line.sku)) % 10000:04d}"


def hash_of(word: str) -> int:
    """A number that is the same in every run (``hash`` is salted)."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(word[:12]))


def text(amount: Decimal, currency: str) -> str:
    """An amount as a report writes it: point, and the currency's own decimals."""
    return f"{amount:.{exponent(currency)}f}"


RETURN_COLUMNS = (
    "Order ID",
    "Order date",
    "Return request date",
    "Return request status",
    "Amazon RMA ID",
    "Label type",
    "Label cost",
    "Currency code",
    "Return carrier",
    "Tracking ID",
    "Label to be paid by",
    "A-to-Z Claim",
    "Is prime",
    "ASIN",
    "Merchant SKU",
    "Item Name",
    "Return quantity",
    "Return Reason",
    "In policy",
    "Return type",
    "Resolution",
    "Return delivery date",
    "SafeT claim id",
    "SafeT claim state",
    "Refunded Amount",
)


def write_returns(path: Path, market, found: list[DemoOrder], rng: random.Random) -> None:
    """A returns report: one item a row, some with an A-to-z claim, a few with a SAFE-T claim."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(RETURN_COLUMNS)
        for number, order in enumerate(found):
            cells = _return_cells(market, order, number, rng)
            writer.writerow(cells_of(RETURN_COLUMNS, cells))


def _return_cells(market, order: DemoOrder, number: int, rng: random.Random) -> dict[str, str]:
    line = order.lines[0]
    asked = order.purchased_at.date() + dt.timedelta(days=rng.randint(4, 10))
    disputed = rng.random() < 0.25
    return {
        "Order ID": order.order_id,
        "Order date": f"{order.purchased_at:%d-%b-%Y}",
        "Return request date": f"{asked:%d-%b-%Y}",
        "Return request status": rng.choice(("Approved", "Approved", "Pending approval")),
        "Amazon RMA ID": f"DEMO{market.code}{number:04d}RRMA",
        "Label type": "AmazonPrePaidLabel",
        "Label cost": "0.00",
        "Currency code": market.currency,
        "Label to be paid by": rng.choice(("Customer", "Seller")),
        "A-to-Z Claim": "Y" if disputed else "N",
        "Is prime": "N",
        "Merchant SKU": line.sku,
        "Item Name": line.title,
        "Return quantity": "1",
        "Return Reason": rng.choice(catalogue.REASONS)[0],
        "In policy": "Y",
        "Return type": "C-Returns",
        "Resolution": "StandardRefund",
        "SafeT claim id": f"4500{number:07d}" if disputed and number % 2 else "",
        "SafeT claim state": "Under review" if disputed and number % 2 else "",
    }


@dataclass(frozen=True)
class RefundRow:
    """One refunded amount of a settlement."""

    order_id: str
    sku: str
    item_code: str
    adjustment_id: str
    description: str
    amount: Decimal
    posted_at: dt.datetime
    kind: str = "Refund"


def write_settlement(path: Path, number: str, market, rows: list[RefundRow]) -> None:
    """A settlement V2 file whose rows add up to its totals row."""
    ends = max((row.posted_at for row in rows), default=dt.datetime.now(dt.UTC))
    fee = Decimal(round_money(Decimal("-39.99"), market.currency))
    total = sum((row.amount for row in rows), fee)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(SETTLEMENT_COLUMNS)
        head = {
            "settlement-start-date": _moment(ends - dt.timedelta(days=SETTLED_DAYS)),
            "settlement-end-date": _moment(ends),
            "deposit-date": _moment(ends + dt.timedelta(days=2)),
            "total-amount": text(total, market.currency),
            "currency": market.currency,
        }
        writer.writerow(_cells(number, head))
        for row in rows:
            writer.writerow(_cells(number, _refund_cells(market, row)))
        writer.writerow(_cells(number, _fee_cells(market, fee, ends)))


def _cells(number: str, given: dict[str, str]) -> list[str]:
    return cells_of(SETTLEMENT_COLUMNS, given | {"settlement-id": number})


def _refund_cells(market, row: RefundRow) -> dict[str, str]:
    return {
        "transaction-type": row.kind,
        "order-id": row.order_id,
        "merchant-order-id": row.order_id,
        "adjustment-id": row.adjustment_id,
        "marketplace-name": market.name,
        "amount-type": "ItemPrice",
        "amount-description": row.description,
        "amount": text(row.amount, market.currency),
        "fulfillment-id": "MFN",
        "posted-date": f"{row.posted_at:%Y-%m-%d}",
        "posted-date-time": _moment(row.posted_at),
        "order-item-code": row.item_code,
        "sku": row.sku,
    }


def _fee_cells(market, fee: Decimal, when: dt.datetime) -> dict[str, str]:
    return {
        "transaction-type": "other-transaction",
        "amount-type": "other-transaction",
        "amount-description": "Subscription Fee",
        "amount": text(fee, market.currency),
        "posted-date": f"{when:%Y-%m-%d}",
        "posted-date-time": _moment(when),
    }


def _moment(when: dt.datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
