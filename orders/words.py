"""The room's words for row templates: outcome of an import, title of a report."""

from django.utils.safestring import SafeString

from config.core import display, jinja
from orders.imports import registry
from orders.models import ImportFile

LOOKS = {"refused": "rejected", "partial": "warn"}  # colour of a state word in the stylesheet


def import_status(status: str) -> SafeString:
    """The outcome of an import as a dot and a word."""
    return display.state_badge(LOOKS.get(status, status), ImportFile.Status(status).label)


def report_title(name: str) -> str:
    """The title of a report type; an unknown name stays, nothing is a dash."""
    found = registry.get(name)
    return found.title if found else name or "–"


def install() -> None:
    """Offer the words to the row templates."""
    jinja.FILTERS.update(import_status=import_status, report_title=report_title)
