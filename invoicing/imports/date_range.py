"""The date range report of Seller Central: the same money once more, made by hand, a row each sale.

A CSV in the account's language with some lines before its header. Every row's columns must add up
to its total; each amount becomes a MoneyFact. Which of several sources counts says
``one_money.py``; the words are in ``date_range_words.py``.
"""

from invoicing.imports import date_range_words as words
from orders.imports import stubs
from orders.imports.registry import Check, Column, Counts, ReportType
from orders.imports.staging import Batch

NAME = "GET_DATE_RANGE_FINANCIAL_TRANSACTION_DATA"
_KINDS = {"quantity": "int", "total": "decimal"} | dict.fromkeys(words.AMOUNTS, "decimal")
_REQUIRED = ("date_time", "type", "order_id", "sku", "product_sales", "other", "total")
_NEEDED = ("date_time", "type", "total")
_LONGEST = {"settlement_id": 30, "type": 60, "order_id": 30, "sku": 80, "marketplace_name": 60}


def _column(field: str) -> Column:
    name, *others = words.names(field)
    return Column(
        name,
        _KINDS.get(field, "text"),
        required=field in _REQUIRED,
        needed=field in _NEEDED,
        max_length=_LONGEST.get(field, 0),
        aliases=tuple(others),
        field=field,
    )


COLUMNS = tuple(_column(field) for field in words.HEADERS)
_SUM = " + ".join(f"coalesce(t.{field}, 0)" for field in words.AMOUNTS)
CHECKS = (
    Check(
        "date/time",
        "t.posted_at IS NULL",
        "no date and time",
        "Download the report again; a spreadsheet program changes dates when saving.",
    ),
    Check(
        "total",
        f"t.total <> {_SUM}",
        "The columns of the row do not add up to its total.",
        "Download the report again and do not open it in a spreadsheet first.",
    ),
    Check(
        "total",
        "round(t.total, 2) <> t.total OR abs(t.total) >= 1e12",
        "The amount is not an amount of money.",
        "Check whether the file's decimal sign was changed by a spreadsheet.",
    ),
    Check(
        "marketplace",
        "t.currency = ''",
        "Nothing says in which currency the amounts are.",
        "Import the file again and choose its marketplace.",
    ),
)

_MOMENTS = """
CREATE TEMP TABLE date_range_moments (text text, zone text, posted_at timestamptz) ON COMMIT DROP
"""
# What the currency is: of the row's marketplace, of the one chosen, of all the others in the file.
_PLACES = """
ALTER TABLE {table} ADD place_id bigint, ADD zone text, ADD currency text, ADD posted_at timestamptz
"""
_FIND_PLACE = """
UPDATE {table} t SET place_id = m.id, currency = m.currency, zone = m.time_zone
FROM orders_marketplace m WHERE lower(m.name) = lower(t.marketplace_name)
"""
_ONLY_PLACE = """
UPDATE {table} t SET currency = coalesce(t.currency, %(currency)s,
        (SELECT min(x.currency) FROM {table} x HAVING count(DISTINCT x.currency) = 1), ''),
    zone = coalesce(t.zone, %(zone)s, 'UTC')
WHERE t.currency IS NULL OR t.zone IS NULL
"""
_TYPES = "CREATE TEMP TABLE date_range_types (type text, word text, is_refund bool) ON COMMIT DROP"
_SAME = ", ".join(f"trim_scale(t.{field})" for field in words.AMOUNTS)
_ROWS = f"""
CREATE TEMP TABLE date_range_rows ON COMMIT DROP AS
SELECT h.*, row_number() OVER (PARTITION BY content ORDER BY line) AS occurrence
FROM (
    SELECT t.*, y.word, y.is_refund,
        CASE WHEN t.order_id ~ '^[A-Z0-9]{{3}}-[0-9]{{7}}-[0-9]{{7}}$' THEN t.order_id ELSE '' END
            AS known_order,
        md5(concat_ws(chr(31), y.word, t.order_id, t.sku, t.currency, t.quantity,
            to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), trim_scale(t.total),
            {_SAME})) AS content
    FROM %s t JOIN date_range_types y ON y.type = t.type
) h
"""
_AMOUNTS = ",\n        ".join(
    f"('{normal}', t.{field}, '{bucket}', '{component}', {str(is_tax).lower()})"
    for field, (bucket, component, is_tax) in words.AMOUNTS.items()
    for normal in (field.replace("_", " "),)
)
_FACTS = f"""
WITH made AS (
INSERT INTO invoicing_moneyfact (source, seller_id, marketplace_id, order_id, bucket, told,
    is_refund, transaction_type, telling, amazon_order_id, adjustment_id, shipment_id, amount_type,
    amount_description, component, is_tax, amount, currency, posted_at, posted_on, order_item_code,
    sku, quantity, row_hash, occurrence, import_file_id)
SELECT 'date_range', s.id, m.id, o.id, b.bucket, b.bucket, t.is_refund, t.type,
    md5(t.content || t.occurrence), t.order_id, '', '', a.name, a.name,
    CASE b.bucket WHEN 'buyer' THEN a.component ELSE '' END, b.bucket = 'buyer' AND a.is_tax,
    a.amount, t.currency, t.posted_at,
    (t.posted_at AT TIME ZONE COALESCE(m.time_zone, s.time_zone))::date, '', t.sku, t.quantity,
    md5(t.content || a.name), t.occurrence, %(file)s
FROM date_range_rows t
JOIN orders_seller s ON s.id = %(seller)s
LEFT JOIN orders_order o ON o.seller_id = s.id AND o.amazon_order_id = t.known_order
LEFT JOIN orders_marketplace m ON m.id = CASE WHEN t.known_order <> ''
    THEN COALESCE(t.place_id, o.marketplace_id) END
CROSS JOIN LATERAL (VALUES
        {_AMOUNTS}
    ) AS a (name, amount, bucket, component, is_tax)
CROSS JOIN LATERAL (SELECT CASE WHEN a.bucket = 'buyer' AND t.word <> 'order' AND NOT t.is_refund
    THEN 'account' ELSE a.bucket END AS bucket) b
WHERE a.amount <> 0 AND NOT EXISTS (
    SELECT FROM invoicing_moneyfact f WHERE f.seller_id = s.id AND f.source = 'date_range'
        AND f.settlement_id IS NULL AND f.row_hash = md5(t.content || a.name)
        AND f.occurrence = t.occurrence)
ORDER BY t.line, a.name
RETURNING telling
) SELECT count(DISTINCT telling) FROM made
"""


