"""The refund settlement report: ties per settlement to the cent, safe to open, kept and counted."""

import csv
import hashlib
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from python_calamine import CalamineWorkbook

from config.core import jobs
from config.core.csvfile import DANGEROUS
from config.core.models import Job, User
from config.core.refused import Refused
from invoicing import lane_choice, refunds
from invoicing.matching import match_refunds
from invoicing.models import Download, MoneyFact, Refund, ReportRun, Settlement
from invoicing.reports import runs
from invoicing.reports import settlement_sql as sql
from invoicing.reports.kinds import Scope
from invoicing.sending import bank
from orders.imports.run import import_file
from orders.models import Marketplace
from tests.factories import make_buyer, make_order, make_seller, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement
from tests.papers import make_account

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_november"),
]
DATA = Path(__file__).resolve().parent.parent / "data" / "reports"
YEAR = Scope(date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def _november(time_machine):
    time_machine.move_to(DAY + timedelta(days=5), tick=True)


@pytest.fixture
def finance(db):
    return make_user("finance")


def file_of(run) -> Path:
    return Path(settings.DATA_DIR) / run.file_path


def rows_of(run) -> list[dict]:
    with file_of(run).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(by, period=YEAR) -> list[dict]:
    return rows_of(runs.run("settlement", period, "csv", by=by))


def bring(name, seller):
    return import_file(DATA / name, by=User.objects.system(), seller=seller)


@pytest.mark.parametrize("orders_first", [True, False])
def test_both_samples_tie_per_settlement_to_the_cent(finance, orders_first):
    seller = make_seller()
    money = ["settlement_v2_US_utf8.tsv", "settlement_v2_DE_decimal_comma_utf8.tsv"]
    orders = ["orders_all_US_utf8.tsv", "orders_all_DE_vcs_utf8.tsv"]
    for name in [*orders, *money] if orders_first else [*money, *orders]:
        bring(name, seller)
    rows = report(finance)
    assert Settlement.objects.count() == 2
    for settlement in Settlement.objects.all():
        buyer = -sum(
            fact.amount for fact in settlement.facts.filter(is_refund=True, bucket="buyer")
        )
        shown = [row for row in rows if row["Settlement"] == settlement.settlement_id]
        assert sum(Decimal(row["Amazon amount"]) for row in shown) == buyer
        assert {row["Settlement date"] for row in shown} == {
            settlement.deposited_at.date().isoformat()
        }
    assert {row["Status"] for row in rows} == {sql.ONLY_AMAZON}
    assert sum(Decimal(row["Gross"] or 0) for row in rows) == sum(
        refund.gross for refund in Refund.objects.all()
    )
    assert Refund.objects.filter(source="amazon").count() > 0


def test_every_status_with_its_amounts(finance):
    buyer = make_buyer(legal_name="Demo Werkstatt GmbH")
    order = make_order(lines=2, buyer=buyer, po_number="PO 7")
    line = order.lines.first()
    settlement = make_settlement(order.seller, settlement_id="S1")
    matched = make_refund(order, ("30.00", "5.70"), origin="RMA-2026-000001")
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    differs = make_refund(make_order(seller=order.seller), ("20.00", "3.80"))
    make_fact(settlement, differs.order, differs.order.lines.get(), "-23.00", adjustment="A2")
    missing = make_refund(make_order(seller=order.seller), ("10.00", "1.90"))
    make_fact(settlement, order, order.lines.last(), "-11.90", adjustment="A3")
    match_refunds()
    by_bank = paid_by_bank(make_order(seller=order.seller))
    rows = {row["Status"]: row for row in report(finance)}
    assert set(rows) == set(sql.STATUSES)
    row = rows[sql.MATCHED]
    assert row == {
        "Order": order.amazon_order_id,
        "PO number": "PO 7",
        "RMA": "RMA-2026-000001",
        "Buyer": "Demo Werkstatt GmbH",
        "Seller": order.seller.code,
        "Marketplace": "Amazon.de",
        "Refund": str(matched.key),
        "Credit note": "",
        "Item": "35.70",
        "Shipping": "0",
        "Gift wrap": "0",
        "Restocking fee": "0",
        "Return freight": "0",
        "Goodwill": "0",
        "Net": "30.00",
        "VAT rate": "0.19",
        "VAT": "5.70",
        "Gross": "35.70",
        "Currency": "EUR",
        "Settlement": "S1",
        "Settlement date": "2026-10-29",
        "Posted date": "2026-10-29",
        "Amazon amount": "35.70",
        "Difference": "0.00",
        "Status": "matched",
        "Amazon refund id": "A1",
    }
    assert (rows[sql.DIFFERS]["Refund"], rows[sql.DIFFERS]["Difference"]) == (
        str(differs.key),
        "-0.80",
    )
    assert (rows[sql.MISSING]["Refund"], rows[sql.MISSING]["Difference"]) == (
        str(missing.key),
        "-11.90",
    )
    assert rows[sql.ONLY_AMAZON]["Amazon amount"] == "11.90"
    assert rows[sql.PAID_BY_BANK]["Refund"] == str(by_bank.key)


def test_transfer_by_bank_is_paid_before_and_after_the_statement(finance):
    by_bank = paid_by_bank(make_order())
    (bank_row,) = report(finance)
    assert bank_row["Status"] == sql.PAID_BY_BANK
    assert (bank_row["Refund"], bank_row["Gross"]) == (str(by_bank.key), "35.70")
    assert (bank_row["Amazon amount"], bank_row["Difference"]) == ("0", "0")
    refunds.confirm_paid(by_bank.key, by=finance, on=timezone.now().date(), reference="KTO 7/2026")
    (row,) = [row for row in report(finance) if row["Refund"] == str(by_bank.key)]
    assert row == bank_row


def paid_by_bank(order):
    """A refund of 35.70 that a bank file carried out."""
    finance, lead = make_user("finance"), make_user("lead")
    make_account(order.seller)
    proposed = make_refund(order, ("30.00", "5.70"), state="proposed")
    payee = {"name": "Demo AG", "iban": "DE89370400440532013000"}
    lane_choice.change_lane(proposed.key, by=lead, lane="bank", reason="Agreed.", payee=payee)
    refunds.approve(proposed.key, by=finance)
    bank.executed(bank.make_file([proposed.key], by=lead), by=lead, on=timezone.now().date())
    return proposed


def test_rows_of_money_without_a_refund_name_amazons_and_are_in_one_order(finance):
    order = make_order(facts_complete=False)
    settlement = make_settlement(order.seller)
    for adjustment in ("A2", "A1"):
        make_fact(settlement, order, None, "-7.00", adjustment=adjustment)
    assert [row["Amazon refund id"] for row in report(finance)] == ["A1", "A2"]


def test_money_not_tied_to_a_refund_is_seen_only_at_amazon(finance):
    order = make_order(facts_complete=False)
    make_fact(make_settlement(order.seller), order, None, "-7.00", adjustment="A1")
    match_refunds()
    (row,) = report(finance)
    assert (row["Order"], row["Refund"], row["Gross"], row["VAT rate"]) == (
        order.amazon_order_id, "", "", ""
    )  # fmt: skip
    assert (row["Amazon amount"], row["Difference"], row["Status"]) == (
        "7.00",
        "7.00",
        sql.ONLY_AMAZON,
    )


def test_rates_and_settlements_are_rows_and_every_column_sums(finance):
    order = make_order()
    from tests.factories import make_line

    make_line(order, net="50.00", rate="0.07")
    first, second = order.lines.order_by("pk")
    refund = make_refund(order, ("20.00", "3.80"), ("10.00", "0.70"))
    make_fact(make_settlement(order.seller), order, first, "-20.00", adjustment="A1")
    later = make_settlement(order.seller)
    make_fact(later, order, first, "-3.80", adjustment="A1", at=DAY + timedelta(days=2))
    make_fact(later, order, second, "-10.70", adjustment="A1", at=DAY + timedelta(days=2))
    match_refunds()
    rows = report(finance)
    assert [(r["VAT rate"], r["Gross"], r["Amazon amount"]) for r in rows] == [
        ("0.19", "23.80", "20.00"),
        ("0.07", "10.70", "10.70"),
        ("0.19", "", "3.80"),
    ]
    assert {row["Status"] for row in rows} == {sql.MATCHED}
    assert sum(Decimal(row["Gross"] or 0) for row in rows) == refund.gross
    assert sum(Decimal(row["Difference"]) for row in rows) == 0
    october = report(finance, Scope(date(2026, 10, 1), date(2026, 10, 30)))
    november = report(finance, Scope(date(2026, 10, 31), date(2026, 11, 30)))
    assert sorted(r["Gross"] for r in october) == ["10.70", "23.80"]
    assert [(r["Gross"], r["Amazon amount"]) for r in november] == [("", "10.70"), ("", "3.80")]


def test_period_is_the_posted_day_and_for_missing_money_the_sent_day(finance):
    order = make_order()
    make_refund(order, ("30.00", "5.70"), sent_on=date(2026, 10, 30))
    day = make_order(seller=order.seller)
    make_fact(make_settlement(order.seller), day, day.lines.get(), "-11.90", adjustment="A1")
    match_refunds()

    def seen(first, last):
        return [row["Status"] for row in report(finance, Scope(first, last))]

    assert seen(date(2026, 10, 29), date(2026, 10, 29)) == [sql.ONLY_AMAZON]
    assert seen(date(2026, 10, 30), date(2026, 10, 30)) == [sql.MISSING]
    assert seen(date(2026, 10, 1), date(2026, 10, 28)) == []


def test_seller_and_marketplace_narrow_it(finance):
    here, there = make_order(), make_order(marketplace="FR")
    for order in (here, there):
        make_refund(order, ("10.00", "1.90"), sent_on=date(2026, 11, 3))
        make_fact(
            make_settlement(order.seller), order, order.lines.get(), "-11.90",
            adjustment=f"A{order.pk}",
        )  # fmt: skip
    match_refunds()
    france = Marketplace.objects.get(code="FR")
    of_seller = report(finance, Scope(YEAR.date_from, YEAR.date_to, seller=here.seller))
    of_france = report(finance, Scope(YEAR.date_from, YEAR.date_to, marketplace=france))
    assert {row["Order"] for row in of_seller} == {here.amazon_order_id}
    assert {row["Order"] for row in of_france} == {there.amazon_order_id}
    assert (len(of_seller), len(of_france)) == (2, 2)


def test_totals_are_per_currency_rate_and_status(finance):
    for marketplace, rate in (("DE", "0.19"), ("DE", "0.07"), ("JP", "0.10")):
        order = make_order(marketplace=marketplace, rate=rate, net="1000")
        make_fact(
            make_settlement(order.seller, order.currency), order, order.lines.get(), "-110",
            adjustment=f"A{order.pk}",
        )  # fmt: skip
    match_refunds()
    run = runs.run("settlement", YEAR, "csv", by=finance)
    assert [(t["currency"], t["vat_rate"], t["status"], t["rows"]) for t in run.totals] == [
        ("EUR", "0.19", sql.ONLY_AMAZON, 1),
        ("EUR", "0.07", sql.ONLY_AMAZON, 1),
        ("JPY", "0.1", sql.ONLY_AMAZON, 1),
    ]
    assert [Decimal(t["net"]) for t in run.totals] == [
        Decimal("92.44"),
        Decimal("102.80"),
        Decimal(100),
    ]
    assert rows_of(run)[-1]["Gross"] == "110"


@pytest.mark.parametrize("first", DANGEROUS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(finance, first):
    evil = f"{first}cmd|' /C calc'!A0"
    order = make_order(po_number=evil, buyer=make_buyer(legal_name=evil))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    (row,) = report(finance)
    assert (row["PO number"], row["Buyer"]) == (f"'{evil}", f"'{evil}")
    assert row["Restocking fee"] == "0"


def test_negative_amounts_stay_numbers(finance):
    order = make_order()
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), "-35.70", adjustment="A1")
    make_fact(
        settlement, order, order.lines.get(), "3.57", adjustment="A1", component="restocking_fee"
    )
    match_refunds()
    (row,) = report(finance)
    assert row["Restocking fee"] == "-3.57"


