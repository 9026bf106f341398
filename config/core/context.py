"""What every page's frame needs: demo mark, density, keyboard switch, theme."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from config.core import preferences


def page(request: HttpRequest) -> dict[str, Any]:
    """Context processor of the frame (``templates/base.html``); makes no query of its own."""
    chosen = preferences.of(getattr(request, "user", None))
    return {
        "demo": getattr(settings, "RETOUR_DEMO", False),
        "density": chosen.get("density", "comfortable"),
        "keyboard": chosen.get("keyboard", "on"),
        "theme": chosen.get("theme", "auto"),
        "search_url": path_of("returns:search"),
        "preferences_url": path_of("core:preferences"),
        "logout_url": path_of("logout"),
    }


def path_of(name: str) -> str:
    """The path of a named page, or "" where no room offers it; remembered per URL table."""
    return _path_of(name, settings.ROOT_URLCONF)


@cache
def _path_of(name: str, urlconf: str) -> str:
    try:
        return reverse(name, urlconf=urlconf)
    except NoReverseMatch:
        return ""
