"""The promises of papers and money, each recomputed from the rows by one query.

Amounts are compared per order line and cap group: item, restocking fee, return freight and goodwill
draw on what was paid for the item, shipping and gift wrap each on their own.
"""

import hashlib
import json

from django.apps import apps
from django.db import connection

from config.core.invariants import Promise, register
from invoicing.payload import canonical_json
from invoicing.states import LIVE

# Component → cap group, for a table alias; the same table as states.CAP_GROUP.
GROUP = "CASE WHEN {0}.component IN ('shipping', 'gift_wrap') THEN {0}.component ELSE 'item' END"
PAID = """
    SELECT l.id AS line, g.part, g.net, g.tax
    FROM orders_orderline l CROSS JOIN LATERAL (VALUES
        ('item', l.item_net - l.item_promotion_net, l.item_tax - l.item_promotion_tax),
        ('shipping', l.shipping_net - l.shipping_promotion_net,
                     l.shipping_tax - l.shipping_promotion_tax),
        ('gift_wrap', l.gift_wrap_net, l.gift_wrap_tax)
    ) AS g(part, net, tax)
"""

REFUNDED = f"""
    WITH taken AS (
        SELECT rl.order_line_id AS line, {GROUP.format("rl")} AS part,
               sum(rl.net) AS net, sum(rl.tax) AS tax,
               coalesce(sum(rl.net) FILTER (WHERE rl.component = 'item'), 0) AS item_net,
               coalesce(sum(rl.tax) FILTER (WHERE rl.component = 'item'), 0) AS item_tax
        FROM invoicing_refundline rl JOIN invoicing_refund r ON r.id = rl.refund_id
        WHERE rl.live AND r.source <> 'amazon' GROUP BY 1, 2 HAVING bool_or(r.source = 'retour')
    )
    SELECT t.line, t.part, t.net, t.tax, p.net AS paid_net, p.tax AS paid_tax
    FROM taken t JOIN ({PAID}) p ON p.line = t.line AND p.part = t.part
    WHERE t.net > p.net OR t.tax > p.tax OR t.item_net > p.net OR t.item_tax > p.tax
"""

# What Amazon refunds after ours was started is Amazon's; what was known by then had to fit.
STARTED = f"""
    WITH row AS (
        SELECT rl.order_line_id AS line, {GROUP.format("rl")} AS part, rl.net, rl.tax,
               r.source, r.created_at,
               max(r.sending_at) FILTER (WHERE r.source = 'retour')
                   OVER (PARTITION BY rl.order_line_id, {GROUP.format("rl")}) AS started,
               r.sending_at
        FROM invoicing_refundline rl JOIN invoicing_refund r ON r.id = rl.refund_id WHERE rl.live
    ), taken AS (
        SELECT line, part, sum(net) AS net, sum(tax) AS tax FROM row
        WHERE started IS NOT NULL
          AND CASE WHEN source = 'amazon' THEN created_at < started
                   WHEN source = 'retour' THEN sending_at IS NOT NULL ELSE true END
        GROUP BY 1, 2
    )
    SELECT t.line, t.part, t.net, t.tax, p.net AS paid_net, p.tax AS paid_tax
    FROM taken t JOIN ({PAID}) p ON p.line = t.line AND p.part = t.part
    WHERE t.net > p.net OR t.tax > p.tax
"""

# Every line of a document that counts, and the invoice line it goes back to: a credit's original,
# a reversal's original's original. The same walk as in credited.py.
COUNTED = f"""
    SELECT d.id AS document, d.kind, d.occasion, d.issuer, d.corrects_id, dl.net, dl.tax,
           dl.order_line_id AS line, {GROUP.format("dl")} AS part,
           coalesce(oo.rate, o.rate, dl.rate) AS rate,
           CASE WHEN d.kind = 'invoice' AND d.occasion <> 'reversal' THEN d.id
                WHEN d.kind = 'invoice' THEN coalesce(oo.document_id, od.corrects_id, c.corrects_id)
                WHEN od.kind = 'invoice' THEN od.id ELSE d.corrects_id END AS invoice
    FROM invoicing_documentline dl JOIN invoicing_document d ON d.id = dl.document_id
    LEFT JOIN invoicing_documentline o ON o.id = dl.original_id
    LEFT JOIN invoicing_document od ON od.id = o.document_id
    LEFT JOIN invoicing_documentline oo ON oo.id = o.original_id
    LEFT JOIN invoicing_document c ON c.id = d.corrects_id
    WHERE d.state <> 'draft'
"""

