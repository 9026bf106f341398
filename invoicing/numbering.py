"""Taking a number: the gate first, then a short lock that freezes payload and hash chain.

A finding stops before a number is spent and stays on the draft. Numbers are gapless per series and
year; the year is the one where the seller is.
"""

import hashlib
import json
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from config.core.models.counter import next_number
from config.core.money import Split
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import paper
from invoicing.caps import Key, lock_lines, sums_of
from invoicing.models import Document, DocumentLine, NumberSeries
from invoicing.models.document import Kind
from invoicing.particulars import check_particulars
from invoicing.payload import Payload
from invoicing.states import CAP_GROUP, MONEY_LEFT, DocumentState

SERIES_MARK = {Kind.INVOICE: "INV", Kind.CREDIT_NOTE: "CN"}


def number(document: Document, *, by) -> Document:
    """Check a draft and give it its number; it is rendered after the commit.

    What the gate finds is stored on the draft and committed, then refused with code "gate". A
    credit note takes its number only once the money has left.
    """
    require(by, "invoicing.issue_document")
    with trail("number_document", by=by):
        locked = lock_document(document.pk)
        if locked.state != DocumentState.DRAFT:
            raise Refused("state", f"This document already has its number, {locked.number}.")
        refund = getattr(locked, "refund", None)
        if locked.kind == Kind.CREDIT_NOTE and (refund is None or refund.state not in MONEY_LEFT):
            raise Refused(
                "not_sent", "A credit note gets its number when its refund has been sent."
            )
        findings = number_locked(locked)
    if findings:
        raise Refused("gate", " ".join(finding["sentence"] for finding in findings))
    return locked


def lock_document(pk: int) -> Document:
    """Lock a document and read what a number needs."""
    rows = Document.objects.select_related(
        "order__marketplace", "seller", "marketplace", "buyer", "corrects", "refund"
    )
    return rows.select_for_update(of=("self",)).get(pk=pk)


def number_locked(document: Document) -> list[dict[str, str]]:
    """Number a locked draft, or store and return what the gate found. Never raises for a finding.

    The lock on the series is taken last and held until the caller's commit: call it at the end.
    """
    lock_lines([document.order_id])
    issue_date = paper.today_of(document.seller)
    if document.tax_point is None:
        document.tax_point = _tax_point(document)
    payload = paper.fill(document, issue_date)
    document.findings = _excess_credit(document) + [
        {"code": finding.code, "sentence": str(finding.sentence)}
        for finding in check_particulars(payload)
    ]
    if document.findings:
        document.save(update_fields=["findings", "tax_point"])
        return document.findings
    _freeze(document, payload)
    transaction.on_commit(lambda: _hurry(document.pk))
    return []


def chain(previous_hash: str, number: str, payload_sha256: str) -> str:
    """The hash that ties a document to the one before it in its series and year."""
    return hashlib.sha256(f"{previous_hash}\n{number}\n{payload_sha256}".encode()).hexdigest()


def series_of(document: Document) -> NumberSeries:
    """The series of the document's kind; made from the seller's code on first use."""
    mark = SERIES_MARK[document.kind]
    pattern = f"{document.seller.code}-{document.marketplace.code}-{mark}".upper()
    series, _ = NumberSeries.objects.get_or_create(
        seller_id=document.seller_id,
        kind=document.kind,
        marketplace_id=document.marketplace_id,
        defaults={"pattern": pattern + "-{year}-{number:06d}"},
    )
    return series


def _freeze(document: Document, payload: Payload) -> None:
    """Take the next number under the series' lock and freeze content and chain."""
    series, year = series_of(document), payload.issue_date.year
    sequence = next_number(f"series:{series.pk}:{year}")
    payload = replace(payload, number=series.pattern.format(year=year, number=sequence))
    numbered = Document.objects.filter(series=series, year=year).order_by("-sequence")
    document.previous_hash = numbered.values_list("chain_hash", flat=True).first() or ""
    document.series, document.year, document.sequence = series, year, sequence
    document.number, document.issue_date = payload.number, payload.issue_date
    document.payload = json.loads(payload.to_json())
    document.payload_sha256 = payload.sha256()
    document.chain_hash = chain(document.previous_hash, document.number, document.payload_sha256)
    document.state, document.numbered_at = DocumentState.NUMBERED, timezone.now()
    document.save()


def _tax_point(document: Document):
    """The day of supply; on a credit note the day the price fell, that is the refund's."""
    if document.kind == Kind.INVOICE:
        return paper.supply_date(document.order)
    refund = document.refund
    moment = refund.sent_at or refund.confirmed_at or timezone.now()
    return refund.sent_on or timezone.localdate(moment)


def _excess_credit(document: Document) -> list[dict[str, str]]:
    """What a credit note would take above its invoice, per line and component, under the lock."""
    if document.kind != Kind.CREDIT_NOTE:
        return []
    lines = DocumentLine.objects.filter(document__order_id=document.order_id)
    invoiced = _grouped(lines.filter(document=document.corrects_id))
    others = lines.filter(document__kind=Kind.CREDIT_NOTE).exclude(document=document)
    credited = _grouped(others.exclude(document__state=DocumentState.DRAFT))
    return [
        {
            "code": "credit_exceeds",
            "sentence": f"The credit for {sku} would be more than its invoice "
            f"{document.corrects.number} charged; credit notes before it took the rest.",
        }
        for key, (sku, mine) in _mine(document).items()
        if _passes(credited.get(key, Split()) + mine, invoiced.get(key, Split()))
    ]


def _passes(credited: Split, invoiced: Split) -> bool:
    return credited.net > invoiced.net or credited.tax > invoiced.tax


def _mine(document: Document) -> dict[Key, tuple[str, Split]]:
    rows = list(document.lines.all())
    sku = {row.order_line_id: row.sku for row in rows}
    return {key: (sku[key[0]], split) for key, split in _grouped(rows).items()}


def _grouped(rows) -> dict[Key, Split]:
    """Sums per (order line, cap group)."""
    total: dict[Key, Split] = {}
    for (line, component), split in sums_of(rows).items():
        key = (line, CAP_GROUP[component])
        total[key] = total.get(key, Split()) + split
    return total


def _hurry(document_id: int) -> None:
    """Ask a worker to render; without a broker the sweeper does it a minute later."""
    from invoicing.tasks import publish, render_numbered_document

    publish(render_numbered_document, document_id)
