"""Which refunds and feeds wait for a person, why and since when: for lists, rows, notices.

One rule, as conditions on rows. Reads only; what carries sending on by itself is in `sweeper.py`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.display import age
from invoicing.models import Feed, Refund, RefundAttempt
from invoicing.models.refund import WAITING, Lane
from invoicing.sending.attempts import OPEN
from invoicing.states import FeedState, RefundState

BY_HAND = timedelta(days=2)  # a refund in somebody's hands for longer is asked after
OVERDUE = timedelta(hours=24)  # Amazon processes most files within the hour
UNKNOWN, HANDS, AMAZON, ASIDE = "unknown", "hands", "amazon", "aside"
WORDS = {
    UNKNOWN: gettext_lazy("Nobody knows whether the money left."),
    HANDS: gettext_lazy("In somebody's hands for more than two days."),
    AMAZON: gettext_lazy("On its way through Amazon's feed for more than a day."),
    ASIDE: gettext_lazy("Left out of Amazon's feed."),
}


def _reasons(now: datetime) -> dict[str, Q]:
    sending = Q(state=RefundState.SENDING)
    return {
        UNKNOWN: Q(state=RefundState.UNKNOWN),
        HANDS: sending & ~Q(lane=Lane.FEED) & Q(sending_at__lt=now - BY_HAND),
        AMAZON: sending & Q(lane=Lane.FEED, sending_at__lt=now - OVERDUE),
        ASIDE: Q(state=RefundState.APPROVED, lane=Lane.FEED) & ~Q(wait_why=""),
    }


def needing(now: datetime | None = None) -> Q:
    """The condition on refunds a person must look after; `WAITING` is what the index knows."""
    found = Q()
    for condition in _reasons(now or timezone.now()).values():
        found |= condition
    return WAITING & found


def needs_person(now: datetime | None = None) -> QuerySet[Refund]:
    """Refunds a person must look after: unknown ones, long in somebody's hands, long at Amazon, and
    those that Amazon's feed leaves out because they do not fit."""
    return Refund.objects.filter(needing(now))


def annotations(now: datetime | None = None) -> dict[str, Any]:
    """What a row of refunds says of it: ``needs`` (a key of `WORDS`, or "") and ``needs_since``."""
    rules = _reasons(now or timezone.now()).items()
    return {
        "needs": Case(*(When(rule, then=Value(key)) for key, rule in rules), default=Value("")),
        "needs_since": Coalesce(F("sending_at"), F("approved_at")),
    }


def why(row: Mapping[str, Any]) -> SafeString:
    """The second line of a row that needs somebody: the reason, what is known, for how long.

    ``row`` has the values of `annotations`, ``note`` and ``wait_why``.
    """
    said = {UNKNOWN: row["note"], ASIDE: row["wait_why"]}.get(row["needs"], "")
    spoken = f"{WORDS[row['needs']]} {said}".strip()
    return format_html("{} · {} {}", spoken, _("for"), age(row["needs_since"]))


# --- Feeds ---------------------------------------------------------------------------------------


def late_feeds(now: datetime | None = None) -> QuerySet[Feed]:
    """Feeds that Amazon has had for more than a day, with refunds nobody knows the end of."""
    attempts = RefundAttempt.objects.filter(feed=OuterRef("pk"), state__in=OPEN)
    return Feed.objects.filter(_late(now), Exists(attempts))


def is_late(feed: Feed, now: datetime | None = None) -> bool:
    """Whether Amazon has had this feed for longer than a day without an end of all its refunds."""
    return late_feeds(now).filter(pk=feed.pk).exists()


def is_silent(feed: Feed, now: datetime | None = None) -> bool:
    """Whether Amazon has had this feed for ``SENDING_SILENCE`` and gave no report of it: a person
    decides its refunds then."""
    if feed.state != FeedState.SUBMITTED or feed.report is not None:
        return False
    waited = (now or timezone.now()) - feed.submitted_at
    return waited >= timedelta(seconds=settings.SENDING_SILENCE)


def _late(now: datetime | None) -> Q:
    return Q(state=FeedState.SUBMITTED, submitted_at__lt=(now or timezone.now()) - OVERDUE)
