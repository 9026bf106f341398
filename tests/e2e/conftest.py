"""A real browser: Debian's Chromium on the live server, as one person, one width, one scheme.

``desk(person)`` opens a page that is logged in; a console error or a broken CSP fails the test.
Never wait with ``wait_for_function``: it needs eval, which the CSP forbids (use ``wait_for_url``
or ``expect``).
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=15_000)  # two cores also serve the page, the database and PDFs
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """One browser a worker. A missing one fails: nothing is skipped."""
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is missing: apt-get install chromium"
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs a loop in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
    patch.undo()


@pytest.fixture
def desk(chromium, live_server, transactional_db):
    """Open a logged-in page: ``desk(person, width=390, scheme="dark")``; ``page.complaints``."""
    contexts, pages = [], []

    def open_page(person=None, width=1440, scheme="light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            has_touch=width < 500,
            base_url=live_server.url,
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        if person is not None:
            client = Client()
            client.force_login(person)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies(
                [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
            )
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: _note(page, said))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        pages.append(page)
        return page

    yield open_page
    complaints = [said for page in pages for said in page.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


def _note(page: Page, said) -> None:
    if said.type in ("error", "warning") and "favicon" not in said.location.get("url", ""):
        page.complaints.append(f"{said.text} ({said.location.get('url')})")


@pytest.fixture
def check_page():
    """Assert that a page has no axe violation and no sideways scrolling."""

    def check(page: Page) -> None:
        found = [
            f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}"
            for one in Axe().run(page).response["violations"]
        ]
        assert found == [], page.url
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url

    return check
