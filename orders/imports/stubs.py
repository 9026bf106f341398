"""Orders and lines that a report names before the orders report does: stubs that heal later.

Set-based; used by the merges of every room. A stub order has ``facts_complete`` false, a stub
line ``confirmed`` false; there is at most one stub line for an order and SKU (occurrence 1), so
that any order of imports ends in the same rows. Which code a line has is in ``identity.py``.
"""

from collections.abc import Callable
from typing import Any

from orders.imports.staging import Batch


def ensure_orders(
    batch: Batch, source: str, *, order: str = "order_id", marketplace: str = "", currency: str = ""
) -> None:
    """Make every order named in ``source`` exist for the batch's seller.

    ``source`` is a table or a parenthesised query; ``order``, ``marketplace`` (a Marketplace pk)
    and ``currency`` are its columns. Blank order ids are left out. Known orders keep what they
    have; marketplace and currency fill a stub's blanks. Afterwards join ``orders_order`` on
    (seller_id, amazon_order_id). Orders seen are remembered for the identity step.
    """
    place = f"min({marketplace})" if marketplace else "NULL::bigint"
    money = f"max({currency})" if currency else "''"
    named = (
        f"SELECT {order} AS id, {place} AS marketplace_id, coalesce({money}, '') AS currency"
        f" FROM {source} AS s WHERE {order} <> '' GROUP BY {order}"
    )
    values = {"seller": batch.seller.pk, "file": batch.import_file.pk}
    batch.execute(
        f"INSERT INTO orders_order ({_ORDER_COLUMNS})"
        f" SELECT %(seller)s, n.marketplace_id, n.id, n.currency, %(file)s, {_ORDER_DEFAULTS}"
        f" FROM ({named}) AS n WHERE NOT EXISTS (SELECT FROM orders_order o"
        " WHERE o.seller_id = %(seller)s AND o.amazon_order_id = n.id) ORDER BY n.id",
        values,
    )
    batch.execute(
        "UPDATE orders_order AS o SET currency = CASE o.currency WHEN '' THEN n.currency"
        " ELSE o.currency END, marketplace_id = coalesce(o.marketplace_id, n.marketplace_id)"
        f" FROM ({named}) AS n WHERE o.seller_id = %(seller)s AND o.amazon_order_id = n.id"
        " AND NOT o.facts_complete AND ((o.currency = '' AND n.currency <> '')"
        " OR (o.marketplace_id IS NULL AND n.marketplace_id IS NOT NULL))",
        values,
    )
    batch.execute(
        f"INSERT INTO {batch.orders_table} SELECT o.id FROM ({named}) AS n JOIN orders_order o"
        " ON o.seller_id = %(seller)s AND o.amazon_order_id = n.id ON CONFLICT DO NOTHING",
        values,
    )


_ORDER_COLUMNS = (
    "seller_id, marketplace_id, amazon_order_id, currency, import_file_id, row_hash,"
    " merchant_order_id, status, channel, sales_channel, is_business, po_number,"
    " ship_service_level, ship_city, ship_state, ship_postal_code, ship_country, gross_total,"
    " facts_complete"
)
_ORDER_DEFAULTS = "'', '', '', '', '', false, '', '', '', '', '', '', 0, false"


