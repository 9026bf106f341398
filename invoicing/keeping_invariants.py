"""The promises of what happens to issued documents: corrections, deliveries, holds, retention.

Each is one query over the rows; the promises of documents and money are in `invariants.py`.
"""

from config.core.invariants import Promise, register

REPLACED = """
    SELECT anew.id, anew.number, old.number AS replaced
    FROM invoicing_document anew JOIN invoicing_document old ON old.id = anew.corrects_id
    WHERE anew.occasion = 'correction' AND (
        anew.kind <> 'invoice' OR anew.revision <> old.revision + 1
        OR (anew.order_id, anew.shipment_id) IS DISTINCT FROM (old.order_id, old.shipment_id)
        OR (anew.state <> 'draft' AND NOT EXISTS (
            SELECT FROM invoicing_document note
            WHERE note.corrects_id = old.id AND note.occasion = 'cancellation'
              AND note.state <> 'draft' AND note.numbered_at <= anew.numbered_at
              AND (note.net, note.tax) = (anew.net, anew.tax))))
"""

TAKEN_BACK = """
    SELECT d.id, d.number, d.occasion
    FROM invoicing_document d LEFT JOIN invoicing_document c ON c.id = d.corrects_id
    WHERE d.occasion IN ('cancellation', 'reversal') AND (
        c.id IS NULL OR c.state = 'draft' OR c.kind = d.kind OR c.order_id <> d.order_id
        OR EXISTS (SELECT FROM invoicing_refund r WHERE r.document_id = d.id))
"""

REVERSED_STAYS_UNPAID = """
    SELECT d.id, d.number, r.state
    FROM invoicing_document d JOIN invoicing_refund r ON r.document_id = d.corrects_id
    WHERE d.occasion = 'reversal' AND d.state <> 'draft'
      AND r.state NOT IN ('reversed', 'cancelled')
"""

DELIVERED = """
    SELECT v.id, v.channel, v.state, d.number
    FROM invoicing_delivery v JOIN invoicing_document d ON d.id = v.document_id
    LEFT JOIN invoicing_artifact a ON a.id = v.artifact_id
    WHERE (v.state IN ('sent', 'accepted') AND (v.sent_at IS NULL OR d.state <> 'issued'))
       OR (v.channel = 'email' AND v.state IN ('prepared', 'sent') AND v."to" = '')
       OR (v.state = 'failed' AND v.problem = '')
       OR (a.id IS NOT NULL AND a.document_id <> v.document_id)
"""

PACKED = """
    SELECT v.id, d.number, v.options
    FROM invoicing_delivery v JOIN invoicing_document d ON d.id = v.document_id
    JOIN orders_order o ON o.id = d.order_id
    WHERE v.channel = 'amazon' AND v.state <> 'cancelled' AND (
        v.options ->> 'metadata:invoicenumber' IS DISTINCT FROM d.number
        OR v.options ->> 'metadata:orderid' IS DISTINCT FROM o.amazon_order_id
        OR (v.options ->> 'metadata:totalamount')::numeric
           IS DISTINCT FROM CASE WHEN d.kind = 'credit_note' THEN -d.gross ELSE d.gross END
        OR (d.kind = 'credit_note' AND v.problem = '' AND v.options ->> 'metadata:transactionid'
            IS DISTINCT FROM d.transaction_id))
"""

ERASED = """
    SELECT e.id, e.number, e.kept_until, e.erased_at
    FROM invoicing_erasure e
    WHERE e.kept_until >= e.erased_at::date
       OR EXISTS (SELECT FROM invoicing_document d WHERE d.order_id = e.order_id)
"""

FORGOTTEN = """
    SELECT e.id, e.refund_id, e.bank_file_id, e.kept_until, e.erased_at
    FROM invoicing_payeeerasure e
    LEFT JOIN invoicing_bankfile f ON f.id = e.bank_file_id
    WHERE e.kept_until >= e.erased_at::date OR f.content <> ''
       OR EXISTS (SELECT FROM invoicing_payee p WHERE p.refund_id = e.refund_id)
       OR EXISTS (SELECT FROM invoicing_refundattempt a
                  JOIN invoicing_payee p ON p.refund_id = a.refund_id
                  WHERE a.bank_file_id = e.bank_file_id)
"""

HELD = """
    SELECT h.id, d.number FROM invoicing_legalhold h
    JOIN invoicing_document d ON d.id = h.document_id
    WHERE d.state = 'draft' OR (h.lifted_at IS NULL) <> (h.lifted_by_id IS NULL)
"""

register(
    Promise("corrected_invoices_follow", "A corrected invoice follows the credit note that took "
            "the old one back, over the same amounts.", REPLACED),
    Promise("taken_back_is_named", "A cancellation or reversal names the document on record that "
            "it takes back, and moves no money.", TAKEN_BACK),
    Promise("reversed_credits_unpaid", "A credit note is taken back only while the buyer does not "
            "have its money.", REVERSED_STAYS_UNPAID),
    Promise("deliveries_whole", "A delivery has its address, its time and its own document's "
            "file, or a problem that says what to do.", DELIVERED),
    Promise("packages_as_documents", "What Amazon is told about a document is what the document "
            "says.", PACKED),
    Promise("erased_after_their_time", "Documents are erased after their time only, with all of "
            "their order.", ERASED),
    Promise("accounts_forgotten_after_their_time", "Accounts of buyers and bank files are "
            "forgotten after their time only, whole, and leave a proof.", FORGOTTEN),
    Promise("holds_on_documents", "Legal holds are on numbered documents; a lifted one says by "
            "whom.", HELD),
)  # fmt: skip
