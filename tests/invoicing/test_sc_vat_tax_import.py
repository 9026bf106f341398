"""SC_VAT_TAX: what Amazon issued, as facts; header, dates and quotes as Amazon writes them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from invoicing.models import TaxFact
from orders.imports.files import BadFile
from tests.factories import make_seller
from tests.invoicing.tax_reports import SC_COLUMNS, bring, report, sc, sc_row

pytestmark = pytest.mark.django_db


def test_row_becomes_a_fact_with_number_rate_and_day(tmp_path):
    done = bring(tmp_path, sc(sc_row()), seller=make_seller())
    fact = TaxFact.objects.get()
    assert (done.report_type, done.inserted) == ("SC_VAT_TAX_REPORT", 1)
    assert (fact.report, fact.invoice_number) == ("sc_vat_tax", "DE600001DEMO1I")
    assert (fact.item_net, fact.item_tax, fact.item_rate) == (
        Decimal("100.00"), Decimal("19.00"), Decimal("0.19")
    )  # fmt: skip
    assert fact.shipped_at == datetime(2026, 10, 6, tzinfo=UTC)
    assert (fact.marketplace.code, fact.amazon_invoiced, fact.deemed_supplier) == (
        "DE", True, False
    )  # fmt: skip


def test_lines_wrapped_in_quotes_read_the_same(tmp_path):
    rows = [sc_row(sku='DEMO, 6" vice'), sc_row(sku="DEMO-ÉTAU", transaction_id="T2")]
    plain, wrapped = make_seller(), make_seller()
    bring(tmp_path, sc(*rows), seller=plain)
    bring(tmp_path, sc(*rows, wrapped=True), seller=wrapped)

    def said(seller):
        return list(
            TaxFact.objects.filter(seller=seller).order_by("sku").values_list("sku", "row_hash")
        )

    assert said(plain) == said(wrapped)
    assert {sku for sku, _ in said(plain)} == {'DEMO, 6" vice', "DEMO-ÉTAU"}


@pytest.mark.parametrize("rename", [lambda name: name.replace(" ", ""), str.upper, str.lower])
def test_renamed_columns_are_found(tmp_path, rename):
    content = sc(sc_row())
    header, rest = content.split("\n", 1)
    content = ",".join(rename(name) for name in header.split(",")) + "\n" + rest
    bring(tmp_path, content, seller=make_seller())
    assert TaxFact.objects.get().item_tax == Decimal("19.00")


def test_columns_that_come_and_go_do_not_matter(tmp_path):
    gone = ("SDI Invoice Delivery Status", "EInvoice URL", "Invoice Url", "Product Tax Code")
    columns = [name for name in SC_COLUMNS if name not in gone]
    content = sc(sc_row(), columns=(*columns, "E-Invoice Delivery Status"))
    bring(tmp_path, content, seller=make_seller())
    assert TaxFact.objects.count() == 1


def test_two_equal_rows_are_two_lines_of_one_sku(tmp_path):
    seller = make_seller()
    content = sc(sc_row(), sc_row())
    bring(tmp_path, content, seller=seller)
    again = bring(tmp_path, content, seller=seller)
    assert list(TaxFact.objects.values_list("occurrence", flat=True)) == [0, 1]
    assert (again.inserted, again.updated) == (0, 0)


def test_number_given_later_is_taken_over(tmp_path):
    seller = make_seller()
    bring(tmp_path, sc(sc_row(vat_invoice_number="")), seller=seller)
    later = bring(tmp_path, sc(sc_row()), seller=seller)
    assert (later.inserted, later.updated) == (0, 1)
    assert TaxFact.objects.get().invoice_number == "DE600001DEMO1I"


@pytest.mark.parametrize(
    ("cells", "deemed"),
    [
        ({"tax_collection_responsibility": "Marketplace"}, True),
        ({"vat_invoice_number": "GB600001DEMO1D"}, True),
        ({"vat_invoice_number": "GB600001DEMO1R"}, True),
        ({"vat_invoice_number": "GB600001DEMO1I"}, False),
        ({"vat_invoice_number": "ORDER-R"}, False),
    ],
)
def test_supply_for_which_amazon_owes_the_tax_is_marked(tmp_path, cells, deemed):
    bring(tmp_path, sc(sc_row(**cells)), seller=make_seller())
    assert TaxFact.objects.get().deemed_supplier is deemed


def test_promotion_and_shipping_are_netted_by_component(tmp_path):
    row = sc_row(
        our_price_tax_inclusive_promo_amount="-23.80", our_price_tax_amount_promo="-3.80",
        our_price_tax_exclusive_promo_amount="-20.00",
        shipping_tax_inclusive_selling_price="5.95", shipping_tax_amount="0.95",
        shipping_tax_exclusive_selling_price="5.00",
        shipping_tax_inclusive_promo_amount="-5.95", shipping_tax_amount_promo="-0.95",
        shipping_tax_exclusive_promo_amount="-5.00",
    )  # fmt: skip
    bring(tmp_path, sc(row), seller=make_seller())
    fact = TaxFact.objects.get()
    assert (fact.item_net, fact.item_tax) == (Decimal("80.00"), Decimal("15.20"))
    assert (fact.shipping_net, fact.shipping_tax) == (Decimal(0), Decimal(0))


def test_bad_cell_is_named_by_line_and_column(tmp_path):
    with pytest.raises(BadFile) as caught:
        bring(tmp_path, sc(sc_row(), sc_row(sku="X", tax_rate="19 %")), seller=make_seller())
    assert [(p.line, p.column, p.value) for p in caught.value.problems] == [(3, "tax-rate", "19 %")]
    assert not TaxFact.objects.exists()


def test_samples_are_read():
    french = report("sc_vat_tax_FR_wrapped_utf8.csv", seller=make_seller())
    british = report("sc_vat_tax_GB_utf8.csv", seller=make_seller())
    assert (french.inserted, british.inserted) == (2, 2)
    deemed = TaxFact.objects.get(deemed_supplier=True)
    assert (deemed.marketplace.code, deemed.sku) == ("UK", 'DEMO-VICE, 6"')
    assert TaxFact.objects.get(transaction_type="refund").original_number == "FR600001DEMO1I"
