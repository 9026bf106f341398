"""A worker killed at any named point: the buyer is paid once, or a person is asked.

A real process of its own on the test's database, against a simulated Amazon that dedupes, does not,
answers late, or says things twice. A file is handed over twice only where Amazon dedupes.
"""

import itertools
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.db import connections

from config.core import invariants
from config.core.models import User
from invoicing import refunds
from invoicing.models import Feed, Refund
from invoicing.sending.points import NAMES
from tests.amazon.server import Server
from tests.factories import make_user
from tests.invoicing.sending.making import (
    again,
    make_feed_refund,
    no_longer_looked_for,
    on_the_desk,
)
from tests.invoicing.sending.test_feeds import PROMISES

pytestmark = pytest.mark.django_db(transaction=True)
LATE = 1.3  # seconds; longer than a worker waits for an answer
LEASE = 0.8
# Reached only where the answer of the call that pays was lost.
LOST = ("lost.written", "lost.committed", "look.found", "adopted.committed")
FOUND = LOST[2:]  # and only where the feed was known again at Amazon
# Reached only where it was not.
ANSWERED = ("create.answered", "refund.written")


@dataclass(frozen=True)
class Provider:
    """How Amazon behaves."""

    name: str
    dedupes: bool = False
    late: float = 0.0
    pages_twice: bool = False
    twice: bool = False


PROVIDERS = [
    Provider("plain"),
    Provider("dedupes", dedupes=True),
    Provider("late", late=LATE),
    Provider("pages_twice", pages_twice=True),
    Provider("twice", twice=True),
]


@contextmanager
def worker():
    """The worker process; yields a function that runs one life and says whether it was killed."""
    name = settings.DATABASES["default"]["NAME"]
    connections.close_all()
    folder = str(settings.DATA_DIR)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.invoicing.sending.worker", name],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATA_DIR": folder, "TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def live(at: str, amazon: Server, seconds: float = 30) -> bool:
        told = amazon.environment("*")
        told["AMAZON_REFRESH_TOKENS"] = json.loads(told["AMAZON_REFRESH_TOKENS"])
        times = {"SENDING_HOLD": 0, "SENDING_WINDOW": 0, "SENDING_LEASE": LEASE,
                 "SENDING_POLL": 0.1, "AMAZON_TIMEOUT": 1}  # fmt: skip
        order = {
            "at": at,
            "settings": told | times,
            "dedupes": amazon.behaviour.dedupes,
            "seconds": seconds,
        }
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["killed"] or answer["code"] == 0, answer
        return answer["killed"]

    try:
        yield live
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def run(provider: Provider, points: tuple[str, ...]) -> dict[str, str]:
    """Kill a worker at each of the points in turn; the state each refund came to."""
    ended = {}
    with worker() as live:
        for place, point in enumerate(points, start=1):
            with Server() as amazon:  # each on an account of its own, ids as everywhere unique
                amazon.journal.numbers = itertools.count(1000 * place)
                amazon.behaviour.dedupes, amazon.behaviour.late = provider.dedupes, provider.late
                amazon.behaviour.twice = provider.twice
                amazon.behaviour.pages_twice = provider.pages_twice
                refund = make_feed_refund()
                if point in LOST and not provider.late:
                    amazon.fail("createFeed", "reset_after")
                killed = live(point, amazon)
                never = point in (ANSWERED if provider.late else FOUND if provider.twice else ())
                assert killed == (not never), point
                live("", amazon)
                ended[point] = judge(refund, amazon, provider)
    check_promises()
    return ended


def judge(refund: Refund, amazon: Server, provider: Provider) -> str:
    """One refund after the restart; what stays unknown is decided by a person, for the next."""
    refund, paid = again(refund), amazon.journal.times_paid(refund.order.amazon_order_id)
    asked = Feed.objects.filter(attempts__refund=refund, creating_at__isnull=False)
    if not provider.dedupes:
        assert amazon.calls["createFeed"] <= asked.distinct().count()
    assert paid <= 1
    assert refund.state in ("sent", "unknown")
    if refund.state == "sent":
        assert paid == 1
        assert refund.order.amazon_order_id not in on_the_desk(make_user("finance"))
    else:
        assert on_the_desk(make_user("finance")) == {refund.order.amazon_order_id: "unknown"}
        outcome = {"outcome": "sent", "sent_on": refund.sending_at.date(), "amount": refund.gross}
        outcome = outcome if paid else {"outcome": "failed"}
        finance = make_user("finance")
        for feed in asked.filter(state="unknown").distinct():
            no_longer_looked_for(feed)
        refunds.resolve_unknown(refund.key, by=finance, reason="Seller Central says so", **outcome)
    return refund.state


def check_promises() -> None:
    broken = {p.name: invariants.violations(p) for p in invariants.promises()}
    assert {name: broken[name] for name in PROMISES} == dict.fromkeys(PROMISES, (0, []))
    assert User.objects.system()


SMALL = ("collect.attempts_open", "creating.committed", "create.answered", "refund.written")


@pytest.mark.timeout(120)
def test_worker_that_dies_around_the_call_pays_once_or_asks_a_person():
    ended = run(PROVIDERS[0], SMALL)
    # Nobody can know whether the call that was never made had been made; and of one whose answer
    # died with the worker Amazon shows a feed that fits, which is evidence, no proof.
    unknown = dict.fromkeys(("creating.committed", "create.answered"), "unknown")
    assert ended == dict.fromkeys(SMALL, "sent") | unknown


# Amazon lists one effect under two feeds: which of them is ours cannot be known, so none is taken.
DOUBLE = {
    "create.answered": "unknown",
    "submitted.committed": "sent",
    "report.kept": "sent",  # the report comes once more, as another document
    "refund.committed": "sent",
    "lost.committed": "unknown",
}


@pytest.mark.timeout(120)
def test_effect_that_amazon_tells_twice_is_one_refund_or_a_persons():
    assert run(PROVIDERS[-1], tuple(DOUBLE)) == DOUBLE


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_worker_that_dies_at_any_point_pays_once_or_asks_a_person(provider):
    assert len(NAMES) >= 12
    ended = run(provider, NAMES)
    expected = dict.fromkeys(NAMES, "sent")
    if not provider.dedupes:
        lost = ("creating.committed", "create.answered", "submitted.written", *LOST)
        expected |= dict.fromkeys(NAMES if provider.late else lost, "unknown")
    assert ended == expected
