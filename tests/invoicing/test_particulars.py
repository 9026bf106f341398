"""What a country's law wants on a document, and money to the cent: each lack is a finding."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.core.money import quantum
from invoicing.cents import check_cents
from invoicing.exact import settle
from invoicing.particulars import check_deadlines, check_particulars, national_currency
from invoicing.payload import AllowanceCharge, PrecedingInvoice, TaxRegistration
from tests.invoicing.payloads import CASES, SELLERS, in_sterling, line, of_case, sample
from tests.invoicing.test_exact import REGIME, documents

D = Decimal
KINDS = ("invoice", "credit_note")
CENT = D("0.01")


def codes(payload):
    return {finding.code for finding in check_particulars(payload)}


def with_rows(*rows, country="DE", kind="invoice", exemption=None, **over):
    payload = sample(country, kind, rows=rows, **over)
    if exemption is None:
        return payload
    return replace(payload, rates=tuple(replace(r, exemption=exemption) for r in payload.rates))


@pytest.mark.parametrize("lines", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("country", SELLERS)
def test_complete_payload_has_no_finding(country, kind, lines):
    payload = sample(country, kind, lines)
    assert check_particulars(payload) == []
    assert check_deadlines(payload) == []


@pytest.mark.parametrize(
    ("country", "kind", "over", "code"),
    [
        ("DE", "invoice", {"tax_point": None}, "supply_date"),
        ("DE", "credit_note", {"tax_point": None}, "refund_date"),
        ("DE", "credit_note", {"preceding": ()}, "preceding_invoice"),
        ("GB", "credit_note", {"preceding": ()}, "preceding_invoice"),
        ("GB", "credit_note", {"preceding": (PrecedingInvoice(" ", date(2026, 1, 1)),)},
         "preceding_invoice"),
        ("US", "credit_note", {"preceding": (), "order_ids": ()}, "preceding_invoice"),
        ("JP", "credit_note", {"original_supply_date": None}, "original_supply_date"),
        ("DE", "invoice", {"language": "sv"}, "language"),
        ("DE", "invoice", {"payment_note": "by_cheque"}, "payment_note"),
        ("GB", "invoice", {"currency": "EUR"}, "national_tax"),
        ("DE", "invoice", {"currency": "GBP"}, "national_tax"),
        ("DE", "invoice", {"currency": "eur"}, "currency"),
        ("DE", "invoice", {"lines": ()}, "lines"),
    ],
)  # fmt: skip
def test_missing_particular_is_a_finding(country, kind, over, code):
    payload = sample(country, kind)
    assert code not in codes(payload)
    assert code in codes(replace(payload, **over))


@pytest.mark.parametrize(
    ("country", "field"),
    [("DE", "legal_name"), ("FR", "legal_name"), ("GB", "legal_name"), ("JP", "legal_name")],
)
@pytest.mark.parametrize("who", ["seller", "buyer"])
def test_missing_name_is_a_finding(country, field, who):
    payload = sample(country)
    party = replace(getattr(payload, who), **{field: " "})
    assert codes(replace(payload, **{who: party})) == {f"{who}_name"}


@pytest.mark.parametrize("who", ["seller", "buyer"])
def test_missing_address_is_a_finding(who):
    payload = sample("DE")
    party = replace(getattr(payload, who), address=(), city="")
    assert codes(replace(payload, **{who: party})) == {f"{who}_address"}


@pytest.mark.parametrize("country", ["DE", "FR", "IT", "ES", "GB", "CA", "JP"])
def test_missing_seller_registration_is_a_finding(country):
    payload = sample(country)
    seller = replace(payload.seller, registrations=())
    assert codes(replace(payload, seller=seller)) == {"seller_registration"}


@pytest.mark.parametrize(
    ("country", "scheme", "number"),
    [("JP", "JCT", "7000012050002"), ("JP", "JCT", "T123"), ("CA", "GST", "12345 RT0001")],
)
def test_malformed_seller_registration_is_a_finding(country, scheme, number):
    seller = replace(SELLERS[country], registrations=(TaxRegistration(country, scheme, number),))
    assert codes(sample(country, seller=seller)) == {"seller_registration"}


def test_one_stop_shop_registration_serves_every_eu_country():
    seller = replace(SELLERS["DE"], registrations=(TaxRegistration("DE", "OSS", "DE136695976"),))
    assert codes(sample("FR", seller=seller)) == set()


def test_us_document_needs_no_registration_but_knows_no_vat_category():
    assert codes(sample("US", "credit_note")) == set()
    taxed = replace(sample("US"), rates=sample("DE").rates)
    assert "us_vat" in codes(taxed)


def test_seller_without_vat_id_is_known_by_its_register_number():
    seller = replace(SELLERS["JP"], legal_id="")
    assert codes(sample("JP", seller=seller)) == {"seller_identity"}


@pytest.mark.parametrize(
    ("net", "findings"),
    [("85.00", set()), ("100.00", {"seller_registration"}),
     ("500.00", {"seller_registration", "buyer_name"})],
)  # fmt: skip
def test_canadian_thresholds(net, findings):
    """Below 100 CAD neither number nor buyer, from 100 the number, from 500 the buyer too."""
    payload = sample("CA", rows=(line(1, net, "0.05", "CAD"),))
    bare = replace(
        payload,
        seller=replace(payload.seller, registrations=()),
        buyer=replace(payload.buyer, legal_name="", address=(), city=""),
    )
    assert codes(bare) == findings


def sterling(payload, **over):
    tax = (payload.totals.tax * in_sterling().rate).quantize(CENT)
    return replace(in_sterling(), tax=tax, **over)


def test_sterling_total_completes_a_euro_document_of_the_united_kingdom():
    payload = sample("GB", currency="EUR")
    assert codes(payload) == {"national_tax"}
    assert codes(replace(payload, national_tax=sterling(payload))) == set()
    wrong = sterling(payload, currency="USD")
    assert codes(replace(payload, national_tax=wrong)) == {"national_tax"}


def test_sterling_total_a_penny_off_is_a_finding():
    payload = sample("GB", currency="EUR")
    right = sterling(payload)
    off = replace(right, tax=right.tax + CENT)
    assert codes(replace(payload, national_tax=off)) == {"national_tax"}


def test_document_without_tax_needs_no_second_currency():
    assert codes(of_case("G-GB", currency="EUR")) == set()


@pytest.mark.parametrize(
    ("country", "day", "wanted"),
    [("PL", date(2026, 1, 1), "PLN"), ("DE", date(2026, 1, 1), "EUR"),
     ("BG", date(2025, 12, 31), "BGN"), ("BG", date(2026, 1, 1), "EUR"),
     ("UK", date(2026, 1, 1), "GBP"), ("JP", date(2026, 1, 1), "USD")],
)  # fmt: skip
def test_national_currency_of_a_country_and_day(country, day, wanted):
    assert national_currency(country, day, "USD") == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_lawful_tax_case_has_no_finding(case, kind):
    assert codes(of_case(case, kind, 5)) == set()


@pytest.mark.parametrize(
    ("case", "exemption"),
    [("K", ""), ("AE", "export"), ("E", ""), ("Z", "export"), ("G", "because"), ("O", ""),
     ("S", "exempt")],
)  # fmt: skip
def test_category_states_its_reason_and_no_other(case, exemption):
    payload = of_case(case)
    rates = tuple(replace(row, exemption=exemption) for row in payload.rates)
    assert codes(replace(payload, rates=rates)) == {"exemption"}


@pytest.mark.parametrize("case", ["AE", "E", "G", "K", "Z"])
def test_untaxed_category_with_tax_is_a_finding(case):
    row = line(1, "10.00", "0.19", category=case)
    payload = of_case(case)
    taxed = sample("DE", rows=(row,))
    lines, rates, totals = taxed.lines, taxed.rates, taxed.totals
    assert codes(replace(payload, lines=lines, rates=rates, totals=totals)) == {"untaxed"}


@pytest.mark.parametrize("case", ["K", "AE"])
@pytest.mark.parametrize(
    ("vat_id", "code"),
    [("", "buyer_vat_id"), (" ", "buyer_vat_id"), ("FR83404833049", "buyer_vat_form"),
     ("ESA28015866", "buyer_vat_form"), ("CHE107787577", "buyer_vat_form")],
)  # fmt: skip
def test_tax_free_sale_needs_a_vat_id_of_the_right_form(case, vat_id, code):
    payload = of_case(case)
    assert codes(replace(payload, buyer=replace(payload.buyer, vat_id=vat_id))) == {code}


def test_wrong_vat_id_of_a_buyer_who_pays_tax_stops_nothing():
    payload = sample()
    assert codes(replace(payload, buyer=replace(payload.buyer, vat_id="DE129274203"))) == set()


def test_intra_community_supply_needs_an_id_of_another_country():
    payload = of_case("K")
    assert codes(replace(payload, buyer=replace(payload.buyer, vat_id="DE129274202"))) == {
        "buyer_vat_id"
    }


@pytest.mark.parametrize("case", ["K", "G"])
@pytest.mark.parametrize("over", [{"day": None}, {"country": ""}, {"country": "DE"}])
def test_supply_abroad_says_when_and_where(case, over):
    payload = of_case(case)
    assert codes(replace(payload, delivery=replace(payload.delivery, **over))) == {"delivery"}
    assert codes(replace(payload, delivery=None)) == {"delivery"}


# --- To the cent -------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["net", "tax", "gross"])
def test_total_one_cent_off_is_a_finding(field):
    payload = sample("DE", "credit_note", 5)
    off = replace(payload.totals, **{field: getattr(payload.totals, field) + D("0.01")})
    assert "totals" in codes(replace(payload, totals=off))


@pytest.mark.parametrize(
    ("field", "code"),
    [("lines", "totals"), ("allowances", "totals"), ("charges", "totals"), ("paid", "due"),
     ("rounding", "due"), ("due", "due")],
)  # fmt: skip
def test_part_of_the_totals_one_cent_off_is_a_finding(field, code):
    payload = sample("DE", "credit_note", 5)
    off = replace(payload.totals, **{field: getattr(payload.totals, field) + CENT})
    assert codes(replace(payload, totals=off)) == {code}


def test_totals_that_agree_with_each_other_but_not_with_the_lines_are_a_finding():
    payload = sample()
    totals = payload.totals
    off = replace(totals, net=totals.net + 1, gross=totals.gross + 1, paid=totals.paid + 1)
    assert codes(replace(payload, totals=off)) == {"totals"}


def test_tax_one_cent_off_with_consistent_totals_is_a_finding():
    """The official schemas let 0.90 pass (BR-CO-17); here a single cent does not."""
    payload = with_rows(line(1, "10.00", "0.19", tax=D("1.91")))
    assert codes(payload) == {"rate_tax"}
    assert codes(with_rows(line(1, "10.00", "0.19", tax=D("1.89")))) == {"rate_tax"}


def test_line_one_cent_off_is_a_finding():
    row = replace(line(1, "10.00", "0.19"), gross=D("11.91"))
    assert codes(with_rows(row)) == {"line_gross"}


@pytest.mark.parametrize(
    ("price", "of", "expected"),
    [("11", 1, {"line_net"}), ("3.33", 1, {"line_net"}), ("10.00", 3, set()),
     ("10.01", 3, {"line_net"})],
)  # fmt: skip
def test_quantity_times_price_is_the_net_exactly(price, of, expected):
    row = line(1, "10.00", "0.19", quantity=D(3), unit_price=D(price), price_quantity=D(of))
    assert codes(with_rows(row)) == expected


def test_price_with_five_decimals_is_a_finding():
    row = line(1, "0.01", "0.19", quantity=D(1000), unit_price=D("0.00001"))
    assert codes(with_rows(row)) == {"line_price"}


@pytest.mark.parametrize(("field", "more"), [("base", {"rate_tax"}), ("tax", {"totals"})])
def test_rate_table_off_is_a_finding(field, more):
    payload = sample("DE", lines=5)
    row = payload.rates[0]
    off = replace(row, **{field: getattr(row, field) + D("0.10")})
    found = codes(replace(payload, rates=(off, *payload.rates[1:])))
    assert {"rate_table"} | more <= found


def test_rate_table_with_a_rate_too_few_or_twice_is_a_finding():
    payload = sample("DE", lines=5)
    assert "rate_table" in codes(replace(payload, rates=payload.rates[:1]))
    assert "rate_table" in codes(replace(payload, rates=(*payload.rates, payload.rates[0])))


def test_rounding_beyond_what_rounding_explains_is_a_finding():
    payload = sample()
    totals = payload.totals

    def moved(cents):
        return replace(payload, totals=replace(
            totals, paid=totals.paid + cents * CENT, rounding=cents * CENT
        ))  # fmt: skip

    assert codes(moved(10)) == set()
    assert codes(moved(100)) == {"rounding"}


def test_japan_rounds_once_per_rate():
    rows = tuple(line(n, "15", "0.1", "JPY", tax=D(2)) for n in range(1, 11))
    assert codes(sample("JP", rows=rows)) == {"rate_tax"}


def test_yen_with_decimals_is_a_finding():
    row = replace(line(1, "100", "0.1", "JPY"), net=D("100.5"), gross=D("110.5"))
    assert "places" in codes(sample("JP", rows=(row,)))


def test_deduction_that_raises_the_credit_is_a_finding():
    rows = (line(1, "10.00", "0.19"), line(2, "1.00", "0.19", component="restocking_fee"))
    assert codes(with_rows(*rows, kind="credit_note")) == {"deduction"}


def test_fee_invoice_that_is_taken_back_is_no_deduction():
    row = line(1, "5.00", "0.19", component="restocking_fee")
    assert codes(with_rows(row, kind="credit_note", occasion="cancellation")) == set()


def test_deduction_without_a_reason_is_a_finding():
    payload = sample("DE", "credit_note", 5)
    bare = tuple(replace(row, reason=" ") for row in payload.allowances)
    assert codes(replace(payload, allowances=bare)) == {"allowance_reason"}


def test_credit_of_nothing_is_a_finding():
    rows = (line(1, "10.00", "0.19"), line(2, "-10.00", "0.19", component="restocking_fee"))
    assert codes(with_rows(*rows, kind="credit_note")) == {"nothing_to_credit"}


def test_negative_invoice_is_a_finding():
    rows = (line(1, "-10.00", "0.19", component="promotion"),)
    assert codes(with_rows(*rows)) == {"lines", "negative_invoice"}


def test_line_without_description_or_quantity_is_a_finding():
    row = replace(line(1, "0.00", "0.19"), description=" ", quantity=D(0))
    assert codes(with_rows(row)) == {"description", "quantity"}


def test_finding_says_what_to_do():
    payload = sample("FR", seller=replace(SELLERS["FR"], registrations=()))
    (finding,) = check_particulars(payload)
    assert str(finding.sentence) == (
        "The seller has no VAT id of FR: add it to the seller's tax registrations."
    )


def assembled(currency, rows, kind):
    """A payload around settled rows."""
    regime = REGIME.get(currency, "vat")
    found = settle(rows, currency, regime, credit=kind == "credit_note")
    pairs = list(zip(rows, found.rows, strict=True))
    lines = [
        line(
            number, str(one.net), str(one.rate), currency, category=one.category, tax=one.tax,
            quantity=given.quantity, unit_price=one.unit_price, price_quantity=one.price_quantity,
        )
        for number, (given, one) in enumerate(pairs, start=1)
        if not one.deduction
    ]  # fmt: skip
    off = [
        AllowanceCharge(
            False, -one.net, one.category, one.rate, -one.tax, -one.gross, "Off", "promotion"
        )
        for one in found.rows
        if one.deduction
    ]
    if found.sales_tax:
        tax = abs(found.sales_tax)
        charge = found.sales_tax > 0
        off.append(AllowanceCharge(charge, tax, "O", D(0), D(0), tax, "Sales tax", "sales_tax"))
    return replace(
        sample("DE", kind), currency=currency, lines=tuple(lines), allowances=tuple(off),
        rates=found.rates, totals=found.totals,
    )  # fmt: skip


@given(documents(), st.sampled_from(KINDS))
def test_what_is_settled_has_no_finding_about_cents(document, kind):
    payload = assembled(*document, kind)
    expected = {"nothing_to_credit", "negative_invoice"} if payload.totals.gross <= 0 else set()
    assert {one.code for one in check_cents(payload)} <= expected


@given(documents(), st.data())
def test_any_amount_a_cent_off_is_a_finding(document, data):
    """Totals, table, lines, allowances: whichever figure is moved, something says so."""
    payload = assembled(*document, "invoice")
    step = quantum(payload.currency)
    path = data.draw(st.sampled_from(("totals", "rates", "lines", "allowances")))
    if path == "totals":
        fields = ("net", "tax", "gross", "lines", "allowances", "charges", "paid", "due")
        name = data.draw(st.sampled_from((*fields, "rounding")))
        moved = replace(payload.totals, **{name: getattr(payload.totals, name) + step})
    else:
        rows = getattr(payload, path)
        if not rows:
            return
        index = data.draw(st.integers(0, len(rows) - 1))
        name = data.draw(st.sampled_from(("base", "tax") if path == "rates" else ("net", "tax")))
        row = replace(rows[index], **{name: getattr(rows[index], name) + step})
        moved = (*rows[:index], row, *rows[index + 1 :])
    before = list(check_cents(payload))
    assert len(list(check_cents(replace(payload, **{path: moved})))) > len(before)


# --- Deadlines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "kind", "days_old", "late"),
    [("GB", "credit_note", 14, False), ("GB", "credit_note", 15, True),
     ("GB", "invoice", 30, False), ("GB", "invoice", 31, True), ("DE", "invoice", 200, False)],
)  # fmt: skip
def test_deadline(country, kind, days_old, late):
    issued = date(2026, 11, 21)
    payload = sample(country, kind, tax_point=date.fromordinal(issued.toordinal() - days_old))
    assert [finding.code for finding in check_deadlines(payload)] == ["late"] * late
    assert check_particulars(payload) == []


def test_intra_community_invoice_is_due_by_the_fifteenth_of_the_next_month():
    payload = of_case("K", tax_point=date(2025, 12, 31))
    assert check_deadlines(replace(payload, issue_date=date(2026, 1, 15))) == []
    (late,) = check_deadlines(replace(payload, issue_date=date(2026, 1, 16)))
    assert late.code == "late"