def ensure_lines(
    batch: Batch,
    source: str,
    *,
    order: str = "order_id",
    sku: str = "sku",
    code: str = "",
    asin: str = "",
) -> None:
    """Make a line (and product) exist for every (order, SKU) named in ``source``.

    Call after ``ensure_orders``. Blank SKUs are left out. ``code`` names a column with Amazon's
    order-item code: it is kept as evidence (``OrderItemCode``) and adopted by the identity step
    when beyond doubt. Afterwards join ``orders_orderline`` on (order_id, sku), or better on
    ``order_item_id``; a SKU may stand on several lines.
    """
    named = (
        f"SELECT o.id AS order_id, {sku} AS sku, max({asin or '%(none)s'}) AS asin"
        f" FROM {source} AS s JOIN orders_order o ON o.seller_id = %(seller)s"
        f" AND o.amazon_order_id = {order} WHERE {order} <> '' AND {sku} <> '' GROUP BY 1, 2"
    )
    values = {"seller": batch.seller.pk, "file": batch.import_file.pk, "none": ""}
    ensure_products(
        batch, f"(SELECT sku, max(asin) AS asin FROM ({named}) AS n GROUP BY 1)", values
    )
    batch.execute(
        "INSERT INTO orders_orderline (order_id, product_id, sku, asin, import_file_id, row_hash,"
        " title, item_status, price_designation, promotion_ids)"
        f" SELECT n.order_id, p.id, n.sku, n.asin, %(file)s, '', '', '', '', '' FROM ({named}) AS n"
        " JOIN orders_product p ON p.seller_id = %(seller)s AND p.sku = n.sku"
        " WHERE NOT EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = n.order_id"
        " AND l.sku = n.sku) ORDER BY 1, 3",
        values,
    )
    if asin:
        batch.execute(
            f"UPDATE orders_orderline AS l SET asin = n.asin FROM ({named}) AS n"
            " WHERE l.order_id = n.order_id AND l.sku = n.sku AND l.asin = '' AND n.asin <> ''",
            values,
        )
    if code:
        batch.execute(
            "INSERT INTO orders_orderitemcode (order_id, sku, code)"
            f" SELECT DISTINCT o.id, {sku}, {code} FROM {source} AS s JOIN orders_order o"
            f" ON o.seller_id = %(seller)s AND o.amazon_order_id = {order}"
            f" WHERE {sku} <> '' AND {code} <> ''"
            " AND NOT EXISTS (SELECT FROM orders_orderitemcode c WHERE c.order_id = o.id"
            f" AND c.sku = {sku} AND c.code = {code})",
            values,
        )


def ensure_products(batch: Batch, source: str, values: dict) -> None:
    """Make a product exist for every row (sku, asin) of ``source``; fill a missing ASIN."""
    batch.execute(
        "INSERT INTO orders_product (seller_id, sku, asin, title, category, custom_made)"
        f" SELECT %(seller)s, n.sku, n.asin, '', '', false FROM {source} AS n WHERE NOT EXISTS"
        " (SELECT FROM orders_product p WHERE p.seller_id = %(seller)s AND p.sku = n.sku)"
        " ORDER BY n.sku",
        values,
    )
    batch.execute(
        f"UPDATE orders_product AS p SET asin = n.asin FROM {source} AS n"
        " WHERE p.seller_id = %(seller)s AND p.sku = n.sku AND p.asin = '' AND n.asin <> ''",
        values,
    )


def settle(batch: Batch) -> None:
    """Tie Amazon's returns of the batch's orders to their lines."""
    tie_returns(batch.execute, f"SELECT id FROM {batch.orders_table}")


def tie_returns(execute: Callable[[str], Any], orders: str) -> None:
    """Tie Amazon's returns of some orders (a query of ids) to the one line they can mean.

    Recomputed from the rows: the only line of the SKU or the one a person chose, the order's
    marketplace, and the request's day in its time zone; so it does not matter which report came
    first.
    """
    execute(
        "UPDATE orders_amazonreturn AS r SET order_line_id = f.line_id,"
        " marketplace_id = f.marketplace_id, requested_on = f.day"
        " FROM (SELECT a.id, CASE WHEN a.line_chosen_by_id IS NULL THEN l.line_id"
        " ELSE a.order_line_id END AS line_id, coalesce(o.marketplace_id, a.marketplace_id)"
        " AS marketplace_id, coalesce((a.requested_at AT TIME ZONE coalesce(m.time_zone, 'UTC'))"
        "::date, a.requested_on) AS day FROM orders_amazonreturn a"
        " JOIN orders_order o ON o.id = a.order_id"
        " LEFT JOIN orders_marketplace m ON m.id = coalesce(o.marketplace_id, a.marketplace_id)"
        " LEFT JOIN LATERAL (SELECT min(x.id) AS line_id FROM orders_orderline x"
        " WHERE x.order_id = a.order_id AND x.sku = a.sku HAVING count(*) = 1) AS l ON true"
        f" WHERE a.order_id IN ({orders})) AS f"
        " WHERE r.id = f.id AND (r.order_line_id, r.marketplace_id, r.requested_on)"
        " IS DISTINCT FROM (f.line_id, f.marketplace_id, f.day)"
    )
