"""The promises of the ledger, each recomputed from the rows by one query."""

from config.core.invariants import Promise, register
from invoicing.ledger import closing_sql
from invoicing.ledger.posting_sql import STANDING_OF_ALL

BALANCED = """
    SELECT j.id, j.source, sum(l.amount) AS sum, count(l.id) AS lines
    FROM invoicing_journal j LEFT JOIN invoicing_journalline l ON l.journal_id = j.id
    GROUP BY j.id HAVING count(l.id) < 2 OR sum(l.amount) <> 0
"""
ZERO = """
    SELECT j.currency, sum(l.amount) AS sum
    FROM invoicing_journal j JOIN invoicing_journalline l ON l.journal_id = j.id
    GROUP BY 1 HAVING sum(l.amount) <> 0
"""
BOOKED = f"""
    SELECT id, key, wants_sent, wants_seen, wants_back
    FROM ({STANDING_OF_ALL}) standing WHERE wants_sent OR wants_seen OR wants_back
"""
# What is open of a refund is its state: nothing, money on its way, or money that was seen.
OF_THE_STATE = """
    WITH open AS (
        SELECT j.* FROM invoicing_journal j WHERE j.kind <> 'back'
          AND NOT EXISTS (SELECT FROM invoicing_journal v WHERE v.reverses_id = j.id)
    ), booked AS (
        SELECT j.refund_id,
            count(DISTINCT j.id) FILTER (WHERE j.kind = 'sent') AS sent,
            count(DISTINCT j.id) FILTER (WHERE j.kind = 'fx') AS fx,
            coalesce(sum(l.amount) FILTER (WHERE l.account = 'in_transit'), 0) AS on_its_way,
            coalesce(sum(l.amount) FILTER (WHERE l.account IN ('vat', 'amazon_tax')), 0)
                AS tax,
            coalesce(sum(l.amount) FILTER (WHERE l.account IN ('buyer_refunds', 'freight',
                'goodwill', 'restocking', 'return_freight')), 0) AS net,
            coalesce(sum(l.amount) FILTER (
                WHERE l.account IN ('amazon', 'bank', 'difference')), 0) AS paid,
            bool_or(j.currency <> r.currency) FILTER (WHERE j.kind <> 'fx') AS odd_currency
        FROM open j JOIN invoicing_refund r ON r.id = j.refund_id
        JOIN invoicing_journalline l ON l.journal_id = j.id GROUP BY 1
    )
    SELECT r.id, r.key, r.state, b.sent, b.on_its_way, b.net, b.tax, b.paid
    FROM booked b JOIN invoicing_refund r ON r.id = b.refund_id
    WHERE b.sent > 1 OR b.fx > 1 OR b.odd_currency OR r.source = 'opening'
       OR (b.net, b.tax, b.on_its_way, b.paid) IS DISTINCT FROM (CASE r.state
            WHEN 'sent' THEN (r.net, r.tax, -r.gross, 0::numeric)
            WHEN 'confirmed' THEN (r.net, r.tax, 0::numeric, -r.gross)
            ELSE (0::numeric, 0::numeric, 0::numeric, 0::numeric) END)
"""
# VAT as the refund's lines have it, per rate.
VAT = """
    WITH booked AS (
        SELECT j.refund_id, l.rate, sum(l.amount) AS tax
        FROM invoicing_journal j JOIN invoicing_journalline l ON l.journal_id = j.id
        WHERE j.kind = 'sent' AND l.account IN ('vat', 'amazon_tax')
          AND NOT EXISTS (SELECT FROM invoicing_journal v WHERE v.reverses_id = j.id)
        GROUP BY 1, 2
    ), refunded AS (
        SELECT l.refund_id, l.rate, sum(l.tax) AS tax
        FROM invoicing_refundline l JOIN invoicing_refund r ON r.id = l.refund_id
        WHERE r.state IN ('sent', 'confirmed') AND r.source <> 'opening' AND l.tax <> 0
        GROUP BY 1, 2
    )
    SELECT coalesce(b.refund_id, r.refund_id) AS refund, coalesce(b.rate, r.rate) AS rate,
        b.tax AS booked, r.tax AS refunded
    FROM booked b FULL JOIN refunded r
        ON r.refund_id = b.refund_id AND coalesce(r.rate, -1) = coalesce(b.rate, -1)
    WHERE coalesce(b.tax, 0) <> coalesce(r.tax, 0)
"""
MIRRORED = """
    SELECT v.id, v.source, v.reverses_id FROM invoicing_journal v
    LEFT JOIN invoicing_journal j ON j.id = v.reverses_id
    WHERE (v.kind = 'back') <> (v.reverses_id IS NOT NULL)
       OR v.kind = 'back' AND (j.kind = 'back' OR v.posted_on < j.posted_on OR EXISTS (
            SELECT FROM (
                SELECT account, country, rate, component, order_line_id, fact_id, amount
                FROM invoicing_journalline WHERE journal_id IN (v.id, j.id)
            ) l GROUP BY account, country, rate, component, order_line_id, fact_id
            HAVING sum(l.amount) <> 0))
    UNION ALL
    SELECT min(id), min(source), reverses_id FROM invoicing_journal
    WHERE reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1
"""
IN_ITS_MONTH = """
    SELECT j.id, j.source, j.posted_on, p.month
    FROM invoicing_journal j JOIN invoicing_period p ON p.id = j.period_id
    JOIN invoicing_refund r ON r.id = j.refund_id
    WHERE p.month < date_trunc('month', j.posted_on)
       OR (p.seller_id, p.marketplace_id) IS DISTINCT FROM (j.seller_id, j.marketplace_id)
       OR (r.seller_id, r.marketplace_id) IS DISTINCT FROM (j.seller_id, j.marketplace_id)
"""
CLOSED = f"""
    SELECT p.id, p.month, p.sha256, s.sha256 AS now FROM invoicing_period p
    JOIN ({closing_sql.SUMS} WHERE p.state = 'closed') s ON s.id = p.id
    WHERE p.sha256 <> s.sha256 OR p.totals <> s.totals
"""
NO_GAPS = """
    SELECT p.id, p.seller_id, p.marketplace_id, p.month
    FROM invoicing_period p WHERE p.state = 'open' AND EXISTS (
        SELECT FROM invoicing_period c WHERE c.state = 'closed' AND c.seller_id = p.seller_id
          AND c.marketplace_id IS NOT DISTINCT FROM p.marketplace_id AND c.month > p.month)
"""
FX = """
    SELECT j.id, j.source FROM invoicing_journal j JOIN invoicing_refund r ON r.id = j.refund_id
    JOIN invoicing_journalline l ON l.journal_id = j.id
    WHERE j.kind = 'fx' AND (j.currency = r.currency OR l.fx_rate IS NULL OR l.fx_day IS NULL
        OR l.account NOT IN ('fx', 'fx_clearing'))
"""

register(
    Promise("ledger_balances", "Every journal has at least two lines and adds up to nothing.",
            BALANCED),
    Promise("ledger_zero", "The whole ledger adds up to nothing, per currency.", ZERO),
    Promise("refunds_booked", "Every refund that was sent, seen or taken back is in the ledger, "
            "with the money that was seen of it.", BOOKED),
    Promise("ledger_of_the_state", "What is open of a refund in the ledger is its net, its VAT and "
            "its gross, on its way while sent and paid when confirmed; nothing else is.",
            OF_THE_STATE),
    Promise("ledger_vat", "The VAT in the ledger is that of the refund's lines, per rate.", VAT),
    Promise("ledger_mirrored", "A journal is taken back at most once, line by line.", MIRRORED),
    Promise("ledger_in_its_month", "A journal is in the month of its day or a later one, of its "
            "own seller and marketplace.", IN_ITS_MONTH),
    Promise("periods_as_closed", "A closed month still has the journals it was closed with: the "
            "same totals, the same hash.", CLOSED),
    Promise("periods_without_gaps", "No month is open before one that is closed.", NO_GAPS),
    Promise("fx_in_own_currency", "Exchange differences are booked in the seller's currency, with "
            "both rates and their days.", FX),
)  # fmt: skip
