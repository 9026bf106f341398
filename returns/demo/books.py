"""The demo's books: a bank transfer, the accounts of an adviser, closed months, and a desk where
somebody has begun to look at what does not tie.
"""

import datetime as dt
import random

from config.core.trail import trail
from invoicing import periods, refunds
from invoicing.matches import exceptions, refresh
from invoicing.models import Account, AccountNumber, Match, PayerAccount, Period, Refund
from invoicing.models.match import Cause, Result
from invoicing.models.report import DatevClient
from invoicing.reports import runs
from invoicing.reports.kinds import Scope
from invoicing.sending import bank
from invoicing.states import RefundState
from orders.models import Seller
from returns.demo.story import Story

# An adviser's chart; which account is which is the adviser's word, not the standard's.
NUMBERS = {
    Account.BUYER_REFUNDS: "8720",
    Account.FREIGHT: "8730",
    Account.GOODWILL: "4650",
    Account.VAT: "1776",
    Account.AMAZON_TAX: "1779",
    Account.RESTOCKING: "8590",
    Account.RETURN_FREIGHT: "8591",
    Account.IN_TRANSIT: "1361",
    Account.AMAZON: "1360",
    Account.BANK: "1200",
    Account.DIFFERENCE: "2309",
    Account.FX: "2150",
    Account.FX_CLEARING: "1362",
}
IBANS = ("DE89370400440532013000", "DE02120300000000202051")  # examples of banks, of nobody


class Books:
    """Takes over where the settlements were imported."""

    def __init__(self, rng: random.Random, story: Story) -> None:
        self.rng, self.story, self.cast = rng, story, story.cast

    def tell(self) -> None:
        """Set up the adviser's numbers, pay one by bank, close what is clean, run reports."""
        self._adviser()
        self._by_bank()
        refresh.refresh()
        self._explain()
        self._close()
        self._reports()

    def _adviser(self) -> None:
        seller = Seller.objects.filter(country="DE").order_by("pk").first()
        if seller is None:
            return
        with trail("setup", by=self.cast.finance):
            DatevClient.objects.create(seller=seller, consultant=1001, client=1, chart="03")
            PayerAccount.objects.create(
                seller=seller, name=seller.legal_name[:70], iban=IBANS[1], bic="BYLADEM1001"
            )
            for account, number in NUMBERS.items():
                AccountNumber.objects.create(seller=seller, account=account, number=number)

    def _by_bank(self) -> None:
        """Two refunds that Amazon cannot make: one in a file for the bank, one waiting for its
        approval.
        """
        waiting = Refund.objects.filter(
            state=RefundState.APPROVED, currency="EUR", seller__payer_account__isnull=False
        ).select_related("order__buyer")
        for place, refund in enumerate(waiting.order_by("pk")[:2]):
            payee = {"name": str(refund.order.buyer or "Demo")[:70], "iban": IBANS[0], "bic": ""}
            reason = "The order is too old for a refund at Amazon."
            finance = self.cast.finance
            refunds.change_lane(refund.key, by=finance, lane="bank", reason=reason, payee=payee)
            if place == 0 and refund.proposer_id != self.cast.finance2.pk:
                refunds.approve(refund.key, by=self.cast.finance2)
                bank.make_file([refund.key], by=self.cast.finance2)

    def _explain(self) -> None:
        """Finance owns some exceptions, wrote on one, and explained what is only too early."""
        found = Match.objects.filter(result=Result.OPEN).order_by("pk")
        for nth, match in enumerate(found.exclude(cause=Cause.TIMING)[:6]):
            exceptions.take(match, by=self.cast.finance if nth % 2 else self.cast.finance2)
            if nth == 0:
                exceptions.note(match, by=self.cast.finance, text="Asked Amazon in a case.")

    def _close(self) -> None:
        """Months are closed from the oldest on, as long as nothing stands in the way."""
        for period in Period.objects.order_by("month", "pk"):
            if not periods.check(period):
                periods.close(period, by=self.cast.finance)

    def _reports(self) -> None:
        """Last month's reports and this month's so far, as finance would have run them."""
        today = self.story.today.date()
        first = today.replace(day=1)
        last = first - dt.timedelta(days=1)
        month = Scope(last.replace(day=1), last)
        runs.run("settlement", month, "xlsx", by=self.cast.finance)
        runs.run("settlement", Scope(first, today), "csv", by=self.cast.finance2)
        for kind, output in (("vat", "xlsx"), ("journal", "csv"), ("cost", "pdf")):
            runs.run(kind, month, output, by=self.cast.finance)
