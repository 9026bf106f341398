"""The SQL of posting refunds to the ledger, in sets. Only text; when it runs is in `posting.py`.

Debit is positive. ``%(ids)s`` limits to refunds; ``%(now)s`` says which day it is.
A journal is open while no journal reverses it.
"""

from invoicing.particulars import NATIONAL
from invoicing.payload import EU
from invoicing.treatment import TAXED_AT_DISPATCH, UNION

# Posting shares a pair's lock, closing and reopening its months take it alone.
LOCK = 0x1ED6E2
PAIR = f"{LOCK}, hashtext(seller_id || '/' || coalesce(marketplace_id, 0))"
LOCK_PAIR = f"""
SELECT pg_advisory_xact_lock({PAIR})
FROM (VALUES (%(seller_id)s::bigint, %(marketplace_id)s::bigint)) pair(seller_id, marketplace_id)
"""


def _listed(words) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _iso(code: str) -> str:
    return f"CASE upper({code}) WHEN 'UK' THEN 'GB' WHEN 'EL' THEN 'GR' ELSE upper({code}) END"


# --- What stands, and what is still to be done ---------------------------------------------------

# Currencies of countries that sell on Amazon and have no marketplace there.
_ELSEWHERE = {"CH": "CHF", "CN": "CNY", "HK": "HKD", "LI": "CHF", "NO": "NOK"}
_HOMES = ", ".join(f"('{c}', '{m}')" for c, m in sorted((NATIONAL | _ELSEWHERE).items()))
# The currency a seller keeps its books in; the refund's where the country's is not known.
HOME = f"""coalesce(
    (SELECT h.currency FROM (VALUES {_HOMES}) h(country, currency)
        WHERE h.country = {_iso("s.country")}),
    CASE WHEN {_iso("s.country")} IN ({_listed(EU)}) THEN 'EUR' END,
    (SELECT min(h.currency) FROM orders_marketplace h WHERE h.country = s.country),
    r.currency)"""
