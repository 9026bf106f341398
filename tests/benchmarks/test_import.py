"""The import of 100,000 order lines against csv and bulk_create(update_conflicts)."""

import pytest
from django.conf import settings

from config.core.models import User
from orders.imports.run import import_file
from tests import database
from tests.benchmarks import bulk_create
from tests.benchmarks.ratio import cost, tell
from tests.factories import make_seller
from tests.orders.generate import orders_report

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
LINES = 100_000
# What both sides must end with: every column but ids and times, and what they point to by name.
ROWS = {
    "orders": "SELECT to_jsonb(o) - '{id,import_file_id,buyer_id,created_at}'::text[],"
    " b.legal_name, b.match_key, b.country, b.language FROM orders_order o"
    " JOIN orders_buyer b ON b.id = o.buyer_id ORDER BY o.amazon_order_id",
    "lines": "SELECT to_jsonb(l) - '{id,import_file_id,order_id,product_id}'::text[],"
    " o.amazon_order_id, p.sku, p.asin, p.title FROM orders_orderline l"
    " JOIN orders_order o ON o.id = l.order_id JOIN orders_product p ON p.id = l.product_id"
    " ORDER BY o.amazon_order_id, l.sku, l.occurrence",
    "raw rows": "SELECT line, row_hash, data FROM orders_importrow ORDER BY line",
    "trail": "SELECT (SELECT count(*) FROM orders_buyerevent), (SELECT count(*)"
    " FROM orders_productevent)",
}


def empty() -> None:
    """Fresh tables."""
    with database.owner(settings.DATABASES["default"]["NAME"]) as db:
        db.execute(
            "TRUNCATE orders_order, orders_product, orders_buyer, orders_importfile,"
            " orders_importrow, orders_productevent, orders_buyerevent CASCADE"
        )


def digests() -> dict[str, tuple]:
    """A count and a hash of the rows of each kind."""
    with database.owner(settings.DATABASES["default"]["NAME"]) as db:
        db.execute("ANALYZE")
        return {
            name: db.execute(
                f"SELECT count(*), md5(string_agg(md5(r::text), '')) FROM ({sql}) AS r"
            ).fetchone()
            for name, sql in ROWS.items()
        }


def test_import_of_100k_lines_is_three_times_as_fast_as_bulk_create(another_database, tmp_path):
    path = orders_report(tmp_path / "orders.txt", LINES)
    with another_database("imports"):
        make_seller()
        by = User.objects.system()
        sides = {
            "ours": lambda: import_file(path, by=by),
            "bulk": lambda: bulk_create.import_orders(path, by=by),
        }
        costs = {side: [] for side in sides}
        ends = {}
        for _round in range(2):
            for side, work in sides.items():
                empty()
                costs[side].append(cost(work))
                ends[side] = digests()
    assert ends["ours"] == ends["bulk"]
    assert ends["ours"]["lines"][0] == LINES
    ours, bulk = costs["ours"], costs["bulk"]
    ratio = tell("bulk_create of 100k order lines against the import", bulk, ours, work=False)
    assert ratio >= 3
