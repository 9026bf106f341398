"""All doors at once on one order: pages, a bulk approval, an import that brings Amazon's own
refund of the same lines, and the rules of the clock. What was paid is never passed unseen.

Each race has its control: without the lock of the order lines the same threads pass it.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import QuerySet, Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.core import invariants
from config.core.models import User
from config.core.trail import trail
from invoicing import carrying_out, matching_sql, refunds
from invoicing import tasks as invoicing_tasks
from invoicing.models import JournalLine, Match, Refund, RefundAttempt
from invoicing.states import LIVE, RefundState
from orders.imports.run import import_file
from orders.models import ImportFile, Order, OrderLine
from returns import tasks as returns_tasks
from returns.models import RMA
from returns.order_refund import propose_without_return
from tests.factories import make_order, make_rma, make_seller, make_user, record_invoice
from tests.invoicing.sending.making import name_items
from tests.invoicing.test_races import with_patience
from tests.invoicing.test_settlement_import import row, totals, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full_size(times=4)]

ORDERS = 4
D = Decimal
# Of the 119.00 paid: approved, proposed, and two proposals that do not fit beside each other.
APPROVED, PROPOSED, RIVALS = D("40.00"), D("41.00"), (D("30.00"), D("31.00"))
AMAZONS = (D("-84.03"), D("-15.97"))  # 100.00: fits beside none of ours
OUT = (RefundState.SENDING, RefundState.SENT, RefundState.UNKNOWN, RefundState.CONFIRMED)


class Desk:
    """A handful of orders, each with two refunds of ours and a case that nobody sent back."""

    def __init__(self, folder):
        self.folder, self.seller = folder, make_seller()
        self.agent, self.lead, self.lead2 = make_user("agent"), make_user("lead"), make_user("lead")
        self.orders = [self._order() for _ in range(ORDERS)]
        self.approved = [self._propose(order, APPROVED) for order in self.orders]
        refunds.approve_many([refund.key for refund in self.approved], by=self.lead)
        self.proposed = [self._propose(order, PROPOSED) for order in self.orders]
        self.cases = [make_rma("approved", order=order, quantity=1) for order in self.orders]
        long_ago = timezone.now() - timedelta(days=90)
        with trail("setup", by=User.objects.system()):
            RMA.objects.update(ship_by=long_ago.date(), warned_at=long_ago)

    def _order(self) -> Order:
        order = make_order(seller=self.seller, gross_total=D("119.00"))
        name_items(order)
        record_invoice(order)
        return order

    def _propose(self, order: Order, gross: Decimal) -> Refund:
        return propose_without_return(
            order, by=self.agent, line=order.lines.get().pk, component="item", gross=gross,
            note="price",
        )  # fmt: skip

    # --- The doors -------------------------------------------------------------------------------

    def browser(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def start(self, rows: list[Refund]) -> None:
        """Somebody presses the button on each refund's page."""
        client = self.browser(self.lead)
        for refund in rows:
            answer = client.post(reverse("invoicing:refund-verb", args=[refund.key, "start"]))
            assert answer.status_code == 302

    def propose(self, gross: Decimal) -> None:
        """Somebody fills the form on each order's page."""
        client = self.browser(self.agent)
        for order in self.orders:
            form = {"line": order.lines.get().pk, "component": "item", "gross": gross,
                    "note": "late"}  # fmt: skip
            url = reverse("returns:order-verb", args=[order.amazon_order_id, "refund"])
            assert client.post(url, form).status_code in (302, 422)  # 422: refused, and says why

    def approve_and_start(self) -> None:
        refunds.approve_many([refund.key for refund in self.proposed], by=self.lead2)
        self.start(self.proposed)

    def bulk_page(self) -> None:
        """The same bulk from the list of refunds."""
        ids = [refund.pk for refund in self.proposed]
        form = {"ids": ids, "confirm": "1"}
        answer = self.browser(self.lead).post(reverse("invoicing:refunds-approve"), form)
        assert answer.status_code == 302

    def bring_settlement(self) -> None:
        """Amazon refunded 100.00 of each order by itself."""
        net, tax = AMAZONS
        now = timezone.now()
        rows = [
            row(str(amount), word, order_id=order.amazon_order_id,
                adjustment_id=f"ADJ-{order.pk}", order_item_code=line.order_item_id, sku=line.sku,
                posted_date=f"{now:%d.%m.%Y}", posted_date_time=f"{now:%d.%m.%Y %H:%M:%S} UTC")
            for order in self.orders
            for line in order.lines.all()
            for amount, word in ((net, "Principal"), (tax, "Tax"))
        ]  # fmt: skip
        head = totals(str((net + tax) * ORDERS))
        path = write(self.folder / "settlement.tsv", head, *rows)
        import_file(path, by=User.objects.system(), seller=self.seller)

    def clock(self) -> None:
        """What beat sends, as fast as it comes."""
        for _ in range(2):
            returns_tasks.expire_unshipped()
            invoicing_tasks.match_refunds()
            returns_tasks.settle_refunded()
            invoicing_tasks.sweep_refunds()
            invoicing_tasks.refresh_matches()
            invoicing_tasks.post_ledger()

    def all_sent(self) -> None:
        """Who had a refund in hand says that it left, and everything is compared again."""
        for refund in Refund.objects.filter(state="sending"):
            refunds.mark_sent(
                refund.key, by=self.lead, sent_on=timezone.localdate(), amount=refund.gross
            )
        self.clock()

    def everything(self) -> list[Callable[[], None]]:
        """All the doors, for a thread each."""
        return [
            lambda: self.start(self.approved),
            self.approve_and_start,
            self.bulk_page,
            lambda: self.propose(RIVALS[0]),
            lambda: self.propose(RIVALS[1]),
            self.bring_settlement,
            self.clock,
        ]


