"""Retention: kept until, held, erased with a proof; nothing goes before its time."""

from datetime import UTC, date, datetime
from io import StringIO

import psycopg
import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import corrections, delivery, documents, retention
from invoicing.models import (
    Artifact,
    Delivery,
    Document,
    Download,
    Erasure,
    LegalHold,
    Refund,
    RetentionRule,
)
from tests import database
from tests.factories import make_seller, make_user
from tests.kept import make_tax_fact
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
LONG_AGO = datetime(2017, 6, 1, 12, tzinfo=UTC)


def issued_on(moment: datetime, *, seller=None, marketplace="DE") -> Document:
    """An invoice of ours that was issued then, in Germany or for it."""
    with time_machine.travel(moment, tick=False):
        seller = seller or make_seller()
        if not seller.tax_registrations.filter(valid_from__lte=moment).exists():
            with trail("setup", by=User.objects.system()):
                seller.tax_registrations.update(valid_from=date(2010, 1, 1))
        invoice = make_invoice(make_shipped_order(seller=seller, marketplace=marketplace))
        documents.finish_documents()
    invoice.refresh_from_db()
    assert invoice.state == "issued", invoice.findings
    return invoice


def recorded_on(day: date, marketplace="DE", country="DE") -> Document:
    """Amazon's invoice of that day."""
    seller = make_seller(country=country)
    order = make_shipped_order(seller=seller, marketplace=marketplace)
    make_issuing(seller, marketplace, "amazon")
    finance = make_user("finance")
    return documents.record_invoice(order, by=finance, number=f"A-{order.pk}", issue_date=day)


def broken() -> dict[str, int]:
    """The promises of papers and money that rows break now."""
    ours = [promise for promise in promises() if "." not in promise.name]
    found = {promise.name: violations(promise)[0] for promise in ours}
    return {name: count for name, count in found.items() if count}


def erase(**options) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("erase_documents", stdout=out, **options)
    return out.getvalue()


# --- Until when ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marketplace", "country", "until"),
    [
        ("DE", "DE", date(2025, 12, 31)),  # 8 years
        ("UK", "GB", date(2023, 12, 31)),  # 6 years
        ("UK", "DE", date(2025, 12, 31)),  # the seller's country asks longer
        ("FR", "DE", date(2027, 12, 31)),  # 10 years
        ("IT", "IT", date(2027, 12, 31)),
        ("JP", "JP", date(2024, 12, 31)),  # 7 years
        ("US", "US", date(2027, 12, 31)),  # no rule of its own: 10 years
        ("PL", "GB", date(2027, 12, 31)),
    ],
)
def test_kept_until_the_longest_of_the_countries_that_bind(marketplace, country, until):
    document = recorded_on(date(2017, 6, 1), marketplace, country)
    assert retention.keep_until(document) == until


def test_rules_come_with_their_law():
    for kind in ("invoice", "credit_note"):
        rows = RetentionRule.objects.filter(kind=kind)
        assert {row.country: row.years for row in rows} == {
            "DE": 8, "GB": 6, "FR": 10, "IT": 10, "JP": 7, "": 10,
        }  # fmt: skip
        assert all(row.source for row in rows)


@pytest.mark.parametrize(("country", "years"), [("DE", 7), ("GB", 5), ("", 9)])
def test_rule_below_the_law_is_refused_by_the_database(country, years):
    with pytest.raises(DatabaseError), trail("setup", by=User.objects.system()):
        RetentionRule.objects.filter(country=country).update(years=years)


def test_longer_rule_keeps_longer():
    with trail("setup", by=User.objects.system()):
        RetentionRule.objects.filter(country="DE", kind="invoice").update(years=12)
    document = recorded_on(date(2017, 6, 1))
    assert retention.keep_until(document) == date(2029, 12, 31)
    assert retention.rule_of(document) == "DE 12"


# --- Holds ---------------------------------------------------------------------------------------


def test_hold_is_placed_once_and_lifted_with_a_reason():
    document, finance = recorded_on(date(2017, 6, 1)), make_user("finance")
    hold = retention.place_hold(document, by=finance, reason="Audit 2026")
    assert (hold.reason, hold.placed_by) == ("Audit 2026", finance)
    with pytest.raises(Refused) as refused:
        retention.place_hold(document, by=finance, reason="Again")
    assert refused.value.code == "held"
    assert retention.lift_hold(document, by=finance, reason="Audit is over").lifted_at
    with pytest.raises(Refused) as refused:
        retention.lift_hold(document, by=finance, reason="Again")
    assert refused.value.code == "not_held"


@pytest.mark.parametrize("role", ["agent", "lead", "inspector", "auditor"])
def test_only_finance_and_admins_hold(role):
    document, person = recorded_on(date(2017, 6, 1)), make_user(role)
    for verb in (retention.place_hold, retention.lift_hold):
        with pytest.raises(Refused) as refused:
            verb(document, by=person, reason="Audit")
        assert refused.value.code == "forbidden"


def test_held_document_is_not_erased_until_the_hold_is_lifted():
    document, finance = recorded_on(date(2017, 6, 1)), make_user("finance")
    retention.place_hold(document, by=finance, reason="Audit 2026")
    assert "0 documents" in erase()
    retention.lift_hold(document, by=finance, reason="Over")
    assert document.number in erase()
    assert not LegalHold.objects.exists()


# --- Erasing -------------------------------------------------------------------------------------


