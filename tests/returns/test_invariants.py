"""Each promise of the process sees a row that was broken on purpose, and nothing on sound rows.

Rows are broken in the owner's role with triggers and constraints off, and all of it is taken back.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings

from config.core import invariants
from invoicing.models import Refund
from returns import goods, handover, workflow
from returns.invariants import PROMISES, next_step_sql
from returns.matching import settle_refunded
from returns.models import RMA, RMALine
from tests import database
from tests.factories import make_order, make_rma, make_seller, make_user

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'returns_%'"
CHECKS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text LIKE 'returns_%'
"""
BY_NAME = {promise.name: promise for promise in PROMISES}


@contextmanager
def broken(*statements: str) -> Iterator[psycopg.Connection]:
    """The database after statements no trigger or constraint could stop; then as before."""
    name = settings.DATABASES["default"]["NAME"]
    with database.owner(name) as db, db.transaction(force_rollback=True):
        for (table,) in db.execute(TABLES).fetchall():
            db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, check in db.execute(CHECKS).fetchall():
            db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")
        for statement in statements:
            db.execute(statement)
        yield db


def count(db: psycopg.Connection, name: str) -> int:
    sql = BY_NAME[name].sql
    sql = sql() if callable(sql) else sql
    return db.execute(f"SELECT count(*) FROM ({sql}) AS x").fetchone()[0]


def story() -> None:
    """A case in every state, with goods, money and notes."""
    lead = make_user("lead")
    for state in ("requested", "approved", "shipped", "inspected", "refunded", "closed"):
        make_rma(state, by=lead)
    rma = make_rma("shipped", by=lead, quantity=3)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 2})
    result = goods.InspectionResult(line.pk, 1, "damaged", "reject")
    goods.inspect(rma.number, by=lead, results=[result])
    workflow.add_note(rma.number, by=lead, text="Asked the buyer.")


def test_sound_rows_break_no_promise():
    story()
    found = {p.name: invariants.violations(p) for p in PROMISES}
    assert {name: rows for name, rows in found.items() if rows[0]} == {}


BREAKS = {
    "rma_quantities_nest": ["UPDATE returns_rmaline SET approved = requested + 1"],
    "rma_receipts_add_up": ["UPDATE returns_receipt SET quantity = quantity + 1"],
    "rma_inspections_add_up": ["UPDATE returns_inspection SET disposition = 'reject'"],
    "rma_units_within_order": ["UPDATE orders_orderline SET quantity = 1"],
    "rma_inspected_is_accounted_for": [
        (
            "UPDATE returns_rmaline SET received = received - 1 WHERE rma_id IN"
            " (SELECT id FROM returns_rma WHERE state = 'inspected')"
        )
    ],
    "rma_refunded_is_paid": [
        "ALTER TABLE invoicing_refund DISABLE TRIGGER USER",
        "UPDATE invoicing_refund SET state = 'failed'",
    ],
    "rma_settled_is_seen": [
        "UPDATE returns_rma SET state = 'closed', close_reason = 'settled' WHERE state = 'refunded'"
    ],
    "rma_closed_has_reason": ["UPDATE returns_rma SET close_reason = '' WHERE state = 'closed'"],
    "rma_has_one_of_each_party": [
        "UPDATE returns_rma SET currency = 'USD' WHERE state = 'approved'"
    ],
    "rma_numbers_have_no_gap": ["UPDATE core_counter SET value = value + 1 WHERE name LIKE 'rma%'"],
    "returns_trail_is_complete": [
        (
            "INSERT INTO returns_note (rma_id, text, by_id, at)"
            " SELECT id, 'unseen', owner_id, now() FROM returns_rma LIMIT 1"
        )
    ],
}


@pytest.mark.parametrize(
    "name", sorted(set(BY_NAME) - {"rma_next_step_is_current", "refund_recalculates"})
)
def test_promise_catches_a_broken_row(name):
    story()
    statements = [s.replace("owner_id", "(SELECT min(id) FROM core_user)") for s in BREAKS[name]]
    with broken() as db:
        assert count(db, name) == 0
    with broken(*statements) as db:
        assert count(db, name) > 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE returns_rma SET state = 'approved', close_reason = '' WHERE state = 'closed'",
        "UPDATE returns_rmaevent SET pgh_context = NULL",
        "DELETE FROM returns_receiptevent",
    ],
    ids=["state", "context", "entry"],
)
def test_trail_promise_catches_each_kind_of_hole(statement):
    story()
    with broken(statement) as db:
        assert count(db, "returns_trail_is_complete") > 0


def test_stale_next_step_is_caught():
    story()
    with database.owner(settings.DATABASES["default"]["NAME"]) as db, db.transaction():
        db.execute("ALTER TABLE returns_rma DISABLE TRIGGER USER")
        db.execute("UPDATE returns_rma SET next_actor = 'amazon' WHERE state = 'requested'")
        db.execute("ALTER TABLE returns_rma ENABLE TRIGGER USER")
    stale = RMA.objects.get(state="requested").number
    assert stale in next_step_sql()
    assert invariants.violations(BY_NAME["rma_next_step_is_current"])[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        "gross = gross + 1, net = net + 1",
        "basis = jsonb_set(basis, '{paid,0,item,net}', '\"1.00\"')",
        "basis = basis - 'paid'",
        "calculation = jsonb_set(calculation, '{lines,0,tax}', '\"0.01\"')",
    ],
    ids=["amount", "input", "no input", "calculation"],
)
def test_refund_that_calculates_otherwise_is_caught(change):
    kept, changed = (Refund.objects.get(origin=make_rma("refunded").number).key for _ in range(2))
    assert invariants.violations(BY_NAME["refund_recalculates"]) == (0, [])
    with database.owner(settings.DATABASES["default"]["NAME"]) as db, db.transaction():
        db.execute("ALTER TABLE invoicing_refund DISABLE TRIGGER USER")
        done = db.execute(f"UPDATE invoicing_refund SET {change} WHERE key = %s", [changed])
        assert done.rowcount == 1
        db.execute("ALTER TABLE invoicing_refund ENABLE TRIGGER USER")
    assert invariants.violations(BY_NAME["refund_recalculates"]) == (1, [{"refund": str(changed)}])
    assert str(kept) not in BY_NAME["refund_recalculates"].sql()


def test_settled_case_keeps_every_promise():
    rma = make_rma("refunded")
    from config.core.models import User
    from invoicing import refunds

    paid = Refund.objects.get(origin=rma.number)
    refunds.confirm_many([paid.pk], by=User.objects.system())
    assert settle_refunded() == 1
    assert {p.name for p in PROMISES if invariants.violations(p)[0]} == set()
    with broken("UPDATE returns_rmaline SET received = 0") as db:
        assert count(db, "rma_settled_is_seen") == 1


def test_handed_over_and_mixed_cases_keep_every_promise():
    seller, lead, agent = make_seller(), make_user("lead"), make_user("agent")
    make_rma(order=make_order(seller=seller, lines=2), by=lead, owner=agent)
    handover.hand_over(agent, make_user("agent"), by=lead)
    assert RMALine.objects.count() == 2
    assert {p.name for p in PROMISES if invariants.violations(p)[0]} == set()
