"""The DATEV batch of a month: pairs of accounts that say what the ledger says, or a refusal."""

import csv
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing import crediting, fx, periods
from invoicing.matching import match_refunds
from invoicing.models import Account, AccountNumber, DatevClient, JournalLine, Period
from invoicing.reports import datev_form, runs
from invoicing.reports.kinds import Scope
from tests.factories import make_line, make_order
from tests.invoicing.money import make_fact, make_refund, make_settlement
from tests.invoicing.reports.conftest import OCTOBER, file_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_november"),
]
NUMBERS = {
    Account.BUYER_REFUNDS: "8720", Account.FREIGHT: "8721", Account.GOODWILL: "8722",
    Account.VAT: "1776", Account.RESTOCKING: "8735", Account.RETURN_FREIGHT: "8736",
    Account.IN_TRANSIT: "1590", Account.AMAZON: "1365", Account.BANK: "1200",
    Account.DIFFERENCE: "2380", Account.FX: "2150", Account.FX_CLEARING: "1599",
}  # fmt: skip


def kept_by_datev(seller, *without):
    """Enter the seller's numbers."""
    DatevClient.objects.create(seller=seller, consultant=1001, client=42, chart="03")
    for account, number in NUMBERS.items():
        if account not in without:
            AccountNumber.objects.create(seller=seller, account=account, number=number)


def batch(run):
    """Header fields, column names and postings of a file, as a spreadsheet reads them."""
    raw = file_of(run).read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == run.rows + 2
    header, names, *lines = csv.reader(raw.decode("cp1252").splitlines(), delimiter=";")
    assert names == list(datev_form.COLUMNS)
    return header, [dict(zip(names, line, strict=True)) for line in lines]


def balances(postings):
    """What each account's postings add up to, debit positive; both sides of every posting."""
    found = defaultdict(Decimal)
    for one in postings:
        amount = Decimal(one["Umsatz (ohne Soll/Haben-Kz)"].replace(",", "."))
        signed = amount if one["Soll/Haben-Kennzeichen"] == "S" else -amount
        found[one["Konto"]] += signed
        found[one["Gegenkonto (ohne BU-Schlüssel)"]] -= signed
    return dict(found)


@pytest.fixture
def order(db):
    return make_order(rate="0.19")


def seen(order, *amounts):
    """A refund and the money Amazon shows for it."""
    refund = make_refund(order, *amounts)
    settlement = make_settlement(order.seller, order.currency)
    line = order.lines.order_by("pk").first()
    make_fact(settlement, order, line, -refund.gross, adjustment=f"A{refund.pk}")
    match_refunds()
    return refund


def credited(refund, by):
    """Amazon's credit note of it on record."""
    crediting.record_credit_note(refund, by=by, number="DE6 DEMO 1C", issue_date=date(2026, 10, 29))


def test_balances_of_the_batch_are_those_of_the_ledger(order, finance):
    make_line(order, rate="0.07")
    kept_by_datev(order.seller)
    seen(order, ("10.00", "1.90"), ("5.00", "0.35"))
    run = runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    header, postings = batch(run)
    assert header[:5] == ["EXTF", "700", "21", "Buchungsstapel", "13"]
    assert header[10:16] == ["1001", "42", "20260101", "4", "20261001", "20261031"]
    held = defaultdict(Decimal)
    for account, amount in JournalLine.objects.values_list("account", "amount"):
        held[NUMBERS[account]] += amount
    assert {key: value for key, value in balances(postings).items() if value} == {
        key: value for key, value in held.items() if value
    }
    assert balances(postings)["1590"] == 0
    assert len(postings) == run.rows == 5


def test_posting_carries_its_document_order_and_day(order, finance):
    kept_by_datev(order.seller)
    refund = seen(order, ("10.00", "1.90"))
    credited(refund, finance)
    run = runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    _header, postings = batch(run)
    one = next(row for row in postings if row["Konto"] == "1776")
    assert one["Belegfeld 1"] == "DE6DEMO1C"
    assert one["Belegdatum"] == "2810"
    assert one["Beleginfo - Inhalt 1"] == order.amazon_order_id
    assert one["Beleginfo - Inhalt 2"] == str(refund.key)
    assert one["Buchungstext"].startswith("Erstattung")
    shown = runs.stored_csv(run)
    with shown.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == run.rows