CREDITED = f"""
    WITH line AS (
        SELECT *, CASE WHEN kind = 'credit_note' THEN 1 WHEN occasion = 'reversal' THEN -1
                       ELSE 0 END AS sign FROM ({COUNTED}) counted
    )
    SELECT invoice, line, part, rate, sum(net * sign) AS credited,
           coalesce(sum(net) FILTER (WHERE sign = 0), 0) AS invoiced
    FROM line GROUP BY 1, 2, 3, 4
    HAVING bool_or(sign = 1 AND issuer = 'retour') AND (
        sum(net * sign) > coalesce(sum(net) FILTER (WHERE sign = 0), 0)
        OR sum(tax * sign) > coalesce(sum(tax) FILTER (WHERE sign = 0), 0))
"""

REVERSED = f"""
    WITH line AS (
        SELECT *, occasion = 'reversal' AS back,
               CASE WHEN kind = 'credit_note' THEN document ELSE corrects_id END AS note
        FROM ({COUNTED}) counted WHERE kind = 'credit_note' OR occasion = 'reversal'
    )
    SELECT note, line, part, rate, sum(net) FILTER (WHERE back) AS reversed,
           coalesce(sum(net) FILTER (WHERE NOT back), 0) AS credited
    FROM line GROUP BY 1, 2, 3, 4
    HAVING sum(net) FILTER (WHERE back) > coalesce(sum(net) FILTER (WHERE NOT back), 0)
        OR sum(tax) FILTER (WHERE back) > coalesce(sum(tax) FILTER (WHERE NOT back), 0)
"""

# The same supply invoiced twice, whoever issued: another invoice of the shipment or the order, of
# which something is still charged, stands beside it.
ONE_INVOICE = f"""
    WITH charged AS (
        SELECT invoice, line, part, rate
        FROM ({COUNTED}) counted GROUP BY 1, 2, 3, 4
        HAVING sum(CASE WHEN kind = 'credit_note' THEN -net ELSE net END) <> 0
            OR sum(CASE WHEN kind = 'credit_note' THEN -tax ELSE tax END) <> 0
    ), sold AS (
        SELECT d.id, d.number, d.order_id, d.shipment_id, d.whole_order, d.revision
        FROM invoicing_document d
        WHERE d.kind = 'invoice' AND d.occasion IN ('supply', 'correction') AND d.state <> 'draft'
    )
    SELECT later.id, later.number, earlier.number AS other
    FROM sold later JOIN sold earlier ON earlier.order_id = later.order_id
        AND earlier.id <> later.id
        AND (earlier.whole_order OR later.whole_order OR earlier.shipment_id = later.shipment_id)
        AND (earlier.revision, earlier.id) < (later.revision, later.id)
    WHERE EXISTS (SELECT FROM charged WHERE charged.invoice = earlier.id)
"""

LIVE_MIRRORS = f"""
    SELECT rl.id, r.state, rl.live
    FROM invoicing_refundline rl JOIN invoicing_refund r ON r.id = rl.refund_id
    WHERE rl.live <> (r.state IN ({", ".join(f"'{state.value}'" for state in LIVE)}))
"""

SECOND_PERSON = """
    SELECT r.id, r.state, r.proposer_id, r.approver_id
    FROM invoicing_refund r
    LEFT JOIN invoicing_refundevent first ON first.pgh_obj_id = r.id AND first.pgh_label = 'insert'
    WHERE r.source = 'retour' AND (
        (first.needs_second AND NOT r.needs_second)
        OR (r.state NOT IN ('proposed', 'rejected', 'cancelled') AND (
            r.approver_id IS NULL OR r.approved_hash <> r.content_hash
            OR (r.needs_second AND r.approver_id = r.proposer_id))))
"""

