"""Refunds that leave by Amazon's feed: gathered into one file a window, and handed over once.

``sending`` and ``creating`` are committed before the call that pays. A call whose answer is lost is
never made again: the feed and its refunds are unknown, and looked for (`polling.py`).
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import approval, refund_row, tasks
from invoicing.models import Feed, LaneRule, Refund
from invoicing.models.refund import Lane
from invoicing.sending import lanes, outcomes
from invoicing.sending.attempts import Asked, figures_of, open_attempts, request_of
from invoicing.sending.feed_file import (
    Adjustment,
    FeedFile,
    Unsayable,
    adjustment,
    flat_file,
    xml_file,
)
from invoicing.sending.points import reach
from invoicing.states import FeedState, RefundState
from orders.amazon.client import Amazon
from orders.amazon.errors import AmazonError, NotDone, Refusal
from orders.models import Marketplace, OrderLine, Seller

log = structlog.get_logger(__name__)
LARGEST = 200  # refunds of one file
ASIDE = timedelta(minutes=15)  # until a refund that was left out is looked at again
SOON = timedelta(minutes=1)
ADOPT = "adopt_feed"  # taken for ours because it fits, not because Amazon answered so
LOGIN = "login"  # Amazon's login refuses the seller's keys: nothing was called
NO_ENTRY = (LOGIN, "http_401", "http_403")  # keys and rights come back; the file waits for them
LOCK = 0x5E9D  # with the account: one gathers at a time, another passes by


# --- Gathering -----------------------------------------------------------------------------------


def collect(now: datetime | None = None) -> list[Feed]:
    """Put approved refunds of the feed lane into files, one for each account whose window is open.

    Refunds are held for some seconds after their approval; a change of mind costs nothing then.
    One that does not fit any more stays approved and says why. Commits; sends nothing itself.
    """
    now, made = now or timezone.now(), []
    groups = _ready(now).order_by("seller_id", "marketplace_id")
    for seller_id, marketplace_id in groups.values_list("seller", "marketplace").distinct():
        try:
            feed = _collect(seller_id, marketplace_id, now)
        except Exception as error:  # another account's refunds must not wait for this one's
            log.exception("collect_failed", seller=seller_id, error=type(error).__name__)
            continue
        if feed:
            reach("collect.committed")
            made.append(feed)
    return made


def _ready(now: datetime) -> QuerySet[Refund]:
    held = now - timedelta(seconds=settings.SENDING_HOLD)
    return Refund.objects.filter(
        Q(wait_until=None) | Q(wait_until__lte=now),
        state=RefundState.APPROVED,
        lane=Lane.FEED,
        approved_at__lte=held,
    )


def _collect(seller_id: int, marketplace_id: int, now: datetime) -> Feed | None:
    with trail("collect_refunds", by=User.objects.system()):
        if not _only_one(seller_id, marketplace_id) or not _open(seller_id, marketplace_id, now):
            return None
        refunds = _take(_ready(now).filter(seller=seller_id, marketplace=marketplace_id))
        if not refunds:
            return None
        seller, marketplace = refunds[0].seller, refunds[0].order.marketplace
        refused = _refused(refunds, seller, marketplace)
        good, said = _say(refunds, refused)
        _set_aside({refund.pk: refused[refund.pk] for refund in refunds if refund.pk in refused})
        return _prepare(good, said, seller, marketplace, now) if good else None


def _only_one(seller_id: int, marketplace_id: int) -> bool:
    name = f"{LOCK}/{seller_id}/{marketplace_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return cursor.fetchone()[0]


def _open(seller_id: int, marketplace_id: int, now: datetime) -> bool:
    """Whether a window is open: no file waits to be handed over, the last one is old enough."""
    since = now - timedelta(seconds=settings.SENDING_WINDOW)
    waiting = Q(state__in=(FeedState.PREPARED, FeedState.CREATING))
    feeds = Feed.objects.filter(seller=seller_id, marketplace=marketplace_id)
    return not feeds.filter(waiting | (Q(created_at__gt=since) & ~Q(state="failed"))).exists()


def _take(ready: QuerySet[Refund]) -> list[Refund]:
    """Lock the oldest ones; those somebody works on wait, and so does an order's second refund."""
    found = ready.order_by("approved_at", "pk").values_list("pk", "order", "origin")[:LARGEST]
    first = {order: (pk, origin) for pk, order, origin in reversed(list(found))}
    refund_row.lock_first(origin for _, origin in first.values())
    rows = ready.filter(pk__in=[pk for pk, _ in first.values()]).order_by("pk")
    rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows.select_related("order__marketplace", "order__buyer", "seller", "payee"))


