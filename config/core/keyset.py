"""Keyset paging: a page is found by the last row seen, never by counting rows from the start.

The order is (sort column, id); the cursor is opaque and belongs to one sort. A deep page costs
what the first one costs, and rows that arrive meanwhile neither repeat nor hide others.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import F, Field, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.sql import Query
from django.db.models.sql.datastructures import Join

SIZE = 50
COUNT_CAP = 10_000


@dataclass(frozen=True)
class Page:
    """Rows of one page, with the cursors of its neighbours ("" where there is none)."""

    rows: list[dict]
    next: str = ""
    previous: str = ""


def page(rows: QuerySet, sort: str, after: str = "", before: str = "", size: int = SIZE) -> Page:
    """One page of ``rows`` (a ``.values()`` queryset with ``id`` and the sort column).

    ``sort`` is the indexed column, ``-`` in front for descending. An unreadable cursor, or one of
    another sort, shows the first page.
    """
    cursor = decode(after or before, sort, rows)
    backwards = bool(before and cursor and not after)
    found: list[dict] = []
    for part in _parts(rows, sort, cursor, backwards):
        if len(found) <= size:
            found += part[: size + 1 - len(found)]
    if backwards and len(found) <= size:
        return page(rows, sort, size=size)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    return Page(
        rows=found,
        next=encode(found[-1], sort) if found and (more or backwards) else "",
        previous=encode(found[0], sort) if found and cursor else "",
    )


def ordered(rows: QuerySet, sort: str) -> QuerySet:
    """The rows in the list's order: sort column, then id. Null counts as the smallest value, so
    newest first ends with rows without a date (index such a column as ``desc(nulls_last=True)``).
    """
    column, descending = sort.lstrip("-"), sort.startswith("-")
    if not getattr(sort_field(rows, column), "null", False):
        return rows.order_by(sort, "-id" if descending else "id")
    if descending:
        return rows.order_by(F(column).desc(nulls_last=True), "-id")
    return rows.order_by(F(column).asc(nulls_first=True), "id")


def _parts(rows: QuerySet, sort: str, cursor: tuple | None, backwards: bool) -> list[QuerySet]:
    """The rows beyond the cursor, in order. Two parts where nulls follow or precede: each is a
    plain index range, one condition with OR would not be.
    """
    column, descending = sort.lstrip("-"), sort.startswith("-") != backwards
    rows = ordered(rows, f"-{column}" if descending else column)
    if cursor is None:
        return [rows]
    value, pk = cursor
    nulls = Q(**{f"{column}__isnull": True})
    if value is None:
        beyond = rows.filter(nulls, id__lt=pk) if descending else rows.filter(nulls, id__gt=pk)
        return [beyond] if descending else [beyond, rows.exclude(nulls)]
    lookup = TupleLessThan if descending else TupleGreaterThan
    beyond = rows.filter(lookup(Tuple(F(column), F("id")), (value, pk)))
    nullable = getattr(sort_field(rows, column), "null", False)
    return [beyond, rows.filter(nulls)] if nullable and descending else [beyond]


def sort_field(rows: QuerySet, column: str) -> Field:
    """The model field (or output field of the annotation) behind a column path."""
    if column in rows.query.annotations:
        return rows.query.annotations[column].output_field
    model, field = rows.model, None
    for name in column.split("__"):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ImproperlyConfigured(f"{rows.model.__name__} has no column {column}") from error
        model = field.related_model
    return field


def encode(row: dict, sort: str) -> str:
    """The opaque cursor of a row under a sort."""
    value = row[sort.lstrip("-")]
    if isinstance(value, date):  # a datetime is a date
        value = value.isoformat()
    elif value is not None and not isinstance(value, int | str):
        value = str(value)
    text = json.dumps([sort, value, row["id"]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, sort: str, rows: QuerySet) -> tuple[Any, Any] | None:
    """(value, id) of a cursor, or None when it is missing, broken or of another sort."""
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of_sort, value, pk = json.loads(text)
        if of_sort != sort:
            return None
        pk = rows.model._meta.pk.to_python(pk)
        return sort_field(rows, sort.lstrip("-")).to_python(value), pk
    except (ValueError, TypeError, binascii.Error, ValidationError):
        return None


def countable(rows: QuerySet, cap: int = COUNT_CAP) -> QuerySet:
    """The rows to count, at most ``cap`` + 1 of them and no more joined than conditions need."""
    rows = rows.order_by().values("pk")
    _drop_unused_joins(rows.query)
    return rows[: cap + 1]


def _drop_unused_joins(query: Query) -> None:
    """Leave out joins that only fetched columns: Django keeps them when the columns go.

    Only joins to one row are dropped (they cannot change the number of rows), and none that a
    condition needs. Reaches into Django's Query; a test counts the joins.
    """
    if len(query.alias_map) < 2:
        return
    conditions = query._gen_cols([query.where], include_external=True)
    needed = {column.alias for column in conditions}
    for alias, join in reversed(query.alias_map.items()):
        if not isinstance(join, Join):
            continue
        if alias in needed or not (join.join_field.many_to_one or join.join_field.one_to_one):
            needed.add(join.parent_alias)
        else:
            query.alias_refcount[alias] = 0
