"""One import from file to facts: the only way in, for the command, the upload and other rooms.

Order of work: recognise, stage, check, merge, all in one transaction under the seller's lock. What
a report means is in its own file; nothing here knows a fact.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from orders import identity
from orders.imports import checking, registry, staging, stubs
from orders.imports.files import KEPT, BadFile, Problem, Report, Scan, open_report, scan
from orders.imports.registry import Counts, ReportType
from orders.models import ImportFile, ImportProblem, ImportRow, Marketplace, Seller

log = structlog.get_logger(__name__)
LOCK_SPACE = 0x1337  # advisory locks (LOCK_SPACE, seller id)
UNFINISHED = (
    "The facts are imported, but what follows from them (returns, refunds) stopped with an error"
    " (%s). It is tried again within the hour."
)
LOCK_WAIT = "220s"  # another import of the same seller ends before the hard limit of a task

Progress = Callable[[int, int], None]


def import_file(
    path: Path | str,
    *,
    by,
    report_type: str | ReportType | None = None,
    seller: Seller | str | None = None,
    marketplace: Marketplace | str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
    name: str = "",
    stored_path: str = "",
    job=None,
) -> ImportFile:
    """Import one report file and return its record with the counts by row of the file.

    ``seller`` (object or code) may be left out while there is one; ``marketplace`` (object or
    code) decides what the file does not say and refuses what contradicts it. ``progress`` gets
    (percent, 100). ``name`` and ``stored_path`` are those of an upload. Raises Refused for what was
    asked wrongly, and BadFile (with ``problems``) or Refused for a file that is wrong, then with
    the record of the attempt as ``import_file``: nothing was imported. With ``skip_bad`` bad
    lines stay out and the rest comes in.
    """
    roles.require(by, "orders.import_report")
    path = Path(path)
    asked = _asked(path, report_type, seller, marketplace)
    record = ImportFile(
        seller=asked.seller,
        marketplace=asked.marketplace,
        by=by,
        job=job,
        size=path.stat().st_size,
        file_name=(name or path.name)[:200],
        stored_path=stored_path,
        expires_at=timezone.now() + timedelta(days=getattr(settings, "RAW_ROWS_KEPT_DAYS", 30)),
    )
    try:
        report = _opened(path, record, asked)
        with trail("import_report", by=by, reason=record.file_name):
            _import(record, report, skip_bad, progress or _unheard)
    except Refused as refused:
        _keep_refused(record, refused)
        raise
    for function in registry.after_import:
        transaction.on_commit(lambda function=function: _follow(function, record))
    return record


def _follow(function: Callable[[ImportFile], None], record: ImportFile) -> None:
    """One hook after the import: its failure is noted on the file, whose facts stand.

    The sweepers of the rooms (``celery.py``) do later what was not done here.
    """
    try:
        function(record)
    except Exception as error:
        log.exception("after_import_failed", import_file=record.pk, hook=function.__module__)
        kept = ImportFile.objects.filter(pk=record.pk).values_list("notes", flat=True).get()
        record.notes = [*kept, UNFINISHED % type(error).__name__]
        ImportFile.objects.filter(pk=record.pk).update(notes=record.notes)


class _Asked:
    report_type: ReportType | None
    seller: Seller
    marketplace: Marketplace | None


def _asked(path: Path, report_type, seller, marketplace) -> _Asked:
    asked = _Asked()
    if not path.is_file():
        raise Refused("no_file", f"There is no file {path}.")
    asked.report_type = registry.get(report_type) if isinstance(report_type, str) else report_type
    if report_type and asked.report_type is None:
        names = ", ".join(t.name for t in registry.all_types())
        raise Refused("unknown_type", f"There is no report type {report_type}. Known are: {names}.")
    asked.seller = _seller(seller)
    asked.marketplace = _marketplace(marketplace)
    return asked


def _seller(given: Seller | str | None) -> Seller:
    if isinstance(given, Seller):
        return given
    if given:
        found = Seller.objects.filter(code__iexact=given).first()
        if found is None:
            codes = ", ".join(Seller.objects.values_list("code", flat=True)) or "none yet"
            raise Refused("unknown_seller", f"There is no seller {given}. Sellers are: {codes}.")
        return found
    active = list(Seller.objects.filter(active=True)[:2])
    if len(active) != 1:
        raise Refused(
            "seller_missing",
            "Say whose report this is: there are several sellers."
            if active
            else "There is no seller yet. An admin adds the first one.",
        )
    return active[0]


def _marketplace(given: Marketplace | str | None) -> Marketplace | None:
    if given is None or isinstance(given, Marketplace) or not given.strip():
        return given or None
    word = given.strip()
    every = Marketplace.objects.all()
    found = next(
        (m for m in every if word.casefold() in (m.code.casefold(), m.name.casefold())), None
    ) or next((m for m in every if word in (m.amazon_id, m.country)), None)
    if found is None:
        codes = ", ".join(m.code for m in every)
        raise Refused(
            "unknown_marketplace", f"There is no marketplace {given}. Known are: {codes}."
        )
    return found


def _opened(path: Path, record: ImportFile, asked: _Asked) -> Report:
    japanese = asked.marketplace is not None and asked.marketplace.code == "JP"
    scanned: Scan = scan(path, japanese=japanese)
    record.sha256, record.encoding = scanned.sha256, scanned.encoding
    report = open_report(path, scanned, asked.report_type)
    record.report_type = report.report_type.name
    return report


def _unheard(done: int, total: int) -> None:
    """The progress of an import that nobody watches."""


def _import(record: ImportFile, report: Report, skip_bad: bool, progress: Progress) -> None:
    record.save()
    batch = staging.Batch(
        record, record.seller, record.marketplace, report.report_type, report.header
    )
    _lock(record.seller)
    batch.execute("SET LOCAL work_mem = '96MB'")
    staging.copy_in(batch, report, lambda done: progress(40 * done // max(1, record.size), 100))
    progress(40, 100)
    problems, left_out = _checked(batch, report, skip_bad)
    progress(60, 100)
    counts = report.report_type.merge(batch)
    progress(85, 100)
    _settle(batch)
    _keep_raw_rows(batch, report)
    _finish(record, batch, counts, problems + left_out)
    progress(100, 100)


def _lock(seller: Seller) -> None:
    """Imports of one seller run one after the other; the lock ends with the transaction.

    Imports of two sellers may wait for each other too, where both add the same buyer.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, seller.pk])


