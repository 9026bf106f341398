"""Raw rows and stored files hold personal data: they go after their time, counts and hash stay."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from orders.models import AmazonReturn, ImportFile, ImportRow, Order, OrderLine, Shipment

FACTS = (Order, OrderLine, AmazonReturn, Shipment)
UPLOADS = "imports"  # folder of the data folder
ABANDONED_AFTER = timedelta(days=2)  # longer than any upload waits for its job


def expire_raw_rows() -> int:
    """Delete what expired: raw rows, stored bytes, and raw rows kept by changed facts.

    Returns how many imports lost theirs.
    """
    late = ImportFile.objects.filter(expires_at__lt=timezone.now())
    ids = list(late.filter(raw_rows__isnull=False).values_list("pk", flat=True).distinct())
    for record in late.exclude(stored_path=""):
        (Path(settings.DATA_DIR) / record.stored_path).unlink(missing_ok=True)
        ImportFile.objects.filter(pk=record.pk).update(stored_path="")
    _drop_uploads_nobody_names()
    if ids:
        ImportRow.objects.filter(import_file__in=ids).delete()
        with connection.cursor() as cursor:
            for model in FACTS:
                cursor.execute(
                    f"UPDATE {model._meta.db_table} SET previous_raw = previous_raw - 'row'"
                    " WHERE (previous_raw ->> 'import')::bigint = ANY(%s) AND previous_raw ? 'row'",
                    [ids],
                )
    return len(ids)


def _drop_uploads_nobody_names() -> None:
    """An upload whose job died before the import had a record would else stay for ever."""
    folder = Path(settings.DATA_DIR) / UPLOADS
    named = set(ImportFile.objects.exclude(stored_path="").values_list("stored_path", flat=True))
    old = (timezone.now() - ABANDONED_AFTER).timestamp()
    for path in folder.glob("*"):
        if f"{UPLOADS}/{path.name}" not in named and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
