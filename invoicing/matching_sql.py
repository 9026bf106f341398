"""The SQL of matching: refund money of settlements against refunds, in sets.

Only text lives here; what the steps mean and in which order they run is in ``matching.py``. The
temporary tables last for one transaction. Amounts of facts are Amazon's (a refund is negative),
amounts of groups and refunds are what the buyer gets back (positive).
"""

from config.core.money import EXPONENTS
from invoicing import units

# Orders after the ones done before whose money is not tied yet, so many that one transaction stays
# small; NULL where that is all of them.
LAST = """
SELECT max(order_id) FROM (
    SELECT DISTINCT order_id FROM invoicing_moneyfact
    WHERE is_refund AND bucket = 'buyer' AND refund_id IS NULL AND order_id > %(after)s
      AND (%(sellers)s::bigint[] IS NULL OR seller_id = ANY(%(sellers)s))
    ORDER BY order_id LIMIT %(orders_at_once)s
) waiting HAVING count(*) = %(orders_at_once)s
"""
_PART = "> %(after)s AND {0} <= COALESCE(%(last)s::bigint, 9223372036854775807)"
# Orders whose money is not tied yet: refunds of Amazon's may be made on them.
ORDERS = f"""
SELECT DISTINCT order_id FROM invoicing_moneyfact
WHERE is_refund AND bucket = 'buyer' AND refund_id IS NULL
  AND order_id {_PART.format("order_id")}
  AND (%(sellers)s::bigint[] IS NULL OR seller_id = ANY(%(sellers)s))
UNION SELECT unnest(%(changed)s::bigint[])
"""
# Refunds a verb may be changing right now; new ones cannot reach these states without the lock.
_MAY_CHANGE = f"""
FROM invoicing_refund r
WHERE (r.source = 'retour' AND r.state IN ('sending', 'sent', 'unknown')
       OR r.source = 'amazon' AND r.state = 'confirmed')
  AND r.order_id IN ({ORDERS})
"""
ORIGINS = f"SELECT DISTINCT r.origin {_MAY_CHANGE} AND r.source = 'retour'"
LOCK_REFUNDS = f"SELECT r.id {_MAY_CHANGE} ORDER BY r.id FOR UPDATE"
# A transaction of Amazon's: its adjustment id, else moment and line.
GROUP_KEY = """CASE WHEN f.adjustment_id <> '' THEN f.adjustment_id
    ELSE to_char(f.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '/'
        || COALESCE(f.order_line_id::text, f.order_item_code, '') END"""

DROP_OPEN = "DROP TABLE IF EXISTS open_fact, open_group, group_line, open_refund, refund_rest"
OPEN = f"""
CREATE TEMP TABLE open_fact ON COMMIT DROP AS
SELECT f.id, f.seller_id, f.order_id, f.order_line_id, f.marketplace_id, f.component, f.is_tax,
    f.amount, f.currency, f.posted_at, f.posted_on, f.adjustment_id, f.transaction_type,
    {GROUP_KEY} AS name,
    dense_rank() OVER (ORDER BY f.seller_id, f.order_id, f.currency, {GROUP_KEY}) AS group_id
FROM invoicing_moneyfact f
WHERE f.is_refund AND f.bucket = 'buyer' AND f.refund_id IS NULL
  AND f.order_id {_PART.format("f.order_id")}
  AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s));

CREATE TEMP TABLE open_group ON COMMIT DROP AS
SELECT group_id AS id, seller_id, order_id, currency, name, max(adjustment_id) AS adjustment_id,
    max(transaction_type) AS transaction_type, max(marketplace_id) AS marketplace_id,
    min(posted_at) AS posted_at, min(posted_on) AS posted_on, -sum(amount) AS gross,
    bool_or(is_tax) AS shows_tax, bool_and(order_line_id IS NOT NULL) AS has_lines,
    array_agg(DISTINCT order_line_id ORDER BY order_line_id) AS lines
FROM open_fact GROUP BY group_id, seller_id, order_id, currency, name;

CREATE TEMP TABLE group_line ON COMMIT DROP AS
SELECT group_id, order_line_id, -sum(amount) AS gross FROM open_fact GROUP BY 1, 2;
CREATE INDEX ON group_line (group_id);

CREATE TEMP TABLE open_refund ON COMMIT DROP AS
SELECT r.id, r.seller_id, r.order_id, r.currency, r.gross, r.state, r.amazon_refund_id,
    COALESCE(r.sent_on, r.sending_at::date, '-infinity'::date) AS since,
    r.source = 'opening' AS is_opening,
    l.lines, COALESCE(t.tied, 0) AS tied, t.refund_id IS NOT NULL AS has_facts,
    COALESCE(t.tied = r.gross, false) AS is_done
FROM invoicing_refund r
JOIN (
    SELECT refund_id, array_agg(DISTINCT order_line_id ORDER BY order_line_id) AS lines
    FROM invoicing_refundline GROUP BY refund_id
) l ON l.refund_id = r.id
LEFT JOIN (
    SELECT refund_id, -sum(amount) AS tied FROM invoicing_moneyfact
    WHERE refund_id IS NOT NULL GROUP BY refund_id
) t ON t.refund_id = r.id
WHERE r.order_id IN (SELECT order_id FROM open_group)
  AND ((r.source = 'retour' AND r.state IN ('sending', 'sent', 'unknown') AND r.lane <> 'bank')
       OR (r.source = 'opening' AND r.state = 'confirmed' AND t.refund_id IS NULL));

CREATE TEMP TABLE refund_rest ON COMMIT DROP AS
SELECT l.refund_id, l.order_line_id, sum(l.gross) + COALESCE(max(t.amount), 0) AS rest
FROM (
    SELECT refund_id, order_line_id, sum(gross) AS gross FROM invoicing_refundline
    WHERE refund_id IN (SELECT id FROM open_refund) GROUP BY 1, 2
) l
LEFT JOIN (
    SELECT refund_id, order_line_id, sum(amount) AS amount FROM invoicing_moneyfact
    WHERE refund_id IN (SELECT id FROM open_refund) GROUP BY 1, 2
) t USING (refund_id, order_line_id)
GROUP BY l.refund_id, l.order_line_id;
CREATE INDEX ON refund_rest (refund_id, order_line_id);
ANALYZE open_fact; ANALYZE open_group; ANALYZE group_line; ANALYZE open_refund; ANALYZE refund_rest;
"""

