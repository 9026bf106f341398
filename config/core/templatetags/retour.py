"""``{% load retour %}``: values as in the lists, navigation items, the six-step state line."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from config.core import display
from config.core.context import path_of

register = template.Library()

register.filter("money", display.money)
register.filter("age", display.age)
register.filter("day", display.date)
register.filter("state_badge", display.state_badge)
register.filter("copy_id", display.copy_id)
register.simple_tag(display.state_badge, name="state_badge")
register.simple_tag(display.icon, name="icon")


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> SafeString:
    """The main navigation: what the person may open. Drawn once for each page, set of rights and
    language, for it depends on nothing else.
    """
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return SafeString("")
    rights = frozenset(user.get_all_permissions())
    return _navigation(request.path, rights, get_language() or "", settings.ROOT_URLCONF)


@lru_cache(maxsize=500)
def _navigation(path: str, rights: frozenset[str], language: str, urlconf: str) -> SafeString:
    return render_to_string("core/nav.html", {"path": path, "rights": rights})


@register.simple_tag(takes_context=True)
def nav_item(
    context: Context, name: str, label: str, permission: str, icon: str, *, besides: str = ""
) -> SafeString:
    """A link of the navigation, or nothing without the permission or the page; ``icon`` names its
    drawing. The current page carries ``aria-current``; ``besides`` is a page below this one that
    has an item of its own.
    """
    url = path_of(name)
    if not url or (permission and permission not in context["rights"]):
        return SafeString("")
    return format_html(
        '<li><a href="{}" data-go="{}"{}>{}<span>{}</span></a></li>',
        url,
        icon,
        _current(context["path"], url, path_of(besides)),
        display.icon(icon),
        label,
    )


def _current(path: str, url: str, besides: str | None = None) -> SafeString:
    if path == url:
        return SafeString(' aria-current="page"')
    inside = url != "/" and path.startswith(url) and path != besides
    return SafeString(' aria-current="true"' if inside else "")


@register.simple_tag
def still(name: str) -> SafeString:
    """A partial that depends on nothing but the language; drawn once a process and language."""
    return _still(name, get_language() or "")


@lru_cache(maxsize=100)
def _still(name: str, language: str) -> SafeString:
    return render_to_string(name)


@register.inclusion_tag("core/_state_line.html")
def state_line(states: Any, current: str, reached: dict[str, datetime] | None = None) -> dict:
    """The steps of a process. ``states`` is (value, label) in order, ``reached`` says when each
    was entered; a step before the current one that was never entered shows as skipped.
    """
    states = list(states)
    place = [value for value, _label in states].index(current)
    reached = reached or {}
    steps = []
    for number, (value, label) in enumerate(states):
        if number == place:
            look = "current"
        elif number > place:
            look = "ahead"
        else:
            look = "done" if value in reached or not reached else "skipped"
        steps.append({"label": label, "look": look, "at": reached.get(value), "value": value})
    return {"steps": steps}


@register.simple_tag
def path(name: str) -> str:
    """The path of a named page, or "" where no room offers it (``{% path "x:y" as url %}``)."""
    return path_of(name)


@register.filter
def describedby(bound_field: Any) -> SafeString:
    """Draw a form field's widget tied to its help and its errors for screen readers."""
    ids = []
    if bound_field.help_text:
        ids.append(f"{bound_field.auto_id}_help")
    attrs = {}
    if bound_field.errors:
        ids.append(f"{bound_field.auto_id}_error")
        attrs["aria-invalid"] = "true"
    if ids:
        attrs["aria-describedby"] = " ".join(ids)
    return bound_field.as_widget(attrs=attrs)