def test_expired_document_goes_with_everything_and_leaves_its_proof():
    invoice, finance = issued_on(LONG_AGO), make_user("finance")
    documents.file_of(invoice, by=finance)
    delivery.prepare(invoice, by=User.objects.system())
    make_tax_fact(invoice.order, document=invoice)
    before = Document.objects.get(pk=invoice.pk)
    assert erase(dry_run=True).startswith(invoice.number)
    assert Document.objects.exists()
    assert "1 document erased" in erase()
    for model in (Document, Artifact, Delivery):
        assert not model.objects.exists()
    assert Download.objects.get().document is None
    assert not invoice.order.tax_facts.exists()
    proof = Erasure.objects.get()
    assert (proof.number, proof.kept_until) == (invoice.number, date(2025, 12, 31))
    assert (proof.payload_sha256, proof.chain_hash) == (before.payload_sha256, before.chain_hash)
    assert (proof.series, proof.sequence, proof.rule) == (before.series, 1, "DE 8")
    assert broken() == {}


def test_series_and_chain_can_still_be_checked_and_a_lost_proof_is_seen(break_rows):
    seller = make_seller()
    first = issued_on(LONG_AGO, seller=seller)
    second = issued_on(LONG_AGO.replace(month=7), seller=seller)
    retention.place_hold(second, by=make_user("finance"), reason="Dispute")
    erase()
    assert [row.number for row in Document.objects.all()] == [second.number]
    assert broken() == {}
    break_rows(
        "invoicing_erasure",
        f"UPDATE invoicing_erasure SET chain_hash = '' WHERE number = '{first}'",
    )
    assert broken() == {"documents_chained": 2}
    break_rows("invoicing_erasure", "DELETE FROM invoicing_erasure")
    assert broken() == {"documents_chained": 1, "numbers_gapless": 1}


def test_documents_of_an_order_go_together():
    invoice, finance = issued_on(LONG_AGO), make_user("finance")
    note = corrections.cancel_invoice(invoice, by=finance, reason="Wrong company")
    documents.finish_documents()
    note.refresh_from_db()
    assert note.state == "issued"
    assert retention.expired() == []  # the note is of today


def test_refund_whose_credit_note_was_erased_keeps_its_promise():
    with time_machine.travel(LONG_AGO, tick=False):
        refund = make_refund("sent", order=issued_on(LONG_AGO).order, net="30.00", tax="5.70")
        documents.finish_documents()
    assert "2 documents erased" in erase()
    refund = Refund.objects.get(pk=refund.pk)
    assert refund.document is None
    assert Erasure.objects.get(kind="credit_note").refund == refund
    assert broken() == {}


def test_order_whose_documents_were_erased_gets_none_again():
    document = recorded_on(date(2017, 6, 1))
    erase()
    with pytest.raises(Refused) as refused:
        documents.record_invoice(
            document.order, by=make_user("finance"), number="B-1", issue_date=date(2026, 1, 1)
        )
    assert refused.value.code == "erased"
    document.pk = None
    with pytest.raises(DatabaseError), trail("setup", by=User.objects.system()):
        document.save(force_insert=True)
    assert not Document.objects.exists()


def test_document_in_its_time_is_not_expired():
    issued_on(datetime(2018, 1, 2, 12, tzinfo=UTC))  # kept to the end of 2026
    assert "0 documents" in erase()


# --- Nothing before ------------------------------------------------------------------------------


def test_the_app_cannot_delete_a_document_whatever_its_age():
    document = issued_on(LONG_AGO)
    with pytest.raises(DatabaseError), trail("setup", by=User.objects.system()):
        document.delete()
    for statement in (
        "DELETE FROM invoicing_document",
        "SET LOCAL retour.maintenance = 'on'; DELETE FROM invoicing_document",
        "DELETE FROM invoicing_artifact",
        "DELETE FROM invoicing_documentline",
        "UPDATE invoicing_artifact SET content = ''",
        "TRUNCATE invoicing_document CASCADE",
        "DELETE FROM invoicing_erasure",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Document.objects.count() == Artifact.objects.filter(kind="pdf").count() == 1


def forge_proof(db, document: Document) -> None:
    """A proof that retention did not write."""
    db.execute(
        "INSERT INTO invoicing_erasure (number, kind, seller_code, country, issue_date, kept_until,"
        " payload_sha256, previous_hash, chain_hash, rule, erased_at)"
        " VALUES (%s, 'invoice', 'x', 'DE', %s, '2001-01-01', '', '', %s, '', now())",
        [document.number, document.issue_date, document.chain_hash],
    )


@pytest.mark.parametrize("why", ["time", "hold", "proof", "maintenance"])
def test_even_the_owner_deletes_nothing_before_time_held_or_without_proof(why):
    moment = datetime(2018, 1, 2, 12, tzinfo=UTC) if why == "time" else LONG_AGO
    document = issued_on(moment)
    if why == "hold":
        retention.place_hold(document, by=make_user("finance"), reason="Dispute")
    with database.owner(settings.DATABASES["default"]["NAME"]) as db:
        db.execute(f"SET retour.maintenance = '{'off' if why == 'maintenance' else 'on'}'")
        if why != "proof":
            forge_proof(db, document)
        with pytest.raises(psycopg.errors.RestrictViolation):
            db.execute("DELETE FROM invoicing_document WHERE id = %s", [document.pk])
    assert Document.objects.filter(pk=document.pk).exists()
