"""Dated VAT rates: complete, in agreement with the Commission's, and only for new invoices."""

import itertools
from datetime import date, timedelta
from decimal import Decimal

import eu_vat_rates_data
import pytest

from config.core.models import User
from config.core.trail import trail
from invoicing import rate_table
from invoicing.models import VatRate
from invoicing.payload import EU
from invoicing.rates import check_rates, known_rates, load, rate_on
from tests.invoicing.payloads import of_case, sample

pytestmark = pytest.mark.django_db
D = Decimal
AS_OF = date.fromisoformat(eu_vat_rates_data.data_version)


def percents(rates):
    return {float(rate * 100) for rate in rates if rate is not None}


@pytest.mark.parametrize("country", sorted(EU | {"GB"}))
def test_table_agrees_with_the_commission(country):
    theirs = eu_vat_rates_data.get_rate(country)
    lower = {*theirs["reduced"], theirs["super_reduced"], theirs["parking"]} - {None}
    assert percents([rate_on(country, "standard", AS_OF)]) == {theirs["standard"]}
    assert percents(known_rates(country, AS_OF)) == {theirs["standard"], *lower}


@pytest.mark.parametrize(
    ("country", "day", "rate"),
    [
        ("EE", date(2023, 12, 31), "0.20"), ("EE", date(2024, 1, 1), "0.22"),
        ("EE", date(2025, 6, 30), "0.22"), ("EE", date(2025, 7, 1), "0.24"),
        ("LU", date(2023, 12, 31), "0.16"), ("LU", date(2024, 1, 1), "0.17"),
        ("FI", date(2024, 8, 31), "0.24"), ("FI", date(2024, 9, 1), "0.255"),
        ("SK", date(2024, 12, 31), "0.20"), ("SK", date(2025, 1, 1), "0.23"),
        ("RO", date(2025, 7, 31), "0.19"), ("RO", date(2025, 8, 1), "0.21"),
        ("DE", date(2020, 12, 31), "0.16"), ("DE", date(2026, 11, 22), "0.19"),
        ("UK", date(2026, 11, 22), "0.20"), ("JP", date(2026, 11, 22), "0.10"),
    ],
)  # fmt: skip
def test_standard_rate_on_a_day(country, day, rate):
    assert rate_on(country, "standard", day) == D(rate)


@pytest.mark.parametrize(
    ("province", "day", "rate"),
    [("ON", date(2026, 1, 1), "0.13"), ("NS", date(2025, 3, 31), "0.15"),
     ("NS", date(2025, 4, 1), "0.14"), ("AB", date(2026, 1, 1), "0.05"),
     ("QC", date(2026, 1, 1), "0.1498")],
)  # fmt: skip
def test_province_has_its_own_rate_or_the_countrys(province, day, rate):
    assert rate_on("CA", "standard", day, province) == D(rate)


def test_rate_of_nowhere_is_unknown():
    assert rate_on("US", "standard", AS_OF) is None
    assert known_rates("US", AS_OF) == frozenset()


def test_finnish_reduced_rate_follows_its_change():
    assert {D("0.14"), D("0.10")} <= known_rates("FI", date(2025, 12, 31))
    assert D("0.14") not in known_rates("FI", date(2026, 1, 1))
    assert D("0.135") in known_rates("FI", date(2026, 1, 1))


def test_standard_rates_never_overlap():
    rows = [row for row in rate_table.rows() if row.kind == "standard"]
    rows.sort(key=lambda row: (row.country, row.region, row.since))
    same = [
        (one, other)
        for one, other in itertools.pairwise(rows)
        if one[:2] == other[:2] and (one.until is None or one.until >= other.since)
    ]
    assert same == []
    assert all(row.source and 0 < row.rate < 1 for row in rate_table.rows())


def test_loading_again_adds_nothing_and_keeps_what_people_set():
    before = VatRate.objects.count()
    assert before == len(rate_table.rows())
    with trail("setup", by=User.objects.system()):
        row = VatRate.objects.get(country="DE", kind="reduced")
        row.valid_to, row.source = date(2030, 1, 1), "Our tax adviser"
        row.save()
    load("default")
    assert VatRate.objects.count() == before
    assert VatRate.objects.get(pk=row.pk).source == "Our tax adviser"


# --- The check of new invoices -------------------------------------------------------------------


def codes(payload):
    return [one.code for one in check_rates(payload)]


@pytest.mark.parametrize("case", ["S", "K", "AE", "G", "E", "Z", "O", "JP", "CA", "GB", "FR"])
def test_lawful_invoice_has_known_rates(case):
    assert codes(of_case(case, lines=5)) == []


def test_rate_the_country_does_not_know_is_a_finding():
    (found,) = check_rates(sample("FR", tax_country="DE"))
    assert found.code == "rate_unknown"
    assert "20 %" in str(found.sentence)
    assert "DE on 2026-11-18" in str(found.sentence)


def test_rate_counts_on_the_day_of_supply():
    payload = sample("DE", tax_point=date(2020, 8, 1))
    assert codes(payload) == ["rate_unknown"]
    assert codes(sample("DE", tax_point=date(2020, 8, 1) - timedelta(days=40))) == []


def test_credit_note_keeps_its_rate_whatever_the_table_says():
    assert codes(sample("FR", "credit_note", tax_country="DE")) == []
    assert codes(sample("FR", tax_country="DE", occasion="reversal")) == []
