"""Months of the ledger: what takes a booking, what stands in the way of closing, close, reopen."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from config.core import invariants
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import periods, refund_row, refunds
from invoicing.ledger import posting, posting_sql
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Journal, Match, Period, Refund
from tests.factories import make_order, make_seller, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

NOVEMBER = datetime(2026, 11, 20, 10, tzinfo=UTC)
SEPTEMBER = date(2026, 9, 15)


@pytest.fixture(autouse=True)
def _november(request, time_machine):
    time_machine.move_to(NOVEMBER, tick=True)


def settled(order, *, sent_on=date(2026, 10, 28), seen=True):
    """A refund of an order's first line, its money seen a day later, its match as it stands."""
    refund = make_refund(order, ("10.00", "1.90"), sent_on=sent_on)
    if seen:
        make_fact(
            make_settlement(order.seller), order, order.lines.first(), "-11.90",
            adjustment=f"A{refund.pk}",
            at=datetime(sent_on.year, sent_on.month, sent_on.day, 20, tzinfo=UTC),
        )  # fmt: skip
        match_refunds()
    return refund


def clear():
    """Explain every exception, as a person of finance does."""
    refresh()
    with trail("test", by=User.objects.system()):
        Match.objects.filter(result="open").update(
            result="explained", resolution="other", resolved_by=User.objects.system()
        )


def codes(period) -> list[str]:
    return [blocker.code for blocker in periods.check(period)]


def refusal(call) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


@pytest.fixture
def october(db):
    """A month with one settled refund, everything tied or explained."""
    order = make_order()
    settled(order)
    clear()
    return Period.objects.get(month=date(2026, 10, 1))


# --- What stands in the way ----------------------------------------------------------------------


def test_month_whose_refunds_all_tie_can_be_closed(october):
    assert periods.check(october) == []
    finance = make_user("finance")
    closed = periods.close(october, by=finance)
    assert (closed.state, closed.closed_by, closed.version) == ("closed", finance, 2)
    rows = {(row["account"], row["rate"]): row["debit"] for row in closed.totals}
    assert rows[("vat", "0.1900")] == "1.90"
    assert rows[("in_transit", None)] == "11.90"
    assert len(closed.sha256) == 64


def test_money_that_was_read_and_not_compared_keeps_its_month_open(october):
    order = make_order(seller=october.seller, marketplace="DE")
    make_fact(make_settlement(order.seller), order, None, "-7.00", adjustment="A9")
    assert codes(october) == ["money_not_compared"]
    refresh()
    assert codes(october) == ["exceptions"]
    clear()
    assert codes(october) == []


def test_wrong_money_seen_later_keeps_the_month_of_its_refund_open(october):
    order = make_order(seller=october.seller, marketplace="DE")
    make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 10, 31))
    make_fact(
        make_settlement(order.seller), order, order.lines.first(), "-11.00", adjustment="A9",
        at=datetime(2026, 11, 5, 12, tzinfo=UTC),
    )  # fmt: skip
    match_refunds()
    refresh()
    assert codes(october) == ["exceptions"]


def test_month_that_is_not_over_cannot_be_closed(time_machine, october):
    time_machine.move_to(datetime(2026, 10, 31, 22, 59, tzinfo=UTC))  # 23:59 in Berlin
    assert "not_over" in codes(october)
    time_machine.move_to(datetime(2026, 10, 31, 23, 1, tzinfo=UTC))
    assert "not_over" not in codes(october)


@pytest.mark.django_db
def test_earlier_months_are_closed_first():
    order = make_order()
    settled(order, sent_on=SEPTEMBER)
    settled(order)
    clear()
    september, october = Period.objects.order_by("month")
    [blocker] = periods.check(october)
    assert (blocker.code, blocker.rows[0][0]) == ("earlier", "2026-09")
    periods.close(september, by=make_user("finance"))
    assert codes(october) == []


def test_open_exception_of_the_month_stands_in_the_way(october):
    order = make_order(seller=october.seller)
    settled(order, seen=False)
    refresh()
    open_ones = Match.objects.filter(result="open")
    assert open_ones.exists()
    [blocker] = periods.check(october)
    assert (blocker.code, blocker.count) == ("exceptions", open_ones.count())
    assert blocker.rows[0][1].startswith("/exceptions/")
    clear()
    assert codes(october) == []


