"""The simulated Amazon as a fixture: ``fake_amazon`` runs, and the settings lead to it."""

import json

import pytest

from tests.amazon.server import Server


class _EverySeller(dict):
    """Any seller has the demo's refresh token."""

    def get(self, code, default=None):
        from tests.amazon.server import REFRESH_TOKEN

        return REFRESH_TOKEN


@pytest.fixture
def fake_amazon(settings):
    """A running Amazon of this test's own; every seller has access to it."""
    from orders.amazon import tokens

    with Server() as server:
        given = server.environment()
        for name in ("AMAZON_CLIENT_ID", "AMAZON_CLIENT_SECRET", "AMAZON_ENDPOINT",
                     "AMAZON_TOKEN_URL"):  # fmt: skip
            setattr(settings, name, given[name])
        settings.AMAZON_REFRESH_TOKENS = _EverySeller(json.loads(given["AMAZON_REFRESH_TOKENS"]))
        settings.AMAZON_TIMEOUT = 2
        yield server
        tokens._kept.clear()
