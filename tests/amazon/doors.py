"""How the simulated Amazon answers over HTTP, and how an answer breaks on its way."""

import json
import re
import socket
import struct
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.amazon import replay

FEEDS = "/feeds/2021-06-30"
ROUTES = (
    ("token", "POST", re.compile(r"/auth/o2/token")),
    ("createFeedDocument", "POST", re.compile(FEEDS + "/documents")),
    ("getFeedDocument", "GET", re.compile(FEEDS + "/documents/(?P<document_id>[^/]+)")),
    ("createFeed", "POST", re.compile(FEEDS + "/feeds")),
    ("getFeeds", "GET", re.compile(FEEDS + "/feeds")),
    ("getFeed", "GET", re.compile(FEEDS + "/feeds/(?P<feed_id>[^/]+)")),
    ("listTransactions", "GET", re.compile("/finances/2024-06-19/transactions")),
    ("upload", "PUT", re.compile("/files/(?P<document_id>[^/]+)")),
    ("download", "GET", re.compile("/files/(?P<document_id>[^/]+)")),
)
# Faults before the call has any effect; the others happen after it.
BEFORE = {"429", "429_empty", "503_html", "timeout", "reset", "400", "401", "403", "404", "409",
          "token_expired"}  # fmt: skip
AFTER = {"timeout_after", "reset_after", "503_after", "truncated", "not_json", "no_id", "slow_body"}
Answer = tuple[int, object]


def error(status: int, code: str, message: str) -> Answer:
    """Amazon's form of an error."""
    return status, {"errors": [{"code": code, "message": message, "details": ""}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer leaves in one piece, so that a kept connection does not wait for the other side.
    wbufsize = -1

    @property
    def amazon(self):
        return self.server.amazon

    def log_message(self, *args) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
        if found := replay.find(self.amazon.cases, self.command, parts.path, query, content):
            self._send(*found)
            return
        for name, method, pattern in ROUTES:
            match = pattern.fullmatch(parts.path)
            if method == self.command and match:
                body = _body(name, query, content)
                self.amazon.calls[name] += 1
                self.amazon.requests.append((name, body if isinstance(body, dict) else {}))
                self._run(name, body, match.groupdict())
                return
        self._send(*error(404, "NotFound", "There is no such path."))

    def _run(self, name: str, body, path: dict) -> None:
        fault = self.amazon.next_fault(name)
        if fault in BEFORE:
            self._break(fault)
            return
        if name not in ("token", "upload", "download") and not self._may():
            self._send(*error(403, "Unauthorized", "Access to requested resource is denied."))
            return
        status, answer = getattr(self.amazon, _method(name))(body, **path)
        if fault:
            self._break(fault, status, answer)
        else:
            self._send(status, answer)

    def _may(self) -> bool:
        return self.headers.get("x-amz-access-token") in self.amazon.tokens

    def _break(self, fault: str, status: int = 200, answer: object = None) -> None:
        BREAKS[fault](self, status, answer)

    def _send(self, status: int, answer: object, *, cut: int = 0, headers=()) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        if status == 204:
            content = b""
        self.send_response(status)
        given = dict(headers)
        given.setdefault("Content-Type", "application/json")
        if self.amazon.behaviour.rate:
            given.setdefault("x-amzn-RateLimit-Limit", self.amazon.behaviour.rate)
        for name, value in given.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - cut] if cut else content)
        if cut:
            self.close_connection = True

    def _hang(self) -> None:
        """Say nothing until the other side has given up."""
        self.connection.settimeout(0.1)
        while not self.amazon.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def _reset(self) -> None:
        """A reset, not a proper end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def _drip(self, status: int, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.close_connection = True
        try:
            for byte in content:
                if self.amazon.stopping.wait(self.amazon.behaviour.slow or 0.2):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        except OSError:
            return


def _method(operation: str) -> str:
    """createFeed → create_feed."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", operation)


def _body(name: str, query: dict, content: bytes):
    if name == "upload":
        return content
    if name == "token":
        return {key: values[0] for key, values in parse_qs(content.decode()).items()}
    if content.strip() in (b"", b"{}"):
        return query
    return json.loads(content)


_HTML = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
_PAGE = {"Content-Type": "text/html"}.items()
_QUOTA = error(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
BREAKS = {
    "429": lambda h, s, a: h._send(*_QUOTA),
    "429_empty": lambda h, s, a: h._send(429, b""),
    "503_html": lambda h, s, a: h._send(503, _HTML, headers=_PAGE),
    "503_after": lambda h, s, a: h._send(503, _HTML, headers=_PAGE),
    "timeout": lambda h, s, a: h._hang(),
    "timeout_after": lambda h, s, a: h._hang(),
    "reset": lambda h, s, a: h._reset(),
    "reset_after": lambda h, s, a: h._reset(),
    "400": lambda h, s, a: h._send(*error(400, "InvalidInput", "Invalid input")),
    "401": lambda h, s, a: h._send(*error(401, "Unauthorized", "Unauthorized")),
    "403": lambda h, s, a: h._send(*error(403, "Unauthorized", "Access denied")),
    "404": lambda h, s, a: h._send(*error(404, "NotFound", "Not found")),
    "409": lambda h, s, a: h._send(*error(409, "Conflict", "Conflict")),
    "token_expired": lambda h, s, a: h._send(
        *error(403, "Unauthorized", "The access token you provided has expired.")
    ),
    "truncated": lambda h, s, a: h._send(s, a, cut=5),
    "not_json": lambda h, s, a: h._send(s, b'{"feedId": "5', headers=()),
    "no_id": lambda h, s, a: h._send(s, {}),
    "slow_body": lambda h, s, a: h._drip(s, a),
}