_BOOKED = """
    SELECT j.refund_id,
        count(*) FILTER (WHERE j.kind = 'sent') AS sent_times,
        count(*) FILTER (WHERE j.kind = 'confirmed') AS seen_times,
        count(*) FILTER (WHERE j.kind <> 'back' AND v.id IS NULL) AS open,
        count(*) FILTER (WHERE j.kind = 'sent' AND v.id IS NULL) AS open_sent,
        count(*) FILTER (WHERE j.kind = 'confirmed' AND v.id IS NULL) AS open_seen,
        count(*) FILTER (WHERE j.kind = 'fx' AND v.id IS NULL) AS open_fx,
        max(j.posted_on) FILTER (WHERE j.kind <> 'back' AND v.id IS NULL) AS last_on,
        sum(l.amount) FILTER (WHERE v.id IS NULL) AS amazon
    FROM invoicing_journal j LEFT JOIN invoicing_journal v ON v.reverses_id = j.id
    LEFT JOIN LATERAL (
        SELECT sum(amount) AS amount FROM invoicing_journalline
        WHERE journal_id = j.id AND account = 'amazon'
    ) l ON j.kind = 'confirmed'
    WHERE {which} GROUP BY 1
"""
_SEEN = """
    SELECT refund_id, sum(amount) AS seen, max(posted_on) FILTER (WHERE amount < 0) AS seen_on,
        max(posted_on) AS told_on, CASE WHEN sum(amount) >= 0 THEN max(posted_on) END AS back_on
    FROM invoicing_moneyfact
    WHERE {which} GROUP BY 1
"""
# One row a refund: its days, what is posted, what money says, and what is still to be posted.
# Refunds from before Retour were booked where they were made; a bank's statement has its own day.
# It is taken back on the day all its money came back; a refund of Amazon's that another source told
# otherwise, on the day it was booked; else today. A change is booked on the day of what told it.
_STANDING = f"""
    SELECT r.id, r.key, r.seller_id, r.marketplace_id, r.order_id, r.currency, r.gross, r.lane,
        z.home, c.last_closed, r.state = 'confirmed' AS is_confirmed,
        coalesce(b.sent_times, 0) AS sent_times, coalesce(b.seen_times, 0) AS seen_times,
        coalesce(b.open_seen, 0) AS open_seen,
        coalesce(b.amazon, 0) AS amazon, coalesce(f.seen, 0) AS seen,
        coalesce(r.sent_on, (coalesce(r.sent_at, r.proposed_at) AT TIME ZONE z.zone)::date)
            AS sent_on,
        coalesce(f.seen_on, (
            SELECT (a.evidence ->> 'paid_on')::date FROM invoicing_refundattempt a
            WHERE r.lane = 'bank' AND a.refund_id = r.id ORDER BY a.number DESC LIMIT 1
        ), (coalesce(r.confirmed_at, r.sent_at, r.proposed_at) AT TIME ZONE z.zone)::date)
            AS seen_on,
        CASE WHEN b.open_seen > 0 THEN f.told_on END AS change_on,
        greatest(coalesce(f.back_on,
            CASE WHEN r.source = 'amazon' AND f.refund_id IS NULL THEN b.last_on END,
            (%(now)s AT TIME ZONE z.zone)::date), b.last_on) AS back_on,
        r.state IN ('sent', 'confirmed') AND coalesce(b.open_sent, 0) = 0 AS wants_sent,
        r.state = 'confirmed' AND (coalesce(b.open_seen, 0) = 0
            OR coalesce(b.amazon, 0) <> coalesce(f.seen, 0)) AS wants_seen,
        r.state NOT IN ('sent', 'confirmed') AND coalesce(b.open, 0) > 0 AS wants_back,
        r.state = 'confirmed' AND r.currency <> z.home AND coalesce(b.open_fx, 0) = 0 AS wants_fx
    FROM invoicing_refund r
    JOIN orders_seller s ON s.id = r.seller_id
    LEFT JOIN orders_marketplace m ON m.id = r.marketplace_id
    CROSS JOIN LATERAL (SELECT coalesce(m.time_zone, s.time_zone) AS zone, {HOME} AS home) z
    LEFT JOIN {{booked}} b ON b.refund_id = r.id
    LEFT JOIN {{seen}} f ON f.refund_id = r.id
    LEFT JOIN (
        SELECT seller_id, marketplace_id, max(month) AS last_closed FROM invoicing_period
        WHERE state = 'closed' GROUP BY 1, 2
    ) c ON c.seller_id = r.seller_id AND c.marketplace_id IS NOT DISTINCT FROM r.marketplace_id
    WHERE r.source <> 'opening' AND {{which}}
"""
# Refund by refund along the indexes: what this transaction just wrote is in no statistics, and a
# join of sums would be planned for none.
STANDING = _STANDING.format(
    booked=f"LATERAL ({_BOOKED.format(which='j.refund_id = r.id')})",
    seen=f"LATERAL ({_SEEN.format(which='refund_id = r.id')})",
    which="r.id = ANY(%(ids)s)",
)
# The same over every refund, all at once.
STANDING_OF_EVERY = _STANDING.format(
    booked=f"({_BOOKED.format(which='true')})",
    seen=f"({_SEEN.format(which='refund_id IS NOT NULL')})",
    which="true",
)
# As the promises read it, on the database's clock.
STANDING_OF_ALL = STANDING_OF_EVERY.replace("%(now)s", "now()")
TOLD_ON = "coalesce(change_on, seen_on)"
# The month a day is booked in: its own, or the first after the months that are closed.
MONTH = "greatest(date_trunc('month', {day})::date, ({closed} + interval '1 month')::date)"
_STEPS = (("sent", "sent_on"), ("seen", TOLD_ON), ("back", "back_on"), ("fx", "seen_on"))
WANTED = " UNION ALL ".join(
    f"SELECT '{step}' AS step, seller_id, marketplace_id,"
    f" date_trunc('month', {day})::date AS month, count(*) AS refunds"
    f" FROM standing WHERE wants_{step} GROUP BY 2, 3, 4"
    for step, day in _STEPS
)
# What is to be done, by month; no month of these pairs is closed until this transaction ends.
PLAN = f"""
WITH standing AS ({STANDING}), wanted AS ({WANTED})
SELECT step, seller_id, marketplace_id, month, refunds, pg_advisory_xact_lock_shared({PAIR})
FROM wanted
"""
OPEN_PERIODS = f"""
INSERT INTO invoicing_period
    (seller_id, marketplace_id, month, state, totals, sha256, reason, version)
SELECT DISTINCT w.seller_id, w.marketplace_id, w.month, 'open', '[]'::jsonb, '', '', 1
FROM (
    SELECT g.seller_id, g.marketplace_id, {MONTH.format(day="g.month", closed="c.last_closed")}
        AS month
    FROM unnest(%(sellers)s::bigint[], %(marketplaces)s::bigint[], %(months)s::date[])
        AS g(seller_id, marketplace_id, month)
    LEFT JOIN LATERAL (
        SELECT max(month) AS last_closed FROM invoicing_period p
        WHERE p.state = 'closed' AND p.seller_id = g.seller_id
          AND p.marketplace_id IS NOT DISTINCT FROM g.marketplace_id
    ) c ON true
) w
WHERE NOT EXISTS (
    SELECT FROM invoicing_period p WHERE p.seller_id = w.seller_id AND p.month = w.month
      AND p.marketplace_id IS NOT DISTINCT FROM w.marketplace_id)
ON CONFLICT DO NOTHING
"""

