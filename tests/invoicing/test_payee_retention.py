"""Accounts of buyers and bank files: kept as long as credit notes, then forgotten with a proof."""

import hashlib
import re
from datetime import UTC, date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import DatabaseError, transaction

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.trail import trail
from invoicing import documents, payee_retention, refunds
from invoicing.models import Approval, BankFile, Download, Payee, PayeeErasure, Refund
from invoicing.sending import bank
from tests.factories import make_seller, make_user
from tests.invoicing.sending.test_bank import PAYEE
from tests.papers import make_account, make_calculation, make_invoice, make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
LONG_AGO = datetime(2017, 6, 1, 12, tzinfo=UTC)
ACCOUNT = "Demo Einkäufer & Söhne AG|DE89370400440532013000|"


def paid_on(moment: datetime, *, executed: bool = True) -> tuple[Refund, BankFile]:
    """A refund that left by bank file then; all its documents are issued."""
    with time_machine.travel(moment, tick=False):
        order = make_shipped_order(seller=make_seller())
        with trail("setup", by=User.objects.system()):
            order.seller.tax_registrations.update(valid_from=date(2010, 1, 1))
        make_invoice(order)
        make_account(order.seller)
        refund = refunds.propose(
            by=make_user("agent"), order=order, origin="order", payee=PAYEE, note="Closed",
            calculation=make_calculation(order, net="60.00", tax="11.40"),
        )  # fmt: skip
        finance = make_user("finance")
        refunds.approve(refund.key, by=finance)
        file = bank.make_file([refund.key], by=finance)
        if executed:
            bank.executed(file, by=finance, on=moment.date())
        documents.finish_documents()
    return Refund.objects.get(pk=refund.pk), BankFile.objects.get(pk=file.pk)


def erase(**options) -> str:
    out = StringIO()
    call_command("erase_documents", stdout=out, **options)
    return out.getvalue()


def broken() -> dict[str, int]:
    """The promises of papers and money that rows break now."""
    found = {one.name: violations(one)[0] for one in promises() if "." not in one.name}
    return {name: count for name, count in found.items() if count}


def test_account_and_file_are_forgotten_with_their_documents_and_leave_proofs(client):
    refund, file = paid_on(LONG_AGO)
    assert Payee.objects.count() == 1
    assert "2 accounts and files erased" not in erase(dry_run=True)  # the file waits for it
    assert "2 documents erased" in (said := erase())
    assert "2 accounts and files erased" in said
    assert not Payee.objects.exists()
    again = BankFile.objects.get()
    assert (bytes(again.content), again.total, again.sha256) == (b"", file.total, file.sha256)
    of_refund, of_file = PayeeErasure.objects.order_by("pk")
    assert of_refund.refund == refund
    assert of_refund.sha256 == hashlib.sha256(ACCOUNT.encode()).hexdigest()
    assert (of_file.bank_file, of_file.sha256) == (again, file.sha256)
    assert {one.kept_until for one in (of_refund, of_file)} == {date(2025, 12, 31)}
    assert {one.rule for one in (of_refund, of_file)} == {"DE 8"}
    assert Approval.objects.get().content_hash == refund.content_hash
    assert broken() == {}
    assert "0 accounts and files erased" in erase()
    client.force_login(make_user("finance"))
    page = client.get(f"/bank-files/{file.key}/").content.decode()
    assert "Names and accounts were kept until" in page
    assert "pain.001.xml" not in page
    assert client.get(f"/bank-files/{file.key}/pain.001.xml").status_code == 302
    assert not Download.objects.exists()
    assert client.get(f"/refunds/{refund.key}/").status_code == 200


def test_young_account_is_kept():
    paid_on(datetime(2024, 6, 1, 12, tzinfo=UTC))
    assert "0 accounts and files erased" in erase()
    assert Payee.objects.exists()


def test_file_nobody_answered_for_keeps_its_account():
    refund, file = paid_on(LONG_AGO, executed=False)
    assert (refund.state, file.state) == ("sending", "made")
    assert payee_retention.erase_payees() == 0
    assert Payee.objects.exists()
    assert BankFile.objects.get().content


def test_account_is_kept_while_a_document_of_its_refund_is():
    refund, _file = paid_on(LONG_AGO)
    assert refund.document_id
    assert payee_retention.erase_payees() == 0  # documents first
    erase()
    assert not Payee.objects.exists()


PROOF = """
INSERT INTO invoicing_payeeerasure (refund_id, sha256, kept_until, rule, erased_at)
SELECT id, repeat('0', 64), current_date - 1, 'Demo', now() FROM invoicing_refund
"""
LIES = [
    ("DELETE FROM invoicing_payee", "account_named_by_another"),
    ("UPDATE invoicing_bankfile SET content = ''", "bank_file_pays_its_refunds"),
    (PROOF, "accounts_forgotten_after_their_time"),
]


@pytest.mark.parametrize(("statement", "promise"), LIES)
def test_what_is_forgotten_without_proof_or_half_is_seen(break_rows, statement, promise):
    paid_on(LONG_AGO)
    break_rows(re.search(r"invoicing_\w+", statement)[0], statement)
    assert promise in broken()


def test_application_can_neither_forget_nor_empty():
    _refund, file = paid_on(LONG_AGO)
    for act in (
        Payee.objects.all().delete,
        lambda: BankFile.objects.filter(pk=file.pk).update(content=b""),
    ):
        with (
            pytest.raises(DatabaseError),
            transaction.atomic(),
            trail("x", by=User.objects.system()),
        ):
            act()


def test_every_download_is_kept_and_shown(client):
    _refund, file = paid_on(datetime(2026, 6, 1, 12, tzinfo=UTC))
    finance = make_user("finance")
    client.force_login(finance)
    assert (
        "Nobody has taken this file yet." in client.get(f"/bank-files/{file.key}/").content.decode()
    )
    assert client.get(f"/bank-files/{file.key}/pain.001.xml").content == bytes(file.content)
    assert list(Download.objects.values_list("bank_file", "by")) == [(file.pk, finance.pk)]
    page = client.get(f"/bank-files/{file.key}/").content.decode()
    assert page.count(f"<li>{finance}") == 1
    client.force_login(make_user("auditor"))
    assert client.get(f"/bank-files/{file.key}/pain.001.xml").status_code == 403
    assert Download.objects.count() == 1
