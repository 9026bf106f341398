"""What the page of one refund shows beside its amounts: approvals, attempts, what stops it, how it
is booked. What was seen at Amazon meanwhile is `elsewhere.py`.

Reads only. Buttons are decided in `actions.py`.
"""

from typing import Any

from config.core.display import percent
from invoicing.approval import rests
from invoicing.caps import read_lines
from invoicing.models import Approval, JournalLine, Refund, RefundAttempt
from invoicing.models.refund import Source
from invoicing.states import Component, RefundState

SHOWN = 50
WAITING = (RefundState.PROPOSED, RefundState.APPROVED, RefundState.FAILED)


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


def stops(refund: Refund) -> str:
    """Why it could not be approved or carried out now, whoever asks; empty where nothing speaks
    against it. Its lane's basis is told on its own."""
    if refund.source != Source.RETOUR or refund.state not in WAITING:
        return ""
    found = rests([refund], same_way=False, read=read_lines)
    return found[refund.pk].sentence if found else ""


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
