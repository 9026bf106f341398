"""The refund settlement report of 200,000 rows as CSV: against COPY, and its memory."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from config.core.models import User
from invoicing.reports import runs
from invoicing.reports import settlement_sql as sql
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]
ORDERS = 100_000
ALL = runs.Scope(date(2026, 10, 1), date(2026, 10, 20))  # 200,000 refunds
A_DAY = runs.Scope(date(2026, 10, 1), date(2026, 10, 1))  # 10,000 of them
REPORT_ALONE = """
import sys, django
django.setup()
from datetime import date
from pathlib import Path
from tests import database
database.use(sys.argv[1])
from config.core.models import User
from invoicing.reports import runs
period = runs.Scope(*map(date.fromisoformat, sys.argv[2:]))
print(runs.run("settlement", period, "csv", by=User.objects.system()).rows)
memory = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
print(memory["VmHWM"].split()[0])  # not ru_maxrss: that begins with what the parent had
"""


@pytest.fixture(scope="module")
def settled(another_database):
    """The name of a database with 200,000 refunds that Amazon settled."""
    with another_database("settled") as name:
        rows.orders(ORDERS)
        rows.settled_refunds(ORDERS, by_id=User.objects.system().pk)
        yield name


def bare_copy(path: Path) -> None:
    """The floor: COPY of the same SELECT into a file; nothing guarded, stored, hashed, summed."""
    select = sql.REPORT.partition("AS\n")[2]
    with connection.cursor() as cursor, path.open("wb") as file:
        copy = f"COPY ({select} ORDER BY {sql.ORDER}) TO STDOUT (FORMAT csv, HEADER)"
        with cursor.copy(copy, ALL.params) as out:
            for chunk in out:
                file.write(chunk)


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _line in file)


def test_settlement_csv_of_200k_rows_costs_at_most_a_third_more_than_copy(settled, tmp_path):
    floor, by = tmp_path / "floor.csv", User.objects.system()
    run = runs.run("settlement", ALL, "csv", by=by)
    bare_copy(floor)
    assert lines(Path(settings.DATA_DIR) / run.file_path) == lines(floor) == 2 * ORDERS + 1
    assert [total["status"] for total in run.totals] == [sql.MATCHED]
    ratio = median_ratio(
        "settlement CSV of 200k rows against COPY",
        lambda: runs.run("settlement", ALL, "csv", by=by),
        lambda: bare_copy(floor),
        runs=3,
        work=False,
    )
    assert ratio <= 1.3


def peak(name: str, period: runs.Scope) -> tuple[int, float]:
    """Rows of a report made by a process of its own, and its peak memory in MB."""
    days = (period.date_from.isoformat(), period.date_to.isoformat())
    told = subprocess.run(
        [sys.executable, "-c", REPORT_ALONE, name, *days],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    made, kilobytes = told.stdout.split()
    return int(made), int(kilobytes) / 1024


def test_settlement_csv_takes_no_more_memory_for_200k_rows_than_for_10k(settled):
    few, small = peak(settled, A_DAY)
    many, big = peak(settled, ALL)
    print(f"\npeak memory of {many:,} rows {big:.0f} MB, of {few:,} rows {small:.0f} MB")
    assert (few, many) == (ORDERS // 10, 2 * ORDERS)
    assert big <= 1.1 * small
