"""Reading the trail: one view over the event tables of every tracked model.

The tables are filled by triggers (see ``trail.py``); nothing here writes.
"""

import pghistory.models
from django.apps import apps
from django.db import connections, models

from config.core.grants import append_only_tables


class TrailEvent(models.Model):
    """One row change: when, what, which verb, by whom, why.

    ``root`` ties the change to the case people think of: an RMA number or an order id, as the
    row itself says in ``origin``, or through its ``rma_id``.
    """

    key = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()
    model = models.CharField(max_length=80)
    obj = models.CharField(max_length=64)
    label = models.CharField(max_length=10)
    rma_id = models.BigIntegerField(null=True)
    origin = models.CharField(max_length=80, null=True)
    context_id = models.UUIDField(null=True)
    context = models.JSONField(null=True)
    data = models.JSONField()

    class Meta:
        managed = False
        db_table = "core_trail"
        ordering = ["-at"]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M} {self.model} {self.label}"


def event_models() -> list[type[models.Model]]:
    """Every event model, that is every table of the trail."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, pghistory.models.Event) and model._meta.managed
    ]


def build_view(using: str) -> None:
    """(Re)create the view ``core_trail`` over all event tables."""
    with connections[using].cursor() as cursor:
        existing = connections[using].introspection.table_names(cursor)
        parts = [_select(m) for m in event_models() if m._meta.db_table in existing]
        cursor.execute("DROP VIEW IF EXISTS core_trail")
        if parts:
            cursor.execute(f"CREATE VIEW core_trail AS {' UNION ALL '.join(parts)}")


_REFUSE_TRUNCATE = """
CREATE OR REPLACE FUNCTION core_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('retour.maintenance', true) = 'on' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'table % is append-only and cannot be emptied', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""


def guard_truncate(using: str) -> None:
    """Row triggers do not see TRUNCATE, so append-only tables get a statement trigger for it.

    The owner's retention command sets ``retour.maintenance``; nothing else passes.
    """
    with connections[using].cursor() as cursor:
        existing = connections[using].introspection.table_names(cursor)
        cursor.execute(_REFUSE_TRUNCATE)
        for table in sorted(append_only_tables()):
            if table in existing:
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate()"
                )


def _select(event_model) -> str:
    """The columns of one event table in the view's form."""
    tracked = event_model.pgh_tracked_model
    columns = {field.column for field in event_model._meta.local_fields}
    name = tracked._meta.label_lower
    if name == "returns.rma":
        rma = "t.pgh_obj_id"
    else:
        rma = "t.rma_id" if "rma_id" in columns else "NULL::bigint"
    origin = "t.origin::text" if "origin" in columns else "NULL::text"
    return (
        f"SELECT '{name}:' || t.pgh_id AS key, t.pgh_created_at AS at, '{name}'::text AS model,"
        f" t.pgh_obj_id::text AS obj, t.pgh_label::text AS label, {rma} AS rma_id,"
        f" {origin} AS origin, t.pgh_context_id AS context_id, t.pgh_context AS context,"
        f" to_jsonb(t) AS data FROM {event_model._meta.db_table} t"
    )
