"""The floor of the orders import: the same file and the same rows, with csv and bulk_create.

What a good Django developer writes first: no checks, no errors by line, one layout, one language.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from config.core.models import User
from config.core.money import round_money
from config.core.trail import trail
from orders.models import Buyer, ImportFile, Marketplace, Order, OrderLine, Product, Seller
from orders.models.buyer import match_key
from orders.models.imports import ImportRow

SIZE = 2000
COMPONENTS = {"item": "item", "shipping": "shipping", "gift_wrap": "gift-wrap"}
EXCLUSIVE = {"item": "item", "shipping": "shipping", "gift_wrap": "giftwrap"}
PROMOTIONS = {"item": "item-promotion-discount", "shipping": "ship-promotion-discount"}


def import_orders(path: Path, *, by: User) -> None:
    """Import an "all orders" report of Amazon.de into an empty or filled database."""
    with trail("import_report", by=by), path.open(encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
        kept = ImportFile.objects.create(
            seller=Seller.objects.get(), file_name=path.name, size=path.stat().st_size, by=by,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(), rows=len(lines) - 1,
            status=ImportFile.Status.DONE,
        )  # fmt: skip
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        for row, line in zip(rows, lines[1:], strict=True):
            row["hash"] = hashlib.md5(line.encode()).hexdigest()
        orders, products = _headers(rows, kept)
        _upsert(
            OrderLine, list(_lines(rows, orders, products, kept)), ["order", "sku", "occurrence"]
        )
        raw = [ImportRow(import_file=kept, line=1, row_hash="", data=lines[0])]
        raw += [
            ImportRow(import_file=kept, line=number, row_hash=row["hash"], data=line)
            for number, (row, line) in enumerate(zip(rows, lines[1:], strict=True), start=2)
        ]
        ImportRow.objects.bulk_create(raw, batch_size=SIZE)


def _upsert(model: type, objects: list, unique: list[str]) -> None:
    update = [one.name for one in model._meta.concrete_fields if one.name not in ("id", *unique)]
    model.objects.bulk_create(
        objects, batch_size=SIZE, update_conflicts=True, unique_fields=unique, update_fields=update
    )


def _headers(rows: list[dict], kept: ImportFile) -> tuple[dict[str, Order], dict[str, Product]]:
    """Buyers, products and orders of the rows, by their names in the file."""
    market = Marketplace.objects.get(name="Amazon.de")
    buyers = {
        row["buyer-company-name"]: Buyer(
            legal_name=row["buyer-company-name"], match_key=match_key(row["buyer-company-name"]),
            country=row["ship-country"], language=market.language,
        )
        for row in rows
    }  # fmt: skip
    _upsert(Buyer, list(buyers.values()), ["match_key"])
    products = {
        row["sku"]: Product(
            seller=kept.seller, sku=row["sku"], asin=row["asin"], title=row["product-name"]
        )
        for row in rows
    }
    _upsert(Product, list(products.values()), ["seller", "sku"])
    orders: dict[str, Order] = {}
    for row in rows:
        order = orders.setdefault(row["amazon-order-id"], _order(row, kept, market, buyers))
        order.gross_total += _gross(_amounts(row))
        order.row_hash = min(order.row_hash, row["hash"])
    _upsert(Order, list(orders.values()), ["seller", "amazon_order_id"])
    return orders, products


def _order(row: dict, kept: ImportFile, market: Marketplace, buyers: dict[str, Buyer]) -> Order:
    return Order(
        seller=kept.seller, marketplace=market, buyer=buyers[row["buyer-company-name"]],
        amazon_order_id=row["amazon-order-id"], merchant_order_id=row["merchant-order-id"],
        purchased_at=datetime.fromisoformat(row["purchase-date"]),
        last_updated_at=datetime.fromisoformat(row["last-updated-date"]),
        status=row["order-status"], sales_channel=row["sales-channel"],
        channel="MFN" if row["fulfillment-channel"] == "Merchant" else "AFN",
        is_business=row["is-business-order"] == "true", po_number=row["purchase-order-number"],
        is_amazon_invoiced=row["is-amazon-invoiced"] == "true", currency=market.currency,
        ship_service_level=row["ship-service-level"], ship_city=row["ship-city"],
        ship_state=row["ship-state"], ship_postal_code=row["ship-postal-code"],
        ship_country=row["ship-country"], gross_total=Decimal(0), facts_complete=True,
        import_file=kept, row_hash=row["hash"],
    )  # fmt: skip


def _lines(
    rows: list[dict], orders: dict[str, Order], products: dict[str, Product], kept: ImportFile
) -> Iterable[OrderLine]:
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        seen[key := (row["amazon-order-id"], row["sku"])] += 1
        yield OrderLine(
            order=orders[row["amazon-order-id"]], product=products[row["sku"]], sku=row["sku"],
            occurrence=seen[key], asin=row["asin"], title=row["product-name"],
            item_status=row["item-status"], price_designation=row["price-designation"],
            promotion_ids=row["promotion-ids"], quantity=int(row["quantity"]), confirmed=True,
            import_file=kept, row_hash=row["hash"], **_amounts(row),
        )  # fmt: skip


def _amounts(row: dict) -> dict[str, Decimal | None]:
    """Net, tax and rate by component; prices include tax and a VAT-exclusive column wins."""
    found: dict[str, Decimal | None] = {}
    for name, column in COMPONENTS.items():
        price, tax = _decimal(row[f"{column}-price"]), _decimal(row[f"{column}-tax"])
        net = _decimal(row[f"vat-exclusive-{EXCLUSIVE[name]}-price"]) or price - tax
        found[f"{name}_net"], found[f"{name}_tax"] = net, tax
        found[f"{name}_rate"] = rate = _rate(net, tax)
        if name in PROMOTIONS:
            gross = _decimal(row[PROMOTIONS[name]])
            net = round_money(gross / (1 + (rate or 0)), "EUR")
            found[f"{name}_promotion_net"], found[f"{name}_promotion_tax"] = net, gross - net
    return found


def _decimal(cell: str) -> Decimal:
    return Decimal(cell or 0)


def _rate(net: Decimal, tax: Decimal) -> Decimal | None:
    if net == 0 or tax > net:
        return None
    for places in (2, 3):
        rate = round(tax / net, places)
        if abs(rate * net - tax) <= Decimal("0.01"):
            return rate
    return round(tax / net, 4)


def _gross(amounts: dict[str, Decimal | None]) -> Decimal:
    plus = sum(amounts[f"{name}_{part}"] for name in COMPONENTS for part in ("net", "tax"))
    minus = sum(
        amounts[f"{name}_promotion_{part}"] for name in PROMOTIONS for part in ("net", "tax")
    )
    return plus - minus
