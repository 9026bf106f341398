"""Posting 20,000 refunds at once, as a matching run does, against the bare SQL of the same rows.

Both insert the journals and lines with the same triggers, to the last deferred check, and are
taken back.
"""

import pytest
from django.conf import settings
from django.db import connection, transaction

from config.core.models import User
from config.core.trail import trail
from invoicing.ledger import posting
from invoicing.models import Refund
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio
from tests.database import owner

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]
ORDERS = 10_000  # two refunds each, sent and seen
AT_MOST = 2.5


def taken_back(work) -> None:
    """Run it to the last check, then take it back."""
    with transaction.atomic():
        work()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


@pytest.fixture
def refunds():
    """Ids of 20,000 confirmed refunds that are in no ledger, beside as many that are; what they
    will be booked as lies in temporary tables.
    """
    rows.orders(2 * ORDERS)
    rows.settled_refunds(2 * ORDERS, by_id=User.objects.system().pk)
    every = list(Refund.objects.order_by("pk").values_list("pk", flat=True))
    ours(every[: 2 * ORDERS])
    ids = every[2 * ORDERS :]
    with owner(settings.DATABASES["default"]["NAME"]) as db:
        db.execute("VACUUM (ANALYZE) invoicing_journal, invoicing_journalline")
    with connection.cursor() as cursor:
        with transaction.atomic():
            ours(ids)
            copied = [_as_json(cursor, name, ids) for name in ("journal", "journalline")]
            transaction.set_rollback(True)
        for name, text in zip(("journal", "journalline"), copied, strict=True):
            cursor.execute(
                f"CREATE TEMP TABLE bench_{name} AS SELECT * FROM"
                f" json_populate_recordset(NULL::invoicing_{name}, %s::json)",
                [text],
            )
    return ids


def _as_json(cursor, name: str, ids: list[int]) -> str:
    own = "journal_id" if name == "journalline" else "id"
    cursor.execute(
        f"SELECT json_agg(t)::text, count(*) FROM invoicing_{name} t WHERE {own} IN"
        " (SELECT id FROM invoicing_journal WHERE refund_id = ANY(%s))",
        [ids],
    )
    text, count = cursor.fetchone()
    assert count == {"journal": 4, "journalline": 10}[name] * ORDERS
    return text


def bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO invoicing_journal SELECT * FROM bench_journal")
        cursor.execute("INSERT INTO invoicing_journalline SELECT * FROM bench_journalline")


def ours(ids) -> None:
    with trail("bench", by=User.objects.system()):
        posting.post(ids)


@pytest.mark.timeout(600)
def test_posting_twenty_thousand_refunds_costs_little_more_than_the_rows(refunds):
    ratio = median_ratio(
        "post 20,000 refunds", lambda: taken_back(lambda: ours(refunds)),
        lambda: taken_back(bare), runs=2,
    )  # fmt: skip
    assert ratio <= AT_MOST
