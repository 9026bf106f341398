"""The settlement report V2: the money as Amazon paid it.

One totals row, then one row for each amount. A file that does not add up to its total to the cent
is refused whole. Rows become MoneyFacts; what they mean for refunds is in ``matching.py``.
"""

import re

from config.core.refused import Refused
from invoicing.imports.settlement_terms import BUYER, classify
from orders.imports import stubs
from orders.imports.registry import Check, Column, Counts, ReportType
from orders.imports.staging import Batch

NAME = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
COLUMNS = (
    Column("settlement-id", required=True, needed=True, max_length=30),
    Column("settlement-start-date", "datetime"),
    Column("settlement-end-date", "datetime"),
    Column("deposit-date", "datetime"),
    Column("total-amount", "decimal", required=True),
    Column("currency", required=True, max_length=3),
    Column("transaction-type", required=True, max_length=60),
    Column("order-id", required=True, max_length=30),
    Column("adjustment-id", max_length=60),
    Column("shipment-id", max_length=40),
    Column("marketplace-name", max_length=60),
    Column("amount-type", required=True, max_length=60),
    Column("amount-description", required=True, max_length=120),
    Column("amount", "decimal", required=True),
    Column("posted-date", "date"),
    Column("posted-date-time", "datetime"),
    Column("order-item-code", max_length=30),
    Column("sku", max_length=80),
    Column("quantity-purchased", "int"),
)
CHECKS = (
    Check(
        "amount",
        "t.total_amount IS NULL AND t.amount IS NULL",
        "The row has no amount.",
        "Download the settlement again; every row but the first carries one.",
    ),
    Check(
        "posted-date-time",
        "t.total_amount IS NULL AND t.posted_date_time IS NULL AND t.posted_date IS NULL",
        "The row does not say when it was posted.",
        "Download the settlement again; every row but the first carries its date.",
    ),
    Check(
        "amount",
        "round(t.amount, 2) <> t.amount OR abs(t.amount) >= 1e12",
        "The amount is not an amount of money.",
        "Check whether the file's decimal sign was changed by a spreadsheet.",
    ),
)

_TOTALS = """
SELECT settlement_id, settlement_start_date, settlement_end_date, deposit_date, total_amount,
    upper(currency) FROM {table} WHERE total_amount IS NOT NULL
"""
# Rows as facts name them. The hash is over what a row says, not over its text, so that the same
# settlement in another layout, encoding or number form is known again.
_ROWS = """
CREATE TEMP TABLE settlement_rows ON COMMIT DROP AS
WITH named AS (
    SELECT t.*, COALESCE(posted_date_time, posted_date + interval '12 hours') AS posted_at,
        (SELECT m.id FROM orders_marketplace m
         WHERE lower(m.name) = lower(t.marketplace_name)) AS named_marketplace
    FROM {table} t WHERE t.total_amount IS NULL
), hashed AS (
    SELECT *, md5(concat_ws(chr(31), transaction_type, order_id, adjustment_id, shipment_id,
        marketplace_name, amount_type, amount_description, trim_scale(amount),
        to_char(posted_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), order_item_code, sku,
        quantity_purchased)) AS fact_hash
    FROM named
)
SELECT *, row_number() OVER (PARTITION BY fact_hash ORDER BY line) AS occurrence,
    CASE WHEN order_id ~ '^[A-Z0-9]{{3}}-[0-9]{{7}}-[0-9]{{7}}$' THEN order_id ELSE '' END
        AS known_order
FROM hashed
"""
_SETTLEMENT = """
INSERT INTO invoicing_settlement
    (seller_id, settlement_id, starts_at, ends_at, deposited_at, total, currency, import_file_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (seller_id, settlement_id) DO NOTHING
"""
_FACTS = """
INSERT INTO invoicing_moneyfact (settlement_id, seller_id, marketplace_id, order_id, bucket,
    is_refund, transaction_type, amazon_order_id, adjustment_id, shipment_id, amount_type,
    amount_description, component, is_tax, amount, currency, posted_at, posted_on,
    order_item_code, sku, quantity, row_hash, occurrence, import_file_id)
SELECT %(settlement)s, %(seller)s, m.id, o.id, x.bucket, x.is_refund, t.transaction_type,
    t.order_id, t.adjustment_id, t.shipment_id, t.amount_type, t.amount_description, x.component,
    x.is_tax, t.amount, %(currency)s, t.posted_at,
    (t.posted_at AT TIME ZONE COALESCE(m.time_zone, s.time_zone))::date, t.order_item_code, t.sku,
    t.quantity_purchased, t.fact_hash, t.occurrence, %(file)s
FROM settlement_rows t
JOIN orders_seller s ON s.id = %(seller)s
JOIN settlement_terms x ON x.transaction_type = t.transaction_type
    AND x.amount_type = t.amount_type AND x.amount_description = t.amount_description
LEFT JOIN orders_order o ON o.seller_id = s.id AND o.amazon_order_id = t.known_order
LEFT JOIN orders_marketplace m ON m.id = COALESCE(t.named_marketplace, o.marketplace_id)
WHERE NOT EXISTS (
    SELECT FROM invoicing_moneyfact f WHERE f.settlement_id = %(settlement)s
        AND f.row_hash = t.fact_hash AND f.occurrence = t.occurrence)
ORDER BY t.line
"""
# Amazon posts the money of an order when it is dispatched.
_SHIPMENTS = """
INSERT INTO orders_shipment AS known
    (order_id, amazon_shipment_id, shipped_at, carrier, tracking, import_file_id, row_hash)
SELECT o.id, t.shipment_id, min(t.posted_at), '', '', %(file)s, ''
FROM settlement_rows t
JOIN orders_order o ON o.seller_id = %(seller)s AND o.amazon_order_id = t.known_order
JOIN settlement_terms x ON x.transaction_type = t.transaction_type
    AND x.amount_type = t.amount_type AND x.amount_description = t.amount_description
WHERE t.shipment_id <> '' AND x.bucket = 'buyer' AND NOT x.is_refund
GROUP BY o.id, t.shipment_id
ON CONFLICT (order_id, amazon_shipment_id) DO UPDATE SET shipped_at = EXCLUDED.shipped_at
WHERE known.shipped_at IS NULL OR known.shipped_at > EXCLUDED.shipped_at
"""


