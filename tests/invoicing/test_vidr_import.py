"""VIDR: Amazon's tax figures as facts, once, in any order, with errors by line and column."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from invoicing.models import TaxFact
from orders.imports.files import BadFile
from orders.models import Buyer, BuyerAddress, BuyerTaxId, ImportFile, Order, Shipment
from tests.factories import make_buyer, make_line, make_order, make_seller
from tests.invoicing.tax_reports import (
    ORDER,
    VIDR_COLUMNS,
    bring,
    report,
    sc,
    sc_row,
    vidr,
    vidr_row,
)
from tests.orders.reports import text

pytestmark = pytest.mark.django_db
FIELDS = [
    f.name for f in TaxFact._meta.fields if f.name not in ("id", "import_file", "order", "document")
]


def facts():
    """What the facts say, without ids of this run."""
    rows = TaxFact.objects.order_by("transaction_id", "sku", "order_item_code", "occurrence")
    return [
        {name: getattr(row, name) for name in FIELDS if name != "order_line"}
        | {"order": row.order.amazon_order_id, "line": row.order_line and row.order_line.sku}
        for row in rows
    ]


def test_shipment_row_becomes_a_fact_with_amazons_figures(tmp_path):
    seller = make_seller()
    row = vidr_row(
        "240.00", "38.32",
        shipping_vat_incl_amount="5.99", shipping_vat_amount="0.96",
        shipping_vat_excl_amount="5.03", shipping_vat_rate="0.19",
        gift_wrap_vat_incl_amount="2.38", gift_wrap_vat_amount="0.38",
        gift_wrap_vat_excl_amount="2.00", gift_wrap_vat_rate="0.19",
    )  # fmt: skip
    done = bring(tmp_path, vidr(row), seller=seller)
    fact = TaxFact.objects.get()
    assert (done.report_type, done.inserted) == ("GET_FLAT_FILE_VAT_INVOICE_DATA_REPORT", 1)
    assert (fact.item_net, fact.item_tax, fact.item_rate) == (
        Decimal("201.68"), Decimal("38.32"), Decimal("0.19")
    )  # fmt: skip
    assert (fact.shipping_net, fact.shipping_tax) == (Decimal("5.03"), Decimal("0.96"))
    assert (fact.gift_wrap_net, fact.gift_wrap_tax) == (Decimal("2.00"), Decimal("0.38"))
    assert (fact.marketplace.code, fact.currency, fact.quantity) == ("DE", "EUR", 2)
    assert (fact.status, fact.amazon_invoiced, fact.deemed_supplier) == (
        "InvoicePending", False, False
    )  # fmt: skip
    assert fact.shipped_at == datetime(2026, 10, 6, 12, tzinfo=UTC)
    assert Shipment.objects.get().amazon_shipment_id == "DDEMO0001"


@pytest.mark.parametrize("sign", ["", "-"])
def test_promotion_lowers_its_component_whatever_its_sign(tmp_path, sign):
    row = vidr_row(
        item_promo_vat_incl_amount=f"{sign}11.90", item_promo_vat_excl_amount=f"{sign}10.00",
        item_promo_vat_amount=f"{sign}1.90",
    )  # fmt: skip
    bring(tmp_path, vidr(row), seller=make_seller())
    fact = TaxFact.objects.get()
    assert (fact.item_net, fact.item_tax) == (Decimal("90.00"), Decimal("17.10"))


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [("REFUND", "-59.50", "refund"), ("RETURN", "-59.50", "return"), ("refund", "59.50", "refund")],
)
def test_what_goes_back_is_negative(tmp_path, kind, given, meant):
    tax = "-9.50" if given.startswith("-") else "9.50"
    row = vidr_row(
        given, tax, transaction_type=kind, quantity_purchased="-1",
        item_promo_vat_incl_amount="5.95", item_promo_vat_excl_amount="5.00",
        item_promo_vat_amount="0.95",
    )  # fmt: skip
    bring(tmp_path, vidr(row), seller=make_seller())
    fact = TaxFact.objects.get()
    assert (fact.transaction_type, fact.quantity) == (meant, 1)
    assert (fact.item_net, fact.item_tax) == (Decimal("-45.00"), Decimal("-8.55"))


def test_same_file_again_changes_nothing(tmp_path):
    seller = make_seller()
    content = vidr(vidr_row(), vidr_row(sku="DEMO-SKU-2", order_item_id="47100000000002"))
    first = bring(tmp_path, content, seller=seller)
    before = facts()
    again = bring(tmp_path, content, seller=seller)
    assert (first.inserted, again.inserted, again.updated, again.unchanged) == (2, 0, 0, 2)
    assert facts() == before


def test_row_said_twice_in_one_file_is_one_fact(tmp_path):
    done = bring(tmp_path, vidr(vidr_row(), vidr_row()), seller=make_seller())
    assert (TaxFact.objects.count(), done.inserted, done.unchanged) == (1, 1, 1)


PENDING = {"invoice_status": "InvoicePending"}
PROCESSING = {"invoice_status": "InvoiceProcessing", "invoice_number": "DEMO-DE-INV-2026-000001"}
REJECTED = PROCESSING | {
    "invoice_status": "InvoicePending", "invoice_status_description": "TotalAmount is wrong"
}  # fmt: skip
UPLOADED = PROCESSING | {"invoice_status": "InvoiceUploaded"}


def test_overlapping_reports_change_the_status_only_whatever_came_first(tmp_path):
    ends = []
    for states in permutations([PENDING, PROCESSING, REJECTED, UPLOADED]):
        seller = make_seller()
        for state in states:
            bring(tmp_path, vidr(vidr_row(**state)), seller=seller)
        fact = TaxFact.objects.get(seller=seller)
        ends.append((fact.status, fact.status_description, fact.invoice_number, fact.item_net))
    assert set(ends) == {("InvoiceUploaded", "", "DEMO-DE-INV-2026-000001", Decimal("100.00"))}


def test_other_amounts_of_a_known_row_stay_out_and_are_said(tmp_path):
    seller = make_seller()
    bring(tmp_path, vidr(vidr_row()), seller=seller)
    done = bring(tmp_path, vidr(vidr_row("119.00", "19.01")), seller=seller)
    assert TaxFact.objects.get().item_tax == Decimal("19.00")
    assert any("differ from what an earlier report said" in note for note in done.notes)


def test_orders_and_tax_reports_end_the_same_in_any_order(tmp_path):
    orders = text({"amazon-order-id": ORDER, "sku": "DEMO-SKU-1"})
    files = [
        ("orders", orders),
        ("vidr", vidr(vidr_row())),
        ("later", vidr(vidr_row(invoice_status="InvoiceUploaded", invoice_number="DEMO-1"))),
        ("sc", sc(sc_row(vat_invoice_number=""))),
    ]
    ends = []
    for way in permutations(files):
        seller = make_seller()
        for _, content in way:
            bring(tmp_path, content, seller=seller)
        ends.append(
            [
                {k: v for k, v in row.items() if k != "seller"}
                for row in facts()
                if row["seller"] == seller
            ]
        )
        assert Order.objects.get(seller=seller).facts_complete
        assert Shipment.objects.filter(order__seller=seller).count() == 1
    assert all(end == ends[0] for end in ends)
    assert [row["line"] for row in ends[0]] == ["DEMO-SKU-1", "DEMO-SKU-1"]


def test_unknown_order_waits_as_a_stub_and_heals(tmp_path):
    seller = make_seller()
    bring(tmp_path, vidr(vidr_row()), seller=seller)
    order = Order.objects.get()
    assert (order.facts_complete, order.marketplace.code, order.currency) == (False, "DE", "EUR")
    bring(tmp_path, text({"amazon-order-id": ORDER, "sku": "DEMO-SKU-1"}), seller=seller)
    fact = TaxFact.objects.get()
    assert fact.order.facts_complete
    assert fact.order_line.order_item_id == "47100000000001"


def test_sku_on_two_lines_without_certain_codes_is_tied_to_none(tmp_path):
    seller = make_seller()
    order = make_order(seller=seller, lines=0, amazon_order_id=ORDER)
    make_line(order, sku="DEMO-SKU-1")
    make_line(order, sku="DEMO-SKU-1", occurrence=2)
    bring(tmp_path, vidr(vidr_row()), seller=seller)
    assert TaxFact.objects.get().order_line is None


def test_company_address_and_vat_id_are_taken_over_once(tmp_path):
    seller = make_seller()
    content = vidr(
        vidr_row(), vidr_row(order_id="302-1110001-0000002", transaction_id="amzn1:crow:DEMO2")
    )
    bring(tmp_path, content, seller=seller)
    bring(tmp_path, content.replace("Demoweg 1", "Demoweg 99"), seller=seller)
    buyer = Buyer.objects.get(legal_name="Demo Einkauf AG")
    assert set(Order.objects.values_list("buyer", flat=True)) == {buyer.pk}
    assert BuyerAddress.objects.get(buyer=buyer).line1 == "Demoweg 1"
    assert BuyerTaxId.objects.get(buyer=buyer).number == "DE129274202"


def test_buyer_whom_people_know_keeps_name_and_address(tmp_path):
    known = make_buyer(legal_name="Demo Einkauf AG")
    bring(tmp_path, vidr(vidr_row(buyer_company_name="DEMO  Einkauf AG")), seller=make_seller())
    assert Order.objects.get().buyer == known
    assert known.addresses.get().line1 == "Hafenring 7"


def test_purchase_order_number_is_taken_over_where_none_is_known(tmp_path):
    seller = make_seller()
    known = make_order(seller=seller, amazon_order_id=ORDER, po_number="KNOWN-1")
    other = make_order(seller=seller, po_number="", is_business=False)
    rows = vidr_row(), vidr_row(order_id=other.amazon_order_id, transaction_id="T2")
    bring(tmp_path, vidr(*rows), seller=seller)
    known.refresh_from_db()
    other.refresh_from_db()
    assert (known.po_number, other.po_number, other.is_business) == ("KNOWN-1", "DEMO-PO-1", True)


def test_private_buyer_becomes_no_company(tmp_path):
    row = vidr_row(buyer_company_name="", buyer_vat_number="", billing_name="Demo Person")
    bring(tmp_path, vidr(row), seller=make_seller())
    assert (Buyer.objects.count(), Order.objects.get().buyer) == (0, None)


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        ({"marketplace_id": "A0UNKNOWN"}, "marketplace-id", "not known here"),
        ({"order_id": "S01-1"}, "order-id", "no Amazon order id"),
        ({"transaction_type": "GIFT"}, "transaction-type", "no type of tax row"),
        ({"transaction_id": ""}, "transaction-id", "blank"),
        ({"shipping_id": ""}, "shipping-id", "without its id"),
        ({"item_vat_incl_amount": "12O.00"}, "item-vat-incl-amount", "no amount"),
        ({"item_vat_amount": "19.005"}, "item-vat-amount", "not an amount of money"),
        ({"item_vat_amount": "9.00"}, "item-vat-amount", "do not add up"),
        ({"item_vat_rate": "19"}, "item-vat-rate", "no rate"),
        ({"shipment_date": "2026-02-30T00:00:00+00:00"}, "shipment-date", "no date"),
        ({"is_amazon_invoiced": "perhaps"}, "is-amazon-invoiced", "neither yes nor no"),
    ],
)
def test_bad_cell_is_named_and_nothing_is_imported(tmp_path, cells, column, problem):
    content = vidr(vidr_row(), vidr_row(sku="DEMO-SKU-2", **cells))
    with pytest.raises(BadFile) as caught:
        bring(tmp_path, content, seller=make_seller())
    found = next(p for p in caught.value.problems if p.column == column)
    assert found.line == 3
    assert problem in found.problem
    assert (TaxFact.objects.count(), Order.objects.count()) == (0, 0)


def test_bad_order_stays_out_whole_when_bad_lines_are_skipped(tmp_path):
    other = "302-1110001-0000002"
    content = vidr(
        vidr_row(),
        vidr_row(order_id=other, transaction_id="T2"),
        vidr_row(order_id=other, transaction_id="T3", item_vat_rate="19"),
    )
    done = bring(tmp_path, content, seller=make_seller(), skip_bad=True)
    assert (done.status, done.bad, TaxFact.objects.count()) == (ImportFile.Status.PARTIAL, 2, 1)


def test_bottle_deposit_is_not_left_out_in_silence(tmp_path):
    columns = (*VIDR_COLUMNS, "bottle-deposit-vat-excl-amount", "bottle-deposit-vat-amount")
    row = vidr_row() | {"bottle-deposit-vat-excl-amount": "0.25"}
    with pytest.raises(BadFile, match="bottle deposits"):
        bring(tmp_path, vidr(row, columns=columns), seller=make_seller())


def test_report_of_another_marketplace_than_asked_for_is_refused(tmp_path):
    with pytest.raises(BadFile, match="another marketplace"):
        bring(tmp_path, vidr(vidr_row()), seller=make_seller(), marketplace="FR")


@pytest.mark.parametrize(
    ("name", "rows", "country", "net", "tax"),
    [
        ("vidr_DE_utf8.tsv", 5, "DE", "441.18", "72.82"),
        ("vidr_FR_comma_cp1252.tsv", 3, "FR", "175.00", "35.00"),
        ("vidr_IT_utf8.tsv", 2, "IT", "60.00", "13.20"),
        ("vidr_ES_utf8.tsv", 2, "ES", "50.00", "10.50"),
        ("vidr_GB_utf8.tsv", 2, "UK", "200.00", "40.00"),
    ],
)
def test_sample_of_each_country_is_read(name, rows, country, net, tax):
    done = report(name, seller=make_seller())
    shipped = TaxFact.objects.filter(transaction_type="shipment")
    assert (done.rows, done.inserted, done.bad) == (rows, rows, 0)
    assert {fact.marketplace.code for fact in shipped} == {country}
    parts = ("item", "shipping", "gift_wrap")
    assert sum(getattr(f, f"{p}_net") for f in shipped for p in parts) == Decimal(net)
    assert sum(getattr(f, f"{p}_tax") for f in shipped for p in parts) == Decimal(tax)
    assert not any("wrong encoding" in note for note in done.notes)
