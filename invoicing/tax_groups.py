"""What rows of Amazon's tax reports ask for, one group for each document. Pure: no writes.

A group is a shipment or a refund of one order. `vidr_invoice`, `vidr_credit`, `amazon_invoice` and
`amazon_credit` say what is to be done with it; `supplies.py` does it under locks, and lists what
waits with the sentence a person reads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from config.core.money import ZERO
from config.core.sentence import Sentence, gettext_noop, say
from invoicing.models import Document, IssuingMode, Refund, TaxFact
from invoicing.models.document import Issuer
from invoicing.states import Component, DocumentState, Occasion
from orders.models import Order

COMPONENTS = (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP)
PENDING = "pending"  # InvoicePending, CreditNotePending
REVERSAL = "CorrectionReversal:"

WAITS = {
    "stub": gettext_noop("The order is known by name only. Import the orders report that has it."),
    "line": gettext_noop("It is not certain which order line is meant. Decide it on the order."),
    "deemed": gettext_noop("Amazon is the supplier for the tax: nobody else issues an invoice."),
    "amazon": gettext_noop("Amazon says that it issues this invoice itself, though the seller's"
                           " issuing mode says otherwise. Check the mode."),
    "mode": gettext_noop("Amazon expects an invoice from its tax data, but the issuing mode of the"
                         " seller there is another one. Check the mode."),
    "currency": gettext_noop("The amounts are in another currency than the order."),
    "status": gettext_noop("Amazon knows an invoice of another system, without its number."),
    "number": gettext_noop("Number %(number)s is on record already, for another document."),
    "double": gettext_noop("Amazon issued invoice %(number)s for a supply that we invoiced with"
                           " %(ours)s: the tax is owed twice. Cancel ours at once."),
    "other": gettext_noop("Amazon's report names invoice %(number)s, on record is %(ours)s."),
    "correction": gettext_noop("The buyer asked Amazon for a corrected invoice. Bring the buyer's"
                               " details up to date, then correct the invoice. %(details)s"),
    "reversal": gettext_noop("Amazon took an invoice back that is to be corrected: the credit note"
                             " follows when the invoice is corrected."),
    "unmatched": gettext_noop("No credit note of ours has these lines and this amount and waits for"
                              " Amazon's transaction."),
    "refund": gettext_noop("No refund without a document has these lines and this amount."),
    "no_invoice": gettext_noop("The invoice that Amazon credits with %(number)s is not on record."),
    "nothing": gettext_noop("Nothing was charged, so there is nothing to invoice."),
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What to do with a group: "draft", "record", "tie" (to ``target``) or "wait" (and why)."""

    do: str
    code: str = ""
    target: Document | Refund | None = None
    words: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> Sentence:
        """Why a group waits, in words."""
        return say(WAITS[self.code], **self.words)


@dataclass(frozen=True)
class Group:
    """The open rows of one document: a shipment's, or a refund's; amounts are positive."""

    report: str
    kind: str
    order: Order
    shipment_id: str
    transaction_id: str
    number: str
    facts: tuple[TaxFact, ...]

    @property
    def net(self) -> Decimal:
        """Σ net of all components."""
        return abs(sum((getattr(f, f"{c}_net") for f in self.facts for c in COMPONENTS), ZERO))

    @property
    def tax(self) -> Decimal:
        """Σ tax of all components."""
        return abs(sum((getattr(f, f"{c}_tax") for f in self.facts for c in COMPONENTS), ZERO))

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax

    @property
    def lines(self) -> set[int | None]:
        """Ids of the order lines it touches."""
        return {fact.order_line_id for fact in self.facts}

    @property
    def corrected(self) -> bool:
        """Whether it belongs to a correction the buyer asked Amazon for."""
        return any(fact.corrected for fact in self.facts)

    @property
    def shipped_on(self) -> date | None:
        """The day of dispatch in the marketplace's zone, else of the order."""
        moments = [fact.shipped_at or fact.ordered_at for fact in self.facts]
        if not any(moments):
            return None
        zone = ZoneInfo(self.order.marketplace.time_zone)
        return max(filter(None, moments)).astimezone(zone).date()


