"""Ratios that can be trusted on a noisy machine: both sides in one run, in turn, medians."""

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_ratio(
    name: str, ours: Callable[[], object], floor: Callable[[], object], runs: int = 15
) -> float:
    """Median time of ``ours`` over that of ``floor``, measured A B A B after a warm-up; printed."""
    ours(), floor()
    pairs = [(seconds(ours), seconds(floor)) for _ in range(runs)]
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    print(f"\n{name}: {mine * 1000:.1f} ms against {theirs * 1000:.1f} ms = {mine / theirs:.2f}x")
    return mine / theirs
