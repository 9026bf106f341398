"""The ground a walk through the desk stands on: orders of three kinds, Amazon's files, and after
every rule all promises. The rules of cases, refunds and papers are in `test_stateful.py`.

A step is a rule that asked something of the desk (verbs that were done or refused, a file that was
imported, the clock) and was followed by all promises; a rule that found nothing to do is none.
"""

import itertools
import tempfile
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Q
from django.test import TestCase
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config.core import invariants
from config.core.models import User
from config.core.refused import Refused
from invoicing import fx, matching, refunds
from invoicing.ledger import posting
from invoicing.matches import refresh
from invoicing.models import BankFile, Document, Refund
from orders.imports.run import import_file
from orders.models import Order
from returns import refunding
from returns.matching import settle_refunded
from returns.models import RMA
from tests.factories import make_order, make_rma, make_user, record_invoice
from tests.invoicing.money_files import Share, finances_file, settlement_file
from tests.papers import make_account, make_invoice, make_shipped_order

D = Decimal
pick = st.integers(0, 10**6)
percents = st.integers(1, 100)
LEFT = ("sending", "sent", "unknown")


class Walk(RuleBasedStateMachine):
    """Orders and files; everything is one transaction that is rolled back."""

    steps = 0
    done: Counter = Counter()
    refused: Counter = Counter()
    prepared: dict[str, str] = {}  # SQL of a promise → its name on this connection

    @classmethod
    def begin(cls):
        """Count from zero, on the connection of this test."""
        Walk.steps, Walk.done, Walk.refused, Walk.prepared = 0, Counter(), Counter(), {}
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")

    @initialize(depth=st.integers(0, 4))
    def open_the_house(self, depth):
        """Begin with an order, or with a case and its refund so far on their way."""
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.folder = tempfile.TemporaryDirectory(prefix="retour-tests-")
        self.lead = make_user("lead")
        self.finance = make_user("finance")
        self.orders: list[Order] = []
        self.ids = itertools.count(1)
        self.told: list[tuple[Order, list[Share], str]] = []  # by Finances, by no settlement yet
        self.asked = self.rated = self.news = False
        self.new_order("amazon", 1, 3)
        if depth:
            rma = make_rma("inspected", by=self.lead, order=self.orders[0])
        if depth > 1:
            [refund] = refunding.propose(rma.number, by=self.lead)
        if depth > 2:
            refunds.approve(refund.key, by=self.finance)
        if depth > 3:
            refunds.start(refund.key, by=self.finance)
            refunds.mark_sent(refund.key, by=self.finance, sent_on=timezone.localdate(),
                              amount=refund.gross)  # fmt: skip

    def teardown(self):
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)
            self.folder.cleanup()

    def ask(self):
        """Something is asked of the desk: this rule is a step, and the clock has work."""
        self.asked = self.news = True

    def attempt(self, name, verb, *args, **kwargs):
        """Run a verb; what it refuses leaves nothing behind."""
        self.ask()
        try:
            with transaction.atomic():
                found = verb(*args, **kwargs)
        except Refused:
            self.refused[name] += 1
            return None
        self.done[name] += 1
        return found

    def name(self) -> str:
        """A name or number that nothing else has."""
        return f"NAME-{next(self.ids)}"

    def one(self, rows, number):
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    def look(self):
        """What there is now, so that a rule is chosen only where it has something to do."""
        rows = Refund.objects.filter(source="retour").order_by()
        self.refunds = Counter(rows.values_list("state", flat=True))
        self.by_bank = Counter(rows.filter(lane="bank").values_list("state", flat=True))
        self.cases = Counter(RMA.objects.order_by().values_list("state", flat=True))
        self.files = BankFile.objects.filter(state="made").exists()
        self.ours = Document.objects.filter(issuer="retour", state="issued").exists()
        due = Q(state="draft", due_at__isnull=False, gated_at=None) | Q(state="numbered")
        self.due = Document.objects.filter(due).exists()

    def has(self, *states):
        """Whether a refund of ours is in one of the states."""
        return any(self.refunds[state] for state in states)

    @invariant()
    def every_promise_holds(self):
        if not hasattr(self, "outer") or not self.asked:
            return  # nothing was asked of the desk since the last look
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for promise in invariants.promises():
                if self.is_broken(cursor, promise):
                    found = invariants.violations(promise)
                    raise AssertionError((promise.name, promise.sentence, found))
        Walk.steps += 1
        self.asked = False
        self.look()

    def is_broken(self, cursor, promise) -> bool:
        """The same SQL as ``check_invariants`` runs, planned once: that is most of its time."""
        sql = promise.sql() if callable(promise.sql) else promise.sql
        if sql not in self.prepared:
            self.prepared[sql] = f"promise_{len(self.prepared)}"
            asked = f"SELECT EXISTS (SELECT FROM ({sql}) AS broken)"
            cursor.execute(f"PREPARE {self.prepared[sql]} AS {asked}")
        cursor.execute(f"EXECUTE {self.prepared[sql]}")
        return cursor.fetchone()[0]

    # --- Orders ----------------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from(["amazon", "ours", "pounds"]),
        lines=st.integers(1, 2),
        quantity=st.integers(1, 4),
    )
    @precondition(lambda self: len(self.orders) < 6)
    def new_order(self, kind, lines, quantity):
        """Amazon writes its papers, or we do; or a German seller is paid in pounds."""
        given = {"lines": lines, "quantity": quantity, "gross_total": D("119.00") * lines}
        if kind == "ours":
            order = make_shipped_order(**given)
            self.attempt("issue_invoice", make_invoice, order, by=self.finance)
        else:
            pounds = {"marketplace": "UK", "rate": "0.20", "ship_country": "GB"}
            pounds |= {"gross_total": D("120.00") * lines}
            order = make_order(**given | (pounds if kind == "pounds" else {}))
            record_invoice(order)
        make_account(order.seller)
        self.ask()
        self.done[f"new_order_{kind}"] += 1
        self.orders.append(order)

    @rule(sale=st.integers(70, 90), refund=st.integers(70, 90))
    @precondition(lambda self: not self.rated and any(o.currency == "GBP" for o in self.orders))
    def exchange_rates_come(self, sale, refund):
        """What was seen in pounds before is booked now."""
        self.rated = True
        today = timezone.localdate()
        for days, rate in ((11, sale), (3, refund), (1, refund)):
            day = today - timedelta(days=days)
            self.attempt("add_rate", fx.add_rate, quote="GBP", day=day, rate=D(rate) / 100,
                         by=self.finance, source="ECB")  # fmt: skip
        posting.catch_up()

    # --- Files -----------------------------------------------------------------------------------

    @rule(number=pick, part=percents, known=st.booleans(), finances=st.booleans())
    def amazon_refunds_by_itself(self, number, part, known, finances):
        order = self.orders[number % len(self.orders)]
        line = order.lines.order_by("pk").first()
        net, tax, _rate = line.paid("item")
        share = line if known else None, round(net * part / 100, 2), round(tax * part / 100, 2)
        self.bring(order, [share], finances)

    @rule(number=pick, finances=st.booleans())
    @precondition(lambda self: self.has(*LEFT))
    def a_file_shows_a_refund(self, number, finances):
        sent = Refund.objects.filter(state__in=LEFT, source="retour").exclude(lane="bank")
        refund = self.one(sent, number)
        if refund:
            self.bring(refund.order, self.shares(refund), finances)

    @rule(number=pick, part=percents, finances=st.booleans())
    @precondition(lambda self: self.has("sent"))
    def a_file_shows_another_amount(self, number, part, finances):
        sent = Refund.objects.filter(state="sent", source="retour").exclude(lane="bank")
        refund = self.one(sent, number)
        if refund:
            line, net, tax = self.shares(refund)[0]
            share = line, round(net * part / 100, 2), round(tax * part / 100, 2)
            self.bring(refund.order, [share], finances)

    @rule()
    @precondition(lambda self: self.told)
    def the_settlement_shows_what_finances_told(self):
        order, shares, name = self.told.pop(0)
        self.bring(order, shares, False, name)

    def shares(self, refund) -> list[Share]:
        """What of each line the refund gives back."""
        of_line: dict = {}
        for row in refund.lines.order_by("pk").select_related("order_line"):
            net, tax = of_line.get(row.order_line, (D(0), D(0)))
            of_line[row.order_line] = net + row.net, tax + row.tax
        return [(line, net, tax) for line, (net, tax) in of_line.items() if net > 0]

    def bring(self, order, shares, finances, name=""):
        """Import a file of one refund, and what follows every import."""
        shares = [share for share in shares if share[1]]
        if not shares:
            return
        known, name = bool(name), name or self.name()
        given = {"name": name, "at": timezone.now().replace(microsecond=0)}
        folder = Path(self.folder.name)
        if finances:
            path = finances_file(folder, order, shares, **given)
            self.told.append((order, shares, name))
        else:
            number = f"{7000 + next(self.ids)}"
            path = settlement_file(folder, order, shares, number=number, **given)
        with TestCase.captureOnCommitCallbacks(execute=True):
            record = import_file(path, by=User.objects.system(), seller=order.seller)
        assert (record.status, [note for note in record.notes if "stopped" in note]) == ("done", [])
        self.ask()
        self.done["repeat" if known else "finances" if finances else "settlement"] += 1

    @rule(settle_first=st.booleans())
    @precondition(lambda self: self.news)
    def clock(self, settle_first):
        """What beat sends, once after something happened."""
        if settle_first:
            settle_refunded()
        matching.match_refunds()
        refresh.refresh()
        settle_refunded()
        self.done["clock"] += 1
        self.asked, self.news = True, False
