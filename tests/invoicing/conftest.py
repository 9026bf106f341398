"""What the tests of papers and money share."""

import pytest
from django.conf import settings

from tests import database


@pytest.fixture
def break_rows(transactional_db):
    """Run one statement in the owner's role with a table's triggers off, and commit it.

    What the app's role can never do: the promises must see it all the same.
    """

    def run(table: str, statement: str) -> None:
        with database.owner(settings.DATABASES["default"]["NAME"]) as db, db.transaction():
            db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            db.execute("SET CONSTRAINTS ALL IMMEDIATE")
            db.execute(statement)
            db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return run
