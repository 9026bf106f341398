"""List pages: columns, filters, scope, keyset paging, counts, CSV, region, query counts."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.core import keyset, lists
from config.core.models import User
from config.core.trail import trail
from orders.models import Marketplace, Order, Seller
from tests.config.list_page import OrderPage

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.list_page")]
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
URL = "/example/"


@pytest.fixture
def person():
    somebody = User(username="lists-lead", role="lead")
    somebody.set_unusable_password()
    with trail("test", by=User.objects.system()):
        somebody.save()
    return somebody


@pytest.fixture
def desk(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def place():
    """A seller and two marketplaces."""
    with trail("test", by=User.objects.system()):
        seller = Seller.objects.create(code="demo", name="Demo", legal_name="Demo", country="DE")
        markets = [_market("DE"), _market("FR")]
    return seller, *markets


def _market(code):
    found = Marketplace.objects.filter(code=code).first()
    return found or Marketplace.objects.create(
        code=code, country=code, amazon_id=f"A{code}", name=f"Amazon.{code}", currency="EUR",
        language="de", time_zone="Europe/Berlin", prices_include_tax=True, region="eu",
    )  # fmt: skip


def make_orders(place, number, **over):
    """Orders an hour apart, three by three at the same hour so that ids must break ties."""
    seller, market, _other = place
    return Order.objects.bulk_create(
        Order(
            seller=seller,
            amazon_order_id=f"{over.get('status', 'order')}-{index:04d}",
            **{
                "purchased_at": START + timedelta(hours=index // 3),
                "gross_total": Decimal(index % 7),
                "marketplace": market,
                "currency": "EUR",
                "status": "requested",
                **over,
            },
        )
        for index in range(number)
    )


def numbers(response):
    return re.findall(r'<a href="/example/([^/"]+)/">', response.content.decode())


def link(response, rel):
    found = re.search(rf'href="([^"]+)" rel="{rel}"', response.content.decode())
    return found.group(1).replace("&amp;", "&") if found else None


def walk(desk, url, rel="next"):
    """Every page from ``url`` on, in the direction of ``rel``."""
    pages = []
    while url:
        response = desk.get(url)
        pages.append(numbers(response))
        url = link(response, rel)
    return pages


@pytest.mark.parametrize("sort", ["-opened_at", "opened_at", "-value", "value"])
def test_paging_shows_every_row_once_in_order_both_ways(desk, place, sort):
    make_orders(place, 110)
    make_orders(place, 5, status="stub", purchased_at=None)
    there = walk(desk, f"{URL}?sort={sort}")
    assert [len(page) for page in there] == [50, 50, 15]
    column = sort.lstrip("-")
    rows = OrderPage().get_rows()
    expected = [row["number"] for row in keyset.ordered(rows, sort)]
    assert [number for page in there for number in page] == expected, column
    last = desk.get(f"{URL}?sort={sort}")
    while link(last, "next"):
        last = desk.get(link(last, "next"))
    back = walk(desk, link(last, "prev"), "prev")
    assert back == [there[1], there[0]]


def test_rows_without_a_date_come_last_when_newest_first(desk, place):
    make_orders(place, 2)
    make_orders(place, 1, status="stub", purchased_at=None)
    assert numbers(desk.get(URL))[-1] == "stub-0000"


def test_paging_is_stable_while_rows_arrive(desk, place):
    make_orders(place, 60)
    first = desk.get(URL)
    Order.objects.create(
        seller=place[0], marketplace=place[1], currency="EUR", amazon_order_id="newcomer",
        purchased_at=START + timedelta(days=30),
    )  # fmt: skip
    second = desk.get(link(first, "next"))
    assert not set(numbers(first)) & set(numbers(second))
    assert len(numbers(second)) == 10


@pytest.mark.parametrize("cursor", ["rubbish", "W10", "WyItdmFsdWUiLDEsMl0", "\N{SNOWMAN}"])
def test_paging_with_a_broken_or_foreign_cursor_shows_the_first_page(desk, place, cursor):
    make_orders(place, 3)
    assert len(numbers(desk.get(URL, {"after": cursor}))) == 3


def test_count_stops_at_ten_thousand():
    assert lists.count_text(1) == "1 result"
    assert lists.count_text(10_000) == "10,000 results"
    assert lists.count_text(10_001) == "10,000+ results"


def test_count_query_reads_no_more_than_the_cap(place):
    make_orders(place, 12)
    with CaptureQueriesContext(connection) as asked:
        assert lists.capped_counts({"": OrderPage().get_rows()}, cap=10) == {"": 11}
    assert "LIMIT 11" in asked[0]["sql"]


def test_count_query_joins_only_what_a_condition_needs(place):
    make_orders(place, 3)
    rows = OrderPage().get_rows().order_by("seller__name")
    some = [
        rows,
        *(rows.filter(**one) for one in ({"seller__code": "demo"}, {"seller__code": "x"})),
    ]
    some += [rows.filter(buyer__legal_name="x"), rows.filter(pk__in=[])]
    with CaptureQueriesContext(connection) as asked:
        counts = [lists.capped_counts({"": one})[""] for one in some]
    assert counts == [3, 3, 0, 0, 0]
    assert [query["sql"].count("JOIN") for query in asked] == [0, 1, 1, 1, 0]


def test_filters_narrow_and_show_as_pills(desk, place):
    make_orders(place, 4)
    make_orders(place, 2, status="approved", is_business=True, channel="AFN")
    assert len(numbers(desk.get(URL, {"state": "approved"}))) == 2
    assert len(numbers(desk.get(URL, {"business": "true"}))) == 2
    assert len(numbers(desk.get(URL, {"channel": ["AFN", "MFN"]}))) == 2
    assert numbers(desk.get(URL, {"q": "approved-0001"})) == ["approved-0001"]
    assert numbers(desk.get(URL, {"opened_after": "2027-01-01"})) == []
    page = desk.get(URL, {"state": "approved", "business": "true"}).content.decode()
    assert f'class="pill" href="{URL}?business=true"' in page
    assert f'class="pill" href="{URL}?state=approved"' in page


def test_filter_with_a_bad_value_is_named_and_not_applied(desk, place):
    make_orders(place, 2)
    response = desk.get(URL, {"opened_after": "31.31.2026"})
    assert len(numbers(response)) == 2
    assert "Opened" in re.search(r'role="alert">(.*?)</p>', response.content.decode(), re.S)[1]


def test_scope_is_remembered_until_it_is_cleared(desk, person, place):
    other = place[2]
    make_orders(place, 2)
    make_orders(place, 1, status="other", marketplace=other)
    assert len(numbers(desk.get(URL))) == 3
    assert numbers(desk.get(URL, {"marketplace": other.code})) == ["other-0000"]
    person.refresh_from_db()
    assert person.preferences["scope"]["marketplace"] == other.code
    again = desk.get(URL)
    assert numbers(again) == ["other-0000"]
    assert f'class="pill" href="{URL}?marketplace="' in again.content.decode()
    assert len(numbers(desk.get(URL, {"marketplace": ""}))) == 3
    assert len(numbers(desk.get(URL))) == 3


def test_scope_of_an_unknown_code_is_ignored(desk, place):
    make_orders(place, 1)
    assert len(numbers(desk.get(URL, {"seller": "nobody"}))) == 1


def test_scope_of_a_seller_made_a_moment_ago_is_known(desk, place):
    desk.get(URL)
    with trail("test", by=User.objects.system()):
        new = Seller.objects.create(code="new", name="New", legal_name="New", country="DE")
    make_orders((new, place[1], place[2]), 1)
    make_orders(place, 1, status="old")
    assert numbers(desk.get(URL, {"seller": "new"})) == ["order-0000"]


def test_tabs_keep_filters_and_mark_the_current_one(desk, place):
    make_orders(place, 2)
    page = desk.get(URL, {"state": "requested", "business": "false"}).content.decode()
    assert f'<a href="{URL}?business=false&amp;state=requested" aria-current="true">' in page
    assert f'<a href="{URL}?business=false">All' in page
    assert '<span class="count">2</span>' in page


def test_tab_counts_are_capped_in_one_query(place):
    make_orders(place, 5)
    rows = Order.objects.all()
    with CaptureQueriesContext(connection) as asked:
        counts = lists.capped_counts({"all": rows, "none": rows.filter(status="x")}, cap=3)
    assert counts == {"all": 4, "none": 0}
    assert len(asked) == 1


def test_sort_by_an_undeclared_column_is_ignored(desk, place):
    make_orders(place, 2)
    page = desk.get(URL, {"sort": "buyer__email"}).content.decode()
    assert 'aria-sort="descending"' in page
    assert 'name="sort"' not in page


def test_header_links_toggle_the_sort(desk, place):
    make_orders(place, 1)
    page = desk.get(URL, {"sort": "-value"}).content.decode()
    assert re.search(rf'aria-sort="descending"><a href="{URL}\?sort=value">Value', page)
    assert re.search(rf'aria-sort="none"><a href="{URL}\?sort=-opened_at">Age', page)


def test_region_alone_answers_htmx(desk, place):
    make_orders(place, 1)
    region = desk.get(URL, headers={"HX-Request": "true", "HX-Target": "list"})
    text = region.content.decode()
    assert text.startswith('<div id="list"')
    assert "<html" not in text
    assert 'hx-swap-oob="innerHTML">1 result<' in text
    assert "HX-Target" in region["Vary"]
    restored = {"HX-Request": "true", "HX-Target": "list", "HX-History-Restore-Request": "true"}
    assert "<html" in desk.get(URL, headers=restored).content.decode()


def test_bulk_bar_offers_only_what_the_person_may_do(desk, place):
    make_orders(place, 1)
    page = desk.get(URL).content.decode()
    assert 'data-confirm="Approve {n} orders?"' in page
    assert 'value="discard"' not in page
    assert 'form="bulk" name="ids"' in page


def test_empty_list_says_what_would_fill_it(desk, place):
    assert "Import a report to fill this list." in desk.get(URL).content.decode()
    make_orders(place, 1)
    filtered = desk.get(URL, {"state": "approved"}).content.decode()
    assert "Nothing matches these filters." in filtered


def test_csv_has_the_same_rows_in_the_same_order(desk, place):
    make_orders(place, 60)
    make_orders(place, 3, status="approved")
    response = desk.get(URL, {"export": "csv", "state": "requested", "sort": "-value"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["Order", "Buyer", "State", "Reason", "Value", "Age"]
    shown = walk(desk, f"{URL}?state=requested&sort=-value")
    assert [line[0] for line in lines[1:]] == [number for page in shown for number in page]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_text_cannot_start_a_formula(desk, place, text):
    make_orders(place, 1, sales_channel=text)
    response = desk.get(URL, {"export": "csv"})
    row = list(
        csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"), ""))
    )
    assert row[1][3] == f"'{text}"


def test_csv_negative_amount_stays_a_number(desk, place):
    make_orders(place, 1)
    Order.objects.update(gross_total=Decimal("-12.50"))
    text = b"".join(desk.get(URL, {"export": "csv"}).streaming_content).decode()
    assert ",-12.50," in text


def test_page_needs_the_permission(client, person, place):
    assert client.get(URL).status_code == 302
    with trail("test", by=User.objects.system()):
        person.is_active = True
        person.role = "none"
        person.save()
    client.force_login(person)
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize("number", [1, 3, 60])
def test_queries_do_not_grow_with_the_rows(desk, place, number):
    make_orders(place, number)
    desk.get(URL)
    with CaptureQueriesContext(connection) as asked:
        desk.get(URL, {"state": "requested", "seller": "demo"})
    # session, person, rows, counts; the scope is remembered the first time it is named
    assert len(asked) == 5, [q["sql"][:90] for q in asked]


def test_rows_escape_what_came_from_outside(desk, place):
    make_orders(place, 1, sales_channel="<script>alert(1)</script>", po_number='"><img>')
    page = desk.get(URL).content.decode()
    assert "<script>alert(1)" not in page
    assert "<img>" not in page
