"""The report "all orders by order date": its columns, rules, and how it becomes orders and lines.

Reads the US and the EU layout (VAT columns) and any other with the required columns. The SQL of
amounts is in ``amounts.py``; products and buyers of the rows are in ``parties.py``.
"""

from orders.imports import amounts, parties, places
from orders.imports.changes import CHANGED, update_changed
from orders.imports.registry import Check, Column, Counts, ReportType, register
from orders.imports.staging import Batch

NAME = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
_MONEY = (
    "item-price", "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount", "vat-exclusive-item-price",
    "vat-exclusive-shipping-price", "vat-exclusive-giftwrap-price",
)  # fmt: skip
COLUMNS = (
    Column("amazon-order-id", required=True, needed=True, max_length=30, field="order_id"),
    Column("merchant-order-id", max_length=60),
    Column("purchase-date", "datetime", required=True, needed=True),
    Column("last-updated-date", "datetime"),
    Column("order-status", required=True, max_length=40),
    Column("fulfillment-channel", max_length=40),
    Column("sales-channel", max_length=60),
    Column("ship-service-level", max_length=60, cut=True),
    Column("product-name", max_length=500, cut=True),
    Column("sku", required=True, needed=True, max_length=80),
    Column("asin", max_length=20),
    Column("item-status", max_length=40),
    Column("quantity", "int", required=True, needed=True),
    Column("currency", max_length=3),
    *(Column(name, "decimal", required=name == "item-price") for name in _MONEY),
    Column("ship-city", max_length=100, cut=True),
    Column("ship-state", max_length=60, cut=True),
    Column("ship-postal-code", max_length=20, cut=True),
    Column("ship-country"),
    Column("promotion-ids", max_length=500, cut=True),
    Column("is-business-order", "bool"),
    Column("purchase-order-number", max_length=100),
    Column("price-designation", max_length=40),
    Column("buyer-company-name", max_length=200),
    Column("is-amazon-invoiced", "bool"),
)
_NUMBER = "Amounts have the decimals of their currency; the promotion columns are for reductions."
CHECKS = (
    Check("quantity", "t.quantity < 0", "a negative quantity", "Quantities are 0 or more."),
    *(
        Check(name, f"t.{name.replace('-', '_')} < 0", "a negative amount", _NUMBER)
        for name in _MONEY
        if "promotion" not in name
    ),
    *(
        Check(
            name,
            f"t.{(f := name.replace('-', '_'))} <> round(t.{f}, CASE t.currency WHEN 'JPY' THEN 0"
            " ELSE 2 END)",
            "more decimals than the currency has",
            _NUMBER,
        )
        for name in _MONEY
    ),
    *places.checks("sales-channel", name="sales_channel", currency="currency"),
)
ORDERS_IN, LINES_IN = "import_orders_in", "import_lines_in"
CHANNEL = (
    "CASE lower(max(t.fulfillment_channel)) WHEN 'merchant' THEN 'MFN' WHEN 'mfn' THEN 'MFN'"
    " WHEN 'seller' THEN 'MFN' WHEN 'amazon' THEN 'AFN' WHEN 'afn' THEN 'AFN' ELSE '' END"
)
# column of orders_order → its value over the rows t of one order and their place p
HEADER_TEXTS = {
    "merchant_order_id": "max(t.merchant_order_id)",
    "status": "max(t.order_status)",
    "channel": CHANNEL,
    "sales_channel": "max(t.sales_channel)",
    "po_number": "max(t.purchase_order_number)",
    "currency": "coalesce(nullif(max(t.currency), ''), min(p.own_currency))",
    "ship_service_level": "max(t.ship_service_level)",
    "ship_city": "max(t.ship_city)",
    "ship_state": "max(t.ship_state)",
    "ship_postal_code": "max(t.ship_postal_code)",
    "ship_country": "max(CASE WHEN length(t.ship_country) = 2 THEN upper(t.ship_country)"
    " ELSE '' END)",
}
HEADER_VALUES = {
    "purchased_at": "min(t.purchase_date)",
    "marketplace_id": "min(p.id)",
    "is_amazon_invoiced": "bool_or(t.is_amazon_invoiced)",
}
LINE_TEXTS = {
    "asin": "t.asin",
    "title": "t.product_name",
    "item_status": "t.item_status",
    "price_designation": "t.price_designation",
    "promotion_ids": "t.promotion_ids",
}


