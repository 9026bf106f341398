"""What the page of one refund shows beside its amounts: approvals, attempts, what was seen at
Amazon meanwhile, how it is booked.

Reads only. Buttons are decided in `actions.py`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.display import percent
from config.core.money import ZERO
from invoicing.models import Approval, JournalLine, Refund, RefundAttempt, RefundLine
from invoicing.models.refund import Source
from invoicing.states import OPEN, Component
from orders.models import AmazonReturn

SHOWN = 50


@dataclass(frozen=True)
class Elsewhere:
    """Money of the same order lines that somebody else gave back: what, how much, where it is."""

    what: str
    amount: Decimal | None
    when: Any
    url: str = ""


def approvals(refund: Refund) -> list[dict[str, Any]]:
    """Who said yes to which content, the newest first; ``holds`` while it is still the content."""
    rows = Approval.objects.filter(refund=refund).select_related("by")[:SHOWN]
    return [{"row": row, "holds": row.content_hash == refund.content_hash} for row in rows]


def attempts(refund: Refund) -> list[RefundAttempt]:
    """Every try to pay it, the newest first."""
    rows = RefundAttempt.objects.filter(refund=refund).defer("evidence")
    related = ("by", "feed", "bank_file")
    rows = rows.select_related(*related).order_by("-number")[:SHOWN]
    return list(rows.defer("feed__content", "feed__report", "bank_file__content", "evidence"))


def elsewhere(refund: Refund, lines: list[RefundLine]) -> list[Elsewhere]:
    """What others refunded on its order lines: refunds Amazon made, and its returns report.

    Looked for while the refund may still be paid; afterwards the match says what differs.
    """
    order_lines = {line.order_line_id for line in lines}
    if refund.source != Source.RETOUR or not order_lines:
        return []
    return [*_refunds(refund, order_lines), *_reported(refund, order_lines)]


def _refunds(refund: Refund, order_lines: set[int]) -> list[Elsewhere]:
    rows = RefundLine.objects.filter(order_line_id__in=order_lines, live=True)
    rows = rows.exclude(refund__source=Source.RETOUR).select_related("refund")
    sums: dict[int, Decimal] = {}
    found: dict[int, Refund] = {}
    for row in rows:
        found[row.refund_id] = row.refund
        sums[row.refund_id] = sums.get(row.refund_id, ZERO) + row.gross
    return [
        Elsewhere(one.get_source_display(), sums[pk], one.sent_on, one.get_absolute_url())
        for pk, one in found.items()
    ]


def _reported(refund: Refund, order_lines: set[int]) -> list[Elsewhere]:
    if refund.state not in OPEN:
        return []
    rows = AmazonReturn.objects.filter(order_line_id__in=order_lines, refunded_amount__gt=0)
    return [
        Elsewhere(_("Amazon's returns report"), row.refunded_amount, row.requested_on)
        for row in rows[:SHOWN]
    ]


def bookings(refund: Refund) -> list[dict[str, Any]]:
    """Its ledger lines, as booked: the journal's heading on its first line only."""
    rows = JournalLine.objects.filter(journal__refund=refund)
    rows = rows.select_related("journal__period", "journal__refund__document")
    found, last = [], None
    for row in rows.order_by("journal_id", "pk")[: 4 * SHOWN]:
        found.append({
            "line": row,
            "journal": row.journal if row.journal_id != last else None,
            "debit": row.amount if row.amount >= 0 else None,
            "credit": -row.amount if row.amount < 0 else None,
            "currency": row.journal.currency,
            "more": _more(row),
        })  # fmt: skip
        last = row.journal_id
    return found


def _more(row: JournalLine) -> str:
    """Which VAT, which component, at which rate of exchange."""
    said = []
    if row.country or row.rate is not None:
        said.append(f"{row.country} {percent(row.rate)}".strip())
    if row.component:
        said.append(str(Component(row.component).label))
    if row.fx_rate is not None:
        said.append(f"{row.fx_rate.normalize():f} ({row.fx_day})")
    return " · ".join(said)
