"""Each promise of papers and money holds after the real verbs, and sees a row broken on purpose."""

import pytest
from django.utils import timezone

from config.core import invariants
from invoicing import corrections, documents, numbering
from invoicing.matching import match_refunds
from invoicing.models import Document, Settlement
from tests.factories import make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.papers import make_invoice, make_refund, make_shipped_order

OURS = [
    "credit_documents",
    "credited_within_invoiced",
    "document_totals",
    "documents_chained",
    "files_as_rendered",
    "files_complete",
    "money_trail_contexts",
    "numbers_gapless",
    "one_invoice_a_supply",
    "payloads_frozen",
    "refund_lines_live",
    "refund_totals",
    "refunded_within_paid",
    "refunds_in_trail",
    "reversed_within_credited",
    "second_person",
    "started_within_rest",
    "xml_in_the_pdf",
]


def broken() -> dict[str, int]:
    """The promises that are broken, with how many rows break them."""
    counts = {p.name: invariants.violations(p)[0] for p in invariants.promises()}
    return {name: count for name, count in counts.items() if count and name in OURS}


@pytest.fixture
def rows(transactional_db):
    """A little of everything: every refund state, documents of both issuers, rendered files."""
    for state in ("proposed", "approved", "sending", "unknown", "failed", "rejected", "cancelled"):
        make_refund(state)
    seller_order = make_shipped_order()
    for state in ("sent", "confirmed", "reversed"):
        make_refund(state, order=make_shipped_order(seller=seller_order.seller))
    by_amazon = make_shipped_order()
    make_invoice(by_amazon, recorded=True)
    make_refund("sent", order=by_amazon)


def test_promises_are_registered():
    names = {promise.name for promise in invariants.promises()}
    assert set(OURS) <= names


def test_promises_hold_after_the_real_verbs(rows):
    assert Document.objects.filter(state="issued", kind="credit_note").count() == 3
    assert broken() == {}


SENT = "(SELECT id FROM invoicing_refund WHERE state = 'sent' AND document_id IS NOT NULL)"
BREAKS = [
    ("refunded_within_paid", "invoicing_refundline",
     "UPDATE invoicing_refundline SET tax = 19.01, net = net + tax - 19.01 WHERE live"),
    ("started_within_rest", "orders_orderline",
     "UPDATE orders_orderline SET item_net = 1, item_tax = 0.19"),
    ("credited_within_invoiced", "invoicing_documentline",
     ("UPDATE invoicing_documentline l SET net = 0, gross = l.tax FROM invoicing_document d"
     " WHERE d.id = l.document_id AND d.kind = 'invoice'")),
    ("refund_lines_live", "invoicing_refundline",
     "UPDATE invoicing_refundline SET live = NOT live"),
    ("second_person", "invoicing_refund",
     "UPDATE invoicing_refund SET needs_second = false, approver_id = proposer_id"),
    ("second_person", "invoicing_refund",
     "UPDATE invoicing_refund SET approved_hash = 'x' WHERE state = 'sent'"),
    ("refund_totals", "invoicing_refund",
     "UPDATE invoicing_refund SET net = net - 1, gross = gross - 1"),
    ("numbers_gapless", "invoicing_document",
     ("UPDATE invoicing_document SET sequence = sequence + 1 WHERE kind = 'credit_note'"
     " AND sequence = (SELECT max(sequence) FROM invoicing_document WHERE kind = 'credit_note')")),
    ("numbers_gapless", "core_counter", "UPDATE core_counter SET value = value + 1"),
    ("documents_chained", "invoicing_document",
     "UPDATE invoicing_document SET payload_sha256 = repeat('0', 64) WHERE sequence = 1"),
    ("documents_chained", "invoicing_document",
     "UPDATE invoicing_document SET previous_hash = repeat('0', 64) WHERE sequence = 2"),
    ("payloads_frozen", "invoicing_document",
     ("UPDATE invoicing_document SET payload = jsonb_set(payload, '{currency}', '\"USD\"')"
     " WHERE payload IS NOT NULL")),
    ("files_as_rendered", "invoicing_artifact",
     "UPDATE invoicing_artifact SET content = content || '\\x00'"),
    ("files_complete", "invoicing_artifact",
     "DELETE FROM invoicing_artifact WHERE kind = 'facturx'"),
    ("files_complete", "invoicing_artifact",
     "DELETE FROM invoicing_artifact WHERE kind = 'report'"),
    ("xml_in_the_pdf", "invoicing_artifact",
     ("UPDATE invoicing_artifact SET content = content || '\\x20',"
      " sha256 = encode(sha256(content || '\\x20'), 'hex'), size = size + 1"
      " WHERE kind = 'facturx'")),
    ("xml_in_the_pdf", "invoicing_artifact",
     ("UPDATE invoicing_artifact SET content = content || '\\x20',"
      " sha256 = encode(sha256(content || '\\x20'), 'hex'), size = size + 1"
      " WHERE kind = 'pdf'")),
    ("one_invoice_a_supply", "invoicing_document",
     ("UPDATE invoicing_document SET revision = 1, order_id = (SELECT min(order_id)"
      " FROM invoicing_document) WHERE id = (SELECT max(id) FROM invoicing_document"
      " WHERE kind = 'invoice')")),
    ("credit_documents", "invoicing_refund",
     f"UPDATE invoicing_refund SET document_id = NULL WHERE id IN {SENT}"),
    ("credit_documents", "invoicing_document",
     "UPDATE invoicing_document SET state = 'draft', due_at = NULL WHERE kind = 'credit_note'"),
    ("document_totals", "invoicing_documenttax",
     "UPDATE invoicing_documenttax SET base = base + 1"),
    ("document_totals", "invoicing_document",
     "UPDATE invoicing_document SET net = net + 1, gross = gross + 1"),
    ("document_totals", "invoicing_document",
     "UPDATE invoicing_document SET payload = jsonb_set(payload, '{totals,rounding}', '\"0.01\"')"),
    ("refunds_in_trail", "invoicing_refund", "UPDATE invoicing_refund SET version = version + 1"),
    ("money_trail_contexts", "invoicing_refundevent",
     "UPDATE invoicing_refundevent SET pgh_context = NULL WHERE state = 'sent'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table", "statement"), BREAKS, ids=[f"{i}-{b[0]}" for i, b in enumerate(BREAKS)]
)
def test_promise_sees_a_broken_row(name, table, statement, rows_once, break_rows):
    break_rows(table, statement)
    assert broken().get(name, 0) > 0


