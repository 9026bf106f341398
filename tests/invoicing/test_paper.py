"""Payloads filled from rows: parties, places, references, and the money of the rows kept."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from config.core.sentence import say
from invoicing import drafting, gate, paper, refunds
from invoicing.models import Document
from invoicing.models.document import Issuer, Kind
from invoicing.particulars import check_particulars
from invoicing.payload import Delivery, Payload
from tests.factories import make_buyer, make_registration, make_seller, make_user
from tests.papers import (
    make_calculation,
    make_invoice,
    make_issuing,
    make_refund,
    make_shipped_order,
)

pytestmark = pytest.mark.django_db
D = Decimal
DAY = date(2026, 11, 20)


def draft(order, **fields) -> Document:
    """A draft of the order's invoice, as the verbs make it, without a gate."""
    made = drafting.new_document(order, Kind.INVOICE, Issuer.RETOUR, make_user("finance"))
    rows = drafting.invoice_lines(order, made)
    made.net = sum(row.net for row in rows)
    made.tax = sum(row.tax for row in rows)
    made.gross = made.net + made.tax
    for name, value in {"tax_point": paper.supply_date(order), "origin": "order", **fields}.items():
        setattr(made, name, value)
    made.save()
    drafting.store_lines(rows)
    return made


def filled(order, **fields) -> Payload:
    return paper.fill(draft(order, **fields), DAY)


def german(**fields):
    fields = {"ship_country": "DE", "ship_city": "Kassel", "ship_postal_code": "34117"} | fields
    return make_shipped_order(**fields)


def test_payload_of_an_invoice_is_complete_and_its_money_is_the_documents():
    order = german(lines=2)
    payload = filled(order)
    assert payload.schema == 2
    assert check_particulars(payload) == []
    assert payload.totals.paid == payload.totals.gross + payload.totals.rounding == D("238.00")
    assert payload.totals.due == 0
    assert (payload.mode, payload.occasion, payload.payment_means) == ("seller", "supply", "68")
    assert [line.position for line in payload.lines] == [1, 2]
    assert payload.tax_country == "DE"
    assert Payload.from_json(payload.to_json()) == payload


def test_price_that_three_pieces_do_not_share_stands_for_all_three():
    (line,) = filled(german(quantity=3, net="100.00")).lines
    assert (line.quantity, line.unit_price, line.price_quantity) == (3, D("100.00"), 3)


def test_delivery_is_the_orders_place_on_the_day_of_supply():
    order = german()
    payload = filled(order)
    assert payload.delivery == Delivery(
        country="DE", postcode="34117", city="Kassel", day=paper.supply_date(order)
    )
    assert payload.shipment_ids == (order.shipments.get().amazon_shipment_id,)


def test_promotions_are_deductions_and_never_negative_lines():
    order = german()
    line = order.lines.get()
    line.item_promotion_net, line.item_promotion_tax = D("10.00"), D("1.90")
    line.save()
    payload = filled(order)
    (off,) = payload.allowances
    assert (off.charge, off.net, off.tax, off.rate) == (False, D("10.00"), D("1.90"), D("0.19"))
    assert (off.component, off.reason_code) == ("promotion", "95")
    assert [line.component for line in payload.lines] == ["item"]
    assert payload.totals.allowances == D("10.00")
    assert check_particulars(payload) == []


def test_parties_carry_identities_and_addresses_for_machines():
    seller = make_seller(
        contact_name="Demo Kontor", phone="+49 30 1", legal_id="HRB 1", endpoint="DE136695976",
        endpoint_scheme="9930", email="belege@demo.example",
    )  # fmt: skip
    buyer = make_buyer(
        buyer_reference="04011000-12345-03", endpoint="04011000-12345-03", endpoint_scheme="0204",
        legal_id="HRB 2", invoice_profile="xrechnung-ubl",
    )  # fmt: skip
    payload = filled(german(seller=seller, buyer=buyer))
    assert (payload.seller.contact, payload.seller.phone) == ("Demo Kontor", "+49 30 1")
    assert (payload.seller.endpoint, payload.seller.endpoint_scheme) == ("DE136695976", "9930")
    assert (payload.seller.legal_id, payload.buyer.legal_id) == ("HRB 1", "HRB 2")
    assert (payload.buyer.endpoint_scheme, payload.buyer_reference) == ("0204", "04011000-12345-03")
    assert payload.profiles == ("xrechnung-ubl",)


