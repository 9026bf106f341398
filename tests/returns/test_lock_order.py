"""Verbs on refunds that Amazon made lock the order's cases first, as matching does: no circle."""

import threading
import time

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from invoicing import refund_row, refunds
from invoicing.matching import match_refunds
from invoicing.models import Refund
from invoicing.states import RefundState
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.matches.test_match_races import waiting_for_a_lock
from tests.invoicing.money import make_fact, make_settlement

pytestmark = pytest.mark.django_db(transaction=True)


def amazon_pays(order, amount, adjustment) -> None:
    make_fact(
        make_settlement(order.seller), order, order.lines.get(), amount, adjustment=adjustment,
        at=timezone.now(),
    )  # fmt: skip


def test_reversing_amazons_refund_beside_matching_waits_in_no_circle(monkeypatch):
    order = make_order(quantity=3, net="100.00")
    make_rma("approved", order=order, quantity=1)
    amazon_pays(order, "-5.00", "A1")
    match_refunds()
    theirs = Refund.objects.get(source="amazon")
    amazon_pays(order, "-7.00", "A2")
    finance, holding, faults = make_user("finance"), threading.Event(), []

    def wait_for_the_other(_ids) -> None:
        """The verb has its locks: matching comes, and waits for one of them."""
        if threading.current_thread() is verb:
            holding.set()
            until = time.monotonic() + 20
            while not waiting_for_a_lock() and time.monotonic() < until:
                time.sleep(0.02)

    monkeypatch.setattr(refund_row, "followers", [wait_for_the_other, *refund_row.followers])

    def run(step) -> None:
        try:
            step()
        except DatabaseError as error:
            faults.append(error)
        finally:
            connection.close()

    def match() -> None:
        assert holding.wait(timeout=20)
        match_refunds()

    verb = threading.Thread(
        target=run, args=(lambda: refunds.reverse(theirs.key, by=finance, reason="It came back."),)
    )
    other = threading.Thread(target=run, args=(match,))
    for thread in (verb, other):
        thread.start()
    for thread in (verb, other):
        thread.join(timeout=60)
    assert faults == []
    theirs.refresh_from_db()
    assert theirs.state == RefundState.REVERSED
    assert Refund.objects.filter(source="amazon", state="confirmed").count() == 1
