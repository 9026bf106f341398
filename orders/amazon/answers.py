"""What a failed call means: certainly nothing happened, never will, or nobody knows.

When in doubt it is ``Unclear``: only failures that cannot have reached Amazon's books are NotDone.
"""

import json
from collections.abc import Mapping
from contextlib import suppress

from urllib3 import exceptions

from orders.amazon import quota
from orders.amazon.errors import AmazonError, NotDone, Refusal, Unclear
from orders.amazon.tokens import Tokens

RATE_HEADER = "x-amzn-RateLimit-Limit"
UNREACHABLE = 60.0  # seconds until an address that refused is tried again
LONGEST_WORDS = 300
# Answers after which the call may still have been taken: the server gave up or failed half-way.
_UNCLEAR = {408, 409, 423, 425}


def meaning(error: Exception, bucket: str, tokens: Tokens) -> AmazonError:
    """The kind of a failure of one API call. ``bucket`` is its quota, ``tokens`` its login."""
    status = getattr(error, "status", None)
    if not status:
        return of_transport(error)
    headers = getattr(error, "headers", None) or {}
    if status == 429:
        return _throttled(headers, bucket)
    words = _words(getattr(error, "body", None))
    if status in (401, 403) and "token" in words.casefold() and "expired" in words.casefold():
        tokens.forget()
        return NotDone("token_expired", "Amazon's login had run out; it is tried again.", 1.0)
    if 400 <= status < 500 and status not in _UNCLEAR:
        return Refusal(f"http_{status}", f"Amazon refused the call ({status}). {words}".strip())
    return Unclear(f"http_{status}", f"Amazon answered with an error of its own ({status}).")


def of_transport(error: Exception) -> AmazonError:
    """The kind of a failure without an answer: only what never connected is certainly not done."""
    if isinstance(error, exceptions.NewConnectionError | exceptions.ConnectTimeoutError):
        return NotDone("unreachable", "Amazon cannot be reached; it is tried again.", UNREACHABLE)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):  # before anything was said
        return NotDone("certificate", "Amazon's certificate could not be checked.", UNREACHABLE)
    if isinstance(error, exceptions.TimeoutError):
        return Unclear("timeout", "Amazon did not answer in time.")
    return Unclear("connection", f"The connection to Amazon broke ({type(error).__name__}).")


def check_document(status: int, what: str) -> None:
    """Whether a document went up or came down. Raises; nothing of it has an effect on money."""
    if 200 <= status < 300:
        return
    if status in (403, 404):  # addresses of documents live five minutes
        raise NotDone("expired", f"The address for the {what} is no longer good.", 1.0)
    if 400 <= status < 500 and status != 429:
        raise Refusal(f"http_{status}", f"Amazon refused the {what} of a document ({status}).")
    raise NotDone(f"http_{status}", f"The {what} of a document failed ({status}).", UNREACHABLE)


def _throttled(headers: Mapping[str, str], bucket: str) -> NotDone:
    quota.correct(bucket, headers.get(RATE_HEADER))
    wait = quota.exhausted(bucket)
    with suppress(ValueError):  # a date; the plan's own wait is enough
        wait = max(wait, float(headers.get("Retry-After") or 0))
    return NotDone("throttled", f"Amazon asks to wait {wait:.0f} s with calls of this kind.", wait)


def _words(body: object) -> str:
    """What Amazon says itself, shortened: message and details of its first error."""
    try:
        first = json.loads(body or b"")["errors"][0]  # type: ignore[arg-type]
        said = [str(first.get(key) or "").strip() for key in ("message", "details")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""
    return ". ".join(dict.fromkeys(filter(None, said)))[:LONGEST_WORDS]
