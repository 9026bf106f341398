"""The promises of money facts, each recomputed by one query: one money counts once."""

from config.core.invariants import Promise, register

# An echo names a row that counts, of the same order, in a source that is no lesser one.
ECHOES = """
    SELECT f.id, f.source, f.bucket, f.echo_of_id, e.bucket AS told_by
    FROM invoicing_moneyfact f LEFT JOIN invoicing_moneyfact e ON e.id = f.echo_of_id
    WHERE (f.bucket = 'echo') <> (f.echo_of_id IS NOT NULL)
       OR f.bucket = 'echo' AND (e.bucket = 'echo' OR e.order_id IS DISTINCT FROM f.order_id
          OR f.source = 'settlement' OR f.told IN ('', 'echo')
          OR array_position(ARRAY['date_range', 'finances', 'settlement'], e.source::text)
             < array_position(ARRAY['date_range', 'finances', 'settlement'], f.source::text))
"""

# Two sources that both count may not tell of the same id, SKU and second, nor, where one knows no
# id, of the same amounts then, unless the better one has its echo (the lesser tells of more).
# Sources stand in the alphabet as they count, the lesser first.
ONE_MONEY = """
    WITH piece AS (
        SELECT order_id, currency, source, adjustment_id, sku,
            date_trunc('second', posted_at) AS at, sum(amount) AS gross
        FROM invoicing_moneyfact
        WHERE is_refund AND bucket = 'buyer' AND order_id IN (
            SELECT order_id FROM invoicing_moneyfact WHERE source <> 'settlement')
        GROUP BY 1, 2, 3, 4, 5, 6
    )
    SELECT a.order_id, a.sku, a.at, a.source, b.source AS also
    FROM piece a JOIN piece b USING (order_id, currency, sku, at)
    WHERE a.source < b.source AND (a.adjustment_id = b.adjustment_id AND a.adjustment_id <> ''
        OR (a.adjustment_id = '' OR b.adjustment_id = '') AND a.gross = b.gross)
      AND NOT EXISTS (
        SELECT FROM invoicing_moneyfact e JOIN invoicing_moneyfact c ON c.id = e.echo_of_id
        WHERE e.order_id = a.order_id AND e.source = a.source AND c.source = b.source
          AND c.sku = b.sku AND date_trunc('second', c.posted_at) = b.at)
"""

# What a person said stays with its reason.
SAID = """
    SELECT f.id, f.assigned_reason FROM invoicing_moneyfact f
    WHERE (f.assigned_by_id IS NULL) <> (f.assigned_reason = '')
       OR (f.assigned_by_id IS NULL) <> (f.assigned_at IS NULL)
"""

register(
    Promise("echoes_count_nothing", "Money that several sources tell counts in the best of them; "
            "the others name the row that counts.", ECHOES),
    Promise("one_money", "No refund's money counts in two sources.", ONE_MONEY),
    Promise("assigned_by_somebody", "Money whose meaning a person said keeps who, when and why.",
            SAID),
)  # fmt: skip
