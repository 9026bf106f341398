"""Which of Amazon's order-item codes belongs to which order line. Recomputed from evidence.

Evidence are the ``OrderItemCode`` rows. A line adopts a code when the order knows one code and one
line of that SKU, and the code stands for no other SKU; anything else waits for a person and never
reaches a refund by guessing. Since the result depends on the rows alone, it does not matter in
which order reports came in.
"""

from collections.abc import Iterable

from django.db import connection

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from orders.models import OrderItemCode, OrderLine

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


def doubtless(orders: str) -> str:
    """SQL (id, code): what each line with evidence should have, for a query of order ids."""
    return _DOUBTLESS.format(orders=orders)


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
        return cursor.rowcount


def _evidence(cursor, orders: str, params: list | None) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM orders_orderitemcode WHERE order_id IN ({orders}))", params
    )
    return cursor.fetchone()[0]


def confirm_identity(line: OrderLine, code: str, *, by) -> OrderLine:
    """A person decides which of the order's codes this line has.

    Raises Refused when no report names that code for the line's SKU or another line has it.
    """
    roles.require(by, "orders.confirm_identity")
    with trail("confirm_identity", by=by, reason=code):
        line = OrderLine.objects.select_for_update().get(pk=line.pk)
        known = OrderItemCode.objects.filter(order_id=line.order_id, sku=line.sku, code=code)
        if not known.exists():
            raise Refused("unknown_code", f"No report names the code {code} for {line.sku}.")
        others = OrderLine.objects.filter(order_id=line.order_id, order_item_id=code)
        if others.exclude(pk=line.pk).exists():
            raise Refused("code_taken", f"Another line of the order already has the code {code}.")
        line.order_item_id, line.identity_confirmed_by = code, by
        line.save(update_fields=["order_item_id", "identity_confirmed_by"])
    return line