def test_xlsx_holds_the_same_cells_as_the_csv(finance):
    evil = "=1+1"
    order = make_order(po_number=evil, buyer=make_buyer(legal_name="デモ工業 株式会社"))
    make_refund(order, ("30.00", "5.70"))
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), "-35.70", adjustment="A1")
    make_fact(settlement, order, order.lines.get(), "-1.19", adjustment="A2")
    make_refund(make_order(seller=order.seller), ("10.00", "1.90"), sent_on=date(2026, 10, 30))
    match_refunds()
    in_csv = report(finance)
    run = runs.run("settlement", YEAR, "xlsx", by=finance)
    book = CalamineWorkbook.from_path(str(file_of(run)))
    header, *rows = book.get_sheet_by_name("EUR").to_python()
    assert header == [column.header for column in sql.COLUMNS]
    assert len(rows) == len(in_csv) == run.rows == 3
    for cells, line in zip(rows, in_csv, strict=True):
        for column, cell in zip(sql.COLUMNS, cells, strict=True):
            expected = line[column.header]
            if column.kind in ("text", "word"):
                assert cell == (expected[1:] if expected == f"'{evil}" else expected)
            elif expected == "":
                assert cell == ""
            elif column.kind == "date":
                assert cell == date.fromisoformat(expected)
            else:
                assert Decimal(str(cell)) == Decimal(expected)
    totals = book.get_sheet_by_name("Totals EUR").to_python()
    assert [row[3] for row in totals[1:]] == [total["rows"] for total in run.totals]


