"""The SQL of the cost report: every cost is an event of a day, a line and a currency. Only text.

An event knows its RMA line where it has one; money without a case counts under what its order says.
"""

# Costs positive, what comes back negative; VAT is no cost and stands apart.
COSTS = (
    "goods", "freight", "goodwill", "kept", "label", "labour", "processing", "fx", "difference",
    "reimbursed",
)  # fmt: skip
HANDLING = ("label", "labour", "processing", "fx", "difference", "reimbursed")
_DIMENSIONS = ("month", "seller", "marketplace", "fulfilment", "site", "cause", "liability")
# A refund of Amazon's names no case: it is of the line's newest, as its fees are.
_LEDGER = """
    SELECT CASE l.account WHEN 'buyer_refunds' THEN 'goods' WHEN 'restocking' THEN 'kept'
            WHEN 'return_freight' THEN 'kept' ELSE l.account END AS cost,
        l.amount, 0 AS units, j.currency, j.posted_on AS day, j.seller_id, j.marketplace_id,
        r.order_id, COALESCE(x.id, y.id) AS line_id
    FROM invoicing_journal j
    JOIN invoicing_journalline l ON l.journal_id = j.id
    JOIN invoicing_refund r ON r.id = j.refund_id
    LEFT JOIN returns_rma a ON a.number = r.origin
    LEFT JOIN LATERAL (
        SELECT id FROM returns_rmaline WHERE order_line_id = l.order_line_id
          AND (rma_id = a.id OR a.id IS NULL AND r.source = 'amazon')
        ORDER BY rma_id DESC, position LIMIT 1
    ) x ON true
    LEFT JOIN LATERAL (
        SELECT id FROM returns_rmaline WHERE rma_id = a.id ORDER BY position LIMIT 1
    ) y ON true
    WHERE l.account IN ('buyer_refunds', 'freight', 'goodwill', 'restocking', 'return_freight',
            'difference', 'fx', 'vat')
      AND j.posted_on BETWEEN %(from)s AND %(to)s
"""
# Fees of the rows that refund something; commission that Amazon gives back makes them less.
_FEES = """
    SELECT 'processing', -f.amount, 0, f.currency, f.posted_on, f.seller_id, f.marketplace_id,
        f.order_id, x.id
    FROM invoicing_moneyfact f
    LEFT JOIN LATERAL (
        SELECT id FROM returns_rmaline WHERE order_line_id = f.order_line_id
        ORDER BY id DESC LIMIT 1
    ) x ON true
    WHERE f.bucket = 'fee' AND f.is_refund AND f.posted_on BETWEEN %(from)s AND %(to)s
"""
# A label belongs to a parcel, which may hold several lines: it counts under the first.
_LABELS = """
    SELECT 'label', p.label_cost, 0, a.currency, d.day, a.seller_id, a.marketplace_id,
        o.order_id, l.id
    FROM returns_parcel p
    JOIN returns_rma a ON a.id = p.rma_id
    LEFT JOIN orders_marketplace m ON m.id = a.marketplace_id
    CROSS JOIN LATERAL (SELECT (COALESCE(p.shipped_at, p.created_at)
        AT TIME ZONE COALESCE(m.time_zone, 'UTC'))::date AS day) d
    LEFT JOIN LATERAL (
        SELECT id, order_line_id FROM returns_rmaline WHERE rma_id = a.id ORDER BY position LIMIT 1
    ) l ON true
    LEFT JOIN orders_orderline o ON o.id = l.order_line_id
    WHERE p.label_payer = 'seller' AND p.label_cost <> 0 AND d.day BETWEEN %(from)s AND %(to)s
"""
_LABOUR = """
    SELECT 'labour', COALESCE(c.rate, 0) * i.quantity, i.quantity, a.currency, d.day, a.seller_id,
        a.marketplace_id, o.order_id, i.line_id
    FROM returns_inspection i
    JOIN returns_rma a ON a.id = i.rma_id
    JOIN returns_rmaline l ON l.id = i.line_id
    JOIN orders_orderline o ON o.id = l.order_line_id
    LEFT JOIN orders_marketplace m ON m.id = a.marketplace_id
    CROSS JOIN LATERAL (
        SELECT (i.at AT TIME ZONE COALESCE(m.time_zone, 'UTC'))::date AS day
    ) d
    LEFT JOIN unnest(%(codes)s::text[], %(rates)s::numeric[]) AS c(code, rate)
        ON c.code = a.currency
    WHERE d.day BETWEEN %(from)s AND %(to)s
"""
_REIMBURSED = """
    SELECT 'reimbursed', -n.safet_reimbursement, 0, o.currency, d.day, o.seller_id,
        o.marketplace_id, o.id, l.id
    FROM orders_amazonreturn n
    JOIN orders_order o ON o.id = n.order_id
    CROSS JOIN LATERAL (SELECT COALESCE(n.safet_created_on, n.requested_on) AS day) d
    LEFT JOIN returns_rmaline l ON l.amazon_return_id = n.id
    WHERE n.safet_reimbursement <> 0 AND d.day BETWEEN %(from)s AND %(to)s
"""
_EVENTS = " UNION ALL ".join((_LEDGER, _FEES, _LABELS, _LABOUR, _REIMBURSED))


