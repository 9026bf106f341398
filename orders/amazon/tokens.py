"""Access tokens (Login with Amazon), kept in memory until they run out.

In place of the client's own cache, which tries four times with sleeps even where Amazon says that
the secrets are wrong, has no timeout, and writes what it got into the log.
"""

import json
import threading
import time

import urllib3

from orders.amazon import config, transport
from orders.amazon.errors import NotDone, Refusal

EARLY = 60  # seconds before its end that a token is no longer used

_kept: dict[tuple[str, str, str], tuple[str, float]] = {}
_lock = threading.Lock()


class Tokens:
    """What the client asks for its token (``configuration.access_token_cache``)."""

    def __init__(self, client_id: str, client_secret: str, refresh_token: str) -> None:
        self.client_id, self.client_secret = client_id, client_secret
        self.refresh_token = refresh_token
        self.key = (config.token_url(), client_id, refresh_token)

    def get_lwa_access_token(self) -> str:
        """A token that still holds; raises NotDone or Refusal, for nothing was called with it."""
        with _lock:
            token, until = _kept.get(self.key, ("", 0.0))
            if time.monotonic() >= until:
                token, lasts = self._ask()
                _kept[self.key] = token, time.monotonic() + max(lasts - EARLY, 1)
        return token

    def forget(self) -> None:
        """Amazon no longer takes the token: ask for another one next time."""
        with _lock:
            _kept.pop(self.key, None)

    def _ask(self) -> tuple[str, float]:
        fields = {
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        try:
            status, _, body = transport.send("POST", self.key[0], fields=fields)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NotDone(
                "no_token", "Amazon's login did not answer; it is tried again.", 60
            ) from error
        if status in (400, 401, 403):
            raise Refusal("login", f"Amazon's login refuses the keys of this seller ({status}).")
        try:
            answer = json.loads(body)
            return str(answer["access_token"]), float(answer.get("expires_in", 1800))
        except (ValueError, KeyError, TypeError) as error:
            raise NotDone(
                "no_token", f"Amazon's login answered without a token ({status}).", 60
            ) from error
