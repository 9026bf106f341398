"""The named points between two steps of sending, where a worker may die.

`reach` does nothing but where the environment names the point: tests kill a real worker there.
"""

import os
import signal

NAMES = (
    "collect.attempts_open",  # attempts and feed written, not committed
    "collect.committed",
    "document.created",  # Amazon gave a place for the file
    "document.uploaded",
    "creating.written",  # not committed
    "creating.committed",  # the next thing is the call that pays
    "create.answered",  # the call came back, nothing written
    "submitted.written",
    "submitted.committed",
    "poll.answered",
    "report.fetched",
    "report.kept",
    "refund.written",  # one refund's outcome, not committed
    "refund.committed",
    "feed.ended",  # the feed is done, not committed
    "lost.written",  # a lost answer noted, not committed
    "lost.committed",
    "look.found",  # a feed at Amazon fits, nothing written
    "adopted.committed",
)
_AT = os.environ.get("RETOUR_CRASH_AT", "")


def reach(name: str) -> None:
    """Say that the worker is at this point."""
    if _AT and name == _AT:
        os.kill(os.getpid(), signal.SIGKILL)
