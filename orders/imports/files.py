"""From bytes to rows: encoding, delimiter, quoting, preamble and header of a delimited report.

Columns are found by name. XML is in ``xmlfile.py``; what a cell means is in ``kinds.py``. Memory
stays flat: a file is read twice in blocks (hash and encoding, then rows).
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.core.refused import Refused
from orders.imports import registry
from orders.imports.registry import ReportType, normalise

BLOCK = 1 << 20
LONGEST_LINE = 1 << 20  # characters; a report's line has a few hundred
WIDEST = 500  # columns; the widest report has some 70, a table takes 1600
PREAMBLE = 40  # lines in which the header must stand
LARGEST = 2 << 30  # bytes
KEPT = 10_000  # problems kept of one file
DELIMITERS = ("\t", ",", ";", "|")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP or Excel",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "Excel",
}
JAPANESE = (b"Amazon.co.jp", b"amazon.co.jp", b"\tJPY\t", b",JPY,", b'"JPY"')
MOJIBAKE = re.compile(
    "[ÃÂ][\u0080-\u00bf\u0152\u2018-\u201d\u2030\u20ac\u2122]|â€|ã[\u0080\u0192]|\ufffd"
)
SUSPICIOUS = ("Ã", "Â", "â€", "ã", "\ufffd")  # searched first: it is quicker
BLANKS = ("\t ", " \t", " \n", "\n ", "\u00a0")
AS_IS = "Import the file as Amazon wrote it; a spreadsheet program changes it when saving."


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one cell or line of a file, and what to do about it."""

    line: int
    column: str
    value: str
    problem: str
    remedy: str


