"""The SQL of the opening balance: rows to invoices, refunds and credit notes, in sets.

Only text lives here; the file's columns and the order of steps are in ``opening_balance.py``.
"""

PREPARE = (
    """ALTER TABLE {table} ADD COLUMN marketplace_pk bigint,
        ADD COLUMN differs boolean DEFAULT false""",
    """UPDATE {table} t SET marketplace_pk = m.id FROM orders_marketplace m
    WHERE t.marketplace <> '' AND lower(t.marketplace) IN (lower(m.code), lower(m.name))""",
    """UPDATE {table} t SET differs = true FROM (
        SELECT kind, number FROM {table} WHERE number <> ''
        GROUP BY kind, number HAVING count(DISTINCT (order_id, date, currency)) > 1
    ) x WHERE x.kind = t.kind AND x.number = t.number""",
)
DROP = "DROP TABLE IF EXISTS opening_row, opening_document, opening_refund"
# One row of the file with its order and its line: by item id, else the only line of the SKU.
ROWS = """
CREATE TEMP TABLE opening_row ON COMMIT DROP AS
SELECT t.line, t.kind, t.number, t.date, t.component, COALESCE(t.quantity, 0) AS quantity, t.net,
    t.tax, t.currency, o.id AS order_id, o.amazon_order_id, o.marketplace_id, t.sku AS given_sku,
    COALESCE(t.rate, CASE WHEN t.net <> 0 THEN round(t.tax / t.net, 4) ELSE 0 END) AS rate,
    COALESCE(by_code.id, by_sku.id) AS order_line_id,
    CASE WHEN t.kind = 'refund'
        THEN left('opening:' || COALESCE(NULLIF(t.number, ''), t.date::text), 60) END AS origin
FROM {table} t
JOIN orders_order o ON o.seller_id = %(seller)s AND o.amazon_order_id = t.order_id
LEFT JOIN orders_orderline by_code ON by_code.order_id = o.id AND t.order_item_id <> ''
    AND by_code.order_item_id = t.order_item_id
LEFT JOIN (
    SELECT order_id, sku, min(id) AS id FROM orders_orderline GROUP BY order_id, sku
    HAVING count(*) = 1
) by_sku ON by_sku.order_id = o.id AND t.order_item_id = '' AND by_sku.sku = t.sku;

CREATE TEMP TABLE opening_document ON COMMIT DROP AS
SELECT CASE kind WHEN 'invoice' THEN 'invoice' ELSE 'credit_note' END AS kind, number,
    order_id, date, currency, sum(net) AS net, sum(tax) AS tax, min(line) AS line,
    NULL::bigint AS known_id
FROM opening_row WHERE number <> '' GROUP BY 1, 2, 3, 4, 5;
UPDATE opening_document o SET known_id = d.id FROM invoicing_document d
WHERE d.seller_id = %(seller)s AND d.number = o.number;

CREATE TEMP TABLE opening_refund ON COMMIT DROP AS
SELECT origin, number, order_id, date, currency, sum(net) AS net, sum(tax) AS tax,
    min(line) AS line, array_agg(DISTINCT order_line_id ORDER BY order_line_id) AS lines,
    NULL::bigint AS refund_id, false AS is_known
FROM opening_row WHERE kind = 'refund' GROUP BY 1, 2, 3, 4, 5;
UPDATE opening_refund o SET refund_id = r.id, is_known = true FROM invoicing_refund r
WHERE r.order_id = o.order_id AND r.source = 'opening' AND r.origin = o.origin;
UPDATE opening_refund o SET refund_id = r.id, is_known = true
FROM (
    SELECT r.id, r.order_id, r.currency, r.gross, r.sent_on,
        array_agg(DISTINCT l.order_line_id ORDER BY l.order_line_id) AS lines
    FROM invoicing_refund r JOIN invoicing_refundline l ON l.refund_id = r.id
    WHERE r.source = 'amazon' AND r.state = 'confirmed'
      AND r.order_id IN (SELECT order_id FROM opening_refund)
    GROUP BY r.id
) r
WHERE o.refund_id IS NULL AND r.order_id = o.order_id AND r.currency = o.currency
  AND r.gross = o.net + o.tax AND r.lines = o.lines AND abs(r.sent_on - o.date) <= 3
  AND NOT EXISTS (
    SELECT FROM invoicing_refund other WHERE other.order_id = o.order_id AND other.source = 'amazon'
      AND other.gross = r.gross AND other.id < r.id AND abs(other.sent_on - o.date) <= 3)
"""
UNPLACED = """
SELECT line, CASE WHEN marketplace_id IS NULL THEN 'marketplace' ELSE 'sku' END,
    CASE WHEN marketplace_id IS NULL THEN '' ELSE given_sku END,
    CASE WHEN marketplace_id IS NULL THEN 'the marketplace of order ' || amazon_order_id
            || ' is not known'
        ELSE 'no certain line of order ' || amazon_order_id END,
    CASE WHEN marketplace_id IS NULL THEN 'Name the marketplace, or import the order first.'
        ELSE 'Name the SKU and, where it stands twice in the order, the order-item-id.' END
FROM opening_row WHERE marketplace_id IS NULL OR order_line_id IS NULL ORDER BY line LIMIT 1000
"""
CONTRADICTIONS = """
SELECT o.line, 'number', o.number, 'this number is on record with other amounts or another order',
    'Compare the document with the one in Retour.'
FROM opening_document o JOIN invoicing_document d ON d.id = o.known_id
WHERE (d.kind, d.order_id, d.currency, d.net, d.tax, d.issue_date)
    IS DISTINCT FROM (o.kind, o.order_id, o.currency, o.net, o.tax, o.date)
UNION ALL
SELECT o.line, 'number', o.number, 'the order has another invoice on record: ' || d.number,
    'An order has one invoice; leave these lines out.'
FROM opening_document o JOIN invoicing_document d ON d.order_id = o.order_id
WHERE o.kind = 'invoice' AND d.kind = 'invoice' AND o.known_id IS NULL
UNION ALL
SELECT o.line, 'number', o.number, 'two invoices of one order',
    'An order has one invoice; add the amounts up.'
FROM opening_document o WHERE o.kind = 'invoice' AND EXISTS (
    SELECT FROM opening_document x
    WHERE x.kind = 'invoice' AND x.order_id = o.order_id AND x.number < o.number)
UNION ALL
SELECT o.line, 'net', (o.net + o.tax)::text, 'the refund is not above zero',
    'Leave refunds without money out.'
FROM opening_refund o WHERE o.net + o.tax <= 0
UNION ALL
SELECT o.line, 'net', (o.net + o.tax)::text, 'this refund is on record with another amount',
    'Compare it with the one in Retour.'
FROM opening_refund o JOIN invoicing_refund r ON r.id = o.refund_id AND r.source = 'opening'
WHERE (r.net, r.tax, r.currency) IS DISTINCT FROM (o.net, o.tax, o.currency)
ORDER BY 1 LIMIT 1000
"""
COUNT_NEW = """
SELECT count(*) FROM opening_row w WHERE EXISTS (
    SELECT FROM opening_document o WHERE w.number = o.number AND o.known_id IS NULL
      AND o.kind = CASE w.kind WHEN 'invoice' THEN 'invoice' ELSE 'credit_note' END
) OR EXISTS (
    SELECT FROM opening_refund r WHERE r.origin = w.origin AND r.order_id = w.order_id
      AND NOT r.is_known)
"""
_DOCUMENTS = """
INSERT INTO invoicing_document (kind, issuer, state, seller_id, marketplace_id, order_id, buyer_id,
    number, issue_date, tax_point, currency, language, corrects_id, origin, net, tax, gross,
    payload_sha256, previous_hash, chain_hash, findings, accepted, created_by_id, created_at,
    occasion, mode, shipment_id, whole_order, transaction_id, revision)
SELECT o.kind, 'earlier', 'draft', %(seller)s, r.marketplace_id, r.id, r.buyer_id, o.number,
    o.date, o.date, o.currency, COALESCE(b.language, m.language),
    CASE o.kind WHEN 'credit_note' THEN i.id END, 'order', o.net, o.tax, o.net + o.tax,
    '', '', '', '[]', '[]', %(by)s, now(),
    CASE o.kind WHEN 'invoice' THEN 'supply' ELSE 'refund' END,
    '', '', true, '', 0
FROM opening_document o JOIN orders_order r ON r.id = o.order_id
JOIN orders_marketplace m ON m.id = r.marketplace_id
LEFT JOIN orders_buyer b ON b.id = r.buyer_id
LEFT JOIN LATERAL (
    SELECT min(x.id) AS id FROM invoicing_document x WHERE x.order_id = r.id
      AND x.kind = 'invoice' AND x.occasion IN ('supply', 'correction') AND x.state <> 'draft'
) i ON true
WHERE o.known_id IS NULL AND o.kind = '{kind}' ORDER BY o.line
"""
_FOUND = """
UPDATE opening_document o SET known_id = -d.id FROM invoicing_document d
WHERE o.known_id IS NULL AND o.kind = '{kind}' AND d.seller_id = %(seller)s AND d.number = o.number
"""
_LINES = """
INSERT INTO invoicing_documentline (document_id, position, order_line_id, original_id, component,
    sku, description, quantity, net, tax, gross, rate, sentence, category)
SELECT -o.known_id, row_number() OVER (PARTITION BY o.known_id ORDER BY w.line), w.order_line_id,
    i.id, w.component, l.sku, COALESCE(NULLIF(l.title, ''), l.sku), w.quantity, w.net, w.tax,
    w.net + w.tax, w.rate, '', CASE WHEN w.rate > 0 THEN 'S' ELSE 'Z' END
FROM opening_document o JOIN opening_row w ON w.number = o.number AND w.order_id = o.order_id
    AND o.kind = CASE w.kind WHEN 'invoice' THEN 'invoice' ELSE 'credit_note' END
JOIN orders_orderline l ON l.id = w.order_line_id
LEFT JOIN invoicing_document c ON c.id = -o.known_id AND c.corrects_id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT min(x.id) AS id FROM invoicing_documentline x
    WHERE x.document_id = c.corrects_id AND x.order_line_id = w.order_line_id
      AND x.component = w.component
) i ON true
WHERE o.known_id < 0 AND o.kind = '{kind}' ORDER BY o.line, w.line
"""
_TAXES = """
INSERT INTO invoicing_documenttax (document_id, category, rate, base, tax)
SELECT -o.known_id, CASE WHEN w.rate > 0 THEN 'S' ELSE 'Z' END, w.rate, sum(w.net), sum(w.tax)
FROM opening_document o JOIN opening_row w ON w.number = o.number AND w.order_id = o.order_id
    AND o.kind = CASE w.kind WHEN 'invoice' THEN 'invoice' ELSE 'credit_note' END
WHERE o.known_id < 0 AND o.kind = '{kind}' GROUP BY o.known_id, w.rate
"""
_ISSUED = """
UPDATE invoicing_document d SET state = 'issued', numbered_at = now(), issued_at = now()
FROM opening_document o WHERE d.id = -o.known_id AND o.known_id < 0 AND o.kind = '{kind}'
"""
_REFUNDS = """
INSERT INTO invoicing_refund (key, source, lane, state, seller_id, marketplace_id, order_id, origin,
    currency, net, tax, gross, reason_code, calculation, content_hash, policy_version, needs_second,
    proposer_id, proposed_at, approved_hash, sent_at, sent_on, amazon_refund_id, confirmed_at,
    document_id, note, attempt, version, created_at)
SELECT gen_random_uuid(), 'opening', 'none', 'confirmed', %(seller)s, r.marketplace_id, r.id,
    o.origin, o.currency, o.net, o.tax, o.net + o.tax, 'OpeningBalance',
    '{{"source": "opening"}}', '', '', false, %(by)s, o.date + interval '12 hours', '',
    o.date + interval '12 hours', o.date, '', now(), abs(d.known_id), '', 1, 1, now()
FROM opening_refund o JOIN orders_order r ON r.id = o.order_id
LEFT JOIN opening_document d ON d.kind = 'credit_note' AND d.number = o.number
WHERE o.refund_id IS NULL ORDER BY o.line
"""
_REFUND_IDS = """
UPDATE opening_refund o SET refund_id = r.id FROM invoicing_refund r
WHERE o.refund_id IS NULL AND r.order_id = o.order_id AND r.source = 'opening'
  AND r.origin = o.origin
"""
_REFUND_LINES = """
INSERT INTO invoicing_refundline (refund_id, order_line_id, origin, component, quantity, net, tax,
    gross, rate, sentence, rule, live)
SELECT o.refund_id, w.order_line_id, o.origin || '/' || w.order_line_id, w.component,
    sum(w.quantity), sum(w.net), sum(w.tax), sum(w.net + w.tax), min(w.rate),
    'Refunded on ' || o.date || ', before Retour.', 'opening', true
FROM opening_refund o JOIN opening_row w ON w.origin = o.origin AND w.order_id = o.order_id
WHERE NOT o.is_known GROUP BY o.refund_id, o.origin, o.date, w.order_line_id, w.component
ORDER BY o.refund_id, w.order_line_id, w.component
"""
# A refund Retour knows from Amazon only lacks its document.
_ADOPT = """
UPDATE invoicing_refund r SET document_id = abs(d.known_id), version = r.version + 1
FROM opening_refund o JOIN opening_document d ON d.kind = 'credit_note' AND d.number = o.number
WHERE o.is_known AND r.id = o.refund_id AND r.document_id IS NULL
"""
_DOCUMENT_STEPS = (_DOCUMENTS, _FOUND, _LINES, _TAXES, _ISSUED)
STORE = (
    *(step.format(kind="invoice") for step in _DOCUMENT_STEPS),
    *(step.format(kind="credit_note") for step in _DOCUMENT_STEPS),
    _REFUNDS.replace("{{", "{").replace("}}", "}"),
    _REFUND_IDS,
    _REFUND_LINES,
    _ADOPT,
)
# Caps hold from the first day: what is live on a line is not above what the buyer paid.
ABOVE_PAID = """
SELECT w.line, 'net', w.net::text,
    'the refunds of ' || l.sku || ' in order ' || w.amazon_order_id || ' are above what was paid',
    'Check amounts and components against the order.'
FROM opening_row w JOIN orders_orderline l ON l.id = w.order_line_id
JOIN orders_order o ON o.id = w.order_id AND o.facts_complete
CROSS JOIN LATERAL (
    SELECT sum(net) AS net, sum(tax) AS tax FROM invoicing_refundline x
    WHERE x.order_line_id = l.id AND x.live AND CASE WHEN w.component IN ('shipping', 'gift_wrap')
        THEN x.component = w.component ELSE x.component NOT IN ('shipping', 'gift_wrap') END
) refunded
CROSS JOIN LATERAL (SELECT
    CASE w.component WHEN 'shipping' THEN l.shipping_net - l.shipping_promotion_net
        WHEN 'gift_wrap' THEN l.gift_wrap_net ELSE l.item_net - l.item_promotion_net END AS net,
    CASE w.component WHEN 'shipping' THEN l.shipping_tax - l.shipping_promotion_tax
        WHEN 'gift_wrap' THEN l.gift_wrap_tax ELSE l.item_tax - l.item_promotion_tax END AS tax
) paid
WHERE w.kind = 'refund' AND (refunded.net > paid.net OR refunded.tax > paid.tax)
ORDER BY w.line LIMIT 1000
"""
ABOVE_INVOICED = """
SELECT w.line, 'net', w.net::text,
    'the credits of ' || l.sku || ' in order ' || w.amazon_order_id || ' are above its invoice',
    'Check amounts and components against the invoice.'
FROM opening_row w JOIN orders_orderline l ON l.id = w.order_line_id
JOIN invoicing_document i ON i.order_id = w.order_id AND i.kind = 'invoice' AND i.state <> 'draft'
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(x.net + x.tax) FILTER (WHERE d.kind = 'invoice'), 0) AS invoiced,
        COALESCE(sum(x.net + x.tax) FILTER (WHERE d.kind = 'credit_note'), 0) AS credited
    FROM invoicing_documentline x JOIN invoicing_document d ON d.id = x.document_id
    WHERE x.order_line_id = l.id AND d.state <> 'draft'
) sums
WHERE w.kind = 'refund' AND w.number <> '' AND sums.credited > sums.invoiced
ORDER BY w.line LIMIT 1000
"""
