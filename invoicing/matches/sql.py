"""The SQL of matches: refunds against money, papers and what rooms above add, in sets.

Only text lives here; when it runs and how is in ``refresh.py``, the days and the sentences are in
``rules.py``. Amounts are what the buyer gets back; ``difference`` is what was seen beyond what was
expected. Rows that stand as stored are left out before anything is written or locked.
"""

from config.core.money import EXPONENTS
from invoicing.matches.papers_sql import FEES, INVOICES

SELLERS = "(%(sellers)s::bigint[] IS NULL OR {0}.seller_id = ANY(%(sellers)s))"
REFUNDS = "(%(refunds)s::bigint[] IS NULL OR {0}.id = ANY(%(refunds)s))"

# What a room above says of refunds where none has anything to say.
NOTHING_ABOVE = """
SELECT NULL::bigint AS refund_id, NULL::jsonb AS sides, NULL::boolean AS decided,
    NULL::boolean AS goods_open, NULL::text AS name, NULL::int AS units, NULL::int AS accepted
WHERE false
"""

# Every refund whose money left or may have left, and those judged before that it came back of.
_CANDIDATE = f"""
candidate AS (
    SELECT r.id, r.key, r.source, r.state, r.lane, r.seller_id, r.marketplace_id, r.order_id,
        r.document_id, r.origin, r.currency, r.tax, r.gross,
        CASE WHEN r.state IN ('sent', 'confirmed', 'unknown') THEN r.gross ELSE 0 END AS due,
        COALESCE(r.sent_on, r.sending_at::date, r.proposed_at::date) AS day
    FROM invoicing_refund r
    WHERE r.source <> 'opening' AND {SELLERS.format("r")} AND {REFUNDS.format("r")}
      AND (r.state IN ('sent', 'confirmed', 'unknown', 'reversed')
           OR EXISTS (SELECT FROM invoicing_match m WHERE m.refund_id = r.id)
           OR r.state = 'failed' AND EXISTS (
               SELECT FROM invoicing_refundattempt a
               WHERE a.refund_id = r.id AND a.evidence ->> 'report' IN ('accepted', 'partly')))
)"""
# What a person said of a refund, and Amazon's report of its feed says otherwise.
_CONTRADICTED = """
contradicted AS (
    SELECT DISTINCT a.refund_id
    FROM invoicing_refundattempt a JOIN candidate c ON c.id = a.refund_id
    WHERE c.state = 'failed' AND a.evidence ->> 'report' IN ('accepted', 'partly')
       OR c.state = 'sent' AND a.state = 'sent'
          AND a.evidence ->> 'report' IN ('refused', 'partly')
)"""
_MONEY = f"""
money AS (
    SELECT f.refund_id, -sum(f.amount) AS seen, min(f.posted_on) AS posted_on,
        COALESCE(-sum(f.amount) FILTER (WHERE f.is_tax), 0) AS tax, bool_or(f.is_tax) AS shows_tax,
        jsonb_agg(f.id ORDER BY f.id) AS facts
    FROM invoicing_moneyfact f
    WHERE f.refund_id IS NOT NULL AND {SELLERS.format("f")}
      AND (%(refunds)s::bigint[] IS NULL OR f.refund_id = ANY(%(refunds)s))
    GROUP BY f.refund_id
)"""
# Until when a seller's settlements in a currency are known.
_SETTLED = """
settled AS (
    SELECT seller_id, currency, max(COALESCE(ends_at, deposited_at))::date AS until
    FROM invoicing_settlement GROUP BY 1, 2
)"""
# A refund of Amazon's beside one of ours: the same lines and amount, or together more than was paid
_TWIN = """
foreign_line AS (
    SELECT c.id AS refund_id, l.order_line_id, sum(l.gross) AS gross
    FROM candidate c JOIN invoicing_refundline l ON l.refund_id = c.id
    WHERE c.source = 'amazon' AND c.state = 'confirmed' GROUP BY 1, 2
), own_line AS (
    SELECT l.order_line_id, l.refund_id, o.key, o.gross AS whole,
        COALESCE(o.sent_on, o.sending_at::date) AS day, sum(l.gross) AS gross
    FROM invoicing_refundline l JOIN invoicing_refund o ON o.id = l.refund_id
    WHERE l.order_line_id IN (SELECT order_line_id FROM foreign_line)
      AND o.source = 'retour' AND o.state IN ('sent', 'confirmed', 'unknown')
    GROUP BY 1, 2, 3, 4, 5
), twin AS (
    SELECT DISTINCT ON (c.id) c.id AS refund_id, o.key::text AS key
    FROM candidate c JOIN foreign_line f ON f.refund_id = c.id
    JOIN own_line o ON o.order_line_id = f.order_line_id AND o.gross = f.gross
        AND o.whole = c.gross AND abs(o.day - c.day) <= %(twin_days)s
    GROUP BY c.id, o.refund_id, o.key
    HAVING count(*) = (SELECT count(*) FROM foreign_line x WHERE x.refund_id = c.id)
    ORDER BY c.id, o.refund_id
), over_paid AS (
    SELECT f.refund_id, min(o.key::text) AS key
    FROM foreign_line f JOIN own_line o ON o.order_line_id = f.order_line_id
    JOIN (
        SELECT l.order_line_id, sum(l.gross) AS gross FROM invoicing_refundline l
        JOIN invoicing_refund r ON r.id = l.refund_id
        WHERE l.live AND r.state IN ('sent', 'confirmed', 'unknown')
          AND l.order_line_id IN (SELECT order_line_id FROM foreign_line) GROUP BY 1
    ) t ON t.order_line_id = f.order_line_id
    JOIN orders_orderline p ON p.id = f.order_line_id
    WHERE t.gross > p.item_net + p.item_tax - p.item_promotion_net - p.item_promotion_tax
        + p.shipping_net + p.shipping_tax - p.shipping_promotion_net - p.shipping_promotion_tax
        + p.gift_wrap_net + p.gift_wrap_tax
    GROUP BY f.refund_id
)"""
# Money of a line that Amazon did not say the units of, and the amount does not tell.
_UNITS = """
unclear AS (
    SELECT DISTINCT c.id AS refund_id FROM candidate c
    JOIN invoicing_refundline l ON l.refund_id = c.id
    WHERE c.source = 'amazon' AND l.component = 'item' AND l.quantity = 0
)"""
# Days on which a refund in a foreign currency finds no rate; the rule is that of ``fx.rate_at``.
_RATES = """
home AS (
    SELECT * FROM unnest(%(home_sellers)s::bigint[], %(home_before)s::text[],
        %(home_since)s::date[], %(home_now)s::text[]) AS h(seller_id, before, since, now)
), foreign_day AS (
    SELECT DISTINCT c.seller_id, c.currency, c.day, x.home
    FROM candidate c JOIN home h ON h.seller_id = c.seller_id
    CROSS JOIN LATERAL (SELECT CASE WHEN c.day < h.since THEN h.before ELSE h.now END AS home) x
    WHERE x.home NOT IN ('', c.currency)
), no_rate AS (
    SELECT d.seller_id, d.currency, d.day FROM foreign_day d WHERE NOT EXISTS (
        SELECT FROM invoicing_fxrate x WHERE x.day BETWEEN d.day - %(stale_days)s AND d.day
        GROUP BY x.day, x.source HAVING bool_or(x.base = d.currency AND x.quote = d.home)
            OR ((d.currency = 'EUR' OR bool_or(x.base = 'EUR' AND x.quote = d.currency))
                AND (d.home = 'EUR' OR bool_or(x.base = 'EUR' AND x.quote = d.home))))
)"""
_COMPARED = """
compared AS (
    SELECT c.*, a.sides AS above, a.name AS case_name, d.number, d.state AS document_state,
        concat_ws('/', d.id, d.gross, d.tax) AS paper,
        m.facts, m.shows_tax, m.tax AS seen_tax, s.until,
        COALESCE(m.posted_on, c.day) AS posted_on,
        COALESCE(m.seen, CASE WHEN c.lane = 'bank' AND c.state = 'confirmed' THEN c.due END)
            AS seen,
        CASE WHEN c.source = 'amazon' AND NOT COALESCE(a.decided, false)
            AND COALESCE(d.state, 'draft') = 'draft' THEN 0 ELSE c.due END AS expected,
        COALESCE(a.goods_open, false) AND c.due > 0 AND c.day + %(goods_days)s < %(today)s
            AS no_goods,
        c.state IN ('sent', 'confirmed') AND COALESCE(d.state, 'draft') = 'draft'
            AND c.day + %(grace_days)s < %(today)s AND NOT EXISTS (
                SELECT FROM invoicing_erasure e WHERE e.refund_id = c.id) AS no_paper,
        d.state <> 'draft' AND c.due > 0 AND d.gross - COALESCE(fee.gross, 0) <> c.gross
            AS paper_amount,
        d.state <> 'draft' AND c.due > 0 AND d.tax - COALESCE(fee.tax, 0) <> c.tax AS paper_vat,
        COALESCE('[]'::jsonb || to_jsonb(d.corrects_id), invoice.ids) AS invoices,
        CASE WHEN credit.gross > invoice.gross THEN credit.gross - invoice.gross END AS excess,
        CASE WHEN c.due > 0 AND a.units > a.accepted THEN a.units END AS units, a.accepted,
        CASE WHEN COALESCE(a.decided, false) THEN NULL ELSE twin.key END AS twin,
        over_paid.key AS over_paid, unclear.refund_id IS NOT NULL AS no_units,
        no_rate.day IS NOT NULL AND c.due > 0 AS no_rate,
        contradicted.refund_id IS NOT NULL AND m.seen IS NULL
            AND NOT COALESCE(s.until > c.day + %(grace_days)s, false) AS contradicted
    FROM candidate c LEFT JOIN money m ON m.refund_id = c.id
    LEFT JOIN above a ON a.refund_id = c.id
    LEFT JOIN invoicing_document d ON d.id = c.document_id
    LEFT JOIN fee ON fee.corrects_id = d.id
    LEFT JOIN invoice ON invoice.order_id = c.order_id
    LEFT JOIN credit ON credit.id = d.id
    LEFT JOIN settled s ON s.seller_id = c.seller_id AND s.currency = c.currency
    LEFT JOIN twin ON twin.refund_id = c.id
    LEFT JOIN over_paid ON over_paid.refund_id = c.id
    LEFT JOIN unclear ON unclear.refund_id = c.id
    LEFT JOIN contradicted ON contradicted.refund_id = c.id
    LEFT JOIN no_rate ON no_rate.seller_id = c.seller_id AND no_rate.currency = c.currency
        AND no_rate.day = c.day
)"""
# The reasons in the order of ``Cause``; the first is the cause. Each names its sentence. Computed
# once a row: inlined, PostgreSQL would judge again wherever a reason is named.
_JUDGED = """
judged AS MATERIALIZED (
    SELECT c.*, array_remove(ARRAY[
        CASE WHEN twin IS NOT NULL THEN 'duplicate:twice'
             WHEN over_paid IS NOT NULL THEN 'duplicate:over_paid' END,
        CASE WHEN source = 'amazon' AND state = 'confirmed' AND expected = 0
             THEN 'only_amazon:only_amazon' END,
        CASE WHEN due = 0 AND seen <> 0 THEN 'amount:still_out'
             WHEN due > 0 AND abs(seen - due) > %(tolerance)s AND seen <> due - tax
             THEN 'amount:amount'
             WHEN paper_amount THEN 'amount:document_amount'
             WHEN excess > %(tolerance)s THEN 'amount:over_credited' END,
        CASE WHEN due > 0 AND tax <> 0 AND seen = due - tax AND abs(tax) > %(tolerance)s
             THEN 'vat:vat_left_out'
             WHEN due > 0 AND seen = due AND shows_tax AND abs(seen_tax - tax) > %(tolerance)s
             THEN 'vat:vat'
             WHEN paper_vat AND NOT paper_amount THEN 'vat:document_vat' END,
        CASE WHEN state = 'unknown' THEN 'unknown:unknown'
             WHEN contradicted THEN 'unknown:contradicted_' || state END,
        CASE WHEN state = 'sent' AND lane = 'bank' AND seen IS NULL
                 AND day + %(cycle_days)s < %(today)s THEN 'missing:bank_missing'
             WHEN state IN ('sent', 'confirmed') AND seen IS NULL AND lane <> 'bank'
                 AND (day + %(cycle_days)s < %(today)s OR until > day + %(grace_days)s)
             THEN 'missing:missing' END,
        CASE WHEN no_paper AND NOT (source = 'amazon' AND expected = 0)
             THEN 'credit_note:' || CASE WHEN document_state IS NOT NULL THEN 'credit_note_waits'
                 WHEN invoices IS NULL THEN 'no_invoice' ELSE 'no_credit_note' END END,
        CASE WHEN no_goods THEN 'goods:goods' END,
        CASE WHEN no_units THEN 'units:units' WHEN units > 0 THEN 'units:units_differ' END,
        CASE WHEN no_rate THEN 'fx:fx' END,
        CASE WHEN state IN ('sent', 'confirmed') AND seen IS NULL
                 AND day + %(cycle_days)s >= %(today)s
                 AND NOT COALESCE(lane <> 'bank' AND until > day + %(grace_days)s, false)
             THEN 'timing:timing' END
    ], NULL) AS reasons
    FROM compared c
)"""
# An amount with its currency's places: 1190 JPY, 11.90 EUR.
_PLACES = " ".join(f"WHEN '{code}' THEN {places}" for code, places in sorted(EXPONENTS.items()))
_NUMBER = f"jsonb_build_object('decimal', round({{0}}, CASE currency {_PLACES} ELSE 2 END)::text)"


