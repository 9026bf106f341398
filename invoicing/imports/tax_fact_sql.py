"""From the staged rows of VIDR or SC_VAT_TAX to tax facts: the SQL both reports share.

A report says with `expressions` what each field of a fact is; netting of promotions, signs,
repeats, known rows and the order line are decided here, once. No meaning for documents here.
"""

from orders.imports.registry import Check, Column

ROWS, KNOWN = "tax_rows", "tax_known"
NAMED = (
    "(SELECT amazon_order_id AS named_order, marketplace_id, currency, sku, asin, order_item_code"
    f" FROM {ROWS})"
)
COMPONENTS = ("item", "shipping", "gift_wrap")
# One fact: what the unique constraint tax_fact_once says, without report and seller.
KEY = ("transaction_id", "transaction_type", "amazon_order_id", "sku", "order_item_code")
# Content of a row: the same row again, in another layout or encoding, is known by it.
CONTENT = (
    *KEY, "shipment_id", "asin", "quantity", "currency",
    *(f"{name}_{part}" for name in COMPONENTS for part in ("net", "tax", "rate")),
)  # fmt: skip
FIRST = (
    "marketplace_id", "title", "amazon_invoiced", "deemed_supplier", "export", "seller_tax_id",
    "buyer_tax_id", "ship_from_country", "ship_to_country", "citation", "ordered_at", "shipped_at",
)  # fmt: skip
# What a later report may say anew: Amazon's progress with the document.
LATER = (
    "status", "status_description", "invoice_number", "original_number", "corrected",
    "correction_details",
)  # fmt: skip
TYPES = {"SHIPMENT": "shipment", "RETURN": "return", "REFUND": "refund"}
ORDER_ID = "^[A-Z0-9]{3}-[0-9]{7}-[0-9]{7}$"
# D and R end the numbers of deemed supplies since 2025: country, year, 5 + 5 signs, letter.
DEEMED_NUMBER = "^[A-Z]{2}[0-9][0-9A-Z]{10}[DR]$"


def amounts(name: str, *, gross: str, tax: str, net: str, off: tuple[str, str, str]) -> str:
    """SQL of {name}_net and {name}_tax: the component less its promotion, negative going back.

    ``off`` are the promotion's gross, tax and net. Amazon writes promotions with either sign, so
    only their size counts. Gross and tax are what was paid and what Amazon owes to the office; the
    net is the difference.
    """
    off_gross, off_tax, off_net = off
    paid = f"abs(coalesce(t.{gross}, t.{net} + coalesce(t.{tax}, 0), 0))"
    less = f"abs(coalesce(t.{off_gross}, t.{off_net} + coalesce(t.{off_tax}, 0), 0))"
    taxed = f"abs(coalesce(t.{tax}, t.{gross} - t.{net}, 0))"
    less_tax = f"abs(coalesce(t.{off_tax}, t.{off_gross} - t.{off_net}, 0))"
    own_tax = f"k.sign * ({taxed} - {less_tax})"
    return f"k.sign * ({paid} - {less}) - {own_tax} AS {name}_net, {own_tax} AS {name}_tax"


def money_checks(columns: tuple[Column, ...], triples: list[tuple[str, str, str]]) -> tuple:
    """Checks on the amounts of a report: decimals of money, rates below 1, gross = net + tax.

    ``triples`` are the columns (gross, tax, net) that must add up, to five cents: Amazon rounds
    each unit.
    """
    money = [c for c in columns if c.kind == "decimal" and "rate" not in c.name]
    rates = [c for c in columns if c.kind == "decimal" and "rate" in c.name]
    field = {c.name: c.field for c in columns}
    return (
        *(Check(c.name, f"round(t.{c.field}, 2) <> t.{c.field} OR abs(t.{c.field}) >= 1e10",
                "is not an amount of money", "Check whether a spreadsheet changed the file.")
          for c in money),
        *(Check(c.name, f"t.{c.field} < 0 OR t.{c.field} >= 1", "is no rate",
                "Rates are fractions such as 0.19.") for c in rates),
        *(Check(tax, f"abs(abs(t.{field[gross]}) - abs(t.{field[net]}) - abs(t.{field[tax]}))"
                " > 0.05", "net and tax do not add up to the gross amount",
                "Download the report again; its cells may have moved.")
          for gross, tax, net in triples),
    )  # fmt: skip


