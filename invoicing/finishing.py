"""From due draft or number to the issued file: what a worker does, and the sweeper behind it.

A document is claimed (``gated_at``) before it is worked on, so that workers share the work and one
that fails, or takes its worker down, waits longer each time and never holds up the others. Numbers
are given in `numbering.py`; a numbered document never goes back.
"""

import hashlib
import json
import time
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.sentence import say
from config.core.trail import trail
from invoicing import gate
from invoicing.einvoice import writing
from invoicing.einvoice.profiles import FACTURX
from invoicing.gate import GateReport
from invoicing.models import Artifact, Document
from invoicing.numbering import take_number
from invoicing.payload import Payload, canonical_json
from invoicing.pdf_checks import check_pdf
from invoicing.states import DocumentState

log = structlog.get_logger(__name__)
PATIENCE = timedelta(minutes=1)  # until somebody else takes up what a worker claimed
LONGEST = timedelta(hours=1)  # between two tries of what keeps failing
BUDGET = 150.0  # seconds a sweep takes on new work, below the task's limit

# A draft waits since it fell due, a numbered document since its number. What was tried since then
# waits as long again as it waited before its last try. On the row itself, so that a row that was
# taken meanwhile is seen as it is now.
SINCE = "CASE state WHEN 'draft' THEN due_at ELSE numbered_at END"
WAITING = f"""
    issuer = 'retour' AND state IN ('draft', 'numbered') AND {SINCE} <= %(now)s AND (
        gated_at IS NULL OR gated_at <= {SINCE}
        OR gated_at + least(greatest(gated_at - {SINCE}, %(patience)s), %(longest)s) <= %(now)s
    )
"""


def issue_due(document_id: int) -> bool:
    """Gate, number and render one document that is due or numbered; True when it is issued now.

    What another worker has in hand, and what needs nothing any more, is left alone.
    """
    return _claim(document_id, PATIENCE) and _issue(document_id)


def finish_documents(limit: int = 100, *, patience: timedelta = PATIENCE) -> int:
    """Issue what is due or numbered, oldest first; returns how many were issued.

    What failed comes after what was never tried. Several may run at once and share the work.
    """
    until, finished = time.monotonic() + BUDGET, 0
    for document_id in _waiting(limit, patience):
        if time.monotonic() > until:
            break
        if _claim(document_id, patience):
            finished += _issue(document_id)
    return finished


def render_numbered(document_id: int) -> bool:
    """Render a numbered document once and store its files; True when it is issued now.

    A document that another worker is rendering, or that is issued, is left alone.
    """
    return _render(document_id, None)


# --- Who works on what ---------------------------------------------------------------------------


def _waiting(limit: int, patience: timedelta) -> list[int]:
    """What is to do, oldest first; what failed before comes last."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM invoicing_document WHERE {WAITING}"
            f" ORDER BY coalesce(gated_at > {SINCE}, false), {SINCE}, id LIMIT {limit:d}",
            _times(patience),
        )
        return [pk for (pk,) in cursor.fetchall()]


def _claim(document_id: int, patience: timedelta) -> bool:
    """Mark a waiting document as taken; False when somebody was faster or nothing is to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoicing_document SET gated_at = %(now)s WHERE id = (SELECT id FROM"
            f" invoicing_document WHERE id = %(id)s AND {WAITING} FOR NO KEY UPDATE SKIP LOCKED)",
            {"id": document_id} | _times(patience),
        )
        return cursor.rowcount == 1


def _times(patience: timedelta) -> dict:
    return {"now": timezone.now(), "patience": patience, "longest": LONGEST}


# --- One document --------------------------------------------------------------------------------


def _issue(document_id: int) -> bool:
    """Do what a claimed document still needs; a fault is kept on it and logged, never raised."""
    try:
        report = _number(document_id)
        return _render(document_id, report)
    except SoftTimeLimitExceeded:
        raise
    except Document.DoesNotExist:  # the draft was thrown away meanwhile
        return False
    except Exception as error:
        log.exception("document_not_issued", document=document_id)
        _keep(document_id, [_fault(error)])
        return False


