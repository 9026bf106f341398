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


# --- Papers and money ----------------------------------------------------------------------------


def make_issuing(seller: Seller, marketplace="DE", issuer="seller"):
    """Who issues tax documents of the seller there: "seller" or "amazon"."""
    from invoicing.models import IssuingMode

    with trail("setup", by=User.objects.system()):
        return IssuingMode.objects.update_or_create(
            seller=seller, marketplace=make_marketplace(marketplace), defaults={"issuer": issuer}
        )[0]


def make_limit(amount="500.00", currency="EUR"):
    """Refunds above the amount need a second person."""
    from invoicing.models import ApprovalLimit

    with trail("setup", by=User.objects.system()):
        return ApprovalLimit.objects.update_or_create(
            currency=currency, defaults={"amount": Decimal(amount)}
        )[0]


def make_shipped_order(**fields) -> Order:
    """An order whose dispatch is known, so that it can be invoiced."""
    shipped = fields.pop("shipped_at", timezone.now() - timedelta(days=8))
    order = make_order(**fields)
    order.shipments.create(amazon_shipment_id=f"S{next(_next)}", shipped_at=shipped)
    return order


def make_invoice(order: Order | None = None, *, by=None, recorded=False):
    """The order's invoice: ours, or Amazon's recorded with its number."""
    from invoicing import documents

    order, by = order or make_shipped_order(), by or make_user("finance")
    if not recorded:
        make_issuing(order.seller, order.marketplace.code)
        return documents.issue_invoice(order, by=by)
    make_issuing(order.seller, order.marketplace.code, "amazon")
    day = timezone.localdate() - timedelta(days=7)
    return documents.record_invoice(order, by=by, number=f"DE6DEMO{next(_next)}I", issue_date=day)


def make_calculation(order: Order, *, units=1, origin="", **money):
    """A calculation of item money: ``units`` of every line, or ``net=…, tax=…`` of the first."""
    from config.core.sentence import say
    from invoicing.calculation import CalculatedLine, Calculation

    origin = origin or f"RMA-2026-{next(_next):06d}"
    lines = list(order.lines.order_by("pk"))
    amounts = {
        line.pk: (
            round(line.item_net * units / line.quantity, 2),
            round(line.item_tax * units / line.quantity, 2),
        )
        for line in lines
    }
    if money:
        amounts = {lines[0].pk: (Decimal(money["net"]), Decimal(money["tax"]))}
    rates = {line.pk: line.item_rate for line in lines}
    calculated = tuple(
        CalculatedLine(
            order_line=str(pk),
            origin=f"{origin}/{position}/1",
            component=money.get("component", "item"),
            quantity=units,
            net=net,
            tax=tax,
            rate=rates[pk],
            rule="test",
            says=say("%(units)s units come back.", units=units),
        )
        for position, (pk, (net, tax)) in enumerate(amounts.items(), start=1)
    )
    return Calculation(order.currency, calculated, policy_version="test")


def make_refund(state="proposed", *, order=None, proposer=None, approver=None, **calculation):
    """A refund of one order in any state, walked there by the real verbs.

    Two people decide it; the order gets an invoice of ours where it has none.
    """
    from invoicing import refunds

    proposer, approver = proposer or make_user("agent"), approver or make_user("finance")
    order = order or make_shipped_order()
    origin = calculation.get("origin") or f"RMA-2026-{next(_next):06d}"
    if not order.documents.filter(kind="invoice").exists():
        make_invoice(order, by=approver)
    refund = refunds.propose(
        by=proposer,
        order=order,
        origin=origin,
        calculation=make_calculation(order, **{**calculation, "origin": origin}),
    )
    for verb in _ROADS[state]:
        refund = _walk(refund, verb, approver)
    return refund


_ROADS = {
    "proposed": [],
    "rejected": ["reject"],
    "approved": ["approve"],
    "cancelled": ["cancel"],
    "sending": ["approve", "start"],
    "sent": ["approve", "start", "mark_sent"],
    "unknown": ["approve", "start", "mark_unknown"],
    "failed": ["approve", "start", "fail"],
    "confirmed": ["approve", "start", "mark_sent", "confirm"],
    "reversed": ["approve", "start", "mark_sent", "reverse"],
}


def _walk(refund, verb, by):
    from invoicing import refunds

    if verb == "confirm":
        refunds.confirm_many([refund.pk], by=User.objects.system())
        return type(refund).objects.get(pk=refund.pk)
    if verb == "mark_sent":
        day = timezone.localdate()
        return refunds.mark_sent(refund.key, by=by, sent_on=day, amount=refund.gross)
    more = {} if verb in ("approve", "start") else {"reason": "As the test wants it"}
    return getattr(refunds, verb)(refund.key, by=by, **more)
