"""Workers that are killed between any two steps: no gap, no repeat, every stored hash right.

Real processes of their own on the test's database; see `worker.py`.
"""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connections

from config.core import invariants
from config.core.models import Counter
from invoicing.models import Artifact, Document
from tests.factories import make_user
from tests.papers import make_due, make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True)
PROMISES = (
    "documents_chained",
    "document_totals",
    "files_as_rendered",
    "files_complete",
    "numbers_gapless",
    "payloads_frozen",
    "xml_in_the_pdf",
)


def make_all_due(count: int) -> None:
    """Drafts of one series, all of them due."""
    first, finance = make_shipped_order(), make_user("finance")
    for _ in range(count):
        make_due(make_shipped_order(seller=first.seller), by=finance)


def work(workers: int, odds: float, patience: int) -> int:
    """Let so many processes issue everything; returns how often one was killed."""
    name = settings.DATABASES["default"]["NAME"]
    connections.close_all()
    folder = str(settings.DATA_DIR)
    environment = os.environ | {"DATA_DIR": folder, "TMPDIR": folder}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.invoicing.worker", name, str(odds), str(seed)],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(workers)
    ]
    try:
        told = [process.communicate(timeout=patience)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0] * workers
    return sum(int(lost) for lost in told)


def check(count: int) -> None:
    issued = Document.objects.filter(state="issued").order_by("sequence")
    assert [row.sequence for row in issued] == list(range(1, count + 1))
    assert Counter.objects.get(name__startswith="series:").value == count
    assert Artifact.objects.filter(kind="pdf").count() == count
    broken = {p.name: invariants.violations(p) for p in invariants.promises()}
    assert {name: broken[name] for name in PROMISES} == dict.fromkeys(PROMISES, (0, []))


@pytest.mark.timeout(180)
def test_two_workers_that_keep_dying_leave_no_gap():
    make_all_due(24)
    lost = work(workers=2, odds=0.05, patience=150)
    check(24)
    assert lost >= 3


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_four_workers_that_keep_dying_issue_two_hundred_documents():
    make_all_due(200)
    lost = work(workers=4, odds=0.05, patience=1000)
    check(200)
    print(f"\n200 documents by 4 workers that were killed {lost} times")
    assert lost >= 20
