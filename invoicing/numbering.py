"""Taking a number: the gate outside of any lock, then a short lock that freezes what it looked at.

The gate reads the draft with a placeholder of the number's width. Under the lock the content must
still be the same, or the gate looks again; a finding stays on the draft and spends no number.
Numbers are gapless per series and year; the year is the one where the seller is. Rendering and
the sweeper are in `finishing.py`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from config.core.models.counter import Counter, next_number
from config.core.refused import Refused
from config.core.roles import require
from config.core.sentence import Sentence, say
from config.core.trail import trail
from invoicing import credited, gate, issuing, paper, second_look, standing, vies
from invoicing.caps import lock_lines
from invoicing.gate import GateReport
from invoicing.models import Document, NumberSeries, Refund
from invoicing.models.document import Issuer, Kind
from invoicing.payload import Payload
from invoicing.states import MONEY_LEFT, DocumentState, Occasion

SERIES_MARK = {Kind.INVOICE: "INV", Kind.CREDIT_NOTE: "CN"}
ATTEMPTS = 3  # how often a draft that changes under the gate is looked at again
JOINED = ("order__marketplace", "seller", "marketplace", "buyer", "corrects", "refund")


@dataclass(frozen=True)
class Looked:
    """What the gate saw of a draft, its number still empty, and what it found."""

    content: Payload
    report: GateReport


def number(document: Document, *, by) -> Document:
    """Check a draft and give it its number; it is rendered after the commit.

    What the gate finds is stored on the draft and committed, then refused with code "gate". A
    credit note takes its number only once the money has left.
    """
    require(by, "invoicing.issue_document")
    return number_now(document.pk, by=by, verb="number_document")


def number_now(document_id: int, *, by, verb: str) -> Document:
    """`number` without the permission: for verbs that checked their own."""
    document, _ = take_number(document_id, by=by, verb=verb, published=True)
    if document.findings:
        raise Refused("gate", " ".join(map(sentence_of, document.findings)))
    return document


def take_number(
    document_id: int, *, by, verb: str, published: bool = False
) -> tuple[Document, GateReport]:
    """Gate a draft and number it, or store what was found; returns it and the gate's report.

    Each attempt looks at the draft without a lock, then compares and freezes under the locks.
    ``published`` sends the rendering to a worker after the commit. Raises Refused for a document
    that is no draft of ours or whose money has not left, and Document.DoesNotExist.
    """
    second_look.meet_buyer(document_id)
    second_look.decide_again(document_id)
    for _ in range(ATTEMPTS):
        draft = Document.objects.select_related(*JOINED).get(pk=document_id)
        check_turn(draft)
        vies.ensure(draft, by=by)
        looked = look(draft)
        with trail(verb, by=by):
            document = lock_document(document_id)
            check_turn(document)
            if standing.follow_correction(document) or _content(document) != looked.content:
                continue
            _settle(document, looked)
            if published and not document.findings:
                send_to_worker(document_id)
        return document, looked.report
    raise Refused("changed", "The facts of this document are changing right now: try it again.")


def look(document: Document) -> Looked:
    """Run the gate on a draft as it stands; takes no lock and stores nothing."""
    from invoicing import reviewing  # its verb hands over to this module

    content = _content(document)
    payload = replace(content, number=placeholder(document, content.issue_date))
    report = gate.check(payload)
    if doubts := reviewing.doubts(document, content):
        report = replace(report, findings=[*doubts, *report.findings])
    return Looked(content, report)


def lock_document(document_id: int) -> Document:
    """Lock refund, order lines and document, in that order, and read what a number needs."""
    order_id = Document.objects.values_list("order_id", flat=True).get(pk=document_id)
    list(Refund.objects.filter(document_id=document_id).select_for_update(no_key=True))
    lock_lines([order_id])
    rows = Document.objects.select_related(*JOINED)
    return rows.select_for_update(of=("self",), no_key=True).get(pk=document_id)


def sentence_of(finding: Mapping[str, Any]) -> str:
    """A stored finding in plain English."""
    said = finding["sentence"]
    return said if isinstance(said, str) else str(Sentence.from_json(said))


def chain(previous_hash: str, number: str, payload_sha256: str) -> str:
    """The hash that ties a document to the one before it in its series and year."""
    return hashlib.sha256(f"{previous_hash}\n{number}\n{payload_sha256}".encode()).hexdigest()


def placeholder(document: Document, day: date) -> str:
    """What the number would be if it were taken now: right in form and width, and not taken."""
    series = NumberSeries.objects.filter(**_series_key(document)).first()
    taken = series and Counter.objects.filter(name=_counter(series, day.year)).first()
    pattern = series.pattern if series else _pattern(document)
    return pattern.format(year=day.year, number=(taken.value if taken else 0) + 1)


def series_of(document: Document) -> NumberSeries:
    """The series of the document's kind; made from the seller's code on first use."""
    series, _ = NumberSeries.objects.get_or_create(
        **_series_key(document), defaults={"pattern": _pattern(document)}
    )
    return series


def _series_key(document: Document) -> dict:
    return {
        "seller_id": document.seller_id,
        "kind": document.kind,
        "marketplace_id": document.marketplace_id,
    }


def _pattern(document: Document) -> str:
    mark = SERIES_MARK[document.kind]
    return f"{document.seller.code}-{document.marketplace.code}-{mark}".upper() + (
        "-{year}-{number:06d}"
    )


def _counter(series: NumberSeries, year: int) -> str:
    return f"series:{series.pk}:{year}"


def check_turn(document: Document) -> None:
    """`check_ours`, and a corrected invoice waits for the cancellation of the one before it."""
    check_ours(document)
    if standing.waits(document):
        raise Refused("waits", f"It follows when {document.corrects} is cancelled in full.")


def check_ours(document: Document) -> None:
    """Refuse what is no draft of ours, what Amazon issues, and a credit before its money left."""
    if document.state != DocumentState.DRAFT:
        raise Refused("state", f"This document already has its number, {document.number}.")
    if document.issuer != Issuer.RETOUR:
        raise Refused("recorded", "Somebody else issued this document: record its number.")
    if document.kind == Kind.INVOICE and document.occasion == Occasion.SUPPLY:
        issuing.require_turn(document)
    elif not _money_left(document):
        raise Refused("not_sent", "A credit note gets its number when its refund has been sent.")
    elif document.kind == Kind.CREDIT_NOTE and issuing.is_amazons_credit(document.corrects):
        raise Refused("amazon_issues", "Amazon writes this credit note: record its number.")


def _money_left(document: Document) -> bool:
    """A refund's credit note follows the money, and the fee kept from it too; corrections of
    invoices move none.
    """
    note = document.corrects if document.occasion == Occasion.FEE else document
    refund = Refund.objects.filter(document=note).first() if note else None
    if refund is not None:
        return refund.state in MONEY_LEFT
    moves_none = document.occasion in (Occasion.CANCELLATION, Occasion.CORRECTION)
    return moves_none or document.kind == Kind.INVOICE


def _content(document: Document) -> Payload:
    """What the document would say if it were issued today, its number still empty."""
    if document.tax_point is None:
        document.tax_point = _tax_point(document)
    return paper.fill(document, paper.today_of(document.seller))


def _tax_point(document: Document) -> date | None:
    """The day of supply; on a credit note the day the price fell, that is the refund's."""
    if document.kind == Kind.INVOICE:
        return paper.supply_date(document.order)
    refund = getattr(document, "refund", None)
    if refund is None:
        return paper.today_of(document.seller)
    moment = refund.sent_at or refund.confirmed_at or timezone.now()
    return refund.sent_on or timezone.localdate(moment)


