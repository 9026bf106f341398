"""Every try to pay a refund, written by the verbs that change its state, under the refund's lock.

An attempt is opened before anything leaves and closed by what was learned: it is never changed
after that. What the verbs mean is in ``refunds.py``, `feeds.py` and `bank.py`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from config.core.refused import Refused
from invoicing.calculation import Calculation
from invoicing.lane import LaneAmount, lane_amounts
from invoicing.models import BankFile, Feed, Refund, RefundAttempt
from invoicing.payload import canonical_json
from invoicing.states import AttemptState

OPEN = (AttemptState.SENDING, AttemptState.UNKNOWN)
LOOKS = 20  # times a lost feed is looked for at Amazon; then a person decides
FINAL = (AttemptState.SENT, AttemptState.FAILED, AttemptState.GIVEN_BACK)


@dataclass(frozen=True)
class Asked:
    """What is about to be asked of a lane for one locked refund."""

    refund: Refund
    request: Mapping
    message: int | None = None


@dataclass(frozen=True)
class Answer:
    """What became known of an attempt: the state it ends in, a word, a sentence, the evidence."""

    state: str
    outcome: str = ""
    sentence: str = ""
    evidence: Mapping = field(default_factory=dict)


def request_of(refund: Refund) -> dict:
    """The figures of a refund as its lane is asked for them; nothing about the buyer.

    Amounts are text on the basis that was approved (net and tax apart, or gross), signed.
    """
    return {
        "order": refund.order.amazon_order_id,
        "currency": refund.currency,
        "gross": str(refund.gross),
        "reason": refund.reason_code,
        "figures": [
            {
                "line": figure.order_line,
                "field": figure.field,
                "amount": str(figure.amount),
                "basis": figure.basis,
            }
            for figure in figures_of(refund)
        ],
    }


def figures_of(refund: Refund) -> list[LaneAmount]:
    """What its lane is asked for: the approved amounts, on the approved basis, net or gross."""
    return lane_amounts(Calculation.from_json(refund.calculation), refund.lane_basis)


def open_attempt(
    refund: Refund,
    *,
    by,
    lane: str,
    request: Mapping | None = None,
    feed: Feed | None = None,
    message: int | None = None,
    bank_file: BankFile | None = None,
) -> RefundAttempt:
    """Write down that this locked refund is about to be paid; ``request`` defaults to its figures.

    Must be committed before anything leaves. One open attempt a refund is a constraint.
    """
    asked = Asked(refund, request_of(refund) if request is None else request, message)
    return open_attempts([asked], by=by, lane=lane, feed=feed, bank_file=bank_file)[0]


def open_attempts(
    asked: Iterable[Asked],
    *,
    by,
    lane: str,
    feed: Feed | None = None,
    bank_file: BankFile | None = None,
) -> list[RefundAttempt]:
    """Open attempts of many locked refunds in two queries."""
    asked, now = list(asked), timezone.now()
    before = _numbers([one.refund.pk for one in asked])
    return RefundAttempt.objects.bulk_create(
        RefundAttempt(
            refund=one.refund,
            number=before.get(one.refund.pk, 0) + 1,
            lane=lane,
            request=dict(one.request),
            request_hash=hash_of(one.request),
            by=by,
            feed=feed,
            message=one.message,
            bank_file=bank_file,
            started_at=now,
        )
        for one in asked
    )


def close_attempt(
    refund: Refund,
    state: str,
    *,
    outcome: str = "",
    sentence: str = "",
    evidence: Mapping | None = None,
) -> RefundAttempt:
    """Say what became of the open attempt of a locked refund: an `AttemptState`.

    ``unknown`` leaves it open: the answer is lost, not given. Refused where no attempt is open.
    """
    answer = Answer(state, outcome, sentence, evidence or {})
    closed = close_attempts({refund.pk: answer})
    if not closed:
        raise Refused("no_attempt", "Nobody is carrying out this refund. Nothing was changed.")
    return closed[0]


def close_attempts(answers: Mapping[int, Answer]) -> list[RefundAttempt]:
    """Close the open attempts of locked refunds (by id) in two queries; returns those closed."""
    rows = RefundAttempt.objects.select_for_update().filter(refund__in=answers, state__in=OPEN)
    attempts, now = list(rows.order_by("refund_id")), timezone.now()
    for attempt in attempts:
        _end(attempt, answers[attempt.refund_id], now)
    fields = ["state", "ended_at", "outcome", "sentence", "evidence"]
    RefundAttempt.objects.bulk_update(attempts, fields)
    return attempts


def note_failed_by(refund: Refund, by) -> None:
    """Keep with the newest attempt which person called it failed (`four_eyes.py` asks)."""
    attempt = newest(refund)
    if attempt and not by.is_system:
        attempt.evidence |= {"failed_by": by.pk}
        attempt.save(update_fields=["evidence"])


def newest(refund: Refund) -> RefundAttempt | None:
    """The last attempt of a refund, None before the first."""
    return refund.attempts.order_by("-number").first()


def hash_of(request: Mapping) -> str:
    """SHA-256 of a request in canonical JSON."""
    return hashlib.sha256(canonical_json(dict(request)).encode()).hexdigest()


def _end(attempt: RefundAttempt, answer: Answer, now: datetime) -> None:
    attempt.state = answer.state
    if answer.state in FINAL:
        attempt.ended_at = max(now, attempt.started_at)
    attempt.outcome = (answer.outcome or attempt.outcome)[:40]
    attempt.sentence = (answer.sentence or attempt.sentence)[:500]
    attempt.evidence = {**attempt.evidence, **answer.evidence}


def _numbers(refund_ids: list[int]) -> dict[int, int]:
    rows = RefundAttempt.objects.filter(refund__in=refund_ids).order_by().values_list("refund")
    return dict(rows.annotate(Max("number")))
