"""What Amazon's reports say it accepted, and no settlement has shown or ruled out yet.

Such money counts as paid whatever a person said of the refund: it is neither given up by hand nor
asked for again. Reads only; how reports are carried out is in `outcomes.py`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from config.core.money import format_money
from config.core.refused import Refused
from config.core.roles import require
from invoicing.matches.rules import CYCLE_DAYS, GRACE_DAYS
from invoicing.matches.sql import UNTIED_OR_BARE
from invoicing.models import Refund, RefundAttempt, RefundLine

ACCEPTED, PARTLY = "accepted", "partly"  # words of Amazon's report, kept as evidence
CLAIMED = (ACCEPTED, PARTLY)

# Attempts of feeds that Amazon says it accepted. ``shown_nothing``: a settlement that must show the
# money by now is imported and does not, nor does any money of the order that stands for nothing.
_CLAIM = f"""
SELECT a.id, a.number, a.started_at, a.refund_id, r.order_id, r.state, r.gross, r.currency,
    f.feed_id, asked.day, asked.day + %(cycle)s::int < %(today)s
        AND EXISTS (
            SELECT FROM invoicing_settlement s
            WHERE s.seller_id = r.seller_id AND s.currency = r.currency
              AND COALESCE(s.ends_at, s.deposited_at)::date > asked.day + %(grace)s::int)
        AND NOT EXISTS (
            SELECT FROM invoicing_moneyfact f WHERE f.order_id = r.order_id AND {UNTIED_OR_BARE})
        AS shown_nothing
FROM invoicing_refundattempt a JOIN invoicing_feed f ON f.id = a.feed_id
JOIN invoicing_refund r ON r.id = a.refund_id
JOIN orders_marketplace m ON m.id = f.marketplace_id
CROSS JOIN LATERAL (SELECT
    (COALESCE(f.creating_at, a.started_at) AT TIME ZONE m.time_zone)::date AS day) asked
WHERE a.evidence ->> 'report' = ANY(%(words)s)
"""
_OF_ATTEMPT = f"""
SELECT c.gross, c.currency, c.feed_id, c.day
FROM ({_CLAIM} AND a.id = %(attempt)s) c WHERE NOT c.shown_nothing
"""
_LINES_OF = """ARRAY(SELECT DISTINCT x.order_line_id FROM invoicing_refundline x
    WHERE x.refund_id = {0} ORDER BY 1)"""
# By order line what was accepted and counts nowhere: no newest attempt of a refund that is on its
# way or paid, no money tied to it, and no refund of Amazon's made since that is the same.
_ON_LINES = f"""
SELECT DISTINCT ON (l.order_line_id) c.gross, c.currency, c.feed_id, c.day,
    l.order_line_id, p.sku
FROM invoicing_refundline l JOIN ({_CLAIM}) c ON c.refund_id = l.refund_id
JOIN orders_orderline p ON p.id = l.order_line_id
WHERE l.order_line_id = ANY(%(lines)s) AND NOT c.shown_nothing
  AND NOT (c.state IN ('sending', 'unknown', 'sent', 'confirmed') AND NOT EXISTS (
      SELECT FROM invoicing_refundattempt y
      WHERE y.refund_id = c.refund_id AND y.number > c.number))
  AND NOT EXISTS (SELECT FROM invoicing_moneyfact f WHERE f.refund_id = c.refund_id)
  AND NOT EXISTS (
      SELECT FROM invoicing_refund z WHERE z.order_id = c.order_id AND z.source = 'amazon'
        AND z.state = 'confirmed' AND (z.gross, z.currency) = (c.gross, c.currency)
        AND z.created_at >= c.started_at
        AND {_LINES_OF.format("z.id")} = {_LINES_OF.format("c.refund_id")})
ORDER BY l.order_line_id, c.day DESC
"""


@dataclass(frozen=True)
class _Claim:
    """What Amazon accepted of one refund: gross, the feed, the marketplace's day it was asked."""

    gross: Decimal
    currency: str
    feed: str
    day: date
    line: int | None = None
    sku: str = ""


def check_given_up(attempt: RefundAttempt | None, *, by) -> None:
    """Refuse to give up a locked refund whose newest attempt is this, and Amazon accepted it.

    Who decides refunds may give it up when a settlement had to show it and does not. Refused:
    "accepted_at_amazon", "forbidden".
    """
    if attempt is None or attempt.evidence.get("report") not in CLAIMED:
        return
    for claim in _claims(_OF_ATTEMPT, attempt=attempt.pk):
        raise Refused(
            "accepted_at_amazon",
            f"Amazon's report of feed {claim.feed} says that it accepted this refund on "
            f"{claim.day}, so the buyer has the money or gets it. It can be given up only after "
            f"{claim.day + timedelta(days=CYCLE_DAYS)}, when a settlement that ends after "
            f"{claim.day + timedelta(days=GRACE_DAYS)} is imported and does not show it.",
        )
    require(by, "invoicing.decide_refund")


def object_to_accepted(refunds: list[Refund], rows: list[RefundLine]) -> dict[int, Refused]:
    """Refuse to pay order lines of which Amazon accepted a refund that counts nowhere; one query.

    A person gave it up, or it was asked for anew; whichever way the money goes now, the buyer has
    it already.
    """
    lines = sorted({row.order_line_id for row in rows})
    known = {claim.line: claim for claim in _claims(_ON_LINES, lines=lines)}
    found: dict[int, Refused] = {}
    for row in rows if known else ():
        if claim := known.get(row.order_line_id):
            found.setdefault(row.refund_id, _objection(claim))
    return found


def _objection(claim: _Claim) -> Refused:
    gross = format_money(claim.gross, claim.currency)
    return Refused(
        "accepted_at_amazon",
        f"Amazon accepted an earlier refund of {claim.sku} ({gross}, feed {claim.feed}, "
        f"{claim.day}) that was given up here and that no settlement shows yet. Wait for that "
        "settlement; what is then left can be refunded.",
    )


def _claims(sql: str, **values: Any) -> list[_Claim]:
    """The rows of a query whose first columns are those of `_Claim`."""
    days = {"cycle": CYCLE_DAYS, "grace": GRACE_DAYS, "today": timezone.now().date()}
    with connection.cursor() as cursor:
        cursor.execute(sql, days | {"words": list(CLAIMED)} | values)
        return [_Claim(*row) for row in cursor.fetchall()]
