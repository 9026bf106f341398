"""Read the ECB's euro reference rates from its file, for VAT totals in national currency."""

from datetime import date, timedelta
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from invoicing import fx

BACK = timedelta(days=400)


class Command(BaseCommand):
    """``import_fx_rates FILE [--since YYYY-MM-DD]``: eurofxref-hist.csv of the ECB."""

    help = "Read the ECB's euro reference rates (eurofxref-hist.csv)."

    def add_arguments(self, parser):
        """Which file, and from which day on."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--since", type=date.fromisoformat, help="default: the last 400 days")

    def handle(self, *, file, since=None, **options):
        """Store the rates that are missing; a file that contradicts stored rates is refused."""
        since = since or timezone.localdate() - BACK
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                count = fx.import_ecb(lines, by=User.objects.system(), since=since)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        self.stdout.write(f"{count} rate{'' if count == 1 else 's'} stored")
