"""What refunds leave in the ledger: booked once, in balance, and taken back when they fail."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from config.core import invariants
from config.core.models import User
from config.core.sentence import say
from config.core.trail import trail
from invoicing import documents, refund_row, refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.ledger import posting
from invoicing.matching import match_refunds
from invoicing.models import Journal, JournalLine, MoneyFact, Period, Refund
from invoicing.sending import bank
from tests.factories import make_line, make_order, make_registration, make_seller, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement
from tests.papers import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]
LEDGER = [
    "fx_in_own_currency",
    "ledger_balances",
    "ledger_in_its_month",
    "ledger_mirrored",
    "ledger_of_the_state",
    "ledger_vat",
    "ledger_zero",
    "periods_as_closed",
    "periods_without_gaps",
    "refunds_booked",
]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def booked(refund) -> dict[str, dict[str, Decimal]]:
    """Journal → account → sum."""
    found = {}
    for line in posting.lines_of(refund):
        name = line.journal.source.split(":", 2)[2]
        accounts = found.setdefault(name, {})
        accounts[line.account] = accounts.get(line.account, 0) + line.amount
    return found


def money(**amounts) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def broken() -> dict[str, int]:
    """The ledger's promises that are broken."""
    counts = {p.name: invariants.violations(p)[0] for p in invariants.promises()}
    return {name: count for name, count in counts.items() if count and name in LEDGER}


def part(order, component, net, tax, rate="0.19") -> CalculatedLine:
    return CalculatedLine(
        order_line=str(order.lines.first().pk), origin="order", component=component,
        quantity=1 if component == "item" else 0, net=Decimal(net), tax=Decimal(tax),
        rate=Decimal(rate), rule="demo", says=say("As agreed."),
    )  # fmt: skip


def refund_of(order, *parts, sent_on=date(2026, 10, 28)):
    """A sent refund of these parts of an order's first line."""
    finance, lead = make_user("finance"), make_user("lead")
    documents.record_invoice(
        order, by=finance, number=f"INV-{order.pk}", issue_date=date(2026, 10, 1), issuer="amazon"
    )
    calculation = Calculation(order.currency, tuple(parts), "demo")
    refund = refunds.propose(by=lead, order=order, origin="order", calculation=calculation)
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=finance)
    return refunds.mark_sent(refund.key, by=finance, sent_on=sent_on, amount=refund.gross)


# --- Sent ----------------------------------------------------------------------------------------


def test_sent_refund_is_booked_against_money_on_its_way():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    assert booked(refund) == {
        "1:sent": money(buyer_refunds="30.00", vat="5.70", in_transit="-35.70")
    }
    journal = Journal.objects.get()
    assert (journal.posted_on, journal.period.month) == (date(2026, 10, 28), date(2026, 10, 1))
    assert (journal.currency, journal.text) == ("EUR", order.amazon_order_id)
    vat = journal.lines.get(account="vat")
    assert (vat.country, vat.rate, vat.component) == ("DE", Decimal("0.19"), "item")
    assert vat.order_line == order.lines.get()
    transit = journal.lines.get(account="in_transit")
    assert (transit.country, transit.rate) == ("", None)


def test_every_component_has_its_account():
    order = make_order(net="200.00")
    order.lines.update(shipping_net=10, shipping_tax=Decimal("1.90"), gift_wrap_net=2,
                       gift_wrap_tax=Decimal("0.38"))  # fmt: skip
    refund = refund_of(
        order,
        part(order, "item", "100.00", "19.00"),
        part(order, "shipping", "10.00", "1.90"),
        part(order, "gift_wrap", "2.00", "0.38"),
        part(order, "goodwill", "5.00", "0.95"),
        part(order, "restocking_fee", "-15.00", "-2.85"),
        part(order, "return_freight", "-4.00", "-0.76"),
    )
    assert booked(refund)["1:sent"] == money(
        buyer_refunds="100.00", freight="12.00", goodwill="5.00", restocking="-15.00",
        return_freight="-4.00", vat="18.62", in_transit="-116.62",
    )  # fmt: skip
    assert broken() == {}


def test_vat_is_booked_per_rate():
    order = make_order()
    make_line(order, rate="0.07", sku="BOOK")
    refund = make_refund(order, ("10.00", "1.90"), ("10.00", "0.70"))
    vat = posting.lines_of(refund).filter(account="vat").values_list("rate", "amount")
    assert set(vat) == {(Decimal("0.19"), Decimal("1.90")), (Decimal("0.07"), Decimal("0.70"))}
    assert broken() == {}


