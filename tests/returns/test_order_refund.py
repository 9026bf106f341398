"""Credits without goods: an amount on a line, or some of its pieces, down to the credit note."""

from decimal import Decimal

import pytest
from django.utils import timezone

from config.core.refused import Refused
from invoicing import documents, refunds
from invoicing.models import Document
from returns.order_refund import propose_without_return
from tests.factories import make_user
from tests.papers import make_invoice, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """Three pieces for 100.00 net, invoiced by us."""
    found = make_shipped_order(quantity=3, net="100.00")
    make_invoice(found)
    documents.finish_documents()
    return found


def credit(order, **wanted) -> Document:
    """A credit without goods, decided, carried out and issued."""
    lead, finance = make_user("lead"), make_user("finance")
    refund = propose_without_return(
        order,
        by=make_user("agent"),
        line=order.lines.get().pk,
        component=wanted.pop("component", "item"),
        note="Price difference",
        **wanted,
    )
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=lead)
    today = timezone.localdate()
    refund = refunds.mark_sent(refund.key, by=lead, sent_on=today, amount=refund.gross)
    documents.finish_documents()
    return Document.objects.get(refund=refund)


def test_amount_on_a_line_is_credited_at_its_own_rate(order):
    note = credit(order, gross=Decimal("11.90"))
    assert (note.state, note.net, note.tax) == ("issued", Decimal("10.00"), Decimal("1.90"))
    assert note.lines.get().quantity == 0
    assert note.payload["preceding"][0]["number"] == order.documents.get(kind="invoice").number


def test_pieces_are_credited_at_their_share_and_the_last_take_the_rest(order):
    first, last = credit(order, quantity=1), credit(order, quantity=2)
    assert (first.net, first.tax) == (Decimal("33.33"), Decimal("6.33"))
    assert (last.net, last.tax) == (Decimal("66.67"), Decimal("12.67"))
    assert [first.lines.get().quantity, last.lines.get().quantity] == [1, 2]
    assert {first.state, last.state} == {"issued"}


def test_amount_for_some_pieces_names_both(order):
    note = credit(order, gross=Decimal("11.90"), quantity=2)
    assert (note.lines.get().quantity, note.gross) == (2, Decimal("11.90"))
    assert note.state == "issued"


def test_more_pieces_than_are_left_are_refused(order):
    credit(order, quantity=2)
    with pytest.raises(Refused) as refused:
        credit(order, quantity=2)
    assert refused.value.code == "quantity"
    assert "only 1" in refused.value.sentence


def test_what_is_left_can_be_credited_to_the_cent(order):
    for _ in range(3):  # 0.03 gross is 0.03 net without tax, 0.05 is 0.04 and 0.01
        credit(order, gross=Decimal("0.03"))
        credit(order, gross=Decimal("0.05"))
    left = Decimal("119.00") - 3 * Decimal("0.08")
    note = credit(order, gross=left)
    credited = Document.objects.filter(kind="credit_note", state="issued")
    assert note.gross == left
    assert sum(row.net for row in credited) == Decimal("100.00")
    assert sum(row.tax for row in credited) == Decimal("19.00")


def test_more_than_was_paid_is_refused_with_what_is_left(order):
    credit(order, gross=Decimal("100.00"))
    with pytest.raises(Refused) as refused:
        credit(order, gross=Decimal("19.01"))
    assert refused.value.code == "cap_exceeded"
    assert "€19.00" in refused.value.sentence


def test_goodwill_and_item_share_what_was_paid(order):
    credit(order, gross=Decimal("100.00"), component="goodwill")
    note = credit(order, quantity=1)
    assert note.gross <= Decimal("19.00")
    assert note.state == "issued"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "amount"),
        ({"component": "goodwill", "quantity": 1}, "quantity"),
        ({"component": "shipping", "gross": Decimal("1.00")}, "amount"),
    ],
)
def test_unclear_wishes_are_refused(order, wanted, code):
    with pytest.raises(Refused) as refused:
        credit(order, **wanted)
    assert refused.value.code == code
