"""The verbs of an RMA's header, one by one."""

import pytest

from config.core.refused import Refused
from returns.models import RMA
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.django_db


def test_case_walks_from_request_to_inspected():
    rma = make_rma("inspected")
    rma.refresh_from_db()
    assert rma.state == "inspected"
    line = rma.lines.get()
    assert (line.requested, line.approved, line.received, line.accepted) == (2, 2, 2, 2)
    assert rma.number.startswith(f"RMA-{rma.opened_at.year}-")
    assert rma.next_actor == "agent"


def test_request_beyond_ordered_units_is_refused():
    order, lead = make_order(quantity=3), make_user("lead")
    make_rma(order=order, quantity=2, by=lead)
    with pytest.raises(Refused) as refused:
        make_rma(order=order, quantity=2, by=lead)
    assert refused.value.code == "quantity"
    assert RMA.objects.count() == 1
