"""Every yes is a row; how much one person decides alone of one amount and of a day; who may not."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import four_eyes, refunds
from invoicing.models import Approval, ApprovalLimit, Refund
from tests import database
from tests.factories import make_order, make_seller, make_user
from tests.invoicing.test_races import race, with_patience
from tests.papers import make_calculation, make_limit, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def propose(by, net="60.00", tax="11.40", **fields) -> Refund:
    """A proposal of one person on an order of its own."""
    order = fields.pop("order", None) or make_shipped_order(**fields)
    return make_refund(order=order, proposer=by, net=net, tax=tax)


def refusal(refund: Refund, by) -> str:
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=by)
    assert refused.value.code == "second_person"
    return refused.value.sentence


def test_every_approval_is_a_row_of_what_was_approved():
    finance = make_user("finance")
    refund = make_refund("approved", approver=finance)
    (row,) = Approval.objects.filter(refund=refund)
    assert (row.by, row.at, row.alone) == (finance, refund.approved_at, False)
    assert (row.content_hash, row.lane) == (refund.content_hash, "guided")
    assert (row.gross, row.currency) == (refund.gross, "EUR")


def test_failed_refund_approved_again_is_a_second_row():
    refund = make_refund("failed")
    again = refunds.approve(refund.key, by=make_user("lead"))
    assert [row.by for row in again.approvals.all()] == [again.approver, refund.approver]


def test_who_called_it_failed_does_not_approve_it_again():
    """Else one person pays again and again: approves, carries out, calls it failed."""
    failing, other = make_user("finance"), make_user("finance")
    refund = make_refund("sent", approver=failing, proposer=make_user("agent"))
    refunds.fail(refund.key, by=failing, reason="It did not arrive.")
    assert "failed" in refusal(refund, failing)
    again = Refund.objects.get(pk=refund.pk)
    with pytest.raises(IntegrityError, match="not of what the refund is"), transaction.atomic():
        written(again, failing, alone=False)
    assert refunds.approve(refund.key, by=other).state == "approved"


@pytest.mark.parametrize("verb", ["fail", "resolve_unknown"])
def test_below_the_limit_who_called_it_failed_is_alone(verb):
    make_limit("500.00", daily="71.40")
    failing = make_user("finance")
    refund = make_refund("sending")
    if verb == "fail":
        refunds.fail(refund.key, by=failing, reason="The page refused it.")
    else:
        refunds.mark_unknown(refund.key, by=failing, reason="No answer.")
        refunds.resolve_unknown(
            refund.key, by=failing, outcome="failed", reason="Not in Seller Central."
        )
    refunds.approve(refund.key, by=failing)
    assert Approval.objects.filter(refund=refund, by=failing).get().alone
    assert "second person" in refusal(propose(failing), failing)


def test_what_failed_by_itself_is_approved_again_by_anybody():
    finance = make_user("finance")
    refund = make_refund("sending", approver=finance, proposer=make_user("agent"))
    refunds.fail(refund.key, by=User.objects.system(), reason="Amazon refused it.")
    assert refunds.approve(refund.key, by=finance).state == "approved"
    assert not Approval.objects.filter(refund=refund, alone=True).exists()


def test_bulk_asks_once_who_called_refunds_failed():
    def queries_for(count: int) -> int:
        failing = make_user("finance")
        made = [make_refund("failed", approver=failing) for _ in range(count)]
        with CaptureQueriesContext(connection) as queries:
            done = refunds.approve_many([refund.key for refund in made], by=make_user("lead"))
        assert len(done.done) == count
        return len(queries)

    assert queries_for(1) == queries_for(3)


def test_proposer_below_the_limit_is_alone():
    make_limit("500.00")
    finance = make_user("finance")
    refunds.approve(propose(finance).key, by=finance)
    assert Approval.objects.get().alone


def test_limit_lowered_after_the_proposal_counts():
    make_limit("500.00")
    finance = make_user("finance")
    refund = propose(finance)
    make_limit("71.39")
    assert "€71.39" in refusal(refund, finance)
    assert refunds.approve(refund.key, by=make_user("lead")).state == "approved"


def test_currency_without_a_limit_is_never_decided_alone():
    make_limit("500.00")
    finance = make_user("finance")
    refund = propose(finance)
    with trail("test", by=User.objects.system()):
        ApprovalLimit.objects.all().delete()
    assert "no limit" in refusal(refund, finance)


@pytest.mark.parametrize(("daily", "fits"), [("142.80", True), ("142.79", False)])
def test_day_of_one_person_is_summed(daily, fits):
    make_limit("500.00", daily=daily)
    finance = make_user("finance")
    first, second = propose(finance), propose(finance)
    refunds.approve(first.key, by=finance)
    if fits:
        assert refunds.approve(second.key, by=finance).state == "approved"
    else:
        assert "a day" in refusal(second, finance)
        assert refunds.approve(second.key, by=make_user("lead")).state == "approved"


def test_what_others_proposed_does_not_count_into_the_day():
    make_limit("500.00", daily="71.40")
    finance = make_user("finance")
    for proposer in (make_user("agent"), make_user("lead"), finance):
        assert refunds.approve(propose(proposer).key, by=finance).state == "approved"


def test_bulk_stops_where_the_day_is_full():
    make_limit("500.00", daily="150.00")
    finance = make_user("finance")
    result = refunds.approve_many([propose(finance).key for _ in range(4)], by=finance)
    assert (len(result.done), len(result.refused)) == (2, 2)
    assert Approval.objects.filter(alone=True).count() == 2


def test_proposal_that_fills_the_day_needs_a_second_person():
    make_limit("500.00", daily="100.00")
    finance = make_user("finance")
    refunds.approve(propose(finance).key, by=finance)
    assert propose(finance).needs_second
    assert not propose(make_user("lead")).needs_second


def test_next_day_begins_at_midnight_of_the_seller():
    make_limit("500.00", daily="71.40")
    finance, seller = make_user("finance"), make_seller(time_zone="America/Los_Angeles")
    late = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)  # 23:30 of the first of March there
    with time_machine.travel(late - timedelta(hours=1)):
        first, second = (propose(finance, seller=seller) for _ in range(2))
    with time_machine.travel(late):
        refunds.approve(first.key, by=finance)
        refusal(second, finance)
    with time_machine.travel(late + timedelta(minutes=31)):
        assert refunds.approve(second.key, by=finance).state == "approved"
    assert sorted(str(row.day) for row in Approval.objects.all()) == ["2026-03-01", "2026-03-02"]


def test_system_decides_within_the_limits_only():
    make_limit("500.00", daily="100.00")
    system = User.objects.system()
    first, second = propose(make_user("agent")), propose(make_user("agent"))
    refunds.approve(first.key, by=system)
    assert "system" in refusal(second, system)


@pytest.mark.parametrize("role", ["finance", "lead"])
def test_admin_does_not_approve_its_own_above_the_limit(role):
    make_limit("10.00")
    boss = make_user(role, is_superuser=True, is_staff=True)
    refund = propose(boss)
    assert refund.needs_second
    refusal(refund, boss)


# --- Whatever writes the rows --------------------------------------------------------------------


def written(refund: Refund, by, **fields) -> Approval:
    """An approval written past the verb."""
    at = timezone.now()
    given = {
        "refund": refund, "by": by, "at": at, "day": four_eyes.day_of(refund.seller, at),
        "content_hash": refund.content_hash, "lane": refund.lane, "currency": refund.currency,
        "gross": refund.gross, "alone": four_eyes.is_alone(refund, by),
    }  # fmt: skip
    return Approval.objects.create(**given | fields)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gross": Decimal("1.00")}, {"content_hash": "0" * 64}, {"lane": "feed"},
        {"currency": "USD"}, {"alone": True}, {"day": "2020-01-01"},
    ],
)  # fmt: skip
def test_database_refuses_an_approval_of_something_else(wrong):
    refund = make_refund()
    with pytest.raises(IntegrityError, match="not of what the refund is"), transaction.atomic():
        written(refund, make_user("finance"), **wrong)
    written(refund, make_user("finance"))


@pytest.mark.parametrize(
    ("limit", "daily", "fits"),
    [
        ("71.40", None, True),
        ("71.39", None, False),
        ("500", "71.40", True),
        ("500", "71.39", False),
    ],
)
def test_database_refuses_what_one_person_may_not_decide_alone(limit, daily, fits):
    make_limit("500.00")
    finance = make_user("finance")
    refund = propose(finance)
    make_limit(limit, daily=daily)
    if fits:
        written(refund, finance)
        return
    with pytest.raises(IntegrityError, match="alone beyond the limit"), transaction.atomic():
        written(refund, finance)


def test_database_refuses_who_approves_a_share_of_the_day_in_one_statement():
    make_limit("500.00", daily="100.00")
    finance = make_user("finance")
    both = [propose(finance), propose(finance)]
    with pytest.raises(IntegrityError, match="alone beyond"), transaction.atomic():
        four_eyes.write(both, finance, timezone.now())


def test_database_refuses_its_own_proposer_where_two_are_needed():
    finance = make_user("finance")
    refund = propose(finance)
    with pytest.raises(IntegrityError, match="not of what the refund is"), transaction.atomic():
        written(refund, finance)


def set_state(refund: Refund, by, state="approved", **fields) -> None:
    with trail("test", by=by):
        Refund.objects.filter(pk=refund.pk).update(
            state=state, approver=by, approved_hash=refund.content_hash, **fields
        )


def test_database_refuses_approved_without_an_approval():
    refund, finance = make_refund(), make_user("finance")
    with pytest.raises(IntegrityError, match="no approval"), transaction.atomic():
        set_state(refund, finance, approved_at=timezone.now())
    row = written(refund, finance)
    with pytest.raises(IntegrityError, match="no approval"), transaction.atomic():
        set_state(refund, make_user("lead"), approved_at=row.at)
    set_state(refund, finance, approved_at=row.at)


def test_database_refuses_to_send_what_another_approval_was_given_for(break_rows):
    refund = make_refund("approved")
    break_rows(
        "invoicing_approval",
        f"UPDATE invoicing_approval SET content_hash = '{'0' * 64}' WHERE refund_id = {refund.pk}",
    )
    with pytest.raises(IntegrityError, match="no approval"), transaction.atomic():
        refunds.start(refund.key, by=make_user("lead"))


def test_refund_of_ours_begins_as_a_proposal():
    order, finance = make_order(), make_user("finance")
    calculation = make_calculation(order, net="10.00", tax="1.90")
    with (
        pytest.raises(IntegrityError, match="begins as a proposal"),
        trail("test", by=finance),
        transaction.atomic(),
    ):
        Refund.objects.create(
            state="approved", seller=order.seller, order=order, origin="order", currency="EUR",
            net=calculation.net, tax=calculation.tax, gross=calculation.gross, proposer=finance,
            proposed_at=timezone.now(), approver=make_user("lead"), approved_at=timezone.now(),
        )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoicing_approval SET gross = 1", "DELETE FROM invoicing_approval",
        "TRUNCATE invoicing_approval",
    ],
)  # fmt: skip
def test_approvals_are_only_added_to(statement):
    make_refund("approved")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


# --- At the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False])
def test_one_person_at_eight_desks_stays_within_the_day(locked, monkeypatch):
    """The control takes the lock out of the verb; the trigger's own lock then stops it too."""
    make_limit("500.00", daily="150.00")
    finance = make_user("finance")
    keys = [propose(finance).key for _ in range(8)]
    if not locked:
        monkeypatch.setattr(four_eyes, "_LOCK", "SELECT %s")
    found = race(lambda i: refunds.approve(keys[i], by=finance), threads=8)
    assert found.pop("done") == 2
    assert sum(found.values()) == 6
    assert set(found) <= ({"second_person"} if locked else {"second_person", "IntegrityError"})
    assert sum(Approval.objects.values_list("gross", flat=True)) == Decimal("142.80")


@pytest.fixture
def no_trigger(transactional_db):
    """Approvals without their trigger, as the owner's role can have it."""
    table = "ALTER TABLE invoicing_approval {} TRIGGER USER"
    with database.owner(settings.DATABASES["default"]["NAME"]) as db:
        db.execute(table.format("DISABLE"))
        yield
        db.execute(table.format("ENABLE"))


@pytest.mark.django_db(transaction=True)
def test_without_both_locks_a_day_is_passed(no_trigger, monkeypatch):
    """The control: neither lock, and everybody reads before anybody writes."""
    make_limit("500.00", daily="150.00")
    finance = make_user("finance")
    keys = [propose(finance).key for _ in range(8)]
    monkeypatch.setattr(four_eyes, "_LOCK", "SELECT %s")
    gate, real = threading.Barrier(8), four_eyes._sums

    def slow(*args):
        found = real(*args)
        with_patience(gate)
        return found

    monkeypatch.setattr(four_eyes, "_sums", slow)
    race(lambda i: refunds.approve(keys[i], by=finance), threads=8)
    assert sum(Approval.objects.values_list("gross", flat=True)) > Decimal("150.00")