def header_checks(order: str, kind: str, currency: str) -> tuple[Check, ...]:
    """Checks every tax report needs: order id, type of the row, currency, known marketplace."""
    known = ", ".join(f"'{word}'" for word in TYPES)
    return (
        Check(order, f"t.order_id <> '' AND t.order_id !~ '{ORDER_ID}'", "is no Amazon order id",
              "Download the report again; its cells may have moved."),
        Check(kind, f"t.transaction_type <> '' AND upper(t.transaction_type) NOT IN ({known})",
              "is no type of tax row known here", "Known are SHIPMENT, RETURN and REFUND."),
        Check(currency, "t.currency <> '' AND t.currency !~ '^[A-Z]{3}$'", "is no currency code",
              "Download the report again; its cells may have moved."),
        Check("marketplace-id", "t.marketplace_id <> '' AND t.marketplace_pk IS NULL",
              "this marketplace is not known here",
              "An admin adds the marketplace, then import the file again."),
        Check("marketplace-id", "t.marketplace_pk <> t.asked_pk",
              "the line is of another marketplace than asked for",
              "Leave the marketplace empty: the file names it line by line."),
    )  # fmt: skip


PREPARE = (
    "ALTER TABLE {table} ADD COLUMN marketplace_pk bigint, ADD COLUMN asked_pk bigint",
    """UPDATE {table} t SET asked_pk = %(asked)s, marketplace_pk = m.id FROM orders_marketplace m
    WHERE lower(t.marketplace_id)
        IN (lower(m.amazon_id), lower(m.code), lower(m.country), lower(m.name))""",
)

_STATUS_RANK = """CASE WHEN {0}.status = '' THEN 0
    WHEN {0}.status ILIKE '%%pending' AND {0}.status_description = '' THEN 1
    WHEN {0}.status ILIKE '%%processing' THEN 2 WHEN {0}.status ILIKE '%%pending' THEN 3 ELSE 4 END
"""


def rows(table: str, expressions: dict[str, str], *, repeats: bool) -> str:
    """SQL that fills ``tax_rows`` from the staging table: one row a fact, with hash and occurrence.

    ``expressions`` map fields of a fact to SQL over ``t`` (the staged row) and ``k`` (its type and
    sign); keys that start with "amounts" hold whole `amounts`. ``repeats``: equal rows of a key
    are one fact said twice; without it they are several lines of one SKU.
    """
    named = ", ".join(
        sql if name.startswith("amounts") else f"{sql} AS {name}"
        for name, sql in expressions.items()
    )
    hashed = ", ".join(
        f"trim_scale(f.{name})" if name.endswith(("_net", "_tax", "_rate")) else f"f.{name}"
        for name in CONTENT
    )
    kinds = " ".join(f"WHEN '{word}' THEN '{kind}'" for word, kind in TYPES.items())
    once = "fact_hash" if repeats else "line"
    return f"""
CREATE TEMP TABLE {ROWS} ON COMMIT DROP AS
WITH fact AS (
    SELECT t.line, {named}
    FROM {table} t, LATERAL (SELECT CASE upper(t.transaction_type) {kinds} END AS kind,
        CASE upper(t.transaction_type) WHEN 'SHIPMENT' THEN 1 ELSE -1 END AS sign) AS k
), hashed AS (
    SELECT f.*, md5(concat_ws(chr(31), {hashed})) AS fact_hash FROM fact f
), once AS (
    SELECT DISTINCT ON ({", ".join(KEY)}, {once}) h.* FROM hashed h
    ORDER BY {", ".join(KEY)}, {once}, {_STATUS_RANK.format("h")} DESC, status_description DESC,
        line
)
SELECT o.*, {_STATUS_RANK.format("o")} AS status_rank,
    row_number() OVER (PARTITION BY {", ".join(KEY)} ORDER BY quantity, item_net, item_tax, line)
        - 1 AS occurrence
FROM once o"""


