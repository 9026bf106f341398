"""A case's money: quotes, proposals, tranches, and what refunds do to the case."""

from decimal import Decimal

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing import refunds
from invoicing.models import Refund
from returns import goods, refunding, workflow
from tests.factories import make_order, make_rma, make_user, pay, record_invoice

pytestmark = pytest.mark.django_db


def state_of(rma):
    rma.refresh_from_db()
    return rma.state


def test_sent_refund_moves_case_to_refunded():
    rma = make_rma("refunded")
    refund = Refund.objects.get(origin=rma.number)
    assert (rma.state, rma.next_actor) == ("refunded", "amazon")
    assert refund.gross == Decimal("79.34")  # 2 of 3 units: 66.67 + 12.67
    assert rma.messages.filter(template="refunded").count() == 1


def test_quote_shows_what_a_proposal_would_be():
    rma = make_rma("inspected")
    (quote,) = refunding.quote(rma)
    assert quote.refundable
    (made,) = refunding.propose(rma.number, by=make_user("agent"))
    assert (made.net, made.tax) == (quote.calculation.net, quote.calculation.tax)
    (after,) = refunding.quote(rma)
    assert not after.refundable


def test_partial_receipt_is_refunded_in_tranches():
    order, lead = make_order(quantity=3), make_user("lead")
    record_invoice(order)
    rma = make_rma("shipped", order=order, quantity=3, by=lead)
    line = rma.lines.get()
    for units in (1, 2):
        goods.receive(rma.number, by=lead, quantities={line.pk: units})
        result = goods.InspectionResult(line.pk, units, "as_new", "restock")
        goods.inspect(rma.number, by=lead, results=[result])
        (refund,) = refunding.propose(rma.number, by=lead)
        pay(refund)
    origins = sorted(Refund.objects.values_list("lines__origin", flat=True))
    assert origins == [f"{rma.number}/1/1", f"{rma.number}/1/2"]
    assert sum(r.gross for r in Refund.objects.all()) == Decimal("119.00")
    assert state_of(rma) == "refunded"


def test_case_stays_shipped_while_units_are_on_their_way():
    order, lead = make_order(quantity=3), make_user("lead")
    record_invoice(order)
    rma = make_rma("shipped", order=order, quantity=3, by=lead)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 1})
    goods.inspect(
        rma.number, by=lead, results=[goods.InspectionResult(line.pk, 1, "as_new", "restock")]
    )
    pay(*refunding.propose(rma.number, by=lead))
    assert state_of(rma) == "shipped"


def test_early_refund_needs_its_own_permission():
    rma = make_rma("approved")
    record_invoice(rma.lines.get().order_line.order)
    with pytest.raises(Refused) as refused:
        refunding.propose(rma.number, by=make_user("agent"), early=True)
    assert refused.value.code == "forbidden"
    with pytest.raises(Refused) as refused:
        refunding.propose(rma.number, by=make_user("lead"))
    assert refused.value.code == "early"
    (refund,) = refunding.propose(rma.number, by=make_user("lead"), early=True)
    pay(refund)
    assert state_of(rma) == "refunded"


def test_goods_after_early_refund_change_no_state():
    lead = make_user("lead")
    rma = make_rma("approved", by=lead)
    record_invoice(rma.lines.get().order_line.order)
    pay(*refunding.propose(rma.number, by=lead, early=True))
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 2})
    result = goods.InspectionResult(line.pk, 2, "used", "scrap")
    goods.inspect(rma.number, by=lead, results=[result])
    assert state_of(rma) == "refunded"
    assert rma.lines.get().accepted == 2


def test_failed_refund_takes_the_case_back():
    rma = make_rma("refunded")
    refund = Refund.objects.get(origin=rma.number)
    refunds.fail(refund.key, by=make_user("finance"), reason="Amazon refused it")
    assert state_of(rma) == "inspected"
    assert rma.refunded_at is None


def test_void_refund_fails_what_was_sent():
    rma = make_rma("refunded")
    workflow_by = make_user("finance")
    refunding.void_refund(rma.number, by=workflow_by, reason="The buyer got nothing")
    assert state_of(rma) == "inspected"
    assert Refund.objects.get(origin=rma.number).state == "failed"


def test_goodwill_alone_moves_no_state():
    rma = make_rma("inspected", disposition="reject")
    record_invoice(rma.lines.get().order_line.order)
    (refund,) = refunding.propose(rma.number, by=make_user("lead"), goodwill=Decimal("5.00"))
    assert refund.gross == Decimal("5.00")
    pay(refund)
    assert state_of(rma) == "inspected"


def test_price_credit_needs_no_units():
    rma = make_rma("approved")
    line = rma.lines.get()
    record_invoice(line.order_line.order)
    (refund,) = refunding.propose(
        rma.number, by=make_user("lead"), price_credits={line.pk: Decimal("11.90")}
    )
    assert (refund.net, refund.tax) == (Decimal("10.00"), Decimal("1.90"))
    pay(refund)
    assert state_of(rma) == "approved"


def test_second_person_mail_goes_to_the_approver():
    rma = make_rma("inspected")
    refunding.propose(rma.number, by=make_user("agent"))  # no limit: everything needs a second
    message = rma.messages.get(template="approval_waiting")
    assert message.to == "approver@demo.example"


def test_confirmed_money_settles_the_case():
    from returns.matching import settle_refunded

    rma = make_rma("refunded")
    assert settle_refunded() == 0
    refund = Refund.objects.get(origin=rma.number)
    refunds.confirm_many([refund.pk], by=User.objects.system())
    assert settle_refunded() == 1
    assert state_of(rma) == "closed"
    assert (rma.close_reason, rma.next_actor) == ("settled", "nobody")


def test_settle_by_hand_waits_for_the_money():
    rma = make_rma("refunded")
    with pytest.raises(Refused) as refused:
        workflow.settle(rma.number, by=make_user("lead"))
    assert refused.value.code == "money"


def test_reversed_refund_opens_the_settled_case_again():
    from returns.matching import settle_refunded

    rma = make_rma("refunded")
    refund = Refund.objects.get(origin=rma.number)
    refunds.confirm_many([refund.pk], by=User.objects.system())
    settle_refunded()
    refunds.reverse(refund.key, by=make_user("finance"), reason="The card was closed")
    assert state_of(rma) == "inspected"
    assert (rma.reopened_count, rma.next_actor) == (1, "agent")


def test_confirmation_that_changes_nothing_keeps_the_version():
    rma = make_rma("inspected")
    (refund,) = refunding.propose(rma.number, by=make_user("agent"))
    rma.refresh_from_db()
    before = rma.version
    from returns.following import follow

    follow([refund.pk])
    rma.refresh_from_db()
    assert rma.version == before