def at_once(works: list[Callable[[], None]]) -> list[Exception]:
    """Each in a thread and on a connection of its own; returns what went wrong."""
    start, problems = threading.Barrier(len(works)), []

    def one(work: Callable[[], None]) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            work()
        except Exception as error:  # noqa: BLE001 handed to the test
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return problems


def passed_by_proposals(orders: list[Order]) -> list[Order]:
    """Orders on which we alone mean to give back more than was paid."""
    live = {order: _gross(Refund.objects.filter(order=order, source="retour", state__in=LIVE))
            for order in orders}  # fmt: skip
    return [order for order, gross in live.items() if gross > _paid(order)]


def passed_when_started(orders: list[Order]) -> list[Refund]:
    """Refunds that were started although what had left before, ours or Amazon's, was in the way."""
    found = []
    for refund in Refund.objects.filter(order__in=orders, sending_at__isnull=False):
        before = Refund.objects.filter(order=refund.order, state__in=OUT)
        amazons = before.filter(source="amazon", created_at__lte=refund.sending_at)
        ours = before.filter(source="retour", sending_at__lte=refund.sending_at)
        if _gross(amazons) + _gross(ours) > _paid(refund.order):
            found.append(refund)
    return found


def passed_unseen(orders: list[Order]) -> list[Order]:
    """Orders on which more left than was paid, and no open exception says so."""
    seen = Match.objects.filter(result="open", cause="duplicate").values_list("order", flat=True)
    return [
        order
        for order in orders
        if _gross(Refund.objects.filter(order=order, state__in=OUT)) > _paid(order)
        and order.pk not in seen
    ]


def _gross(rows) -> Decimal:
    return rows.aggregate(sum=Sum("gross"))["sum"] or D(0)


def _paid(order: Order) -> Decimal:
    return sum(line.item_net + line.item_tax for line in order.lines.all())