def merge(batch: Batch) -> Counts:
    """Store the settlement and its rows; raises Refused where the file does not add up."""
    totals = _totals(batch)
    batch.execute("DROP TABLE IF EXISTS settlement_rows, settlement_terms")
    batch.execute(_ROWS.format(table=batch.table))
    _require_sum(batch, totals)
    _classify(batch)
    _ensure_orders(batch, totals[5])
    settlement = _settlement(batch, totals)
    params = {
        "settlement": settlement,
        "seller": batch.seller.pk,
        "currency": totals[5],
        "file": batch.import_file.pk,
    }
    inserted = batch.execute(_FACTS, params)
    batch.execute(_SHIPMENTS, params)
    _require_whole(batch, settlement, totals)
    return Counts(inserted=inserted)


def _totals(batch: Batch) -> tuple:
    found = batch.rows(_TOTALS.format(table=batch.table))
    ids = batch.rows(f"SELECT DISTINCT settlement_id FROM {batch.table} LIMIT 2")
    if len(found) != 1 or len(ids) != 1:
        raise Refused(
            "settlement_totals",
            f"A settlement has one row with its total; this file has {len(found)} and names "
            f"{len(ids)} settlement(s). Download it again and import it as it came.",
        )
    if not re.fullmatch("[A-Z]{3}", found[0][5]):
        raise Refused(
            "settlement_currency",
            f"The row with the total names the currency {found[0][5]!r}; it must be a code "
            "such as EUR.",
        )
    return found[0]


def _require_sum(batch: Batch, totals: tuple) -> None:
    (got,) = batch.rows("SELECT COALESCE(sum(amount), 0) FROM settlement_rows")[0]
    if got != totals[4]:
        raise Refused(
            "settlement_does_not_tie",
            f"The rows of settlement {totals[0]} add up to {got} {totals[5]}, its total says "
            f"{totals[4]}: {abs(got - totals[4])} apart. Nothing was imported; download the file "
            "again and do not open it in a spreadsheet first.",
        )


def _classify(batch: Batch) -> None:
    """Say once for each combination of words what it means."""
    batch.execute(
        "CREATE TEMP TABLE settlement_terms (transaction_type text, amount_type text,"
        " amount_description text, bucket text, component text, is_tax bool, is_refund bool)"
        " ON COMMIT DROP"
    )
    words = batch.rows(
        "SELECT DISTINCT transaction_type, amount_type, amount_description FROM settlement_rows"
    )
    for combination in words:
        term = classify(*combination)
        batch.execute(
            "INSERT INTO settlement_terms VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [*combination, term.bucket, term.component, term.is_tax, term.is_refund],
        )
        if not term.is_known:
            batch.note(_unknown(combination, term.bucket))


def _unknown(combination: tuple, bucket: str) -> str:
    whose = "the buyer's money" if bucket == BUYER else "the account's money"
    return f"{' / '.join(combination)} is new to Retour; it counts as {whose}."


def _ensure_orders(batch: Batch, currency: str) -> None:
    rows = (
        "(SELECT DISTINCT known_order, named_marketplace, sku, order_item_code,"
        f" '{currency}'::text AS money FROM settlement_rows WHERE known_order <> '')"
    )
    stubs.ensure_orders(
        batch, rows, order="known_order", marketplace="named_marketplace", currency="money"
    )
    stubs.ensure_lines(batch, rows, order="known_order", sku="sku", code="order_item_code")


def _settlement(batch: Batch, totals: tuple) -> int:
    number, starts, ends, deposited, total, currency = totals
    other = batch.rows(
        "SELECT s.code FROM invoicing_settlement x JOIN orders_seller s ON s.id = x.seller_id"
        " WHERE x.settlement_id = %s AND x.seller_id <> %s",
        [number, batch.seller.pk],
    )
    if other:
        raise Refused(
            "settlement_of_another",
            f"Settlement {number} was imported for seller {other[0][0]}, and Amazon gives a number "
            "once. Choose that seller.",
        )
    batch.execute(
        _SETTLEMENT,
        [batch.seller.pk, number, starts, ends, deposited, total, currency, batch.import_file.pk],
    )
    pk, known, known_currency = batch.rows(
        "SELECT id, total, currency FROM invoicing_settlement"
        " WHERE seller_id = %s AND settlement_id = %s FOR UPDATE",
        [batch.seller.pk, number],
    )[0]
    if (known, known_currency) != (total, currency):
        raise Refused(
            "settlement_changed",
            f"Settlement {number} is known with a total of {known} {known_currency}, this file "
            f"says {total} {currency}. Check that it is of the seller you chose.",
        )
    return pk


def _require_whole(batch: Batch, settlement: int, totals: tuple) -> None:
    (got,) = batch.rows(
        "SELECT sum(amount) FROM invoicing_moneyfact WHERE settlement_id = %s", [settlement]
    )[0]
    if got != totals[4]:
        raise Refused(
            "settlement_differs",
            f"Settlement {totals[0]} was imported before with other rows; together they would "
            f"say {got} {totals[5]} instead of {totals[4]}. Keep one file and compare the two.",
        )


REPORT = ReportType(name=NAME, title="Settlement V2", columns=COLUMNS, merge=merge, checks=CHECKS)
