"""Rows at size for the benchmarks: made by SQL in the owner's role, never by the verbs.

Each function fills an empty database and leaves it as autovacuum would: vacuumed, analysed.
"""

from contextlib import contextmanager

from django.conf import settings

from tests.database import owner

STATES = "ARRAY['requested','approved','shipped','inspected','refunded','closed']"
REASONS = "ARRAY['CR-DEFECTIVE','CR-UNWANTED_ITEM','CR-NOT_AS_DESCRIBED','CR-DAMAGED_BY_FC']"


@contextmanager
def without_triggers(*tables: str):
    """A connection of the owner's role with the tables' triggers off."""
    with owner(settings.DATABASES["default"]["NAME"]) as db:
        for table in tables:
            db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield db
        finally:
            for table in tables:
                db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
                db.execute(f"VACUUM (ANALYZE) {table}")


def orders(count: int) -> None:
    """One seller, 200 buyers, ``count`` orders with one line each."""
    tables = ("orders_seller", "orders_buyer", "orders_order", "orders_orderline")
    with without_triggers(*tables) as db:
        db.execute(
            "INSERT INTO orders_seller (id, code, name, legal_name, amazon_seller_id,"
            " address_line1, address_line2, postal_code, city, state, country, email,"
            " approver_email, time_zone, active, contact_name, phone, legal_id, legal_id_scheme,"
            " endpoint, endpoint_scheme) VALUES (1, 'B', 'Bench', 'Bench GmbH', '', '',"
            " '', '', '', '', 'DE', '', '', 'Europe/Berlin', true, '', '', '', '', '', '')"
        )
        db.execute(
            "INSERT INTO orders_buyer (id, legal_name, match_key, kind, country, language,"
            " contact_name, email, email_bounced, phone, watched, watch_reason, created_at,"
            " buyer_reference, legal_id, legal_id_scheme, endpoint, endpoint_scheme,"
            " invoice_profile)"
            " SELECT i, 'Bench buyer ' || i, 'bench buyer ' || i, 'business', 'DE', 'de', '', '',"
            " false, '', false, '', now(), '', '', '', '', '', '' FROM generate_series(1, 200) i"
        )
        db.execute(
            "INSERT INTO orders_order (id, seller_id, marketplace_id, buyer_id, amazon_order_id,"
            " merchant_order_id, purchased_at, status, channel, sales_channel, is_business,"
            " po_number, currency, ship_service_level, ship_city, ship_state, ship_postal_code,"
            " ship_country, gross_total, facts_complete, row_hash)"
            " SELECT i, 1, (SELECT id FROM orders_marketplace WHERE code = 'DE'), 1 + i %% 200,"
            " '302-' || lpad((i / 1000)::text, 7, '0') || '-' || lpad(i::text, 7, '0'), '',"
            " now() - i * interval '1 minute', 'Shipped', 'MFN', 'Amazon.de', true,"
            " '45' || lpad(i::text, 8, '0'), 'EUR', '', '', '', '', 'DE', 119, true, ''"
            " FROM generate_series(1, %(n)s) i",
            {"n": count},
        )
        db.execute(
            "INSERT INTO orders_orderline (id, order_id, sku, asin, title, item_status,"
            " price_designation, promotion_ids, quantity, item_net, item_tax, item_rate, row_hash,"
            " confirmed) SELECT i, i, 'SKU-' || i %% 500, '', 'Bench goods', 'Shipped', '', '',"
            " 10, 100, 19, 0.19, '', true FROM generate_series(1, %(n)s) i",
            {"n": count},
        )


def rmas(count: int, *, owner_id: int) -> None:
    """``count`` RMAs over the first ``count`` orders, in all states, a third of them owned; every
    fifth has two lines.
    """
    with without_triggers("returns_rma", "returns_rmaline") as db:
        db.execute(
            f"INSERT INTO returns_rma (number, seller_id, marketplace_id, buyer_id, currency,"
            f" state, close_reason, source, owner_id, next_actor, next_step, due_at, verdict,"
            f" outside_policy, value, amazon_rma_id, buyer_reference, opened_at, approved_at,"
            f" reopened_count, search, version, updated_at)"
            f" SELECT 'RMA-2026-' || lpad(i::text, 6, '0'), 1,"
            f" (SELECT id FROM orders_marketplace WHERE code = 'DE'), 1 + i %% 200, 'EUR', s.state,"
            f" CASE WHEN s.state = 'closed' THEN 'settled' ELSE '' END, 'portal',"
            f" CASE WHEN i %% 3 = 0 THEN %(owner)s END,"
            f" CASE WHEN s.state = 'closed' THEN 'nobody' WHEN i %% 4 = 0 THEN 'warehouse'"
            f" ELSE 'agent' END, 'Decide the request',"
            f" now() + (i %% 240 - 120) * interval '1 hour',"
            f" '{{}}', i %% 9 = 0, 20 + i * 7 %% 900 + 0.99, '', '',"
            f" now() - i * interval '1 minute', now() - i * interval '1 minute', 0,"
            f" 'RMA-2026-' || lpad(i::text, 6, '0') || ' '"
            f" || o.amazon_order_id || ' ' || o.po_number || ' Bench buyer ' || i %% 200"
            f" || ' SKU-' || i %% 500, 1, now()"
            f" FROM generate_series(1, %(n)s) i JOIN orders_order o ON o.id = i,"
            f" LATERAL (SELECT ({STATES})[1 + i %% 6] AS state) s",
            {"n": count, "owner": owner_id},
        )
        db.execute(
            "INSERT INTO returns_rmaline (rma_id, position, order_line_id, requested, approved,"
            " received, missing, accepted, rejected, reason_code, reason_text, liability)"
            " SELECT r.id, position, right(number, 6)::int, 1, 1, 0, 0, 0, 0,"
            f" ({REASONS})[1 + (r.id + position) %% 4], '', 'seller'"
            " FROM returns_rma r, generate_series(1, CASE WHEN r.id %% 5 = 0 THEN 2 ELSE 1 END)"
            " AS position",
            [],
        )


