"""The VAT total in national currency: stored rates, the latest of a week, never a guess."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config.core.refused import Refused
from invoicing import paper
from invoicing.fx import add_rate, national_tax, rate_at
from invoicing.models import FxRate
from invoicing.particulars import check_particulars
from invoicing.payload import NationalTax
from tests.factories import make_registration, make_seller, make_user
from tests.invoicing.test_paper import DAY, filled
from tests.papers import make_shipped_order

pytestmark = pytest.mark.django_db
D = Decimal
FRIDAY = date(2026, 11, 20)


def quote(currency, rate, day=FRIDAY, **fields):
    return FxRate.objects.create(quote=currency, rate=D(rate), day=day, **fields)


def test_rate_of_the_day_is_taken_with_its_source():
    quote("PLN", "4.2512")
    assert national_tax(D("19.00"), "EUR", "PL", FRIDAY) == NationalTax(
        "PLN", D("80.77"), D("4.2512"), "ECB", FRIDAY
    )


@pytest.mark.parametrize(("days", "known"), [(0, True), (7, True), (8, False), (-1, False)])
def test_latest_rate_of_the_last_week_counts(days, known):
    quote("PLN", "4.20", FRIDAY - timedelta(days=30))
    quote("PLN", "4.25", FRIDAY - timedelta(days=days))
    found = rate_at("EUR", "PLN", FRIDAY)
    assert found == ((D("4.25"), FRIDAY - timedelta(days=days), "ECB") if known else None)


def test_other_currencies_are_crossed_over_the_euro_of_one_day():
    quote("GBP", "0.85")
    quote("SEK", "11.05")
    quote("SEK", "99", FRIDAY - timedelta(days=1))
    assert rate_at("GBP", "SEK", FRIDAY) == (D("13"), FRIDAY, "ECB")
    assert rate_at("GBP", "EUR", FRIDAY)[0] == D("1.17647059")


def test_half_a_pair_is_no_rate():
    quote("GBP", "0.85")
    quote("SEK", "11.05", source="Sveriges Riksbank")
    assert rate_at("GBP", "SEK", FRIDAY) is None


def test_pair_that_a_source_quotes_needs_no_crossing():
    quote("EUR", "1.19", base="GBP", source="HMRC")
    assert rate_at("GBP", "EUR", FRIDAY) == (D("1.19"), FRIDAY, "HMRC")


@pytest.mark.parametrize(
    ("tax", "currency", "country"),
    [("19.00", "EUR", "DE"), ("10.00", "PLN", "PL"), ("0", "EUR", "PL"), ("5.00", "USD", "US"),
     ("9", "JPY", "JP"), ("19.00", "EUR", "SE")],
)  # fmt: skip
def test_no_second_figure_where_none_is_asked_or_none_is_known(tax, currency, country):
    quote("PLN", "4.2512")
    assert national_tax(D(tax), currency, country, FRIDAY) is None


def test_credit_note_keeps_the_rate_of_its_invoice():
    quote("PLN", "4.9999")
    original = NationalTax("PLN", D("80.77"), D("4.2512"), "ECB", date(2026, 10, 1))
    found = national_tax(D("9.50"), "EUR", "PL", FRIDAY, original)
    assert found == NationalTax("PLN", D("40.39"), D("4.2512"), "ECB", date(2026, 10, 1))


def euro_sale_in_poland():
    seller = make_seller()
    make_registration(seller, "PL", "VAT", "PL5260001246")
    return make_shipped_order(seller=seller, ship_country="PL", rate="0.23")


def test_document_in_a_foreign_currency_shows_its_tax_in_both():
    order = euro_sale_in_poland()
    quote("PLN", "4.2512", paper.supply_date(order))
    payload = filled(order)
    assert (payload.national_tax.currency, payload.national_tax.tax) == ("PLN", D("97.78"))
    assert check_particulars(payload) == []


def test_missing_rate_is_a_finding_that_says_which():
    payload = filled(euro_sale_in_poland())
    (found,) = check_particulars(payload)
    assert found.code == "national_tax"
    said = str(found.sentence)
    assert "PLN" in said
    assert f"from EUR of the week up to {payload.tax_point.isoformat()}" in said
    assert "administrator enters it" in said
    assert payload.issue_date == DAY


# --- Entering rates ------------------------------------------------------------------------------

FILE = "Date,USD,PLN,BGN,\n2026-11-20,1.1523,4.2512,N/A,\n2026-11-19,1.1500,4.2400,N/A,\n"


def test_rate_is_entered_once_and_never_changed():
    by = make_user("finance")
    given = {"quote": "PLN", "day": FRIDAY, "source": "NBP", "by": by}
    assert add_rate(rate=D("4.25"), **given) == add_rate(rate=D("4.25"), **given)
    with pytest.raises(Refused) as refused:
        add_rate(rate=D("4.26"), **given)
    assert (refused.value.code, FxRate.objects.count()) == ("rate_known", 1)
    assert "4.25" in refused.value.sentence


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"quote": "zloty"}, "currency"), ({"quote": "EUR"}, "currency"), ({"rate": D(0)}, "rate")],
)
def test_what_is_no_rate_is_refused(fields, code):
    given = {"quote": "PLN", "day": FRIDAY, "rate": D("4.25"), "source": ""} | fields
    with pytest.raises(Refused) as refused:
        add_rate(**given, by=make_user("finance"))
    assert refused.value.code == code
    with pytest.raises(Refused, match="may not"):
        add_rate(quote="PLN", day=FRIDAY, rate=D(4), source="", by=make_user("agent"))


def read(path, text, **options):
    path.write_text(text, encoding="utf-8")
    out = StringIO()
    call_command("import_fx_rates", str(path), stdout=out, **options)
    return out.getvalue().strip()


def test_banks_file_is_read_once(tmp_path):
    since = date(2026, 11, 1)
    assert read(tmp_path / "a.csv", FILE, since=since) == "4 rates stored"
    assert read(tmp_path / "a.csv", FILE, since=since) == "0 rates stored"
    assert rate_at("EUR", "PLN", FRIDAY) == (D("4.2512"), FRIDAY, "ECB")
    assert rate_at("USD", "PLN", FRIDAY)[0] == D("3.68931702")


def test_days_before_the_first_wanted_are_left_out(tmp_path):
    assert read(tmp_path / "a.csv", FILE, since=FRIDAY) == "2 rates stored"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "not the ECB's file"), ("day;USD\n", "not the ECB's file"),
     ("Date,USD\n20.11.2026,1.1\n", "Line 2"), ("Date,USD\n2026-11-20,a\n", "Line 2"),
     ("Date,USD,PLN\n2026-11-20,1.15,4.99\n", "PLN of 2026-11-20 differs")],
)  # fmt: skip
def test_other_files_are_refused_whole(tmp_path, text, words):
    quote("PLN", "4.2512")
    with pytest.raises(CommandError, match=words):
        read(tmp_path / "a.csv", text, since=date(2026, 11, 1))
    assert FxRate.objects.count() == 1


def test_missing_file_is_said_plainly(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_fx_rates", str(tmp_path / "none.csv"))
