"""What a log line says of an error: where and which, never the row it was about."""

import logging

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from config.core.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_traceback_names_the_error_and_not_the_row():
    name = "erika.mustermann"
    make_user("agent", username=name)
    formatter = settings.LOGGING["formatters"]["line"]
    formatter = formatter["()"](**{k: v for k, v in formatter.items() if k != "()"})
    try:
        with transaction.atomic():
            User.objects.bulk_create([User(username=name)])
    except IntegrityError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "broken", (), (type(error), error, error.__traceback__)
        )
    line = formatter.format(record)
    assert "UniqueViolation" in line
    assert name not in line
