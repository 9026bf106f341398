"""The SQL of ``one_money.py``: the pieces that sources tell, how pieces pair, what follows.

Only text lives here. The temporary tables last for one transaction. A piece is what one source
tells of one SKU at one moment under one id; ``total`` is all its money, ``gross`` the buyer's.
Every order of rows uses what the sources say and never our ids, so that it does not matter in
which order files came in.
"""

TOLD = "COALESCE(NULLIF(f.told, ''), f.bucket)"

DROP = "DROP TABLE IF EXISTS one_order, one_fact, one_piece, one_pair, one_aim"
# Orders of which a lesser source tells, and where something may be new.
ORDERS = """
CREATE TEMP TABLE one_order ON COMMIT DROP AS
SELECT DISTINCT l.order_id AS id FROM invoicing_moneyfact l
WHERE l.source <> 'settlement' AND l.order_id IS NOT NULL
  AND (%(sellers)s::bigint[] IS NULL OR l.seller_id = ANY(%(sellers)s))
  AND (%(all)s OR l.bucket <> 'echo' OR EXISTS (
    SELECT FROM invoicing_moneyfact n WHERE n.order_id = l.order_id
      AND (n.import_file_id = %(file)s
           OR (n.is_refund AND n.bucket = 'buyer' AND n.refund_id IS NULL))))
"""
# Twins and repeated tellings of one transaction of Finances are one event; the telling with details
# that is furthest on its way counts.
FACTS = f"""
CREATE TEMP TABLE one_fact ON COMMIT DROP AS
WITH fact AS (
    SELECT f.id, f.order_id, f.currency, f.is_refund, f.source, f.telling, f.transaction_id,
        f.twin_id, f.status, {TOLD} AS told, f.component, f.is_tax, f.amount, f.sku,
        CASE WHEN f.is_refund THEN f.adjustment_id ELSE f.shipment_id END AS ref,
        date_trunc('second', f.posted_at) AS at, f.posted_at, f.amount_description,
        f.row_hash || '/' || f.occurrence AS content
    FROM invoicing_moneyfact f WHERE f.order_id IN (SELECT id FROM one_order)
), event AS (
    SELECT t.order_id, t.transaction_id, t.telling, LEAST(t.transaction_id, t.twin) AS name,
        row_number() OVER (PARTITION BY t.order_id, LEAST(t.transaction_id, t.twin)
            ORDER BY t.details DESC, t.rank DESC, t.posted_at, t.telling) AS place
    FROM (
        SELECT x.order_id, x.transaction_id, x.telling, max(x.posted_at) AS posted_at,
            bool_or(x.amount_description <> 'Total') AS details,
            max(CASE x.status WHEN 'RELEASED' THEN 3 WHEN 'DEFERRED_RELEASED' THEN 2
                WHEN 'DEFERRED' THEN 1 ELSE 0 END) AS rank,
            COALESCE(NULLIF(max(x.twin_id), ''), max(b.transaction_id)) AS twin
        FROM fact x LEFT JOIN fact b ON b.source = 'finances' AND b.order_id = x.order_id
            AND b.twin_id = x.transaction_id
        WHERE x.source = 'finances' GROUP BY 1, 2, 3
    ) t
)
SELECT f.*, COALESCE(w.telling, f.telling) AS counts_as
FROM fact f
LEFT JOIN event e ON f.source = 'finances' AND e.order_id = f.order_id
    AND e.transaction_id = f.transaction_id AND e.telling = f.telling
LEFT JOIN event w ON w.order_id = e.order_id AND w.name = e.name AND w.place = 1
"""
PIECES = """
CREATE TEMP TABLE one_piece ON COMMIT DROP AS
SELECT row_number() OVER () AS id, p.*, NULL::bigint AS root FROM (
    SELECT order_id, currency, is_refund, source, ref, sku, at, telling, sum(amount) AS total,
        COALESCE(sum(amount) FILTER (WHERE told = 'buyer'), 0) AS gross, min(content) AS content
    FROM one_fact WHERE counts_as = telling
    GROUP BY order_id, currency, is_refund, source, ref, sku, at, telling
) p;
CREATE INDEX ON one_piece (order_id);
CREATE TEMP TABLE one_pair (lesser bigint, greater bigint) ON COMMIT DROP;
ANALYZE one_fact; ANALYZE one_piece
"""
# Free pieces of two sources with equal keys pair one by one, the earliest with the earliest.
_SIDE = """
    SELECT p.*, row_number() OVER (PARTITION BY {keys} ORDER BY p.at, p.sku, p.content) AS ordinal
    FROM one_piece p WHERE p.source = '{source}' AND {free} AND {only}"""
