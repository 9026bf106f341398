"""One UPDATE for any number of rows, each with its own values. No rule lives here.

Django's ``bulk_update`` writes a CASE per field and row; this is one statement whatever N, which
keeps a bulk verb at the same number of queries as a single one.
"""

import json
from collections.abc import Sequence

from django.db import connection, models


def write(rows: Sequence[models.Model], fields: Sequence[str]) -> int:
    """Store the named fields of saved instances of one model; returns the number of rows."""
    if not rows:
        return 0
    key = rows[0]._meta.pk
    columns = [rows[0]._meta.get_field(name) for name in fields]
    both = [key, *columns]
    kinds = ", ".join(
        f"{f.column} {f.rel_db_type(connection) if f is key else f.db_type(connection)}"
        for f in both
    )
    values = [{f.column: f.get_prep_value(getattr(row, f.attname)) for f in both} for row in rows]
    settings = ", ".join(f"{f.column} = v.{f.column}" for f in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {key.model._meta.db_table} AS t SET {settings}"
            f" FROM jsonb_to_recordset(%s::jsonb) AS v({kinds})"
            f" WHERE t.{key.column} = v.{key.column}",
            [json.dumps(values, default=str)],
        )
        return cursor.rowcount
