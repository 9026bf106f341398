"""From a due draft to its files: what a worker does, what waits, and what never loses a number."""

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from config.core.models import Counter, User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import documents, finishing, gate, numbering, paper, refunds, tasks
from invoicing.matches.refresh import refresh
from invoicing.models import Document, IssuingMode, Match
from invoicing.payload import Payload
from tests.factories import make_buyer, make_registration, make_user
from tests.papers import make_due, make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def due_note(**fields) -> Document:
    """A credit note that is due: its refund was just sent, no worker has looked yet."""
    refund = make_refund("sending", **fields)
    day = timezone.localdate()
    refunds.mark_sent(refund.key, by=make_user("lead"), sent_on=day, amount=refund.gross)
    return Document.objects.get(refund=refund)


def again(document) -> Document:
    return Document.objects.get(pk=document.pk)


def without_number(seller) -> None:
    """The seller loses its VAT id: the gate finds that."""
    with trail("setup", by=User.objects.system()):
        seller.tax_registrations.all().delete()


# --- The road ------------------------------------------------------------------------------------


def test_sent_refund_has_a_due_draft_and_spends_no_number_in_its_transaction():
    note = due_note()
    assert (note.state, note.number, note.findings, note.gated_at) == ("draft", "", [], None)
    assert note.due_at is not None


def test_worker_gates_numbers_and_renders_a_due_draft():
    note = due_note()
    assert documents.issue_due(note.pk)
    note = again(note)
    assert (note.state, note.findings) == ("issued", [])
    assert note.number.endswith("000001")
    assert not documents.issue_due(note.pk)


def test_files_are_stored_with_hash_size_versions_and_report():
    note = due_note(order=make_shipped_order(lines=3))
    documents.finish_documents()
    files = {row.kind: row for row in note.artifacts.all()}
    assert sorted(files) == ["facturx", "pdf", "report"]
    for row in files.values():
        assert hashlib.sha256(row.content).hexdigest() == row.sha256
        assert len(row.content) == row.size
    assert {"weasyprint", "factur-x", "saxonche"} <= set(files["pdf"].versions)
    report = json.loads(bytes(files["report"].content))
    assert report["gate"]["passed"] is True
    assert report["files"] == {kind: files[kind].sha256 for kind in ("pdf", "facturx")}
    assert report["payload_sha256"] == again(note).payload_sha256
    assert {layer["name"] for layer in report["gate"]["layers"]} >= {"particulars", "xsd", "cen"}


def test_buyers_profile_is_stored_as_a_file_of_its_own():
    buyer = make_buyer(invoice_profile="en16931-ubl")
    order = make_shipped_order(buyer=buyer)
    make_invoice(order)
    documents.finish_documents()
    invoice = order.documents.get()
    kinds = set(invoice.artifacts.values_list("kind", flat=True))
    assert (invoice.state, kinds) == ("issued", {"pdf", "facturx", "en16931-ubl", "report"})


def test_number_printed_and_written_is_the_one_of_the_series():
    note = due_note()
    documents.finish_documents()
    note = again(note)
    assert Payload.from_json(note.payload).number == note.number
    assert note.number.encode() in bytes(note.artifacts.get(kind="facturx").content)


@pytest.mark.parametrize(
    "pattern", ["DH-{year}-{number:06d}", "DH/{number}", "DH{year}{number:3d}"]
)
@pytest.mark.parametrize("taken", [0, 8, 999])
def test_placeholder_is_as_wide_as_the_number(pattern, taken):
    note = due_note()
    with trail("setup", by=User.objects.system()):
        series = numbering.series_of(note)
        series.pattern = pattern
        series.save()
    today = paper.today_of(note.seller)
    if taken:
        Counter.objects.create(name=f"series:{series.pk}:{today.year}", value=taken)
    held = numbering.placeholder(note, today)
    documents.issue_due(note.pk)
    assert len(held) == len(again(note).number)


# --- The gate ------------------------------------------------------------------------------------


def test_gate_runs_outside_of_any_transaction(transactional_db, monkeypatch):
    seen, real = [], gate.check
    monkeypatch.setattr(
        gate, "check", lambda payload: seen.append(connection.in_atomic_block) or real(payload)
    )
    make_invoice()
    make_refund("sent")
    assert seen
    assert not any(seen)


