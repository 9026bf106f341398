"""One of everything a page can show, made once a test; and the address of every page of ours.

``addresses(world)`` names every URL that answers a GET; what cannot be opened like a page is listed
with its reason, so that a new URL name is either here or a failure.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone
from PIL import Image

from config.core.models import Job
from config.core.refused import Refused
from invoicing import corrections, delivery, documents, fx, refunds, retention
from invoicing.matches import exceptions
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds, untied
from invoicing.models import Document, Feed, Match
from invoicing.reports import kinds, runs
from invoicing.sending import bank, feeds
from orders.imports.run import import_file
from orders.models import ImportFile
from returns import evidence, refunding, workflow
from returns.models import RMA, WorkItem
from tests.factories import make_buyer, make_order, make_rma, pay
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.sending.making import make_feed_refund
from tests.kept import make_tax_fact
from tests.orders.doubts import make_doubt, make_waiting
from tests.papers import make_account, make_calculation, make_invoice, make_shipped_order
from tests.people import team

REPORTS = Path(__file__).resolve().parent.parent / "data" / "reports"
STATES = ("requested", "approved", "shipped", "inspected", "closed")


def furnish(folder: Path) -> SimpleNamespace:
    """Cases in every state, refunds, documents, files, jobs, a report; somebody of each role."""
    people = team()
    world = SimpleNamespace(people=people, rmas=_cases(people))
    _money(world)
    _books(world)
    _files(world, folder)
    return world


def _cases(people) -> dict[str, RMA]:
    """A case in every state; the requested one has a photo, a note and a missing address."""
    seller = make_order(lines=0).seller
    nobody = make_buyer(email="")
    found = {}
    for state in STATES:
        order = make_shipped_order(seller=seller, lines=2, buyer=nobody)
        found[state] = make_rma(state, by=people.lead, order=order)
    number = found["requested"].number
    image = io.BytesIO()
    Image.new("RGB", (400, 300), (180, 60, 40)).save(image, "JPEG")
    upload = SimpleUploadedFile("carton.jpg", image.getvalue())
    evidence.add(number, by=people.agent, upload=upload, kind="photo")
    workflow.add_note(number, by=people.agent, text="The buyer called.\nThey wait.")
    workflow.assign(number, by=people.lead, owner=people.agent)
    return found


def _money(world) -> None:
    """A refund that was sent (Amazon shows another amount), one proposed, one in hand; money of
    an order nobody knows; a line to identify and a return that waits for facts.
    """
    people, seller = world.people, world.rmas["shipped"].seller
    order = make_shipped_order(seller=seller, quantity=4)
    invoice = make_invoice(order, by=people.finance)
    world.order, world.buyer = order, order.buyer
    paid = make_rma("inspected", by=people.lead, order=order, quantity=2)
    (refund,) = refunding.propose(paid.number, by=people.agent)
    world.sent = pay(refund, by=people.finance)
    (world.proposed,) = refunding.propose(world.rmas["inspected"].number, by=people.agent)
    world.rmas["refunded"] = RMA.objects.get(pk=paid.pk)
    other = make_rma("inspected", by=people.lead, order=order, quantity=1)
    (taken,) = refunding.propose(other.number, by=people.agent)
    refunds.approve(taken.key, by=people.finance)
    world.taken = refunds.start(taken.key, by=people.finance)
    world.invoice = invoice
    paper, now = make_settlement(seller), timezone.now()
    make_fact(paper, order, order.lines.get(), "-35.00", adjustment="A1", at=now)
    stub = make_order(lines=0, seller=seller, facts_complete=False)
    make_fact(paper, stub, None, "-7.00", adjustment="A2", at=now)
    make_doubt(seller=seller)
    make_waiting()
    match_refunds()
    documents.finish_documents()
    world.credit_note = Document.objects.get(refund=world.sent)
    _papers(world)


def _books(world) -> None:
    """Refunds in a feed and in a bank file, what does not tie, a month, a rate."""
    people, seller = world.people, world.rmas["shipped"].seller
    ours = make_feed_refund(make_shipped_order(marketplace="FR", rate="0.20"))
    access = {ours.seller.code: "token"}
    with override_settings(
        AMAZON_CLIENT_ID="id", AMAZON_CLIENT_SECRET="secret", AMAZON_REFRESH_TOKENS=access
    ):
        feeds.collect()  # puts it into a file; nothing is handed over here
    world.feed = Feed.objects.get()
    make_account(seller)
    order = make_shipped_order(seller=seller)
    make_invoice(order, by=people.finance)
    transfer = refunds.propose(
        by=people.agent, order=order, origin="order", note="Account closed",
        calculation=make_calculation(order),
        payee={"name": "Demo Einkauf AG", "iban": "DE89 3704 0044 0532 0130 00"},
    )  # fmt: skip
    world.transfer = refunds.approve(transfer.key, by=people.finance)
    world.bank_file = bank.make_file([transfer.key], by=people.finance)
    fx.add_rate(
        quote="USD", day=timezone.localdate(), rate=Decimal("1.0862"), by=people.finance,
        source="ECB",
    )  # fmt: skip
    refresh()
    world.exceptions = list(Match.objects.filter(result="open").order_by("pk"))
    world.explained = exceptions.explain(
        world.exceptions.pop(), by=people.finance, resolution="external", reason="Paid by cheque"
    )
    world.untied = untied().order_by("pk").first()
    world.seen = world.sent.money_facts.first()
    world.settlement = world.seen.settlement
    world.period = world.sent.journals.first().period


def _papers(world) -> None:
    """A draft the gate stopped, an invoice that was corrected, sent and held."""
    finance, seller = world.people.finance, world.rmas["shipped"].seller
    stopped = make_shipped_order(seller=seller, buyer=make_buyer())
    stopped.buyer.addresses.all().delete()
    with suppress(Refused):
        documents.issue_invoice(stopped, by=finance)
    world.draft = Document.objects.get(order=stopped)
    make_tax_fact(world.order)  # Amazon expects an invoice from its data, the mode says otherwise
    old = make_invoice(make_shipped_order(seller=seller), by=finance)
    documents.finish_documents()
    corrections.correct_invoice(
        Document.objects.get(pk=old.pk), by=finance, reason="The buyer has moved"
    )
    documents.finish_documents()
    documents.finish_documents()
    world.corrected = Document.objects.get(pk=old.pk)
    retention.place_hold(world.corrected, by=finance, reason="Audit of the year")
    world.delivery = delivery.send(world.corrected, by=finance)


def _files(world, folder: Path) -> None:
    """An import that went in, one that was refused, a report, and jobs in every state."""
    people, seller = world.people, world.order.seller
    world.imported = import_file(
        REPORTS / "orders_all_DE_vcs_utf8.tsv", by=people.lead, seller=seller
    )
    bad = folder / "bad.tsv"
    text = (REPORTS / "orders_all_DE_vcs_utf8.tsv").read_text("utf-8-sig")
    bad.write_text(text.replace("\t25\t", "\tmany\t"), encoding="utf-8")
    with suppress(Refused):
        import_file(bad, by=people.lead, seller=seller)
    world.refused = ImportFile.objects.get(status="refused")
    today = timezone.localdate()
    period = runs.Scope(today - timedelta(days=30), today, None, None)
    world.run = runs.run("settlement", period, "csv", by=people.finance)
    world.runs = [world.run, runs.run("journal", _month(today), "csv", by=people.finance)]
    world.jobs = {
        status: Job.objects.create(
            kind="import", title=f"Import of {status}.tsv", owner=people.lead, status=status,
            done=3, total=9, errors=[{"line": 3, "problem": "no number"}],
        )
        for status in ("queued", "running", "failed")
    }  # fmt: skip
    world.result = Job.objects.create(
        kind="report", title="Report", owner=people.finance, status="done",
        result_name="report.csv", result_path=world.run.file_path,
    )  # fmt: skip


def _month(day) -> runs.Scope:
    """The whole month of a day: books go by months."""
    first = day.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return runs.Scope(first, last, None, None)


def addresses(world) -> dict[str, list[str]]:
    """URL name → the addresses under which it is looked at."""
    of_case = {state: [rma.number] for state, rma in world.rmas.items()}
    order, requested = world.order, world.rmas["requested"]
    picture = requested.evidence.get()
    return {
        "login": [reverse("login")],
        "core:jobs": [reverse("core:jobs")],
        "core:job": [reverse("core:job", args=[job.pk]) for job in world.jobs.values()],
        "core:job-download": [reverse("core:job-download", args=[world.result.pk])],
        "core:job-errors": [reverse("core:job-errors", args=[world.jobs["failed"].pk])],
        "core:healthz": [reverse("core:healthz")],
        "core:readyz": [reverse("core:readyz")],
        "orders:imports": [reverse("orders:imports")],
        "orders:import-new": [reverse("orders:import-new")],
        "orders:import-job": [reverse("orders:import-job", args=[world.jobs["running"].pk])],
        "orders:import": [
            reverse("orders:import", args=[one.pk]) for one in (world.refused, world.imported)
        ],
        "orders:import-problems": [reverse("orders:import-problems", args=[world.refused.pk])],
        "invoicing:refunds": [reverse("invoicing:refunds")],
        "invoicing:refund": [
            reverse("invoicing:refund", args=[one.key])
            for one in (world.proposed, world.taken, world.sent, world.transfer)
        ],
        "invoicing:feeds": [reverse("invoicing:feeds")],
        "invoicing:feed": [reverse("invoicing:feed", args=[world.feed.key])],
        "invoicing:bank-files": [reverse("invoicing:bank-files")],
        "invoicing:bank-file": [reverse("invoicing:bank-file", args=[world.bank_file.key])],
        "invoicing:bank-file-xml": [
            reverse("invoicing:bank-file-xml", args=[world.bank_file.key])
        ],
        "invoicing:exceptions": [
            reverse("invoicing:exceptions"),
            reverse("invoicing:exceptions") + "?cause=amount&owner=nobody",
            reverse("invoicing:exceptions") + "?result=explained",
        ],
        "invoicing:exception": [
            reverse("invoicing:exception", args=[one.pk])
            for one in (*world.exceptions, world.explained)
        ],
        "invoicing:settlements": [reverse("invoicing:settlements")],
        "invoicing:settlement": [
            reverse("invoicing:settlement", args=[world.settlement.pk]),
            reverse("invoicing:settlement", args=[world.settlement.pk]) + "?bucket=account",
        ],
        "invoicing:untied": [reverse("invoicing:untied")],
        "invoicing:money": [
            reverse("invoicing:money", args=[one.pk]) for one in (world.untied, world.seen)
        ],
        "invoicing:ledger": [
            reverse("invoicing:ledger"),
            reverse("invoicing:ledger") + f"?account=vat&amount_min=1&period={world.period.pk}",
            reverse("invoicing:ledger") + f"?q={world.sent.key}",
        ],
        "invoicing:periods": [reverse("invoicing:periods")],
        "invoicing:period": [reverse("invoicing:period", args=[world.period.pk])],
        "invoicing:rates": [reverse("invoicing:rates")],
        "invoicing:rate-new": [reverse("invoicing:rate-new")],
        "invoicing:documents": [reverse("invoicing:documents")],
        "invoicing:document": [
            reverse("invoicing:document", args=[one.pk])
            for one in (world.invoice, world.credit_note, world.draft, world.corrected)
        ],
        "invoicing:drafts": [
            reverse("invoicing:drafts"), reverse("invoicing:drafts") + "?q=nothing-like-it",
        ],
        "invoicing:tax-data": [reverse("invoicing:tax-data")],
        "invoicing:document-file": [reverse("invoicing:document-file", args=[world.invoice.pk])],
        "invoicing:document-artifact": [
            reverse("invoicing:document-artifact", args=[world.invoice.pk, kind])
            for kind in ("facturx", "report")
        ],
        "invoicing:document-xml": [
            reverse("invoicing:document-xml", args=[world.invoice.pk, "facturx"])
        ],
        "invoicing:reports": [reverse("invoicing:reports")],
        "invoicing:report-new": [
            f"{reverse('invoicing:report-new')}?kind={kind.key}" for kind in kinds.every()
        ],
        "invoicing:report-job": [reverse("invoicing:report-job", args=[world.result.pk])],
        "invoicing:report-run": [
            reverse("invoicing:report-run", args=[one.pk]) for one in world.runs
        ],
        "invoicing:report-file": [reverse("invoicing:report-file", args=[world.run.pk])],
        "invoicing:opening-balance": [reverse("invoicing:opening-balance")],
        "returns:why": [
            reverse("returns:why", args=[one.key]) for one in (world.proposed, world.sent)
        ],
        "returns:charts": [reverse("returns:charts")],
        "returns:today": [reverse("returns:today")],
        "returns:start": [reverse("returns:start")],
        "returns:queue": [
            reverse("returns:queue"), reverse("returns:queue") + "?q=nothing-like-it",
        ],
        "returns:new": [
            reverse("returns:new"), f"{reverse('returns:new')}?order={order.amazon_order_id}",
        ],
        "returns:bulk": [reverse("returns:bulk")],
        "returns:inspect": [reverse("returns:inspect")],
        "returns:rma": [reverse("returns:rma", args=args) for args in of_case.values()],
        "returns:inspect-rma": [reverse("returns:inspect-rma", args=of_case["shipped"])],
        "returns:refund-preview": [reverse("returns:refund-preview", args=of_case["inspected"])],
        "returns:evidence": [reverse("returns:evidence", args=[requested.number, picture.pk])],
        "returns:orders": [reverse("returns:orders")],
        "returns:order": [reverse("returns:order", args=[order.amazon_order_id])],
        "returns:identity": [reverse("returns:identity")],
        "returns:waiting": [reverse("returns:waiting")],
        "returns:buyers": [reverse("returns:buyers")],
        "returns:buyer": [reverse("returns:buyer", args=[world.buyer.pk])],
        "returns:search": [
            reverse("returns:search"), reverse("returns:search") + "?q=Demo",
            reverse("returns:search") + "?q=nothing-like-it",
        ],
        "returns:activity": [reverse("returns:activity")],
        "returns:hand-over": [reverse("returns:hand-over")],
    }  # fmt: skip


def posts(world) -> dict[str, str]:
    """URL name → an address that takes a POST only."""
    item = WorkItem.objects.filter(done_at=None).order_by("pk").first()
    arguments = {
        "logout": [],
        "core:preferences": [],
        "invoicing:refunds-approve": [],
        "invoicing:bank-file-new": [],
        "invoicing:bank-file-verb": [world.bank_file.key, "withdraw"],
        "invoicing:exceptions-verb": ["take"],
        "invoicing:exception-verb": [world.exceptions[0].pk, "take"],
        "invoicing:money-assign": [world.untied.pk],
        "invoicing:period-verb": [world.period.pk, "close"],
        "invoicing:refund-verb": [world.proposed.key, "approve"],
        "invoicing:document-verb": [world.invoice.pk, "number"],
        "invoicing:drafts-try-again": [],
        "invoicing:delivery-verb": [world.corrected.pk, world.delivery.pk, "cancel"],
        "returns:bulk-verb": ["approve"],
        "returns:work-item-done": [item.pk],
        "returns:verb": [world.rmas["requested"].number, "approve"],
        "returns:order-verb": [world.order.amazon_order_id, "issue-invoice"],
        "returns:identity-line": [world.order.lines.first().pk],
        "returns:buyer-verb": [world.buyer.pk, "watch"],
    }
    return {name: reverse(name, args=args) for name, args in arguments.items()}


def names(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Every URL name of ours; Django's admin has its own tests."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if not isinstance(pattern, URLResolver):
            yield prefix + (pattern.name or str(pattern.pattern))
        elif pattern.namespace != "admin":
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from names(pattern, prefix + inner)
