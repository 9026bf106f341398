"""The journal and the VAT corrections as reports: what the ledger holds, to the cent."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db.models import Sum

from config.core.refused import Refused
from invoicing import crediting, refunds
from invoicing.matching import match_refunds
from invoicing.models import Account, AccountNumber, Journal, JournalLine
from invoicing.reports import runs
from invoicing.reports.kinds import Scope
from tests.factories import make_order, make_user
from tests.invoicing.ledger.test_posting import broken
from tests.invoicing.money import make_fact, make_refund, make_settlement
from tests.invoicing.reports.conftest import OCTOBER, report
from tests.kept import make_tax_fact

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_november"),
]


def confirmed(order, net, tax):
    """A refund that Amazon's settlement shows."""
    refund = make_refund(order, (net, tax))
    gross = Decimal(net) + Decimal(tax)
    settlement = make_settlement(order.seller, order.currency)
    make_fact(settlement, order, order.lines.first(), -gross, adjustment=f"A{order.pk}")
    match_refunds()
    return refund


def sums(rows, *names):
    found = defaultdict(Decimal)
    for row in rows:
        key = tuple(row[name] for name in names)
        found[key] += Decimal(row["Debit"] or 0) - Decimal(row["Credit"] or 0)
    return dict(found)


def test_every_line_of_the_ledger_is_a_row_and_adds_up(finance):
    confirmed(make_order(rate="0.19"), "10.00", "1.90")
    make_refund(make_order(marketplace="JP", rate="0.10", net="1000"), ("100", "10"))
    rows = report("journal", finance)
    assert len(rows) == JournalLine.objects.count() > 5
    assert set(sums(rows, "Journal", "Currency").values()) == {Decimal(0)}
    told = {(account, currency): amount for (account, currency), amount in
            sums(rows, "Account", "Currency").items()}  # fmt: skip
    held = JournalLine.objects.values_list("account", "journal__currency").annotate(Sum("amount"))
    assert told == {(account, currency): amount for account, currency, amount in held}
    assert {row["Debit"] for row in rows if row["Currency"] == "JPY"} >= {"100", "10"}


def test_row_names_its_refund_order_and_credit_note(finance):
    refund = confirmed(make_order(rate="0.19"), "10.00", "1.90")
    row = next(row for row in report("journal", finance) if row["Account"] == "vat")
    assert (row["Refund"], row["Order"]) == (str(refund.key), refund.order.amazon_order_id)
    assert (row["VAT rate"], row["Debit"], row["Booked in"]) == ("0.19", "1.90", "2026-10")
    assert (row["Kind"], row["Posted date"]) == ("sent", "2026-10-28")


def test_totals_are_per_account_and_balance(finance):
    confirmed(make_order(rate="0.19"), "10.00", "1.90")
    run = runs.run("journal", OCTOBER, "csv", by=finance)
    balances = {total["account"]: Decimal(total["balance"]) for total in run.totals}
    assert balances["vat"] == Decimal("1.90")
    assert balances["in_transit"] == 0
    assert sum(balances.values()) == 0
    assert run.kind == "journal"
    assert run.choices == {"by": "months"}


def test_late_fact_is_in_the_month_it_is_booked_in_or_on_its_day(finance):
    refund = confirmed(make_order(rate="0.19"), "10.00", "1.90")
    november = Scope(date(2026, 11, 1), date(2026, 11, 30))
    days = replace(OCTOBER, chosen={"by": "days"}, date_from=date(2026, 10, 28),
                   date_to=date(2026, 10, 28))  # fmt: skip
    refunds.reverse(refund.key, by=finance, reason="The buyer's bank sent it back.")
    assert {row["Kind"] for row in report("journal", finance, november)} == {"back"}
    assert {row["Kind"] for row in report("journal", finance)} == {"sent", "confirmed"}
    assert {row["Kind"] for row in report("journal", finance, days)} == {"sent"}
    assert Journal.objects.count() == 4


@pytest.mark.parametrize("kind", ["journal", "vat"])
def test_broken_months_are_refused_unless_days_count(finance, kind):
    some = Scope(date(2026, 10, 2), date(2026, 10, 31))
    with pytest.raises(Refused, match="whole months"):
        runs.run(kind, some, "csv", by=finance)
    assert runs.run(kind, replace(some, chosen={"by": "days"}), "csv", by=finance).rows == 0
    with pytest.raises(Refused, match="cannot be chosen"):
        runs.run(kind, replace(OCTOBER, chosen={"by": "moons"}), "csv", by=finance)


