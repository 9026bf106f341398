"""Money leaves once: what Amazon said, what it paid, and what a case still owes, against ours."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from config.core import invariants
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.matching import match_refunds
from invoicing.models import Refund
from orders.imports.run import import_file
from orders.models import AmazonReturn, ImportFile
from returns import goods, intake, refunding, workflow
from returns.invariants import PROMISES
from returns.matching import settle_refunded
from returns.models import RMALine
from returns.order_refund import propose_without_return
from tests.factories import make_order, make_rma, make_user, pay, record_invoice
from tests.invoicing.money import make_fact, make_settlement

pytestmark = pytest.mark.django_db


def promises_hold() -> None:
    assert {p.name for p in PROMISES if invariants.violations(p)[0]} == set()


def say_refunded(rma, amount: str, *, at=None) -> AmazonReturn:
    """Amazon's returns report says so; ``at`` is when the report came."""
    line = rma.lines.get()
    report = ImportFile.objects.create(
        seller=rma.seller,
        file_name="returns.tsv",
        sha256="0" * 64,
        size=1,
        by=User.objects.system(),
    )
    if at:
        ImportFile.objects.filter(pk=report.pk).update(created_at=at)
    row, _ = AmazonReturn.objects.update_or_create(
        seller=rma.seller,
        natural_key=f"said-{rma.number}",
        defaults={
            "source": "MFN", "order": line.order_line.order, "order_line": line.order_line,
            "marketplace": rma.marketplace, "sku": line.order_line.sku, "quantity": line.requested,
            "refunded_amount": Decimal(amount), "import_file": report,
        },
    )  # fmt: skip
    with trail("setup", by=User.objects.system()):
        RMALine.objects.filter(pk=line.pk).update(amazon_return=row)
    return row


def amazon_refunds(rma, amount: str, adjustment="A1") -> None:
    """The settlement shows money nobody here decided."""
    line = rma.lines.get().order_line
    settlement = make_settlement(line.order.seller)
    make_fact(settlement, line.order, line, f"-{amount}", adjustment=adjustment, at=timezone.now())
    match_refunds()


# --- What Amazon's returns report says ------------------------------------------------------------


def test_amount_amazon_calls_refunded_lowers_ours_before_any_settlement():
    order = make_order(quantity=1, net="50.00")
    rma = make_rma("inspected", order=order, quantity=1)
    say_refunded(rma, "29.75")
    (quote,) = refunding.quote(rma)
    assert quote.calculation.gross == Decimal("29.75")  # of 59.50
    assert "already credited" in quote.sentence
    record_invoice(order)
    (made,) = refunding.propose(rma.number, by=make_user("agent"))
    assert made.gross == Decimal("29.75")


def test_whole_amount_amazon_calls_refunded_leaves_nothing_to_propose():
    order = make_order(quantity=1, net="50.00")
    rma = make_rma("inspected", order=order, quantity=1)
    say_refunded(rma, "59.50")
    for wishes in ({}, {"goodwill": Decimal("5.00")}, {"price_credits": {rma.lines.get().pk: 5}}):
        with pytest.raises(Refused) as refused:
            refunding.propose(rma.number, by=make_user("lead"), **wishes)
        assert refused.value.code == "nothing"


def test_own_refund_in_amazons_report_does_not_pay_for_another_unit():
    """The report also names what we refunded in Seller Central: it must not count twice."""
    order, lead = make_order(quantity=2, net="100.00"), make_user("lead")
    record_invoice(order)
    rma = make_rma("shipped", order=order, quantity=2, by=lead)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 2})
    for units in (1, 1):
        result = goods.InspectionResult(line.pk, units, "as_new", "restock")
        goods.inspect(rma.number, by=lead, results=[result])
        if Refund.objects.exists():
            break
        pay(*refunding.propose(rma.number, by=lead))
        say_refunded(rma, "59.50")
        intake.intake_returns()
    rma.refresh_from_db()
    assert rma.state == "inspected"
    (second,) = refunding.propose(rma.number, by=lead)
    assert second.gross == Decimal("59.50")


