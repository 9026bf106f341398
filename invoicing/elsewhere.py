"""What others gave back on the order lines of refunds of ours: refunds Amazon made, money it shows
beyond them, and what its returns report calls refunded. Reads only; whether it leaves room for a
refund is in `approval.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core.money import ZERO
from invoicing.caps import reported
from invoicing.models import Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.shown import untied
from invoicing.states import OPEN
from orders.models import AmazonReturn

SHOWN = 50


@dataclass(frozen=True)
class Elsewhere:
    """Money of the same order lines that somebody else gave back: what, how much, where it is."""

    what: str
    amount: Decimal | None
    when: Any
    currency: str
    url: str = ""


def seen_elsewhere(refunds: list[Refund]) -> dict[int, list[Elsewhere]]:
    """By refund id, what others refunded on its order lines; refunds without any are left out.

    Five queries however many. Report and untied money count while a refund may still be paid;
    afterwards the match says what differs.
    """
    ours = {refund.pk: refund for refund in refunds if refund.source == Source.RETOUR}
    pairs = RefundLine.objects.filter(refund__in=ours).order_by().distinct()
    on_line: dict[int, list[int]] = {}
    for refund_id, line_id in pairs.values_list("refund_id", "order_line_id"):
        on_line.setdefault(line_id, []).append(refund_id)
    if not on_line:
        return {}
    found: dict[int, list[Elsewhere]] = {pk: [] for pk in ours}
    _refunds(on_line, found)
    still = {pk: refund for pk, refund in ours.items() if refund.state in OPEN}
    _shown(on_line, found, still)
    _untied(found, list(still.values()))
    _reported(on_line, found, still)
    return {pk: some for pk, some in found.items() if some}


def _refunds(on_line: Mapping[int, list[int]], found: dict[int, list[Elsewhere]]) -> None:
    rows = RefundLine.objects.filter(order_line_id__in=on_line, live=True)
    rows = rows.exclude(refund__source=Source.RETOUR).select_related("refund")
    sums: dict[tuple[int, int], Decimal] = {}
    theirs: dict[int, Refund] = {}
    for row in rows.order_by("pk"):
        theirs[row.refund_id] = row.refund
        for pk in on_line[row.order_line_id]:
            sums[pk, row.refund_id] = sums.get((pk, row.refund_id), ZERO) + row.gross
    for (pk, their_id), amount in sums.items():
        one = theirs[their_id]
        what, url = one.get_source_display(), one.get_absolute_url()
        found[pk].append(Elsewhere(what, amount, one.sent_on, one.currency, url))


def _shown(
    on_line: Mapping[int, list[int]],
    found: dict[int, list[Elsewhere]],
    still: Mapping[int, Refund],
) -> None:
    for line, told in sorted(reported(on_line).items()):
        for pk in still.keys() & set(on_line[line]) if told.shown else ():
            what = _("Money at Amazon beyond our refunds")
            found[pk].append(Elsewhere(what, told.gross, told.day, still[pk].currency))


def _untied(found: dict[int, list[Elsewhere]], refunds: list[Refund]) -> None:
    of_order = untied(refund.order_id for refund in refunds)
    for refund in refunds:
        for one in of_order.get(refund.order_id, []):
            what = _("Money at Amazon that no refund stands for yet")
            url = one.get_absolute_url()
            found[refund.pk].append(Elsewhere(what, one.amount, one.day, one.currency, url))


def _reported(
    on_line: Mapping[int, list[int]],
    found: dict[int, list[Elsewhere]],
    still: Mapping[int, Refund],
) -> None:
    rows = AmazonReturn.objects.filter(order_line_id__in=on_line, refunded_amount__gt=0)
    for row in rows.order_by("pk"):
        for pk in on_line[row.order_line_id]:
            if pk in still and len(found[pk]) < SHOWN:
                name, currency = _("Amazon's returns report"), row.currency or still[pk].currency
                said = Elsewhere(name, row.refunded_amount, row.requested_on, currency)
                found[pk].append(said)
