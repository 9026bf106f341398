"""Every promise holds after the sample imports and catches a row broken on purpose."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from config.core.invariants import violations
from config.core.models import User
from orders.imports.run import import_file
from orders.invariants import PROMISES
from orders.models import ImportFile
from tests.factories import make_seller

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parent.parent / "data" / "reports"
BREAK = {
    "complete_orders_are_complete": "UPDATE orders_order SET currency = '' WHERE facts_complete",
    "totals_are_the_sum_of_lines": "UPDATE orders_order SET gross_total = gross_total + 1",
    "implied_lines_carry_no_money": "UPDATE orders_orderline SET quantity = 1 WHERE NOT confirmed",
    "codes_are_adopted_from_evidence": "UPDATE orders_orderline SET order_item_id = NULL",
    "codes_belong_to_their_line": "UPDATE orders_orderline SET order_item_id = 'X' || id",
    "doubt_about_codes_is_listed": "UPDATE orders_orderline SET identity_open = NOT identity_open",
    "returns_are_tied_to_their_own_line": (
        "UPDATE orders_amazonreturn SET order_line_id = (SELECT min(id) FROM orders_orderline)"
    ),
    "import_counts_add_up": "UPDATE orders_importfile SET inserted = inserted + 1",
    "facts_name_an_import_that_exists": "UPDATE orders_order SET import_file_id = 987654321",
    "raw_rows_expire": None,
}


@pytest.fixture
def imported():
    make_seller(code="demo")
    for path in sorted(SAMPLES.iterdir()):
        import_file(path, by=User.objects.system())


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_promise_holds_and_catches_a_broken_row(imported, promise):
    assert violations(promise) == (0, [])
    statement = BREAK[promise.name.removeprefix("orders.")]
    if statement is None:
        ImportFile.objects.update(expires_at=timezone.now() - timedelta(days=3))
    else:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    assert violations(promise)[0] > 0
