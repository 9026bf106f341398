"""Amazon's returns report counts against the cap before any settlement shows the money."""

from datetime import date
from decimal import Decimal

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing import refunds
from invoicing.caps import reported
from invoicing.states import RefundState
from orders.models import AmazonReturn, ImportFile
from tests.factories import make_line, make_order, make_user
from tests.invoicing.money import DAY, make_refund
from tests.papers import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def tell(line, amount, **fields):
    """Amazon's returns report says that an amount of the line was refunded."""
    file = ImportFile.objects.create(
        seller=line.order.seller, file_name="returns.tsv", size=1, by=make_user("lead"),
    )  # fmt: skip
    return AmazonReturn.objects.create(
        seller=line.order.seller, order=line.order, order_line=line, source="MFN",
        natural_key=f"key-{file.pk}", sku=line.sku, quantity=1, refunded_amount=Decimal(amount),
        currency=line.order.currency, requested_on=date(2026, 10, 20), import_file=file,
        **fields,
    )  # fmt: skip


def test_report_that_leaves_too_little_stops_the_approval():
    order = make_order()  # 119.00 gross
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    tell(order.lines.get(), "80.00")
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refused.value.code == "reported"
    assert "returns.tsv" in refused.value.sentence
    assert "39.00" in refused.value.sentence
    refund.refresh_from_db()
    assert refund.state == RefundState.PROPOSED


def test_report_that_leaves_enough_stops_nothing():
    order = make_order()
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    tell(order.lines.get(), "59.50")
    assert refunds.approve(refund.key, by=make_user("finance")).state == RefundState.APPROVED


def test_report_seen_after_the_approval_stops_the_start():
    order = make_order()
    refund = make_refund(order, ("50.00", "9.50"), state="approved")
    tell(order.lines.get(), "80.00")
    with pytest.raises(Refused, match="returns report"):
        refunds.start(refund.key, by=make_user("finance"))
    refund.refresh_from_db()
    assert refund.state == RefundState.APPROVED


def test_report_stops_a_second_start_whatever_the_first_one_was(time_machine):
    order = make_order()  # 119.00 gross
    refund = make_refund(order, ("50.00", "9.50"))
    refunds.fail(refund.key, by=make_user("finance"), reason="It did not arrive.")
    refunds.approve(refund.key, by=make_user("finance"))
    time_machine.move_to(DAY.replace(day=30), tick=True)
    tell(order.lines.get(), "80.00")
    with pytest.raises(Refused) as refused:
        refunds.start(refund.key, by=make_user("finance"))
    assert refused.value.code == "reported"
    assert "80.00" in refused.value.sentence


def test_another_way_forgets_when_the_first_one_was_tried(time_machine):
    order = make_order()
    make_account(order.seller)
    refund = make_refund(order, ("50.00", "9.50"))
    refunds.fail(refund.key, by=make_user("finance"), reason="It did not arrive.")
    payee = {"name": "Demo Einkauf AG", "iban": "DE89 3704 0044 0532 0130 00"}
    refunds.change_lane(
        refund.key, by=make_user("lead"), lane="bank", payee=payee, reason="Closed account.",
    )  # fmt: skip
    time_machine.move_to(DAY.replace(day=30), tick=True)
    tell(order.lines.get(), "80.00")
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refused.value.code == "reported"


def test_second_try_is_sent_on_its_own_day(time_machine):
    refund = make_refund(make_order(), ("50.00", "9.50"))
    refunds.fail(refund.key, by=make_user("finance"), reason="It did not arrive.")
    time_machine.move_to(DAY.replace(month=11, day=3), tick=True)
    refund = refunds.approve(refund.key, by=make_user("finance"))
    assert (refund.sending_at, refund.sent_at, refund.sent_on, refund.sender) == (None,) * 4
    finance = make_user("finance")
    refunds.start(refund.key, by=finance)
    refunds.mark_unknown(refund.key, by=finance, reason="The page did not answer.")
    refunds.confirm_many({refund.pk: date(2026, 11, 4)}, by=User.objects.system())
    refund.refresh_from_db()
    assert refund.sent_on == date(2026, 11, 4)


def test_report_of_money_we_sent_before_is_ours(time_machine):
    order = make_order()
    make_refund(order, ("50.00", "9.50"))
    time_machine.move_to(DAY.replace(day=30), tick=True)
    tell(order.lines.get(), "59.50")
    assert reported([order.lines.get().pk]) == {}
    second = make_refund(order, ("50.00", "9.50"), state="proposed", origin="order")
    assert refunds.approve(second.key, by=make_user("finance")).state == RefundState.APPROVED


def test_report_of_another_line_or_currency_stops_nothing():
    order = make_order()
    other = make_line(order)
    refund = make_refund(order, ("50.00", "9.50"), state="proposed")
    tell(other, "119.00")
    wrong = tell(order.lines.order_by("pk").first(), "119.00")
    AmazonReturn.objects.filter(pk=wrong.pk).update(currency="USD")
    assert refunds.approve(refund.key, by=make_user("finance")).state == RefundState.APPROVED


def test_many_are_refused_one_by_one():
    order = make_order(lines=2)
    first = make_refund(order, ("50.00", "9.50"), state="proposed")
    tell(order.lines.order_by("pk").first(), "119.00")
    free = make_refund(make_order(seller=order.seller), ("50.00", "9.50"), state="proposed")
    result = refunds.approve_many([first.key, free.key], by=make_user("finance"))
    assert result.done == [str(free.key)]
    assert [key for key, _ in result.refused] == [str(first.key)]
