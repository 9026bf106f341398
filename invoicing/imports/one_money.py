"""One money counts once, whoever tells of it: a settlement before Finances before a date range.

Facts stay as they came; here is decided which of them count and which are echoes, anew for every
order that a lesser source tells of, from the rows alone: in whatever order files come in, the same
rows count in the end. Two tellings are one money where Amazon's refund id and the SKU are the same
(whatever the amounts: the better source is right), else where order, SKU, moment and amount are,
one by one. Equal refunds with different ids are two. The statements are in ``one_money_sql.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from invoicing.imports import one_money_sql as sql
from orders.models import ImportFile

SOURCES = (("finances", "settlement"), ("date_range", "finances"), ("date_range", "settlement"))
_NAMED, _UNNAMED, _ANY = "p.ref <> ''", "p.ref = ''", "true"
# Keys of a pair, which pieces of the lesser and of the greater source may, strongest first.
STEPS = (
    (("ref", "sku", "at"), _NAMED, _NAMED),
    (("ref", "sku", "total"), _NAMED, _NAMED),
    (("ref", "sku"), _NAMED, _NAMED),
    (("sku", "at", "total"), _UNNAMED, _ANY),
    (("sku", "at", "total"), _ANY, _UNNAMED),
    (("sku", "at", "gross"), _UNNAMED, _ANY),
    (("sku", "at", "gross"), _ANY, _UNNAMED),
)


@dataclass(frozen=True)
class Unified:
    """What one run changed: orders whose facts count otherwise, refunds whose money did."""

    orders: list[int] = field(default_factory=list)
    refunds: list[int] = field(default_factory=list)


def unify(
    seller_ids: list[int] | None = None,
    *,
    import_file: ImportFile | None = None,
    everything: bool = False,
) -> Unified:
    """Say anew which facts are echoes. Needs a trail and its transaction.

    Looks at orders where money of a lesser source counts, where money waits for a refund, and at
    those an import names; ``everything`` looks at all. Ties to refunds move to what counts.
    """
    file = import_file.pk if import_file else None
    with connection.cursor() as cursor:
        cursor.execute(sql.DROP)
        cursor.execute(sql.ORDERS, {"sellers": seller_ids, "file": file, "all": everything})
        if not cursor.rowcount:
            return Unified()
        cursor.execute("ANALYZE one_order")
        cursor.execute(sql.FACTS)
        cursor.execute(sql.PIECES)
        for statement in _statements():
            cursor.execute(statement)
        cursor.execute(sql.AIMS)
        cursor.execute(sql.LOSING)
        refunds = [refund for (refund,) in cursor.fetchall()]
        cursor.execute(sql.MOVE_TIES)
        cursor.execute(sql.STORE)
        orders = {order for (order,) in cursor.fetchall()}
    return Unified(sorted(orders), refunds)


def _statements() -> Iterator[str]:
    """Pair each lesser source with each better one, and carry on what stands for what."""
    for lesser, greater in SOURCES:
        for keys, left, right in STEPS:
            yield sql.pair(lesser, greater, keys, left, right)
        yield sql.name_whole(lesser, greater)
        yield sql.sum_of_moment(lesser, greater)
        yield sql.ROOT.format(lesser=lesser)