_FREE = {
    "lesser": "p.id NOT IN (SELECT lesser FROM one_pair)",
    "greater": "p.id NOT IN (SELECT q.greater FROM one_pair q JOIN one_piece l ON l.id = q.lesser"
    " WHERE l.source = '{lesser}') AND p.id NOT IN (SELECT root FROM one_piece WHERE"
    " source = '{lesser}' AND root IS NOT NULL)",
}
_ALWAYS = ("order_id", "currency", "is_refund")


def pair(lesser: str, greater: str, keys: tuple[str, ...], left: str, right: str) -> str:
    """Pair the free pieces of two sources that are equal in ``keys``; ``left`` and ``right`` say
    which pieces of each may (conditions on ``p``)."""
    every = (*_ALWAYS, *keys)
    partition = ", ".join(f"p.{key}" for key in every)
    one = _SIDE.format(keys=partition, source=lesser, free=_FREE["lesser"], only=left)
    free = _FREE["greater"].format(lesser=lesser)
    other = _SIDE.format(keys=partition, source=greater, free=free, only=right)
    return (
        f"INSERT INTO one_pair SELECT l.id, g.id FROM ({one}) l JOIN ({other}) g"
        f" USING ({', '.join(every)}, ordinal)"
    )


def name_whole(lesser: str, greater: str) -> str:
    """A piece without SKU is all of what the other source tells under its id, and the other way."""
    return f"""
    INSERT INTO one_pair SELECT DISTINCT ON (l.id) l.id, g.id FROM one_piece l
    JOIN one_piece g ON g.source = '{greater}' AND g.order_id = l.order_id AND g.ref = l.ref
        AND g.currency = l.currency AND g.is_refund = l.is_refund AND (l.sku = '' OR g.sku = '')
    WHERE l.source = '{lesser}' AND l.ref <> '' AND l.id NOT IN (SELECT lesser FROM one_pair)
    ORDER BY l.id, g.at, g.sku, g.content"""


def sum_of_moment(lesser: str, greater: str) -> str:
    """All that is free at one moment, where both sources have the same sum and one knows no id."""
    free = _FREE["greater"].format(lesser=lesser)
    return f"""
    INSERT INTO one_pair SELECT l.id, g.first FROM one_piece l JOIN (
        SELECT x.order_id, x.currency, x.is_refund, x.at FROM one_piece x
        WHERE x.source = '{lesser}' AND x.id NOT IN (SELECT lesser FROM one_pair)
        GROUP BY 1, 2, 3, 4 HAVING count(*) FILTER (WHERE x.ref <> '') = 0 OR NOT EXISTS (
            SELECT FROM one_piece y WHERE y.source = '{greater}' AND y.order_id = x.order_id
              AND y.at = x.at AND y.ref <> '')
    ) m USING (order_id, currency, is_refund, at)
    JOIN (
        SELECT p.order_id, p.currency, p.is_refund, p.at, sum(p.total) AS total,
            (array_agg(p.id ORDER BY p.sku, p.content))[1] AS first
        FROM one_piece p WHERE p.source = '{greater}' AND {free} GROUP BY 1, 2, 3, 4
    ) g USING (order_id, currency, is_refund, at)
    WHERE l.source = '{lesser}' AND l.id NOT IN (SELECT lesser FROM one_pair)
      AND g.total = (SELECT sum(x.total) FROM one_piece x WHERE x.source = '{lesser}'
        AND (x.order_id, x.currency, x.is_refund, x.at)
          = (l.order_id, l.currency, l.is_refund, l.at)
        AND x.id NOT IN (SELECT lesser FROM one_pair))"""


