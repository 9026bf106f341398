"""Charts: the geometry stands for the figures, and the figures stand beside it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from config.core.charts import BOTTOM, HEIGHT, LEFT, WIDTH, Series, nice, side_by_side, stacked

D = Decimal
values = st.lists(st.integers(0, 10**7), min_size=3, max_size=3)


def test_without_figures_there_is_nothing_to_draw():
    chart = stacked("t", ["a"], [Series("x", "X", [0])])
    assert chart.is_empty
    assert chart.rows == [("a", [0], "")]


@given(first=values, second=values)
def test_heights_are_in_proportion_and_inside(first, second):
    series = [Series("a", "A", first), Series("b", "B", second)]
    chart = stacked("t", ["1", "2", "3"], series)
    tall = {(mark.title): mark.height for mark in chart.marks}
    top = max(a + b for a, b in zip(first, second, strict=True))
    for mark in chart.marks:
        assert mark.x >= LEFT
        assert mark.x + mark.width <= WIDTH
        assert mark.y >= 0
        assert mark.y + mark.height <= HEIGHT - BOTTOM + D("0.02")
    if top:
        tallest = max(
            sum(h for title, h in tall.items() if title.startswith(f"{place} ")) for place in "123"
        )
        assert tallest > (HEIGHT - BOTTOM) / 3


def test_stacked_marks_stand_on_each_other():
    chart = stacked("t", ["w"], [Series("a", "A", [30]), Series("b", "B", [10])])
    lower, upper = chart.marks
    assert lower.y + lower.height == D(HEIGHT - BOTTOM)
    assert upper.y + upper.height == lower.y
    assert lower.height == upper.height * 3
    assert lower.title == "w · A: 30"


def test_marks_side_by_side_share_the_ground():
    chart = side_by_side("t", ["w"], [Series("a", "A", [30]), Series("b", "B", [10])])
    left, right = chart.marks
    assert left.y + left.height == right.y + right.height
    assert left.x + left.width == right.x


def test_what_is_below_zero_is_not_drawn_but_told():
    chart = side_by_side("t", ["w"], [Series("a", "A", [D("-3.50")]), Series("b", "B", [7])])
    assert [mark.key for mark in chart.marks] == ["b"]
    assert chart.rows == [("w", [D("-3.50"), 7], "")]


def test_steps_are_ones_twos_and_fives():
    assert [nice(D(x)) for x in ("1", "1.1", "3", "7", "0.04")] == [1, 2, 5, 10, D("0.05")]


def test_columns_lead_to_their_rows_and_long_names_are_cut_under_the_axis_only():
    series = [Series("a", "A", [1, 2])]
    chart = stacked("t", ["Damaged in the warehouse", "w"], series, ["/x/", ""])
    assert [mark.href for mark in chart.marks] == ["/x/", ""]
    assert chart.rows[0] == ("Damaged in the warehouse", [1], "/x/")
    assert [(tick.label, tick.more) for tick in chart.across] == [
        ("Damaged in", "the…"),
        ("w", ""),
    ]


def test_long_names_stand_in_two_lines_under_their_column():
    names = ["Damaged by the carrier", "Donaudampfschifffahrt", "Defective", ""]
    chart = stacked("t", names, [Series("a", "A", [1, 2, 3, 4])])
    assert [(tick.label, tick.more) for tick in chart.across] == [
        ("Damaged by", "the carrier"),
        ("Donaudampfsc", "hifffahrt"),
        ("Defective", ""),
        ("", ""),
    ]
