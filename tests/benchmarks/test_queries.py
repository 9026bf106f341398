"""Queries of whole requests, log-in to answer: lists, the RMA page, one transition, bulk verbs."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from returns.models import RMA
from returns.opening import Draft, LineRequest, open_many
from tests.factories import make_order, make_rma, make_user
from tests.papers import make_invoice, make_shipped_order

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]
LISTS = ("returns:queue", "returns:orders", "returns:buyers", "invoicing:refunds",
         "invoicing:documents", "invoicing:reports", "orders:imports", "returns:activity",
         "core:jobs")  # fmt: skip


@pytest.fixture
def lead():
    return make_user("lead")


@pytest.fixture
def desk(lead):
    client = Client()
    client.force_login(lead)
    client.get("/returns/")  # what a process reads once is known
    return client


def queries(what: str, work: Callable[[], object], most: int) -> int:
    """Count, print and check the queries of one request; BEGIN, COMMIT and savepoints apart."""
    with CaptureQueriesContext(connection) as asked:
        work()
    found = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    print(f"\n{what}: {len(found)} queries (limit {most})")
    assert len(found) <= most, found
    return len(found)


def test_every_list_takes_at_most_eight_queries(desk, lead):
    for _ in range(3):
        make_rma("inspected", by=lead)
    for name in LISTS:
        url = reverse(name)
        assert desk.get(url).status_code == 200, name
        queries(name, lambda url=url: desk.get(url), 8)


def test_rma_page_takes_at_most_twelve_queries(desk, lead):
    order = make_shipped_order(lines=3, quantity=3)
    make_invoice(order)
    for state in ("requested", "shipped", "inspected"):
        rma = make_rma(state, by=lead, order=order if state == "inspected" else None)
        queries(f"page of a {state} RMA", lambda rma=rma: desk.get(rma.get_absolute_url()), 12)


def press(desk: Client, rma: RMA, verb: str, **form) -> Callable[[], object]:
    """The POST of a button, without the page it leads to."""

    def post() -> None:
        url = reverse("returns:verb", args=[rma.number, verb])
        answer = desk.post(url, {"version": rma.version, **form})
        assert answer.status_code == 302

    return post


def test_one_transition_takes_at_most_twelve_queries(desk, lead):
    requested, other, approved = (
        make_rma(state, by=lead) for state in ("requested", "requested", "approved")
    )
    queries("approve", press(desk, requested, "approve"), 12)
    queries("decline", press(desk, other, "decline", reason="Too late"), 12)
    queries("ship", press(desk, approved, "ship", tracking="1Z"), 12)
    states = RMA.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["approved", "closed", "shipped"]


def chosen(count: int, lead) -> list[int]:
    """Ids of freshly requested RMAs."""
    orders = [make_order(quantity=3) for _ in range(count)]
    drafts = [
        Draft([LineRequest(order.lines.get().pk, 2, "CR-DEFECTIVE")], label=str(order.pk))
        for order in orders
    ]
    return [case.rma.pk for case in open_many(drafts, by=lead)[0]]


def test_bulk_approve_takes_at_most_twenty_queries_whatever_its_number(desk, lead):
    taken, url = set(), reverse("returns:bulk-verb", args=["approve"])
    for count in (3, 50):
        form = {"ids": chosen(count, lead), "confirm": "1"}
        what = f"bulk approve of {count}"
        taken.add(queries(what, lambda form=form: desk.post(url, form), 20))
        assert RMA.objects.filter(pk__in=form["ids"], state="approved").count() == count
    assert len(taken) == 1
