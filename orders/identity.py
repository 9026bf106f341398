"""Which of Amazon's order-item codes belongs to which order line. Recomputed from evidence.

Evidence are the ``OrderItemCode`` rows. A line adopts a code when the order knows one code and one
line of that SKU, and the code stands for no other SKU; anything else waits for a person and never
reaches a refund by guessing. Since the result depends on the rows alone, it does not matter in
which order reports came in. What people decide is in ``decisions.py``.
"""

from collections.abc import Iterable

from django.db import connection

_DOUBTLESS = """
SELECT l.id, CASE WHEN l.lines = 1 AND c.codes = 1 THEN c.code END AS code
  FROM (SELECT id, order_id, sku, order_item_id, identity_confirmed_by_id,
               count(*) OVER (PARTITION BY order_id, sku) AS lines
          FROM orders_orderline WHERE order_id IN ({orders})) AS l
  JOIN (SELECT order_id, sku, count(*) + bool_or(skus > 1)::int AS codes, min(code) AS code
          FROM (SELECT order_id, sku, code, count(*) OVER (PARTITION BY order_id, code) AS skus
                  FROM orders_orderitemcode WHERE order_id IN ({orders})) AS e
         GROUP BY order_id, sku) AS c
    USING (order_id, sku)
 WHERE l.identity_confirmed_by_id IS NULL
"""


# What each line's ``identity_open`` should be: codes of its SKU are left and it has none.
_OPEN = """
SELECT l.id, l.order_item_id IS NULL AND o.facts_complete AND l.confirmed AND EXISTS (
         SELECT FROM orders_orderitemcode c WHERE c.order_id = l.order_id AND c.sku = l.sku
            AND NOT EXISTS (SELECT FROM orders_orderline x
                             WHERE x.order_id = c.order_id AND x.order_item_id = c.code)) AS open
  FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id WHERE l.order_id IN ({orders})
"""


def doubtless(orders: str) -> str:
    """SQL (id, code): what each line with evidence should have, for a query of order ids."""
    return _DOUBTLESS.format(orders=orders)


def undecided(orders: str) -> str:
    """SQL (id, open): whether each line of a query of order ids waits for a person's word."""
    return _OPEN.format(orders=orders)


def resolve_identities(order_ids: Iterable[int]) -> int:
    """Recompute the codes of these orders' lines; returns how many lines changed."""
    ids = sorted(set(order_ids))
    return resolve("SELECT unnest(%s::bigint[])", [ids]) if ids else 0


def resolve(orders: str, params: list | None = None) -> int:
    """The same for the orders of a query that gives their ids."""
    with connection.cursor() as cursor:
        if not _evidence(cursor, orders, params):
            return 0
        cursor.execute(
            f"UPDATE orders_orderline AS l SET order_item_id = d.code"
            f" FROM ({doubtless(orders)}) AS d"
            " WHERE l.id = d.id AND l.order_item_id IS DISTINCT FROM d.code",
            None if params is None else params * 2,
        )
        changed = cursor.rowcount
        cursor.execute(
            f"UPDATE orders_orderline AS l SET identity_open = d.open FROM ({undecided(orders)})"
            " AS d WHERE l.id = d.id AND l.identity_open IS DISTINCT FROM d.open",
            params,
        )
        return changed


def _evidence(cursor, orders: str, params: list | None) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM orders_orderitemcode WHERE order_id IN ({orders}))", params
    )
    return cursor.fetchone()[0]
