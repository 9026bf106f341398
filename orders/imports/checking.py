"""What is wrong with the rows of a batch: cell, line, and what to do about it. All in SQL."""

from orders.imports.files import KEPT, Problem
from orders.imports.registry import Column
from orders.imports.staging import CELLS, Batch

REMEDIES = {
    "int": ("no whole number", "Write digits only, such as 12."),
    "decimal": ("no amount", "Write amounts such as 1234.50, all with the same decimal sign."),
    "date": ("no date", "Write dates as 2026-10-14 or 14-Oct-2026."),
    "datetime": ("no date and time", "Write times as 2026-10-14T09:30:00+00:00."),
    "bool": ("neither yes nor no", "Write true or false."),
}
UNDECIDED = {
    "decimal": (
        "an amount that can be read in two ways",
        "Nothing in the file tells whether comma or point groups thousands: write 1234.50.",
    ),
    "date": (
        "a date that can be read in two ways",
        "Give the marketplace, or write dates as 2026-10-14.",
    ),
}
UNDECIDED["datetime"] = UNDECIDED["date"]


def find_problems(batch: Batch) -> list[Problem]:
    """Every unreadable, missing or overlong cell and every broken rule, by line; at most KEPT."""
    rules = _rules(batch)
    wrong = " OR ".join(["t.broken", *(f"({sql})" for _, _, sql, *_ in rules)])
    if not batch.rows(f"SELECT 1 FROM {batch.table} t WHERE {wrong} LIMIT 1"):
        return []
    found = _unreadable(batch)
    for column, value, sql, problem, remedy in rules:
        rows = batch.rows(
            f"SELECT t.line, {value} FROM {batch.table} t WHERE {sql} ORDER BY 1 LIMIT {KEPT}"
        )
        found += [Problem(line, column, (v or "")[:200], problem, remedy) for line, v in rows]
    return sorted(found, key=lambda p: (p.line, p.column))[:KEPT]


def drop_bad_rows(
    batch: Batch, problems: list[Problem], groups: set[str] = frozenset()
) -> list[Problem]:
    """Take the bad rows out of the batch, with every row of the same group.

    ``groups`` are those of lines that could not even become rows. Returns one more problem for
    each row that was good itself: it was left out because facts of its group (such as the order)
    would be incomplete.
    """
    lines = sorted({problem.line for problem in problems})
    group = batch.report_type.group
    if not group:
        batch.execute(f"DELETE FROM {batch.table} WHERE line = ANY(%s)", [lines])
        return []
    left_out = batch.rows(
        f"DELETE FROM {batch.table} AS t WHERE {group} IN (SELECT {group} FROM {batch.table}"
        f" WHERE line = ANY(%s)) OR line = ANY(%s) OR {group}::text = ANY(%s)"
        f" RETURNING line, {group}::text",
        [lines, lines, list(groups)],
    )
    bad = set(lines)
    column = next(c for c in batch.report_type.columns if c.field == group)
    return [
        Problem(
            line, column.name, value[:200], "left out with another line of the same order",
            "Correct the other line first; both belong together.",
        )
        for line, value in sorted(left_out)
        if line not in bad
    ]  # fmt: skip


def _unreadable(batch: Batch) -> list[Problem]:
    parts = [
        f"SELECT t.line, {number}, btrim(c.{cell}) FROM {batch.table} t JOIN {CELLS} c USING (line)"
        f" WHERE t.broken AND t.{column.field} IS NULL"
        f" AND btrim(c.{cell}, E' \\u00a0\\t\\r\\n') <> ''"
        for number, column in enumerate(batch.report_type.columns)
        if column.kind != "text" and (cell := batch.cell(column))
    ]
    if not parts or not batch.rows(f"SELECT 1 FROM {batch.table} WHERE broken LIMIT 1"):
        return []
    rows = batch.rows(f"{' UNION ALL '.join(parts)} ORDER BY 1, 2 LIMIT {KEPT}")
    columns = batch.report_type.columns
    return [
        Problem(line, columns[n].name, v[:200], *_why(batch, columns[n], v)) for line, n, v in rows
    ]


def _why(batch: Batch, column: Column, value: str) -> tuple[str, str]:
    """Problem and remedy of an unreadable cell."""
    forms, digits = batch.forms, any(sign.isdigit() for sign in value)
    open_question = (
        (column.kind == "decimal" and forms.decimal is None)
        or (column.kind in ("date", "datetime") and forms.day_first is None and "/" in value)
    )  # fmt: skip
    return UNDECIDED[column.kind] if open_question and digits else REMEDIES[column.kind]


def _rules(batch: Batch) -> list[tuple[str, str, str, str, str]]:
    """(column, value, condition, problem, remedy) of every rule: cells that may not be blank or
    longer than the fact's column, and the report's own checks."""
    rules = []
    for column in batch.report_type.columns:
        if column.needed:
            blank = f"{column.field} = ''" if column.kind == "text" else f"{column.field} IS NULL"
            rules.append(
                (column.name, "''", f"NOT t.broken AND t.{blank}", "the cell is blank",
                 "Every line needs this value; ask Amazon for the report again.")
            )  # fmt: skip
        if column.max_length and not column.cut and batch.has(column.field):
            rules.append(
                (column.name, f"left(t.{column.field}, 60)",
                 f"length(t.{column.field}) > {column.max_length}",
                 f"longer than {column.max_length} characters", "Check whether the cells moved.")
            )  # fmt: skip
    columns = {name: c for c in batch.report_type.columns for name in c.names}
    for check in batch.report_type.checks:
        column = columns.get(check.column)
        value = f"coalesce(t.{column.field}::text, '')" if column else "''"
        rules.append((check.column, value, check.sql, check.problem, check.remedy))
    return rules
