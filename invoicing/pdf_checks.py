"""What is true of a drawn document before it is kept: container, embedded XML, printed words.

Reads the bytes that will be stored, not what drew them. What veraPDF proves of the format is
tested elsewhere; here is what a broken template or writer would do to one single document.
"""

import io
from collections.abc import Iterator
from typing import Any

from lxml import etree
from pikepdf import Pdf, PdfError

from config.core.sentence import Value, say
from invoicing.formats import Format
from invoicing.gate import Finding
from invoicing.metadata import FACTURX_FILE
from invoicing.payload import Payload
from invoicing.pdf_text import runs
from invoicing.printed import unprinted
from invoicing.texts import regime

LAYER = "pdf"
CONFORMANCE = {"urn:cen.eu:en16931:2017": "EN 16931"}  # BT-24 → what the XMP calls it

_SAFE = etree.XMLParser(resolve_entities=False, no_network=True)
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


def check_pdf(pdf: bytes, payload: Payload, xml: bytes) -> list[Finding]:
    """Return what is wrong with the drawn document; empty means it may be kept.

    `xml` is the Factur-X file of the same payload. Container: exactly one rdf:RDF, Factur-X XMP,
    the attachment is `xml` byte for byte and is declared as Alternative, BT-24 is what the XMP
    says, title and language. Page: its words and figures are those of the XML.
    """
    try:
        with Pdf.open(io.BytesIO(pdf)) as document:
            return [*_container(document.Root, payload, xml), *_page(document, payload, xml)]
    except (PdfError, AttributeError, KeyError) as error:  # damaged, or without a part all have
        return [_finding("pdf_unreadable", "The PDF cannot be read: %(error)s", error=str(error))]


def _page(document: Pdf, payload: Payload, xml: bytes) -> Iterator[Finding]:
    country = payload.jurisdiction
    write = Format.of(payload.language, country, payload.currency)
    taxed = regime(country) != "us" or bool(payload.totals.tax)
    for term, text in unprinted(xml, runs(document), write, taxed=taxed):
        yield _finding("pdf_page", "The page does not show what the XML says: %(text)s (%(term)s).",
                       at=term, text=text, term=term)  # fmt: skip


def _finding(code: str, template: str, *, at: str = "", **params: Value) -> Finding:
    return Finding(code, LAYER, say(template, **params), at)


# --- Container ---------------------------------------------------------------------------------


def _container(catalog: Any, payload: Payload, xml: bytes) -> Iterator[Finding]:
    yield from _attachment(catalog, xml)
    yield from _metadata(catalog, xml)
    yield from _language(catalog, payload)


def _attachment(catalog: Any, xml: bytes) -> Iterator[Finding]:
    files = _embedded(catalog)
    if [str(file.UF) for file in files] != [FACTURX_FILE]:
        yield _finding("pdf_attachment", "The PDF must hold exactly one file, %(name)s.",
                       name=FACTURX_FILE)  # fmt: skip
        return
    (file,) = files
    if file.EF.F.read_bytes() != xml:
        yield _finding("pdf_xml", "The XML inside the PDF is not the one that was checked.")
    if not any(str(entry.UF) == FACTURX_FILE for entry in catalog.get("/AF", [])):
        yield _finding("pdf_af", "The PDF does not declare its XML as belonging to it (AF).")
    if file.get("/AFRelationship") != "/Alternative":
        yield _finding("pdf_relationship", "The XML is not declared as Alternative of the page.")
    if file.EF.F.get("/Subtype") != "/text/xml":
        yield _finding("pdf_mime", "The embedded file is not declared as text/xml.")


def _embedded(catalog: Any) -> list[Any]:
    """The embedded files of the name tree; WeasyPrint writes it flat."""
    names = catalog.get("/Names", {}).get("/EmbeddedFiles", {})
    return list(names.get("/Names", []))[1::2]


def _metadata(catalog: Any, xml: bytes) -> Iterator[Finding]:
    packet = catalog.Metadata.read_bytes() if "/Metadata" in catalog else b""
    try:
        root = etree.fromstring(packet, _SAFE)
    except etree.XMLSyntaxError:
        yield _finding("pdf_xmp", "The PDF has no readable metadata (XMP).")
        return
    if len([*root.iter(f"{_RDF}RDF")]) != 1:
        yield _finding("pdf_rdf", "The metadata must hold exactly one rdf:RDF.")
    bt24 = _bt24(xml)
    wanted = {
        "DocumentFileName": FACTURX_FILE,
        "DocumentType": "INVOICE",
        "Version": "1.0",
        "ConformanceLevel": CONFORMANCE.get(bt24, bt24),
    }
    for name, value in wanted.items():
        if (given := _property(root, name)) != value:
            yield _finding("pdf_xmp", "The metadata say %(name)s is %(given)s, not %(value)s.",
                           name=name, given=given or "-", value=value)  # fmt: skip
    if not "".join(text for title in root.iter(f"{_DC}title") for text in title.itertext()).strip():
        yield _finding("pdf_title", "The PDF has no title.")


def _property(root: etree._Element, name: str) -> str:
    """A Factur-X property, written as an element or as an attribute of its description."""
    for element in root.iter(f"{_FX}{name}"):
        return (element.text or "").strip()
    for description in root.iter(f"{_RDF}Description"):
        if value := description.get(f"{_FX}{name}"):
            return value
    return ""


def _bt24(xml: bytes) -> str:
    path = f".//{_RAM}GuidelineSpecifiedDocumentContextParameter/{_RAM}ID"
    return (etree.fromstring(xml, _SAFE).findtext(path) or "").strip()


def _language(catalog: Any, payload: Payload) -> Iterator[Finding]:
    stated = str(catalog.get("/Lang", ""))
    if stated.split("-", maxsplit=1)[0] != payload.language:
        yield _finding("pdf_language", "The PDF says its language is %(given)s, not %(wanted)s.",
                       given=stated or "-", wanted=payload.language)  # fmt: skip
