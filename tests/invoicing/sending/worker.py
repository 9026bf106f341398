"""A worker of its own that dies where it is told: `python -m tests.invoicing.sending.worker NAME`.

Reads one JSON object a line: ``at`` (the point at which to die, or ""), ``settings``, ``dedupes``
and ``seconds``. Each life is a fork of this process, as in Celery's pool, and sweeps until nothing
moves any more. Prints for each life whether it was killed.
"""

import json
import os
import sys
import time
from datetime import timedelta


def main(name: str) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from invoicing import crediting, matching  # noqa: F401 loaded once, before the lives
    from invoicing.sending import sweeper  # noqa: F401

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _live(name, **json.loads(line))
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status)
        print(json.dumps({"killed": killed, "code": 0 if killed else os.WEXITSTATUS(status)}))
        sys.stdout.flush()
    return 0


class _EverySeller(dict):
    def get(self, code, default=None):
        return self["*"]


def _live(name: str, at: str, settings: dict, dedupes: bool, seconds: float) -> int:
    from django.conf import settings as ours

    from invoicing.sending import feeds, lanes, points, polling, sweeper
    from tests import database

    database.use(name)
    for key, value in settings.items():
        setattr(ours, key, value)
    ours.AMAZON_REFRESH_TOKENS = _EverySeller(settings["AMAZON_REFRESH_TOKENS"])
    polling.LONGEST_WAIT = timedelta(seconds=0.2)
    feeds.SOON = sweeper.BUSY = timedelta(seconds=0.2)
    feeds.tasks.publish = lambda *args: None  # the sweeper alone must be enough
    lane = lanes.lane("feed")
    lanes.register(lanes.Lane("feed", dedupes=dedupes, why_not=lane.why_not))
    points._AT = at
    until = time.monotonic() + seconds
    while time.monotonic() < until and _moves():
        if not sweeper.sweep():
            time.sleep(0.05)
    return 0


def _moves() -> bool:
    """Whether anything may still change by itself: an unknown feed after a few looks does not."""
    from django.db.models import Q

    from invoicing.models import Feed, Refund

    waits = Refund.objects.filter(state="approved", lane="feed", wait_until=None)
    feeds = Feed.objects.exclude(state__in=("done", "failed"))
    return waits.exists() or feeds.exclude(Q(state="unknown") & Q(looks__gt=LOOKS)).exists()


LOOKS = 6

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
