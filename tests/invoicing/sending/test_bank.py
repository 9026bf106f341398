"""Refunds by bank transfer: the file, what the bank did with it, and the statement."""

from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import matching, refunds
from invoicing.models import BankFile, PayerAccount, Refund, RefundAttempt
from invoicing.sending import bank
from tests.factories import make_seller, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.test_races import race
from tests.papers import (
    make_account,
    make_calculation,
    make_invoice,
    make_refund,
    make_shipped_order,
    number_due,
)

pytestmark = pytest.mark.django_db
PAYEE = {"name": "Demo Einkäufer & Söhne AG", "iban": "DE89 3704 0044 0532 0130 00"}
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
TODAY = timezone.localdate


def make_bank(seller=None, *, approved=True, **fields) -> Refund:
    """A refund by bank transfer, approved by a second person."""
    order = make_shipped_order(**({"seller": seller} if seller else {}), **fields)
    make_invoice(order)
    make_account(order.seller)
    refund = refunds.propose(
        by=make_user("agent"), order=order, origin="order", payee=PAYEE, note="Account closed",
        calculation=make_calculation(order, net="60.00", tax="11.40"),
    )  # fmt: skip
    return refunds.approve(refund.key, by=make_user("finance")) if approved else refund


def again(refund) -> Refund:
    return Refund.objects.get(pk=refund.pk)


