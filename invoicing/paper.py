"""Fills the payload of a document from its rows: parties, dates, lines, table, references.

Reads only. What the payload may hold is in `payload.py`, the cents are in `exact.py`; whether it
may be issued is decided in `particulars.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from config.core.money import ONE, ZERO
from config.core.sentence import Sentence
from invoicing import exact, fx, mentions, models, parties, standing, treatment
from invoicing.category import REASONS, fine_rate
from invoicing.explanations import explain
from invoicing.models import Document, DocumentLine
from invoicing.models.document import Kind
from invoicing.payload import (
    AllowanceCharge,
    Delivery,
    Line,
    NationalTax,
    Party,
    Payload,
    PrecedingInvoice,
    RateRow,
    Wording,
    iso_country,
)
from invoicing.states import Component, Occasion
from invoicing.texts import regime, tax_name
from orders.models import Order, Seller

SCHEMA = 2
PAYMENT_MEANS = "68"  # UNTDID 4461: online payment service; money moves through Amazon
DISCOUNT = "95"  # UNTDID 5189
# Components whose sentence tells the buyer something the line itself does not.
EXPLAINED = ("restocking_fee", "return_freight", "goodwill")
PAID = (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP)


def fill(document: Document, issue_date: date) -> Payload:
    """The payload of a draft on a day of issue, its number still empty."""
    rows = list(document.lines.order_by("position").select_related("order_line", "original"))
    categories = _categories(document, rows)
    country = _tax_country(document, set(categories))
    settled = _settle(document, rows, categories, country)
    said = _sentences(document)
    credit, invoice = document.kind == Kind.CREDIT_NOTE, document.corrects
    buyer, party = document.buyer, _buyer(document, country)
    return Payload(
        schema=SCHEMA,
        kind=document.kind,
        number="",
        issue_date=issue_date,
        currency=document.currency,
        language=document.language,
        seller=parties.seller(document.seller, country, issue_date, party.country),
        buyer=party,
        marketplace_name=document.marketplace.name,
        marketplace_country=document.marketplace.country,
        tax_country=country,
        lines=_lines(document, rows, settled, said),
        allowances=_allowances(document, rows, settled, said),
        rates=tuple(
            RateRow(row.category, row.rate, row.base, row.tax, REASONS.get(row.category, ""))
            for row in settled.rates
        ),
        totals=settled.totals,
        tax_point=document.tax_point,
        original_supply_date=invoice.tax_point if credit and invoice else None,
        delivery=_delivery(document),
        national_tax=fx.national_tax(
            settled.totals.tax,
            document.currency,
            country,
            document.tax_point or issue_date,
            _original_national(document),
        ),
        payment_note=_payment_note(document),
        payment_means=PAYMENT_MEANS,
        profiles=(buyer.invoice_profile,) if buyer and buyer.invoice_profile else (),
        notes=mentions.mentions(buyer.country) if buyer else (),
        mode=document.mode or "seller",
        occasion=_occasion(document),
        wordings=_wordings(document.language),
        **_references(document, rows),
    )


def _references(document: Document, rows: list[DocumentLine]) -> dict[str, Any]:
    """What the document refers to: orders, shipments, RMA, the documents before it."""
    order, buyer = document.order, document.buyer
    return {
        "purchase_order": order.po_number,
        "order_ids": (order.amazon_order_id,),
        "shipment_ids": _shipments(document),
        "transaction_id": document.transaction_id,
        "rma_number": document.origin if document.origin.startswith("RMA-") else "",
        "preceding": _preceding(document, rows),
        "buyer_reference": buyer.buyer_reference if buyer else "",
    }


def _wordings(language: str) -> tuple[Wording, ...]:
    """The own words set for the language, in the order of their keys."""
    own = models.Wording.objects.filter(language=language).order_by("key")
    return tuple(Wording(row.key, row.text) for row in own)


def _payment_note(document: Document) -> str:
    """A cancellation moves no money: a new invoice follows it, or a refund with its own paper."""
    if document.occasion == Occasion.CANCELLATION:
        return "no_payment"
    return "refund_via_amazon" if document.kind == Kind.CREDIT_NOTE else "paid_via_amazon"


def _occasion(document: Document) -> str:
    """Why it exists; a credit note without a better reason follows a refund."""
    return Occasion.REFUND.value if document.follows_refund else document.occasion


def _buyer(document: Document, country: str) -> Party:
    """The buyer as known today; what takes a document back names the buyer of that document."""
    before = standing.mirrored(document)
    if before:
        return Payload.from_json(before).buyer
    return parties.buyer(document, country)


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


# --- Tax -----------------------------------------------------------------------------------------


def _categories(document: Document, rows: Sequence[DocumentLine]) -> list[str]:
    """Each row's category; where it does not fit the draft's table, the table's of its rate."""
    table = list(document.taxes.values_list("category", "rate"))
    by_rate = {rate: category for category, rate in table}
    return [
        row.category if (row.category, row.rate) in table else by_rate.get(row.rate, row.category)
        for row in rows
    ]


def _tax_country(document: Document, categories: set[str]) -> str:
    """The country whose tax is shown; a credit note stays in its invoice's."""
    original = document.corrects
    if original and original.payload and (said := original.payload.get("tax_country")):
        return str(said)
    market = iso_country(document.marketplace.country)
    if regime(market) != "vat":
        return market
    day = document.tax_point or today_of(document.seller)
    return treatment.tax_country(
        categories,
        parties.ship_from(document),
        parties.ship_to(document),
        parties.registrations_on(document.seller, day),
    )


