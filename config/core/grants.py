"""What the app's role may do, granted by the owner after each migrate.

Read and write everywhere, but rows of the trail and of models with ``append_only = True`` are
only added, nothing is ever truncated, and no trigger is ever passed by. Retention works in the
owner's role.
"""

from django.apps import apps
from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

EXISTING = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
WHOLE_SCHEMA = (
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app}",
    "GRANT USAGE ON SCHEMA public TO {app}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
)
ADDED_TO_ONLY = "REVOKE UPDATE, DELETE ON {table} FROM {app}"
READ_ONLY = "REVOKE INSERT, UPDATE, DELETE ON {table} FROM {app}"
# Every trigger of pgtrigger asks this function whether it is to be ignored, and its own version
# believes a setting that any session can make. Ours believes it of the owner's role only; migrate
# writes pgtrigger's again with each trigger, so ours comes after it.
NEVER_IGNORED = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN current_user = {owner} AND coalesce(trigger_name = ANY(
        nullif(current_setting('pgtrigger.ignore', true), '')::text[]), false);
END $$
"""


def append_only_tables() -> set[str]:
    """Tables of history events and of models that say ``append_only = True``."""
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if getattr(model, "append_only", False) or getattr(model, "pgh_tracked_model", None)
    }


def grant_app_role(using: str = "owner") -> None:
    """Make the app role's rights equal the rule above, in one transaction.

    ``using`` is the owner's connection. Raises ValueError when owner and app are one role:
    then nothing would be protected.
    """
    app, owner = settings.DATABASES["default"]["USER"], settings.DATABASES[using]["USER"]
    if app == owner:
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL must name two different roles.")
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(EXISTING)
        existing = {name for (name,) in cursor.fetchall()}
        cursor.execute(sql.SQL(NEVER_IGNORED).format(owner=sql.Literal(owner)))
        for line in WHOLE_SCHEMA:
            cursor.execute(sql.SQL(line).format(app=sql.Identifier(app)))
        for line, tables in (
            (ADDED_TO_ONLY, append_only_tables() & existing),
            (READ_ONLY, {"django_migrations"} & existing),
        ):
            for table in sorted(tables):
                names = {"table": sql.Identifier("public", table), "app": sql.Identifier(app)}
                cursor.execute(sql.SQL(line).format(**names))
