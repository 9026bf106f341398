"""Django's flush in the owner's role: the app's role may not truncate."""

from django.core.management.base import CommandParser
from django.core.management.commands.flush import Command as Flush


class Command(Flush):
    """``flush`` without ``--database`` is ``flush --database owner``."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's own, with the owner as default."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
