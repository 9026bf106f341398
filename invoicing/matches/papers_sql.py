"""The SQL of papers beside a refund: fees billed with a credit note, the invoices of its order.

Only text lives here, CTEs over ``candidate``; what they are held against is in ``sql.py``.
"""

FEES = """
fee AS (
    SELECT f.corrects_id, sum(f.gross) AS gross, sum(f.tax) AS tax FROM invoicing_document f
    WHERE f.occasion = 'fee' AND f.kind = 'invoice' AND f.corrects_id IS NOT NULL GROUP BY 1
)"""
# What of an order is on record: the invoices that credits refer to (the latest of each supply, as
# in ``standing.current``), what all charged, and what its credit notes took back up to each.
INVOICES = """
paper AS (
    SELECT id, order_id, shipment_id, revision, gross, kind = 'credit_note' AS is_credit,
        occasion = 'reversal' AS is_reversal, occasion IN ('supply', 'correction') AS is_sale
    FROM invoicing_document
    WHERE state <> 'draft' AND order_id IN (SELECT order_id FROM candidate)
), invoice AS (
    SELECT order_id, jsonb_agg(id ORDER BY id) FILTER (WHERE place = 1) AS ids, sum(gross) AS gross
    FROM (SELECT *, row_number() OVER (
        PARTITION BY order_id, shipment_id ORDER BY revision DESC) AS place
        FROM paper WHERE is_sale AND NOT is_credit) sale
    GROUP BY order_id
), credit AS (
    SELECT id, sum(CASE WHEN is_credit THEN gross ELSE -gross END) OVER (
        PARTITION BY order_id ORDER BY id) AS gross
    FROM paper WHERE is_credit OR is_reversal
)"""