def _params(**more: str) -> str:
    """The values a sentence may use, as ``Sentence.to_json`` writes them."""
    numbers = {
        "expected": "COALESCE(expected, 0)",
        "seen": "COALESCE(seen, 0)",
        "difference": "abs(COALESCE(seen, 0) - COALESCE(expected, 0))",
        "tax": more.get("tax", "0"),
        "seen_tax": more.get("seen_tax", "0"),
        "excess": more.get("excess", "0"),
    }
    words = {
        "units": more.get("units", "0"),
        "accepted": more.get("accepted", "0"),
        "currency": "currency",
        "day": "posted_on::text",
        "order": more["order"],
        "other": more.get("other", "''"),
    }
    parts = [f"'{name}', {_NUMBER.format(value)}" for name, value in numbers.items()]
    parts += [f"'{name}', {value}" for name, value in words.items()]
    return f"jsonb_build_object({', '.join(parts)})"


_SENTENCE = "(%(sentences)s::jsonb ->> split_part({0}, ':', 2))"
_RETURN_ROWS = f"""
stated AS (
    SELECT 'refund:' || j.key AS key, 'return' AS kind, j.seller_id, j.marketplace_id, j.order_id,
        j.id AS refund_id, j.document_id, j.origin, j.currency,
        CASE WHEN reasons[1] LIKE 'amount:%%' OR due = 0 THEN due ELSE expected END AS expected,
        j.seen, j.posted_on, COALESCE(split_part(reasons[1], ':', 1), '') AS cause,
        jsonb_strip_nulls(jsonb_build_object('facts', facts, 'document', document_id,
            'invoices', invoices, 'causes', CASE WHEN cardinality(reasons) > 1 THEN (
                SELECT jsonb_agg(split_part(x, ':', 1)) FROM unnest(reasons) x) END))
            || COALESCE(above, '{{}}') AS sides,
        CASE WHEN reasons[1] IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object(
            'template', {_SENTENCE.format("reasons[1]")}, 'params', {
    _params(
        tax="j.tax",
        seen_tax="COALESCE(j.seen_tax, 0)",
        excess="COALESCE(j.excess, 0)",
        units="COALESCE(j.units, 0)",
        accepted="COALESCE(j.accepted, 0)",
        order="(SELECT amazon_order_id FROM orders_order o WHERE o.id = j.order_id)",
        other="COALESCE(CASE split_part(reasons[1], ':', 2) WHEN 'twice' THEN j.twin"
        " WHEN 'over_paid' THEN j.over_paid WHEN 'goods' THEN j.case_name"
        " WHEN 'units_differ' THEN j.origin ELSE j.number END, '')",
    )
}) END AS detail,
        concat_ws('|', array_to_string(reasons, ','), due, expected, j.seen, j.tax, j.seen_tax,
            document_state, paper, excess, units || '/' || accepted, twin, over_paid) AS figures
    FROM judged j
)"""

