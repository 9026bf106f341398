"""``manage.py settlement_report``: finance's refund settlement report as a file."""

import argparse

from invoicing.management.commands import report
from invoicing.models import ReportRun
from invoicing.reports.settlement import KIND


class Command(report.Command):
    """Writes the report and keeps the run, as the page does."""

    help = "Write the refund settlement report of a period (posted dates, both included)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Period, scope, format and where to write."""
        parser.set_defaults(kind=KIND, choose=[])
        report.add_scope(parser)

    def line(self, run: ReportRun, total: dict) -> str:
        """Rows, gross, Amazon's amount and the difference of a currency, rate and status."""
        rate = "-" if total["vat_rate"] is None else total["vat_rate"]
        return (
            f"{total['currency']} {rate} {total['status']}: {total['rows']} rows,"
            f" gross {total['gross']}, Amazon {total['amazon_amount']},"
            f" difference {total['difference']}"
        )
