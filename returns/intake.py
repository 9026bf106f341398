"""Amazon's returns become RMAs, and what Amazon did meanwhile walks the verbs as the system actor.

Repeatable: a return has at most one RMA line, and a case is only ever brought forward. What
cannot become an RMA yet (no order line, no marketplace) waits for the next import. Cases of
orders known by name only wait as requested and heal here when the order arrives.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing.tasks import publish
from orders.models import AmazonReturn, ImportFile, Order
from returns import amazon_status, quantities, tasks, verdicts
from returns import case as cases
from returns.models import RMA, RMALine, WorkItem
from returns.opening import Draft, LineRequest, open_many
from returns.states import NextActor, State

log = structlog.get_logger(__name__)
BATCH = 500
LOCK = 0x1338  # advisory lock of the one intake that runs
LOCK_WAIT = "200s"  # shorter than a task may take


@dataclass
class Intake:
    """What one run did: RMA numbers by what happened, and returns that made no RMA and why."""

    opened: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def intake_returns(
    import_file: ImportFile | None = None, *, order: Order | None = None, by: Any = None
) -> Intake:
    """Heal what waited, open RMAs for new returns, and catch up with Amazon's statuses.

    ``import_file`` narrows the catching up to the returns that file wrote; new ones are always
    all taken. Refusals of what the file wrote are noted on it. ``order`` narrows all of it to one
    order. Two intakes run one after the other.
    """
    with _alone():
        return _intake(import_file, order, by=by or User.objects.system())


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another intake: what it has taken, this one then finds taken.

    The lock is the connection's, for an intake is many transactions; inside somebody's
    transaction it is that transaction's.
    """
    within = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        (usual,) = cursor.fetchone()
        wait = "SELECT set_config('lock_timeout', %s, %s)"
        cursor.execute(wait, [LOCK_WAIT, within])
        try:
            cursor.execute(f"SELECT pg_advisory_{'xact_' if within else ''}lock(%s)", [LOCK])
        finally:
            if not within:  # a transaction's own setting ends with it
                cursor.execute(wait, [usual, within])
    try:
        yield
    finally:
        if not within:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _intake(import_file: ImportFile | None, order: Order | None, *, by: Any) -> Intake:
    done = Intake()
    done.healed = heal(by=by)
    _link_known(by=by)
    found, notes = _new(order), []
    written = {row.pk for row in found if import_file and _is_of(row, import_file)}
    for drafts in _batches(_drafts(found)):
        opened, refused = open_many(drafts, by=by, quiet=True)
        done.opened += [case.rma.number for case in opened]
        for draft, no in refused:
            done.refused.append((draft.label, no.sentence))
            if any(line.amazon_return_id in written for line in draft.lines):
                notes.append(f"{draft.label}: {no.sentence}")
    fresh = [*done.opened, *done.healed, *([] if order else _changed(import_file))]
    for numbers in _batches(list(dict.fromkeys(fresh))):
        amazon_status.catch_up_with_amazon(numbers, by=by)
    if import_file is not None and notes:
        _note(import_file, notes)
    return done


def _is_of(row: AmazonReturn, import_file: ImportFile) -> bool:
    """Whether the file wrote the return or its order: the others are another file's refusals."""
    return import_file.pk in (row.import_file_id, row.order.import_file_id)


