"""The facts, one file a noun."""

from orders.models.amazon_return import AmazonReturn
from orders.models.buyer import Buyer, BuyerAddress, BuyerTaxId
from orders.models.imports import ImportFile, ImportProblem, ImportRow
from orders.models.marketplace import Marketplace
from orders.models.order import Order, OrderItemCode, OrderLine, Product, Shipment
from orders.models.quota import Quota
from orders.models.seller import Seller, SellerTaxRegistration

__all__ = [
    "AmazonReturn",
    "Buyer",
    "BuyerAddress",
    "BuyerTaxId",
    "ImportFile",
    "ImportProblem",
    "ImportRow",
    "Marketplace",
    "Order",
    "OrderItemCode",
    "OrderLine",
    "Product",
    "Quota",
    "Seller",
    "SellerTaxRegistration",
    "Shipment",
]
