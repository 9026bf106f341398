"""What follows an import never takes its facts back, and says when it could not be done."""

import pytest

from orders.imports import registry
from orders.models import Order
from tests.factories import make_seller
from tests.orders.reports import bring_in, text


@pytest.mark.django_db(transaction=True)
def test_hook_that_fails_leaves_facts_a_note_and_the_other_hooks(tmp_path, monkeypatch):
    make_seller(code="demo")

    def broken(record):
        raise ZeroDivisionError

    heard = []
    monkeypatch.setattr(registry, "after_import", [broken, heard.append])
    record = bring_in(tmp_path, text({}))
    record.refresh_from_db()
    assert (record.status, record.inserted, Order.objects.count()) == ("done", 1, 1)
    assert "stopped with an error (ZeroDivisionError)" in record.notes[-1]
    assert heard == [record]
