"""The room's words for templates: labels of codes, and a due date that says when it is late."""

from datetime import datetime
from functools import cache, lru_cache

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_lazy, pgettext

from config.core import display, jinja
from config.core.reader import reader, word_of
from config.core.sentence import Sentence
from orders.models import Buyer
from returns import return_rate, timeline, words_of_verbs
from returns.models import Message
from returns.reasons import reason_label
from returns.states import CloseReason, Condition, Disposition, Liability, NextActor, State

_CHOICES = {
    "rma_state": State.choices,
    "close_reason": CloseReason.choices,
    "next_actor": NextActor.choices,
    "liability": Liability.choices,
    "condition": Condition.choices,
    "disposition": Disposition.choices,
    "buyer_kind": Buyer.Kind.choices,
    "message_status": Message.Status.choices,
}


def reason(code: str) -> str:
    """The label of an Amazon reason code; an empty one is a dash."""
    return _reason(code, reader().language) if code else "–"


@lru_cache(maxsize=1000)
def _reason(code: str, language: str) -> str:
    return gettext(reason_label(code))


def due(moment) -> SafeString:
    """When a step is due, marked with a word when it is over."""
    text = display.age(moment)
    if moment is None or moment > reader().now:
        return text
    return SafeString(f'<span class="tag late">{text} {_late(reader().language)}</span>')


@cache
def _late(language: str) -> str:
    return escape(pgettext("after a span of time", "late"))


def thing(model: str) -> str:
    """What a row of the trail is about."""
    return str(timeline.THINGS.get(model, model))


def moment(at: datetime) -> SafeString:
    """Day and minute in the reader's zone, for lists that are read by the minute."""
    local = timezone.localtime(at)
    return mark_safe(f'<time datetime="{at.isoformat()}">{local:%Y-%m-%d %H:%M}</time>')


def sentence(stored: dict) -> str:
    """A stored sentence of the policy or a calculation in the reader's language."""
    says = Sentence.from_json(stored.get("says", stored))
    return says.render(gettext, get_language() or "en")


def returns_much(row: dict) -> bool:
    """Whether the return rate of a row of the buyers list is high."""
    return return_rate.is_high(row["order_count"], row["ordered"], row["returned"])


# What a return of Amazon's lacks to become an RMA → what to do about it.
TO_DO = {
    "marketplace": gettext_lazy("Import the orders report of this order, or say its marketplace."),
    "line": gettext_lazy("Several lines can be meant: choose the line on the order's page."),
    "facts": gettext_lazy("Import the orders report of this order."),
    "refused": gettext_lazy("It does not fit the order: look, and enter the return by hand."),
}


def what_to_do(lack: str) -> str:
    """The sentence for what a waiting return lacks."""
    return str(TO_DO[lack])


FILTERS = {name: word_of(choices) for name, choices in _CHOICES.items()} | {
    "reason": reason,
    "due": due,
    "thing": thing,
    "moment": moment,
    "sentence": sentence,
    "verb_past": words_of_verbs.past,
    "returns_much": returns_much,
    "what_to_do": what_to_do,
}


def register() -> None:
    """Offer the filters to the compiled row templates."""
    jinja.FILTERS.update(FILTERS)
