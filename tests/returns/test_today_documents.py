"""Today counts documents that need somebody, and each number leads to just these."""

import pytest

from config.core.models import User
from invoicing import delivery, documents, refunds
from invoicing.models import Document
from tests.factories import make_buyer, make_user
from tests.papers import make_invoice, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def numbers(client, address: str) -> set[str]:
    """Which document numbers a list shows."""
    text = client.get(address).content.decode()
    return {row.number for row in Document.objects.all() if row.number and row.number in text}


def tile(client, key: str):
    """A number on Today."""
    return next(one for one in client.get("/").context["tiles"] if one.key == key)


def test_deliveries_in_trouble_are_counted_and_listed(client):
    agent = make_user("agent")
    bad = make_invoice(make_shipped_order(buyer=make_buyer(email="")))
    good = make_invoice()
    documents.finish_documents()
    client.force_login(agent)
    assert tile(client, "stuck").count == 0
    for invoice in (bad, good):
        delivery.prepare(invoice, by=User.objects.system())
    bad.deliveries.filter(channel="amazon").update(state="failed", problem="Amazon refused it")
    found = tile(client, "stuck")
    assert found.count == 1
    assert numbers(client, found.url) == {bad.number}


def test_credit_notes_of_reversed_refunds_are_counted_and_listed(client):
    refund = make_refund("sent")
    documents.finish_documents()
    client.force_login(make_user("finance"))
    assert tile(client, "take-back").count == 0
    refunds.reverse(refund.key, by=make_user("finance"), reason="Amazon reversed it")
    found = tile(client, "take-back")
    assert (found.count, found.look) == (1, "bad")
    assert numbers(client, found.url) >= {Document.objects.get(refund=refund).number}
