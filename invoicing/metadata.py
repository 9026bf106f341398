"""XMP of a document's PDF: what WeasyPrint writes, plus PDF/UA-1 and Factur-X, in one rdf:RDF.

Readers may stop at the first rdf:RDF, so nothing is ever appended behind it. PDF/A wants every
namespace it does not know itself described by an extension schema, all of them in one bag.
Knows nothing of invoices; bytes of the file are made in `render.py`.
"""

from collections.abc import Callable

FACTURX_FILE = "factur-x.xml"

_END = b"</rdf:RDF>"
_PROPERTY = """<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>\
<pdfaProperty:valueType>{type}</pdfaProperty:valueType>\
<pdfaProperty:category>{category}</pdfaProperty:category>\
<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"""
_SCHEMA = """<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>{title}</pdfaSchema:schema>\
<pdfaSchema:namespaceURI>{uri}</pdfaSchema:namespaceURI>\
<pdfaSchema:prefix>{prefix}</pdfaSchema:prefix>\
<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"""
_BAG = """<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" \
xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">\
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas></rdf:Description>"""

_UA_URI = "http://www.aiim.org/pdfua/ns/id/"
_UA_SCHEMA = _SCHEMA.format(
    title="PDF/UA identification schema",
    uri=_UA_URI,
    prefix="pdfuaid",
    properties=_PROPERTY.format(
        name="part",
        type="Integer",
        category="internal",
        description="Part of ISO 14289 the document conforms to",
    ),
)
_UA = (
    f'<rdf:Description xmlns:pdfuaid="{_UA_URI}" rdf:about="">'
    "<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
)

# Names and values are those of the Factur-X 1.0 specification; the type is INVOICE for credit
# notes too.
_FX_URI = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_FX_VALUES = (
    ("DocumentFileName", FACTURX_FILE, "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE", "type of the hybrid document"),
    ("Version", "1.0", "version of the standard the embedded XML follows"),
    ("ConformanceLevel", "EN 16931", "conformance level of the embedded XML"),
)
_FX_SCHEMA = _SCHEMA.format(
    title="Factur-X PDFA Extension Schema",
    uri=_FX_URI,
    prefix="fx",
    properties="".join(
        _PROPERTY.format(name=name, type="Text", category="external", description=description)
        for name, _, description in _FX_VALUES
    ),
)
_FX = (
    f'<rdf:Description xmlns:fx="{_FX_URI}" rdf:about="">'
    + "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in _FX_VALUES)
    + "</rdf:Description>"
)

Generate = Callable[[str, int, str], bytes]


def spliced(generate: Generate, *, facturx: bool) -> Generate:
    """WeasyPrint's writer of the rdf:RDF, ours inserted before its end; `facturx`: XML inside."""
    schemas = _UA_SCHEMA + (_FX_SCHEMA if facturx else "")
    ours = _BAG.format(schemas=schemas) + _UA + (_FX if facturx else "")

    def generated(variant: str, version: int, conformance: str) -> bytes:
        head, end, rest = generate(variant, version, conformance).rpartition(_END)
        if not end or rest.strip():
            raise RuntimeError("The metadata of the drawing engine does not end in rdf:RDF.")
        return head + ours.encode() + end

    return generated
