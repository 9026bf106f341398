"""Amazon's returns become RMAs once, walk with Amazon's status, and wait for unknown orders."""

import itertools
import threading
from contextlib import nullcontext, suppress
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.utils import IntegrityError

from config.core import invariants
from config.core.models import User
from invoicing import matching
from orders.models import AmazonReturn, ImportFile, Order
from returns import intake, workflow
from returns.invariants import PROMISES
from returns.matching import settle_refunded
from returns.models import RMA, Parcel
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement

pytestmark = pytest.mark.django_db

_next = itertools.count(1)


def make_return(order, *, line=None, **fields) -> AmazonReturn:
    """One row of a returns report for an order's first line."""
    line = line or order.lines.order_by("pk").first()
    n = next(_next)
    given = {
        "source": AmazonReturn.Source.MFN,
        "natural_key": f"key-{n}",
        "amazon_rma_id": f"D{n}RRMA",
        "requested_on": date(2026, 10, 14),
        "status": "Approved",
        "quantity": 2,
        "reason_code": "CR-DEFECTIVE",
        "currency": order.currency,
    }
    return AmazonReturn.objects.create(
        seller=order.seller,
        marketplace=order.marketplace,
        order=order,
        order_line=line,
        sku=line.sku,
        **given | fields,
    )


def promises_hold() -> None:
    broken = {p.name: invariants.violations(p) for p in PROMISES}
    assert {name: found for name, found in broken.items() if found[0]} == {}


def only() -> RMA:
    return RMA.objects.get()


def test_pending_return_becomes_a_request():
    make_return(make_order(), status="Pending approval")
    done = intake.intake_returns()
    rma = only()
    assert done.opened == [rma.number]
    assert (rma.state, rma.source, rma.next_actor) == ("requested", "amazon", "agent")
    assert rma.opened_at.date() == date(2026, 10, 14)
    assert not rma.messages.exists()  # Amazon told the buyer


def test_second_run_changes_nothing():
    make_return(make_order())
    intake.intake_returns()
    before = only().version
    assert intake.intake_returns().opened == []
    intake.intake_returns()
    assert RMA.objects.count() == 1
    assert only().state == "approved"
    assert only().lines.count() == 1
    assert before <= only().version


def test_rows_of_one_rma_id_are_one_rma():
    order = make_order(lines=2)
    for line in order.lines.all():
        make_return(order, line=line, amazon_rma_id="DSAMERRMA")
    intake.intake_returns()
    assert only().lines.count() == 2


def test_returnless_rows_without_id_group_by_day():
    order = make_order(quantity=9)
    make_return(order, amazon_rma_id="", quantity=1)
    make_return(order, amazon_rma_id="", quantity=1, requested_on=date(2026, 10, 20))
    intake.intake_returns()
    assert RMA.objects.count() == 2


def test_delivered_parcel_ships_the_case():
    make_return(
        make_order(),
        carrier="USPS",
        tracking="9202",
        delivered_on=date(2026, 10, 19),
        label_type="AmazonPrePaidLabel",
        label_cost=Decimal("4.14"),
        label_payer="Seller",
    )
    intake.intake_returns()
    rma, parcel = only(), Parcel.objects.get()
    assert (rma.state, rma.next_actor) == ("shipped", "warehouse")
    assert (parcel.label_type, parcel.label_payer) == ("amazon_prepaid", "seller")
    assert parcel.delivered_at.date() == date(2026, 10, 19)


def test_label_alone_does_not_ship_but_stops_expiry():
    make_return(make_order(), tracking="9202")
    intake.intake_returns()
    assert only().state == "approved"
    assert Parcel.objects.get().shipped_at is None


def test_parcel_is_delivered_by_a_later_report():
    row = make_return(make_order(), tracking="9202")
    intake.intake_returns()
    AmazonReturn.objects.filter(pk=row.pk).update(delivered_on=date(2026, 10, 21))
    intake.intake_returns()
    assert only().state == "shipped"
    assert Parcel.objects.get().delivered_at is not None


def test_completed_returnless_walks_to_refunded_and_settles_when_money_shows():
    order = make_order(quantity=1, net="10.00")
    make_return(
        order,
        quantity=1,
        amazon_rma_id="",
        status="Completed",
        return_type="Returnless",
        refunded_amount=Decimal("11.90"),
    )
    intake.intake_returns()
    rma = only()
    assert rma.state == "refunded"
    assert rma.goods_waived_by == User.objects.system()
    assert settle_refunded() == 0  # Amazon's word is not money
    promises_hold()
    settlement = make_settlement(order.seller)
    line = order.lines.get()
    make_fact(settlement, order, line, "-10.00", adjustment="A1")
    make_fact(
        settlement, order, line, "-1.90", adjustment="A1", amount_description="Tax", is_tax=True
    )
    matching.match_refunds()
    assert settle_refunded() == 1
    assert only().close_reason == "settled"
    promises_hold()


