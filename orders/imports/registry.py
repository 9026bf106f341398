"""The report types the desk reads. Each room registers its own from ``AppConfig.ready``.

How another room adds a type: build a ``ReportType`` from ``Column``s, ``Check``s and a ``merge``,
and call ``register`` in ``ready``. The engine (``run.py``) does the rest:

1. finds encoding, delimiter, header and type of a file (``files.py``),
2. copies the cells as text and converts them to the kinds below into the temporary table
   ``batch.table`` (``staging.py``): ``line`` (line of the file), ``row_hash`` (md5 of the raw row)
   and one column for every ``Column.field``, whether or not the file has it (``batch.has(field)``),
3. calls ``prepare(batch)`` (may add columns to ``batch.table`` that checks and merge need),
4. turns unreadable cells and true ``Check``s into ``ImportProblem`` rows and refuses the file, or
   with ``skip_bad`` deletes the bad rows and all rows of the same ``group`` from ``batch.table``,
5. calls ``merge(batch) -> Counts`` inside the one transaction of the import, under the seller's
   lock and inside ``trail("import_report")``; afterwards identities are resolved
   (``orders.identity``) for every order that ``stubs.ensure_orders`` saw, and after commit every
   function in ``after_import`` is called with the ImportFile. One that fails is noted on the file;
   its room has a sweeper that does the same work later.

A merge is set-based SQL through ``batch.execute(sql, params)`` (returns the row count) and
``batch.rows(sql, params)``; it writes only what differs, so that the same file again writes
nothing. Unknown orders and lines become stubs::

    stubs.ensure_orders(batch, batch.table, order="order_id", marketplace="marketplace_pk",
                        currency="currency")              # then join orders_order on
    stubs.ensure_lines(batch, batch.table, order="order_id", sku="sku",     # (seller_id,
                       code="order_item_code")            #  amazon_order_id)

Staging kinds: ``text`` (trimmed, '' when blank), ``int``, ``decimal`` (numeric), ``date``,
``datetime`` (timestamptz), ``bool``; all but text are NULL when blank.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orders.imports.staging import Batch
    from orders.models import ImportFile

KINDS = ("text", "int", "decimal", "date", "datetime", "bool")


def normalise(name: str) -> str:
    """A header cell as it is compared: lower case, one hyphen for blanks, hyphens, underscores."""
    return re.sub(r"[\s_\-]+", "-", name.strip("\ufeff\" \t\r\n'").casefold()).strip("-")


@dataclass(frozen=True)
class Column:
    """One column of a report, found by its normalised header ``name`` or one of ``aliases``.

    ``required``: the header must have it. ``needed``: the cell may not be blank. ``max_length``
    (text only): longer is a problem, or is cut when ``cut`` (titles and comments; the raw row
    keeps them whole). ``field`` is the staging column, by default the name with underscores.
    """

    name: str
    kind: str = "text"
    required: bool = False
    needed: bool = False
    max_length: int = 0
    cut: bool = False
    aliases: tuple[str, ...] = ()
    field: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind}")
        object.__setattr__(self, "field", self.field or self.name.replace("-", "_"))

    @property
    def names(self) -> tuple[str, ...]:
        """The header names it answers to."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Check:
    """A rule on rows: ``sql`` is a condition over ``t`` (the staging row), true for a bad row."""

    column: str
    sql: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class XmlShape:
    """How an XML report becomes rows: its ``MessageType``, the record's tag, the row maker.

    ``rows(element)`` yields one dict (normalised column name → text) for each row.
    """

    message_type: str
    record: str
    rows: Callable[[Any], Iterator[dict[str, str]]]


@dataclass(frozen=True)
class JsonShape:
    """How a JSON file becomes rows: the list its records stand in, a key every record has.

    ``rows(record)`` yields one dict (normalised column name → text) for each row. The file is one
    document or one a line; each is a page with the list, a list of pages or a list of records.
    """

    records: str
    sign: str
    rows: Callable[[dict], Iterator[dict[str, str]]]


@dataclass(frozen=True)
class Counts:
    """Rows of the file whose facts were inserted or updated; the others changed nothing."""

    inserted: int = 0
    updated: int = 0


@dataclass(frozen=True)
class ReportType:
    """One kind of report: how it is recognised, read, checked and merged."""

    name: str
    title: str
    columns: tuple[Column, ...]
    merge: "Callable[[Batch], Counts]"
    recognise: Callable[[frozenset[str]], bool] | None = None
    checks: tuple[Check, ...] = ()
    prepare: "Callable[[Batch], None] | None" = None
    group: str = ""
    xml: XmlShape | None = None
    json: JsonShape | None = None
    # the decimal sign of a header's language, for a file in which no number tells
    implied_decimal: Callable[[frozenset[str]], str] | None = None

    @property
    def is_flat(self) -> bool:
        """Whether it is a delimited file with a header."""
        return self.xml is None and self.json is None

    def matches(self, header: frozenset[str]) -> bool:
        """Whether a header of normalised names is this report's (all required columns)."""
        if self.recognise is not None:
            return self.recognise(header)
        return not self.missing(header)

    def missing(self, header: frozenset[str]) -> list[str]:
        """Required columns a header lacks, in the report's order."""
        return [c.name for c in self.columns if c.required and header.isdisjoint(c.names)]


_types: dict[str, ReportType] = {}
after_import: "list[Callable[[ImportFile], None]]" = []


def register(report_type: ReportType) -> None:
    """Add a room's report type; a second one of the same name replaces the first."""
    _types[report_type.name] = report_type


def get(name: str) -> ReportType | None:
    """The report type of that name, ignoring case."""
    return next((t for t in _types.values() if t.name.casefold() == name.casefold()), None)


def all_types() -> list[ReportType]:
    """Every report type, by title."""
    return sorted(_types.values(), key=lambda t: t.title)


def recognise(header: frozenset[str]) -> ReportType | None:
    """The type whose required columns a header has; the most demanding one if several do."""
    found = [t for t in _types.values() if t.is_flat and t.matches(header)]
    return max(found, key=lambda t: sum(c.required for c in t.columns), default=None)


def recognise_xml(message_type: str) -> ReportType | None:
    """The type of an XML report, by its MessageType."""
    return next((t for t in _types.values() if t.xml and t.xml.message_type == message_type), None)


def with_json() -> list[ReportType]:
    """The types that are read from JSON."""
    return [t for t in _types.values() if t.json]