def groups(facts: Iterable[TaxFact]) -> list[Group]:
    """Open rows as groups: VIDR by shipment or transaction, Amazon's by the number it gave."""
    found: dict[tuple, list[TaxFact]] = {}
    for fact in facts:
        shipment = fact.transaction_type == TaxFact.Type.SHIPMENT
        own = fact.transaction_id if fact.corrected or not shipment else ""
        if fact.report == TaxFact.Report.AMAZON:
            key = (fact.invoice_number,)
        else:
            key = (fact.shipment_id if shipment else "", own)
        found.setdefault((fact.order_id, fact.transaction_type, fact.report, *key), []).append(fact)
    return [_group(rows) for _, rows in sorted(found.items())]


def _group(rows: list[TaxFact]) -> Group:
    first = rows[0]
    shipments = {row.shipment_id for row in rows}
    return Group(
        report=first.report,
        kind=first.transaction_type,
        order=first.order,
        shipment_id=first.shipment_id if len(shipments) == 1 else "",
        transaction_id=min(row.transaction_id for row in rows),
        number=max(row.invoice_number for row in rows),
        facts=tuple(rows),
    )


# --- From VIDR: we issue -------------------------------------------------------------------------


def vidr_invoice(
    group: Group, invoices: Sequence[Document], numbered: Document | None, mode: str
) -> Verdict:
    """A shipment in VIDR: draft our invoice, record an earlier system's, or tie to what is there.

    ``invoices`` are all invoices of supplies of the order, drafts too; ``numbered`` is
    the document of the seller that has the group's number, ``mode`` is as `issuing.mode_of` says.
    """
    mine = [
        one
        for one in invoices
        if (one.whole_order or one.shipment_id == group.shipment_id) and not is_leftover(one)
    ]
    if group.corrected:
        return _corrected_invoice(group, mine)
    if mine:
        return _tied(group, mine)
    if code := _not_ours(group, mode) or _unclear(group):
        return Verdict("wait", code)
    if not any(fact.status.lower().endswith(PENDING) for fact in group.facts):
        return _issued_elsewhere(group, numbered)
    return Verdict("draft") if group.gross else Verdict("wait", "nothing")


def _issued_elsewhere(group: Group, numbered: Document | None) -> Verdict:
    """Amazon has the seller's invoice already: what another system issued is put on record."""
    if not group.number:
        return Verdict("wait", "status")
    if numbered is not None:
        return Verdict("wait", "number", numbered, {"number": group.number})
    return Verdict("record")


def is_leftover(document: Document) -> bool:
    """Whether it is a draft of another mode, which nobody issues: a new one takes its place."""
    supply = document.occasion == Occasion.SUPPLY and document.issuer == Issuer.RETOUR
    vidr = document.mode == IssuingMode.Issuer.VIDR
    return supply and document.state == DocumentState.DRAFT and not vidr


def _tied(group: Group, mine: Sequence[Document]) -> Verdict:
    """To the invoice on record; a number Amazon has from us must be its."""
    first = min(mine, key=lambda one: (one.revision, one.pk))
    foreign = group.number and first.number and group.number != first.number
    words = {"number": group.number, "ours": first.number}
    return Verdict("wait", "other", first, words) if foreign else Verdict("tie", target=first)


def _corrected_invoice(group: Group, mine: Sequence[Document]) -> Verdict:
    anew = [
        one
        for one in mine
        if one.occasion == Occasion.CORRECTION and one.transaction_id in ("", group.transaction_id)
    ]
    if anew:
        return Verdict("tie", target=min(anew, key=lambda one: one.revision))
    details = next((f.correction_details for f in group.facts if f.correction_details), "")
    return Verdict("wait", "correction", mine[0] if mine else None, {"details": details})


