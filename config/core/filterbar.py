"""What a list's filter bar shows: fields with their choices, and the pills of what is active.

Read from a django-filter FilterSet without building its form (which would cost more than the
rows). Filtering itself is the FilterSet's work; this file never touches a list's rows.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext

CHOICES_KEPT_SECONDS = 60
_kept: dict[Any, tuple[float, tuple[tuple[str, str], ...]]] = {}


@dataclass
class Field:
    """One control of the bar. ``kind``: search, select, checks, date, number or text."""

    name: str
    label: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()
    quick: bool = False
    values: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        """The single value of a control that holds one."""
        return self.values[0] if self.values else ""

    def word(self, value: str) -> str:
        """The option's label, or the value itself."""
        return next((str(label) for key, label in self.options if key == value), value)


@dataclass(frozen=True)
class Pill:
    """One active filter and the link that removes it."""

    label: str
    value: str
    url: str


def fields(filterset: type[django_filters.FilterSet] | None) -> list[Field]:
    """The controls of a FilterSet, ranges as two controls; choices are kept for a minute."""
    if filterset is None:
        return []
    return [
        control
        for name, one in filterset.base_filters.items()
        for control in _controls(filterset, name, one)
    ]


def label_of(filterset: type[django_filters.FilterSet], name: str) -> str:
    """What a filter is called on the page."""
    return str(filterset.base_filters[name]._label or name.replace("_", " ").capitalize())


def _controls(filterset: type, name: str, one: django_filters.Filter) -> Iterable[Field]:
    label = label_of(filterset, name)
    if isinstance(one, django_filters.DateFromToRangeFilter):
        yield Field(f"{name}_after", gettext("%(name)s from") % {"name": label}, "date")
        yield Field(f"{name}_before", gettext("%(name)s to") % {"name": label}, "date")
    elif isinstance(one, django_filters.RangeFilter):
        yield Field(f"{name}_min", gettext("%(name)s from") % {"name": label}, "number")
        yield Field(f"{name}_max", gettext("%(name)s to") % {"name": label}, "number")
    elif isinstance(one, django_filters.BooleanFilter):
        yield Field(name, label, "select", (("true", gettext("Yes")), ("false", gettext("No"))))
    elif "choices" in one.extra or "queryset" in one.extra:
        several = isinstance(one, django_filters.MultipleChoiceFilter)
        options = kept((filterset, name), lambda: _choices(one.extra))
        yield Field(name, label, "checks" if several else "select", options)
    else:
        yield Field(name, label, _kind(name, one))


def _kind(name: str, one: django_filters.Filter) -> str:
    if name == "q":
        return "search"
    if isinstance(one, django_filters.DateFilter):
        return "date"
    return "number" if isinstance(one, django_filters.NumberFilter) else "text"


def _choices(extra: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    choices = extra.get("choices", extra.get("queryset"))
    choices = choices() if callable(choices) else choices
    if isinstance(choices, QuerySet):
        key = extra.get("to_field_name") or "pk"
        return [(str(getattr(row, key)), str(row)) for row in choices]
    return choices


def kept(key: Any, read: Callable[[], Iterable], fresh: bool = False) -> tuple:
    """Choices read at most once a minute a process; ``fresh`` reads them now."""
    until, choices = _kept.get(key, (0.0, ()))
    if fresh or until < time.monotonic():
        choices = tuple((str(value), label) for value, label in read())
        _kept[key] = (time.monotonic() + CHOICES_KEPT_SECONDS, choices)
    return choices


def forget() -> None:
    """Read all choices anew when they are next asked for."""
    _kept.clear()


def related_choices(model: type, path: str, fresh: bool = False) -> tuple[tuple[str, str], ...]:
    """Choices of a scope column such as ``seller__code``: (code, name) of the related rows."""
    relation, _, code = path.partition("__")
    related = model._meta.get_field(relation).related_model
    columns = {one.name for one in related._meta.get_fields()}
    label = "name" if "name" in columns else code

    def read():
        return related._default_manager.order_by(label).values_list(code, label).distinct()

    return kept((related, code), read, fresh)