class BadFile(Refused):
    """The file as a whole, or lines of it, cannot be imported; nothing was.

    ``problems`` are the lines to show, ``import_file`` the record of the attempt once there is one.
    """

    def __init__(self, code: str, sentence: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(code, sentence)
        self.problems = list(problems)
        self.import_file = None


@dataclass
class Report:
    """A file whose type, encoding and header are known, ready to be read row by row."""

    path: Path
    encoding: str
    report_type: ReportType
    header: tuple[str, ...]
    raw_header: str = ""
    header_line: int = 0
    delimiter: str = "\t"
    quoted: bool = False
    wrapped: bool = False
    problems: list[Problem] = field(default_factory=list)
    bad_groups: set[str] = field(default_factory=set)  # orders of lines that became no row
    notes: list[str] = field(default_factory=list)
    bytes_read: int = 0
    trim: bool = True  # cells may begin or end with blanks
    surplus: int | None = None  # blank cells that every line has beyond the header's

    def bad(self, line: int, column: str, value: str, problem: str, remedy: str = AS_IS) -> None:
        """Keep a problem of a line that cannot become a row."""
        if len(self.problems) < KEPT:
            self.problems.append(Problem(line, column, value[:200], problem, remedy))

    def copy_rows(self) -> Iterator[str]:
        """Rows in COPY's text format: line number and every cell of the header, tab-separated."""
        if self.report_type.xml:
            from orders.imports import xmlfile

            return xmlfile.copy_rows(self)
        if self.report_type.json:
            from orders.imports import jsonfile

            return jsonfile.copy_rows(self)
        return self._quoted_rows() if self.quoted else self._plain_rows()

    def _plain_rows(self) -> Iterator[str]:
        """Amazon's flat files: no quoting, so a line is a row as it stands."""
        tabs = len(self.header) - 1
        self.trim = False  # until a block shows otherwise
        for first, lines in numbered_blocks(self):
            for number, line in enumerate(lines, first):
                if number <= self.header_line or not line.strip():
                    continue
                row: str | None = line
                if self.surplus is None or line.count("\t") != tabs or "\0" in line:
                    row = self._repaired(number, line.split("\t"), last=len(lines) == 1)
                if row is not None:
                    yield f"{number}\t{row}\n"

    def _quoted_rows(self) -> Iterator[str]:
        """CSV: cells may be quoted and hold delimiters and line breaks."""
        source = (line + "\n" for _, lines in numbered_blocks(self, escape=False) for line in lines)
        reader = csv.reader(source, delimiter=self.delimiter)
        number = 1
        try:
            for row in reader:
                cells, start, number = row, number, reader.line_num + 1
                if start <= self.header_line or not any(map(str.strip, cells)):
                    continue
                if self.wrapped and len(cells) == 1:
                    cells = next(csv.reader(cells, delimiter=self.delimiter))
                line = self._repaired(start, [copy_cell(cell) for cell in cells])
                if line is not None:
                    yield f"{start}\t{line}\n"
        except csv.Error as error:
            raise BadFile(
                "unreadable",
                f"Line {number}: the quotes do not match ({error}). {AS_IS}",
                [Problem(number, "", "", "a quote is opened and never closed", AS_IS)],
            ) from error

    def _repaired(self, number: int, cells: list[str], *, last: bool = False) -> str | None:
        """A row with blank cells too many or too few; None (and a problem) for anything worse."""
        width = len(self.header)
        if any("\0" in cell for cell in cells):
            self.bad(number, "", "", "the line holds NUL characters, which no text has")
            return None
        if self.surplus is None:  # a report may end every line with a delimiter
            blank = len(cells) > width and not any(cell.strip() for cell in cells[width:])
            self.surplus = len(cells) - width if blank else 0
        if self.surplus and len(cells) == width + self.surplus and not cells[-1].strip():
            cells = cells[:width]
        needed = max((self.header.index(n) for n in self._required()), default=0)
        if len(cells) == width or (needed < len(cells) < width and not last):
            return "\t".join(cells + [""] * (width - len(cells)))
        group = [n for n, name in enumerate(self.header) if name in self._group_names()]
        self.bad_groups.update(cells[n].strip() for n in group if n < len(cells))
        self.bad(number, "", "", f"the line has {len(cells)} cells, the header {width}")
        return None

    def _group_names(self) -> tuple[str, ...]:
        group = self.report_type.group
        return next((c.names for c in self.report_type.columns if group and c.field == group), ())

    def _required(self) -> Iterator[str]:
        for column in self.report_type.columns:
            if column.required:
                yield next(name for name in self.header if name in column.names)


def copy_cell(cell: str) -> str:
    """One cell in COPY's text format."""
    if "\\" in cell:
        cell = cell.replace("\\", "\\\\")
    return cell.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def numbered_blocks(report: Report, *, escape: bool = True) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, lines) for each block; backslashes doubled as COPY wants them."""
    number = 1
    for plain in blocks(report.path, report.encoding, report):
        lines = plain
        text = "\n".join(lines)
        report.trim = report.trim or any(sign in text for sign in BLANKS)
        if not report.notes and any(sign in text for sign in SUSPICIOUS):
            _note_mojibake(report, number, text)
        if escape and "\\" in text:
            lines = [line.replace("\\", "\\\\") for line in lines]
        yield number, lines
        number += len(lines)


def _note_mojibake(report: Report, number: int, text: str) -> None:
    if found := MOJIBAKE.search(text):
        at = number + text.count("\n", 0, found.start())
        around = text[max(0, found.start() - 8) : found.end() + 8].strip()
        report.notes.append(
            f"Line {at}: “{around}” looks like text read in the wrong encoding; the file was read"
            f" as {report.encoding}."
        )


def blocks(path: Path, encoding: str, report: Report | None = None) -> Iterator[list[str]]:
    """The file's lines in blocks, without line ends; \\r\\n, \\n and \\r all end a line."""
    rest = ""
    with path.open(encoding=encoding, newline=None) as stream:
        while text := stream.read(BLOCK):
            if report is not None:
                report.bytes_read = stream.buffer.tell()
            lines = (rest + text).split("\n")
            rest = lines.pop()
            if len(rest) > LONGEST_LINE:
                raise BadFile("unreadable", "A line is longer than a million characters. " + AS_IS)
            if lines:
                yield lines
    if rest:
        yield [rest]


@dataclass(frozen=True)
class Scan:
    """What one pass over the bytes tells: size in bytes, SHA-256, encoding."""

    size: int
    sha256: str
    encoding: str
    is_xml: bool
    is_json: bool = False


def scan(path: Path, *, japanese: bool = False) -> Scan:
    """Hash the file and choose its encoding: BOM, strict UTF-8, cp932 for Japan, else cp1252.

    Raises BadFile for an empty, packed, binary or undecodable file.
    """
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")("strict")
    size, is_utf8, start = 0, True, b""
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            start = start or block[:400]
            size += len(block)
            digest.update(block)
            japanese = japanese or any(sign in block for sign in JAPANESE)
            if is_utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    _refuse_what_is_no_text(start, size)
    bom = next((encoding for mark, encoding in BOMS if start.startswith(mark)), None)
    encoding = bom or ("utf-8" if is_utf8 else "cp932" if japanese else "cp1252")
    if encoding not in ("utf-8", "utf-8-sig") or (bom and not is_utf8):
        _prove(path, encoding)
    text = start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    return Scan(
        size, digest.hexdigest(), encoding, text.startswith("<"), text.startswith(("{", "["))
    )


def _refuse_what_is_no_text(start: bytes, size: int) -> None:
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise BadFile("empty", "The file is empty. Download the report again.")
    if size > LARGEST:
        raise BadFile("too_large", "The file is larger than 2 GB. Ask for shorter periods.")
    for sign, kind in PACKED.items():
        if start.startswith(sign):
            raise BadFile("packed", f"This is a {kind} file. Unpack it, or save it as text, first.")


