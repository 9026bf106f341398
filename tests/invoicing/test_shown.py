"""Money that Amazon shows beyond our rows leaves less to refund, or stops it until explained."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.core.refused import Refused
from invoicing import matching, refunds
from invoicing.matches import exceptions
from invoicing.matching import match_refunds
from invoicing.models import Match, Refund
from invoicing.sending import feeds
from invoicing.shown import untied
from invoicing.states import RefundState
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement
from tests.invoicing.sending.making import make_feed_refund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def show(order, amount, line=None, currency=None, adjustment="A1", **fields):
    """A settlement shows an amount of the buyer's refund money (negative gives money back)."""
    settlement = make_settlement(order.seller, currency or order.currency)
    return make_fact(settlement, order, line, amount, adjustment=adjustment, **fields)


def bare(order, amount, **fields):
    """Finances tells a refund by its total only."""
    given = {
        "bucket": "account", "source": "finances", "amount_description": "Total", "component": "",
        "transaction_id": "TX-1", "telling": "T1",
    } | fields  # fmt: skip
    fact = show(order, amount, **given)
    fact.settlement = None
    fact.save()
    return fact


def stopped(code, verb, refund, **more):
    with pytest.raises(Refused) as refused:
        verb(refund.key, by=make_user("finance"), **more)
    assert refused.value.code == code
    before = refund.state
    refund.refresh_from_db()
    assert refund.state == before
    return refused.value.sentence


# --- Tied, but more than the refund it is tied to -------------------------------------------------


def test_money_tied_beyond_its_refund_counts_against_the_cap():
    order = make_order()  # 119.00 gross
    ours = make_refund(order, ("10.00", "1.90"))
    second = make_refund(order, ("50.00", "9.50"), state="proposed", origin="RMA-2026-000009")
    show(order, "-90.00", order.lines.get())
    match_refunds()
    assert ours.money_facts.exists()
    sentence = stopped("shown", refunds.approve, second)
    assert "78.10" in sentence
    assert "29.00" in sentence


def test_money_seen_between_approval_and_start_stops_the_start():
    order = make_order()
    make_refund(order, ("10.00", "1.90"))
    second = make_refund(order, ("50.00", "9.50"), state="approved", origin="RMA-2026-000009")
    show(order, "-90.00", order.lines.get())
    match_refunds()
    stopped("shown", refunds.start, second)


def test_accepted_difference_still_counts_whole():
    order = make_order()
    ours = make_refund(order, ("10.00", "1.90"))
    show(order, "-90.00", order.lines.get())
    match_refunds()
    refunds.accept_difference(ours.key, by=make_user("finance"), reason="Amazon paid more.")
    with pytest.raises(Refused) as refused:
        make_refund(order, ("50.00", "9.50"), state="proposed", origin="RMA-2026-000009")
    assert refused.value.code == "shown"


def test_money_of_a_refund_given_up_by_hand_counts_until_it_comes_back():
    order = make_order()
    line = order.lines.get()
    ours = make_refund(order, ("100.00", "19.00"))
    show(order, "-119.00", line)
    match_refunds()
    refunds.reverse(ours.key, by=make_user("finance"), reason="The buyer sent it back.")
    with pytest.raises(Refused) as refused:
        make_refund(order, ("50.00", "9.50"), state="proposed", origin="RMA-2026-000009")
    assert refused.value.code == "shown"
    show(order, "119.00", line)
    match_refunds()
    assert Match.objects.get(refund=ours).seen == 0
    again = make_refund(order, ("50.00", "9.50"), state="approved", origin="RMA-2026-000009")
    assert again.state == RefundState.APPROVED


def test_less_money_than_the_refund_frees_nothing_and_stops_nothing():
    order = make_order()
    make_refund(order, ("50.00", "9.50"))
    show(order, "-30.00", order.lines.get())
    match_refunds()
    assert make_refund(order, ("50.00", "9.50"), state="approved", origin="RMA-2026-000009")


def test_money_tied_by_hand_without_a_line_counts_only_beyond_the_whole_refund():
    order = make_order(lines=2)
    ours = make_refund(order, ("50.00", "9.50"), ("50.00", "9.50"))
    fact = show(order, "-119.00", adjustment="A1", sku="", order_item_code="9999")
    finance = make_user("finance")
    matching.assign([fact.pk], by=finance, refund=ours, reason="Amazon's mail of Monday")
    assert make_refund(order, ("50.00", "9.50"), state="approved", origin="RMA-2026-000009")


# --- Tied to nothing ------------------------------------------------------------------------------


def test_money_of_a_line_in_doubt_stops_approval_and_start_until_it_is_assigned():
    order = make_order(lines=2)
    line = order.lines.order_by("pk").first()
    first = make_refund(order, ("40.00", "7.60"), state="proposed")
    other = make_refund(order, ("10.00", "1.90"), state="approved", origin="RMA-2026-000009")
    fact = show(order, "-50.00", sku="", order_item_code="9999")
    match_refunds()
    assert "50.00" in stopped("untied", refunds.approve, first)
    stopped("untied", refunds.start, other)
    finance = make_user("finance")
    matching.assign([fact.pk], by=finance, order_line=line, reason="by its price")
    assert refunds.approve(first.key, by=finance).state == RefundState.APPROVED
    assert refunds.start(other.key, by=finance).state == RefundState.SENDING


