"""Cells mean what their file's forms say; what can be read in two ways is asked, not guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from orders.imports.files import BadFile
from orders.imports.kinds import Forms, expression
from orders.models import AmazonReturn, OrderLine
from tests.factories import make_seller
from tests.orders.reports import RETURN, bring_in, text

pytestmark = pytest.mark.django_db


def value(kind: str, cell: str, **forms):
    with connection.cursor() as cursor:
        sql = expression(kind, "c", Forms(**forms)).replace("%", "%%")
        cursor.execute(f"SELECT {sql} FROM (VALUES (%s::text)) AS v (c)", [cell])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("cell", "day_first", "expected"),
    [
        ("2026-10-14", None, date(2026, 10, 14)),
        ("2026-10-14T23:59:59-07:00", None, date(2026, 10, 14)),
        ("14-Oct-2026", None, date(2026, 10, 14)),
        ("14-OCT-2026", None, date(2026, 10, 14)),
        ("4-mars-2026", None, date(2026, 3, 4)),
        ("14-Okt-2026", None, date(2026, 10, 14)),
        ("14-déc.-2026", None, date(2026, 12, 14)),
        ("14.10.2026", None, date(2026, 10, 14)),
        ("14.10.2026 07:49:55 UTC", None, date(2026, 10, 14)),
        ("2026/10/14", None, date(2026, 10, 14)),
        ("12/10/2026", True, date(2026, 10, 12)),
        ("12/10/2026", False, date(2026, 12, 10)),
        ("12/10/2026", None, None),
        ("29-Feb-2028", None, date(2028, 2, 29)),
        ("29-Feb-2026", None, None),
        ("31.11.2026", None, None),
        ("2026-02-30", None, None),
        ("2026-13-01", None, None),
        ("14-Foo-2026", None, None),
        ("14.10.26", None, None),
        ("yesterday", None, None),
        ("infinity", None, None),
        ("2026-10-14 and more", None, None),
        ("", None, None),
    ],
)
def test_date_forms(cell, day_first, expected):
    assert value("date", cell, day_first=day_first) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-10-14T09:30:00+00:00", datetime(2026, 10, 14, 9, 30, tzinfo=UTC)),
        ("2026-10-14T09:30:00Z", datetime(2026, 10, 14, 9, 30, tzinfo=UTC)),
        ("2026-10-14 09:30:00 UTC", datetime(2026, 10, 14, 9, 30, tzinfo=UTC)),
        ("2026-10-14T09:30:00-07:00", datetime(2026, 10, 14, 16, 30, tzinfo=UTC)),
        ("2026-10-14 09:30:00 JST", datetime(2026, 10, 14, 0, 30, tzinfo=UTC)),
        ("14.10.2026 07:49:55 UTC", datetime(2026, 10, 14, 7, 49, 55, tzinfo=UTC)),
        ("14-Oct-2026", datetime(2026, 10, 14, tzinfo=UTC)),
        ("2026-10-14T25:00:00Z", None),
        ("2026-10-14T09:30:00+99:00", None),
        ("14.10.2026 7 Uhr", None),
    ],
)
def test_datetime_forms(cell, expected):
    assert value("datetime", cell) == expected


@pytest.mark.parametrize(
    ("cell", "sign", "expected"),
    [
        ("1,287.00", ".", "1287.00"),
        ("1.287,00", ",", "1287.00"),
        ("-12,87", ",", "-12.87"),
        ("−12,87", ",", "-12.87"),
        ("1 287,50", ",", "1287.50"),
        ("1\u202f287,50", ",", "1287.50"),
        ("1'287.50", ".", "1287.50"),
        ("1.287", ",", "1287"),
        ("12.5", ",", None),
        ("1,287", None, None),
        ("99", None, "99"),
        ("1e5", ".", None),
        ("NaN", ".", None),
        ("€ 5.00", ".", None),
        ("12.87.00", ".", None),
        ("1,28,700", ".", None),
    ],
)
def test_decimal_forms(cell, sign, expected):
    found = value("decimal", cell, decimal=sign, grouped=True)
    assert found == (None if expected is None else Decimal(expected))


@given(st.text(alphabet=st.characters(blacklist_characters="\0", codec="utf-8"), max_size=30))
def test_no_text_breaks_a_cast(cell):
    for kind in ("int", "bool", "decimal", "date", "datetime"):
        for forms in ({}, {"grouped": True, "day_first": True}, {"decimal": ",", "grouped": True}):
            value(kind, cell, **forms)


@given(st.from_regex(r"\A[0-9]{1,4}[-/. ][0-9A-Za-z]{1,4}[-/. ][0-9]{1,4}( [0-9:]{1,8})?\Z"))
def test_no_date_like_text_breaks_a_cast(cell):
    for day_first in (True, False, None):
        value("date", cell, day_first=day_first)
        value("datetime", cell, day_first=day_first)


@given(st.decimals(min_value=-99999, max_value=99999, places=2))
def test_amounts_survive_both_notations(amount):
    english, german = f"{amount:,.2f}", f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    assert value("decimal", english, grouped=True) == amount
    assert value("decimal", german, decimal=",", grouped=True) == amount


@pytest.fixture
def seller():
    return make_seller(code="demo")


def test_decimal_comma_is_decided_by_the_whole_file(seller, tmp_path):
    record = bring_in(
        tmp_path,
        text(
            {"sku": "A", "item-price": "1.190", "item-tax": "190"},
            {"sku": "B", "item-price": "11,90", "item-tax": "1,90"},
        ),
    )
    assert record.notes == ["Amounts were read with a decimal comma."]
    assert OrderLine.objects.get(sku="A").item_net == 1000


def test_amount_that_could_be_two_is_a_problem(seller, tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({"item-price": "1,190", "item-tax": "190"}))
    (problem,) = refused.value.problems
    assert "two ways" in problem.problem


def test_mixed_decimal_signs_are_a_problem(seller, tmp_path):
    rows = [{"sku": s, "item-price": "11,90", "item-tax": "1,90"} for s in "ABC"]
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text(*rows, {"sku": "D", "item-price": "11.90", "item-tax": "1.9"}))
    assert {(p.line, p.column) for p in refused.value.problems} == {
        (5, "item-price"), (5, "item-tax"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("marketplace", "expected"),
    [("DE", date(2026, 10, 12)), ("UK", date(2026, 10, 12)), ("US", date(2026, 12, 10))],
)
def test_slashed_dates_are_read_as_the_given_marketplace_does(
    seller, tmp_path, marketplace, expected
):
    currency = {"DE": "EUR", "UK": "GBP", "US": "USD"}[marketplace]
    row = {"Return request date": "12/10/2026", "Currency code": currency}
    record = bring_in(tmp_path, text(row, of=RETURN), marketplace=marketplace)
    assert AmazonReturn.objects.get().requested_on == expected
    assert "12/10/2026" in record.notes[0]


def test_slashed_dates_are_read_by_the_others_of_the_file(seller, tmp_path):
    rows = [{"Return request date": "12/10/2026"}, {"Return request date": "13/10/2026"}]
    bring_in(tmp_path, text(rows[0], rows[1] | {"Amazon RMA ID": "X"}, of=RETURN))
    assert AmazonReturn.objects.filter(requested_on=date(2026, 10, 12)).exists()


def test_slashed_dates_nobody_can_read_are_a_problem(seller, tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({"Return request date": "12/10/2026"}, of=RETURN))
    (problem,) = refused.value.problems
    assert "marketplace" in problem.remedy


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"amazon-order-id": ""}, "amazon-order-id"),
        ({"amazon-order-id": "3" * 31}, "amazon-order-id"),
        ({"item-price": "-1.00"}, "item-price"),
        ({"item-price": "1.2345"}, "item-price"),
        ({"item-price": "12 EUR"}, "item-price"),
        ({"purchase-date": "soon"}, "purchase-date"),
        ({"is-business-order": "maybe"}, "is-business-order"),
        ({"currency": "EURO"}, "currency"),
        ({"sales-channel": "Amazon.in"}, "sales-channel"),
        ({"sales-channel": ""}, "sales-channel"),
        ({"sales-channel": "Amazon.co.jp", "currency": "JPY", "item-tax": "0"}, "item-price"),
    ],
)
def test_bad_cell_is_named_and_nothing_is_imported(seller, tmp_path, cells, column):
    cells = {"item-price": "9.99"} | cells if cells.get("currency") == "JPY" else cells
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({"sku": "good"}, cells))
    assert [(p.line, p.column) for p in refused.value.problems] == [(3, column)]
    assert refused.value.problems[0].remedy
    record = refused.value.import_file
    assert (record.status, record.bad, record.inserted) == ("refused", 1, 0)
    assert record.line_errors.get().column == column
    assert not OrderLine.objects.exists()
