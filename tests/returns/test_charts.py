"""The charts page: what it counts, that it asks a fixed number of queries, who may look."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invoicing.models import Refund
from returns import charts
from returns.models import RMA, Parcel
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.django_db


def figures(by="cause"):
    return dict(charts.charts(charts.Scope(), timezone.now().date(), by))


def last(chart):
    return {one.key: one.values[-1] for one in chart.series}


def test_an_empty_house_says_so(client):
    client.force_login(make_user("finance"))
    page = client.get("/charts/").content.decode()
    assert page.count("Nothing in these weeks.") == 2
    assert "<rect" not in page


def test_refunds_are_counted_by_week_and_status():
    make_rma("refunded")
    make_rma("inspected")
    found = figures()
    assert last(found["weeks"]) == {"done": 1, "open": 0, "trouble": 0, "amazon": 0, "ended": 0}
    assert len(found["weeks"].columns) == charts.WEEKS
    monday = found["weeks"].links[-1]
    assert monday.startswith("/refunds/?proposed_after=")


@pytest.mark.parametrize(
    ("by", "label", "link"),
    [("cause", "Defective", "cause=DEFECTIVE"), ("liability", "Seller", "liability=seller")],
)
def test_costs_are_those_of_the_cost_report(settings, by, label, link):
    settings.INSPECTION_COST = "EUR=2.50"
    rma = make_rma("refunded", order=make_order(quantity=3, rate="0.19"), quantity=2)
    Parcel.objects.filter(rma=rma).update(label_payer="seller", label_cost=Decimal("6.90"))
    chart = figures(by)["cost-EUR"]
    refund = Refund.objects.get()
    drawn = {one.key: sum(one.values) for one in chart.series}
    assert (drawn.pop("label"), drawn.pop("labour")) == (Decimal("6.90"), Decimal("5.00"))
    assert sum(drawn.values()) == refund.net
    assert list(chart.columns) == [label]
    assert chart.links == [f"/returns/?{link}"]
    assert {mark.href for mark in chart.marks} == set(chart.links)


def test_spellings_of_one_cause_are_one_bar_and_one_filter(client):
    for reason in ("CR-ORDERED_WRONG_ITEM", "AMZ-PG-MISORDERED", "CR-DEFECTIVE"):
        make_rma("refunded", order=make_order(rate="0.19"), reason_code=reason)
    chart = figures()["cost-EUR"]
    assert sorted(chart.columns) == ["Defective", "Ordered the wrong item"]
    client.force_login(make_user("lead"))
    link = chart.links[list(chart.columns).index("Ordered the wrong item")]
    page = client.get(link).content.decode()
    shown = [rma.number for rma in RMA.objects.order_by("pk") if f"{rma.number}/" in page]
    assert shown == [rma.number for rma in RMA.objects.order_by("pk")[:2]]


@pytest.mark.parametrize(("role", "sees"), [("agent", False), ("finance", True)])
def test_costs_are_for_those_who_see_reports(client, role, sees):
    make_rma("refunded", order=make_order(rate="0.19"))
    client.force_login(make_user(role))
    page = client.get("/charts/").content.decode()
    assert ("Cost by cause" in page, 'name="by"' in page) == (sees, sees)
    assert "Refunds by week and status" in page
    assert 'href="/charts/"' in page
    liable = client.get("/charts/?by=liability").content.decode()
    assert ("Cost by who is liable" in liable) is sees


def test_cycle_time_counts_from_the_request():
    rma = make_rma("refunded")
    type(rma).objects.filter(pk=rma.pk).update(opened_at=rma.refunded_at - timedelta(days=3))
    assert last(figures()["cycle"])["half"] == 3


def test_another_seller_is_out_of_scope():
    rma = make_rma("refunded")
    found = dict(charts.charts(charts.Scope(rma.seller_id + 1), timezone.now().date(), "cause"))
    assert found["weeks"].is_empty
    assert list(found) == ["weeks", "cycle"]


def test_the_page_asks_the_same_number_of_queries_for_more(client):
    client.force_login(make_user("finance"))
    counts = []
    for _ in range(2):
        make_rma("refunded")
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/charts/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
