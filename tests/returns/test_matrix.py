"""Every state × every verb × every role, from the one table of states."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from config.core import roles
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.models import Refund
from returns import goods, refunding, rows, states, workflow
from returns.models import RMA
from returns.states import BY_VERB, TRANSITIONS, State
from tests.factories import make_order, make_rma, make_user, pay, record_invoice
from tests.soak import larger

pytestmark = [pytest.mark.django_db, pytest.mark.full_size]
LINES = larger(1, 4)  # of the order each case is of

PASSING = [(row, source) for row in TRANSITIONS for source in row.sources]
REFUSED = [
    (row, state) for row in TRANSITIONS for state in State.values if state not in row.sources
]


def _inspect(number: str, by: User) -> RMA:
    rma = RMA.objects.get(number=number)
    results = [
        goods.InspectionResult(line.pk, line.uninspected, "used", "scrap")
        for line in rma.lines.all()
    ]
    return goods.inspect(number, by=by, results=results)


CALLS: dict[str, Callable[[str, User], object]] = {
    "approve": lambda number, by: workflow.approve(number, by=by),
    "decline": lambda number, by: workflow.decline(number, by=by, reason="too late"),
    "withdraw": lambda number, by: workflow.withdraw(number, by=by, reason="kept"),
    "ship": lambda number, by: workflow.ship(number, by=by, carrier="UPS", tracking="1Z9"),
    "expire": lambda number, by: workflow.expire(number, by=by),
    "inspect": _inspect,
    "refund": lambda number, by: refunding.refund(number, by=by),
    "reject_goods": lambda number, by: workflow.reject_goods(number, by=by, reason="fake"),
    "replace": lambda number, by: workflow.replace(number, by=by, reason="new one sent"),
    "void_refund": lambda number, by: refunding.void_refund(number, by=by, reason="lost"),
    "settle": lambda number, by: workflow.settle(number, by=by),
    "reopen": lambda number, by: workflow.reopen(number, by=by, reason="late parcel"),
}


def make_case(state: str, **fields) -> RMA:
    """A case over every line of its order."""
    return make_rma(state, order=make_order(lines=LINES), **fields)


def ready(verb: str, state: str) -> RMA:
    """A case in ``state`` on which nothing but the state can refuse ``verb``."""
    if verb == "reject_goods" and state == State.INSPECTED:
        return make_case(state, disposition="reject")
    rma = make_case(state)
    if verb == "expire" and state == State.APPROVED:
        with trail("setup", by=User.objects.system()):
            RMA.objects.update(ship_by=timezone.now().date() - timedelta(days=3))
    if verb == "inspect" and state == State.SHIPPED:
        units = {line.pk: line.approved for line in rma.lines.all()}
        goods.receive(rma.number, by=make_user("lead"), quantities=units)
    if verb == "refund" and state in BY_VERB["refund"].sources:
        _pay_unnoticed(rma)
    if verb == "settle" and state == State.REFUNDED:
        paid = Refund.objects.get(origin=rma.number)
        refunds.confirm_many([paid.pk], by=User.objects.system())
    return rma


def _pay_unnoticed(rma: RMA) -> None:
    """Money was sent, but the follower did not move the case: it was held open."""
    record_invoice(rma.lines.first().order_line.order)
    lead = make_user("lead")
    early = rma.state != State.INSPECTED
    (refund,) = refunding.propose(rma.number, by=lead, early=early)
    with refunding.holding(rma.number):
        pay(refund)


def written() -> int:
    """Entries of the trail, over all tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_trail")
        return cursor.fetchone()[0]


def contexts() -> set[tuple[str, str]]:
    """(context, verb) of every entry on the process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT context_id::text, context->>'verb' FROM core_trail"
            " WHERE model LIKE 'returns.%'"
        )
        return set(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """Run the block and take it back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_every_verb_of_the_table_is_called():
    assert set(CALLS) == set(BY_VERB)


@pytest.mark.parametrize(("row", "state"), PASSING, ids=lambda v: getattr(v, "verb", v))
def test_allowed_verb_passes_for_its_roles_only(row, state):
    rma = ready(row.verb, state)
    before = written()
    for role in roles.ROLES:
        by, entries = make_user(role), written()
        with undone():
            if row.permission in roles.permissions_of(role):
                known = contexts()
                CALLS[row.verb](rma.number, by)
                found = RMA.objects.get(number=rma.number)
                assert found.state in row.targets
                assert found.close_reason == row.close_reason
                assert [verb for _context, verb in contexts() - known] == [row.verb]
            else:
                with pytest.raises(Refused) as refused:
                    CALLS[row.verb](rma.number, by)
                assert refused.value.code == "forbidden"
                assert written() == entries
    assert written() == before + len(roles.ROLES)  # the people themselves


@pytest.mark.parametrize(("row", "state"), REFUSED, ids=lambda v: getattr(v, "verb", v))
def test_other_state_refuses_the_verb_and_writes_nothing(row, state):
    rma = make_case(state)
    before = written()
    with pytest.raises(Refused) as refused:
        CALLS[row.verb](rma.number, User.objects.system())
    assert refused.value.code in {"state", "quantity"}
    assert rma.number in refused.value.sentence or refused.value.code == "quantity"
    assert RMA.objects.get(number=rma.number).state == state
    assert written() == before


@pytest.mark.parametrize(("row", "state"), PASSING, ids=lambda v: getattr(v, "verb", v))
def test_broken_save_leaves_nothing(row, state, monkeypatch):
    rma = ready(row.verb, state)
    before = written()

    def broken(*args):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(rows, "write", broken)
    with pytest.raises(DatabaseError), transaction.atomic():
        CALLS[row.verb](rma.number, User.objects.system())
    assert RMA.objects.get(number=rma.number).state == state
    assert written() == before


def test_database_enforces_the_same_table():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid"
            " JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relname = 'returns_rma' AND t.tgname LIKE '%rma_states%'"
        )
        (source,) = cursor.fetchone()
    known = "|".join(State.values)
    pairs = re.findall(rf"\b({known})\W+({known})\b", source.partition("BEGIN")[2])
    assert sorted(pairs) == states.pairs()


@pytest.mark.parametrize("old", State.values)
def test_update_past_the_machine_is_refused_by_the_database(old):
    rma = make_case(old)
    for new in State.values:
        if new == old or (old, new) in states.pairs():
            continue
        with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
            RMA.objects.filter(pk=rma.pk).update(state=new)
