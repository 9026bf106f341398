"""Fills the payload of a document from its rows: parties, dates, lines, table, references.

Reads only. What the payload may hold is in `payload.py`; whether it may be issued is decided in
`particulars.py`.
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from config.core.money import round_money
from invoicing.category import REASONS
from invoicing.models import Document, DocumentLine
from invoicing.models.document import Kind
from invoicing.payload import (
    Amounts,
    Line,
    Party,
    Payload,
    PrecedingInvoice,
    RateRow,
    TaxRegistration,
    iso_country,
)
from invoicing.states import Component
from orders.models import Buyer, BuyerAddress, Order, Seller

# Components whose sentence tells the buyer something the line itself does not.
EXPLAINED = ("restocking_fee", "return_freight", "goodwill")
PRINTED_SCHEMES = ("VAT", "OSS", "JCT", "GST")
PAID = (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP)


def fill(document: Document, issue_date: date) -> Payload:
    """The payload of a draft on a day of issue, its number still empty."""
    order, credit = document.order, document.kind == Kind.CREDIT_NOTE
    invoice = document.corrects
    categories = dict(document.taxes.values_list("rate", "category"))
    return Payload(
        kind=document.kind,
        number="",
        issue_date=issue_date,
        currency=document.currency,
        language=document.language,
        seller=_seller(document.seller, order, issue_date),
        buyer=_buyer(document.buyer, order),
        marketplace_name=document.marketplace.name,
        marketplace_country=document.marketplace.country,
        lines=tuple(
            _line(row, document, categories) for row in document.lines.order_by("position")
        ),
        rates=tuple(
            RateRow(tax.category, tax.rate, tax.base, tax.tax, REASONS.get(tax.category, ""))
            for tax in document.taxes.order_by("-rate", "category")
        ),
        totals=Amounts(document.net, document.tax, document.gross),
        tax_point=document.tax_point,
        original_supply_date=invoice.tax_point if invoice else None,
        purchase_order=order.po_number,
        order_ids=(order.amazon_order_id,),
        rma_number=document.origin if document.origin.startswith("RMA-") else "",
        preceding=_preceding(invoice),
        payment_note="refund_via_amazon" if credit else "paid_via_amazon",
    )


def today_of(seller: Seller) -> date:
    """Today where the seller is: the day of issue, and the year of the series."""
    return timezone.now().astimezone(ZoneInfo(seller.time_zone)).date()


def supply_date(order: Order) -> date | None:
    """The day of supply in the marketplace's zone: the last dispatch.

    Where no report names a shipment, an order that Amazon calls shipped or delivered counts from
    its last update; other orders have no supply date yet.
    """
    shipped = order.shipments.order_by("-shipped_at").values_list("shipped_at", flat=True).first()
    if shipped is None and order.status.lower().startswith(("shipped", "delivered", "complete")):
        shipped = order.last_updated_at
    return _day(shipped, order)


def _day(moment: datetime | None, order: Order) -> date | None:
    return moment and moment.astimezone(ZoneInfo(order.marketplace.time_zone)).date()


def _preceding(invoice: Document | None) -> tuple[PrecedingInvoice, ...]:
    if invoice is None or invoice.issue_date is None:
        return ()
    return (PrecedingInvoice(invoice.number, invoice.issue_date),)


def _seller(seller: Seller, order: Order, day: date) -> Party:
    return Party(
        legal_name=seller.legal_name,
        address=tuple(filter(None, (seller.address_line1, seller.address_line2))),
        country=iso_country(seller.country),
        postcode=seller.postal_code,
        city=seller.city,
        region=seller.state,
        registrations=_registrations(seller, iso_country(order.marketplace.country), day),
        email=seller.email,
    )


def _registrations(seller: Seller, country: str, day: date) -> tuple[TaxRegistration, ...]:
    """The registrations valid on the day: those of the taxing country, else the VAT ones; Canada's
    and Japan's say nothing abroad.
    """
    valid = seller.tax_registrations.filter(
        Q(valid_to=None) | Q(valid_to__gte=day), valid_from__lte=day, scheme__in=PRINTED_SCHEMES
    )
    found = [
        TaxRegistration(iso_country(row.country), row.scheme, row.number)
        for row in valid.order_by("country", "scheme", "-valid_from")
    ]
    local = tuple(row for row in found if row.country == country)
    return local or tuple(row for row in found if row.scheme in ("VAT", "OSS"))


def _buyer(buyer: Buyer | None, order: Order) -> Party:
    if buyer is None:
        return Party("", (), iso_country(order.ship_country or order.marketplace.country))
    address = buyer.addresses.order_by("kind", "id").first() or BuyerAddress(
        country=buyer.country, city=order.ship_city, postal_code=order.ship_postal_code
    )
    country = iso_country(address.country or buyer.country or order.ship_country)
    named = address.name if address.name and address.name != buyer.legal_name else ""
    lines = (named, address.line1, address.line2, address.line3)
    return Party(
        legal_name=buyer.legal_name,
        address=tuple(filter(None, lines)),
        country=country,
        postcode=address.postal_code,
        city=address.city,
        region=address.state,
        vat_id=_vat_id(buyer, iso_country(order.ship_country or country)),
        contact=buyer.contact_name,
    )


def _vat_id(buyer: Buyer, country: str) -> str:
    """The buyer's VAT id of the country the goods went to, else the first one known."""
    ids = sorted(buyer.tax_ids.all(), key=lambda row: (iso_country(row.country) != country, row.pk))
    return ids[0].number if ids else ""


def _line(row: DocumentLine, document: Document, categories: dict[Decimal, str]) -> Line:
    """A page line; fees and amounts without goods count as one piece."""
    pieces = (row.quantity or 1) if row.component == "item" else 1
    promotion = document.kind == Kind.INVOICE and row.net < 0 and row.component in PAID
    return Line(
        position=row.position,
        description=row.description,
        quantity=Decimal(pieces),
        unit_price=round_money(row.net / pieces, document.currency),
        net=row.net,
        category=categories[row.rate],
        rate=row.rate,
        tax=row.tax,
        gross=row.gross,
        component="promotion" if promotion else row.component,
        sku=row.sku,
        asin=row.order_line.asin,
        note=row.sentence if document.language == "en" and row.component in EXPLAINED else "",
    )
