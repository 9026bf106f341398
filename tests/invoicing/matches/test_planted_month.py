"""A month with planted mismatches of every cause yields exactly those; a clean month yields none.

Refunds are made by the verbs, the money by settlement reports that are imported as they come.
"""

from datetime import date

import pytest

from config.core.sentence import Sentence
from invoicing.matches.refresh import refresh
from invoicing.matches.rules import SENTENCES
from invoicing.models import Match, Refund
from invoicing.models.match import Cause
from tests.invoicing.matches.month import TODAY, Month, exceptions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_november")]


@pytest.fixture
def _november(time_machine):
    time_machine.move_to(TODAY, tick=True)


@pytest.fixture
def month(tmp_path):
    return Month(tmp_path)


def clean(month):
    """What every month has: plain refunds, returns, Amazon first, another currency."""
    for sent_on in (date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 20)):
        refund = month.refund(sent_on=sent_on)
        month.money(refund.order, "-35.70", day=sent_on)
    two = month.refund(lines=2, amounts=(("30.00", "5.70"), ("10.00", "1.90")))
    month.money(two.order, "-35.70", "-11.90")
    returned = month.returned()
    month.money(returned.order, -returned.gross)
    british = month.refund(marketplace="UK", rate="0.20", amounts=(("10.00", "2.00"),))
    month.money(british.order, "-12.00", currency="GBP")
    month.rate()
    asked = month.asked_for()
    month.money(asked, "-59.50")
    return asked


def credited(month, order):
    """Amazon's own refund of an order, with its paper."""
    refund = Refund.objects.get(order=order, source="amazon")
    month.paper(refund)
    return refund


def test_a_clean_month_has_no_exception(month):
    asked = clean(month)
    month.close()
    month.papers()
    credited(month, asked)
    refresh()
    assert exceptions() == {}
    assert set(Match.objects.values_list("result", flat=True)) == {"matched"}
    assert Match.objects.count() == Refund.objects.count() == 7
    assert refresh().written == 0


def plant(month):
    """One mismatch of every cause; returns what must be found, and what has no paper on purpose."""
    found = {}
    twice = month.refund()
    month.money(twice.order, "-35.70")
    month.money(twice.order, "-35.70", day=date(2026, 10, 9))
    found[twice.order.amazon_order_id] = Cause.DUPLICATE
    alone = month.order()
    month.money(alone, "-35.70")
    found[alone.amazon_order_id] = Cause.ONLY_AMAZON
    month.money(month.order(), "-20.00", order_id="302-9999999-0000001")
    found["302-9999999-0000001"] = Cause.UNASSIGNED
    other = month.refund()
    month.money(other.order, "-35.00")
    found[other.order.amazon_order_id] = Cause.AMOUNT
    net = month.refund()
    month.money(net.order, "-30.00")
    found[net.order.amazon_order_id] = Cause.VAT
    lost = month.refund(state="unknown")
    found[lost.order.amazon_order_id] = Cause.UNKNOWN
    missing = month.refund()
    found[missing.order.amazon_order_id] = Cause.MISSING
    unpapered = month.refund()
    month.money(unpapered.order, "-35.70")
    found[unpapered.order.amazon_order_id] = Cause.CREDIT_NOTE
    unseen = month.returned(seen=False)
    month.money(unseen.order, -unseen.gross)
    found[unseen.order.amazon_order_id] = Cause.GOODS
    unclear = month.asked_for()
    month.money(unclear, "-11.11")
    found[unclear.amazon_order_id] = Cause.UNITS
    no_rate = month.refund(
        marketplace="UK", rate="0.20", amounts=(("10.00", "2.00"),), sent_on=date(2026, 10, 25)
    )
    month.money(no_rate.order, "-12.00", currency="GBP", day=date(2026, 10, 25))
    found[no_rate.order.amazon_order_id] = Cause.FX
    late = month.refund(sent_on=date(2026, 11, 18))
    found[late.order.amazon_order_id] = Cause.TIMING
    assert set(found.values()) == set(Cause)
    return found, unpapered, unclear


def plant_against_the_invoice_and_the_goods(month):
    """Credited beyond the invoice, no invoice, paid units that were rejected: cause and why."""
    over = month.over_credited()
    month.money(over.order, "-35.70")
    alone = month.asked_for(invoiced=False)
    month.money(alone, "-59.50")
    rejected = month.sent_back()
    month.money(rejected.order, -rejected.gross)
    return {
        over.order.amazon_order_id: (Cause.AMOUNT, "over_credited"),
        alone.amazon_order_id: (Cause.CREDIT_NOTE, "no_invoice"),
        rejected.order.amazon_order_id: (Cause.UNITS, "units_differ"),
    }


def test_a_month_against_invoice_and_goods_yields_exactly_those(month):
    asked = clean(month)
    planted = plant_against_the_invoice_and_the_goods(month)
    month.close()
    month.papers()
    credited(month, asked)
    refresh()
    assert exceptions() == {name: cause.value for name, (cause, _why) in planted.items()}
    for match in Match.objects.filter(result="open").select_related("order"):
        why = planted[match.order.amazon_order_id][1]
        assert match.detail["template"] == SENTENCES[why]
        assert "causes" not in match.sides
    assert Match.objects.filter(result="matched").count() == 7
    assert refresh().written == 0


def test_a_month_with_every_cause_planted_yields_exactly_those(month):
    asked = clean(month)
    planted, unpapered, unclear = plant(month)
    month.close()
    month.papers(but=[unpapered])
    credited(month, asked), credited(month, unclear)
    refresh()
    assert exceptions() == {name: cause.value for name, cause in planted.items()}
    assert Match.objects.filter(result="matched").count() == 7 + 1  # and the first of the twins
    for match in Match.objects.filter(result="open"):
        assert str(Sentence.from_json(match.detail))
    assert refresh().written == 0
