"""What a refund in another currency than the seller's books cost or won by the exchange rate.

The sale was worth its amount at the rate of the invoice's day, the refund costs the same amount at
the rate of the day Amazon posted it; the difference is booked in the seller's own currency, with
both rates kept on the lines. Without a rate nothing is booked until it is there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from config.core.money import round_money
from invoicing import fx
from invoicing.ledger import posting_sql as sql
from invoicing.models import FxRate, Refund

_Key = tuple[str, str, date]
_Rate = tuple[Decimal, date, str]


@dataclass(frozen=True)
class FxLoss:
    """One refund's value in the seller's currency when it was sold and when it was refunded.

    Rates are units of ``home`` for one ``currency``, with the day each was published; a rate that
    is not known is None, and so is what follows from it. A loss is positive, a gain negative.
    """

    refund_id: int
    currency: str
    home: str
    gross: Decimal
    sold_on: date
    refunded_on: date
    original: tuple[Decimal, date] | None
    current: tuple[Decimal, date] | None

    @property
    def original_value(self) -> Decimal | None:
        """What the refunded goods were worth when sold, in ``home``."""
        return self.original and round_money(self.gross * self.original[0], self.home)

    @property
    def value(self) -> Decimal | None:
        """What the refund costs, in ``home``."""
        return self.current and round_money(self.gross * self.current[0], self.home)

    @property
    def loss(self) -> Decimal | None:
        """The loss (positive) or gain in ``home``; None while a rate is missing."""
        before, now = self.original_value, self.value
        return None if before is None or now is None else now - before


def of(refund: Refund) -> FxLoss | None:
    """The exchange difference of a refund; None where the seller's books have its currency.

    While the money was not seen it is what it would be on the day the refund was sent.
    """
    return losses([refund.pk]).get(refund.pk)


def losses(refund_ids: Iterable[int]) -> dict[int, FxLoss]:
    """The exchange differences of these refunds by id; three queries for any number of them."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ABROAD, {"ids": list(refund_ids), "now": timezone.now()})
        rows = cursor.fetchall()
    wanted = {(currency, home, day) for _, currency, home, _, *days, _, _ in rows for day in days}
    rates = _rates(wanted)
    found = {}
    for pk, currency, home, gross, sold_on, on, given, given_on in rows:
        original = (given, given_on) if given else _short(rates.get((currency, home, sold_on)))
        current = _short(rates.get((currency, home, on)))
        found[pk] = FxLoss(pk, currency, home, gross, sold_on, on, original, current)
    return found


def _short(rate: _Rate | None) -> tuple[Decimal, date] | None:
    return rate and rate[:2]


def _rates(wanted: set[_Key]) -> dict[_Key, _Rate | None]:
    """The rate of each (base, quote, day), read in one query."""
    if not wanted:
        return {}
    codes = {code for base, quote, _ in wanted for code in (base, quote)}
    days = [day for *_, day in wanted]
    known = FxRate.objects.filter(
        base__in=codes | {"EUR"}, quote__in=codes | {"EUR"},
        day__gte=min(days) - fx.STALE_AFTER, day__lte=max(days),
    )  # fmt: skip
    by_day: dict[date, list[FxRate]] = defaultdict(list)
    for row in known:
        by_day[row.day].append(row)
    return {key: fx.latest(_recent(by_day, key[2]), *key) for key in wanted}


def _recent(by_day: dict[date, list[FxRate]], day: date) -> list[FxRate]:
    ordinals = range(day.toordinal() - fx.STALE_AFTER.days, day.toordinal() + 1)
    return [row for one in ordinals for row in by_day.get(date.fromordinal(one), ())]


def post(refund_ids: Iterable[int]) -> int:
    """Book the exchange differences of confirmed refunds whose rates are known, once each.

    A difference of nothing is booked too, with both rates: what is not booked waits for a rate.
    Called by `posting.post` under its locks, after the money was booked. Returns how many.
    """
    known = [loss for loss in losses(refund_ids).values() if loss.loss is not None]
    if not known:
        return 0
    given = {
        "refunds": [row.refund_id for row in known],
        "losses": [row.loss for row in known],
        "rates": [row.current[0] for row in known],
        "days": [row.current[1] for row in known],
        "old_rates": [row.original[0] for row in known],
        "old_days": [row.original[1] for row in known],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.FX, {"ids": given["refunds"], "now": timezone.now(), **given})
        return cursor.fetchone()[0]
