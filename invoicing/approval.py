"""Approving refunds: who may, what is checked again under the lock, and the credit note drafted.

One set-based path for one refund and for many; the number of queries does not grow with them.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from config.core.money import Split
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import four_eyes, refund_row
from invoicing.calculation import Calculation, content_hash
from invoicing.caps import (
    Key,
    Reported,
    excess_sentence,
    first_excess,
    first_reported,
    lock_lines,
    read_lines,
    reported,
    reported_sentence,
    sums_of,
)
from invoicing.drafting import NO_INVOICE, draft_credit_notes, invoices_of
from invoicing.models import Document, Refund, RefundLine
from invoicing.sending import lanes
from invoicing.sending.lanes import Way
from invoicing.states import REFUND_VERB, RefundState
from orders.models import OrderLine


@dataclass
class BulkResult:
    """What a bulk verb did: keys that are done, and (key, sentence) of those refused."""

    done: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def approve(key: UUID | str, *, by, content_hash: str | None = None) -> Refund:
    """Approve one refund: proposed, or failed with unchanged content (the next attempt).

    ``content_hash`` is what the approver saw; another content is refused. Drafts the credit note
    unless Amazon writes it. Raises ``Refused``.
    """
    seen = {str(key): content_hash} if content_hash else {}
    done, refused = _approve([key], by=by, seen=seen)
    for refusal in refused.values():
        raise refusal
    if not done:
        raise Refused("not_found", "This refund does not exist.")
    return Refund.objects.select_related("order", "document").get(pk=done[0].pk)


def approve_many(
    keys: Iterable[UUID | str], *, by, seen: Mapping[str, str] | None = None
) -> BulkResult:
    """Approve what can be approved; the rest is returned with the sentence that refused it.

    ``seen`` holds, by key, the content hashes that the approver saw; another content is refused.
    """
    wanted = [str(key) for key in keys]
    done, refused = _approve(wanted, by=by, seen=dict(seen or {}))
    found = {str(refund.key) for refund in done} | set(refused)
    missing = [(key, "This refund does not exist.") for key in wanted if key not in found]
    return BulkResult(
        [str(refund.key) for refund in done],
        [(key, refusal.sentence) for key, refusal in refused.items()] + missing,
    )


def foresee(refunds: list[Refund], *, by) -> dict[int, Refused]:
    """What `approve_many` would refuse of these refunds now, by id: asked before anybody clicks.

    Takes no lock and decides nothing; the click asks again. Wants refunds in a state that can be
    approved, with order and payee loaded; the number of queries does not grow with them.
    """
    facts = _Facts.of(refunds, read=read_lines)
    facts.invoices = invoices_of(refund.order_id for refund in refunds)
    facts.objections = refund_row.objections(refunds, facts.own_rows)
    facts.alone = four_eyes.Alone.of(refunds, by, timezone.now(), lock=False)
    found: dict[int, Refused] = {}
    for refund in refunds:
        try:
            _check(refund, facts, by, None)
        except Refused as refusal:
            found[refund.pk] = refusal
    return found


def _approve(keys, *, by, seen: dict[str, str]) -> tuple[list[Refund], dict[str, Refused]]:
    require(by, REFUND_VERB["approve"].permission)
    with trail("approve_refund", by=by):
        refunds = refund_row.by_keys(keys, related=("payee",))
        facts = _Facts.of(refunds)
        facts.invoices = invoices_of(refund.order_id for refund in refunds)
        facts.objections = refund_row.objections(refunds, facts.own_rows)
        facts.alone = four_eyes.Alone.of(refunds, by, timezone.now())
        done: list[Refund] = []
        refused: dict[str, Refused] = {}
        for refund in refunds:
            try:
                _check(refund, facts, by, seen.get(str(refund.key)))
            except Refused as refusal:
                refused[str(refund.key)] = refusal
            else:
                done.append(refund)
        if done:
            _store(done, facts, by)
            again = {refund.pk for refund in done if refund.state == RefundState.FAILED}
            refund_row.tell((refund.pk for refund in done), money=again)
    return done, refused


@dataclass
class _Facts:
    """What the checks of a batch need, read once under the locks."""

    order_lines: dict[int, OrderLine]
    rows: dict[int, list[RefundLine]]
    live: dict[Key, Split]
    reported: dict[int, Reported] = field(default_factory=dict)
    bases: dict[int, str] = field(default_factory=dict)
    invoices: dict[int, list[Document]] = field(default_factory=dict)
    objections: dict[int, Refused] = field(default_factory=dict)
    alone: four_eyes.Alone | None = None

    @classmethod
    def of(cls, refunds: list[Refund], read: Callable = lock_lines) -> "_Facts":
        """Lock the order lines, then read everything live on them and the refunds' own lines."""
        order_lines = read({refund.order_id for refund in refunds})
        rows: dict[int, list[RefundLine]] = {refund.pk: [] for refund in refunds}
        live = []
        mine_or_live = Q(refund__in=refunds) | Q(order_line_id__in=order_lines, live=True)
        for row in RefundLine.objects.filter(mine_or_live).order_by("pk"):
            row.order_line = order_lines[row.order_line_id]
            rows.get(row.refund_id, []).append(row)
            if row.live:
                live.append(row)
        bases = lanes.bases_of(refunds)
        return cls(order_lines, rows, sums_of(live), reported(order_lines), bases)

    @property
    def own_rows(self) -> list[RefundLine]:
        """The lines of the batch's refunds."""
        return [row for rows in self.rows.values() for row in rows]

    def check_basis(self, refund: Refund) -> None:
        """Refuse when the lane wants net now and the refund is gross, or the other way round."""
        if why := lanes.other_basis(refund, self.bases.get(refund.pk, "")):
            raise Refused("basis", why)

    def check_caps(self, refund: Refund) -> None:
        """Refuse when what was paid does not cover the refund any more."""
        own = sums_of(self.rows[refund.pk])
        others: Mapping[Key, Split] = self.live
        if refund.is_live:
            others = ChainMap(
                {key: self.live[key] - split for key, split in own.items()}, self.live
            )
        if found := first_excess(self.order_lines, others, own):
            raise Refused("cap_exceeded", excess_sentence(*found, refund.currency))
        if told := first_reported(self.order_lines, others, own, self.reported):
            raise Refused(told[-1].code, reported_sentence(*told, refund.currency))
        if not refund.is_live:  # a failed refund counts again, also for the rest of the batch
            for key, split in own.items():
                self.live[key] = self.live.get(key, Split()) + split


