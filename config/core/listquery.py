"""What a list's address says: active filters, remembered scope, sort; and links that change them.

Reads the request only. Which rows that means is in ``lists.py``, what the bar shows in
``filterbar.py``.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest

from config.core import filterbar, preferences


class ListQuery:
    """The state of one list page. ``params`` holds the active filters by name, scope first."""

    def __init__(
        self,
        request: HttpRequest,
        *,
        model: type[Model],
        filterset: type | None,
        scope_fields: Iterable[str],
        sorts: Mapping[str, str],
        default_sort: str,
    ) -> None:
        self.request, self.sorts, self.default_sort = request, sorts, default_sort
        self._model = model
        self.scopes = {path.partition("__")[0]: path for path in scope_fields}
        own = filterbar.fields(filterset)
        self.own_fields = [one for one in own if one.name not in self.scopes]
        asked = request.GET.get("sort", "")
        self.sort = asked if asked.lstrip("-") in sorts else default_sort
        self.params = self._active()

    @property
    def sort_column(self) -> str:
        """The indexed column behind the public sort, ``-`` in front for descending."""
        name = self.sort.lstrip("-")
        return ("-" if self.sort.startswith("-") else "") + self.sorts.get(name, name)

    @property
    def fields(self) -> list[filterbar.Field]:
        """Every control of the bar, scope first."""
        return self.scope_fields + self.own_fields

    @property
    def scope_fields(self) -> list[filterbar.Field]:
        """The controls of the remembered scope."""
        return [
            filterbar.Field(
                name,
                str(self._model._meta.get_field(name).verbose_name).capitalize(),
                "select",
                filterbar.related_choices(self._model, path),
                quick=True,
            )
            for name, path in self.scopes.items()
        ]

    @property
    def is_filtered(self) -> bool:
        """Whether a filter of the list's own is active (the scope is not one)."""
        return any(one.name in self.params for one in self.own_fields)

    def link(self, drop: Iterable[str] = (), **changes: Any) -> str:
        """This list's address with the active filters and sort; ``changes`` are set on top.

        Cursors are never kept: a changed list starts at its first page.
        """
        query = {name: values for name, values in self.params.items() if name not in set(drop)}
        if self.sort != self.default_sort:
            query["sort"] = [self.sort]
        query.update(changes)
        path = self.request.path
        return f"{path}?{urlencode(query, doseq=True)}" if query else path

    def without(self, name: str, value: str) -> str:
        """The address with one value of a filter removed; a scope is said to be empty."""
        if name in self.scopes:
            return self.link(**{name: ""})
        rest = [other for other in self.params[name] if other != value]
        return self.link(drop=[name], **({name: rest} if rest else {}))

    def cleared(self) -> str:
        """The address without any filter; an active scope is said to be empty."""
        active = {name: "" for name in self.scopes if name in self.params}
        return f"{self.request.path}?{urlencode(active)}" if active else self.request.path

    def _active(self) -> dict[str, list[str]]:
        given = self.request.GET
        active = {name: [code] for name, code in self._scope().items() if code}
        for one in self.own_fields:
            values = [value for value in given.getlist(one.name) if value.strip()]
            if values:
                active[one.name] = values
        return active

    def _scope(self) -> dict[str, str]:
        """The scope of the address, else the remembered one; what the address says is kept."""
        given, remembered = self.request.GET, preferences.of(self.request.user).get("scope", {})
        scope = {name: given.get(name, remembered.get(name, "")) for name in self.scopes}
        for name, path in self.scopes.items():
            if scope[name] and not self._known(path, scope[name]):
                scope[name] = ""
        if any(name in given and scope[name] != remembered.get(name, "") for name in scope):
            preferences.remember(self.request.user, scope={**remembered, **scope})
        return scope

    def _known(self, path: str, code: str) -> bool:
        return any(
            code == known
            for fresh in (False, True)
            for known, _label in filterbar.related_choices(self._model, path, fresh)
        )