def _refused(refunds: list[Refund], seller: Seller, marketplace: Marketplace) -> dict[int, Refused]:
    """By id, why refunds stay behind: the lane is closed, or they do not fit any more."""
    if why := lanes.lane(Lane.FEED).why_not(seller, marketplace):
        return {refund.pk: Refused("lane", why) for refund in refunds}
    return approval.rests(refunds)


def _say(
    refunds: list[Refund], refused: dict[int, Refused]
) -> tuple[list[Refund], list[Adjustment]]:
    """What Amazon's file says of each refund; what it cannot say is added to ``refused``."""
    lines = OrderLine.objects.filter(order__in=[refund.order_id for refund in refunds])
    item_ids = {str(pk): code or "" for pk, code in lines.values_list("pk", "order_item_id")}
    good, said = [], []
    for refund in refunds:
        if refund.pk in refused:
            continue
        try:
            said.append(_adjustment(refund, item_ids))
            good.append(refund)
        except Unsayable as unsayable:
            refused[refund.pk] = Refused("unsayable", str(unsayable))
    return good, said


def _adjustment(refund: Refund, item_ids: dict[str, str]) -> Adjustment:
    found = adjustment(
        refund.order.amazon_order_id,
        refund.currency,
        refund.reason_code,
        [(item_ids.get(one.order_line, ""), one.field, one.amount) for one in figures_of(refund)],
    )
    if found.total != refund.gross:
        raise Unsayable(f"Amazon's file would refund {found.total} instead of {refund.gross}.")
    return found


def _set_aside(refused: dict[int, Refused]) -> None:
    for pk, refusal in refused.items():
        log.info("refund_left_out", refund=pk, code=refusal.code)
        Refund.objects.filter(pk=pk).update(
            wait_why=refusal.sentence[:300], wait_until=timezone.now() + ASIDE
        )


def _prepare(
    refunds: list[Refund],
    said: list[Adjustment],
    seller: Seller,
    marketplace: Marketplace,
    now: datetime,
) -> Feed:
    file, by = _file(said, seller, marketplace), User.objects.system()
    feed = Feed.objects.create(
        seller=seller,
        marketplace=marketplace,
        feed_type=file.feed_type,
        content_type=file.content_type,
        content=file.content,
        sha256=hashlib.sha256(file.content).hexdigest(),
        next_at=now,
    )
    ids = [refund.pk for refund in refunds]
    Refund.objects.filter(pk__in=ids).update(
        state=RefundState.SENDING, sender=by, sending_at=timezone.now(), wait_why="",
        wait_until=None, version=F("version") + 1,
    )  # fmt: skip
    asked = [
        Asked(refund, request_of(refund) | {"messages": list(place)}, place[0])
        for refund, place in zip(refunds, file.places, strict=True)
    ]
    open_attempts(asked, by=by, lane=Lane.FEED, feed=feed)
    refund_row.tell(ids)
    reach("collect.attempts_open")
    transaction.on_commit(lambda: tasks.publish(tasks.send_feed, feed.pk))
    return feed


