"""The test database: migrated once into a template, copied for each worker, restored after a test
that committed. Everything here works in the owner's role; tests themselves work in the app's.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

# What shapes a database that was just migrated; a change in one of these makes a new template.
SHAPE = (
    "*/migrations/*.py",
    "*/models/*.py",
    "*/models.py",
    "*/permissions.py",
    "*/apps.py",
    "config/core/models/*.py",
    "config/core/migrations/*.py",
    "config/core/[agprt]*.py",
    "requirements.txt",
)
LOCK = 0x5E7035  # advisory lock: one process makes the template, the others wait
_reference: dict[str, bytes] = {}


def owner(name: str) -> psycopg.Connection:
    """A connection of the owner's role to the named database; every statement commits."""
    params = connections["owner"].get_connection_params()
    return psycopg.connect(**(params | {"dbname": name}), autocommit=True)


@contextmanager
def copied_database(name: str) -> Iterator[None]:
    """Run the block on a fresh copy of the migrated template; the copy is dropped afterwards."""
    template = f"{settings.TEST_DATABASE_NAME}_template"
    with owner("postgres") as db:
        db.execute("SET lock_timeout = 0")  # a template takes a while to make
        db.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [LOCK, template])
        if _fingerprint_of(db, template) != (now := _fingerprint()):
            _make_template(db, template, now)
        _drop(db, name)
        _execute(db, "CREATE DATABASE {} TEMPLATE {}", name, template)
        _execute(db, "ALTER DATABASE {} SET synchronous_commit = off", name)
    use(name)
    _reference.clear()
    _reference.update(_filled_tables(name))
    try:
        yield
    finally:
        connections.close_all()
        with owner("postgres") as db:
            _drop(db, name)


def restore(name: str) -> None:
    """Empty what a test filled and give tables filled by migrations their rows back."""
    with owner(name) as db, db.transaction():
        db.execute("SET LOCAL lock_timeout = '20s'")
        filled = _tables(db, only_filled=True)
        used = [table for table in filled if table not in _reference]
        if used:
            names = sql.SQL(", ").join(sql.Identifier(table) for table in used)
            db.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
        changed = [table for table in _reference if _rows(db, table) != _reference[table]]
        for table in changed:
            _execute(db, "ALTER TABLE {} DISABLE TRIGGER USER", table)
        for table in changed:
            _execute(db, "DELETE FROM {}", table)
        for table in changed:
            with db.cursor().copy(_named("COPY {} FROM STDIN", table)) as copy:
                copy.write(_reference[table])
        db.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in changed:
            _execute(db, "ALTER TABLE {} ENABLE TRIGGER USER", table)


def _fingerprint() -> str:
    files = sorted({path for shape in SHAPE for path in settings.BASE_DIR.glob(shape)})
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()


def _fingerprint_of(db: psycopg.Connection, name: str) -> str | None:
    row = db.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    return row and row[0]


def _make_template(db: psycopg.Connection, template: str, fingerprint: str) -> None:
    _drop(db, template)
    _execute(db, "CREATE DATABASE {}", template)
    use(template)
    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    connections.close_all()
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    db.execute(statement.format(sql.Identifier(template), sql.Literal(fingerprint)))


def use(name: str) -> None:
    """Point Django's connections, of both roles, at a database."""
    for connection in connections.all():
        connection.close()
        connection.settings_dict["NAME"] = settings.DATABASES[connection.alias]["NAME"] = name


def _drop(db: psycopg.Connection, name: str) -> None:
    try:
        _execute(db, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    except psycopg.errors.InsufficientPrivilege:  # autovacuum is in it; a plain drop sends it off
        _execute(db, "DROP DATABASE IF EXISTS {}", name)


def _execute(db: psycopg.Connection, statement: str, *names: str) -> None:
    db.execute(_named(statement, *names))


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _tables(db: psycopg.Connection, *, only_filled: bool) -> list[str]:
    found = db.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    names = [name for (name,) in found if name != "django_migrations"]
    if not only_filled:
        return names
    asked = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
        for name in names
    ]
    return [name for (name,) in db.execute(sql.SQL(" UNION ALL ").join(asked))]


def _filled_tables(name: str) -> dict[str, bytes]:
    with owner(name) as db:
        return {table: _rows(db, table) for table in _tables(db, only_filled=True)}


def _rows(db: psycopg.Connection, table: str) -> bytes:
    with db.cursor().copy(_named("COPY {} TO STDOUT", table)) as copy:
        return b"".join(bytes(part) for part in copy)
