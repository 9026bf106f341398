"""Things tests need: people, orders with money, and cases that walked the real verbs."""

import itertools
from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from orders.models import (
    Buyer,
    BuyerAddress,
    BuyerTaxId,
    Marketplace,
    Order,
    OrderLine,
    Product,
    Seller,
    SellerTaxRegistration,
)
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
    """A selling account in Germany with address and VAT number."""
    n = next(_next)
    given = {
        "code": f"demo-{n}",
        "name": f"Demo Seller {n}",
        "legal_name": f"Demo Handwerk {n} GmbH",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "approver_email": "approver@demo.example",
        "address_line1": f"Werkzeugstraße {n}",
        "postal_code": "10115",
        "city": "Berlin",
    }
    with trail("setup", by=User.objects.system()):
        seller = Seller.objects.create(**given | fields)
        if seller.country == "DE":
            make_registration(seller, "DE", "VAT", "DE136695976")
    return seller


def make_registration(seller: Seller, country: str, scheme: str, number: str):
    """A tax number of a seller, valid since 2020."""
    with trail("setup", by=User.objects.system()):
        return SellerTaxRegistration.objects.create(
            seller=seller,
            country=country,
            scheme=scheme,
            number=number,
            valid_from=date(2020, 1, 1),
        )


def make_marketplace(code="DE") -> Marketplace:
    """A marketplace by its code; all of them are reference data."""
    return Marketplace.objects.get(code=code)


def make_buyer(**fields) -> Buyer:
    """A German business with a mail address, a billing address and a VAT id."""
    name = fields.pop("legal_name", f"Demo Einkauf {next(_next)} AG")
    given = {"country": "DE", "language": "de", "email": "einkauf@demo.example"}
    with trail("setup", by=User.objects.system()):
        buyer = Buyer.objects.create(legal_name=name, match_key=match_key(name), **given | fields)
        BuyerAddress.objects.create(
            buyer=buyer,
            kind="billing",
            line1="Hafenring 7",
            postal_code="20457",
            city="Hamburg",
            country=buyer.country,
        )
        BuyerTaxId.objects.create(buyer=buyer, country="DE", number="DE129274202")
    return buyer


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


def record_invoice(order, *, by=None):
    """Amazon's invoice of an order, so that refunds have an original to credit."""
    from invoicing import documents

    by = by or make_user("finance")
    day = (order.purchased_at or timezone.now()).date()
    return documents.record_invoice(
        order, by=by, number=f"INV-{order.pk}", issue_date=day, issuer="amazon"
    )


def pay(refund, *, by=None, amazon_refund_id=""):
    """Approve a proposed refund (by a second person) and carry it out today."""
    from invoicing import refunds

    finance = by or make_user("finance")
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=finance)
    return refunds.mark_sent(
        refund.key,
        by=finance,
        sent_on=timezone.now().date(),
        amount=refund.gross,
        amazon_refund_id=amazon_refund_id,
    )


def make_rma(
    state="requested",
    *,
    by=None,
    order=None,
    quantity=2,
    disposition="restock",
    reason_code="CR-DEFECTIVE",
    **request,
):
    """A case in any state, walked there by the real verbs. ``closed`` is a declined one."""
    from returns import refunding, workflow

    lead = by or make_user("lead")
    order = order or make_order(quantity=max(3, quantity))
    lines = [
        workflow.LineRequest(line.pk, quantity, reason_code) for line in order.lines.order_by("pk")
    ]
    rma = workflow.request(by=lead, lines=lines, **request)
    if state == "closed":
        return workflow.decline(rma.number, by=lead, reason="Out of the return window")
    if state != "requested":
        rma = workflow.approve(rma.number, by=lead)
    if state in ("shipped", "inspected", "refunded"):
        tracking = f"JD{next(_next):012d}"
        rma = workflow.ship(rma.number, by=lead, carrier="DHL", tracking=tracking)
    if state in ("inspected", "refunded"):
        rma = receive_and_inspect(rma, by=lead, disposition=disposition)
    if state == "refunded":
        if not order.documents.filter(kind="invoice").exists():
            record_invoice(order)
        for refund in refunding.propose(rma.number, by=lead):
            pay(refund)
        rma.refresh_from_db()
    return rma


def receive_and_inspect(rma, *, by, disposition="restock"):
    """Take all outstanding units in and grade them alike."""
    from returns import goods

    units = {line.pk: line.outstanding for line in rma.lines.all()}
    goods.receive(rma.number, by=by, quantities=units)
    results = [goods.InspectionResult(pk, n, "as_new", disposition) for pk, n in units.items()]
    return goods.inspect(rma.number, by=by, results=results)
