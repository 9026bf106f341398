"""Files of reports at size: the journal's CSV against COPY, XLSX against xlsxwriter, and the
memory of both writers from 10,000 to 1,000,000 rows.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from config.core.models import User
from invoicing.reports import files, journal, kinds, runs, xlsx
from invoicing.reports import settlement_sql as sql
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio
from tests.invoicing.reports.test_xlsx import same

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
ORDERS = 50_000
JOURNALS = 250_000  # of four lines
OCTOBER = runs.Scope(date(2026, 10, 1), date(2026, 10, 31), chosen={"by": "months"})
# A report of rows that PostgreSQL makes as they are asked for: what remains is the writers'.
MADE = """
import sys, django
django.setup()
from datetime import date
from pathlib import Path
from tests import database
database.use(sys.argv[1])
from config.core.models import User
from invoicing.reports import kinds, runs
from invoicing.reports.kinds import Column
from invoicing.reports.settlement import KIND
columns = tuple(
    Column(f"c{n}", f"Column {n}", kind) for n, kind in enumerate(["text"] * 8 + ["money"] * 8)
) + (Column("currency", "Currency"), Column("day", "Day", "date"))
cells = ", ".join(
    f"'text ' || i AS {c.key}" if c.kind == "text" else f"(i / 100.0)::numeric(14, 2) AS {c.key}"
    for c in columns[:-2]
)
select = f"SELECT {cells}, 'EUR' AS currency, date '2026-10-01' + i % 30 AS day, i"
def fill(cursor, scope):
    cursor.execute(f"CREATE TEMP VIEW made AS {select} FROM generate_series(1, {sys.argv[2]}) i")
kinds.register(kinds.Kind(
    key=KIND, label="Made", description="", stem="made", table="made", fill=fill, columns=columns,
    order="i", totals="SELECT count(*) AS rows FROM made",
    total_columns=(Column("rows", "Rows", "count"),),
))
day = runs.Scope(date(2026, 10, 1), date(2026, 10, 1))
print(runs.run(KIND, day, sys.argv[3], by=User.objects.system()).rows)
memory = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
print(memory["VmHWM"].split()[0])
"""


@pytest.fixture(scope="module")
def books(another_database):
    """The name of a database with 100,000 settled refunds and a million lines of the ledger."""
    with another_database("books") as name:
        rows.orders(ORDERS)
        rows.settled_refunds(ORDERS, by_id=User.objects.system().pk)
        rows.journals(JOURNALS)
        yield name


def bare_journal(path: Path) -> None:
    """The floor: COPY of the same SELECT into a file; nothing guarded, stored, hashed, summed."""
    select = journal._VIEW.partition("AS\n")[2] + journal.booked.where(OCTOBER)
    wanted = ", ".join(column.key for column in journal.COLUMNS)
    with connection.cursor() as cursor, path.open("wb") as file:
        cursor.execute("SET work_mem = '64MB'")
        copy = (
            f"COPY (SELECT {wanted} FROM ({select}) q ORDER BY currency, journal, line)"
            " TO STDOUT (FORMAT csv, HEADER)"
        )
        with cursor.copy(copy, OCTOBER.params) as out:
            for chunk in out:
                file.write(chunk)


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _line in file)


def test_journal_csv_of_a_million_lines_costs_at_most_a_third_more_than_copy(books, tmp_path):
    floor, by = tmp_path / "floor.csv", User.objects.system()
    run = runs.run("journal", OCTOBER, "csv", by=by)
    bare_journal(floor)
    assert lines(Path(settings.DATA_DIR) / run.file_path) == lines(floor) == 4 * JOURNALS + 1
    ratio = median_ratio(
        "journal CSV of 1M lines against COPY",
        lambda: runs.run("journal", OCTOBER, "csv", by=by),
        lambda: bare_journal(floor),
        runs=3,
        work=False,
    )
    assert ratio <= 1.3


def bare_xlsx(cursor, kind: kinds.Kind, path: Path) -> None:
    """xlsxwriter in its constant_memory mode, as plainly as it goes: rows, dates, two formats."""
    options = {
        "constant_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_formulas": False,
        "strings_to_urls": False,
    }  # fmt: skip
    names = ", ".join(column.key for column in kind.columns)
    with Workbook(path, options) as book:
        sheet, money = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
        for place, column in enumerate(kind.columns):
            if column.kind == "money":
                sheet.set_column(place, place, 16, money)
        sheet.write_row(0, 0, [column.header for column in kind.columns])
        cursor.execute(
            f"DECLARE bare NO SCROLL CURSOR FOR SELECT {names} FROM {kind.table}"
            f" ORDER BY {kind.order}"
        )
        place = 0
        while True:
            cursor.execute("FETCH 5000 FROM bare")
            fetched = cursor.fetchall()
            if not fetched:
                break
            for row in fetched:
                place += 1
                sheet.write_row(place, 0, row)
        cursor.execute("CLOSE bare")


def cells(path: Path) -> Iterator[list]:
    """The rows of a workbook's sheets one after the other, without headers and totals."""
    book = CalamineWorkbook.from_path(str(path))
    for name in book.sheet_names:
        if not name.startswith("Totals"):
            rows = book.get_sheet_by_name(name).iter_rows()
            next(rows)
            yield from rows


def differing(kind: kinds.Kind, xlsx_file: Path, csv_file: Path) -> tuple[int, list]:
    """Rows compared, and the first cells of a workbook that are not what the CSV says."""
    wrong, count = [], 0
    with csv_file.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        for row, line in zip(cells(xlsx_file), lines, strict=True):
            count += 1
            both = zip(kind.columns, row, line, strict=True)
            wrong += [
                (count, c.key, cell, text) for c, cell, text in both if not same(c, cell, text)
            ]
            if len(wrong) > 5:
                break
    return count, wrong


def test_xlsx_is_three_times_as_fast_as_xlsxwriter(books, tmp_path):
    kind = kinds.named("settlement")
    scope = runs.Scope(date(2026, 10, 1), date(2026, 10, 20))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.REPORT, scope.params)
        ratio = median_ratio(
            "XLSX of 100k settlement rows: ours against xlsxwriter's constant_memory",
            lambda: xlsx.write_xlsx(cursor, kind, tmp_path / "a.xlsx", [], lambda done: None),
            lambda: bare_xlsx(cursor, kind, tmp_path / "b.xlsx"),
            runs=3,
            work=False,
        )
        files.write_csv(cursor, kind, tmp_path / "a.csv", lambda done: None)
        transaction.set_rollback(True)
    assert differing(kind, tmp_path / "a.xlsx", tmp_path / "a.csv") == (2 * ORDERS, [])
    print(f"XLSX: {1 / ratio:.1f} times xlsxwriter's rate")
    assert ratio <= 1 / 3


def peak(name: str, count: int, output_format: str) -> float:
    """Peak memory in MB of a process of its own that writes so many rows."""
    told = subprocess.run(
        [sys.executable, "-c", MADE, name, str(count), output_format],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    made, kilobytes = told.stdout.split()
    assert int(made) == count
    return int(kilobytes) / 1024


@pytest.mark.parametrize("output_format", ["csv", "xlsx"])
def test_million_rows_take_no_more_memory_than_ten_thousand(books, output_format):
    small, big = (peak(books, count, output_format) for count in (10_000, 1_000_000))
    print(f"\n{output_format}: peak memory of 1M rows {big:.0f} MB, of 10k rows {small:.0f} MB")
    assert big <= 1.15 * small
