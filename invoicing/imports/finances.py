"""Transactions of the Finances API (2024-06-19): the same money earlier than a settlement shows it.

Pages of listTransactions as JSON. Every amount becomes a MoneyFact that stays as it was told: a
transaction told again with other amounts, or released after it was deferred, stands beside the
first, and ``one_money.py`` says which of them counts.
"""

from invoicing.imports import finances_rows
from invoicing.imports.finances_terms import classify
from orders.imports import stubs
from orders.imports.registry import Check, Column, Counts, JsonShape, ReportType
from orders.imports.staging import Batch

NAME = "FINANCES_2024_06_19"
COLUMNS = (
    Column("transaction-id", required=True, needed=True, max_length=120),
    Column("telling", required=True, needed=True, max_length=32),
    Column("transaction-type", required=True, needed=True, max_length=60),
    Column("transaction-status", max_length=20),
    Column("description", max_length=200, cut=True),
    Column("posted-date", "datetime", required=True, needed=True),
    Column("total-amount", "decimal", required=True, needed=True),
    Column("currency", required=True, needed=True, max_length=3),
    Column("adds-up", "bool", required=True),
    Column("marketplace-id", max_length=20),
    Column("order-id", max_length=30),
    Column("shipment-id", max_length=40),
    Column("refund-id", max_length=60),
    Column("twin-id", max_length=120),
    Column("sku", max_length=80),
    Column("asin", max_length=20),
    Column("quantity", "int"),
    Column("amount-type", required=True, max_length=60),
    Column("amount-description", required=True, max_length=120),
    Column("path", required=True, max_length=400),
    Column("place", "int", required=True, needed=True),
    Column("amount", "decimal", required=True, needed=True),
)
CHECKS = (
    Check(
        "total-amount",
        "NOT t.adds_up",
        "The amounts of the transaction do not add up to its total.",
        "Fetch the transactions of that day again; if it stays, ask Amazon about this one.",
    ),
    Check(
        "currency",
        "t.currency !~ '^[A-Z]{3}$'",
        "The currency is no code such as EUR.",
        "Fetch the transactions again.",
    ),
    Check(
        "amount",
        "round(t.amount, 2) <> t.amount OR abs(t.amount) >= 1e12",
        "The amount is not an amount of money.",
        "Fetch the transactions again.",
    ),
)

# A page may come twice, and so may a transaction: the same telling counts once, with the latest of
# its states.
_RANK = """CASE {0} WHEN 'RELEASED' THEN 3 WHEN 'DEFERRED_RELEASED' THEN 2 WHEN 'DEFERRED' THEN 1
    ELSE 0 END"""
_ROWS = f"""
CREATE TEMP TABLE finances_rows ON COMMIT DROP AS
SELECT DISTINCT ON (fact_hash) x.*,
    CASE WHEN order_id ~ '^[A-Z0-9]{{3}}-[0-9]{{7}}-[0-9]{{7}}$' THEN order_id ELSE '' END
        AS known_order,
    (SELECT m.id FROM orders_marketplace m WHERE m.amazon_id = x.marketplace_id) AS named_place
FROM (SELECT *, md5(concat_ws(chr(31), transaction_id, telling, place)) AS fact_hash
    FROM %s t) x
ORDER BY fact_hash, {_RANK.format("transaction_status")} DESC, line
"""
_FACTS = """
INSERT INTO invoicing_moneyfact (source, seller_id, marketplace_id, order_id, bucket, told,
    is_refund, transaction_type, transaction_id, telling, twin_id, status, amazon_order_id,
    adjustment_id, shipment_id, amount_type, amount_description, component, is_tax, amount,
    currency, posted_at, posted_on, order_item_code, sku, quantity, row_hash, occurrence,
    import_file_id)
SELECT 'finances', s.id, m.id, o.id, x.bucket, x.bucket, x.is_refund, t.transaction_type,
    t.transaction_id, t.telling, t.twin_id, t.transaction_status, t.order_id, t.refund_id,
    t.shipment_id, t.amount_type, t.amount_description, x.component, x.is_tax, t.amount,
    t.currency, t.posted_date,
    (t.posted_date AT TIME ZONE COALESCE(m.time_zone, s.time_zone))::date, '', t.sku,
    t.quantity, t.fact_hash, 1, %(file)s
FROM finances_rows t
JOIN orders_seller s ON s.id = %(seller)s
JOIN finances_terms x ON x.transaction_type = t.transaction_type AND x.path = t.path
LEFT JOIN orders_order o ON o.seller_id = s.id AND o.amazon_order_id = t.known_order
LEFT JOIN orders_marketplace m ON m.id = CASE WHEN t.known_order = '' AND x.bucket = 'account'
    THEN NULL ELSE COALESCE(t.named_place, o.marketplace_id) END
WHERE t.amount <> 0 AND NOT EXISTS (
    SELECT FROM invoicing_moneyfact f WHERE f.seller_id = s.id AND f.source = 'finances'
        AND f.settlement_id IS NULL AND f.row_hash = t.fact_hash AND f.occurrence = 1)
ORDER BY t.line
"""
# A later state of the same telling; an earlier one that comes late changes nothing.
_STATES = f"""
UPDATE invoicing_moneyfact f
SET status = t.transaction_status,
    twin_id = CASE t.twin_id WHEN '' THEN f.twin_id ELSE t.twin_id END
FROM finances_rows t
WHERE f.seller_id = %(seller)s AND f.source = 'finances' AND f.settlement_id IS NULL
    AND f.row_hash = t.fact_hash
    AND ({_RANK.format("t.transaction_status")} > {_RANK.format("f.status")}
        OR (f.twin_id = '' AND t.twin_id <> ''))
"""