def _prove(path: Path, encoding: str) -> None:
    """Read the file once in that encoding: better refused now than wrong later."""
    try:
        for _ in blocks(path, encoding):
            pass
    except UnicodeError as error:
        raise BadFile(
            "encoding",
            f"The file is neither UTF-8 nor {encoding}. Give the marketplace if it is Japan's, "
            "or download the report again.",
        ) from error


@dataclass(frozen=True)
class _Header:
    line: int
    raw: str
    delimiter: str
    cells: tuple[str, ...]
    quoted: bool
    wrapped: bool

    @property
    def names(self) -> frozenset[str]:
        return frozenset(filter(None, self.cells))


def open_report(path: Path, scanned: Scan, report_type: ReportType | None = None) -> Report:
    """Find the header and with it the type of a file. Raises BadFile when there is none.

    ``report_type`` is the one that was asked for; a file of another type is refused.
    """
    if scanned.is_xml:
        from orders.imports import xmlfile

        return xmlfile.open_report(path, scanned, report_type)
    if scanned.is_json:
        from orders.imports import jsonfile

        return jsonfile.open_report(path, scanned, report_type)
    candidates = list(_candidates(path, scanned.encoding))
    for header in candidates:
        found = registry.recognise(header.names)
        if report_type and report_type.is_flat and not report_type.missing(header.names):
            found = report_type
        if found is None:
            continue
        if report_type and found is not report_type:
            raise wrong_type(found, report_type)
        _refuse_doubled(found, header)
        if len(header.cells) > WIDEST:
            raise BadFile("columns", f"The header has more than {WIDEST} columns. {AS_IS}")
        return Report(
            path, scanned.encoding, found, header.cells, header.raw, header.line,
            header.delimiter, header.quoted, header.wrapped,
        )  # fmt: skip
    raise _unknown(candidates, report_type)


def wrong_type(found: ReportType, asked: ReportType) -> BadFile:
    """The refusal of a report that is another one than was asked for."""
    return BadFile(
        "wrong_type", f"This is “{found.title}” ({found.name}), not “{asked.title}” as asked for."
    )


def _candidates(path: Path, encoding: str) -> Iterator[_Header]:
    lines = []
    for block in blocks(path, encoding):
        lines += block[:PREAMBLE]
        break
    for number, line in enumerate(lines[:PREAMBLE], 1):
        for delimiter in DELIMITERS:
            if delimiter in line:
                with suppress(csv.Error):  # such as a cell longer than any header
                    yield _parse_header(number, line, delimiter)


def _parse_header(number: int, line: str, delimiter: str) -> _Header:
    # only a tab file can do without quotes; header cells in quotes say that it does not
    quoted = delimiter != "\t" or line.lstrip("\ufeff").startswith('"')
    cells = next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter)) if quoted else []
    wrapped = quoted and len(cells) == 1 and delimiter in cells[0]
    if wrapped:
        cells = next(csv.reader(cells, delimiter=delimiter))
    cells = cells if quoted else line.split(delimiter)
    return _Header(number, line, delimiter, tuple(map(normalise, cells)), quoted, wrapped)


def _refuse_doubled(found: ReportType, header: _Header) -> None:
    for column in found.columns:
        times = [name for name in header.cells if name in column.names]
        if len(times) > 1 and len(set(times)) < len(times):
            raise BadFile(
                "columns",
                f"The column {column.name} stands twice in the header. {AS_IS}",
                [Problem(header.line, column.name, "", "the column stands twice", AS_IS)],
            )


def _unknown(candidates: list[_Header], asked: ReportType | None) -> BadFile:
    """The sentence for a header that no type recognises: the nearest type and what it lacks."""
    types = [asked] if asked else [t for t in registry.all_types() if t.is_flat]
    near = max(
        ((header, t) for header in candidates for t in types),
        key=lambda pair: _share(pair[1], pair[0].names),
        default=None,
    )
    if near is None or (_share(near[1], near[0].names) < 0.5 and not asked):
        names = ", ".join(t.title for t in registry.all_types())
        return BadFile("unknown_report", f"No known report has such a header. Known are: {names}.")
    header, found = near
    missing = found.missing(header.names)
    sentence = f"“{found.title}” needs the column{'s' if len(missing) > 1 else ''} "
    return BadFile(
        "columns",
        sentence + ", ".join(missing) + ", which the file does not have. " + AS_IS,
        [Problem(header.line, name, "", "the column is missing", AS_IS) for name in missing],
    )


def _share(found: ReportType, names: frozenset[str]) -> float:
    """How much of a type's columns a header has."""
    return sum(not names.isdisjoint(c.names) for c in found.columns) / len(found.columns)
