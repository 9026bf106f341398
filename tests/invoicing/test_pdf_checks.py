"""A drawn document is kept only when its container is right and its page says what its XML says."""

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import pikepdf
import pytest

from invoicing.einvoice.writing import write
from invoicing.page import page
from invoicing.pdf_checks import check_pdf
from invoicing.render import render
from tests.invoicing.papers_v2 import CASES, sample

D = Decimal
LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pl", "ja")


@cache
def drawn(payload):
    xml = write(payload, "facturx")
    return render(payload, xml=xml).pdf, xml


def problems(payload):
    pdf, xml = drawn(payload)
    return check_pdf(pdf, payload, xml)


def unprinted(payload, of):
    """The terms of the XML of `of` that the page of `payload` does not print."""
    pdf, _ = drawn(payload)
    findings = check_pdf(pdf, payload, write(of, "facturx"))
    assert {finding.code for finding in findings} == {"pdf_page", "pdf_xml"}
    return {finding.at for finding in findings} - {""}


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("case", list(CASES))
def test_every_tax_case_is_printed_as_its_xml_says(case, kind):
    assert problems(sample(case, kind)) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", ["mixed", "national", "O"])
def test_every_language_prints_what_the_xml_says(case, language):
    assert problems(sample(case, "credit_note", language=language)) == []


def test_many_pages_are_read_to_the_end():
    payload = sample("S19+S7", lines=60)
    assert problems(payload) == []
    last = payload.lines[-1]
    changed = replace(payload, lines=(*payload.lines[:-1], replace(last, net=last.net + 1)))
    assert unprinted(payload, changed) == {"BT-131"}


# --- The page says something else --------------------------------------------------------------


def party(payload, who, **over):
    return {who: replace(getattr(payload, who), **over)}


DIFFERENCES = [
    ("BT-1", lambda p: {"number": "RK-2026-000124"}),
    ("BT-2", lambda p: {"issue_date": date(2026, 11, 22)}),
    ("BT-13", lambda p: {"purchase_order": "PO-1"}),
    ("BT-14", lambda p: {"order_ids": ("028-7654321-1234567",)}),
    ("BT-25", lambda p: {"preceding": (replace(p.preceding[0], number="RE-2026-000999"),)}),
    ("BT-26", lambda p: {"preceding": (replace(p.preceding[0], date=date(2025, 1, 5)),)}),
    ("BT-27", lambda p: party(p, "seller", legal_name="Demo Anders GmbH")),
    ("BT-44", lambda p: party(p, "buyer", legal_name="Demo Anders AG")),
    ("BT-48", lambda p: party(p, "buyer", vat_id="DE123456789")),
    ("BT-50", lambda p: party(p, "buyer", address=("Hafenring 8",))),
    ("BT-92", lambda p: {"allowances": (replace(p.allowances[0], net=D("25.01")),
                                        *p.allowances[1:])}),
    ("BT-109", lambda p: {"totals": replace(p.totals, net=p.totals.net + D("0.01"))}),
    ("BT-110", lambda p: {"totals": replace(p.totals, tax=p.totals.tax + D("0.01"))}),
    ("BT-112", lambda p: {"totals": replace(p.totals, gross=p.totals.gross + D("0.01"))}),
    ("BT-113", lambda p: {"totals": replace(p.totals, paid=p.totals.paid + D("0.01"))}),
    ("BT-116", lambda p: {"rates": (replace(p.rates[0], base=p.rates[0].base + 1), p.rates[1])}),
    ("BT-117", lambda p: {"rates": (replace(p.rates[0], tax=p.rates[0].tax + 1), p.rates[1])}),
    ("BT-131", lambda p: {"lines": (replace(p.lines[0], net=D("1.01")), *p.lines[1:])}),
    ("BT-153", lambda p: {"lines": (replace(p.lines[0], description="Hammer"), *p.lines[1:])}),
]  # fmt: skip


@pytest.mark.parametrize(("term", "change"), DIFFERENCES, ids=[term for term, _ in DIFFERENCES])
def test_a_page_that_says_something_else_than_the_xml_is_found(term, change):
    payload = sample("S19+S7", "credit_note")
    assert term in unprinted(payload, replace(payload, **change(payload)))


def test_a_row_of_the_tax_table_with_the_tax_of_another_is_found():
    """Every figure is printed, but not in its row."""
    payload = sample("S19+S7", "credit_note")
    first, second = payload.rates
    swapped = (replace(first, tax=second.tax), replace(second, tax=first.tax))
    assert unprinted(payload, replace(payload, rates=swapped)) == {"BG-23"}


def test_a_template_that_leaves_out_a_cell_is_found(monkeypatch):
    payload = sample("S19+S7", purchase_order="PO-only-here")  # drawn by this test alone
    complete = page(payload, payload.number, draft=False)
    for line in complete["lines"]:
        line["net"] = ""
    monkeypatch.setattr("invoicing.render.page", lambda *args, **kwargs: complete)
    assert {finding.at for finding in problems(payload)} == {"BT-131"}


