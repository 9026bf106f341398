"""Months of the ledger: which one takes a booking, what stands in the way of closing one, close
and reopen.

A month is of one seller on one marketplace and counts posted dates in the marketplace's zone.
Closed months have no gaps: what comes later for them is booked in the first open one. The database
refuses bookings in a closed month (``models/ledger.py``).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing.ledger import closing_sql, fx_loss, posting, posting_sql
from invoicing.models import Match, Period, Refund
from invoicing.models.match import Result
from invoicing.refund_row import need_reason
from invoicing.states import RefundState
from orders.models import Marketplace, Seller

SHOWN = 5
COMPARED = (RefundState.SENT, RefundState.CONFIRMED)
IN_HAND = (RefundState.SENDING, RefundState.UNKNOWN)


@dataclass(frozen=True)
class Blocker:
    """Why a month cannot be closed yet: how many rows stand in the way, the first with links.

    ``rows`` are (label, address) of at most `SHOWN` of them.
    """

    code: str
    sentence: str
    count: int = 1
    rows: tuple[tuple[str, str], ...] = ()


def period_for(seller: Seller, marketplace: Marketplace | None, day: date) -> Period:
    """The month a booking of this day belongs to, made if it is missing: the day's own, or the
    first after the closed ones.
    """
    months = Period.objects.filter(seller=seller, marketplace=marketplace)
    with connection.cursor() as cursor:
        wanted = (seller.pk, marketplace.pk if marketplace else None, day.replace(day=1))
        posting.open_periods(cursor, [wanted])
    open_ones = months.filter(state=Period.State.OPEN, month__gte=wanted[2])
    return open_ones.order_by("month")[0]


def last_day(period: Period) -> date:
    """The last day of a month."""
    return _next(period.month) - timedelta(days=1)


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


# --- What stands in the way ----------------------------------------------------------------------


def check(period: Period) -> list[Blocker]:
    """Everything that must be done before this month can be closed; empty: it can be.

    A month is ready when it is over, all before it are closed, everything is booked, and whatever
    counts for it ties or was explained by a person.
    """
    return [*_changing(period), *filter(None, _not_booked(period))]


def _changing(period: Period) -> list[Blocker]:
    """What verbs can change from one moment to the next: looked at again under the lock. They
    book what they do themselves, so that what is not booked does not grow.
    """
    found = (
        _not_over(period),
        _earlier(period),
        _in_hand(period),
        _not_compared(period),
        _money_not_compared(period),
        _exceptions(period),
    )
    return [blocker for blocker in found if blocker]


def _not_over(period: Period) -> Blocker | None:
    place = period.marketplace or period.seller
    today = timezone.now().astimezone(ZoneInfo(place.time_zone)).date()
    if today > last_day(period):
        return None
    return Blocker("not_over", _("The month is not over on this marketplace."))


def _earlier(period: Period) -> Blocker | None:
    earlier = _months(period).filter(state=Period.State.OPEN, month__lt=period.month)
    sentence = _("Earlier months are closed first.")
    rows = [(f"{row.month:%Y-%m}", f"/periods/{row.pk}/") for row in earlier.order_by("month")]
    return _blocker("earlier", sentence, rows)


def _not_booked(period: Period) -> Iterable[Blocker | None]:
    """Refunds that are not in the ledger, and those whose exchange rate is missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            closing_sql.MISSING,
            {
                "now": timezone.now(),
                "seller": period.seller_id,
                "marketplace": period.marketplace_id,
                "until": _next(period.month),
            },
        )
        rows = cursor.fetchall()
    losses = fx_loss.losses([pk for pk, _key, missing in rows if not missing])
    unknown = {pk for pk, loss in losses.items() if loss.loss is None}
    unbooked = {pk for pk, _key, missing in rows if missing}
    unbooked |= {pk for pk, loss in losses.items() if loss.loss}
    explained = Match.objects.filter(refund__in=unknown, result=Result.EXPLAINED)
    unknown -= set(explained.values_list("refund_id", flat=True))
    keys = {pk: key for pk, key, _missing in rows}
    yield _blocker(
        "not_booked",
        _("These refunds are not in the ledger yet; Retour books them within the hour."),
        [_refund(keys[pk]) for pk in sorted(unbooked)],
    )
    yield _blocker(
        "rates",
        _("The exchange difference of these refunds needs rates: read the bank's file."),
        [_refund(keys[pk]) for pk in sorted(unknown)],
    )


def _refund(key: object) -> tuple[str, str]:
    return str(key)[:8], f"/refunds/{key}/"


def _in_hand(period: Period) -> Blocker | None:
    """Money may have left that nobody wrote down; it would be this month's."""
    rows = _refunds(period).filter(state__in=IN_HAND, sending_at__lt=_end(period))
    sentence = _("These refunds are being carried out, or their answer was lost: decide them.")
    return _blocker("in_hand", sentence, [_refund(key) for key in _keys(rows)])


def _not_compared(period: Period) -> Blocker | None:
    rows = _refunds(period).filter(
        journals__isnull=False,
        journals__posted_on__lt=_next(period.month),
        match=None,
        state__in=COMPARED,
    )
    sentence = _("These refunds were not compared with Amazon's money yet.")
    return _blocker("not_compared", sentence, [_refund(key) for key in _keys(rows.distinct())])


