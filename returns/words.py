"""The room's words for templates: labels of codes, and a due date that says when it is late."""

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from config.core import display, jinja
from returns.policy import reason_label
from returns.states import CloseReason, Condition, Disposition, Liability, NextActor, State

_LABELS = {
    "rma_state": dict(State.choices),
    "close_reason": dict(CloseReason.choices),
    "next_actor": dict(NextActor.choices),
    "liability": dict(Liability.choices),
    "condition": dict(Condition.choices),
    "disposition": dict(Disposition.choices),
}


def label(kind: str):
    """A filter that turns a stored code into its translated word; unknown codes stay."""
    words = _LABELS[kind]
    return lambda code: str(words.get(code, code))


def reason(code: str) -> str:
    """The label of an Amazon reason code; an empty one is a dash."""
    return str(reason_label(code)) if code else "–"


def due(moment) -> SafeString:
    """When a step is due, marked with a word when it is over."""
    text = display.age(moment)
    if moment is None or moment > timezone.now():
        return text
    return mark_safe(f'<span class="tag late">{text}</span>')


FILTERS = {name: label(name) for name in _LABELS} | {"reason": reason, "due": due}


def register() -> None:
    """Offer the filters to the compiled row templates."""
    jinja.FILTERS.update(FILTERS)
