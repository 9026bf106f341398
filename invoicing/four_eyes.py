"""Who may say yes to a refund, and how much one person may decide alone: of one amount and a day.

The limits are rows of `ApprovalLimit`, every yes is a row of `Approval`. A trigger on those rows
checks the same once more, whoever writes them; what else an approval needs is in `approval.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Sum, prefetch_related_objects
from django.utils import timezone

from config.core.money import ZERO, format_money
from config.core.refused import Refused
from invoicing.models import Approval, ApprovalLimit, Refund, RefundAttempt
from invoicing.models.refund import Lane
from orders.models import Seller

# The same text as in the trigger: both wait for one another.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def day_of(seller: Seller, moment: datetime) -> date:
    """The seller's day on which a yes counts."""
    return moment.astimezone(ZoneInfo(seller.time_zone)).date()


def needs_second(seller: Seller, currency: str, gross: Decimal, proposer) -> bool:
    """Whether a second person must approve what is about to be proposed (``gross`` in currency).

    Above the currency's limit, without one, or when the proposer's own approvals of the day would
    pass the daily limit with it.
    """
    limit = ApprovalLimit.objects.filter(currency=currency).first()
    if limit is None or gross > limit.amount:
        return True
    if limit.daily_amount is None:
        return False
    today = day_of(seller, timezone.now())
    return _sums(proposer, [(currency, today)])[currency, today] + gross > limit.daily_amount


def check_second_person(refund: Refund, by) -> None:
    """Refuse the proposer, who named the account, who called an earlier try failed, and the system,
    where a second is needed."""
    if not refund.needs_second:
        return
    if by.is_system:
        raise Refused("second_person", "This refund needs a person to approve it.")
    if by.pk == refund.proposer_id:
        raise Refused(
            "second_person",
            "You proposed this refund and it needs a second person: ask somebody else of finance "
            "or a lead to approve it.",
        )
    if by.pk == named_by(refund):
        raise Refused(
            "second_person",
            "You entered the account this refund goes to: ask somebody else of finance or a lead "
            "to approve it.",
        )
    if by.pk in failed_by(refund):
        raise Refused(
            "second_person",
            "You said that an earlier try of this refund failed: ask somebody else of finance or a "
            "lead to look and to approve it again.",
        )


def is_alone(refund: Refund, by) -> bool:
    """Whether a yes of this person is the only pair of eyes on the refund."""
    named = (refund.proposer_id, named_by(refund))
    return by.is_system or by.pk in named or by.pk in failed_by(refund)


def named_by(refund: Refund) -> int | None:
    """Who entered the account that the refund goes to; None where it goes to none."""
    payee = getattr(refund, "payee", None) if refund.lane == Lane.BANK else None
    return payee.by_id if payee else None


def failed_by(refund: Refund) -> frozenset[int]:
    """Who called an earlier try of the refund failed; else one person could pay it again and again.

    Read once for each row, or for many by `know_failures`.
    """
    if not hasattr(refund, "called_failed_by"):
        know_failures([refund])
    return refund.called_failed_by


def know_failures(refunds: list[Refund]) -> None:
    """Read who called tries of these refunds failed: one query, none where nothing was tried."""
    found: dict[int, set[int]] = {refund.pk: set() for refund in refunds}
    # the first time a refund is approved its version is 1: nothing went before
    tried = [refund.pk for refund in refunds if refund.version > 1]
    if tried:
        rows = RefundAttempt.objects.filter(refund__in=tried, evidence__has_key="failed_by")
        for pk, who in rows.order_by().values_list("refund_id", "evidence__failed_by"):
            found[pk].add(who)
    for refund in refunds:
        refund.called_failed_by = frozenset(found[refund.pk])


@dataclass
class Alone:
    """What one person may still decide alone, read once under the locks of the sums it touches."""

    by: object
    at: datetime
    limits: dict[str, ApprovalLimit] = field(default_factory=dict)
    sums: dict[tuple[str, date], Decimal] = field(default_factory=dict)

    @classmethod
    def of(cls, refunds: Iterable[Refund], by, at: datetime, lock: bool = True) -> "Alone":
        """Lock the person's sums of the days, then read them; nothing where nobody is alone.

        Without ``lock`` they are only read: to foresee, never to decide.
        """
        refunds = list(refunds)
        know_failures(refunds)
        mine = [refund for refund in refunds if is_alone(refund, by)]
        prefetch_related_objects(mine, "seller")
        keys = sorted({(refund.currency, day_of(refund.seller, at)) for refund in mine})
        if not keys:
            return cls(by, at)
        with connection.cursor() as cursor:
            for currency, day in keys if lock else ():
                cursor.execute(_LOCK, [f"approved alone {by.pk} {currency} {day}"])
        limits = ApprovalLimit.objects.filter(currency__in={currency for currency, _ in keys})
        return cls(by, at, {row.currency: row for row in limits}, _sums(by, keys))

    def take(self, refund: Refund) -> None:
        """Count a refund that this person decides alone; refuse it beyond the limits."""
        if not is_alone(refund, self.by):
            return
        limit = self.limits.get(refund.currency)
        if limit is None or refund.gross > limit.amount:
            raise Refused("second_person", self._words(limit, limit and limit.amount, "a refund"))
        key = refund.currency, day_of(refund.seller, self.at)
        after = self.sums[key] + refund.gross
        if limit.daily_amount is not None and after > limit.daily_amount:
            raise Refused("second_person", self._words(limit, limit.daily_amount, "a day"))
        self.sums[key] = after

    def _words(self, limit: ApprovalLimit | None, amount: Decimal | None, of: str) -> str:
        who = "The system" if self.by.is_system else "One person"
        if limit is None:
            return f"{who} may not decide a refund of this currency alone: it has no limit yet."
        return (
            f"{who} may decide {format_money(amount, limit.currency)} {of} alone, and this refund "
            "would pass it: ask somebody else of finance or a lead to approve it."
        )


_WRITE = """
INSERT INTO invoicing_approval
    (refund_id, by_id, at, day, content_hash, lane, currency, gross, alone)
SELECT r.id, %(by)s, %(at)s, (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date, r.content_hash,
    r.lane, r.currency, r.gross, r.id = ANY(%(alone)s::bigint[])
FROM invoicing_refund r JOIN orders_seller s ON s.id = r.seller_id
WHERE r.id = ANY(%(ids)s) ORDER BY r.id
"""


def write(refunds: Iterable[Refund], by, at: datetime) -> None:
    """Write down that a person approved these locked refunds as they are, at that moment."""
    refunds = list(refunds)
    ids = [refund.pk for refund in refunds]
    alone = [refund.pk for refund in refunds if is_alone(refund, by)]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"by": by.pk, "at": at, "ids": ids, "alone": alone})


def _sums(by, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Decimal]:
    """What a person approved alone, per (currency, day); zero where nothing."""
    found = dict.fromkeys(keys, ZERO)
    rows = Approval.objects.filter(
        by=by,
        alone=True,
        currency__in={currency for currency, _ in found},
        day__in={day for _, day in found},
    )
    for currency, day, total in (
        rows.order_by().values_list("currency", "day").annotate(Sum("gross"))
    ):
        if (currency, day) in found:
            found[currency, day] = total
    return found