def _batches(found: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (found[start : start + BATCH] for start in range(0, len(found), BATCH))


def waiting_returns() -> QuerySet[AmazonReturn]:
    """Returns that are no RMA yet. Without a unit there is nothing to return."""
    return AmazonReturn.objects.filter(rma_line=None, quantity__gt=0)


def _new(order: Order | None) -> list[AmazonReturn]:
    """Returns without an RMA line whose order line and marketplace are certain."""
    waiting = waiting_returns().filter(order_line__isnull=False)
    waiting = waiting.exclude(marketplace=None, order__marketplace=None)
    if order is not None:
        waiting = waiting.filter(order=order)
    joined = waiting.select_related("order__marketplace", "marketplace", "seller")
    return list(joined.order_by("requested_on", "id"))


def _drafts(found: list[AmazonReturn]) -> list[Draft]:
    """One draft an Amazon RMA id, else one an order and request date (Amazon's own advice)."""
    groups: dict[tuple, list[AmazonReturn]] = {}
    for row in found:
        key = (row.seller_id, row.order_id, row.amazon_rma_id or row.requested_on)
        groups.setdefault(key, []).append(row)
    return [_draft(rows) for rows in groups.values()]


def _draft(rows: list[AmazonReturn]) -> Draft:
    first = rows[0]
    return Draft(
        [
            LineRequest(
                row.order_line_id,
                row.quantity,
                row.reason_code,
                row.customer_comment[:500],
                amazon_return_id=row.pk,
            )
            for row in rows
        ],
        source=RMA.Source.AMAZON,
        opened_at=_opened_at(first),
        amazon_rma_id=first.amazon_rma_id,
        label=f"{first.order.amazon_order_id} {first.amazon_rma_id}".strip(),
        marketplace=first.marketplace,
    )


def _opened_at(row: AmazonReturn) -> datetime | None:
    """The moment of the request; a bare date is noon where the marketplace is."""
    if row.requested_at or row.requested_on is None:
        return row.requested_at
    market = row.order.marketplace or row.marketplace
    return datetime.combine(row.requested_on, time(12), ZoneInfo(market.time_zone))


def _link_known(*, by: Any) -> None:
    """A return that somebody entered here first gets its line instead of a second RMA.

    Known by Amazon's RMA id, or by our number that the seller gave Amazon as merchant RMA id.
    """
    unlinked = AmazonReturn.objects.filter(rma_line=None, order_line__isnull=False)
    by_id = unlinked.exclude(amazon_rma_id="").filter(
        order_line__rma_lines__rma__amazon_rma_id=F("amazon_rma_id")
    )
    by_number = unlinked.exclude(merchant_rma_id="").filter(
        order_line__rma_lines__rma__number=F("merchant_rma_id")
    )
    found = {row.pk: row for row in (*by_id, *by_number)}
    if not found:
        return
    with trail("link_amazon_return", by=by):
        for row in found.values():
            same = RMALine.objects.select_for_update(of=("self",)).filter(
                Q(rma__amazon_rma_id=row.amazon_rma_id) | Q(rma__number=row.merchant_rma_id),
                order_line_id=row.order_line_id,
                amazon_return=None,
            )
            line = same.order_by("pk").first()
            if line:
                line.amazon_return = row
                line.save(update_fields=["amazon_return"])


def _changed(import_file: ImportFile | None) -> list[str]:
    """Open cases whose Amazon return the file wrote (or all open ones without a file)."""
    lines = RMALine.objects.filter(amazon_return__isnull=False).exclude(rma__state=State.CLOSED)
    if import_file is not None:
        lines = lines.filter(amazon_return__import_file=import_file)
    return list(lines.order_by("rma_id").values_list("rma__number", flat=True).distinct())


def heal(*, by: Any) -> list[str]:
    """Complete cases whose order was known by name only and has arrived; returns their numbers."""
    waiting = WorkItem.objects.filter(kind=WorkItem.Kind.INCOMPLETE, done_at=None)
    ready = waiting.exclude(rma__lines__order_line__order__facts_complete=False)
    numbers = list(ready.order_by("rma_id").values_list("rma__number", flat=True))
    for batch in _batches(numbers):
        with trail("heal", by=by):
            found = cases.lock(batch, by=by)
            _complete(found)
            items = WorkItem.objects.filter(rma__in=[case.rma.pk for case in found])
            items.filter(kind=WorkItem.Kind.INCOMPLETE, done_at=None).update(
                done_at=found[0].now, done_by=by
            )
            cases.save(found)
    return numbers


def _complete(found: list[cases.Case]) -> None:
    """Buyer, currency, verdict and quantities as the order says now."""
    ids = sorted({line.order_line_id for case in found for line in case.lines})
    claimed = quantities.claimed_by_line(ids)
    for case in found:
        order = case.orders[0]
        case.quiet = True
        case.rma.buyer = case.rma.buyer or order.buyer
        case.rma.marketplace = order.marketplace or case.rma.marketplace
        case.rma.currency = order.currency or case.rma.currency
        for line in case.lines:
            if claimed.get(line.order_line_id, 0) > line.order_line.quantity:
                case.work.append(_too_many(case, line))
                break
    verdicts.decide(found)


def _too_many(case: cases.Case, line: RMALine) -> WorkItem:
    return WorkItem(
        rma=case.rma,
        kind=WorkItem.Kind.IDENTITY,
        sentence=_("More units of %(sku)s are returned than order %(order)s has. Decide which.")
        % {"sku": line.order_line.sku, "order": line.order_line.order.amazon_order_id},
        actor=NextActor.AGENT,
    )


def _note(import_file: ImportFile, notes: list[str]) -> None:
    """Say on the import's page what made no RMA."""
    notes = [*import_file.notes, *notes[:100]]
    ImportFile.objects.filter(pk=import_file.pk).update(notes=notes)


def after_import(import_file: ImportFile) -> None:
    """Hook of the importer: orders heal cases, returns open them, settlements settle them."""
    from returns.matching import settle_refunded

    try:
        intake_returns(import_file)
        settle_refunded()
    except Refused as no:
        log.warning("intake_refused", code=no.code)


def after_decision(order: Order) -> None:
    """Hook of people's decisions about facts: what waited for one may become an RMA now."""
    publish(tasks.take_in_returns, order.pk)
