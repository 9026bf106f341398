"""What carries sending on, whatever died: every feed that is due, and refunds that wait for one.

Bounded work, oldest first; a feed that fails is put off and keeps no other back. What a step does
is in `feeds.py` and `polling.py`, what waits for a person in `needing.py`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing.models import Feed
from invoicing.sending import feeds, polling
from invoicing.states import FeedState

log = structlog.get_logger(__name__)
SECONDS = 60  # of one sweep; the next one goes on
MOST = 50  # feeds of one step in one sweep
BUSY = timedelta(seconds=60)  # others leave a feed alone that is being looked at


@dataclass
class Swept:
    """What one sweep did: ids of feeds by step, and how many steps broke."""

    done: dict[str, list[int]] = field(default_factory=dict)
    broken: int = 0

    def __bool__(self):
        return bool(self.broken) or any(self.done.values())


def sweep(seconds: float = SECONDS) -> Swept:
    """Note lost answers, hand over what waits, look after what is at Amazon, gather the rest."""
    swept = Swept()
    steps: tuple[tuple[str, str, Callable[[int], object]], ...] = (
        ("lost", FeedState.CREATING, _lost),
        ("handed_over", FeedState.PREPARED, feeds.hand_over),
        ("looked_for", FeedState.UNKNOWN, polling.look_for),
        ("polled", FeedState.SUBMITTED, polling.poll),
    )
    for name, state, step in steps:
        until = time.monotonic() + seconds / len(steps)  # a step that hangs starves no other
        _run(name, _due(state, until), step, swept)
    made = feeds.collect()
    swept.done["collected"] = [feed.pk for feed in made]
    return swept


def _run(name: str, ids: Iterator[int], step: Callable[[int], object], swept: Swept) -> None:
    done = swept.done.setdefault(name, [])
    for feed_id in ids:
        try:
            step(feed_id)
        except Exception as error:  # put off by its claim; the others go on
            swept.broken += 1
            log.exception("sweep_failed", step=name, feed=feed_id, error=type(error).__name__)
        else:
            done.append(feed_id)


def _due(state: str, until: float) -> Iterator[int]:
    """Claim one due feed after another; each only once in a sweep."""
    seen: list[int] = []
    while time.monotonic() < until and len(seen) < MOST:
        feed_id = _claim(state, timezone.now(), seen)
        if feed_id is None:
            return
        seen.append(feed_id)
        yield feed_id


def _claim(state: str, now: datetime, seen: list[int]) -> int | None:
    """The longest due feed that nobody else holds; what others claim meanwhile is put off.

    Prepared ones are claimed by `feeds.hand_over` itself.
    """
    due = Feed.objects.filter(state=state, next_at__lte=now).exclude(pk__in=seen)
    if state == FeedState.PREPARED:
        return due.order_by("next_at", "pk").values_list("pk", flat=True).first()
    with trail("sweep_feeds", by=User.objects.system()):
        rows = due.order_by("next_at", "pk").select_for_update(skip_locked=True)
        feed_id = rows.values_list("pk", flat=True).first()
        if feed_id and state != FeedState.CREATING:
            Feed.objects.filter(pk=feed_id).update(next_at=now + BUSY)
    return feed_id


def _lost(feed_id: int) -> None:
    """A feed that is still being created after its lease: the worker died in the middle."""
    lease = timedelta(seconds=settings.SENDING_LEASE)
    late = Feed.objects.filter(pk=feed_id, creating_at__lte=timezone.now() - lease)
    if late.exists():
        feeds.mark_lost(
            feed_id, "The worker that handed over the file died before it had Amazon's answer."
        )