# Untied money by transaction, named by what an import never changes later; and with it refunds of
# which Finances tells a total only, until another source says what it was.
UNTIED = """f.is_refund AND f.bucket = 'buyer' AND f.refund_id IS NULL"""
UNTIED_OR_BARE = """f.is_refund AND f.refund_id IS NULL AND (f.bucket = 'buyer'
    OR f.bucket = 'account' AND f.source = 'finances' AND f.amount_description = 'Total'
        AND f.amount < 0)"""
MONEY_KEY = """'money:' || f.seller_id || ':' || md5(concat_ws('|', f.amazon_order_id, f.currency,
    CASE WHEN f.adjustment_id <> '' THEN f.adjustment_id
    ELSE to_char(f.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '/'
        || COALESCE(NULLIF(f.order_item_code, ''), f.sku) END))"""
_MONEY_ROWS = f"""
untied AS (
    SELECT {MONEY_KEY} AS key, f.seller_id, f.currency, f.amazon_order_id AS name,
        max(f.marketplace_id) AS marketplace_id, max(f.order_id) AS order_id,
        -sum(f.amount) AS seen, 0::numeric AS expected, min(f.posted_on) AS posted_on,
        bool_and(f.order_line_id IS NOT NULL) AS has_lines, jsonb_agg(f.id ORDER BY f.id) AS facts,
        bool_and(f.bucket = 'account') AS is_bare
    FROM invoicing_moneyfact f WHERE {UNTIED_OR_BARE} AND {SELLERS.format("f")}
    GROUP BY 1, 2, 3, 4
), reasoned AS (
    SELECT u.*, CASE
        WHEN o.id IS NULL OR NOT o.facts_complete THEN 'unassigned:order_unknown'
        WHEN is_bare THEN 'unassigned:no_details'
        WHEN o.currency NOT IN ('', u.currency) THEN 'unassigned:other_currency'
        WHEN NOT has_lines THEN 'unassigned:line_unknown'
        WHEN seen <= 0 THEN 'only_amazon:taken_back'
        ELSE 'unassigned:not_tied' END AS reason
    FROM untied u LEFT JOIN orders_order o ON o.id = u.order_id
), stated AS (
    SELECT key, 'money' AS kind, seller_id, marketplace_id, order_id, NULL::bigint AS refund_id,
        NULL::bigint AS document_id, '' AS origin, currency, expected, seen, posted_on,
        split_part(reason, ':', 1) AS cause, jsonb_build_object('facts', facts) AS sides,
        jsonb_build_object('template', {_SENTENCE.format("reason")},
            'params', {_params(order="name")}) AS detail,
        concat_ws('|', reason, seen, posted_on) AS figures
    FROM reasoned
)"""