def test_french_buyer_gets_the_mentions_of_french_law():
    payload = filled(german(buyer=make_buyer(country="FR")))
    assert [note.subject for note in payload.notes] == ["PMT", "PMD", "AAB"]
    assert filled(german()).notes == ()


@pytest.mark.parametrize(
    ("country", "registered", "shown"),
    [
        ("FR", True, ("303265045", "0002")),
        ("FR", False, ("HRB 1", "")),
        ("IT", True, ("HRB 1", "")),
    ],
)
def test_french_buyer_reads_the_sellers_siren_where_it_has_one(country, registered, shown):
    """Inside the seller's French VAT id, also where the sale is taxed at dispatch (BR-FR-10)."""
    seller = make_seller(legal_id="HRB 1", email="belege@demo.example")
    if registered:
        make_registration(seller, "FR", "VAT", "FR40303265045")
    buyer = make_buyer(country=country)
    number = {"FR": "FR83404833048", "IT": "IT12345670017"}[country]
    buyer.tax_ids.create(country=country, number=number)
    order = german(seller=seller, buyer=buyer, ship_country=country, rate="0")
    payload = filled(order)
    assert (payload.tax_country, payload.rates[0].category) == ("DE", "K")
    assert [row.country for row in payload.seller.registrations] == ["DE"]
    assert (payload.seller.legal_id, payload.seller.legal_id_scheme) == shown
    report = gate.check(replace(payload, number="DEMO-2026-000001"))
    asked = any(layer["name"] == "br-fr" for layer in report.layers)
    assert (asked, report.findings) == (country == "FR" and registered, [])


@pytest.mark.parametrize(
    ("registered", "country", "numbers"),
    [
        ([], "DE", ["DE136695976"]),
        ([("AT", "VAT", "ATU12345675")], "AT", ["ATU12345675"]),
        ([("DE", "OSS", "DE136695976")], "AT", ["DE136695976"]),
    ],
)
def test_distance_sale_is_taxed_where_the_seller_is_registered_for_it(registered, country, numbers):
    seller = make_seller()
    for one in registered:
        make_registration(seller, *one)
    payload = filled(german(seller=seller, ship_country="AT"))
    assert payload.tax_country == country
    assert [row.number for row in payload.seller.registrations] == numbers


def test_export_is_shown_in_the_country_of_dispatch():
    payload = filled(german(ship_country="CH", rate="0", buyer=make_buyer(country="CH")))
    assert (payload.tax_country, payload.rates[0].category) == ("DE", "G")
    assert payload.rates[0].exemption == "export"
    assert check_particulars(payload) == []


def test_us_document_knows_no_vat():
    seller = make_seller(country="US", amazon_seller_id="A1DEMO", city="Seattle")
    make_registration(seller, "DE", "VAT", "DE136695976")
    order = make_shipped_order(
        seller=seller, marketplace="US", rate="0.0888", quantity=1, ship_country="US"
    )
    payload = filled(order)
    assert (payload.seller.registrations, payload.buyer.vat_id) == ((), "")
    assert payload.seller.legal_id == "A1DEMO"
    (charge,) = payload.allowances
    assert (charge.charge, charge.component, charge.net) == (True, "sales_tax", D("8.88"))
    assert [(row.category, row.tax, row.base) for row in payload.rates] == [("O", 0, D("108.88"))]
    assert (payload.totals.tax, payload.totals.gross) == (0, D("108.88"))
    assert check_particulars(payload) == []


def test_quebec_keeps_its_rate_of_five_decimals():
    seller = make_seller(country="CA")
    make_registration(seller, "CA", "GST", "123456782 RT0001")
    order = make_shipped_order(
        seller=seller, marketplace="CA", rate="0.1498", net="1000.00", ship_country="CA"
    )
    line = order.lines.get()
    line.item_tax = D("149.75")
    line.save()
    payload = filled(order)
    assert [(row.rate, row.tax) for row in payload.rates] == [(D("0.14975"), D("149.75"))]
    assert payload.totals.rounding == 0
    assert check_particulars(payload) == []


