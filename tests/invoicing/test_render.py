"""Rendering: the page says what the payload says, in every language, and fetches nothing."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pypdf
import pytest
from weasyprint.text.ffi import fontconfig

from config.core.money import format_money
from invoicing import fonts, texts
from invoicing.metadata import spliced
from invoicing.page import page
from invoicing.payload import PrecedingInvoice
from invoicing.render import FetchRefused, NoFetch, _pdf, render
from tests.invoicing.papers_v2 import sample as sample_v2
from tests.invoicing.payloads import SELLERS, in_sterling, line, sample

D = Decimal

KINDS = ("invoice", "credit_note")
ROOT = Path(__file__).resolve().parents[2]


def read(pdf):
    return pypdf.PdfReader(io.BytesIO(pdf))


def squeeze(text):
    """Without any white space: wrapping must not hide a word from a comparison."""
    return "".join(text.split())


def words(pdf):
    return squeeze("".join(found.extract_text() for found in read(pdf).pages))


def assert_says(pdf, *expected):
    text = words(pdf)
    missing = [part for part in expected if squeeze(str(part)) not in text]
    assert missing == []


# --- The page and the payload ------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("country", SELLERS)
def test_page_says_what_the_payload_says(country, kind):
    payload = sample(country, kind, 5)
    content = page(payload, payload.number, draft=False)
    figures = [
        value for row in content["lines"] for value in (row["net"], row["rate"], row["unit_price"])
    ]
    table = [row[key] for row in content["rates"] for key in ("rate", "base", "tax")]
    assert_says(
        render(payload).pdf,
        texts.title(kind, payload.language, country),
        payload.number,
        payload.purchase_order,
        *payload.order_ids,
        payload.rma_number,
        payload.marketplace_name,
        *(invoice.number for invoice in payload.preceding),
        payload.seller.legal_name,
        *payload.seller.address,
        payload.seller.postcode,
        *(registration.number for registration in payload.seller.registrations),
        payload.buyer.legal_name,
        *payload.buyer.address,
        payload.buyer.postcode,
        payload.buyer.vat_id,
        payload.buyer.contact,
        *(row.description for row in payload.lines),
        *(row.sku for row in payload.lines),
        *(row.asin for row in payload.lines),
        *figures,
        *table,
        *(value for _, value in content["facts"]),
        *(value for _, value in content["totals"]),
        *(value for _, value in content["settled"]),
        content["grand_total"][1],
        texts.payment_note(payload.payment_note, payload.language),
    )


@pytest.mark.parametrize(
    ("country", "issued", "gross"),
    [
        ("DE", "21. November 2026", "1.234.567,80 €"),
        ("FR", "21 novembre 2026", "1 234 567,80 €"),
        ("IT", "21 novembre 2026", "1.234.567,80 €"),
        ("ES", "21 de noviembre de 2026", "1.234.567,80 €"),
        ("GB", "21 November 2026", "£1,234,567.80"),
        ("US", "November 21, 2026", "$1,234,567.80"),
        ("CA", "November 21, 2026", "$1,234,567.80"),
        ("JP", "2026年11月21日", "￥1,234,568"),
    ],
)
def test_amounts_and_dates_are_written_as_in_the_language(country, issued, gross):
    currency = sample(country).currency
    rows = (line(1, "1234567.80", "0", currency, category="Z"),)
    assert_says(render(sample(country, rows=rows)).pdf, issued, gross)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_language_is_the_payloads_and_tax_words_are_the_countrys(language):
    payload = sample("FR", "credit_note", 5, language=language)
    labels = texts.texts(language, "FR")
    assert_says(
        render(payload).pdf,
        texts.title("credit_note", language, "FR"),
        labels["credit_note_total"],
        labels["base"],
        texts.component("restocking_fee", language),
        texts.component("return_freight", language),
    )


def test_english_document_of_the_us_says_credit_memo_and_no_vat():
    text = words(render(sample("US", "credit_note", 5)).pdf)
    assert "Creditmemono." in text
    assert "VAT" not in text
    assert "Salestax" in text


def test_japanese_reduced_rate_is_marked_by_line_and_explained():
    content = page(sample("JP", "credit_note", 5), "1", draft=False)
    assert ["※" in row["head"] for row in content["lines"]] == [False, True, False]
    assert "※ は軽減税率対象" in content["notes"]


def test_exemption_wording_is_printed():
    rows = (line(1, "10.00", "0", category="AE"),)
    payload = sample("DE", rows=rows)
    payload = replace(payload, rates=(replace(payload.rates[0], exemption="reverse_charge"),))
    assert_says(render(payload).pdf, "Steuerschuldnerschaft des Leistungsempfängers")


def test_sterling_total_is_printed():
    payload = sample("GB", currency="EUR", national_tax=in_sterling())
    expected = format_money(D("21.45"), "GBP", "en_GB")
    assert_says(render(payload).pdf, f"VAT total in GBP: {expected} (rate 0.8412, HMRC")


def test_several_corrected_invoices_are_all_named():
    preceding = (
        PrecedingInvoice("RE-1", date(2026, 1, 2)),
        PrecedingInvoice("RE-2", date(2026, 3, 4)),
    )
    pdf = render(sample("DE", "credit_note", preceding=preceding)).pdf
    assert_says(pdf, "RE-1 vom 2. Januar 2026; RE-2 vom 4. März 2026")


def test_unit_price_keeps_the_places_it_has():
    rows = (line(1, "25.21", "0.19", quantity=D(3), unit_price=D("8.4034")),)
    (row,) = page(sample("DE", rows=rows), "1", draft=False)["lines"]
    assert row["unit_price"] == "8,4034"
    assert row["net"] == "25,21"


# --- Shape -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lines", "pages"), [(1, 1), (5, 1), (40, 3), (200, 13)])
def test_long_documents_repeat_heads_and_count_pages(lines, pages):
    reader = read(render(sample("DE", "credit_note", lines)).pdf)
    assert len(reader.pages) == pages
    for number, found in enumerate(reader.pages, start=1):
        text = squeeze(found.extract_text())
        assert f"Seite{number}von{pages}" in text
        assert "RK-2026-000123" in text
        assert "Bezeichnung" in text
    totals = squeeze(reader.pages[-1].extract_text())
    assert "Korrekturbetrag" in totals


def test_long_words_and_soft_hyphens_stay_inside_the_page():
    long = "Überlast\u00adschutz\u00adeinrichtung" + "X" * 120
    buyer = replace(sample().buyer, legal_name="B" * 90, address=("S" * 90,))
    rows = (replace(line(1, "10.00", "0.19"), description=long, sku="K" * 60),)
    payload = sample(rows=rows, buyer=buyer, purchase_order="P" * 80)
    (found,) = read(render(payload).pdf).pages
    printed = found.extract_text()
    for letter, count, fits in (("X", 120, 52), ("B", 90, 60), ("S", 90, 60), ("P", 80, 45)):
        assert max(line.count(letter) for line in printed.split("\n")) <= fits
        assert letter * count in squeeze(printed)
    assert "Überlastschutzeinrichtung" in squeeze(printed).replace("\u00ad", "").replace("‐", "")


def test_north_america_prints_on_letter_paper():
    widths = {c: round(read(render(sample(c)).pdf).pages[0].mediabox.width) for c in ("US", "DE")}
    assert widths == {"US": 612, "DE": 595}


def xmp(reader):
    return reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()


def test_pdf_is_tagged_pdfa_with_title_language_and_dates():
    payload = sample("FR", "credit_note")
    reader = read(render(payload).pdf)
    assert reader.trailer["/Root"]["/Lang"] == "fr"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == "Avoir RK-2026-000123"
    assert reader.metadata.creation_date.date() == payload.issue_date
    packet = xmp(reader)
    assert 'pdfaid:part="3"' in packet
    assert 'pdfaid:conformance="A"' in packet
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert packet.count("<rdf:RDF") == 1


# --- The XML inside ----------------------------------------------------------------------------


def test_xml_is_embedded_as_the_alternative_of_the_page():
    payload, xml = sample("DE", "credit_note"), b"<Invoice>\n</Invoice>"
    root = read(render(payload, xml=xml).pdf).trailer["/Root"]
    (declared,) = root["/AF"]
    _, spec = root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert declared.idnum == spec.idnum
    file = spec.get_object()
    stream = file["/EF"]["/F"].get_object()
    assert (file["/F"], file["/UF"], file["/AFRelationship"]) == (
        "factur-x.xml", "factur-x.xml", "/Alternative",
    )  # fmt: skip
    assert stream.get_data() == xml
    assert stream["/Subtype"] == "/text/xml"
    assert stream["/Params"]["/ModDate"] == "D:20261121000000Z"


def test_xmp_says_facturx_in_the_only_rdf():
    packet = xmp(read(render(sample("DE"), xml=b"<x/>").pdf))
    root = ET.fromstring(packet[packet.index("<x:") : packet.index("<?xpacket end")])
    assert packet.count("<rdf:RDF") == 1
    said = {tag.tag.rpartition("}")[2]: tag.text for tag in root.iter() if "factur-x" in tag.tag}
    assert said == {
        "DocumentFileName": "factur-x.xml",
        "DocumentType": "INVOICE",
        "Version": "1.0",
        "ConformanceLevel": "EN 16931",
    }
    assert packet.count("<rdf:Bag>") == 1
    assert "pdfuaid" in packet


def test_page_without_xml_declares_no_facturx():
    reader = read(render(sample("DE")).pdf)
    assert "factur-x" not in xmp(reader)
    assert "/AF" not in reader.trailer["/Root"]


def test_metadata_that_does_not_end_in_rdf_is_refused():
    with pytest.raises(RuntimeError, match="does not end in rdf:RDF"):
        spliced(lambda *_: b"<rdf:RDF></rdf:RDF><more/>", facturx=True)("a", 3, "A")


# --- What the new terms look like ---------------------------------------------------------------


def test_deductions_and_charges_are_rows_and_sums():
    content = page(sample_v2("O", "credit_note", 5), "1", draft=False)
    assert [row["net"] for row in content["allowances"]] == ["-25.00", "-10.00", "104.24"]
    assert dict(content["totals"]) == {
        "Subtotal": "$1,298.50", "Deductions": "-$35.00", "Charges": "$104.24",
    }  # fmt: skip
    assert content["settled"][-1] == ("Still to be refunded", "$0.00")
    assert not content["rates"]


def test_rounding_stands_between_total_and_money():
    content = page(sample_v2("S19+S7", "credit_note", 5), "1", draft=False)
    assert [label for label, _ in content["settled"]] == [
        "Rundung", "Über Amazon erstattet", "Noch zu erstatten",
    ]  # fmt: skip


def test_categories_are_said_by_row_only_where_they_differ():
    mixed = page(sample_v2("mixed", "invoice", 5), "1", draft=False)
    assert [row["details"][-1] for row in mixed["lines"][2:5]] == [
        "SKU DRL-18V-0003 · ASIN B0DEMO0003 · Innergemeinschaftlich",
        "SKU DRL-18V-0004 · ASIN B0DEMO0004 · Steuerfrei",
        "SKU DRL-18V-0005 · ASIN B0DEMO0005 · Nullsatz",
    ]
    assert "Innergemeinschaftlich" in [row["category"] for row in mixed["rates"]]
    export = page(sample_v2("G", "invoice", 5), "1", draft=False)
    assert "Ausfuhr" not in str(export["lines"])
    assert [row["category"] for row in export["rates"]] == ["Ausfuhr"]


def test_price_of_several_pieces_says_of_how_many():
    content = page(sample_v2("S19", "invoice", 3), "1", draft=False)
    assert content["lines"][2]["per"] == "je 3"


def test_delivery_is_shown_where_it_is_not_the_buyers_address():
    payload = sample_v2("S19", "invoice")
    assert page(payload, "1", draft=False)["delivery"] == []
    place = replace(payload, delivery=replace(payload.delivery, name="", address=(), region=""))
    assert page(place, "1", draft=False)["delivery"] == []
    elsewhere = replace(payload.delivery, name="Demo Lager", address=("Kai 3",), city="Bremen")
    pdf = render(replace(payload, delivery=elsewhere)).pdf
    assert_says(pdf, "Geliefert an", "Demo Lager", "Kai 3", "Bremen")


def test_cancellation_speaks_of_no_refund():
    payload = sample_v2("S19", "credit_note", 5, occasion="cancellation", payment_note="no_payment")
    text = words(render(payload).pdf)
    assert "Storniertam" in text
    assert "Verrechnet,ohneZahlung" in text
    assert "MitdiesemBelegistkeineZahlungverbunden." in text
    assert "Erstattung" not in text


@pytest.mark.parametrize(
    ("occasion", "kind", "sentence"),
    [
        ("refund", "credit_note", "Dieser Beleg korrigiert die Rechnung RE-1"),
        ("cancellation", "credit_note", "Dieser Beleg storniert die Rechnung RE-1"),
        ("correction", "invoice", "Diese Rechnung ersetzt RE-1"),
        ("reversal", "invoice", "Dieser Beleg nimmt die Korrektur RE-1"),
        ("fee", "invoice", "Dieser Beleg bezieht sich auf RE-1"),
    ],
)
def test_page_says_what_it_does_to_the_earlier_document(occasion, kind, sentence):
    earlier = (PrecedingInvoice("RE-1", date(2026, 1, 2)),)
    payload = sample("DE", kind, preceding=earlier, occasion=occasion)
    assert page(payload, "1", draft=False)["corrects"].startswith(sentence)


# --- The same bytes ----------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["DE", "JP"])
def test_same_payload_gives_the_same_bytes(country):
    payload = sample(country, "credit_note", 5)
    first = render(payload)
    render(sample("FR"))
    second = render(type(payload).from_json(payload.to_json()))
    assert first.pdf == second.pdf
    assert first.sha256 == second.sha256
    assert render(replace(payload, purchase_order="other")).sha256 != first.sha256


def test_another_process_gives_the_same_bytes():
    payload = sample("JP", "credit_note", 5)
    code = (
        "import sys; from invoicing.payload import Payload; from invoicing.render import render;"
        "print(render(Payload.from_json(sys.stdin.read()), xml=b'<x/>').sha256)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
    other = subprocess.run(
        [sys.executable, "-c", code], input=payload.to_json(),
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert other.stdout.strip() == render(payload, xml=b"<x/>").sha256


def test_versions_name_engines_fonts_and_template():
    versions = render(sample()).versions
    assert {"weasyprint", "jinja2", "babel", "template", "ipaexg.ttf"} <= versions.keys()
    assert all(versions.values())


# --- Drafts ------------------------------------------------------------------------------------


def test_draft_is_drawn_with_the_placeholder_and_marked():
    payload = replace(sample("DE", "credit_note"), number="")
    assert_says(render(payload, number_placeholder="RK-0000-000000").pdf,
                "RK-0000-000000", "Entwurf – kein gültiger Beleg")  # fmt: skip


def test_numbered_document_ignores_the_placeholder_and_is_no_draft():
    payload = sample("DE")
    drawn = render(payload, number_placeholder="RE-0000-000000")
    assert drawn.pdf == render(payload).pdf
    assert "Entwurf" not in words(drawn.pdf)


def test_document_without_number_and_placeholder_is_refused():
    with pytest.raises(ValueError, match="without a number"):
        render(replace(sample(), number=""))


# --- Hostile content ---------------------------------------------------------------------------


def test_html_in_names_and_descriptions_is_text(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not print this")
    evil = f'<b>x</b><img src="file://{secret}"><style>*{{display:none}}</style>&amp;'
    rows = (replace(line(1, "10.00", "0.19"), description=evil),)
    buyer = replace(sample().buyer, legal_name="<script>alert(1)</script>")
    seller = replace(sample().seller, legal_name='Demo "><img src=file:///etc/hostname> GmbH')
    drawn = render(sample(rows=rows, buyer=buyer, seller=seller))
    assert_says(drawn.pdf, evil, "<script>alert(1)</script>", seller.legal_name)
    assert "do not print this" not in words(drawn.pdf)
    assert "<script" not in drawn.html
    assert "<img" not in drawn.html


@pytest.mark.parametrize(
    "url",
    ["file:///etc/hostname", "http://127.0.0.1:9/x.png", "data:image/png;base64,iVBORw0KGgo="],
)
def test_template_that_would_fetch_is_refused(url):
    with pytest.raises(FetchRefused, match="fetch nothing"):
        _pdf(f'<html lang="en"><title>x</title><img src="{url}" alt="x">', b"0" * 32, letter=False)


def test_fetcher_refuses_redirected_opens_too():
    with pytest.raises(BaseException, match="fetch nothing"):
        NoFetch().open("file:///etc/hostname")


# --- Fonts -------------------------------------------------------------------------------------


def test_only_our_fonts_can_be_picked():
    found = fontconfig.FcConfigGetFonts(fonts.font_configuration()._config, fontconfig.FcSetSystem)
    assert found.nfont == len(fonts.FILES)


@pytest.mark.parametrize("country", ["DE", "JP"])
def test_every_glyph_comes_from_our_fonts(country):
    mixed = "Ελληνικά Кириллица Łódź ščřž İstanbul 日本語 ｱｲｳ"
    rows = (replace(line(1, "10", "0", "JPY", category="Z"), description=mixed),)
    payload = sample(country, rows=rows, currency="JPY")
    reader = read(render(payload).pdf)
    names = {
        font.get_object()["/BaseFont"].partition("+")[2]
        for found in reader.pages
        for font in found["/Resources"]["/Font"].values()
    }
    assert names == {"Noto-Sans", "Noto-Sans-Bold", "IPAexGothic"}
    assert_says(render(payload).pdf, mixed)


def test_missing_fonts_are_said_plainly(monkeypatch):
    gone = (*fonts.FILES[:2], Path("/nowhere/ipaexg.ttf"))
    monkeypatch.setattr(fonts, "FILES", gone)
    with pytest.raises(fonts.FontsMissing, match=r"ipaexg\.ttf not found.*apt-get install fonts"):
        fonts.font_configuration.__wrapped__()


def test_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.setenv("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    fonts.font_configuration.__wrapped__()
    assert os.environ["FONTCONFIG_FILE"] == "/etc/fonts/fonts.conf"
