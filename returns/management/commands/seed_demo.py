"""Fill an empty database with demo data: the same for the same number and seed."""

import contextlib
import datetime as dt
import random
import tempfile
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.core.models import User
from invoicing.models import Document
from orders.imports.files import BadFile
from orders.imports.run import import_file
from orders.models import Marketplace, Seller
from returns.demo import catalogue, papers, reports, setup, tax_data
from returns.demo.books import Books
from returns.demo.money import Money
from returns.demo.story import Destiny, Story, destinies, plans
from returns.models import RMA

REPORTED = 4  # returns a marketplace that Amazon's own report brings


class Command(BaseCommand):
    help = "Fill an empty database with demo companies whose returns walked the real verbs."

    def add_arguments(self, parser):
        """Take the number of RMAs and the seed."""
        parser.add_argument("--rmas", type=int, default=200)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args, rmas: int, seed: int, **options):
        """Set up, import orders, tell the story, move the money, keep the books."""
        if Seller.objects.exists():
            raise CommandError(
                "This database holds data already; demo data goes into an empty one."
                " `make reset-demo` empties the demo."
            )
        self.started, self.ours = time.monotonic(), set()
        rng, today = random.Random(seed), timezone.now()
        system = User.objects.system()
        setup.company(system, today.date())
        with tempfile.TemporaryDirectory() as folder:
            dealt = self._orders(rng, destinies(rng, rmas, today), today, Path(folder))
            story = Story(rng, plans(rng, dealt), today)
            story.tell(self._say)
            Money(rng, story, papers.Papers(story, self.ours)).tell(Path(folder))
            self._say("money")
            Books(rng, story).tell()
        self._say("books")
        self.stdout.write(f"{RMA.objects.count()} RMAs, {Document.objects.count()} documents")

    def _orders(
        self, rng: random.Random, dealt: list[Destiny], today: dt.datetime, folder: Path
    ) -> dict[str, Destiny]:
        """Import the orders of every channel and some returns that Amazon reports itself."""
        by = User.objects.get(username="finance")
        named: dict[str, Destiny] = {}
        for code, market_code, _share in catalogue.CHANNELS:
            seller, market = (
                Seller.objects.get(code=code),
                Marketplace.objects.get(code=market_code),
            )
            mine = [one for one in dealt if one.channel == (code, market_code)]
            reported = [_days_ago(rng, today, 12, 20) for _ in range(REPORTED)]
            kept = [_days_ago(rng, today, 3, 80) for _ in range(len(mine) // 4)]
            bought = [one.bought for one in mine] + reported
            found = reports.orders(rng, market, bought, kept)
            found += reports.stopped(rng, market, len(found), _days_ago(rng, today, 2, 4))
            amazon = (code, market_code) in catalogue.AMAZON_ISSUES
            files = [folder / f"orders-{code}-{market_code}.txt", folder / f"ret-{market_code}.txt"]
            reports.write_orders(files[0], market, found, amazon)
            reports.write_returns(files[1], market, found[len(mine) :][:REPORTED], rng)
            fates = {o.order_id: one.fate for o, one in zip(found, mine, strict=False)}
            if not amazon:
                self.ours |= papers.ours(found, fates)
            if market_code in catalogue.FROM_TAX_DATA:
                files.append(folder / f"vidr-{code}-{market_code}.txt")
                tax_data.write_vidr(files[2], market, found, self.ours)
            for path in files:
                import_file(path, by=by, seller=seller, marketplace=market)
            named |= {o.order_id: one for o, one in zip(found, mine, strict=False)}
        spoiled = folder / "orders-opened-in-a-spreadsheet.txt"
        reports.write_orders(spoiled, market, found[-4:], amazon)
        reports.spoil(spoiled)
        with contextlib.suppress(BadFile):  # the refused import is what the demo wants
            import_file(spoiled, by=by, seller=seller, marketplace=market)
        self._say("orders")
        return named

    def _say(self, step: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.started:6.1f} s  {step}")


def _days_ago(rng: random.Random, today: dt.datetime, least: int, most: int) -> dt.date:
    return today.date() - dt.timedelta(days=rng.randint(least, most))
