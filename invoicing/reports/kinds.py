"""What reports there are: each kind names its columns, formats, permission and choices, and fills
one temporary table. How a run is made and kept is in ``runs.py``, how files are written in
``files.py``. A room above registers its own kind when its app is ready.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from config.core.refused import Refused
from orders.models import Marketplace, Seller

PERMISSION = "invoicing.run_report"
WRITABLE = ("csv", "xlsx", "pdf")


@dataclass(frozen=True)
class Column:
    """A column of a file: key in the temporary table, header, and what it holds.

    ``kind``: text, word (text that Retour itself makes: none starts a formula, none is guarded),
    money (in the row's ``currency``), exact (a number as it is), rate (a fraction), date, or count.
    """

    key: str
    header: str
    kind: str = "text"


@dataclass(frozen=True)
class Choice:
    """Something the person chooses for a kind beside period, seller and marketplace."""

    key: str
    label: Any
    values: tuple[tuple[str, Any], ...]
    default: str


@dataclass(frozen=True)
class Scope:
    """What a run covers: posted dates, both included; every seller unless one is named; and what
    was chosen of the kind's own choices.
    """

    date_from: date
    date_to: date
    seller: Seller | None = None
    marketplace: Marketplace | None = None
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Any]:
        """The values of the SELECTs."""
        return {
            "from": self.date_from,
            "to": self.date_to,
            "seller": self.seller and self.seller.pk,
            "marketplace": self.marketplace and self.marketplace.pk,
        }

    @property
    def suffix(self) -> str:
        """The part of a file's name that says what is in it."""
        parts = [self.date_from.isoformat(), self.date_to.isoformat()]
        parts += [one.code.lower() for one in (self.seller, self.marketplace) if one]
        return "-".join([*parts, *self.chosen.values()])


@dataclass(frozen=True)
class Kind:
    """A kind of report.

    ``fill(cursor, scope)`` creates the temporary table ``table`` inside the run's snapshot;
    ``order`` is its ORDER BY; ``totals`` a SELECT on it whose columns are ``total_columns``.
    ``check(scope)`` raises Refused where the kind cannot cover the scope. ``write_csv(cursor,
    path, scope, tick)`` replaces the plain CSV for a format with a shape of its own.
    ``counted``: each row is in one of the totals, whose ``rows`` say how many; else count them.
    ``links`` says where cells of a row (key → text) lead, by key; its refund leads to why anyway.
    """

    key: str
    label: Any
    description: Any
    stem: str
    table: str
    fill: Callable[[Any, Scope], None]
    columns: tuple[Column, ...]
    order: str
    totals: str
    total_columns: tuple[Column, ...]
    formats: tuple[str, ...] = WRITABLE
    permission: str = PERMISSION
    needs_seller: bool = False
    counted: bool = False
    choices: tuple[Choice, ...] = ()
    check: Callable[[Scope], None] | None = None
    write_csv: Callable[..., None] | None = None
    exceptions: str = ""  # WHERE of the rows somebody should look at, for the PDF
    links: Callable[[dict[str, str]], dict[str, str]] | None = None
    printed: tuple[str, ...] = ()  # keys of the columns that fit on the PDF's page

    @property
    def on_paper(self) -> tuple[Column, ...]:
        """The columns of the PDF's rows."""
        return tuple(one for one in self.columns if one.key in self.printed) or self.columns

    @property
    def has_money(self) -> bool:
        """Whether rows have amounts in their ``currency``; ``order`` then begins with it."""
        return any(column.kind == "money" for column in self.columns)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Offer a kind of report; its key is one of ``ReportRun.Kind``."""
    _kinds[kind.key] = kind


def every() -> tuple[Kind, ...]:
    """All kinds in the order they were registered."""
    return tuple(_kinds.values())


def open_to(user: Any) -> tuple[Kind, ...]:
    """The kinds a person may run."""
    return tuple(kind for kind in every() if user.has_perm(kind.permission))


def named(key: str) -> Kind:
    """The kind of this key. Raises Refused("kind") where there is none."""
    if key not in _kinds:
        known = ", ".join(_kinds)
        raise Refused("kind", _("There is no report %(key)s; choose one of %(known)s.")
                      % {"key": key, "known": known})  # fmt: skip
    return _kinds[key]