def _checked(
    batch: staging.Batch, report: Report, skip_bad: bool
) -> tuple[list[Problem], list[Problem]]:
    """Type and check the rows. Raises BadFile for bad lines that are not to be skipped."""
    staging.type_rows(batch, trim=report.trim)
    if report.report_type.prepare:
        report.report_type.prepare(batch)
    problems = sorted(
        [*report.problems, *checking.find_problems(batch)], key=lambda p: (p.line, p.column)
    )
    if problems and not skip_bad:
        first = problems[0]
        raise BadFile(
            "bad_lines",
            f"{len({p.line for p in problems})} of {batch.rows_read + len(report.problems)} lines"
            f" are wrong, nothing was imported. The first is line {first.line}"
            f"{f', {first.column}' if first.column else ''}: {first.problem}.",
            problems,
        )
    if len(problems) >= KEPT:
        raise BadFile(
            "bad_lines", f"More than {KEPT} cells are wrong: this is the wrong file.", problems
        )
    return problems, checking.drop_bad_rows(batch, problems, report.bad_groups) if problems else []


def _settle(batch: staging.Batch) -> None:
    """What follows from facts of several reports together, for the orders of this batch."""
    batch.execute(f"ANALYZE {batch.orders_table}")
    stubs.settle(batch)
    identity.resolve(f"SELECT id FROM {batch.orders_table}")


def _keep_raw_rows(batch: staging.Batch, report: Report) -> None:
    """Keep header and rows as they came, once a file: the same bytes again add nothing."""
    record = batch.import_file
    same = ImportFile.objects.filter(
        Exists(ImportRow.objects.filter(import_file=OuterRef("pk"))),
        sha256=record.sha256,
        seller=record.seller,
        report_type=record.report_type,
    )
    if earlier := same.exclude(pk=record.pk).first():
        batch.note(f"The same file was imported before ({earlier.created_at:%Y-%m-%d %H:%M} UTC).")
        return
    header = report.raw_header.replace("\0", "")
    ImportRow.objects.create(import_file=record, line=report.header_line, row_hash="", data=header)
    batch.execute(
        "INSERT INTO orders_importrow (import_file_id, line, row_hash, data)"
        f" SELECT {record.pk:d}, line, md5(data), data FROM"
        f" (SELECT line, {staging.raw_row(batch)} AS data FROM {staging.CELLS} OFFSET 0) AS x"
    )


def _finish(
    record: ImportFile, batch: staging.Batch, counts: Counts, problems: list[Problem]
) -> None:
    bad = len({problem.line for problem in problems})
    kept = batch.rows("SELECT count(*) FROM " + batch.table)[0][0]
    record.rows = kept + bad
    record.bad, record.inserted, record.updated = bad, counts.inserted, counts.updated
    record.unchanged = kept - counts.inserted - counts.updated
    record.status = ImportFile.Status.PARTIAL if bad else ImportFile.Status.DONE
    if not record.rows:
        batch.note("The report has a header and no rows.")
    record.notes = batch.notes
    record.save()
    _keep_problems(record, problems)


def _keep_refused(record: ImportFile, refused: Refused) -> None:
    """The attempt and its problems stay on record; facts of it do not exist."""
    problems = getattr(refused, "problems", [])
    record.pk, record.rows, record.inserted, record.updated, record.unchanged = None, 0, 0, 0, 0
    record.status, record.bad = ImportFile.Status.REFUSED, len({p.line for p in problems})
    record.notes = [refused.sentence]
    with transaction.atomic():
        record.save(force_insert=True)
        _keep_problems(record, problems)
    refused.import_file = record


def _keep_problems(record: ImportFile, problems: list[Problem]) -> None:
    ImportProblem.objects.bulk_create(
        (
            ImportProblem(
                import_file=record, line=p.line, column=p.column[:80], value=p.value[:200],
                problem=p.problem[:300], remedy=p.remedy[:300],
            )
            for p in problems
        ),
        batch_size=1000,
    )  # fmt: skip
