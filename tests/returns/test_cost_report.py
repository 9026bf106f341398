"""The cost report: what the ledger, the cases and Amazon's fee rows say, each cost once."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils import timezone

from invoicing.matching import match_refunds
from invoicing.models import JournalLine
from invoicing.reports import runs
from invoicing.reports.kinds import Scope
from returns import goods
from returns.cost_report import COLUMNS, labour_rates
from returns.models import RMA, Parcel, RMALine
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.reports.conftest import rows_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finance(db):
    return make_user("finance")


@pytest.fixture
def scope():
    today = timezone.localdate()
    return Scope(today - timedelta(days=3), today + timedelta(days=3))


def report(by, scope):
    return rows_of(runs.run("cost", scope, "csv", by=by))


def summed(rows, name):
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def test_case_shows_every_cost_under_its_cause(finance, scope, settings):
    settings.INSPECTION_COST = "EUR=2.50"
    rma = make_rma("refunded", order=make_order(quantity=3, rate="0.19"), quantity=2)
    line = rma.lines.get()
    Parcel.objects.filter(rma=rma).update(label_payer="seller", label_cost=Decimal("6.90"))
    fact = {"bucket": "fee", "amount_type": "ItemFees", "component": "", "posted_on":
            timezone.localdate(), "amount_description": "RefundCommission"}  # fmt: skip
    order = line.order_line.order
    make_fact(
        make_settlement(order.seller), order, line.order_line, "-1.30", adjustment="A", **fact
    )
    (row,) = report(finance, scope)
    goods = JournalLine.objects.filter(account="buyer_refunds").aggregate(Sum("amount"))
    assert Decimal(row["Goods"]) == goods["amount__sum"] > 0
    assert (row["Cause"], row["Liability"]) == ("CR-DEFECTIVE", line.liability)
    assert (row["Return labels"], row["Labour"], row["Amazon fees"]) == ("6.90", "5.00", "1.30")
    assert (row["Cases"], row["Units inspected"]) == ("1", "2")
    assert Decimal(row["Handling"]) == Decimal("13.20")
    assert Decimal(row["Total"]) == Decimal(row["Goods"]) + Decimal("13.20")
    assert row["Site"] == order.seller.code


def test_refund_that_amazon_made_stands_under_the_cause_of_the_case(finance, scope):
    rma = make_rma("approved", order=make_order(quantity=3, rate="0.19"), quantity=2)
    line = rma.lines.get().order_line
    settlement = make_settlement(line.order.seller)
    at = timezone.now()
    make_fact(settlement, line.order, line, "-11.90", adjustment="A1", at=at)
    fee = {"bucket": "fee", "amount_type": "ItemFees", "component": ""}
    make_fact(settlement, line.order, line, "-1.30", adjustment="A1", at=at, **fee)
    match_refunds()
    (row,) = report(finance, scope)
    assert (row["Cause"], row["Goods"], row["Amazon fees"]) == ("CR-DEFECTIVE", "10.00", "1.30")


def test_sites_are_where_the_goods_were_received(finance, scope, settings):
    settings.INSPECTION_COST = "EUR=2.50"
    own, partner, unnamed = (
        make_rma("shipped", order=make_order(rate="0.19"), quantity=1) for _ in range(3)
    )
    lead = make_user("lead")
    for rma, site in ((own, "Own warehouse"), (partner, " Partner  in Halle "), (unnamed, "")):
        line = rma.lines.get()
        goods.receive(rma.number, by=lead, quantities={line.pk: 1}, site=site)
        result = goods.InspectionResult(line.pk, 1, "as_new", "restock")
        goods.inspect(rma.number, by=lead, results=[result])
    rows = report(finance, Scope(scope.date_from, scope.date_to, chosen={"by": "site"}))
    labour = {row["Site"]: Decimal(row["Labour"]) for row in rows}
    assert labour == dict.fromkeys(
        ("Own warehouse", "Partner in Halle", unnamed.seller.code), Decimal("2.50")
    )


def test_sums_are_those_of_the_ledger(finance, scope):
    make_rma("refunded", order=make_order(rate="0.19"), quantity=1)
    make_rma("refunded", order=make_order(marketplace="FR", rate="0.20"), quantity=2)
    rows = report(finance, scope)
    held = defaultdict(Decimal)
    for account, amount in JournalLine.objects.values_list("account", "amount"):
        held[account] += amount
    assert summed(rows, "Goods") == held["buyer_refunds"]
    assert summed(rows, "Fees kept") == held["restocking"] + held["return_freight"]
    assert summed(rows, "VAT taken back") == held["vat"]
    assert {row["Marketplace"] for row in rows} == {"Amazon.de", "Amazon.fr"}


def test_without_a_rate_labour_is_left_out(finance, scope, settings):
    settings.INSPECTION_COST = ""
    make_rma("inspected", order=make_order(rate="0.19"), quantity=2)
    (row,) = report(finance, scope)
    assert (row["Labour"], row["Units inspected"], row["Total"]) == ("0", "2", "0")


def test_buyers_own_label_costs_nothing(finance, scope):
    rma = make_rma("inspected", order=make_order(rate="0.19"))
    Parcel.objects.filter(rma=rma).update(label_payer="buyer", label_cost=Decimal("6.90"))
    assert summed(report(finance, scope), "Return labels") == 0


def test_several_lines_count_their_label_once(finance, scope):
    order = make_order(quantity=3, rate="0.19")
    rma = make_rma("inspected", order=order)
    first = rma.lines.get()
    RMALine.objects.create(
        rma=rma, position=9, order_line=first.order_line, requested=1, reason_code="CR-QUALITY"
    )
    Parcel.objects.filter(rma=rma).update(label_payer="seller", label_cost=Decimal("6.90"))
    assert summed(report(finance, scope), "Return labels") == Decimal("6.90")
    assert RMA.objects.count() == 1


def test_totals_are_by_the_dimension_that_was_chosen(finance, scope):
    make_rma("refunded", order=make_order(rate="0.19"), quantity=1)
    make_rma("refunded", order=make_order(rate="0.19"), quantity=1, reason_code="CR-UNWANTED_ITEM")
    by_cause = Scope(scope.date_from, scope.date_to, chosen={"by": "cause"})
    run = runs.run("cost", by_cause, "csv", by=finance)
    assert {total["dimension"] for total in run.totals} == {"CR-DEFECTIVE", "CR-UNWANTED_ITEM"}
    total = sum(Decimal(one["total"]) for one in run.totals)
    assert total == summed(rows_of(run), "Total")


def test_seller_and_days_narrow_it(finance, scope):
    rma = make_rma("refunded", order=make_order(rate="0.19"))
    make_rma("refunded", order=make_order(rate="0.19"))
    seller = rma.lines.get().order_line.order.seller
    rows = report(finance, Scope(scope.date_from, scope.date_to, seller=seller))
    assert {row["Seller"] for row in rows} == {seller.code}
    before = scope.date_from - timedelta(days=30)
    assert report(finance, Scope(before, before)) == []


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ("", {}),
        ("EUR=2.50", {"EUR": Decimal("2.50")}),
        ("eur=2.50, JPY=300", {"EUR": Decimal("2.50"), "JPY": Decimal(300)}),
    ],
)
def test_rates_of_labour_are_read(given, rates):
    assert labour_rates(given) == rates


@pytest.mark.parametrize("given", ["EUR", "EUR=x", "EURO=2", "EUR=-1", "EUR=1.2.3"])
def test_wrong_rates_of_labour_are_named(given):
    with pytest.raises(ValueError, match="INSPECTION_COST"):
        labour_rates(given)


def test_headers_are_unique():
    headers = [column.header for column in COLUMNS]
    assert len(headers) == len(set(headers))
