"""Small report files written by tests: orders and returns with the cells a test is about."""

from pathlib import Path

from config.core.models import User
from orders.imports.run import import_file
from orders.models import ImportFile

ORDER = {
    "amazon-order-id": "302-0000001-0000001",
    "purchase-date": "2026-10-05T06:12:01+00:00",
    "last-updated-date": "2026-10-06T06:12:01+00:00",
    "order-status": "Shipped",
    "fulfillment-channel": "Merchant",
    "sales-channel": "Amazon.de",
    "product-name": "Kapselgehörschutz",
    "sku": "SKU-1",
    "asin": "B0EXAMPLE1",
    "item-status": "Shipped",
    "quantity": "1",
    "currency": "EUR",
    "item-price": "119.00",
    "item-tax": "19.00",
    "shipping-price": "",
    "shipping-tax": "",
    "item-promotion-discount": "",
    "ship-promotion-discount": "",
    "ship-country": "DE",
    "is-business-order": "true",
    "purchase-order-number": "",
}
RETURN = {
    "Order ID": "302-0000001-0000001",
    "Return request date": "20-Oct-2026",
    "Return request status": "Approved",
    "Amazon RMA ID": "DaAAAAAAARRMA",
    "Label cost": "",
    "Currency code": "EUR",
    "ASIN": "B0EXAMPLE1",
    "Merchant SKU": "SKU-1",
    "Return quantity": "1",
    "Return Reason": "CR-DEFECTIVE",
    "Refunded Amount": "",
}


def text(*rows: dict, of: dict = ORDER, sep: str = "\t", end: str = "\n", drop=()) -> str:
    """A report with one line for each of ``rows`` (what differs from ``of``)."""
    names = dict.fromkeys(
        [*(name for name in of if name not in drop), *(n for r in rows for n in r)]
    )
    lines = [list(names), *([str((of | row).get(name, "")) for name in names] for row in rows)]
    return end.join(sep.join(line) for line in lines) + end


def write(folder: Path, content: str | bytes, name: str = "report.tsv") -> Path:
    """The content as a file of its own."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def bring_in(folder: Path, content: str | bytes, **options) -> ImportFile:
    """Import the content as the system actor."""
    return import_file(write(folder, content), by=User.objects.system(), **options)
