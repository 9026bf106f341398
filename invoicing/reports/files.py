"""A report's temporary table as CSV, straight from COPY: a few rows in memory, whatever its size.

XLSX is in ``xlsx.py``, the PDF in ``pdf.py``. What a row means is not decided here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.core.csvfile import DANGEROUS
from config.core.money import EXPONENTS
from invoicing.reports.kinds import Column, Kind

STEP = 20_000  # rows between two notices of progress
BUFFER = 1 << 20
Tick = Callable[[int], None]
_DANGEROUS = tuple(map(ord, DANGEROUS))  # as codes, for millions of cells are asked
WHOLE = tuple(sorted(code for code, places in EXPONENTS.items() if places == 0))


def write_csv(cursor: Any, kind: Kind, path: Path, tick: Tick, *, first: int | None = None) -> None:
    """COPY the report into ``path``: UTF-8, one header line, dates ISO, numbers with a point.

    ``first``: only so many rows of its beginning.
    """
    with path.open("wb", buffering=BUFFER) as file, cursor.copy(copy_csv(kind, first)) as copy:
        for number, row in enumerate(copy):
            file.write(row)
            if number and number % STEP == 0:
                tick(number)


def copy_csv(kind: Kind, first: int | None = None) -> str:
    """The COPY of a kind's table: guarded text, whole amounts where the currency has no cents."""
    some = "" if first is None else f" LIMIT {first}"
    whole = f"currency IN {WHOLE}" if kind.has_money else "false"
    return (
        f"COPY (SELECT {', '.join(map(_cell, kind.columns))} FROM (SELECT *, {whole} AS in_whole"
        f" FROM {kind.table} ORDER BY {kind.order}{some}) AS r) TO STDOUT"
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
