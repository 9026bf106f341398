"""Brings the rows of matches up to date: all of some sellers, or those of changed refunds.

Set-based and repeatable; writes only what changed, so a second run writes nothing. The sentences
are data and what people said stays; the comparison itself is in ``sql.py``.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import structlog
from django.db import OperationalError, connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import current_actor, trail
from invoicing import refund_row
from invoicing.fx import STALE_AFTER
from invoicing.matches import rules, sql
from invoicing.models import Refund
from invoicing.models.match import Cause, Result
from invoicing.particulars import EURO_SINCE, national_currency
from invoicing.payload import iso_country
from orders.models import Seller

log = structlog.get_logger(__name__)
LOCK = 0x3A7C4E5  # one refresh at a time; a second one waits and finds nothing to write
TRIES = 3
# Shorter than a deadlock is looked for: where a verb holds a row, the refresh is who gives way.
PATIENCE = "500ms"
MANY = 500  # refunds from which on a comparison is planned for many
JUST_ISSUED = timedelta(minutes=10)  # every minute looks back; the hourly comparison sees the rest
AT_ONCE = 1000
_above = [sql.NOTHING_ABOVE]


@dataclass(frozen=True)
class Refreshed:
    """Rows that were written, and how many of them stand as exceptions."""

    written: int = 0
    opened: int = 0


def add_above(select: str) -> None:
    """Let the room above say what it knows of refunds; the columns are in ``sql.returns``."""
    _above[0] = select


def refresh(seller_ids: list[int] | None = None) -> Refreshed:
    """Compare everything of the sellers (None: of all) and write what changed, as the system.

    Gives way to verbs that hold a row and tries again; returns what was written.
    """
    for left in reversed(range(TRIES)):
        try:
            return _refresh(seller_ids)
        except OperationalError as error:
            if not left or connection.in_atomic_block:
                raise
            log.info("matches_gave_way", error=type(error).__name__)
    raise AssertionError("unreachable")


def refresh_refunds(refund_ids: Iterable[int]) -> Refreshed:
    """Compare some refunds again, in the caller's transaction: their rows are locked by it."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CONCERNED, {"refunds": sorted(refund_ids)})
        found = [pk for (pk,) in cursor.fetchall()]
        if not found:
            return Refreshed()
        values = _values(None, found)
        if current_actor():
            return _compare(cursor, len(found), values)
    with trail("refresh_matches", by=User.objects.system()), connection.cursor() as cursor:
        return _compare(cursor, len(found), values)


def refresh_issued() -> int:
    """Compare again what waited for a credit note that was issued a moment ago; how many refunds.

    Issuing holds the document, not the refund, so it cannot do this itself.
    """
    waited = Refund.objects.filter(
        match__result=Result.OPEN,
        match__cause=Cause.CREDIT_NOTE,
        document__issued_at__gte=timezone.now() - JUST_ISSUED,
    )
    keys = list(waited.order_by("pk").values_list("key", flat=True)[:AT_ONCE])
    if not keys:
        return 0
    with trail("refresh_matches", by=User.objects.system()):
        refresh_refunds([refund.pk for refund in refund_row.by_keys(keys)])
    return len(keys)


def refresh_money(seller_ids: list[int] | None) -> None:
    """Compare only the money no refund stands for, in the caller's transaction and trail."""
    values = _values(seller_ids, None)
    with connection.cursor() as cursor:
        _write(cursor, [sql.MONEY], values)
        cursor.execute(sql.MONEY_SETTLED, values)


def follow(refund_ids: list[int]) -> None:
    """Refunds changed: compare them again in the same transaction."""
    refresh_refunds(refund_ids)


def _refresh(seller_ids: list[int] | None) -> Refreshed:
    values = _values(seller_ids, None)
    with trail("refresh_matches", by=User.objects.system()), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        with _in_sets(cursor):
            done = _write(cursor, [sql.returns(_above[0]), sql.MONEY], values)
        cursor.execute(sql.MONEY_SETTLED, values)
        settled = cursor.rowcount
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    return Refreshed(done.written + settled, done.opened)


def _compare(cursor, count: int, values: dict) -> Refreshed:
    if count < MANY:
        return _write(cursor, [sql.returns(_above[0])], values)
    with _in_sets(cursor):
        return _write(cursor, [sql.returns(_above[0])], values)


@contextmanager
def _in_sets(cursor) -> Iterator[None]:
    """Plan for many rows whatever the statistics say: right after an import they still know of none
    of its rows, and each refund would be held against each money of the others."""
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop = DEFAULT")


def _write(cursor, statements: list[str], values: dict) -> Refreshed:
    written = opened = 0
    for statement in statements:
        cursor.execute(statement, values)
        one, other = cursor.fetchone()
        written, opened = written + one, opened + other
    return Refreshed(written, opened)


def _values(seller_ids: list[int] | None, refund_ids: list[int] | None) -> dict:
    now = timezone.now()
    return {
        "sellers": seller_ids,
        "refunds": refund_ids,
        "now": now,
        "today": now.date(),
        "tolerance": Decimal(0),
        "grace_days": rules.GRACE_DAYS,
        "cycle_days": rules.CYCLE_DAYS,
        "goods_days": rules.GOODS_DAYS,
        "twin_days": rules.TWIN_DAYS,
        "stale_days": STALE_AFTER.days,
        "sentences": json.dumps(rules.SENTENCES),
        **_homes(seller_ids, now.date()),
    }


def _homes(seller_ids: list[int] | None, today: date) -> dict:
    """The currency each seller books in: now, and before its country had the euro."""
    sellers = Seller.objects.filter(pk__in=seller_ids) if seller_ids else Seller.objects.all()
    known = [(pk, iso_country(country)) for pk, country in sellers.values_list("pk", "country")]
    return {
        "home_sellers": [pk for pk, _country in known],
        "home_before": [EURO_SINCE.get(country, ("", None))[0] for _pk, country in known],
        "home_since": [EURO_SINCE.get(country, ("", date.min))[1] for _pk, country in known],
        "home_now": [national_currency(country, today, "") for _pk, country in known],
    }