@pytest.fixture
def rows_once(transactional_db, request, monkeypatch):
    """Two sent refunds of ours on one seller: the least that every promise is about. Files are
    drawn only where the promise is about files.
    """
    if request.node.callspec.params.get("table") != "invoicing_artifact":
        monkeypatch.setattr(numbering, "_hurry", lambda document_id: None)
    order = make_shipped_order()
    make_refund("sent", order=order, net="90.00", tax="17.10")
    make_refund("sent", order=make_shipped_order(seller=order.seller))
    assert broken() == {}


def test_promise_sees_more_reversed_than_credited(transactional_db, break_rows):
    refund = make_refund("reversed", net="90.00", tax="17.10")
    note = Document.objects.get(refund=refund)
    corrections.reverse_credit_note(note, by=make_user("finance"), reason="The money came back")
    back = Document.objects.get(occasion="reversal")
    assert (back.state, back.gross, broken()) == ("issued", note.gross, {})
    break_rows(
        "invoicing_documentline",
        f"UPDATE invoicing_documentline SET net = net + 1, gross = gross + 1"
        f" WHERE document_id = {back.pk}",
    )
    assert broken()["reversed_within_credited"] == 1


MONEY = ("confirmed_is_seen", "settlements_tie", "tied_money_counts")
MONEY_BREAKS = [
    ("settlements_tie", "invoicing_settlement",
     "UPDATE invoicing_settlement SET total = total + 0.01"),
    ("settlements_tie", "invoicing_moneyfact",
     "UPDATE invoicing_moneyfact SET settlement_id = NULL, source = 'finances'"),
    ("tied_money_counts", "invoicing_refund", "UPDATE invoicing_refund SET state = 'failed'"),
    ("confirmed_is_seen", "invoicing_moneyfact", "UPDATE invoicing_moneyfact SET refund_id = NULL"),
    ("confirmed_is_seen", "invoicing_moneyfact",
     "UPDATE invoicing_moneyfact SET amount = amount - 0.01"),
]  # fmt: skip


def broken_money() -> set[str]:
    """The broken promises about money that settlements show."""
    return {p.name for p in invariants.promises() if invariants.violations(p)[0]} & set(MONEY)


@pytest.mark.parametrize(
    ("name", "table", "statement"),
    MONEY_BREAKS,
    ids=[f"{i}-{b[0]}" for i, b in enumerate(MONEY_BREAKS)],
)
def test_promise_about_settlements_sees_a_broken_row(
    name, table, statement, transactional_db, break_rows
):
    refund = make_refund("sent")
    line, seen = refund.order.lines.get(), refund.gross
    settlement = make_settlement(refund.seller)
    make_fact(settlement, refund.order, line, -seen, adjustment="A1", at=timezone.now())
    Settlement.objects.update(total=-seen)
    assert match_refunds().confirmed == [refund.pk]
    assert broken_money() == set()
    break_rows(table, statement)
    assert name in broken_money()


def test_finding_on_the_draft_is_a_visible_reason(transactional_db, break_rows):
    make_refund("sent")
    break_rows(
        "invoicing_document",
        "UPDATE invoicing_document SET state = 'draft', series_id = NULL,"
        ' findings = \'[{"code": "x", "sentence": "y"}]\' WHERE kind = \'credit_note\'',
    )
    assert "credit_documents" not in broken()


def test_context_of_every_verb_names_it(transactional_db):
    refund = make_refund("sent")
    verbs = [
        context["verb"]
        for context in refund.events.order_by("pgh_id").values_list("pgh_context", flat=True)
    ]
    assert verbs == ["propose_refund", "approve_refund", "start_refund", "mark_sent_refund"]
    document = Document.objects.get(refund=refund)
    assert documents.file_of(document, by=make_user("auditor")).size > 1000