# The rows as they must stand now: what a person explained stays explained while its figures do,
# and who accepted another amount on the refund itself (refunds.accept_difference) explained it.
_ROWS = """
hashed AS (
    SELECT s.*, md5(figures) AS now_hash,
        COALESCE(seen, 0) - COALESCE(expected, 0) AS difference FROM stated s
), accepted AS (
    SELECT DISTINCT ON (r.id) r.id AS refund_id, r.confirmed_at AS at,
        (e.pgh_context ->> 'by')::bigint AS by, e.pgh_context ->> 'reason' AS reason
    FROM invoicing_refund r JOIN invoicing_refundevent e ON e.pgh_obj_id = r.id
    WHERE r.id IN (SELECT refund_id FROM hashed WHERE cause IN ('amount', 'vat'))
      AND r.state = 'confirmed' AND e.pgh_context ->> 'verb' = 'accept_difference_refund'
    ORDER BY r.id, e.pgh_id DESC
), wanted AS (
    SELECT h.*, COALESCE(old.version, 0) + 1 AS version, COALESCE(old.result, '') AS old_result,
        old.cause AS old_cause, old.since AS old_since, old.resolution AS old_resolution,
        old.explained_hash AS old_hash, old.resolved_by_id AS old_by, old.resolved_at AS old_at,
        a.by, a.at, COALESCE(a.reason, '') AS reason,
        CASE WHEN h.cause = '' THEN 'matched' WHEN a.refund_id IS NOT NULL THEN 'explained'
             WHEN old.result = 'explained' AND old.explained_hash = h.now_hash THEN 'explained'
             ELSE 'open' END AS result
    FROM hashed h LEFT JOIN invoicing_match old ON old.key = h.key
    LEFT JOIN accepted a ON a.refund_id = h.refund_id AND old.result IS DISTINCT FROM 'explained'
        AND a.at >= COALESCE(old.since, a.at)
    WHERE old.id IS NULL OR a.refund_id IS NOT NULL OR (
        old.seen, old.expected, old.difference, old.cause, old.posted_on, old.document_id,
        old.marketplace_id, old.order_id, old.sides, old.detail, old.figures_hash
    ) IS DISTINCT FROM (
        h.seen, h.expected, h.difference, h.cause, h.posted_on, h.document_id,
        h.marketplace_id, h.order_id, h.sides, h.detail, h.now_hash
    )
)"""
_STAND = ("seen", "expected", "difference", "cause", "posted_on", "document_id", "marketplace_id",
          "order_id", "sides", "detail", "result", "figures_hash", "version", "since")  # fmt: skip
