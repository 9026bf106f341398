"""JSON reports as rows: pages of an API as they came, one document or one a line.

Numbers become Decimal, never float. The "line" of a row is its number among the rows, as in XML.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from orders.imports import registry
from orders.imports.files import BadFile, Report, Scan, copy_cell, wrong_type
from orders.imports.registry import JsonShape, ReportType

LARGEST_DOCUMENT = 64 << 20  # characters; Amazon answers with pages of 10 MB at most
HEAD = 50  # documents among which the first record must stand
DAMAGED = "Fetch the data again: the file is cut short or damaged."


def open_report(path: Path, scanned: Scan, report_type: ReportType | None) -> Report:
    """Recognise a JSON file by the list it has. Raises BadFile when it is none of ours."""
    head = list(islice(_documents(path, scanned.encoding), HEAD))
    found = next((t for t in registry.with_json() if _fits(head, t.json)), None)
    if found is None:
        raise BadFile("unknown_report", "No known report is JSON like this.")
    if report_type and found is not report_type:
        raise wrong_type(found, report_type)
    header = tuple(column.name for column in found.columns)
    return Report(path, scanned.encoding, found, header, "\t".join(header))


def copy_rows(report: Report) -> Iterator[str]:
    """Rows in COPY's text format, as ``Report.copy_rows``."""
    shape, number = report.report_type.json, 0
    for document in _documents(report.path, report.encoding, report):
        for record in _records(document, shape):
            for cells in _rows(record, shape, number + 1):
                number += 1
                line = [str(number), *(_cell(cells.get(n, "")) for n in report.header)]
                yield "\t".join(line) + "\n"


def _cell(text: str) -> str:
    """JSON can escape what no database text has: NUL and halves of characters."""
    return copy_cell(text.replace("\0", "").encode("utf-8", "replace").decode("utf-8"))


def _rows(record: Any, shape: JsonShape, number: int) -> list[dict[str, str]]:
    """The rows of one record; one that is built otherwise than the API says is named."""
    try:
        return list(shape.rows(record))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadFile(
            "unreadable",
            f"The record before row {number} is not built as “{shape.records}” are ({error}).",
        ) from error


def _documents(path: Path, encoding: str, report: Report | None = None) -> Iterator[Any]:
    """The documents of a file: one for each line, or all of it where the first line is no whole."""
    with path.open(encoding=encoding) as stream:
        first = stream.readline(LARGEST_DOCUMENT)
        try:
            document = _parse(first)
        except ValueError:
            rest = first + stream.read(LARGEST_DOCUMENT)
            if len(rest) >= LARGEST_DOCUMENT:
                raise BadFile(
                    "too_large", "One document is larger than 64 MB: write one page on each line."
                ) from None
            yield _whole(rest, 1)
            return
        yield document
        number = 1
        while line := stream.readline(LARGEST_DOCUMENT):
            number += 1
            if report is not None:
                report.bytes_read += len(line)
            if line.strip():
                yield _whole(line, number)


def _whole(text: str, line: int) -> Any:
    try:
        return _parse(text)
    except ValueError as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise BadFile("unreadable", f"Line {at}: this is no JSON ({error}). {DAMAGED}") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no amount")


def _fits(documents: list[Any], shape: JsonShape) -> bool:
    """Whether any of the first documents has the list of records."""
    return any(_is_page(page, shape) for d in documents for page in _pages(d)) or any(
        isinstance(record, dict) and shape.sign in record
        for document in documents
        for record in (document if isinstance(document, list) else [document])
    )


def _pages(document: Any) -> Iterator[Any]:
    for page in document if isinstance(document, list) else [document]:
        yield page.get("payload", page) if isinstance(page, dict) else page


def _is_page(page: Any, shape: JsonShape) -> bool:
    return isinstance(page, dict) and isinstance(page.get(shape.records), list)


def _records(document: Any, shape: JsonShape) -> Iterator[Any]:
    """Pages are opened, records stand for themselves; a page that lists nothing has none."""
    for page in _pages(document):
        if _is_page(page, shape):
            yield from page[shape.records]
        elif isinstance(page, dict) and shape.sign in page:
            yield page
        elif page:
            raise BadFile("unreadable", f"A page lacks the list “{shape.records}”. {DAMAGED}")
