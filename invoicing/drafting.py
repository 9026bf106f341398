"""Drafts of invoices and credit notes: rows from order facts and refunds, without a number.

A draft may be thrown away and written again. Invoices from Amazon's tax data are drafted in
`supplies.py`, taking a number and freezing is in `numbering.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone

from config.core.money import ZERO
from config.core.refused import Refused
from invoicing import paper, parties, rates, texts
from invoicing.category import TaxLine, likely_rate, rate_of
from invoicing.inserting import insert
from invoicing.issuing import amazon_credits, modes
from invoicing.lines import new_line, store_lines
from invoicing.models import Document, DocumentLine, DocumentRules, Refund, RefundLine
from invoicing.models.document import Issuer, Kind
from invoicing.spreading import Share, spread
from invoicing.standing import current
from invoicing.states import Component, DocumentState, Occasion
from orders.models import Order, OrderLine

NO_INVOICE = (
    "invoice_missing",
    (
        "The original invoice of this order is not on record. Issue it, or record Amazon's number "
        "and date; a credit note must name the invoice it corrects."
    ),
)
OF_ORDER = ("seller", "marketplace", "buyer", "currency")  # what a credit note takes from it
PROMOTIONS = {"item": "item_promotion", "shipping": "shipping_promotion"}


def language_of(order: Order) -> str:
    """The buyer's language, else the marketplace's, as far as there are document texts in it."""
    return _language(order.buyer.language if order.buyer else "", order.marketplace.language)


def _language(*wanted: str | None) -> str:
    return next((tag[:2] for tag in wanted if tag and tag[:2] in texts.LANGUAGES), "en")


def _languages(orders: Iterable[int]) -> dict[int, str]:
    """`language_of` by order id, in one query without the buyers and marketplaces themselves."""
    rows = Order.objects.filter(pk__in=set(orders)).order_by()
    found = rows.values_list("pk", "buyer__language", "marketplace__language")
    return {pk: _language(buyer, marketplace) for pk, buyer, marketplace in found}


def new_document(
    order: Order, kind: str, issuer: str, by, *, language: str = "", **more
) -> Document:
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
        language=language or language_of(order),
        created_by=by,
        **more,
    )


# --- Invoices ------------------------------------------------------------------------------------


def invoice_lines(order: Order, document: Document) -> list[DocumentLine]:
    """Unsaved lines of an invoice: per order line its components, promotions as reductions.

    Amounts and tax are Amazon's; rates too, read as one the country knows where that explains the
    tax. Cancelled lines are left out.
    """
    rows: list[DocumentLine] = []
    known = rates.known_rates(parties.ship_to(document), _day_of(order))
    for line in order.lines.order_by("pk"):
        if line.quantity:
            rows += _component_lines(line, document, known)
    largest = max(rows, key=lambda row: abs(row.net), default=None)
    for position, row in enumerate(rows, start=1):
        row.position = position
        if not (row.gross or row.rate):  # given away: taxed like the rest, with nothing to tax
            row.rate = largest.rate
    return rows


def _day_of(order: Order) -> date:
    """The day whose tax rates count, as far as it is known."""
    return paper.supply_date(order) or (order.purchased_at or timezone.now()).date()


def _component_lines(
    line: OrderLine, document: Document, known: Collection[Decimal]
) -> list[DocumentLine]:
    rows = []
    for component in (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP):
        net, tax = getattr(line, f"{component}_net"), getattr(line, f"{component}_tax")
        if component != Component.ITEM and not (net or tax):
            continue
        rate = rate_of(net, tax, getattr(line, f"{component}_rate"), document.currency)
        pieces = line.quantity if component == Component.ITEM else 0
        rate = likely_rate(rate, TaxLine(net, tax, pieces), known, document.currency)
        rows.append(
            new_line(document, line, component, quantity=pieces, net=net, tax=tax, given=rate)
        )
        off_net, off_tax = _promotion(line, component)
        if off_net or off_tax:
            rows.append(
                new_line(
                    document, line, component, quantity=0, net=-off_net, tax=-off_tax, given=rate
                )
            )
    return rows


def _promotion(line: OrderLine, component: str) -> tuple[Decimal, Decimal]:
    """Net and tax by which a promotion lowers the component, as positive amounts."""
    name = PROMOTIONS.get(component)
    return (getattr(line, f"{name}_net"), getattr(line, f"{name}_tax")) if name else (ZERO, ZERO)


# --- Credit notes --------------------------------------------------------------------------------


def draft_credit_note(refund: Refund, *, by) -> Document:
    """Draft the credit note of one refund; the caller holds the refund's lock and saves its key.

    Refused where Amazon writes it, or without an invoice on record.
    """
    invoice_of(refund.order)
    lines = list(refund.lines.order_by("pk").select_related("order_line"))
    made = draft_credit_notes([refund], invoices_of([refund.order_id]), lines, by=by)
    if refund.pk not in made:
        raise Refused("amazon_issues", "Amazon writes this credit note: record its number.")
    return made[refund.pk]


def invoice_of(order: Order) -> Document:
    """The order's oldest invoice that stands (numbered or recorded, not replaced); Refused
    without one. An order may have one for each shipment: `invoices_of`.
    """
    invoices = invoices_of([order.pk]).get(order.pk)
    if not invoices:
        raise Refused(*NO_INVOICE)
    return invoices[0]


def invoices_of(order_ids: Iterable[int]) -> dict[int, list[Document]]:
    """The invoices that stand, per order id, the oldest first; orders without one are missing.

    What the gate found and froze, which is large, is left in the database.
    """
    found: dict[int, list[Document]] = {}
    for invoice in sorted(current(order_ids).defer("payload", "findings", "accepted"), key=_age):
        found.setdefault(invoice.order_id, []).append(invoice)
    return found


def _age(invoice: Document) -> tuple:
    return invoice.tax_point or invoice.issue_date, invoice.pk


def draft_credit_notes(
    refunds: list[Refund],
    invoices: Mapping[int, Sequence[Document]],
    lines: list[RefundLine],
    *,
    by,
) -> dict[int, Document]:
    """Draft the credit notes of many refunds at once (by refund id), whatever their number.

    Refunds that have a document already, and those whose credit notes Amazon writes, are left out.
    ``invoices`` holds the invoices per order id, ``lines`` the refunds' lines with their order
    lines. The keys on the refunds are the caller's to set. Where the seller bills restocking fees
    on their own, fees leave the credit note for a draft invoice that names it (occasion "fee").
    """
    decided = modes(refund.seller_id for refund in refunds)
    ours = [
        refund
        for refund in refunds
        if refund.document_id is None
        and not amazon_credits(
            invoices[refund.order_id][0],
            decided.get((refund.seller_id, refund.marketplace_id)),
        )
    ]
    if not ours:
        return {}
    shares = spread_lines(ours, invoices, lines)
    billed = _fees_apart(ours, shares)
    languages = _languages(refund.order_id for refund in ours)
    prefetch_related_objects(ours, Prefetch("order", Order.objects.only(*OF_ORDER)))
    made = {
        refund.pk: credit_document(
            refund,
            shares[refund.pk],
            invoices[refund.order_id],
            by,
            language=languages[refund.order_id],
        )
        for refund in ours
    }
    insert(made.values())
    store_lines([row for pk, note in made.items() for row in share_rows(note, shares[pk])])
    _draft_fees({pk: made[pk] for pk in billed}, billed, by)
    return made


def spread_lines(
    refunds: Sequence[Refund],
    invoices: Mapping[int, Sequence[Document]],
    lines: Iterable[RefundLine],
) -> dict[int, list[Share]]:
    """The shares of the refunds' lines per refund id, spread over their orders' invoices."""
    shares: dict[int, list[Share]] = {refund.pk: [] for refund in refunds}
    touched = dict.fromkeys(refund.order_id for refund in refunds)
    mine = [line for line in lines if line.refund_id in shares]
    for share in spread(mine, [one for order in touched for one in invoices[order]]):
        shares[share.line.refund_id].append(share)
    return shares


def credit_document(
    refund: Refund, shares: Sequence[Share], invoices: Sequence[Document], by, **more
) -> Document:
    """An unsaved credit note over some shares of a refund. It names the first invoice touched, and
    the shipment where it touches one; ``more`` goes to the document.
    """
    touched = list(dict.fromkeys(s.original.document for s in shares if s.original))
    first = touched[0] if touched else invoices[0]
    net, tax = sum((s.net for s in shares), ZERO), sum((s.tax for s in shares), ZERO)
    one = first if len(touched) <= 1 else None
    given = {
        "issuer": Issuer.RETOUR,
        "occasion": Occasion.REFUND,
        "corrects": first,
        "origin": refund.origin,
        "mode": first.mode,
        "shipment_id": one.shipment_id if one else "",
        "whole_order": one.whole_order if one else True,
        "net": net,
        "tax": tax,
        "gross": net + tax,
    }
    return new_document(refund.order, Kind.CREDIT_NOTE, by=by, **given | more)


def share_rows(document: Document, shares: Iterable[Share]) -> list[DocumentLine]:
    """Unsaved rows of a credit note, each pointing to the invoice line it takes back.

    Net and tax are the refund line's, category and rate the original line's.
    """
    return [
        new_line(
            document,
            share.line.order_line,
            share.line.component,
            quantity=share.quantity,
            net=share.net,
            tax=share.tax,
            given=share.original.rate if share.original else share.line.rate,
            position=position,
            original=share.original,
            category=share.original.category if share.original else "",
            sentence=share.line.sentence,
        )
        for position, share in enumerate(shares, start=1)
    ]


# --- Restocking fees -----------------------------------------------------------------------------


def _fees_apart(refunds: Sequence[Refund], shares: dict[int, list[Share]]) -> dict[int, list]:
    """Take restocking fees out of the shares where the seller bills them; returns them."""
    fees = {
        refund: taken
        for refund in refunds
        if (taken := [s for s in shares[refund.pk] if s.line.component == Component.RESTOCKING_FEE])
    }
    if not fees:
        return {}
    rules = DocumentRules.objects.filter(restocking=DocumentRules.Restocking.INVOICE)
    billing = set(rules.values_list("seller_id", flat=True))
    billed = {r.pk: taken for r, taken in fees.items() if r.seller_id in billing}
    for pk, taken in billed.items():
        shares[pk] = [share for share in shares[pk] if share not in taken]
    return billed


def _draft_fees(notes: Mapping[int, Document], fees: Mapping[int, list[Share]], by) -> None:
    """Draft an invoice of the fees of each refund; it names the credit note and waits with it."""
    rows = []
    invoices = {pk: _fee_invoice(note, fees[pk], by) for pk, note in notes.items()}
    insert(invoices.values())
    for pk, invoice in invoices.items():
        rows += [
            new_line(
                invoice,
                share.line.order_line,
                Component.RESTOCKING_FEE,
                quantity=0,
                net=-share.net,
                tax=-share.tax,
                given=share.original.rate if share.original else share.line.rate,
                position=position,
                category=share.original.category if share.original else "",
                sentence=share.line.sentence,
            )
            for position, share in enumerate(fees[pk], start=1)
        ]
    store_lines(rows)


def _fee_invoice(note: Document, fees: Sequence[Share], by) -> Document:
    net, tax = -sum((s.net for s in fees), ZERO), -sum((s.tax for s in fees), ZERO)
    return new_document(
        note.order,
        Kind.INVOICE,
        Issuer.RETOUR,
        by,
        language=note.language,
        occasion=Occasion.FEE,
        corrects=note,
        origin=note.origin,
        mode=note.mode,
        net=net,
        tax=tax,
        gross=net + tax,
    )


def fee_invoices(credit_notes: Iterable[int]):
    """The fee invoices that were made beside credit notes (ids), as a queryset."""
    return Document.objects.filter(
        kind=Kind.INVOICE, occasion=Occasion.FEE, corrects_id__in=list(credit_notes)
    )
