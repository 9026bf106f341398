"""Recompute every promise from the rows; exit 1 when one is broken."""

import json

from django.core.management.base import BaseCommand, CommandError

from config.core import invariants


class Command(BaseCommand):
    help = "Recompute every promise from the rows and print each with its count of violations."

    def add_arguments(self, parser):
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="machine-readable output")

    def handle(self, *args, **options):
        """Recompute, print, and exit 1 on any violation."""
        found = []
        for promise in invariants.promises():
            count, examples = invariants.violations(promise)
            found.append((promise, count, examples))
        self._print_json(found) if options["json"] else self._print_text(found)
        if any(count for _, count, _ in found):
            raise CommandError("Promises are broken; the rows above name them.")

    def _print_text(self, found):
        for promise, count, examples in found:
            self.stdout.write(f"{count:6d}  {promise.name}: {promise.sentence}")
            for row in examples:
                self.stdout.write(f"        {row}")
        total = sum(count for _, count, _ in found)
        self.stdout.write(f"{total} violations of {len(found)} promises")

    def _print_json(self, found):
        rows = [
            {"name": p.name, "sentence": p.sentence, "violations": count, "examples": examples}
            for p, count, examples in found
        ]
        self.stdout.write(json.dumps(rows, default=str, indent=1))
