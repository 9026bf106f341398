"""The sample reports come in right, in any order, and a second time change nothing."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from django.db import transaction

from config.core.models import User
from orders.imports.run import import_file
from orders.models import AmazonReturn, Buyer, Order, OrderLine, Product
from tests.factories import make_seller
from tests.orders.facts import all_facts, rows_written

SAMPLES = Path(__file__).parent.parent / "data" / "reports"
NAMES = sorted(path.name for path in SAMPLES.iterdir())
pytestmark = pytest.mark.django_db


def bring_in(name: str, **options):
    return import_file(SAMPLES / name, by=User.objects.system(), **options)


@pytest.fixture
def seller():
    return make_seller(code="demo")


def test_orders_of_us_layout_are_net_with_tax_beside(seller):
    record = bring_in("orders_all_US_utf8.tsv")
    assert (record.rows, record.inserted, record.bad) == (3, 3, 0)
    line = OrderLine.objects.get(order__amazon_order_id="113-5550101-6289001")
    assert (line.item_net, line.item_tax, line.item_rate) == (
        Decimal("19.98"), Decimal("1.40"), Decimal("0.07"),
    )  # fmt: skip
    assert line.title == 'Label Sheets A4, 50 pack, "matte"'
    order = Order.objects.get(amazon_order_id="113-5550102-6289002")
    assert order.po_number == "PO 77/2026-A"
    assert order.gross_total == Decimal("1287.00")
    assert order.is_business
    assert order.marketplace.code == "US"
    assert order.channel == "MFN"


def test_cancelled_line_has_no_quantity_and_its_order_a_currency(seller):
    bring_in("orders_all_US_utf8.tsv")
    order = Order.objects.get(amazon_order_id="114-5550799-0000001")
    assert (order.status, order.currency, order.gross_total) == ("Cancelled", "USD", 0)
    assert order.lines.get().quantity == 0


def test_orders_of_eu_layout_use_the_vat_columns(seller):
    bring_in("orders_all_DE_vcs_utf8.tsv")
    line = OrderLine.objects.get(sku="GEHOERSCHUTZ-25")
    assert (line.quantity, line.item_net, line.item_tax, line.item_rate) == (
        25, Decimal("500.00"), Decimal("95.00"), Decimal("0.19"),
    )  # fmt: skip
    order = line.order
    assert order.buyer == Buyer.objects.get(legal_name="Müller & Söhne GmbH")
    assert order.buyer.language == "de"
    assert order.is_amazon_invoiced is False
    other = Order.objects.get(amazon_order_id="302-5550202-7712002")
    assert other.buyer is None
    assert other.is_amazon_invoiced is True
    assert other.gross_total == Decimal("99.90")
    assert Product.objects.get(sku="STUHL-ERGO-€").title == "Bürostuhl „Ergo“"


def test_returns_flat_keeps_a_returnless_refund_without_rma_id(seller):
    record = bring_in("returns_flat_US_utf8.tsv")
    assert record.inserted == 4
    returnless = AmazonReturn.objects.get(amazon_rma_id="")
    assert returnless.natural_key == "113-5550103-6289003|GLOVE-NIT-L-100|2026-10-16"
    assert returnless.refunded_amount == Decimal("12.49")
    assert returnless.marketplace.code == "US"
    big = AmazonReturn.objects.get(amazon_rma_id="DgT7kPz2RRMA")
    assert (big.order_amount, big.requested_on) == (Decimal("1287.00"), date(2026, 10, 15))
    assert big.label_cost == 0
    assert big.order.facts_complete is False
    assert big.order_line.confirmed is False


def test_returns_flat_in_cp1252_reads_umlauts_and_euro(seller):
    record = bring_in("returns_flat_DE_cp1252.tsv")
    assert record.encoding == "cp1252"
    chair = AmazonReturn.objects.get(amazon_rma_id="DaB1cDe5RRMA")
    assert (chair.sku, chair.title) == ("STUHL-ERGO-€", "Bürostuhl „Ergo“ – 99,90 €")
    assert chair.marketplace is None  # euros are spent in seven countries


def test_returns_xml_counts_a_repeated_item_once(seller):
    record = bring_in("returns_xml_ES.xml")
    assert (record.rows, record.inserted, record.unchanged) == (4, 3, 1)
    shirt = AmazonReturn.objects.get(sku="CAM-XL-AM")
    assert (shirt.quantity, shirt.refunded_amount) == (1, Decimal("59.90"))
    assert shirt.requested_at == datetime(2026, 10, 12, 12, 44, 17, tzinfo=UTC)
    assert (shirt.label_type, shirt.carrier) == ("AmazonUnPaidLabel", "")
    assert Product.objects.get(sku="CAM-XL-AM").category == "Apparel"
    assert AmazonReturn.objects.get(sku="GUA-M").tracking == "PK0000000001"


def test_fba_returns_keep_the_earliest_date_of_a_licence_plate(seller):
    record = bring_in("fba_customer_returns_US_utf8.tsv")
    assert (record.rows, record.inserted) == (4, 3)
    twice = AmazonReturn.objects.get(licence_plate="LPNRR0000002")
    assert twice.requested_at == datetime(2026, 10, 6, 2, tzinfo=UTC)
    other = AmazonReturn.objects.get(licence_plate="LPNRR0000003")
    assert other.requested_at == datetime(2026, 10, 8, 18, tzinfo=UTC)


def test_stub_heals_when_the_order_arrives(seller):
    bring_in("returns_flat_US_utf8.tsv")
    bring_in("settlement_v2_US_utf8.tsv")
    stub = Order.objects.get(amazon_order_id="113-5550101-6289001")
    assert (stub.facts_complete, stub.gross_total, stub.currency) == (False, 0, "USD")
    record = bring_in("orders_all_US_utf8.tsv")
    assert (record.inserted, record.updated) == (1, 2)
    stub.refresh_from_db()
    assert (stub.facts_complete, stub.gross_total) == (True, Decimal("21.38"))
    line = stub.lines.get()
    assert (line.confirmed, line.order_item_id, line.quantity) == (True, "62538000000001", 2)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_file_again_writes_nothing(seller, name):
    bring_in(name)
    before, facts = rows_written(), all_facts()
    record = bring_in(name)
    assert (record.inserted, record.updated, record.unchanged) == (0, 0, record.rows)
    after = rows_written()
    changed = {table for table in after if after[table] != before.get(table)}
    assert changed == {"orders_importfile"}
    assert all_facts() == facts


def _history(order, seller) -> dict:
    with transaction.atomic():
        for name in order:
            bring_in(name)
        facts = all_facts()
        transaction.set_rollback(True)
    return facts


def test_reports_of_one_marketplace_in_any_order_give_the_same_rows(seller):
    # What several sources of one money give in any order is in invoicing/test_one_money.py.
    us = [n for n in NAMES if "_US_" in n and not n.startswith(("date_range", "finances"))]
    assert len(us) == 4
    expected = _history(us, seller)
    for order in permutations(us):
        assert _history(order, seller) == expected, order


def test_all_reports_in_any_order_give_the_same_rows(seller):
    expected, chance = _history(NAMES, seller), random.Random(7)
    for _ in range(12):
        order = chance.sample(NAMES, len(NAMES))
        assert _history(order, seller) == expected, order
