"""The SQL of what changes after money was read: lines that became known, refunds of Amazon's that
it now tells otherwise. Only text; when it runs is in ``matching.py``.
"""

from invoicing.matching_sql import GROUP_KEY

# Facts without a refund, and the marketplace or the line that an import has made known since.
HEAL_MARKETPLACE = """
UPDATE invoicing_moneyfact f
SET marketplace_id = o.marketplace_id, posted_on = (f.posted_at AT TIME ZONE m.time_zone)::date
FROM orders_order o JOIN orders_marketplace m ON m.id = o.marketplace_id
WHERE f.order_id = o.id AND f.marketplace_id IS NULL
  AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
"""
HEAL_LINE_BY_CODE = """
UPDATE invoicing_moneyfact f SET order_line_id = l.id FROM orders_orderline l
WHERE f.order_line_id IS NULL AND f.order_item_code <> '' AND l.confirmed
  AND l.order_id = f.order_id AND l.order_item_id = f.order_item_code
  AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
"""
# A later import can make doubtful what was certain; untied money then waits for a person.
HEAL_DOUBT = """
UPDATE invoicing_moneyfact f SET order_line_id = NULL FROM orders_orderline l
WHERE f.is_refund AND f.bucket = 'buyer' AND f.refund_id IS NULL AND f.order_item_code <> ''
  AND l.id = f.order_line_id AND l.order_item_id IS DISTINCT FROM f.order_item_code
  AND f.assigned_by_id IS NULL
  AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
"""
# Without a code a SKU is enough only where a complete order names it once.
HEAL_LINE_BY_SKU = """
WITH waiting AS (
    SELECT f.id, f.order_id, f.sku FROM invoicing_moneyfact f
    JOIN orders_order o ON o.id = f.order_id AND o.facts_complete
    WHERE f.is_refund AND f.bucket = 'buyer' AND f.order_line_id IS NULL
      AND f.order_item_code = '' AND f.sku <> ''
      AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
), only_one AS (
    SELECT order_id, sku, min(id) AS id FROM orders_orderline
    WHERE order_id IN (SELECT order_id FROM waiting)
    GROUP BY order_id, sku HAVING count(*) = 1
)
UPDATE invoicing_moneyfact f SET order_line_id = only_one.id
FROM waiting JOIN only_one USING (order_id, sku) WHERE f.id = waiting.id
"""
# Without either, the money of an order of one line can only mean that line.
HEAL_ONLY_LINE = """
UPDATE invoicing_moneyfact f SET order_line_id = l.id
FROM orders_order o CROSS JOIN LATERAL (
    SELECT min(x.id) AS id FROM orders_orderline x WHERE x.order_id = o.id HAVING count(*) = 1
) l
WHERE o.id = f.order_id AND o.facts_complete AND f.is_refund AND f.bucket = 'buyer'
  AND f.refund_id IS NULL AND f.order_line_id IS NULL AND f.order_item_code = '' AND f.sku = ''
  AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
"""

# Refunds made of Amazon's rows of which Amazon now tells another amount (a better source, more
# rows) or divides them otherwise. They give way to new ones; where nothing is left it came back.
REPLACED = f"""
SELECT r.id, COALESCE(-sum(f.amount), 0) <> 0 AS is_due FROM invoicing_refund r
LEFT JOIN invoicing_moneyfact f ON f.refund_id = r.id
WHERE (f.id IS NOT NULL OR r.id = ANY(%(moved)s)) AND r.source = 'amazon'
  AND r.state = 'confirmed' AND r.order_id = ANY(%(orders)s)
GROUP BY r.id HAVING -sum(f.amount) IS DISTINCT FROM r.gross OR count(DISTINCT {GROUP_KEY}) > 1
    OR EXISTS (
        SELECT FROM invoicing_moneyfact g JOIN invoicing_refund o ON o.id = g.refund_id
        WHERE g.order_id = r.order_id AND g.refund_id <> r.id AND g.currency = r.currency
          AND g.adjustment_id <> '' AND g.adjustment_id = max(f.adjustment_id)
          AND o.source = 'amazon' AND o.state = 'confirmed')
ORDER BY r.id
"""
REPLACE = """
UPDATE invoicing_refund SET state = 'reversed', amazon_refund_id = '', version = version + 1,
    note = 'Amazon tells it otherwise since: see the other refunds of the order.'
WHERE id = ANY(%(replaced)s)
"""
UNTIE = "UPDATE invoicing_moneyfact SET refund_id = NULL WHERE refund_id = ANY(%(due)s)"
# What a person says of money that waits.
ASSIGN = """
UPDATE invoicing_moneyfact SET order_line_id = COALESCE(%(line)s, order_line_id),
    refund_id = %(refund)s, assigned_by_id = %(by)s, assigned_at = now(),
    assigned_reason = %(reason)s
WHERE id = ANY(%(facts)s)
"""
