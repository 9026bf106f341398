"""The demo's money: refunds approved and carried out, settlements that show
them, and a few rows planted so that they do not tie."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from config.core.money import round_money
from invoicing import refunds
from invoicing.models import Refund
from invoicing.states import RefundState
from orders.imports.run import import_file
from orders.models import OrderLine
from returns.demo import catalogue, reports
from returns.demo.feeds import Feeds
from returns.demo.papers import Papers
from returns.demo.story import Plan, Story, clock


class Money:
    """Takes over where the story proposed its refunds."""

    def __init__(self, rng: random.Random, story: Story, papers: Papers) -> None:
        self.rng, self.story, self.cast, self.papers = rng, story, story.cast, papers

    def tell(self, folder: Path) -> None:
        """Approve, carry out, and import the settlements that confirm most of it."""
        proposed = self.story.propose()
        going = [p for p in proposed if p.fate in ("waiting", "refunded", "settled")]
        by_number = {plan.number: plan for plan in going}
        rows = list(
            Refund.objects.filter(origin__in=by_number).select_related(
                "order__marketplace", "order__seller", "marketplace"
            )
        )
        self.papers.invoices({row.order for row in rows})
        self._approve(rows, by_number)
        paid = [row for row in rows if by_number[row.origin].fate in ("refunded", "settled")]
        self._carry_out(paid, by_number)
        self.papers.credit_notes()
        self.papers.corrections()
        waiting = [row for row in rows if by_number[row.origin].fate == "waiting"]
        gone = Feeds(self.story).tell(waiting)
        self._stumble([row for row in waiting if row.pk not in gone])
        self._settle([r for r in paid if by_number[r.origin].fate == "settled"], folder)

    def _day(self, plan: Plan, after: int) -> dt.datetime:
        return min(plan.opened + dt.timedelta(days=after), self.story.today)

    def _approve(self, rows: list[Refund], plans: dict[str, Plan]) -> None:
        days: dict[dt.date, list[Refund]] = defaultdict(list)
        for row in rows:
            days[self._day(plans[row.origin], 10).date()].append(row)
        for day, of_day in sorted(days.items()):
            noon = min(dt.datetime.combine(day, dt.time(12), dt.UTC), self.story.today)
            with clock(noon):
                refunds.approve_many([row.key for row in of_day], by=self.cast.finance)

    def _carry_out(self, rows: list[Refund], plans: dict[str, Plan]) -> None:
        dated = [(self._day(plans[row.origin], 11), row) for row in rows]
        for when, row in sorted(dated, key=lambda pair: (pair[0], pair[1].pk)):
            with clock(when):
                refunds.start(row.key, by=self.cast.finance2)
                refunds.mark_sent(
                    row.key, by=self.cast.finance2, sent_on=when.date(), amount=row.gross
                )

    def _stumble(self, rows: list[Refund]) -> None:
        """Of the approved ones some are in hand, and a few went wrong."""
        finance = self.cast.finance2
        for nth, row in enumerate(rows[:12]):
            refunds.start(row.key, by=finance)
            if nth % 4 == 0:
                reason = "Seller Central answered with an error page. It may have gone through."
                refunds.mark_unknown(row.key, by=finance, reason=reason)
            elif nth % 4 == 1:
                reason = "Amazon refused it: the order was charged back by the buyer's bank."
                refunds.fail(row.key, by=finance, reason=reason)

    def _settle(self, rows: list[Refund], folder: Path) -> None:
        """Settlements by seller, marketplace and four weeks; a few refunds are left out or differ,
        and a few are Amazon's own.
        """
        told: dict[tuple, list[reports.RefundRow]] = defaultdict(list)
        for row in Refund.objects.filter(
            pk__in=[row.pk for row in rows], state=RefundState.SENT
        ).prefetch_related("lines__order_line"):
            for cells in self._rows(row, row.marketplace):
                told[self._period(row.seller, row.marketplace, cells)].append(cells)
        for key, cells in self._by_amazon():
            told[key].append(cells)
        for number, (seller, market, nth) in enumerate(
            sorted(told, key=lambda key: (key[2], key[0].code, key[1].code)), start=1
        ):
            path = folder / f"settlement-{seller.code}-{market.code}-{number:02d}.txt"
            reports.write_settlement(path, f"26{number:08d}", market, told[seller, market, nth])
            import_file(path, by=self.cast.finance, seller=seller, marketplace=market)

    def _period(self, seller, market, row: reports.RefundRow) -> tuple:
        return seller, market, row.posted_at.toordinal() // reports.SETTLED_DAYS

    def _by_amazon(self) -> Iterator[tuple[tuple, reports.RefundRow]]:
        """Refunds nobody here decided: a unit of a kept order, and one of an order not known."""
        kept = OrderLine.objects.filter(rma_lines=None, quantity__gte=20)
        posted = self.story.today - dt.timedelta(days=5)
        for code, market_code, _share in catalogue.CHANNELS:
            mine = kept.filter(order__seller__code=code, order__marketplace__code=market_code)
            line = mine.select_related("order__seller", "order__marketplace").order_by("pk").first()
            if line is None:
                continue
            order = line.order
            amount = round_money((line.item_net + line.item_tax) / line.quantity, order.currency)
            unit = {"line": line}
            fake = Refund(pk=900_000 + line.pk, order=order)
            row = self._row(fake, unit, "Principal", -amount, posted)
            yield self._period(order.seller, order.marketplace, row), row
            if market_code == "DE":
                old = replace(row, order_id="302-0000000-0000001", adjustment_id="", item_code="")
                yield self._period(order.seller, order.marketplace, old), old

    def _rows(self, refund: Refund, market) -> list[reports.RefundRow]:
        planted = self.rng.random()
        if planted < 0.03:  # missing at Amazon
            return []
        posted = dt.datetime.combine(refund.sent_on, dt.time(18, 2, 11), dt.UTC)
        found = []
        for line in self._by_order_line(refund):
            amounts = [("Principal", line["gross"])]
            if not market.prices_include_tax:
                amounts = [("Principal", line["net"]), ("Tax", line["tax"])]
            if planted > 0.97:  # the amount differs
                amounts[0] = ("Principal", amounts[0][1] - 1)
            for description, amount in amounts:
                if amount:
                    found.append(self._row(refund, line, description, -amount, posted))
        return found

    def _by_order_line(self, refund: Refund) -> list[dict]:
        sums: dict[int, dict] = {}
        for line in refund.lines.all():
            one = sums.setdefault(
                line.order_line_id,
                {"line": line.order_line, "net": Decimal(0), "tax": Decimal(0)},
            )
            one["net"] += line.net
            one["tax"] += line.tax
        for one in sums.values():
            one["gross"] = one["net"] + one["tax"]
        return list(sums.values())

    def _row(self, refund, line: dict, description: str, amount: Decimal, posted):
        order_line = line["line"]
        return reports.RefundRow(
            order_id=refund.order.amazon_order_id,
            sku=order_line.sku,
            item_code=order_line.order_item_id or f"47{order_line.pk:012d}",
            adjustment_id=f"amzn1:crow:DEMO{refund.pk:08d}",
            description=description,
            amount=amount,
            posted_at=posted,
        )