def test_case_is_not_settled_by_amazons_word_alone():
    order = make_order(quantity=1, net="50.00")
    rma = make_rma("inspected", order=order, quantity=1)
    say_refunded(rma, "59.50")
    intake.intake_returns()
    rma.refresh_from_db()
    assert rma.state == "refunded"
    with pytest.raises(Refused) as refused:
        workflow.settle(rma.number, by=make_user("lead"))
    assert refused.value.code == "money"
    amazon_refunds(rma, "59.50")
    assert workflow.settle(rma.number, by=make_user("lead")).close_reason == "settled"
    promises_hold()


def test_report_older_than_our_refund_is_amazons_own_money():
    order, lead = make_order(quantity=2, net="100.00"), make_user("lead")
    record_invoice(order)
    rma = make_rma("inspected", order=order, quantity=2, by=lead)
    say_refunded(rma, "59.50", at=timezone.now() - timedelta(days=1))
    (ours,) = refunding.propose(rma.number, by=lead)
    assert ours.gross == Decimal("59.50")
    pay(ours)
    rma.refresh_from_db()
    assert rma.state == "refunded"
    (quote,) = refunding.quote(rma)
    assert not quote.refundable


# --- Amazon pays while ours waits -----------------------------------------------------------------


@pytest.mark.parametrize("state", ["proposed", "approved", "failed"])
def test_units_amazon_paid_meanwhile_stop_ours_although_the_cap_has_room(state):
    order, lead, finance = (
        make_order(quantity=2, net="100.00"),
        make_user("lead"),
        make_user("finance"),
    )
    record_invoice(order)
    rma = make_rma("inspected", order=order, quantity=1, by=lead)
    (ours,) = refunding.propose(rma.number, by=lead)
    if state != "proposed":
        refunds.approve(ours.key, by=finance)
    if state == "failed":
        refunds.start(ours.key, by=finance)
        refunds.fail(ours.key, by=finance, reason="Seller Central refused it")
    amazon_refunds(rma, "59.50")
    again = refunds.start if state == "approved" else refunds.approve
    with pytest.raises(Refused) as refused:
        again(ours.key, by=finance)
    assert refused.value.code == "not_owed"
    refunds.cancel(ours.key, by=finance, reason="Amazon was faster")
    rma.refresh_from_db()
    assert rma.state == "refunded"
    promises_hold()


def test_units_rejected_after_an_early_proposal_are_not_paid():
    lead = make_user("lead")
    rma = make_rma("approved", by=lead)
    record_invoice(rma.lines.get().order_line.order)
    (early,) = refunding.propose(rma.number, by=lead, early=True)
    line = rma.lines.get()
    goods.receive(rma.number, by=lead, quantities={line.pk: 2})
    goods.inspect(
        rma.number, by=lead, results=[goods.InspectionResult(line.pk, 2, "used", "reject")]
    )
    with pytest.raises(Refused) as refused:
        refunds.approve(early.key, by=make_user("finance"))
    assert refused.value.code == "not_owed"


def test_failed_refund_of_a_case_that_ended_is_not_tried_again():
    lead, finance = make_user("lead"), make_user("finance")
    rma = make_rma("refunded", by=lead)
    refund = Refund.objects.get(origin=rma.number)
    refunds.fail(refund.key, by=finance, reason="The card was closed")
    workflow.replace(rma.number, by=lead, reason="A new one was sent")
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=finance)
    assert refused.value.code == "case_closed"


@pytest.mark.parametrize("give_up", ["fail", "reverse", "void"])
def test_refund_part_of_which_a_settlement_shows_is_not_given_up(give_up):
    """Else the money seen would count nowhere, and could be paid again."""
    rma, finance = make_rma("refunded"), make_user("finance")
    refund = Refund.objects.get(origin=rma.number)
    amazon_refunds(rma, "30.00")
    assert refund.money_facts.count() == 1
    verb, name = getattr(refunds, give_up, refunding.void_refund), refund.key
    if give_up == "void":
        name = rma.number
    with pytest.raises(Refused) as refused:
        verb(name, by=finance, reason="It did not arrive")
    assert refused.value.code == "money_seen"
    amazon_refunds(rma, "49.34", adjustment="A2")
    refund.refresh_from_db()
    assert refund.state == "confirmed"


def test_double_click_on_an_order_makes_one_refund():
    order = make_order()
    wanted = {
        "by": make_user("agent"),
        "line": order.lines.get().pk,
        "component": "goodwill",
        "gross": Decimal("5.00"),
        "note": "Scratched",
    }
    refund = propose_without_return(order, **wanted)
    with pytest.raises(Refused) as refused:
        propose_without_return(order, **wanted)
    assert refused.value.code == "twice"
    refunds.reject(refund.key, by=make_user("finance"), reason="No")
    assert propose_without_return(order, **wanted).state == "proposed"


