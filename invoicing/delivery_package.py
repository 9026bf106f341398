"""What Amazon's feed UPLOAD_VAT_INVOICE wants to know about a document: its feed options.

Reads only, apart from Amazon's transaction id, which is noted on the credit note once VIDR shows
it. Who prepares and sends packages is in `delivery.py`.
"""

from decimal import Decimal

from django.db.models import F, Sum

from config.core.money import round_money
from invoicing.models import Document, TaxFact
from invoicing.models.document import Kind
from invoicing.states import Occasion

# Marketplaces whose feed takes tax documents (VCS pages of Amazon's developer documentation).
MARKETPLACES = ("IE", "ES", "UK", "FR", "BE", "NL", "DE", "IT", "SE", "PL")
# Amazon files one invoice or credit note a shipment; fees of ours and reversals have no place.
OCCASIONS = (Occasion.SUPPLY, Occasion.REFUND, Occasion.CANCELLATION, Occasion.CORRECTION)
NO_TRANSACTION = (
    "Amazon takes a credit note only with its transaction id. Import the VAT invoice data report "
    "(VIDR) that lists this credit; without VIDR upload the file in Seller Central."
)
_PARTS = ("item", "shipping", "gift_wrap")


def is_taken(document: Document) -> bool:
    """Whether Amazon's feed takes the document at all."""
    return document.marketplace.code in MARKETPLACES and document.occasion in OCCASIONS


def options(document: Document) -> dict[str, str]:
    """The feed options: totals in the document's currency, negative on a credit note."""
    credit = document.kind == Kind.CREDIT_NOTE
    sign = -1 if credit else 1
    found = {
        "metadata:orderid": document.order.amazon_order_id,
        "metadata:shippingid": document.shipment_id,
        "metadata:invoicenumber": document.number,
        "metadata:totalamount": _amount(sign * document.gross, document.currency),
        "metadata:totalvatamount": _amount(sign * document.tax, document.currency),
        "metadata:documenttype": "CreditNote" if credit else "Invoice",
        "metadata:transactionid": transaction_of(document) if credit else "",
    }
    return {name: value for name, value in found.items() if value}


def problem(document: Document) -> str:
    """What keeps Amazon from taking it, and what to do; empty when it can go."""
    missing = document.kind == Kind.CREDIT_NOTE and not transaction_of(document)
    return NO_TRANSACTION if missing else ""


def transaction_of(document: Document) -> str:
    """Amazon's transaction of a credit note: noted, or the one refund in VIDR of just this amount.

    Found is noted on the document; two that fit are nobody's, a person enters the right one.
    """
    if document.transaction_id or document.pk is None:
        return document.transaction_id
    found = _transactions(document)
    if len(found) == 1:
        document.transaction_id = found[0]
        document.save(update_fields=["transaction_id"])
    return document.transaction_id


def _transactions(document: Document) -> list[str]:
    """VIDR refunds of the order that give back gross and tax of the credit note, not used yet."""
    gross = sum((F(f"{part}_net") + F(f"{part}_tax") for part in _PARTS[1:]), _gross("item"))
    tax = F("item_tax") + F("shipping_tax") + F("gift_wrap_tax")
    rows = TaxFact.objects.filter(
        report=TaxFact.Report.VIDR,
        transaction_type__in=(TaxFact.Type.REFUND, TaxFact.Type.RETURN),
        order=document.order_id,
    )
    if document.shipment_id:
        rows = rows.filter(shipment_id__in=("", document.shipment_id))
    sums = rows.order_by().values("transaction_id").annotate(gross=Sum(gross), tax=Sum(tax))
    fits = sums.filter(gross=-document.gross, tax=-document.tax)
    ids = list(fits.values_list("transaction_id", flat=True))
    used = Document.objects.filter(seller=document.seller_id, transaction_id__in=ids)
    taken = set(used.filter(kind=Kind.CREDIT_NOTE).values_list("transaction_id", flat=True))
    return sorted(set(ids) - taken - {""})


def _gross(part: str):
    return F(f"{part}_net") + F(f"{part}_tax")


def _amount(amount: Decimal, currency: str) -> str:
    return format(round_money(amount, currency), "f")
