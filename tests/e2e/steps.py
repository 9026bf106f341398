"""What people do on pages, shared by the browser tests. What must come of it is in each test."""

import re
from pathlib import Path

from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from invoicing.models import Refund
from returns.models import RMA

WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
REPORTS = Path(__file__).resolve().parent.parent / "data" / "reports"


def upload(page: Page, report: str | Path) -> None:
    """Import a report (a sample by its name) through the upload page; wait until it is done."""
    page.goto("/imports/new/")
    page.set_input_files("[name=file]", REPORTS / report)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported", exact=True).first).to_be_visible()


def press(page: Page, name: str) -> None:
    """Press a button of the page by what it says."""
    page.get_by_role("button", name=name, exact=True).first.click()


def open_form(page: Page, name: str) -> Locator:
    """Open the form behind a button and return it."""
    page.locator("summary", has_text=name).first.click()
    page.wait_for_load_state("networkidle")
    return page.locator("details[open] form").filter(
        has=page.get_by_role("button", name=name, exact=True)
    )


def door(page: Page, verb: str) -> Locator:
    """The form of a verb, whatever its button says in these days."""
    return page.locator(f"main form[method=post][action$='/{verb}/']").first


def act(page: Page, verb: str, **fields: str) -> None:
    """Open a verb's form where it is folded, fill its fields by name, send it, see the answer."""
    form = door(page, verb)
    folded = form.locator("xpath=ancestor::details[not(@open)]")
    if folded.count():
        folded.locator("summary").first.click()
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("node => node.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    with page.expect_navigation():
        form.locator("button[type=submit]").click()


def open_case(page: Page, rma: RMA) -> None:
    """Open the page of a case."""
    page.goto(reverse("returns:rma", args=[rma.number]))
    expect(page.locator("h1")).to_contain_text(rma.number)


def open_refund(page: Page, refund: Refund) -> None:
    """Open the page of a refund."""
    page.goto(reverse("invoicing:refund", args=[refund.key]))


def carry_out(page: Page, refund: Refund) -> None:
    """Finance approves a proposed refund and does it in Seller Central."""
    open_refund(page, refund)
    act(page, "approve")
    state_is(page, "Approved")
    act(page, "start")
    act(page, "mark_sent", amount=str(refund.gross))
    state_is(page, "Sent")


def state_is(page: Page, word: str) -> None:
    """The badge beside the title says the state."""
    expect(page.locator(".page-actions .state").first).to_have_text(word)


def step_is(page: Page, name: str) -> None:
    """The line of six steps stands at this one."""
    here = page.get_by_role("list", name="Progress").locator("[aria-current=step]")
    expect(here.locator(".step-name")).to_have_text(name)


def said(page: Page, text: str | re.Pattern) -> None:
    """The page says this above its content."""
    expect(page.locator("#messages")).to_contain_text(text)


def newest(page: Page) -> Locator:
    """The latest entry of what happened."""
    return page.locator(".timeline > li").first