# --- The container -----------------------------------------------------------------------------


def tampered(pdf, change):
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def the_file(document):
    return document.Root.Names.EmbeddedFiles.Names[1]


def no_af(document):
    del document.Root.AF


def no_files(document):
    del document.Root.Names.EmbeddedFiles


def two_files(document):
    names = document.Root.Names.EmbeddedFiles.Names
    names.extend([pikepdf.String("z.txt"), names[1]])


def source(document):
    the_file(document).AFRelationship = pikepdf.Name.Source


def other_bytes(document):
    stream = the_file(document).EF.F
    stream.write(stream.read_bytes() + b" ")


def other_type(document):
    the_file(document).EF.F.Subtype = pikepdf.Name("/text/plain")


def in_metadata(before, after):
    def change(document):
        packet = document.Root.Metadata.read_bytes()
        assert before in packet
        document.Root.Metadata.write(packet.replace(before, after, 1))

    return change


def second_rdf(document):
    packet = document.Root.Metadata.read_bytes()
    more = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
    document.Root.Metadata.write(packet.replace(b"</x:xmpmeta>", more))


def no_metadata(document):
    del document.Root.Metadata


def no_title(document):
    packet = document.Root.Metadata.read_bytes()
    start, end = packet.index(b"<dc:title>"), packet.index(b"</dc:title>") + len(b"</dc:title>")
    document.Root.Metadata.write(packet[:start] + packet[end:])


def other_language(document):
    document.Root.Lang = pikepdf.String("fr")


CONTAINER = [
    ("pdf_af", no_af),
    ("pdf_attachment", no_files),
    ("pdf_attachment", two_files),
    ("pdf_relationship", source),
    ("pdf_xml", other_bytes),
    ("pdf_mime", other_type),
    ("pdf_rdf", second_rdf),
    ("pdf_xmp", no_metadata),
    ("pdf_xmp", in_metadata(b"EN 16931<", b"EXTENDED<")),
    ("pdf_xmp", in_metadata(b">factur-x.xml<", b">other.xml<")),
    ("pdf_title", no_title),
    ("pdf_language", other_language),
]


@pytest.mark.parametrize(("code", "change"), CONTAINER)
def test_a_container_with_a_fault_is_found(code, change):
    payload = sample("S19")
    pdf, xml = drawn(payload)
    assert code in {finding.code for finding in check_pdf(tampered(pdf, change), payload, xml)}


def test_writing_the_container_anew_alone_is_no_fault():
    payload = sample("S19")
    pdf, xml = drawn(payload)
    assert check_pdf(tampered(pdf, lambda document: None), payload, xml) == []


@pytest.mark.parametrize("broken", [b"", b"%PDF-1.7\n%%EOF", b"not a PDF at all"])
def test_what_cannot_be_read_is_a_finding_and_no_crash(broken):
    payload = sample("S19")
    (finding,) = check_pdf(broken, payload, write(payload, "facturx"))
    assert finding.code == "pdf_unreadable"


def test_bt24_must_be_what_the_metadata_say():
    payload = sample("S19")
    pdf, xml = drawn(payload)
    other = xml.replace(b"urn:cen.eu:en16931:2017", b"urn:factur-x.eu:1p0:basic")
    codes = {finding.code for finding in check_pdf(pdf, payload, other)}
    assert codes == {"pdf_xml", "pdf_xmp"}


# --- What buyers, sellers and Amazon write -------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "Schrauber \u260e\ufe0f 1\ufe0f\u20e3",  # variants of a sign
        "Schrauber \u200e 18 \u202av \u200b\ufeffneu",  # marks of direction, joiners
        "Schrauber \x07 18 V\x0b",  # controls
        "Schrauber \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",  # right to left
        "Schrauber \u0645\u0641\u062a\u0627\u062d \u0631\u0628\u0637",
        "Schrauber \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    ],
)
def test_any_title_that_a_catalogue_holds_is_found_on_the_page(title):
    payload = sample("S19", language="de")
    first = replace(payload.lines[0], description=title)
    assert problems(replace(payload, lines=(first, *payload.lines[1:]))) == []


def test_word_from_right_to_left_that_is_not_printed_is_found():
    payload = sample("S19", language="de")
    first = replace(payload.lines[0], description="\u05e9\u05dc\u05d5\u05dd")
    other = replace(first, description="\u05e2\u05d5\u05dc\u05dd")
    shown, said = (replace(payload, lines=(row, *payload.lines[1:])) for row in (first, other))
    assert unprinted(shown, said) == {"BT-153"}


@pytest.mark.parametrize("number", ["de136695976", "DE-136.695.976", "DE 136 695 976"])
def test_vat_ids_are_printed_as_the_xml_writes_them(number):
    payload = sample("S19", language="de")
    seller, buyer = payload.seller, replace(payload.buyer, vat_id=number)
    own = tuple(replace(row, number=number) for row in seller.registrations if row.scheme == "VAT")
    seller = replace(seller, registrations=own[:1])
    assert own
    assert problems(replace(payload, seller=seller, buyer=buyer)) == []
