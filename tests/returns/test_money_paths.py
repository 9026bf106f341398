"""A refund from calculation to closed case, in each currency and on each price basis."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from config.core import invariants
from invoicing import refunds
from invoicing.invariants import CONFIRMED_IS_SEEN
from invoicing.matching import match_refunds
from invoicing.models import Refund
from invoicing.reports.runs import Scope, run
from invoicing.sending.attempts import figures_of
from returns import refunding
from returns.matching import settle_refunded
from tests.factories import make_registration, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.papers import make_invoice, make_issuing, make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True)

# marketplace, paid net, rate → figures to type, their basis, and what is refunded of 2 of 3 units
PATHS = [
    ("DE", "100.00", "0.19", ["79.34"], ("66.67", "12.67")),
    ("UK", "100.00", "0.20", ["80.00"], ("66.67", "13.33")),
    ("US", "100.00", "0.0725", ["66.67", "4.83"], ("66.67", "4.83")),
    ("JP", "10000", "0.10", ["7334"], ("6667", "667")),
]

NUMBERS = {"UK": ("GB", "VAT", "GB980780684"), "JP": ("JP", "JCT", "T7000012050002")}


def show(settlement, order, net, tax, adjustment):
    """Amazon's rows: one amount where prices include tax, else price and tax apart."""
    line, at = order.lines.get(), timezone.now()
    if order.marketplace.prices_include_tax:
        make_fact(settlement, order, line, -(net + tax), adjustment=adjustment, at=at)
    else:
        make_fact(settlement, order, line, -net, adjustment=adjustment, at=at)
        words = {"amount_description": "Tax", "is_tax": True}
        make_fact(settlement, order, line, -tax, adjustment=adjustment, at=at, **words)
    match_refunds()


@pytest.mark.parametrize(("code", "paid", "rate", "figures", "split"), PATHS)
def test_refund_goes_the_whole_way(code, paid, rate, figures, split):
    order = make_shipped_order(marketplace=code, quantity=3, net=paid, rate=rate)
    finance = make_user("finance")
    if code in NUMBERS:
        make_registration(order.seller, *NUMBERS[code])
    make_issuing(order.seller, code)
    make_invoice(order, by=finance)
    rma = make_rma("inspected", order=order, quantity=2)
    (refund,) = refunding.propose(rma.number, by=make_user("agent"))
    net, tax = map(Decimal, split)
    assert (refund.net, refund.tax) == (net, tax)
    typed = figures_of(refund)
    assert [figure.amount for figure in typed] == [Decimal(figure) for figure in figures]
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=finance)
    today = timezone.now().date()
    refund = refunds.mark_sent(refund.key, by=finance, sent_on=today, amount=net + tax)
    credit = refund.document
    assert (credit.net, credit.tax, credit.currency) == (net, tax, order.currency)
    assert credit.number or credit.findings  # numbered, or the gate says why not

    settlement = make_settlement(order.seller, order.currency)
    show(settlement, order, net, tax, "A1")
    assert settle_refunded() == 1
    nearby = Scope(today - timedelta(days=2), today + timedelta(days=2))
    (total,) = run("settlement", nearby, "csv", by=finance).totals
    assert (total["currency"], total["status"]) == (order.currency, "matched")
    assert Decimal(total["vat_rate"]) == Decimal(rate)
    sums = [Decimal(total[name]) for name in ("net", "vat", "gross", "amazon_amount", "difference")]
    assert sums == [net, tax, net + tax, net + tax, 0]

    line = order.lines.get()
    show(settlement, order, line.item_net - net, line.item_tax - tax, "A2")
    rest = Refund.objects.get(source="amazon")
    assert (rest.net + net, rest.tax + tax) == (line.item_net, line.item_tax)
    seen = invariants.Promise("seen", "", CONFIRMED_IS_SEEN)
    assert invariants.violations(seen)[0] == 0
