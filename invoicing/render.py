"""One function draws every document: payload in, PDF out, the same bytes each time.

WeasyPrint over templates/documents; the page's strings come from `page.py`, fonts from `fonts.py`,
XMP from `metadata.py`. Nothing is ever fetched. One pass gives PDF/A-3a, PDF/UA-1 and, with the
invoice's XML, Factur-X. Storing, numbering and checking happen elsewhere.
"""

import gc
import hashlib
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import pydyf
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from weasyprint import CSS, HTML, Attachment
from weasyprint.document import Document
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from invoicing.fonts import font_configuration, font_versions
from invoicing.metadata import FACTURX_FILE, spliced
from invoicing.page import page
from invoicing.payload import Payload

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "documents"
ENGINES = ("weasyprint", "pydyf", "Jinja2", "Babel")

# Pango's font map is shared by the process and not made for two threads at once.
drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A drawn document: PDF bytes with their sha256, the HTML, and what drew it."""

    pdf: bytes
    sha256: str
    html: str
    versions: Mapping[str, str]


class FetchRefused(RuntimeError):
    """A document tried to load something; documents carry everything in themselves."""


class NoFetch(URLFetcher):
    """Refuses every address, file: and data: included, and stops the drawing."""

    def fetch(self, url: str, headers: object = None) -> NoReturn:
        """Raise; WeasyPrint would swallow any lesser error and draw a document without its part."""
        raise FatalURLFetchingError(f"Documents fetch nothing: {url[:80]}")


def render(
    payload: Payload, *, number_placeholder: str | None = None, xml: bytes | None = None
) -> Rendered:
    """Draw the document once. Same payload, XML, fonts and versions: same bytes.

    `xml` is the payload as Factur-X (CII, EN 16931) and is embedded as it is; without it the PDF is
    a plain archive page (preview). A payload without a number is a draft: it is drawn with
    `number_placeholder` and marked as not valid; without a placeholder it raises ValueError.
    Raises FontsMissing or FetchRefused.
    """
    draft = not payload.number
    number = payload.number or number_placeholder
    if not number:
        raise ValueError("A document without a number can only be drawn with a placeholder.")
    numbered = replace(payload, number=number)
    html = _template().render(page(numbered, number, draft=draft))
    invoice = None if xml is None else _attachment(xml, payload.issue_date)
    pdf = _pdf(
        html,
        numbered.sha256()[:32].encode(),
        letter=payload.jurisdiction in ("US", "CA"),
        invoice=invoice,
    )
    return Rendered(pdf, hashlib.sha256(pdf).hexdigest(), html, dict(_versions()))


def _attachment(xml: bytes, day: date) -> Attachment:
    """The embedded file; its dates are the day of issue, so that the bytes never change."""
    moment = datetime.combine(day, time(), UTC)
    return Attachment(
        string=xml,
        name=FACTURX_FILE,
        description="Factur-X",
        created=moment,
        modified=moment,
        relationship="Alternative",
    )


def _pdf(html: str, identifier: bytes, *, letter: bool, invoice: Attachment | None = None) -> bytes:
    with drawing, _collector_waiting(), warnings.catch_warnings():
        # WeasyPrint 70 leaves its own ICC file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            source = HTML(string=html, url_fetcher=NoFetch())
            document = source.render(
                stylesheets=_stylesheets(letter), font_config=font_configuration()
            )
            metadata = document.metadata
            metadata.attachments = [invoice] if invoice else []
            metadata.generate_rdf_metadata = spliced(
                metadata.generate_rdf_metadata, facturx=invoice is not None
            )
            pdf = document.write_pdf(
                pdf_variant="pdf/a-3a",
                pdf_tags=True,
                pdf_identifier=identifier,
                finisher=_declare_once,
            )
        except FatalURLFetchingError as error:
            raise FetchRefused(str(error)) from error
    assert isinstance(pdf, bytes)
    return pdf


@contextmanager
def _collector_waiting() -> Iterator[None]:
    """Nothing of a document is garbage before it is drawn; looking for some costs a fifth of 200
    lines. What is left over is young then, and found by the next collection.
    """
    waiting = not gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not waiting:
            gc.enable()


def _declare_once(document: Document, pdf: pydyf.PDF) -> None:
    """WeasyPrint 70 names each attachment in /AF twice."""
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("document.html")


@cache
def _stylesheets(letter: bool) -> tuple[CSS, ...]:
    """Parsed once a process: each rule costs about 0.1 ms to parse."""
    names = ("document.css", "letter.css") if letter else ("document.css",)
    return tuple(
        CSS(string=(TEMPLATES / name).read_text(), font_config=font_configuration())
        for name in names
    )


@cache
def _versions() -> Mapping[str, str]:
    """Engine and font versions and the fingerprint of the template: what decides the bytes."""
    fingerprint = hashlib.sha256(
        b"".join(path.read_bytes() for path in sorted(TEMPLATES.iterdir()))
    ).hexdigest()
    engines = {name.lower(): version(name) for name in ENGINES}
    return {**engines, **font_versions(), "template": fingerprint[:16]}
