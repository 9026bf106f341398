"""The returns queue at 100,000 RMAs: against a bare view of the same rows, and against 1,000."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from config.core import keyset
from config.core.models import User
from tests import database
from tests.benchmarks import bare, rows
from tests.benchmarks.ratio import median_growth, median_ratio
from tests.factories import make_user

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(600),
    pytest.mark.urls("tests.benchmarks.bare"),
]
BIG, SMALL = 100_000, 1_000
LIMITS = {"page 1": 1.5, "deep page": 1.5, "search": 3}


@pytest.fixture(scope="module")
def desks(another_database):
    """An agent at two desks: {count of RMAs: (name of the database, logged-in client)}."""
    with another_database("small") as small, another_database("big") as big:
        yield {count: (name, fill(name, count)) for name, count in ((small, SMALL), (big, BIG))}


def fill(name: str, count: int) -> Client:
    database.use(name)
    agent = make_user("agent")
    rows.orders(count)
    rows.rmas(count, owner_id=agent.pk)
    client = Client()
    client.force_login(User.objects.get(pk=agent.pk))
    return client


def page(client: Client, url: str) -> Callable[[], str]:
    def get() -> str:
        response = client.get(url)
        assert response.status_code == 200
        return response.content.decode()

    return get


def test_queue_page_at_100k_costs_at_most_five_bare_views(desks):
    name, client = desks[BIG]
    database.use(name)
    ours, floor = page(client, "/returns/"), page(bare.client(), "/bare/")
    newest = [f"RMA-2026-{number:06d}" for number in range(1, 51)]
    assert all(number in ours() and number in floor() for number in newest)
    assert median_ratio("queue page of 100k RMAs against a bare view", ours, floor) <= 5


def deep_link(count: int) -> str:
    """The address of a page in the middle: the cursor a reader who paged that far would have."""
    middle = f"SELECT opened_at, id FROM returns_rma ORDER BY opened_at DESC OFFSET {count // 2}"
    with connection.cursor() as cursor:
        cursor.execute(middle + " LIMIT 1")
        opened_at, pk = cursor.fetchone()
    return f"/returns/?after={keyset.encode({'opened_at': opened_at, 'id': pk}, '-opened_at')}"


def visits(desk: tuple[str, Client], count: int) -> dict[str, Callable[[], str]]:
    name, client = desk
    database.use(name)
    urls = {"page 1": "/returns/", "deep page": deep_link(count), "search": "/returns/?q=0000777"}
    found = {what: page(client, url) for what, url in urls.items()}
    assert "RMA-2026-000777" in found["search"]()
    return found


def test_queue_page_does_not_grow_with_the_table(desks):
    small, big = (visits(desks[count], count) for count in (SMALL, BIG))
    growth = {
        what: median_growth(
            f"{what} at 100k RMAs against 1k",
            big[what],
            small[what],
            enter_big=lambda: database.use(desks[BIG][0]),
            enter_small=lambda: database.use(desks[SMALL][0]),
        )
        for what in LIMITS
    }
    assert {what: ratio for what, ratio in growth.items() if ratio > LIMITS[what]} == {}