# Amazon's own word: the id we know, an adjustment of which rows are tied, a refund made from it.
# More money than a refund of ours that is all there is another refund, by Amazon.
TIE_BY_ID = f"""
WITH waiting AS (
    SELECT f.id, f.seller_id, f.order_id, f.adjustment_id, {GROUP_KEY} AS name,
        -sum(f.amount) OVER (PARTITION BY f.seller_id, f.order_id, f.currency, {GROUP_KEY})
            AS gross
    FROM invoicing_moneyfact f
    WHERE f.is_refund AND f.bucket = 'buyer' AND f.refund_id IS NULL
      AND f.order_id {_PART.format("f.order_id")}
      AND (%(sellers)s::bigint[] IS NULL OR f.seller_id = ANY(%(sellers)s))
), open_to AS (
    SELECT r.id, r.order_id, r.amazon_refund_id, r.source, r.origin, r.state,
        r.source = 'retour' AND r.state = 'confirmed' AND r.gross <= (
            SELECT -sum(t.amount) FROM invoicing_moneyfact t WHERE t.refund_id = r.id) AS is_done
    FROM invoicing_refund r
    WHERE r.order_id IN (SELECT order_id FROM waiting)
      AND r.state IN ('sending', 'sent', 'unknown', 'confirmed')
), known AS (
    SELECT w.id, r.id AS refund_id, 1 AS place, w.gross, r.is_done FROM waiting w
    JOIN open_to r ON r.order_id = w.order_id AND r.amazon_refund_id = w.adjustment_id
        AND w.adjustment_id <> ''
    UNION ALL
    SELECT w.id, r.id, 2, w.gross, r.is_done FROM waiting w
    JOIN open_to r ON r.order_id = w.order_id AND r.source = 'amazon'
        AND r.origin = left('amazon:' || w.name, 60) AND r.state = 'confirmed'
    UNION ALL
    SELECT w.id, r.id, 3, w.gross, r.is_done FROM waiting w
    JOIN invoicing_moneyfact t ON t.order_id = w.order_id AND t.adjustment_id = w.adjustment_id
        AND w.adjustment_id <> '' AND t.is_refund
    JOIN open_to r ON r.id = t.refund_id
)
UPDATE invoicing_moneyfact f SET refund_id = k.refund_id
FROM (
    SELECT DISTINCT ON (id) id, refund_id FROM known WHERE gross < 0 OR NOT COALESCE(is_done, false)
    ORDER BY id, place, refund_id
) k
WHERE f.id = k.id
"""