@pytest.mark.parametrize("state", ["proposed", "approved", "sending", "unknown"])
def test_refund_whose_money_did_not_leave_is_not_booked(state):
    make_refund(make_order(), ("30.00", "5.70"), state=state)
    assert not Journal.objects.exists()
    assert not Period.objects.exists()


def test_posting_again_books_nothing():
    refund = make_refund(make_order(), ("30.00", "5.70"))
    before = list(Journal.objects.values())
    assert posting.post([refund.pk]) == 0
    assert posting.catch_up() == 0
    assert list(Journal.objects.values()) == before


@pytest.mark.parametrize(
    ("marketplace", "ships_to", "registered", "country"),
    [
        ("DE", "DE", (), "DE"),
        ("DE", "AT", (), "DE"),  # below the threshold, taxed at home
        ("DE", "AT", ("AT",), "AT"),
        ("FR", "FR", ("FR",), "FR"),
        ("US", "CA", (), "US"),
        ("UK", "GB", ("GB",), "GB"),
    ],
)
def test_vat_is_of_the_country_that_taxed_the_sale(marketplace, ships_to, registered, country):
    seller = make_seller()
    for code in registered:
        make_registration(seller, code, "VAT", f"{code}123456789")
    order = make_order(seller=seller, marketplace=marketplace, ship_country=ships_to)
    refund = make_refund(order, ("10.00", "1.90"))
    lines = posting.lines_of(refund).exclude(account="in_transit")
    assert set(lines.values_list("country", flat=True)) == {country}


# --- Seen ----------------------------------------------------------------------------------------


def test_seen_money_clears_what_was_on_its_way():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    settlement, line = make_settlement(order.seller), order.lines.get()
    net = make_fact(settlement, order, line, "-30.00", adjustment="A1")
    tax = make_fact(settlement, order, line, "-5.70", adjustment="A1", is_tax=True)
    match_refunds()
    assert booked(refund)["1:confirmed"] == money(in_transit="35.70", amazon="-35.70")
    facts = JournalLine.objects.filter(account="amazon").values_list("fact", "amount")
    assert set(facts) == {(net.pk, Decimal("-30.00")), (tax.pk, Decimal("-5.70"))}
    assert broken() == {}


def test_refund_made_at_amazon_is_booked_at_once():
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    assert booked(Refund.objects.get(source="amazon")) == {
        "1:sent": money(buyer_refunds="10.00", vat="1.90", in_transit="-11.90"),
        "1:confirmed": money(in_transit="11.90", amazon="-11.90"),
    }
    assert broken() == {}


def test_money_of_another_amount_stays_on_its_way_until_it_is_accepted():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.00", adjustment="A1")
    match_refunds()
    assert list(booked(refund)) == ["1:sent"]
    refunds.accept_difference(refund.key, by=make_user("finance"), reason="Amazon rounded.")
    assert booked(refund)["1:confirmed"] == money(
        in_transit="35.70", amazon="-35.00", difference="-0.70"
    )
    assert broken() == {}


def test_money_that_comes_later_is_booked_as_the_change():
    order = make_order()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    match_refunds()
    late = make_fact(settlement, order, line, "-2.00", adjustment="A1")
    with trail("test", by=User.objects.system()):
        MoneyFact.objects.filter(pk=late.pk).update(refund=refund)
        assert posting.post([refund.pk]) == 1
    assert booked(refund)["1:confirmed:2"] == money(amazon="-2.00", difference="2.00")
    assert broken() == {}


def test_bank_transfer_is_booked_against_the_bank_on_the_statements_day():
    order, (finance, lead) = make_order(), people()
    make_account(order.seller)
    documents.record_invoice(
        order, by=finance, number="INV-1", issue_date=date(2026, 10, 1), issuer="amazon"
    )
    refund = refunds.propose(
        by=lead, order=order, origin="order", note="Account closed",
        payee={"name": "Demo AG", "iban": "DE89370400440532013000"},
        calculation=Calculation("EUR", (part(order, "item", "30.00", "5.70"),), "demo"),
    )  # fmt: skip
    refunds.approve(refund.key, by=finance)
    file = bank.make_file([refund.key], by=lead)
    assert booked(refund) == {}
    bank.executed(file, by=lead, on=DAY.date())
    assert list(booked(refund)) == ["1:sent"]
    refunds.confirm_paid(refund.key, by=finance, on=date(2026, 10, 30), reference="KTO 7/2026")
    assert booked(refund)["1:confirmed"] == money(in_transit="35.70", bank="-35.70")
    assert Journal.objects.get(kind="confirmed").posted_on == date(2026, 10, 30)
    assert broken() == {}


