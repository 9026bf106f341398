"""The promises of sending, each recomputed from the rows by one query: a refund and its newest
attempt say the same, and nothing is handed over to Amazon twice.
"""

from config.core.invariants import Promise, register
from invoicing.matches.rules import CYCLE_DAYS

NEWEST = """
    SELECT r.id, r.key, r.state, r.lane, a.number, a.state AS attempt, a.request_hash
    FROM invoicing_refund r LEFT JOIN LATERAL (
        SELECT number, state, request_hash FROM invoicing_refundattempt
        WHERE refund_id = r.id ORDER BY number DESC LIMIT 1
    ) a ON true WHERE r.source = 'retour'
"""
# Sent and then failed: the attempt keeps what it was told, the refund what turned out.
AGREE = f"""
    SELECT id, key, state, attempt FROM ({NEWEST}) newest
    WHERE CASE
        WHEN state IN ('sending', 'unknown') THEN attempt IS DISTINCT FROM state
        WHEN state IN ('sent', 'confirmed', 'reversed') THEN attempt IS DISTINCT FROM 'sent'
        ELSE attempt IN ('sending', 'unknown') END
"""
# Approved again after a failure is a decision; everything else has one attempt that left.
PAID_ONCE = """
    SELECT r.id, r.key, count(*) AS sent
    FROM invoicing_refund r JOIN invoicing_refundattempt a ON a.refund_id = r.id
    WHERE a.state = 'sent' GROUP BY r.id HAVING count(*) > r.attempt
"""
NUMBERED = """
    SELECT refund_id, count(*) AS attempts, max(number) AS last FROM invoicing_refundattempt
    GROUP BY refund_id HAVING max(number) <> count(*) OR min(number) <> 1
"""
FEEDS = """
    SELECT f.id, f.key, f.state, a.state AS attempt, count(*) AS attempts
    FROM invoicing_feed f LEFT JOIN invoicing_refundattempt a ON a.feed_id = f.id
    GROUP BY f.id, a.state
    HAVING (f.state IN ('prepared', 'creating') AND a.state IN ('unknown', 'failed', 'given_back'))
        OR (f.state IN ('unknown', 'done') AND a.state = 'sending')
        OR (f.state = 'failed' AND a.state = 'sending')
        OR count(a.id) = 0
"""
# What Amazon accepted is asked for anew only after a settlement had to show it and does not.
ACCEPTED_TWICE = f"""
    SELECT a.refund_id, a.number AS first, b.number AS again
    FROM invoicing_refundattempt a JOIN invoicing_refundattempt b ON b.refund_id = a.refund_id
        AND b.number > a.number AND b.started_at < a.started_at + interval '{CYCLE_DAYS} days'
    WHERE a.evidence ->> 'report' = 'accepted' AND b.evidence ->> 'report' = 'accepted'
"""
FEED_FILE = """
    SELECT id, key FROM invoicing_feed WHERE sha256 <> encode(sha256(content), 'hex')
"""

register(
    Promise(
        "attempts_agree",
        "A refund and its newest attempt say the same: in hand, unknown, sent, or over.",
        AGREE,
    ),
    Promise(
        "attempts_sent_once",
        "A decision to refund was sent at most once for each time it was approved.",
        PAID_ONCE,
    ),
    Promise("attempts_numbered", "Attempts of a refund are numbered without a gap.", NUMBERED),
    Promise(
        "feeds_and_attempts",
        "A feed that is over, or whose answer is lost, holds no refund that counts as on its way.",
        FEEDS,
    ),
    Promise(
        "accepted_not_paid_again",
        "No refund that Amazon's report accepted is accepted again before a settlement tells.",
        ACCEPTED_TWICE,
    ),
    Promise("feed_files_whole", "The stored file of a feed is the one that was made.", FEED_FILE),
)