# A pair is tied where the refund is the oldest for the group and the group the oldest for the
# refund; repeated until none is left, that pairs equal ones oldest first.
_PAIR = """
WITH candidate AS (
    SELECT g.id AS group_id, r.id AS refund_id,
        row_number() OVER (PARTITION BY g.id ORDER BY r.since, r.id) AS refund_place,
        row_number() OVER (PARTITION BY r.id ORDER BY g.posted_at, g.name) AS group_place
    FROM open_group g JOIN open_refund r ON r.order_id = g.order_id AND r.currency = g.currency
        AND r.seller_id = g.seller_id
    WHERE g.has_lines AND NOT r.is_done AND g.posted_on >= r.since - %(days)s AND {condition}
), pair AS (
    SELECT group_id, refund_id FROM candidate WHERE refund_place = 1 AND group_place = 1
){release}
UPDATE invoicing_moneyfact f SET refund_id = pair.refund_id
FROM open_fact JOIN pair USING (group_id) WHERE f.id = open_fact.id
RETURNING pair.refund_id
"""
# The whole refund in one transaction. Money that was tied to it with another amount was another's.
# A refund from before Retour has its money about its day or never: equal money later is another's.
PAIR_WHOLE = _PAIR.format(
    condition="g.lines = r.lines AND g.gross = r.gross"
    " AND (NOT r.has_facts OR r.amazon_refund_id = '')"
    " AND (NOT r.is_opening OR g.posted_on <= r.since + %(days)s)",
    release=""", released AS (
    UPDATE invoicing_moneyfact f SET refund_id = NULL FROM pair WHERE f.refund_id = pair.refund_id
      AND f.assigned_by_id IS NULL
)""",
)
# The part that was still missing.
PAIR_REST = _PAIR.format(
    condition="r.state = 'sent' AND r.has_facts AND g.lines <@ r.lines"
    " AND g.gross = r.gross - r.tied",
    release="",
)
# Some lines of the refund, each with its exact amount.
PAIR_LINES = _PAIR.format(
    condition="""r.state = 'sent' AND g.lines <@ r.lines AND NOT EXISTS (
        SELECT FROM group_line gl LEFT JOIN refund_rest rr
            ON rr.refund_id = r.id AND rr.order_line_id = gl.order_line_id
        WHERE gl.group_id = g.id AND rr.rest IS DISTINCT FROM gl.gross)""",
    release="",
)
# Another amount on a line of the refund: tied, so that the difference is seen.
PAIR_DIFFERENT = _PAIR.format(
    condition="r.state = 'sent' AND NOT r.has_facts AND g.lines && r.lines AND g.gross > 0",
    release="",
)
# Money that came back: all of what was tied to a refund, on the same lines. Amazon's is reversed by
# it; of ours a person decides, and may have done so before it was seen.
PAIR_REVERSAL = """
WITH paid AS (
    SELECT r.id, r.order_id, r.currency, -sum(f.amount) AS tied, max(f.posted_at) AS posted_at,
        array_agg(DISTINCT f.order_line_id ORDER BY f.order_line_id) AS lines
    FROM invoicing_refund r JOIN invoicing_moneyfact f ON f.refund_id = r.id
    WHERE r.order_id IN (SELECT order_id FROM open_group WHERE gross < 0)
      AND r.state IN ('sent', 'confirmed', 'reversed')
    GROUP BY r.id
), candidate AS (
    SELECT g.id AS group_id, r.id AS refund_id,
        row_number() OVER (PARTITION BY g.id ORDER BY r.posted_at, r.id) AS refund_place,
        row_number() OVER (PARTITION BY r.id ORDER BY g.posted_at, g.name) AS group_place
    FROM open_group g JOIN paid r ON r.order_id = g.order_id AND r.currency = g.currency
        AND r.lines = g.lines AND r.tied = -g.gross AND r.posted_at <= g.posted_at
    WHERE g.has_lines AND g.gross < 0
)
UPDATE invoicing_moneyfact f SET refund_id = c.refund_id
FROM open_fact JOIN candidate c ON c.group_id = open_fact.group_id
    AND c.refund_place = 1 AND c.group_place = 1
WHERE f.id = open_fact.id
RETURNING c.refund_id
"""