def test_exception_of_another_month_or_seller_does_not(october):
    settled(make_order(), seen=False)
    settled(make_order(seller=october.seller), seen=False, sent_on=date(2026, 11, 5))
    refresh()
    assert Match.objects.filter(result="open").exists()
    assert codes(october) == []


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_refund_in_somebodys_hands_stands_in_the_way(october, state):
    make_refund(make_order(seller=october.seller), ("10.00", "1.90"), state=state)
    clear()
    [blocker] = periods.check(october)
    refund = Refund.objects.get(state=state)
    assert (blocker.code, blocker.rows[0][1]) == ("in_hand", f"/refunds/{refund.key}/")


def test_refund_that_is_not_booked_or_not_compared_stands_in_the_way(october, monkeypatch):
    monkeypatch.setattr(refund_row, "followers", [])
    make_refund(make_order(seller=october.seller), ("10.00", "1.90"))
    assert codes(october) == ["not_booked"]
    posting.catch_up()
    assert codes(october) == ["not_compared"]
    clear()
    assert codes(october) == []


# --- Closing and reopening -----------------------------------------------------------------------


@pytest.mark.parametrize("role", ["agent", "inspector", "lead", "auditor", "admin"])
def test_only_finance_closes_and_reopens(october, role):
    person = make_user(role)
    assert refusal(lambda: periods.close(october, by=person)) == "forbidden"
    periods.close(october, by=make_user("finance"))
    again = lambda: periods.reopen(october, by=person, reason="A mistake.")  # noqa: E731
    assert refusal(again) == "forbidden"


def test_each_verb_refuses_what_it_cannot_do(october):
    finance = make_user("finance")
    reopen = lambda reason="Found one more.": periods.reopen(  # noqa: E731
        october, by=finance, reason=reason
    )
    assert refusal(reopen) == "open"
    assert refusal(lambda: reopen(" ")) == "reason"
    periods.close(october, by=finance)
    assert refusal(lambda: periods.close(october, by=finance)) == "closed"
    assert reopen().state == "open"


def test_refused_closing_says_every_reason(october):
    make_refund(make_order(seller=october.seller), ("10.00", "1.90"), state="sending")
    with pytest.raises(Refused) as refused:
        periods.close(october, by=make_user("finance"))
    assert refused.value.code == "blocked"
    assert "being carried out" in refused.value.sentence
    october.refresh_from_db()
    assert (october.state, october.sha256) == ("open", "")


def test_late_facts_and_reversals_fall_into_the_next_open_month(october):
    finance = make_user("finance")
    periods.close(october, by=finance)
    late = settled(make_order(seller=october.seller), sent_on=date(2026, 10, 30))
    refunds.reverse(Refund.objects.get(pk=october.journals.first().refund_id).key, by=finance,
                    reason="Amazon took it back.")  # fmt: skip
    months = set(late.journals.values_list("kind", "posted_on", "period__month"))
    november = date(2026, 11, 1)
    assert months == {
        ("sent", date(2026, 10, 30), november),
        ("confirmed", date(2026, 10, 30), november),
    }
    backs = Journal.objects.filter(kind="back")
    assert {journal.period.month for journal in backs} == {november}
    assert invariants.violations(promise("periods_as_closed"))[0] == 0


def test_months_without_bookings_are_closed_with_the_later_one(october):
    """August has no row; after October is closed it is as closed as October."""
    periods.close(october, by=make_user("finance"))
    late = settled(make_order(seller=october.seller), sent_on=date(2026, 8, 3))
    assert {journal.period.month for journal in late.journals.all()} == {date(2026, 11, 1)}