# --- Booking -------------------------------------------------------------------------------------


def _need(step: str, day: str) -> str:
    """The refunds that want this step and whose month is there, each with its journal's id.

    Journals and lines are both made from these rows: joining what was just inserted would be
    planned for a handful of rows.
    """
    return f"""standing AS ({STANDING}), need AS MATERIALIZED (
    SELECT {_NEXT} AS journal_id, s.*, p.id AS period_id, o.amazon_order_id
    FROM standing s JOIN orders_order o ON o.id = s.order_id
    JOIN invoicing_period p ON p.state = 'open' AND p.seller_id = s.seller_id
        AND p.marketplace_id IS NOT DISTINCT FROM s.marketplace_id
        AND p.month = {MONTH.format(day=day, closed="s.last_closed")}
    WHERE s.wants_{step}
)"""


_NEXT = "nextval(pg_get_serial_sequence('invoicing_journal', 'id'))"
_JOURNAL = """
INSERT INTO invoicing_journal (id, source, kind, period_id, seller_id, marketplace_id, refund_id,
    reverses_id, currency, posted_on, text, created_at)
"""
_LINE = """
INSERT INTO invoicing_journalline (journal_id, account, country, rate, component, order_line_id,
    fact_id, amount, fx_rate, fx_day)
"""
# Countries without VAT: the marketplace's own tax, whatever the place.
_OTHER_TAXES = ("CA", "JP", "US")


