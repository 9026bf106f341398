"""Whose turn it is in a return, until when, and in one sentence what to do.

Pure: a snapshot of quantities and refunds in, one next step out. The verbs store the answer on
the RMA so that queues sort by it; nothing here reads rows or the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from config.core.sentence import Sentence, gettext_noop, say
from returns.clocks import missing_due, refund_due, reply_due

Actor = Literal["agent", "buyer", "warehouse", "lead", "finance", "amazon", "nobody"]


@dataclass(frozen=True)
class CaseSnapshot:
    """A return at one moment. Quantities are sums over its lines, in units.

    `accepted`/`rejected`: inspected units by what their disposition does. `uncredited`: accepted
    units with no live refund. `refunds`: number of refund decisions per state (ours and
    Amazon's). `goods_expected`: False when returnless or waived. `ship_by`: end of the last day.
    """

    state: str
    requested_at: datetime
    requested: int = 0
    approved: int = 0
    received: int = 0
    missing: int = 0
    accepted: int = 0
    rejected: int = 0
    uncredited: int = 0
    refunds: Mapping[str, int] = field(default_factory=dict)
    refund_needs_second: bool = False
    approval_needs_second: bool = False
    facts_incomplete: bool = False
    missing_address: bool = False
    waiting_for_buyer: bool = False
    answer_due: datetime | None = None
    ship_by: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    first_received_at: datetime | None = None
    missing_after_days: int = 21
    goods_expected: bool = True
    documents_missing: int = 0
    amazon_refunds: bool = False

    @property
    def outstanding(self) -> int:
        """Approved units that neither came nor count as missing."""
        return self.approved - self.received - self.missing

    @property
    def uninspected(self) -> int:
        """Received units nobody has looked at."""
        return self.received - self.accepted - self.rejected

    @property
    def refund_due(self) -> datetime | None:
        """When the money must be out: counted from the first sign that goods are here."""
        here = self.delivered_at or self.first_received_at
        return refund_due(here) if here else None

    def count(self, *states: str) -> int:
        """Refunds in any of the states."""
        return sum(self.refunds.get(state, 0) for state in states)


@dataclass(frozen=True)
class NextStep:
    """Who acts next, until when (None: no clock runs), and what to do."""

    actor: Actor
    due: datetime | None
    says: Sentence

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return str(self.says)


def next_step(case: CaseSnapshot) -> NextStep:
    """Return the one next step. What blocks money or a deadline comes before what merely waits."""
    if case.state == "closed":
        return _step("nobody", None, gettext_noop("Closed: nothing left to do."))
    return next(iter(_possible(case)))


def _step(actor: Actor, due: datetime | None, template: str, **params: str | int) -> NextStep:
    return NextStep(actor, due, say(template, **params))


def _counted(actor: Actor, due: datetime | None, count: int, one: str, many: str) -> NextStep:
    """A step whose sentence counts: ``one`` for a single unit, ``many`` holds %(count)s."""
    return _step(actor, due, one) if count == 1 else _step(actor, due, many, count=count)


def _possible(case: CaseSnapshot) -> Iterator[NextStep]:
    """Every step that applies, most urgent first; the last one always applies."""
    yield from _blocked(case)
    if case.state == "requested":
        yield from _requested(case)
    yield from _money(case)
    yield from _goods(case)
    yield from _after_refund(case)
    yield _step("agent", None, gettext_noop("Look at this case: nothing is waiting for anybody."))


def _blocked(case: CaseSnapshot) -> Iterator[NextStep]:
    unknown = case.count("unknown")
    if unknown:
        yield _counted(
            "finance",
            case.refund_due,
            unknown,
            gettext_noop("Look up the refund whose answer was lost, and decide."),
            gettext_noop("Look up %(count)s refunds whose answer was lost, and decide."),
        )
    if case.facts_incomplete:
        due = reply_due(case.requested_at) if case.state == "requested" else case.refund_due
        yield _step(
            "agent", due, gettext_noop("Import the order report: the order is not known yet.")
        )
    if case.waiting_for_buyer:
        yield _step("buyer", case.answer_due, gettext_noop("Waiting for the buyer's answer."))


def _requested(case: CaseSnapshot) -> Iterator[NextStep]:
    due = reply_due(case.requested_at)
    if case.approval_needs_second:
        yield _step("lead", due, gettext_noop("A lead approves or declines."))
    yield _step("agent", due, gettext_noop("Approve or decline the request."))


def _money(case: CaseSnapshot) -> Iterator[NextStep]:
    due = case.refund_due
    if case.count("approved", "sending"):
        yield _step("finance", due, gettext_noop("Carry out the approved refund."))
    if case.count("failed"):
        yield _step("finance", due, gettext_noop("A refund failed: approve it again or cancel it."))
    if case.count("proposed"):
        actor: Actor = "lead" if case.refund_needs_second else "finance"
        yield _step(actor, due, gettext_noop("Approve or reject the proposed refund."))
    if case.uncredited and case.amazon_refunds:
        yield _step("amazon", None, gettext_noop("Amazon fulfilled and refunds this by itself."))
    if case.uncredited:
        yield _counted(
            "agent",
            due,
            case.uncredited,
            gettext_noop("Propose the refund of 1 accepted unit."),
            gettext_noop("Propose the refund of %(count)s accepted units."),
        )
    if case.state == "approved" and not case.goods_expected and not case.refunds:
        yield _step("agent", due, gettext_noop("Propose the refund: no goods are expected."))


def _goods(case: CaseSnapshot) -> Iterator[NextStep]:
    if case.uninspected > 0:
        yield _counted(
            "warehouse",
            case.refund_due,
            case.uninspected,
            gettext_noop("Inspect 1 received unit."),
            gettext_noop("Inspect %(count)s received units."),
        )
    if case.state == "inspected" and case.accepted == 0:
        yield _step(
            "agent", case.refund_due, gettext_noop("No unit was accepted: reject the goods.")
        )
    if case.state == "inspected" and case.accepted and not case.count("sent", "confirmed"):
        yield _step(
            "lead", case.refund_due, gettext_noop("Nothing is due: close it without a refund.")
        )
    if case.missing_address:
        yield _step(
            "agent", None, gettext_noop("Add a mail address: the buyer could not be reached.")
        )
    if case.goods_expected and case.outstanding > 0:
        yield from _on_the_way(case)


def _on_the_way(case: CaseSnapshot) -> Iterator[NextStep]:
    count = case.outstanding
    if case.delivered_at:
        one = gettext_noop("Receive 1 delivered unit.")
        many = gettext_noop("Receive %(count)s delivered units.")
        yield _counted("warehouse", case.refund_due, count, one, many)
    if case.shipped_at:
        due = missing_due(case.shipped_at, case.missing_after_days)
        one = gettext_noop("1 unit is on its way.")
        many = gettext_noop("%(count)s units are on their way.")
        yield _counted("warehouse", due, count, one, many)
    one = gettext_noop("The buyer ships 1 unit back.")
    many = gettext_noop("The buyer ships %(count)s units back.")
    yield _counted("buyer", case.ship_by, count, one, many)


def _after_refund(case: CaseSnapshot) -> Iterator[NextStep]:
    if case.documents_missing:
        yield _counted(
            "finance",
            None,
            case.documents_missing,
            gettext_noop("Record the missing credit document."),
            gettext_noop("Record %(count)s missing credit documents."),
        )
    if case.count("sent"):
        yield _step("amazon", None, gettext_noop("Waiting for Amazon's settlement."))
    if case.state == "refunded":
        yield _step("nobody", None, gettext_noop("Refunded: the case settles by itself."))
