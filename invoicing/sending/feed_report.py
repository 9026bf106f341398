"""Reading Amazon's processing report of a feed: which messages it accepted, which not, and why.

Pure. Both forms, flat (by record) and XML (by message). A report is believed only where its own
counts tie: what it does not say clearly is not known, and never taken for paid or unpaid.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from lxml import etree  # type: ignore[import-untyped]

SAFE = {"resolve_entities": False, "no_network": True}
LONGEST = 300  # characters kept of one error


class Unclear(ValueError):
    """A report that cannot be believed; the sentence says why."""


@dataclass(frozen=True)
class Report:
    """What Amazon did: how many messages it processed and the error of each it refused."""

    processed: int
    successful: int
    errors: Mapping[int, str] = field(default_factory=dict)

    def outcome(self, first: int, last: int) -> tuple[str, str]:
        """``("accepted" | "refused" | "partly", sentence)`` of the messages first to last."""
        wrong = [number for number in range(first, last + 1) if number in self.errors]
        sentence = " ".join(dict.fromkeys(self.errors[number] for number in wrong))
        if not wrong:
            return "accepted", ""
        if len(wrong) == last - first + 1:
            return "refused", sentence
        return "partly", f"Amazon took {last - first + 1 - len(wrong)} of its lines. {sentence}"


def read_report(content: bytes, messages: int) -> Report:
    """The report of a feed with so many messages. Raises ``Unclear`` where it does not tie."""
    text = _decode(content)
    report = _xml(content) if text.lstrip().startswith("<") else _flat(text)
    refused = len(report.errors)
    if report.processed != messages:
        raise Unclear(
            f"Amazon's report speaks of {report.processed} messages, the file held {messages}."
        )
    if report.successful + refused != report.processed:
        raise Unclear(
            f"Amazon's report says {report.successful} of {report.processed} succeeded, but names "
            f"{refused} that did not."
        )
    if outside := [number for number in report.errors if not 1 <= number <= messages]:
        raise Unclear(f"Amazon's report names message {outside[0]}, which the file did not hold.")
    return report


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unclear("Amazon's report cannot be read.")  # pragma: no cover latin-1 reads everything


# --- Flat ----------------------------------------------------------------------------------------
_COUNT = re.compile(r"^\s*Number of records (processed|successful)\s+(\d+)\s*$", re.MULTILINE)


def _flat(text: str) -> Report:
    counts = {name: int(number) for name, number in _COUNT.findall(text)}
    if counts.keys() != {"processed", "successful"}:
        raise Unclear("Amazon's answer is not a processing report.")
    lines = text.splitlines()
    heads = [at for at, line in enumerate(lines) if line.startswith("original-record-number")]
    errors: dict[int, str] = {}
    if heads:
        rows = io.StringIO("\n".join(lines[heads[0] :]))
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["original-record-number"] and (row.get("error-type") or "") != "Warning":
                _add(errors, row["original-record-number"], row.get("error-message"))
    return Report(counts["processed"], counts["successful"], errors)


# --- XML -----------------------------------------------------------------------------------------
def _xml(content: bytes) -> Report:
    try:
        root = etree.fromstring(content.strip(), etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise Unclear("Amazon's report breaks off or is not XML.") from error
    report = root if root.tag == "ProcessingReport" else root.find(".//ProcessingReport")
    if report is None or report.find("ProcessingSummary") is None:
        raise Unclear("Amazon's answer is not a processing report.")
    if (status := report.findtext("StatusCode", "").strip()) not in ("", "Complete"):
        raise Unclear(f"Amazon's report is not complete ({status[:40]}).")
    errors: dict[int, str] = {}
    for result in report.findall("Result"):
        if result.findtext("ResultCode", "").strip() != "Warning":
            _add(errors, result.findtext("MessageID"), result.findtext("ResultDescription"))
    return Report(_count(report, "MessagesProcessed"), _count(report, "MessagesSuccessful"), errors)


def _count(report: etree._Element, name: str) -> int:
    return _number(report.findtext(f"ProcessingSummary/{name}"))


def _add(errors: dict[int, str], number: str | None, sentence: str | None) -> None:
    said = " ".join((sentence or "Amazon gave no reason.").split())[:LONGEST]
    place = _number(number)
    errors[place] = f"{errors[place]} {said}" if place in errors else said


def _number(text: str | None) -> int:
    try:
        number = Decimal((text or "").strip())
    except InvalidOperation as error:
        raise Unclear("A number of Amazon's report cannot be read.") from error
    if number != int(number) or number < 0:
        raise Unclear("A number of Amazon's report is not a count.")
    return int(number)
