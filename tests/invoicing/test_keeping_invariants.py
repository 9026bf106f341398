"""The promises of corrections, deliveries, holds and retention: kept, and seen when broken."""

from datetime import date

import pytest
from django.utils import timezone

from config.core.invariants import promises, violations
from config.core.models import User
from invoicing import corrections, delivery, documents, keeping_invariants, retention
from invoicing.models import Document, Erasure
from tests.factories import make_user
from tests.papers import make_invoice, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True)
OURS = {
    "corrected_invoices_follow",
    "taken_back_is_named",
    "reversed_credits_unpaid",
    "deliveries_whole",
    "packages_as_documents",
    "erased_after_their_time",
    "holds_on_documents",
}


def broken() -> dict[str, int]:
    """Which promises of this file are broken, and by how many rows."""
    found = {row.name: violations(row)[0] for row in promises() if row.name in OURS}
    assert set(found) == OURS
    return {name: count for name, count in found.items() if count}


@pytest.fixture
def papers():
    """A corrected invoice, a reversed credit note, deliveries, a hold and an old proof."""
    finance, order = make_user("finance"), make_shipped_order()
    refund = make_refund("reversed", order=order, net="30.00", tax="5.70")
    documents.finish_documents()
    note = Document.objects.get(refund=refund)
    corrections.reverse_credit_note(note, by=finance, reason="It came back")
    documents.finish_documents()
    invoice = Document.objects.get(order=order, occasion="supply", kind="invoice")
    corrections.correct_invoice(invoice, by=finance, reason="Wrong company")
    documents.finish_documents()
    for document in Document.objects.all():
        delivery.prepare(document, by=User.objects.system())
    retention.place_hold(invoice, by=finance, reason="Audit")
    Erasure.objects.create(
        number="OLD-1", kind="invoice", seller_code="demo", country="DE", rule="DE 8",
        issue_date=date(2010, 1, 1), kept_until=date(2018, 12, 31),
        order=make_shipped_order(),
    )  # fmt: skip
    assert not Document.objects.exclude(state="issued").exists()


def test_promises_hold_after_the_verbs(papers):
    assert broken() == {}


INVOICING = "invoicing"


@pytest.mark.parametrize(
    ("promise", "table", "statement"),
    [
        (
            "corrected_invoices_follow",
            "document",
            "UPDATE {} SET revision = 5 WHERE occasion = 'correction'",
        ),
        (
            "corrected_invoices_follow",
            "document",
            "UPDATE {} SET occasion = 'refund' WHERE occasion = 'cancellation'",
        ),
        (
            "taken_back_is_named",
            "document",
            "UPDATE {} SET corrects_id = NULL WHERE occasion = 'cancellation'",
        ),
        ("reversed_credits_unpaid", "refund", "UPDATE {} SET state = 'sent'"),
        ("deliveries_whole", "delivery", "UPDATE {} SET state = 'failed', problem = ''"),
        (
            "packages_as_documents",
            "delivery",
            (
                "UPDATE {} SET options = jsonb_set(options, '{{metadata:totalamount}}', '\"1.00\"')"
                " WHERE channel = 'amazon'"
            ),
        ),
        ("erased_after_their_time", "erasure", "UPDATE {} SET kept_until = '2999-12-31'"),
        ("holds_on_documents", "legalhold", "UPDATE {} SET lifted_at = now() + interval '1 day'"),
    ],
)
def test_broken_promise_is_seen(papers, break_rows, promise, table, statement):
    name = f"{INVOICING}_{table}"
    break_rows(name, statement.format(name))
    assert broken().get(promise)


def test_corrected_invoice_without_its_cancellation_is_seen(break_rows):
    finance = make_user("finance")
    invoice = make_invoice()
    documents.finish_documents()
    invoice.refresh_from_db()
    corrections.correct_invoice(invoice, by=finance, reason="Wrong company")
    documents.finish_documents()
    later = timezone.now().isoformat()
    break_rows(
        "invoicing_document",
        f"UPDATE invoicing_document SET numbered_at = '{later}' WHERE occasion = 'cancellation'",
    )
    assert broken() == {"corrected_invoices_follow": 1}


def test_every_promise_of_the_file_is_proven_here():
    assert {name for name in vars(keeping_invariants) if name.isupper()} == {
        "DELIVERED", "ERASED", "HELD", "PACKED", "REPLACED", "REVERSED_STAYS_UNPAID", "TAKEN_BACK",
        "FORGOTTEN",  # in test_payee_retention.py
    }  # fmt: skip
