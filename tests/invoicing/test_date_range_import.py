"""The date range report: languages, numbers, dates, rows that add up, once from any file."""

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing.imports.date_range_words import meaning, moment
from invoicing.models import MoneyFact
from orders.imports.run import import_file
from orders.models import Order
from tests.factories import make_seller
from tests.invoicing.date_range_files import LANGUAGES, report

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parent.parent / "data" / "reports"
US = DATA / "date_range_US_utf8bom.csv"
ORDER = "302-5550201-7712001"
AT = datetime(2026, 10, 20, 18, 2, 11, tzinfo=UTC)


def bring(path, seller, **more):
    return import_file(path, by=User.objects.system(), seller=seller, **more)


def write(path, content):
    path.write_bytes(content)
    return path


def refund(**fields):
    return {
        "order_id": ORDER, "sku": "BOHRER-5", "quantity": "1", "product_sales": "-1234.00",
        "product_sales_tax": "-234.00", "selling_fees": "100.00", "total": "-1368.00",
    } | fields  # fmt: skip


def facts():
    return sorted(
        MoneyFact.objects.values_list("bucket", "component", "is_tax", "amount", "is_refund")
    )


def test_sample_is_read_with_preamble_and_thousands():
    done = bring(US, make_seller())
    assert (done.rows, done.status) == (4, "done")
    assert sum(f.amount for f in MoneyFact.objects.all()) == Decimal("354.65")
    buyer = MoneyFact.objects.filter(bucket="buyer", is_refund=True)
    assert sorted(f.amount for f in buyer) == [
        Decimal("-249.00"), Decimal("-19.98"), Decimal("-1.40"),
    ]  # fmt: skip
    one = buyer.get(is_tax=True)
    assert (one.posted_at, one.posted_on, one.marketplace.code, one.source, one.settlement) == (
        AT, date(2026, 10, 20), "US", "date_range", None,
    )  # fmt: skip
    moved = MoneyFact.objects.get(transaction_type="Transfer")
    assert (moved.bucket, moved.marketplace, moved.amazon_order_id) == ("account", None, "")
    assert not Order.objects.get(amazon_order_id="113-5550101-6289001").facts_complete


WHOLE = [
    ("date_range_DE_cp1252.csv", "EUR", {
        ("buyer", "item", False): "-118.80", ("buyer", "item", True): "-22.57",
        ("buyer", "gift_wrap", False): "-3.00", ("buyer", "gift_wrap", True): "-0.57",
        ("withheld", "", False): "0.57", ("fee", "", False): "15.30",
    }, "-129.07"),
    ("date_range_JP_cp932.csv", "JPY", {
        ("buyer", "item", False): "-5900", ("buyer", "item", True): "-590",
        ("buyer", "gift_wrap", False): "-300", ("buyer", "gift_wrap", True): "-30",
        ("withheld", "", False): "5", ("fee", "", False): "724",
    }, "-6091"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "currency", "sums", "total"), WHOLE)
