"""``manage.py settlement_report``: finance's refund settlement report as a file."""

import argparse
import shutil
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from config.core.models import User
from config.core.refused import Refused
from invoicing.reports import kinds, runs, settlement
from orders.models import Marketplace, Seller


class Command(BaseCommand):
    """Writes the report and keeps the run, as the page does."""

    help = "Write the refund settlement report of a period (posted dates, both included)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Period, scope, format and where to write."""
        day = date.fromisoformat
        parser.add_argument("--from", dest="date_from", type=day, required=True, metavar="D")
        parser.add_argument("--to", dest="date_to", type=day, required=True, metavar="D")
        parser.add_argument("--seller", metavar="CODE")
        parser.add_argument("--marketplace", metavar="CODE", help="DE or Amazon.de")
        parser.add_argument("--format", choices=kinds.WRITABLE, default="csv")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *, date_from, date_to, seller, marketplace, output, **options) -> None:
        """Run it as the system actor; a refusal is the command's error."""
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent}.")
        scope = kinds.Scope(date_from, date_to, _seller(seller), _marketplace(marketplace))
        try:
            run = runs.run(settlement.KIND, scope, options["format"], by=User.objects.system())
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        shutil.copyfile(_stored(run), output)
        self.stdout.write(f"{run.rows} rows in {output} (run {run.pk}, sha256 {run.sha256})")
        for total in run.totals:
            self.stdout.write(_line(total))


def _stored(run) -> Path:
    from django.conf import settings

    return Path(settings.DATA_DIR) / run.file_path


def _line(total: dict) -> str:
    rate = "-" if total["vat_rate"] is None else total["vat_rate"]
    return (
        f"{total['currency']} {rate} {total['status']}: {total['rows']} rows,"
        f" gross {total['gross']}, Amazon {total['amazon_amount']},"
        f" difference {total['difference']}"
    )


def _seller(code: str | None) -> Seller | None:
    if not code:
        return None
    found = Seller.objects.filter(code__iexact=code).first()
    if not found:
        known = ", ".join(Seller.objects.values_list("code", flat=True)) or "none"
        raise CommandError(f"There is no seller {code}. Known: {known}.")
    return found


def _marketplace(code: str | None) -> Marketplace | None:
    if not code:
        return None
    found = (
        Marketplace.objects.filter(code__iexact=code).first()
        or Marketplace.objects.filter(name__iexact=code).first()
    )
    if not found:
        known = ", ".join(Marketplace.objects.values_list("code", flat=True))
        raise CommandError(f"There is no marketplace {code}. Known: {known}.")
    return found
