"""What refunds leave in the ledger: booked once, in balance, and taken back when they fail."""

from datetime import date
from decimal import Decimal

import pytest

from invoicing.ledger import posting
from invoicing.matching import match_refunds
from invoicing.models import Journal, JournalLine, Period
from tests.factories import make_order
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def booked(refund) -> dict[str, dict[str, Decimal]]:
    """Journal → account → sum."""
    found = {}
    for line in posting.lines_of(refund):
        name = line.journal.source.split(":", 2)[2]
        accounts = found.setdefault(name, {})
        accounts[line.account] = accounts.get(line.account, 0) + line.amount
    return found


def money(**amounts) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def test_sent_refund_is_booked_against_money_on_its_way():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    assert booked(refund) == {
        "1:sent": money(buyer_refunds="30.00", vat="5.70", in_transit="-35.70")
    }
    journal = Journal.objects.get()
    assert (journal.posted_on, journal.period.month) == (date(2026, 10, 28), date(2026, 10, 1))
    assert (journal.currency, journal.text) == ("EUR", order.amazon_order_id)
    vat = journal.lines.get(account="vat")
    assert (vat.country, vat.rate, vat.component) == ("DE", Decimal("0.19"), "item")
    assert vat.order_line == order.lines.get()
    transit = journal.lines.get(account="in_transit")
    assert (transit.country, transit.rate) == ("", None)


@pytest.mark.parametrize("state", ["proposed", "approved", "sending", "unknown"])
def test_refund_whose_money_did_not_leave_is_not_booked(state):
    make_refund(make_order(), ("30.00", "5.70"), state=state)
    assert not Journal.objects.exists()
    assert not Period.objects.exists()


def test_seen_money_clears_what_was_on_its_way():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    settlement, line = make_settlement(order.seller), order.lines.get()
    net = make_fact(settlement, order, line, "-30.00", adjustment="A1")
    tax = make_fact(settlement, order, line, "-5.70", adjustment="A1", is_tax=True)
    match_refunds()
    assert booked(refund)["1:confirmed"] == money(in_transit="35.70", amazon="-35.70")
    facts = JournalLine.objects.filter(account="amazon").values_list("fact", "amount")
    assert set(facts) == {(net.pk, Decimal("-30.00")), (tax.pk, Decimal("-5.70"))}
