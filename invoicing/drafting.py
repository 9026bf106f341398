"""Drafts of invoices and credit notes: rows from order facts and refunds, without a number.

A draft may be thrown away and written again. Taking a number and freezing is in `numbering.py`.
"""

from collections.abc import Iterable
from decimal import Decimal

from config.core.money import ZERO
from config.core.refused import Refused
from invoicing import texts
from invoicing.category import category_of, rate_of
from invoicing.issuing import amazon_credits, modes
from invoicing.models import Document, DocumentLine, DocumentTax, Refund, RefundLine
from invoicing.models.document import Issuer, Kind
from invoicing.states import CAP_GROUP, Component, DocumentState
from orders.models import Order, OrderLine

NO_INVOICE = (
    "invoice_missing",
    (
        "The original invoice of this order is not on record. Issue it, or record Amazon's number "
        "and date; a credit note must name the invoice it corrects."
    ),
)
PROMOTIONS = {"item": "item_promotion", "shipping": "shipping_promotion"}


def language_of(order: Order) -> str:
    """The buyer's language, else the marketplace's, as far as there are document texts in it."""
    wanted = [order.buyer.language if order.buyer else "", order.marketplace.language]
    return next((tag[:2] for tag in wanted if tag[:2] in texts.LANGUAGES), "en")


def new_document(order: Order, kind: str, issuer: str, by, **more) -> Document:
    """An unsaved draft with what the order says about parties, currency and language."""
    return Document(
        kind=kind,
        issuer=issuer,
        state=DocumentState.DRAFT,
        seller_id=order.seller_id,
        marketplace_id=order.marketplace_id,
        order=order,
        buyer_id=order.buyer_id,
        currency=order.currency,
        language=language_of(order),
        created_by=by,
        **more,
    )


# --- Invoices ------------------------------------------------------------------------------------


def invoice_lines(order: Order, document: Document) -> list[DocumentLine]:
    """Unsaved lines of an invoice: per order line its components, promotions as reductions.

    Amounts, tax and rates are Amazon's. Cancelled lines are left out.
    """
    rows: list[DocumentLine] = []
    for line in order.lines.order_by("pk"):
        if line.quantity:
            rows += _component_lines(line, document)
    for position, row in enumerate(rows, start=1):
        row.position = position
    return rows


def _component_lines(line: OrderLine, document: Document) -> list[DocumentLine]:
    rows = []
    for component in (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP):
        net, tax = getattr(line, f"{component}_net"), getattr(line, f"{component}_tax")
        if component != Component.ITEM and not (net or tax):
            continue
        rate = rate_of(net, tax, getattr(line, f"{component}_rate"), document.currency)
        pieces = line.quantity if component == Component.ITEM else 0
        rows.append(_line(document, line, component, quantity=pieces, net=net, tax=tax, given=rate))
        off_net, off_tax = _promotion(line, component)
        if off_net or off_tax:
            rows.append(
                _line(document, line, component, quantity=0, net=-off_net, tax=-off_tax, given=rate)
            )
    return rows


def _promotion(line: OrderLine, component: str) -> tuple[Decimal, Decimal]:
    """Net and tax by which a promotion lowers the component, as positive amounts."""
    name = PROMOTIONS.get(component)
    return (getattr(line, f"{name}_net"), getattr(line, f"{name}_tax")) if name else (ZERO, ZERO)


def _line(
    document: Document,
    line: OrderLine,
    component: str,
    *,
    quantity: int,
    net: Decimal,
    tax: Decimal,
    given: Decimal | None,
    **more,
) -> DocumentLine:
    """An unsaved line; ``given`` is the rate the report gave, if it gave one."""
    return DocumentLine(
        document=document,
        order_line=line,
        component=component,
        sku=line.sku,
        description=_description(document, line, component, net),
        quantity=quantity,
        net=net,
        tax=tax,
        gross=net + tax,
        rate=rate_of(net, tax, given, document.currency),
        **more,
    )


def _description(document: Document, line: OrderLine, component: str, net: Decimal) -> str:
    """The goods by their title; everything else by its name in the document's language."""
    title = line.title or line.sku
    if component == Component.ITEM and net >= 0:
        return title
    name = component
    if document.kind == Kind.INVOICE and net < 0:
        name = "promotion"
    return f"{texts.component(name, document.language)}: {title}"[:500]


# --- Credit notes --------------------------------------------------------------------------------


