"""Quantities stay nested, whatever is asked in whatever order; units of a line are claimed once."""

import contextlib

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.core import invariants
from config.core.refused import Refused
from returns import goods, quantities, workflow
from returns.invariants import PROMISES
from returns.models import RMALine
from tests.factories import make_order, make_rma, make_user, receive_and_inspect
from tests.soak import larger

pytestmark = pytest.mark.django_db

ORDERED = 5
small = st.integers(0, ORDERED + 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("request"), small),
        st.tuples(st.just("approve"), small),
        st.tuples(st.just("receive"), small),
        st.tuples(st.just("missing"), small),
        st.tuples(st.just("accept"), small),
        st.tuples(st.just("reject"), small),
        st.tuples(st.just("withdraw"), small),
        st.tuples(st.just("replace"), small),
        st.tuples(st.just("reject_goods"), small),
        st.tuples(st.just("reopen"), small),
    ),
    max_size=14,
)


class Desk:
    """Somebody who tries things on the returns of one order line."""

    def __init__(self, order, lead):
        self.line, self.lead, self.numbers = order.lines.get(), lead, []

    def take(self, verb: str, units: int) -> None:
        if verb == "request":
            rma = workflow.request(
                by=self.lead, lines=[workflow.LineRequest(self.line.pk, units, "CR-DEFECTIVE")]
            )
            self.numbers.append(rma.number)
        elif self.numbers:
            getattr(self, verb)(self.numbers[-1], units)

    def one(self, number):
        return RMALine.objects.get(rma__number=number).pk

    def approve(self, number, units):
        workflow.approve(number, by=self.lead, quantities={self.one(number): units})

    def receive(self, number, units):
        goods.receive(number, by=self.lead, quantities={self.one(number): units})

    def missing(self, number, units):
        given = {self.one(number): units}
        goods.mark_missing(number, by=self.lead, quantities=given, reason="lost")

    def accept(self, number, units):
        result = goods.InspectionResult(self.one(number), units, "as_new", "restock")
        goods.inspect(number, by=self.lead, results=[result])

    def reject(self, number, units):
        result = goods.InspectionResult(self.one(number), units, "damaged", "reject")
        goods.inspect(number, by=self.lead, results=[result])

    def withdraw(self, number, units):
        workflow.withdraw(number, by=self.lead, reason="kept")

    def replace(self, number, units):
        workflow.replace(number, by=self.lead, reason="new one")

    def reject_goods(self, number, units):
        workflow.reject_goods(number, by=self.lead, reason="fake")

    def reopen(self, number, units):
        workflow.reopen(number, by=self.lead, reason="late parcel")


@settings(
    max_examples=larger(40, 1500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_quantities_hold_after_any_steps(db, tried):
    with transaction.atomic():
        desk = Desk(make_order(quantity=ORDERED), make_user("lead"))
        for verb, units in tried:
            with contextlib.suppress(Refused):
                desk.take(verb, units)
        broken = {p.name: invariants.violations(p) for p in PROMISES}
        assert {name: found for name, found in broken.items() if found[0]} == {}
        assert quantities.claimed_by_line([desk.line.pk]).get(desk.line.pk, 0) <= ORDERED
        transaction.set_rollback(True)


def test_ended_case_frees_its_units():
    order, lead = make_order(quantity=2), make_user("lead")
    line = order.lines.get()
    first = make_rma(order=order, quantity=2, by=lead)
    assert quantities.returnable_of([line.pk]) == {line.pk: 0}
    workflow.withdraw(first.number, by=lead, reason="kept")
    assert quantities.returnable_of([line.pk]) == {line.pk: 2}


def test_rejected_goods_may_be_requested_again():
    order, lead = make_order(quantity=2), make_user("lead")
    rma = make_rma("inspected", order=order, quantity=2, by=lead, disposition="reject")
    with pytest.raises(Refused):
        make_rma(order=order, quantity=1, by=lead)
    workflow.reject_goods(rma.number, by=lead, reason="not ours")
    make_rma(order=order, quantity=2, by=lead)


def test_reopening_claims_units_again():
    order, lead = make_order(quantity=2), make_user("lead")
    rma = make_rma("closed", order=order, quantity=2, by=lead)
    make_rma(order=order, quantity=2, by=lead)
    with pytest.raises(Refused) as refused:
        workflow.reopen(rma.number, by=lead, reason="lost the dispute")
    assert refused.value.code == "quantity"


def test_late_units_turn_from_missing_to_received():
    lead = make_user("lead")
    rma = make_rma("shipped", quantity=2, by=lead)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 1})
    goods.inspect(
        rma.number, by=lead, results=[goods.InspectionResult(line.pk, 1, "used", "scrap")]
    )
    goods.mark_missing(rma.number, by=lead, quantities={line.pk: 1}, reason="not in the box")
    rma.refresh_from_db()
    assert rma.state == "inspected"
    goods.receive(rma.number, by=lead, quantities={line.pk: 1})
    receive = rma.lines.get()
    assert (receive.received, receive.missing) == (2, 0)
    result = goods.InspectionResult(line.pk, 1, "used", "scrap")
    goods.inspect(rma.number, by=lead, results=[result])
    assert rma.lines.get().accepted == 2


def test_units_are_not_given_up_while_a_parcel_may_come():
    rma, inspector = make_rma("shipped"), make_user("inspector")
    line = rma.lines.get()
    with pytest.raises(Refused) as refused:
        goods.mark_missing(rma.number, by=inspector, quantities={line.pk: 2}, reason="gone")
    assert refused.value.code == "early"


def test_partial_receipt_with_two_dispositions():
    lead = make_user("lead")
    rma = make_rma("shipped", quantity=3, by=lead)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 2})
    results = [
        goods.InspectionResult(line.pk, 1, "as_new", "restock"),
        goods.InspectionResult(line.pk, 1, "damaged", "reject", "cracked"),
    ]
    assert goods.inspect(rma.number, by=lead, results=results).state == "shipped"
    found = receive_and_inspect(rma, by=lead)
    assert found.state == "inspected"
    line.refresh_from_db()
    assert (line.accepted, line.rejected, line.received) == (2, 1, 3)
