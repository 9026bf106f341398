"""Writing a report's temporary table: CSV straight from COPY, XLSX row by row.

Both hold a few rows at a time, whatever the report's size. What a row means is not decided here.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from config.core.money import EXPONENTS
from invoicing.reports.kinds import Column, Kind

STEP = 20_000  # rows between two notices of progress
BUFFER = 1 << 20
Tick = Callable[[int], None]
# What a spreadsheet would run as a formula when a cell starts with it (OWASP, CSV injection);
# as codes, for millions of cells are asked.
_DANGEROUS = tuple(map(ord, "=+-@\t\r\n"))
WHOLE = tuple(sorted(code for code, places in EXPONENTS.items() if places == 0))


def copy_csv(kind: Kind) -> str:
    """The COPY of a kind's table: guarded text, whole amounts where the currency has no cents."""
    whole = f"currency IN {WHOLE}" if "money" in {one.kind for one in kind.columns} else "false"
    return (
        f"COPY (SELECT {', '.join(map(_cell, kind.columns))} FROM (SELECT *, {whole} AS in_whole"
        f" FROM {kind.table} ORDER BY {kind.order}) AS r) TO STDOUT"
        " (FORMAT csv, HEADER, ENCODING 'UTF8')"
    )


def _cell(column: Column) -> str:
    """A column as the CSV writes it."""
    if column.kind == "text":
        return (
            f"CASE WHEN ascii({column.key}) IN {_DANGEROUS} THEN '''' || {column.key}"
            f' ELSE {column.key} END AS "{column.header}"'
        )
    if column.kind == "money":
        return (
            f"CASE WHEN in_whole THEN trim_scale({column.key})"
            f' ELSE {column.key} END AS "{column.header}"'
        )
    return f'{column.key} AS "{column.header}"'


def rows_of(kind: Kind) -> str:
    """The SELECT of a kind's rows in their order."""
    names = ", ".join(column.key for column in kind.columns)
    return f"SELECT {names} FROM {kind.table} ORDER BY {kind.order}"


def write_csv(cursor: Any, kind: Kind, path: Path, tick: Tick) -> None:
    """COPY the report into ``path``: UTF-8, one header line, dates ISO, numbers with a point."""
    with path.open("wb", buffering=BUFFER) as file, cursor.copy(copy_csv(kind)) as copy:
        for number, row in enumerate(copy):
            file.write(row)
            if number and number % STEP == 0:
                tick(number)


def write_xlsx(cursor: Any, kind: Kind, path: Path, totals: list[dict], tick: Tick) -> None:
    """Write the report and its totals as two sheets. Text is always text, never a formula;
    amounts are numbers with the currency's decimals, dates are dates.
    """
    with Workbook(path, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        formats = _formats(book)
        sheet = book.add_worksheet("Refunds")
        _header(sheet, [column.header for column in kind.columns], formats)
        place = [column.key for column in kind.columns].index("currency")
        cursor.execute(f"DECLARE report_rows NO SCROLL CURSOR FOR {rows_of(kind)}")
        for number, row in enumerate(_fetched(cursor), start=1):
            _row(sheet, kind.columns, number, row, row[place], formats)
            if number % STEP == 0:
                tick(number)
        _totals(book.add_worksheet("Totals"), kind.total_columns, totals, formats)


def _fetched(cursor: Any, size: int = 2000):
    while True:
        cursor.execute(f"FETCH {size} FROM report_rows")
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows


def _formats(book: Workbook) -> dict[str, Any]:
    return {
        "head": book.add_format({"bold": True, "bottom": 1}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "whole": book.add_format({"num_format": "#,##0"}),
        "count": book.add_format({"num_format": "#,##0"}),
        "exact": book.add_format({"num_format": "#,##0.00######"}),
        "rate": book.add_format({"num_format": "0.00%"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }


def _header(sheet: Worksheet, names: list[str], formats: dict) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 16)
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, formats["head"])


def _row(
    sheet: Worksheet, columns: tuple[Column, ...], number: int, row: tuple, currency: str,
    formats: dict,
) -> None:  # fmt: skip
    whole = "whole" if currency in WHOLE else "money"
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        if value is None or value == "":
            continue
        if column.kind == "text":
            sheet.write_string(number, place, value)
        elif column.kind == "date":
            sheet.write_datetime(number, place, value, formats["date"])
        else:
            kind = whole if column.kind == "money" else column.kind
            sheet.write_number(number, place, value, formats[kind])


def _totals(
    sheet: Worksheet, columns: tuple[Column, ...], totals: list[dict], formats: dict
) -> None:
    _header(sheet, [column.header for column in columns], formats)
    for number, total in enumerate(totals, start=1):
        cells = tuple(_number(column, total[column.key]) for column in columns)
        _row(sheet, columns, number, cells, total.get("currency", ""), formats)


def _number(column: Column, value: Any) -> Any:
    """A total as its sheet wants it: kept as text in the run, a number in the file."""
    return value if column.kind == "text" or value is None else Decimal(value)
