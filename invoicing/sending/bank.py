"""Refunds by bank transfer: a SEPA file is made, a person hands it to the bank, and says what came
of it. The bank never hears from us by itself.

How the XML is written is `bank_xml.py`; that a transfer was seen on the statement is
``refunds.confirm_paid``.
"""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import refund_row
from invoicing.approval import rests
from invoicing.crediting import write_credit_note
from invoicing.models import BankFile, PayerAccount, Refund
from invoicing.models.refund import Lane
from invoicing.paper import today_of
from invoicing.refund_row import need_reason
from invoicing.sending import bank_xml
from invoicing.sending.attempts import Answer, Asked, close_attempts, open_attempts, request_of
from invoicing.states import AttemptState, RefundState
from orders.models import Seller

State = BankFile.State
MOST = 1000  # transfers in one file


def make_file(keys: Iterable[UUID | str], *, by) -> BankFile:
    """Make one file of approved bank refunds of one seller; they are being carried out from then.

    All of them or none: the first that cannot go is named. Locks and checks each once more, as
    when a refund is started. Refused: "forbidden", "nothing", "state", "lane", "sellers",
    "account", "cap_exceeded" and what speaks against a refund.
    """
    require(by, "invoicing.carry_out_refund")
    with trail("make_bank_file", by=by):
        refunds = refund_row.by_keys(keys)
        seller = _check(refunds)
        by_id = {refund.pk: refund for refund in refunds}
        for pk, refusal in rests(refunds).items():
            raise Refused(refusal.code, f"{_name(by_id[pk])}: {refusal.sentence}")
        file = _write(seller, refunds, by)
        asked = [Asked(refund, _request(refund), n) for n, refund in enumerate(refunds, start=1)]
        for refund in refunds:
            refund.move_start()
            refund.sender, refund.sending_at = by, timezone.now()
            _save(refund)
        open_attempts(asked, by=by, lane=Lane.BANK.value, bank_file=file)
        refund_row.tell(refund.pk for refund in refunds)
    return file


def executed(file: BankFile | UUID | str, *, by, on: date) -> BankFile:
    """The bank carried the file out on that day: its refunds are sent, their papers fall due.

    Refused: "forbidden", "state", "date".
    """
    require(by, "invoicing.carry_out_refund")
    with trail("execute_bank_file", by=by):
        locked, refunds = _locked(file)
        first = timezone.localdate(locked.made_at) - timedelta(days=1)
        if not first <= on <= timezone.now().date() + timedelta(days=1):
            raise Refused("date", "Enter the day on the bank statement: not before the file was "
                          "made, not in the future.")  # fmt: skip
        for refund in refunds:
            refund.move_mark_sent()
            refund.sender, refund.sent_at, refund.sent_on = by, timezone.now(), on
            _save(refund)
        _close(refunds, Answer(AttemptState.SENT, "executed", "The bank carried out its file."))
        _end(locked, State.EXECUTED, by, on)
        refund_row.tell(refund.pk for refund in refunds)
        for refund in refunds:
            write_credit_note(refund, by=by)
    return locked


def withdraw(file: BankFile | UUID | str, *, by, reason: str) -> BankFile:
    """The bank did not and will not carry the file out: its refunds are approved as before."""
    require(by, "invoicing.carry_out_refund")
    reason = need_reason(reason)
    with trail("withdraw_bank_file", by=by, reason=reason):
        locked, refunds = _locked(file)
        for refund in refunds:
            refund.move_give_back()
            refund.sender = refund.sending_at = None
            _save(refund)
        _close(refunds, Answer(AttemptState.GIVEN_BACK, "withdrawn", reason))
        _end(locked, State.WITHDRAWN, by, None)
        refund_row.tell(refund.pk for refund in refunds)
    return locked


def _check(refunds: list[Refund]) -> Seller:
    if not refunds:
        raise Refused("nothing", "Choose approved refunds by bank transfer first.")
    if len(refunds) > MOST:
        raise Refused("many", f"A file holds at most {MOST} transfers.")
    for refund in refunds:
        if refund.lane != Lane.BANK:
            raise Refused(
                "lane", f"{_name(refund)} goes another way: {refund.get_lane_display().lower()}."
            )
        refund_row.check_state(refund, "start")
    sellers = {refund.seller_id for refund in refunds}
    if len(sellers) > 1:
        raise Refused("sellers", "Each seller pays from its own account: make a file for each.")
    return refunds[0].seller


def _write(seller: Seller, refunds: list[Refund], by) -> BankFile:
    account = PayerAccount.objects.filter(seller=seller).first()
    if account is None:
        raise Refused("account", f"{seller.name} has no bank account to pay from: ask an admin.")
    key = uuid.uuid4()
    content = bank_xml.write(
        bank_xml.Payer(account.name, account.iban, account.bic),
        [_transfer(refund) for refund in refunds],
        message_id=key.hex,
        on=today_of(seller),
    )
    return BankFile.objects.create(
        key=key,
        seller=seller,
        message_id=key.hex,
        total=sum((refund.gross for refund in refunds), Decimal(0)),
        count=len(refunds),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        made_by=by,
        made_at=timezone.now(),
    )


def _transfer(refund: Refund) -> bank_xml.Transfer:
    case = "" if refund.origin == "order" else f" {refund.origin}"
    return bank_xml.Transfer(
        end_to_end=refund.key.hex,
        name=refund.payee.name,
        iban=refund.payee.iban,
        bic=refund.payee.bic,
        amount=refund.gross,
        text=f"{refund.order.amazon_order_id}{case}",
    )


def _request(refund: Refund) -> dict:
    return request_of(refund) | {"end_to_end": refund.key.hex}


def _locked(file: BankFile | UUID | str) -> tuple[BankFile, list[Refund]]:
    """The refunds of a file that are being carried out, then the file, both locked."""
    key = file.key if isinstance(file, BankFile) else file
    mine = Refund.objects.filter(attempts__bank_file__key=key, state=RefundState.SENDING)
    refunds = refund_row.by_keys(mine.values_list("key", flat=True))
    locked = BankFile.objects.select_for_update().filter(key=key).first()
    if locked is None:
        raise Refused("not_found", "This bank file does not exist.")
    if locked.state != State.MADE:
        raise Refused(
            "state", f"This bank file is {locked.get_state_display().lower()} already. Nothing was "
            "changed, look again.")  # fmt: skip
    return locked, [refund for refund in refunds if refund.state == RefundState.SENDING]


def _close(refunds: list[Refund], answer: Answer) -> None:
    close_attempts({refund.pk: answer for refund in refunds})


def _end(file: BankFile, state: str, by, on: date | None) -> None:
    file.state, file.ended_by, file.executed_on = state, by, on
    file.save(update_fields=["state", "ended_by", "executed_on"])


def _save(refund: Refund) -> None:
    refund.version += 1
    refund.save()


def _name(refund: Refund) -> str:
    return f"The refund of order {refund.order.amazon_order_id}"
