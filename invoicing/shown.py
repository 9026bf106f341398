"""Money that Amazon's files show at the buyer and that no line of a live refund stands for.

Reads only: tied money beyond the refund it is tied to (its SQL, read by `caps.py`), and money tied
to nothing, one query however many orders. Who ties it is `matching.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from config.core.money import format_money
from config.core.refused import Refused
from invoicing.matches.sql import UNTIED_OR_BARE
from invoicing.models import Refund, RefundLine

# A refund that was given up has no live line, so all that is tied to it counts. Money that a person
# tied without a line counts on the refund's first one, as far as it is more than the whole refund.
# Per order line: the gross, and the newest day of it.
BEYOND = """
WITH tied AS (
    SELECT f.refund_id, -sum(f.amount) AS seen, max(f.posted_on) AS day,
        coalesce(f.order_line_id, (SELECT min(x.order_line_id) FROM invoicing_refundline x
            WHERE x.refund_id = f.refund_id)) AS line, bool_or(f.order_line_id IS NULL) AS vague
    FROM invoicing_moneyfact f WHERE f.refund_id IS NOT NULL AND f.order_id IN (
        SELECT order_id FROM orders_orderline WHERE id = ANY(%(lines)s))
    GROUP BY 1, 4
), compared AS (
    SELECT t.line, t.day, t.seen - coalesce(l.here, 0) AS here, bool_or(t.vague) OVER same AS vague,
        sum(t.seen) OVER same - coalesce(l.whole, 0) AS whole
    FROM tied t LEFT JOIN LATERAL (
        SELECT sum(x.gross) AS whole, sum(x.gross) FILTER (WHERE x.order_line_id = t.line) AS here
        FROM invoicing_refundline x WHERE x.refund_id = t.refund_id AND x.live
    ) l ON true WINDOW same AS (PARTITION BY t.refund_id)
)
SELECT line, sum(greatest(0, CASE WHEN vague THEN least(here, whole) ELSE here END)) AS gross,
    max(day) AS day
FROM compared WHERE here > 0 GROUP BY line
"""
# A bare total may be the fee-reduced echo of a refund of ours that no file has shown in detail yet.
# What no line can be given to (a bare total, another currency) stops nothing once it is explained.
_UNTIED = f"""
SELECT order_id, currency, vague, bare, day, fact FROM (
    SELECT f.order_id, f.currency, max(f.posted_on) AS day, min(f.id) AS fact,
        coalesce(-sum(f.amount) FILTER (WHERE f.bucket = 'buyer'), 0) AS vague,
        coalesce(-sum(f.amount) FILTER (WHERE f.bucket <> 'buyer'), 0) AS bare
    FROM invoicing_moneyfact f JOIN orders_order o ON o.id = f.order_id
    WHERE f.order_id = ANY(%s) AND {UNTIED_OR_BARE}
      AND NOT ((f.bucket <> 'buyer' OR o.currency NOT IN ('', f.currency)) AND EXISTS (
        SELECT FROM invoicing_match m WHERE m.order_id = f.order_id AND m.kind = 'money'
          AND m.result = 'explained' AND m.sides -> 'facts' @> to_jsonb(f.id)))
    GROUP BY 1, 2
) found
WHERE vague > 0 OR bare > coalesce((
    SELECT sum(r.gross) FROM invoicing_refund r
    WHERE r.order_id = found.order_id AND r.source = 'retour' AND r.lane <> 'bank'
      AND r.state IN ('sent', 'unknown') AND NOT EXISTS (
        SELECT FROM invoicing_moneyfact t WHERE t.refund_id = r.id)), 0)
ORDER BY order_id, currency
"""


@dataclass(frozen=True)
class Untied:
    """Buyer's money of an order that no refund stands for; ``bare``: only a total was told.

    ``fact`` is the id of one of its rows.
    """

    amount: Decimal
    currency: str
    day: date
    bare: bool
    fact: int

    def get_absolute_url(self) -> str:
        """The page where a person says what it means."""
        return f"/money/{self.fact}/"

    @property
    def sentence(self) -> str:
        """What a person reads who wants to refund something of the order."""
        shown = f"Amazon shows {format_money(self.amount, self.currency)} refunded on this order"
        if self.bare:
            return (
                f"{shown} on {self.day} without saying for what. Import the settlement that holds "
                "it, or explain its exception if it is none of this order's items; then look again."
            )
        return (
            f"{shown} on {self.day}, and no refund here stands for it: finance says first, under "
            "“Refund money not tied to a refund”, what it means."
        )


def untied(order_ids: Iterable[int]) -> dict[int, list[Untied]]:
    """Order → its refund money that is tied to nothing, by currency; orders without are left out.

    What a person explained is left out where it can be given no line: a bare total, money in
    another currency than the order's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNTIED, [list(set(order_ids))])
        rows = cursor.fetchall()
    found: dict[int, list[Untied]] = {}
    for order, currency, vague, bare, day, fact in rows:
        amount = vague if vague > 0 else bare
        one = Untied(amount, currency, day, bare=vague <= 0, fact=fact)
        found.setdefault(order, []).append(one)
    return found


def object_to_untied(refunds: list[Refund], rows: list[RefundLine]) -> dict[int, Refused]:
    """Refuse to pay on an order on which money went back and nobody knows yet for what."""
    found = untied(refund.order_id for refund in refunds)
    return {
        refund.pk: Refused("untied", found[refund.order_id][0].sentence)
        for refund in refunds
        if refund.order_id in found
    }


def check_untied(order_id: int) -> None:
    """The same for one order before anything is proposed on it. Refused: "untied"."""
    for one in untied([order_id]).get(order_id, []):
        raise Refused("untied", one.sentence)
