"""Databases of their own for the benchmarks: filled once a module, dropped after it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from tests import database


@pytest.fixture(scope="module")
def another_database(django_db_setup, django_db_blocker):
    """``with another_database("big"):`` works on a fresh copy of the migrated database."""
    main = settings.DATABASES["default"]["NAME"]

    @contextmanager
    def copied(suffix: str) -> Iterator[str]:
        with database.copied_database(f"{main}_{suffix}"):
            yield f"{main}_{suffix}"

    with django_db_blocker.unblock():
        try:
            yield copied
        finally:
            database.use(main)
