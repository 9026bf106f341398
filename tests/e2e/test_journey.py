"""The main job in the browser, by three people, on Amazon's own report files: order imported, RMA
requested, approved, shipped back, received and inspected, refunded, credited, closed when Amazon's
settlement shows the money, and a settlement report that ties to the cent.
"""

import csv
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from playwright.sync_api import Page, expect

from invoicing.models import Document, MoneyFact, Refund
from invoicing.states import DocumentState, RefundState
from orders.models import Buyer
from returns.models import RMA
from tests.e2e.steps import open_form, press, state_is, upload
from tests.factories import make_seller, make_user
from tests.papers import make_issuing

pytestmark = pytest.mark.e2e
ORDER = "302-5550201-7712001"


@pytest.fixture
def seller(transactional_db):
    seller = make_seller(code="DH")
    make_issuing(seller)
    return seller


def request_return(page: Page) -> str:
    """The agent enters a return of five of the twenty-five units."""
    page.goto(f"/returns/new/?order={ORDER}")
    form = page.locator("form[method=post]").filter(has_text="GEHOERSCHUTZ-25")
    form.get_by_label("Units").fill("5")
    form.get_by_label("Reason", exact=True).select_option(label="Defective")
    form.get_by_role("button", name="Request the return").click()
    expect(page.locator("h1")).to_contain_text("RMA-")
    return page.locator("h1").inner_text().split()[0]


def inspect(page: Page, number: str) -> None:
    """The inspector scans the order id and grades all units as good."""
    page.goto("/returns/inspect/")
    page.get_by_label("Scan or type").fill(ORDER)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(number)
    page.get_by_label("Units").first.fill("5")
    page.locator("label", has_text="As new").first.click()
    page.locator("label", has_text="Back to stock").first.click()
    page.get_by_role("button", name="Receive and inspect").click()
    page.goto(f"/returns/{number}/")
    state_is(page, "Inspected")


def complete_buyer(page: Page) -> None:
    """Amazon's report names the company only; the invoice needs its address and VAT id."""
    buyer = Buyer.objects.get(legal_name="Müller & Söhne GmbH")
    page.goto(f"/buyers/{buyer.pk}/")
    form = open_form(page, "Set address")
    form.get_by_label("Kind").select_option("billing")
    form.get_by_label(re.compile(r"^Address( \(|$)")).fill("Beispielweg 1")
    form.get_by_label("Postal code").fill("50667")
    form.get_by_label("City").fill("Köln")
    form.get_by_label("Country").fill("DE")
    form.get_by_role("button", name="Set address").click()
    expect(page.locator(".messages")).to_contain_text("Address saved")


def carry_out(page: Page, refund: Refund) -> None:
    """Finance approves, reads the figure for Seller Central, and enters what was done."""
    page.goto(f"/orders/{ORDER}/")
    press(page, "Issue invoice")
    expect(page.locator(".messages")).to_contain_text("nvoice")
    page.goto(f"/refunds/{refund.key}/")
    press(page, "Approve")
    state_is(page, "Approved")
    expect(page.get_by_text("To type into Seller Central")).to_be_visible()
    press(page, "I carry it out now")
    state_is(page, "Being carried out")
    form = open_form(page, "It is done in Seller Central")
    form.get_by_label("Refunded on").fill("2026-10-29")
    form.get_by_label("Total refunded").fill("119.00")
    form.get_by_role("button", name="It is done in Seller Central").click()
    state_is(page, "Sent")


@pytest.fixture(autouse=True)
def _in_october():
    """The day on which the settlement's refund was posted."""
    with time_machine.travel("2026-10-29T09:00:00Z", tick=True):
        yield


def test_return_goes_from_order_to_settled_report(desk, seller, tmp_path):
    lead, agent = make_user("lead"), make_user("agent")
    inspector, finance = make_user("inspector"), make_user("finance")
    books, desk_page, bench = desk(finance), desk(agent), desk(inspector, width=820)
    upload(books, "orders_all_DE_vcs_utf8.tsv")

    number = request_return(desk_page)
    chief = desk(lead)
    chief.goto(f"/returns/{number}/")
    press(chief, "Approve")
    state_is(chief, "Approved")

    desk_page.goto(f"/returns/{number}/")
    form = open_form(desk_page, "Record parcel")
    form.get_by_label("Carrier").fill("DHL")
    form.get_by_label("Tracking number").fill("JD014600000000000001")
    form.get_by_role("button", name="Record parcel").click()
    state_is(desk_page, "Shipped back")

    inspect(bench, number)
    desk_page.goto(f"/returns/{number}/")
    form = open_form(desk_page, "Propose refund")
    form.get_by_role("button", name="Propose refund").click()
    expect(desk_page.locator(".messages")).to_contain_text("roposed")
    refund = Refund.objects.get(origin=number)
    assert (refund.gross, refund.tax) == (Decimal("119.00"), Decimal("19.00"))

    complete_buyer(books)
    carry_out(books, refund)
    note = Document.objects.get(kind="credit_note")
    assert (note.state, note.gross) == (DocumentState.ISSUED, Decimal("119.00"))
    pdf = books.request.get(f"/documents/{note.pk}/file/")
    assert pdf.body().startswith(b"%PDF-")

    upload(books, "settlement_v2_DE_decimal_comma_utf8.tsv")
    assert RMA.objects.get(number=number).state == "closed"
    assert Refund.objects.get(pk=refund.pk).state == RefundState.CONFIRMED
    check_report(books, number, tmp_path)


def check_report(page: Page, number: str, folder: Path) -> None:
    """The report of October ties to the buyer's refund money in Amazon's file, to the cent."""
    page.goto("/reports/new/")
    page.get_by_label("Posted from").fill("2026-10-01")
    page.get_by_label("Posted to").fill("2026-10-31")
    page.get_by_label("Format").select_option("csv")
    page.get_by_role("button", name="Run the report").click()
    link = page.get_by_role("link", name=re.compile("csv", re.IGNORECASE)).first
    expect(link).to_be_visible()
    with page.expect_download() as waiting:
        link.click()
    path = folder / "report.csv"
    waiting.value.save_as(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    by_status = {row["Status"]: row for row in rows}
    assert by_status["matched"]["RMA"] == number
    seen = sum(Decimal(row["Amazon amount"]) for row in rows)
    facts = MoneyFact.objects.filter(is_refund=True, bucket="buyer")
    assert seen == -sum(fact.amount for fact in facts) == Decimal("218.90")
