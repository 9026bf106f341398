"""The SQL of the refund settlement report: one SELECT, its columns, its totals.

A row is one refund, one VAT rate, one settlement and posting day. Amounts are what the buyer got
back (positive) in the row's currency. What Retour decided stands once, on the first row of the
refund and rate; further rows of it carry only Amazon's amount, so that every column can be summed
and Σ "Amazon amount" of a settlement is the buyer's refund money of that settlement. A transfer
by bank has none and no difference: its status says who paid.
"""

from invoicing.reports.kinds import Column

MATCHED, MISSING, ONLY_AMAZON, DIFFERS, PAID_BY_BANK = STATUSES = (
    "matched",
    "missing at Amazon",
    "seen only at Amazon",
    "amount differs",
    "paid by bank",
)

COLUMNS = (
    Column("amazon_order_id", "Order"),
    Column("po_number", "PO number"),
    Column("rma", "RMA", "word"),
    Column("buyer", "Buyer"),
    Column("seller", "Seller"),
    Column("marketplace", "Marketplace"),
    Column("refund", "Refund", "word"),
    Column("credit_note", "Credit note"),
    Column("item", "Item", "money"),
    Column("shipping", "Shipping", "money"),
    Column("gift_wrap", "Gift wrap", "money"),
    Column("restocking_fee", "Restocking fee", "money"),
    Column("return_freight", "Return freight", "money"),
    Column("goodwill", "Goodwill", "money"),
    Column("net", "Net", "money"),
    Column("vat_rate", "VAT rate", "rate"),
    Column("vat", "VAT", "money"),
    Column("gross", "Gross", "money"),
    Column("currency", "Currency"),
    Column("settlement", "Settlement"),
    Column("settlement_date", "Settlement date", "date"),
    Column("posted_on", "Posted date", "date"),
    Column("amazon_amount", "Amazon amount", "money"),
    Column("difference", "Difference", "money"),
    Column("status", "Status", "word"),
    Column("amazon_refund_id", "Amazon refund id"),
)
_COMPONENTS = ("item", "shipping", "gift_wrap", "restocking_fee", "return_freight", "goodwill")
_SUMS = ",\n        ".join(
    f"COALESCE(sum(gross) FILTER (WHERE component = '{name}'), 0) AS {name}" for name in _COMPONENTS
)
_PAPER = ", ".join(f"p.{name}" for name in (*_COMPONENTS, "net", "vat", "gross"))

