"""The official client (amzn-sp-api), tamed: loaded when needed, quiet, without retries.

Loading it and making a Configuration change the process's logging; both are undone here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orders.amazon import transport
from orders.amazon.tokens import Tokens

_LOGGERS = ("", "spapi", "urllib3")


@contextmanager
def _logging_as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    try:
        yield
    finally:
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            for handler in [one for one in logger.handlers if one not in handlers]:
                logger.removeHandler(handler)


@contextmanager
def client(endpoint: str, tokens: Tokens) -> Iterator[Any]:
    """An ApiClient for one call; its connection is closed afterwards. Raises what tokens raise."""
    with _logging_as_it_was():
        from spapi import ApiClient, Configuration

        configuration = Configuration()
        configuration.host = endpoint
        configuration.access_token_cache = tokens
        api_client = ApiClient(configuration)
    pools = api_client.rest_client.pool_manager
    # By default urllib3 would repeat lost reads and throttled calls on its own.
    pools.connection_pool_kw["retries"] = transport.NEVER
    try:
        yield api_client
    finally:
        pools.clear()


def feeds(api_client: Any) -> Any:
    """The operations on feeds (2021-06-30)."""
    from spapi.api.feeds_v2021_06_30.feeds_api import FeedsApi

    return FeedsApi(api_client)


def finances(api_client: Any) -> Any:
    """The operations on the account's transactions (Finances 2024-06-19)."""
    from spapi.api.finances_v2024_06_19.finances_v2024_api import FinancesV2024Api

    return FinancesV2024Api(api_client)
