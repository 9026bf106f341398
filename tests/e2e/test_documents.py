"""A document's life in the browser: issued, read, corrected, handed over, kept; and one the gate
stops until the buyer's VAT id is right.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from invoicing.models import Delivery, Document, Download
from tests.e2e.steps import act, door, open_form, press, said, state_is
from tests.factories import make_buyer, make_user
from tests.papers import make_issuing, make_shipped_order

pytestmark = pytest.mark.e2e


def open_document(page: Page, document: Document) -> None:
    """Open the page of a document."""
    page.goto(document.get_absolute_url())


def confirm(page: Page) -> None:
    """Say yes to what the page asks before something final."""
    dialog = page.get_by_role("dialog", name="Please confirm")
    expect(dialog).to_be_visible()
    with page.expect_navigation():
        dialog.locator("[value=yes]").click()


@pytest.fixture
def finance(transactional_db):
    return make_user("finance")


def test_invoice_is_issued_read_corrected_and_handed_over(desk, finance):
    order = make_shipped_order(lines=2)
    make_issuing(order.seller)
    page = desk(finance)
    page.goto(order.get_absolute_url())
    act(page, "issue-invoice")
    said(page, "The invoice has its number; its files are being made.")
    invoice = Document.objects.get(order=order)

    page.get_by_role("link", name=invoice.number).click()
    state_is(page, "Issued")
    expect(page.locator("#checked-title")).to_have_text("Checked before its number")
    expect(page.get_by_text("nothing found").first).to_be_visible()
    with page.expect_response(re.compile(r"/file/\?inline$")) as shown:
        page.locator("summary", has_text="Show the PDF").click()
    assert shown.value.headers["content-type"] == "application/pdf"
    expect(page.locator("iframe.preview")).to_be_visible()

    page.get_by_role("link", name="Factur-X / ZUGFeRD EN 16931", exact=True).first.click()
    expect(page.locator("pre.source")).to_contain_text(f"<ram:ID>{invoice.number}</ram:ID>")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download XML").click()
    stored = invoice.artifacts.get(kind="facturx")
    assert taken.value.path().read_bytes() == bytes(stored.content)
    assert Download.objects.filter(document=invoice, kind="facturx", by=finance).count() == 1

    open_document(page, invoice)
    expect(page.get_by_text("Who took a file")).to_be_visible()
    form = open_form(page, "Correct this invoice")
    form.locator("[name=reason]").fill("The buyer has moved")
    form.get_by_role("button", name="Correct this invoice").click()
    confirm(page)
    said(page, "Corrected")
    anew = Document.objects.get(order=order, occasion="correction")
    note = Document.objects.get(order=order, occasion="cancellation")
    chain = page.locator("table.chain tbody tr")
    expect(chain).to_have_count(3)
    expect(chain.filter(has_text=note.number)).to_contain_text(invoice.number)
    expect(chain.filter(has_text=anew.number)).to_have_attribute("aria-current", "true")
    assert (anew.state, note.state) == ("issued", "issued")


def test_invoice_is_mailed_mailed_again_and_held(desk, finance):
    order = make_shipped_order()
    make_issuing(order.seller)
    page = desk(finance)
    page.goto(order.get_absolute_url())
    act(page, "issue-invoice")
    invoice = Document.objects.get(order=order)

    open_document(page, invoice)
    act(page, "send")
    said(page, "It goes out within a minute.")
    mail = Delivery.objects.get(document=invoice, channel="email")
    expect(page.locator("#deliveries-title")).to_be_visible()
    expect(page.get_by_text(mail.to).first).to_be_visible()
    act(page, "send", to="archive@demo.example")
    expect(page.get_by_text("archive@demo.example").first).to_be_visible()
    sent = Delivery.objects.filter(document=invoice, channel="email")
    assert sorted(sent.values_list("to", "state")) == [
        ("archive@demo.example", "sent"), (mail.to, "sent"),
    ]  # fmt: skip

    act(page, "place-hold", reason="Tax audit 2026")
    expect(page.locator(".page-actions .tag")).to_have_text("On legal hold")
    form = open_form(page, "Lift the hold")
    form.locator("[name=reason]").fill("The audit is over")
    form.get_by_role("button", name="Lift the hold").click()
    confirm(page)
    said(page, "The hold is lifted.")
    expect(page.locator(".page-actions .tag")).to_have_count(0)


def test_draft_waits_in_the_queue_until_the_vat_id_is_right(desk, finance):
    """Goods to Austria without tax; the buyer's VAT id cannot be one."""
    buyer = make_buyer(country="AT", legal_name="Demo Werkzeug Wien GmbH")
    buyer.tax_ids.all().delete()
    buyer.tax_ids.create(country="AT", number="ATU1234567X", valid_form=False)
    order = make_shipped_order(rate="0", buyer=buyer, ship_country="AT")
    make_issuing(order.seller)
    page = desk(finance)
    page.goto(order.get_absolute_url())
    act(page, "issue-invoice")
    expect(page.locator("#messages .notice.error")).to_contain_text("VAT id is not valid")

    page.goto("/documents/drafts/")
    row = page.locator("[data-row]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("treatment")
    row.locator("[name=ids]").check()
    press(page, "Try again")
    confirm(page)
    expect(page.locator("#messages .notice.error")).to_contain_text(order.amazon_order_id)
    expect(row).to_have_count(1)

    row.locator("th a").first.click()
    state_is(page, "Something is missing")
    expect(door(page, "number").locator("button")).to_have_text("Try again")
    page.get_by_role("link", name="Complete the buyer").click()
    act(page, "tax-id", country="AT", number="ATU90000007")
    said(page, "Tax id added.")

    page.goto("/documents/drafts/")
    row.locator("[name=ids]").check()
    press(page, "Try again")
    confirm(page)
    said(page, re.compile("1 document numbered"))
    expect(page.locator("[data-row]")).to_have_count(0)
    invoice = Document.objects.get(order=order)
    assert (invoice.state, invoice.taxes.get().category) == ("issued", "K")
    open_document(page, invoice)
    state_is(page, "Issued")


def test_agents_read_documents_and_are_told_what_is_not_theirs(desk, finance):
    order = make_shipped_order()
    make_issuing(order.seller)
    page = desk(finance)
    page.goto(order.get_absolute_url())
    act(page, "issue-invoice")
    invoice = Document.objects.get(order=order)
    reader = desk(make_user("auditor"))
    open_document(reader, invoice)
    for label in ("Correct this invoice", "Cancel this invoice", "Place a legal hold"):
        button = reader.get_by_role("button", name=label)
        expect(button).to_have_attribute("aria-disabled", "true")
    expect(reader.get_by_text("Your role may not do this").first).to_be_visible()
