"""XML reports as rows, read as a stream. Untrusted: no DTD, no entities (defusedxml).

The "line" of an XML row is its number among the rows, for reports come on a single line.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from orders.imports import registry
from orders.imports.files import BadFile, Problem, Report, Scan, copy_cell, wrong_type
from orders.imports.registry import ReportType

DEEPEST = 40


def open_report(path: Path, scanned: Scan, report_type: ReportType | None) -> Report:
    """Recognise an XML report by its MessageType. Raises BadFile when it is none of ours."""
    message = next(
        (element.text or "" for element, _ in _elements(path) if tag_of(element) == "MessageType"),
        "",
    )
    found = registry.recognise_xml(message.strip())
    if found is None:
        raise BadFile("unknown_report", f"No known XML report has the message type “{message}”.")
    if report_type and found is not report_type:
        raise wrong_type(found, report_type)
    header = tuple(column.name for column in found.columns)
    return Report(path, scanned.encoding, found, header, "\t".join(header))


def copy_rows(report: Report) -> Iterator[str]:
    """Rows in COPY's text format, as ``Report.copy_rows``."""
    shape, number = report.report_type.xml, 0
    for element, parent in _elements(report.path):
        if tag_of(element) != shape.record:
            continue
        for cells in shape.rows(element):
            number += 1
            yield (
                "\t".join([str(number), *(copy_cell(cells.get(n, "")) for n in report.header)])
                + "\n"
            )
        if parent is not None:
            parent.remove(element)


def text_of(element: Any, tag: str) -> str:
    """The text of a child, '' when there is none."""
    found = next((child for child in element if tag_of(child) == tag), None)
    return "" if found is None else (found.text or "")


def children(element: Any, tag: str) -> list:
    """The children of one tag, whatever their namespace."""
    return [child for child in element if tag_of(child) == tag]


def tag_of(element: Any) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _elements(path: Path) -> Iterator[tuple[Any, Any]]:
    """(element, parent) as each element ends."""
    stack: list = []
    try:
        for event, element in iterparse(str(path), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                stack.append(element)
                if len(stack) > DEEPEST:
                    raise BadFile("unreadable", "The XML is nested deeper than any report.")
                continue
            stack.pop()
            yield element, stack[-1] if stack else None
    except ParseError as error:
        line, column = error.position
        remedy = "Download the report again: it is cut short or damaged."
        raise BadFile(
            "unreadable",
            f"Line {line}: this is no well-formed XML. {remedy}",
            [Problem(line, "", "", f"no well-formed XML at character {column}", remedy)],
        ) from error
    except DefusedXmlException as error:
        raise BadFile(
            "unreadable", "The XML declares entities or a DTD; no report does."
        ) from error
