"""Ratios that can be trusted on a noisy machine: both sides in one run, in turn, medians.

Wall time decides. Beside it the work of pages is printed: processor time of this process and of
its database connection (read from /proc where the server runs here), which other programs disturb
less. A median of A B A B pairs is used, for a slow spell of the machine then hits both sides.
What earlier tests left in memory is kept out of the garbage collector's way.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.db import connection

Work = Callable[[], object]


class Cost(NamedTuple):
    """Seconds: on the wall, and of the processors."""

    wall: float
    work: float


def cost(work: Work) -> Cost:
    """What one call took."""
    wall, busy, served = time.perf_counter(), time.process_time(), _served()
    work()
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    return Cost(wall, busy + _served() - served)


def seconds(work: Work) -> float:
    """Wall time of one call."""
    return cost(work).wall


def _served() -> float:
    """Processor seconds of the current connection's server process, 0 when it cannot be seen."""
    info = connection.connection and connection.connection.info
    try:
        stat = Path(f"/proc/{info.backend_pid}/schedstat").read_text() if info else "0"
    except OSError:
        stat = "0"
    return int(stat.split()[0]) / 1e9


def median_ratio(name: str, ours: Work, floor: Work, runs: int = 31, *, work: bool = True) -> float:
    """Median wall time of ``ours`` over that of ``floor``, measured A B A B; printed.

    ``work`` is false for what works on connections of its own.
    """
    with _clean_memory():
        ours(), floor()
        pairs = [(cost(ours), cost(floor)) for _ in range(runs)]
    return tell(name, [a for a, _b in pairs], [b for _a, b in pairs], work=work)


def median_growth(
    name: str, big: Work, small: Work, *, enter_big: Work, enter_small: Work, rounds: int = 4
) -> float:
    """Median wall time of ``big`` over that of ``small``, in rounds of eight warm calls each;
    ``enter_…`` goes to the side's database before its calls.
    """
    costs: dict[str, list[Cost]] = {"big": [], "small": []}
    sides = ("small", enter_small, small), ("big", enter_big, big)
    with _clean_memory():
        for side, enter, work in sides * rounds:
            enter(), work(), work()
            costs[side] += [cost(work) for _ in range(8)]
    return tell(name, costs["big"], costs["small"])


@contextmanager
def _clean_memory() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def tell(name: str, ours: Iterable[Cost], floor: Iterable[Cost], *, work: bool = True) -> float:
    """Print the ratio of the medians and return it."""
    mine, theirs = _medians(ours), _medians(floor)
    ratio = mine.wall / theirs.wall
    alone = f" (work alone {mine.work / theirs.work:.2f}x)" if work else ""
    milliseconds = f"{mine.wall * 1000:.1f} ms against {theirs.wall * 1000:.1f} ms"
    print(f"\n{name}: {milliseconds} = {ratio:.2f}x{alone}")
    return ratio


def _medians(costs: Iterable[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))
