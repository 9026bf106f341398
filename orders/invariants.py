"""What must hold for facts whatever was imported, in which order, how often."""

from config.core.invariants import Promise, register
from orders import identity

_FACTS = ("orders_order", "orders_orderline", "orders_amazonreturn", "orders_shipment")
_MONEY = " OR ".join(
    f"{name}_{part} <> 0"
    for name in ("item", "shipping", "gift_wrap", "item_promotion", "shipping_promotion")
    for part in ("net", "tax")
)
_GROSS = " + ".join(f"{c}_net + {c}_tax" for c in ("item", "shipping", "gift_wrap"))
_GROSS += "".join(f" - {c}_promotion_net - {c}_promotion_tax" for c in ("item", "shipping"))


def _lost_imports() -> str:
    return " UNION ALL ".join(
        f"SELECT '{table}' AS fact, f.id FROM {table} f WHERE f.import_file_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM orders_importfile i WHERE i.id = f.import_file_id)"
        for table in _FACTS
    )


PROMISES = (
    Promise(
        "orders.complete_orders_are_complete",
        "An order whose facts are complete has a marketplace, a currency, a date and a line.",
        "SELECT id, amazon_order_id FROM orders_order o WHERE facts_complete AND (marketplace_id"
        " IS NULL OR currency = '' OR purchased_at IS NULL OR NOT EXISTS"
        " (SELECT FROM orders_orderline l WHERE l.order_id = o.id AND l.confirmed))",
    ),
    Promise(
        "orders.totals_are_the_sum_of_lines",
        "The gross total of an order is the sum of its lines.",
        "SELECT o.id, o.amazon_order_id, o.gross_total FROM orders_order o LEFT JOIN (SELECT"
        f" order_id, sum({_GROSS}) AS gross FROM orders_orderline GROUP BY 1) AS l"
        " ON l.order_id = o.id WHERE o.gross_total <> coalesce(l.gross, 0)",
    ),
    Promise(
        "orders.implied_lines_carry_no_money",
        "A line that no orders report named has no quantity and no amount to refund.",
        f"SELECT id, order_id, sku FROM orders_orderline WHERE NOT confirmed AND (quantity <> 0 OR"
        f" {_MONEY})",
    ),
    Promise(
        "orders.codes_are_adopted_from_evidence",
        "A line has exactly the order-item code that its evidence leaves no doubt about.",
        "SELECT l.id, l.order_id, l.sku, l.order_item_id FROM orders_orderline l JOIN"
        f" ({identity.doubtless('SELECT id FROM orders_order')}) AS d ON d.id = l.id"
        " WHERE l.order_item_id IS DISTINCT FROM d.code",
    ),
    Promise(
        "orders.codes_belong_to_their_line",
        "No line carries a code that a report gave to another SKU or that nobody named.",
        "SELECT l.id, l.order_id, l.order_item_id FROM orders_orderline l WHERE l.order_item_id"
        " IS NOT NULL AND NOT EXISTS (SELECT FROM orders_orderitemcode c WHERE c.order_id ="
        " l.order_id AND c.sku = l.sku AND c.code = l.order_item_id)",
    ),
    Promise(
        "orders.doubt_about_codes_is_listed",
        "A line waits for a person exactly while codes of its SKU are left and it has none.",
        "SELECT l.id, l.order_id, l.sku FROM orders_orderline l JOIN"
        f" ({identity.undecided('SELECT id FROM orders_order')}) AS d ON d.id = l.id"
        " WHERE l.identity_open IS DISTINCT FROM d.open",
    ),
    Promise(
        "orders.returns_are_tied_to_their_own_line",
        "The line of an Amazon return is of its order and SKU.",
        "SELECT r.id, r.natural_key FROM orders_amazonreturn r JOIN orders_orderline l"
        " ON l.id = r.order_line_id WHERE l.order_id <> r.order_id"
        " OR (r.sku <> '' AND l.sku <> r.sku)",
    ),
    Promise(
        "orders.import_counts_add_up",
        "Every row of an imported file was inserted, updated, unchanged or bad.",
        "SELECT id, file_name FROM orders_importfile WHERE status IN ('done', 'partial')"
        " AND rows <> inserted + updated + unchanged + bad",
    ),
    Promise(
        "orders.facts_name_an_import_that_exists",
        "A fact that names an import names one that is on record.",
        _lost_imports,
    ),
    Promise(
        "orders.raw_rows_expire",
        "Raw rows are gone two days after their time at the latest.",
        "SELECT i.id, i.file_name FROM orders_importfile i WHERE i.expires_at < now()"
        " - interval '2 days' AND (i.stored_path <> '' OR EXISTS (SELECT FROM orders_importrow r"
        " WHERE r.import_file_id = i.id))",
    ),
)
register(*PROMISES)
