"""``manage.py pull_finances``: Amazon's transactions of the account, fetched and imported."""

from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError

from config.core.models import User
from config.core.refused import Refused
from invoicing import finances_pull
from orders.models import Seller


class Command(BaseCommand):
    """A thin door: a seller in, counts out; exit 1 when something is left to fetch."""

    help = "Fetch transactions from Amazon's Finances API and import them."

    def add_arguments(self, parser):
        """Whose transactions, and from when instead of where the last pull ended."""
        parser.add_argument("--seller", required=True, help="seller code")
        parser.add_argument("--since", type=datetime.fromisoformat, help="day, such as 2026-10-01")

    def handle(self, *args, **options):
        """Pull as the system actor."""
        seller = Seller.objects.filter(code__iexact=options["seller"]).first()
        if seller is None:
            raise CommandError(f"There is no seller {options['seller']}.")
        since = options["since"]
        try:
            pulled = finances_pull.pull(
                seller,
                by=User.objects.system(),
                since=since and since.replace(tzinfo=since.tzinfo or UTC),
            )
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        for record in pulled.files:
            self.stdout.write(
                f"{record.file_name}: {record.rows} rows, {record.inserted} inserted,"
                f" {record.bad} bad"
            )
        if not pulled.complete:
            raise CommandError(pulled.sentence)
