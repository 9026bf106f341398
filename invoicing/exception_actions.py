"""Which buttons an exception offers to a person, and why the rest are not theirs.

The verbs in ``matches/exceptions.py`` decide again under their lock.
"""

from typing import Any

from django import forms as django_forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.core.roles import may
from invoicing import finance_forms, forms
from invoicing.actions import NOT_YOURS, Action
from invoicing.matches.exceptions import PERMISSION
from invoicing.models import Match
from invoicing.models.match import Result

# verb → label, form, danger
_OPEN: dict[str, tuple[Any, type[django_forms.Form] | None, bool]] = {
    "take": (_("I take care of it"), None, False),
    "explain": (_("Explain it"), finance_forms.ExplainForm, False),
    "note": (_("Write down what is known"), finance_forms.NoteForm, False),
    "hand-over": (_("Hand it over"), finance_forms.OwnerForm, False),
}
_EXPLAINED = {"reopen": (_("Open it again"), forms.ReasonForm, False)}


def of_exception(match: Match, user: Any, bound: dict | None = None) -> list[Action]:
    """The buttons of an exception, the next one first; ``bound`` holds forms posted with errors."""
    if match.result == Result.MATCHED:
        return []
    offered = _OPEN if match.result == Result.OPEN else _EXPLAINED
    refused = "" if may(user, PERMISSION) else str(NOT_YOURS)
    mine = match.owner_id == user.pk
    found = []
    for verb, (label, form, danger) in offered.items():
        if verb == "take" and mine:
            continue
        shown = (bound or {}).get(verb) or (form(auto_id=f"{verb}_%s") if form else None)
        if verb == "note" and form and verb not in (bound or {}):
            shown.fields["text"].initial = match.note
        url = reverse("invoicing:exception-verb", args=[match.pk, verb])
        next_one = verb == ("explain" if mine else "take")
        found.append(
            Action(verb, str(label), url, next_one and not refused, refused, danger=danger,
                   form=shown)
        )  # fmt: skip
    return found
