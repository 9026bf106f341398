"""The staging tables of one import: cells as text, then rows of typed columns.

Temporary tables of the import's own transaction; nothing here knows a report or a fact.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from orders.imports import kinds
from orders.imports.files import Report
from orders.imports.kinds import Forms
from orders.imports.registry import Column, ReportType
from orders.models import ImportFile, Marketplace, Seller

CELLS = "import_cells"
FLUSH = 1 << 17  # characters handed to COPY at once


@dataclass
class Batch:
    """One import while it runs: its staging table, its seller, and the way to speak SQL.

    ``table`` is the typed staging table; ``orders_table`` (id) collects the orders that a merge
    touched or named; ``marketplace`` is the one that was asked for, or None.
    """

    import_file: ImportFile
    seller: Seller
    marketplace: Marketplace | None
    report_type: ReportType
    header: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
    rows_read: int = 0
    forms: Forms = field(default_factory=Forms)
    table: str = "import_rows"
    orders_table: str = "import_orders"

    def has(self, name: str) -> bool:
        """Whether the file has the column behind a staging field."""
        return any(
            not set(self.header).isdisjoint(c.names)
            for c in self.report_type.columns
            if c.field == name
        )

    def execute(self, sql: str, params: Iterable[Any] | dict | None = None) -> int:
        """Run one statement; returns how many rows it touched."""
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.rowcount

    def rows(self, sql: str, params: Iterable[Any] | dict | None = None) -> list[tuple]:
        """The rows of one query."""
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    def note(self, sentence: str) -> None:
        """Keep a finding for the import's page (once)."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def cell(self, column: Column) -> str | None:
        """The column of ``import_cells`` that holds a report's column, None when it is absent."""
        names = (n for n, name in enumerate(self.header, 1) if name in column.names)
        return next((f"c{n}" for n in names), None)


