"""Matching 200,000 refunds against 1,000,000 settlement rows: against the bare join, its memory.

Two steps, each beside its floor. Tying: which money is which refund's, which refunds are proven.
The floor pairs by order and amount, the oldest first, in one UPDATE of the same rows and confirms
in another, with the same triggers (trail, states); it looks at no lines, ids, days, parts or other
sources, and locks no case. What follows a confirmed refund is left out of both: booking has
``test_posting.py``, comparing comes next.

Comparing: the floor joins refunds with what settlements show of them and stores the difference as
rows of the same table; it looks at no paper, goods or rate, finds no cause, keeps no trail, says no
sentence.

The tests run in this order and share the rows: they are filled once, untied; what is measured ties
them for good.
"""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection, transaction

from config.core.models import User
from config.core.trail import trail
from invoicing import refund_row
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Match, MoneyFact, Refund
from tests.benchmarks import rows
from tests.benchmarks.ratio import cost, tell
from tests.database import owner, use

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
ORDERS, FEW = 100_000, 5_000
MORE = 15_000  # tied with all that follows, booking too, which takes its time
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
PAIR = """
UPDATE invoicing_moneyfact f SET refund_id = r.id
FROM (
    SELECT id, order_id, -amount AS gross,
        row_number() OVER (PARTITION BY order_id, amount ORDER BY posted_at, id) AS place
    FROM invoicing_moneyfact WHERE is_refund AND bucket = 'buyer' AND refund_id IS NULL
) g
JOIN (
    SELECT id, order_id, gross,
        row_number() OVER (PARTITION BY order_id, gross ORDER BY sent_on, id) AS place
    FROM invoicing_refund WHERE state = 'sent'
) r USING (order_id, gross, place)
WHERE f.id = g.id
"""
CONFIRM = """
UPDATE invoicing_refund r SET state = 'confirmed', confirmed_at = now(), version = version + 1,
    amazon_refund_id = m.adjustment_id
FROM (
    SELECT refund_id, -sum(amount) AS seen, max(adjustment_id) AS adjustment_id
    FROM invoicing_moneyfact WHERE refund_id IS NOT NULL GROUP BY 1
) m
WHERE m.refund_id = r.id AND m.seen = r.gross AND r.state = 'sent'
"""
ALONE = """
import sys, django
django.setup()
from tests import database
database.use(sys.argv[1])
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
print(match_refunds().rows if sys.argv[2] == "tie" else refresh().written)
memory = dict(line.split(":") for line in open("/proc/self/status").read().splitlines())
print(memory["VmHWM"].split()[0])  # not ru_maxrss: that begins with what the parent had
"""


def fill(orders: int) -> None:
    """Two sent refunds an order with the money that proves them, not tied yet, and eight more rows
    of each order; one refund in twenty has no credit note."""
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
        db.execute(
            "UPDATE invoicing_refund SET state = 'sent',"
            " document_id = CASE WHEN id % 20 > 0 THEN id END"
        )
        db.execute("UPDATE invoicing_moneyfact SET refund_id = NULL WHERE refund_id IS NOT NULL")


def vacuum() -> None:
    """As autovacuum would: a run that was taken back leaves dead rows behind."""
    with owner(connection.settings_dict["NAME"]) as db:
        db.execute("VACUUM (ANALYZE) invoicing_moneyfact, invoicing_refund")


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


def all_tied() -> bool:
    """Whether all money stands for a refund, and all refunds are proven."""
    untied = MoneyFact.objects.filter(is_refund=True, refund=None)
    return not untied.exists() and not Refund.objects.exclude(state="confirmed").exists()


def bare_tying() -> None:
    with trail("match_refunds", by=User.objects.system()), connection.cursor() as cursor:
        cursor.execute(PAIR)
        cursor.execute(CONFIRM)


def test_tying_200k_refunds_costs_at_most_three_bare_updates(settled, monkeypatch):
    assert (Refund.objects.count(), MoneyFact.objects.count()) == (2 * ORDERS, 10 * ORDERS)
    monkeypatch.setattr(refund_row, "followers", [])
    with transaction.atomic():
        floor = cost(bare_tying)
        assert all_tied()
        transaction.set_rollback(True)
    vacuum()
    ours = cost(match_refunds)
    assert all_tied()
    vacuum()
    assert tell("tying 200k refunds to 1M settlement rows, confirmed", [ours], [floor]) <= 3


def test_comparing_200k_refunds_costs_at_most_three_bare_joins_and_again_less(settled):
    ours, floor = [], []
    for _run in range(2):
        empty()
        floor.append(cost(bare))
        empty()
        ours.append(cost(refresh))
    assert Match.objects.count() == 2 * ORDERS
    assert tell("match of 200k refunds against 1M settlement rows, stored", ours, floor) <= 3
    written = []
    again = cost(lambda: written.append(refresh().written))
    assert written == [0]
    assert tell("matching again, which writes nothing, against the first time", [again], ours) <= 1


def peak(name: str, what: str) -> tuple[int, float]:
    """Rows that a process of its own tied or wrote, and its peak memory in MB."""
    told = subprocess.run(
        [sys.executable, "-c", ALONE, name, what],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    rows_, kilobytes = told.stdout.split()
    return int(rows_), int(kilobytes) / 1024


def test_matching_takes_no_more_memory_for_many_refunds_than_for_10k(settled, another_database):
    empty()
    compared = peak(settled, "compare")
    with another_database("more_tied") as name:
        fill(MORE)
        tied = peak(name, "tie")
    with another_database("few_matched") as name:
        fill(FEW)
        few_tied = peak(name, "tie")
        empty()
        few_compared = peak(name, "compare")
    use(settled)
    for what, many, few in (("tied", tied, few_tied), ("compared", compared, few_compared)):
        print(f"\n{what}: {many[0]:,} take {many[1]:.0f} MB, {few[0]:,} take {few[1]:.0f} MB")
    assert (tied[0], few_tied[0]) == (2 * MORE, 2 * FEW)
    assert (compared[0], few_compared[0]) == (2 * ORDERS, 2 * FEW)
    assert tied[1] <= 1.1 * few_tied[1]
    assert compared[1] <= 1.1 * few_compared[1]
