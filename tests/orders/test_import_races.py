"""Two imports of one seller at the same time end as if one had come after the other."""

import threading
from contextlib import nullcontext, suppress

import pytest
from django.db import connection
from django.db.utils import IntegrityError

from config.core.models import User
from orders.imports import orders_report, run
from orders.models import ImportFile, Order, OrderLine
from tests.factories import make_seller
from tests.orders.reports import text, write

pytestmark = pytest.mark.full_size(times=4)


def _race(path, monkeypatch) -> list[Exception]:
    """Two threads import one file; each has looked for known orders before either writes."""
    met, errors = threading.Barrier(2, timeout=2), []
    insert = orders_report._insert_orders

    def meet_then_insert(batch):
        with suppress(threading.BrokenBarrierError):  # the other one waits for the lock
            met.wait()
        insert(batch)

    def work():
        try:
            run.import_file(path, by=User.objects.system())
        except Exception as error:  # noqa: BLE001 handed to the test
            errors.append(error)
        finally:
            connection.close()

    monkeypatch.setattr(orders_report, "_insert_orders", meet_then_insert)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_insert_it_once(tmp_path, monkeypatch):
    make_seller(code="demo")
    assert _race(write(tmp_path, text({}, {"sku": "B"})), monkeypatch) == []
    assert (Order.objects.count(), OrderLine.objects.count()) == (1, 2)
    counts = sorted(ImportFile.objects.values_list("inserted", "unchanged"))
    assert counts == [(0, 2), (2, 0)]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_race_is_lost(tmp_path, monkeypatch):
    make_seller(code="demo")
    monkeypatch.setattr(run, "_lock", lambda seller: nullcontext())
    (error,) = _race(write(tmp_path, text({}, {"sku": "B"})), monkeypatch)
    assert isinstance(error, IntegrityError)