def _number(document_id: int) -> GateReport | None:
    """Number a draft; returns the gate's report, None where there is none."""
    state = Document.objects.values_list("state", flat=True).get(pk=document_id)
    if state != DocumentState.DRAFT:
        return None
    try:
        _, report = take_number(document_id, by=User.objects.system(), verb="issue_document")
    except Refused as refused:
        _not_now(document_id, refused)
        return None
    return report


def _not_now(document_id: int, refused: Refused) -> None:
    """The money came back, or Amazon issues now: say why it waits. Others come first: nothing."""
    if refused.code == "not_sent":
        with trail("issue_document", by=User.objects.system()):
            drafts = Document.objects.filter(pk=document_id, state=DocumentState.DRAFT)
            drafts.update(due_at=None)
    elif refused.code not in ("state", "waits"):
        _keep(document_id, [{"code": refused.code, "layer": "", "sentence": refused.sentence}])


def _fault(error: Exception) -> dict[str, Any]:
    said = say(
        "A fault of Retour (%(name)s) is in the way; it is tried again.", name=type(error).__name__
    )
    return {"code": "fault", "layer": "", "sentence": said.to_json(), "at": ""}


def _keep(document_id: int, findings: list[dict[str, Any]]) -> None:
    """Keep findings on what is not issued yet."""
    with trail("issue_document", by=User.objects.system()):
        rows = Document.objects.filter(pk=document_id).exclude(state=DocumentState.ISSUED)
        rows.update(findings=findings, gated_at=timezone.now())


def _render(document_id: int, report: GateReport | None) -> bool:
    """Draw a numbered document once, check what was drawn, store its files."""
    stored = Document.objects.filter(pk=document_id, state=DocumentState.NUMBERED)
    frozen = stored.values_list("payload", flat=True).first()
    if frozen is None:
        return False
    payload = Payload.from_json(frozen)
    report = report or gate.check(payload)  # the process that numbered it is gone
    if report.findings:
        _keep(document_id, [finding.to_json() for finding in report.findings])
        return False
    with trail("issue_document", by=User.objects.system()):
        rows = Document.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        document = rows.filter(pk=document_id, state=DocumentState.NUMBERED).first()
        return document is not None and _store(document, payload, report)


def _store(document: Document, payload: Payload, report: GateReport) -> bool:
    """Draw, check and keep the files of a locked document; False when something was found."""
    from invoicing.render import render  # loads Pango and fonts, which only this needs

    files = writing.files(payload)
    rendered = render(payload, xml=files[FACTURX])
    if found := check_pdf(rendered.pdf, payload, files[FACTURX]):
        document.findings = [finding.to_json() for finding in found]
        document.save(update_fields=["findings"])
        return False
    made = {"pdf": rendered.pdf, **files}
    versions = {**rendered.versions, **_versions()}
    artifacts = [_artifact(document, kind, content, versions) for kind, content in made.items()]
    artifacts.append(_report(document, report, artifacts))
    Artifact.objects.bulk_create(artifacts)
    document.state, document.issued_at = DocumentState.ISSUED, timezone.now()
    document.findings = []
    document.save(update_fields=["state", "issued_at", "findings"])
    transaction.on_commit(lambda: _deliver(document), robust=True)
    return True


def _deliver(document: Document) -> None:
    """Prepare its deliveries; what fails here the sweeper of deliveries does later."""
    from invoicing.delivery import prepare

    prepare(document, by=User.objects.system())


def _report(document: Document, report: GateReport, files: list[Artifact]) -> Artifact:
    """What was checked before the number and afterwards, and of which files: the proof."""
    data = {
        "number": document.number,
        "payload_sha256": document.payload_sha256,
        "gate": json.loads(report.to_json()),
        "page": "as the XML",
        "files": {row.kind: row.sha256 for row in files},
    }
    return _artifact(document, "report", canonical_json(data).encode(), {})


def _artifact(document: Document, kind: str, content: bytes, versions: dict) -> Artifact:
    return Artifact(
        document=document,
        kind=kind,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        versions=versions,
    )


@cache
def _versions() -> dict[str, str]:
    """What wrote the XML."""
    return {name: version(name) for name in ("factur-x", "saxonche", "lxml")}
