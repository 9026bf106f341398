"""A worker of its own that dies on the way: `python -m tests.invoicing.worker DATABASE ODDS SEED`.

Issues what is due until nothing is left. Each life is a fork of this process, as in Celery's pool,
and ends by SIGKILL with the given odds at every point where a document is between two steps. Prints
how many lives it lost.
"""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from functools import wraps

PATIENCE = timedelta(seconds=1)
WAIT = timedelta(seconds=5)  # at most, between two tries of what a killed worker left
LIVES = 400
LONGEST = 100  # seconds without any progress before it gives up


def main(name: str, odds: float, seed: int) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from invoicing import render  # noqa: F401 loaded once, before the lives

    for life in range(LIVES):
        pid = os.fork()
        if pid == 0:
            os._exit(_live(name, odds, f"{seed}-{life}"))
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            print(life)
            return os.waitstatus_to_exitcode(status)
    return 1


def _live(name: str, odds: float, seed: str) -> int:
    from invoicing import documents, finishing
    from invoicing.models import Document
    from tests import database

    database.use(name)
    finishing.LONGEST = WAIT
    _set_traps(random.Random(seed), odds)
    waiting = Document.objects.exclude(state="issued")
    until = time.monotonic() + LONGEST
    while waiting.exists() and time.monotonic() < until:
        if documents.finish_documents(limit=3, patience=PATIENCE):
            until = time.monotonic() + LONGEST
        else:
            time.sleep(0.1)
    return 0


def _set_traps(chance: random.Random, odds: float) -> None:
    """After the claim, the gate, the number (not yet committed), the drawing, and the storing."""
    from invoicing import finishing, gate, numbering

    traps = [
        (finishing, "_claim"),
        (gate, "check"),
        (numbering, "next_number"),
        (finishing, "take_number"),
        (finishing, "check_pdf"),
        (finishing, "_store"),
    ]
    for module, verb in traps:
        setattr(module, verb, _deadly(getattr(module, verb), chance, odds))


def _deadly(real, chance: random.Random, odds: float):
    @wraps(real)
    def dies(*args, **kwargs):
        done = real(*args, **kwargs)
        if chance.random() < odds:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return dies


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
