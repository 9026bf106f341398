"""Facts that reports leave open, for the tests of what people decide about them."""

from orders import identity
from orders.models import AmazonReturn, Order, OrderItemCode, OrderLine
from tests.factories import make_line, make_order, make_seller


def make_doubt(codes=("111", "222"), **fields) -> Order:
    """An order with one SKU on two lines and codes that fit either."""
    order = make_order(lines=0, **fields)
    for occurrence, net in ((1, "100.00"), (2, "50.00")):
        make_line(order, sku="DRILL", net=net, occurrence=occurrence)
    OrderItemCode.objects.bulk_create(
        OrderItemCode(order=order, sku="DRILL", code=code) for code in codes
    )
    identity.resolve_identities([order.pk])
    Order.objects.filter(pk=order.pk).update(gross_total="178.50")
    return order


def make_unsure(order: Order, sku="DRILL") -> AmazonReturn:
    """A return that may mean each of the order's lines."""
    return AmazonReturn.objects.create(
        seller=order.seller, order=order, source="mfn", natural_key="one", sku=sku, quantity=1
    )


def make_waiting(**fields) -> AmazonReturn:
    """A return of an order that only a returns report has named."""
    order = Order.objects.create(
        seller=make_seller(), amazon_order_id=fields.pop("order_id", "302-9000001-0000001")
    )
    line = OrderLine.objects.create(order=order, sku="SAW", quantity=0)
    given = {"source": "fba", "natural_key": "one", "sku": "SAW", "quantity": 1}
    return AmazonReturn.objects.create(
        seller=order.seller, order=order, order_line=line, **given | fields
    )
