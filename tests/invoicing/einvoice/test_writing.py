"""Every business term of a payload is written in both syntaxes, and read back as it was."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from invoicing import texts
from invoicing.einvoice import checking, parties, rulesets
from invoicing.einvoice.profiles import PROFILES
from invoicing.einvoice.reading import read
from invoicing.einvoice.writing import files, write
from invoicing.payload import Note, PrecedingInvoice
from tests.invoicing.papers_v2 import CASES, sample

D = Decimal
KINDS = ("invoice", "credit_note")
VATEX = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O",
         "E": "VATEX-EU-132"}  # fmt: skip
SELLER = {"legal_name": 27, "city": 37, "postcode": 38, "region": 39, "country": 40,
          "contact": 41, "phone": 42, "email": 43}  # fmt: skip
BUYER = {"legal_name": 44, "city": 52, "postcode": 53, "region": 54, "country": 55,
         "contact": 56, "phone": 57, "email": 58}  # fmt: skip
PLACE = {"name": 70, "city": 77, "postcode": 78, "region": 79, "country": 80}


def said(**terms):
    """Terms under their BT-n, without those that are not said."""
    return {key.replace("_", "-"): value for key, value in terms.items()
            if value not in ("", None)}  # fmt: skip


def of_party(party, numbers, lines):
    found = {f"BT-{number}": getattr(party, name) for name, number in numbers.items()}
    found |= {f"BT-{number}": line for number, line in zip(lines, party.address, strict=False)}
    return {term: value for term, value in found.items() if value}


def totals(payload):
    of, national = payload.totals, payload.national_tax
    found = {106: of.lines, 109: of.net, 110: of.tax, 112: of.gross, 115: of.due}
    found |= {n: value for n, value in {107: of.allowances, 108: of.charges, 113: of.paid,
                                        114: of.rounding}.items() if value}  # fmt: skip
    terms = {f"BT-{number}": value for number, value in found.items()}
    return terms | ({"BT-6": national.currency, "BT-111": national.tax} if national else {})


def percent(row):
    """Outside the scope of VAT there is no rate (BR-O-05)."""
    return None if row.category == "O" else row.rate * 100


def part(row, first):
    found = {0: row.net, 3: row.category, 4: percent(row), 5: row.reason}
    return {f"BT-{first + n}": value for n, value in found.items() if value is not None}


def line(row):
    return said(
        BT_126=str(row.position), BT_127=row.note, BT_129=row.quantity, BT_130=row.unit,
        BT_131=row.net, BT_146=row.unit_price, BT_151=row.category, BT_152=percent(row),
        BT_149=row.price_quantity if row.price_quantity != 1 else None, BT_153=row.description,
        BT_155=row.sku, BT_160="ASIN" if row.asin else "", BT_161=row.asin,
    )  # fmt: skip


def breakdown(row, language):
    why = texts.exemption(row.exemption, language) if row.exemption else ""
    return said(
        BT_116=row.base, BT_117=row.tax, BT_118=row.category, BT_119=row.rate * 100,
        BT_120=why, BT_121=VATEX.get(row.category),
    )  # fmt: skip


def all_said(payload):
    """What a reader must find, in either syntax, but for notes, numbers of parties and profile."""
    credit = payload.kind == "credit_note"
    payment = texts.payment_note(payload.payment_note, payload.language)
    terms = said(
        BT_1=payload.number, BT_2=payload.issue_date, BT_3="381" if credit else "380",
        BT_5=payload.currency, BT_13=payload.purchase_order, BT_14=payload.order_ids[0],
        BT_16=payload.shipment_ids[0], BT_20=payment, BT_72=payload.delivery.day, BT_81="68",
        BT_82=payment,
        BG_20=[part(row, 92) for row in payload.allowances if not row.charge] or None,
        BG_21=[part(row, 99) for row in payload.allowances if row.charge] or None,
        BG_23=[breakdown(row, payload.language) for row in payload.rates],
        BG_25=[line(row) for row in payload.lines],
        BG_3=[said(BT_25=was.number, BT_26=was.date) for was in payload.preceding] or None,
    )  # fmt: skip
    terms |= of_party(payload.seller, SELLER, (35, 36, 162))
    terms |= of_party(payload.buyer, BUYER, (50, 51, 163))
    return terms | of_party(payload.delivery, PLACE, (75, 76, 165)) | totals(payload)


# --- Everything is said --------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl", "xrechnung-cii", "peppol-ubl"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_every_term_of_the_payload_is_read_back(case, kind, key):
    payload = sample(case, kind, 7)
    found, wanted = read(write(payload, key)), all_said(payload)
    assert {term: found.get(term) for term in wanted} == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_both_syntaxes_say_the_same(case, kind):
    payload = sample(case, kind, 5)
    assert read(write(payload, "facturx")) == read(write(payload, "en16931-ubl"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_official_rules_find_nothing(case, kind):
    payload = sample(case, kind, 5)
    for key in rulesets.usable():
        xml = write(payload, key)
        assert checking.check(xml, key, french=parties.french(payload)) == [], key


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("case", ["mixed", "K", "AE", "G", "E", "O"])
def test_exemption_is_worded_in_the_language_of_the_document(case, language):
    payload = sample(case, language=language)
    found = {row["BT-118"]: row for row in read(write(payload, "facturx"))["BG-23"]}
    for row in payload.rates:
        worded = texts.exemption(row.exemption, language) if row.exemption else None
        assert found[row.category].get("BT-120") == worded


@pytest.mark.parametrize("key", PROFILES)
def test_profile_is_named(key):
    found = read(write(sample("S19"), key))
    assert found["BT-24"] == PROFILES[key].bt24
    assert found.get("BT-23", "") == PROFILES[key].bt23


def test_files_are_facturx_and_those_the_buyer_takes():
    made = files(sample(profiles=("xrechnung-ubl", "facturx")))
    assert list(made) == ["facturx", "xrechnung-ubl"]
    assert read(made["xrechnung-ubl"])["BT-24"] == PROFILES["xrechnung-ubl"].bt24


@pytest.mark.parametrize("key", PROFILES)
def test_same_payload_gives_the_same_bytes(key):
    payload = sample("mixed", "credit_note", 9)
    assert write(payload, key) == write(type(payload).from_json(payload.to_json()), key)


# --- Numbers of seller and buyer -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        ("S19", {"BT-31": "DE136695976", "BT-30": "HRB 99999 B", "BT-48": "DE129274202"}),
        ("AE", {"BT-31": "IT00743110157", "BT-48": "IT12345670017"}),
        ("DE-FR", {"BT-31": "DE136695976", "BT-30": "303265045", "BT-30-1": "0002",
                   "BT-47": "404833048", "BT-47-1": "0002"}),
        ("DE-in-FR", {"BT-31": "FR40303265045", "BT-30": "303265045"}),
        ("O", {"BT-30": "00-0000000", "BT-31": None, "BT-32": None, "BT-48": None}),
        ("JP", {"BT-30": "7000012050002", "BT-31": None, "BT-32": "T7000012050002"}),
        ("CA", {"BT-30": "123456782", "BT-32": "123456782 RT0001"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
def test_numbers_that_identify_the_parties(case, wanted, key):
    found = read(write(sample(case), key))
    assert {term: found.get(term) for term in wanted} == wanted


@pytest.mark.parametrize(
    ("over", "key", "address"),
    [
        ({}, "xrechnung-cii", ("DE129274202", "9930")),
        ({"endpoint": ""}, "xrechnung-cii", ("einkauf@demo-maschinenbau.example", "EM")),
        ({"endpoint": "", "email": ""}, "xrechnung-ubl", ("DE129274202", "9930")),
        ({"endpoint": "", "email": ""}, "facturx", (None, None)),
        ({"endpoint": ""}, "peppol-ubl", (None, None)),
        ({"endpoint": "a@b.example", "endpoint_scheme": "EM"}, "peppol-ubl", (None, None)),
    ],
)
def test_electronic_address_of_the_buyer(over, key, address):
    payload = sample("S19")
    found = read(write(replace(payload, buyer=replace(payload.buyer, **over)), key))
    assert (found.get("BT-49"), found.get("BT-49-1")) == address


def test_public_buyer_is_addressed_by_its_leitweg_id():
    payload = sample("S19", buyer_reference="04011000-12345-03")
    bare = replace(payload.buyer, endpoint="", endpoint_scheme="")
    found = read(write(replace(payload, buyer=bare), "xrechnung-ubl"))
    assert found["BT-10"] == "04011000-12345-03"
    assert (found["BT-49"], found["BT-49-1"]) == ("04011000-12345-03", "0204")


# --- Where syntaxes and profiles differ ----------------------------------------------------------


def test_yen_has_no_decimals():
    xml = write(sample("JP", "credit_note"), "en16931-ubl").decode()
    amounts = re.findall(r'<cbc:(\w+) currencyID="JPY">([^<]*)<', xml)
    assert len(amounts) > 10
    assert {name for name, amount in amounts if "." in amount} <= {"PriceAmount"}


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
def test_rounding_is_in_the_currency_of_the_document(key):
    payload = sample("GB")
    moved = replace(payload.totals, paid=payload.totals.gross + D("0.01"), rounding=D("0.01"))
    xml = write(replace(payload, totals=moved), key)
    assert read(xml)["BT-114"] == D("0.01")
    assert b'currencyID="EUR"' not in xml


@pytest.mark.parametrize("key", PROFILES)
def test_tax_point_of_a_credit_note_is_the_day_the_price_fell(key):
    found = read(write(sample("S19+S7", "credit_note"), key))
    assert found["BT-7"] == date(2026, 11, 20)
    assert found["BT-72"] == date(2026, 10, 2)


def test_tax_point_is_left_out_where_it_says_nothing_new():
    assert "BT-7" not in read(write(sample("S19", "invoice"), "facturx"))
    assert "BT-7" not in read(write(sample("O", "credit_note"), "facturx"))


def test_peppol_has_one_note_that_says_all():
    payload = sample("S19", "credit_note", notes=(Note("First."), Note("Second.", "AAI")))
    (note,) = read(write(payload, "peppol-ubl"))["BG-1"]
    assert note["BT-22"].startswith("First.\nSecond.\n")
    assert payload.rma_number in note["BT-22"]


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
def test_subject_of_a_note_is_kept(key):
    payload = sample("S19", notes=(Note("Second.", "AAI"),))
    assert read(write(payload, key))["BG-1"] == [{"BT-21": "AAI", "BT-22": "Second."}]


@pytest.mark.parametrize("key", PROFILES)
def test_every_corrected_invoice_is_named(key):
    payload = sample("S19", "credit_note")
    two = (*payload.preceding, PrecedingInvoice("RE-2026-000613", date(2026, 10, 3)))
    xml = write(replace(payload, preceding=two), key)
    found = read(xml)
    if key == "xrechnung-cii":  # its schema has room for one
        assert [was["BT-25"] for was in found["BG-3"]] == ["RE-2026-000612"]
        assert any("RE-2026-000613 (2026-10-03)" in note["BT-22"] for note in found["BG-1"])
    else:
        assert [was["BT-25"] for was in found["BG-3"]] == ["RE-2026-000612", "RE-2026-000613"]
    if key in rulesets.usable():
        assert checking.check(xml, key) == []


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
def test_order_is_named_without_a_purchase_order(key):
    found = read(write(sample("S19", purchase_order="", order_ids=("1", "2")), key))
    assert "BT-13" not in found
    assert found["BT-14"] == "1, 2"


@pytest.mark.parametrize(("key", "reference"), [("facturx", None), ("xrechnung-cii", "028-1"),
                                                ("peppol-ubl", "028-1")])  # fmt: skip
def test_order_stands_for_the_buyers_reference_where_one_is_wanted(key, reference):
    found = read(write(sample("S19", order_ids=("028-1",)), key))
    assert found.get("BT-10") == reference


def test_french_buyer_gets_process_payment_day_and_mentions():
    found = read(write(sample("FR", "invoice"), "facturx"))
    assert (found["BT-23"], found["BT-9"]) == ("B2", date(2026, 11, 18))
    assert {"PMD", "PMT", "AAB"} <= {note.get("BT-21") for note in found["BG-1"]}


def test_french_document_with_rounding_is_not_said_to_be_paid_in_full():
    payload = sample("FR")
    moved = replace(payload.totals, paid=payload.totals.gross + D("0.01"), rounding=D("0.01"))
    xml = write(replace(payload, totals=moved), "facturx")
    assert read(xml)["BT-23"] == "B1"
    assert checking.check(xml, "facturx", french=True) == []


def test_mentions_of_the_payload_are_not_repeated():
    own = Note("Escompte 2 %.", "AAB")
    found = read(write(sample("FR", notes=(own,)), "facturx"))["BG-1"]
    assert [note["BT-22"] for note in found if note.get("BT-21") == "AAB"] == [own.text]


@pytest.mark.parametrize("country", ["NL", "DK"])
def test_peppol_names_no_payment_means_where_it_knows_no_online_payment(country):
    payload = sample("S19")
    home = replace(
        payload,
        seller=replace(payload.seller, country=country),
        buyer=replace(payload.buyer, country=country),
    )
    assert "BT-81" not in read(write(home, "peppol-ubl"))
    assert read(write(home, "en16931-ubl"))["BT-81"] == "68"


@pytest.mark.parametrize("key", PROFILES)
def test_no_bank_account_is_named(key):
    assert "BT-84" not in read(write(sample("S19", "credit_note"), key))


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
def test_address_of_more_than_three_lines_keeps_all(key):
    payload = sample("S19")
    long = replace(payload.buyer, address=("one", "two", "three", "four"))
    found = read(write(replace(payload, buyer=long), key))
    assert (found["BT-50"], found["BT-51"], found["BT-163"]) == ("one", "two", "three, four")


# --- Bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["facturx", "en16931-ubl"])
@given(text=st.text(min_size=1, max_size=60), name=st.text(min_size=1, max_size=60))
def test_any_text_is_written_as_well_formed_xml(key, text, name):
    payload = sample("S19", lines=1)
    row = replace(payload.lines[0], description=f"x{text}x")
    buyer = replace(payload.buyer, legal_name=f"x{name}x")
    found = read(write(replace(payload, lines=(row,), buyer=buyer), key))
    assert found["BG-25"][0]["BT-153"] == _readable(f"x{text}x")
    assert found["BT-44"] == _readable(f"x{name}x")


def _readable(text):
    """As an XML reader gives it: no control characters, lines ended by line feeds."""
    kept = "".join(c if c in "\t\n\r" or c >= " " else " " for c in text)
    return kept.replace("\ufffe", " ").replace("\uffff", " ")


@pytest.mark.parametrize(
    "bad",
    [
        "<CustomizationID>", "</ram:ID><ram:ID>urn:cen.eu:en16931:2017</ram:ID>",
        "<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>", "]]>", "&#0;",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", PROFILES)
def test_markup_in_a_text_stays_text(key, bad):
    payload = sample("S19", number=bad)
    found = read(write(payload, key))
    assert found["BT-1"] == bad
    assert found["BT-24"] == PROFILES[key].bt24


def test_reader_refuses_what_is_no_e_invoice():
    for xml in (b"", b"<a", b"<Order/>", etree.tostring(etree.Element("x"))):
        with pytest.raises(ValueError, match="not"):
            read(xml)


def test_reader_does_not_open_other_files():
    bomb = b'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/hostname">]><Invoice>&x;</Invoice>'
    assert read(bomb) == {}