# The country whose tax an order bears: as its invoice says, else by the rule of `treatment.py`. The
# tax is Amazon's where it is the deemed supplier, and in the US, as the marketplace facilitator.
COUNTRY = f"""
    SELECT o.id AS order_id, {_iso("coalesce(nullif(i.said, ''), w.country)")} AS country,
        CASE WHEN m.country = 'US' OR EXISTS (SELECT FROM invoicing_taxfact d
            WHERE d.order_id = o.id AND d.deemed_supplier) THEN 'amazon_tax' ELSE 'vat' END AS tax
    FROM orders_order o JOIN orders_seller s ON s.id = o.seller_id
    LEFT JOIN orders_marketplace m ON m.id = o.marketplace_id
    LEFT JOIN LATERAL (
        SELECT d.payload ->> 'tax_country' AS said, EXISTS (
            SELECT FROM invoicing_documenttax t
            WHERE t.document_id = d.id AND t.category IN ({_listed(TAXED_AT_DISPATCH)})
        ) AS at_dispatch
        FROM invoicing_document d
        WHERE d.order_id = o.id AND d.kind = 'invoice' AND d.occasion IN ('supply', 'correction')
          AND d.state <> 'draft' ORDER BY d.revision DESC, d.id DESC LIMIT 1
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT t.ship_from_country AS country FROM invoicing_taxfact t
        WHERE t.order_id = o.id AND t.ship_from_country <> '' ORDER BY t.id LIMIT 1
    ) t ON true
    CROSS JOIN LATERAL (SELECT {_iso("coalesce(t.country, s.country)")} AS leaves,
        {_iso("coalesce(nullif(o.ship_country, ''), m.country, s.country)")} AS arrives) g
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(x.scheme = 'OSS' OR x.scheme = 'VAT'
                AND {_iso("x.country")} = g.arrives), false) AS there,
            coalesce(bool_or(x.scheme = 'VAT' AND {_iso("x.country")} = g.leaves), false) AS here
        FROM orders_sellertaxregistration x WHERE x.seller_id = o.seller_id
          AND x.valid_from <= coalesce(o.purchased_at, now())::date
          AND coalesce(x.valid_to, 'infinity') >= coalesce(o.purchased_at, now())::date
    ) x
    CROSS JOIN LATERAL (SELECT CASE WHEN m.country IN ({_listed(_OTHER_TAXES)}) THEN m.country
        WHEN i.at_dispatch THEN g.leaves
        WHEN g.leaves IN ({_listed(UNION)}) AND g.arrives IN ({_listed(UNION)})
            AND g.leaves <> g.arrives AND x.here AND NOT x.there THEN g.leaves
        ELSE g.arrives END AS country) w
"""
# What the refund takes back from the books, against money on its way.
SENT = f"""
WITH {_need("sent", "sent_on")}, journal AS ({_JOURNAL}
    SELECT journal_id, 'refund:' || key || ':' || sent_times + 1 || ':sent', 'sent', period_id,
        seller_id, marketplace_id, id, NULL::bigint, currency, sent_on, amazon_order_id, now()
    FROM need RETURNING id
), line AS ({_LINE}
    SELECT n.journal_id, x.account, c.country, l.rate, l.component, l.order_line_id, NULL::bigint,
        x.amount, NULL::numeric, NULL::date
    FROM need n JOIN invoicing_refundline l ON l.refund_id = n.id
    CROSS JOIN LATERAL ({COUNTRY} WHERE o.id = n.order_id) c
    CROSS JOIN LATERAL (VALUES (CASE l.component WHEN 'item' THEN 'buyer_refunds'
            WHEN 'goodwill' THEN 'goodwill' WHEN 'restocking_fee' THEN 'restocking'
            WHEN 'return_freight' THEN 'return_freight' ELSE 'freight' END, l.net),
        (c.tax, l.tax)) x(account, amount)
    WHERE x.amount <> 0
    UNION ALL
    SELECT journal_id, 'in_transit', '', NULL, '', NULL, NULL, -gross, NULL, NULL FROM need
)
SELECT count(*) FROM journal
"""
# The money that was seen, row by row; what is missing or too much was accepted as a difference.
# Money that comes later, or is told otherwise, is booked as the change.
SEEN = f"""
WITH {_need("seen", TOLD_ON)}, journal AS ({_JOURNAL}
    SELECT journal_id, 'refund:' || key || ':' || sent_times || ':confirmed'
            || CASE WHEN seen_times > 0 THEN ':' || seen_times + 1 ELSE '' END,
        'confirmed', period_id, seller_id, marketplace_id, id, NULL::bigint, currency, {TOLD_ON},
        amazon_order_id, now()
    FROM need RETURNING id
), amount AS (
    SELECT journal_id, 'in_transit' AS account, gross AS amount, NULL::bigint AS fact
    FROM need WHERE open_seen = 0
    UNION ALL
    SELECT n.journal_id, 'amazon', f.amount, f.id
    FROM need n JOIN invoicing_moneyfact f ON f.refund_id = n.id WHERE n.open_seen = 0
    UNION ALL
    SELECT n.journal_id, 'amazon', n.seen - n.amazon, (
        SELECT max(f.id) FROM invoicing_moneyfact f WHERE f.refund_id = n.id)
    FROM need n WHERE n.open_seen > 0
    UNION ALL
    SELECT journal_id, CASE lane WHEN 'bank' THEN 'bank' ELSE 'difference' END,
        amazon - seen - CASE open_seen WHEN 0 THEN gross ELSE 0 END, NULL
    FROM need
), line AS ({_LINE}
    SELECT journal_id, account, '', NULL::numeric, '', NULL::bigint, fact, amount, NULL::numeric,
        NULL::date
    FROM amount WHERE amount <> 0
)
SELECT count(*) FROM journal
"""
# Every open journal of a refund that failed or came back, negated.
BACK = f"""
WITH {_need("back", "back_on")}, old AS MATERIALIZED (
    SELECT {_NEXT} AS new_id, n.back_on, n.period_id AS now_in, j.*
    FROM need n JOIN invoicing_journal j ON j.refund_id = n.id
    WHERE j.kind <> 'back'
      AND NOT EXISTS (SELECT FROM invoicing_journal v WHERE v.reverses_id = j.id)
), journal AS ({_JOURNAL}
    SELECT new_id, source || ':back', 'back', now_in, seller_id, marketplace_id, refund_id, id,
        currency, back_on, text, now()
    FROM old RETURNING refund_id
), line AS ({_LINE}
    SELECT old.new_id, l.account, l.country, l.rate, l.component, l.order_line_id, l.fact_id,
        -l.amount, l.fx_rate, l.fx_day
    FROM old JOIN invoicing_journalline l ON l.journal_id = old.id
)
SELECT count(DISTINCT refund_id) FROM journal
"""