@pytest.mark.parametrize("marketplace", ["US", "DE"])
def test_tax_that_amazon_owes_is_no_vat_of_the_seller(finance, marketplace):
    seller = make_order(rate="0.19").seller
    order = make_order(seller=seller, marketplace=marketplace, rate="0.19")
    if marketplace != "US":  # there Amazon always collects it, as the marketplace facilitator
        make_tax_fact(order, deemed_supplier=True)
    refund = make_refund(order, ("10.00", "1.90"))
    booked = {row["Account"]: row["Debit"] or row["Credit"] for row in report("journal", finance)}
    assert booked == {"buyer_refunds": "10.00", "amazon_tax": "1.90", "in_transit": "11.90"}
    assert report("vat", finance) == []
    confirmed(make_order(seller=seller, rate="0.19"), "20.00", "3.80")
    assert [row["VAT"] for row in report("vat", finance)] == ["3.80"]
    refunds.fail(refund.key, by=finance, reason="Amazon says no.")
    assert sum(line.amount for line in JournalLine.objects.filter(account="amazon_tax")) == 0
    assert broken() == {}


def test_account_number_of_the_most_exact_row_is_shown(finance):
    order = make_order(rate="0.19")
    vat = {"seller": order.seller, "account": Account.VAT}
    AccountNumber.objects.create(**vat, number="1700")
    AccountNumber.objects.create(**vat, country="DE", number="1770")
    AccountNumber.objects.create(**vat, country="DE", rate=Decimal("0.19"), number="1776")
    AccountNumber.objects.create(**vat, country="DE", rate=Decimal("0.07"), number="1771")
    confirmed(order, "10.00", "1.90")
    rows = report("journal", finance)
    assert {row["Account number"] for row in rows if row["Account"] == "vat"} == {"1776"}
    assert {row["Account number"] for row in rows if row["Account"] != "vat"} == {""}


def test_vat_corrections_say_what_the_vat_account_says(finance):
    confirmed(make_order(rate="0.19"), "10.00", "1.90")
    confirmed(make_order(rate="0.07"), "10.00", "0.70")
    confirmed(make_order(marketplace="UK", rate="0.20"), "20.00", "4.00")
    rows = report("vat", finance)
    told = {(row["Country"], row["VAT rate"], row["Currency"]): (row["Net"], row["VAT"],
            row["Gross"]) for row in rows}  # fmt: skip
    assert told == {
        ("DE", "0.19", "EUR"): ("10.00", "1.90", "11.90"),
        ("DE", "0.07", "EUR"): ("10.00", "0.70", "10.70"),
        ("GB", "0.2", "GBP"): ("20.00", "4.00", "24.00"),
    }
    booked = JournalLine.objects.filter(account="vat").aggregate(Sum("amount"))["amount__sum"]
    assert sum(Decimal(row["VAT"]) for row in rows) == booked == Decimal("6.60")


def test_vat_totals_count_credit_notes_and_what_has_none(finance):
    refund = confirmed(make_order(rate="0.19"), "10.00", "1.90")
    crediting.record_credit_note(
        refund, by=finance, number="DE6DEMO1C", issue_date=date(2026, 10, 29)
    )
    confirmed(make_order(seller=refund.seller, rate="0.19"), "5.00", "0.95")
    run = runs.run("vat", OCTOBER, "csv", by=finance)
    (total,) = run.totals
    assert (total["credit_notes"], total["without"]) == (1, 1)
    assert (total["month"], total["country"], total["gross"]) == ("2026-10", "DE", "17.85")


def test_refund_taken_back_adds_its_vat_again(finance):
    refund = confirmed(make_order(rate="0.19"), "10.00", "1.90")
    refunds.reverse(refund.key, by=finance, reason="The buyer's bank sent it back.")
    november = Scope(date(2026, 11, 1), date(2026, 11, 30))
    (row,) = report("vat", finance, november)
    assert (row["Kind"], row["Net"], row["VAT"]) == ("back", "-10.00", "-1.90")


def test_seller_and_marketplace_narrow_them(finance):
    here = make_order(rate="0.19")
    confirmed(here, "10.00", "1.90")
    confirmed(make_order(marketplace="FR", rate="0.20"), "10.00", "2.00")
    mine = replace(OCTOBER, seller=here.seller, marketplace=here.marketplace)
    assert {row["Marketplace"] for row in report("vat", finance, mine)} == {here.marketplace.name}
    rows = report("journal", finance, mine)
    assert {row["Order"] for row in rows} == {here.amazon_order_id}


@pytest.mark.parametrize("role", ["agent", "inspector", "lead"])
def test_roles_without_the_permission_may_not_run_them(role):
    for kind in ("journal", "vat"):
        with pytest.raises(Refused, match="Your role may not"):
            runs.run(kind, OCTOBER, "csv", by=make_user(role))