def prepare(batch: Batch) -> None:
    """Find the marketplaces of the rows."""
    places.find_places(batch, name="sales_channel", currency="currency")


def merge(batch: Batch) -> Counts:
    """Write orders, lines, products and buyers that are new or differ."""
    batch.execute(f"ANALYZE {batch.table} (order_id, sku, sales_channel, currency)")
    parties.find_buyers(batch)
    rows = _gather_orders(batch)
    parties.find_products(batch, rows)
    _gather_lines(batch, rows)
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{CHANGED}")
    _insert_orders(batch)
    inserted = _insert_lines(batch)
    updated = _update_known(batch) if _names_known_orders(batch) else 0
    parties.update_titles(batch)
    return Counts(inserted, updated)


def _update_known(batch: Batch) -> int:
    """Update known orders and lines; returns how many rows of the file said something new."""
    _update_orders(batch)
    _update_lines(batch)
    _total_orders(batch)
    return batch.rows(
        f"SELECT count(*) FROM {LINES_IN} i WHERE line_id IS NOT NULL AND (EXISTS (SELECT FROM"
        f" {CHANGED} c WHERE c.name = 'orders_orderline' AND c.id = i.line_id) OR EXISTS (SELECT"
        f" FROM {CHANGED} c WHERE c.name = 'orders_order' AND c.id = i.order_id))"
    )[0][0]


def _gather_orders(batch: Batch) -> str:
    """One row an order, with its id (taken in advance when new). Returns the table of the rows
    that count: where a file has an order at two times, only the later rows do."""
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.import_latest, pg_temp.{ORDERS_IN}")
    mixed = batch.rows(
        f"SELECT 1 FROM {batch.table} GROUP BY order_id"
        " HAVING min(last_updated_date) <> max(last_updated_date)"
        " OR (count(last_updated_date) NOT IN (0, count(*))) LIMIT 1"
    )
    rows = batch.table
    if mixed:
        rows = "import_latest"
        batch.execute(
            f"CREATE TEMP TABLE {rows} ON COMMIT DROP AS SELECT t.* FROM {batch.table} t"
            " JOIN (SELECT order_id, max(last_updated_date) AS at FROM"
            f" {batch.table} GROUP BY order_id) m ON m.order_id = t.order_id"
            " AND t.last_updated_date IS NOT DISTINCT FROM m.at"
        )
    fields = ", ".join(f"{sql} AS {name}" for name, sql in (HEADER_TEXTS | HEADER_VALUES).items())
    batch.execute(
        f"CREATE TEMP TABLE {ORDERS_IN} ON COMMIT DROP AS"
        " SELECT coalesce(o.id, nextval(pg_get_serial_sequence('orders_order', 'id'))) AS id,"
        " o.id IS NULL AS is_new, o.last_updated_at IS NULL"
        " OR coalesce(n.last_updated_at >= o.last_updated_at, false) AS fresh, n.*"
        f" FROM (SELECT t.order_id AS amazon_order_id, min(t.row_hash) AS row_hash, {fields},"
        " max(t.last_updated_date) AS last_updated_at, min(b.buyer_id) AS buyer_id,"
        " coalesce(bool_or(t.is_business_order), false) AS is_business"
        f" FROM {rows} t JOIN {places.TABLE} p ON p.name = t.sales_channel"
        " AND p.currency = t.currency"
        f" LEFT JOIN {parties.BUYERS} b ON b.name = t.buyer_company_name"
        " GROUP BY t.order_id) AS n LEFT JOIN orders_order o ON o.seller_id = %s"
        " AND o.amazon_order_id = n.amazon_order_id",
        [batch.seller.pk],
    )
    batch.execute(f"CREATE UNIQUE INDEX ON {ORDERS_IN} (amazon_order_id)")
    batch.execute(f"ANALYZE {ORDERS_IN} (id, amazon_order_id, is_new)")
    batch.execute(f"INSERT INTO {batch.orders_table} SELECT id FROM {ORDERS_IN}")
    return rows