REFUND_TOTALS = """
    SELECT r.id, r.gross, sum(rl.gross) AS lines
    FROM invoicing_refund r LEFT JOIN invoicing_refundline rl ON rl.refund_id = r.id
    GROUP BY r.id
    HAVING (r.net, r.tax, r.gross) IS DISTINCT FROM (sum(rl.net), sum(rl.tax), sum(rl.gross))
"""

# Numbered documents, and the places of those that retention removed.
NUMBERED = """
    SELECT id, number, series_id, year, sequence, previous_hash, chain_hash, payload_sha256
    FROM invoicing_document WHERE series_id IS NOT NULL
    UNION ALL
    SELECT NULL, number, series_id, year, sequence, previous_hash, chain_hash, payload_sha256
    FROM invoicing_erasure WHERE series_id IS NOT NULL
"""

GAPLESS = f"""
    SELECT coalesce(d.name, c.name) AS series, d.numbers, d.last, c.value AS counter
    FROM (
        SELECT 'series:' || series_id || ':' || year AS name, count(*) AS numbers,
               min(sequence) AS first, max(sequence) AS last
        FROM ({NUMBERED}) numbered GROUP BY 1
    ) d FULL JOIN (SELECT * FROM core_counter WHERE name LIKE 'series:%') c ON c.name = d.name
    WHERE (d.first, d.last, c.value) IS DISTINCT FROM (1, d.numbers, d.numbers)
"""

CHAINED = rf"""
    SELECT id, number FROM (
        SELECT id, number, previous_hash, chain_hash, encode(sha256(convert_to(
                   previous_hash || E'\n' || number || E'\n' || payload_sha256, 'UTF8'
               )), 'hex') AS computed,
               lag(chain_hash, 1, '')
                   OVER (PARTITION BY series_id, year ORDER BY sequence) AS before
        FROM ({NUMBERED}) numbered
    ) d WHERE chain_hash <> computed OR previous_hash <> before
"""

STORED_FILES = """
    SELECT d.id, d.number, a.kind
    FROM invoicing_document d JOIN invoicing_artifact a ON a.document_id = d.id
    WHERE a.sha256 <> encode(sha256(a.content), 'hex') OR a.size <> octet_length(a.content)
"""

EVERY_FILE = """
    SELECT d.id, d.number, wanted.kind
    FROM invoicing_document d CROSS JOIN LATERAL (
        SELECT unnest(ARRAY['pdf', 'facturx', 'report']) AS kind
        UNION SELECT jsonb_array_elements_text(coalesce(d.payload -> 'profiles', '[]'))
    ) wanted
    WHERE d.issuer = 'retour' AND d.state = 'issued' AND NOT EXISTS (
        SELECT FROM invoicing_artifact a WHERE a.document_id = d.id AND a.kind = wanted.kind)
"""

# The PDF names the MD5 of what is embedded in it; the report the SHA-256 of every file.
EMBEDDED_XML = """
    SELECT x.document_id, p.id AS pdf
    FROM invoicing_artifact x
    JOIN invoicing_artifact p ON p.document_id = x.document_id AND p.kind = 'pdf'
    LEFT JOIN invoicing_artifact r ON r.document_id = x.document_id AND r.kind = 'report'
    WHERE x.kind = 'facturx' AND (
        position(convert_to('<' || md5(x.content) || '>', 'UTF8') IN p.content) = 0
        OR convert_from(r.content, 'UTF8')::jsonb #>> '{files,pdf}' <> p.sha256
        OR convert_from(r.content, 'UTF8')::jsonb #>> '{files,facturx}' <> x.sha256)
"""