def test_missing_account_numbers_are_named(order, finance):
    kept_by_datev(order.seller, Account.VAT, Account.AMAZON, Account.IN_TRANSIT)
    seen(order, ("10.00", "1.90"))
    with pytest.raises(Refused) as refused:
        runs.start("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    assert refused.value.code == "account_numbers"
    assert "Amazon clearing; Refunds on their way; VAT DE 19 %" in refused.value.sentence


def test_number_of_a_country_and_rate_is_taken_with_its_tax_key(order, finance):
    kept_by_datev(order.seller)
    AccountNumber.objects.create(
        seller=order.seller, account=Account.BUYER_REFUNDS, country="DE", rate=Decimal("0.19"),
        number="8400", tax_key="40",
    )  # fmt: skip
    seen(order, ("10.00", "1.90"))
    run = runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    _header, postings = batch(run)
    keys = {one["Konto"]: one["BU-Schlüssel"] for one in postings}
    assert keys["8400"] == "0040"
    assert keys["1776"] == ""


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        (Scope(date(2026, 10, 1), date(2026, 10, 30)), "months"),
        (Scope(date(2025, 12, 1), date(2026, 1, 31)), "fiscal_year"),
    ],
)
def test_scope_that_datev_does_not_take_is_refused(order, finance, scope, code):
    kept_by_datev(order.seller)
    with pytest.raises(Refused) as refused:
        runs.run("datev", replace(scope, seller=order.seller), "csv", by=finance)
    assert refused.value.code == code


def test_seller_without_numbers_at_its_adviser_is_refused(order, finance):
    with pytest.raises(Refused, match="DATEV numbers"):
        runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    with pytest.raises(Refused, match="of one seller"):
        runs.run("datev", OCTOBER, "csv", by=finance)
    with pytest.raises(Refused, match="no format xlsx"):
        runs.run("datev", replace(OCTOBER, seller=order.seller), "xlsx", by=finance)


def test_batch_of_too_many_postings_is_refused(order, finance, monkeypatch):
    kept_by_datev(order.seller)
    seen(order, ("10.00", "1.90"))
    monkeypatch.setattr(datev_form, "MOST_ROWS", 2)
    with pytest.raises(Refused, match="choose fewer months"):
        runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)


def test_other_currency_is_valued_at_one_rate_and_clears(finance):
    order = make_order(marketplace="UK", rate="0.20")
    kept_by_datev(order.seller)
    seen(order, ("33.33", "6.67"))
    scope = replace(OCTOBER, seller=order.seller)
    with pytest.raises(Refused, match="no exchange rate of GBP for 2026-10-28"):
        runs.run("datev", scope, "csv", by=finance)
    system = User.objects.system()
    rate = {"quote": "GBP", "source": "ECB", "by": system}
    fx.add_rate(day=date(2026, 10, 28), rate=Decimal("0.86"), **rate)
    fx.add_rate(day=date(2026, 10, 29), rate=Decimal("0.80"), **rate)
    header, postings = batch(runs.run("datev", scope, "csv", by=finance))
    assert header[21] == "EUR"
    assert balances(postings)["1590"] == 0
    assert balances(postings)["1365"] == Decimal("-46.51")
    assert postings[0]["Beleginfo - Inhalt 4"].endswith("GBP")
    assert [row["Beleginfo - Art 5"] for row in postings] == ["Kurs"] * len(postings)


def test_late_fact_has_a_day_of_the_month_it_is_booked_in(order, finance):
    """DATEV takes only documents of the batch's period; the true day stands in the info."""
    kept_by_datev(order.seller)
    credited(seen(order, ("10.00", "1.90")), finance)
    october = Period.objects.get()
    periods.close(october, by=finance)
    late = make_order(seller=order.seller, rate="0.19")
    make_refund(late, ("1.00", "0.19"))
    november = Scope(date(2026, 11, 1), date(2026, 11, 30), order.seller)
    _header, postings = batch(runs.run("datev", november, "csv", by=finance))
    assert {one["Belegdatum"] for one in postings} == {"0111"}
    assert {one["Beleginfo - Inhalt 3"] for one in postings} == {"28.10.2026"}
    assert {one["Beleginfo - Inhalt 1"] for one in postings} == {late.amazon_order_id}


def test_rows_beside_the_batch_are_what_it_holds(order, finance):
    kept_by_datev(order.seller)
    seen(order, ("10.00", "1.90"))
    run = runs.run("datev", replace(OCTOBER, seller=order.seller), "csv", by=finance)
    assert run.file_name.startswith("EXTF_")
    assert run.totals
    assert {Decimal(total["balance"]) for total in run.totals} >= {Decimal("1.90")}
