"""VAT invoice data reports for the demo, in Amazon's own layout: shipments with their tax."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

from returns.demo import catalogue
from returns.demo.rates import rate_of
from returns.demo.reports import DemoLine, DemoOrder, asin_of, cells_of, text

_VIDR_COLUMNS = """
marketplace-id order-id order-item-id shipping-id transaction-id transaction-type invoice-number
invoice-status is-amazon-invoiced order-date shipment-date asin sku product-name quantity-purchased
currency item-vat-incl-amount item-vat-amount item-vat-excl-amount item-vat-rate
shipping-vat-incl-amount shipping-vat-amount shipping-vat-excl-amount shipping-vat-rate
ship-country ship-from-country is-business-order
"""
VIDR_COLUMNS = _VIDR_COLUMNS.split()


def write_vidr(path: Path, market, found: list[DemoOrder], pending: set[str]) -> None:
    """A VAT invoice data report: every line's shipment; those not ``pending`` (ids of orders) were
    invoiced by the system before Retour.
    """
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(VIDR_COLUMNS)
        for order in found:
            for nth, line in enumerate(order.lines, start=1):
                cells = _vidr_cells(market, order, line, nth, order.order_id in pending)
                writer.writerow(cells_of(VIDR_COLUMNS, cells))


def _vidr_cells(
    market, order: DemoOrder, line: DemoLine, nth: int, pending: bool
) -> dict[str, str]:
    digits = order.order_id.replace("-", "")
    category = next(row[2] for row in catalogue.PRODUCTS if row[0] == line.sku)
    rate = rate_of(market, order.buyer, category)
    cells = {
        "marketplace-id": market.amazon_id,
        "order-id": order.order_id,
        "order-item-id": f"48{digits[-10:]}{nth:02d}",
        "shipping-id": f"D{digits[-9:]}",
        "transaction-id": f"amzn1:crow:DEMO{digits}",
        "transaction-type": "SHIPMENT",
        "invoice-number": "" if pending else earlier_number(order.order_id),
        "invoice-status": "InvoicePending" if pending else "InvoiceUploaded",
        "is-amazon-invoiced": "false",
        "order-date": order.purchased_at.isoformat(),
        "shipment-date": (order.purchased_at + dt.timedelta(hours=20)).isoformat(),
        "asin": asin_of(line),
        "sku": line.sku,
        "product-name": line.title,
        "quantity-purchased": str(line.quantity),
        "currency": market.currency,
        "ship-country": order.buyer.country or market.country,
        "ship-from-country": catalogue.FROM_TAX_DATA[market.code],
        "is-business-order": "true",
        **_vidr_amounts("item", line.price, line.tax, rate, market),
    }
    if line.shipping:
        cells |= _vidr_amounts("shipping", line.shipping, line.shipping_tax, rate, market)
    return cells


def _vidr_amounts(word: str, gross: Decimal, tax: Decimal, rate: Decimal, market) -> dict[str, str]:
    amounts = {"incl-amount": gross, "amount": tax, "excl-amount": gross - tax}
    cells = {f"{word}-vat-{name}": text(value, market.currency) for name, value in amounts.items()}
    return cells | {f"{word}-vat-rate": str(rate)}


def earlier_number(order_id: str) -> str:
    """What the system before Retour called the invoice of an order."""
    return f"ALT-{order_id}"
