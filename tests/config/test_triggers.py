"""The migration operation for many triggers: what it leaves in the state and what SQL it writes."""

from django.db import connections
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import BigAutoField
from pgtrigger.compiler import Trigger, UpsertTriggerSql
from pgtrigger.migrations import RemoveTrigger

from config.core.triggers import AddTriggers


def trigger(name: str) -> Trigger:
    return Trigger(
        name=name,
        sql=UpsertTriggerSql(
            func="RAISE EXCEPTION '100%';",
            hash="h",
            operation="DELETE",
            pgid=f"pg_{name}",
            table="demo_box",
            when="BEFORE",
        ),
    )


def with_box() -> ProjectState:
    state = ProjectState()
    state.add_model(ModelState("demo", "Box", [("id", BigAutoField(primary_key=True))]))
    return state


def written(direction) -> str:
    with connections["owner"].schema_editor(collect_sql=True, atomic=False) as editor:
        direction("demo", editor, with_box(), with_box())
    return "\n".join(editor.collected_sql)


def test_all_triggers_are_made_and_all_are_dropped_on_the_way_back():
    both = AddTriggers({"box": [trigger("first"), trigger("second")]})
    made, dropped = written(both.database_forwards), written(both.database_backwards)
    for name in ("pg_first", "pg_second"):
        assert f"CREATE  TRIGGER {name}" in made
        assert f"DROP TRIGGER IF EXISTS {name}" in dropped
    assert "100%" in made


def test_a_later_migration_can_drop_one_of_them():
    state = with_box()
    AddTriggers({"box": [trigger("first"), trigger("second")]}).state_forwards("demo", state)
    RemoveTrigger(model_name="box", name="first").state_forwards("demo", state)
    assert [one.name for one in state.models["demo", "box"].options["triggers"]] == ["second"]
