"""Refunds while the worker, the broker and PostgreSQL are killed in turn: none lost, none twice.

Amazon answers as it does on a bad day. Judged after some quiet: every refund over and paid once,
or unknown and on a person's list; the ledger balances and every promise holds.
"""

import itertools
import random
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest

from tests.amazon.server import Server
from tests.invoicing.sending.chaos import House

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("chaos")]
QUIET = 120  # seconds


def bad_day(amazon: Server, over: threading.Event, chance: random.Random) -> None:
    """Faults of all kinds until it is over: before the effect, after it, and on questions."""
    faults = ["429", "429_empty", "503_html", "reset", "reset_after", "503_after", "truncated"]
    while not over.wait(1.5):
        operation = chance.choice(["createFeed", "createFeed", "getFeed", "getFeeds", "upload"])
        if not amazon.faults[operation]:
            amazon.fail(operation, chance.choice(faults))


def survive(folder, many: int, seconds: float, pause: float) -> None:
    chance, over = random.Random(20261122), threading.Event()
    with Server() as amazon, House(folder, amazon.environment("chaos")) as house:
        amazon.behaviour.in_progress = 1
        house.clerk("propose", str(many))
        trouble = threading.Thread(target=bad_day, args=(amazon, over, chance), daemon=True)
        house.start_worker()
        trouble.start()
        clerk = house.clerk_at_work("approve", str(seconds * 0.9))
        until = time.monotonic() + seconds
        for victim in itertools.cycle(["worker", "postgres", "broker"]):
            if time.monotonic() > until and all(house.killed.values()):
                break
            time.sleep(pause * chance.uniform(0.7, 1.3))
            house.kill(victim, pause=chance.uniform(0.2, 1.0))
        over.set()
        assert clerk.wait(60) == 0, (folder / "clerk.log").read_text()[-3000:]
        wait(house)
        check(house, amazon, many)


def wait(house: House) -> None:
    until = time.monotonic() + QUIET
    while not house.quiet():
        assert time.monotonic() < until, house.judge()
        time.sleep(0.5)


def check(house: House, amazon: Server, many: int) -> None:
    found = house.judge()
    states = Counter(found["refunds"].values())
    print(f"\n{many} refunds: {dict(states)}; killed {house.killed}; feeds {found['feeds']}")
    assert all(house.killed.values())
    assert states.total() == many
    for order, state in found["refunds"].items():
        paid = amazon.journal.times_paid(order)
        assert paid <= 1, order
        assert paid == {"sent": 1, "confirmed": 1, "failed": 0}.get(state, paid), (order, state)
    assert set(states) <= {"sent", "confirmed", "failed", "unknown"}
    # What the list page serves to finance, against what the rows say.
    unknown = {order: state for order, state in found["refunds"].items() if state == "unknown"}
    assert found["on_the_desk"] == unknown
    assert states["sent"] > 0
    handed_over = [feed.document_id for feed in amazon.journal.feeds.values()]
    assert len(handed_over) == len(set(handed_over))  # no file twice
    assert set(map(Decimal, found["ledger"].values())) == {Decimal(0)}
    # The clerk's orders came from no file: what the promises of imports say is not about them.
    assert not [name for name in found["broken"] if not name.startswith("orders.")], found["broken"]


@pytest.mark.timeout(300, func_only=True)
def test_twenty_refunds_survive_one_kill_of_each(tmp_path, django_db_setup):
    survive(tmp_path, many=20, seconds=6, pause=1.5)


@pytest.mark.soak
@pytest.mark.timeout(600, func_only=True)
def test_three_hundred_refunds_survive_the_chaos(tmp_path, django_db_setup):
    survive(tmp_path, many=300, seconds=75, pause=4)
