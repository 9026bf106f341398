"""Who reads what is being drawn: language, time zone and moment, looked up once a list.

Django's own lookups go through asyncio-safe locals; a page of rows asks a thousand times. Inside
``reading()`` the answer is kept, outside it every call asks anew. No words and no formats here.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language


@dataclass(frozen=True)
class Reader:
    """``now`` is in UTC; ``zone`` is the zone dates are shown in."""

    language: str
    zone: dt.tzinfo
    now: dt.datetime


_kept: ContextVar[Reader | None] = ContextVar("reader", default=None)


def reader() -> Reader:
    """The reader kept by ``reading()``, else as the current thread says."""
    return _kept.get() or Reader(
        get_language() or settings.LANGUAGE_CODE,
        timezone.get_current_timezone(),
        dt.datetime.now(dt.UTC),
    )


@contextmanager
def reading() -> Iterator[None]:
    """Keep the current reader while one template is drawn."""
    token = _kept.set(reader())
    try:
        yield
    finally:
        _kept.reset(token)


def word_of(choices: Iterable[tuple[str, Any]]) -> Callable[[str], str]:
    """A template filter from a stored code to its word in the reader's language; a code that is
    not among the choices is shown as it is.
    """
    choices = tuple(choices)

    @cache
    def words(language: str) -> dict[str, str]:
        return {code: str(word) for code, word in choices}

    return lambda code: words(reader().language).get(code) or str(code)