# Refunds whose money is all there.
TOUCHED_DONE = """
CREATE TEMP TABLE proven ON COMMIT DROP AS
SELECT r.id, r.state, min(f.posted_at) AS posted_at, min(f.posted_on) AS posted_on,
    max(f.adjustment_id) AS adjustment_id
FROM invoicing_refund r JOIN invoicing_moneyfact f ON f.refund_id = r.id
WHERE r.id = ANY(%(touched)s) AND r.state IN ('sending', 'unknown', 'sent')
GROUP BY r.id HAVING -sum(f.amount) = r.gross
"""
KNOWN_BEFORE = """
SELECT id FROM invoicing_refund
WHERE id = ANY(%(touched)s) AND state IN ('confirmed', 'reversed') ORDER BY id
"""
NOT_MARKED_SENT = "SELECT id, posted_on FROM proven WHERE state <> 'sent' ORDER BY id"
_AMAZON_ID = """amazon_refund_id = CASE
        WHEN r.amazon_refund_id = '' AND p.place = 1 AND NOT EXISTS (
            SELECT FROM invoicing_refund other
            WHERE other.seller_id = r.seller_id AND other.amazon_refund_id = p.adjustment_id
              AND other.amazon_refund_id <> '')
        THEN p.adjustment_id ELSE r.amazon_refund_id END
FROM (
    SELECT *, row_number() OVER (PARTITION BY adjustment_id ORDER BY id) AS place FROM proven
) p"""
CONFIRM_SENT = f"""
UPDATE invoicing_refund r
SET state = 'confirmed', confirmed_at = now(), version = r.version + 1, {_AMAZON_ID}
WHERE p.id = r.id AND p.state = 'sent' RETURNING r.id
"""
NAME_OTHERS = f"""
UPDATE invoicing_refund r SET {_AMAZON_ID}
WHERE p.id = r.id AND p.state <> 'sent' AND r.amazon_refund_id = ''
"""