def _gather_lines(batch: Batch, rows: str) -> None:
    """One row a line of the file: its order, amounts, occurrence and the line it already is."""
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{LINES_IN}, pg_temp.import_repeats")
    batch.execute(
        "CREATE TEMP TABLE import_repeats ON COMMIT DROP AS SELECT t.line, t.order_id, t.sku,"
        " row_number() OVER (PARTITION BY t.order_id, t.sku ORDER BY t.item_price, t.quantity,"
        " t.item_tax, t.shipping_price, t.item_promotion_discount, t.line)::smallint AS occurrence"
        f" FROM {rows} t JOIN (SELECT order_id, sku FROM {rows} GROUP BY 1, 2"
        " HAVING count(*) > 1) AS r ON r.order_id = t.order_id AND r.sku = t.sku"
    )
    texts = ", ".join(f"{sql} AS {name}" for name, sql in LINE_TEXTS.items())
    batch.execute(
        f"CREATE TEMP TABLE {LINES_IN} ON COMMIT DROP AS SELECT t.line, t.row_hash,"
        " o.id AS order_id, o.is_new, o.fresh, t.sku, coalesce(r.occurrence, 1::smallint)"
        f" AS occurrence, pr.product_id, NULL::bigint AS line_id, {texts}, a.*"
        f" FROM {rows} t JOIN {ORDERS_IN} o ON o.amazon_order_id = t.order_id"
        f" JOIN {places.TABLE} p ON p.name = t.sales_channel AND p.currency = t.currency"
        f" JOIN {parties.PRODUCTS} pr ON pr.sku = t.sku"
        " LEFT JOIN import_repeats r ON r.line = t.line,"
        f" LATERAL ({amounts.SELECT}) AS a"
    )
    _meet_repeats(batch)
    batch.execute(f"ANALYZE {LINES_IN} (line, order_id, sku, occurrence, is_new)")
    if _names_known_orders(batch):
        batch.execute(
            f"UPDATE {LINES_IN} AS i SET line_id = l.id FROM orders_orderline l WHERE NOT i.is_new"
            " AND l.order_id = i.order_id AND l.sku = i.sku AND l.occurrence = i.occurrence"
        )
        batch.execute(f"ANALYZE {LINES_IN} (line_id)")


def _names_known_orders(batch: Batch) -> bool:
    return bool(batch.rows(f"SELECT 1 FROM {ORDERS_IN} WHERE NOT is_new LIMIT 1"))


def _meet_repeats(batch: Batch) -> None:
    """A SKU that stands on several lines of a known order: each row meets the line it equals, the
    others the lines that are left, so that a changed order of rows swaps nothing."""
    same = "item_net, item_tax, shipping_net, quantity, item_promotion_net"
    mine, known = (
        f"SELECT {key} AS key, order_id, sku, occurrence, {same}, row_number() OVER (PARTITION BY"
        f" order_id, sku, {same} ORDER BY occurrence) AS nth FROM {table}"
        for key, table in (
            ("line", f"{LINES_IN} WHERE line IN (SELECT line FROM import_repeats)"),
            (
                "id",
                (
                    f"orders_orderline WHERE order_id IN (SELECT order_id FROM {LINES_IN}"
                    " WHERE NOT is_new AND line IN (SELECT line FROM import_repeats))"
                ),
            ),
        )
    )
    if not batch.rows("SELECT 1 FROM import_repeats LIMIT 1"):
        return
    batch.execute(
        f"WITH mine AS ({mine}), known AS ({known}),"
        f" met AS (SELECT m.key, k.occurrence FROM mine m JOIN known k"
        f" USING (order_id, sku, {same}, nth)),"
        " rest AS (SELECT key, order_id, sku, row_number() OVER (PARTITION BY order_id, sku"
        " ORDER BY occurrence) AS nth FROM mine WHERE key NOT IN (SELECT key FROM met)),"
        " free AS (SELECT s.order_id, s.sku, n AS occurrence, row_number() OVER"
        " (PARTITION BY s.order_id, s.sku ORDER BY n) AS nth FROM (SELECT order_id, sku, count(*)"
        " + (SELECT count(*) FROM known k WHERE k.order_id = g.order_id AND k.sku = g.sku) AS most"
        " FROM mine g GROUP BY order_id, sku) AS s, generate_series(1, s.most) AS n"
        " WHERE NOT EXISTS (SELECT FROM met JOIN mine USING (key) WHERE mine.order_id = s.order_id"
        " AND mine.sku = s.sku AND met.occurrence = n)),"
        " given AS (SELECT key, occurrence FROM met UNION ALL"
        " SELECT r.key, f.occurrence FROM rest r JOIN free f USING (order_id, sku, nth))"
        f" UPDATE {LINES_IN} AS i SET occurrence = given.occurrence::smallint FROM given"
        " WHERE given.key = i.line AND i.occurrence <> given.occurrence"
    )


