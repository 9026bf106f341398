"""A migration operation for many triggers: pgtrigger's own is one trigger, and after each of them
Django builds the models of the whole project again, which for 200 triggers takes half a minute.
"""

from collections.abc import Mapping, Sequence

from django.db.migrations.operations.base import Operation, OperationCategory
from pgtrigger.compiler import Trigger


class AddTriggers(Operation):
    """Install compiled triggers, by the lower-case name of their model in the migration's app.

    The state it leaves is the one that as many `pgtrigger.migrations.AddTrigger` leave, so later
    migrations change and remove single triggers as usual.
    """

    category = OperationCategory.ADDITION
    reduces_to_sql = True

    def __init__(self, triggers: Mapping[str, Sequence[Trigger]]) -> None:
        self.triggers = triggers

    def deconstruct(self) -> tuple[str, list, dict]:
        """As a migration file writes it."""
        return type(self).__name__, [], {"triggers": self.triggers}

    def state_forwards(self, app_label, state) -> None:
        """The triggers among the options of their models, which are built again once."""
        for name, triggers in self.triggers.items():
            options = state.models[app_label, name].options
            options["triggers"] = [*options.get("triggers", []), *triggers]
        state.reload_models({(app_label, name) for name in self.triggers}, delay=True)

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        """Create all of them."""
        for trigger in self._all():  # params=None: the SQL has its values, and may hold a "%"
            schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        """Drop all of them."""
        for trigger in self._all():
            schema_editor.execute(trigger.uninstall_sql, params=None)

    def describe(self) -> str:
        """How `migrate` and `sqlmigrate` name it."""
        return f"Create {len(self._all())} triggers"

    def _all(self) -> list[Trigger]:
        return [trigger for triggers in self.triggers.values() for trigger in triggers]
