"""What Amazon made of a feed: its processing report carried out refund by refund, and looking for a
feed whose answer was lost. Only reads at Amazon; handing over is in `feeds.py`.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from invoicing import finances_pull
from invoicing.models import Feed, RefundAttempt
from invoicing.sending import feeds, lanes, needing, outcomes
from invoicing.sending.attempts import LOOKS, OPEN
from invoicing.sending.feed_report import Report, Unclear, read_report
from invoicing.sending.points import reach
from invoicing.states import AttemptState, FeedState
from orders.amazon.client import Amazon
from orders.amazon.errors import AmazonError

log = structlog.get_logger(__name__)
LONGEST_WAIT = timedelta(minutes=15)
DAILY = timedelta(days=1)  # a feed given to a person: a late report still says what happened
LAST = timedelta(days=30)  # then Amazon is not asked any more; nothing was heard of so late
BEFORE, AFTER = timedelta(minutes=1), timedelta(minutes=10)  # of the call whose answer was lost
PULLS = 4  # every so many looks the transactions of the account are fetched: money seen is sent
PULL_SECONDS = 30.0
FINAL = ("DONE", "FATAL")  # Amazon has processed the file; its report may come a little later
NO_REPORT = 5  # times a report that is not there is asked for


def next_look(feed: Feed, now: datetime) -> datetime:
    """When a feed is looked at next: further apart each time, never all at the same moment."""
    seconds = settings.SENDING_POLL * 2 ** min(feed.looks, 12)
    seconds = min(seconds, LONGEST_WAIT.total_seconds())
    return now + timedelta(seconds=seconds * random.uniform(0.8, 1.2))


# --- A feed at Amazon ----------------------------------------------------------------------------


def poll(feed_id: int) -> Feed:
    """Ask where a submitted feed stands and carry out what its report says. Repeatable."""
    feed = Feed.objects.select_related("seller", "marketplace").get(pk=feed_id)
    if feed.state != FeedState.SUBMITTED:
        return feed
    try:
        amazon = Amazon(feed.seller, feed.marketplace)
        answer = amazon.get_feed(feed.feed_id)
        reach("poll.answered")
        return _follow(feed, answer, amazon)
    except AmazonError as error:  # only reads: later
        return _look_later(feed, sentence=error.sentence)
    except Exception:  # what we cannot read either must not be asked for ever
        _look_later(feed, sentence="Retour could not read Amazon's answer.")
        raise


def _follow(feed: Feed, answer: dict, amazon: Amazon) -> Feed:
    status = str(answer.get("processingStatus") or "")
    document = str(answer.get("resultFeedDocumentId") or "")
    if status == "CANCELLED":  # before it was processed, says Amazon
        return _cancelled(feed)
    if status not in FINAL:
        return _look_later(feed, status=status)
    if document:
        content = amazon.feed_document(document)
        reach("report.fetched")
        _keep_report(feed, status, document, content)
    elif status == "DONE" and (feed.processing_status != status or feed.looks < NO_REPORT):
        return _look_later(feed, status=status)
    return _carry_out(feed.pk)


def _look_later(feed: Feed, *, status: str = "", sentence: str = "") -> Feed:
    with outcomes.locked(feed.pk, FeedState.SUBMITTED, verb="look_at_feed") as row:
        if row:
            now = timezone.now()
            if status in FINAL and row.processing_status != status:
                row.looks = 0  # those while it was under way were not for its report
            row.processing_status = status[:20] or row.processing_status
            row.sentence = sentence[:500]
            row.looks, row.next_at = row.looks + 1, next_look(row, now)
            if needing.is_silent(row, now):
                _give_to_person(row, now)
            row.save()
    return row or feed


def _give_to_person(feed: Feed, now: datetime) -> None:
    """Amazon says nothing of a locked feed for too long: what is open in it is unknown.

    Nothing is sent again. It is asked for daily, since a late report still tells what happened, and
    stops a refund that a person took for failed; then no more.
    """
    silent = now - feed.submitted_at
    said = (
        f"Amazon has had this file for {silent.days} days and gives no report of it. Open the "
        "order in Seller Central and see whether it shows the refund, then say on the refund that "
        "it was sent or that it failed. Nothing was sent again."
    )
    outcomes.lose(outcomes.refunds_of(feed), "no_report", said)
    feed.sentence = f"{said} {feed.sentence}".strip()[:500]
    feed.next_at = now + DAILY
    if silent >= LAST:
        outcomes.end(feed, FeedState.DONE, feed.sentence)


def _cancelled(feed: Feed) -> Feed:
    said = "Amazon cancelled the file before it was processed; nothing of it was refunded."
    with outcomes.locked(feed.pk, FeedState.SUBMITTED, verb="cancel_feed", reason=said) as row:
        if row:
            row.processing_status = "CANCELLED"
            outcomes.fail(row, outcomes.refunds_of(row), "cancelled", said)
    return row or feed


def _keep_report(feed: Feed, status: str, document: str, content: bytes) -> None:
    with outcomes.locked(feed.pk, FeedState.SUBMITTED, verb="keep_feed_report") as row:
        if row and row.report is None:
            row.processing_status, row.result_document_id = status, document
            row.report = content
            row.save()
    reach("report.kept")


def _carry_out(feed_id: int) -> Feed:
    """Do what the stored report says of each refund, then end the feed.

    One transaction a refund: one that fails is tried again and keeps no other back.
    """
    feed = Feed.objects.select_related("seller", "marketplace").get(pk=feed_id)
    attempts = RefundAttempt.objects.filter(feed=feed).select_related("refund").order_by("message")
    word = _words(feed, list(attempts))
    day, broken = outcomes.asked_on(feed), 0
    for attempt in attempts:
        try:
            outcomes.answered(attempt, day, *word(attempt))
        except Exception as error:  # the next one is another buyer's money
            broken += 1
            log.exception("outcome_failed", feed=feed_id, error=type(error).__name__)
    if broken or attempts.filter(state="sending").exists():
        return _look_later(feed, sentence=f"{broken} refunds of it could not be taken over yet.")
    with outcomes.locked(feed_id, FeedState.SUBMITTED, verb="end_feed") as row:
        if row:
            outcomes.end(row, FeedState.DONE, _summary(feed))
        reach("feed.ended")
    if any(attempt.evidence.get(outcomes.ADOPTED) for attempt in attempts):
        _look_at_money(feed)
    return row or feed


def _words(feed: Feed, attempts: list[RefundAttempt]) -> Callable[[RefundAttempt], tuple[str, str]]:
    """For each attempt what Amazon's report says; doubt for all where it cannot be believed."""
    report, said = _read(feed, attempts)
    if report is None:
        return lambda _attempt: ("doubt", said)
    return lambda attempt: report.outcome(*_place(attempt))