# Money counts on the day it was posted in the marketplace's zone; a refund that no settlement
# shows yet counts on the day it was sent.
REPORT = f"""
CREATE TEMP TABLE settlement_report ON COMMIT DROP AS
WITH fact AS MATERIALIZED (
    SELECT id, refund_id, order_id, order_line_id, amazon_order_id, adjustment_id, posted_at,
        posted_on, settlement_id, seller_id, marketplace_id, currency, component, amount
    FROM invoicing_moneyfact
    WHERE is_refund AND bucket = 'buyer' AND posted_on BETWEEN %(from)s AND %(to)s
      AND (%(seller)s::bigint IS NULL OR seller_id = %(seller)s)
      AND (%(marketplace)s::bigint IS NULL OR marketplace_id = %(marketplace)s)
), tied AS MATERIALIZED (
    SELECT refund_id, min(posted_on) AS first_day, -sum(amount) AS amount
    FROM invoicing_moneyfact
    WHERE refund_id IN (SELECT refund_id FROM fact WHERE refund_id IS NOT NULL) GROUP BY refund_id
), missing AS (
    SELECT r.id FROM invoicing_refund r
    LEFT JOIN orders_marketplace m ON m.id = r.marketplace_id
    WHERE r.source = 'retour'
      AND (r.state IN ('sent', 'unknown') OR r.state = 'confirmed' AND r.lane = 'bank')
      AND COALESCE(r.sent_on, (r.sending_at AT TIME ZONE COALESCE(m.time_zone, 'UTC'))::date)
          BETWEEN %(from)s AND %(to)s
      AND (%(seller)s::bigint IS NULL OR r.seller_id = %(seller)s)
      AND (%(marketplace)s::bigint IS NULL OR r.marketplace_id = %(marketplace)s)
      AND NOT EXISTS (SELECT FROM invoicing_moneyfact f WHERE f.refund_id = r.id)
), line AS MATERIALIZED (
    SELECT refund_id, order_line_id, component, net, tax, gross, rate FROM invoicing_refundline
    WHERE refund_id IN (SELECT refund_id FROM tied UNION ALL SELECT id FROM missing)
), paper AS (
    SELECT refund_id, rate, 1::bigint AS place, {_SUMS},
        sum(net) AS net, sum(tax) AS vat, sum(gross) AS gross
    FROM line LEFT JOIN tied USING (refund_id)
    WHERE first_day IS NULL OR first_day >= %(from)s GROUP BY refund_id, rate
), component_rate AS (
    SELECT refund_id, order_line_id, component, min(rate) AS rate FROM line GROUP BY 1, 2, 3
), line_rate AS (
    SELECT refund_id, order_line_id, min(rate) AS rate FROM line GROUP BY 1, 2
), rated AS (
    SELECT f.*, COALESCE(c.rate, n.rate, CASE f.component WHEN 'shipping' THEN l.shipping_rate
        WHEN 'gift_wrap' THEN l.gift_wrap_rate ELSE l.item_rate END) AS rate
    FROM fact f LEFT JOIN component_rate c USING (refund_id, order_line_id, component)
    LEFT JOIN line_rate n USING (refund_id, order_line_id)
    LEFT JOIN orders_orderline l ON l.id = f.order_line_id
), money AS (
    SELECT *, row_number() OVER (
        PARTITION BY refund_id, rate ORDER BY posted_on, settlement_id) AS place
    FROM (
        SELECT refund_id, CASE WHEN refund_id IS NULL THEN adjustment_id END AS adjustment_id,
            order_id, amazon_order_id, seller_id, marketplace_id, currency, rate, settlement_id,
            posted_on, -sum(amount) AS amount
        FROM rated GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ) grouped
), joined AS (
    SELECT COALESCE(m.refund_id, p.refund_id) AS refund_id, COALESCE(m.rate, p.rate) AS rate,
        m.order_id, m.amazon_order_id, m.seller_id, m.marketplace_id, m.currency, m.settlement_id,
        m.posted_on, m.adjustment_id, COALESCE(m.amount, 0) AS amount, {_PAPER}
    FROM money m FULL JOIN paper p ON p.refund_id = m.refund_id AND p.place = m.place
        AND COALESCE(p.rate, -1) = COALESCE(m.rate, -1)
)
SELECT COALESCE(o.amazon_order_id, j.amazon_order_id) AS amazon_order_id,
    COALESCE(o.po_number, '') AS po_number,
    CASE WHEN r.origin LIKE 'RMA-%%' THEN r.origin ELSE '' END AS rma,
    COALESCE(b.legal_name, '') AS buyer, s.code AS seller, COALESCE(m.name, '') AS marketplace,
    COALESCE(r.key::text, '') AS refund, COALESCE(d.number, '') AS credit_note,
    {", ".join(f"j.{name}" for name in _COMPONENTS)},
    j.net, trim_scale(j.rate) AS vat_rate, j.vat, j.gross,
    COALESCE(r.currency, j.currency) AS currency,
    COALESCE(x.settlement_id, '') AS settlement,
    (x.deposited_at AT TIME ZONE s.time_zone)::date AS settlement_date, j.posted_on,
    j.amount AS amazon_amount,
    CASE WHEN w.by_bank THEN 0 ELSE j.amount - COALESCE(j.gross, 0) END AS difference,
    CASE WHEN r.id IS NULL OR r.source = 'amazon' THEN '{ONLY_AMAZON}'
        WHEN w.by_bank THEN '{PAID_BY_BANK}'
        WHEN t.refund_id IS NULL THEN '{MISSING}'
        WHEN t.amount = r.gross THEN '{MATCHED}' ELSE '{DIFFERS}' END AS status,
    COALESCE(NULLIF(r.amazon_refund_id, ''), j.adjustment_id, '') AS amazon_refund_id
FROM joined j
LEFT JOIN invoicing_refund r ON r.id = j.refund_id
LEFT JOIN tied t ON t.refund_id = j.refund_id
CROSS JOIN LATERAL (SELECT r.lane = 'bank' AND r.state <> 'unknown' AND t.refund_id IS NULL
    AS by_bank) w
LEFT JOIN orders_order o ON o.id = COALESCE(r.order_id, j.order_id)
LEFT JOIN orders_buyer b ON b.id = o.buyer_id
LEFT JOIN orders_seller s ON s.id = COALESCE(r.seller_id, j.seller_id)
LEFT JOIN orders_marketplace m ON m.id = COALESCE(j.marketplace_id, r.marketplace_id)
LEFT JOIN invoicing_document d ON d.id = r.document_id
LEFT JOIN invoicing_settlement x ON x.id = j.settlement_id
"""
ORDER = "currency, settlement, posted_on, amazon_order_id, refund, vat_rate, amazon_refund_id"
TOTAL_COLUMNS = (
    Column("currency", "Currency"),
    Column("vat_rate", "VAT rate", "rate"),
    Column("status", "Status"),
    Column("rows", "Rows", "count"),
    Column("net", "Net", "money"),
    Column("vat", "VAT", "money"),
    Column("gross", "Gross", "money"),
    Column("amazon_amount", "Amazon amount", "money"),
    Column("difference", "Difference", "money"),
)
TOTALS = """
SELECT currency, vat_rate, status, count(*) AS rows, COALESCE(sum(net), 0) AS net,
    COALESCE(sum(vat), 0) AS vat, COALESCE(sum(gross), 0) AS gross,
    sum(amazon_amount) AS amazon_amount, sum(difference) AS difference
FROM settlement_report GROUP BY 1, 2, 3 ORDER BY 1, 2 DESC NULLS LAST, 3
"""
