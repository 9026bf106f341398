"""The client against the local Amazon: the happy path, and what every kind of answer means."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.amazon import config, official, quota, tokens
from orders.amazon.client import Amazon
from orders.amazon.errors import AmazonError, NotDone, Refusal, Unclear
from orders.models import Quota
from tests import factories
from tests.amazon.doors import AFTER
from tests.amazon.journal import FLAT, XML

pytestmark = pytest.mark.django_db
DE = "A1PA6795UKMFR9"
TSV = "text/tab-separated-values; charset=UTF-8"
ROWS = (
    b"order-id\torder-item-id\tadjustment-reason-code\tcurrency\titem-price-adj\titem-tax-adj\n"
    b"302-5550201-7712001\t47000000000001\tCustomerReturn\tEUR\t119.00\t\n"
    b"302-5550201-7712002\t47000000000002\tCustomerReturn\tEUR\t20.00\t3.80\n"
)


@pytest.fixture
def amazon(fake_amazon):
    return Amazon(factories.make_seller(), factories.make_marketplace())


def uploaded(amazon, content: bytes = ROWS) -> str:
    document_id, url = amazon.create_feed_document(TSV)
    amazon.upload(url, TSV, content)
    return document_id


def handed_over(amazon, content: bytes = ROWS, feed_type: str = FLAT) -> str:
    return amazon.create_feed(feed_type, [DE], uploaded(amazon, content))


def recent(amazon) -> list[dict]:
    now = timezone.now()
    return amazon.get_feeds(FLAT, now - timedelta(hours=1), now + timedelta(minutes=1))


# --- The happy path ----------------------------------------------------------------------------
def test_feed_goes_up_is_processed_and_reported(amazon, fake_amazon):
    feed_id = handed_over(amazon)
    feed = amazon.get_feed(feed_id)
    assert feed["processingStatus"] == "DONE"
    report = amazon.feed_document(feed["resultFeedDocumentId"])
    assert b"Number of records successful\t\t2" in report
    assert [one.total for one in fake_amazon.journal.paid()] == [
        Decimal("119.00"),
        Decimal("23.80"),
    ]
    assert [one["feedId"] for one in recent(amazon)] == [feed_id]


def test_feed_options_go_along(amazon, fake_amazon):
    document_id = uploaded(amazon)
    amazon.create_feed("UPLOAD_VAT_INVOICE", [DE], document_id, {"metadata:orderid": "1"})
    assert fake_amazon.requests[-1][1]["feedOptions"] == {"metadata:orderid": "1"}


@pytest.mark.parametrize("packed", [True, False])
def test_report_is_unpacked(amazon, fake_amazon, packed):
    fake_amazon.behaviour.gzip = packed
    feed = amazon.get_feed(handed_over(amazon))
    assert amazon.feed_document(feed["resultFeedDocumentId"]).startswith(b"Feed Processing Summary")


def test_feed_can_stay_in_progress(amazon, fake_amazon):
    fake_amazon.behaviour.in_progress = 2
    feed_id = handed_over(amazon)
    said = [amazon.get_feed(feed_id)["processingStatus"] for _ in range(3)]
    assert said == ["IN_QUEUE", "IN_PROGRESS", "DONE"]


def test_one_token_serves_many_calls(amazon, fake_amazon):
    handed_over(amazon)
    recent(amazon)
    assert fake_amazon.calls["token"] == 1


@pytest.mark.parametrize("oddity", ["none", "pages_twice", "empty_pages"])
def test_list_of_feeds_has_each_once_from_all_pages(amazon, fake_amazon, oddity, monkeypatch):
    monkeypatch.setattr("orders.amazon.client.PAGE", 2)
    setattr(fake_amazon.behaviour, oddity, True)
    made = [handed_over(amazon) for _ in range(5)]
    assert [one["feedId"] for one in recent(amazon)] == made
    assert fake_amazon.calls["getFeeds"] >= 3


def test_list_of_feeds_whose_token_comes_again_is_not_taken_for_all(amazon, fake_amazon):
    handed_over(amazon)
    fake_amazon.behaviour.circle = True
    with pytest.raises(Unclear) as unclear:
        recent(amazon)
    assert unclear.value.code == "broken"
    assert fake_amazon.calls["getFeeds"] == 2


def test_effect_that_is_said_twice_is_listed_under_two_ids_and_paid_once(amazon, fake_amazon):
    fake_amazon.behaviour.twice = True
    feed_id = handed_over(amazon)
    ids = [one["feedId"] for one in recent(amazon)]
    assert len(ids) == len(set(ids)) == 2
    said = [amazon.get_feed(one)["resultFeedDocumentId"] for one in (feed_id, *ids)]
    assert len(set(said)) == 3  # delivered again each time
    assert len({amazon.feed_document(document) for document in said}) == 1
    assert len(fake_amazon.journal.paid()) == 2  # the two rows of the one file


def test_token_is_the_only_parameter_of_the_next_page_of_feeds(amazon, fake_amazon, monkeypatch):
    monkeypatch.setattr("orders.amazon.client.PAGE", 1)
    [handed_over(amazon) for _ in range(2)]
    recent(amazon)
    asked = [body for name, body in fake_amazon.requests if name == "getFeeds"]
    assert set(asked[0]) == {"feedTypes", "pageSize", "createdSince", "createdUntil"}
    assert set(asked[1]) == {"nextToken"}


def test_later_list_does_not_show_a_feed_of_before_the_window(amazon):
    handed_over(amazon)
    later = timezone.now() + timedelta(minutes=5)
    assert amazon.get_feeds(FLAT, later, later + timedelta(hours=1)) == []


# --- What a failed call means ------------------------------------------------------------------
CERTAINLY_NOT = [
    ("429", "throttled"),
    ("429_empty", "throttled"),
    ("token_expired", "token_expired"),
]
NEVER = [("400", "http_400"), ("401", "http_401"), ("403", "http_403"), ("404", "http_404")]
NOBODY_KNOWS = ["503_html", "409", "timeout", "reset", *sorted(AFTER)]


@pytest.mark.parametrize(("fault", "code"), CERTAINLY_NOT)
def test_call_may_be_made_again_after(amazon, fake_amazon, fault, code):
    document_id = uploaded(amazon)
    fake_amazon.fail("createFeed", fault)
    with pytest.raises(NotDone) as caught:
        amazon.create_feed(FLAT, [DE], document_id)
    assert caught.value.code == code
    assert caught.value.retry_after > 0
    assert fake_amazon.journal.paid() == []


@pytest.mark.parametrize(("fault", "code"), NEVER)
def test_call_is_refused_for_good_by(amazon, fake_amazon, fault, code):
    document_id = uploaded(amazon)
    fake_amazon.fail("createFeed", fault)
    with pytest.raises(Refusal) as caught:
        amazon.create_feed(FLAT, [DE], document_id)
    assert caught.value.code == code
    assert fake_amazon.journal.paid() == []


@pytest.mark.parametrize("fault", NOBODY_KNOWS)
def test_call_is_unclear_and_made_once_after(amazon, fake_amazon, settings, fault):
    settings.AMAZON_TIMEOUT = 1
    document_id = uploaded(amazon)
    fake_amazon.fail("createFeed", fault)
    with pytest.raises(Unclear):
        amazon.create_feed(FLAT, [DE], document_id)
    assert fake_amazon.calls["createFeed"] == 1
    assert len(fake_amazon.journal.feeds) == (1 if fault in AFTER else 0)


def test_reads_are_not_repeated_behind_our_back(amazon, fake_amazon, settings):
    """By default urllib3 would ask again after a lost read and after Retry-After."""
    settings.AMAZON_TIMEOUT = 1
    feed_id = handed_over(amazon)
    fake_amazon.fail("getFeed", "reset", times=2)
    with pytest.raises(Unclear):
        amazon.get_feed(feed_id)
    assert fake_amazon.calls["getFeed"] == 1


def test_amazon_that_cannot_be_reached_did_nothing(amazon, settings):
    amazon.create_feed_document(TSV)  # the token is there
    settings.AMAZON_ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(NotDone) as caught:
        amazon.create_feed(FLAT, [DE], "document")
    assert caught.value.code == "unreachable"


def test_refusal_says_what_amazon_said(amazon, fake_amazon):
    with pytest.raises(Refusal, match="There is no such document"):
        amazon.create_feed(FLAT, [DE], "document")


def test_expired_address_of_a_document_is_asked_for_again(amazon, fake_amazon):
    feed = amazon.get_feed(handed_over(amazon))
    fake_amazon.fail("download", "403")
    with pytest.raises(NotDone) as caught:
        amazon.feed_document(feed["resultFeedDocumentId"])
    assert caught.value.code == "expired"
    assert amazon.feed_document(feed["resultFeedDocumentId"])


@pytest.mark.parametrize("fault", ["403", "503_html", "reset"])
def test_upload_that_failed_paid_nothing_and_can_be_repeated(amazon, fake_amazon, fault):
    document_id, url = amazon.create_feed_document(TSV)
    fake_amazon.fail("upload", fault)
    with pytest.raises(AmazonError):
        amazon.upload(url, TSV, ROWS)
    amazon.upload(url, TSV, ROWS)
    assert fake_amazon.journal.documents[document_id] == ROWS


def test_damaged_packed_report_is_unclear(amazon, fake_amazon, monkeypatch):
    fake_amazon.behaviour.gzip = True
    monkeypatch.setattr("tests.amazon.server.gzip.compress", lambda content: b"\x1f\x8b broken")
    feed = amazon.get_feed(handed_over(amazon))
    with pytest.raises(Unclear, match="broken"):
        amazon.feed_document(feed["resultFeedDocumentId"])


# --- Login -------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", ["AMAZON_CLIENT_SECRET", "AMAZON_REFRESH_TOKENS"])
def test_wrong_keys_are_refused_at_once(fake_amazon, settings, setting):
    seller = factories.make_seller()
    setattr(settings, setting, {seller.code: "wrong"} if setting.endswith("S") else "wrong")
    amazon = Amazon(seller, factories.make_marketplace())
    with pytest.raises(Refusal) as caught:
        amazon.create_feed_document(TSV)
    assert caught.value.code == "login"
    assert fake_amazon.calls["token"] == 1


@pytest.mark.parametrize("fault", ["503_html", "timeout", "reset", "not_json", "429_empty"])
def test_login_without_an_answer_did_nothing(amazon, fake_amazon, settings, fault):
    settings.AMAZON_TIMEOUT = 1
    fake_amazon.fail("token", fault)
    with pytest.raises(NotDone) as caught:
        amazon.create_feed(FLAT, [DE], "document")
    assert caught.value.code == "no_token"
    assert fake_amazon.calls["createFeed"] == 0


def test_token_that_ran_out_early_is_replaced(amazon, fake_amazon):
    amazon.create_feed_document(TSV)
    fake_amazon.tokens.clear()
    fake_amazon.fail("createFeedDocument", "token_expired")
    with pytest.raises(NotDone):
        amazon.create_feed_document(TSV)
    assert amazon.create_feed_document(TSV)
    assert fake_amazon.calls["token"] == 2


def test_seller_without_keys_is_not_available(settings):
    settings.AMAZON_CLIENT_ID = settings.AMAZON_CLIENT_SECRET = "given"
    settings.AMAZON_REFRESH_TOKENS = {"DE1/EU": "token"}
    seller = factories.make_seller(code="DE1")
    assert config.available(seller, "EU")
    assert not config.available(seller, "NA")
    with pytest.raises(Refusal) as caught:
        Amazon(seller, factories.make_marketplace("US"))
    assert caught.value.code == "not_configured"


@pytest.mark.parametrize(("region", "host"), [("NA", "na"), ("EU", "eu"), ("FE", "fe")])
def test_region_has_its_own_address(settings, region, host):
    settings.AMAZON_ENDPOINT = ""
    assert config.endpoint(region) == f"https://sellingpartnerapi-{host}.amazon.com"


# --- Quiet -------------------------------------------------------------------------------------
def test_loading_the_client_leaves_logging_alone(amazon):
    loggers = [logging.getLogger(name) for name in ("", "spapi", "urllib3")]
    before = [(one.level, list(one.handlers)) for one in loggers]
    with official.client("http://127.0.0.1", amazon.tokens):
        pass
    assert [(one.level, list(one.handlers)) for one in loggers] == before


def test_no_body_and_no_address_is_logged(amazon, fake_amazon, caplog):
    with caplog.at_level(logging.INFO):
        feed = amazon.get_feed(handed_over(amazon))
        amazon.feed_document(feed["resultFeedDocumentId"])
        fake_amazon.fail("createFeed", "503_html")
        with pytest.raises(Unclear):
            handed_over(amazon)
    assert caplog.text == ""


# --- Finances ----------------------------------------------------------------------------------
def refunded(fake_amazon, amazon, **age) -> None:
    handed_over(amazon)
    fake_amazon.journal.age(**(age or {"hours": 1}))


def test_transactions_are_decimal(amazon, fake_amazon):
    refunded(fake_amazon, amazon)
    rows = list(amazon.list_transactions(timezone.now() - timedelta(days=1)))
    amounts = [one["totalAmount"]["currencyAmount"] for one in rows]
    assert amounts == [Decimal("-119.0"), Decimal("-23.8")]
    assert all(isinstance(amount, Decimal) for amount in amounts)


def test_long_time_is_asked_in_windows_amazon_answers(amazon, fake_amazon):
    """More than 180 days at once would be answered with nothing, and no error."""
    refunded(fake_amazon, amazon, days=300)
    refunded(fake_amazon, amazon, days=10)
    assert len(list(amazon.list_transactions(timezone.now() - timedelta(days=400)))) == 4
    assert fake_amazon.calls["listTransactions"] == 3


def test_last_window_ends_two_minutes_before_now(amazon, fake_amazon):
    now = timezone.now()
    assert list(amazon.list_transactions(now - timedelta(hours=1), now)) == []
    asked = fake_amazon.requests[-1][1]["postedBefore"]
    assert asked <= (now - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ~")


@pytest.mark.parametrize(("oddity", "times"), [("empty_pages", 1), ("pages_twice", 2)])
def test_pages_without_rows_are_passed_over(amazon, fake_amazon, oddity, times):
    setattr(fake_amazon.behaviour, oddity, True)
    fake_amazon.behaviour.page_size = 1
    refunded(fake_amazon, amazon)
    pages = list(amazon.transaction_pages(timezone.now() - timedelta(days=1)))
    assert [len(page.transactions) for page in pages] == [1, 1] * times
    assert fake_amazon.calls["listTransactions"] == 4


def test_transactions_whose_token_comes_again_are_not_taken_for_all(amazon, fake_amazon):
    fake_amazon.behaviour.page_size, fake_amazon.behaviour.circle = 1, True
    refunded(fake_amazon, amazon)
    with pytest.raises(Unclear) as unclear:
        list(amazon.transaction_pages(timezone.now() - timedelta(days=1)))
    assert unclear.value.code == "broken"
    assert fake_amazon.calls["listTransactions"] == 2


def test_marketplace_is_not_named_in_the_us(amazon, fake_amazon):
    since = timezone.now() - timedelta(days=1)
    list(amazon.list_transactions(since, marketplace_id="ATVPDKIKX0DER"))
    list(amazon.list_transactions(since, marketplace_id=DE))
    asked = [body.get("marketplaceId") for _, body in fake_amazon.requests[-2:]]
    assert asked == [None, DE]


def test_long_list_waits_for_its_turn(amazon, fake_amazon, monkeypatch):
    waits = []
    monkeypatch.setattr("orders.amazon.client.time.sleep", waits.append)
    fake_amazon.fail("listTransactions", "429", times=2)
    assert list(amazon.list_transactions(timezone.now() - timedelta(days=1))) == []
    assert len(waits) >= 2


def test_list_gives_up_where_the_wait_is_long(amazon, fake_amazon, monkeypatch):
    monkeypatch.setattr("orders.amazon.client.PATIENCE", 0.0)
    fake_amazon.fail("listTransactions", "429")
    with pytest.raises(NotDone):
        list(amazon.list_transactions(timezone.now() - timedelta(days=1)))


# --- The local Amazon itself -------------------------------------------------------------------
def test_amazon_does_not_dedupe(amazon, fake_amazon):
    document_id = uploaded(amazon)
    ids = {amazon.create_feed(FLAT, [DE], document_id) for _ in range(2)}
    assert (len(ids), fake_amazon.journal.times_paid("302-5550201-7712001")) == (2, 2)


def test_provider_that_dedupes_pays_once(amazon, fake_amazon):
    fake_amazon.behaviour.dedupes = True
    document_id = uploaded(amazon)
    ids = {amazon.create_feed(FLAT, [DE], document_id) for _ in range(2)}
    assert (len(ids), fake_amazon.journal.times_paid("302-5550201-7712001")) == (1, 1)


def test_late_answer_is_lost_and_the_feed_shows_later(amazon, fake_amazon, settings):
    settings.AMAZON_TIMEOUT, fake_amazon.behaviour.late = 1, 1.5
    document_id = uploaded(amazon)
    with pytest.raises(Unclear):
        amazon.create_feed(FLAT, [DE], document_id)
    assert fake_amazon.journal.times_paid("302-5550201-7712001") == 1
    assert recent(amazon) == []
    for feed in fake_amazon.journal.feeds.values():
        feed.visible_at = 0
    assert len(recent(amazon)) == 1


@pytest.mark.parametrize(
    ("outcome", "report", "paid"),
    [
        ("CANCELLED", False, 0),
        ("FATAL", False, 0),
        ("FATAL_WITH_REPORT", True, 0),
        ("FATAL_AFTER_PAYING", False, 2),
    ],
)
def test_feed_can_end_badly(amazon, fake_amazon, outcome, report, paid):
    fake_amazon.behaviour.outcome = outcome
    feed = amazon.get_feed(handed_over(amazon))
    assert feed["processingStatus"] == outcome.partition("_")[0]
    assert ("resultFeedDocumentId" in feed) == report
    assert len(fake_amazon.journal.paid()) == paid


def test_feed_can_be_taken_in_part(amazon, fake_amazon):
    fake_amazon.journal.reject("302-5550201-7712001", "Too much.")
    feed = amazon.get_feed(handed_over(amazon))
    report = amazon.feed_document(feed["resultFeedDocumentId"])
    assert b"successful\t\t1" in report
    assert b"1\t\t18028\tError\tToo much." in report
    assert [one.order_id for one in fake_amazon.journal.paid()] == ["302-5550201-7712002"]


def test_feed_in_xml_is_paid_and_reported(amazon, fake_amazon):
    content = b"""<AmazonEnvelope><Message><MessageID>1</MessageID><OrderAdjustment>
    <AmazonOrderID>302-5550201-7712001</AmazonOrderID><AdjustedItem>
    <AmazonOrderItemCode>47</AmazonOrderItemCode><ItemPriceAdjustments><Component>
    <Type>Principal</Type><Amount currency="EUR">119.00</Amount></Component>
    </ItemPriceAdjustments></AdjustedItem></OrderAdjustment></Message></AmazonEnvelope>"""
    feed = amazon.get_feed(handed_over(amazon, content, XML))
    assert b"<MessagesSuccessful>1<" in amazon.feed_document(feed["resultFeedDocumentId"])
    assert [one.total for one in fake_amazon.journal.paid()] == [Decimal("119.00")]


def test_call_without_a_token_is_refused(amazon, fake_amazon):
    tokens._kept[amazon.tokens.key] = "invented", float("inf")
    with pytest.raises(Refusal, match="denied"):
        amazon.create_feed_document(TSV)


def test_quota_follows_what_amazon_answers(amazon, fake_amazon):
    fake_amazon.behaviour.rate = "0.25"
    amazon.create_feed_document(TSV)
    bucket = quota.name_of(amazon.seller.code, "EU", "createFeedDocument")
    assert Quota.objects.get(name=bucket).rate == 0.25
