"""Tax ids by their form: offline, with check digits where the country has them."""

import pytest

from invoicing.payload import TaxRegistration
from invoicing.tax_ids import country_of, has_form, has_vat_form, plain, prefixed


@pytest.mark.parametrize(
    ("number", "expected"),
    [("DE136695976", True), ("de 136.695-976", True), ("DE136695977", False), ("136695976", None),
     ("FR40303265045", True), ("EL094259216", True), ("GR094259216", True), ("XI980780684", True),
     ("GB980780684", True), ("GB980780685", False), ("CHE107787577", None), ("", None)],
)  # fmt: skip
def test_form_of_a_vat_id(number, expected):
    assert has_vat_form(number) is expected


@pytest.mark.parametrize(
    ("country", "scheme", "number", "expected"),
    [
        ("DE", "VAT", "DE136695976", True), ("DE", "VAT", "FR40303265045", False),
        ("DE", "VAT", "136695976", False), ("UK", "VAT", "GB980780684", True),
        ("GB", "VAT", "XI980780684", True), ("DE", "OSS", "DE136695976", True),
        ("IE", "OSS", "EU372022452", True), ("IE", "OSS", "EU37202245", False),
        ("JP", "JCT", "T7000012050002", True), ("JP", "JCT", "T7000012050003", False),
        ("JP", "JCT", "7000012050002", False), ("CA", "GST", "123456782 RT0001", True),
        ("CA", "GST", "123456783", False), ("US", "EIN", "12-3456789", None),
        ("NO", "VAT", "NO995525828MVA", None),
    ],
)  # fmt: skip
def test_form_of_a_sellers_registration(country, scheme, number, expected):
    assert has_form(TaxRegistration(country, scheme, number)) is expected


@pytest.mark.parametrize(
    ("number", "country"), [("DE136695976", "DE"), ("el094259216", "GR"), ("12", ""), ("", "")]
)
def test_country_of_a_vat_id(number, country):
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [("136695976", "DE", "DE136695976"), ("DE136695976", "DE", "DE136695976"),
     ("094259216", "GR", "EL094259216"), ("980780684", "UK", "GB980780684"),
     ("XI980780684", "GB", "XI980780684"), ("12", "DE", "12"), ("12-3456789", "US", "12-3456789")],
)  # fmt: skip
def test_prefix_is_added_where_it_makes_a_vat_id(number, country, expected):
    assert prefixed(number, country) == expected


def test_plain_number_has_no_signs():
    assert plain(" de 136.695-976 ") == "DE136695976"