# What is certain enough to become a refund of Amazon's: complete order, known lines, real money.
LOCK_LINES = """
SELECT id FROM orders_orderline WHERE order_id IN (
    SELECT g.order_id FROM open_group g JOIN orders_order o ON o.id = g.order_id
    WHERE g.has_lines AND g.gross > 0 AND o.facts_complete
      AND o.currency IN ('', g.currency)
) ORDER BY id FOR NO KEY UPDATE
"""
NEW_REFUNDS = """
CREATE TEMP TABLE new_refund ON COMMIT DROP AS
SELECT g.id AS group_id, gen_random_uuid() AS key, g.seller_id, g.order_id, g.currency, g.gross,
    COALESCE(g.marketplace_id, o.marketplace_id) AS marketplace_id, g.posted_at, g.posted_on,
    g.adjustment_id, g.transaction_type, left('amazon:' || g.name, 60) AS origin,
    m.prices_include_tax AND NOT g.shows_tax AS includes_tax, g.name,
    CASE WHEN taken.seller_id IS NULL AND row_number() OVER (
        PARTITION BY g.seller_id, g.adjustment_id ORDER BY g.id) = 1
        THEN g.adjustment_id ELSE '' END AS amazon_refund_id
FROM open_group g JOIN orders_order o ON o.id = g.order_id
JOIN orders_marketplace m ON m.id = COALESCE(g.marketplace_id, o.marketplace_id)
LEFT JOIN invoicing_refund taken ON taken.seller_id = g.seller_id
    AND taken.amazon_refund_id = g.adjustment_id AND taken.amazon_refund_id <> ''
WHERE g.has_lines AND g.gross > 0 AND o.facts_complete
  AND o.currency IN ('', g.currency)
ORDER BY g.posted_at, g.id LIMIT %(chunk)s;
ANALYZE new_refund
"""
_UNITS = units.sql(
    "gross", "untaxed", paid_gross="paid_gross", paid_net="paid_net", quantity="quantity",
    places="places",
)  # fmt: skip
_EXPONENTS = ", ".join(f"('{code}', {places})" for code, places in sorted(EXPONENTS.items()))
# A gross amount is split as the line was paid; parts of one line are rounded cumulatively, so
# that together they are the paid net and tax to the cent (money.py: half up, as numeric does).
NEW_LINES = f"""
CREATE TEMP TABLE new_line ON COMMIT DROP AS
WITH part AS (
    SELECT n.group_id, n.currency, n.includes_tax, n.posted_at, n.name, f.order_line_id,
        COALESCE(NULLIF(f.component, ''), 'goodwill') AS component,
        bool_or(f.component = '') AS is_odd, -sum(f.amount) AS gross,
        COALESCE(-sum(f.amount) FILTER (WHERE NOT f.is_tax), 0) AS untaxed
    FROM new_refund n JOIN open_fact f USING (group_id)
    GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(f.amount) <> 0
), paid AS (
    SELECT p.*, l.quantity, COALESCE(e.places, 2) AS places, c.net AS paid_net,
        c.net + c.tax AS paid_gross,
        COALESCE(c.rate, CASE WHEN c.net > 0 THEN round(c.tax / c.net, 4) END) AS rate
    FROM part p JOIN orders_orderline l ON l.id = p.order_line_id
    LEFT JOIN (VALUES {_EXPONENTS}) e(currency, places) ON e.currency = p.currency
    CROSS JOIN LATERAL (SELECT
        CASE p.component WHEN 'shipping' THEN l.shipping_net - l.shipping_promotion_net
            WHEN 'gift_wrap' THEN l.gift_wrap_net ELSE l.item_net - l.item_promotion_net END AS net,
        CASE p.component WHEN 'shipping' THEN l.shipping_tax - l.shipping_promotion_tax
            WHEN 'gift_wrap' THEN l.gift_wrap_tax ELSE l.item_tax - l.item_promotion_tax END AS tax,
        CASE p.component WHEN 'shipping' THEN l.shipping_rate
            WHEN 'gift_wrap' THEN l.gift_wrap_rate ELSE l.item_rate END AS rate) c
), prior AS (
    SELECT order_line_id, component, sum(gross) AS gross, sum(net) AS net
    FROM invoicing_refundline
    WHERE live AND order_line_id IN (SELECT order_line_id FROM part) GROUP BY 1, 2
), counted AS (
    SELECT p.*, COALESCE(b.gross, 0) AS before_gross, COALESCE(b.net, 0) AS before_net,
        COALESCE(b.gross, 0) + sum(p.gross) OVER (
            PARTITION BY p.order_line_id, p.component ORDER BY p.posted_at, p.name
        ) AS until
    FROM paid p LEFT JOIN prior b USING (order_line_id, component)
)
SELECT group_id, order_line_id, component, is_odd, rate, gross,
    CASE WHEN NOT includes_tax THEN untaxed
        WHEN component IN ('item', 'shipping', 'gift_wrap') AND paid_gross > 0 THEN
            round(until * paid_net / paid_gross, places)
            - round((until - gross) * paid_net / paid_gross, places)
            + CASE WHEN until = paid_gross
                THEN round(before_gross * paid_net / paid_gross, places) - before_net
                ELSE 0 END
        ELSE round(gross / (1 + COALESCE(rate, 0)), places) END AS net,
    CASE WHEN component = 'item' THEN COALESCE({_UNITS}, 0) ELSE 0 END::int AS quantity
FROM counted;
ANALYZE new_line
"""
# The time after the lines were locked: a refund of ours that was started before is older.
INSERT_REFUNDS = """
INSERT INTO invoicing_refund (key, source, lane, state, seller_id, marketplace_id, order_id, origin,
    currency, net, tax, gross, reason_code, calculation, content_hash, policy_version, needs_second,
    proposer_id, proposed_at, approved_hash, sent_at, sent_on, amazon_refund_id, confirmed_at, note,
    attempt, version, created_at)
SELECT n.key, 'amazon', 'none', 'confirmed', n.seller_id, n.marketplace_id, n.order_id, n.origin,
    n.currency, t.net, n.gross - t.net, n.gross, left(n.transaction_type, 40),
    jsonb_build_object('source', 'amazon', 'adjustment', n.adjustment_id), '', '', false,
    %(by)s, n.posted_at, '', n.posted_at, n.posted_on,
    n.amazon_refund_id, clock_timestamp(), '', 1, 1, clock_timestamp()
FROM new_refund n
JOIN (SELECT group_id, sum(net) AS net FROM new_line GROUP BY group_id) t USING (group_id)
ORDER BY n.posted_at, n.order_id, n.name
RETURNING id
"""
INSERT_LINES = """
INSERT INTO invoicing_refundline (refund_id, order_line_id, origin, component, quantity, net, tax,
    gross, rate, sentence, rule, live)
SELECT r.id, l.order_line_id, n.origin || '/' || l.order_line_id, l.component, l.quantity, l.net,
    l.gross - l.net, l.gross, l.rate,
    'Refunded at Amazon on ' || n.posted_on
        || CASE WHEN l.is_odd THEN ', under a description Retour does not know' ELSE '' END || '.',
    CASE WHEN l.is_odd THEN 'amazon-unknown' ELSE 'amazon' END, true
FROM new_line l JOIN new_refund n USING (group_id) JOIN invoicing_refund r ON r.key = n.key
ORDER BY r.id, l.order_line_id, l.component
"""
TIE_NEW = """
UPDATE invoicing_moneyfact f SET refund_id = r.id
FROM open_fact o JOIN new_refund n USING (group_id) JOIN invoicing_refund r ON r.key = n.key
WHERE f.id = o.id
"""