def test_credit_note_names_its_invoice_and_supply_and_keeps_its_country():
    order = german()
    invoice = make_invoice(order)
    refund = make_refund("sent", order=order)
    payload = paper.fill(refund.document, DAY)
    assert [row.number for row in payload.preceding] == [invoice.number]
    assert payload.original_supply_date == payload.delivery.day == invoice.tax_point
    assert payload.tax_country == invoice.payload["tax_country"] == "DE"
    assert (payload.occasion, payload.payment_note) == ("refund", "refund_via_amazon")
    assert payload.totals.paid == refund.gross


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("de", "Kulanz von 1.234,50 für Schraube"),
        ("pl", "Rabat uznaniowy 1\u00a0234,50: Schraube"),
        ("en", "Goodwill of 1,234.50 on Schraube"),
    ],
)
def test_sentence_behind_a_number_is_in_the_documents_language(language, wanted):
    order = german(net="5000.00")
    make_invoice(order)
    money = make_calculation(order, component="goodwill", net="1037.39", tax="197.11")
    says = say("Goodwill of %(gross)s on %(title)s", gross=D("1234.50"), title="Schraube")
    refund = refunds.propose(
        by=make_user("agent"),
        order=order,
        origin="order",
        calculation=replace(money, lines=(replace(money.lines[0], says=says),)),
    )
    note = drafting.draft_credit_note(refund, by=make_user("finance"))
    note.language = language
    note.save()
    refund.document = note
    refund.save()
    (line,) = paper.fill(note, DAY).lines
    assert line.note == wanted


def test_credit_note_keeps_the_place_of_delivery_its_invoice_named():
    refund = make_refund("approved", order=german())
    place = Payload.from_json(drafting.invoice_of(refund.order).payload).delivery
    refund.order.ship_country, refund.order.ship_city = "AT", "Graz"
    note = refund.document
    note.order = refund.order
    assert paper.fill(note, DAY).delivery == replace(place, day=note.corrects.tax_point)
    assert (place.country, place.city) == ("DE", "Kassel")


def test_credit_note_over_lines_of_two_invoices_names_both():
    order = german(lines=2)
    first = make_invoice(order)
    other = german(seller=order.seller)
    make_issuing(order.seller)
    second = make_invoice(other)
    refund = make_refund("proposed", order=order, origin="order")
    note = drafting.draft_credit_note(refund, by=make_user("finance"))
    row = note.lines.last()
    row.original = second.lines.get()
    row.save()
    payload = paper.fill(note, DAY)
    assert [one.number for one in payload.preceding] == [first.number, second.number]


def test_page_says_what_is_late_and_issues_it_all_the_same(client):
    seller = make_seller(country="GB")
    make_registration(seller, "GB", "VAT", "GB980780684")
    long_ago = timezone.now() - timedelta(days=40)
    order = make_shipped_order(
        seller=seller, marketplace="UK", ship_country="GB", rate="0.2", shipped_at=long_ago
    )
    invoice = make_invoice(order)
    client.force_login(make_user("finance"))
    page = client.get(f"/documents/{invoice.pk}/").content.decode()
    limit = invoice.tax_point + timedelta(days=30)
    assert f"had to be issued by {limit.isoformat()}" in page


def test_cheap_pieces_are_taxed_at_a_rate_the_country_knows():
    order = german(quantity=100, net="33.00", rate="0.182")
    line = order.lines.get()
    line.item_tax = D("6.00")
    line.save()
    payload = filled(order)
    assert [(row.rate, row.tax) for row in payload.rates] == [(D("0.19"), D("6.00"))]
    assert payload.totals.gross + payload.totals.rounding == D("39.00")
    assert check_particulars(payload) == []