# --- Back ----------------------------------------------------------------------------------------


def test_failed_refund_is_taken_back_and_booked_anew_when_it_is_sent_again():
    refund, finance, lead = make_refund(make_order(), ("30.00", "5.70")), *people()
    refunds.fail(refund.key, by=lead, reason="Amazon says no.")
    assert booked(refund)["1:sent:back"] == money(
        buyer_refunds="-30.00", vat="-5.70", in_transit="35.70"
    )
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=finance)
    refunds.mark_sent(refund.key, by=finance, sent_on=date(2026, 10, 29), amount=refund.gross)
    assert list(booked(refund)) == ["1:sent", "1:sent:back", "2:sent"]
    back = Journal.objects.get(kind="back")
    assert (back.reverses.source.endswith(":1:sent"), back.posted_on) == (True, DAY.date())
    assert broken() == {}


def test_reversed_refund_takes_back_everything_that_is_open():
    order, (finance, _lead) = make_order(), people()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    match_refunds()
    refunds.reverse(refund.key, by=finance, reason="Amazon took it back.")
    totals = {}
    for line in posting.lines_of(refund):
        totals[line.account] = totals.get(line.account, 0) + line.amount
    assert set(totals.values()) == {Decimal(0)}
    assert Journal.objects.filter(kind="back").count() == 2
    assert broken() == {}


def test_reversal_is_of_its_own_day_although_a_row_gave_back_at_first(time_machine):
    order, (finance, _lead) = make_order(), people()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(settlement, order, line, "-37.70", adjustment="A1")
    make_fact(settlement, order, line, "2.00", adjustment="A1", amount_type="Promotion")
    match_refunds()
    time_machine.move_to("2026-11-10 12:00Z")
    refunds.reverse(refund.key, by=finance, reason="Amazon took it back.")
    taken = Journal.objects.filter(kind="back")
    assert {(one.posted_on, one.period.month) for one in taken} == {
        (date(2026, 11, 10), date(2026, 11, 1))
    }
    assert broken() == {}


def test_money_that_came_back_is_booked_on_the_day_it_came():
    order = make_order()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    match_refunds()
    later = DAY + timedelta(days=7)
    make_fact(settlement, order, line, "35.70", adjustment="A2", at=later)
    match_refunds()
    change = Journal.objects.get(source__endswith="1:confirmed:2")
    assert (change.posted_on, change.period.month) == (later.date(), date(2026, 11, 1))
    assert booked(refund)["1:confirmed:2"] == money(amazon="35.70", difference="-35.70")
    assert broken() == {}


def people():
    return make_user("finance"), make_user("lead")


# --- What was missed -----------------------------------------------------------------------------


def test_refunds_from_before_the_ledger_are_caught_up(monkeypatch):
    monkeypatch.setattr(refund_row, "followers", [])
    order = make_order()
    sent, seen = (make_refund(order, ("10.00", "1.90")) for _ in range(2))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    assert set(broken()) == {"refunds_booked", "ledger_vat"}
    assert posting.catch_up() == 3
    assert broken() == {}
    assert {tuple(booked(one)) for one in (sent, seen)} == {("1:sent",), ("1:sent", "1:confirmed")}


def test_one_refund_that_cannot_be_booked_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(refund_row, "followers", [])
    bad, *good = [make_refund(make_order(), ("10.00", "1.90")) for _ in range(4)]
    post = posting.post

    def refusing(ids):
        if bad.pk in ids:
            raise posting.Unposted
        return post(ids)

    monkeypatch.setattr(posting, "post", refusing)
    assert posting.catch_up() == 3
    booked_ones = Journal.objects.values_list("refund_id", flat=True)
    assert set(booked_ones) == {one.pk for one in good}


def test_catch_up_takes_a_backlog_in_parts(monkeypatch):
    monkeypatch.setattr(refund_row, "followers", [])
    for _ in range(5):
        make_refund(make_order(), ("10.00", "1.90"))
    monkeypatch.setattr(posting, "CHUNK", 2)
    assert posting.catch_up() == 5
    assert broken() == {}


