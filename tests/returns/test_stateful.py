"""RMA, refund, document, ledger, match and import in any order: all promises hold after each step.

A hypothesis state machine on the real database. Each run is one transaction that is rolled back;
deferred constraints are asked for after each step, as a commit would. A verb may refuse; nothing
else may happen. The numbers in the rules choose among the rows there are.
"""

import itertools
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from invoicing import corrections, crediting, documents, periods, refunds
from invoicing.models import BankFile, Document, Period, Refund
from invoicing.sending import bank
from returns import goods, order_refund, refunding, workflow
from returns.models import RMA
from tests.papers import make_calculation
from tests.returns.walk import Walk, percents, pick
from tests.soak import larger

pytestmark = [pytest.mark.django_db, pytest.mark.full_size]

D = Decimal
STEPS = larger(160, 3000)
LENGTH = 40
PARTS = larger(2, 6)  # of the whole number of steps, so that two cores share them
OPEN_CASES = ("approved", "shipped", "inspected", "refunded")
WANTED = {  # verb of a refund → the states it starts from
    "start": ("approved",),
    "give_back": ("sending",),
    "mark_unknown": ("sending",),
    "fail": ("sending", "sent"),
    "reverse": ("sent", "confirmed"),
    "cancel": ("proposed", "approved", "failed"),
    "reject": ("proposed",),
}
ON_ITS_WAY = ("proposed", "approved", "sending", "sent")
PAYEE = {"name": "Demo Einkauf AG", "iban": "DE89370400440532013000"}


