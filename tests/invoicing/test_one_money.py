"""The same money from several sources counts once, in whatever order its files come in."""

import itertools
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction as transactions
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.core import invariants
from config.core.models import User
from config.core.trail import trail
from invoicing import periods
from invoicing.imports import one_money
from invoicing.matching import match_refunds
from invoicing.models import JournalLine, MoneyFact, Period, Refund
from invoicing.states import RefundState
from orders.imports.run import import_file
from tests.factories import make_line, make_order, make_seller, make_user
from tests.invoicing.date_range_files import report
from tests.invoicing.ledger.test_periods import clear
from tests.invoicing.money import make_refund
from tests.invoicing.test_finances_import import item, part, transaction
from tests.invoicing.test_settlement_import import row, totals
from tests.invoicing.test_settlement_import import write as write_settlement
from tests.soak import FULL

pytestmark = pytest.mark.django_db
ORDER = "302-5550201-7712001"
AT = "2026-10-29T18:02:11Z"
OCTOBER = date(2026, 10, 1)


@pytest.fixture(autouse=True)
def _november(time_machine):
    time_machine.move_to("2026-11-22T10:00:00Z", tick=True)


@pytest.fixture
def order():
    order = make_order(
        seller=make_seller(), lines=0, amazon_order_id=ORDER, marketplace="DE",
        purchased_at=datetime(2026, 10, 12, 6, tzinfo=UTC),
    )  # fmt: skip
    make_line(order, sku="BOHRER-5", net="100.00", quantity=2)
    make_line(order, sku="BOHRER-6", net="200.00", quantity=2)
    return order


def settlement(tmp_path, *refunds, number="7001"):
    """Rows of (adjustment, sku, net, tax, moment) in a settlement file."""
    rows = []
    for ref, sku, net, tax, at in refunds:
        given = {
            "number": number, "order_id": ORDER, "adjustment_id": ref, "sku": sku,
            "posted_date": at[:10], "posted_date_time": at.replace("T", " ").replace("Z", " UTC"),
            "order_item_code": {"BOHRER-5": "47000000000005", "BOHRER-6": "47000000000006"}[sku],
        }  # fmt: skip
        rows += [row(net, "Principal", **given), row(tax, "Tax", **given)]
        rows += [row("3.00", "Commission", **given | {"amount_type": "ItemFees"})]
    total = sum(Decimal(one["amount"]) for one in rows)
    return write_settlement(tmp_path / f"s{number}.txt", totals(str(total), number=number), *rows)


def finances(tmp_path, *refunds, name="f", details=True, **fields):
    """The same as transactions, one for each row; ``details`` False leaves the items out."""
    pages = []
    for number, (ref, sku, net, tax, at) in enumerate(refunds):
        net, tax = float(net), float(tax)  # noqa: PLW2901
        parts = (
            part("ProductCharges", net, part("OurPricePrincipal", net)),
            part("Tax", tax, part("OurPriceTax", tax)),
            part("AmazonFees", 3.0, part("Commission", 3.0)),
        )
        pages.append(
            transaction(
                round(net + tax + 3, 2), *([item(round(net + tax + 3, 2), *parts, sku=sku)]
                                          if details else []),
                refund=ref, postedDate=at, **{"transactionId": f"TX-{ref}-{number}"} | fields,
            )
        )  # fmt: skip
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"payload": {"transactions": pages}}))
    return path


def date_range(tmp_path, *refunds, name="d"):
    rows = []
    for _, sku, net, tax, at in refunds:
        day, time = at[:-1].split("T")
        written = f"{day[8:]}.{day[5:7]}.{day[:4]} {time} UTC"
        rows.append(
            {
                "date_time": written, "order_id": ORDER, "sku": sku, "quantity": "1",
                "product_sales": net, "product_sales_tax": tax, "selling_fees": "3.00",
                "total": str(Decimal(net) + Decimal(tax) + 3),
            }
        )  # fmt: skip
    path = tmp_path / f"{name}.csv"
    path.write_bytes(report("de", *rows))
    return path


def bring(path, seller):
    """Import and match, as it goes on after the import's commit."""
    done = import_file(path, by=User.objects.system(), seller=seller)
    match_refunds([seller.pk], done)
    return done


def counting():
    facts = MoneyFact.objects.filter(bucket="buyer", is_refund=True)
    return sorted(facts.values_list("source", "adjustment_id", "sku", "is_tax", "amount"))


def state():
    """Everything that must not depend on the order of files: facts, echoes, refunds, ties."""
    facts = MoneyFact.objects.select_related("echo_of", "refund")
    return (
        sorted(
            (f.source, f.row_hash, f.occurrence, f.bucket, f.amount, f.status,
             f.echo_of.row_hash if f.echo_of else "", f.refund.gross if f.refund else 0)
            for f in facts
        ),
        sorted(
            Refund.objects.exclude(state="reversed").values_list("source", "state", "gross", "net")
        ),
    )  # fmt: skip