CREDIT_DOCUMENTS = """
    SELECT r.id, r.state, d.id AS document, d.state AS document_state
    FROM invoicing_refund r
    LEFT JOIN invoicing_document d ON d.id = r.document_id
    LEFT JOIN invoicing_document i ON i.order_id = r.order_id AND i.kind = 'invoice'
    LEFT JOIN invoicing_issuingmode m
        ON m.seller_id = r.seller_id AND m.marketplace_id = r.marketplace_id
    WHERE r.source = 'retour' AND r.state IN ('sent', 'confirmed')
      AND NOT EXISTS (SELECT FROM invoicing_erasure e WHERE e.refund_id = r.id) AND CASE
        WHEN d.id IS NULL THEN NOT EXISTS (
            SELECT FROM invoicing_erasure e WHERE e.refund_id = r.id) AND NOT coalesce(
            i.issuer = 'amazon' OR (i.issuer = 'earlier' AND m.issuer = 'amazon'), false)
        WHEN d.state = 'draft' THEN d.findings = '[]' AND d.due_at IS NULL
        ELSE d.kind <> 'credit_note' OR d.order_id <> r.order_id OR r.gross <> d.gross - coalesce((
            SELECT sum(f.gross) FROM invoicing_document f
            WHERE f.corrects_id = d.id AND f.kind = 'invoice' AND f.occasion = 'fee'), 0) END
"""

DOCUMENT_TOTALS = """
    WITH line AS (
        SELECT document_id, rate, sum(net) AS net, sum(tax) AS tax, sum(gross) AS gross
        FROM invoicing_documentline GROUP BY 1, 2
    ), rate AS (
        SELECT document_id, rate, sum(base) AS net, sum(tax) AS tax
        FROM invoicing_documenttax GROUP BY 1, 2
    ), apart AS (
        SELECT coalesce(line.document_id, rate.document_id) AS id
        FROM line FULL JOIN rate ON rate.document_id = line.document_id AND rate.rate = line.rate
        WHERE (line.net, line.tax) IS DISTINCT FROM (rate.net, rate.tax)
    )
    SELECT d.id, d.number, d.net, d.tax, d.gross
    FROM invoicing_document d LEFT JOIN (
        SELECT document_id, sum(net) AS net, sum(tax) AS tax, sum(gross) AS gross
        FROM line GROUP BY 1
    ) l ON l.document_id = d.id
    WHERE d.id IN (SELECT id FROM apart)
       OR (d.net, d.tax, d.gross) IS DISTINCT FROM (l.net, l.tax, l.gross)
       OR (d.payload IS NOT NULL AND d.gross - (d.payload #>> '{totals,gross}')::numeric
            IS DISTINCT FROM (d.payload #>> '{totals,rounding}')::numeric)
       OR (d.payload IS NOT NULL AND d.currency NOT IN ('JPY', 'USD') AND d.tax IS DISTINCT FROM
            (d.payload #>> '{totals,tax}')::numeric)
"""

LAST_EVENT = """
    SELECT r.id, r.state, e.state AS last_event
    FROM invoicing_refund r LEFT JOIN LATERAL (
        SELECT * FROM invoicing_refundevent e WHERE e.pgh_obj_id = r.id
        ORDER BY e.pgh_id DESC LIMIT 1
    ) e ON true
    WHERE (r.state, r.version, r.gross, r.document_id)
        IS DISTINCT FROM (e.state, e.version, e.gross, e.document_id)
"""


SETTLEMENTS_TIE = """
    SELECT s.id, s.settlement_id, s.total, sum(f.amount) AS rows
    FROM invoicing_settlement s LEFT JOIN invoicing_moneyfact f ON f.settlement_id = s.id
    GROUP BY s.id HAVING s.total <> coalesce(sum(f.amount), 0)
"""

TIED_MONEY_COUNTS = """
    SELECT f.id, f.amazon_order_id, f.amount, r.state
    FROM invoicing_moneyfact f JOIN invoicing_refund r ON r.id = f.refund_id
    WHERE r.state IN ('proposed', 'approved', 'rejected', 'cancelled', 'failed')
"""

# A transfer by the bank is confirmed by a person; of ours, another amount may stand as an exception
# (money that came back, a better source) until somebody explains it.
CONFIRMED_IS_SEEN = """
    SELECT r.id, r.source, r.gross, -sum(f.amount) AS seen
    FROM invoicing_refund r LEFT JOIN invoicing_moneyfact f ON f.refund_id = r.id
    WHERE r.state = 'confirmed' AND r.source <> 'opening' AND r.lane <> 'bank'
      AND NOT EXISTS (SELECT FROM invoicing_match m WHERE m.refund_id = r.id
        AND r.source = 'retour' AND m.result <> 'matched')
    GROUP BY r.id HAVING r.gross IS DISTINCT FROM -sum(f.amount)
"""


