"""Fetching the account's transactions from Amazon (Finances API): a file a window, then an import.

What the rows mean is the importer's (`imports/finances.py`); nothing here reads an amount. Windows
overlap, for Amazon shows transactions up to two days late; the same transaction again is no news.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from config.core import roles
from config.core.refused import Refused
from invoicing.imports.finances import NAME
from orders.amazon import config
from orders.amazon.client import LAG, Amazon
from orders.amazon.errors import AmazonError
from orders.imports.expiry import UPLOADS
from orders.imports.run import import_file
from orders.models import ImportFile, Marketplace, Order, Seller

log = structlog.get_logger(__name__)
FIRST = timedelta(days=90)  # how far the first pull of an account looks back
OVERLAP = timedelta(days=3)  # Amazon shows transactions up to 48 hours late
WINDOW = timedelta(days=3)  # of one file: a long absence becomes many files, each imported at once
BUDGET = 120.0  # seconds after which no further window is begun: a task has 220
_STAMP = "%Y%m%dT%H%M%SZ"
_PREFIX = "finances"
_SKIPS = "since-"  # in the name of a file that does not go on where the last pull ended


@dataclass
class Pulled:
    """What a pull brought. ``complete``: up to now; else ``sentence`` says why not.

    ``more``: only its time was over, the next run goes on at once.
    """

    files: list[ImportFile] = field(default_factory=list)
    complete: bool = True
    more: bool = False
    sentence: str = ""


def pull(seller: Seller, *, by, since: datetime | None = None, budget: float = BUDGET) -> Pulled:
    """Fetch and import what Amazon's Finances show since the last pull (or ``since``).

    Goes through every region the seller has orders in. What was fetched is kept and imported
    window by window; an error of Amazon ends the region there, and the next pull goes on. Raises
    Refused without permission to import or where no access to Amazon is set up.
    """
    roles.require(by, "orders.import_report")
    places = [place for place in places_of(seller) if config.available(seller, place.region)]
    if not places:
        raise Refused(
            "not_configured",
            f"Retour has no access to Amazon for {seller.code}, or no order of it yet: an operator "
            "sets AMAZON_CLIENT_ID, AMAZON_CLIENT_SECRET and AMAZON_REFRESH_TOKENS.",
        )
    pulled, until = Pulled(), time.monotonic() + budget
    for place in places:
        try:
            _region(pulled, Amazon(seller, place), by, since, until)
        except (AmazonError, Refused) as error:
            log.warning("finances_not_pulled", seller=seller.code, code=error.code)
            pulled.complete, pulled.sentence = False, error.sentence
    return pulled


def pull_all() -> list[Pulled]:
    """Every active seller with access, by the system actor; one that fails stops no other."""
    from config.core.models import User

    by, done = User.objects.system(), []
    for seller in Seller.objects.filter(active=True):
        if not config.available(seller) and not _by_region(seller):
            continue
        try:
            done.append(pull(seller, by=by))
        except Refused as refused:
            log.info("finances_not_pulled", seller=seller.code, code=refused.code)
    return done


def places_of(seller: Seller) -> list[Marketplace]:
    """One marketplace for each region the seller has orders in, by region."""
    orders = Order.objects.filter(seller=seller, marketplace=OuterRef("pk"))
    found = Marketplace.objects.filter(Exists(orders)).order_by("region", "code")
    return list(found.distinct("region"))


def _by_region(seller: Seller) -> bool:
    return any(config.available(seller, region) for region in config.ENDPOINTS)


def _region(pulled: Pulled, amazon: Amazon, by, since: datetime | None, until: float) -> None:
    seller, place = amazon.seller, amazon.marketplace
    last = _last(seller, place.region)
    skips = _SKIPS if since and since > last else ""  # what lies before is still to be fetched
    for start, end in windows(since or last, timezone.now() - LAG):
        if time.monotonic() > until:
            pulled.complete, pulled.more = False, True
            pulled.sentence = "There is more to fetch than one run may take; the next goes on."
            return
        stored = _fetch(amazon, start, end)
        name = f"{_PREFIX}-{place.region}-{skips}{start:{_STAMP}}-{end:{_STAMP}}.json"
        pulled.files.append(
            import_file(
                Path(settings.DATA_DIR) / stored,
                by=by,
                report_type=NAME,
                seller=seller,
                skip_bad=True,  # one transaction that does not add up keeps no other out
                name=name,
                stored_path=stored,
            )
        )


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time from start to end in pieces of ``WINDOW``, oldest first, whole seconds."""
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    while start < end:
        until = min(start + WINDOW, end)
        yield start, until
        start = until


def _last(seller: Seller, region: str) -> datetime:
    """Where the last file of the region ended, less the overlap: its name says it."""
    files = ImportFile.objects.filter(
        seller=seller,
        report_type=NAME,
        status__in=(ImportFile.Status.DONE, ImportFile.Status.PARTIAL),
        file_name__startswith=f"{_PREFIX}-{region}-",
    )
    latest = timezone.now() - FIRST
    files = files.exclude(file_name__contains=f"-{_SKIPS}")
    name = files.order_by("-pk").values_list("file_name", flat=True).first()
    if name:
        ended = name.removesuffix(".json").rpartition("-")[2]
        latest = max(latest, datetime.strptime(ended, _STAMP).replace(tzinfo=UTC) - OVERLAP)
    return latest


def _fetch(amazon: Amazon, start: datetime, end: datetime) -> str:
    """Pages of the window as one file, each on a line; returns its path in the data folder.

    A file that could not be fetched whole is not kept: half a window would look like all of it.
    """
    folder = Path(settings.DATA_DIR) / UPLOADS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}-{_PREFIX}.json"
    try:
        with path.open("xb") as target:
            path.chmod(0o600)
            target.write(b'{"payload": {"transactions": []}}\n')  # a window may hold nothing
            for page in amazon.transaction_pages(start, end):
                # line ends stand only between the values of JSON, never inside one
                target.write(page.body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return f"{UPLOADS}/{path.name}"
