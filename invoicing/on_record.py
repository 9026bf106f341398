"""What is on record of the orders that Amazon's tax rows name, and which rows could be done now.

Reads only, a few queries for any number of orders. What a row asks for is decided in
`tax_groups.py` with what is known here; `supplies.py` does it.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from invoicing import issuing, tax_groups
from invoicing.credited import Credited, add
from invoicing.models import Document, DocumentLine, IssuingMode, Refund, TaxFact
from invoicing.models.document import Issuer, Kind
from invoicing.standing import SALES
from invoicing.states import MONEY_LEFT, DocumentState
from invoicing.tax_groups import Group, Verdict

MONEY = ~Q(transaction_type=TaxFact.Type.RETURN)


def ready(seller_ids: Iterable[int] | None) -> QuerySet[TaxFact]:
    """Open rows that could get a document now; the others wait for something else first."""
    rows = TaxFact.objects.filter(
        MONEY, document=None, order__facts_complete=True, order__erasures=None
    )
    if seller_ids is not None:
        rows = rows.filter(seller_id__in=list(seller_ids))
    vidr = IssuingMode.objects.filter(
        seller=OuterRef("seller"),
        marketplace=OuterRef("order__marketplace"),
        issuer=IssuingMode.Issuer.VIDR,
    )
    documents = Document.objects.filter(order=OuterRef("order"))
    notes = documents.filter(kind=Kind.CREDIT_NOTE, issuer=Issuer.RETOUR, transaction_id="")
    unpaired = Refund.objects.filter(
        order=OuterRef("order"), document=None, state__in=MONEY_LEFT, gross__gt=0
    )
    numbered = Document.objects.filter(seller=OuterRef("seller"), number=OuterRef("invoice_number"))
    # Never ours to issue: such rows only wait for Amazon's document, and may be many.
    amazons = Q(deemed_supplier=True) | Q(amazon_invoiced=True) | Q(order__is_amazon_invoiced=True)
    shipped, given_back = TaxFact.Type.SHIPMENT, TaxFact.Type.REFUND
    from_vidr = Q(report=TaxFact.Report.VIDR)
    by_amazon = Q(report=TaxFact.Report.AMAZON) & ~Q(invoice_number="")
    return rows.filter(
        (from_vidr & Q(transaction_type=shipped) & ((Exists(vidr) & ~amazons) | Exists(documents)))
        | (from_vidr & Q(transaction_type=given_back) & (Exists(notes) | Exists(unpaired)))
        | (by_amazon & Q(transaction_type=shipped))
        | (by_amazon & Q(transaction_type=given_back) & (Exists(unpaired) | Exists(numbered)))
    )


def may_conflict(rows: QuerySet[TaxFact]) -> QuerySet[TaxFact]:
    """Open shipments that name an invoice where another stands for their order, or has its number;
    who looks for conflicts reads these first.
    """
    on_record = Document.objects.filter(seller=OuterRef("seller")).exclude(number="")
    same = Q(order=OuterRef("order"), kind=Kind.INVOICE) | Q(number=OuterRef("invoice_number"))
    named = rows.filter(transaction_type=TaxFact.Type.SHIPMENT).exclude(invoice_number="")
    return named.filter(Exists(on_record.filter(same)))


class Known:
    """What is on record of the orders of some facts: invoices of supplies, credit notes of ours,
    refunds without a document whose money left, issuing modes, and who has a number.
    """

    def __init__(self, facts: list[TaxFact]) -> None:
        orders = {fact.order_id for fact in facts}
        rows = Document.objects.filter(order_id__in=orders).order_by("pk")
        self.invoices = _by_order(rows.filter(kind=Kind.INVOICE, occasion__in=SALES))
        self.notes = _by_order(rows.filter(kind=Kind.CREDIT_NOTE, issuer=Issuer.RETOUR))
        refunds = Refund.objects.filter(order_id__in=orders, document=None, state__in=MONEY_LEFT)
        self.refunds = _by_order(refunds.order_by("pk"))
        self.modes = issuing.modes(fact.order.seller_id for fact in facts)
        self.numbers = self._numbers(facts)
        self._look_closer()

    def _numbers(self, facts: list[TaxFact]) -> dict[tuple[int, str], Document]:
        given = {fact.invoice_number for fact in facts} - {""}
        found = Document.objects.filter(
            seller_id__in={fact.seller_id for fact in facts}, number__in=given
        )
        return {(row.seller_id, row.number): row for row in found}

    def _look_closer(self) -> None:
        """Say of credit notes and refunds their lines, of invoices whether they were taken back."""
        notes = {note.pk: note for notes in self.notes.values() for note in notes}
        refunds = {one.pk: one for rows in self.refunds.values() for one in rows}
        for row in (*notes.values(), *refunds.values()):
            row.line_ids = set()
        lines = DocumentLine.objects.filter(document_id__in=notes)
        for pk, line in lines.values_list("document_id", "order_line_id"):
            notes[pk].line_ids.add(line)
        for pk, line in Refund.objects.filter(pk__in=refunds).values_list(
            "pk", "lines__order_line_id"
        ):
            refunds[pk].line_ids.add(line)
        self._mark_taken_back()

    def _mark_taken_back(self) -> None:
        invoices = [one for rows in self.invoices.values() for one in rows]
        counted = DocumentLine.objects.filter(document__order_id__in=self.invoices)
        sums = add(Credited(), counted.exclude(document__state=DocumentState.DRAFT))
        for invoice in invoices:
            credited = any(key[0] == invoice.pk for key in sums.credited)
            invoice.is_taken_back = credited and not any(sums.left(invoice.pk).values())

    def verdict(self, group: Group) -> Verdict:
        """What is to do with a group."""
        order = group.order
        invoices = self.invoices.get(order.pk, [])
        if group.report == TaxFact.Report.AMAZON:
            numbered = self.numbers.get((order.seller_id, group.number))
            if group.kind == TaxFact.Type.SHIPMENT:
                return tax_groups.amazon_invoice(group, invoices, numbered)
            refunds = self.refunds.get(order.pk, [])
            return tax_groups.amazon_credit(group, self.credited_invoice(group), refunds, numbered)
        mode = self.modes.get((order.seller_id, order.marketplace_id), "")
        if group.kind == TaxFact.Type.REFUND:
            notes, refunds = self.notes.get(order.pk, []), self.refunds.get(order.pk, [])
            return tax_groups.vidr_credit(group, notes, refunds, self.credited_invoice(group), mode)
        numbered = self.numbers.get((order.seller_id, group.number))
        return tax_groups.vidr_invoice(group, invoices, numbered, mode)

    def credited_invoice(self, group: Group) -> Document | None:
        """The invoice that a refund's rows take back: the one Amazon names, else the shipment's."""
        invoices = [one for one in self.invoices.get(group.order.pk, []) if one.number]
        named = max(fact.original_number for fact in group.facts)
        by_number = [one for one in invoices if named and one.number == named]
        by_shipment = [one for one in invoices if one.shipment_id == group.shipment_id]
        whole = [one for one in invoices if one.whole_order]
        latest = sorted(by_number or by_shipment or whole, key=lambda one: -one.revision)
        return latest[0] if latest else None

    def learn(self, document: Document, refund: Refund | None = None) -> None:
        """Know a document that was just made, for the groups that follow."""
        document.is_taken_back, document.line_ids = False, set()
        if document.kind == Kind.INVOICE:
            self.invoices[document.order_id].append(document)
        if document.number:
            self.numbers[document.seller_id, document.number] = document
        if refund is not None:
            self.refunds[document.order_id].remove(refund)


def _by_order(rows: QuerySet) -> dict[int, list]:
    found = defaultdict(list)
    for row in rows:
        found[row.order_id].append(row)
    return found
