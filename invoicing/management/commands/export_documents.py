"""Write issued documents as stored: the same bytes that were made, checked by their hash."""

import hashlib
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from config.core.models import User
from invoicing import documents
from invoicing.delivery_mail import file_name
from invoicing.models import Artifact

# What a stored file is called after the number: every file of a document lands side by side.
SUFFIXES = {"pdf": ".pdf", "report": ".report.json"}


class Command(BaseCommand):
    """``export_documents --to DIR [--number N]``: PDFs, XMLs and gate reports as stored."""

    help = "Write issued documents as stored (PDF, XML, gate report) into a folder."

    def add_arguments(self, parser):
        """Where to, and which."""
        parser.add_argument("--to", required=True, help="folder, made where missing")
        parser.add_argument("--number", help="only the document with this number")

    def handle(self, *, to, number=None, **options):
        """Write the files; stops at the first one whose bytes are not those of its hash."""
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        found = Artifact.objects.order_by("document_id", "kind").select_related("document")
        if number:
            found = found.filter(document__number=number)
        by, written = User.objects.system(), 0
        for artifact in found.defer("content").iterator(chunk_size=200):
            stored = documents.file_of(artifact.document, by=by, kind=artifact.kind)
            if hashlib.sha256(stored.content).hexdigest() != stored.sha256:
                raise CommandError(f"{artifact.document} is damaged: its bytes do not fit the hash")
            (folder / _name(artifact)).write_bytes(stored.content)
            written += 1
        if number and not written:
            raise CommandError(f"No issued document has the number {number}.")
        self.stdout.write(f"{written} file{'' if written == 1 else 's'} written to {folder}")


def _name(artifact: Artifact) -> str:
    """The number as a file name; two sellers never share one, their codes are in it."""
    suffix = SUFFIXES.get(artifact.kind, f".{artifact.kind}.xml")
    return file_name(artifact.document.number) + suffix
