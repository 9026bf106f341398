"""RMA, refund, document, ledger, match and import in any order: all promises hold after each step.

A hypothesis state machine on the real database. Each run is one transaction that is rolled back;
deferred constraints are asked for after each step, as a commit would. A verb may refuse; nothing
else may happen. The numbers in the rules choose among the rows there are.
"""

import itertools
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from config.core import invariants
from config.core.refused import Refused
from invoicing import crediting, matching, periods, refunds
from invoicing.matches import refresh
from invoicing.models import Period, Refund
from orders.models import Order
from returns import goods, order_refund, refunding, workflow
from returns.matching import settle_refunded
from returns.models import RMA
from tests.factories import make_order, make_user, record_invoice
from tests.invoicing.money import make_fact, make_settlement
from tests.soak import larger

pytestmark = [pytest.mark.django_db, pytest.mark.full_size]

D = Decimal
STEPS = larger(160, 3000)
LENGTH = 40
PARTS = larger(2, 6)  # of the whole number of steps, so that two cores share them
pick = st.integers(0, 10**6)
percents = st.integers(1, 100)


class House(RuleBasedStateMachine):
    """The whole desk, as people and files use it."""

    steps = 0
    refused = 0
    done: dict[str, int] = {}

    @initialize()
    def open_the_house(self):
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.lead, self.lead2 = make_user("lead"), make_user("lead")
        self.finance, self.finance2 = make_user("finance"), make_user("finance")
        self.orders: list[Order] = []
        self.ids = itertools.count(1)
        self.new_order(1, 3)

    def teardown(self):
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    def attempt(self, name, verb, *args, **kwargs):
        """Run a verb; what it refuses leaves nothing behind."""
        House.steps += 1
        try:
            with transaction.atomic():
                found = verb(*args, **kwargs)
        except Refused:
            House.refused += 1
            return None
        House.done[name] = House.done.get(name, 0) + 1
        return found

    def one(self, rows, number):
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    # --- Facts -----------------------------------------------------------------------------------

    @rule(lines=st.integers(1, 2), quantity=st.integers(1, 4))
    @precondition(lambda self: len(self.orders) < 6)
    def new_order(self, lines, quantity):
        total = D("119.00") * lines
        order = make_order(lines=lines, quantity=quantity, gross_total=total)
        record_invoice(order)
        self.orders.append(order)

    @rule(number=pick, part=percents, known=st.booleans())
    def amazon_refunds_by_itself(self, number, part, known):
        order = self.orders[number % len(self.orders)]
        line = order.lines.order_by("pk").first()
        net, tax, _rate = line.paid("item")
        self._money(order, line, (net + tax) * part / 100, known)

    @rule(number=pick)
    def a_settlement_shows_a_refund(self, number):
        sent = Refund.objects.filter(state__in=("sending", "sent", "unknown"), source="retour")
        refund = self.one(sent, number)
        if refund:
            shares = refund.lines.values_list("order_line", "gross")
            self._show(refund, shares)

    @rule(number=pick, part=percents)
    def a_settlement_shows_another_amount(self, number, part):
        refund = self.one(Refund.objects.filter(state="sent", source="retour"), number)
        if refund:
            first, gross = refund.lines.order_by("pk").values_list("order_line", "gross")[0]
            self._show(refund, [(first, round(gross * part / 100, 2))])

    def _show(self, refund, shares):
        name = f"ADJ-{next(self.ids)}"
        settlement = make_settlement(refund.seller, settlement_id=f"S{next(self.ids)}")
        of_line: dict[int, Decimal] = {}
        for line, gross in shares:
            of_line[line] = of_line.get(line, D(0)) + gross
        for line, gross in of_line.items():
            if gross:
                order_line = refund.order.lines.get(pk=line)
                self._fact(settlement, refund.order, order_line, gross, name)
        self.match()

    def _money(self, order, line, gross, known):
        settlement = make_settlement(order.seller, settlement_id=f"S{next(self.ids)}")
        self._fact(settlement, order, line if known else None, round(gross, 2), self._name())
        self.match()

    def _name(self):
        return f"ADJ-{next(self.ids)}"

    def _fact(self, settlement, order, line, gross, name):
        House.steps += 1
        if gross:
            now = timezone.now().replace(microsecond=0)
            make_fact(settlement, order, line, -gross, adjustment=name, at=now)
            settlement.total -= gross
            settlement.save()

    # --- The case --------------------------------------------------------------------------------

    @rule(number=pick, units=st.integers(1, 4))
    def request_and_approve(self, number, units):
        order = self.orders[number % len(self.orders)]
        lines = [workflow.LineRequest(line.pk, units, "CR-DEFECTIVE") for line in order.lines.all()]

        def both():
            rma = workflow.request(by=self.lead, lines=lines)
            return workflow.approve(rma.number, by=self.lead)

        self.attempt("request", both)

    @rule(number=pick, verb=st.sampled_from(["ship", "receive", "inspect", "missing", "waive"]))
    def goods_move(self, number, verb):
        rma = self.one(RMA.objects.exclude(state="closed"), number)
        if rma is None:
            return
        lines = list(rma.lines.all())
        by = self.lead
        if verb == "ship":
            self.attempt(verb, workflow.ship, rma.number, by=by, carrier="DHL",
                         tracking=f"JD{next(self.ids):08d}")  # fmt: skip
        elif verb == "receive":
            units = {line.pk: max(line.outstanding, 0) for line in lines}
            self.attempt(verb, goods.receive, rma.number, by=by, quantities=units)
        elif verb == "inspect":
            results = [
                goods.InspectionResult(line.pk, line.uninspected, "as_new", "restock")
                for line in lines
                if line.uninspected > 0
            ]
            self.attempt(verb, goods.inspect, rma.number, by=by, results=results)
        elif verb == "missing":
            units = {line.pk: max(line.outstanding, 0) for line in lines}
            self.attempt(verb, goods.mark_missing, rma.number, by=by, quantities=units,
                         reason="never came")  # fmt: skip
        else:
            self.attempt(verb, workflow.waive_goods, rma.number, by=by, reason="too long")

    @rule(number=pick, verb=st.sampled_from(["withdraw", "reject_goods", "replace", "reopen"]))
    def the_case_ends_or_starts_again(self, number, verb):
        rma = self.one(RMA.objects.all(), number)
        if rma:
            verb_of_case = getattr(workflow, verb)
            self.attempt(verb, verb_of_case, rma.number, by=self.lead, reason="because")

    @rule(number=pick)
    def the_case_goes_on(self, number):
        """What comes next by itself: most steps of most days."""
        rma = self.one(RMA.objects.exclude(state="closed"), number)
        if rma is None:
            self.request_and_approve(number, 1 + number % 3)
        elif rma.state in ("approved", "shipped"):
            self.goods_move(number, "receive" if rma.state == "shipped" else "ship")
            self.goods_move(number, "inspect")
        else:
            self.propose(number, early=False, fee=None)

    # --- The money -------------------------------------------------------------------------------

    @rule(number=pick, early=st.booleans(), fee=st.none() | percents)
    def propose(self, number, early, fee):
        rma = self.one(RMA.objects.exclude(state__in=("requested", "closed")), number)
        if rma:
            self.attempt("propose", refunding.propose, rma.number, by=self.lead, early=early,
                         restocking_percent=None if fee is None else D(fee))  # fmt: skip

    @rule(number=pick, part=percents)
    def propose_without_return(self, number, part):
        line = self.orders[number % len(self.orders)].lines.order_by("pk").last()
        net, tax, _rate = line.paid("item")
        gross = round((net + tax) * part / 100, 2)
        self.attempt("propose_order", order_refund.propose_without_return, line.order, by=self.lead,
                     line=line.pk, component="item", gross=gross, note="price")  # fmt: skip

    @rule(number=pick, own=st.booleans())
    def approve(self, number, own):
        refund = self.one(Refund.objects.filter(state__in=("proposed", "failed")), number)
        if refund:
            by = self.lead if own else self.finance
            self.attempt("approve", refunds.approve, refund.key, by=by)

    @rule(
        number=pick,
        verb=st.sampled_from(
            ["start", "give_back", "mark_unknown", "fail", "reverse", "cancel", "reject"]
        ),
    )
    def refund_verb(self, number, verb):
        rows = Refund.objects.filter(source="retour")
        wanted = {
            "start": ("approved",),
            "give_back": ("sending",),
            "mark_unknown": ("sending",),
            "fail": ("sending", "sent"),
            "reverse": ("sent", "confirmed"),
            "cancel": ("proposed", "approved", "failed"),
            "reject": ("proposed",),
        }
        refund = self.one(rows.filter(state__in=wanted[verb]), number)
        if refund:
            more = {} if verb == "start" else {"reason": "because"}
            self.attempt(verb, getattr(refunds, verb), refund.key, by=self.finance, **more)

    @rule(number=pick)
    def the_refund_goes_on(self, number):
        """What comes next by itself, up to the settlement."""
        refund = self.one(Refund.objects.filter(source="retour"), number)
        after = {
            "proposed": self.approve,
            "approved": self.refund_verb,
            "sending": self.mark_sent,
            "sent": self.a_settlement_shows_a_refund,
        }
        more = {"proposed": {"own": False}, "approved": {"verb": "start"}}
        if refund and refund.state in after:
            more["sending"] = {"wrong": False}
            after[refund.state](number=number, **more.get(refund.state, {}))
        elif refund is None:
            self.the_case_goes_on(number)

    @rule(number=pick, wrong=st.booleans())
    def mark_sent(self, number, wrong):
        refund = self.one(Refund.objects.filter(state="sending"), number)
        if refund:
            amount = refund.gross + (D("0.01") if wrong else 0)
            self.attempt("mark_sent", refunds.mark_sent, refund.key, by=self.finance,
                         sent_on=timezone.now().date(), amount=amount)  # fmt: skip

    @rule(number=pick, outcome=st.sampled_from(["sent", "failed"]))
    def resolve_unknown(self, number, outcome):
        refund = self.one(Refund.objects.filter(state="unknown"), number)
        if refund:
            self.attempt("resolve", refunds.resolve_unknown, refund.key, by=self.finance,
                         outcome=outcome, reason="looked", sent_on=timezone.now().date(),
                         amount=refund.gross)  # fmt: skip

    @rule(number=pick)
    def accept_difference(self, number):
        refund = self.one(Refund.objects.filter(state="sent", money_facts__isnull=False), number)
        if refund:
            self.attempt("accept", refunds.accept_difference, refund.key, by=self.finance,
                         reason="Amazon rounds")  # fmt: skip

    # --- Papers, matching, books -----------------------------------------------------------------

    @rule(number=pick)
    def amazons_credit_note_is_recorded(self, number):
        rows = Refund.objects.filter(state__in=("sent", "confirmed"), document=None)
        refund = self.one(rows, number)
        if refund:
            self.attempt("record", crediting.record_credit_note, refund, by=self.finance,
                         number=self._name(), issue_date=timezone.now().date())  # fmt: skip

    @rule()
    def match(self):
        """What follows every import, and the clock."""
        matching.match_refunds()
        refresh.refresh()

    @rule()
    def settle(self):
        self.attempt("settle", settle_refunded)

    @rule(number=pick, reopen=st.booleans())
    def books(self, number, reopen):
        period = self.one(Period.objects.all(), number)
        if period and reopen:
            self.attempt("reopen_period", periods.reopen, period, by=self.finance, reason="late")
        elif period:
            self.attempt("close_period", periods.close, period, by=self.finance)

    @invariant()
    def every_promise_holds(self):
        if not hasattr(self, "outer"):
            return
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for promise in invariants.promises():
            count, examples = invariants.violations(promise)
            assert not count, (promise.name, promise.sentence, examples)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_promises_hold_in_any_order(part):
    House.steps, House.done = 0, {}
    how = settings(
        max_examples=4,
        stateful_step_count=LENGTH,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking walks it hundreds of times; the steps are printed
    )
    while House.steps < STEPS / PARTS:
        run_state_machine_as_test(House, settings=how)
    assert len(House.done) >= larger(6, 15), House.done
