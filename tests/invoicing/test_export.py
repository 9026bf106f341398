"""Exporting documents: the stored bytes of every file, side by side, damage refused."""

import hashlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from lxml import etree

from invoicing import documents
from invoicing.models import Artifact, Document, Download
from tests.factories import make_buyer
from tests.papers import make_invoice, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice():
    """An issued invoice of a buyer who takes a UBL file besides."""
    made = make_invoice(make_shipped_order(buyer=make_buyer(invoice_profile="en16931-ubl")))
    documents.finish_documents()
    return Document.objects.get(pk=made.pk)


def export(folder, **options) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("export_documents", to=str(folder), stdout=out, **options)
    return out.getvalue()


def test_every_file_of_a_document_is_written_as_stored(tmp_path, invoice):
    assert "4 files written" in export(tmp_path / "new")
    written = {file.name: file.read_bytes() for file in (tmp_path / "new").iterdir()}
    stored = {
        f"{invoice.number}{suffix}": bytes(invoice.artifacts.get(kind=kind).content)
        for kind, suffix in {
            "pdf": ".pdf",
            "facturx": ".facturx.xml",
            "en16931-ubl": ".en16931-ubl.xml",
            "report": ".report.json",
        }.items()
    }
    assert written == stored
    assert etree.fromstring(written[f"{invoice.number}.facturx.xml"]).tag.endswith("Invoice")
    assert json.loads(written[f"{invoice.number}.report.json"])["number"] == invoice.number


def test_one_document_is_chosen_by_its_number(tmp_path, invoice):
    make_invoice()
    documents.finish_documents()
    assert "4 files written" in export(tmp_path, number=invoice.number)
    assert all(file.name.startswith(invoice.number) for file in tmp_path.iterdir())


def test_unknown_number_is_an_error(tmp_path, invoice):
    with pytest.raises(CommandError, match="NOBODY"):
        export(tmp_path, number="NOBODY")


def test_export_is_written_down_as_downloads(tmp_path, invoice):
    export(tmp_path)
    rows = Download.objects.filter(document=invoice, by__username="system")
    assert sorted(rows.values_list("kind", flat=True)) == [
        "en16931-ubl", "facturx", "pdf", "report",
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_damaged_file_stops_the_export(tmp_path, invoice, break_rows):
    break_rows("invoicing_artifact", "UPDATE invoicing_artifact SET content = 'x'")
    with pytest.raises(CommandError, match="damaged"):
        export(tmp_path)


def test_hash_on_record_is_that_of_the_written_file(tmp_path, invoice):
    export(tmp_path)
    pdf = (tmp_path / f"{invoice.number}.pdf").read_bytes()
    row = Artifact.objects.get(document=invoice, kind="pdf")
    assert (hashlib.sha256(pdf).hexdigest(), len(pdf)) == (row.sha256, row.size)
