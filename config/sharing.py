"""Sharing a server between processes: who holds it, who starts it, and that the last one stops it.

Knows nothing of PostgreSQL, Valkey or Django; ``embedded.py`` says how they start and stop.
"""

import contextlib
import fcntl
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Unusable(Exception):
    """The embedded servers cannot be used; the message says why and what to do."""


def wait_until(done: Callable[[], bool], otherwise: str, seconds: float = 20) -> None:
    """Return once ``done()`` is true; after ``seconds`` raise Unusable with the sentence."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise Unusable(otherwise)
        time.sleep(0.02)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Run the block while nobody else runs one with this lock file."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back what would interrupt a start or stop half way, and deliver it afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: held.append(number))
        for number in INTERRUPTING
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for first in held[:1]:
            signal.raise_signal(first)


@contextlib.contextmanager
def in_use(server: Path, start: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Hold a server while the block runs; ``start`` finds out itself whether it runs already.

    ``server`` names the lock files. Every user holds a shared lock, which goes with its process,
    so a killed one never keeps a server alive; who leaves last calls ``stop``.
    """
    with server.with_suffix(".users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last leaver is still stopping
        try:
            with locked(server.with_suffix(".start")), undisturbed():
                start()
            yield
        finally:
            with contextlib.suppress(BlockingIOError), undisturbed():
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop()
