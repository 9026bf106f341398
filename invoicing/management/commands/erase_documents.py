"""Erase documents whose time is over, then accounts of buyers and bank files of the same age, in
the owner's role; proofs stay. Holds keep theirs.
"""

from django.core.management.base import BaseCommand

from invoicing import payee_retention, retention
from invoicing.models import Document


class Command(BaseCommand):
    """``erase_documents [--dry-run] [--limit N]``: what retention allows, an order at a time."""

    help = "Erase documents that need not be kept any longer; leaves a proof of each."

    def add_arguments(self, parser):
        """What to do, and how much at once."""
        parser.add_argument("--dry-run", action="store_true", help="name them, erase nothing")
        parser.add_argument("--limit", type=int, default=1000, help="orders at most (1000)")

    def handle(self, *, dry_run, limit, **options):
        """Name or erase; prints every number and the count."""
        if dry_run:
            found = Document.objects.filter(pk__in=retention.expired(limit)).order_by("id")
            numbers = list(found.values_list("number", flat=True))
            due = payee_retention.expired_payees(limit), payee_retention.expired_files(limit)
            accounts = sum(map(len, due))
        else:
            numbers = retention.erase_expired(limit)
            accounts = payee_retention.erase_payees(limit)
        for number in numbers:
            self.stdout.write(number)
        done = "would be erased" if dry_run else "erased"
        self.stdout.write(f"{len(numbers)} document{'' if len(numbers) == 1 else 's'} {done}")
        self.stdout.write(f"{accounts} account{'' if accounts == 1 else 's'} and files {done}")