_SAID = ("resolution", "explained_hash", "resolved_by_id", "resolved_at")


def _said(now: str, before: str, nothing: str = "NULL") -> str:
    return f"CASE WHEN by > 0 THEN {now} WHEN result = 'explained' THEN {before} ELSE {nothing} END"


# Only a row that still is what was compared is changed: a verb that was faster told the truth. What
# is inserted must be right by itself: constraints are asked before the conflict is seen.
_UPSERT = f"""
INSERT INTO invoicing_match AS m (key, kind, seller_id, marketplace_id, order_id, refund_id,
    document_id, origin, currency, expected, seen, difference, tolerance, posted_on, sides, result,
    cause, detail, figures_hash, since, version,
    resolution, note, explained_hash, resolved_by_id, resolved_at)
SELECT key, kind, seller_id, marketplace_id, order_id, refund_id, document_id, origin, currency,
    expected, seen, difference, %(tolerance)s, posted_on, sides, result, cause, detail, now_hash,
    CASE WHEN old_result = result AND old_cause = cause THEN old_since ELSE %(now)s END, version,
    {_said("'accepted'", "old_resolution", "''")}, left(reason, 500),
    {_said("now_hash", "old_hash", "''")}, {_said("by", "old_by")}, {_said("at", "old_at")}
FROM wanted ORDER BY refund_id, key
ON CONFLICT (key) DO UPDATE SET note = COALESCE(NULLIF(EXCLUDED.note, ''), m.note),
    {", ".join(f"{name} = EXCLUDED.{name}" for name in (*_STAND, *_SAID))}
WHERE m.version = EXCLUDED.version - 1
RETURNING m.result
"""
_COUNT = "SELECT count(*), count(*) FILTER (WHERE result = 'open') FROM written"


