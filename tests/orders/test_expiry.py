"""Uploads hold personal data: none stays that no import names."""

import os
import time

import pytest
from django.conf import settings

from orders.imports.expiry import ABANDONED_AFTER, UPLOADS, expire_raw_rows
from orders.models import ImportFile
from tests.factories import make_seller
from tests.orders.reports import bring_in, text

pytestmark = pytest.mark.django_db


def test_upload_that_no_import_names_goes_and_the_others_stay(tmp_path):
    make_seller(code="demo")
    record, folder = bring_in(tmp_path, text({})), settings.DATA_DIR / UPLOADS
    folder.mkdir(parents=True, exist_ok=True)
    ImportFile.objects.filter(pk=record.pk).update(stored_path=f"{UPLOADS}/named.tsv")
    old = time.time() - ABANDONED_AFTER.total_seconds() - 60
    for name, at in (("named.tsv", old), ("lost.tsv", old), ("waiting.tsv", time.time())):
        (folder / name).write_text("x")
        os.utime(folder / name, (at, at))
    expire_raw_rows()
    kept = {name for name in ("named.tsv", "lost.tsv", "waiting.tsv") if (folder / name).exists()}
    assert kept == {"named.tsv", "waiting.tsv"}
