"""Carrying a refund out and what can go wrong: in hand, sent, unknown, failed, back, confirmed.

The other half of the verbs of ``invoicing.refunds``, which offers all of them; import them there.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db.models import F, Sum
from django.utils import timezone

from config.core.money import ZERO, format_money
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing.approval import check_rest
from invoicing.crediting import write_credit_note
from invoicing.models import Refund
from invoicing.models.refund import Source
from invoicing.refund_row import changing, lock_first, need_reason, tell
from invoicing.sending import hands, lanes
from invoicing.sending.attempts import (
    Answer,
    close_attempt,
    close_attempts,
    newest,
    note_failed_by,
    open_attempt,
)
from invoicing.states import AttemptState, RefundState


def start(key: UUID | str, *, by) -> Refund:
    """Take an approved refund in hand: committed before anybody touches Seller Central.

    Checks once more, under the lock, that the rest of what was paid still covers it.
    """
    with changing("start", key, by=by) as refund:
        hands.check_start(refund)
        check_rest(refund)
        refund.move_start()
        refund.sender, refund.sending_at = by, timezone.now()
        open_attempt(refund, by=by, lane=refund.lane)
    return refund


def give_back(key: UUID | str, *, by, reason: str) -> Refund:
    """Put a refund back: it was not carried out after all."""
    with changing("give_back", key, by=by, reason=need_reason(reason)) as refund:
        hands.check_unpaid(refund, by=by)
        refund.move_give_back()
        refund.sender = refund.sending_at = None
        close_attempt(refund, AttemptState.GIVEN_BACK, outcome="given_back", sentence=reason)
    return refund


def mark_sent(
    key: UUID | str, *, by, sent_on: date, amount: Decimal, amazon_refund_id: str = ""
) -> Refund:
    """Say that the money left: the day, the gross amount, and Amazon's refund id if it shows one.

    The credit note falls due in the same transaction and is numbered by a worker after it. What its
    gate finds never undoes the fact that money left: the draft keeps its findings.
    """
    write = partial(write_credit_note, by=by)
    with changing("mark_sent", key, by=by, finish=write) as refund:
        hands.check_seen(refund)
        _check_sent(refund, sent_on, amount, amazon_refund_id)
        refund.move_mark_sent()
        _sent(refund, by, sent_on, amazon_refund_id)
        close_attempt(refund, AttemptState.SENT, outcome="entered")
    return refund


def mark_unknown(key: UUID | str, *, by, reason: str) -> Refund:
    """Nobody knows whether the money left; it is never sent again before that is decided."""
    with changing("mark_unknown", key, by=by, reason=need_reason(reason)) as refund:
        hands.check_seen(refund)
        refund.move_mark_unknown()
        refund.note = reason.strip()[:500]
        close_attempt(refund, AttemptState.UNKNOWN, outcome="unknown", sentence=reason)
    return refund


def resolve_unknown(
    key: UUID | str,
    *,
    by,
    outcome: str,
    reason: str,
    sent_on: date | None = None,
    amount: Decimal | None = None,
    amazon_refund_id: str = "",
) -> Refund:
    """Decide an unknown refund: ``outcome`` "sent" (with day and amount) or "failed"."""
    if outcome not in (RefundState.SENT, RefundState.FAILED):
        raise Refused("outcome", "Say whether the money was sent or not.")
    sent, reason = outcome == RefundState.SENT, need_reason(reason)
    write = partial(write_credit_note, by=by) if sent else None
    with changing("resolve_unknown", key, by=by, reason=reason, finish=write) as refund:
        refund.note = reason[:500]
        if outcome == RefundState.FAILED:
            hands.check_unpaid(refund, by=by)
            _check_unseen(refund)
            refund.move_resolve_failed()
        else:
            _check_sent(refund, sent_on, amount, amazon_refund_id)
            refund.move_resolve_sent()
            _sent(refund, by, sent_on, amazon_refund_id)
        close_attempt(refund, outcome, outcome="decided", sentence=reason)
        if outcome == RefundState.FAILED:
            note_failed_by(refund, by)
    return refund


def fail(key: UUID | str, *, by, reason: str) -> Refund:
    """The money did not reach the buyer. The attempt is over; it may be approved again as it is,
    by somebody else than who says so where two people are needed."""
    with changing("fail", key, by=by, reason=need_reason(reason)) as refund:
        hands.check_unpaid(refund, by=by)
        _check_unseen(refund)
        if refund.state == RefundState.SENDING:
            close_attempt(refund, AttemptState.FAILED, outcome="failed", sentence=reason)
        note_failed_by(refund, by)
        refund.move_fail()
        refund.note = reason.strip()[:500]
    return refund


def reverse(key: UUID | str, *, by, reason: str) -> Refund:
    """The money came back (Amazon reversed the refund). A numbered credit note stays as it is."""
    with changing("reverse", key, by=by, reason=need_reason(reason)) as refund:
        if refund.state == RefundState.SENT:
            _check_unseen(refund)
            hands.check_reversed(refund, by=by)
        refund.move_reverse()
        refund.note = reason.strip()[:500]
    return refund


# --- Confirming ----------------------------------------------------------------------------------


def confirm_many(refunds: Iterable[int] | Mapping[int, date], *, by) -> list[int]:
    """Confirm refunds (ids) whose money a settlement shows; returns the ids that changed.

    Sent ones are confirmed at once, set-based. Unknown ones, and those still in somebody's hands,
    are sent now that their money was seen (``refunds`` may map ids to the posted day) and get
    their document. Others are left alone. Called by matching, as the system actor.
    """
    require(by, "invoicing.assign_money_fact")
    posted = dict(refunds) if isinstance(refunds, Mapping) else dict.fromkeys(refunds)
    with trail("confirm_refund", by=by):
        rows = Refund.objects.filter(pk__in=posted, source=Source.RETOUR)
        lock_first(rows.order_by().values_list("origin", flat=True))
        rows = rows.select_related("order").select_for_update(of=("self",))
        locked = list(rows.order_by("pk"))
        sent = [row.pk for row in locked if row.state == RefundState.SENT]
        seen = [row for row in locked if row.state in (RefundState.UNKNOWN, RefundState.SENDING)]
        for refund in seen:
            _seen(refund, posted[refund.pk], by)
        paid = Answer(AttemptState.SENT, "seen", "Its money was seen at Amazon.")
        close_attempts({refund.pk: paid for refund in seen})
        ids = sorted([*sent, *(row.pk for row in seen)])
        Refund.objects.filter(pk__in=ids).update(
            state=RefundState.CONFIRMED, confirmed_at=timezone.now(), version=F("version") + 1
        )
        if ids:
            tell(ids)
        for refund in seen:
            write_credit_note(refund, by=by)
    return ids


def confirm_paid(key: UUID | str, *, by, on: date, reference: str) -> Refund:
    """Confirm a sent bank transfer that the bank statement shows: its day and its reference.

    No settlement ever shows it. Refused: "forbidden", "state", "lane", "date", "reference".
    """
    if not reference.strip():
        raise Refused("reference", "Enter the reference of the bank statement that shows it.")
    with changing("confirm_paid", key, by=by, reason=reference.strip()[:500]) as refund:
        if lanes.lane_of(refund).by_amazon:
            raise Refused("lane", "Amazon carried out this refund: its settlement confirms it.")
        if not refund.sent_on <= on <= timezone.now().date() + timedelta(days=1):
            raise Refused("date", "Enter the day on the bank statement: not before the file was "
                          "carried out, not in the future.")  # fmt: skip
        refund.move_confirm_paid()
        refund.confirmed_at = timezone.now()
        attempt = newest(refund)
        attempt.evidence |= {"paid_on": on.isoformat(), "reference": reference.strip()[:140]}
        attempt.save(update_fields=["evidence"])
    return refund


def accept_difference(key: UUID | str, *, by, reason: str) -> Refund:
    """Confirm a sent refund although the money seen is another amount; the difference is booked.

    Refused: "forbidden", "state", "reason", "nothing_seen" (no money is tied to it yet).
    """
    reason = need_reason(reason)
    with changing("accept_difference", key, by=by, reason=reason) as refund:
        if not lanes.lane_of(refund).by_amazon or not (seen := _seen_amount(refund)):
            raise Refused("nothing_seen", "No money of this refund was seen at Amazon yet.")
        refund.move_accept_difference()
        refund.confirmed_at = timezone.now()
        shown, wanted = (format_money(one, refund.currency) for one in (seen, refund.gross))
        refund.note = f"{shown} seen instead of {wanted}: {reason}"[:500]
    return refund


def _seen(refund: Refund, posted_on: date | None, by) -> None:
    if refund.state == RefundState.UNKNOWN:
        refund.move_resolve_sent()
    else:
        refund.move_mark_sent()
    refund.sent_at = timezone.now()
    refund.sent_on = refund.sent_on or posted_on
    refund.save()


# --- Checks and parts --------------------------------------------------------------------------


def _check_sent(
    refund: Refund, sent_on: date | None, amount: Decimal | None, amazon_refund_id: str
) -> None:
    if amount != refund.gross:
        wanted = format_money(refund.gross, refund.currency)
        given = format_money(amount or ZERO, refund.currency)
        raise Refused(
            "amount_differs",
            f"This refund is {wanted}, but {given} was entered. If {wanted} left, enter it; if "
            "another amount left, mark the refund as unknown and let finance decide.",
        )
    latest = timezone.now().date() + timedelta(days=1)  # somewhere on earth it is tomorrow
    if sent_on is None or not refund.proposed_at.date() - timedelta(days=1) <= sent_on <= latest:
        raise Refused("date", "Enter the day on which it was refunded: not before it was proposed, "
                      "not in the future.")  # fmt: skip
    known = Refund.objects.filter(seller_id=refund.seller_id, amazon_refund_id=amazon_refund_id)
    if amazon_refund_id and (other := known.exclude(pk=refund.pk).select_related("order").first()):
        raise Refused(
            "amazon_refund_known",
            f"Amazon's refund {amazon_refund_id} already belongs to a refund of order "
            f"{other.order.amazon_order_id}.",
        )


def _check_unseen(refund: Refund) -> None:
    """Refuse to give up a refund whose money a settlement shows: it would count nowhere."""
    if seen := _seen_amount(refund):
        shown = format_money(seen, refund.currency)
        raise Refused(
            "money_seen",
            f"Amazon's settlement shows {shown} of this refund, so it did not fail. If less than "
            f"{format_money(refund.gross, refund.currency)} left, refund the rest in Seller "
            "Central: the next settlement confirms it.",
        )


def _seen_amount(refund: Refund) -> Decimal:
    """What money facts show of the refund, as the buyer gets it."""
    return -(refund.money_facts.aggregate(total=Sum("amount"))["total"] or ZERO)


def _sent(refund: Refund, by, sent_on: date | None, amazon_refund_id: str) -> None:
    refund.sender = by
    refund.sent_at, refund.sent_on = timezone.now(), sent_on
    refund.amazon_refund_id = amazon_refund_id.strip()
