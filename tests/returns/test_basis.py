"""What a refund was calculated from: stored as JSON, read back, and the same cent again."""

import json
from decimal import Decimal

import pytest
from django.db import connection
from django.db.utils import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from invoicing.calculation import Calculation
from invoicing.models import Refund
from returns import basis, order_refund, refunding
from returns.refund import calculate
from tests.factories import make_order, make_rma, make_user, record_invoice
from tests.returns import money

D = Decimal


@given(data=st.data(), currency=st.sampled_from(money.CURRENCIES))
def test_the_stored_basis_gives_the_same_calculation(data, currency):
    paid = data.draw(money.paid_lines(currency))
    already = tuple(data.draw(st.lists(money.amazon_refunds(paid), max_size=2)))
    returned = (data.draw(money.returned_lines(paid, "RMA-2026-000001/1/1")),)
    rules = money.rules(currency, non_returnable_reasons=frozenset({"B", "A"}))
    inputs = basis.OfReturn((paid,), already, returned, rules)
    stored = json.loads(json.dumps(basis.to_json(inputs)))
    again = basis.from_json(stored)
    assert again == inputs
    assert again.calculate() == calculate([paid], already, returned, rules)


@given(data=st.data(), currency=st.sampled_from(money.CURRENCIES))
def test_the_basis_of_an_entered_amount_gives_it_again(data, currency):
    paid = data.draw(money.paid_lines(currency).filter(lambda line: line.item.net > 0))
    gross = data.draw(st.one_of(st.none(), money.amounts(currency)))
    pieces = 0 if gross is not None else data.draw(st.integers(1, paid.quantity))
    inputs = basis.OfOrder(paid, (), "item", gross, pieces, "crushed box")
    again = basis.from_json(json.loads(json.dumps(basis.to_json(inputs))))
    assert again == inputs
    assert again.calculate() == inputs.calculate()


def test_refunds_without_a_basis_have_none():
    assert basis.from_json({}) is None


@pytest.mark.django_db
def test_proposals_keep_what_they_were_calculated_from():
    rma = make_rma("inspected")
    (refund,) = refunding.propose(rma.number, by=make_user("agent"))
    refund = Refund.objects.get(pk=refund.pk)
    again = basis.from_json(refund.basis).calculate()
    assert again == Calculation.from_json(refund.calculation)
    assert again.gross == refund.gross > 0


@pytest.mark.django_db
def test_a_refund_without_a_return_keeps_its_basis_too():
    order = make_order(quantity=3)
    record_invoice(order)
    line = order.lines.get()
    refund = order_refund.propose_without_return(
        order, by=make_user("lead"), line=line.pk, component="item", gross=D("10.00"), note="late"
    )
    refund = Refund.objects.get(pk=refund.pk)
    assert basis.from_json(refund.basis).calculate().gross == refund.gross == D("10.00")


@pytest.mark.django_db
def test_the_database_refuses_another_basis():
    rma = make_rma("inspected")
    (refund,) = refunding.propose(rma.number, by=make_user("agent"))
    with pytest.raises(DatabaseError, match="Cannot update"), connection.cursor() as cursor:
        cursor.execute("UPDATE invoicing_refund SET basis = '{}' WHERE id = %s", [refund.pk])
