"""What a person's portal remembers: scope (seller, marketplace), density, keyboard, theme.

Stored in ``User.preferences``; nothing here decides what somebody may see.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from config.core.trail import trail

CHOICES = {
    "density": ("comfortable", "compact"),
    "keyboard": ("on", "off"),
    "theme": ("auto", "light", "dark"),
}


def of(user: Any) -> dict[str, Any]:
    """The stored preferences of a person; empty for anonymous visitors."""
    return getattr(user, "preferences", None) or {}


def remember(user: Any, **changes: Any) -> None:
    """Store changed preferences; the trail does not record them."""
    user.preferences = {**of(user), **changes}
    get_user_model().objects.filter(pk=user.pk).update(preferences=user.preferences)


@require_POST
@login_required
def change(request: HttpRequest) -> HttpResponse:
    """Set language, density, keyboard or theme from the user menu, then go back."""
    chosen = {
        name: request.POST[name]
        for name, allowed in CHOICES.items()
        if request.POST.get(name) in allowed
    }
    if chosen:
        remember(request.user, **chosen)
    response = HttpResponseRedirect(_back(request))
    language = request.POST.get("language", "")
    if language and check_for_language(language) and language in dict(settings.LANGUAGES):
        with trail("change_language", by=request.user):
            get_user_model().objects.filter(pk=request.user.pk).update(language=language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
    return response


def _back(request: HttpRequest) -> str:
    url = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if allowed else "/"