def test_money_refunded_by_amazon_moves_a_case_without_report():
    order = make_order(quantity=2, net="100.00")
    rma = make_rma("requested", order=order, quantity=2)
    settlement, line = make_settlement(order.seller), order.lines.get()
    make_fact(settlement, order, line, "-119.00", adjustment="A1")
    matching.match_refunds()
    rma.refresh_from_db()
    assert (rma.state, rma.next_actor) == ("refunded", "buyer")
    promises_hold()


def test_stub_order_waits_and_heals():
    order = make_order(facts_complete=False, buyer=None)
    make_return(order, status="Approved")
    intake.intake_returns()
    rma = only()
    assert rma.state == "requested"
    item = rma.work_items.get()
    assert (item.kind, item.done_at) == ("incomplete", None)
    promises_hold()
    order.facts_complete = True
    order.save()
    assert intake.intake_returns().healed == [rma.number]
    assert only().state == "approved"
    assert rma.work_items.get().done_at is not None
    promises_hold()


def test_return_entered_here_first_is_linked():
    order, lead = make_order(), make_user("lead")
    rma = make_rma(order=order, by=lead)
    make_return(order, merchant_rma_id=rma.number)
    done = intake.intake_returns()
    assert done.opened == []
    assert rma.lines.get().amazon_return is not None
    rma.refresh_from_db()
    assert rma.state == "approved"


def test_units_beyond_the_order_are_refused_with_a_sentence():
    order = make_order(quantity=2)
    make_rma(order=order, quantity=2)
    make_return(order, quantity=1)
    done = intake.intake_returns()
    assert done.opened == []
    assert order.amazon_order_id in done.refused[0][0]
    assert "part of other returns" in done.refused[0][1]


def test_fba_return_is_inspected_by_amazon():
    order = make_order(channel="AFN")
    make_return(
        order,
        source=AmazonReturn.Source.FBA,
        status="Unit returned to inventory",
        disposition="SELLABLE",
        amazon_rma_id="",
    )
    intake.intake_returns()
    rma = only()
    assert (rma.state, rma.next_actor) == ("inspected", "amazon")
    assert rma.inspections.get().disposition == "restock"
    promises_hold()


def test_declined_at_amazon_is_declined_here():
    make_return(make_order(), status="Declined")
    intake.intake_returns()
    assert only().close_reason == "declined"


def test_ambiguous_line_waits_for_a_person():
    order = make_order()
    row = make_return(order)
    AmazonReturn.objects.filter(pk=row.pk).update(order_line=None)
    assert intake.intake_returns().opened == []
    AmazonReturn.objects.filter(pk=row.pk).update(order_line=order.lines.get())
    assert len(intake.intake_returns().opened) == 1


def test_person_goes_on_where_amazon_stopped():
    make_return(make_order(), status="Pending approval")
    intake.intake_returns()
    lead = make_user("lead")
    assert workflow.approve(only().number, by=lead).state == "approved"


def test_refusal_is_noted_on_the_file_that_brought_the_return(tmp_path):
    order = make_order()
    files = [
        ImportFile.objects.create(file_name=name, size=1, by=User.objects.system())
        for name in ("returns.txt", "later.txt")
    ]
    make_return(order, quantity=99, import_file=files[0])
    for record in files:
        assert len(intake.intake_returns(record).refused) == 1
        record.refresh_from_db()
    assert (len(files[0].notes), len(files[1].notes)) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("alone", [True, False])
def test_two_intakes_at_once_take_a_return_once(monkeypatch, alone):
    """Both look for new returns before either takes one; without the lock one of them breaks."""
    order = make_order()
    Order.objects.filter(pk=order.pk).update(facts_complete=False)  # no quantity to refuse by
    make_return(order, quantity=1)
    met, outcomes, look = threading.Barrier(2, timeout=1), [], intake._new

    def look_then_meet(*args):
        found = look(*args)
        with suppress(threading.BrokenBarrierError):  # the other one waits for the lock
            met.wait()
        return found

    def work():
        try:
            outcomes.append(len(intake.intake_returns().opened))
        except IntegrityError:
            outcomes.append("broken")
        finally:
            connection.close()

    monkeypatch.setattr(intake, "_new", look_then_meet)
    if not alone:
        monkeypatch.setattr(intake, "_alone", nullcontext)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert RMA.objects.count() == 1
    assert sorted(map(str, outcomes)) == (["0", "1"] if alone else ["1", "broken"])


@pytest.mark.django_db(transaction=True)
def test_intake_leaves_the_connection_as_it_was():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()
        intake.intake_returns()
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == before
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)


def test_sweeper_takes_in_what_an_import_left():
    from returns.tasks import take_in_returns

    make_return(make_order())
    assert (take_in_returns(), take_in_returns()) == (1, 0)
    assert RMA.objects.count() == 1