def _read(feed: Feed, attempts: list[RefundAttempt]) -> tuple[Report | None, str]:
    if feed.report is None:
        return None, "Amazon ended the file without a report; it may have refunded some of it."
    messages = max((_place(attempt)[1] for attempt in attempts), default=0)
    try:
        return read_report(bytes(feed.report), messages), ""
    except Unclear as unclear:
        return None, str(unclear)


def _place(attempt: RefundAttempt) -> tuple[int, int]:
    first, last = attempt.request["messages"]
    return int(first), int(last)


def _summary(feed: Feed) -> str:
    states = list(feed.attempts.values_list("state", flat=True))
    doubtful = sum(state in OPEN for state in states)
    if doubtful:
        return f"{doubtful} of {len(states)} refunds are in doubt: a person decides them."
    return ""


# --- A lost answer -------------------------------------------------------------------------------


def look_for(feed_id: int) -> Feed:
    """Look for an unknown feed at Amazon. Never hands it over again, unless the lane dedupes.

    Adopted is the one feed of its type, created around the call, that no row of ours names and
    whose processing report counts exactly our messages; its report is evidence, not proof. Two
    that fit, or two of ours that are lost, are a person's to tell apart. After ``LOOKS`` looks it
    stays on the desk.
    """
    feed = Feed.objects.select_related("seller", "marketplace").get(pk=feed_id)
    if feed.state != FeedState.UNKNOWN:
        return feed
    if _settled(feed):
        return _decided(feed)
    verb = feeds.ADOPT
    try:
        amazon = Amazon(feed.seller, feed.marketplace)
        if lanes.lane("feed").dedupes:  # asking again with the same document pays once
            found = amazon.create_feed(
                feed.feed_type, [feed.marketplace.amazon_id], feed.document_id
            )
            verb = "submit_feed"
        else:
            found = _find(feed, amazon)
    except AmazonError as error:
        return _look_again(feed, error.sentence)
    if not found:
        if feed.looks % PULLS == PULLS - 1:
            _look_at_money(feed)
        return _look_again(feed, "No feed at Amazon fits it yet.")
    reach("look.found")
    feeds.keep_id(feed.pk, found, verb=verb)
    reach("adopted.committed")
    return Feed.objects.get(pk=feed_id)


