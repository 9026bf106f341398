"""How rows of any returns report become AmazonReturns: one a return, whatever names it, when.

Returns reports carry no time of change, overlap, and repeat rows. So a blank never erases what is
known, a status never goes back, and what a row says counts only when it is not older than what is
known (``newer``); then the order of imports does not matter.
"""

from dataclasses import dataclass

from orders.imports import stubs
from orders.imports.changes import CHANGED, update_changed
from orders.imports.registry import Counts
from orders.imports.staging import Batch

ROWS = "import_returns_in"
TEXTS = (
    "amazon_rma_id", "merchant_rma_id", "status", "sku", "asin", "title", "category", "reason_code",
    "return_type", "resolution", "currency", "label_type", "label_payer", "carrier", "tracking",
    "invoice_number", "safet_reason", "safet_claim_id", "safet_state", "fulfilment_center",
    "disposition", "licence_plate", "customer_comment",
)  # fmt: skip
VALUES = {
    "in_policy": "boolean", "label_cost": "numeric", "delivered_on": "date", "a_to_z": "boolean",
    "is_prime": "boolean", "order_amount": "numeric", "order_quantity": "integer",
    "safet_created_on": "date", "safet_reimbursement": "numeric",
}  # fmt: skip
_OVER = "complet|clos|den|declin|cancel|reject|refund"


def rank(status: str) -> str:
    """SQL: how far a status has come: waiting 0, unknown and approved 1, over 2."""
    return (
        f"CASE WHEN lower({status}) ~ '{_OVER}' THEN 2"
        f" WHEN {status} = '' OR lower({status}) ~ 'pending|request' THEN 0 ELSE 1 END"
    )


@dataclass(frozen=True)
class Shape:
    """What a report says of a return, as SQL over its staging row t.

    ``fields`` maps columns of AmazonReturn to SQL; ``key`` is the natural key; ``newer`` a
    condition over n (the row) and o (what is known); ``order_by`` picks the row among equal keys.
    """

    source: str
    fields: dict[str, str]
    key: str
    day: str
    moment: str
    place: str
    newer: str
    order_by: str
    keep_earliest: bool = False


def merge(batch: Batch, shape: Shape) -> Counts:
    """Write the returns that are new or say something new; orders and lines become stubs."""
    place = shape.place or (str(batch.marketplace.pk) if batch.marketplace else "NULL")
    named = (
        f"(SELECT t.*, {place}::bigint AS place_id, {shape.fields['sku']} AS named_sku,"
        f" {shape.fields['asin']} AS named_asin, {shape.fields.get('currency', chr(39) * 2)}"
        f" AS named_currency FROM {batch.table} t)"
    )
    stubs.ensure_orders(batch, named, marketplace="place_id", currency="named_currency")
    stubs.ensure_lines(batch, named, sku="named_sku", asin="named_asin")
    _gather(batch, shape, place)
    if shape.source == "mfn":
        _meet_without_rma(batch)
    batch.execute(
        "CREATE TEMP TABLE import_returns_one ON COMMIT DROP AS"
        " SELECT DISTINCT ON (natural_key) *,"
        " min(requested_at) OVER (PARTITION BY natural_key) AS first_at, max(category) OVER"
        f" (PARTITION BY natural_key) AS any_category FROM {ROWS} ORDER BY natural_key,"
        f" {shape.order_by}"
    )
    updated = _update(batch, shape)
    inserted = _insert(batch, shape)
    _categories(batch)
    return Counts(inserted, updated)


def _gather(batch: Batch, shape: Shape, place: str) -> None:
    """One row a row of the file, with the order's id and the day in the marketplace's zone."""
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{ROWS}, pg_temp.import_returns_one")
    texts = ", ".join(f"{shape.fields.get(name, repr(''))}::text AS {name}" for name in TEXTS)
    values = ", ".join(
        f"{shape.fields.get(name, 'NULL')}::{kind} AS {name}" for name, kind in VALUES.items()
    )
    batch.execute(
        f"CREATE TEMP TABLE {ROWS} ON COMMIT DROP AS SELECT t.line, t.row_hash, o.id AS order_pk,"
        f" t.order_id, m.id AS marketplace_id, coalesce(m.time_zone, 'UTC') AS zone,"
        f" {shape.moment}::timestamptz AS requested_at, coalesce(({shape.moment}::timestamptz"
        f" AT TIME ZONE coalesce(m.time_zone, 'UTC'))::date, {shape.day}::date) AS day,"
        f" coalesce({shape.fields['quantity']}, 0) AS quantity,"
        f" {shape.fields.get('refunded_amount', 'NULL')}::numeric AS refunded_amount,"
        f" {texts}, {values}, ''::text AS natural_key FROM {batch.table} t"
        f" JOIN orders_order o ON o.seller_id = {batch.seller.pk:d}"
        " AND o.amazon_order_id = t.order_id"
        f" LEFT JOIN orders_marketplace m ON m.id = coalesce(o.marketplace_id, {place})"
    )
    batch.execute(f"UPDATE {ROWS} AS t SET natural_key = {shape.key}")
    batch.execute(f"ANALYZE {ROWS}")