TWO_EQUAL = [
    ("A1", "BOHRER-5", "-50.00", "-9.50", AT),
    ("A2", "BOHRER-5", "-50.00", "-9.50", AT),
]
ONE = [("A1", "BOHRER-5", "-50.00", "-9.50", AT)]
TWO_LINES = [*ONE, ("A1", "BOHRER-6", "-100.00", "-19.00", AT)]
LATER = [*ONE, ("A1", "BOHRER-5", "-20.00", "-3.80", "2026-10-30T09:00:00Z")]


def in_every_order(paths, seller, check):
    """Import the files in every order, each in a transaction that is rolled back."""
    seen = []
    for places in itertools.permutations(range(len(paths))):
        with transactions.atomic():
            for place in places:
                bring(paths[place], seller)
            check()
            seen.append(state())
            transactions.set_rollback(True)
    for one in seen[1:]:
        assert one == seen[0]


@pytest.mark.parametrize("money", [ONE, TWO_EQUAL, TWO_LINES, LATER])
def test_three_sources_in_any_order_are_one_money(tmp_path, order, money):
    paths = [source(tmp_path, *money) for source in (settlement, finances, date_range)]

    def check():
        assert {source for source, *_ in counting()} == {"settlement"}
        assert -sum(amount for *_, amount in counting()) == -sum(
            Decimal(net) + Decimal(tax) for _, _, net, tax, _ in money
        )
        live = Refund.objects.filter(source="amazon", state="confirmed")
        assert sum(refund.gross for refund in live) == -sum(a for *_, a in counting())
        assert live.count() == len({ref for ref, *_ in money})
        echoes = MoneyFact.objects.filter(bucket="echo")
        assert echoes.count() == MoneyFact.objects.exclude(source="settlement").count()
        assert not echoes.filter(echo_of=None).exists()

    in_every_order(paths, order.seller, check)


def test_without_settlement_finances_counts_before_the_date_range(tmp_path, order):
    paths = [source(tmp_path, *TWO_LINES) for source in (finances, date_range)]

    def check():
        assert {source for source, *_ in counting()} == {"finances"}
        assert Refund.objects.get(source="amazon", state="confirmed").gross == Decimal("178.50")

    in_every_order(paths, order.seller, check)


def test_what_only_one_source_tells_counts(tmp_path, order):
    paths = [
        settlement(tmp_path, *ONE),
        finances(tmp_path, *TWO_EQUAL),
        date_range(tmp_path, *TWO_EQUAL, ("", "BOHRER-6", "-7.00", "-1.33", AT)),
    ]

    def check():
        assert [(source, ref) for source, ref, _, is_tax, _ in counting() if is_tax] == [
            ("date_range", ""), ("finances", "A2"), ("settlement", "A1"),
        ]  # fmt: skip

    in_every_order(paths, order.seller, check)


def test_amount_of_the_settlement_is_right_where_sources_differ(tmp_path, order):
    paths = [
        settlement(tmp_path, ("A1", "BOHRER-5", "-50.00", "-9.50", AT)),
        finances(tmp_path, ("A1", "BOHRER-5", "-49.00", "-9.31", "2026-10-28T01:00:00Z")),
    ]

    def check():
        live = Refund.objects.get(source="amazon", state="confirmed")
        assert live.gross == Decimal("59.50")
        assert [line.gross for line in live.lines.all()] == [Decimal("59.50")]

    in_every_order(paths, order.seller, check)


@pytest.mark.parametrize("closed", [False, True], ids=["open month", "closed month"])
def test_refund_told_otherwise_later_is_taken_back_where_it_was_booked(
    tmp_path, order, time_machine, closed
):
    time_machine.move_to("2026-10-30T12:00:00Z")
    bring(finances(tmp_path, ("A1", "BOHRER-5", "-49.00", "-9.31", AT)), order.seller)
    time_machine.move_to("2026-11-03T12:00:00Z")
    if closed:
        clear()
        periods.close(Period.objects.get(month=OCTOBER), by=make_user("finance"))
    bring(settlement(tmp_path, ("A1", "BOHRER-5", "-50.00", "-9.50", AT)), order.seller)
    vat = JournalLine.objects.filter(account="vat").values_list("journal__period__month")
    told_anew = {OCTOBER: Decimal("9.31"), date(2026, 11, 1): Decimal("0.19")}
    once = {OCTOBER: Decimal("9.50")}
    assert dict(vat.annotate(Sum("amount"))) == (told_anew if closed else once)


def test_deferred_and_released_twins_are_one(tmp_path, order):
    first = finances(
        tmp_path, *ONE, name="1", transactionId="T-DEF", transactionStatus="DEFERRED",
    )  # fmt: skip
    released = [("A1", "BOHRER-5", "-50.00", "-9.50", "2026-11-15T00:00:05Z")]
    second = finances(
        tmp_path, *released, name="2", transactionId="T-REL", details=False,
        ids=[("DEFERRED_TRANSACTION_ID", "T-DEF")],
    )  # fmt: skip
    third = finances(
        tmp_path, *ONE, name="3", transactionId="T-DEF", transactionStatus="DEFERRED_RELEASED",
        ids=[("RELEASE_TRANSACTION_ID", "T-REL")],
    )  # fmt: skip

    def check():
        assert [amount for *_, amount in counting()] == [Decimal("-50.00"), Decimal("-9.50")]
        assert not MoneyFact.objects.filter(bucket="account").exists()
        assert Refund.objects.get(source="amazon").gross == Decimal("59.50")

    in_every_order([first, second, third], order.seller, check)