def test_untied_money_stops_a_proposal_but_not_of_another_order():
    order, free = make_order(lines=2), make_order()
    show(order, "-50.00", sku="", order_item_code="9999")
    with pytest.raises(Refused) as refused:
        make_refund(order, ("50.00", "9.50"), state="proposed")
    assert refused.value.code == "untied"
    assert make_refund(free, ("50.00", "9.50"), state="approved")


@pytest.mark.usefixtures("fake_amazon")
def test_untied_money_keeps_a_refund_out_of_the_feed():
    refund, free = make_feed_refund(), make_feed_refund()
    show(refund.order, "-50.00", sku="", order_item_code="9999")
    feeds.collect()
    refund.refresh_from_db()
    free.refresh_from_db()
    assert (refund.state, free.state) == (RefundState.APPROVED, RefundState.SENDING)


def test_money_that_was_given_and_taken_back_stops_nothing():
    order = make_order(lines=2)
    show(order, "-50.00", sku="", order_item_code="9999")
    show(order, "50.00", sku="", order_item_code="9999", adjustment="A2")
    assert make_refund(order, ("50.00", "9.50"), state="approved")


def test_money_in_another_currency_stops_until_somebody_explains_it():
    order = make_order()
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    show(order, "-40.00", order.lines.get(), currency="GBP")
    match_refunds()
    assert "40.00" in stopped("untied", refunds.approve, refund)
    finance = make_user("finance")
    match = Match.objects.get(kind="money")
    exceptions.explain(match, by=finance, resolution="external", reason="Of another order.")
    assert refunds.approve(refund.key, by=finance).state == RefundState.APPROVED


def test_explaining_money_of_a_line_in_doubt_does_not_free_its_order():
    order = make_order(lines=2)
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    show(order, "-50.00", sku="", order_item_code="9999")
    match_refunds()
    exceptions.explain(
        Match.objects.get(kind="money"), by=make_user("finance"), resolution="accepted",
        reason="It is so.",
    )  # fmt: skip
    stopped("untied", refunds.approve, refund)


def test_pages_show_the_money_that_stops_a_refund(client):
    order = make_order(lines=2)
    make_refund(order, ("10.00", "1.90"))
    refund = make_refund(order, ("50.00", "9.50"), state="approved", origin="RMA-2026-000009")
    client.force_login(make_user("finance"))
    assert "notice warning" not in client.get(f"/refunds/{refund.key}/").content.decode()
    show(order, "-90.00", order.lines.order_by("pk").first())
    fact = show(order, "-40.00", currency="GBP", sku="", order_item_code="9999")
    match_refunds()
    page = client.get(f"/refunds/{refund.key}/").content.decode()
    assert "Money at Amazon beyond our refunds" in page
    assert "78.10" in page
    assert f'href="/money/{fact.pk}/"' in page
    assert "£40.00" in page
    assert "under “Refund money not tied to a refund”" in page
    page = client.get(f"/orders/{order.amazon_order_id}/").content.decode()
    assert f'<a href="/money/{fact.pk}/">Amazon shows £40.00 refunded' in page


# --- Bare totals of Finances ----------------------------------------------------------------------


def test_bare_total_is_an_exception_until_its_settlement_arrives():
    order = make_order()
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    fact = bare(order, "-100.00")
    match_refunds()
    match = Match.objects.get(kind="money")
    assert (match.result, match.cause, match.seen) == ("open", "unassigned", Decimal("100.00"))
    assert match.sides["facts"] == [fact.pk]
    assert "without saying for what" in stopped("untied", refunds.approve, refund)
    show(order, "-119.00", order.lines.get())
    show(order, "19.00", order.lines.get(), bucket="fee", amount_type="ItemFees")
    match_refunds()
    match.refresh_from_db()
    assert match.result == "matched"
    assert Refund.objects.get(source="amazon").gross == Decimal("119.00")
    stopped("cap_exceeded", refunds.approve, refund)


def test_bare_total_that_may_be_our_own_refund_stops_nothing():
    order = make_order(lines=2)
    make_refund(order, ("50.00", "9.50"))
    bare(order, "-55.00")
    assert untied([order.pk]) == {}
    assert make_refund(order, ("10.00", "1.90"), state="approved", origin="RMA-2026-000009")


def test_explained_bare_total_stops_nothing():
    order = make_order()
    bare(order, "-100.00")
    match_refunds()
    exceptions.explain(
        Match.objects.get(kind="money"), by=make_user("finance"), resolution="external",
        reason="A claim of another order.",
    )  # fmt: skip
    assert make_refund(order, ("50.00", "9.50"), state="approved")


def test_bulk_asks_once_however_many():
    def queries_for(count: int) -> int:
        seller = make_order().seller
        keys = []
        for _ in range(count):
            order = make_order(seller=seller, lines=2)
            keys.append(make_refund(order, ("10.00", "1.90"), state="proposed").key)
            show(order, "-5.00", sku="", order_item_code="9999")
        with CaptureQueriesContext(connection) as queries:
            result = refunds.approve_many(keys, by=make_user("finance"))
        assert len(result.refused) == count
        return len(queries)

    assert queries_for(1) == queries_for(3)
