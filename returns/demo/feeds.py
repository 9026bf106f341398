"""The demo's feeds: files of refunds whose Amazon is played here. Nothing is contacted.

Some are done with their processing report, some are still with Amazon, some lost their answer: a
person decides their refunds. The verbs are the real ones.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from django.db import transaction

from config.core.trail import trail
from invoicing import refunds
from invoicing.models import Feed, Refund, RefundLine
from invoicing.models.refund import Lane
from invoicing.sending import feeds, lanes, polling
from orders.amazon.errors import Unclear
from orders.identity import resolve_identities
from orders.models import OrderLine
from orders.models.order import OrderItemCode
from returns.demo.story import Story, clock

MOST = 9  # refunds in all
APART = dt.timedelta(minutes=10)
FATES = ("done", "lost", "submitted")  # a small demo has refunds for the first ones only
REASON = "The file is less typing."


class Played:
    """Amazon as the demo plays it: what the client would answer for a file of one fate."""

    def __init__(self, feed: Feed, fate: str) -> None:
        self.feed, self.fate = feed, fate

    def create_feed_document(self, content_type: str) -> tuple[str, str]:
        """A place to upload to."""
        return f"amzn1.tortuga.demo.{self.feed.pk}", ""

    def upload(self, url: str, content_type: str, content: bytes) -> None:
        """Take the bytes."""

    def create_feed(self, *given: object) -> str:
        """The feed's id, or no answer at all."""
        if self.fate == "lost":
            raise Unclear("timeout", "Amazon did not answer in time (played by the demo).")
        return f"DEMO{self.feed.pk:08d}"

    def get_feed(self, feed_id: str) -> dict:
        """Amazon is done with it."""
        return {"processingStatus": "DONE", "resultFeedDocumentId": f"demo.report.{feed_id}"}

    def feed_document(self, document_id: str) -> bytes:
        """A processing report that accepts every record."""
        messages = max(attempt.request["messages"][1] for attempt in self.feed.attempts.all())
        return (
            "Feed Processing Summary:\n"
            f"\tNumber of records processed\t\t{messages}\n"
            f"\tNumber of records successful\t\t{messages}\n"
        ).encode()


class Feeds:
    """Lets some approved refunds go by Amazon's feed."""

    def __init__(self, story: Story) -> None:
        self.story, self.cast = story, story.cast

    def tell(self, waiting: list[Refund]) -> set[int]:
        """Files of each fate, ten minutes apart; returns the ids of the refunds in them."""
        chosen = self._choose(waiting)
        with _open(), transaction.atomic():  # tasks that would call Amazon find the files gone
            for place, fate in enumerate(FATES):
                moment = self.story.today - APART * (len(FATES) - place)
                self._let_go(chosen[place :: len(FATES)], moment - APART / 2)
                with clock(moment):
                    for feed in feeds.collect():
                        self._play(feed, fate)
        return {refund.pk for refund in chosen}

    def _choose(self, waiting: list[Refund]) -> list[Refund]:
        """Refunds that Amazon's file can say: every line has Amazon's code, nothing is kept."""
        kept = RefundLine.objects.filter(refund__in=waiting, gross__lt=0).values_list("refund_id")
        keeping = {pk for (pk,) in kept}
        some = [refund for refund in waiting if refund.pk not in keeping][:MOST]
        _tell_codes(some)
        lines = RefundLine.objects.filter(refund__in=some, order_line__order_item_id=None)
        without = set(lines.values_list("refund_id", flat=True))
        return [refund for refund in some if refund.pk not in without]

    def _let_go(self, chosen: list[Refund], moment: dt.datetime) -> None:
        with clock(moment):
            for refund in chosen:
                by = self.cast.finance
                refunds.change_lane(refund.key, by=by, lane=Lane.FEED, reason=REASON)
                refunds.approve(refund.key, by=self.cast.finance2)

    def _play(self, feed: Feed, fate: str) -> None:
        amazon = mock.Mock(return_value=Played(feed, fate))
        with (
            mock.patch.object(feeds, "Amazon", amazon),
            mock.patch.object(polling, "Amazon", amazon),
        ):
            feeds.hand_over(feed.pk)
            if fate == "done":
                polling.poll(feed.pk)
        with trail("demo.setup", by=self.cast.finance):  # nobody asks the real one about it
            Feed.objects.filter(pk=feed.pk).update(next_at=None)


def _tell_codes(some: list[Refund]) -> None:
    """Amazon's codes of the order lines, as an earlier settlement would have brought them."""
    orders = {refund.order_id for refund in some}
    lines = OrderLine.objects.filter(order__in=orders, order_item_id=None)
    OrderItemCode.objects.bulk_create(
        [
            OrderItemCode(order_id=line.order_id, sku=line.sku, code=f"47{line.pk:012d}")
            for line in lines
        ],
        ignore_conflicts=True,
    )
    resolve_identities(orders)


@contextmanager
def _open() -> Iterator[None]:
    """The feed lane can be chosen although the demo has no access to Amazon."""
    closed = lanes.lane(Lane.FEED)
    lanes.register(replace(closed, why_not=lambda _seller, _marketplace: ""))
    try:
        yield
    finally:
        lanes.register(closed)
