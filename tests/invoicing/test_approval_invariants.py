"""The promises of approvals and bank files hold after the verbs and see a row broken on purpose."""

import pytest
from django.utils import timezone

from config.core import invariants
from invoicing.approval_invariants import PROMISES
from invoicing.sending import bank
from tests.factories import make_user
from tests.invoicing.sending.test_bank import make_bank
from tests.papers import make_limit, make_refund


def broken() -> set[str]:
    return {promise.name for promise in PROMISES if invariants.violations(promise)[0]}


@pytest.fixture
def rows(transactional_db):
    """Refunds of every kind of approval, and bank files that were made, executed, withdrawn."""
    make_limit("100.00")
    finance = make_user("finance")
    make_refund("approved", proposer=finance, approver=finance, net="10.00", tax="1.90")
    for state in ("proposed", "sending", "sent", "failed", "cancelled", "confirmed"):
        make_refund(state)
    bank.make_file([make_bank().key], by=finance)
    bank.executed(bank.make_file([make_bank().key], by=finance), by=finance,
                  on=timezone.localdate())  # fmt: skip
    bank.withdraw(bank.make_file([make_bank().key], by=finance), by=finance, reason="Refused")


def test_promises_hold_after_the_real_verbs(rows):
    assert broken() == set()
    registered = {promise.name for promise in invariants.promises()}
    assert {promise.name for promise in PROMISES} <= registered


@pytest.mark.parametrize(
    ("name", "table", "statement"),
    [
        ("approval_covers_the_refund", "invoicing_approval",
         "UPDATE invoicing_approval SET gross = gross + 1"),
        ("approval_covers_the_refund", "invoicing_approval",
         "UPDATE invoicing_approval SET content_hash = 'x'"),
        ("approval_covers_the_refund", "invoicing_approval", "DELETE FROM invoicing_approval"),
        ("alone_is_said", "invoicing_approval",
         "UPDATE invoicing_approval SET alone = false WHERE alone"),
        ("alone_is_said", "invoicing_approval", "UPDATE invoicing_approval SET alone = true"),
        ("account_named_by_another", "invoicing_payee", "DELETE FROM invoicing_payee"),
        ("account_named_by_another", "invoicing_payee",
         ("UPDATE invoicing_payee p SET by_id = r.approver_id FROM invoicing_refund r"
          " WHERE r.id = p.refund_id")),
        ("bank_file_pays_its_refunds", "invoicing_bankfile",
         "UPDATE invoicing_bankfile SET total = total + 1"),
        ("bank_file_pays_its_refunds", "invoicing_bankfile",
         "UPDATE invoicing_bankfile SET content = 'x'"),
        ("bank_file_pays_its_refunds", "invoicing_bankfile",
         "UPDATE invoicing_bankfile SET state = 'executed' WHERE state = 'withdrawn'"),
    ],
)  # fmt: skip
def test_broken_row_is_seen(rows, break_rows, name, table, statement):
    break_rows(table, statement)
    assert name in broken()
