"""Writing the refund settlement report: CSV straight from COPY, XLSX row by row.

Both read the temporary table of ``settlement_sql.REPORT`` and hold a few rows at a time, whatever
the report's size. What a row means is not decided here.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from invoicing import settlement_sql as sql

STEP = 20_000  # rows between two notices of progress
BUFFER = 1 << 20
Tick = Callable[[int], None]


def write_csv(cursor: Any, path: Path, tick: Tick) -> None:
    """COPY the report into ``path``: UTF-8, one header line, dates ISO, numbers with a point."""
    with path.open("wb", buffering=BUFFER) as file, cursor.copy(sql.CSV) as copy:
        for number, row in enumerate(copy):
            file.write(row)
            if number and number % STEP == 0:
                tick(number)


def write_xlsx(cursor: Any, path: Path, totals: list[dict], tick: Tick) -> None:
    """Write the report and its totals as two sheets. Text is always text, never a formula;
    amounts are numbers with the currency's decimals, dates are dates.
    """
    with Workbook(path, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        formats = _formats(book)
        sheet = book.add_worksheet("Refunds")
        _header(sheet, [column.header for column in sql.COLUMNS], formats)
        place = [column.key for column in sql.COLUMNS].index("currency")
        cursor.execute(f"DECLARE report_rows NO SCROLL CURSOR FOR {sql.ROWS}")
        for number, row in enumerate(_fetched(cursor), start=1):
            _row(sheet, number, row, row[place], formats)
            if number % STEP == 0:
                tick(number)
        _totals(book.add_worksheet("Totals"), totals, formats)


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
        "rate": book.add_format({"num_format": "0.00%"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }


def _header(sheet: Worksheet, names: list[str], formats: dict) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 16)
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, formats["head"])


def _row(sheet: Worksheet, number: int, row: tuple, currency: str, formats: dict) -> None:
    whole = "whole" if currency in sql.WHOLE else "money"
    for place, (column, value) in enumerate(zip(sql.COLUMNS, row, strict=True)):
        if value is None or value == "":
            continue
        if column.kind == "text":
            sheet.write_string(number, place, value)
        elif column.kind == "date":
            sheet.write_datetime(number, place, value, formats["date"])
        else:
            kind = whole if column.kind == "money" else "rate"
            sheet.write_number(number, place, value, formats[kind])


TOTAL_COLUMNS = (
    ("currency", "Currency"),
    ("vat_rate", "VAT rate"),
    ("status", "Status"),
    ("rows", "Rows"),
    ("net", "Net"),
    ("vat", "VAT"),
    ("gross", "Gross"),
    ("amazon_amount", "Amazon amount"),
    ("difference", "Difference"),
)


def _totals(sheet: Worksheet, totals: list[dict], formats: dict) -> None:
    _header(sheet, [header for _key, header in TOTAL_COLUMNS], formats)
    for number, total in enumerate(totals, start=1):
        whole = "whole" if total["currency"] in sql.WHOLE else "money"
        for place, (key, _header_text) in enumerate(TOTAL_COLUMNS):
            value = total[key]
            if value is None:
                continue
            if key in ("currency", "status"):
                sheet.write_string(number, place, value)
            elif key == "rows":
                sheet.write_number(number, place, value, formats["whole"])
            else:
                kind = "rate" if key == "vat_rate" else whole
                sheet.write_number(number, place, Decimal(value), formats[kind])
