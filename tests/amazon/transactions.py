"""Payments of the simulated Amazon as transactions of Finances 2024-06-19."""

from decimal import Decimal

from tests.amazon.journal import Payment

KINDS = {  # of a component of a feed → the breakdown it stands under
    "Principal": "ProductCharges",
    "item-price-adj": "ProductCharges",
    "Tax": "Tax",
    "item-tax-adj": "Tax",
    "Shipping": "Shipping",
    "shipping-price-adj": "Shipping",
    "ShippingTax": "ShippingTax",
    "shipping-tax-adj": "ShippingTax",
    "GiftWrap": "GiftWrap",
    "gift-wrap-price-adj": "GiftWrap",
    "GiftWrapTax": "GiftWrapTax",
    "gift-wrap-tax-adj": "GiftWrapTax",
}


def transaction(payment: Payment, seller_id: str = "A3EXAMPLE") -> dict:
    """One payment as Amazon shows it; amounts are JSON numbers there."""
    message = payment.message
    sales = [_part(KINDS.get(kind, kind), -amount, message.currency)
             for kind, amount in message.amounts.items() if amount]  # fmt: skip
    breakdowns = [_part("Sales", -payment.total, message.currency, sales)]
    return {
        "sellingPartnerMetadata": {
            "sellingPartnerId": seller_id,
            "accountType": "Standard Orders",
            "marketplaceId": payment.marketplace_id,
        },
        "relatedIdentifiers": [
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": payment.order_id},
            {"relatedIdentifierName": "REFUND_ID", "relatedIdentifierValue": payment.refund_id},
        ],
        "transactionType": "Refund",
        "transactionId": f"TX-{payment.refund_id.rpartition(':')[2]}",
        "transactionStatus": "RELEASED",
        "description": "Refund Order",
        "postedDate": payment.posted.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "totalAmount": _money(-payment.total, message.currency),
        "marketplaceDetails": {"marketplaceId": payment.marketplace_id},
        "items": [
            {
                "description": "Item",
                "relatedIdentifiers": [
                    {
                        "itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID",
                        "itemRelatedIdentifierValue": payment.item_id,
                    }
                ],
                "totalAmount": _money(-payment.total, message.currency),
                "breakdowns": breakdowns,
            }
        ],
        "breakdowns": breakdowns,
    }


def _part(kind: str, amount: Decimal, currency: str, below: list[dict] | None = None) -> dict:
    return {
        "breakdownType": kind,
        "breakdownAmount": _money(amount, currency),
        "breakdowns": below or [],
    }


def _money(amount: Decimal, currency: str) -> dict:
    return {"currencyCode": currency, "currencyAmount": float(amount)}