def _insert_orders(batch: Batch) -> None:
    names = [*HEADER_TEXTS, *HEADER_VALUES, "last_updated_at", "buyer_id", "is_business"]
    batch.execute(
        f"INSERT INTO orders_order (id, seller_id, amazon_order_id, {', '.join(names)},"
        " gross_total, facts_complete, import_file_id, row_hash)"
        f" SELECT n.id, %s, n.amazon_order_id, {', '.join(f'n.{name}' for name in names)}, g.total,"
        f" true, %s, n.row_hash FROM {ORDERS_IN} n JOIN (SELECT order_id, sum(gross) AS total"
        f" FROM {LINES_IN} WHERE is_new GROUP BY 1) AS g ON g.order_id = n.id WHERE n.is_new",
        [batch.seller.pk, batch.import_file.pk],
    )


def _kept_or_new(name: str, blank: str, newer: str) -> str:
    """A blank never erases what is known, and an older report only fills blanks."""
    return (
        f"CASE WHEN n.{name} {blank} OR (NOT ({newer}) AND NOT (o.{name} {blank}))"
        f" THEN o.{name} ELSE n.{name} END"
    )


def _update_orders(batch: Batch) -> None:
    values = {name: _kept_or_new(name, "= ''", "n.fresh") for name in HEADER_TEXTS}
    values |= {name: _kept_or_new(name, "IS NULL", "n.fresh") for name in HEADER_VALUES}
    values |= {
        "last_updated_at": "greatest(o.last_updated_at, n.last_updated_at)",
        "buyer_id": "coalesce(o.buyer_id, n.buyer_id)",
        "is_business": "(o.is_business OR n.is_business)",
        "facts_complete": "true",
    }
    update_changed(
        batch,
        "orders_order",
        source=f"{ORDERS_IN} n",
        join="o.id = n.id AND NOT n.is_new",
        values=values,
    )


def _insert_lines(batch: Batch) -> int:
    names = ["order_id", "sku", "occurrence", "product_id", *LINE_TEXTS, *amounts.COLUMNS]
    return batch.execute(
        f"INSERT INTO orders_orderline ({', '.join(names)}, confirmed, import_file_id, row_hash)"
        f" SELECT {', '.join(names)}, true, %s, row_hash FROM {LINES_IN} WHERE line_id IS NULL",
        [batch.import_file.pk],
    )


def _update_lines(batch: Batch) -> None:
    newer = "n.fresh OR NOT o.confirmed"
    values = {name: _kept_or_new(name, "= ''", newer) for name in LINE_TEXTS}
    values |= {
        name: f"CASE WHEN {newer} THEN n.{name} ELSE o.{name} END" for name in amounts.COLUMNS
    }
    values |= {"product_id": "coalesce(o.product_id, n.product_id)", "confirmed": "true"}
    update_changed(
        batch,
        "orders_orderline",
        source=f"{LINES_IN} n",
        join="o.id = n.line_id",
        values=values,
    )


def _total_orders(batch: Batch) -> None:
    """The gross of known orders over all their lines, also those this file does not name."""
    batch.execute(
        "WITH changed AS (UPDATE orders_order AS o SET gross_total = g.total FROM"
        f" (SELECT l.order_id, sum({amounts.GROSS_OF_LINE}) AS total FROM orders_orderline l"
        f" WHERE l.order_id IN (SELECT id FROM {ORDERS_IN} WHERE NOT is_new) GROUP BY 1) AS g"
        " WHERE o.id = g.order_id AND o.gross_total <> g.total RETURNING o.id)"
        f" INSERT INTO {CHANGED} (name, id) SELECT 'orders_order', id FROM changed"
    )


ORDERS = ReportType(
    name=NAME,
    title="All orders",
    columns=COLUMNS,
    checks=CHECKS,
    prepare=prepare,
    merge=merge,
    group="order_id",
)


def install() -> None:
    """Register the report, and its sibling by last update, which has the same columns."""
    register(ORDERS)
