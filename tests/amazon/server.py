"""A local Amazon that speaks HTTP: tokens, feeds, documents, transactions, and what goes wrong.

``with Server() as amazon:`` listens on a free port of 127.0.0.1; ``amazon.journal`` holds its books
and its behaviour, ``amazon.fail(operation, fault)`` makes the next call of an operation go wrong.
By hand: `python -m tests.amazon.server PORT`.
"""

import gzip
import json
import sys
import threading
import time
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer

from tests.amazon.doors import AFTER, BEFORE, Answer, Handler, error
from tests.amazon.journal import Feed, Journal
from tests.amazon.transactions import transaction

REFRESH_TOKEN = "Atzr|demo-refresh-token"
CLIENT = ("amzn1.application-oa2-client.demo", "demo-secret")


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Whoever asked has gone, killed or out of patience; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """The simulated Amazon. ``calls`` counts requests by operation."""

    def __init__(self, port: int = 0, cases: list | None = None) -> None:
        self.journal = Journal()
        self.cases = cases or []  # static sandbox cases answered before anything else
        self.calls: dict[str, int] = defaultdict(int)
        self.requests: list[tuple[str, dict]] = []
        self.faults: dict[str, deque] = defaultdict(deque)
        self.tokens: set[str] = set()
        self.pages: dict[str, list] = {}
        self.stopping = threading.Event()
        self.http = _Http(("127.0.0.1", port), Handler)
        self.http.amazon = self
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Server":
        self.thread.start()
        return self

    def __exit__(self, *args) -> None:
        self.stopping.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def behaviour(self):
        return self.journal.behaviour

    def environment(self, *seller_codes: str) -> dict[str, str]:
        """The settings that lead Retour here, for another process."""
        return {
            "AMAZON_CLIENT_ID": CLIENT[0],
            "AMAZON_CLIENT_SECRET": CLIENT[1],
            "AMAZON_REFRESH_TOKENS": json.dumps(dict.fromkeys(seller_codes, REFRESH_TOKEN)),
            "AMAZON_ENDPOINT": self.url,
            "AMAZON_TOKEN_URL": f"{self.url}/auth/o2/token",
        }

    def fail(self, operation: str, fault: str, times: int = 1) -> None:
        """The next calls of an operation go wrong in that way (``BEFORE``, ``AFTER``)."""
        assert fault in BEFORE | AFTER, fault
        self.faults[operation].extend([fault] * times)

    def next_fault(self, operation: str) -> str:
        try:
            return self.faults[operation].popleft()
        except IndexError:
            return ""

    # --- Operations -------------------------------------------------------------------------
    def token(self, form: dict, **path) -> Answer:
        if form.get("refresh_token") != REFRESH_TOKEN:
            return 400, {"error": "invalid_grant", "error_description": "Wrong refresh token."}
        if (form.get("client_id"), form.get("client_secret")) != CLIENT:
            return 401, {"error": "invalid_client", "error_description": "Wrong client."}
        token = f"Atza|{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 3600}

    def create_feed_document(self, body: dict, **path) -> Answer:
        if not body.get("contentType"):
            return error(400, "InvalidInput", "contentType is missing")
        document_id = self.journal.new_document()
        return 201, {"feedDocumentId": document_id, "url": f"{self.url}/files/{document_id}"}

    def upload(self, body: bytes, document_id: str) -> Answer:
        return (200, b"") if self.journal.store(document_id, body) else (404, b"")

    def create_feed(self, body: dict, **path) -> Answer:
        if missing := {"feedType", "marketplaceIds", "inputFeedDocumentId"} - set(body):
            return error(400, "InvalidInput", f"missing: {sorted(missing)}")
        feed = self.journal.take(
            body["feedType"], body["marketplaceIds"], body["inputFeedDocumentId"]
        )
        if feed is None:
            return error(400, "InvalidInput", "There is no such document.")
        self.stopping.wait(self.behaviour.late)
        return 202, {"feedId": feed.feed_id}

    def get_feed(self, body: dict, feed_id: str) -> Answer:
        feed = self.journal.feeds.get(feed_id)
        if feed is None:
            return error(404, "NotFound", "There is no such feed.")
        shown = self._shown(feed)
        feed.polls += 1
        if self.behaviour.twice:
            self.journal.repeat_report(feed)
        return 200, shown

    def get_feeds(self, body: dict, **path) -> Answer:
        if "nextToken" not in body and "feedTypes" not in body:
            return error(400, "InvalidInput", "feedTypes or nextToken is required")
        now = time.monotonic()
        wanted = [
            self._shown(feed)
            for feed in self.journal.feeds.values()
            if "nextToken" not in body
            and feed.feed_type in body["feedTypes"].split(",")
            and feed.visible_at <= now
            and _within(feed.created, body.get("createdSince"), body.get("createdUntil"))
        ]
        rows, token = self._page(wanted, body, int(body.get("pageSize", 10)))
        return 200, {"feeds": rows} | ({"nextToken": token} if token else {})

    def get_feed_document(self, body: dict, document_id: str) -> Answer:
        if self.journal.documents.get(document_id) is None:
            return error(404, "NotFound", "There is no such document.")
        packed = {"compressionAlgorithm": "GZIP"} if self.behaviour.gzip else {}
        url = f"{self.url}/files/{document_id}"
        return 200, {"feedDocumentId": document_id, "url": url} | packed

    def download(self, body: dict, document_id: str) -> Answer:
        content = self.journal.documents.get(document_id)
        if content is None:
            return 404, b""
        return 200, gzip.compress(content) if self.behaviour.gzip else content

    def list_transactions(self, body: dict, **path) -> Answer:
        if "postedAfter" not in body:
            return error(400, "InvalidInput", "Start date cannot be null")
        since, until = _moment(body["postedAfter"]), _moment(body.get("postedBefore"))
        latest = datetime.now(UTC) - timedelta(minutes=2)
        if until and until > latest + timedelta(seconds=5):
            return error(400, "InvalidInput", "postedBefore must be two minutes before now")
        until = until or latest
        wanted = [
            transaction(one)
            for one in self.journal.paid()
            if since <= one.posted < until
            and until - since <= timedelta(days=180)  # longer: nothing, and no error
            and body.get("marketplaceId", one.marketplace_id) == one.marketplace_id
            and body.get("marketplaceId") != "ATVPDKIKX0DER"  # seller-fulfilled US orders
        ]
        rows, token = self._page(wanted, body, self.behaviour.page_size)
        return 200, {"payload": {"transactions": rows} | ({"nextToken": token} if token else {})}

    # --- Parts ------------------------------------------------------------------------------
    def _shown(self, feed: Feed) -> dict:
        status = self.journal.status_of(feed)
        shown = {
            "feedId": feed.feed_id,
            "feedType": feed.feed_type,
            "marketplaceIds": feed.marketplace_ids,
            "createdTime": feed.created.isoformat().replace("+00:00", "Z"),
            "processingStatus": status,
        }
        if status in ("DONE", "FATAL") and self.journal.has_report(feed):
            shown["resultFeedDocumentId"] = feed.report_id
        return shown

    def _page(self, rows: list, asked: dict, size: int) -> tuple[list, str]:
        """One page and the token of the next; a list that repeats itself, empty pages."""
        if token := asked.get("nextToken"):
            pages = self.pages.get(token, [])
        else:
            pages = [rows[at : at + size] for at in range(0, len(rows), size)] or [[]]
            if self.behaviour.pages_twice:
                pages = [page for page in pages for _ in range(2)]
            if self.behaviour.empty_pages:
                pages = [one for page in pages for one in ([], page)]
        if self.behaviour.circle:
            self.pages["page-again"] = pages
            return pages[0], "page-again"
        first, rest = (pages[0], pages[1:]) if pages else ([], [])
        following = f"page-{time.monotonic_ns()}" if rest else ""
        if rest:
            self.pages[following] = rest
        return first, following


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _within(at: datetime, since: str | None, until: str | None) -> bool:
    """Amazon's list knows whole seconds."""
    at = at.replace(microsecond=0)
    return (not since or at >= _moment(since)) and (not until or at <= _moment(until))


if __name__ == "__main__":
    with Server(int(sys.argv[1])) as running:
        print("\n".join(f"{name}='{value}'" for name, value in running.environment("DE1").items()))
        running.thread.join()