def frozen_payloads() -> str:
    """SQL for the documents whose stored payload is not the one that was hashed."""
    broken = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, payload::text, payload_sha256, number FROM invoicing_document"
            " WHERE series_id IS NOT NULL"
        )
        for pk, payload, given, number in cursor:
            data = json.loads(payload or "{}")
            digest = hashlib.sha256(canonical_json(data).encode()).hexdigest()
            if digest != given or data.get("number") != number:
                broken.append(pk)
    return f"SELECT id, number FROM invoicing_document WHERE id = ANY('{{{_ids(broken)}}}')"


def trail_contexts() -> str:
    """SQL for the trail rows of this room that do not say which verb wrote them."""
    tables = sorted(
        (model.pgh_tracked_model._meta.model_name, model._meta.db_table)
        for model in apps.get_app_config("invoicing").get_models()
        if hasattr(model, "pgh_tracked_model")
    )
    return " UNION ALL ".join(
        f"SELECT '{name}' AS model, pgh_id, pgh_obj_id::text AS obj FROM {table}"
        " WHERE coalesce(pgh_context ->> 'verb', '') = ''"
        for name, table in tables
    )


def _ids(values: list[int]) -> str:
    return ",".join(str(int(value)) for value in values)


register(
    Promise("refunded_within_paid", "Our refunds never exceed what was paid, per line and "
            "component, net and tax.", REFUNDED),
    Promise("started_within_rest", "A refund is started only when what was paid still covers it, "
            "Amazon's own refunds counted.", STARTED),
    Promise("credited_within_invoiced", "Credit notes, less what was reversed, never exceed their "
            "invoice, per line, component and rate, net and tax.", CREDITED),
    Promise("reversed_within_credited", "No more of a credit note is reversed than it gave.",
            REVERSED),
    Promise("one_invoice_a_supply", "No supply is invoiced twice, by us or Amazon: a new invoice "
            "stands only where the one before was credited in full.", ONE_INVOICE),
    Promise("refund_lines_live", "A refund line is live exactly while its refund counts.",
            LIVE_MIRRORS),
    Promise("second_person", "What needs a second person was approved by one, as frozen when it "
            "was proposed, and with the content that was approved.", SECOND_PERSON),
    Promise("refund_totals", "A refund is the sum of its lines.", REFUND_TOTALS),
    Promise("numbers_gapless", "Numbers have no gap, per series and year.", GAPLESS),
    Promise("documents_chained", "Every numbered document carries the hash of the one before it.",
            CHAINED),
    Promise("payloads_frozen", "A numbered document still has the content that was hashed.",
            frozen_payloads),
    Promise("files_as_rendered", "Every stored file is as it was made, to the byte.",
            STORED_FILES),
    Promise("files_complete", "An issued document of ours has its PDF, its XML in every profile it "
            "goes out in, and the report of its checks.", EVERY_FILE),
    Promise("xml_in_the_pdf", "The XML inside the PDF is the one that was checked and stored.",
            EMBEDDED_XML),
    Promise("credit_documents", "Every refund of ours that was sent has its credit note, or a "
            "visible reason why not.", CREDIT_DOCUMENTS),
    Promise("document_totals", "A document is the sum of its lines, and so is its table per rate; "
            "its page says the money moved, rounding included.", DOCUMENT_TOTALS),
    Promise("settlements_tie", "The rows of a settlement add up to its total.", SETTLEMENTS_TIE),
    Promise("tied_money_counts", "Settlement money is tied only to refunds that were carried out.",
            TIED_MONEY_COUNTS),
    Promise("confirmed_is_seen", "A confirmed refund is what Amazon's money shows, to the cent, or "
            "an exception.", CONFIRMED_IS_SEEN),
    Promise("refunds_in_trail", "The last row of a refund's trail is the refund.", LAST_EVENT),
    Promise("money_trail_contexts", "Every change of papers and money says which verb made it.",
            trail_contexts),
)  # fmt: skip
