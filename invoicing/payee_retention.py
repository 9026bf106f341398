"""How long it is known where money went: accounts of buyers, and files that named them to a bank.

Both are kept as long as a credit note of that refund, by the same rules. Only `erase_payees`, in
the owner's role, forgets them; it leaves a `PayeeErasure` with the hash as proof.
"""

import hashlib
from datetime import date

import pgtrigger
from django.db import connection

from invoicing.models import BankFile, Payee, PayeeErasure
from invoicing.payees import Target
from invoicing.retention import as_owner, soonest
from invoicing.retention_sql import KEPT_UNTIL, RULE

# What binds a credit note of the day binds the account its money went to. A refund that may still
# be paid, or whose document is kept (on hold, or longer), keeps its account.
_PAYEES = f"""
    SELECT d.id, {KEPT_UNTIL.format(d="d")}, {RULE.format(d="d")} FROM (
        SELECT r.id, 'credit_note'::text AS kind, r.marketplace_id, r.seller_id,
            NULL::jsonb AS payload,
            coalesce(r.sent_on, (r.proposed_at AT TIME ZONE 'UTC')::date) AS issue_date
        FROM invoicing_refund r JOIN invoicing_payee p ON p.refund_id = r.id
        WHERE r.state IN ('sent', 'confirmed', 'rejected', 'cancelled', 'reversed')
          AND r.document_id IS NULL
    ) d
    WHERE d.issue_date < %(soonest)s AND {KEPT_UNTIL.format(d="d")} < current_date
    ORDER BY d.id LIMIT %(limit)s
"""
_FILES = f"""
    SELECT d.id, {KEPT_UNTIL.format(d="d")}, {RULE.format(d="d")} FROM (
        SELECT f.id, 'credit_note'::text AS kind, NULL::bigint AS marketplace_id, f.seller_id,
            NULL::jsonb AS payload, (f.made_at AT TIME ZONE 'UTC')::date AS issue_date
        FROM invoicing_bankfile f
        WHERE f.state <> 'made' AND f.content <> '' AND NOT EXISTS (
            SELECT FROM invoicing_refundattempt a
            JOIN invoicing_payee p ON p.refund_id = a.refund_id
            WHERE a.bank_file_id = f.id)
    ) d
    WHERE d.issue_date < %(soonest)s AND {KEPT_UNTIL.format(d="d")} < current_date
    ORDER BY d.id LIMIT %(limit)s
"""
_Due = list[tuple[int, date, str]]


def expired_payees(limit: int = 1000) -> _Due:
    """(refund's id, last day it had to be kept, rule) of accounts whose time is over."""
    return _ask(_PAYEES, limit)


def expired_files(limit: int = 1000) -> _Due:
    """The same of bank files; none while an account it names is kept."""
    return _ask(_FILES, limit)


def erase_payees(limit: int = 1000) -> int:
    """Forget what is due, accounts first, then the files that named them; returns how many.

    The refund, its approval with the hash, the file's row and its sums stay.
    """
    payees = expired_payees(limit)
    for refund_id, until, rule in payees:
        _forget_payee(refund_id, until, rule)
    files = expired_files(limit)
    for file_id, until, rule in files:
        _forget_file(file_id, until, rule)
    return len(payees) + len(files)


def _ask(statement: str, limit: int) -> _Due:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"soonest": soonest(), "limit": limit})
        return cursor.fetchall()


def _forget_payee(refund_id: int, until: date, rule: str) -> None:
    with as_owner("erase_payee"):
        payee = Payee.objects.using("owner").select_for_update().get(refund_id=refund_id)
        content = Target(payee.name, payee.iban, payee.bic).content
        PayeeErasure.objects.using("owner").create(
            refund_id=refund_id, kept_until=until, rule=rule[:200],
            sha256=hashlib.sha256(content.encode()).hexdigest(),
        )  # fmt: skip
        payee.delete(using="owner")


def _forget_file(file_id: int, until: date, rule: str) -> None:
    """Only the owner's role may switch off the trigger that keeps the content as it is."""
    with as_owner("erase_bank_file"):
        files = BankFile.objects.using("owner").filter(pk=file_id)
        sha256 = files.select_for_update().values_list("sha256", flat=True).get()
        PayeeErasure.objects.using("owner").create(
            bank_file_id=file_id, kept_until=until, rule=rule[:200], sha256=sha256
        )
        with pgtrigger.ignore("invoicing.BankFile:frozen", databases=["owner"]):
            files.update(content=b"")
