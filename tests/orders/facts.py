"""The facts of the database as plain rows, named by what people know: to compare two histories."""

from django.db import connection

_QUERIES = {
    "orders": """
        SELECT o.amazon_order_id, s.code, m.code, b.match_key, o.merchant_order_id, o.purchased_at,
               o.last_updated_at, o.status, o.channel, o.sales_channel, o.is_business, o.po_number,
               o.is_amazon_invoiced, o.currency, o.ship_service_level, o.ship_city, o.ship_state,
               o.ship_postal_code, o.ship_country, o.gross_total, o.facts_complete
          FROM orders_order o JOIN orders_seller s ON s.id = o.seller_id
          LEFT JOIN orders_marketplace m ON m.id = o.marketplace_id
          LEFT JOIN orders_buyer b ON b.id = o.buyer_id""",
    "lines": """
        SELECT o.amazon_order_id, to_jsonb(l) - '{id,order_id,product_id,import_file_id,row_hash,
               previous_raw}'::text[], p.sku
          FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN orders_product p ON p.id = l.product_id""",
    "returns": """
        SELECT o.amazon_order_id, l.sku, l.occurrence, m.code, to_jsonb(r) - '{id,seller_id,
               order_id,order_line_id,marketplace_id,import_file_id,row_hash,previous_raw}'::text[]
          FROM orders_amazonreturn r JOIN orders_order o ON o.id = r.order_id
          LEFT JOIN orders_marketplace m ON m.id = r.marketplace_id
          LEFT JOIN orders_orderline l ON l.id = r.order_line_id""",
    "codes": """
        SELECT o.amazon_order_id, c.sku, c.code FROM orders_orderitemcode c
          JOIN orders_order o ON o.id = c.order_id""",
    "products": "SELECT sku, asin, title, category FROM orders_product",
    "buyers": "SELECT match_key, legal_name, country, language FROM orders_buyer",
    "shipments": """
        SELECT o.amazon_order_id, h.amazon_shipment_id, h.shipped_at FROM orders_shipment h
          JOIN orders_order o ON o.id = h.order_id""",
    "money": """
        SELECT o.amazon_order_id, l.sku, l.occurrence, m.code, to_jsonb(f) - '{id,settlement_id,
               seller_id,order_id,order_line_id,refund_id,marketplace_id,import_file_id}'::text[]
          FROM invoicing_moneyfact f LEFT JOIN orders_order o ON o.id = f.order_id
          LEFT JOIN orders_marketplace m ON m.id = f.marketplace_id
          LEFT JOIN orders_orderline l ON l.id = f.order_line_id""",
}
_WRITTEN = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
 WHERE schemaname = 'public' AND n_tup_ins + n_tup_upd + n_tup_del > 0
"""


def all_facts() -> dict[str, list[str]]:
    """Every fact as text, sorted; ids and what names an import are left out."""
    found = {}
    with connection.cursor() as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(f"SELECT row(x.*)::text FROM ({query}) AS x ORDER BY 1")
            found[name] = [row for (row,) in cursor.fetchall()]
    return found


def rows_written() -> dict[str, int]:
    """Rows written to each table in this transaction so far, trail tables included."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        return dict(cursor.fetchall())