class House(Walk):
    """The whole desk, as people and files use it."""

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
    @precondition(lambda self: self.cases)
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
    @precondition(lambda self: self.cases)
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
    @precondition(lambda self: any(self.cases[state] for state in OPEN_CASES))
    def propose(self, number, early, fee):
        ready = ("approved", "shipped") if early else ("inspected", "refunded")
        rma = self.one(RMA.objects.filter(state__in=ready), number)
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

    @rule(number=pick, part=percents)
    def propose_by_bank(self, number, part):
        line = self.orders[number % len(self.orders)].lines.order_by("pk").first()
        net, tax = (round(amount * part / 100, 2) for amount in line.paid("item")[:2])
        if net:
            asked = make_calculation(line.order, origin=self.name(), net=net, tax=tax)
            self.attempt("propose_bank", refunds.propose, by=self.lead, order=line.order,
                         origin="order", calculation=asked, payee=PAYEE, note="card")  # fmt: skip

    @rule(number=pick, own=st.booleans())
    @precondition(lambda self: self.has("proposed", "failed"))
    def approve(self, number, own):
        refund = self.one(Refund.objects.filter(state__in=("proposed", "failed")), number)
        if refund:
            by = self.lead if own else self.finance
            self.attempt("approve", refunds.approve, refund.key, by=by)

    @rule(number=pick, which=pick)
    @precondition(lambda self: self.has(*itertools.chain(*WANTED.values())))
    def refund_verb(self, number, which):
        possible = [verb for verb, states in WANTED.items() if self.has(*states)]
        verb = possible[which % len(possible)]
        rows = Refund.objects.filter(source="retour", state__in=WANTED[verb])
        more = {} if verb == "start" else {"reason": "because"}
        self.attempt(verb, getattr(refunds, verb), self.one(rows, number).key, by=self.finance,
                     **more)  # fmt: skip

    @rule(number=pick, finances=st.booleans())
    @precondition(lambda self: self.has(*ON_ITS_WAY))
    def the_refund_goes_on(self, number, finances):
        """What comes next by itself, up to the settlement."""
        refund = self.one(Refund.objects.filter(source="retour", state__in=ON_ITS_WAY), number)
        if refund.lane == "bank" and refund.state in ("approved", "sent"):
            self.bank_goes_on(number)
        elif refund.state == "proposed":
            self.attempt("approve", refunds.approve, refund.key, by=self.finance)
        elif refund.state == "approved":
            self.attempt("start", refunds.start, refund.key, by=self.finance)
        elif refund.state == "sending":
            self.mark_sent(number, wrong=False)
        else:
            self.bring(refund.order, self.shares(refund), finances)

    @rule(number=pick, finances=st.booleans())
    @precondition(lambda self: self.has(*ON_ITS_WAY))
    def most_refunds_go_on(self, number, finances):
        """The same again: a rule of its own, so that refunds arrive more often than they end."""
        self.the_refund_goes_on(number, finances)

    @rule(number=pick)
    @precondition(lambda self: self.by_bank["approved"] or self.by_bank["sent"])
    def bank_goes_on(self, number):
        """A file of what is approved, or the statement that shows what left."""
        rows = Refund.objects.filter(lane="bank", state__in=("approved", "sent"))
        refund = self.one(rows, number)
        if refund.state == "approved":
            self.attempt("make_file", bank.make_file, [refund.key], by=self.finance)
        else:
            self.attempt("confirm_paid", refunds.confirm_paid, refund.key, by=self.finance,
                         on=timezone.now().date(), reference="STATEMENT 7")  # fmt: skip

    @rule(number=pick, executed=st.booleans())
    @precondition(lambda self: self.files)
    def bank_file_ends(self, number, executed):
        file = self.one(BankFile.objects.filter(state="made"), number)
        if executed:
            self.attempt("executed", bank.executed, file, by=self.finance,
                         on=timezone.now().date())  # fmt: skip
        else:
            self.attempt("withdraw_file", bank.withdraw, file, by=self.finance, reason="wrong day")

    @rule(number=pick, wrong=st.booleans())
    @precondition(lambda self: self.has("sending"))
    def mark_sent(self, number, wrong):
        refund = self.one(Refund.objects.filter(state="sending"), number)
        if refund:
            amount = refund.gross + (D("0.01") if wrong else 0)
            self.attempt("mark_sent", refunds.mark_sent, refund.key, by=self.finance,
                         sent_on=timezone.now().date(), amount=amount)  # fmt: skip

    @rule(number=pick, outcome=st.sampled_from(["sent", "failed"]))
    @precondition(lambda self: self.has("unknown"))
    def resolve_unknown(self, number, outcome):
        refund = self.one(Refund.objects.filter(state="unknown"), number)
        if refund:
            self.attempt("resolve", refunds.resolve_unknown, refund.key, by=self.finance,
                         outcome=outcome, reason="looked", sent_on=timezone.now().date(),
                         amount=refund.gross)  # fmt: skip

    @rule(number=pick)
    @precondition(lambda self: self.has("sent"))
    def accept_difference(self, number):
        refund = self.one(Refund.objects.filter(state="sent", money_facts__isnull=False), number)
        if refund:
            self.attempt("accept", refunds.accept_difference, refund.key, by=self.finance,
                         reason="Amazon rounds")  # fmt: skip

    # --- Papers, matching, books -----------------------------------------------------------------

    @rule()
    @precondition(lambda self: self.due)
    def workers_finish_papers(self):
        """Numbered and drawn, as after a commit; what the gate finds waits."""
        self.ask()
        documents.finish_documents()
        self.done["finish_documents"] += 1

    @rule(
        number=pick,
        verb=st.sampled_from(["cancel_invoice", "correct_invoice", "issue_again", "reverse"]),
    )
    @precondition(lambda self: self.ours)
    def our_papers_are_corrected(self, number, verb):
        kind = "credit_note" if verb == "reverse" else "invoice"
        rows = Document.objects.filter(issuer="retour", state="issued", kind=kind)
        document = self.one(rows, number)
        if document:
            door = getattr(corrections, "reverse_credit_note" if verb == "reverse" else verb)
            self.attempt(verb + "_paper", door, document, by=self.finance, reason="moved")

    @rule(number=pick)
    @precondition(lambda self: self.has("sent", "confirmed"))
    def amazons_credit_note_is_recorded(self, number):
        rows = Refund.objects.filter(state__in=("sent", "confirmed"), document=None)
        refund = self.one(rows, number)
        if refund:
            self.attempt("record", crediting.record_credit_note, refund, by=self.finance,
                         number=self.name(),
                         issue_date=timezone.now().date())  # fmt: skip

    @rule(number=pick, reopen=st.booleans())
    def books(self, number, reopen):
        period = self.one(Period.objects.all(), number)
        if period and reopen:
            self.attempt("reopen_period", periods.reopen, period, by=self.finance, reason="late")
        elif period:
            self.attempt("close_period", periods.close, period, by=self.finance)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_promises_hold_in_any_order(part, request):
    Walk.begin()
    start = request.config.getoption("--hypothesis-seed") or 0  # which alone walks one way for all
    how = settings(
        max_examples=larger(5, 10),
        stateful_step_count=LENGTH,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking walks it hundreds of times; the steps are printed
    )
    for turn in itertools.count():
        if Walk.steps >= STEPS / PARTS:
            break
        run_state_machine_as_test(seed(f"{start}/{part}/{turn}")(House), settings=how)
    print(f"{Walk.steps} steps; done {dict(Walk.done)}; refused {dict(Walk.refused)}")
    assert len(Walk.done) >= larger(10, 25), Walk.done