def _settled(feed: Feed) -> bool:
    """Whether nothing of a lost feed needs to be known any more: all of it is decided, and where a
    person said that it was not paid, it was looked for to the end: Amazon may know better."""
    states = set(feed.attempts.values_list("state", flat=True))
    return not states & {*OPEN} and (feed.looks >= LOOKS or AttemptState.FAILED not in states)


def _look_at_money(feed: Feed) -> None:
    """Fetch what the account shows since the call; a refund whose money is there is confirmed."""
    by, since = User.objects.system(), feed.creating_at - AFTER
    try:
        finances_pull.pull(feed.seller, by=by, since=since, budget=PULL_SECONDS)
    except Refused as refused:  # the daily pull says it where people look
        log.info("money_not_looked_at", feed=feed.pk, code=refused.code)


def _find(feed: Feed, amazon: Amazon) -> str:
    """The id of the one feed at Amazon that is ours, or ""."""
    # The call is over after its lease; the minute is for clocks that differ.
    lease = timedelta(seconds=settings.SENDING_LEASE)
    since, until = feed.creating_at - BEFORE, feed.creating_at + max(lease, BEFORE)
    lost = Feed.objects.filter(
        seller=feed.seller,
        feed_type=feed.feed_type,
        feed_id="",  # also those a person decided: what they left at Amazon is theirs
        state__in=(FeedState.UNKNOWN, FeedState.CREATING, FeedState.DONE),
        creating_at__range=(since - AFTER, until + AFTER),
    )
    if lost.count() > 1:
        return ""
    listed = amazon.get_feeds(feed.feed_type, since, until)
    known = Feed.objects.filter(feed_id__in=[one["feedId"] for one in listed])  # of any seller
    ours = set(known.values_list("feed_id", flat=True))
    candidates = [
        one
        for one in listed
        if one["feedId"] not in ours
        and feed.marketplace.amazon_id in (one.get("marketplaceIds") or [])
    ]
    if len(candidates) != 1 or not _fits(feed, candidates[0], amazon):
        return ""
    return candidates[0]["feedId"]


def _fits(feed: Feed, candidate: dict, amazon: Amazon) -> bool:
    document = candidate.get("resultFeedDocumentId")
    if candidate.get("processingStatus") not in ("DONE", "FATAL") or not document:
        return False
    attempts = list(feed.attempts.all())
    messages = max(_place(attempt)[1] for attempt in attempts)
    try:
        read_report(amazon.feed_document(document), messages)
    except Unclear:
        return False
    return True


def _look_again(feed: Feed, sentence: str) -> Feed:
    with outcomes.locked(feed.pk, FeedState.UNKNOWN, verb="look_for_feed") as row:
        if row:
            row.looks += 1
            row.sentence = sentence[:500]
            row.next_at = next_look(row, timezone.now())
            if row.looks >= LOOKS:
                row.next_at = None
                row.sentence = (
                    f"Looked for at Amazon {row.looks} times without finding it. Decide its "
                    "refunds by what Seller Central shows."
                )
            row.save()
    return row or feed


def _decided(feed: Feed) -> Feed:
    said = "Every refund of it was decided otherwise."
    with outcomes.locked(feed.pk, FeedState.UNKNOWN, verb="end_feed", reason=said) as row:
        if row:
            outcomes.end(row, FeedState.DONE, said)
    return row or feed