def test_everything_at_once_never_passes_what_was_paid_unseen(tmp_path):
    desk = Desk(tmp_path)
    assert at_once(desk.everything()) == []
    assert (ImportFile.objects.get().inserted, ImportFile.objects.get().notes) == (2 * ORDERS, [])
    assert _gross(Refund.objects.filter(source="amazon", state="confirmed")) == D("100.00") * ORDERS
    assert passed_by_proposals(desk.orders) == []
    assert passed_when_started(desk.orders) == []
    assert set(RMA.objects.values_list("state", "close_reason")) == {("closed", "expired")}
    in_hand = Refund.objects.filter(state="sending").values_list("pk", flat=True)
    tries = RefundAttempt.objects.filter(state__in=("sending", "unknown"))
    assert sorted(tries.values_list("refund", flat=True)) == sorted(in_hand)
    desk.all_sent()
    assert passed_unseen(desk.orders) == []
    assert JournalLine.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    for promise in invariants.promises():
        assert invariants.violations(promise) == (0, []), promise.name


# --- Who is first, made certain; and the same without the lock -----------------------------------


def without_lock(monkeypatch) -> None:
    """Verbs lock the lines of no order (what they lock else stays)."""
    real = QuerySet.select_for_update

    def locks(self, **options):
        return self.all() if self.model is OrderLine else real(self, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", locks)


def propose_together(desk: Desk, monkeypatch) -> None:
    """Two people propose on one order; both have read what is left before either writes."""
    gate, real = threading.Barrier(2), refunds.live_sums

    def reads(*args, **kwargs):
        found = real(*args, **kwargs)
        with_patience(gate)
        return found

    monkeypatch.setattr(refunds, "live_sums", reads)
    assert at_once([lambda: desk.propose(RIVALS[0]), lambda: desk.propose(RIVALS[1])]) == []


@pytest.mark.parametrize("locked", [True, False])
def test_two_pages_propose_what_fits_once(tmp_path, monkeypatch, locked):
    desk = Desk(tmp_path)
    if not locked:
        without_lock(monkeypatch)
    propose_together(desk, monkeypatch)
    assert bool(passed_by_proposals(desk.orders)) is not locked
    proposed = Refund.objects.filter(gross__in=RIVALS, state="proposed").count()
    assert proposed == ORDERS if locked else proposed > ORDERS


def start_while_amazon_pays(desk: Desk, monkeypatch, patience: int) -> None:
    """A page starts refunds and has read what is left; then the settlement comes in, and only
    then, or after patience, is the refund marked as started."""
    read, came, real = threading.Event(), threading.Event(), carrying_out.check_rest

    def checks(refund):
        real(refund)
        if not read.is_set():
            read.set()
            came.wait(timeout=patience)  # with the lock it cannot come before this one is done

    def brings():
        assert read.wait(timeout=30)
        desk.bring_settlement()
        came.set()

    monkeypatch.setattr(carrying_out, "check_rest", checks)
    assert at_once([lambda: desk.start(desk.approved), brings]) == []


LOCKED, NOT_BY_US, NOT_BY_MATCHING = "locked", "start does not lock", "matching does not lock"


@pytest.mark.parametrize("how", [LOCKED, NOT_BY_US, NOT_BY_MATCHING])
def test_start_and_settlement_see_each_other(tmp_path, monkeypatch, how):
    desk = Desk(tmp_path)
    if how == NOT_BY_US:
        without_lock(monkeypatch)
    elif how == NOT_BY_MATCHING:
        lock = matching_sql.LOCK_LINES
        monkeypatch.setattr(matching_sql, "LOCK_LINES", lock.replace("FOR NO KEY UPDATE", ""))
    start_while_amazon_pays(desk, monkeypatch, patience=3 if how == LOCKED else 60)
    assert bool(passed_when_started(desk.orders)) is (how != LOCKED)
    desk.all_sent()
    assert passed_unseen(desk.orders) == []  # lost or not: what left twice is an exception
