"""Settlement V2: every row tied to the total, whose money it is, once and in any order."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing.imports.settlement_terms import classify
from invoicing.models import MoneyFact, Refund, Settlement
from orders.imports.run import import_file
from orders.models import Order, OrderItemCode, OrderLine, Shipment
from tests.factories import make_seller

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parent.parent / "data" / "reports"
US = DATA / "settlement_v2_US_utf8.tsv"
DE = DATA / "settlement_v2_DE_decimal_comma_utf8.tsv"
HEADER = tuple(US.read_text(encoding="utf-8").split("\n", 1)[0].split("\t")[:23])


def bring(path, seller, **more):
    return import_file(path, by=User.objects.system(), seller=seller, **more)


def totals(total, currency="EUR", number="7001"):
    return {
        "settlement-id": number,
        "settlement-start-date": "14.10.2026 07:49:55 UTC",
        "settlement-end-date": "28.10.2026 07:49:55 UTC",
        "deposit-date": "30.10.2026 07:49:55 UTC",
        "total-amount": total,
        "currency": currency,
    }


def row(amount, description="Principal", number="7001", **fields):
    given = {
        "settlement-id": number,
        "transaction-type": "Refund",
        "order-id": "302-5550201-7712001",
        "adjustment-id": "A1",
        "marketplace-name": "Amazon.de",
        "amount-type": "ItemPrice",
        "amount-description": description,
        "amount": amount,
        "posted-date": "29.10.2026",
        "posted-date-time": "29.10.2026 23:30:00 UTC",
        "order-item-code": "47000000000001",
        "sku": "GEHOERSCHUTZ-25",
    }
    return given | {name.replace("_", "-"): value for name, value in fields.items()}


def write(path, *rows, encoding="utf-8", header=HEADER):
    lines = ["\t".join(header)]
    lines += ["\t".join(one.get(name, "") for name in header) for one in rows]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("path", "total", "rows", "buyer", "currency"),
    [
        (US, Decimal("869.76"), 19, Decimal("-282.87"), "USD"),
        (DE, Decimal("-855.83"), 12, Decimal("-218.90"), "EUR"),
    ],
)
def test_sample_ties_to_its_total(path, total, rows, buyer, currency):
    done = bring(path, make_seller())
    settlement = Settlement.objects.get()
    facts = MoneyFact.objects.all()
    assert (settlement.total, settlement.currency) == (total, currency)
    assert sum(fact.amount for fact in facts) == total
    assert len(facts) == done.inserted == rows
    assert sum(f.amount for f in facts if f.is_refund and f.bucket == "buyer") == buyer
    assert (done.rows, done.unchanged) == (rows + 1, 1)
    assert not any("new to Retour" in note for note in done.notes)


def test_german_sample_gives_days_lines_and_shipments():
    bring(DE, make_seller())
    fact = MoneyFact.objects.get(adjustment_id="amzn1:crow:DE0000000001", bucket="buyer")
    assert (fact.posted_on, fact.marketplace.code, fact.component, fact.is_tax) == (
        date(2026, 10, 29),
        "DE",
        "item",
        False,
    )
    assert fact.posted_at == datetime(2026, 10, 29, 11, 11, 11, tzinfo=UTC)
    order = Order.objects.get(amazon_order_id="302-5550201-7712001")
    assert (order.facts_complete, order.marketplace.code, order.currency) == (False, "DE", "EUR")
    line = OrderLine.objects.get(order=order)
    assert (line.sku, line.confirmed) == ("GEHOERSCHUTZ-25", False)
    assert OrderItemCode.objects.get(order=order).code == "47000000000001"
    shipment = Shipment.objects.get(order=order)
    assert (shipment.amazon_shipment_id, shipment.shipped_at) == (
        "DDE000001",
        datetime(2026, 10, 12, 6, 0, tzinfo=UTC),
    )
    assert MoneyFact.objects.get(bucket="account").amount == Decimal("-1234.56")
    assert not Refund.objects.exists()


def test_same_file_again_writes_nothing():
    seller = make_seller()
    bring(US, seller)
    before = list(MoneyFact.objects.order_by("pk").values())
    again = bring(US, seller)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 20)
    assert list(MoneyFact.objects.order_by("pk").values()) == before
    assert Settlement.objects.count() == 1


def test_same_settlement_in_another_layout_writes_nothing(tmp_path):
    seller = make_seller()
    first = write(tmp_path / "one.txt", totals("-119,00"), row("-119,00"))
    other = write(
        tmp_path / "two.txt",
        totals("-119.00") | {"deposit-date": "2026-10-30 07:49:55 UTC"},
        row("-119.0", posted_date="2026-10-29", posted_date_time="2026-10-29 23:30:00 UTC"),
        header=[*HEADER, "promotion-id"],
    )
    bring(first, seller)
    assert bring(other, seller).inserted == 0
    assert MoneyFact.objects.count() == 1


def test_equal_rows_of_one_file_are_all_kept(tmp_path):
    path = write(tmp_path / "s.txt", totals("-23,80"), row("-11,90"), row("-11,90"))
    bring(path, make_seller())
    assert list(MoneyFact.objects.values_list("occurrence", flat=True)) == [1, 2]


@pytest.mark.parametrize("skip_bad", [False, True])
def test_file_that_does_not_add_up_is_refused(tmp_path, skip_bad):
    path = write(tmp_path / "s.txt", totals("-119,00"), row("-118,99"))
    with pytest.raises(Refused) as refused:
        bring(path, make_seller(), skip_bad=skip_bad)
    assert "-118.99 EUR, its total says -119.00: 0.01 apart" in refused.value.sentence
    assert not MoneyFact.objects.exists()
    assert not Settlement.objects.exists()


def test_settlement_with_other_rows_is_refused(tmp_path):
    seller = make_seller()
    bring(write(tmp_path / "a.txt", totals("-119,00"), row("-119,00")), seller)
    other = write(tmp_path / "b.txt", totals("-119,00"), row("-100,00"), row("-19,00", "Tax"))
    with pytest.raises(Refused, match="imported before with other rows"):
        bring(other, seller)
    assert MoneyFact.objects.count() == 1


def test_settlement_of_another_seller_is_refused(tmp_path):
    path = write(tmp_path / "a.txt", totals("-11.90"), row("-11.90"))
    bring(path, make_seller())
    with pytest.raises(Refused) as refused:
        bring(path, make_seller())
    assert refused.value.code == "settlement_of_another"
    assert Settlement.objects.count() == 1


def test_two_totals_are_refused(tmp_path):
    path = write(tmp_path / "s.txt", totals("0,00"), totals("-1,00", number="7002"))
    with pytest.raises(Refused, match="one row with its total"):
        bring(path, make_seller())


def test_bad_amount_names_line_and_column(tmp_path):
    path = write(tmp_path / "s.txt", totals("-119,00"), row("viel"))
    with pytest.raises(Refused) as refused:
        bring(path, make_seller())
    problem = refused.value.problems[0]
    assert (problem.line, problem.column, problem.value) == (3, "amount", "viel")


def test_day_is_of_the_marketplace(tmp_path):
    path = write(
        tmp_path / "s.txt",
        totals("-3,00"),
        row("-1,00"),
        row("-1,00", marketplace_name="", order_id="302-5550299-7712099"),
        row("-1,00", marketplace_name="Amazon.co.uk", order_id="202-5550299-7712099"),
    )
    bring(path, make_seller(time_zone="America/Los_Angeles"))
    days = {f.amazon_order_id[:3] + f.sku[:0]: f.posted_on for f in MoneyFact.objects.all()}
    named = {
        (f.marketplace.code if f.marketplace else ""): f.posted_on for f in MoneyFact.objects.all()
    }
    assert len(days) == 2
    assert named == {
        "DE": date(2026, 10, 30),
        "": date(2026, 10, 29),
        "UK": date(2026, 10, 29),
    }


def test_yen_have_no_decimals(tmp_path):
    path = write(
        tmp_path / "s.txt",
        totals("-1099", "JPY"),
        row("-1099", marketplace_name="Amazon.co.jp", order_id="250-5550201-7712001"),
    )
    bring(path, make_seller(time_zone="Asia/Tokyo"), marketplace="JP")
    assert MoneyFact.objects.get().amount == Decimal(-1099)


def test_unknown_words_are_kept_and_named(tmp_path):
    path = write(
        tmp_path / "s.txt",
        totals("-5,00"),
        row("-2,00", "ExportCharge"),
        row("-3,00", "Something", amount_type="NewThing"),
    )
    done = bring(path, make_seller())
    facts = {fact.amount_description: fact for fact in MoneyFact.objects.all()}
    assert (facts["ExportCharge"].bucket, facts["ExportCharge"].component) == ("buyer", "")
    assert facts["Something"].bucket == "account"
    assert [note for note in done.notes if "new to Retour" in note] == [
        "Refund / ItemPrice / ExportCharge is new to Retour; it counts as the buyer's money.",
        "Refund / NewThing / Something is new to Retour; it counts as the account's money.",
    ]


@pytest.mark.parametrize(
    ("words", "bucket", "component", "is_tax", "is_refund"),
    [
        (("Refund", "ItemPrice", "Principal"), "buyer", "item", False, True),
        (("Refund", "ItemPrice", "ShippingTax"), "buyer", "shipping", True, True),
        (("Refund", "ItemPrice", "RestockingFee"), "buyer", "restocking_fee", False, True),
        (("Refund", "ItemPrice", "Goodwill"), "buyer", "goodwill", False, True),
        (("Refund", "Promotion", "Shipping"), "buyer", "shipping", False, True),
        (("A-to-z Guarantee Refund", "ItemPrice", "Principal"), "buyer", "item", False, True),
        (("Chargeback Refund", "ItemPrice", "GiftWrapTax"), "buyer", "gift_wrap", True, True),
        (("返金", "ItemPrice", "Principal"), "buyer", "item", False, True),
        (("Order", "ItemPrice", "Principal"), "buyer", "item", False, False),
        (("Refund", "ItemFees", "Commission"), "fee", "", False, True),
        (
            ("Refund", "ItemWithheldTax", "MarketplaceFacilitatorVAT-Principal"),
            "withheld", "", False, True,
        ),
        (
            ("Refund", "ItemPrice", "MarketplaceFacilitatorTax-Principal"),
            "withheld", "", False, True,
        ),
        (("other-transaction", "other-transaction", "Storage Fee"), "account", "", False, False),
    ],
)  # fmt: skip
def test_words_say_whose_money_it_is(words, bucket, component, is_tax, is_refund):
    term = classify(*words)
    assert (term.bucket, term.component, term.is_tax, term.is_refund) == (
        bucket,
        component,
        is_tax,
        is_refund,
    )
