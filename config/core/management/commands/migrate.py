"""Django's migrate in the owner's role; afterwards the app role gets its rights."""

import hashlib
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from psycopg import sql

from config.core.grants import grant_app_role

REWRITTEN = (
    "The first migrations were rewritten since this demo database was made. "
    "Run `make reset-demo` to start over with fresh demo data."
)


class Command(Migrate):
    """``migrate`` without ``--database`` is ``migrate --database owner``."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's own, with the owner as default."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then grant; a plan or a check changes nothing and grants nothing."""
        reading = options["plan"] or options["check_unapplied"]
        if options["database"] != "owner" or reading:
            super().handle(*args, **options)
            return
        if not settings.DATABASE_URL:
            refuse_rewritten()
        super().handle(*args, **options)
        grant_app_role("owner")
        if not settings.DATABASE_URL:
            remember_first()


def first_migrations() -> str:
    """Fingerprint of every room's first migration, as the files say now."""
    files = sorted(settings.BASE_DIR.glob("*/migrations/0001_*.py"))
    files += sorted(settings.BASE_DIR.glob("config/core/migrations/0001_*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def refuse_rewritten() -> None:
    """Raise when the demo database was made by other first migrations than these."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = current_database()"
        )
        (known,) = cursor.fetchone()
    if known and known != first_migrations():
        raise CommandError(REWRITTEN)


def remember_first() -> None:
    """Keep the fingerprint as the database's own comment: it goes when the database goes."""
    database = sql.Identifier(connections["owner"].settings_dict["NAME"])
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement.format(database, sql.Literal(first_migrations())))