def _file(said: list[Adjustment], seller: Seller, marketplace: Marketplace) -> FeedFile:
    if lanes.rule_of(seller, marketplace).feed_format == LaneRule.Format.XML:
        return xml_file(said, seller.amazon_seller_id)
    return flat_file(said)


# --- Handing over --------------------------------------------------------------------------------


def hand_over(feed_id: int) -> Feed | None:
    """Upload a prepared feed and have Amazon create it: once. Returns the feed as it stands then.

    Nothing is paid before ``create_feed``. What certainly had no effect waits and is tried again;
    a lost answer makes the feed unknown. None where the feed is not due or somebody else has it.
    """
    before = time.monotonic()
    feed = _claim(feed_id)
    if feed is None:
        return None
    try:
        amazon = Amazon(feed.seller, feed.marketplace)
    except Refusal as refusal:  # the access was taken away; the file goes when it is back
        return _later(feed_id, refusal)
    try:
        document_id = feed.document_id or _upload(feed, amazon)
    except AmazonError as error:  # nothing of an upload has an effect on money
        if isinstance(error, Refusal) and error.code not in NO_ENTRY:
            return _refuse(feed_id, error)
        return _later(feed_id, error)
    if mine := _creating(feed_id, document_id):
        _create(feed_id, document_id, amazon, before, mine)
    return Feed.objects.get(pk=feed_id)


def _claim(feed_id: int) -> Feed | None:
    """A prepared feed that is due, kept from others for the time of a lease."""
    now = timezone.now()
    with outcomes.locked(feed_id, FeedState.PREPARED, verb="hand_over") as feed:
        if feed is None or (feed.next_at and feed.next_at > now):
            return None
        feed.next_at = now + timedelta(seconds=settings.SENDING_LEASE)
        feed.save(update_fields=["next_at"])
    return feed


def _upload(feed: Feed, amazon: Amazon) -> str:
    document_id, url = amazon.create_feed_document(feed.content_type)
    reach("document.created")
    amazon.upload(url, feed.content_type, bytes(feed.content))
    reach("document.uploaded")
    return document_id


def _creating(feed_id: int, document_id: str) -> datetime | None:
    """Commit that the next thing is the call that pays; None where it must not be made.

    The moment that is returned names the worker that makes it: only that one may say what came of
    it.

    Everything is checked once more, for the file may have waited: where one refund of it was seen
    at Amazon meanwhile, or does not fit any more, all are given back and gathered anew.
    """
    with outcomes.locked(feed_id, FeedState.PREPARED, verb="create_feed") as feed:
        if feed is None:
            return None
        refunds = outcomes.refunds_of(feed)
        if why := _stopped(feed, refunds):
            outcomes.give_back(feed, refunds, why)
            return None
        feed.state, feed.document_id = FeedState.CREATING, document_id
        feed.creating_at = timezone.now()
        feed.next_at = feed.creating_at + timedelta(seconds=settings.SENDING_LEASE)
        feed.save()
        reach("creating.written")
    reach("creating.committed")
    return feed.creating_at


def _stopped(feed: Feed, refunds: list[Refund]) -> str:
    """Why a locked file with these open refunds must not be handed over; "" where it may."""
    if off := lanes.lane(Lane.FEED).why_not(feed.seller, feed.marketplace):
        return f"{off} Nothing was sent."
    if len(refunds) == feed.attempts.count() and not approval.rests(refunds):
        return ""
    return (
        "A refund of this file was settled otherwise, or does not fit any more. Nothing was sent; "
        "the others go with the next file."
    )


