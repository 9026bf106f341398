"""Runs of reports over a small ledger that the real verbs posted."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from invoicing.reports import runs
from invoicing.reports.kinds import Scope
from tests.factories import make_user
from tests.invoicing.money import DAY

OCTOBER = Scope(date(2026, 10, 1), date(2026, 10, 31))


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


def report(kind, by, scope=OCTOBER) -> list[dict]:
    """The rows of a report as its CSV has them."""
    return rows_of(runs.run(kind, scope, "csv", by=by))
