"""Charts as geometry: figures in, rectangles and tick marks out; a template draws them as SVG.

Pure. Every chart carries its figures as a table too, so that colour never stands alone. Which
figures there are is decided by the room that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from textwrap import wrap

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 56, 36, 8  # room for the tick marks
GAP = Decimal("0.25")  # of a column, between two columns
STEPS = (1, 2, 5)
MOST_LABELS = 9
LETTERS, LINES = 12, 2  # of a label under a column; the table has it whole


@dataclass(frozen=True)
class Series:
    """One look of a chart: a stable key for its colour, a label, and a figure for each column."""

    key: str
    label: str
    values: Sequence[Decimal | int]


@dataclass(frozen=True)
class Mark:
    """A rectangle, and what a pointer on it says."""

    key: str
    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    title: str
    href: str = ""


@dataclass(frozen=True)
class Tick:
    """A label of an axis at its place, in one or two lines."""

    at: Decimal
    label: str
    more: str = ""


@dataclass(frozen=True)
class Chart:
    """What a template draws, and the table under it; ``links`` lead each column to its rows."""

    title: str
    columns: Sequence[str]
    series: Sequence[Series]
    marks: Sequence[Mark]
    across: Sequence[Tick]
    up: Sequence[Tick]
    links: Sequence[str] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        return not self.marks

    @property
    def rows(self) -> list[tuple[str, list[Decimal | int], str]]:
        """The table: a row a column of the chart, with its link if it has one."""
        return [
            (name, [series.values[place] for series in self.series], _link(self.links, place))
            for place, name in enumerate(self.columns)
        ]


def stacked(
    title: str, columns: Sequence[str], series: Sequence[Series], links: Sequence[str] = ()
) -> Chart:
    """Columns whose series stand on each other; figures below zero count as nothing."""
    totals = [
        sum((max(Decimal(one.values[place]), Decimal(0)) for one in series), Decimal(0))
        for place in range(len(columns))
    ]
    top = max(totals, default=Decimal(0))
    return _drawn(title, columns, series, top, stack=True, links=links)


def side_by_side(title: str, columns: Sequence[str], series: Sequence[Series]) -> Chart:
    """Columns whose series stand beside each other; figures below zero count as nothing."""
    figures = [Decimal(value) for one in series for value in one.values]
    return _drawn(title, columns, series, max(figures, default=Decimal(0)), stack=False)


def nice(value: Decimal) -> Decimal:
    """The smallest 1, 2 or 5 times a power of ten that is at least `value` (> 0)."""
    power = Decimal(10) ** (value.adjusted())
    return next(step * power for step in (*STEPS, 10) if step * power >= value)


def _drawn(
    title: str,
    columns: Sequence[str],
    series: Sequence[Series],
    top: Decimal,
    *,
    stack: bool,
    links: Sequence[str] = (),
) -> Chart:
    if top <= 0:
        return Chart(title, columns, series, (), (), (), links)
    step = nice(top / 4)
    high = (top / step).to_integral_value(ROUND_CEILING) * step
    scale = Decimal(HEIGHT - BOTTOM - TOP) / high
    broad = Decimal(WIDTH - LEFT) / len(columns)
    marks = [
        replace(mark, href=_link(links, place))
        for place in range(len(columns))
        for mark in _column(columns[place], series, place, broad, scale=scale, stack=stack)
    ]
    lines = [step * number for number in range(int(high / step) + 1)]
    up = [Tick(_round(HEIGHT - BOTTOM - line * scale), f"{line.normalize():,f}") for line in lines]
    every = -(-len(columns) // MOST_LABELS)
    across = [
        Tick(_round(LEFT + broad * place + broad / 2), *_wrapped(columns[place]))
        for place in range(0, len(columns), every)
    ]
    return Chart(title, columns, series, marks, across, up, links)


def _link(links: Sequence[str], place: int) -> str:
    return links[place] if links else ""


def _wrapped(label: str) -> list[str]:
    return wrap(label, LETTERS, max_lines=LINES, placeholder="…") or [""]


def _column(
    name: str,
    series: Sequence[Series],
    place: int,
    broad: Decimal,
    *,
    scale: Decimal,
    stack: bool,
) -> list[Mark]:
    """The rectangles of one column, from the left or from the ground."""
    marks, ground = [], Decimal(HEIGHT - BOTTOM)
    width = broad * (1 - GAP) / (1 if stack else len(series))
    for number, one in enumerate(series):
        tall = max(Decimal(one.values[place]), Decimal(0)) * scale
        if not tall:
            continue
        aside = Decimal(0) if stack else width * number
        x = LEFT + broad * place + broad * GAP / 2 + aside
        title = f"{name} · {one.label}: {Decimal(one.values[place]).normalize():,f}"
        marks.append(
            Mark(one.key, _round(x), _round(ground - tall), _round(width), _round(tall), title)
        )
        if stack:
            ground -= tall
    return marks


def _round(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))