def test_run_is_stored_with_its_parameters_and_hash(finance):
    order = make_order()
    run = runs.run(
        "settlement",
        Scope(date(2026, 10, 1), date(2026, 10, 31), seller=order.seller),
        "csv",
        by=finance,
    )
    run.refresh_from_db()
    assert run.sha256 == hashlib.sha256(file_of(run).read_bytes()).hexdigest()
    assert (run.by, run.seller, run.rows, run.totals) == (finance, order.seller, 0, [])
    assert run.file_name == f"refund-settlement-2026-10-01-2026-10-31-{order.seller.code}.csv"
    assert file_of(run).read_text().count("\n") == 1


def test_download_is_recorded_and_a_changed_file_refused(finance):
    run = runs.run("settlement", YEAR, "csv", by=finance)
    auditor = make_user("auditor")
    assert runs.download(run, by=auditor) == file_of(run)
    assert [(row.run, row.by) for row in Download.objects.all()] == [(run, auditor)]
    file_of(run).write_text("other")
    with pytest.raises(Refused, match="was changed"):
        runs.download(run, by=auditor)
    assert Download.objects.count() == 1


@pytest.mark.parametrize("role", ["agent", "inspector", "lead"])
def test_roles_without_the_permission_may_not_run_it(role):
    with pytest.raises(Refused, match="Your role may not"):
        runs.run("settlement", YEAR, "csv", by=make_user(role))


