"""Pulling transactions: windows, overlap, what a failure leaves, and that facts come once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from invoicing import finances_pull, tasks
from invoicing.models import MoneyFact
from orders.models import ImportFile
from tests.amazon.journal import FLAT
from tests.factories import make_order, make_seller, make_user

pytestmark = pytest.mark.django_db
DE = "A1PA6795UKMFR9"


@pytest.fixture
def order(fake_amazon):
    return make_order(seller=make_seller(), marketplace="DE")


def paid_by_amazon(fake_amazon, order, amount="119.00", **age) -> None:
    """Amazon paid the buyer of the order that long ago."""
    document_id = fake_amazon.journal.new_document()
    content = (
        "order-id\torder-item-id\tcurrency\titem-price-adj\n"
        f"{order.amazon_order_id}\t47000000000001\tEUR\t{amount}\n"
    )
    fake_amazon.journal.store(document_id, content.encode())
    before, fake_amazon.journal.payments = fake_amazon.journal.payments, []
    fake_amazon.journal.take(FLAT, [order.marketplace.amazon_id], document_id)
    fake_amazon.journal.age(**(age or {"hours": 1}))
    fake_amazon.journal.payments[:0] = before


def pulled(order, **kwargs) -> finances_pull.Pulled:
    return finances_pull.pull(order.seller, by=User.objects.system(), **kwargs)


def facts() -> list[MoneyFact]:
    return list(MoneyFact.objects.filter(source="finances").order_by("pk"))


def test_pull_brings_refunds_of_amazon_as_money(fake_amazon, order):
    paid_by_amazon(fake_amazon, order)
    done = pulled(order)
    assert done.complete
    assert sum(one.amount for one in facts()) == -119
    assert {one.order_id for one in facts()} == {order.pk}
    assert [one.status for one in done.files] == ["done"] * len(done.files)


def test_file_is_kept_as_amazon_sent_it_and_only_for_us(fake_amazon, order, settings):
    paid_by_amazon(fake_amazon, order)
    record = pulled(order).files[-1]
    stored = Path(settings.DATA_DIR) / record.stored_path
    assert order.amazon_order_id in stored.read_text()
    assert stored.stat().st_mode & 0o777 == 0o600
    assert record.expires_at > timezone.now()


def test_pull_again_brings_nothing_twice(fake_amazon, order):
    paid_by_amazon(fake_amazon, order)
    pulled(order)
    before = [(one.pk, one.amount) for one in facts()]
    again = pulled(order)
    assert [(one.pk, one.amount) for one in facts()] == before
    assert sum(one.inserted for one in again.files) == 0


def test_next_pull_begins_before_the_last_one_ended(fake_amazon, order):
    pulled(order)
    first = ImportFile.objects.count()
    asked = len(fake_amazon.requests)
    done = pulled(order)
    assert first == 30  # ninety days in windows of three
    assert len(done.files) <= 2
    since = fake_amazon.requests[asked][1]["postedAfter"]
    age = timezone.now() - datetime.fromisoformat(since.replace("Z", "+00:00"))
    assert timedelta(days=3) <= age < timedelta(days=3, minutes=10)


def test_look_at_the_last_hours_leaves_no_gap_before_it(fake_amazon, order):
    paid_by_amazon(fake_amazon, order, hours=24 * 20)
    pulled(order, since=timezone.now() - timedelta(hours=1))
    assert facts() == []
    pulled(order)
    assert sum(one.amount for one in facts()) == -119


def test_transaction_that_shows_two_days_late_is_brought(fake_amazon, order):
    pulled(order)
    paid_by_amazon(fake_amazon, order, hours=47)
    pulled(order)
    assert sum(one.amount for one in facts()) == -119


def test_equal_refunds_with_their_own_ids_both_count(fake_amazon, order):
    paid_by_amazon(fake_amazon, order)
    paid_by_amazon(fake_amazon, order)
    pulled(order)
    assert sum(one.amount for one in facts()) == -238


@pytest.mark.parametrize("oddity", ["twice", "empty_pages"])
def test_odd_pages_bring_each_transaction_once(fake_amazon, order, oddity):
    setattr(fake_amazon.behaviour, oddity, True)
    fake_amazon.behaviour.page_size = 1
    paid_by_amazon(fake_amazon, order)
    paid_by_amazon(fake_amazon, order, "20.00")
    pulled(order)
    assert sum(one.amount for one in facts()) == -139


@pytest.mark.parametrize("fault", ["503_html", "truncated", "400", "reset"])
def test_failure_keeps_what_was_brought_and_the_next_pull_goes_on(fake_amazon, order, fault):
    paid_by_amazon(fake_amazon, order)
    fake_amazon.faults["listTransactions"].extend(["", "", fault])
    failed = pulled(order)
    assert not failed.complete
    assert failed.sentence
    assert len(failed.files) == 2
    assert facts() == []
    assert pulled(order).complete
    assert sum(one.amount for one in facts()) == -119


def test_half_a_window_is_not_kept(fake_amazon, order, settings):
    paid_by_amazon(fake_amazon, order)
    paid_by_amazon(fake_amazon, order)
    fake_amazon.behaviour.page_size = 1
    fake_amazon.faults["listTransactions"].extend(["", "503_html"])
    folder = Path(settings.DATA_DIR) / "imports"
    before = set(folder.glob("*"))
    done = pulled(order, since=timezone.now() - timedelta(days=1))
    assert (done.complete, done.files) == (False, [])
    assert set(folder.glob("*")) == before


def test_time_that_is_over_leaves_the_rest_to_the_next_run(fake_amazon, order):
    paid_by_amazon(fake_amazon, order)
    first = pulled(order, budget=-1.0)
    assert (first.complete, first.more, first.files) == (False, True, [])
    assert pulled(order).complete


def test_task_goes_on_at_once_until_it_is_done(fake_amazon, order, monkeypatch):
    paid_by_amazon(fake_amazon, order)
    clock = iter(range(0, 10_000, 10))
    only = SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr(finances_pull, "time", only)
    assert tasks.pull_finances() < 30  # one run has no time for all of it
    assert sum(one.amount for one in facts()) == -119  # eager tasks: the next ones have run


def test_every_region_of_the_seller_is_asked(fake_amazon, order):
    make_order(seller=order.seller, marketplace="US")
    done = pulled(order, since=timezone.now() - timedelta(days=1))
    assert [one.file_name[:11] for one in done.files] == ["finances-EU", "finances-NA"]


def test_region_that_fails_does_not_stop_the_other(fake_amazon, order):
    make_order(seller=order.seller, marketplace="US")
    fake_amazon.fail("listTransactions", "503_html")
    done = pulled(order, since=timezone.now() - timedelta(days=1))
    assert [one.file_name[:11] for one in done.files] == ["finances-NA"]
    assert not done.complete


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor"])
def test_pull_needs_the_permission_to_import(fake_amazon, order, role):
    user = make_user(role)
    if user.has_perm("orders.import_report"):
        pytest.fail(f"{role} imports reports now: change this list")
    with pytest.raises(Refused) as caught:
        finances_pull.pull(order.seller, by=user)
    assert caught.value.code == "forbidden"
    assert fake_amazon.requests == []


def test_seller_without_access_is_refused_with_the_settings_to_fill(order, settings):
    settings.AMAZON_REFRESH_TOKENS = {}
    with pytest.raises(Refused, match="AMAZON_REFRESH_TOKENS") as caught:
        pulled(order)
    assert caught.value.code == "not_configured"


def test_daily_pull_passes_over_sellers_without_access(order, settings):
    settings.AMAZON_REFRESH_TOKENS = {}
    assert finances_pull.pull_all() == []


def test_command_prints_what_came(fake_amazon, order, capsys):
    paid_by_amazon(fake_amazon, order)
    since = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    call_command("pull_finances", "--seller", order.seller.code, "--since", since)
    said = capsys.readouterr().out
    assert "finances-EU-" in said
    assert "0 bad" in said


def test_command_ends_with_the_reason(fake_amazon, order):
    fake_amazon.fail("listTransactions", "503_html")
    with pytest.raises(CommandError, match="503"):
        call_command("pull_finances", seller=order.seller.code)
    with pytest.raises(CommandError, match="no seller"):
        call_command("pull_finances", seller="nobody")
