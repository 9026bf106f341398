"""What ties is matched, what does not is an exception; a second look writes nothing."""

from decimal import Decimal

import pytest

from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Match
from tests.factories import make_order
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def test_refund_with_its_money_and_within_days_of_its_paper_is_matched():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    match_refunds()
    refresh()
    match = Match.objects.get(refund=refund)
    assert (match.result, match.cause, match.expected, match.seen) == (
        "matched", "", Decimal("35.70"), Decimal("35.70"),
    )  # fmt: skip
    assert refresh().written == 0