def _create(feed_id: int, document_id: str, amazon: Amazon, before: float, mine: datetime) -> None:
    """The one call that pays, and what its answer means."""
    feed = Feed.objects.select_related("marketplace").get(pk=feed_id)
    try:
        if time.monotonic() - before > settings.SENDING_LEASE / 2:  # this process was held up
            raise NotDone("late", "The file was not handed over in time; it is tried again.")
        name = amazon.create_feed(feed.feed_type, [feed.marketplace.amazon_id], document_id)
    except NotDone as error:
        _later(feed_id, error, mine)
    except Refusal as refusal:
        # Without a login nothing was called.
        _later(feed_id, refusal, mine) if refusal.code == LOGIN else _refuse(feed_id, refusal, mine)
    except Exception as error:  # noqa: BLE001 Unclear, and whatever broke during the call
        sentence = getattr(error, "sentence", "The call that hands over the file broke off.")
        mark_lost(feed_id, f"{sentence} It may have reached Amazon.")
    else:
        reach("create.answered")
        keep_id(feed_id, name)


def _later(feed_id: int, error: AmazonError, mine: datetime | None = None) -> Feed | None:
    """Certainly nothing happened: prepared again, and tried when Amazon allows it."""
    wait = timedelta(seconds=error.retry_after) if getattr(error, "retry_after", None) else SOON
    with _held(feed_id, mine, verb="put_off_feed", reason=error.sentence) as feed:
        if feed:
            feed.state, feed.sentence = FeedState.PREPARED, error.sentence[:500]
            feed.looks, feed.next_at = feed.looks + 1, timezone.now() + wait
            feed.save()
    return feed


def _refuse(feed_id: int, refusal: Refusal, mine: datetime | None = None) -> Feed | None:
    with _held(feed_id, mine, verb="refuse_feed", reason=refusal.sentence) as feed:
        if feed:
            outcomes.fail(feed, outcomes.refunds_of(feed), refusal.code, refusal.sentence)
    return feed


@contextmanager
def _held(feed_id: int, mine: datetime | None, *, verb: str, reason: str) -> Iterator[Feed | None]:
    """The feed as this worker left it, locked; None where another one went on with it.

    Prepared before the call that pays; from then on being created since ``mine``. Without this, a
    worker whose upload fails late would put off a file that another one is paying.
    """
    state = FeedState.CREATING if mine else FeedState.PREPARED
    with outcomes.locked(feed_id, state, verb=verb, reason=reason) as feed:
        yield feed if feed and (mine is None or feed.creating_at == mine) else None


def mark_lost(feed_id: int, sentence: str) -> None:
    """The answer of the call that pays is lost: the feed and its refunds are unknown."""
    with outcomes.locked(feed_id, FeedState.CREATING, verb="lose_feed", reason=sentence) as feed:
        if feed is None:
            return
        outcomes.lose(outcomes.refunds_of(feed), "unknown", sentence)
        feed.state, feed.sentence = FeedState.UNKNOWN, sentence[:500]
        feed.looks, feed.next_at = 0, timezone.now() + timedelta(seconds=settings.SENDING_POLL)
        feed.save()
        reach("lost.written")
    reach("lost.committed")


def keep_id(feed_id: int, name: str, verb: str = "submit_feed") -> bool:
    """Amazon has the feed under this id; its refunds wait for the processing report.

    False where the feed was ended meanwhile: the id is kept with it all the same, and said.
    """
    with outcomes.locked(feed_id, *FeedState.values, verb=verb) as feed:
        open_still = feed.state in (FeedState.CREATING, FeedState.UNKNOWN)
        if open_still:
            feed.state, feed.feed_id, feed.sentence = FeedState.SUBMITTED, name, ""
            feed.submitted_at, feed.looks = timezone.now(), 0
            feed.next_at = feed.submitted_at + timedelta(seconds=settings.SENDING_POLL)
            if verb == ADOPT:
                outcomes.adopt(feed, name)
        elif feed.feed_id != name:
            log.error("late_feed_id", feed=feed_id, feed_id=name, state=feed.state)
            said = f"Amazon has this file all the same, as feed {name}: look there what it paid."
            feed.feed_id = feed.feed_id or name
            feed.sentence = f"{said} {feed.sentence}".strip()[:500]
        feed.save()
        reach("submitted.written")
    reach("submitted.committed")
    return open_still
