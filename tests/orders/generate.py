"""Report files made by rule, of any size: for tests that need many lines, and the benchmark."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

ORDER_COLUMNS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "ship-service-level", "product-name",
    "sku", "asin", "number-of-items", "item-status", "quantity", "currency", "item-price",
    "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount", "ship-city", "ship-state",
    "ship-postal-code", "ship-country", "promotion-ids", "is-business-order",
    "purchase-order-number", "price-designation", "fulfilled-by", "buyer-company-name",
    "is-amazon-invoiced", "vat-exclusive-item-price", "vat-exclusive-shipping-price",
    "vat-exclusive-giftwrap-price",
)  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)


def orders_report(
    path: Path, lines: int, *, seed: int = 1, orders: int | None = None, later: int = 0
) -> Path:
    """Write an "all orders" report (EU layout, Amazon.de) of ``lines`` lines and return its path.

    ``orders`` defaults to two thirds of the lines; one line in 50 is cancelled, 500 SKUs and 300
    buyers. ``later`` days are added to last-updated-date. The same arguments give the same bytes.
    """
    chance = random.Random(seed)
    count = orders or max(1, lines * 2 // 3)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(ORDER_COLUMNS) + "\n")
        for number in range(lines):
            file.write(
                "\t".join(_order_line(chance, number % count, number // count, later)) + "\n"
            )
    return path


def _order_line(chance: random.Random, order: int, nth: int, later: int) -> list[str]:
    buyer, day = order % 300, START + timedelta(seconds=order * 37)
    sku = (order * 7 + nth * 13) % 500
    quantity, cents = chance.randint(1, 20), chance.randint(100, 90_000)
    gross = cents * quantity
    tax = gross - round(gross / 1.19)
    cancelled = chance.random() < 0.02
    money = ["", "", "", "", "", "", "", ""] if cancelled else [
        f"{gross / 100:.2f}", f"{tax / 100:.2f}", "5.95", "0.95", "", "",
        "1.19" if order % 10 == 0 else "", "",
    ]  # fmt: skip
    status = "Cancelled" if cancelled else "Shipped"
    return [
        f"302-{order // 10_000_000 + 5_000_000:07d}-{order % 10_000_000:07d}", "",
        day.isoformat(), (day + timedelta(days=3 + later)).isoformat(), "Shipped",
        "Merchant" if order % 3 else "Amazon", "Amazon.de", "", "Std DE Dom_1",
        f"Artikel {sku} für Büro & Werkstatt, 25 Stück", f"SKU-{sku:05d}", f"B0GEN{sku:05d}", "1",
        status, "0" if cancelled else str(quantity), "" if cancelled else "EUR", *money,
        "Köln", "", f"{10_000 + order % 80_000}", "DE", "", "true", f"45000{order:07d}",
        "Business Price", "", f"Demo Einkauf {buyer} GmbH", "false",
        "" if cancelled else f"{(gross - tax) / 100:.2f}", "" if cancelled else "5.00", "",
    ]  # fmt: skip
