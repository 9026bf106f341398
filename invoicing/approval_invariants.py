"""The promises of approvals and bank files, each recomputed from the rows by one query.

That a second person approved where one is needed is promised in `invariants.py`.
"""

from config.core.invariants import Promise, register

# The newest yes of every refund that went on, and what it says.
NEWEST = """
    SELECT DISTINCT ON (a.refund_id) a.* FROM invoicing_approval a ORDER BY a.refund_id, a.id DESC
"""
APPROVED_AS_IT_IS = f"""
    SELECT r.id, r.state, r.content_hash, a.content_hash AS approved
    FROM invoicing_refund r LEFT JOIN ({NEWEST}) a ON a.refund_id = r.id
    WHERE r.source = 'retour' AND r.state NOT IN ('proposed', 'rejected', 'cancelled')
      AND (a.content_hash, a.by_id, a.lane, a.gross, a.currency) IS DISTINCT FROM
          (r.content_hash, r.approver_id, r.lane, r.gross, r.currency)
"""
ALONE = """
    SELECT a.id, a.refund_id, a.by_id, a.alone
    FROM invoicing_approval a JOIN invoicing_refund r ON r.id = a.refund_id
    JOIN core_user u ON u.id = a.by_id
    WHERE (a.by_id = r.proposer_id OR u.is_system) AND NOT a.alone
       OR a.alone AND r.needs_second AND a.content_hash = r.content_hash
          AND r.state NOT IN ('proposed', 'rejected', 'cancelled')
"""
ACCOUNT = """
    SELECT r.id, r.lane, p.id AS payee, p.by_id, r.approver_id
    FROM invoicing_refund r LEFT JOIN invoicing_payee p ON p.refund_id = r.id
    LEFT JOIN invoicing_payeeerasure e ON e.refund_id = r.id
    WHERE r.source = 'retour' AND ((r.lane = 'bank') <> (p.id IS NOT NULL OR e.id IS NOT NULL)
        OR (p.id IS NOT NULL AND e.id IS NOT NULL)
        OR (p.by_id = r.approver_id AND r.state NOT IN ('proposed', 'rejected', 'cancelled')))
"""
BANK_FILE = """
    SELECT f.id, f.state, f.total, f.count, sum(r.gross) AS paid, count(a.id) AS transfers
    FROM invoicing_bankfile f
    LEFT JOIN invoicing_refundattempt a ON a.bank_file_id = f.id
    LEFT JOIN invoicing_refund r ON r.id = a.refund_id
    GROUP BY f.id
    HAVING (f.total, f.count) IS DISTINCT FROM (sum(r.gross), count(a.id))
        OR f.sha256 <> coalesce(
            (SELECT e.sha256 FROM invoicing_payeeerasure e
             WHERE e.bank_file_id = f.id AND f.content = ''),
            encode(sha256(f.content), 'hex'))
        OR bool_or(a.state <> CASE f.state WHEN 'made' THEN 'sending' WHEN 'executed' THEN 'sent'
                   ELSE 'given_back' END)
"""

PROMISES = (
    Promise(
        "approval_covers_the_refund",
        "Every refund that went on has an approval of what it is, by its approver.",
        APPROVED_AS_IT_IS,
    ),
    Promise(
        "alone_is_said",
        "Who approves what they proposed is written down as alone, and is never alone where two "
        "are needed.",
        ALONE,
    ),
    Promise(
        "account_named_by_another",
        "A bank transfer, and nothing else, has an account; who named it did not approve it.",
        ACCOUNT,
    ),
    Promise(
        "bank_file_pays_its_refunds",
        "A bank file pays exactly its refunds, and their attempts end as it ended.",
        BANK_FILE,
    ),
)
register(*PROMISES)