def test_opening_balance_pays_for_what_a_case_thought_it_owes(
    tmp_path, django_capture_on_commit_callbacks
):
    order = make_order(quantity=2, net="100.00")
    rma, line = make_rma("inspected", order=order, quantity=2), order.lines.get()
    head = "kind,order-id,order-item-id,sku,number,date,component,quantity,net,tax,rate,currency"
    what = f"{order.amazon_order_id},,{line.sku}"
    file = tmp_path / "opening.csv"
    file.write_text(
        f"{head},marketplace\n"
        f"invoice,{what},2026-1,2026-03-02,item,2,100.00,19.00,0.19,EUR,DE\n"
        f"refund,{what},G-1,2026-03-20,item,2,100.00,19.00,0.19,EUR,DE\n"
    )
    with django_capture_on_commit_callbacks(execute=True):
        import_file(file, by=User.objects.system(), seller=order.seller)
    rma.refresh_from_db()
    assert rma.state in ("refunded", "closed")
    with pytest.raises(Refused) as refused:
        refunding.propose(rma.number, by=make_user("lead"), goodwill=Decimal("1.00"))
    assert refused.value.code in ("nothing", "state")
    promises_hold()


# --- Accepted, and nothing is due -----------------------------------------------------------------


def kept_in_full(**order):
    """An inspected case of a liable buyer whose restocking fee is all that was paid."""
    lead = make_user("lead")
    made = make_order(quantity=2, net="100.00", **order)
    record_invoice(made)
    rma = make_rma("inspected", order=made, by=lead, reason_code="CR-UNWANTED_ITEM")
    with trail("setup", by=lead):
        RMALine.objects.filter(rma=rma).update(restocking_percent=100)
    return rma, lead


def test_case_whose_refund_comes_to_nothing_closes_with_the_reason():
    rma, lead = kept_in_full()
    with pytest.raises(Refused) as refused:
        refunding.propose(rma.number, by=lead)
    assert refused.value.code == "nothing"
    closed = refunding.refund_nothing(rma.number, by=lead, reason="Used up, full fee")
    assert (closed.state, closed.close_reason) == ("closed", "settled")
    assert closed.lines.get().nothing_due == 2
    assert not Refund.objects.exists()
    promises_hold()
    workflow.reopen(rma.number, by=lead, reason="Lost the dispute")
    assert rma.lines.get().nothing_due == 0
    promises_hold()


def test_free_replacement_that_comes_back_closes_too():
    lead = make_user("lead")
    rma = make_rma("inspected", order=make_order(quantity=1, net="0.00"), quantity=1, by=lead)
    assert rma.next_step == "Nothing is due: close it without a refund."
    closed = refunding.refund_nothing(rma.number, by=lead, reason="It was a free replacement")
    assert closed.state == "closed"
    promises_hold()


def test_case_beside_other_money_settles_when_that_is_seen():
    rma, lead = kept_in_full()
    amazon_refunds(rma, "59.50")
    refunding.refund_nothing(rma.number, by=lead, reason="The second one was used up")
    rma.refresh_from_db()
    assert (rma.state, rma.lines.get().nothing_due) == ("refunded", 1)
    promises_hold()
    assert settle_refunded() == 1
    promises_hold()


def test_nothing_is_closed_while_money_is_due():
    rma = make_rma("inspected")
    for by, code in ((make_user("agent"), "forbidden"), (make_user("lead"), "owed")):
        with pytest.raises(Refused) as refused:
            refunding.refund_nothing(rma.number, by=by, reason="No")
        assert refused.value.code == code
    record_invoice(rma.lines.get().order_line.order)
    refunding.propose(rma.number, by=make_user("agent"))
    with pytest.raises(Refused) as refused:
        refunding.refund_nothing(rma.number, by=make_user("lead"), reason="No")
    assert refused.value.code == "refund"
    rejected = make_rma("inspected", disposition="reject")
    with pytest.raises(Refused) as refused:
        refunding.refund_nothing(rejected.number, by=make_user("lead"), reason="No")
    assert refused.value.code == "rejected"
