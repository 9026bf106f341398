"""XML reports as rows, read as a stream. Untrusted: no DTD, no entities (defusedxml).

The "line" of an XML row is its number among the rows, for reports come on a single line.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from orders.imports import registry
from orders.imports.files import BadFile, Problem, Report, Scan, copy_cell, wrong_type
from orders.imports.registry import ReportType

DEEPEST = 40
HEAD = 1000  # elements among which the message type must stand
MOST = 10_000  # elements that one row may have


def open_report(path: Path, scanned: Scan, report_type: ReportType | None) -> Report:
    """Recognise an XML report by its MessageType. Raises BadFile when it is none of ours."""
    head = islice(_elements(path), HEAD)
    message = next((e.text or "" for e in head if tag_of(e) == "MessageType"), "")
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
    for element in _elements(report.path, shape.record):
        if tag_of(element) != shape.record:
            continue
        for cells in shape.rows(element):
            number += 1
            yield (
                "\t".join([str(number), *(copy_cell(cells.get(n, "")) for n in report.header)])
                + "\n"
            )


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


def _elements(path: Path, record: str = "") -> Iterator[Any]:
    """Elements as each one ends; what is over and no part of a record is let go."""
    stack: list = []
    inside = kept = 0  # depth of the record that is open, and how many elements it has
    try:
        with path.open("rb") as stream:
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    stack.append(element)
                    if not inside and tag_of(element) == record:
                        inside, kept = len(stack), 0
                    kept += 1
                    if len(stack) > DEEPEST or (inside and kept > MOST):
                        raise BadFile(
                            "unreadable",
                            "The XML is deeper, or a row of it larger, than any report.",
                        )
                    continue
                stack.pop()
                yield element
                if len(stack) < inside:
                    inside = 0
                if stack and not inside:
                    stack[-1].remove(element)
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
    except (LookupError, ValueError) as error:  # of an encoding that the parser does not know
        raise BadFile("encoding", f"The XML cannot be read: {error}. Save it as UTF-8.") from error
