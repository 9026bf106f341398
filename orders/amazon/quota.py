"""Amazon's usage plans as token buckets in the database, shared by all workers.

A bucket starts from Amazon's published plan and follows the rate that Amazon's answers name.
"""

from django.db import OperationalError, connection, transaction

from orders.amazon.errors import NotDone

# operation: (tokens a second, burst), from Amazon's models (usage plans, 2026-08)
PLANS = {
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2.0, 15),
    "getFeeds": (0.0222, 10),
    "getFeedDocument": (0.0222, 10),
    "listTransactions": (0.5, 10),
}
LOCK_WAIT = "2s"
BUSY = 1.0  # seconds to wait when another worker holds the bucket

_CREATE = """
INSERT INTO orders_quota (name, tokens, rate, burst, filled_at)
SELECT %(name)s, %(burst)s, %(rate)s, %(burst)s, clock_timestamp()
WHERE NOT EXISTS (SELECT FROM orders_quota WHERE name = %(name)s)
ON CONFLICT (name) DO NOTHING
"""
# The row is locked first: what it holds and what is taken from it are one step.
_LOCK = """
SELECT rate, least(burst, tokens + rate * greatest(
    0, extract(epoch FROM clock_timestamp() - filled_at)::float8))
FROM orders_quota WHERE name = %s FOR UPDATE
"""
_STORE = "UPDATE orders_quota SET tokens = %s, filled_at = clock_timestamp() WHERE name = %s"
_CORRECT = "UPDATE orders_quota SET rate = %s WHERE name = %s AND rate IS DISTINCT FROM %s"


def name_of(seller_code: str, region: str, operation: str) -> str:
    """The bucket's name: Amazon counts by account, region and operation."""
    return f"{seller_code}/{region}/{operation}"


def take(name: str) -> None:
    """Take one token, or raise NotDone (``throttled``) with the seconds until there is one.

    Outside a transaction of the caller the lock lasts for this step only.
    """
    try:
        left = _take(name)
    except OperationalError as error:  # lock_timeout: the others are just taking theirs
        raise NotDone("throttled", "Other calls to Amazon wait in line.", BUSY) from error
    if left:
        raise NotDone(
            "throttled",
            f"Amazon allows no more calls of this kind for {left:.0f} s; it is tried again then.",
            left,
        )


def _take(name: str) -> float:
    """Seconds to wait; 0 when a token was taken."""
    rate, burst = PLANS[name.rpartition("/")[2]]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        cursor.execute(_CREATE, {"name": name, "rate": rate, "burst": burst})
        cursor.execute(_LOCK, [name])
        rate, tokens = cursor.fetchone()
        if tokens >= 1:
            cursor.execute(_STORE, [tokens - 1, name])
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    return 0.0 if tokens >= 1 else (1 - tokens) / rate


def exhausted(name: str) -> float:
    """Amazon says the plan is used up: empty the bucket; returns the seconds until a token."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE + " RETURNING rate", [0, name])
        row = cursor.fetchone()
    return 1 / (row[0] if row else PLANS[name.rpartition("/")[2]][0])


def correct(name: str, header: str | None) -> None:
    """Follow the rate Amazon's answer names (``x-amzn-RateLimit-Limit``, requests a second)."""
    try:
        rate = float(header or "")
    except ValueError:  # some answers carry words there
        return
    if 0 < rate < 1000:
        with connection.cursor() as cursor:
            cursor.execute(_CORRECT, [rate, name, rate])
