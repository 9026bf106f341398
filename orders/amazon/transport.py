"""Plain HTTP beside the client: tokens, documents up and down. No retries, no redirects, bounded.

A connection serves one call: one that was kept could have been closed at Amazon's end, and then
nobody could say whether the call arrived.
"""

import time

import urllib3

from orders.amazon import config

LARGEST = 200 * 1024 * 1024  # bytes; a processing report is far smaller
PIECE = 64 * 1024
NEVER = urllib3.Retry(total=False)


class TooSlow(urllib3.exceptions.HTTPError):
    """An answer that drips: every piece came in time, the whole did not."""


class TooLarge(urllib3.exceptions.HTTPError):
    """An answer larger than anything that was asked for."""


def send(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """One request; returns status, headers and the whole body. Raises urllib3's errors."""
    connect, wait = config.timeouts()
    given: dict = {"body": body} if fields is None else {"fields": fields}
    if fields is not None:
        given["encode_multipart"] = False
    with urllib3.PoolManager(num_pools=1, retries=NEVER) as pool:
        answer = pool.request(
            method,
            url,
            headers=headers,
            timeout=urllib3.Timeout(connect=connect, read=wait),
            preload_content=False,
            redirect=False,
            **given,
        )
        return answer.status, dict(answer.headers), read(answer, decode=False)


def read(answer: urllib3.BaseHTTPResponse, *, decode: bool = True) -> bytes:
    """The whole body within the time an answer may take, and its connection given back."""
    until = time.monotonic() + config.timeouts()[1]
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := answer.read1(PIECE, decode_content=decode):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise TooLarge("the answer is too large")
            if time.monotonic() > until:
                raise TooSlow("the answer takes too long")
        return b"".join(pieces)
    finally:
        answer.close()
        answer.release_conn()
