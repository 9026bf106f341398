"""Bulk entry: rows that people paste or upload, checked before anything is written."""

import csv
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from orders.models import OrderLine
from returns import quantities

MAX_BYTES = 1_000_000
MAX_ROWS = 2_000
COLUMNS = ("order", "sku", "quantity", "reason", "comment")


@dataclass(frozen=True)
class Row:
    """A row that can be requested."""

    line: int
    order_id: str
    sku: str
    order_line_id: int
    quantity: int
    reason_code: str
    reason_text: str


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row, and what to do about it."""

    line: int
    column: str
    value: str
    problem: str
    remedy: str


@dataclass
class Preview:
    """The rows of a text, sorted into right and wrong."""

    good: list[Row] = field(default_factory=list)
    bad: list[Problem] = field(default_factory=list)


def preview(text: str) -> Preview:
    """Read the rows of a text and check them against the orders (three queries)."""
    result = Preview()
    rows = _read(text, result)
    known = _lines_of({cells[0] for _number, cells in rows})
    left = quantities.returnable_of([line.pk for found in known.values() for line in found])
    for number, cells in rows[:MAX_ROWS]:
        one = _check(number, cells, known, left)
        (result.good if isinstance(one, Row) else result.bad).append(one)
    if len(rows) > MAX_ROWS:
        result.bad.append(
            Problem(MAX_ROWS + 1, "", "", _("Too many rows."), _("Enter the rest separately."))
        )
    return result


def _read(text: str, result: Preview) -> list[tuple[int, list[str]]]:
    """The rows with their numbers; what cannot be read is a problem of the result."""
    lines = text.replace("\0", "").splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((d for d in "\t;," if d in first), ",")
    rows = []
    try:
        cut = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        result.bad.append(
            Problem(
                1,
                "",
                "",
                _("The rows cannot be told apart."),
                _("Check the quotes.") + f" ({error})",
            )
        )
        return []
    for number, cells in enumerate(cut, start=1):
        cleaned = [cell.strip() for cell in cells] + [""] * (len(COLUMNS) - len(cells))
        is_header = number == 1 and cleaned[0].casefold().startswith("order")
        if any(cleaned) and not is_header:
            rows.append((number, cleaned[: len(COLUMNS)]))
    return rows


def _lines_of(order_ids: set[str]) -> dict[tuple[str, str], list[OrderLine]]:
    found: dict[tuple[str, str], list[OrderLine]] = {}
    lines = OrderLine.objects.filter(order__amazon_order_id__in=order_ids)
    for line in lines.select_related("order").order_by("pk"):
        found.setdefault((line.order.amazon_order_id, line.sku), []).append(line)
    return found


def _check(number: int, cells: list[str], known: dict, left: dict[int, int]) -> Row | Problem:
    order_id, sku, quantity, reason, comment = cells
    lines = known.get((order_id, sku), [])
    if not lines:
        return Problem(
            number,
            "order",
            f"{order_id} {sku}",
            _("No such order with this SKU."),
            _("Import the order first, or correct the number."),
        )
    if len(lines) > 1:
        return Problem(
            number,
            "sku",
            sku,
            _("The order has several lines with this SKU."),
            _("Enter this return by hand and choose the line."),
        )
    if not quantity.isdecimal() or int(quantity) == 0:
        return Problem(
            number, "quantity", quantity, _("Not a number of units."), _("Give 1 or more.")
        )
    rest = left.get(lines[0].pk, 0)
    if int(quantity) > rest:
        return Problem(
            number,
            "quantity",
            quantity,
            _("Only %(n)d units can still come back.") % {"n": rest},
            _("Lower the quantity, or see the order's other returns."),
        )
    left[lines[0].pk] = rest - int(quantity)
    return Row(number, order_id, sku, lines[0].pk, int(quantity), reason, comment[:500])
