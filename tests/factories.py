"""Things tests need: people, orders with money, and cases that walked the real verbs."""

import itertools
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from orders.models import Buyer, Marketplace, Order, OrderLine, Product, Seller
from orders.models.buyer import match_key

_next = itertools.count(1)


def make_user(role="lead", username="", **fields) -> User:
    """Somebody with a role."""
    with trail("setup", by=User.objects.system()):
        return User.objects.create_user(
            username or f"{role}{next(_next)}",
            password="a long enough password",
            role=role,
            **fields,
        )


def make_seller(**fields) -> Seller:
    """A selling account in Germany."""
    n = next(_next)
    given = {
        "code": f"demo-{n}",
        "name": f"Demo Seller {n}",
        "legal_name": f"Demo Handwerk {n} GmbH",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "approver_email": "approver@demo.example",
    }
    with trail("setup", by=User.objects.system()):
        return Seller.objects.create(**given | fields)


def make_buyer(**fields) -> Buyer:
    """A German business with a mail address."""
    name = fields.pop("legal_name", f"Demo Einkauf {next(_next)} AG")
    given = {"country": "DE", "language": "de", "email": "einkauf@demo.example"}
    with trail("setup", by=User.objects.system()):
        return Buyer.objects.create(legal_name=name, match_key=match_key(name), **given | fields)


def make_order(
    *, lines=1, quantity=3, net="100.00", rate="0.19", marketplace="DE", buyer="", **fields
) -> Order:
    """An order whose lines cost ``net`` for ``quantity`` units each, with tax at ``rate``."""
    seller = fields.pop("seller", None) or make_seller()
    market = Marketplace.objects.get(code=marketplace)
    n = next(_next)
    order = Order.objects.create(
        seller=seller,
        marketplace=market,
        buyer=make_buyer() if buyer == "" else buyer,
        currency=market.currency,
        amazon_order_id=fields.pop("amazon_order_id", f"302-{n:07d}-{n:07d}"),
        **{
            "purchased_at": timezone.now() - timedelta(days=10),
            "facts_complete": True,
            "is_business": True,
            "channel": "MFN",
            "po_number": f"PO-{n}",
        }
        | fields,
    )
    for position in range(lines):
        make_line(order, quantity=quantity, net=net, rate=rate, sku=f"SKU-{n}-{position + 1}")
    return order


def make_line(
    order: Order, *, quantity=3, net="100.00", rate="0.19", sku="", **fields
) -> OrderLine:
    """One line of an order; ``net`` is for all its units."""
    sku = sku or f"SKU-{next(_next)}"
    with trail("setup", by=User.objects.system()):
        product, _ = Product.objects.get_or_create(
            seller=order.seller, sku=sku, defaults={"title": f"Demo article {sku}"}
        )
    places = 0 if order.currency == "JPY" else 2
    tax = round(Decimal(net) * Decimal(rate), places)
    return OrderLine.objects.create(
        order=order,
        product=product,
        sku=sku,
        title=f"Demo article {sku}",
        quantity=quantity,
        item_net=Decimal(net),
        item_tax=tax,
        item_rate=Decimal(rate),
        confirmed=True,
        **fields,
    )


def make_rma(
    state="requested", *, by=None, order=None, quantity=2, disposition="restock", **request
):
    """A case in any state, walked there by the real verbs. ``closed`` is a declined one."""
    from returns import goods, workflow

    lead = by or make_user("lead")
    order = order or make_order(quantity=max(3, quantity))
    rma = workflow.request(
        by=lead,
        lines=[
            workflow.LineRequest(line.pk, quantity, "CR-DEFECTIVE") for line in order.lines.all()
        ],
        **request,
    )
    if state == "closed":
        return workflow.decline(rma.number, by=lead, reason="Out of the return window")
    if state == "requested":
        return rma
    rma = workflow.approve(rma.number, by=lead)
    if state == "approved":
        return rma
    rma = workflow.ship(rma.number, by=lead, carrier="DHL", tracking=f"JD{next(_next):012d}")
    if state == "shipped":
        return rma
    units = {line.pk: line.approved for line in rma.lines.all()}
    goods.receive(rma.number, by=lead, quantities=units)
    results = [goods.InspectionResult(pk, n, "as_new", disposition) for pk, n in units.items()]
    return goods.inspect(rma.number, by=lead, results=results)
