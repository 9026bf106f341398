"""Who issues the tax documents of an order: Amazon or we. Exactly one of both may.

A second tax invoice for the same supply is a second tax debt (art. 203 Directive 2006/112/EC), so
whoever wrote the invoice also writes its credit notes; for invoices of an earlier system the
seller's issuing mode on the marketplace decides.
"""

from collections.abc import Iterable

from config.core.refused import Refused
from invoicing.models import Document, IssuingMode
from invoicing.models.document import Issuer
from orders.models import Order


def modes(orders: Iterable[Order]) -> dict[tuple[int, int], str]:
    """The issuing mode per (seller id, marketplace id) of the orders; missing where undecided."""
    sellers = {order.seller_id for order in orders}
    rows = IssuingMode.objects.filter(seller_id__in=sellers)
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
    mode = modes([invoice.order]).get((invoice.seller_id, invoice.marketplace_id))
    return amazon_credits(invoice, mode)


def require_ours(order: Order) -> None:
    """Refuse to issue an invoice that Amazon issues, or that nobody decided about."""
    mode = modes([order]).get((order.seller_id, order.marketplace_id))
    if mode is None:
        raise Refused(
            "issuing_mode",
            f"Nobody has decided who issues invoices of {order.seller} on {order.marketplace}. "
            "An admin sets the issuing mode first.",
        )
    if mode == IssuingMode.Issuer.AMAZON or order.is_amazon_invoiced:
        raise Refused(
            "amazon_issues",
            f"Amazon issues the invoice of order {order.amazon_order_id}. Record Amazon's invoice "
            "number and date instead: a second invoice would owe the tax twice.",
        )
