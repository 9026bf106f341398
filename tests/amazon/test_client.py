"""The client against the local Amazon: the happy path, then every way an answer can go wrong."""

from decimal import Decimal

import pytest

from orders.amazon.client import Amazon
from tests import factories
from tests.amazon.journal import FLAT

pytestmark = pytest.mark.django_db
TSV = "text/tab-separated-values; charset=UTF-8"
ROWS = (
    b"order-id\torder-item-id\tadjustment-reason-code\tcurrency\titem-price-adj\titem-tax-adj\n"
    b"302-5550201-7712001\t47000000000001\tCustomerReturn\tEUR\t119.00\t\n"
    b"302-5550201-7712002\t47000000000002\tCustomerReturn\tEUR\t20.00\t3.80\n"
)


@pytest.fixture
def amazon(fake_amazon):
    return Amazon(factories.make_seller(), factories.make_marketplace())


def handed_over(amazon, content: bytes = ROWS) -> str:
    document_id, url = amazon.create_feed_document(TSV)
    amazon.upload(url, TSV, content)
    return amazon.create_feed(FLAT, ["A1PA6795UKMFR9"], document_id)


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
