"""Updating facts that differ, each keeping the raw row it had before. For merges of all rooms."""

from orders.imports.staging import Batch

CHANGED, BEFORE = "import_changed", "import_before"


def update_changed(
    batch: Batch, table: str, *, source: str, join: str, values: dict[str, str]
) -> int:
    """Update the rows ``o`` of an imported table that differ from ``values``; returns how many.

    ``source`` is a table with the alias n that has ``row_hash``, ``join`` its condition to o,
    ``values`` maps columns to SQL over o and n. Sets import, hash and ``previous_raw``, and leaves
    the ids in ``import_changed`` (name, id), where ``name`` is the table's.
    """
    names, old = ", ".join(values), ", ".join(f"o.{name}" for name in values)
    new = ", ".join(values.values())
    batch.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {CHANGED} (name text, id bigint, import_file_id bigint,"
        " row_hash text) ON COMMIT DROP"
    )
    found = batch.execute(
        f"INSERT INTO {CHANGED} SELECT %s, o.id, o.import_file_id, o.row_hash FROM {table} o"
        f" JOIN {source} ON {join} WHERE ({old}) IS DISTINCT FROM ({new})",
        [table],
    )
    if found:
        _find_raw_rows(batch, table)
        batch.execute(
            f"UPDATE {table} AS o SET ({names}, previous_raw, import_file_id, row_hash) ="
            f" ROW({new}, b.raw, %s, n.row_hash) FROM {source}, {BEFORE} b"
            f" WHERE {join} AND b.id = o.id",
            [batch.import_file.pk],
        )
    return found


def _find_raw_rows(batch: Batch, table: str) -> None:
    """What each changed row keeps: its import, hash and, until it expires, the raw row. NULL for
    a stub, which had no row of its own."""
    ids = batch.rows(f"SELECT DISTINCT import_file_id FROM {CHANGED} WHERE name = %s", [table])
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{BEFORE}")
    batch.execute(
        f"CREATE TEMP TABLE {BEFORE} ON COMMIT DROP AS SELECT DISTINCT ON (c.id) c.id, CASE WHEN"
        " c.row_hash <> '' THEN jsonb_build_object('import', c.import_file_id, 'hash', c.row_hash,"
        f" 'row', r.data) END AS raw FROM {CHANGED} c LEFT JOIN (SELECT import_file_id, row_hash,"
        " data FROM orders_importrow WHERE import_file_id = ANY(%s) OFFSET 0) AS r ON"
        " r.import_file_id = c.import_file_id AND r.row_hash = c.row_hash"
        " WHERE c.name = %s ORDER BY c.id",
        [[pk for (pk,) in ids], table],
    )
    batch.execute(f"ANALYZE {BEFORE} (id)")
