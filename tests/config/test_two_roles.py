"""The app's role works with rows; it changes no schema and forgets nothing."""

import pytest
from django.db import ProgrammingError, connections, transaction

from config.core.grants import append_only_tables

DENIED = "permission denied|must be owner"


def refused(statement: str, using: str = "default") -> None:
    with pytest.raises(ProgrammingError, match=DENIED), transaction.atomic(using=using):
        connections[using].cursor().execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE forbidden (id int)",
        "ALTER TABLE core_user ADD forbidden int",
        "DROP TABLE core_user",
        "TRUNCATE core_user CASCADE",
        "ALTER TABLE core_user DISABLE TRIGGER ALL",
        "UPDATE django_migrations SET name = 'x'",
    ],
)
def test_app_role_may_not(statement):
    refused(statement)


@pytest.mark.django_db
def test_append_only_tables_exist():
    assert "core_userevent" in append_only_tables()


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(append_only_tables()))
def test_app_role_only_adds_to_append_only(table):
    refused(f"DELETE FROM {table}")
    refused(f"TRUNCATE {table}")
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'INSERT'), has_table_privilege(%s, 'SELECT'),"
            " has_any_column_privilege(%s, 'UPDATE')",
            [table, table, table],
        )
        assert cursor.fetchone() == (True, True, False)


@pytest.mark.django_db
def test_app_role_owns_nothing():
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE r.rolname = current_user"
        )
        assert cursor.fetchone() == (0,)