def returns(above: str = NOTHING_ABOVE) -> str:
    """The statement that brings the rows of refunds up to date; returns how many it wrote, and
    how many of them stand as exceptions.

    ``above`` is a SELECT over ``candidate``: refund_id, sides (jsonb), decided (whether a return
    asked for an Amazon refund), goods_open, name; where more units of a case were paid than its
    goods allow, how many and how many they allow (units, accepted).
    """
    parts = (
        _CANDIDATE, _MONEY, _SETTLED, FEES, INVOICES, _TWIN, _UNITS, _RATES, _CONTRADICTED,
        f"above AS ({above})", _COMPARED, _JUDGED, _RETURN_ROWS, _ROWS, f"written AS ({_UPSERT})",
    )  # fmt: skip
    return f"WITH {', '.join(parts)} {_COUNT}"


MONEY = f"WITH {_MONEY_ROWS}, {_ROWS}, written AS ({_UPSERT}) {_COUNT}"

# Money that was an exception and is none: a refund stands for it, or another source tells of it.
MONEY_SETTLED = f"""
UPDATE invoicing_match m SET result = 'matched', cause = '', expected = m.seen, difference = 0,
    detail = '{{}}', resolution = '', explained_hash = '', resolved_by_id = NULL,
    resolved_at = NULL, since = %(now)s, version = m.version + 1, figures_hash = '',
    sides = m.sides || jsonb_build_object('refunds', (
        SELECT COALESCE(jsonb_agg(DISTINCT f.refund_id), '[]') FROM invoicing_moneyfact f
        WHERE f.id IN (SELECT x::bigint FROM jsonb_array_elements_text(m.sides -> 'facts') x)
          AND f.refund_id IS NOT NULL))
WHERE m.kind = 'money' AND m.result <> 'matched' AND {SELLERS.format("m")} AND NOT EXISTS (
    SELECT FROM invoicing_moneyfact f
    WHERE f.id IN (SELECT x::bigint FROM jsonb_array_elements_text(m.sides -> 'facts') x)
      AND {UNTIED_OR_BARE})
"""

# Refunds that have, or must have, a row.
CONCERNED = """
SELECT r.id FROM invoicing_refund r WHERE r.id = ANY(%(refunds)s) AND r.source <> 'opening'
  AND (r.state IN ('sent', 'confirmed', 'unknown', 'reversed')
       OR EXISTS (SELECT FROM invoicing_match m WHERE m.refund_id = r.id)
       OR r.state = 'failed' AND EXISTS (
           SELECT FROM invoicing_refundattempt a
           WHERE a.refund_id = r.id AND a.evidence ->> 'report' IN ('accepted', 'partly')))
"""