def draft_credit_note(refund: Refund, *, by) -> Document:
    """Draft the credit note of one refund; the caller holds the refund's lock and saves its key.

    Refused where Amazon writes it, or without an invoice on record.
    """
    invoices = {refund.order_id: invoice_of(refund.order)}
    lines = list(refund.lines.order_by("pk").select_related("order_line"))
    made = draft_credit_notes([refund], invoices, lines, by=by)
    if refund.pk not in made:
        raise Refused("amazon_issues", "Amazon writes this credit note: record its number.")
    return made[refund.pk]


def invoice_of(order: Order) -> Document:
    """The order's invoice that is on record (numbered or recorded); Refused without one."""
    on_record = Document.objects.exclude(state=DocumentState.DRAFT).select_related("order")
    invoice = on_record.filter(order=order, kind=Kind.INVOICE).first()
    if invoice is None:
        raise Refused(*NO_INVOICE)
    return invoice


def draft_credit_notes(
    refunds: list[Refund], invoices: dict[int, Document], lines: list[RefundLine], *, by
) -> dict[int, Document]:
    """Draft the credit notes of many refunds at once (by refund id), whatever their number.

    Refunds that have a document already, and those whose credit notes Amazon writes, are left out.
    ``invoices`` holds the invoice per order id, ``lines`` the refunds' lines with their order
    lines. The keys on the refunds are the caller's to set.
    """
    decided = modes(refund.order for refund in refunds)
    ours = [
        refund
        for refund in refunds
        if refund.document_id is None
        and not amazon_credits(
            invoices[refund.order_id], decided.get((refund.seller_id, refund.order.marketplace_id))
        )
    ]
    if not ours:
        return {}
    made = {
        refund.pk: new_document(
            refund.order,
            Kind.CREDIT_NOTE,
            Issuer.RETOUR,
            by,
            corrects=invoices[refund.order_id],
            origin=refund.origin,
            net=refund.net,
            tax=refund.tax,
            gross=refund.gross,
        )
        for refund in ours
    }
    Document.objects.bulk_create(made.values())
    store_lines(credit_lines(made, lines))
    return made


def credit_lines(documents: dict[int, Document], lines: list[RefundLine]) -> list[DocumentLine]:
    """Unsaved lines of credit notes (by refund id), each pointing to the invoice line it corrects.

    Net, tax and rate are the refund line's, which took them from the original line. Refund lines
    without a document among ``documents`` are left out.
    """
    originals = _originals({document.corrects_id for document in documents.values()})
    positions = dict.fromkeys(documents, 0)
    rows = []
    for line in lines:
        if line.refund_id not in documents:
            continue
        positions[line.refund_id] += 1
        row = _line(
            documents[line.refund_id],
            line.order_line,
            line.component,
            quantity=line.quantity,
            net=line.net,
            tax=line.tax,
            given=line.rate,
            position=positions[line.refund_id],
            original=originals.get((line.order_line_id, CAP_GROUP[line.component])),
            sentence=line.sentence,
        )
        rows.append(row)
    return rows


def _originals(invoice_ids: Iterable[int]) -> dict[tuple[int, str], DocumentLine]:
    """The invoice line per (order line, component); a promotion's reduction is not one."""
    lines = DocumentLine.objects.filter(document_id__in=invoice_ids, net__gte=0)
    return {(line.order_line_id, line.component): line for line in lines.order_by("-position")}


def store_lines(rows: list[DocumentLine]) -> None:
    """Store lines of drafts and the table per category and rate that belongs to them."""
    DocumentLine.objects.bulk_create(rows)
    known = _untaxed_categories(rows)
    table: dict[tuple[int, str, Decimal], DocumentTax] = {}
    for row in rows:
        category = "S" if row.rate else known.get(row.document.corrects_id)
        category = category or category_of(row.document)
        key = (row.document_id, category, row.rate)
        tax = table.setdefault(
            key,
            DocumentTax(
                document_id=row.document_id, category=category, rate=row.rate, base=ZERO, tax=ZERO
            ),
        )
        tax.base += row.net
        tax.tax += row.tax
    DocumentTax.objects.bulk_create(table.values())


def _untaxed_categories(rows: list[DocumentLine]) -> dict[int, str]:
    """The category an invoice (by id) gave its untaxed lines; its credit notes keep it."""
    wanted = {row.document.corrects_id for row in rows if not row.rate} - {None}
    if not wanted:
        return {}
    found = DocumentTax.objects.filter(document_id__in=wanted, rate=0)
    return dict(found.values_list("document_id", "category"))
