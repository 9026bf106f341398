"""The PDF of a report: totals, what to look at, first and last rows; never more."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from pypdf import PdfReader

from invoicing.reports import pdf
from invoicing.reports.kinds import Choice, Column, Kind, Scope

COLUMNS = (
    Column("name", "Name"),
    Column("currency", "Currency"),
    Column("day", "Day", "date"),
    Column("amount", "Amount", "money"),
    Column("rate", "VAT rate", "rate"),
    Column("hidden", "Hidden"),
)
KIND = Kind(
    key="test", label="Demo report", description="Rows of a test.", stem="test", table="pdf_rows",
    fill=lambda cursor, scope: None, columns=COLUMNS, order="currency, id", totals="",
    total_columns=(Column("currency", "Currency"), Column("amount", "Sum", "money")),
    exceptions="amount < 0", printed=("name", "currency", "day", "amount", "rate"),
    choices=(Choice("by", "Counts by", (("days", "Days"),), "days"),),
)  # fmt: skip
SCOPE = Scope(date(2026, 10, 1), date(2026, 10, 31), chosen={"by": "days"})


@pytest.fixture
def draw(db, tmp_path):
    """Draw the report of so many rows, some of them negative; returns its pages and their text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE pdf_rows (id int, name text, currency text, day date,"
            " amount numeric(14, 2), rate numeric(7, 4), hidden text) ON COMMIT DROP"
        )

        def drawn(rows, negative=0):
            cursor.execute(
                "INSERT INTO pdf_rows SELECT i, 'Row-' || i || '<b>', 'EUR', '2026-10-05',"
                " CASE WHEN i <= %s THEN -1234.5 ELSE i END, 0.19, 'hidden' || i"
                " FROM generate_series(1, %s) i",
                [negative, rows],
            )
            figures = pdf.Figures(rows, [{"currency": "EUR", "amount": "1234567.80"}], "demo")
            pdf.write_pdf(cursor, KIND, tmp_path / "a.pdf", SCOPE, figures)
            pages = PdfReader(tmp_path / "a.pdf").pages
            return len(pages), "\n".join(page.extract_text() for page in pages)

        yield drawn


def test_page_says_what_it_is_and_what_it_counted(draw):
    _pages, text = draw(3)
    for wanted in ("Demo report", "2026-10-01 – 2026-10-31", "All sellers", "Counts by", "Days",
                   "demo", "1,234,567.80", "All 3 rows.", "6 columns"):  # fmt: skip
        assert wanted in text, wanted
    assert [f"Row-{n}<b>" in text for n in (1, 2, 3)] == [True] * 3
    assert "hidden" not in text
    assert "Nothing: every row is in order." in text
    assert "19 %" in text


def test_many_rows_show_their_beginning_and_end_only(draw):
    pages, text = draw(5000)
    assert pages <= 4
    assert "The first 20 and the last 20 of 5000 rows." in text
    shown = {n for n in (1, 20, 21, 4980, 4981, 5000) if f"Row-{n}<b>" in text}
    assert shown == {1, 20, 4981, 5000}


def test_rows_to_look_at_are_counted_and_bounded(draw):
    _pages, text = draw(5000, negative=300)
    assert "300 rows. The first 60 stand here." in text
    assert "\N{MINUS SIGN}1,234.50" in text
    assert "Row-60<b>" in text
    assert "Row-61<b>" not in text


def test_report_without_rows_says_so(draw):
    _pages, text = draw(0)
    assert "The report has no rows." in text


def test_amounts_follow_their_currency():
    column = Column("amount", "Amount", "money")
    assert pdf._cell(column, Decimal("1100.00"), "JPY") == "1,100"
    assert pdf._cell(column, "12.5", "EUR") == "12.50"
    assert pdf._cell(column, None, "EUR") == ""
