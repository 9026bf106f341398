"""The promises that rows can break. Each room registers its own; ``check_invariants`` recomputes.

A promise is one SQL query that returns the rows which break it, so that a violation can be named.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Promise:
    """A named promise, its sentence, and the SQL that finds rows breaking it."""

    name: str
    sentence: str
    sql: str | Callable[[], str]


_promises: dict[str, Promise] = {}


def register(*promises: Promise) -> None:
    """Add a room's promises; names are unique."""
    for promise in promises:
        _promises[promise.name] = promise


def promises() -> list[Promise]:
    """All promises in the order of their names."""
    return [_promises[name] for name in sorted(_promises)]


def violations(promise: Promise, limit: int = 5) -> tuple[int, list[dict]]:
    """How many rows break the promise, and the first of them as dictionaries."""
    sql = promise.sql() if callable(promise.sql) else promise.sql
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS broken")
        count = cursor.fetchone()[0]
        if not count:
            return 0, []
        cursor.execute(f"SELECT * FROM ({sql}) AS broken LIMIT {limit:d}")
        names = [column.name for column in cursor.description]
        return count, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
