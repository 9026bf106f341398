"""October of one selling account: refunds by the real verbs, money by a real settlement report.

A ``Month`` collects what happened and ``close``s by importing its settlement; tests plant in it
what must not tie.
"""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

import time_machine
from django.test import TestCase

from config.core.models import User
from invoicing.crediting import record_credit_note
from invoicing.models import FxRate, Match, Refund
from invoicing.models.refund import Source
from orders.imports.run import import_file
from returns import refunding
from returns.models import RMA
from tests.factories import (
    make_order,
    make_rma,
    make_seller,
    make_user,
    pay,
    receive_and_inspect,
    record_invoice,
)
from tests.invoicing.money import make_refund
from tests.invoicing.test_settlement_import import row, totals, write

_next = itertools.count(1)
SENT = date(2026, 10, 8)
TODAY = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Month:
    """What happened in October 2026, and the settlements that tell of it."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.seller = make_seller()
        self.finance = make_user("finance")
        self.rows: dict[str, list[dict]] = {}
        self.planted: dict[str, str] = {}

    def order(self, **fields):
        """An order of three units, 119.00 a line."""
        bought = datetime(2026, 10, 1, 9, tzinfo=UTC)
        return make_order(seller=self.seller, purchased_at=bought, **fields)

    def refund(self, *, amounts=(("30.00", "5.70"),), sent_on=SENT, state="sent", **fields):
        """One of our refunds, carried out."""
        return make_refund(self.order(**fields), *amounts, state=state, sent_on=sent_on)

    def returned(self, *, seen=True, sent_on=SENT):
        """A return from request to refund; ``seen``: its goods came before the money left."""
        noon = datetime(sent_on.year, sent_on.month, sent_on.day, 12, tzinfo=UTC)
        with time_machine.travel(noon):
            order = self.order()
            record_invoice(order)
            rma = make_rma("inspected" if seen else "shipped", order=order)
            (refund,) = refunding.propose(rma.number, by=make_user("lead"), early=not seen)
            return pay(refund)

    def asked_for(self, *, invoiced=True):
        """A return that Amazon refunds before we do; the order and its line."""
        with time_machine.travel(datetime(2026, 10, 6, 12, tzinfo=UTC)):
            order = self.order(quantity=2)
            if invoiced:
                record_invoice(order)
            make_rma("inspected", order=order, quantity=1)
        return order

    def sent_back(self):
        """A return refunded before its goods came, which then are not accepted."""
        refund = self.returned(seen=False)
        with time_machine.travel(datetime(2026, 10, 12, 12, tzinfo=UTC)):
            rma = RMA.objects.get(number=refund.origin)
            receive_and_inspect(rma, by=make_user("lead"), disposition="reject")
        return refund

    def over_credited(self):
        """A refund beyond the invoice: the order grew after that was written."""
        with time_machine.travel(datetime(2026, 10, 6, 12, tzinfo=UTC)):
            order = self.order(net="25.00")  # 29.75
            record_invoice(order)
            order.lines.update(item_net=Decimal("100.00"), item_tax=Decimal("19.00"))
        return make_refund(order, ("30.00", "5.70"), sent_on=SENT)

    def money(self, order, *amounts, day=SENT, currency="EUR", **fields):
        """Amazon's rows of one refund transaction: one amount a line of the order."""
        adjustment = f"A{next(_next)}"
        for line, amount in zip(order.lines.order_by("pk"), amounts, strict=True):
            given = {
                "order-id": order.amazon_order_id,
                "sku": line.sku,
                "order-item-code": "",
                "marketplace-name": order.marketplace.name,
            }
            cells = given | {name.replace("_", "-"): value for name, value in fields.items()}
            self.rows.setdefault(currency, []).append(
                self._row(amount, adjustment, day, currency) | cells
            )

    def _row(self, amount, adjustment, day, currency):
        posted = f"{day:%d.%m.%Y}"
        return row(
            str(amount), number=self._number(currency), adjustment_id=adjustment,
            posted_date=posted, posted_date_time=f"{posted} 12:00:00 UTC",
        )  # fmt: skip

    def _number(self, currency):
        return {"EUR": "7001", "GBP": "7002"}[currency]

    def close(self):
        """Import the month's settlements."""
        for currency, rows in self.rows.items():
            total = str(sum(Decimal(one["amount"]) for one in rows))
            path = self.folder / f"settlement-{currency}.tsv"
            write(path, totals(total, currency, self._number(currency)), *rows)
            with TestCase.captureOnCommitCallbacks(execute=True):  # what follows an import
                done = import_file(path, by=User.objects.system(), seller=self.seller)
            assert (done.inserted, done.bad) == (len(rows), 0), done.notes

    def paper(self, refund):
        """Amazon's credit note of a refund arrives."""
        record_credit_note(
            Refund.objects.get(pk=refund.pk), by=self.finance, number=f"CN-{refund.pk}",
            issue_date=SENT,
        )  # fmt: skip

    def papers(self, *, but=()):
        """The credit notes of all refunds whose money left."""
        left = Refund.objects.filter(state__in=("sent", "confirmed"), document=None)
        for refund in left.exclude(pk__in=[one.pk for one in but]).filter(source=Source.RETOUR):
            self.paper(refund)

    def rate(self, day=SENT, quote="GBP"):
        """The ECB's rate of a day."""
        FxRate.objects.create(quote=quote, day=day, rate=Decimal("0.86"))


def exceptions() -> dict[str, str]:
    """What is open: the order's or money's name → the cause."""
    rows = Match.objects.filter(result="open").select_related("order")
    return {
        (one.order.amazon_order_id if one.order else one.sides["facts"][0]): one.cause
        for one in rows
    }
