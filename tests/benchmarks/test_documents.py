"""What issuing a document costs beside drawing its page, and what a second worker adds.

Gated is what a warm worker computes: the whole gate with every official rule, the XML, the PDF/A-3
with it inside, the checks of the drawn page. Beside it: WeasyPrint alone, drawing the same HTML
with the same fonts and the same parsed stylesheet as a plain PDF. The whole road, with its
database, is printed too.
"""

import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings
from django.utils import timezone
from weasyprint import HTML

from invoicing import documents, gate, numbering, refunds, render
from invoicing.einvoice import writing
from invoicing.models import Document
from invoicing.payload import Payload
from invoicing.pdf_checks import check_pdf
from tests.benchmarks.ratio import cost, tell
from tests.factories import make_user
from tests.papers import make_due, make_refund, make_shipped_order

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def no_worker(monkeypatch):
    """What falls due stays due until the benchmark issues it."""
    monkeypatch.setattr(numbering, "_hurry", lambda document_id: None)


def due_credit_notes(count: int, lines: int) -> Iterator[Document]:
    """Credit notes over that many lines each, due; their invoices are numbered, not drawn."""
    seller, day = make_shipped_order().seller, timezone.localdate()
    agent, finance = make_user("agent"), make_user("finance")
    for _ in range(count):
        order = make_shipped_order(seller=seller, lines=lines)
        refund = make_refund("sending", order=order, proposer=agent, approver=finance)
        refunds.mark_sent(refund.key, by=finance, sent_on=day, amount=refund.gross)
        yield Document.objects.get(refund=refund)


def bare(html: str) -> bytes:
    """WeasyPrint alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return HTML(string=html, url_fetcher=render.NoFetch()).write_pdf(
            stylesheets=render._stylesheets(False), font_config=render.font_configuration()
        )


def compute(payload: Payload) -> None:
    """All that an issue computes: render, XML, full gate, checks of the page."""
    assert gate.check(payload).passed
    xml = writing.files(payload)["facturx"]
    assert check_pdf(render.render(payload, xml=xml).pdf, payload, xml) == []


def issue_against_bare(lines: int, runs: int) -> float:
    """Median wall time of what an issue computes over that of drawing alone, in turn."""
    gate.warm()
    road, ours, floor = [], [], []
    for round_, note in enumerate(due_credit_notes(runs + 1, lines)):
        whole = cost(lambda note=note: documents.issue_due(note.pk))
        issued = Document.objects.get(pk=note.pk)
        assert (issued.state, issued.lines.count()) == ("issued", lines)
        payload = Payload.from_json(issued.payload)
        html = render.render(payload).html
        mine = cost(lambda payload=payload: compute(payload))
        theirs = cost(lambda html=html: bare(html))
        if round_:  # the first one of a process reads fonts
            road.append(whole), ours.append(mine), floor.append(theirs)
    tell(f"Credit note of {lines} lines, the whole road with its database", road, floor)
    return tell(f"Credit note of {lines} lines, rendered and gated, against its page", ours, floor)


@pytest.mark.timeout(900)
def test_issue_of_five_lines_costs_little_more_than_its_page(no_worker):
    assert issue_against_bare(5, 25) <= 1.7


@pytest.mark.timeout(900)
def test_issue_of_two_hundred_lines_costs_little_more_than_its_page(no_worker):
    assert issue_against_bare(200, 5) <= 1.7


# --- Workers of their own ------------------------------------------------------------------------


class Issuer:
    """A warm worker process; `go` lets it start, `answer` waits until nothing is left."""

    def __init__(self) -> None:
        folder = str(settings.DATA_DIR)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.issuer",
             settings.DATABASES["default"]["NAME"]],
            cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"DATA_DIR": folder, "TMPDIR": folder},
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[int, int, int]:
        """Documents issued, memory and peak in MiB."""
        issued, now, peak = self.process.stdout.readline().split()
        return int(issued), int(now), int(peak)


@contextmanager
def issuers(count: int) -> Iterator[list[Issuer]]:
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(Issuer())
            stack.callback(made[-1].process.wait)
            stack.callback(made[-1].process.kill)
            stack.callback(made[-1].process.stdin.close)
            stack.callback(made[-1].process.stdout.close)
        yield made


def make_work(seller, finance, count: int) -> None:
    for _ in range(count):
        make_due(make_shipped_order(seller=seller, lines=5), by=finance)


def seconds_for(workers: list[Issuer], count: int) -> float:
    started = time.perf_counter()
    for worker in workers:
        worker.go()
    issued = sum(worker.answer()[0] for worker in workers)
    taken = time.perf_counter() - started
    assert issued == count
    return taken


@pytest.mark.timeout(900)
def test_two_workers_issue_more_than_one():
    seller, finance, count = make_shipped_order().seller, make_user("finance"), 24
    one, two = [], []
    with issuers(2) as workers:
        for _ in range(6):
            for team, times in ((workers[:1], one), (workers, two)):
                make_work(seller, finance, count)
                times.append(seconds_for(team, count))
    alone, together = statistics.median(one[1:]), statistics.median(two[1:])
    print(f"\n{count} documents: one worker {alone:.2f} s, two {together:.2f} s ="
          f" {alone / together:.2f}x; {count / together:.1f} a second")  # fmt: skip
    assert alone / together >= 1.4


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_memory_of_a_worker_stays_flat_over_five_hundred_documents():
    seller, finance, told = make_shipped_order().seller, make_user("finance"), []
    with issuers(1) as (worker,):
        for _ in range(10):
            make_work(seller, finance, 49)
            make_due(make_shipped_order(seller=seller, lines=200), by=finance)
            worker.go()
            issued, now, peak = worker.answer()
            assert issued == 50
            told.append((now, peak))
    print("\nMemory of a worker after each 50 documents (MiB, peak):", told)
    assert told[-1][1] <= 450
    assert told[-1][0] <= told[1][0] * 1.1
