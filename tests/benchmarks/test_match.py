"""Matching 200,000 refunds against 1,000,000 settlement rows: against the bare join, its memory.

The floor joins refunds with what settlements show of them and stores the difference as rows of the
same table; it looks at no paper, goods or rate, finds no cause, keeps no trail, says no sentence.
"""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from config.core.models import User
from invoicing.matches.refresh import refresh
from invoicing.models import Match, MoneyFact, Refund
from tests.benchmarks import rows
from tests.benchmarks.ratio import cost, tell
from tests.database import owner

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
ORDERS, FEW = 100_000, 5_000
BARE = """
INSERT INTO invoicing_match (key, kind, seller_id, marketplace_id, order_id, refund_id, document_id,
    origin, currency, expected, seen, difference, tolerance, posted_on, sides, result, cause,
    detail, note, resolution, explained_hash, figures_hash, since, version)
SELECT 'refund:' || r.key, 'return', r.seller_id, r.marketplace_id, r.order_id, r.id, r.document_id,
    r.origin, r.currency, r.gross, m.seen, m.seen - r.gross, 0, m.posted_on, '{}',
    CASE WHEN m.seen = r.gross THEN 'matched' ELSE 'open' END,
    CASE WHEN m.seen = r.gross THEN '' ELSE 'amount' END, '{}', '', '', '', '', now(), 1
FROM invoicing_refund r LEFT JOIN (
    SELECT refund_id, -sum(amount) AS seen, min(posted_on) AS posted_on FROM invoicing_moneyfact
    WHERE refund_id IS NOT NULL GROUP BY 1
) m ON m.refund_id = r.id
"""
REFRESH_ALONE = """
import sys, django
django.setup()
from tests import database
database.use(sys.argv[1])
from invoicing.matches.refresh import refresh
print(refresh().written)
memory = dict(line.split(":") for line in open("/proc/self/status").read().splitlines())
print(memory["VmHWM"].split()[0])  # not ru_maxrss: that begins with what the parent had
"""


def fill(orders: int) -> None:
    """Two refunds an order with the money that proves them, and eight more rows of each order; one
    refund in twenty has no credit note."""
    rows.orders(orders)
    rows.settled_refunds(orders, by_id=User.objects.system().pk)
    with rows.without_triggers(
        *(f"invoicing_{name}" for name in ("moneyfact", "refund", "document"))
    ) as db:
        db.execute(
            "INSERT INTO invoicing_moneyfact (settlement_id, seller_id, marketplace_id, order_id,"
            " order_line_id, bucket, is_refund, transaction_type, amazon_order_id, adjustment_id,"
            " shipment_id, amount_type, amount_description, component, is_tax, amount, currency,"
            " posted_at, posted_on, order_item_code, sku, row_hash, occurrence)"
            " SELECT 1, 1, o.marketplace_id, o.id, o.id, CASE WHEN i < 3 THEN 'buyer' ELSE 'fee'"
            " END, false, 'Order', o.amazon_order_id, '', '', 'ItemPrice', 'Row ' || i, '', false,"
            " i, 'EUR', '2026-10-01', '2026-10-01', '', '', md5('o' || o.id || '/' || i), 1"
            " FROM orders_order o, generate_series(1, 8) i"
        )
        db.execute(
            "INSERT INTO invoicing_document (id, kind, issuer, state, seller_id, marketplace_id,"
            " order_id, number, currency, language, occasion, mode, shipment_id, whole_order,"
            " transaction_id, revision, origin, net, tax, gross, payload_sha256, previous_hash,"
            " chain_hash, findings, accepted, created_by_id, created_at, issue_date)"
            " SELECT id, 'credit_note', 'amazon', 'issued', 1, marketplace_id, order_id,"
            " 'CN-' || id, 'EUR', 'de', 'refund', '', '', true, '', 0, origin, net, tax, gross,"
            " '', '', '', '[]', '[]', proposer_id, now(), sent_on"
            " FROM invoicing_refund WHERE id % 20 > 0"
        )
        db.execute("UPDATE invoicing_refund SET document_id = id WHERE id % 20 > 0")


@pytest.fixture(scope="module")
def settled(another_database):
    """The name of a database with 200,000 refunds and 1,000,000 settlement rows."""
    with another_database("matched") as name:
        fill(ORDERS)
        yield name


def empty() -> None:
    """The table empty, so that either side fills it."""
    with owner(connection.settings_dict["NAME"]) as db:
        db.execute("TRUNCATE invoicing_match, invoicing_matchevent")


def bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE)


def test_matching_200k_refunds_costs_at_most_three_bare_joins(settled):
    assert (Refund.objects.count(), MoneyFact.objects.count()) == (2 * ORDERS, 10 * ORDERS)
    ours, floor = [], []
    for _run in range(3):
        empty()
        floor.append(cost(bare))
        empty()
        ours.append(cost(refresh))
    assert Match.objects.count() == 2 * ORDERS
    assert tell("match of 200k refunds against 1M settlement rows, stored", ours, floor) <= 3


def test_matching_again_writes_nothing_and_costs_no_more_than_the_first_time(settled):
    empty()
    first = cost(refresh)
    assert refresh().written == 0
    again = [cost(refresh) for _run in range(3)]
    assert tell("matching again against the first time", again, [first]) <= 1


def peak(name: str) -> tuple[int, float]:
    """Rows that a process of its own wrote, and its peak memory in MB."""
    told = subprocess.run(
        [sys.executable, "-c", REFRESH_ALONE, name],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    written, kilobytes = told.stdout.split()
    return int(written), int(kilobytes) / 1024


def test_matching_takes_no_more_memory_for_200k_refunds_than_for_10k(settled, another_database):
    empty()
    many, big = peak(settled)
    with another_database("few_matched") as name:
        fill(FEW)
        few, small = peak(name)
    print(f"\npeak memory of {many:,} matches {big:.0f} MB, of {few:,} matches {small:.0f} MB")
    assert (few, many) == (2 * FEW, 2 * ORDERS)
    assert big <= 1.1 * small
