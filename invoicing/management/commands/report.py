"""``manage.py report KIND``: any of finance's reports as a file, kept as a run like on the page."""

import argparse
import shutil
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.core.models import User
from config.core.refused import Refused
from invoicing.models import ReportRun
from invoicing.reports import kinds, runs
from orders.models import Marketplace, Seller


class Command(BaseCommand):
    """Writes a report and keeps the run, as the page does."""

    help = "Write a report of a period (both days included): settlement, journal, datev, vat, cost."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Kind, period, scope, format and where to write."""
        parser.add_argument("kind", choices=[kind.key for kind in kinds.every()])
        parser.add_argument("--choose", action="append", default=[], metavar="NAME=VALUE")
        add_scope(parser)

    def handle(self, *, kind, choose, output, **options) -> None:
        """Run it as the system actor; a refusal is the command's error."""
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent}.")
        try:
            scope = scope_of(options, dict(one.split("=", 1) for one in choose))
            run = runs.run(kind, scope, options["format"], by=User.objects.system())
        except ValueError as error:
            raise CommandError("--choose takes NAME=VALUE.") from error
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        shutil.copyfile(Path(settings.DATA_DIR) / run.file_path, output)
        self.stdout.write(f"{run.rows} rows in {output} (run {run.pk}, sha256 {run.sha256})")
        for total in run.totals:
            self.stdout.write(self.line(run, total))

    def line(self, run: ReportRun, total: dict) -> str:
        """One total as the command prints it."""
        columns = kinds.named(run.kind).total_columns
        return ", ".join(f"{one.header} {_said(total[one.key])}" for one in columns)


def _said(value) -> str:
    return "-" if value is None or value == "" else str(value)


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Period, seller, marketplace, format and where to write."""
    day = date.fromisoformat
    parser.add_argument("--from", dest="date_from", type=day, required=True, metavar="D")
    parser.add_argument("--to", dest="date_to", type=day, required=True, metavar="D")
    parser.add_argument("--seller", metavar="CODE")
    parser.add_argument("--marketplace", metavar="CODE", help="DE or Amazon.de")
    parser.add_argument("--format", choices=kinds.WRITABLE, default="csv")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")


def scope_of(options: dict, chosen: dict[str, str]) -> kinds.Scope:
    """What the arguments say; raises CommandError for a seller or marketplace nobody knows."""
    return kinds.Scope(
        options["date_from"],
        options["date_to"],
        _seller(options["seller"]),
        _marketplace(options["marketplace"]),
        chosen,
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
