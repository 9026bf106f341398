"""The trail's context: which verb, by whom, why, in which request.

Row-level triggers (django-pghistory) write the rows; what is set here reaches them as a setting
local to the transaction, so that COPY, functions and raw SQL carry it too. Reading the trail is
in ``models/trail.py``.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pghistory
from django.db import connections, models, transaction

request_id: ContextVar[str] = ContextVar("request_id", default="")
_current: ContextVar[tuple[str, str] | None] = ContextVar("trail_context", default=None)

# pgtrigger asks its own setting in each trigger and catches the error where there is none; each
# such error walks all deferred checks of the transaction, which made bulk writes quadratic.
_SET = (
    "SELECT set_config('pghistory.context_id', %s, true),"
    " set_config('pghistory.context_metadata', %s, true), set_config('pgtrigger.ignore',"
    " coalesce(nullif(current_setting('pgtrigger.ignore', true), ''), '{}'), true)"
)


def tracked(*, exclude: tuple[str, ...] = ()) -> Any:
    """Record every insert, update and delete of a model in the trail.

    ``exclude`` names columns the trail must not hold: personal data and derived text.
    """
    return pghistory.track(
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(),
        pghistory.DeleteEvent(),
        exclude=list(exclude),
        meta={"indexes": [models.Index(fields=["pgh_created_at"])]},
    )


@contextmanager
def trail(verb: str, *, by: Any, reason: str = "", using: str = "default") -> Iterator[str]:
    """Run the block in one transaction whose trail rows say ``verb``, who, why and which request.

    Nested contexts are restored on exit, so a later write of the outer verb is not attributed to
    the inner one. Yields the context id (a UUID as text).
    """
    context_id = str(uuid.uuid4())
    metadata = {
        "verb": verb,
        "by": by.pk,
        "name": by.get_username(),
        "reason": reason,
        "request_id": request_id.get(),
    }
    mine = (context_id, json.dumps(metadata))
    outer = _current.get()
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        _apply(mine, using)
        token = _current.set(mine)
        try:
            yield context_id
        finally:
            _current.reset(token)
        if nested:
            _apply(outer or ("", ""), using)


def current_actor() -> int | None:
    """Id of whoever the current context names as acting; None outside of a context."""
    current = _current.get()
    return json.loads(current[1])["by"] if current else None


def current_verb() -> str:
    """The verb of the current context, the innermost; empty outside of a context."""
    current = _current.get()
    return json.loads(current[1])["verb"] if current else ""


def _apply(context: tuple[str, str], using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(_SET, context)
