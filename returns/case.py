"""A case: one RMA under its lock, with its lines and facts. How every verb begins and ends.

``opened`` is for one RMA, ``lock`` and ``save`` for many; what a verb does in between is written
once, for one case, and serves both doors.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django_fsm import can_proceed

from config.core import roles
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from returns import messages, rows, snapshot, words_of_verbs
from returns.facts import Facts, Seen, facts_of
from returns.models import RMA, Inspection, Message, Parcel, Receipt, RMALine, WorkItem
from returns.states import BY_VERB, State

JOINED = ("seller", "marketplace", "buyer", "policy", "owner")
HEADER = (
    "state",
    "close_reason",
    "buyer",
    "marketplace",
    "currency",
    "owner",
    "next_actor",
    "next_step",
    "due_at",
    "policy",
    "verdict",
    "outside_policy",
    "value",
    "approved_at",
    "approved_by",
    "ship_by",
    "extended_by",
    "warned_at",
    "shipped_at",
    "inspected_at",
    "refunded_at",
    "closed_at",
    "goods_waived_by",
    "reopened_count",
    "search",
    "version",
    "updated_at",
)
LINE = ("approved", "received", "missing", "accepted", "rejected", "nothing_due", "liability")


@dataclass
class Case:
    """An RMA a verb works on. ``save`` writes what the verb leaves here with it.

    ``rows`` are new parcels, receipts and inspections; ``arrived`` parcels with their delivery;
    ``before`` the header as it was read.
    """

    rma: RMA
    lines: list[RMALine]
    facts: Facts
    by: Any
    now: datetime
    lines_changed: bool = False
    quiet: bool = False
    mail: list[Message] = field(default_factory=list)
    work: list[WorkItem] = field(default_factory=list)
    rows: list[models.Model] = field(default_factory=list)
    arrived: list[Parcel] = field(default_factory=list)
    before: tuple | None = None

    @property
    def orders(self) -> list:
        """The orders its lines belong to, each once."""
        return list(
            {line.order_line.order_id: line.order_line.order for line in self.lines}.values()
        )

    @property
    def today(self) -> date:
        """Today where the seller is: the clocks of a return count its days."""
        return self.now.astimezone(ZoneInfo(self.rma.seller.time_zone)).date()

    def line(self, line_id: int) -> RMALine:
        """One of the RMA's lines; Refused("line") when the id is another RMA's."""
        for line in self.lines:
            if line.pk == int(line_id):
                return line
        raise Refused("line", _("That line is not part of %(rma)s.") % {"rma": self.rma.number})

    def move(self, verb: str, via: str = "") -> None:
        """Carry out the verb's transition; Refused("state") says what is possible instead."""
        step = getattr(self.rma, f"_{via or verb}")
        if not can_proceed(step):
            raise Refused("state", words_of_verbs.impossible(self.rma, verb))
        step()
        if self.rma.state == State.CLOSED:
            self.rma.close_reason = BY_VERB[verb].close_reason
            self.rma.closed_at = self.now

    def within(self, verb: str, *states: str) -> None:
        """Refuse a verb without transition outside the named states."""
        if self.rma.state not in states:
            raise Refused("state", words_of_verbs.impossible(self.rma, verb))

    def add_parcel(self, parcel: Parcel) -> None:
        """One more parcel; Refused("parcel") when its tracking number is recorded already."""
        if parcel.tracking and parcel.tracking in [seen.tracking for seen in self.facts.parcels]:
            raise Refused(
                "parcel",
                _("Parcel %(tracking)s is recorded already.") % {"tracking": parcel.tracking},
            )
        parcel.rma = self.rma
        self.rows.append(parcel)
        moves = bool(parcel.shipped_at or parcel.tracking)
        self.facts.parcels.append(Seen(None, parcel.tracking, moves, parcel.delivered_at))

    def tell_buyer(self, template: str, **params: Any) -> None:
        """Queue a mail to the buyer; without an address it becomes a work item."""
        if self.quiet:
            return
        message, problem = messages.compose(self.rma, self.lines, template, **params)
        self.mail.append(message)
        if problem:
            self.work.append(problem)