# A piece stands for the one it is paired with, or for the one that stands for that.
ROOT = """
UPDATE one_piece l SET root = COALESCE(g.root, g.id) FROM one_pair q
JOIN one_piece g ON g.id = q.greater WHERE l.id = q.lesser AND l.source = '{lesser}'
"""
# What each fact should be: counted, or the echo of the row of the counting piece most like it.
AIMS = """
CREATE TEMP TABLE one_aim ON COMMIT DROP AS
WITH stands AS (
    SELECT f.id, f.told, f.component, f.is_tax, p.id AS piece, p.root,
        f.counts_as <> f.telling AS is_late, f.order_id, f.counts_as, f.sku
    FROM one_fact f LEFT JOIN one_piece p ON p.source = f.source AND p.telling = f.telling
        AND p.order_id = f.order_id AND p.currency = f.currency AND p.is_refund = f.is_refund
        AND p.ref = f.ref AND p.sku = f.sku AND p.at = f.at
    WHERE f.source <> 'settlement'
), aimed AS (
    SELECT s.*, CASE WHEN s.is_late THEN (
            SELECT COALESCE(w.root, w.id) FROM one_piece w
            WHERE w.source = 'finances' AND w.order_id = s.order_id AND w.telling = s.counts_as
            ORDER BY w.sku <> s.sku, w.sku, w.content LIMIT 1)
        ELSE s.root END AS target
    FROM stands s
)
SELECT a.id, CASE WHEN a.target IS NULL THEN a.told ELSE 'echo' END AS bucket, a.target, (
    SELECT g.id FROM one_piece w JOIN one_fact g ON g.source = w.source AND g.telling = w.telling
        AND g.order_id = w.order_id AND g.currency = w.currency AND g.is_refund = w.is_refund
        AND g.ref = w.ref AND g.sku = w.sku AND g.at = w.at
    WHERE w.id = a.target
    ORDER BY g.told <> a.told, g.component <> a.component, g.is_tax <> a.is_tax, g.content LIMIT 1
) AS echo_of
FROM aimed a;
CREATE INDEX ON one_aim (id);
ANALYZE one_aim
"""
LOSING = """
SELECT DISTINCT e.refund_id FROM one_aim a JOIN invoicing_moneyfact e ON e.id = a.id
WHERE a.bucket = 'echo' AND e.refund_id IS NOT NULL ORDER BY 1
"""
# The refund that an echo proved is proven by the piece that counts.
MOVE_TIES = """
UPDATE invoicing_moneyfact f SET refund_id = m.refund_id FROM (
    SELECT g.id, min(e.refund_id) AS refund_id FROM one_aim a
    JOIN invoicing_moneyfact e ON e.id = a.id AND e.refund_id IS NOT NULL
    JOIN one_piece w ON w.id = a.target
    JOIN one_fact g ON g.source = w.source AND g.telling = w.telling AND g.order_id = w.order_id
        AND g.currency = w.currency AND g.is_refund AND w.is_refund AND g.ref = w.ref
        AND g.sku = w.sku AND g.at = w.at AND g.told = 'buyer'
    GROUP BY g.id
) m WHERE f.id = m.id AND f.refund_id IS NULL
"""
STORE = """
UPDATE invoicing_moneyfact f SET bucket = a.bucket, echo_of_id = a.echo_of,
    refund_id = CASE a.bucket WHEN 'echo' THEN NULL ELSE f.refund_id END
FROM one_aim a WHERE f.id = a.id
  AND (f.bucket, f.echo_of_id) IS DISTINCT FROM (a.bucket, a.echo_of)
RETURNING f.order_id
"""