def _settle(
    document: Document, rows: Sequence[DocumentLine], categories: Sequence[str], country: str
) -> exact.Exact:
    shares = document.kind == Kind.CREDIT_NOTE or document.occasion == Occasion.REVERSAL
    amounts = [
        exact.Row(
            net=row.net,
            tax=row.tax,
            category=category,
            rate=fine_rate(row.rate, country),
            quantity=_pieces(row),
            deduction=row.gross < 0 or row.net < 0,
            pieces=Decimal(row.original.quantity) if row.original else ONE,
        )
        for row, category in zip(rows, categories, strict=True)
    ]
    return exact.settle(amounts, document.currency, regime(country), credit=shares)


def _original_national(document: Document) -> NationalTax | None:
    """The national figure of the invoice that is corrected: its rate is kept."""
    original = document.corrects
    if original is None or not original.payload:
        return None
    return Payload.from_json(original.payload).national_tax


# --- Lines ---------------------------------------------------------------------------------------


def _pieces(row: DocumentLine) -> Decimal:
    """Fees and amounts without goods count as one piece."""
    return Decimal(row.quantity or 1) if row.component == Component.ITEM else ONE


def _component(row: DocumentLine, deduction: bool) -> str:
    return "promotion" if deduction and row.component in PAID else row.component


def _sentences(document: Document) -> dict[tuple[int, str, str], str]:
    """What the refund's calculation says of each number, in the document's language: by order line,
    component and English sentence, which is all a row keeps.
    """
    refund = models.Refund.objects.filter(document=document).only("calculation").first()
    lines = refund.calculation.get("lines", ()) if refund else ()
    return {
        (int(line["order_line"]), line["component"], line["sentence"][:500]): explain(
            Sentence.from_json(line["says"]), document.language
        )
        for line in lines
    }


def _note(row: DocumentLine, document: Document, said: dict[tuple[int, str, str], str]) -> str:
    """The sentence behind a fee, goodwill or a credit without goods."""
    without_goods = row.component == Component.ITEM and not row.quantity
    if row.component not in EXPLAINED and not without_goods:
        return ""
    english = row.sentence if document.language == "en" else ""
    return said.get((row.order_line_id, row.component, row.sentence), english)


def _lines(
    document: Document,
    rows: Sequence[DocumentLine],
    settled: exact.Exact,
    said: dict[tuple[int, str, str], str],
) -> tuple[Line, ...]:
    """BG-25: every row that is not a deduction, counted from one."""
    pairs = [(row, one) for row, one in zip(rows, settled.rows, strict=True) if not one.deduction]
    return tuple(
        Line(
            position=position,
            description=row.description,
            quantity=_pieces(row),
            unit_price=one.unit_price,
            price_quantity=one.price_quantity,
            net=one.net,
            category=one.category,
            rate=one.rate,
            tax=one.tax,
            gross=one.gross,
            component=row.component,
            sku=row.sku,
            asin=row.order_line.asin,
            note=_note(row, document, said),
        )
        for position, (row, one) in enumerate(pairs, start=1)
    )


def _allowances(
    document: Document,
    rows: Sequence[DocumentLine],
    settled: exact.Exact,
    said: dict[tuple[int, str, str], str],
) -> tuple[AllowanceCharge, ...]:
    """BG-20 and BG-21: what lowers the document, and the US sales tax."""
    found = [
        AllowanceCharge(
            charge=False,
            net=-one.net,
            category=one.category,
            rate=one.rate,
            tax=-one.tax,
            gross=-one.gross,
            reason=row.description,
            component=_component(row, deduction=True),
            reason_code=DISCOUNT if row.component in PAID else "",
            sku=row.sku,
            note=_note(row, document, said),
        )
        for row, one in zip(rows, settled.rows, strict=True)
        if one.deduction
    ]
    if settled.sales_tax:
        found.append(_sales_tax(settled.sales_tax, document.language))
    return tuple(found)


def _sales_tax(amount: Decimal, language: str) -> AllowanceCharge:
    """US sales tax is no VAT: a charge (a deduction where more of it went back)."""
    return AllowanceCharge(
        charge=amount > 0,
        net=abs(amount),
        category="O",
        rate=ZERO,
        tax=ZERO,
        gross=abs(amount),
        reason=tax_name(language, "US"),
        component="sales_tax",
    )


# --- References ----------------------------------------------------------------------------------


def _delivery(document: Document) -> Delivery:
    """BG-13, BG-15: where the goods went and when; a credit note says what its invoice said."""
    order, original = document.order, document.corrects
    credit = document.kind == Kind.CREDIT_NOTE
    if credit and original and original.payload:
        said = Payload.from_json(original.payload).delivery
        if said and said.country:
            return replace(said, day=original.tax_point)
    return Delivery(
        country=parties.ship_to(document),
        postcode=order.ship_postal_code,
        city=order.ship_city,
        region=order.ship_state,
        day=(original.tax_point if original else None) if credit else document.tax_point,
    )


def _shipments(document: Document) -> tuple[str, ...]:
    """BT-16: the shipment the document is about, else all of the order."""
    if document.shipment_id:
        return (document.shipment_id,)
    named = document.order.shipments.order_by("shipped_at", "id")
    return tuple(filter(None, named.values_list("amazon_shipment_id", flat=True)))


def _preceding(document: Document, rows: Sequence[DocumentLine]) -> tuple[PrecedingInvoice, ...]:
    """BG-3: the document that is corrected, then every other one whose lines are."""
    wanted = {row.original.document_id for row in rows if row.original}
    if document.corrects_id:
        wanted.add(document.corrects_id)
    found = Document.objects.filter(pk__in=wanted).exclude(number="").exclude(issue_date=None)
    ordered = sorted(found, key=lambda row: (row.pk != document.corrects_id, row.issue_date))
    return tuple(PrecedingInvoice(row.number, row.issue_date) for row in ordered)
