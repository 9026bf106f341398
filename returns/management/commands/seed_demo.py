"""Fill an empty database with demo data: the same for the same number and seed."""

import datetime as dt
import random
import tempfile
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from config.core.models import User
from orders.imports.run import import_file
from orders.models import Marketplace, Seller
from returns.demo import catalogue, reports, setup
from returns.demo.money import Money
from returns.demo.story import Story, plans
from returns.models import RMA


class Command(BaseCommand):
    help = "Fill an empty database with demo companies whose returns walked the real verbs."

    def add_arguments(self, parser):
        """Take the number of RMAs and the seed."""
        parser.add_argument("--rmas", type=int, default=200)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args, rmas: int, seed: int, **options):
        """Set up, import orders, tell the story, move the money."""
        if Seller.objects.exists():
            raise CommandError(
                "This database holds data already; demo data goes into an empty one."
                " `make reset-demo` empties the demo."
            )
        self.started = time.monotonic()
        rng, today = random.Random(seed), timezone.now()
        system = User.objects.system()
        setup.company(system)
        with tempfile.TemporaryDirectory() as folder:
            self._orders(rng, rmas, today, Path(folder))
            story = Story(rng, plans(rng, rmas, today), today)
            story.tell(self._say)
            Money(rng, story).tell(Path(folder))
        self._say("money")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM invoicing_document")
            papers = cursor.fetchone()[0]
        self.stdout.write(f"{RMA.objects.count()} RMAs, {papers} documents")

    def _orders(self, rng: random.Random, rmas: int, today: dt.datetime, folder: Path) -> None:
        by = User.objects.get(username="finance")
        total = sum(share for _seller, _market, share in catalogue.CHANNELS)
        for code, market_code, share in catalogue.CHANNELS:
            market = Marketplace.objects.get(code=market_code)
            count = max(6, round(rmas * 1.3 * share / total))
            found = reports.orders(rng, market, count, today.date())
            path = folder / f"orders-{code}-{market_code}.txt"
            amazon = (code, market_code) in catalogue.AMAZON_ISSUES
            reports.write_orders(path, market, found, amazon)
            seller = Seller.objects.get(code=code)
            import_file(path, by=by, seller=seller, marketplace=market)
        self._say("orders")

    def _say(self, step: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.started:6.1f} s  {step}")
