"""A list in the browser: filters without a reload, keys, choosing, confirming, both schemes."""

import re

import pytest
from playwright.sync_api import expect

from config.core.models import User
from config.core.trail import trail
from tests.config.test_lists import make_orders, place  # noqa: F401 a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.urls("tests.config.list_page")]
URL = "/example/"


@pytest.fixture
def person(transactional_db):
    somebody = User(username="browser-lead", role="lead")
    somebody.set_password("only for this test")
    with trail("test", by=User.objects.system()):
        somebody.save()
    return somebody


@pytest.fixture
def orders(place):  # noqa: F811 the fixture of that name
    make_orders(place, 70)
    make_orders(place, 20, status="approved", marketplace=place[2])
    return place


@pytest.fixture
def page(desk, person, orders):
    page = desk(person)
    page.goto(URL)
    return page


def status(page):
    return page.locator("#list-status")


def test_filter_changes_rows_address_and_count_without_a_reload(page):
    page.evaluate("window.mark = 1")
    page.select_option("#f-state", "approved")
    expect(status(page)).to_have_text("20 results")
    expect(page).to_have_url(re.compile("state=approved"))
    page.fill("#f-q", "approved-0001")
    expect(status(page)).to_have_text("1 result")
    expect(page.locator("#f-q")).to_be_focused()
    page.click("text=Clear all")
    expect(status(page)).to_have_text("90 results")
    expect(page.locator("#f-q")).to_have_value("")
    expect(page.locator("#f-state")).to_have_value("")
    page.go_back()
    expect(status(page)).to_have_text("1 result")
    assert page.evaluate("window.mark") == 1


def test_scope_stays_until_its_pill_is_removed(page, orders):
    page.select_option("#f-marketplace", orders[2].code)
    expect(status(page)).to_have_text("20 results")
    page.goto(URL)
    expect(status(page)).to_have_text("20 results")
    page.click(".pill")
    expect(status(page)).to_have_text("90 results")
    expect(page.locator("#f-marketplace")).to_have_value("")


def test_next_page_starts_at_the_top(page):
    page.click("a[rel=next]")
    expect(page.locator("a[rel=prev]")).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(40)
    assert page.evaluate("scrollY") == 0


def test_keys_move_choose_and_open(page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("[data-row] th a").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1")
    page.keyboard.press("k")
    expect(page.locator("[data-row] th a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.keyboard.type("j?")
    expect(page.locator("#f-q")).to_have_value("j?")
    expect(page.locator("#help")).not_to_be_visible()


def test_keys_rest_when_switched_off(page):
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.click("[popovertarget=user-menu]")
    page.select_option("#menu-keyboard", "off")
    page.click(".menu-form button")
    expect(page.locator("body")).to_have_attribute("data-keyboard", "off")
    page.keyboard.press("?")
    expect(page.locator("#help")).not_to_be_visible()


def test_bulk_action_asks_first_and_posts_the_chosen_rows(page):
    page.check("[data-pick-all]")
    page.click("button[value=approve]")
    expect(page.locator("#confirm p").first).to_have_text("Approve 50 orders?")
    page.click("#confirm button[value=no]")
    expect(page.locator("button[value=approve]")).to_be_focused()
    page.click("button[value=approve]")
    page.click("#confirm button[value=yes]")
    page.wait_for_url("**/bulk/")
    assert len(page.inner_text("body").split()) == 50


def test_ended_session_leads_to_the_log_in_page(page):
    page.context.clear_cookies()
    page.select_option("#f-state", "approved")
    page.wait_for_url(re.compile(r"/login/\?next="))


LOOKS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_list_is_accessible_at_every_width_and_scheme(desk, person, orders, check_page, look):
    page = desk(person, *look)
    page.goto(f"{URL}?state=requested")
    page.locator("[name=ids]").first.check()
    check_page(page)
    page.click(".filter-more summary")
    check_page(page)


def test_navigation_and_menu_open_on_a_phone(desk, person, check_page):
    page = desk(person, 390)
    page.goto(URL)
    expect(page.locator("#nav")).not_to_be_visible()
    page.click(".nav-open")
    expect(page.locator("#nav")).to_be_visible()
    check_page(page)
    page.keyboard.press("Escape")
    page.click("[popovertarget=user-menu]")
    check_page(page)


def test_log_in_page_is_accessible_and_shows_what_is_wrong(desk, person, check_page):
    for width, scheme in LOOKS:
        page = desk(None, width, scheme)
        page.goto("/login/")
        check_page(page)
        page.fill("[name=username]", "nobody")
        page.fill("[name=password]", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator(".summary")).to_be_focused()
        check_page(page)