def test_finding_keeps_the_draft_says_why_and_leaves_no_gap():
    order = make_shipped_order()
    note = due_note(order=order)
    without_number(order.seller)
    assert not documents.issue_due(note.pk)
    note = again(note)
    assert (note.state, note.number) == ("draft", "")
    finding = note.findings[0]
    assert (finding["code"], finding["layer"]) == ("seller_registration", "particulars")
    assert "VAT id" in numbering.sentence_of(finding)
    assert not Counter.objects.filter(name__contains="series", value__gt=1).exists()
    make_registration(order.seller, "DE", "VAT", "DE136695976")
    documents.ask_again(note, by=make_user("finance"))
    assert documents.finish_documents() == 2  # and the invoice's file
    assert again(note).sequence == 1


def test_official_rule_that_fires_keeps_the_draft_with_its_id(monkeypatch):
    note, real = due_note(), paper.fill

    def wrong(document, day):
        payload = real(document, day)
        return replace(payload, seller=replace(payload.seller, country="XX"))

    monkeypatch.setattr(paper, "fill", wrong)
    monkeypatch.setattr(gate, "check_particulars", lambda payload: [])
    assert not documents.issue_due(note.pk)
    assert "BR-CL-14" in {finding["code"] for finding in again(note).findings}


def test_content_that_changes_under_the_gate_is_looked_at_again(monkeypatch):
    note, real, looked = due_note(), gate.check, []

    def meanwhile(payload):
        looked.append(payload.purchase_order)
        if len(looked) == 1:
            note.order.po_number = "PO-NEW"
            note.order.save()
        return real(payload)

    monkeypatch.setattr(gate, "check", meanwhile)
    assert documents.issue_due(note.pk)
    assert looked[1:] == ["PO-NEW"]
    assert Payload.from_json(again(note).payload).purchase_order == "PO-NEW"


def test_content_that_never_stands_still_is_refused_and_tried_later(monkeypatch):
    note, real = due_note(), gate.check

    def meanwhile(payload):
        note.order.po_number += "x"
        note.order.save()
        return real(payload)

    monkeypatch.setattr(gate, "check", meanwhile)
    assert not documents.issue_due(note.pk)
    assert (again(note).state, again(note).findings[0]["code"]) == ("draft", "changed")


def test_day_of_issue_is_the_day_of_the_number_also_over_midnight(monkeypatch):
    note, real = due_note(), gate.check
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def over_midnight(payload):
            if payload.issue_date == today:
                clock.shift(timedelta(days=1))
            return real(payload)

        today = paper.today_of(note.seller)
        monkeypatch.setattr(gate, "check", over_midnight)
        assert documents.issue_due(note.pk)
    assert again(note).issue_date == today + timedelta(days=1)


# --- Whose turn it is ----------------------------------------------------------------------------


def test_refund_that_failed_before_the_number_takes_its_credit_note_off_the_list():
    note = due_note()
    refunds.fail(note.refund.key, by=make_user("finance"), reason="Returned by the bank")
    assert not documents.issue_due(note.pk)
    note = again(note)
    assert (note.state, note.due_at, note.findings) == ("draft", None, [])


def test_draft_thrown_away_meanwhile_is_no_fault():
    assert not documents.issue_due(987654)
    assert documents.finish_documents() == 0


def test_nothing_is_numbered_where_amazon_issues():
    order = make_shipped_order()
    draft = make_due(order)
    make_issuing(order.seller, issuer="amazon")
    assert not documents.issue_due(draft.pk)
    draft = again(draft)
    assert (draft.state, draft.findings[0]["code"]) == ("draft", "amazon_issues")
    with pytest.raises(Refused) as refused:
        documents.number(draft, by=make_user("finance"))
    assert refused.value.code == "amazon_issues"
    IssuingMode.objects.filter(seller=order.seller).update(issuer="seller")
    documents.ask_again(draft, by=make_user("finance"))
    assert documents.issue_due(draft.pk)


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor", "admin"])
def test_who_may_not_issue_may_not_ask_again(role):
    with pytest.raises(Refused) as refused:
        documents.ask_again(due_note(), by=make_user(role))
    assert refused.value.code == "forbidden"


def test_doubt_that_finance_accepts_stands_no_longer_in_the_way():
    order = make_shipped_order(rate="0.185")  # no rate of Germany
    make_issuing(order.seller)
    finance = make_user("finance")
    with pytest.raises(Refused) as refused:
        documents.issue_invoice(order, by=finance)
    draft = order.documents.get()
    assert refused.value.code == "gate"
    assert [(row["code"], row["layer"]) for row in draft.findings] == [("rate_unknown", "review")]
    documents.accept_finding(draft, by=finance, code="rate_unknown", reason="Amazon says so")
    assert documents.finish_documents() == 1
    draft = again(draft)
    assert (draft.state, draft.accepted[0]["by"]) == ("issued", finance.username)
    assert draft.accepted[0]["reason"] == "Amazon says so"


