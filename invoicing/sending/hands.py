"""What a person may do by hand with a refund that a file carries out: Amazon's feed or the bank's.

A file pays on its own: giving its refunds back or failing them by hand would let them be paid
twice. The verbs of ``refunds.py`` ask here, under the refund's lock.
"""

from config.core.refused import Refused
from invoicing.models import BankFile, Feed, Refund, RefundAttempt
from invoicing.sending import lanes
from invoicing.sending.accepted import check_given_up
from invoicing.sending.attempts import LOOKS, newest
from invoicing.sending.needing import is_silent
from invoicing.states import FeedState

# Amazon may still pay what such a feed holds.
_RUNNING = (FeedState.PREPARED, FeedState.CREATING, FeedState.SUBMITTED)


def check_start(refund: Refund) -> None:
    """Refuse to take a refund in hand that goes another way than Seller Central."""
    if not lanes.lane_of(refund).by_hand:
        raise Refused(
            "lane",
            f"This refund goes another way ({refund.get_lane_display().lower()}). "
            "Change its way first if it must be done in Seller Central.",
        )


def check_seen(refund: Refund) -> None:
    """Refuse to say what happened to a refund while its file has not reached Amazon or the bank."""
    feed = _feed_of(newest(refund))
    if feed and feed.state in (FeedState.PREPARED, FeedState.CREATING):
        raise Refused("feed", "Its file is on the way to Amazon: wait a minute and look again.")


def check_unpaid(refund: Refund, *, by) -> None:
    """Refuse to say that a refund was not paid while a file may still pay it, or has.

    Of a file Amazon says nothing about for days, a person decides by what Seller Central shows.
    """
    attempt = newest(refund)
    feed = _feed_of(attempt)
    if feed and feed.state == FeedState.UNKNOWN and feed.next_at:
        raise Refused(
            "feed",
            f"This file is still being looked for at Amazon (look {feed.looks} of {LOOKS}, next at "
            f"{feed.next_at:%H:%M} UTC; about four hours in all). Decide when that has ended.",
        )
    if feed and feed.state in _RUNNING and not is_silent(feed):
        raise Refused(
            "feed",
            "Amazon's feed carries out this refund and has not answered yet, so it may still be "
            "paid. If the answer does not come, mark the refund as unknown.",
        )
    check_given_up(attempt, by=by)


def check_reversed(refund: Refund, *, by) -> None:
    """Refuse to say that money came back of which no settlement tells yet whether it left."""
    check_given_up(newest(refund), by=by)


def _feed_of(attempt: RefundAttempt | None) -> Feed | None:
    """The feed that carries the attempt; refuses one that is in a file for the bank."""
    file = attempt.bank_file if attempt else None
    if file and file.state == BankFile.State.MADE:
        raise Refused(
            "bank_file",
            "This refund is in a file for the bank. Say on the file's page whether the bank "
            "carried it out, or withdraw the file.",
        )
    return attempt.feed if attempt else None
