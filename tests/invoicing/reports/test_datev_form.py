"""The shape of a DATEV posting batch, field by field as DATEV describes it."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invoicing.reports import datev_form as form
from invoicing.reports.datev_form import Batch, Posting

BATCH = Batch(
    29098, 55003, date(2024, 1, 1), 4, date(2024, 1, 1), date(2024, 8, 31), "Retour 01/2024",
    "EUR", "03", datetime(2024, 1, 30, 14, 4, 40, 439_000, tzinfo=UTC),
)  # fmt: skip
# DATEV's own expressions of the fields that are written (Formatbeschreibung Buchungsstapel).
FIELDS = {
    "Umsatz (ohne Soll/Haben-Kz)": r"\d{1,10},\d{2}",
    "Soll/Haben-Kennzeichen": r'"(S|H)"',
    "Konto": r"\d{1,9}",
    "Gegenkonto (ohne BU-Schlüssel)": r"\d{1,9}",
    "BU-Schlüssel": r'("\d{4}")?',
    "Belegdatum": r"\d{4}",
    "Belegfeld 1": r'"[a-zA-Z0-9$%&*+\-/]{0,36}"',
    "Buchungstext": r'".{0,60}"',
    "Beleginfo - Art 1": r'("[^\x00-\x1f]{0,20}")?',
    "Beleginfo - Inhalt 1": r'("[^\x00-\x1f]{0,210}")?',
    "Festschreibung": r"[01]",
}


def cells(posting):
    return dict(zip(form.COLUMNS, form.line(posting).split(";"), strict=True))


def posting(**given):
    known = {
        "amount": Decimal("11.90"), "account": "1776", "contra": "1590", "tax_key": "",
        "day": date(2026, 3, 1), "document": "GS-2026-000012", "text": "Erstattung 302-1",
    }  # fmt: skip
    return Posting(**known | given)


def test_header_is_that_of_datevs_example():
    """The example of DATEV's page, but for its name, dictation code and who made it."""
    assert form.header(BATCH) == (
        '"EXTF";700;21;"Buchungsstapel";13;20240130140440439;;"RE";"";"";29098;55003;20240101;4;'
        '20240101;20240831;"Retour 01/2024";"";1;0;0;"EUR";;"";;;"03";;;"";""'
    )
    assert form.header(BATCH).count(";") == form.HEADER_FIELDS - 1


def test_columns_are_those_of_format_version_13():
    assert len(form.COLUMNS) == len(set(form.COLUMNS)) == 125
    places = {21: "Beleginfo - Art 1", 37: "KOST1 - Kostenstelle", 48: "Zusatzinformation - Art 1",
              87: "Zusatzinformation- Inhalt 20", 114: "Festschreibung", 115: "Leistungsdatum",
              125: "Abw. Skontokonto"}  # fmt: skip
    assert {place: form.COLUMNS[place - 1] for place in places} == places
    assert form.heading().split(";") == list(form.COLUMNS)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"amount": Decimal("-0.01")},
        {"amount": Decimal("9999999999.99")},
        {"tax_key": "40"},
        {"document": "GS 2026/12 – é_ä#" * 4},
        {"text": 'Er sagte "nein"; \r\n und ging ' * 5, "document": ""},
        {"info": (("Bestellung mit langem Namen", "x\ty" * 200),)},
    ],
)
def test_fields_keep_datevs_expressions(given):
    one = posting(**given)
    line = form.line(one)
    assert "\n" not in line
    found = re.findall(r'"(?:[^"]|"")*"|[^;]+|(?<=;)(?=;|$)', line)
    told = dict(zip(form.COLUMNS, found, strict=True))
    for name, wanted in FIELDS.items():
        value = told[name].replace('""', "'") if told[name] != '""' else told[name]
        assert re.fullmatch(wanted, value), (name, told[name])


def test_side_is_that_of_the_account():
    assert cells(posting())["Soll/Haben-Kennzeichen"] == '"S"'
    back = cells(posting(amount=Decimal("-11.90")))
    assert (back["Soll/Haben-Kennzeichen"], back["Umsatz (ohne Soll/Haben-Kz)"]) == ('"H"', "11,90")
    assert (back["Konto"], back["Gegenkonto (ohne BU-Schlüssel)"]) == ("1776", "1590")
    assert back["Belegdatum"] == "0103"


def test_nothing_is_no_posting():
    with pytest.raises(ValueError, match="moves money"):
        form.line(posting(amount=Decimal(0)))


def test_bytes_are_windows_1252_and_unknown_letters_marked():
    assert form.encoded("Größe €;デ") == b"Gr\xf6\xdfe \x80;?\r\n"


@pytest.mark.parametrize(
    ("amounts", "rate", "expected"),
    [
        (["100.00", "20.00"], "1.1627907", ["116.28", "23.26"]),
        (["33.33", "33.33", "33.34"], "0.006", ["0.20", "0.20", "0.20"]),
        (["-5.00", "105.00"], "1.2345", ["-6.17", "129.62"]),
        (["120.00"], "1.1627907", ["139.53"]),
    ],
)
def test_journal_in_another_currency_is_worth_what_its_sum_is(amounts, rate, expected):
    given = [Decimal(amount) for amount in amounts]
    found = form.converted(given, Decimal(rate), "EUR")
    assert sum(found) == form.round_money(sum(given) * Decimal(rate), "EUR")
    assert [abs(a - Decimal(b)) <= Decimal("0.01") for a, b in zip(found, expected, strict=True)]
    assert max(abs(a - b * Decimal(rate)) for a, b in zip(found, given, strict=True)) < Decimal(
        "0.02"
    )


@pytest.mark.parametrize(
    ("day", "month", "begins"),
    [
        (date(2026, 10, 5), 1, date(2026, 1, 1)),
        (date(2026, 3, 31), 4, date(2025, 4, 1)),
        (date(2026, 4, 1), 4, date(2026, 4, 1)),
    ],
)
def test_fiscal_year_begins_in_its_month(day, month, begins):
    assert form.year_begins(day, month) == begins