def test_finding_that_is_no_doubt_cannot_be_accepted():
    order = make_shipped_order()
    note = due_note(order=order)
    without_number(order.seller)
    documents.issue_due(note.pk)
    with pytest.raises(Refused) as refused:
        documents.accept_finding(
            note, by=make_user("finance"), code="seller_registration", reason="It is fine"
        )
    assert refused.value.code == "not_acceptable"


# --- The sweeper ---------------------------------------------------------------------------------


def test_sweeper_takes_the_oldest_first_and_what_failed_last():
    first, second, third = (due_note() for _ in range(3))
    without_number(first.seller)
    assert not documents.issue_due(first.pk)
    make_registration(first.seller, "DE", "VAT", "DE136695976")
    notes = (first.pk, second.pk, third.pk)
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        waiting = finishing._waiting(10, finishing.PATIENCE)
    assert [pk for pk in waiting if pk in notes] == [second.pk, third.pk, first.pk]


def test_failing_ones_never_starve_the_others():
    """More drafts that fail than a sweep takes: the good one behind them is issued all the same."""
    bad = [due_note() for _ in range(3)]
    for note in bad:
        without_number(note.seller)
    good = due_note()
    Document.objects.filter(kind="invoice").update(gated_at=timezone.now() + timedelta(hours=1))
    assert documents.finish_documents(limit=3) == 0
    assert documents.finish_documents(limit=1) == 1
    assert again(good).state == "issued"


def test_what_keeps_failing_is_tried_again_later_and_later():
    note = due_note()
    without_number(note.seller)
    looks, started = [], timezone.now()
    with time_machine.travel(started, tick=False) as clock:
        for minute in range(180):
            clock.move_to(started + timedelta(minutes=minute))
            before = again(note).gated_at
            documents.finish_documents()
            if again(note).gated_at != before:
                looks.append(minute)
    assert looks == [0, 1, 3, 7, 15, 31, 63, 123]


def test_what_another_worker_has_in_hand_is_left_alone():
    note = due_note()
    assert finishing._claim(note.pk, finishing.PATIENCE)
    assert not documents.issue_due(note.pk)
    later = timezone.now() + finishing.PATIENCE + timedelta(seconds=1)
    with time_machine.travel(later):
        assert documents.issue_due(note.pk)


def test_lost_worker_between_number_and_file_costs_no_number():
    note = due_note()
    numbering.take_number(note.pk, by=User.objects.system(), verb="issue_document")
    number = again(note).number
    assert tasks.finish_documents() == 2
    assert (again(note).number, again(note).state) == (number, "issued")


def test_exception_that_waited_for_the_paper_ends_with_it():
    note = due_note()
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        refresh()
        waits = Match.objects.get(refund__document=note)
        assert waits.detail["template"].startswith("The money left")
        tasks.finish_documents()
    assert Match.objects.get(pk=waits.pk).cause == "timing"


def test_page_that_does_not_say_what_the_xml_says_is_not_issued(monkeypatch):
    note = due_note()
    monkeypatch.setattr(finishing, "check_pdf", lambda pdf, payload, xml: [_wrong_page()])
    assert not documents.issue_due(note.pk)
    note = again(note)
    assert (note.state, note.findings[0]["code"]) == ("numbered", "page_total")
    assert not note.artifacts.exists()
    monkeypatch.undo()
    documents.ask_again(note, by=make_user("finance"))
    assert documents.issue_due(note.pk)
    assert again(note).findings == []


def _wrong_page() -> gate.Finding:
    return gate.Finding("page_total", "pdf", gate.Sentence("The page lacks the total."))


def test_same_payload_makes_the_same_bytes_again():
    note = due_note()
    documents.finish_documents()
    stored = bytes(note.artifacts.get(kind="pdf").content)
    from invoicing.einvoice import writing
    from invoicing.render import render

    payload = Payload.from_json(again(note).payload)
    assert render(payload, xml=writing.files(payload)["facturx"]).pdf == stored


def test_claim_leaves_no_row_in_the_trail():
    note = due_note()
    before = note.events.count()
    assert finishing._claim(note.pk, finishing.PATIENCE)
    assert note.events.count() == before


def test_issue_date_is_never_before_the_refund_left():
    note = due_note()
    documents.finish_documents()
    note = again(note)
    assert isinstance(note.issue_date, date)
    assert note.issue_date >= note.refund.sent_on