def test_credit_of_an_amount_on_cheap_pieces_is_explained_by_its_invoice():
    order = german(quantity=100, net="33.00", rate="0.182")
    line = order.lines.get()
    line.item_tax = D("6.00")
    line.save()
    make_invoice(order)
    refund = make_refund("sent", order=order, net="16.50", tax="3.00", component="goodwill")
    refund.refresh_from_db()
    payload = paper.fill(refund.document, DAY)
    assert [(row.rate, row.tax) for row in payload.rates] == [(D("0.19"), D("3.00"))]
    assert payload.totals.paid == D("19.50")
    assert check_particulars(payload) == []


def test_what_is_given_away_is_taxed_like_the_rest():
    order = german(lines=2)
    free = order.lines.last()
    free.item_net, free.item_tax, free.item_rate = D(0), D(0), None
    free.save()
    payload = filled(order)
    assert [(row.category, row.rate) for row in payload.rates] == [("S", D("0.19"))]
    assert [line.net for line in payload.lines] == [D("100.00"), D(0)]
    assert check_particulars(payload) == []


# --- The official rules --------------------------------------------------------------------------

ABROAD = {
    "JP": ("JP", "JCT", "T7000012050002", "0.10", "3000"),
    "CA": ("CA", "GST", "123456782 RT0001", "0.13", "100.00"),
    "UK": ("GB", "VAT", "GB980780684", "0.20", "100.00"),
    "US": ("US", "EIN", "12-3456789", "0.0888", "100.00"),
}


def foreign(marketplace):
    """A domestic sale on a marketplace outside the EU."""
    country, scheme, number, rate, net = ABROAD[marketplace]
    seller = make_seller(country=country, amazon_seller_id="A1DEMO")
    make_registration(seller, country, scheme, number)
    buyer = make_buyer(country=country)
    buyer.tax_ids.all().delete()
    return make_shipped_order(
        seller=seller, marketplace=marketplace, rate=rate, net=net, buyer=buyer,
        ship_country=country, ship_city="Demo City", ship_postal_code="10001",
    )  # fmt: skip


def european(case):
    """A sale of a German seller: domestic, intra-Community, export, reverse charge."""
    country = {"S": "DE", "K": "FR", "G": "CH", "AE": "ES"}[case]
    seller, buyer = make_seller(), make_buyer(country=country)
    if case in ("K", "AE"):
        number = {"K": "FR83404833048", "AE": "ESA28015865"}[case]
        buyer.tax_ids.create(country=country, number=number)
    order = german(
        seller=seller, buyer=buyer, ship_country=country, rate="0.19" if case == "S" else "0",
        marketplace="ES" if case == "AE" else "DE", lines=2, quantity=7, net="123.45",
    )  # fmt: skip
    if case == "AE":
        make_registration(seller, "ES", "VAT", "ESB58378431")
        order.tax_facts.create(
            report="vidr", seller=seller, marketplace=order.marketplace, currency="EUR",
            amazon_order_id=order.amazon_order_id, transaction_id="T1",
            transaction_type="shipment", ship_from_country="ES", row_hash="1",
        )  # fmt: skip
    line = order.lines.first()
    line.item_promotion_net = D("3.33")
    line.item_promotion_tax = D("0.63") if case == "S" else D(0)
    line.shipping_net, line.shipping_tax = D("5.01"), D("0.95") if case == "S" else D(0)
    line.shipping_rate = line.item_rate
    line.save()
    return order


def checked(order, category):
    payload = filled(order)
    assert {row.category for row in payload.rates} == {category}
    report = gate.check(replace(payload, number="DEMO-2026-000001"))
    assert [(one.code, str(one.sentence)) for one in report.findings] == []
    return payload


@pytest.mark.parametrize("case", ["S", "K", "G", "AE"])
def test_filled_european_invoice_passes_every_rule(case):
    payload = checked(european(case), case)
    (off,) = payload.allowances
    assert off.net == D("3.33")
    assert payload.totals.lines + payload.totals.rounding == D("251.91")


@pytest.mark.parametrize("marketplace", sorted(ABROAD))
def test_filled_invoice_from_elsewhere_passes_every_rule(marketplace):
    payload = checked(foreign(marketplace), "O" if marketplace == "US" else "S")
    assert payload.jurisdiction == ABROAD[marketplace][0]