_THING = "coalesce(nullif(%s.sku, ''), %s.asin)"
_SAME_DAY = (
    "{a}.order_pk = {b}.order_pk AND {b}.day = {a}.day AND "
    + _THING % ("{a}", "{a}")
    + " = "
    + _THING % ("{b}", "{b}")
)


def _meet_without_rma(batch: Batch) -> None:
    """A row without RMA id and one with it for the same order, SKU and day are one return."""
    known = (
        "(SELECT natural_key, order_id AS order_pk, requested_on AS day, sku, asin, amazon_rma_id"
        f" FROM orders_amazonreturn WHERE source = 'mfn' AND seller_id = {batch.seller.pk:d})"
    )
    same = _SAME_DAY.format(a="t", b="k")
    # known without, now with: the known row takes the new key (the lowest, if there are several)
    batch.execute(
        "UPDATE orders_amazonreturn AS r SET natural_key = f.new FROM (SELECT k.natural_key AS old,"
        f" min(t.natural_key) AS new FROM {ROWS} t JOIN {known} k ON {same}"
        " AND k.amazon_rma_id = '' WHERE t.amazon_rma_id <> '' AND NOT EXISTS"
        f" (SELECT FROM {known} x WHERE x.natural_key = t.natural_key) GROUP BY 1) AS f"
        " WHERE r.seller_id = %s AND r.natural_key = f.old",
        [batch.seller.pk],
    )
    # a row without takes the key of one with, in the file or known
    batch.execute(
        f"UPDATE {ROWS} AS t SET natural_key = f.key FROM (SELECT t.line, min(k.natural_key) AS key"
        f" FROM {ROWS} t JOIN (SELECT natural_key, order_pk, day, sku, asin FROM {ROWS}"
        " WHERE amazon_rma_id <> '' UNION ALL SELECT natural_key, order_pk, day, sku, asin FROM"
        f" {known} AS r WHERE amazon_rma_id <> '') AS k ON {same}"
        " WHERE t.amazon_rma_id = '' GROUP BY 1) AS f WHERE f.line = t.line"
    )


def _update(batch: Batch, shape: Shape) -> int:
    moment = "coalesce(n.requested_at, o.requested_at)"
    if shape.keep_earliest:
        moment = "least(n.first_at, o.requested_at)"
    sets = {
        "requested_at": moment,
        "requested_on": f"coalesce(({moment} AT TIME ZONE n.zone)::date, n.day, o.requested_on)",
        "quantity": f"CASE WHEN {shape.newer} THEN n.quantity ELSE o.quantity END",
        "refunded_amount": "greatest(n.refunded_amount, o.refunded_amount)",
        "marketplace_id": "coalesce(n.marketplace_id, o.marketplace_id)",
    }
    for name in (*TEXTS, *VALUES):
        blank = "= ''" if name in TEXTS else "IS NULL"
        sets[name] = (
            f"CASE WHEN n.{name} {blank} OR (NOT ({shape.newer}) AND NOT (o.{name} {blank}))"
            f" THEN o.{name} ELSE n.{name} END"
        )
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{CHANGED}")
    return update_changed(
        batch,
        "orders_amazonreturn",
        source="import_returns_one n",
        join=f"o.seller_id = {batch.seller.pk:d} AND o.natural_key = n.natural_key",
        values=sets,
    )


def _insert(batch: Batch, shape: Shape) -> int:
    names = ", ".join((*TEXTS, *VALUES, "quantity", "refunded_amount", "natural_key", "row_hash"))
    moment = "first_at" if shape.keep_earliest else "requested_at"
    return batch.execute(
        f"INSERT INTO orders_amazonreturn (seller_id, source, order_id, marketplace_id,"
        f" requested_at, requested_on, {names}, import_file_id) SELECT %s, %s, order_pk,"
        f" marketplace_id, {moment}, coalesce(({moment} AT TIME ZONE zone)::date, day), {names}, %s"
        " FROM import_returns_one n WHERE NOT EXISTS (SELECT FROM orders_amazonreturn o WHERE"
        " o.seller_id = %s AND o.natural_key = n.natural_key) ORDER BY line",
        [batch.seller.pk, shape.source, batch.import_file.pk, batch.seller.pk],
    )


def _categories(batch: Batch) -> None:
    """Only returns reports name a product's category; people may have set a better one."""
    batch.execute(
        "UPDATE orders_product AS p SET category = n.category FROM (SELECT sku, max(any_category)"
        " AS category FROM import_returns_one GROUP BY sku) AS n WHERE p.seller_id = %s"
        " AND p.sku = n.sku AND p.category = '' AND n.category <> ''",
        [batch.seller.pk],
    )