@contextmanager
def opened(
    number: str,
    verb: str,
    *,
    by: Any,
    permission: str = "",
    version: int | None = None,
    reason: str = "",
) -> Iterator[Case]:
    """One RMA under its lock for one verb: trail, permission, version; derived columns at the end.

    Raises Refused: "not_found", "forbidden", "changed".
    """
    with trail(verb, by=by, reason=reason):
        found = lock([number], by=by)
        if not found:
            raise Refused("not_found", _("There is no RMA %(rma)s.") % {"rma": number})
        roles.require(by, permission or BY_VERB[verb].permission)
        case = found[0]
        if version is not None and int(version) != case.rma.version:
            raise Refused("changed", faster(case.rma))
        yield case
        save(found)


def lock(numbers: Sequence[str], *, by: Any) -> list[Case]:
    """Lock RMAs in the order of their ids and load lines and facts: three queries for any N."""
    held = RMA.objects.select_for_update(of=("self",)).select_related(*JOINED)
    return load(list(held.filter(number__in=list(numbers)).order_by("id")), by=by)


def load(rmas: list[RMA], *, by: Any) -> list[Case]:
    """Cases of RMAs that are locked already, or are only read."""
    if not rmas:
        return []
    ids = [rma.pk for rma in rmas]
    lines: dict[int, list[RMALine]] = {pk: [] for pk in ids}
    by_id = {rma.pk: rma for rma in rmas}
    for line in RMALine.objects.filter(rma_id__in=ids).select_related("order_line__order"):
        line.rma = by_id[line.rma_id]
        lines[line.rma_id].append(line)
    facts, now = facts_of(ids), timezone.now()
    return [Case(rma, lines[rma.pk], facts[rma.pk], by, now, before=_header(rma)) for rma in rmas]


def _header(rma: RMA) -> tuple:
    """What a verb may change, but for the marks of a change itself."""
    return tuple(getattr(rma, rma._meta.get_field(name).attname) for name in HEADER[:-2])


def fresh(
    rmas: list[RMA], lines: list[RMALine], *, by: Any, now: datetime, quiet: bool = False
) -> list[Case]:
    """Cases of RMAs that were inserted in this transaction: nothing hangs on them yet."""
    mine: dict[int, list[RMALine]] = {rma.pk: [] for rma in rmas}
    for line in lines:
        mine[line.rma_id].append(line)
    return [Case(rma, mine[rma.pk], Facts(), by, now, quiet=quiet) for rma in rmas]


def save(cases: Sequence[Case]) -> None:
    """Write headers, changed lines, mail and work items of all cases: one statement each.

    A case that is as it was read is not written, so that its version stays.
    """
    snapshot.refresh(cases)
    changed = [case for case in cases if case.lines_changed or case.before != _header(case.rma)]
    for case in changed:
        case.rma.version += 1
        case.rma.updated_at = case.now
    rows.write([case.rma for case in changed], HEADER)
    rows.write([line for case in cases if case.lines_changed for line in case.lines], LINE)
    _write_goods(cases)
    _write_mail(cases)
    for case in cases:
        case.mail, case.work, case.rows, case.arrived = [], [], [], []
        case.lines_changed, case.before = False, _header(case.rma)


def _write_mail(cases: Sequence[Case]) -> None:
    mail = [message for case in cases for message in case.mail]
    if mail:
        Message.objects.bulk_create(mail)
        transaction.on_commit(messages.hurry)
    work = [item for case in cases for item in case.work]
    if work:  # an open item of the same kind says it already
        WorkItem.objects.bulk_create(work, ignore_conflicts=True)


def _write_goods(cases: Sequence[Case]) -> None:
    for model in (Parcel, Receipt, Inspection):
        new = [row for case in cases for row in case.rows if isinstance(row, model)]
        if new:
            model.objects.bulk_create(new)
    rows.write([parcel for case in cases for parcel in case.arrived], ["delivered_at"])


def faster(rma: RMA) -> str:
    """Who changed the RMA last, with which verb and how long ago, read from the trail."""
    events = apps.get_model("returns", "RMAEvent").objects.filter(pgh_obj_id=rma.pk)
    last = events.order_by("-pgh_id").values("pgh_created_at", "pgh_context").first()
    context = (last and last["pgh_context"]) or {}
    who = User.objects.filter(pk=context.get("by")).first()
    said = _("%(who)s was faster: %(verb)s %(ago)s ago. Look again before you decide.")
    if last and timezone.now() - last["pgh_created_at"] < timedelta(minutes=1):
        said = _("%(who)s was faster: %(verb)s just now. Look again before you decide.")
    return said % {
        "who": who or context.get("name", "?"),
        "verb": words_of_verbs.past(context.get("verb", "")),
        "ago": timesince(last["pgh_created_at"]) if last else "?",
    }