def _money_not_compared(period: Period) -> Blocker | None:
    """Money that was read and is of no refund has an exception as soon as it was compared."""
    with connection.cursor() as cursor:
        cursor.execute(
            closing_sql.NOT_COMPARED,
            {
                "seller": period.seller_id,
                "marketplace": period.marketplace_id,
                "until": _next(period.month),
            },
        )
        rows = [(number or "?", f"/money/{pk}/") for number, pk in cursor.fetchall()]
    sentence = _("Amazon's money on these orders was not compared yet; Retour does it by the hour.")
    return _blocker("money_not_compared", sentence, rows)


def _exceptions(period: Period) -> Blocker | None:
    """Open exceptions up to this month, and of what is booked in it, whenever its money was seen;
    those without a marketplace count for each of them.
    """
    ids = Match.objects.filter(
        Q(marketplace=period.marketplace_id) | Q(marketplace=None),
        Q(posted_on__lt=_next(period.month))
        | Q(posted_on=None)
        | Q(refund__journals__period=period),
        seller=period.seller_id,
        result=Result.OPEN,
    ).values("pk")
    rows = Match.objects.filter(pk__in=ids)
    shown = [
        (f"{row.get_cause_display()} {row.order or ''}".strip(), row.get_absolute_url())
        for row in rows.select_related("order").order_by("posted_on", "id")[: SHOWN + 1]
    ]
    sentence = _("These exceptions are open: tie them or explain them.")
    return _blocker("exceptions", sentence, shown, rows.count() if shown else 0)


def _refunds(period: Period) -> QuerySet[Refund]:
    return Refund.objects.filter(seller=period.seller_id, marketplace=period.marketplace_id)


def _keys(rows: QuerySet[Refund]) -> list[object]:
    return list(rows.order_by("id").values_list("key", flat=True))


def _months(period: Period) -> QuerySet[Period]:
    return Period.objects.filter(seller=period.seller_id, marketplace=period.marketplace_id)


def _end(period: Period) -> datetime:
    """The moment the month ends in the marketplace's zone."""
    place = period.marketplace or period.seller
    return datetime.combine(_next(period.month), time(), tzinfo=ZoneInfo(place.time_zone))


def _blocker(code: str, sentence: str, rows: list, count: int | None = None) -> Blocker | None:
    if not rows:
        return None
    return Blocker(code, sentence, len(rows) if count is None else count, tuple(rows[:SHOWN]))


# --- Closing and reopening -----------------------------------------------------------------------


def close(period: Period, *, by) -> Period:
    """Lock a month in which everything is booked and tied or explained; its sums are stored.

    Waits for bookings that are under way in it, and they for it. Raises ``Refused``: "forbidden",
    "closed", "busy", "blocked" with the sentences of `check`.
    """
    require(by, "invoicing.close_period")
    _refuse(check(period) if period.state == Period.State.OPEN else [])
    with trail("close_period", by=by):
        row = _locked(period)
        if row.state == Period.State.CLOSED:
            raise Refused("closed", _("This month is closed already. Nothing was changed."))
        _refuse(_changing(row))
        row.totals, row.sha256 = sums(row)
        row.state, row.closed_by, row.closed_at = Period.State.CLOSED, by, timezone.now()
        row.version += 1
        row.save()
    return row


def reopen(period: Period, *, by, reason: str) -> Period:
    """Unlock a closed month, the last of its marketplace first; its sums stay in the trail.

    Raises ``Refused``: "forbidden", "reason", "open", "busy", "later_closed".
    """
    require(by, "invoicing.reopen_period")
    reason = need_reason(reason)
    with trail("reopen_period", by=by, reason=reason):
        row = _locked(period)
        if row.state == Period.State.OPEN:
            raise Refused("open", _("This month is open already. Nothing was changed."))
        later = _months(row).filter(state=Period.State.CLOSED, month__gt=row.month)
        if last := later.order_by("month").last():
            sentence = _("Reopen %(month)s first: closed months have no gaps.")
            raise Refused("later_closed", sentence % {"month": f"{last.month:%Y-%m}"})
        row.state, row.reason, row.totals, row.sha256 = Period.State.OPEN, reason[:500], [], ""
        row.closed_by = row.closed_at = None
        row.version += 1
        row.save()
    return row


def _refuse(blockers: list[Blocker]) -> None:
    if blockers:
        raise Refused("blocked", " ".join(str(blocker.sentence) for blocker in blockers))


def sums(period: Period) -> tuple[list[dict], str]:
    """The totals of a month per currency, account, country and rate, and the hash over its
    journals and their lines.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{closing_sql.SUMS} WHERE p.id = %s", [period.pk])
        _pk, totals, sha256 = cursor.fetchone()
    return json.loads(totals), sha256


def _locked(period: Period) -> Period:
    """The month's row under its lock, after every booking of its marketplace that is under way."""
    given = {"seller_id": period.seller_id, "marketplace_id": period.marketplace_id}
    try:
        with connection.cursor() as cursor:
            cursor.execute(posting_sql.LOCK_PAIR, given)
    except OperationalError as error:
        if "lock timeout" not in str(error):
            raise
        sentence = _("Refunds of this marketplace are being booked. Try again in a minute.")
        raise Refused("busy", sentence) from error
    rows = Period.objects.select_for_update(of=("self",))
    return rows.select_related("seller", "marketplace").get(pk=period.pk)
