"""Every page, in light and dark, wide and on a phone: no axe violation, no sideways scrolling, no
complaint of the browser; and the keyboard alone goes everywhere.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import SCHEMES, WIDTHS, open_case
from tests.e2e.world import addresses, furnish, names, posts
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.e2e
# Who looks at which pages: every URL name that answers with a page, once.
PAGES = {
    ("agent", "lists"): ("returns:queue", "returns:orders", "returns:search"),
    ("agent", "entry"): ("returns:new", "returns:bulk", "returns:order"),
    ("lead", "cases"): ("returns:rma",),
    ("lead", "desk"): ("returns:today", "returns:hand-over", "returns:refund-preview"),
    ("lead", "open facts"): ("returns:identity", "returns:waiting"),
    ("inspector", "bench"): ("returns:inspect", "returns:inspect-rma", "returns:buyers",
                             "returns:buyer"),
    ("finance", "refunds"): ("invoicing:refunds", "invoicing:refund"),
    ("finance", "documents"): ("invoicing:documents", "invoicing:drafts", "invoicing:document",
                               "invoicing:document-xml", "invoicing:tax-data"),
    ("finance", "desk"): ("invoicing:feeds", "invoicing:feed", "invoicing:bank-files",
                          "invoicing:bank-file", "returns:why"),
    ("finance", "exceptions"): ("invoicing:exceptions", "invoicing:exception",
                                "invoicing:untied", "invoicing:money"),
    ("finance", "settlements"): ("invoicing:settlements", "invoicing:settlement"),
    ("finance", "books"): ("invoicing:ledger", "invoicing:periods", "invoicing:period",
                           "invoicing:rates", "invoicing:rate-new", "returns:charts"),
    ("finance", "reports"): ("invoicing:reports", "invoicing:report-new",
                             "invoicing:report-run", "invoicing:report-job"),
    ("admin", "imports"): ("orders:imports", "orders:import-new", "orders:import",
                           "orders:import-job"),
    ("admin", "jobs"): ("core:jobs", "core:job", "returns:activity"),
    ("nobody", "door"): ("login",),
}  # fmt: skip
# GET addresses that are no pages: files, a redirect to a page, and what monitors ask.
NO_PAGES = {
    "core:job-download", "core:job-errors", "core:healthz", "core:readyz",
    "invoicing:document-file", "invoicing:document-artifact", "invoicing:report-file",
    "invoicing:bank-file-xml",
    "invoicing:opening-balance", "orders:import-problems", "returns:evidence", "returns:start",
}  # fmt: skip


@pytest.fixture
def world(tmp_path, transactional_db):
    return furnish(tmp_path)


def test_every_url_is_looked_at_or_is_no_page(world):
    looked_at = [name for pages in PAGES.values() for name in pages]
    assert len(looked_at) == len(set(looked_at))
    assert set(names()) == set(looked_at) | NO_PAGES | set(posts(world))
    assert set(addresses(world)) == set(looked_at) | NO_PAGES


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("part", PAGES, ids="-".join)
def test_pages_are_accessible(desk, world, check_page, part, width):
    where, (role, _pages) = addresses(world), part
    page = desk(getattr(world.people, role, None), width)
    for name in PAGES[part]:
        for address in where[name]:
            answer = page.goto(address)
            assert (address, answer.status) == (address, 200)
            _in_both(page, check_page)


def test_the_check_itself_finds_what_is_wrong(desk, world, check_page):
    """The control: a field without a name, pale text and a wide page do not pass."""
    page = desk(world.people.lead, 390)
    for harm in (
        "document.querySelector('main label').remove()",
        "document.querySelector('main p').style.color = '#eee'",
        "document.querySelector('main').style.width = '900px'",
    ):
        page.goto("/imports/new/")
        check_page(page)
        page.evaluate(harm)
        with pytest.raises(AssertionError):
            check_page(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_open_forms_are_accessible(desk, world, check_page, width):
    page = desk(world.people.lead, width)
    shown_to_lead = (world.rmas["requested"], world.rmas["inspected"], world.taken, world.sent,
                     world.invoice, world.draft)  # fmt: skip
    for shown in shown_to_lead:
        page.goto(shown.get_absolute_url())
        for summary in page.locator("aside summary").all():
            summary.click()
        _in_both(page, check_page)


@pytest.mark.parametrize("width", WIDTHS)
def test_menus_and_dialogs_are_accessible(desk, world, check_page, width):
    page = desk(world.people.lead, width)
    page.goto("/returns/")
    page.locator("[name=ids]").first.check()
    page.locator(".filter-more summary").click()
    _in_both(page, check_page)
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    _in_both(page, check_page)
    page.keyboard.press("Escape")
    page.locator("[popovertarget=user-menu]").click()
    _in_both(page, check_page)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_with_errors_are_accessible(desk, world, check_page, width):
    page = desk(world.people.lead, width)
    complaints = page.complaints
    page.goto(f"/returns/new/?order={world.order.amazon_order_id}")
    page.get_by_role("button", name="Request the return").click()
    expect(page.locator(".summary")).to_be_focused()
    _in_both(page, check_page)
    page.goto(f"/returns/{world.rmas['shipped'].number}/inspect/")
    page.get_by_role("button", name="Receive and inspect").click()
    expect(page.locator(".summary")).to_be_focused()
    _in_both(page, check_page)
    page.goto("/returns/bulk/")
    page.locator("main").get_by_label("Rows").fill("302-0000000-0000000;NOTHING;1;CR-DEFECTIVE")
    page.locator("main form button[type=submit]").first.click()
    _in_both(page, check_page)
    assert page.goto("/returns/RMA-2026-999999/").status == 404
    _in_both(page, check_page)
    assert page.goto("/reports/new/").status == 403
    _in_both(page, check_page)
    # the browser itself notes answers of 4xx; nothing else
    said = [one for one in complaints if "status of 4" not in one]
    complaints.clear()
    assert said == []


def _in_both(page: Page, check_page) -> None:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        check_page(page)


# --- The keyboard --------------------------------------------------------------------------------
@pytest.fixture
def queue(desk):
    """The returns queue with three cases, as a lead sees it."""
    lead, order = make_user("lead"), make_order(lines=1, quantity=9)
    for _ in range(3):
        make_rma(by=lead, order=order, quantity=1)
    page = desk(lead)
    page.goto("/returns/")
    expect(page.locator("[data-row]")).to_have_count(3)
    return page


def test_first_tab_stop_skips_to_the_content(queue):
    queue.keyboard.press("Tab")
    skip = queue.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    queue.keyboard.press("Enter")
    expect(queue.locator("#main")).to_be_focused()


def test_every_tab_stop_shows_where_it_is(queue):
    """Nothing that takes the focus hides it, and the focus leaves the page again."""
    seen = []
    for _ in range(60):
        queue.keyboard.press("Tab")
        here = queue.evaluate(
            """() => { const at = document.activeElement, look = getComputedStyle(at);
            return at === document.body ? null : [at.tagName, at.outerHTML.slice(0, 80),
              look.outlineStyle !== 'none' || look.boxShadow !== 'none']; }"""
        )
        if here is None:
            break
        seen.append(here)
    assert len(seen) > 10
    assert [text for _tag, text, shown in seen if not shown] == []


def test_slash_searches_and_letters_then_type(queue):
    queue.keyboard.press("/")
    box = queue.locator("#f-q")
    expect(box).to_be_focused()
    queue.keyboard.type("j?")
    expect(box).to_have_value("j?")


def test_slash_searches_everything_where_there_is_no_list(queue):
    queue.goto("/")
    queue.keyboard.press("/")
    expect(queue.locator("#search")).to_be_focused()
    queue.keyboard.type("RMA-")
    queue.keyboard.press("Enter")
    expect(queue).to_have_url(re.compile(r"/search/\?q=RMA-"))


def test_j_and_k_walk_the_rows_and_enter_opens_one(queue):
    links = queue.locator("[data-row] th a")
    queue.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    queue.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    queue.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    number = links.nth(0).inner_text()
    queue.keyboard.press("Enter")
    expect(queue).to_have_url(re.compile(f"/returns/{number}/$"))


@pytest.mark.parametrize(
    ("key", "place"),
    [("t", "/"), ("q", "/returns/"), ("o", "/orders/"), ("f", "/refunds/"), ("d", "/documents/")],
)
def test_g_goes_to_the_place_its_help_names(queue, key, place):
    queue.goto("/buyers/")
    queue.keyboard.press("g")
    queue.keyboard.press(key)
    expect(queue).to_have_url(re.compile(rf"^https?://[^/]+{place}$"))


def test_r_shows_the_refund_preview_of_a_case(queue):
    rma = make_rma("inspected", by=make_user("lead"))
    open_case(queue, rma)
    queue.keyboard.press("r")
    expect(queue.locator("h1")).to_contain_text("Refund preview")


def test_a_takes_the_next_action(queue):
    rma = make_rma(by=make_user("lead"))
    open_case(queue, rma)
    queue.keyboard.press("a")
    expect(queue.locator("#messages")).to_contain_text("Approved")


def test_question_mark_lists_the_keys_and_escape_returns(queue):
    queue.keyboard.press("j")
    queue.keyboard.press("?")
    dialog = queue.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    queue.keyboard.press("j")  # the list beneath stands still
    queue.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(queue.locator("[data-row] th a").first).to_be_focused()


def test_everything_works_with_the_keyboard_alone(queue):
    """Open a case, decline it with a reason: no mouse."""
    queue.keyboard.press("j")
    queue.keyboard.press("Enter")
    queue.wait_for_url(re.compile(r"/returns/RMA-"))
    summary = queue.locator("summary", has_text="Decline")
    summary.focus()
    queue.keyboard.press("Enter")
    queue.keyboard.press("Tab")
    queue.keyboard.type("Out of the window")
    queue.keyboard.press("Tab")
    queue.keyboard.press("Enter")
    expect(queue.locator("#messages")).to_contain_text("Declined")