# Rows that are known already; an occurrence with other content than ours is meant by its content.
KNOWN_ROWS = f"""
CREATE TEMP TABLE {KNOWN} ON COMMIT DROP AS
SELECT t.line, f.id, f.row_hash <> t.fact_hash AS differs
FROM {ROWS} t JOIN invoicing_taxfact f ON f.report = %(report)s AND f.seller_id = %(seller)s
    AND f.occurrence = t.occurrence
    AND {" AND ".join(f"f.{name} = t.{name}" for name in KEY)}
"""
_FIELDS = (*(name for name in CONTENT), *FIRST, *LATER)
INSERT = f"""
INSERT INTO invoicing_taxfact (report, seller_id, order_id, row_hash, occurrence, import_file_id,
    {", ".join(_FIELDS)})
SELECT %(report)s, %(seller)s, o.id, t.fact_hash, t.occurrence, %(file)s,
    {", ".join(f"t.{name}" for name in _FIELDS)}
FROM {ROWS} t
JOIN orders_order o ON o.seller_id = %(seller)s AND o.amazon_order_id = t.amazon_order_id
WHERE NOT EXISTS (SELECT FROM {KNOWN} k WHERE k.line = t.line) ORDER BY t.line
"""
_FURTHER = (
    f"(t.status_rank, t.status_description) > ({_STATUS_RANK.format('f')}, f.status_description)"
)
# Of two reports the one further along wins, so that it does not matter which came first.
UPDATE = f"""
UPDATE invoicing_taxfact f SET
    status = CASE WHEN {_FURTHER} THEN t.status ELSE f.status END,
    status_description = CASE WHEN {_FURTHER} THEN t.status_description
        ELSE f.status_description END,
    invoice_number = greatest(f.invoice_number, t.invoice_number),
    original_number = greatest(f.original_number, t.original_number),
    corrected = f.corrected OR t.corrected,
    deemed_supplier = f.deemed_supplier OR t.deemed_supplier,
    amazon_invoiced = coalesce(f.amazon_invoiced OR t.amazon_invoiced, f.amazon_invoiced,
        t.amazon_invoiced),
    correction_details = greatest(f.correction_details, t.correction_details)
FROM {ROWS} t JOIN {KNOWN} k ON k.line = t.line
WHERE f.id = k.id AND ({_FURTHER} OR f.invoice_number < t.invoice_number
    OR f.original_number < t.original_number OR (t.corrected AND NOT f.corrected)
    OR (t.deemed_supplier AND NOT f.deemed_supplier)
    OR (t.amazon_invoiced AND f.amazon_invoiced IS NOT TRUE)
    OR (t.amazon_invoiced IS NOT NULL AND f.amazon_invoiced IS NULL)
    OR f.correction_details < t.correction_details)
"""
SHIPMENTS = f"""
INSERT INTO orders_shipment AS known
    (order_id, amazon_shipment_id, shipped_at, carrier, tracking, import_file_id, row_hash)
SELECT o.id, t.shipment_id, min(t.shipped_at), '', '', %(file)s, ''
FROM {ROWS} t JOIN orders_order o ON o.seller_id = %(seller)s
    AND o.amazon_order_id = t.amazon_order_id
WHERE t.shipment_id <> '' AND t.shipped_at IS NOT NULL AND t.transaction_type = 'shipment'
GROUP BY o.id, t.shipment_id ORDER BY 1, 2
ON CONFLICT (order_id, amazon_shipment_id) DO UPDATE SET shipped_at = EXCLUDED.shipped_at
WHERE known.shipped_at IS NULL OR known.shipped_at > EXCLUDED.shipped_at
"""
# The line of a fact: by its code, else the only line of its SKU; recomputed, so that it does not
# matter which report came first. Facts that stand in a document keep the line they have there.
TIE_LINES = """
UPDATE invoicing_taxfact f SET order_line_id = x.line_id
FROM (
    SELECT a.id, coalesce(by_code.id, by_sku.id) AS line_id
    FROM invoicing_taxfact a
    LEFT JOIN orders_orderline by_code ON a.order_item_code <> ''
        AND by_code.order_id = a.order_id AND by_code.order_item_id = a.order_item_code
    LEFT JOIN LATERAL (
        SELECT min(l.id) AS id FROM orders_orderline l
        WHERE l.order_id = a.order_id AND l.sku = a.sku HAVING count(*) = 1
    ) AS by_sku ON true
    WHERE a.seller_id = %(seller)s AND a.document_id IS NULL AND (a.order_line_id IS NULL
        OR a.import_file_id = %(file)s OR EXISTS (SELECT FROM orders_orderline l
            WHERE l.order_id = a.order_id AND l.import_file_id = %(file)s))
) x
WHERE f.id = x.id AND f.order_line_id IS DISTINCT FROM x.line_id
"""