def test_period_that_ends_before_it_begins_is_refused(finance):
    with pytest.raises(Refused, match="ends before"):
        runs.run("settlement", Scope(date(2026, 2, 1), date(2026, 1, 1)), "csv", by=finance)


def test_all_of_a_run_is_of_one_moment(finance, monkeypatch):
    """A row that is committed while the file is written is in neither file nor totals."""
    order = make_order()
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), "-11.90", adjustment="A1")
    real = runs.files.write_csv

    def slow(cursor, kind, path, tick, **more):
        make_fact(settlement, order, order.lines.get(), "-1.19", adjustment="A2")
        cursor.execute("SELECT count(*) FROM invoicing_moneyfact")
        assert cursor.fetchone() == (1,)
        real(cursor, kind, path, tick, **more)

    monkeypatch.setattr(runs.files, "write_csv", slow)
    run = runs.run("settlement", YEAR, "csv", by=finance)
    assert MoneyFact.objects.count() == 2
    assert (len(rows_of(run)), run.totals[0]["amazon_amount"]) == (1, "11.90")


def test_job_runs_it_and_names_its_run(finance):
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    job = runs.start("settlement", YEAR, "csv", by=finance)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE
    assert (job.done, job.total, job.counts) == (1, 1, {"Rows": 1})
    assert ReportRun.objects.get().job == job
    assert jobs.run(job.pk) is None
    assert ReportRun.objects.count() == 1


def test_command_writes_the_file_and_keeps_the_run(tmp_path, capsys):
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    target = tmp_path / "out.csv"
    call_command(
        "settlement_report", "--from", "2026-10-01", "--to", "2026-10-31", "--seller",
        order.seller.code, "--marketplace", "DE", "--format", "csv", "--output", str(target),
    )  # fmt: skip
    run = ReportRun.objects.get()
    assert hashlib.sha256(target.read_bytes()).hexdigest() == run.sha256
    assert (run.by.is_system, run.marketplace.code, run.rows) == (True, "DE", 1)
    assert "1 rows in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--seller", "nobody"], "There is no seller nobody"),
        (["--marketplace", "XX"], "There is no marketplace XX"),
    ],
)
def test_command_names_what_it_does_not_know(tmp_path, option, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command(
            "settlement_report", "--from", "2026-10-01", "--to", "2026-10-31", *option,
            "--output", str(tmp_path / "x.csv"),
        )  # fmt: skip


def test_snapshot_leaves_no_connection_open(finance):
    def open_connections():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend'"
            )
            return cursor.fetchone()[0]

    before = open_connections()
    runs.run("settlement", YEAR, "csv", by=finance)
    patience = time.monotonic() + 30  # a server process ends a moment after its client left
    while open_connections() > before and time.monotonic() < patience:
        time.sleep(0.1)
    assert open_connections() <= before