def prepare(batch: Batch) -> None:
    """Read dates and find each row's marketplace and currency."""
    batch.execute("DROP TABLE IF EXISTS date_range_moments")
    batch.execute(_PLACES.format(table=batch.table))
    batch.execute(_FIND_PLACE.format(table=batch.table))
    place = batch.marketplace
    chosen = {"currency": place.currency if place else None, "zone": place and place.time_zone}
    batch.execute(_ONLY_PLACE.format(table=batch.table), chosen)
    batch.execute(_MOMENTS)
    texts = batch.rows(f"SELECT DISTINCT date_time, zone FROM {batch.table}")
    for start in range(0, len(texts), 5000):
        found = [(text, zone, words.moment(text, zone)) for text, zone in texts[start:][:5000]]
        columns = [list(column) for column in zip(*found, strict=True)]
        batch.execute(
            "INSERT INTO date_range_moments"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])",
            columns,
        )
    batch.execute(
        f"UPDATE {batch.table} t SET posted_at = d.posted_at FROM date_range_moments d"
        " WHERE d.text = t.date_time AND d.zone = t.zone"
    )


def merge(batch: Batch) -> Counts:
    """Store the amounts of the rows; what counts is decided when money is matched."""
    batch.execute("DROP TABLE IF EXISTS date_range_rows, date_range_types")
    _say_types(batch)
    batch.execute(_ROWS.replace("%s", batch.table))
    _ensure_orders(batch)
    params = {"seller": batch.seller.pk, "file": batch.import_file.pk}
    return Counts(inserted=batch.rows(_FACTS, params)[0][0])


def _say_types(batch: Batch) -> None:
    batch.execute(_TYPES)
    for (word,) in batch.rows(f"SELECT DISTINCT type FROM {batch.table}"):
        plain, is_refund = words.meaning(word)
        batch.execute("INSERT INTO date_range_types VALUES (%s, %s, %s)", [word, plain, is_refund])
    unknown = batch.rows(
        f"SELECT DISTINCT t.type FROM {batch.table} t JOIN date_range_types y USING (type)"
        " WHERE NOT y.is_refund AND y.word <> 'order' AND coalesce(t.product_sales, 0) <> 0"
        " ORDER BY 1"
    )
    for (word,) in unknown:
        batch.note(f"{word} is new to Retour; its sales count as the account's money.")


def _ensure_orders(batch: Batch) -> None:
    rows = (
        "(SELECT DISTINCT known_order, place_id, sku, currency FROM date_range_rows"
        " WHERE known_order <> '')"
    )
    stubs.ensure_orders(
        batch, rows, order="known_order", marketplace="place_id", currency="currency"
    )
    stubs.ensure_lines(batch, rows, order="known_order", sku="sku")


REPORT = ReportType(
    name=NAME,
    title="Date range transactions",
    columns=COLUMNS,
    merge=merge,
    checks=CHECKS,
    prepare=prepare,
    implied_decimal=words.decimal_sign,
)
