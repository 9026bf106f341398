"""What the database refuses the app's own role, by whatever door: ORM, SQL and the admin.

The ledger, the trail, issued documents, approvals and what was asked of a lane are kept; no setting
of a session makes a trigger look away.
"""

import pgtrigger
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError, connection, connections, models, transaction
from django.test import RequestFactory

from config.core.grants import append_only_tables
from config.core.models import TrailEvent, User
from config.core.trail import trail
from invoicing.models import (
    Approval,
    Document,
    DocumentLine,
    Journal,
    JournalLine,
    Refund,
    RefundAttempt,
    RefundLine,
)
from tests import database
from tests.factories import make_user
from tests.papers import make_refund

pytestmark = pytest.mark.django_db
KEPT = (Journal, JournalLine, Approval, Document, DocumentLine, RefundAttempt, Refund, RefundLine)
TRAIL = [model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")]
# A column of each that says what happened.
TELLING = {
    Journal: "currency", JournalLine: "amount", Approval: "gross", Document: "gross",
    DocumentLine: "net", RefundAttempt: "request_hash", Refund: "gross", RefundLine: "net",
}  # fmt: skip
LOOK_AWAY = (
    "SET LOCAL pgtrigger.ignore = '{{{names}}}'",
    "SELECT set_config('pgtrigger.ignore', '{{{names}}}', true)",
    "SET LOCAL retour.maintenance = 'on'",
)
DENIED = "permission denied|must be owner"


@pytest.fixture
def told():
    """A refund that was sent, with its credit note, approval, attempt, journals and trail."""
    refund = make_refund("sent")
    assert all(model.objects.exists() for model in KEPT)
    return refund


def triggers() -> str:
    """The names of all triggers, as a setting would list them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal")
        return ",".join(name for (name,) in cursor.fetchall())


def refused(statement: str, *, after: str = "SELECT 1", match: str = ".") -> None:
    """The database refuses it, also when the session said something before."""
    with transaction.atomic():
        with trail("test", by=User.objects.system()), connection.cursor() as cursor:
            cursor.execute(after)
            with pytest.raises(DatabaseError, match=match), transaction.atomic():
                cursor.execute(statement)
        transaction.set_rollback(True)


def column(model) -> str:
    return "pgh_label" if hasattr(model, "pgh_tracked_model") else TELLING[model]


def changes(model) -> list[str]:
    """What would rewrite history in a table."""
    table, name = model._meta.db_table, column(model)
    value = f"{name} * 2 + 1" if "Decimal" in type(model._meta.get_field(name)).__name__ else "'x'"
    return [f"UPDATE {table} SET {name} = {value}", f"DELETE FROM {table}"]


# --- SQL -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_history_is_not_rewritten_by_sql(told, model):
    table = model._meta.db_table
    names = triggers()
    for change in changes(model):
        refused(change)
        for setting in LOOK_AWAY:
            refused(change, after=setting.format(names=names))
    refused(f"TRUNCATE {table} CASCADE", match=DENIED)
    refused(f"ALTER TABLE {table} DISABLE TRIGGER ALL", match=DENIED)


@pytest.mark.parametrize("model", TRAIL, ids=lambda model: model._meta.label)
def test_trail_is_not_rewritten_by_sql(model):
    for change in changes(model):
        refused(change, match=DENIED)
        refused(change, after="SET LOCAL retour.maintenance = 'on'", match=DENIED)
    refused(f"TRUNCATE {model._meta.db_table} CASCADE", match=DENIED)


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        (
            "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME)"
            " RETURNS BOOLEAN LANGUAGE sql AS 'SELECT true'"
        ),
        "DROP FUNCTION public._pgtrigger_should_ignore CASCADE",
        "DROP TRIGGER refuse_truncate ON invoicing_approval",
        "SET ROLE {owner}",
        "GRANT {owner} TO {app}",
        "GRANT DELETE ON invoicing_approval TO {app}",
        "ALTER TABLE invoicing_journal OWNER TO {app}",
    ],
)
def test_app_takes_no_rights(statement):
    roles = {"owner": settings.DATABASES["owner"]["USER"], "app": connection.settings_dict["USER"]}
    try:
        refused(statement.format(**roles))
    except pytest.fail.Exception:
        # GRANT of what one does not hold only warns; nothing was given.
        assert "GRANT DELETE" in statement
        refused("DELETE FROM invoicing_approval", match=DENIED)


def test_ledger_trail_and_approvals_are_granted_for_adding_only():
    tables = append_only_tables()
    assert {model._meta.db_table for model in (Journal, JournalLine, Approval, *TRAIL)} <= tables
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT has_any_column_privilege(%s, 'UPDATE'), has_table_privilege(%s, 'DELETE'),"
                " has_table_privilege(%s, 'TRUNCATE')",
                [table] * 3,
            )
            assert cursor.fetchone() == (False, False, False), table


# --- The ORM -------------------------------------------------------------------------------------


def by_orm(model) -> list:
    """Ways of Django's to write over a row or to remove it."""
    name = column(model)
    value = 1 if isinstance(model._meta.get_field(name), models.DecimalField) else "x"

    def save():
        row = model.objects.first()
        setattr(row, name, value)
        row.save(update_fields=[name])

    def bulk():
        row = model.objects.first()
        setattr(row, name, value)
        model.objects.bulk_update([row], [name])

    return [
        save,
        bulk,
        lambda: model.objects.update(**{name: value}),
        lambda: model.objects.all()._raw_delete("default"),
        lambda: model.objects.first().delete(),
    ]


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_history_is_not_rewritten_by_the_orm(told, model):
    before = list(model.objects.order_by("pk").values())
    for write in by_orm(model):
        with (
            pytest.raises((DatabaseError, models.ProtectedError)),
            transaction.atomic(),
            trail("test", by=User.objects.system()),
        ):
            write()
    assert list(model.objects.order_by("pk").values()) == before


def test_pgtriggers_own_ignore_does_nothing_for_the_app(told):
    with (
        pytest.raises(DatabaseError, match=r"Cannot (update|delete)"),
        transaction.atomic(),
        pgtrigger.ignore(),
        trail("test", by=User.objects.system()),
    ):
        RefundLine.objects.update(net=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pgtrigger.ignore', '{one}', true),"
            " public._pgtrigger_should_ignore('one')"
        )
        assert cursor.fetchone()[1] is False


def test_owner_may_still_look_away_for_migrations():
    with database.owner(connections["default"].settings_dict["NAME"]) as db, db.transaction():
        found = db.execute(
            "SELECT set_config('pgtrigger.ignore', '{one}', true),"
            " public._pgtrigger_should_ignore('one'), public._pgtrigger_should_ignore('two')"
        ).fetchone()
    assert found[1:] == (True, False)


# --- The admin -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [*KEPT, *TRAIL], ids=lambda model: model._meta.label)
def test_admin_offers_no_way_to_rewrite_history(model):
    request = RequestFactory().get("/")
    request.user = make_user("admin", is_superuser=True, is_staff=True)
    page = admin.site._registry.get(model)
    if page is None:  # tables of the trail are read in one list
        assert model in TRAIL
        page = admin.site._registry[TrailEvent]
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert not page.has_add_permission(request)
    assert "delete_selected" not in page.get_actions(request)