def _sum(cost: str) -> str:
    return f"COALESCE(sum(e.amount) FILTER (WHERE e.cost = '{cost}'), 0) AS {cost}"


def _all(costs: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{cost}'" for cost in costs)
    return f"COALESCE(sum(e.amount) FILTER (WHERE e.cost IN ({listed})), 0)"


# The site is where somebody received the line's goods, as named then; else the centre that Amazon
# names; else Amazon, or the seller for goods it sends itself.
ROWS = f"""
WITH event AS ({_EVENTS}), placed AS (
    SELECT to_char(e.day, 'YYYY-MM') AS month, s.code AS seller,
        COALESCE(m.name, '') AS marketplace, COALESCE(o.channel, '') AS fulfilment,
        COALESCE(w.site, NULLIF(n.fulfilment_center, ''),
            CASE o.channel WHEN 'AFN' THEN 'Amazon' ELSE s.code END) AS site,
        COALESCE(NULLIF(l.reason_code, ''), '') AS cause,
        COALESCE(l.liability, 'undecided') AS liability, e.currency, e.cost, e.amount, e.units,
        l.rma_id
    FROM event e
    JOIN orders_seller s ON s.id = e.seller_id
    LEFT JOIN orders_marketplace m ON m.id = e.marketplace_id
    LEFT JOIN orders_order o ON o.id = e.order_id
    LEFT JOIN returns_rmaline l ON l.id = e.line_id
    LEFT JOIN orders_amazonreturn n ON n.id = l.amazon_return_id
    LEFT JOIN LATERAL (
        SELECT site FROM returns_receipt WHERE line_id = l.id AND site <> ''
        ORDER BY id DESC LIMIT 1
    ) w ON true
    WHERE (%(seller)s::bigint IS NULL OR e.seller_id = %(seller)s)
      AND (%(marketplace)s::bigint IS NULL OR e.marketplace_id = %(marketplace)s)
)
SELECT {", ".join(f"e.{name}" for name in _DIMENSIONS)}, e.currency, e.{{dimension}} AS dimension,
    count(DISTINCT e.rma_id) AS cases, sum(e.units) AS units,
    {", ".join(map(_sum, COSTS))},
    {_all(HANDLING)} AS handling, {_all(COSTS)} AS total, {_sum("vat")}
FROM placed e
GROUP BY {", ".join(f"e.{name}" for name in _DIMENSIONS)}, e.currency
"""
TABLE = f"CREATE TEMP TABLE cost_report ON COMMIT DROP AS {ROWS}"
_MONEY = (*COSTS, "handling", "total", "vat")
TOTALS = f"""
SELECT currency, dimension, sum(units) AS units,
    {", ".join(f"sum({name}) AS {name}" for name in _MONEY)}
FROM cost_report GROUP BY 1, 2 ORDER BY 1, 2
"""
# The same rows for a page: no table, one sum a currency, dimension and kind of cost.
SUMMED = f"""
WITH cost_report AS ({ROWS})
SELECT currency, dimension, {", ".join(f"sum({name}) AS {name}" for name in COSTS)}
FROM cost_report GROUP BY 1, 2
HAVING sum(total) <> 0 ORDER BY 1, sum(total) DESC, 2
"""