def test_reopened_month_takes_bookings_and_is_closed_with_new_sums(october):
    finance = make_user("finance")
    first = periods.close(october, by=finance)
    reopened = periods.reopen(october, by=finance, reason="One settlement came late.")
    assert (reopened.sha256, reopened.totals, reopened.closed_by) == ("", [], None)
    assert reopened.reason == "One settlement came late."
    late = settled(make_order(seller=october.seller))
    assert {journal.period_id for journal in late.journals.all()} == {october.pk}
    clear()
    assert periods.close(october, by=finance).sha256 != first.sha256


def test_the_last_closed_month_is_reopened_first(october):
    finance = make_user("finance")
    periods.close(october, by=finance)
    with trail("test", by=finance):
        later = periods.period_for(october.seller, october.marketplace, date(2026, 10, 7))
        assert later.month == date(2026, 11, 1)
        Period.objects.filter(pk=later.pk).update(
            state="closed", closed_by=finance, closed_at=NOVEMBER
        )
    reopen = lambda: periods.reopen(october, by=finance, reason="Late.")  # noqa: E731
    assert refusal(reopen) == "later_closed"


def test_period_for_makes_a_month_once(db):
    order = make_order()
    with trail("test", by=User.objects.system()):
        one = periods.period_for(order.seller, order.marketplace, date(2026, 10, 7))
        again = periods.period_for(order.seller, order.marketplace, date(2026, 10, 31))
        account = periods.period_for(order.seller, None, date(2026, 10, 31))
    assert (one, one.month) == (again, date(2026, 10, 1))
    assert (account.marketplace, account == one) == (None, False)


def promise(name):
    return next(one for one in invariants.promises() if one.name == name)


# --- What the database refuses -------------------------------------------------------------------

