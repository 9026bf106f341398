"""The frozen payload: typed, its JSON canonical, its hash the identity of its content."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoicing.payload import Amounts, Payload, canonical_json
from tests.invoicing.payloads import CASES, SELLERS, in_sterling, of_case, rate_rows, sample, totals

D = Decimal
KINDS = ("invoice", "credit_note")


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


@pytest.mark.parametrize("case", CASES)
def test_every_tax_case_is_read_back_as_it_was(case):
    payload = of_case(case, "credit_note", 5)
    assert Payload.from_json(payload.to_json()) == payload


def test_payload_of_the_first_schema_is_still_read():
    """Stored before documents knew allowances, delivery and rounding."""
    new = json.loads(sample().to_json())
    old = {key: new[key] for key in (
        "kind", "number", "issue_date", "currency", "language", "marketplace_name",
        "marketplace_country", "rates", "tax_point", "order_ids", "payment_note",
    )}  # fmt: skip
    party = ("legal_name", "address", "country", "postcode", "city", "registrations", "vat_id")
    old |= {who: {key: new[who][key] for key in party} for who in ("seller", "buyer")}
    old["totals"] = {key: new["totals"][key] for key in ("net", "tax", "gross")}
    old["lines"] = [
        {key: value for key, value in line.items() if key not in ("price_quantity", "unit")}
        for line in new["lines"]
    ]
    payload = Payload.from_json(old | {"schema": 1})
    assert (payload.schema, payload.allowances, payload.delivery) == (1, (), None)
    assert payload.jurisdiction == "DE"
    assert payload.lines[0].price_quantity == 1
    assert (payload.totals.paid, payload.issue_date) == (0, date(2026, 11, 21))


@pytest.mark.parametrize("lines", [1, 5])
def test_sample_helpers_agree_with_the_rows(lines):
    payload = sample("DE", lines=lines)
    assert payload.rates == rate_rows(payload.lines)
    assert payload.totals == totals(payload.lines)
