"""Transactions of the Finances API: every amount once, states and twins, what does not add up."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing.imports.finances_rows import rows
from invoicing.imports.finances_terms import classify
from invoicing.models import MoneyFact
from orders.imports.run import import_file
from orders.models import Order, OrderLine
from tests.factories import make_seller

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parent.parent / "data" / "reports"
US = DATA / "finances_US_deferred_and_repeated.json"
ORDER = "302-5550201-7712001"


def bring(path, seller, **more):
    return import_file(path, by=User.objects.system(), seller=seller, **more)


def money(amount, currency="EUR"):
    return {"currencyCode": currency, "currencyAmount": amount}


def part(word, amount, *below, currency="EUR"):
    return {
        "breakdownType": word,
        "breakdownAmount": money(amount, currency),
        "breakdowns": list(below),
    }


def item(total, *breakdowns, sku="GEHOERSCHUTZ-25", currency="EUR"):
    return {
        "description": "Gehörschutz",
        "totalAmount": money(total, currency),
        "relatedIdentifiers": [],
        "breakdowns": list(breakdowns),
        "contexts": [{"contextType": "ProductContext", "sku": sku, "quantityShipped": 1}],
    }


def transaction(total, *items, refund="amzn1:crow:1", currency="EUR", ids=(), **fields):
    given = {
        "relatedIdentifiers": [
            {"relatedIdentifierName": name, "relatedIdentifierValue": value}
            for name, value in (("ORDER_ID", ORDER), ("REFUND_ID", refund), *ids)
        ],
        "transactionType": "Refund",
        "transactionId": "TX-1",
        "transactionStatus": "RELEASED",
        "postedDate": "2026-10-29T23:30:00.5Z",
        "totalAmount": money(total, currency),
        "marketplaceDetails": {"marketplaceId": "A1PA6795UKMFR9", "marketplaceName": "Amazon.de"},
        "items": list(items),
        "breakdowns": [],
    }
    return given | fields


def refund_of(net, tax, **fields):
    """A German refund with its fee given back, as items show it."""
    total = net + tax + 3
    parts = (
        part("ProductCharges", net, part("OurPricePrincipal", net)),
        part("Tax", tax, part("OurPriceTax", tax)),
        part("AmazonFees", 3, part("Commission", 3, part("Base", 2.5), part("Tax", 0.5))),
    )
    return transaction(total, item(total, *parts), **fields)


def write(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def amounts():
    return sorted(MoneyFact.objects.values_list("bucket", "component", "is_tax", "amount"))


def test_sample_gives_each_amount_once_and_keeps_the_twin():
    done = bring(US, make_seller())
    facts = MoneyFact.objects.filter(source="finances")
    assert {f.settlement_id for f in facts} == {None}
    refund = facts.filter(is_refund=True).exclude(amount_description="Total")
    assert sorted((f.bucket, f.component, f.amount) for f in refund) == [
        ("buyer", "item", Decimal("-19.98")),
        ("fee", "", Decimal("2.40")),
    ]
    assert {f.adjustment_id for f in refund} == {"amzn1:crow:US0000000001"}
    released = facts.get(transaction_id="TX-US-REL-1")
    assert (released.twin_id, released.status) == ("TX-US-SHIP-1", "RELEASED")
    assert (done.inserted, done.status) == (6, "done")


def test_items_give_line_tax_and_day(tmp_path):
    bring(write(tmp_path / "f.json", {"payload": {"transactions": [refund_of(-30, -5.7)]}}),
          make_seller())  # fmt: skip
    assert amounts() == [
        ("buyer", "item", False, Decimal("-30.00")),
        ("buyer", "item", True, Decimal("-5.70")),
        ("fee", "", False, Decimal("3.00")),
    ]
    fact = MoneyFact.objects.get(is_tax=True)
    assert (fact.sku, fact.posted_on, fact.marketplace.code) == (
        "GEHOERSCHUTZ-25", date(2026, 10, 30), "DE",
    )  # fmt: skip
    order = Order.objects.get(amazon_order_id=ORDER)
    assert (order.facts_complete, order.currency) == (False, "EUR")
    assert OrderLine.objects.get(order=order).sku == "GEHOERSCHUTZ-25"


@pytest.mark.parametrize(
    "document",
    [
        lambda t: {"payload": {"transactions": t, "nextToken": "more"}},
        lambda t: {"transactions": t},
        lambda t: [{"payload": {"transactions": t}}, {"payload": {"transactions": []}}],
        lambda t: t,
    ],
)
def test_pages_in_every_form_are_read(tmp_path, document):
    path = write(tmp_path / "f.json", document([refund_of(-30, -5.7)]))
    assert bring(path, make_seller()).inserted == 3


def test_a_page_on_each_line_is_read_and_a_page_twice_counts_once(tmp_path):
    path = tmp_path / "f.json"
    page = json.dumps({"payload": {"transactions": [refund_of(-30, -5.7)]}})
    other = json.dumps({"payload": {"transactions": [refund_of(-10, -1.9, transactionId="TX-2")]}})
    path.write_text("\n".join([page, page, "", other, '{"payload": {"transactions": []}}']))
    seller = make_seller()
    assert bring(path, seller).inserted == 6
    assert bring(path, seller).inserted == 0


def test_equal_refunds_with_different_ids_both_stay(tmp_path):
    pages = [
        refund_of(-30, -5.7),
        refund_of(-30, -5.7, transactionId="TX-2", refund="amzn1:crow:2"),
    ]
    bring(write(tmp_path / "f.json", pages), make_seller())
    ids = MoneyFact.objects.filter(is_tax=True).values_list("adjustment_id", flat=True)
    assert sorted(ids) == ["amzn1:crow:1", "amzn1:crow:2"]


def test_a_later_state_is_kept_and_an_earlier_one_changes_nothing(tmp_path):
    seller = make_seller()
    first = write(tmp_path / "1.json", [refund_of(-30, -5.7, transactionStatus="DEFERRED")])
    later = write(
        tmp_path / "2.json",
        [refund_of(-30, -5.7, transactionStatus="DEFERRED_RELEASED",
                   ids=[("RELEASE_TRANSACTION_ID", "TX-9")])],
    )  # fmt: skip
    bring(first, seller)
    done = bring(later, seller)
    assert (done.inserted, done.updated) == (0, 3)
    assert set(MoneyFact.objects.values_list("status", "twin_id")) == {
        ("DEFERRED_RELEASED", "TX-9")
    }
    assert bring(first, seller).updated == 0
    assert bring(later, seller).updated == 0


def test_amounts_of_the_transaction_stand_in_for_items_without_them(tmp_path):
    bare = item(-32.7) | {"breakdowns": None}
    whole = [
        part("Sales", -35.7, part("ProductCharges", -30), part("Tax", -5.7)),
        part("Expenses", 3, part("AmazonFees", 3)),
    ]
    bring(write(tmp_path / "f.json", [transaction(-32.7, bare, breakdowns=whole)]), make_seller())
    assert amounts() == [
        ("buyer", "item", False, Decimal("-30.00")),
        ("buyer", "item", True, Decimal("-5.70")),
        ("fee", "", False, Decimal("3.00")),
    ]
    assert set(MoneyFact.objects.values_list("sku", flat=True)) == {"GEHOERSCHUTZ-25"}


def test_refund_without_details_stays_with_the_account_and_is_said(tmp_path):
    done = bring(write(tmp_path / "f.json", [transaction(-32.7)]), make_seller())
    assert amounts() == [("account", "", False, Decimal("-32.70"))]
    assert any("1 refund came without details" in note for note in done.notes)


def test_yen_are_whole_and_numbers_exact(tmp_path):
    price = part("ProductCharges", -1099, currency="JPY")
    page = transaction(-1099, item(-1099, price, currency="JPY"), currency="JPY")
    bring(write(tmp_path / "f.json", [page]), make_seller())
    assert MoneyFact.objects.get().amount == Decimal(-1099)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_amounts_that_do_not_add_up_are_refused(tmp_path, skip_bad):
    wrong = transaction(
        -30, breakdowns=[part("Sales", -29.99, part("ProductCharges", -29.99))],
        transactionId="TX-2",
    )  # fmt: skip
    path = write(tmp_path / "f.json", [refund_of(-30, -5.7), wrong])
    seller = make_seller()
    if not skip_bad:
        with pytest.raises(Refused) as refused:
            bring(path, seller)
        assert "do not add up to its total" in refused.value.sentence
        assert not MoneyFact.objects.exists()
    else:
        done = bring(path, seller, skip_bad=True)
        assert (done.inserted, done.bad, done.status) == (3, 1, "partial")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"payload": {"transactions": [', "no JSON"),
        ('{"payload": {"transactions": [{"totalAmount": NaN}]}}', "no JSON"),
        ('{"payload": {"transactions": [{"transactionType": "Refund"}]}}', "is not built as"),
        ('{"errors": [{"code": "QuotaExceeded"}]}', "No known report is JSON like this"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "f.json"
    path.write_text(text)
    with pytest.raises(Refused, match=sentence):
        bring(path, make_seller())
    assert not MoneyFact.objects.exists()


def test_an_error_page_among_good_ones_is_refused(tmp_path):
    path = tmp_path / "f.json"
    good = json.dumps({"payload": {"transactions": [refund_of(-30, -5.7)]}})
    path.write_text(good + '\n{"errors": [{"code": "InternalFailure"}]}\n')
    with pytest.raises(Refused, match="lacks the list"):
        bring(path, make_seller())
    assert not MoneyFact.objects.exists()


def test_unknown_words_are_kept_and_named(tmp_path):
    page = transaction(-5, breakdowns=[part("Sales", -5, part("StrangeCharge", -5))])
    done = bring(write(tmp_path / "f.json", [page]), make_seller())
    assert amounts() == [("buyer", "", False, Decimal("-5.00"))]
    assert any("StrangeCharge is new to Retour" in note for note in done.notes)


def test_money_of_the_account_has_no_marketplace(tmp_path):
    page = transaction(
        -100, breakdowns=[part("FundTransfer", -100)], transactionType="Transfer",
        relatedIdentifiers=[],
    )  # fmt: skip
    bring(write(tmp_path / "f.json", [page]), make_seller())
    fact = MoneyFact.objects.get()
    assert (fact.bucket, fact.marketplace, fact.is_refund) == ("account", None, False)


@pytest.mark.parametrize(
    ("kind", "path", "bucket", "component", "is_tax"),
    [
        ("Refund", ("ProductCharges", "OurPricePrincipal"), "buyer", "item", False),
        ("Refund", ("Tax", "ShippingTax"), "buyer", "shipping", True),
        ("Refund", ("Sales", "Tax"), "buyer", "item", True),
        ("Refund", ("PromoRebates", "OurPriceDiscount"), "buyer", "item", False),
        ("Refund", ("PromoRebates", "ShippingDiscount"), "buyer", "shipping", False),
        ("Refund", ("Giftwrap", "GiftwrapPrincipal"), "buyer", "gift_wrap", False),
        ("Refund", ("X", "GoodwillPrincipal"), "buyer", "goodwill", False),
        ("Refund", ("X", "RestockingDeductionTax"), "buyer", "restocking_fee", True),
        ("Refund", ("Tax", "MarketplaceFacilitatorTax-Principal"), "withheld", "", False),
        ("Refund", ("AmazonFees", "ShippingChargeback"), "fee", "", False),
        ("Refund", ("Refunded Expenses", "AmazonFees"), "fee", "", False),
        ("Shipment", ("Sales", "ProductCharges"), "buyer", "item", False),
        ("FBAInventoryReimbursement", ("Sales", "Other"), "account", "", False),
    ],
)
def test_words_say_whose_money_it_is(kind, path, bucket, component, is_tax):
    term = classify(kind, path)
    assert (term.bucket, term.component, term.is_tax) == (bucket, component, is_tax)
    assert term.is_known


def test_order_of_amounts_makes_no_other_telling():
    one, other = refund_of(-30, -5.7), refund_of(-30, -5.7)
    other["items"][0]["breakdowns"].reverse()
    one, other = (json.loads(json.dumps(t), parse_float=Decimal) for t in (one, other))
    assert list(rows(one)) == list(rows(other))