def _settle(document: Document, looked: Looked) -> None:
    """Under the locks: number the draft, or store what was found on it."""
    document.gated_at = timezone.now()
    found = [finding.to_json() for finding in looked.report.findings]
    document.findings = [*found, *_excess(document)]
    if document.findings:
        document.save(update_fields=["findings", "gated_at", "tax_point"])
    else:
        _freeze(document, looked.content)
        send_followers(document)


def _freeze(document: Document, payload: Payload) -> None:
    """Take the next number under the series' lock and freeze content and chain.

    The counter's row stays locked until the commit: this is the last lock of all.
    """
    series, year = series_of(document), payload.issue_date.year
    sequence = next_number(_counter(series, year))
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


def _excess(document: Document) -> Iterable[dict[str, str]]:
    """What a credit note would take above its invoices, per line, component and rate."""
    reversal = document.kind == Kind.INVOICE
    for row in credited.excess(document):
        said = _charged_again(document, row.sku) if reversal else _credited_before(row.sku)
        yield {
            "code": "credit_exceeds", "layer": "invoices", "sentence": said.to_json(), "at": row.sku
        }  # fmt: skip


def _charged_again(document: Document, sku: str) -> Sentence:
    return say(
        "More of %(sku)s would be charged again than %(number)s credited.",
        sku=sku,
        number=document.corrects.number,
    )


def _credited_before(sku: str) -> Sentence:
    return say(
        "The credit for %(sku)s would be more than its invoice charged; credit notes before it "
        "took the rest.",
        sku=sku,
    )


def send_to_worker(document_id: int) -> None:
    """Ask a worker after the commit; without a broker the sweeper does it a minute later."""
    transaction.on_commit(lambda: _hurry(document_id))


def send_followers(document: Document) -> None:
    """Send the corrected invoices that waited for a cancellation to a worker."""
    if document.occasion != Occasion.CANCELLATION:
        return
    waiting = Document.objects.filter(corrects=document.corrects_id, state=DocumentState.DRAFT)
    due = waiting.filter(occasion=Occasion.CORRECTION).exclude(due_at=None)
    for pk in due.values_list("pk", flat=True):
        send_to_worker(pk)


def _hurry(document_id: int) -> None:
    from invoicing.tasks import issue_document, publish

    publish(issue_document, document_id)
