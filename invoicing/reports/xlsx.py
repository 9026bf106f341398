"""A report's temporary table as XLSX, by rustpy-xlsxwriter, streamed: one sheet a currency (its
amounts carry that currency's decimals), further sheets where one is full, and the totals.

Text is always text: this writer makes formulas only of columns named to it, and none is named.
Amounts reach the file as the double a spreadsheet keeps anyway; 15 digits, no amount has more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from rustpy_xlsxwriter import Format, write_worksheets

from invoicing.reports.files import STEP, WHOLE, Tick
from invoicing.reports.kinds import Column, Kind

SHEET_ROWS = 1_000_000  # a sheet takes 1,048,576 rows, its header included
FETCHED = 5_000
WIDTH = 16.0
_CASTS = {"money": "float8", "exact": "float8", "rate": "float8", "count": "float8"}


def write_xlsx(cursor: Any, kind: Kind, path: Path, totals: list[dict], tick: Tick) -> None:
    """Write the report and its totals; ``cursor`` is in the transaction that has the table."""
    sheets = list(_sheets(cursor, kind))
    formats = {sheet.name: _formats(kind.columns, sheet.currency) for sheet in sheets}
    done = _Counter(tick)
    data: list[tuple[str, Iterator[dict]]] = [
        (sheet.name, _rows(cursor, kind, sheet, done)) for sheet in sheets
    ]
    total_sheets = dict(_total_sheets(kind, totals))
    data += [(name, iter(rows)) for name, (_currency, rows) in total_sheets.items()]
    for name, (currency, _total_rows) in total_sheets.items():
        formats[name] = _formats(kind.total_columns, currency)
    head = Format().set_bold().set_border_bottom("thin")
    write_worksheets(
        data,
        str(path),
        freeze_panes={"general": {"row": 1, "col": 0}},
        column_width={"general": WIDTH},
        column_formats=formats,
        header_format=dict.fromkeys(formats, head),
    )


class _Counter:
    """Rows written over all sheets, told every few thousand."""

    def __init__(self, tick: Tick) -> None:
        self.tick, self.rows = tick, 0

    def add(self, rows: int) -> None:
        """So many more are written."""
        before, self.rows = self.rows, self.rows + rows
        if self.rows // STEP > before // STEP:
            self.tick(self.rows)


@dataclass(frozen=True)
class _Sheet:
    """Which rows of the table a sheet has."""

    name: str
    currency: str
    rows: int
    offset: int


def _sheets(cursor: Any, kind: Kind) -> Iterator[_Sheet]:
    """The sheets of a report; one without rows has one, empty."""
    if kind.has_money:
        cursor.execute(f"SELECT currency, count(*) FROM {kind.table} GROUP BY 1 ORDER BY 1")
    else:
        cursor.execute(f"SELECT '', count(*) FROM {kind.table}")
    for currency, rows in cursor.fetchall() or [("", 0)]:
        name = currency or "Rows"
        for part, offset in enumerate(range(0, max(rows, 1), SHEET_ROWS), start=1):
            shown = name if part == 1 else f"{name} {part}"
            yield _Sheet(shown, currency, min(rows - offset, SHEET_ROWS), offset)


def _rows(cursor: Any, kind: Kind, sheet: _Sheet, done: _Counter) -> Iterator[dict]:
    """The rows of a sheet as the writer takes them; the first says the headers."""
    headers = [column.header for column in kind.columns]
    if not sheet.rows:
        yield dict.fromkeys(headers)
        return
    cursor.execute(f"DECLARE sheet NO SCROLL CURSOR FOR {_select(kind, sheet)}")
    while True:
        cursor.execute(f"FETCH {FETCHED} FROM sheet")
        fetched = cursor.fetchall()
        if not fetched:
            break
        for row in fetched:
            yield dict(zip(headers, row, strict=False))
        done.add(len(fetched))
    cursor.execute("CLOSE sheet")


def _select(kind: Kind, sheet: _Sheet) -> str:
    cells = ", ".join(
        f"{one.key}::{_CASTS[one.kind]}" if one.kind in _CASTS else one.key for one in kind.columns
    )
    only = f"WHERE currency = '{sheet.currency}'" if kind.has_money else ""
    return (
        f"SELECT {cells} FROM {kind.table} {only} ORDER BY {kind.order}"
        f" LIMIT {sheet.rows} OFFSET {sheet.offset}"
    )


def _formats(columns: tuple[Column, ...], currency: str) -> dict[str, Format]:
    patterns = {
        "money": "#,##0" if currency in WHOLE else "#,##0.00",
        "exact": "#,##0.00######",
        "count": "#,##0",
        "rate": "0.00%",
        "date": "yyyy-mm-dd",
    }
    return {
        column.header: Format().set_num_format(patterns[column.kind])
        for column in columns
        if column.kind in patterns
    }


def _total_sheets(kind: Kind, totals: list[dict]) -> Iterator[tuple[str, tuple[str, list[dict]]]]:
    """A sheet of totals for each currency, as the amounts have different decimals."""
    currencies = dict.fromkeys(total.get("currency", "") for total in totals) or {"": None}
    for currency in currencies:
        mine = [total for total in totals if total.get("currency", "") == currency]
        rows = [
            {one.header: _cell(one, total[one.key]) for one in kind.total_columns} for total in mine
        ] or [dict.fromkeys(one.header for one in kind.total_columns)]
        yield f"Totals {currency}".strip(), (currency, rows)


def _cell(column: Column, value: Any) -> Any:
    """A total as its sheet wants it: kept as text in the run, a number in the file."""
    if column.kind in _CASTS and value is not None:
        return float(Decimal(value))
    return value