def test_estimate_of_a_deferred_refund_gives_way_to_what_was_released(tmp_path, order):
    first = finances(
        tmp_path, ("A1", "BOHRER-5", "-49.00", "-9.31", AT), name="1", transactionId="T-1",
        transactionStatus="DEFERRED",
    )  # fmt: skip
    second = finances(tmp_path, *ONE, name="2", transactionId="T-1", transactionStatus="RELEASED")

    def check():
        assert sum(amount for *_, amount in counting()) == Decimal("-59.50")
        assert Refund.objects.get(source="amazon", state="confirmed").gross == Decimal("59.50")

    in_every_order([first, second], order.seller, check)


def test_tie_of_our_refund_moves_to_the_settlement(tmp_path, order):
    refund = make_refund(order, ("50.00", "9.50"))
    bring(finances(tmp_path, *ONE), order.seller)
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED
    bring(settlement(tmp_path, *ONE), order.seller)
    facts = MoneyFact.objects.filter(refund=refund)
    assert {fact.source for fact in facts} == {"settlement"}
    assert -sum(fact.amount for fact in facts) == refund.gross
    assert not Refund.objects.filter(source="amazon").exists()


def test_same_files_again_write_nothing(tmp_path, order):
    paths = [source(tmp_path, *TWO_LINES) for source in (settlement, finances, date_range)]
    for path in paths:
        bring(path, order.seller)
    before = list(MoneyFact.objects.order_by("pk").values())
    for path in paths:
        assert bring(path, order.seller).inserted == 0
    assert list(MoneyFact.objects.order_by("pk").values()) == before
    with trail("match_refunds", by=User.objects.system()):
        again = one_money.unify(everything=True)
    assert (again.orders, again.refunds) == ([], [])


def test_refund_without_items_is_the_settlements(tmp_path, order):
    bare = [
        part("Sales", -59.5, part("ProductCharges", -50.0), part("Tax", -9.5)),
        part("Expenses", 3.0, part("AmazonFees", 3.0)),
    ]
    paths = [
        finances(tmp_path, *ONE, details=False, breakdowns=bare),
        settlement(tmp_path, *ONE),
        date_range(tmp_path, *ONE),
    ]

    def check():
        assert {source for source, *_ in counting()} == {"settlement"}

    in_every_order(paths, order.seller, check)
    for path in (paths[0], paths[2]):
        bring(path, order.seller)
    assert {source for source, *_ in counting()} == {"finances"}


# --- Any refunds, any sources, any order ---------------------------------------------------------

SOURCES = (settlement, finances, date_range)
one_refund = st.tuples(
    st.sampled_from(["A1", "A2", "A3"]),
    st.sampled_from(["BOHRER-5", "BOHRER-6"]),
    st.sampled_from([("-10.00", "-1.90"), ("-20.00", "-3.80")]),
    st.sampled_from([AT, "2026-10-30T09:00:00Z"]),
    st.sets(st.integers(0, 2), min_size=1),
)


@given(
    st.lists(one_refund, min_size=1, max_size=3, unique_by=lambda one: one[:2]),
    st.permutations(range(3)),
    st.permutations(range(3)),
)
@settings(
    max_examples=80 if FULL else 6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_same_rows_count_whatever_comes_first(tmp_path, order, money, first, second):
    paths = []
    for place, source in enumerate(SOURCES):
        told = [
            (ref, sku, *amounts, at) for ref, sku, amounts, at, where in money if place in where
        ]
        paths.append(source(tmp_path, *told) if told else None)
    seen = []
    for places in (first, second):
        with transactions.atomic():
            for path in (paths[place] for place in places if paths[place]):
                bring(path, order.seller)
            assert broken("one_money", "echoes_count_nothing", "confirmed_is_seen") == set()
            seen.append(state())
            transactions.set_rollback(True)
    assert seen[0] == seen[1]


# --- Promises ------------------------------------------------------------------------------------


BACK = "UPDATE invoicing_moneyfact SET bucket = told, echo_of_id = NULL WHERE bucket = 'echo'"
BREAKS = {
    "echoes_count_nothing": "UPDATE invoicing_moneyfact SET echo_of_id = NULL",
    "one_money": BACK,
    "assigned_by_somebody": "UPDATE invoicing_moneyfact SET assigned_reason = 'said'",
}


def broken(*names):
    found = [promise for promise in invariants.promises() if promise.name in names]
    return {promise.name for promise in found if invariants.violations(promise)[0]}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.usefixtures("transactional_db")
def test_promises_see_broken_rows(tmp_path, order, break_rows, name):
    for source in (settlement, finances, date_range):
        bring(source(tmp_path, *TWO_LINES), order.seller)
    assert broken(*BREAKS, "confirmed_is_seen") == set()
    break_rows("invoicing_moneyfact", BREAKS[name])
    assert name in broken(name)
