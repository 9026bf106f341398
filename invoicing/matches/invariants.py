"""The promises of matches, each recomputed from the rows by one query: nothing vanishes."""

from config.core.invariants import Promise, register
from invoicing.matches.rules import GRACE_DAYS
from invoicing.matches.sql import MONEY_KEY, UNTIED_OR_BARE

COMPARED = """
    SELECT r.id, r.state, r.source FROM invoicing_refund r
    WHERE r.source <> 'opening' AND r.state IN ('sent', 'confirmed', 'unknown', 'reversed')
      AND NOT EXISTS (SELECT FROM invoicing_match m WHERE m.refund_id = r.id)
"""

# What is called matched ties by the rows as they are now, money and paper.
TIES = """
    SELECT m.id, m.key, m.expected, r.state, money.seen FROM invoicing_match m
    JOIN invoicing_refund r ON r.id = m.refund_id
    LEFT JOIN LATERAL (
        SELECT -sum(f.amount) AS seen FROM invoicing_moneyfact f WHERE f.refund_id = r.id
    ) money ON true
    WHERE m.result = 'matched' AND (
        r.state IN ('sent', 'unknown')
        OR (r.state = 'confirmed' AND r.lane <> 'bank' AND money.seen IS DISTINCT FROM r.gross)
        OR (r.state NOT IN ('sent', 'unknown', 'confirmed') AND coalesce(money.seen, 0) <> 0))
"""

UNTIED_MONEY = f"""
    SELECT f.id, f.amazon_order_id, f.amount, f.currency FROM invoicing_moneyfact f
    WHERE {UNTIED_OR_BARE} AND NOT EXISTS (
        SELECT FROM invoicing_match m WHERE m.kind = 'money' AND m.key = {MONEY_KEY}
          AND m.result <> 'matched' AND m.sides -> 'facts' @> to_jsonb(f.id))
"""

EXPLAINED = """
    SELECT m.id, m.key FROM invoicing_match m
    WHERE m.result = 'explained' AND m.explained_hash <> m.figures_hash
"""

# Until a settlement tells, a person hears of every report of Amazon's that says otherwise.
CONTRADICTED = f"""
    SELECT r.id, r.state, a.evidence ->> 'report' AS report FROM invoicing_refund r
    JOIN invoicing_refundattempt a ON a.refund_id = r.id
    WHERE (r.state = 'failed' AND a.evidence ->> 'report' IN ('accepted', 'partly')
            OR r.state = 'sent' AND a.state = 'sent' AND a.evidence ->> 'report' = 'refused')
      AND NOT EXISTS (SELECT FROM invoicing_moneyfact f WHERE f.refund_id = r.id)
      AND NOT EXISTS (
        SELECT FROM invoicing_settlement s
        WHERE s.seller_id = r.seller_id AND s.currency = r.currency
          AND COALESCE(s.ends_at, s.deposited_at)::date
            > COALESCE(r.sent_on, r.sending_at::date, r.proposed_at::date) + {GRACE_DAYS})
      AND NOT EXISTS (
        SELECT FROM invoicing_match m WHERE m.refund_id = r.id AND m.result <> 'matched')
"""

register(
    Promise("reports_heard", "What Amazon's report says against a person's word is an exception.",
            CONTRADICTED),
    Promise("refunds_compared", "Every refund whose money left, or may have left, has its match.",
            COMPARED),
    Promise("matched_ties", "What is called matched ties to the cent: the refund and the money.",
            TIES),
    Promise("untied_money_shown", "Money of buyers that no refund stands for is an exception.",
            UNTIED_MONEY),
    Promise("explained_as_it_is", "An explanation holds only for the figures it was given for.",
            EXPLAINED),
)  # fmt: skip
