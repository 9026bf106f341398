"""A report as PDF, for people: totals, what to look at, its first and last rows. Never all rows:
the page says how many there are and what the CSV of the same run holds.

Drawn by WeasyPrint with the fonts of the documents; nothing is fetched.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from weasyprint import CSS, HTML

from config.core.display import number, percent
from invoicing.fonts import font_configuration
from invoicing.render import NoFetch, drawing
from invoicing.reports.kinds import Column, Kind, Scope

ENDS = 20  # rows shown of the beginning, and of the end
LOOKED_AT = 60
NUMBERS = ("money", "exact", "rate", "count")


@dataclass(frozen=True)
class Figures:
    """What a run counted: rows, totals as kept, and who made it."""

    rows: int
    totals: list[dict]
    by: str


def write_pdf(cursor: Any, kind: Kind, path: Path, scope: Scope, figures: Figures) -> None:
    """Write the summary of the report; ``cursor`` is in the transaction that has the table."""
    html = render_to_string("reports/report.html", _page(cursor, kind, scope, figures))
    style = Path(settings.BASE_DIR) / "templates" / "reports" / "report.css"
    with drawing, warnings.catch_warnings():
        # WeasyPrint 70 leaves its own ICC file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        fonts = font_configuration()
        sheet = CSS(string=style.read_text(), font_config=fonts)
        HTML(string=html, url_fetcher=NoFetch()).write_pdf(
            path, stylesheets=[sheet], font_config=fonts, pdf_variant="pdf/ua-1"
        )


def _page(cursor: Any, kind: Kind, scope: Scope, figures: Figures) -> dict[str, Any]:
    """The strings of the page."""
    period = f"{scope.date_from.isoformat()} – {scope.date_to.isoformat()}"
    return {
        "language": get_language() or "en",
        "title": kind.label,
        "description": kind.description,
        "period": period,
        "made_at": f"{timezone.now():%Y-%m-%d %H:%M} UTC",
        "facts": list(_facts(kind, scope, figures, period)),
        "totals": _table(
            kind.total_columns,
            ([total[one.key] for one in kind.total_columns] for total in figures.totals),
        ),
        "exceptions": _exceptions(cursor, kind),
        "rows_said": _rows_said(kind, figures.rows),
        "rows": _ends(cursor, kind, figures.rows),
    }


def _facts(kind: Kind, scope: Scope, figures: Figures, period: str) -> Iterable[tuple[Any, Any]]:
    yield _("Period"), period
    yield _("Seller"), scope.seller or _("All sellers")
    yield _("Marketplace"), scope.marketplace or _("All marketplaces")
    for choice in kind.choices:
        yield choice.label, dict(choice.values)[scope.chosen[choice.key]]
    yield _("Rows"), figures.rows
    yield _("Made by"), figures.by


def _rows_said(kind: Kind, rows: int) -> str:
    if not rows:
        return _("The report has no rows.")
    whole = _("The CSV and XLSX of this report hold every row with %(columns)s columns.") % {
        "columns": len(kind.columns)
    }
    if rows <= 2 * ENDS:
        return ngettext("%(rows)s row.", "All %(rows)s rows.", rows) % {"rows": rows} + f" {whole}"
    some = _("The first %(ends)s and the last %(ends)s of %(rows)s rows.")
    return f"{some % {'ends': ENDS, 'rows': rows}} {whole}"


def _exceptions(cursor: Any, kind: Kind) -> dict[str, Any] | None:
    """The rows somebody should look at, at most so many, and how many there are."""
    if not kind.exceptions:
        return None
    cursor.execute(f"SELECT count(*) FROM {kind.table} WHERE {kind.exceptions}")
    (count,) = cursor.fetchone()
    if not count:
        return {"said": _("Nothing: every row is in order."), "table": {"rows": []}}
    said = ngettext("%(count)s row.", "%(count)s rows.", count) % {"count": count}
    if count > LOOKED_AT:
        said += " " + _("The first %(shown)s stand here.") % {"shown": LOOKED_AT}
    found = _selected(cursor, kind, f"WHERE {kind.exceptions}", f"LIMIT {LOOKED_AT}")
    return {"said": said, "table": _table(kind.on_paper, found)}


def _ends(cursor: Any, kind: Kind, rows: int) -> dict[str, Any]:
    if rows <= 2 * ENDS:
        return _table(kind.on_paper, _selected(cursor, kind, "", ""))
    first = _selected(cursor, kind, "", f"LIMIT {ENDS}")
    last = _selected(cursor, kind, "", f"LIMIT {ENDS} OFFSET {rows - ENDS}")
    table = _table(kind.on_paper, first)
    table["rows"] += [None, *_table(kind.on_paper, last)["rows"]]
    return table


def _selected(cursor: Any, kind: Kind, where: str, limit: str) -> list[tuple]:
    names = ", ".join(column.key for column in kind.on_paper)
    cursor.execute(f"SELECT {names} FROM {kind.table} {where} ORDER BY {kind.order} {limit}")
    return cursor.fetchall()


def _table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Headers and cells as text, each with the class that says how its column looks."""
    place = next((at for at, one in enumerate(columns) if one.key == "currency"), None)
    looks = [_look(one) for one in columns]
    head = [one.header for one in columns]
    lines = (
        [
            _cell(one, value, "" if place is None else row[place])
            for one, value in zip(columns, row, strict=True)
        ]
        for row in rows
    )
    return {"head": _looking(head, looks), "rows": [_looking(line, looks) for line in lines]}


def _looking(texts: Sequence[str], looks: Sequence[str]) -> list[dict[str, str]]:
    return [{"text": text, "look": look} for text, look in zip(texts, looks, strict=True)]


def _look(column: Column) -> str:
    """Numbers to the right; dates, currencies and what totals are by in one piece."""
    if column.kind in NUMBERS:
        return "n"
    return "keep" if column.kind == "date" or column.key in ("currency", "dimension") else ""


def _cell(column: Column, value: Any, currency: str) -> str:
    if value is None or value == "":
        return ""
    if column.kind == "money":
        return number(Decimal(value), currency)
    if column.kind == "rate":
        return percent(Decimal(value))
    return value.isoformat() if isinstance(value, date) else str(value)
