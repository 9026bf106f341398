"""What the page of one document shows: its sums explained, checks, chain, files and keeping.

Reads only. Buttons are decided in `actions.py`, why a draft waits in `waiting.py`.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from lxml import etree

from config.core.display import percent
from invoicing import paper
from invoicing.einvoice.profiles import PROFILES
from invoicing.einvoice.rulesets import NAMES
from invoicing.models import Artifact, Document, DocumentLine, Download, Refund
from invoicing.models.document import Issuer
from invoicing.particulars import check_deadlines
from invoicing.payload import Amounts, Payload
from invoicing.waiting import in_words
from invoicing.words import why_url

REPORT = "report"
SHOWN = 20  # of what may become many
# The VAT categories of EN 16931 (UNTDID 5305) in words.
CATEGORIES = {
    "S": gettext_lazy("taxed"),
    "Z": gettext_lazy("zero rated"),
    "E": gettext_lazy("exempt"),
    "K": gettext_lazy("within the EU, tax free"),
    "G": gettext_lazy("export, tax free"),
    "AE": gettext_lazy("reverse charge"),
    "O": gettext_lazy("outside the scope of VAT"),
}


@dataclass(frozen=True)
class Sum:
    """One row of the totals: what it is, how much, and why where that needs a word."""

    label: str
    amount: Decimal
    currency: str
    sentence: str = ""


def lines(document: Document) -> list[dict[str, Any]]:
    """The lines as the money table draws them, each with the invoice line it corrects; those of a
    credit note lead to the refund's figure they stand for.
    """
    rows = document.lines.select_related("original__document").order_by("position")
    behind = _figures(getattr(document, "refund", None))
    return [
        _line(row, document, behind.get((row.order_line_id, row.component), "")) for row in rows
    ]


def _figures(refund: Refund | None) -> dict[tuple[int, str], str]:
    """Where each figure of a refund is explained, by order line and component: the first of it."""
    if refund is None:
        return {}
    rows = refund.lines.order_by("-pk").values_list("order_line_id", "component", "pk")
    page = why_url(refund.key)
    return {(line, component): f"{page}#line-{pk}" for line, component, pk in rows}


def _line(row: DocumentLine, document: Document, url: str) -> dict[str, Any]:
    label = f"{row.sku}: {row.get_component_display()}"
    if row.quantity:
        label += f" × {row.quantity}"
    sentence = row.sentence
    original = row.original
    if original and original.document_id != document.corrects_id:
        said = _("Of invoice %(number)s.") % {"number": original.document}
        sentence = f"{sentence} {said}".strip()
    return {
        "label": label, "sentence": sentence, "tax_rate": f"{row.category} {percent(row.rate)}",
        "net": row.net, "tax": row.tax, "gross": row.gross, "url": url,
    }  # fmt: skip


def taxes(document: Document) -> list[dict[str, Any]]:
    """Base and tax for each category and rate, the category also in words."""
    return [
        {
            "category": row.category, "word": CATEGORIES.get(row.category, ""),
            "rate": percent(row.rate), "base": row.base, "tax": row.tax,
        }
        for row in document.taxes.all()
    ]  # fmt: skip


def sums(document: Document) -> list[Sum]:
    """The totals of the printed page, from lines to what is due, from the frozen payload."""
    if not document.payload:
        return []
    payload = Payload.from_json(document.payload)
    if payload.schema < 2:  # written before totals were taken apart
        return []
    return [*_totals(payload, payload.totals), *_national(payload)]


def _totals(payload: Payload, totals: Amounts) -> list[Sum]:
    rows: list[tuple[str, Decimal, str]] = [(_("Lines"), totals.lines, "")]
    if totals.allowances:
        rows.append((_("Deductions"), -totals.allowances, _names(payload, charge=False)))
    if totals.charges:
        rows.append((_("Charges"), totals.charges, _names(payload, charge=True)))
    rows += [(_("Net"), totals.net, ""), (_("Tax"), totals.tax, _rounded_once())]
    rows.append((_("Gross"), totals.gross, ""))
    if totals.rounding:
        rows.append((_("Rounding"), totals.rounding, _("Brings the gross to what Amazon moved.")))
    rows.append((_("Moved through Amazon"), totals.paid, ""))
    rows.append((_("Still due"), totals.due, "" if totals.due else _("Nothing is left to pay.")))
    return [Sum(label, amount, payload.currency, why) for label, amount, why in rows]


def _rounded_once() -> str:
    return _("Calculated once for each rate from its sum, half up.")


def _names(payload: Payload, *, charge: bool) -> str:
    said = [one.reason for one in payload.allowances if one.charge == charge]
    return ", ".join(dict.fromkeys(said))


def _national(payload: Payload) -> list[Sum]:
    if payload.national_tax is None:
        return []
    tax = payload.national_tax
    why = _("At %(rate)s %(currency)s for 1 %(base)s (%(source)s, %(day)s).") % {
        "rate": f"{tax.rate.normalize():f}",
        "currency": tax.currency,
        "base": payload.currency,
        "source": tax.source,
        "day": tax.date.isoformat(),
    }
    return [Sum(_("VAT in the country's currency"), tax.tax, tax.currency, why)]


# --- What was checked ----------------------------------------------------------------------------


def still_open(document: Document) -> list[dict[str, Any]]:
    """The stored findings of a draft without those that somebody accepted since."""
    accepted = [(row["code"], row["sentence"]) for row in document.accepted]
    return [one for one in document.findings if (one["code"], one["sentence"]) not in accepted]


def findings(document: Document) -> list[dict[str, str]]:
    """What stops a draft: rule, who says so, the sentence, where in the file."""
    return [
        {
            "code": one["code"],
            "layer": layer_name(one.get("layer", "")),
            "sentence": in_words(one["sentence"]),
            "at": one.get("at", ""),
            "legend": _legend(one["sentence"]),
        }
        for one in document.findings
    ]


def _legend(sentence: str | dict[str, Any]) -> str:
    """What the letters of a sentence about the tax treatment stand for."""
    said = sentence.get("params", {}) if isinstance(sentence, dict) else {}
    letters = [said[name] for name in ("shown", "table") if said.get(name) in CATEGORIES]
    return ", ".join(f"{one}: {CATEGORIES[one]}" for one in letters)


def late(document: Document) -> list[str]:
    """By when the document had to be issued, where that day is past; a note, it stops nothing."""
    if not document.payload and document.issuer != Issuer.RETOUR:
        return []
    if document.payload:
        payload = Payload.from_json(document.payload)
    else:
        payload = paper.fill(document, paper.today_of(document.seller))
    return [in_words(found.sentence.to_json()) for found in check_deadlines(payload)]


def checked(document: Document) -> list[dict[str, Any]]:
    """The layers of rules the document passed, as its stored report lists them."""
    kept = Artifact.objects.filter(document=document, kind=REPORT).first()
    if kept is None:
        return []
    layers = json.loads(bytes(kept.content))["gate"]["layers"]
    return [
        {**layer, "label": layer_name(layer["name"]), "file": file_name(layer.get("profile", ""))}
        for layer in layers
    ]


def layer_name(name: str) -> str:
    """Who found something, in words."""
    ours = {
        "particulars": _("Retour: law and exact cents"),
        "review": _("Retour: Amazon's figures beside the facts"),
        "pdf": _("Retour: the printed page"),
    }
    return ours.get(name) or NAMES.get(name, name)


# --- Files ---------------------------------------------------------------------------------------


def files(document: Document) -> list[Artifact]:
    """The stored files without their bytes, the PDF first; each knows its ``label``."""
    kept = sorted(
        Artifact.objects.filter(document=document).defer("content"),
        key=lambda one: (one.kind != "pdf", one.kind == REPORT, one.kind),
    )
    for one in kept:
        one.label, one.is_xml = file_name(one.kind), one.kind in PROFILES
    return kept


def file_name(kind: str) -> str:
    """What a stored file is called on pages."""
    if kind in PROFILES:
        return PROFILES[kind].label
    return {"pdf": _("PDF with Factur-X"), REPORT: _("Report of the checks")}.get(kind, kind)


def downloads(document: Document) -> list[Download]:
    """Who took a file of the document, newest first; each knows ``what`` it was."""
    rows = list(document.downloads.select_related("by")[:SHOWN])
    for one in rows:
        one.what = file_name(one.kind) if one.kind else ""
    return rows


def pretty(xml: bytes) -> str:
    """An XML file indented for reading; the stored bytes stay as they are."""
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    tree = etree.fromstring(xml, parser)
    return etree.tostring(tree, pretty_print=True, encoding="unicode")


# --- Chain ---------------------------------------------------------------------------------------


def chain(document: Document) -> list[Document]:
    """All papers of the order, oldest first, each with ``depth``: corrections stand below what
    they correct.
    """
    related = ("refund", "corrects")
    rows = list(
        Document.objects.filter(order=document.order_id).select_related(*related).order_by("pk")
    )
    below: dict[int | None, list[Document]] = {}
    known = {row.pk for row in rows}
    for row in rows:
        above = row.corrects_id if row.corrects_id in known else None
        below.setdefault(above, []).append(row)
    return list(_walk(below, None, 0))


def _walk(below: dict, above: int | None, depth: int):
    for row in below.get(above, ()):
        row.depth = depth
        yield row
        yield from _walk(below, row.pk, depth + 1)


def neighbours(document: Document) -> dict[str, Document]:
    """The documents before and after it in its series and year: ``before`` and ``after``."""
    if document.sequence is None:
        return {}
    around = Q(sequence=document.sequence - 1) | Q(sequence=document.sequence + 1)
    rows = Document.objects.filter(around, series=document.series_id, year=document.year)
    return {"before" if row.sequence < document.sequence else "after": row for row in rows}
