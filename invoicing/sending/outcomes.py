"""What a feed's fate means for the refunds in it: given back, failed, unknown, sent.

Each is one transaction as the system actor: the feed's row first, then the refunds in the order of
their ids. When which is due is decided in `feeds.py` and `polling.py`.
"""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing import refund_row
from invoicing.crediting import write_credit_note
from invoicing.matches.refresh import refresh_refunds
from invoicing.models import Feed, MoneyFact, Refund, RefundAttempt
from invoicing.sending.accepted import ACCEPTED
from invoicing.sending.attempts import OPEN, Answer, close_attempt, close_attempts, newest
from invoicing.sending.points import reach
from invoicing.states import AttemptState, FeedState, RefundState

ADOPTED = "adopted"  # with an attempt's evidence: the feed at Amazon that fits a lost file


@contextmanager
def locked(feed_id: int, *states: str, verb: str, reason: str = ""):
    """One transaction of the system actor on a feed; yields None where it is in another state."""
    by = User.objects.system()
    with trail(verb, by=by, reason=reason):
        rows = Feed.objects.select_for_update(of=("self",)).select_related("seller", "marketplace")
        yield rows.filter(pk=feed_id, state__in=states).first()


def refunds_of(feed: Feed, states: Iterable[str] = OPEN) -> list[Refund]:
    """Lock the refunds whose attempt in this feed is in one of the states.

    Attempts change under their refund's lock only, so they are asked for again under it: a refund
    may have been confirmed while its lock was waited for.
    """
    rows = RefundAttempt.objects.filter(feed=feed, state__in=list(states))
    locked = refund_row.by_keys(rows.values_list("refund__key", flat=True))
    still = set(rows.values_list("refund_id", flat=True))
    return [refund for refund in locked if refund.pk in still]


def end(feed: Feed, state: str, sentence: str = "") -> None:
    """Put a locked feed into a state that is the end of it."""
    feed.state, feed.sentence = state, sentence[:500]
    feed.next_at, feed.ended_at = None, timezone.now()
    feed.save()


def give_back(feed: Feed, refunds: list[Refund], sentence: str) -> None:
    """None of them left: they are approved again and go into the next file."""
    _move(refunds, RefundState.APPROVED, AttemptState.GIVEN_BACK, "given_back", sentence,
          sender=None, sending_at=None)  # fmt: skip
    end(feed, FeedState.FAILED, sentence)


def fail(feed: Feed, refunds: list[Refund], outcome: str, sentence: str) -> None:
    """Amazon refused the whole file: none of them left, each may be approved again.

    One whose money a settlement shows all the same is unknown instead.
    """
    ids = [refund.pk for refund in refunds]
    seen = set(MoneyFact.objects.filter(refund__in=ids).values_list("refund_id", flat=True))
    lose([refund for refund in refunds if refund.pk in seen], outcome, sentence)
    unpaid = [refund for refund in refunds if refund.pk not in seen]
    _move(unpaid, RefundState.FAILED, AttemptState.FAILED, outcome, sentence)
    end(feed, FeedState.FAILED, sentence)


def lose(refunds: list[Refund], outcome: str, sentence: str) -> None:
    """Nobody knows whether they left. None is sent again before that is known."""
    still = [refund for refund in refunds if refund.state == RefundState.SENDING]
    _move(still, RefundState.UNKNOWN, AttemptState.UNKNOWN, outcome, sentence)


def _move(
    refunds: list[Refund], state: str, attempt: str, outcome: str, sentence: str, **fields
) -> None:
    ids = [refund.pk for refund in refunds]
    if not ids:
        return
    Refund.objects.filter(pk__in=ids).update(
        state=state, note=sentence[:500], version=F("version") + 1, **fields
    )
    close_attempts(dict.fromkeys(ids, Answer(attempt, outcome, sentence)))
    refund_row.tell(ids)


# --- One refund by Amazon's report ---------------------------------------------------------------


class _Passed(Exception):
    """The refund is on another attempt by now."""


def answered(attempt: RefundAttempt, on: date, word: str, sentence: str) -> None:
    """Carry Amazon's word on one refund out: ``accepted``, ``refused`` or ``partly``.

    One transaction. Where the refund was decided or confirmed meanwhile, or where the feed only
    fits a file whose answer was lost, what the report says is kept as evidence.
    """
    try:
        _answered(attempt, on, word, sentence)
    except _Passed:
        _keep(attempt, {"report": word})
    reach("refund.committed")


