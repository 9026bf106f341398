"""The frozen payload: canonical JSON, and the gate that lists what a country's law still wants."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoicing.particulars import check_deadlines, check_particulars
from invoicing.payload import Amounts, Payload, PrecedingInvoice, TaxRegistration, canonical_json
from tests.invoicing.payloads import SELLERS, in_sterling, line, rate_rows, sample, totals

D = Decimal

KINDS = ("invoice", "credit_note")


def codes(payload):
    return {finding.code for finding in check_particulars(payload)}


def with_rows(*rows, country="DE", kind="invoice", exemption="", **over):
    payload = sample(country, kind, rows=rows, **over)
    return replace(payload, rates=tuple(replace(r, exemption=exemption) for r in payload.rates))


# --- JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("country", SELLERS)
def test_json_read_back_is_the_same_payload(country, kind):
    payload = sample(country, kind, 5, national_tax=in_sterling())
    again = Payload.from_json(payload.to_json())
    assert again == payload
    assert again.to_json() == payload.to_json()
    assert again.sha256() == payload.sha256()


def test_json_is_canonical():
    text = sample("JP", "credit_note").to_json()
    data = json.loads(text, parse_float=pytest.fail)
    assert list(data) == sorted(data)
    assert ", " not in json.dumps(data, separators=(",", ":"))[:50]
    assert data["lines"][0]["rate"] == "0.1"
    assert data["issue_date"] == "2026-11-21"
    assert "デモ工具株式会社" in text


def test_json_of_equal_decimals_is_equal():
    a = sample(totals=Amounts(D("100"), D("0.00"), D("1E+2")))
    b = sample(totals=Amounts(D("100.00"), D("-0"), D("100.0")))
    assert a.to_json() == b.to_json()
    totals = json.loads(a.to_json())["totals"]
    assert (totals["net"], totals["tax"], totals["gross"]) == ("100", "0", "100")


def test_json_is_restored_from_an_object_in_any_order():
    payload = sample("JP", "credit_note", 5)
    shuffled = dict(reversed(json.loads(payload.to_json()).items()))
    assert canonical_json(shuffled) == payload.to_json()
    assert Payload.from_json(shuffled) == payload


def test_hash_changes_with_any_content():
    payload = sample()
    assert payload.sha256() != replace(payload, purchase_order="PO-1").sha256()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("currency", 5, "payload.currency"),
        ("issue_date", "21.11.2026", "payload.issue_date"),
        ("kind", "gutschrift", "payload.kind"),
        ("totals", {"net": "1", "tax": "0"}, "payload.totals"),
        ("totals", {"net": 1.5, "tax": "0", "gross": "1"}, "payload.totals.net"),
        ("totals", {"net": "NaN", "tax": "0", "gross": "1"}, "payload.totals.net"),
        ("lines", "none", "payload.lines"),
        ("colour", "red", "colour"),
    ],
)
def test_json_that_does_not_fit_names_the_field(path, value, named):
    data = json.loads(sample().to_json()) | {path: value}
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        Payload.from_json(json.dumps(data))


def test_json_of_an_older_schema_takes_defaults():
    data = json.loads(sample().to_json())
    del data["issuer_reference"], data["national_tax"]
    assert Payload.from_json(json.dumps(data)) == sample()


# --- The gate ----------------------------------------------------------------------------------


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
        ("DE", "invoice", {"language": "nl"}, "language"),
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
    reverse = with_rows(line(1, "10", "0", "USD", category="AE"), country="US")
    assert "us_vat" in codes(reverse)


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


def test_sterling_total_completes_a_euro_document_of_the_united_kingdom():
    payload = sample("GB", currency="EUR", national_tax=in_sterling())
    assert codes(payload) == set()
    wrong = replace(in_sterling(), currency="USD")
    assert codes(replace(payload, national_tax=wrong)) == {"national_tax"}


@pytest.mark.parametrize(
    ("category", "exemption", "expected"),
    [
        ("K", "intra_community", set()),
        ("AE", "reverse_charge", set()),
        ("G", "export", set()),
        ("E", "exempt", set()),
        ("Z", "", set()),
        ("K", "", {"exemption"}),
        ("AE", "export", {"exemption"}),
        ("E", "", {"exemption"}),
        ("Z", "export", {"exemption"}),
        ("G", "because", {"exemption"}),
    ],
)
def test_untaxed_categories_state_their_reason(category, exemption, expected):
    row = line(1, "10.00", "0", category=category)
    payload = with_rows(row, exemption=exemption)
    foreign = replace(payload.buyer, vat_id="FR83404833048", country="FR")
    assert codes(replace(payload, buyer=foreign)) == expected


def test_untaxed_category_with_tax_is_a_finding():
    row = line(1, "10.00", "0.19", category="G")
    assert codes(with_rows(row, exemption="export")) == {"untaxed"}


@pytest.mark.parametrize(("category", "exemption"), [("K", "intra_community"),
                                                     ("AE", "reverse_charge")])  # fmt: skip
def test_tax_free_sale_without_buyer_vat_id_is_a_finding(category, exemption):
    payload = with_rows(line(1, "10.00", "0", category=category), exemption=exemption)
    payload = replace(payload, buyer=replace(payload.buyer, vat_id=""))
    assert codes(payload) == {"buyer_vat_id"}


def test_intra_community_supply_to_the_same_country_is_a_finding():
    payload = with_rows(line(1, "10.00", "0", category="K"), exemption="intra_community")
    assert codes(payload) == {"buyer_vat_id"}


# --- To the cent -------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["net", "tax", "gross"])
def test_total_one_cent_off_is_a_finding(field):
    payload = sample("DE", "credit_note", 5)
    off = replace(payload.totals, **{field: getattr(payload.totals, field) + D("0.01")})
    assert "totals" in codes(replace(payload, totals=off))


def test_totals_that_agree_with_each_other_but_not_with_the_lines_are_a_finding():
    payload = sample()
    off = Amounts(payload.totals.net + 1, payload.totals.tax, payload.totals.gross + 1)
    assert codes(replace(payload, totals=off)) == {"totals"}


def test_line_one_cent_off_is_a_finding():
    row = replace(line(1, "10.00", "0.19"), gross=D("11.91"))
    assert codes(with_rows(row)) == {"line_gross", "totals"}


def test_line_net_that_is_not_quantity_times_price_is_a_finding():
    row = line(1, "30.00", "0.19", quantity=D(3), unit_price=D("11"))
    assert codes(with_rows(row)) == {"line_net"}
    rounded = line(1, "10.00", "0.19", quantity=D(3), unit_price=D("3.33"))
    assert codes(with_rows(rounded)) == set()


@pytest.mark.parametrize("field", ["base", "tax"])
def test_rate_table_one_cent_off_is_a_finding(field):
    payload = sample("DE", lines=5)
    row = payload.rates[0]
    off = replace(row, **{field: getattr(row, field) + D("0.01")})
    assert codes(replace(payload, rates=(off, *payload.rates[1:]))) == {"rate_table"}


def test_rate_table_with_a_rate_too_few_or_twice_is_a_finding():
    payload = sample("DE", lines=5)
    assert codes(replace(payload, rates=payload.rates[:1])) == {"rate_table"}
    assert codes(replace(payload, rates=(*payload.rates, payload.rates[0]))) == {"rate_table"}


def test_tax_off_by_more_than_rounding_is_a_finding():
    """The official schemas let 0.90 pass; here a cent a line is the limit."""
    assert codes(with_rows(line(1, "10.00", "0.19", tax=D("1.91")))) == set()
    assert codes(with_rows(line(1, "10.00", "0.19", tax=D("1.92")))) == {"rate_tax"}


def test_japan_rounds_once_per_rate():
    rows = tuple(line(n, "15", "0.1", "JPY", tax=D(2)) for n in range(1, 11))
    assert codes(sample("JP", rows=rows)) == {"rate_tax"}


def test_yen_with_decimals_is_a_finding():
    row = replace(line(1, "100", "0.1", "JPY"), net=D("100.5"), gross=D("110.5"))
    assert codes(sample("JP", rows=(row,))) == {"places"}


def test_deduction_that_raises_the_credit_is_a_finding():
    rows = (line(1, "10.00", "0.19"), line(2, "1.00", "0.19", component="restocking_fee"))
    assert codes(with_rows(*rows, kind="credit_note")) == {"deduction"}


def test_credit_of_nothing_is_a_finding():
    rows = (line(1, "10.00", "0.19"), line(2, "-10.00", "0.19", component="restocking_fee"))
    assert codes(with_rows(*rows, kind="credit_note")) == {"nothing_to_credit"}


def test_negative_invoice_is_a_finding():
    rows = (line(1, "-10.00", "0.19", component="promotion"),)
    assert codes(with_rows(*rows)) == {"negative_invoice"}


def test_line_without_description_or_quantity_is_a_finding():
    row = replace(line(1, "0.00", "0.19"), description=" ", quantity=D(0))
    assert codes(with_rows(row)) == {"description", "quantity"}


def test_finding_says_what_to_do():
    payload = sample("FR", seller=replace(SELLERS["FR"], registrations=()))
    (finding,) = check_particulars(payload)
    assert str(finding.sentence) == (
        "The seller has no VAT id of FR: add it to the seller's tax registrations."
    )


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
    row = line(1, "10.00", "0", category="K")
    payload = with_rows(row, exemption="intra_community", tax_point=date(2025, 12, 31))
    assert check_deadlines(replace(payload, issue_date=date(2026, 1, 15))) == []
    (late,) = check_deadlines(replace(payload, issue_date=date(2026, 1, 16)))
    assert late.code == "late"


def test_sample_helpers_agree_with_the_lines():
    payload = sample("DE", lines=5)
    assert payload.rates == rate_rows(payload.lines)
    assert payload.totals == totals(payload.lines)