def vidr_credit(
    group: Group,
    notes: Sequence[Document],
    refunds: Sequence[Refund],
    invoice: Document | None,
    mode: str,
) -> Verdict:
    """A refund in VIDR: the credit note of ours that its transaction belongs to, or a draft of the
    one that is missing, where Amazon refunded.

    ``notes`` are the order's credit notes of ours and ``refunds`` those whose money left and that
    have no document, each with their lines' ids in ``line_ids``; ``invoice`` is what it takes back.
    """
    known = [note for note in notes if note.transaction_id == group.transaction_id]
    if known:
        return Verdict("tie", target=known[0])
    reversal = group.transaction_id.startswith(REVERSAL)
    fitting = [
        note
        for note in notes
        if not note.transaction_id
        and (note.occasion == Occasion.CANCELLATION if reversal else note.follows_refund)
        and _fits(note, group)
    ]
    if fitting:
        by_shipment = [note for note in fitting if note.shipment_id == group.shipment_id]
        return Verdict("tie", target=min(by_shipment or fitting, key=lambda note: note.pk))
    paid = [refund for refund in refunds if not reversal and _fits(refund, group)]
    if paid and invoice and invoice.issuer != Issuer.AMAZON and not _not_ours(group, mode):
        code = _unclear(group)
        return Verdict("wait", code) if code else Verdict("draft", target=_first(paid))
    return Verdict("wait", "reversal" if reversal else "unmatched")


def _fits(known: Document | Refund, group: Group) -> bool:
    return known.gross == group.gross and known.line_ids == group.lines


def _first(refunds: Sequence[Refund]) -> Refund:
    return min(refunds, key=lambda refund: (refund.sent_on or date.max, refund.pk))


# --- From SC_VAT_TAX: Amazon issued --------------------------------------------------------------


def amazon_invoice(
    group: Group, invoices: Sequence[Document], numbered: Document | None
) -> Verdict:
    """An invoice that Amazon issued: record it, or tie to it; ours beside it is said loudly.

    ``numbered`` is the document of the seller that has the number already.
    """
    if numbered is not None:
        same = numbered.order_id == group.order.pk and numbered.issuer == Issuer.AMAZON
        return (
            Verdict("tie", target=numbered)
            if same
            else Verdict("wait", "number", numbered, {"number": group.number})
        )
    on_record = [one for one in invoices if one.number]
    mine = [
        one for one in on_record
        if one.whole_order or not group.shipment_id or one.shipment_id == group.shipment_id
    ]  # fmt: skip
    standing = [one for one in mine if not one.is_taken_back]
    if standing:
        code = "double" if standing[0].issuer != Issuer.AMAZON else "other"
        words = {"number": group.number, "ours": standing[0].number}
        return Verdict("wait", code, standing[0], words)
    code = _unclear(group)
    return Verdict("wait", code) if code else Verdict("record")


def amazon_credit(
    group: Group, invoice: Document | None, refunds: Sequence[Refund], numbered: Document | None
) -> Verdict:
    """A credit note that Amazon issued: the refund whose document it is. ``invoice`` is on record.

    ``refunds`` are those of the order whose money left and that have no document, with their lines'
    ids in ``line_ids``.
    """
    if numbered is not None:
        same = numbered.order_id == group.order.pk and numbered.issuer == Issuer.AMAZON
        return (
            Verdict("tie", target=numbered)
            if same
            else Verdict("wait", "number", numbered, {"number": group.number})
        )
    if code := _unclear(group):
        return Verdict("wait", code)
    if invoice is None:
        return Verdict("wait", "no_invoice", words={"number": group.number})
    fitting = [refund for refund in refunds if _fits(refund, group)]
    return Verdict("record", target=_first(fitting)) if fitting else Verdict("wait", "refund")


# --- Both ----------------------------------------------------------------------------------------


def _not_ours(group: Group, mode: str) -> str:
    if any(fact.deemed_supplier for fact in group.facts):
        return "deemed"
    if group.order.is_amazon_invoiced or any(fact.amazon_invoiced for fact in group.facts):
        return "amazon"
    return "" if mode == IssuingMode.Issuer.VIDR else "mode"


def _unclear(group: Group) -> str:
    if not group.order.facts_complete or group.order.marketplace_id is None:
        return "stub"
    if None in group.lines:
        return "line"
    return "" if {fact.currency for fact in group.facts} == {group.order.currency} else "currency"
