"""Who issues the tax documents of an order: Amazon, or we, and from whose figures.

A second tax invoice for the same supply is a second tax debt (art. 203 Directive 2006/112/EC), so
this is asked before any document is made. Whoever wrote the invoice also writes its credit notes;
for invoices of an earlier system the seller's issuing mode on the marketplace decides. Amazon's
tax reports say about single orders who issued, or that Amazon owes the tax itself.
"""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from config.core.refused import Refused
from invoicing.models import Document, IssuingMode, TaxFact
from invoicing.models.document import Issuer
from orders.models import Marketplace, Order, Seller

# Rows of Amazon's reports that say Amazon issued, or owes the tax: nobody else may issue.
AMAZONS = (
    Q(deemed_supplier=True)
    | Q(amazon_invoiced=True)
    | (Q(report=TaxFact.Report.AMAZON) & ~Q(invoice_number=""))
)


def mode_of(seller: Seller | int, marketplace: Marketplace | int) -> str:
    """Who issues there: "amazon", "vidr" (we, from Amazon's tax data), "seller" (we), "" undecided.

    Takes rows or their ids.
    """
    rows = IssuingMode.objects.filter(seller=seller, marketplace=marketplace)
    return rows.values_list("issuer", flat=True).first() or ""


def modes(sellers: Iterable[int]) -> dict[tuple[int, int], str]:
    """The issuing mode per (seller id, marketplace id) of the sellers; missing where undecided."""
    rows = IssuingMode.objects.filter(seller_id__in=set(sellers))
    return {
        (seller, marketplace): issuer
        for seller, marketplace, issuer in rows.values_list("seller_id", "marketplace_id", "issuer")
    }


def amazon_credits(invoice: Document, mode: str | None) -> bool:
    """Whether Amazon writes the credit notes of this invoice."""
    if invoice.issuer == Issuer.EARLIER:
        return mode == IssuingMode.Issuer.AMAZON
    return invoice.issuer == Issuer.AMAZON


def is_amazons_credit(invoice: Document) -> bool:
    """`amazon_credits` of one invoice, with its mode looked up."""
    return amazon_credits(invoice, mode_of(invoice.seller_id, invoice.marketplace_id))


def require_ours(order: Order) -> str:
    """Refuse to issue what Amazon issues, or what nobody decided about; returns the mode.

    Asked again under the lock before a number is spent. Refused: "issuing_mode", "amazon_issues",
    "deemed_supplier".
    """
    mode = mode_of(order.seller_id, order.marketplace_id)
    if not mode:
        page = reverse("admin:invoicing_issuingmode_changelist")
        raise Refused(
            "issuing_mode",
            f"Nobody has decided who issues invoices of {order.seller} on {order.marketplace}. "
            f"An admin sets the issuing mode first: {page}",
        )
    said = order.tax_facts.filter(AMAZONS).order_by("-deemed_supplier").first()
    if said is not None and said.deemed_supplier:
        raise Refused(
            "deemed_supplier",
            f"Amazon is the supplier of order {order.amazon_order_id} for the tax and owes it: "
            "nobody else may issue an invoice.",
        )
    if mode == IssuingMode.Issuer.AMAZON or order.is_amazon_invoiced or said is not None:
        raise Refused(
            "amazon_issues",
            f"Amazon issues the invoice of order {order.amazon_order_id}. Record Amazon's invoice "
            "number and date instead: a second invoice would owe the tax twice.",
        )
    return mode


def require_whole_order(order: Order) -> None:
    """`require_ours`, for an invoice over the whole order from the order's own facts.

    Refused also with "vidr": from Amazon's tax data each shipment gets an invoice of its own.
    """
    if require_ours(order) == IssuingMode.Issuer.VIDR:
        raise Refused(
            "vidr",
            f"Order {order.amazon_order_id} is invoiced from Amazon's tax data, one invoice for "
            "each shipment. Import the VAT invoice data report (VIDR); the invoices follow by "
            "themselves.",
        )


def require_turn(document: Document) -> None:
    """`require_ours` for a draft of ours, asked before its number is spent.

    A draft over the whole order and one of a shipment are each issued in their own mode only:
    refused with "vidr", or with "mode" where the seller's mode changed since.
    """
    vidr = document.mode == IssuingMode.Issuer.VIDR
    if not vidr:
        require_whole_order(document.order)
    elif require_ours(document.order) != IssuingMode.Issuer.VIDR:
        raise Refused(
            "mode",
            f"This draft is from Amazon's tax data, but {document.seller} issues on its own on "
            f"{document.marketplace} now. Throw the draft away and issue the order's invoice.",
        )