def settled_refunds(orders: int, *, by_id: int) -> None:
    """Two confirmed refunds on each of the first ``orders`` orders, each with a line, and the
    settlement row that proves it, spread over the twenty days from 2026-10-01.
    """
    tables = ("settlement", "refund", "refundline", "moneyfact")
    with without_triggers(*(f"invoicing_{table}" for table in tables)) as db:
        db.execute(
            "INSERT INTO invoicing_settlement (id, seller_id, settlement_id, deposited_at, total,"
            " currency) VALUES (1, 1, '20260001', '2026-10-25', 0, 'EUR')"
        )
        db.execute(
            "INSERT INTO invoicing_refund (id, key, source, lane, state, seller_id, marketplace_id,"
            " order_id, origin, currency, net, tax, gross, reason_code, calculation, content_hash,"
            " policy_version, needs_second, proposer_id, proposed_at, approved_hash, sent_on,"
            " amazon_refund_id, note, attempt, version, created_at)"
            " SELECT i, gen_random_uuid(), 'retour', 'guided', 'confirmed', 1, o.marketplace_id,"
            " o.id, 'RMA-2026-' || lpad(i::text, 6, '0'), 'EUR', 50, 9.5, 59.5, 'CustomerReturn',"
            " '{}', '', '', false, %(by)s, now(), '', date '2026-10-01' + i %% 20, '', '', 1, 1,"
            " now() FROM generate_series(1, %(n)s) i JOIN orders_order o ON o.id = (i + 1) / 2",
            {"n": 2 * orders, "by": by_id},
        )
        db.execute(
            "INSERT INTO invoicing_refundline (refund_id, order_line_id, origin, component,"
            " quantity, net, tax, gross, rate, sentence, rule, live)"
            " SELECT id, order_id, origin || '/1/1', 'item', 5, net, tax, gross, 0.19, '', '', true"
            " FROM invoicing_refund"
        )
        db.execute(
            "INSERT INTO invoicing_moneyfact (settlement_id, seller_id, marketplace_id, order_id,"
            " order_line_id, refund_id, bucket, is_refund, transaction_type, amazon_order_id,"
            " adjustment_id, shipment_id, amount_type, amount_description, component, is_tax,"
            " amount, currency, posted_at, posted_on, order_item_code, sku, row_hash, occurrence)"
            " SELECT 1, 1, r.marketplace_id, o.id, o.id, r.id, 'buyer', true, 'Refund',"
            " o.amazon_order_id, 'A' || r.id, '', 'ItemPrice', 'Principal', 'item', false,"
            " -r.gross, 'EUR', r.sent_on, r.sent_on, '', '', md5(r.id::text), 1"
            " FROM invoicing_refund r JOIN orders_order o ON o.id = r.order_id"
        )


def journals(count: int) -> None:
    """``count`` balanced journals of four lines in October 2026, over the settled refunds."""
    with without_triggers("invoicing_period", "invoicing_journal", "invoicing_journalline") as db:
        db.execute(
            "INSERT INTO invoicing_period (id, seller_id, marketplace_id, month, state, totals,"
            " sha256, reason, version) SELECT 1, 1, min(marketplace_id), '2026-10-01', 'open',"
            " '[]', '', '', 1 FROM invoicing_refund"
        )
        db.execute(
            "INSERT INTO invoicing_journal (id, source, kind, period_id, seller_id, marketplace_id,"
            " refund_id, currency, posted_on, text, created_at)"
            " SELECT i, 'refund:' || r.key || ':' || i, 'sent', 1, 1, r.marketplace_id, r.id,"
            " 'EUR', r.sent_on, '302-' || r.order_id, now()"
            " FROM generate_series(1, %(n)s) i JOIN invoicing_refund r"
            " ON r.id = 1 + i %% (SELECT max(id) FROM invoicing_refund)",
            {"n": count},
        )
        db.execute(
            "INSERT INTO invoicing_journalline (journal_id, account, country, rate, component,"
            " amount) SELECT j.id, x.account, x.country, x.rate, '', x.amount"
            " FROM invoicing_journal j CROSS JOIN (VALUES"
            " ('buyer_refunds', 'DE', 0.19, 40.00), ('freight', 'DE', 0.19, 10.00),"
            " ('vat', 'DE', 0.19, 9.50), ('in_transit', '', NULL, -59.50))"
            " AS x(account, country, rate, amount)"
        )
