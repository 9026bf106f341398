"""Amazon as Retour sees it: refund feeds and the transactions of the account.

The official client in raw mode (it then hides no failure and makes no float); every method returns
what Amazon answered or raises one of ``errors``. Bodies and documents' addresses are never logged.
"""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import urllib3
from django.conf import settings
from django.utils import timezone

from orders.amazon import answers, config, official, quota, transport
from orders.amazon.errors import AmazonError, NotDone, Unclear
from orders.amazon.tokens import Tokens
from orders.models import Marketplace, Seller

LONGEST_WINDOW = timedelta(days=180)  # longer ones are answered with nothing, not with an error
LAG = timedelta(minutes=2)  # a window must end two minutes before now
US = "ATVPDKIKX0DER"
PAGE = 100
PATIENCE = 30.0  # seconds that one page of a long list may wait for its turn


class Page(NamedTuple):
    """One page of a list: its rows (amounts are Decimal) and the bytes it came in."""

    transactions: list[dict[str, Any]]
    body: bytes


class Amazon:
    """The account of one seller in the region of one marketplace."""

    def __init__(self, seller: Seller, marketplace: Marketplace) -> None:
        self.seller, self.marketplace = seller, marketplace
        self.region = marketplace.region
        self.tokens = Tokens(
            settings.AMAZON_CLIENT_ID,
            settings.AMAZON_CLIENT_SECRET,
            config.refresh_token(seller, self.region),
        )

    # --- Feeds ------------------------------------------------------------------------------
    def create_feed_document(self, content_type: str) -> tuple[str, str]:
        """Ask for a place to upload to; returns (document id, address). Harmless, repeatable."""
        answer = self._feeds(
            "createFeedDocument", "create_feed_document", {"contentType": content_type}
        )
        return _text(answer, "feedDocumentId"), _text(answer, "url")

    def upload(self, url: str, content_type: str, content: bytes) -> None:
        """Put the file's bytes there. Harmless: nothing happens before ``create_feed``."""
        status, _, _ = _plain("PUT", url, content, content_type)
        answers.check_document(status, "upload")

    def create_feed(
        self,
        feed_type: str,
        marketplace_ids: list[str],
        document_id: str,
        options: dict[str, str] | None = None,
    ) -> str:
        """Hand the uploaded file over; returns the feed's id. **This is the call that pays.**

        Unclear: it may have been taken. Nothing repeats it, neither here nor below.
        """
        body: dict[str, Any] = {
            "feedType": feed_type,
            "marketplaceIds": list(marketplace_ids),
            "inputFeedDocumentId": document_id,
        }
        if options:
            body["feedOptions"] = options
        return _text(self._feeds("createFeed", "create_feed", body), "feedId")

    def get_feed(self, feed_id: str) -> dict[str, Any]:
        """Where a feed stands: processingStatus, resultFeedDocumentId, as Amazon names them."""
        return self._feeds("getFeed", "get_feed", feed_id)

    def get_feeds(
        self, feed_type: str, created_since: datetime, created_until: datetime
    ) -> list[dict[str, Any]]:
        """All feeds of a type created in that window (at most 90 days back), from all pages."""
        asked: dict[str, Any] = {
            "feed_types": [feed_type],
            "page_size": PAGE,
            "created_since": _moment(created_since),
            "created_until": _moment(created_until),
        }
        found: dict[str, dict[str, Any]] = {}
        seen: set[str] = set()
        while True:
            answer = self._feeds("getFeeds", "get_feeds", **asked)
            for feed in _list(answer, "feeds"):
                found[_text(feed, "feedId")] = feed  # a page may come twice
            token = _next(answer, seen)
            if not token:
                return list(found.values())
            asked = {"next_token": token}  # the only parameter then

    def feed_document(self, document_id: str) -> bytes:
        """The bytes of a document such as a processing report, unpacked. Only reads."""
        answer = self._feeds("getFeedDocument", "get_feed_document", document_id)
        status, _, content = _plain("GET", _text(answer, "url"))
        answers.check_document(status, "download")
        if answer.get("compressionAlgorithm") != "GZIP":
            return content
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise Unclear("broken", "Amazon's document arrived broken.") from error

    # --- Finances ---------------------------------------------------------------------------
    def transaction_pages(
        self,
        posted_after: datetime,
        posted_before: datetime | None = None,
        marketplace_id: str | None = None,
    ) -> Iterator["Page"]:
        """Pages of transactions (Finances 2024-06-19), window after window, as Amazon sent them.

        Windows of 180 days, the last one ending two minutes before now. Empty pages with a token
        are passed over; a transaction that comes again is for the importer to know. The US shows
        seller-fulfilled orders only without ``marketplaceId``, so there it is left out.
        """
        last = timezone.now() - LAG
        end = min(posted_before or last, last)
        start = posted_after
        while start < end:
            until = min(start + LONGEST_WINDOW, end)
            yield from self._window(start, until, marketplace_id)
            start = until

    def list_transactions(
        self,
        posted_after: datetime,
        posted_before: datetime | None = None,
        marketplace_id: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The transactions of ``transaction_pages``, one by one. Amounts are Decimal."""
        for page in self.transaction_pages(posted_after, posted_before, marketplace_id):
            yield from page.transactions

    def _window(
        self, start: datetime, until: datetime, marketplace_id: str | None
    ) -> Iterator["Page"]:
        asked: dict[str, Any] = {"posted_after": _moment(start), "posted_before": _moment(until)}
        if marketplace_id and marketplace_id != US:
            asked["marketplace_id"] = marketplace_id
        seen: set[str] = set()
        while True:
            body = self._patiently(asked)
            payload = _parsed(body).get("payload") or {}
            if rows := _list(payload, "transactions"):
                yield Page(rows, body)
            token = _next(payload, seen)
            if not token:
                return
            asked = asked | {"next_token": token}  # here all other parameters stay

    # --- One call ---------------------------------------------------------------------------
    def _feeds(self, operation: str, method: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return _parsed(self._call(operation, official.feeds, method, *args, **kwargs))

    def _finances(self, asked: dict[str, Any]) -> bytes:
        return self._call("listTransactions", official.finances, "list_transactions", **asked)

    def _call(self, operation: str, api: Callable, method: str, *args: Any, **kwargs: Any) -> bytes:
        """One call within Amazon's quota: a token, the request, the body of the answer."""
        bucket = quota.name_of(self.seller.code, self.region, operation)
        quota.take(bucket)
        with official.client(config.endpoint(self.region), self.tokens) as client:
            try:
                raw = getattr(api(client), method)(
                    *args, **kwargs, _preload_content=False, _request_timeout=config.timeouts()
                )
                headers, body = raw.headers, transport.read(raw)
            except AmazonError:
                raise
            except Exception as error:
                raise answers.meaning(error, bucket, self.tokens) from error
        quota.correct(bucket, headers.get(answers.RATE_HEADER))
        return body

    def _patiently(self, asked: dict[str, Any]) -> bytes:
        """One page of transactions; waits for its turn, for a list longer than the burst."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._finances(asked)
            except NotDone as not_done:
                wait = not_done.retry_after
                if wait is None or time.monotonic() + wait > until:
                    raise
                time.sleep(wait)


def _plain(
    method: str, url: str, content: bytes | None = None, content_type: str = ""
) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        return transport.send(method, url, body=content, headers=headers)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise answers.of_transport(error) from error


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise Unclear("broken", "Amazon's answer arrived broken.") from error
    if not isinstance(answer, dict):
        raise Unclear("broken", "Amazon's answer is not what was asked for.")
    return answer


def _text(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise Unclear("broken", f"Amazon's answer lacks {key}.")
    return value


def _next(answer: dict[str, Any], seen: set[str]) -> str:
    """The token of the next page, "" after the last one; ``seen`` are those of before.

    One that comes again leads in a circle: what the list holds beyond it nobody knows, and half a
    list must not be taken for all of it.
    """
    token = answer.get("nextToken") or ""
    if token in seen:
        raise Unclear("broken", "Amazon's list repeats itself and does not end.")
    seen.add(token)
    return token


def _list(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = answer.get(key) or []
    if not isinstance(value, list):
        raise Unclear("broken", f"Amazon's answer lacks {key}.")
    return value


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