def copy_in(batch: Batch, report: Report, progress: Callable[[int], None]) -> None:
    """COPY the cells of a report into ``import_cells``, in constant memory.

    ``progress`` gets the bytes read so far. Lines that cannot be rows stay in report.problems.
    """
    columns = ", ".join(f"c{n} text" for n in range(1, len(report.header) + 1))
    for table in (CELLS, batch.table, batch.orders_table):
        batch.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
    batch.execute(f"CREATE TEMP TABLE {CELLS} (line integer, {columns}) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy(f"COPY {CELLS} FROM STDIN") as copy:
        rows, size = [], 0
        for row in report.copy_rows():
            rows.append(row)
            size += len(row)
            if size > FLUSH:
                copy.write("".join(rows))
                batch.rows_read += len(rows)
                progress(report.bytes_read)
                rows, size = [], 0
        copy.write("".join(rows))
        batch.rows_read += len(rows)
    batch.notes += report.notes


def type_rows(batch: Batch, *, trim: bool) -> None:
    """Make ``batch.table`` from the cells: one typed column a field, ``row_hash``, ``broken``.

    ``broken`` says that some filled cell could not be read. ``trim``: cells may begin or end with
    blanks (a blank cell may be one space).
    """
    present = [(c, cell) for c in batch.report_type.columns if (cell := batch.cell(c))]
    batch.forms = find_forms(batch, present)
    outer, inner, broken = [], [], ["false"]
    for column, cell in present:
        text = f"btrim({cell}, E' \\u00a0\\t\\r\\n')" if trim else cell
        inner.append(f"{text} AS {cell}")
        outer.append(f"{_value(column, cell, batch.forms)} AS {column.field}")
        if column.kind != "text":
            broken.append(f"(x.{cell} <> '' AND v.{column.field} IS NULL)")
    absent = [
        f"{_blank(c.kind)} AS {c.field}" for c in batch.report_type.columns if not batch.cell(c)
    ]
    fields = ", ".join(f"v.{c.field}" for c, _ in present)
    batch.execute(
        f"CREATE TEMP TABLE {batch.table} ON COMMIT DROP AS SELECT x.line, x.row_hash,"
        f" ({' OR '.join(broken)}) AS broken, {', '.join([fields, *absent])}"
        f" FROM (SELECT line, md5({raw_row(batch)}) AS row_hash, {', '.join(inner)} FROM {CELLS}"
        f" OFFSET 0) AS x, LATERAL (SELECT {', '.join(outer)} OFFSET 0) AS v"
    )
    batch.execute(f"CREATE TEMP TABLE {batch.orders_table} (id bigint PRIMARY KEY) ON COMMIT DROP")


def raw_row(batch: Batch) -> str:
    """SQL of the raw row over ``import_cells``: its cells as they came, separated by tabs."""
    cells = [f"c{n}" for n in range(1, len(batch.header) + 1)]
    # concat_ws takes at most 100 arguments
    parts = [f"concat_ws(E'\\t', {', '.join(cells[n : n + 90])})" for n in range(0, len(cells), 90)]
    return parts[0] if len(parts) == 1 else f"concat_ws(E'\\t', {', '.join(parts)})"


def _value(column: Column, cell: str, forms: Forms) -> str:
    if column.kind == "text" and column.cut:
        return f"left(x.{cell}, {column.max_length})"
    return kinds.expression(column.kind, f"x.{cell}", forms)


def _blank(kind: str) -> str:
    return "''::text" if kind == "text" else f"NULL::{kinds.SQL_TYPES[kind]}"


def find_forms(batch: Batch, present: list[tuple[Column, str]]) -> Forms:
    """Decide once for the file how numbers and dates are written; notes what was decided."""
    numbers = [cell for column, cell in present if column.kind == "decimal"]
    dates = [cell for column, cell in present if column.kind in ("date", "datetime")]
    number, date = (f"concat_ws('|', {', '.join(['NULL', *c])})" for c in (numbers, dates))
    grouped, slashed = batch.rows(
        f"SELECT coalesce(bool_or({number} ~ '{_UNUSUAL}'), false),"
        f" coalesce(bool_or({date} ~ '(^|\\|) *{kinds.NUMBERS_ONLY_DATE}'), false) FROM {CELLS}"
    )[0]
    return Forms(
        decimal=_decimal_sign(batch, numbers) if grouped else ".",
        grouped=grouped,
        day_first=_day_first(batch, dates) if slashed else None,
    )


# anything but plain numbers with a point and other than three decimals
_UNUSUAL = r"[^0-9.|+-]|\.\d*\.|\.\d{3}(\||$)"
_COMMA = r"^[+-]?[\d. ]*\d,(\d{1,2}|\d{4,})$|\.\d{3}[.,]\d"
_POINT = r"^[+-]?[\d, ]*\d\.(\d{1,2}|\d{4,})$|,\d{3}[.,]\d"
_EITHER = r"^[+-]?\d{1,3}[.,]\d{3}$"


def _decimal_sign(batch: Batch, cells: list[str]) -> str | None:
    """``,`` or ``.`` by the values that allow one reading only; None when none tells."""
    comma, point, either = batch.rows(
        "SELECT count(*) FILTER (WHERE v ~ %s), count(*) FILTER (WHERE v ~ %s),"
        f" count(*) FILTER (WHERE v ~ %s) FROM {CELLS},"
        f" LATERAL (VALUES {', '.join(f'(btrim({c}))' for c in cells)}) AS x (v) WHERE v <> ''",
        [_COMMA, _POINT, _EITHER],
    )[0]
    implied = batch.report_type.implied_decimal
    if comma == point == 0:
        told = implied(frozenset(batch.header)) if implied else None
        return told if either else "."
    sign = "," if comma > point else "."
    if sign == ",":
        batch.note("Amounts were read with a decimal comma.")
    return sign


def _day_first(batch: Batch, cells: list[str]) -> bool | None:
    """How 12/10/2026 is read: by dates with a number above 12, else by the marketplace given."""
    form = r"^(\d{1,2})[/-](\d{1,2})[/-]\d{4}"
    first, second = batch.rows(
        f"SELECT max((regexp_match(v, %s))[1]::int), max((regexp_match(v, %s))[2]::int)"
        f" FROM {CELLS}, LATERAL (VALUES {', '.join(f'(btrim({c}))' for c in cells)}) AS x (v)",
        [form, form],
    )[0]
    if first > 12 and second > 12:
        return None
    if first > 12 or second > 12:
        decided, why = first > 12, "by the other dates of the file"
    elif batch.marketplace is not None:
        decided = batch.marketplace.country != "US"
        why = f"as {batch.marketplace.name} writes them"
    else:
        return None
    batch.note(f"Dates such as 12/10/2026 were read {'day' if decided else 'month'} first, {why}.")
    return decided
