"""The returns queue at 100,000 RMAs: against a bare view of the same rows, and against 1,000."""

import statistics

import pytest
from django.db import connection
from django.test import Client
from django.utils.html import escape

from config.core import keyset
from config.core.models import User
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio, seconds
from tests.factories import make_user

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]
BIG, SMALL = 100_000, 1_000
BARE_SQL = """
SELECT r.id, r.number, r.state, r.close_reason, r.next_actor, r.next_step, r.value, r.currency,
       r.due_at, r.opened_at, r.outside_policy, b.legal_name, u.username, m.code
FROM returns_rma r LEFT JOIN orders_buyer b ON b.id = r.buyer_id
LEFT JOIN core_user u ON u.id = r.owner_id JOIN orders_marketplace m ON m.id = r.marketplace_id
ORDER BY r.opened_at DESC, r.id DESC LIMIT 51
"""


def bare_page() -> str:
    """The floor: the same rows by plain SQL, escaped into an f-string."""
    with connection.cursor() as cursor:
        cursor.execute(BARE_SQL)
        found = cursor.fetchall()
    return "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>" for row in found[:50]
    )


@pytest.fixture
def client_of_agent():
    agent = make_user("agent")
    client = Client()
    client.force_login(agent)
    return client


def page(client: Client, query: str = ""):
    def get():
        response = client.get(f"/returns/{query}")
        assert response.status_code == 200
        return response

    return get


def fill(count: int) -> None:
    rows.orders(count)
    rows.rmas(count, owner_id=User.objects.get(role="agent", is_system=False).pk)


def test_queue_page_at_100k_costs_at_most_five_bare_views(client_of_agent):
    fill(BIG)
    assert "RMA-2026-" in page(client_of_agent)().content.decode()
    assert median_ratio("queue page against bare view", page(client_of_agent), bare_page) <= 5


def deep_link(client: Client, count: int) -> str:
    """The address of a page in the middle: the cursor a reader who paged that far would have."""
    middle = f"SELECT opened_at, id FROM returns_rma ORDER BY opened_at DESC OFFSET {count // 2}"
    with connection.cursor() as cursor:
        cursor.execute(middle + " LIMIT 1")
        opened_at, pk = cursor.fetchone()
    return f"?after={keyset.encode({'opened_at': opened_at, 'id': pk}, '-opened_at')}"


def timings(client: Client, count: int) -> dict[str, float]:
    """Median seconds of page 1, a deep page and a search at a size."""
    fill(count)
    queries = {"page 1": "", "deep page": deep_link(client, count), "search": "?q=0000777"}
    found = {}
    for name, query in queries.items():
        get = page(client, query)
        get()
        found[name] = statistics.median(seconds(get) for _ in range(15))
    return found


def empty() -> None:
    tables = ("rmaline", "rma"), ("orderline", "order", "buyer", "seller")
    names = [f"returns_{t}" for t in tables[0]] + [f"orders_{t}" for t in tables[1]]
    with rows.without_triggers() as db:
        db.execute(f"TRUNCATE {', '.join(names)} CASCADE")


def test_queue_page_does_not_grow_with_the_table(client_of_agent):
    small = timings(client_of_agent, SMALL)
    empty()
    big = timings(client_of_agent, BIG)
    limits = {"page 1": 1.5, "deep page": 1.5, "search": 3}
    growth = {name: big[name] / small[name] for name in limits}
    for name, ratio in growth.items():
        print(f"\n{name} at 100k against 1k: {ratio:.2f}x (limit {limits[name]})")
    assert all(growth[name] <= limits[name] for name in limits)