def refused(code, run, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal:
        run(*args, **kwargs)
    assert refusal.value.code == code
    return refusal.value.sentence


@pytest.fixture
def made():
    """Two refunds of one seller in a file."""
    seller = make_seller()
    pair = [make_bank(seller), make_bank(seller)]
    return bank.make_file([refund.key for refund in pair], by=make_user("finance")), pair


def test_file_pays_exactly_what_was_approved(made):
    file, pair = made
    xml = ET.fromstring(bytes(file.content))
    header = xml.find("p:CstmrCdtTrfInitn/p:GrpHdr", NS)
    assert header.findtext("p:MsgId", "", NS) == file.message_id
    assert header.findtext("p:CtrlSum", "", NS) == str(file.total) == "142.80"
    assert (header.findtext("p:NbOfTxs", "", NS), file.count) == ("2", 2)
    assert xml.findtext(".//p:DbtrAcct//p:IBAN", "", NS) == "DE02120300000000202051"
    paid = {
        one.findtext(".//p:EndToEndId", "", NS): (
            one.findtext(".//p:InstdAmt", "", NS),
            one.find(".//p:InstdAmt", NS).get("Ccy"),
            one.findtext(".//p:CdtrAcct//p:IBAN", "", NS),
            one.findtext(".//p:Cdtr/p:Nm", "", NS),
            one.findtext(".//p:Ustrd", "", NS),
        )
        for one in xml.iterfind(".//p:CdtTrfTxInf", NS)
    }
    name = "Demo Einkaufer & Sohne AG"
    assert paid == {
        refund.key.hex: ("71.40", "EUR", "DE89370400440532013000", name,
                         refund.order.amazon_order_id)
        for refund in pair
    }  # fmt: skip


def test_refunds_of_a_file_are_being_carried_out(made):
    file, pair = made
    for refund in pair:
        assert (again(refund).state, again(refund).sender) == ("sending", file.made_by)
        (attempt,) = refund.attempts.all()
        assert (attempt.bank_file, attempt.lane, attempt.state) == (file, "bank", "sending")
        assert "DE89" not in str(attempt.request)  # no personal data
    assert file.events.get().pgh_context["verb"] == "make_bank_file"


def test_executed_file_sends_its_refunds_and_their_papers(made):
    file, pair = made
    bank.executed(file, by=make_user("lead"), on=TODAY())
    number_due()
    for refund in map(again, pair):
        assert (refund.state, refund.sent_on) == ("sent", TODAY())
        assert refund.document.state == "numbered"
        assert refund.attempts.get().state == "sent"
    refused("state", bank.executed, file, by=make_user("lead"), on=TODAY())
    refused("state", bank.withdraw, file, by=make_user("lead"), reason="Too late")


def test_withdrawn_file_gives_its_refunds_back_for_another(made):
    file, pair = made
    bank.withdraw(file, by=make_user("lead"), reason="The bank refused it")
    assert {again(refund).state for refund in pair} == {"approved"}
    assert set(RefundAttempt.objects.values_list("state", flat=True)) == {"given_back"}
    other = bank.make_file([pair[0].key], by=make_user("lead"))
    assert (other.count, pair[0].attempts.count()) == (1, 2)


def test_transfer_that_came_back_fails_and_goes_again(made):
    file, (refund, other) = made
    bank.executed(file, by=make_user("lead"), on=TODAY())
    refunds.fail(refund.key, by=make_user("lead"), reason="Account closed, returned by the bank")
    refunds.approve(refund.key, by=make_user("finance"))
    bank.make_file([refund.key], by=make_user("lead"))
    assert (again(refund).state, again(other).state) == ("sending", "sent")


def test_bank_statement_confirms(made):
    file, (refund, _other) = made
    bank.executed(file, by=make_user("lead"), on=TODAY())
    finance = make_user("finance")
    refused("reference", refunds.confirm_paid, refund.key, by=finance, on=TODAY(), reference=" ")
    early = TODAY() - timedelta(days=1)
    refused("date", refunds.confirm_paid, refund.key, by=finance, on=early, reference="S-1")
    confirmed = refunds.confirm_paid(refund.key, by=finance, on=TODAY(), reference="Statement 7/3")
    assert (confirmed.state, confirmed.attempts.get().evidence["reference"]) == (
        "confirmed", "Statement 7/3",
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["give_back", "fail", "mark_unknown", "mark_sent"])
def test_refund_in_a_file_is_not_decided_by_hand(made, verb):
    """The file would pay it all the same."""
    more = {"sent_on": TODAY(), "amount": Decimal("71.40")} if verb == "mark_sent" else {
        "reason": "By hand"}  # fmt: skip
    refused("bank_file", getattr(refunds, verb), made[1][0].key, by=make_user("lead"), **more)


def test_file_takes_approved_bank_refunds_of_one_seller_only():
    seller = make_seller()
    lead, good = make_user("lead"), make_bank(seller)
    for code, bad in (
        ("state", make_bank(seller, approved=False)),
        ("sellers", make_bank()),
    ):
        refused(code, bank.make_file, [good.key, bad.key], by=lead)
    refused("nothing", bank.make_file, [], by=lead)
    assert again(good).state == "approved"
    assert not BankFile.objects.exists()


def test_refund_that_goes_another_way_is_in_no_file():
    refused("lane", bank.make_file, [make_refund("approved").key], by=make_user("lead"))


def test_money_that_amazon_gave_meanwhile_stops_the_file():
    refund = make_bank()
    line = refund.order.lines.get()
    make_fact(make_settlement(refund.seller), refund.order, line, "-100.00", adjustment="A-1",
              at=timezone.now())  # fmt: skip
    matching.match_refunds()
    sentence = refused("cap_exceeded", bank.make_file, [refund.key], by=make_user("lead"))
    assert refund.order.amazon_order_id in sentence
    assert again(refund).state == "approved"


def test_amazons_money_never_proves_a_transfer(made):
    file, (refund, _other) = made
    bank.executed(file, by=make_user("lead"), on=TODAY())
    line = refund.order.lines.get()
    make_fact(make_settlement(refund.seller), refund.order, line, "-71.40", adjustment="A-2",
              at=timezone.now())  # fmt: skip
    matching.match_refunds()
    assert again(refund).state == "sent"
    assert refund.order.refunds.filter(source="amazon", state="confirmed").exists()


@pytest.mark.parametrize("wrong", [{"bic": "NOT A BIC"}, {"iban": "WRONG"}])
def test_account_that_no_bank_takes_makes_no_file(wrong):
    refund = make_bank()
    with trail("test", by=User.objects.system()):
        PayerAccount.objects.update(**wrong)
    refused("bank_file", bank.make_file, [refund.key], by=make_user("lead"))
    assert again(refund).state == "approved"


@pytest.mark.parametrize("role", ["agent", "inspector", "lead", "finance", "auditor", "admin"])
def test_files_are_for_who_carries_out_refunds(role, made):
    file, (refund, _other) = made
    somebody, may = make_user(role), role in ("lead", "finance")
    fresh = make_bank()
    for run in (
        lambda: bank.make_file([fresh.key], by=somebody),
        lambda: bank.withdraw(file, by=somebody, reason="Not carried out"),
        lambda: bank.executed(file, by=somebody, on=TODAY()),
    ):
        saved = transaction.savepoint()
        if may:
            run()
        else:
            refused("forbidden", run)
        transaction.savepoint_rollback(saved)
    bank.executed(file, by=make_user("lead"), on=TODAY())
    confirm = {"by": somebody, "on": TODAY(), "reference": "S-1"}
    if role == "finance":
        refunds.confirm_paid(refund.key, **confirm)
    else:
        refused("forbidden", refunds.confirm_paid, refund.key, **confirm)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoicing_bankfile SET total = 1", "UPDATE invoicing_bankfile SET content = ''",
        "DELETE FROM invoicing_bankfile", "UPDATE invoicing_payee SET iban = 'DE1'",
        "UPDATE invoicing_refundattempt SET request = '{}'", "DELETE FROM invoicing_refundattempt",
    ],
)  # fmt: skip
def test_database_keeps_what_was_handed_over(made, statement):
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
    ):
        connection.cursor().execute(statement)


