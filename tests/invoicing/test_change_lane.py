"""Which way a refund goes: the marketplace's rule, a bank account, and changing it."""

import pytest
from django.db import IntegrityError, transaction

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.models import LaneRule, Payee, Refund
from tests.factories import make_user
from tests.papers import (
    make_account,
    make_calculation,
    make_invoice,
    make_limit,
    make_refund,
    make_shipped_order,
)

pytestmark = pytest.mark.django_db
PAYEE = {"name": "Demo Einkauf AG", "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX"}
OTHER = {"name": "Demo Einkauf AG", "iban": "FR14 2004 1010 0505 0001 3M02 606"}


def propose(order, by=None, **more) -> Refund:
    make_account(order.seller)
    calculation = make_calculation(order)
    return refunds.propose(
        by=by or make_user("agent"), order=order, origin="order", calculation=calculation, **more
    )


def change(refund, lane="bank", *, by=None, payee=PAYEE, reason="Account closed") -> Refund:
    make_account(refund.seller)
    payee = payee if lane == "bank" else None
    return refunds.change_lane(
        refund.key, by=by or make_user("lead"), lane=lane, payee=payee, reason=reason
    )


def refused(code, run, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal:
        run(*args, **kwargs)
    assert refusal.value.code == code
    return refusal.value.sentence


# --- Proposing -----------------------------------------------------------------------------------


def test_lane_is_the_marketplaces():
    order = make_shipped_order()
    with trail("test", by=User.objects.system()):
        LaneRule.objects.create(seller=order.seller, marketplace=order.marketplace, lane="feed")
    assert propose(order).lane == "feed"
    assert propose(make_shipped_order()).lane == "guided"


def test_payee_makes_a_bank_transfer_that_takes_two():
    make_limit("10000.00")
    refund = propose(make_shipped_order(), payee=PAYEE, note="Paid by invoice")
    assert (refund.lane, refund.needs_second) == ("bank", True)
    assert refund.payee.iban == "DE89370400440532013000"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"payee": {"name": "", "iban": PAYEE["iban"]}}, "payee"),
        ({"payee": {"name": "Demo", "iban": "DE88370400440532013000"}}, "payee"),
        ({"payee": {"name": "Demo", "iban": "AE070331234567890123456"}}, "payee"),
        ({"payee": PAYEE | {"bic": "COBA"}}, "payee"),
        ({"lane": "bank"}, "payee"),
        ({"lane": "guided", "payee": PAYEE}, "payee"),
        ({"lane": "pigeon"}, "lane"),
        ({"payee": PAYEE, "note": " "}, "reason"),
    ],
)
def test_what_cannot_be_paid_is_not_proposed(wrong, code):
    refused(code, propose, make_shipped_order(), **{"note": "Paid by invoice"} | wrong)
    assert not Refund.objects.exists()


def test_transfers_are_in_euro_only():
    order = make_shipped_order(marketplace="UK")
    refused("currency", propose, order, payee=PAYEE, note="Paid by invoice")


def test_seller_without_an_account_pays_nothing_by_transfer():
    order = make_shipped_order()
    calculation = make_calculation(order)
    refused("lane", refunds.propose, by=make_user("lead"), order=order, origin="order",
            calculation=calculation, payee=PAYEE, note="Paid by invoice")  # fmt: skip


# --- Changing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["proposed", "approved", "failed"])
def test_other_lane_is_proposed_again_and_its_approval_void(state):
    refund = make_refund(state)
    before = refund.content_hash
    changed = Refund.objects.get(pk=change(refund).pk)
    assert (changed.state, changed.lane, changed.needs_second) == ("proposed", "bank", True)
    assert (changed.approver, changed.approved_at, changed.approved_hash) == (None, None, "")
    assert changed.content_hash != before
    assert set(changed.lines.values_list("live", flat=True)) == {True}
    assert changed.events.order_by("-pgh_id")[0].pgh_context["verb"] == "change_lane_refund"
    approved = refunds.approve(changed.key, by=make_user("finance"))
    assert approved.approvals.first().lane == "bank"


def test_way_back_leaves_no_account():
    refund = change(make_refund("approved"))
    back = change(refund, "guided", payee=None)
    assert (back.lane, back.needs_second) == ("guided", True)
    assert not Payee.objects.exists()
    assert refunds.approve(back.key, by=make_user("finance")).state == "approved"


def test_old_approval_does_not_cover_the_same_lane_later():
    refund = make_refund("approved")
    back = change(change(refund), "guided", payee=None)
    assert back.content_hash == refund.content_hash
    with (
        pytest.raises(IntegrityError, match="no approval"),
        transaction.atomic(),
        trail("test", by=refund.approver),
    ):
        Refund.objects.filter(pk=refund.pk).update(
            state="approved", approver=refund.approver, approved_hash=refund.content_hash
        )


def test_other_account_is_another_content():
    refund = change(make_refund("approved"))
    again = change(refund, payee=OTHER)
    assert again.content_hash != refund.content_hash
    assert Payee.objects.get().iban.startswith("FR")
    refused("lane", change, again, payee=OTHER)


@pytest.mark.parametrize("who", ["proposer", "account"])
def test_neither_proposer_nor_who_named_the_account_approves(who):
    make_limit("10000.00")
    agent, lead = make_user("finance"), make_user("lead")
    refund = change(make_refund("approved", proposer=agent), by=lead)
    refused("second_person", refunds.approve, refund.key, by={"proposer": agent}.get(who, lead))
    assert refunds.approve(refund.key, by=make_user("lead")).state == "approved"


def test_failed_refund_whose_money_went_elsewhere_does_not_come_back_by_another_lane():
    refund = make_refund("failed", net="60.00", tax="11.40")
    make_refund(order=refund.order, net="60.00", tax="11.40")
    refused("cap_exceeded", change, refund)
    assert Refund.objects.get(pk=refund.pk).state == "failed"


def test_lane_changes_with_a_reason_to_another_lane_only():
    refund = make_refund("approved")
    refused("reason", change, refund, reason=" ")
    refused("lane", change, refund, "guided")
    refused("lane", change, refund, "feed")  # no access to Amazon here


def test_draft_of_the_credit_note_stays():
    order = make_shipped_order()
    make_invoice(order)
    refund = make_refund("approved", order=order)
    again = refunds.approve(change(refund).key, by=make_user("finance"))
    assert again.document_id == refund.document_id


def test_account_of_a_decided_refund_stays():
    refund = refunds.approve(change(make_refund("approved")).key, by=make_user("finance"))
    with pytest.raises(IntegrityError, match="its payee stays"), transaction.atomic():
        Payee.objects.filter(refund=refund).delete()


def test_account_changed_behind_our_back_is_not_approved(break_rows):
    refund = change(make_refund())
    break_rows("invoicing_payee", "UPDATE invoicing_payee SET iban = 'DE02120300000000202051'")
    refused("content_changed", refunds.approve, refund.key, by=make_user("finance"))


def test_started_by_hand_is_seller_central_only():
    refund = refunds.approve(change(make_refund("approved")).key, by=make_user("finance"))
    refused("lane", refunds.start, refund.key, by=make_user("lead"))