def test_queries_are_few_and_do_not_grow():
    def asked(state: str, many: int) -> int:
        rows = [make_refund(make_order(), ("10.00", "1.90"), state="sending") for _ in range(many)]
        ids = [row.pk for row in rows]
        with trail("test", by=User.objects.system()):
            Refund.objects.filter(pk__in=ids).update(state=state, sent_on=DAY.date())
            with CaptureQueriesContext(connection) as queries:
                assert posting.post(ids) == (many if state == "sent" else 0)
        return len(queries)

    asked("sent", 1)  # makes the first month
    assert asked("unknown", 2) == 1
    assert (asked("sent", 1), asked("sent", 4)) == (4, 4)  # each seller's first month is made
    order = make_order()
    make_refund(order, ("10.00", "1.90"))
    again = make_refund(order, ("10.00", "1.90"), state="sending")
    with trail("test", by=User.objects.system()):
        Refund.objects.filter(pk=again.pk).update(state="sent", sent_on=DAY.date())
        with CaptureQueriesContext(connection) as queries:
            posting.post([again.pk])
    assert len(queries) == 2


# --- What the database refuses -------------------------------------------------------------------


ONE_LINE = """
    INSERT INTO invoicing_journalline (journal_id, account, country, component, amount)
    SELECT id, 'difference', '', '', 1 FROM invoicing_journal
"""
ONE_JOURNAL = """
    INSERT INTO invoicing_journal (source, kind, period_id, seller_id, marketplace_id, refund_id,
        currency, posted_on, text, created_at)
    SELECT 'x', kind, period_id, seller_id, marketplace_id, refund_id, currency, posted_on, text,
        now() FROM invoicing_journal
"""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE invoicing_journalline SET amount = amount", "permission denied"),
        ("UPDATE invoicing_journal SET posted_on = posted_on", "permission denied"),
        ("DELETE FROM invoicing_journalline", "permission denied"),
        ("DELETE FROM invoicing_journal", "permission denied"),
        ("TRUNCATE invoicing_journal CASCADE", "permission denied"),
        ("DELETE FROM invoicing_period", "Cannot delete rows"),
        ("UPDATE invoicing_period SET month = '2026-09-01'", "closed from open"),
        (ONE_LINE, "come together and balance"),
    ],
)
def test_database_keeps_the_ledger(statement, why):
    make_refund(make_order(), ("10.00", "1.90"))
    with (
        pytest.raises(DatabaseError, match=why),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_journal_without_lines_is_refused():
    make_refund(make_order(), ("10.00", "1.90"))
    with (
        pytest.raises(DatabaseError, match="does not balance"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"{ONE_JOURNAL}; SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db(transaction=True)
def test_balanced_lines_cannot_join_a_journal_of_before():
    make_refund(make_order(), ("10.00", "1.90"))
    with (
        pytest.raises(DatabaseError, match="no line joins a journal of before"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO invoicing_journalline (journal_id, account, country, component, amount)"
            " SELECT id, account, '', '', amount FROM invoicing_journal,"
            " (VALUES ('vat', 1), ('difference', -1)) x(account, amount)"
        )


# --- The promises see what is broken -------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "statement", "promise"),
    [
        ("journalline", "UPDATE {} SET amount = amount + 1 WHERE account = 'vat'",
         {"ledger_balances", "ledger_zero", "ledger_of_the_state", "ledger_vat"}),
        ("journalline", "UPDATE {} SET account = 'goodwill' WHERE account = 'in_transit'",
         {"ledger_of_the_state"}),
        ("journalline", "UPDATE {} SET rate = 0.07 WHERE account = 'vat'", {"ledger_vat"}),
        ("journal", "UPDATE {} SET posted_on = posted_on + 30", {"ledger_in_its_month"}),
        ("journal", "UPDATE {} SET kind = 'back', reverses_id = NULL",
         {"ledger_mirrored", "refunds_booked", "ledger_vat"}),
        ("journal", "UPDATE {} SET kind = 'fx'",
         {"fx_in_own_currency", "refunds_booked", "ledger_vat"}),
    ],
)  # fmt: skip
def test_promise_sees_a_broken_row(break_rows, table, statement, promise):
    make_refund(make_order(), ("10.00", "1.90"))
    name = f"invoicing_{table}"
    break_rows(name, statement.format(name))
    assert set(broken()) == promise


def test_days_of_the_marketplace_count(time_machine):
    """At 23:30 UTC on 31 October it is November in Berlin: the reversal is November's."""
    refund = make_refund(make_order(), ("10.00", "1.90"))
    time_machine.move_to("2026-10-31T23:30:00Z")
    refunds.fail(refund.key, by=make_user("lead"), reason="Not paid.")
    back = Journal.objects.get(kind="back")
    assert (back.posted_on, back.period.month) == (date(2026, 11, 1), date(2026, 11, 1))
    assert Journal.objects.get(kind="sent").period.month == date(2026, 10, 1)
