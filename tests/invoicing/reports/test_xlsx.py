"""XLSX of a report's table: every cell as the CSV has it, text never run, sheets by currency."""

import csv
import re
from datetime import date
from decimal import Decimal
from zipfile import ZipFile

import pytest
from django.db import connection
from python_calamine import CalamineWorkbook

from invoicing.reports import files, xlsx
from invoicing.reports.kinds import Column, Kind

COLUMNS = (
    Column("name", "Name"),
    Column("currency", "Currency"),
    Column("day", "Day", "date"),
    Column("amount", "Amount", "money"),
    Column("rate", "VAT rate", "rate"),
    Column("many", "Rows", "count"),
    Column("fx", "FX rate", "exact"),
)
TOTALS = (Column("currency", "Currency"), Column("amount", "Amount", "money"))
KIND = Kind(
    key="test", label="Test", description="", stem="test", table="xlsx_rows",
    fill=lambda cursor, scope: None, columns=COLUMNS, order="currency, id", totals="",
    total_columns=TOTALS,
)  # fmt: skip
VALUES = [
    ("=1+1", "EUR", date(2026, 10, 1), "12.50", "0.19", 1, "1.08765432"),
    ("+cmd|' /C calc'!A0", "EUR", None, "-0.07", None, 2, None),
    ("@SUM(A1)", "EUR", date(1999, 12, 31), "99999999999.99", "0.077", 3, "0.00000001"),
    ("-1", "EUR", date(2026, 2, 28), "0.00", "0", 4, "161.95"),
    ("{=1}", "EUR", date(2026, 3, 1), "0.01", "0.2", 5, None),
    ("https://demo.example/", "EUR", date(2026, 3, 2), "1.10", "0.2", 6, None),
    ("0012345678901234567", "EUR", date(2026, 3, 3), "1.15", "0.2", 7, None),
    ("", "EUR", date(2026, 3, 4), "2.675", "0.2", 8, None),
    ("デモ工業 株式会社 <&>\"'\tq\n2", "JPY", date(2026, 3, 5), "110", "0.1", 9, "161.95"),
    ("mailto:x@demo.example", "JPY", None, None, None, None, None),
]


@pytest.fixture
def table(db):
    """A cursor on a temporary table of the values."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE xlsx_rows (id serial, name text, currency text, day date,"
            " amount numeric(14, 3), rate numeric(7, 4), many bigint, fx numeric(18, 8))"
            " ON COMMIT DROP"
        )
        insert = "INSERT INTO xlsx_rows VALUES (DEFAULT, %s, %s, %s, %s, %s, %s, %s)"
        cursor.executemany(insert, VALUES)
        yield cursor


def written(cursor, path, totals=()):
    xlsx.write_xlsx(cursor, KIND, path, list(totals), lambda done: None)
    return CalamineWorkbook.from_path(str(path))


def rows_of(book, names):
    """Rows of sheets one after the other, headers checked and left out."""
    for name in names:
        header, *rows = book.get_sheet_by_name(name).to_python()
        assert header == [column.header for column in COLUMNS]
        yield from rows


def same(column, cell, text):
    """Whether a cell holds what the CSV says."""
    if column.kind in ("text", "word"):
        return cell == (text[1:] if text[:1] == "'" else text)
    if text == "":
        return cell == ""
    if column.kind == "date":
        return cell == date.fromisoformat(text)
    return isinstance(cell, float) and Decimal(repr(cell)) == Decimal(text)


def test_every_cell_is_what_the_csv_says(table, tmp_path):
    files.write_csv(table, KIND, tmp_path / "rows.csv", lambda done: None)
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))[1:]
    book = written(table, tmp_path / "rows.xlsx")
    rows = list(rows_of(book, ["EUR", "JPY"]))
    assert len(rows) == len(lines) == len(VALUES)
    for row, line in zip(rows, lines, strict=True):
        cells = zip(COLUMNS, row, line, strict=True)
        assert [c.key for c, cell, text in cells if not same(c, cell, text)] == []


def test_no_text_becomes_a_formula_or_a_link(table, tmp_path):
    written(table, tmp_path / "rows.xlsx")
    with ZipFile(tmp_path / "rows.xlsx") as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "sheets/" in name]
    assert len(sheets) == 3
    assert not any("<f" in sheet.replace("<family", "") or "hyperlink" in sheet for sheet in sheets)


def test_amounts_carry_the_decimals_of_their_currency(table, tmp_path):
    written(table, tmp_path / "rows.xlsx")
    with ZipFile(tmp_path / "rows.xlsx") as parts:
        styles = parts.read("xl/styles.xml").decode()
        euro, yen = (parts.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2))
    codes = dict(re.findall(r'numFmtId="(\d+)" formatCode="([^"]+)"', styles))
    formats = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
    shown = {
        sheet: codes.get(formats[int(re.search(r'r="D2" s="(\d+)"', xml)[1])], "#,##0")
        for sheet, xml in (("EUR", euro), ("JPY", yen))
    }
    assert shown == {"EUR": "#,##0.00", "JPY": "#,##0"}


def test_full_sheet_goes_on_in_the_next(table, tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 3)
    monkeypatch.setattr(xlsx, "FETCHED", 2)
    whole = list(rows_of(written(table, tmp_path / "a.xlsx"), ["EUR", "EUR 2", "EUR 3", "JPY"]))
    assert [row[5] for row in whole] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, ""]


def test_totals_have_a_sheet_a_currency(table, tmp_path):
    totals = [{"currency": "EUR", "amount": "12.50"}, {"currency": "JPY", "amount": "110"}]
    book = written(table, tmp_path / "rows.xlsx", totals)
    assert book.sheet_names == ["EUR", "JPY", "Totals EUR", "Totals JPY"]
    assert book.get_sheet_by_name("Totals JPY").to_python() == [["Currency", "Amount"],
                                                               ["JPY", 110.0]]  # fmt: skip


def test_report_without_rows_has_its_headers(table, tmp_path):
    table.execute("DELETE FROM xlsx_rows")
    book = written(table, tmp_path / "rows.xlsx")
    assert list(rows_of(book, ["Rows"])) in ([], [[""] * len(COLUMNS)])


def test_progress_is_told_while_it_writes(table, tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "STEP", 4)
    monkeypatch.setattr(xlsx, "FETCHED", 2)
    told = []
    xlsx.write_xlsx(table, KIND, tmp_path / "rows.xlsx", [], told.append)
    assert told == [4, 8]