# --- At the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_refund_is_in_one_file_whoever_is_faster():
    refund, people = make_bank(), [make_user("lead") for _ in range(8)]
    found = race(lambda i: bank.make_file([refund.key], by=people[i]), threads=8)
    assert found == {"done": 1, "state": 7}
    assert (BankFile.objects.count(), refund.attempts.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_file_is_executed_or_withdrawn_never_both(made):
    file, pair = made
    lead = make_user("lead")
    found = race(
        lambda i: (
            bank.executed(file, by=lead, on=TODAY())
            if i % 2
            else bank.withdraw(file, by=lead, reason="Not carried out")
        ),
        threads=8,
    )
    assert found == {"done": 1, "state": 7}
    file.refresh_from_db()
    wanted = {"executed": "sent", "withdrawn": "approved"}[file.state]
    assert {again(refund).state for refund in pair} == {wanted}


# --- Another amount was seen ---------------------------------------------------------------------


def make_seen(amount: str) -> Refund:
    """A refund of 71.40 through Amazon, of which money facts show ``amount``."""
    refund = make_refund("sent", net="60.00", tax="11.40")
    line = refund.order.lines.get()
    make_fact(make_settlement(refund.seller), refund.order, line, amount, adjustment="A-9",
              at=timezone.now(), refund=refund)  # fmt: skip
    return refund


def test_other_amount_is_accepted_with_a_reason():
    refund, finance = make_seen("-71.00"), make_user("finance")
    refused("reason", refunds.accept_difference, refund.key, by=finance, reason="")
    refused("forbidden", refunds.accept_difference, refund.key, by=make_user("lead"), reason="ok")
    found = refunds.accept_difference(refund.key, by=finance, reason="Amazon rounds")
    assert (found.state, found.note) == (
        "confirmed",
        "€71.00 seen instead of €71.40: Amazon rounds",
    )


def test_nothing_seen_is_no_difference():
    refused("nothing_seen", refunds.accept_difference, make_refund("sent").key,
            by=make_user("finance"), reason="ok")  # fmt: skip