INTO_CLOSED = """
    INSERT INTO invoicing_journal (source, kind, period_id, seller_id, marketplace_id, refund_id,
        currency, posted_on, text, created_at)
    SELECT 'x', kind, period_id, seller_id, marketplace_id, refund_id, currency, posted_on, text,
        now() FROM invoicing_journal WHERE kind = 'sent'
"""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (INTO_CLOSED, "period of this journal is closed"),
        ("UPDATE invoicing_period SET totals = '[]'", "closed from open"),
        ("UPDATE invoicing_period SET sha256 = ''", "closed from open"),
        ("UPDATE invoicing_period SET state = 'open'", "reopened with a reason"),
        (INTO_CLOSED.replace("period_id, seller_id, marketplace_id, refund_id,\n        currency",
         "period_id, seller_id, marketplace_id, refund_id, currency").replace(
            "SELECT 'x', kind, period_id", "SELECT 'x', kind, (SELECT max(id) FROM"
            " invoicing_period)"), "belongs to another period"),
    ],
)  # fmt: skip
def test_database_keeps_a_closed_month(october, statement, why):
    periods.close(october, by=make_user("finance"))
    with trail("test", by=User.objects.system()):
        periods.period_for(make_seller(), None, date(2026, 10, 1))
    with (
        pytest.raises(DatabaseError, match=why),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_promises_see_a_closed_month_that_changed(transactional_db, break_rows):
    settled(make_order())
    clear()
    october = Period.objects.get()
    periods.close(october, by=make_user("finance"))
    assert invariants.violations(promise("periods_as_closed"))[0] == 0
    break_rows(
        "invoicing_journalline", "UPDATE invoicing_journalline SET component = 'shipping'"
        " WHERE account = 'vat'",
    )  # fmt: skip
    assert invariants.violations(promise("periods_as_closed"))[0] == 1
    break_rows("invoicing_period", "UPDATE invoicing_period SET state = 'closed',"
               " month = '2026-11-01'")  # fmt: skip
    break_rows(
        "invoicing_period", "INSERT INTO invoicing_period (seller_id, marketplace_id, month, state,"
        " totals, sha256, reason, version) SELECT seller_id, marketplace_id, '2026-10-01', 'open',"
        " '[]', '', '', 1 FROM invoicing_period",
    )  # fmt: skip
    assert invariants.violations(promise("periods_without_gaps"))[0] == 1


# --- Races ---------------------------------------------------------------------------------------


class Booking(threading.Thread):
    """Posts a sent refund in a transaction of its own and keeps it open until it is told."""

    def __init__(self, refund):
        super().__init__()
        self.refund, self.posted, self.go_on = refund, threading.Event(), threading.Event()
        self.error = None

    def run(self):
        try:
            with trail("test", by=User.objects.system()):
                Refund.objects.filter(pk=self.refund.pk).update(state="sent", sent_on=DAY.date())
                posting.post([self.refund.pk])
                self.posted.set()
                assert self.go_on.wait(20)
        except Exception as error:  # noqa: BLE001 the test says it
            self.error = error
        finally:
            self.posted.set()
            connection.close()


def race(close) -> list:
    """Close a month while a booking in it is under way: whether it waited, and what it said."""
    order = make_order()
    settled(order)
    refund = make_refund(make_order(seller=order.seller), ("10.00", "1.90"), state="sending")
    clear()
    with trail("test", by=User.objects.system()):
        Refund.objects.filter(pk=refund.pk).update(sending_at=NOVEMBER)
    period, finance, outcome = Period.objects.get(), make_user("finance"), []
    booking = Booking(refund)
    booking.start()
    assert booking.posted.wait(20)

    def closing():
        try:
            outcome.append(close(period, by=finance).state)
        except Refused as refused:
            outcome.append(refused.code)
        except DatabaseError as error:
            outcome.append(type(error).__name__)
        finally:
            connection.close()

    closer = threading.Thread(target=closing)
    closer.start()
    closer.join(1.5)
    waited = closer.is_alive()
    booking.go_on.set()
    booking.join(20)
    closer.join(20)
    assert booking.error is None
    return [waited, *outcome]


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_a_booking_and_sees_it():
    outcome = race(periods.close)
    assert outcome == [True, "blocked"]  # the refund it saw was not compared yet
    assert invariants.violations(promise("periods_as_closed"))[0] == 0


@pytest.mark.django_db(transaction=True)
def test_closing_without_the_lock_stores_sums_that_do_not_hold(monkeypatch):
    """The control: without both locks the month is closed with a booking left out."""
    monkeypatch.setattr(posting_sql, "LOCK_PAIR", "SELECT %(seller_id)s, %(marketplace_id)s")
    monkeypatch.setattr(
        Period.objects.__class__, "select_for_update", lambda self, **_: self.get_queryset()
    )
    outcome = race(periods.close)
    assert outcome[1] == "closed"
    assert invariants.violations(promise("periods_as_closed"))[0] == 1


@pytest.mark.django_db(transaction=True)
def test_booking_that_comes_while_a_month_is_closed_goes_to_the_next():
    order = make_order()
    settled(order)
    refund = make_refund(make_order(seller=order.seller), ("10.00", "1.90"), state="sending")
    clear()
    with trail("test", by=User.objects.system()):
        Refund.objects.filter(pk=refund.pk).update(sending_at=NOVEMBER)
    october, booking = Period.objects.get(), Booking(refund)
    with trail("test", by=User.objects.system()):
        periods.close(october, by=make_user("finance"))
        booking.start()
        assert not booking.posted.wait(1.5)  # it waits for the closing to end
    assert booking.posted.wait(20)
    booking.go_on.set()
    booking.join(20)
    assert booking.error is None
    journal = refund.journals.get()
    assert (journal.posted_on, journal.period.month) == (DAY.date(), date(2026, 11, 1))
    assert invariants.violations(promise("periods_as_closed"))[0] == 0


@pytest.mark.django_db(transaction=True)
def test_closing_gives_up_when_bookings_take_too_long():
    order = make_order()
    settled(order)
    clear()
    period, go_on, held = Period.objects.get(), threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(posting_sql.LOCK_PAIR, {
                "seller_id": period.seller_id, "marketplace_id": period.marketplace_id,
            })  # fmt: skip
            held.set()
            go_on.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
    try:
        assert refusal(lambda: periods.close(period, by=make_user("finance"))) == "busy"
    finally:
        go_on.set()
        holder.join(10)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_amounts_in_totals_are_exact(october):
    totals, sha256 = periods.sums(october)
    assert sum(Decimal(row["debit"]) - Decimal(row["credit"]) for row in totals) == 0
    assert periods.sums(october) == (totals, sha256)
