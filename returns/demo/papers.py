"""The demo's documents: which invoices are ours, numbered on the day they were due, what the gate
stopped, and a few corrections. Files are made by the worker after the start.
"""

import contextlib
import datetime as dt

from config.core.refused import Refused
from invoicing import corrections, documents
from invoicing.models import Document, IssuingMode
from invoicing.models.document import Kind
from invoicing.states import MONEY_LEFT, DocumentState, Occasion
from orders.models import Order
from returns.demo import catalogue
from returns.demo.buyers import STOPPED
from returns.demo.reports import DemoOrder
from returns.demo.story import Story, clock
from returns.demo.tax_data import earlier_number

# Invoices of ours a buyer, with and without refunds; those before are an earlier system's.
REFUNDED, KEPT = 3, 3
PAID = ("settled", "refunded", "waiting")
NO_ADDRESS = "The buyer moved: the new address has to be on the invoice."


def ours(found: list[DemoOrder], fates: dict[str, str]) -> set[str]:
    """Ids of the orders that Retour invoices: of each buyer some with refunds, one without."""
    left: dict[tuple[str, bool], int] = {}
    chosen = set()
    for order in sorted(found, key=lambda one: one.purchased_at, reverse=True):
        refunded = fates.get(order.order_id) in PAID
        key = (order.buyer.name, refunded)
        left[key] = left.get(key, REFUNDED if refunded else KEPT) - 1
        if left[key] >= 0:
            chosen.add(order.order_id)
    return chosen


class Papers:
    """Writes the documents of the story; ``ours`` are ids of the orders that Retour invoices."""

    def __init__(self, story: Story, ours: set[str]) -> None:
        self.story, self.cast, self.ours = story, story.cast, ours

    def invoices(self, refunded: set[Order]) -> None:
        """Every order whose money goes back has its invoice: ours, Amazon's or an earlier one."""
        mine = Order.objects.filter(amazon_order_id__in=self.ours)
        orders = {*mine.select_related("seller", "marketplace", "buyer"), *refunded}
        known = set(Document.objects.values_list("order_id", flat=True))
        for order in sorted(orders, key=lambda order: (order.purchased_at, order.pk)):
            with clock(order.purchased_at + dt.timedelta(days=1)):
                if order.pk in known:
                    self._number(order)
                elif self._is_amazons(order):
                    self._record(order, f"{order.marketplace.country}6{order.pk:05d}DEMO1I")
                elif order.amazon_order_id in self.ours:
                    self._issue(order)
                else:
                    self._record(order, earlier_number(order.amazon_order_id), "earlier")

    def _is_amazons(self, order: Order) -> bool:
        return (order.seller.code, order.marketplace.code) in catalogue.AMAZON_ISSUES

    def _issue(self, order: Order) -> None:
        stopped = {one.name for rows in STOPPED.values() for one in rows}
        expected = order.buyer is not None and order.buyer.legal_name in stopped
        with contextlib.suppress(*([Refused] if expected else [])):
            documents.issue_invoice(order, by=self.cast.finance)

    def _number(self, order: Order) -> None:
        """Drafts that Amazon's tax data made, on their day."""
        for draft in Document.objects.filter(order=order, state=DocumentState.DRAFT):
            documents.number(draft, by=self.cast.finance)

    def _record(self, order: Order, number: str, issuer: str = "amazon") -> None:
        day = order.purchased_at.date() + dt.timedelta(days=1)
        documents.record_invoice(
            order, by=self.cast.finance, number=number, issue_date=day, issuer=issuer
        )

    def credit_notes(self) -> None:
        """Number the credit notes of our own invoices on the day the money left; the worker does
        those of earlier invoices.
        """
        drafts = Document.objects.filter(
            state=DocumentState.DRAFT, kind=Kind.CREDIT_NOTE, corrects__issuer="retour",
            refund__state__in=MONEY_LEFT,
        )  # fmt: skip
        for draft in drafts.select_related("refund").order_by("refund__sent_at", "pk"):
            with clock(draft.refund.sent_at):
                documents.number(draft, by=self.cast.finance)

    def corrections(self) -> None:
        """Two invoices are written anew and one is taken back: the worker issues what follows."""
        free = Document.objects.filter(
            kind=Kind.INVOICE, occasion=Occasion.SUPPLY, issuer="retour", number__gt="",
            corrections=None, mode__in=("", IssuingMode.Issuer.SELLER),
        )  # fmt: skip
        verbs = (corrections.correct_invoice, corrections.correct_invoice,
                 corrections.cancel_invoice)  # fmt: skip
        for verb, invoice in zip(verbs, free.order_by("-issue_date", "-pk")[:3], strict=False):
            documents.render_numbered(invoice.pk)
            verb(invoice, by=self.cast.finance, reason=NO_ADDRESS)