def merge(batch: Batch) -> Counts:
    """Store the transactions' amounts; what counts is decided when money is matched."""
    batch.execute("DROP TABLE IF EXISTS finances_rows, finances_terms")
    batch.execute(_ROWS.replace("%s", batch.table))
    _classify(batch)
    _ensure_orders(batch)
    params = {"seller": batch.seller.pk, "file": batch.import_file.pk}
    updated = batch.execute(_STATES, params)
    inserted = batch.execute(_FACTS, params)
    _note_bare(batch)
    return Counts(inserted=inserted, updated=updated)


def _classify(batch: Batch) -> None:
    """Say once for each combination of words what it means."""
    batch.execute(
        "CREATE TEMP TABLE finances_terms (transaction_type text, path text, bucket text,"
        " component text, is_tax bool, is_refund bool) ON COMMIT DROP"
    )
    for kind, path in batch.rows("SELECT DISTINCT transaction_type, path FROM finances_rows"):
        term = classify(kind, finances_rows.path_of(path))
        batch.execute(
            "INSERT INTO finances_terms VALUES (%s, %s, %s, %s, %s, %s)",
            [kind, path, term.bucket, term.component, term.is_tax, term.is_refund],
        )
        if not term.is_known:
            batch.note(f"{kind}: {path} is new to Retour; it counts as {_WHOSE[term.bucket]}.")


_WHOSE = {"buyer": "the buyer's money", "account": "the account's money"}


def _ensure_orders(batch: Batch) -> None:
    rows = (
        "(SELECT DISTINCT known_order, named_place, sku, asin, currency FROM finances_rows"
        " WHERE known_order <> '')"
    )
    stubs.ensure_orders(
        batch, rows, order="known_order", marketplace="named_place", currency="currency"
    )
    stubs.ensure_lines(batch, rows, order="known_order", sku="sku", asin="asin")


def _note_bare(batch: Batch) -> None:
    """Amazon leaves some refunds without their parts; such a total proves nothing by itself."""
    (bare,) = batch.rows(
        "SELECT count(DISTINCT t.transaction_id) FROM finances_rows t JOIN finances_terms x"
        " ON x.transaction_type = t.transaction_type AND x.path = t.path"
        " WHERE x.is_refund AND t.path = 'Total' AND NOT EXISTS (SELECT FROM finances_rows d"
        " WHERE d.path <> 'Total' AND t.transaction_id IN (d.transaction_id, d.twin_id))"
    )[0]
    if bare:
        batch.note(
            f"{bare} refund{'s' if bare > 1 else ''} came without details: the total stays with"
            " the account's money until another source says what it was."
        )


REPORT = ReportType(
    name=NAME,
    title="Finances transactions",
    columns=COLUMNS,
    merge=merge,
    checks=CHECKS,
    group="transaction_id",
    json=JsonShape("transactions", "transactionType", finances_rows.rows),
)
