"""The one rule of units: the same in Python and in SQL, exact about rounding, silent in doubt."""

from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import EXPONENTS, round_money
from invoicing import units

D = Decimal


@pytest.mark.parametrize(
    ("gross", "net", "paid_gross", "paid_net", "quantity", "currency", "wanted"),
    [
        ("119.00", "100.00", "119.00", "100.00", 3, "EUR", 3),
        ("39.67", "33.34", "119.00", "100.00", 3, "EUR", 1),
        ("79.33", "66.66", "119.00", "100.00", 3, "EUR", 2),
        ("79.34", "66.67", "119.00", "100.00", 3, "EUR", 2),
        ("50.00", "42.02", "119.00", "100.00", 3, "EUR", None),  # between one unit and two
        ("20.00", "20.00", "42.00", "40.00", 2, "USD", 1),  # net of tax
        ("3.30", "3.30", "33.33", "33.33", 10, "EUR", None),
        ("3.33", "3.33", "33.33", "33.33", 10, "EUR", 1),
        ("366", "333", "1100", "1000", 3, "JPY", 1),
        ("367", "333", "1100", "1000", 3, "JPY", 1),
        ("120.00", "101.00", "119.00", "100.00", 3, "EUR", None),  # more than was paid
        ("-39.67", "-33.34", "119.00", "100.00", 3, "EUR", None),
        ("10.00", "10.00", "0.00", "0.00", 3, "EUR", None),
        ("10.00", "10.00", "10.00", "10.00", 0, "EUR", None),
    ],
)
def test_amount_tells_units_or_nothing(  # noqa: PLR0917
    gross, net, paid_gross, paid_net, quantity, currency, wanted
):
    found = units.units_of(
        D(gross), D(net), paid_gross=D(paid_gross), paid_net=D(paid_net), quantity=quantity,
        currency=currency,
    )  # fmt: skip
    assert found == wanted


cents = st.integers(-500, 90_000)


@pytest.mark.django_db
@given(st.tuples(cents, cents, cents, cents), st.integers(0, 40), st.sampled_from(["EUR", "JPY"]))
def test_sql_says_the_same(numbers, quantity, currency):
    places = EXPONENTS.get(currency, 2)
    amounts = [D(number).scaleb(-places) for number in numbers]
    expression = units.sql("a", "b", paid_gross="c", paid_net="d", quantity="q", places="p")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {expression} FROM (SELECT %s::numeric AS a, %s::numeric AS b,"
            " %s::numeric AS c, %s::numeric AS d, %s::int AS q, %s::int AS p) AS x",
            [*amounts, quantity, places],
        )
        (found,) = cursor.fetchone()
    assert (None if found is None else int(found)) == units.units_of(
        amounts[0], amounts[1], paid_gross=amounts[2], paid_net=amounts[3], quantity=quantity,
        currency=currency,
    )  # fmt: skip


@given(st.integers(1, 90_000), st.integers(1, 30), st.integers(1, 30))
def test_every_share_of_a_line_is_known_again(paid, quantity, part):
    whole, count = D(paid).scaleb(-2), min(part, quantity)
    share = round_money(whole * count / quantity, "EUR")
    found = units.units_of(
        share, share, paid_gross=whole, paid_net=whole, quantity=quantity, currency="EUR"
    )
    cheap = whole / quantity < D("0.02")  # units of a cent cannot be told apart
    assert found == count or cheap