def _answered(attempt: RefundAttempt, on: date, word: str, sentence: str) -> None:
    evidence = {"report": word}
    reason = sentence or "Amazon's report says it was accepted."
    if attempt.state not in OPEN:
        _keep(attempt, evidence)
    elif attempt.evidence.get(ADOPTED):
        _keep_of_adopted(attempt, word, sentence)
    elif word == ACCEPTED:
        _accept(attempt, on, evidence)
    elif word == "refused" and not attempt.refund.money_facts.exists():
        _refuse(attempt, reason, evidence)
    else:
        _doubt(attempt, reason, evidence)


def _check_newest(refund: Refund, attempt: RefundAttempt) -> None:
    """The attempt was read before the refund's lock: another one may be open since."""
    if newest(refund) != attempt:
        raise _Passed


def _accept(attempt: RefundAttempt, on: date, evidence: Mapping) -> None:
    by = User.objects.system()
    unknown = attempt.state == AttemptState.UNKNOWN
    verb = "resolve_unknown" if unknown else "mark_sent"
    write = partial(_numbered, by=by)
    reason = "Amazon's report of the feed says that it was accepted."
    with refund_row.changing(
        verb, attempt.refund.key, by=by, reason=reason, finish=write
    ) as refund:
        _check_newest(refund, attempt)
        refund.move_resolve_sent() if unknown else refund.move_mark_sent()
        refund.sent_at, refund.sent_on = timezone.now(), refund.sent_on or on
        close_attempt(refund, AttemptState.SENT, outcome=ACCEPTED, evidence=evidence)


def _numbered(refund: Refund, by) -> None:
    write_credit_note(refund, by=by)
    reach("refund.written")


def _refuse(attempt: RefundAttempt, sentence: str, evidence: Mapping) -> None:
    by = User.objects.system()
    unknown = attempt.state == AttemptState.UNKNOWN
    verb = "resolve_unknown" if unknown else "fail"
    with refund_row.changing(verb, attempt.refund.key, by=by, reason=sentence) as refund:
        _check_newest(refund, attempt)
        refund.move_resolve_failed() if unknown else refund.move_fail()
        refund.note = sentence[:500]
        close_attempt(refund, AttemptState.FAILED, outcome="refused", sentence=sentence,
                      evidence=evidence)  # fmt: skip


def _doubt(attempt: RefundAttempt, sentence: str, evidence: Mapping) -> None:
    if attempt.state == AttemptState.UNKNOWN:
        _keep(attempt, evidence)
        return
    by = User.objects.system()
    with refund_row.changing("mark_unknown", attempt.refund.key, by=by, reason=sentence) as refund:
        _check_newest(refund, attempt)
        refund.move_mark_unknown()
        refund.note = sentence[:500]
        close_attempt(refund, AttemptState.UNKNOWN, outcome="doubtful", sentence=sentence,
                      evidence=evidence)  # fmt: skip


def adopt(feed: Feed, name: str) -> None:
    """Write down that a locked feed's answer was lost and that Amazon's feed ``name`` fits it.

    Amazon does not show what a feed holds, and another program may have sent one with as many
    messages: what its report says is evidence, its money or a person decides.
    """
    for attempt in RefundAttempt.objects.select_for_update().filter(feed=feed).order_by("pk"):
        attempt.evidence |= {ADOPTED: name}
        attempt.save(update_fields=["evidence"])


def _keep_of_adopted(attempt: RefundAttempt, word: str, sentence: str) -> None:
    said = (
        f"Feed {attempt.evidence[ADOPTED]} at Amazon fits the file whose answer was lost; its "
        f"report says: {word}. {sentence}".strip()
        + " Its money confirms it, or finance decides "
        "by what Seller Central shows."
    )
    with trail("keep_report", by=User.objects.system(), reason=said[:500]):
        refund = refund_row.one(attempt.refund.key)
        if refund.state == RefundState.UNKNOWN and newest(refund) == attempt:
            Refund.objects.filter(pk=refund.pk).update(note=said[:500])
        _keep(attempt, {"report": word})


def _keep(attempt: RefundAttempt, evidence: Mapping) -> None:
    with trail("keep_report", by=User.objects.system()):
        row = RefundAttempt.objects.select_for_update().get(pk=attempt.pk)
        merged = {**row.evidence, **evidence}
        if merged != row.evidence:
            row.evidence = merged
            row.save(update_fields=["evidence"])
            refresh_refunds([row.refund_id])  # it may say otherwise than a person did


def asked_on(feed: Feed) -> date:
    """The day on which Amazon was asked, in the marketplace's zone."""
    asked = feed.creating_at or feed.created_at
    return asked.astimezone(ZoneInfo(feed.marketplace.time_zone)).date()
