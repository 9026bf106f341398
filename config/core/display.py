"""How single values look on a page: amounts, ages, dates, states, ids.

Shared by the Django templates (``{% load retour %}``) and the compiled row templates (jinja.py).
No queries, no domain words: a state is any short word, its colour is chosen in the stylesheet.
Drawn by the thousand, so words are translated once a language and plain strings escaped as such.
"""

import datetime as dt
from decimal import Decimal
from functools import cache, lru_cache
from html import escape

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, get_group_symbol
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

from config.core.money import round_money
from config.core.reader import reader

NOTHING = SafeString('<span class="nil">–</span>')
_STEPS = ((60, "min"), (3600, "h"), (86400, "d"), (7 * 86400, "w"), (30 * 86400, "mo"))
_YEAR = 365 * 86400


def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount in the reader's notation with its ISO currency, such as ``1.234,50 EUR``.

    Rounded to the currency's own decimals (JPY has none). None is shown as a dash, and so is the
    amount of an order whose currency no report has named yet.
    """
    if amount is None or not currency:
        return NOTHING
    return SafeString(
        f'<span class="money">{number(amount, currency)}'
        f'<span class="cur">&nbsp;{escape(currency)}</span></span>'
    )


def number(amount: Decimal, currency: str) -> str:
    """The figures of an amount alone, grouped, with a true minus sign."""
    rounded = round_money(Decimal(amount), currency)
    places = max(0, -rounded.as_tuple().exponent)
    group, point = _symbols(reader().language)
    whole, _, fraction = f"{abs(rounded):,.{places}f}".partition(".")
    sign = "\N{MINUS SIGN}" if rounded < 0 else ""
    return sign + whole.replace(",", group) + (point + fraction if fraction else "")


def percent(rate: Decimal | None) -> str:
    """A tax rate as people read it: 0.19 is "19 %"; a dash where there is none."""
    if rate is None:
        return "–"
    point = _symbols(reader().language)[1]
    return f"{(Decimal(rate) * 100).normalize():f} %".replace(".", point)


@cache
def _symbols(language: str) -> tuple[str, str]:
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return get_group_symbol(locale), get_decimal_symbol(locale)


def age(moment: dt.datetime | dt.date | None) -> SafeString:
    """How long ago (``3 d``) or how far ahead (``in 3 d``), the exact time in ``<time title>``."""
    if moment is None:
        return NOTHING
    by = reader()
    is_day = not isinstance(moment, dt.datetime)
    if is_day:
        moment = dt.datetime.combine(moment, dt.time.min, by.zone)
    seconds = int((by.now - moment).total_seconds())
    units = _units(by.language)
    words = _short(abs(seconds), units)
    if seconds <= -60:
        words = units["in"] % {"age": words}
    iso, exact = _exact(moment, by.zone)
    return SafeString(
        f'<time datetime="{iso}" title="{exact[:10] if is_day else exact}">{words}</time>'
    )


def _exact(moment: dt.datetime, zone: dt.tzinfo) -> tuple[str, str]:
    """A moment for machines and for people, both in the reader's time zone."""
    local = moment.astimezone(zone)
    iso = local.isoformat(timespec="seconds")
    return iso, f"{iso[:10]} {iso[11:16]} {local.tzname()}"


@cache
def _units(language: str) -> dict[str, str]:
    """The short words for spans of time, translated once a language."""
    words = {unit: pgettext("age", unit) for _seconds, unit in _STEPS}
    words |= {"now": pgettext("age", "now"), "y": pgettext("age", "y")}
    return words | {"in": escape(gettext("in %(age)s"))}


def _short(seconds: int, units: dict[str, str]) -> str:
    if seconds < 60:
        return units["now"]
    if seconds >= _YEAR:
        return f"{seconds // _YEAR}\N{NO-BREAK SPACE}{units['y']}"
    size, unit = next(step for step in reversed(_STEPS) if seconds >= step[0])
    return f"{seconds // size}\N{NO-BREAK SPACE}{units[unit]}"


def date(moment: dt.datetime | dt.date | None) -> SafeString:
    """A day as ``2026-11-21`` in the reader's time zone; the exact time on hover."""
    if moment is None:
        return NOTHING
    if not isinstance(moment, dt.datetime):
        return SafeString(f'<time datetime="{moment:%Y-%m-%d}">{moment:%Y-%m-%d}</time>')
    iso, exact = _exact(moment, reader().zone)
    return SafeString(f'<time datetime="{iso}" title="{exact}">{iso[:10]}</time>')


def state_badge(state: str | None, label: str | None = None) -> SafeString:
    """A dot and a word. ``label`` is the translated word, else the state itself is spoken."""
    if not state:
        return NOTHING
    return _badge(str(state), str(label) if label else "", reader().language)


@lru_cache(maxsize=2000)
def _badge(state: str, label: str, language: str) -> SafeString:
    word = label or gettext(state.replace("_", " ").capitalize())
    return SafeString(f'<span class="state" data-state="{escape(state)}">{escape(word)}</span>')


def copy_id(value: str | None, label: str = "") -> SafeString:
    """A button that copies an id; the id itself is written by the caller, usually as a link."""
    if not value:
        return SafeString("")
    name = _copy_word(reader().language) % {"id": escape(str(label or value))}
    return SafeString(
        f'<button type="button" class="copy" data-copy="{escape(str(value))}" aria-label="{name}"'
        f' title="{name}"><svg aria-hidden="true"><use href="{_icons()}#copy"/></svg></button>'
    )


@cache
def _copy_word(language: str) -> str:
    return escape(gettext("Copy %(id)s"))


def icon(name: str) -> SafeString:
    """One drawing of ``static/icons.svg``; decoration only, the word stands beside it."""
    return SafeString(
        f'<svg class="icon" aria-hidden="true"><use href="{_icons()}#{escape(name)}"/></svg>'
    )


@cache
def _icons() -> str:
    return static("icons.svg")
