"""The charts page: what it counts, that it asks a fixed number of queries, who may look."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invoicing.models import Refund
from returns import charts
from tests.factories import make_rma, make_user

pytestmark = pytest.mark.django_db


def figures():
    return dict(charts.charts(charts.Scope(), timezone.now().date()))


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
    refund = Refund.objects.get()
    (cause,) = (chart for name, chart in found.items() if name.startswith("cause-"))
    drawn = {one.key: sum(one.values) for one in cause.series}
    assert drawn["goods"] - drawn["kept"] + drawn["goodwill"] + drawn["freight"] == refund.net


def test_cycle_time_counts_from_the_request():
    rma = make_rma("refunded")
    type(rma).objects.filter(pk=rma.pk).update(opened_at=rma.refunded_at - timedelta(days=3))
    assert last(figures()["cycle"])["half"] == 3


def test_another_seller_is_out_of_scope():
    rma = make_rma("refunded")
    found = dict(charts.charts(charts.Scope(seller=rma.seller_id + 1), timezone.now().date()))
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
