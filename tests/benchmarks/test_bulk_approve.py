"""Approving 500 refunds at once against the bare SQL that writes the same rows and their trail.

Both sides run in one transaction with the same triggers and end with all deferred checks; then it
is taken back. ``amazon``: Amazon writes the credit notes; ``ours``: they are drafted too.
"""

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from config.core.models import User
from config.core.trail import trail
from invoicing import documents, refunds
from invoicing.models import Approval, Refund
from orders.models import Order
from tests import database
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio
from tests.factories import make_user
from tests.papers import make_calculation, make_issuing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]
REFUNDS = 500
TABLES = {"document": "id", "documentline": "document_id", "documenttax": "document_id"}
AT_MOST = 3

APPROVALS = """
INSERT INTO invoicing_approval
    (refund_id, by_id, at, day, content_hash, lane, currency, gross, alone)
SELECT r.id, %(by)s, now(), (now() AT TIME ZONE s.time_zone)::date, r.content_hash, r.lane,
    r.currency, r.gross, false
FROM invoicing_refund r JOIN orders_seller s ON s.id = r.seller_id WHERE r.key = ANY(%(keys)s)
"""
PAPERS = (
    "INSERT INTO invoicing_document SELECT * FROM bench_document",
    "INSERT INTO invoicing_documentline SELECT * FROM bench_documentline",
    "INSERT INTO invoicing_documenttax SELECT * FROM bench_documenttax",
)
APPROVED = """
UPDATE invoicing_refund r SET state = 'approved', approver_id = %(by)s, approved_at = now(),
    approved_hash = content_hash, version = version + 1, document_id = d.id
FROM unnest(%(ids)s::bigint[], %(papers)s::bigint[]) AS d(refund, id)
WHERE r.id = d.refund
"""


def proposals(issuer: str) -> list[Refund]:
    """Proposals of 59.50 on orders of 119.00, each with an invoice on record; ``issuer`` writes
    the credit notes.
    """
    rows.orders(REFUNDS)
    orders = list(Order.objects.select_related("seller", "marketplace", "buyer").order_by("pk"))
    make_issuing(orders[0].seller, issuer="amazon" if issuer == "amazon" else "seller")
    agent, finance = make_user("agent"), make_user("finance")
    by = "amazon" if issuer == "amazon" else "earlier"
    made = []
    for order in orders:
        day = order.purchased_at.date()
        documents.record_invoice(
            order, by=finance, number=f"INV-{order.pk}", issue_date=day, issuer=by
        )
        calculation = make_calculation(order, units=5)
        made.append(refunds.propose(by=agent, order=order, origin="order", calculation=calculation))
    with database.owner(connection.settings_dict["NAME"]) as db:  # as autovacuum would leave it
        db.execute("VACUUM (ANALYZE)")
    return made


def taken_back(work: Callable[[], None]) -> Callable[[], None]:
    """The work with everything checked at its end, and then undone."""

    def run() -> None:
        with transaction.atomic():
            work()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)

    return run


def written(keys: list, by: User) -> tuple[dict[int, int | None], dict[str, list[str]]]:
    """The credit note of each refund as the verb writes it, and the rows of the papers."""
    with transaction.atomic(), connection.cursor() as cursor:
        assert len(refunds.approve_many(keys, by=by).done) == len(keys)
        assert Approval.objects.count() == len(keys)
        papers = dict(Refund.objects.filter(key__in=keys).values_list("pk", "document_id"))
        found = {}
        for table, column in TABLES.items():
            cursor.execute(
                f"SELECT to_jsonb(t)::text FROM invoicing_{table} t WHERE {column} = ANY(%s)",
                [[pk for pk in papers.values() if pk]],
            )
            found[table] = [row for (row,) in cursor.fetchall()]
        transaction.set_rollback(True)
    return papers, found


def keep(table: str, rows_: list[str]) -> None:
    """The rows in a table of their own, from which the bare SQL inserts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE bench_{table} AS SELECT r.* FROM unnest(%s::jsonb[]) AS given(row),"
            f" jsonb_populate_record(NULL::invoicing_{table}, given.row) AS r",
            [rows_],
        )
        cursor.execute(f"ANALYZE bench_{table}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("issuer", ["amazon", "ours"])
def test_bulk_approval_against_the_sql_that_writes_the_same_rows(issuer):
    keys = [refund.key for refund in proposals(issuer)]
    lead = User.objects.get(pk=make_user("lead").pk)
    papers, found = written(keys, lead)
    assert {len(some) for some in found.values()} == {REFUNDS if issuer == "ours" else 0}
    for table, some in found.items():
        keep(table, some)
    given = {"by": lead.pk, "keys": keys, "ids": list(papers), "papers": list(papers.values())}

    def bare() -> None:
        with trail("approve_refund", by=lead), connection.cursor() as cursor:
            cursor.execute(APPROVALS, given)
            for statement in PAPERS:
                cursor.execute(statement)
            cursor.execute(APPROVED, given)
            assert cursor.rowcount == REFUNDS

    def ours() -> None:
        assert len(refunds.approve_many(keys, by=lead).done) == REFUNDS

    name = f"approve {REFUNDS} ({issuer})"
    assert median_ratio(name, taken_back(ours), taken_back(bare), runs=9) <= AT_MOST