# --- Exchange differences ------------------------------------------------------------------------

# Refunds in another currency than the seller's: gross, the days, and the rate the invoice froze.
ABROAD = f"""
SELECT s.id, s.currency, s.home, s.gross,
    coalesce(i.day, (coalesce(o.purchased_at, o.created_at) AT TIME ZONE 'UTC')::date),
    CASE WHEN s.is_confirmed THEN s.seen_on ELSE s.sent_on END, i.rate, i.rate_on
FROM ({STANDING}) s JOIN orders_order o ON o.id = s.order_id
LEFT JOIN LATERAL (
    SELECT coalesce(d.tax_point, d.issue_date) AS day,
        CASE WHEN d.payload #>> '{{national_tax,currency}}' = s.home
            THEN (d.payload #>> '{{national_tax,rate}}')::numeric END AS rate,
        CASE WHEN d.payload #>> '{{national_tax,currency}}' = s.home
            THEN (d.payload #>> '{{national_tax,date}}')::date END AS rate_on
    FROM invoicing_document d WHERE d.order_id = s.order_id AND d.kind = 'invoice'
      AND d.occasion IN ('supply', 'correction') AND d.state <> 'draft'
    ORDER BY d.revision, d.id LIMIT 1
) i ON true
WHERE s.currency <> s.home
"""
FX = f"""
WITH {_need("fx", "seen_on")}, loss AS (
    SELECT n.*, g.* FROM need n JOIN unnest(%(refunds)s::bigint[], %(losses)s::numeric[],
        %(rates)s::numeric[], %(days)s::date[], %(old_rates)s::numeric[], %(old_days)s::date[])
        AS g(refund_id, loss, rate, day, old_rate, old_day) ON g.refund_id = n.id
), journal AS ({_JOURNAL}
    SELECT journal_id, 'refund:' || key || ':' || sent_times || ':fx', 'fx', period_id, seller_id,
        marketplace_id, id, NULL::bigint, home, seen_on, amazon_order_id, now()
    FROM loss RETURNING id
), line AS ({_LINE}
    SELECT journal_id, x.account, '', NULL::numeric, '', NULL::bigint, NULL::bigint, x.amount,
        x.rate, x.day
    FROM loss CROSS JOIN LATERAL (VALUES ('fx', loss, rate, day),
        ('fx_clearing', -loss, old_rate, old_day)) x(account, amount, rate, day)
)
SELECT count(*) FROM journal
"""

# --- What was missed -----------------------------------------------------------------------------

UNPOSTED = f"""
SELECT id FROM ({STANDING_OF_EVERY}) standing
WHERE (wants_sent OR wants_seen OR wants_back OR wants_fx) AND id > %(after)s
ORDER BY id LIMIT %(chunk)s
"""
LOCK_REFUNDS = """
SELECT id FROM invoicing_refund WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
