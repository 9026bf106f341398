"""Posting refunds to the ledger: in the transaction of the verb that changes them, once, in sets.

What is booked follows from the refund's state and its money alone, so that posting again changes
nothing and what was missed is posted later. A refund that is sent is booked against money on its
way; seen money clears that; what failed or came back is negated. Text of the statements is in
`posting_sql.py`, months in ``periods.py``.
"""

from collections.abc import Iterable, Sequence

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing.ledger import fx_loss
from invoicing.ledger import posting_sql as sql
from invoicing.models import JournalLine, Refund

log = structlog.get_logger(__name__)
STEPS = {"sent": sql.SENT, "seen": sql.SEEN, "back": sql.BACK}
CHUNK = 20_000  # refunds looked at in one transaction of the catch-up


class Unposted(RuntimeError):
    """A refund that must be in the ledger is not: the transaction must not be kept."""


def post(refund_ids: Iterable[int]) -> int:
    """Post what these refunds' states ask for; returns how many bookings of refunds were missing.

    Called by every verb under the refunds' locks, inside its transaction (`refund_row.followers`).
    One query where there is nothing to do. No month of theirs can be closed until the transaction
    ends. Months that are closed take nothing: their late facts go to the next one.
    """
    ids = list(refund_ids)
    if not ids:
        return 0
    given = {"ids": ids, "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(sql.PLAN, given)
        plan = cursor.fetchall()
        _run(cursor, plan, given)
        if abroad := [row[1:4] for row in plan if row[0] == "fx"]:
            open_periods(cursor, abroad)
            fx_loss.post(ids)
    return sum(row[4] for row in plan)


def _run(cursor, plan: Sequence[tuple], given: dict) -> None:
    """Run the steps of the plan; those whose month did not exist run again when it does."""
    missing = {step: 0 for step, *_ in plan if step in STEPS}
    for step, _seller, _marketplace, _month, refunds, _lock in plan:
        if step in missing:
            missing[step] += refunds
    for _attempt in range(2):
        for step in [step for step in STEPS if missing.get(step)]:
            cursor.execute(STEPS[step], given)
            missing[step] -= cursor.fetchone()[0]
        if not any(missing.values()):
            return
        open_periods(cursor, [row[1:4] for row in plan])
    raise Unposted(f"no month took the bookings of {missing}")


def open_periods(cursor, wanted: Iterable[tuple]) -> None:
    """Make the months that (seller, marketplace, month) are booked in, where they are missing."""
    sellers, marketplaces, months = zip(*sorted(set(wanted), key=str), strict=True)
    cursor.execute(
        sql.OPEN_PERIODS,
        {
            "sellers": list(sellers),
            "marketplaces": list(marketplaces),
            "months": list(months),
        },
    )


def catch_up() -> int:
    """Post what no verb posted: refunds from before the ledger, exchange rates that came later.

    Refunds that somebody is changing are left to their verb. Returns what was missing.
    """
    done, after = 0, 0
    while True:
        with trail("post_ledger", by=User.objects.system()), connection.cursor() as cursor:
            given = {"now": timezone.now(), "after": after, "chunk": CHUNK}
            cursor.execute(sql.UNPOSTED, given)
            ids = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(sql.LOCK_REFUNDS, {"ids": ids})
            done += _post_what_goes([pk for (pk,) in cursor.fetchall()])
        if len(ids) < CHUNK:
            return done
        after = ids[-1]


def _post_what_goes(ids: list[int]) -> int:
    """Post; one that cannot be booked is told in the log and does not hold up the others."""
    try:
        with transaction.atomic():
            return post(ids)
    except Unposted:
        if len(ids) == 1:
            log.error("refund_not_booked", refund=ids[0])
            return 0
    half = len(ids) // 2
    return _post_what_goes(ids[:half]) + _post_what_goes(ids[half:])


def lines_of(refund: Refund) -> QuerySet[JournalLine]:
    """The ledger's lines of a refund, oldest journal first, with journal and period."""
    lines = JournalLine.objects.filter(journal__refund=refund)
    return lines.select_related("journal__period", "order_line").order_by("journal_id", "id")