def _check(refund: Refund, facts: _Facts, by, seen: str | None) -> None:
    refund_row.check_state(refund, "approve")
    if seen and seen != refund.content_hash:
        raise Refused("changed", "This is not the refund you looked at any more: look again.")
    facts.check_basis(refund)
    check_content(refund, facts.rows[refund.pk])
    if refund.order_id not in facts.invoices:
        raise Refused(*NO_INVOICE)
    if refund.pk in facts.objections:
        raise facts.objections[refund.pk]
    four_eyes.check_second_person(refund, by)  # after what stops everybody
    facts.check_caps(refund)
    facts.alone.take(refund)


def content(
    calculation: Calculation | Mapping[str, Any], order_id: int, origin: str, way: Way
) -> str:
    """The hash an approval is bound to: the calculation, its order, its case, its lane, whether the
    amounts go there net or gross, and the account.
    """
    extra: dict[str, str | int] = {"order": order_id, "origin": origin, "basis": way.basis}
    if way.account:
        extra["payee"] = way.account.content
    return content_hash(calculation, way.lane, extra)


def check_content(refund: Refund, rows: list[RefundLine]) -> None:
    """Refuse when calculation, lines and totals are not what was proposed (or approved before)."""
    kept = refund.calculation
    stored = [(row.order_line_id, row.component, row.net, row.tax) for row in rows]
    calculated = [
        (int(line["order_line"]), line["component"], Decimal(line["net"]), Decimal(line["tax"]))
        for line in kept["lines"]
    ]
    same = (
        content(kept, refund.order_id, refund.origin, lanes.way_of(refund)) == refund.content_hash
        and sorted(stored) == sorted(calculated)
        and sum(line[2] for line in calculated) == refund.net
        and sum(line[3] for line in calculated) == refund.tax
        and refund.approved_hash in ("", refund.content_hash)
    )
    if not same:
        raise Refused(
            "content_changed",
            "The content of this refund is not what was proposed. Reject it and propose it again.",
        )


def check_rest(refund: Refund, *, same_way: bool = True) -> None:
    """Refuse when another refund, ours or Amazon's, meanwhile took what this one needs, and
    (``same_way``) when its lane wants net amounts now where gross ones were approved, or gross.

    Locks the order's lines; used when a refund is about to be carried out.
    """
    for refusal in rests([refund], same_way=same_way).values():
        raise refusal


def rests(
    refunds: list[Refund], *, same_way: bool = True, read: Callable = lock_lines
) -> dict[int, Refused]:
    """The same for many locked refunds at once: what speaks against each, by its id.

    With ``read_lines`` nothing is locked: to foresee, never to decide.
    """
    facts = _Facts.of(refunds, read=read)
    found = refund_row.objections(refunds, facts.own_rows)
    for refund in refunds:
        try:
            if same_way:
                facts.check_basis(refund)
            check_content(refund, facts.rows[refund.pk])
            facts.check_caps(refund)
        except Refused as refusal:
            found.setdefault(refund.pk, refusal)
    return found


# The credit note drafted for a refund, and the approval as it stands on the refund itself. What an
# earlier try left there goes (the attempts keep it): it would be taken for a day of this one.
_APPROVE = """
UPDATE invoicing_refund r SET state = %(approved)s, approver_id = %(by)s, approved_at = %(at)s,
    approved_hash = r.content_hash, version = r.version + 1,
    sending_at = NULL, sent_at = NULL, sent_on = NULL, sender_id = NULL,
    attempt = r.attempt + CASE WHEN r.state = %(failed)s THEN 1 ELSE 0 END,
    document_id = coalesce(given.document, r.document_id)
FROM unnest(%(ids)s::bigint[], %(drafts)s::bigint[]) AS given(refund, document)
WHERE r.id = given.refund
"""


def _store(refunds: list[Refund], facts: _Facts, by) -> None:
    four_eyes.write(refunds, by, facts.alone.at)
    lines = [row for refund in refunds for row in facts.rows[refund.pk]]
    drafts = draft_credit_notes(refunds, facts.invoices, lines, by=by)
    given = {
        "approved": RefundState.APPROVED.value,
        "failed": RefundState.FAILED.value,
        "by": by.pk,
        "at": facts.alone.at,
        "ids": [refund.pk for refund in refunds],
        "drafts": [drafts[refund.pk].pk if refund.pk in drafts else None for refund in refunds],
    }
    with connection.cursor() as cursor:
        cursor.execute(_APPROVE, given)