def test_whole_rows_of_every_known_column_are_read(name, currency, sums, total):
    """All columns that the real header has, in its order; composed figures."""
    done = bring(DATA / name, make_seller())
    assert done.status == "done"
    refund = MoneyFact.objects.filter(is_refund=True)
    found = defaultdict(Decimal)
    for fact in refund:
        found[fact.bucket, fact.component, fact.is_tax] += fact.amount
    assert found == {key: Decimal(amount) for key, amount in sums.items()}
    assert sum(found.values()) == Decimal(total)
    assert set(MoneyFact.objects.values_list("currency", flat=True)) == {currency}
    assert set(refund.values_list("posted_at", flat=True)) == {AT}
    assert not any("new to Retour" in note for note in done.notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same(tmp_path, language):
    encoding = {"jp": "cp932", "de": "cp1252"}.get(language, "utf-8-sig")
    done = bring(write(tmp_path / "d.csv", report(language, refund(), encoding=encoding)),
                 make_seller())  # fmt: skip
    assert (done.status, done.encoding) == (
        "done", encoding if encoding != "utf-8-sig" else "utf-8-sig",
    )  # fmt: skip
    assert facts() == [
        ("buyer", "item", False, Decimal("-1234.00"), True),
        ("buyer", "item", True, Decimal("-234.00"), True),
        ("fee", "", False, Decimal("100.00"), True),
    ]
    assert set(MoneyFact.objects.values_list("posted_at", flat=True)) == {AT}


def test_same_rows_in_another_language_write_nothing(tmp_path):
    seller = make_seller()
    bring(write(tmp_path / "de.csv", report("de", refund())), seller)
    french = report("fr", refund(marketplace_name="amazon.de"))
    assert bring(write(tmp_path / "fr.csv", french), seller).inserted == 0
    assert MoneyFact.objects.count() == 3


def test_equal_rows_stay_and_overlapping_files_add_nothing(tmp_path):
    seller = make_seller()
    both = write(tmp_path / "1.csv", report("de", refund(), refund()))
    more = write(
        tmp_path / "2.csv",
        report("de", refund(date_time="21.10.2026 10:00:00 UTC"), refund(), refund()),
    )
    assert bring(both, seller).inserted == 2
    assert bring(more, seller).inserted == 1
    assert bring(both, seller).inserted == 0


def test_thousands_without_decimals_are_read_by_the_language(tmp_path):
    yen = refund(product_sales="-1234", product_sales_tax="0", selling_fees="0", total="-1234")
    bring(write(tmp_path / "jp.csv", report("jp", yen)), make_seller())
    fact = MoneyFact.objects.get()
    assert (fact.amount, fact.currency) == (Decimal(-1234), "JPY")


@pytest.mark.parametrize("skip_bad", [False, True])
def test_row_that_does_not_add_up_is_refused(tmp_path, skip_bad):
    path = write(tmp_path / "d.csv", report("de", refund(), refund(total="-1367.99")))
    seller = make_seller()
    if skip_bad:
        done = bring(path, seller, skip_bad=True)
        assert (done.bad, done.inserted) == (1, 1)
        return
    with pytest.raises(Refused) as refused:
        bring(path, seller)
    problem = refused.value.problems[0]
    assert (problem.line, problem.column) == (6, "total")
    assert "do not add up" in problem.problem
    assert not MoneyFact.objects.exists()


def test_unreadable_date_is_named(tmp_path):
    path = write(tmp_path / "d.csv", report("de", refund(date_time="gestern")))
    with pytest.raises(Refused) as refused:
        bring(path, make_seller())
    assert refused.value.problems[0].column == "date/time"


def test_currency_comes_from_the_marketplace_chosen_or_is_asked_for(tmp_path):
    path = write(tmp_path / "d.csv", report("de", refund(marketplace_name="")))
    seller = make_seller()
    with pytest.raises(Refused) as refused:
        bring(path, seller)
    assert "currency" in refused.value.problems[0].problem
    assert bring(path, seller, marketplace="DE").inserted == 1
    assert set(MoneyFact.objects.values_list("currency", flat=True)) == {"EUR"}


def test_unknown_type_is_the_accounts_and_is_said(tmp_path):
    path = write(tmp_path / "d.csv", report("de", refund(type="Neuartig")))
    done = bring(path, make_seller())
    assert set(MoneyFact.objects.values_list("bucket", flat=True)) == {"account", "fee"}
    assert any("Neuartig is new to Retour" in note for note in done.notes)


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("Oct 20, 2026 11:02:11 AM PDT", "UTC", AT),
        ("Oct 20, 2026 12:02:11 AM UTC", "UTC", AT.replace(hour=0)),
        ("Oct 20, 2026 12:02:11 PM UTC", "UTC", AT.replace(hour=12)),
        ("20.10.2026 18:02:11 UTC", "UTC", AT),
        ("20.10.2026 20:02:11", "Europe/Berlin", AT),
        ("20 oct. 2026 18:02:11 UTC", "UTC", AT),
        ("20 juil. 2026 18:02:11 UTC", "UTC", AT.replace(month=7)),
        ("20 août 2026 18:02:11 UTC", "UTC", AT.replace(month=8)),
        ("20 dic 2026 18:02:11 UTC", "UTC", AT.replace(month=12)),
        ("20 Oct 2026 19:02:11 GMT+1", "UTC", AT),
        ("20/10/2026 18:02:11 UTC", "UTC", AT),
        ("2026/10/21 3:02:11JST", "UTC", AT),
        ("20 foo 2026 18:02:11 UTC", "UTC", None),
        ("31.02.2026 18:02:11 UTC", "UTC", None),
        ("20.10.2026 18:02:11 XYZ", "UTC", None),
        ("20.10.2026", "UTC", None),
    ],
)
def test_dates_of_every_form(text, zone, wanted):
    assert moment(text, zone) == wanted


@pytest.mark.parametrize(
    ("word", "plain", "is_refund"),
    [
        ("Erstattung", "refund", True),
        ("Erstattung durch Rückbuchung", "erstattung durch rückbuchung", True),
        ("A-to-z Guarantee Claim", "a-to-z guarantee claim", True),
        ("Commande", "order", False),
        ("注文", "order", False),
        ("Übertrag", "übertrag", False),
    ],
)
def test_types_in_every_language(word, plain, is_refund):
    assert meaning(word) == (plain, is_refund)
