"""Values on pages: amounts, ages, dates, states, ids; the navigation; preferences."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.template import engines
from django.utils import timezone, translation

from config.core import display

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def text(html):
    return html.replace("&nbsp;", " ").replace('<span class="money">', "").replace(
        '<span class="cur">', ""
    ).replace("</span>", "")  # fmt: skip


@pytest.mark.parametrize(
    ("language", "amount", "currency", "shown"),
    [
        ("en", "1234.5", "EUR", "1,234.50 EUR"),
        ("de", "1234.5", "EUR", "1.234,50 EUR"),
        ("en", "-0.005", "USD", "−0.01 USD"),
        ("ja", "1234", "JPY", "1,234 JPY"),
        ("en", "0", "GBP", "0.00 GBP"),
    ],
)
def test_money_follows_language_and_currency(language, amount, currency, shown):
    with translation.override(language):
        assert text(display.money(Decimal(amount), currency)) == shown


def test_money_of_nothing_is_a_dash():
    assert display.money(None, "EUR") == display.NOTHING


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (5, "now"), (60, "1 min"), (3600, "1 h"), (3 * 86400 + 5, "3 d"), (15 * 86400, "2 w"),
        (70 * 86400, "2 mo"), (800 * 86400, "2 y"), (-5, "now"), (-2 * 86400, "in 2 d"),
    ],
)  # fmt: skip
def test_age_is_short_and_exact_on_hover(seconds, shown):
    moment = NOW - dt.timedelta(seconds=seconds)
    with time_machine.travel(NOW, tick=False), timezone.override("Europe/Berlin"):
        html = display.age(moment)
    assert html.replace("\N{NO-BREAK SPACE}", " ").endswith(f">{shown}</time>")
    local = moment + dt.timedelta(hours=1 if moment.month in (11, 12, 1, 2) else 2)
    assert f'title="{local:%Y-%m-%d %H:%M} CE' in html


def test_age_of_a_day_names_the_day():
    with time_machine.travel(NOW, tick=False):
        assert 'title="2026-11-18"' in display.age(dt.date(2026, 11, 18))


def test_date_is_that_of_the_readers_zone():
    late = dt.datetime(2026, 11, 21, 23, 30, tzinfo=dt.UTC)
    with timezone.override("Asia/Tokyo"):
        assert ">2026-11-22</time>" in display.date(late)


def test_state_is_a_word_beside_its_colour():
    assert display.state_badge("goods_rejected") == (
        '<span class="state" data-state="goods_rejected">Goods rejected</span>'
    )
    assert ">Geprüft<" in display.state_badge("inspected", "Geprüft")


@pytest.mark.parametrize("evil", ['"><script>', "<b>"])
def test_values_are_escaped(evil):
    for html in (display.state_badge(evil), display.copy_id(evil), display.icon(evil)):
        assert evil not in html


def test_jinja_escapes_and_knows_the_filters():
    template = engines["jinja2"].from_string("{{ a }}|{{ m|money('EUR') }}|{{ _('Next') }}")
    html = template.render({"a": "<i>", "m": Decimal("1.00")})
    assert html.startswith("&lt;i&gt;|<span")
