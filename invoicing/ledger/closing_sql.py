"""The SQL of closing months: what a period's journals add up to, and what is still to be posted.

Only text; when it runs is in ``periods.py``, the promises over it in `invariants.py`.
"""

from invoicing.ledger.posting_sql import STANDING_OF_EVERY, TOLD_ON
from invoicing.matches.sql import MONEY_KEY, UNTIED_OR_BARE

# Per currency, account, country and rate: debit, credit (both positive) and the number of lines.
_TOTALS = """
    SELECT jsonb_agg(jsonb_build_object('currency', currency, 'account', account,
        'country', country, 'rate', rate::text, 'debit', debit::text, 'credit', credit::text,
        'lines', lines) ORDER BY currency, account, country, rate) AS totals
    FROM (
        SELECT j.currency, l.account, l.country, l.rate, count(*) AS lines,
            coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::numeric(20, 2) AS debit,
            coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::numeric(20, 2) AS credit
        FROM invoicing_journal j JOIN invoicing_journalline l ON l.journal_id = j.id
        WHERE j.period_id = p.id GROUP BY 1, 2, 3, 4
    ) account
"""
_LINE = """concat_ws('|', l.account, l.country, coalesce(l.rate::text, '-'), l.component,
    coalesce(l.order_line_id::text, '-'), coalesce(l.fact_id::text, '-'), l.amount::text,
    coalesce(l.fx_rate::text, '-'), coalesce(l.fx_day::text, '-'))"""
_JOURNAL = """concat_ws('|', j.source, j.kind, j.refund_id, coalesce(j.reverses_id::text, '-'),
    j.currency, j.posted_on::text, j.text)"""
# The hash of its journals' hashes in the order they were booked; each covers all its lines.
_HASH = f"""
    SELECT encode(sha256(convert_to(
        coalesce(string_agg(digest, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex') AS sha256
    FROM (
        SELECT j.id, encode(sha256(convert_to({_JOURNAL} || E'\\n'
            || string_agg({_LINE}, E'\\n' ORDER BY l.id), 'UTF8')), 'hex') AS digest
        FROM invoicing_journal j JOIN invoicing_journalline l ON l.journal_id = j.id
        WHERE j.period_id = p.id GROUP BY j.id
    ) journal
"""
SUMS = f"""
SELECT p.id, coalesce(t.totals, '[]'::jsonb) AS totals, h.sha256
FROM invoicing_period p CROSS JOIN LATERAL ({_TOTALS}) t CROSS JOIN LATERAL ({_HASH}) h
"""
# Orders of a pair with money up to a month that is of no refund and in no exception yet.
NOT_COMPARED = f"""
SELECT f.amazon_order_id, min(f.id) FROM invoicing_moneyfact f
WHERE {UNTIED_OR_BARE} AND f.seller_id = %(seller)s
  AND (f.marketplace_id IS NULL OR f.marketplace_id IS NOT DISTINCT FROM %(marketplace)s)
  AND f.posted_on < %(until)s
  AND NOT EXISTS (SELECT FROM invoicing_match m WHERE m.key = {MONEY_KEY}
      AND m.sides -> 'facts' @> to_jsonb(f.id))
GROUP BY 1 ORDER BY 1
"""
# Refunds of a pair whose bookings belong into a month or before it and are not made.
MISSING = f"""
SELECT id, key::text, wants_sent OR wants_seen OR wants_back AS missing
FROM ({STANDING_OF_EVERY}) standing
WHERE seller_id = %(seller)s AND marketplace_id IS NOT DISTINCT FROM %(marketplace)s
  AND (wants_sent AND sent_on < %(until)s OR wants_back AND back_on < %(until)s
       OR wants_seen AND {TOLD_ON} < %(until)s OR wants_fx AND seen_on < %(until)s)
ORDER BY id
"""
