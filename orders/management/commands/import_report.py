"""``manage.py import_report FILE``: any supported Amazon report, from the command line."""

from django.core.management.base import BaseCommand, CommandError

from config.core.models import User
from config.core.refused import Refused
from orders.imports import registry
from orders.imports.run import import_file

SHOWN = 200


class Command(BaseCommand):
    """A thin door: arguments in, counts or line errors out."""

    help = "Import an Amazon report. The same file again changes nothing."

    def add_arguments(self, parser):
        """FILE and what the file itself may not say."""
        parser.add_argument("file")
        parser.add_argument("--type", help="report type; usually recognised from the header")
        parser.add_argument("--seller", help="seller code; needed when there are several")
        parser.add_argument("--marketplace", help="marketplace code, such as DE")
        parser.add_argument(
            "--skip-bad", action="store_true", help="leave bad lines out and import the rest"
        )
        parser.epilog = "Types: " + ", ".join(t.name for t in registry.all_types())

    def handle(self, *args, **options):
        """Import as the system actor; exit 1 with line errors when the file is bad."""
        try:
            record = import_file(
                options["file"],
                by=User.objects.system(),
                report_type=options["type"],
                seller=options["seller"],
                marketplace=options["marketplace"],
                skip_bad=options["skip_bad"],
            )
        except Refused as refused:
            self._problems(getattr(refused, "problems", []))
            raise CommandError(refused.sentence) from refused
        self._problems(record.line_errors.all()[: SHOWN + 1])
        for note in record.notes:
            self.stdout.write(f"note: {note}")
        self.stdout.write(
            f"{record.report_type}: {record.rows} rows, {record.inserted} inserted,"
            f" {record.updated} updated, {record.unchanged} unchanged, {record.bad} bad"
        )

    def _problems(self, problems) -> None:
        for problem in list(problems)[:SHOWN]:
            where = f"line {problem.line}"
            where += f", column {problem.column}" if problem.column else ""
            where += f", value {problem.value!r}" if problem.value else ""
            self.stderr.write(f"{where}: {problem.problem}. {problem.remedy}")
        if len(problems) > SHOWN:
            self.stderr.write(f"… and more; the import's page has up to {len(problems)}.")
