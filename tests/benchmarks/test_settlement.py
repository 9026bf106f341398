"""Settlements at 200,000 refund rows: matching them, and the report's CSV against bare COPY."""

import resource
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from config.core.models import User
from invoicing import settlement
from invoicing import settlement_sql as sql
from invoicing.matching import match_refunds
from invoicing.models import MoneyFact, Refund
from tests.benchmarks import rows
from tests.benchmarks.ratio import median_ratio, seconds

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]
BIG = 100_000
PERIOD = settlement.Period(date(2026, 1, 1), date(2026, 12, 31))
FEW = settlement.Period(date(2026, 10, 1), date(2026, 10, 1))


def money(count: int) -> None:
    """One settlement with a refund of half the price on each of ``count`` orders."""
    with rows.without_triggers("invoicing_settlement", "invoicing_moneyfact") as db:
        db.execute(
            "INSERT INTO invoicing_settlement (id, seller_id, settlement_id, deposited_at, total,"
            " currency) VALUES (1, 1, 'S1', '2026-11-01', 0, 'EUR')"
        )
        db.execute(
            "INSERT INTO invoicing_moneyfact (settlement_id, seller_id, marketplace_id, order_id,"
            " order_line_id, bucket, is_refund, transaction_type, amazon_order_id, adjustment_id,"
            " shipment_id, amount_type, amount_description, component, is_tax, amount, currency,"
            " posted_at, posted_on, order_item_code, sku, row_hash, occurrence)"
            " SELECT 1, 1, o.marketplace_id, o.id, l.id, 'buyer', true, 'Refund',"
            " o.amazon_order_id, 'A' || o.id, '', 'ItemPrice', 'Principal', 'item', false,"
            " -round((l.item_net + l.item_tax) / 2, 2), 'EUR', day, day, '', l.sku,"
            " md5(o.id::text), 1 FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id,"
            " LATERAL (SELECT date '2026-10-01' + (o.id % 30)::int AS day) d"
        )


def bare_copy(path: Path) -> None:
    """The floor: COPY of the same SELECT into a file, nothing stored, hashed or summed up."""
    select = sql.REPORT.partition("AS\n")[2]
    with connection.cursor() as cursor, path.open("wb") as file:
        copy = f"COPY ({select} ORDER BY {sql.ORDER}) TO STDOUT (FORMAT csv, HEADER)"
        with cursor.copy(copy, PERIOD.params) as out:
            for chunk in out:
                file.write(chunk)


def peak_megabytes() -> float:
    """The highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_200k_refund_rows_are_matched_and_reported(tmp_path):
    rows.orders(BIG)
    money(BIG)
    took = seconds(match_refunds)
    print(f"\nmatching: {BIG / took:,.0f} rows/s")
    assert Refund.objects.count() == BIG
    assert not MoneyFact.objects.filter(refund=None).exists()
    print(f"matching again: {seconds(match_refunds):.2f} s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    by = User.objects.system()
    settlement.run_report(FEW, "csv", by=by)
    before = peak_megabytes()
    run = settlement.run_report(PERIOD, "csv", by=by)
    growth = peak_megabytes() - before
    assert run.rows == BIG
    print(f"memory: {before:.0f} MB, {growth:.0f} MB more for {BIG:,} rows than for a day")
    assert growth <= 15
    ratio = median_ratio(
        "settlement CSV of 200k rows against COPY",
        lambda: settlement.run_report(PERIOD, "csv", by=by),
        lambda: bare_copy(tmp_path / "floor.csv"),
        runs=3,
    )
    assert ratio <= 1.5
    with (Path(settings.DATA_DIR) / run.file_path).open("rb") as file:
        assert sum(1 for _line in file) == BIG + 1
