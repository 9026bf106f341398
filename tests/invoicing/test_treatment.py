"""The decision table of VAT on goods: every row, and what a draft's facts make of it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from invoicing.category import (
    TaxLine,
    category_of,
    check_treatment,
    fine_rate,
    likely_rate,
    rate_of,
    sale_of,
)
from invoicing.models import Document
from invoicing.particulars import check_particulars
from invoicing.payload import TaxRegistration
from invoicing.treatment import ARTICLE_194, EXEMPTIONS, Sale, tax_country, treat
from orders.models import BuyerTaxId
from tests.factories import make_buyer, make_registration, make_seller
from tests.invoicing.payloads import of_case, sample
from tests.invoicing.test_paper import draft, filled, german
from tests.papers import make_shipped_order

D = Decimal
GERMAN = {"established": "DE", "vat": frozenset({"DE"})}


def sale(origin, target, buyer="", valid=True, **fields):
    given = GERMAN | fields
    return Sale(origin, target, buyer_id=buyer, buyer_id_valid=valid if buyer else None, **given)


# --- The table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "sold", "category", "country"),
    [
        ("at home", sale("DE", "DE", "DE"), "S", "DE"),
        ("at home, no id", sale("DE", "DE"), "S", "DE"),
        ("intra-Community", sale("DE", "FR", "FR"), "K", "DE"),
        ("id of a third state", sale("DE", "FR", "AT"), "K", "DE"),
        ("to Northern Ireland", sale("DE", "XI", "XI"), "K", "DE"),
        ("id of the state of dispatch", sale("DE", "FR", "DE", vat=frozenset({"DE", "FR"})),
         "S", "FR"),
        ("no id, registered there", sale("DE", "FR", vat=frozenset({"DE", "FR"})), "S", "FR"),
        ("no id, One Stop Shop", sale("DE", "FR", one_stop_shop=True), "S", "FR"),
        ("no id, below the threshold", sale("DE", "FR"), "S", "DE"),
        ("invalid id", sale("DE", "FR", "FR", False, one_stop_shop=True), "S", "FR"),
        ("abroad, art. 194", sale("ES", "ES", "ES"), "AE", "ES"),
        ("abroad, art. 194, also registered",
         sale("ES", "ES", "ES", vat=frozenset({"DE", "ES"})), "AE", "ES"),
        ("abroad, Poland, not registered", sale("PL", "PL", "PL"), "AE", "PL"),
        ("abroad, Poland, registered",
         sale("PL", "PL", "PL", vat=frozenset({"DE", "PL"})), "S", "PL"),
        ("abroad, buyer not of that state",
         sale("ES", "ES", "FR", vat=frozenset({"DE", "ES"})), "S", "ES"),
        ("abroad, a state without art. 194",
         sale("AT", "AT", "AT", vat=frozenset({"DE", "AT"})), "S", "AT"),
        ("established there", sale("ES", "ES", "ES", established="ES", vat=frozenset({"ES"})),
         "S", "ES"),
        ("export", sale("DE", "CH"), "G", "DE"),
        ("export to the US", sale("DE", "US"), "G", "DE"),
        ("EU to Britain", sale("DE", "GB", "GB"), "G", "DE"),
        ("Britain to EU", sale("GB", "FR", "FR", established="GB", vat=frozenset({"GB"})),
         "G", "GB"),
        ("Britain", sale("GB", "GB", established="GB", vat=frozenset({"GB"})), "S", "GB"),
        ("Britain from abroad to a registered buyer",
         sale("GB", "GB", "GB", vat=frozenset({"DE", "GB"})), "S", "GB"),
        ("Britain to Northern Ireland",
         sale("GB", "XI", established="GB", vat=frozenset({"GB"})), "S", "GB"),
        ("Britain to Northern Ireland, registered buyer",
         sale("GB", "XI", "XI", vat=frozenset({"DE", "GB"})), "S", "GB"),
        ("Northern Ireland to Britain",
         sale("XI", "GB", "GB", established="GB", vat=frozenset({"GB"})), "S", "GB"),
        ("within Northern Ireland",
         sale("XI", "XI", "XI", established="GB", vat=frozenset({"GB"})), "S", "GB"),
        ("Northern Ireland to the Union",
         sale("XI", "IE", "IE", established="GB", vat=frozenset({"GB", "XI"})), "K", "XI"),
        ("Japan", sale("JP", "JP", established="JP", vat=frozenset()), "S", "JP"),
        ("Canada", sale("CA", "CA", established="CA", vat=frozenset()), "S", "CA"),
        ("United States", sale("US", "US", established="US", vat=frozenset()), "O", "US"),
    ],
)  # fmt: skip
def test_row_of_the_table(row, sold, category, country):
    found = treat(sold)
    assert (found.category, found.rate_country) == (category, country), row
    assert found.exemption == EXEMPTIONS.get(category, "")
    assert not found.deemed_supplier


@pytest.mark.parametrize(
    "sold",
    [
        sale("DE", "DE", established="US", vat=frozenset({"DE"})),
        sale("DE", "FR", established="GB", vat=frozenset({"DE"})),
        sale("GB", "GB", established="DE", vat=frozenset({"GB"})),
        sale("GB", "GB", established="US", vat=frozenset({"GB"})),
        sale("GB", "XI", established="DE", vat=frozenset({"GB"})),
    ],
)
def test_amazon_is_the_deemed_supplier_of_sellers_from_outside_to_buyers_without_id(sold):
    assert treat(sold).deemed_supplier
    assert not treat(replace(sold, buyer_id=sold.ship_to, buyer_id_valid=True)).deemed_supplier
    assert not treat(replace(sold, established=sold.ship_from)).deemed_supplier


def test_every_switch_of_article_194_makes_the_buyer_owe_the_tax():
    for state, also_registered in ARTICLE_194.items():
        sold = sale(state, state, state)
        assert treat(sold).category == "AE"
        known = replace(sold, vat=sold.vat | {state})
        assert treat(known).category == ("AE" if also_registered else "S")


@pytest.mark.parametrize(
    ("sold", "words"),
    [
        (sale("DE", "FR", "FR", None), "confirmed"),
        (sale("DE", "FR", "FR", vat=frozenset()), "no VAT id of DE"),
        (sale("DE", "FR", "FR", False), "not valid"),
        (sale("DE", "FR"), "no VAT id of another country"),
        (sale("AT", "AT"), "no VAT id of AT"),
        (sale("GB", "XI", "XI"), "no VAT id of GB"),
        (sale("ES", "ES", "ES", None), "confirmed"),
        (sale("JP", "US"), "tax adviser"),
    ],
)
def test_doubt_is_said_to_a_person(sold, words):
    assert words in str(treat(sold).review)


@pytest.mark.parametrize("sold", [sale("DE", "DE"), sale("DE", "FR", "FR"), sale("DE", "CH")])
def test_clear_case_needs_no_person(sold):
    assert treat(sold).review is None


@pytest.mark.parametrize(
    ("categories", "registered", "country"),
    [("K", ["DE"], "DE"), ("G", ["DE"], "DE"), ("S", ["DE", "FR"], "FR"), ("S", ["DE"], "DE"),
     ("S", ["DE", "OSS"], "FR"), ("S", [], "FR"), ("AE", ["DE", "FR"], "FR")],
)  # fmt: skip
def test_country_whose_tax_is_shown(categories, registered, country):
    known = [
        TaxRegistration("DE" if one == "OSS" else one, "OSS" if one == "OSS" else "VAT", "1")
        for one in registered
    ]
    assert tax_country({categories}, "DE", "FR", known) == country


# --- Rates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "tax", "given", "wanted"),
    [
        ("100.00", "19.00", "0.07", "0.07"),
        ("100.00", "19.00", None, "0.19"),
        ("0.08", "0.02", None, "0.25"),
        ("200.00", "17.75", None, "0.0888"),
        ("10.00", "0.00", None, "0"),
        ("0.00", "0.00", None, "0"),
    ],
)
def test_rate_is_the_reports_or_what_explains_the_tax(net, tax, given, wanted):
    assert rate_of(D(net), D(tax), given and D(given)) == D(wanted)


def test_quebecs_rate_has_a_fifth_decimal():
    assert fine_rate(D("0.1498"), "CA") == D("0.14975")
    assert fine_rate(D("0.1498"), "DE") == D("0.1498")
    assert fine_rate(None, "CA") == 0


FINNISH = {D("0.2550"), D("0.1350"), D("0.1000")}
GERMAN_RATES = {D("0.1900"), D("0.0700")}


@pytest.mark.parametrize(
    ("read_off", "row", "known", "wanted"),
    [
        ("0.182", TaxLine(D("33.00"), D("6.00"), 100), GERMAN_RATES, "0.19"),
        ("0.25", TaxLine(D("0.08"), D("0.02")), GERMAN_RATES, "0.19"),
        ("0.0548", TaxLine(D("8.39"), D("0.46")), {D("0.2000"), D("0.0550")}, "0.055"),
        ("0.255", TaxLine(D("100.00"), D("25.50")), FINNISH, "0.255"),
        ("0.21", TaxLine(D("100.00"), D("21.00")), GERMAN_RATES, "0.21"),
        ("0.21", TaxLine(D("100.00"), D("21.00")), set(), "0.21"),
        ("0", TaxLine(D("10.00"), D("0.00")), GERMAN_RATES, "0"),
    ],
)
def test_rate_of_a_line_is_a_known_one_where_rounding_explains_the_rest(
    read_off, row, known, wanted
):
    assert likely_rate(D(read_off), row, known, "EUR") == D(wanted)


# --- Drafts --------------------------------------------------------------------------------------


def french_buyer(number="FR83404833048"):
    buyer = make_buyer(country="FR")
    BuyerTaxId.objects.create(buyer=buyer, country=number[:2], number=number)
    return buyer


@pytest.mark.django_db
def test_facts_of_a_draft_make_the_sale():
    seller = make_seller()
    make_registration(seller, "FR", "VAT", "FR40303265045")
    order = german(seller=seller, buyer=french_buyer(), ship_country="FR", rate="0")
    found = sale_of(draft(order))
    assert (found.ship_from, found.ship_to, found.established) == ("DE", "FR", "DE")
    assert (found.vat, found.one_stop_shop) == ({"DE", "FR"}, False)
    assert (found.buyer_id, found.buyer_id_valid) == ("FR", True)


@pytest.mark.django_db
def test_amazons_report_says_where_the_goods_came_from():
    order = german(buyer=french_buyer(), ship_country="FR", rate="0")
    order.tax_facts.create(
        report="vidr", seller=order.seller, marketplace=order.marketplace, currency="EUR",
        amazon_order_id=order.amazon_order_id, transaction_id="T1", transaction_type="shipment",
        ship_from_country="PL", row_hash="1",
    )  # fmt: skip
    assert sale_of(draft(order)).ship_from == "PL"


@pytest.mark.django_db
def test_northern_ireland_is_in_the_union_for_goods():
    buyer = french_buyer("XI980780684")
    order = german(buyer=buyer, ship_country="GB", ship_postal_code="bt1 5gs", rate="0")
    payload = filled(order)
    assert (payload.rates[0].category, payload.buyer.vat_id) == ("K", "XI980780684")
    assert (payload.tax_country, payload.delivery.country) == ("DE", "GB")
    assert check_particulars(payload) == []
    belfast = Document.objects.get(order=order)
    assert check_treatment(belfast, payload) == []


@pytest.mark.django_db
def test_british_sale_to_northern_ireland_carries_british_tax_and_asks_nobody():
    """UK VAT is charged as at home (HMRC: goods moving between Great Britain and Northern Ireland);
    no export, although the goods are in the Union's single market then.
    """
    seller = make_seller(country="GB")
    make_registration(seller, "GB", "VAT", "GB980780684")
    order = make_shipped_order(
        seller=seller, marketplace="UK", ship_country="GB", ship_postal_code="BT1 5GS", rate="0.20"
    )
    payload = filled(order)
    assert (payload.tax_country, payload.rates[0].category) == ("GB", "S")
    assert check_treatment(Document.objects.get(order=order), payload) == []


@pytest.mark.django_db
def test_amazons_report_names_the_buyers_id_where_none_is_on_record():
    buyer = make_buyer(country="FR")
    buyer.tax_ids.all().delete()
    order = german(buyer=buyer, ship_country="FR", rate="0")
    order.tax_facts.create(
        report="vidr", seller=order.seller, marketplace=order.marketplace, currency="EUR",
        amazon_order_id=order.amazon_order_id, transaction_id="T1", transaction_type="shipment",
        buyer_tax_id="FR83404833048", row_hash="1",
    )  # fmt: skip
    payload = filled(order)
    assert (payload.rates[0].category, payload.buyer.vat_id) == ("K", "FR83404833048")


@pytest.mark.django_db
def test_id_that_was_noted_without_its_country_gets_it():
    buyer = make_buyer(country="FR")
    buyer.tax_ids.all().delete()
    buyer.tax_ids.create(country="FR", number="83404833048")
    assert filled(german(buyer=buyer)).buyer.vat_id == "FR83404833048"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ship_to", "number", "rate", "category", "findings"),
    [
        ("FR", "FR83404833048", "0", "K", []),
        ("FR", "FR83404833049", "0", "Z", ["treatment", "treatment"]),
        ("FR", "FR83404833048", "0.19", "S", ["treatment"]),
        ("CH", "FR83404833048", "0", "G", []),
        ("DE", "FR83404833048", "0", "Z", ["treatment"]),
        ("DE", "FR83404833048", "0.19", "S", []),
    ],
)
def test_amazons_figure_wins_and_a_difference_asks_a_person(
    ship_to, number, rate, category, findings
):
    order = german(buyer=french_buyer(number), ship_country=ship_to, rate=rate)
    payload = filled(order)
    document = Document.objects.get(order=order)
    assert {row.category for row in payload.rates} == {category}
    assert [one.code for one in check_treatment(document, payload)] == findings


@pytest.mark.django_db
def test_tax_charged_where_the_seller_is_registered_asks_nobody_until_a_report_says_from_where():
    order = make_shipped_order(marketplace="UK", ship_country="GB", rate="0.20")
    payload, document = filled(order), Document.objects.get(order=order)
    assert [one.code for one in check_treatment(document, payload)] == ["treatment"]
    make_registration(order.seller, "GB", "VAT", "GB980780684")
    assert check_treatment(document, payload) == []
    order.tax_facts.create(
        report="vidr", seller=order.seller, marketplace=order.marketplace, currency="GBP",
        amazon_order_id=order.amazon_order_id, transaction_id="T1", transaction_type="shipment",
        ship_from_country="DE", row_hash="1",
    )  # fmt: skip
    assert [one.code for one in check_treatment(document, payload)] == ["treatment"]


@pytest.mark.django_db
def test_zero_rated_goods_in_britain_ask_nobody():
    seller = make_seller(country="GB")
    make_registration(seller, "GB", "VAT", "GB980780684")
    order = make_shipped_order(seller=seller, marketplace="UK", ship_country="GB", rate="0")
    payload = filled(order)
    document = Document.objects.get(order=order)
    assert category_of(document) == "Z"
    assert check_treatment(document, payload) == []


@pytest.mark.django_db
def test_deemed_supplier_stops_our_invoice_unless_amazon_says_it_is_not():
    seller = make_seller(country="US")
    make_registration(seller, "DE", "VAT", "DE136695976")
    order = german(seller=seller, buyer=make_buyer(country="CH"))
    BuyerTaxId.objects.filter(buyer=order.buyer).delete()
    report = order.tax_facts.create(
        report="vidr", seller=seller, marketplace=order.marketplace, currency="EUR",
        amazon_order_id=order.amazon_order_id, transaction_id="T1", transaction_type="shipment",
        ship_from_country="DE", row_hash="1", deemed_supplier=True,
    )  # fmt: skip
    payload = filled(order)
    document = Document.objects.get(order=order)
    assert [one.code for one in check_treatment(document, payload)] == ["deemed_supplier"]
    report.deemed_supplier = False
    report.save()
    assert check_treatment(document, payload) == []


@pytest.mark.django_db
def test_credit_notes_are_never_treated_anew():
    document = draft(german(rate="0"))
    assert check_treatment(document, of_case("K", "credit_note")) == []
    assert check_treatment(document, sample("DE", occasion="reversal")) == []
    assert [one.code for one in check_treatment(document, of_case("K"))] == ["treatment"]
