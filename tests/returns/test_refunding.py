"""A case's money: quotes, proposals, tranches, and what refunds do to the case."""

from decimal import Decimal

import pytest
from django.apps import apps

from config.core.models import User
from config.core.refused import Refused
from invoicing import matching, refunds
from invoicing.crediting import record_credit_note
from invoicing.models import Refund
from returns import goods, refunding, workflow
from returns.following import follow
from returns.matching import settle_refunded
from tests.factories import (
    make_order,
    make_rma,
    make_user,
    pay,
    receive_and_inspect,
    record_invoice,
)
from tests.invoicing.money import make_fact, make_settlement

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


def test_credit_note_that_is_recorded_later_mails_the_buyer_no_second_time():
    rma = make_rma("refunded")
    refund = Refund.objects.get(origin=rma.number)
    given = {"number": "CN-AMZ-1", "issue_date": refund.sent_on}
    record_credit_note(refund, by=make_user("finance"), **given)
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
    follow([refund.pk])
    rma.refresh_from_db()
    assert rma.version == before


def refund_by_amazon(order, net, tax):
    """Amazon's settlement shows a refund nobody here decided."""
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, f"-{net}", adjustment=f"A{net}")
    make_fact(
        settlement,
        order,
        line,
        f"-{tax}",
        adjustment=f"A{net}",
        amount_description="Tax",
        is_tax=True,
    )
    matching.match_refunds()


def test_refund_by_amazon_leaves_less_for_ours():
    order = make_order(quantity=3, net="90.00")
    rma = make_rma("inspected", order=order, quantity=3)
    refund_by_amazon(order, "30.00", "5.70")
    (quote,) = refunding.quote(rma)
    assert quote.calculation.lines[0].quantity == 2
    assert quote.calculation.gross == Decimal("71.40")
    record_invoice(order)
    pay(*refunding.propose(rma.number, by=make_user("agent")))
    assert state_of(rma) == "refunded"


@pytest.mark.parametrize("state", ["approved", "shipped", "inspected"])
def test_full_refund_by_amazon_moves_the_case_as_the_system_actor(state):
    order = make_order(quantity=2, net="90.00")
    rma = make_rma(state, order=order, quantity=2)
    refund_by_amazon(order, "90.00", "17.10")
    assert state_of(rma) == "refunded"
    (quote,) = refunding.quote(rma)
    assert not quote.refundable
    event = apps.get_model("returns", "RMAEvent").objects.filter(pgh_obj_id=rma.pk)
    last = event.order_by("-pgh_id").first().pgh_context
    assert (last["verb"], last["name"]) == ("refund", "system")


def test_money_of_amazon_counts_for_the_older_case_first():
    order = make_order(quantity=4, net="100.00")
    older, newer = (make_rma("inspected", order=order, quantity=2) for _ in range(2))
    refund_by_amazon(order, "50.00", "9.50")
    assert state_of(older) == "refunded"
    assert state_of(newer) == "inspected"
    (quote,) = refunding.quote(newer)
    assert quote.calculation.lines[0].quantity == 2


def test_label_we_paid_is_kept_back_once_from_a_buyer_who_is_liable():
    lead, order = make_user("lead"), make_order(quantity=2, net="100.00")
    rma = make_rma("approved", order=order, by=lead, reason_code="CR-UNWANTED_ITEM")
    workflow.ship(
        rma.number, by=lead, tracking="T1", label_payer="seller", label_cost=Decimal("5.95")
    )
    receive_and_inspect(rma, by=lead)
    (quote,) = refunding.quote(rma)
    kept = {line.component: line.gross for line in quote.calculation.lines}
    assert kept["return_freight"] == Decimal("-5.95")
    workflow.set_liability(rma.number, by=lead, line_id=rma.lines.get().pk, liability="seller")
    rma.refresh_from_db()
    (quote,) = refunding.quote(rma)
    assert "return_freight" not in {line.component for line in quote.calculation.lines}


def test_quote_of_a_stub_order_says_why_not():
    rma = make_rma(order=make_order(facts_complete=False))
    (quote,) = refunding.quote(rma)
    assert not quote.refundable
    assert quote.sentence


def test_quote_takes_three_queries(django_assert_num_queries):
    rma = make_rma("inspected")
    lines = list(rma.lines.select_related("order_line__order"))
    with django_assert_num_queries(3):
        refunding.quote(rma, lines=lines)
