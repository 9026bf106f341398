"""Money that matching left alone, given its meaning by a person of finance."""

from decimal import Decimal

import pytest

from config.core.refused import Refused
from invoicing import matching
from invoicing.finance_forms import AssignForm
from invoicing.matching import match_refunds, untied
from invoicing.models import MoneyFact, Refund
from invoicing.sending import bank
from invoicing.states import RefundState
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement
from tests.invoicing.sending.test_bank import make_bank

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def lost(order, amount, **fields):
    """A row of the buyer's money that names no line of its order."""
    given = {"adjustment": "A1", "sku": "", "order_item_code": "9999"} | fields
    return make_fact(make_settlement(order.seller, order.currency), order, None, amount, **given)


def test_money_given_to_a_refund_confirms_it():
    order = make_order(lines=2)
    refund = make_refund(order, ("50.00", "9.50"))
    fact = lost(order, "-59.50")
    match_refunds()
    assert untied().count() == 1
    finance = make_user("finance")
    matching.assign([fact.pk], by=finance, refund=refund, reason="Amazon's mail of Monday")
    fact.refresh_from_db()
    refund = Refund.objects.get(pk=refund.pk)
    assert (fact.refund, refund.state) == (refund, RefundState.CONFIRMED)
    assert (fact.assigned_by, fact.assigned_reason) == (finance, "Amazon's mail of Monday")
    assert fact.assigned_at is not None


def test_another_amount_given_to_a_refund_leaves_it_sent():
    order = make_order(lines=2)
    refund = make_refund(order, ("50.00", "9.50"))
    fact = lost(order, "-50.00")
    matching.assign([fact.pk], by=make_user("finance"), refund=refund, reason="seen")
    assert Refund.objects.get(pk=refund.pk).state == RefundState.SENT
    match_refunds()
    fact.refresh_from_db()
    assert fact.refund_id == refund.pk


def test_amazons_money_is_never_that_of_a_bank_transfer():
    refund = make_bank()
    bank.make_file([refund.key], by=make_user("finance"))
    fact = lost(refund.order, "-71.40")
    assert_refused("lane", [fact.pk], refund=refund)
    facts = list(MoneyFact.objects.filter(pk=fact.pk))
    meanings = [value for value, _label in AssignForm(facts=facts).fields["means"].choices]
    assert f"refund-{refund.pk}" not in meanings


def test_money_given_to_a_line_becomes_amazons_refund_and_stays():
    order = make_order(lines=2)
    line = order.lines.order_by("pk").last()
    fact = lost(order, "-39.67")
    matching.assign([fact.pk], by=make_user("finance"), order_line=line, reason="by its price")
    refund = Refund.objects.get(source="amazon")
    assert (refund.gross, refund.lines.get().order_line) == (Decimal("39.67"), line)
    assert refund.lines.get().quantity == 1
    match_refunds()
    fact.refresh_from_db()
    assert (fact.order_line, fact.refund) == (line, refund)


def assert_refused(code, facts, **meaning):
    before = list(MoneyFact.objects.order_by("pk").values())
    with pytest.raises(Refused) as refused:
        matching.assign(facts, **{"by": make_user("finance"), "reason": "seen"} | meaning)
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".")
    assert list(MoneyFact.objects.order_by("pk").values()) == before


def test_what_cannot_be_meant_is_refused():
    order, other = make_order(lines=2), make_order()
    refund = make_refund(order, ("50.00", "9.50"))
    proposed = make_refund(order, ("10.00", "1.90"), state="proposed")
    elsewhere = make_refund(other, ("1.00", "0.19"))
    line, fact = order.lines.first(), lost(order, "-59.50")
    assert_refused("reason", [fact.pk], refund=refund, reason=" ")
    assert_refused("one_of_both", [fact.pk], refund=refund, order_line=line)
    assert_refused("one_of_both", [fact.pk])
    assert_refused("one_order", [], refund=refund)
    assert_refused("one_order", [fact.pk, lost(other, "-1.00").pk], refund=refund)
    assert_refused("foreign_line", [fact.pk], order_line=other.lines.get())
    assert_refused("foreign_refund", [fact.pk], refund=elsewhere)
    assert_refused("state", [fact.pk], refund=proposed)
    fee = lost(order, "3.00", bucket="fee")
    assert_refused("tied", [fact.pk, fee.pk], refund=refund)
    matching.assign([fact.pk], by=make_user("finance"), refund=refund, reason="seen")
    assert_refused("tied", [fact.pk], refund=refund)


@pytest.mark.parametrize("role", ["agent", "inspector", "lead", "auditor"])
def test_only_finance_may_say_it(role):
    order = make_order(lines=2)
    refund = make_refund(order, ("50.00", "9.50"))
    assert_refused("forbidden", [lost(order, "-59.50").pk], by=make_user(role), refund=refund)


def test_money_of_an_order_of_one_line_finds_it_alone():
    order = make_order()
    refund = make_refund(order, ("50.00", "9.50"))
    lost(order, "-59.50", order_item_code="")
    assert match_refunds().confirmed == [refund.pk]


# --- Money that comes back, and rows that come late ----------------------------------------------


def test_reversal_of_amazons_refund_takes_it_back():
    order = make_order()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, "-11.90", adjustment="A1")
    match_refunds()
    back = make_fact(settlement, order, line, "11.90", adjustment="A2", at=DAY.replace(hour=20))
    match_refunds()
    refund = Refund.objects.get()
    back.refresh_from_db()
    assert (refund.state, back.refund) == (RefundState.REVERSED, refund)
    assert not refund.lines.get().live
    assert not untied().exists()
    assert match_refunds().rows == 0


def test_reversal_of_our_refund_is_tied_and_left_to_a_person():
    order = make_order()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    refund = make_refund(order, ("50.00", "9.50"))
    make_fact(settlement, order, line, "-59.50", adjustment="A1")
    match_refunds()
    make_fact(settlement, order, line, "59.50", adjustment="A2", at=DAY.replace(hour=20))
    match_refunds()
    refund = Refund.objects.get(pk=refund.pk)
    assert refund.state == RefundState.CONFIRMED
    assert sum(fact.amount for fact in refund.money_facts.all()) == 0


@pytest.mark.parametrize(
    ("late", "gross"), [("-11.90", "23.80"), ("5.00", "6.90")], ids=["more", "less"]
)
def test_late_rows_of_an_adjustment_change_what_amazon_refunded(late, gross):
    order = make_order()
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, "-11.90", adjustment="A1")
    match_refunds()
    make_fact(make_settlement(order.seller), order, line, late, adjustment="A1")
    match_refunds()
    live = Refund.objects.get(source="amazon", state="confirmed")
    assert (live.gross, live.amazon_refund_id) == (Decimal(gross), "A1")
    assert sum(one.gross for one in line.refund_lines.filter(live=True)) == Decimal(gross)
    assert match_refunds().rows == 0


def test_more_money_than_our_refund_is_another_one_of_amazons():
    order = make_order()
    line = order.lines.get()
    refund = make_refund(order, ("50.00", "9.50"))
    make_fact(make_settlement(order.seller), order, line, "-59.50", adjustment="A1")
    match_refunds()
    make_fact(make_settlement(order.seller), order, line, "-11.90", adjustment="A1")
    match_refunds()
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED
    assert Refund.objects.get(source="amazon").gross == Decimal("11.90")
    assert sum(one.gross for one in line.refund_lines.filter(live=True)) == Decimal("71.40")
