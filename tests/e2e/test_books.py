"""Finance in the browser: a bank transfer from the desk to the statement, and a month that does not
tie until somebody says why, then is closed.
"""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import BankFile, Match, Period, Refund
from tests.e2e.steps import act, newest, open_form, open_refund, press, said, state_is
from tests.factories import make_order, make_seller, make_user
from tests.invoicing.money import make_fact, make_refund, make_settlement
from tests.papers import make_account
from tests.papers import make_refund as make_case_refund

pytestmark = pytest.mark.e2e
OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)


def bulk(page: Page, name: str) -> None:
    """Choose every row and press a button of the bulk bar."""
    page.get_by_label("Choose all rows of this page").check()
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_refund_goes_by_bank_from_the_desk_to_the_statement(desk, check_page, tmp_path):
    refund = make_case_refund("approved")
    make_account(refund.seller)
    books = desk(make_user("finance"))
    open_refund(books, refund)
    act(books, "change_lane", lane="bank", name="Demo Einkauf AG",
        iban="DE89 3704 0044 0532 0130 00", reason="Amazon account is closed")  # fmt: skip
    state_is(books, "Proposed")
    other = desk(make_user("finance"))
    open_refund(other, refund)
    act(other, "approve")

    books.goto("/refunds/?state=approved&lane=bank")
    bulk(books, "Make a bank file")
    expect(books.locator("h1")).to_have_text("Make a bank file of 1 refund")
    expect(books.locator(".figures")).to_contain_text(f"{refund.gross}")
    check_page(books)
    press(books, "Make the file")
    said(books, "The file is made")
    file = BankFile.objects.get()
    with books.expect_download() as waiting:
        books.get_by_role("link", name="pain.001").click()
    path = tmp_path / "pain.xml"
    waiting.value.save_as(path)
    assert path.read_bytes() == bytes(file.content)
    act(books, "executed", on=timezone.localdate().isoformat())
    state_is(books, "Executed")

    open_refund(books, refund)
    state_is(books, "Sent")
    act(books, "confirm_paid", reference="NTRF 4711")
    state_is(books, "Confirmed")
    expect(newest(books)).to_contain_text("saw the transfer on the bank statement")
    books.goto(f"/ledger/?q={refund.key}&account=bank")
    expect(books.locator("[data-row]")).to_have_count(1)
    expect(books.locator("[data-row]")).to_contain_text(f"{refund.gross}")


@pytest.fixture
def october(transactional_db) -> Period:
    """A month with a refund that ties, one with another amount, and one nobody has seen."""
    seller = make_seller()
    with time_machine.travel(OCTOBER):
        orders = [make_order(seller=seller) for _ in range(3)]
        paper = make_settlement(seller)
        for order, seen in zip(orders, ("35.70", "35.00", None), strict=True):
            make_refund(order, ("30.00", "5.70"), sent_on=date(2026, 10, 8))
            if seen:
                make_fact(paper, order, order.lines.get(), f"-{seen}", adjustment=f"A{order.pk}")
        match_refunds()
    refresh()
    return Period.objects.get(month=date(2026, 10, 1))


def explain_credit_notes(books: Page) -> None:
    """What else stands in the way of these refunds: nobody recorded their credit notes."""
    books.goto("/exceptions/?cause=credit_note")
    bulk(books, "Explain")
    books.get_by_label("Resolution").select_option("external")
    books.get_by_label("Reason").fill("Amazon issues them; recorded at the year's end.")
    press(books, "Explain")


def test_month_is_closed_when_everything_ties_or_is_explained(desk, october, check_page):
    differs = Match.objects.get(cause="amount")
    books = desk(make_user("finance"))
    books.goto(f"/periods/{october.pk}/")
    expect(books.get_by_text("These exceptions are open")).to_be_visible()
    books.get_by_role("link", name=f"Amount differs {differs.order}").click()

    expect(books.locator("h1")).to_contain_text("Amount differs")
    press(books, "I take care of it")
    said(books, "It is yours")
    form = open_form(books, "Explain it")
    form.get_by_label("Resolution").select_option("accepted")
    form.get_by_label("Reason").fill("Amazon rounded.")
    form.get_by_role("button", name="Explain it").click()
    said(books, "Explained.")
    assert Refund.objects.get(pk=differs.refund_id).state == "confirmed"

    books.goto("/exceptions/?cause=missing")
    books.keyboard.press("j")
    books.keyboard.press("x")
    with books.expect_navigation():
        books.get_by_role("button", name="Explain", exact=True).click()
    expect(books.locator("h1")).to_have_text("Explain 1 exception")
    check_page(books)
    books.get_by_label("Resolution").select_option("external")
    books.get_by_label("Reason").fill("Paid by cheque.")
    press(books, "Explain")
    said(books, "1 exception changed")
    if Match.objects.filter(result="open", cause="credit_note").exists():
        explain_credit_notes(books)

    books.goto(f"/periods/{october.pk}/")
    expect(books.get_by_text("the month can be closed")).to_be_visible()
    press(books, "Close the month")
    books.locator("#confirm button[value=yes]").click()
    state_is(books, "Closed")
    expect(books.locator(".lines")).to_contain_text("Accepted differences")
    check_page(books)
    act(books, "reopen", reason="A late invoice")
    state_is(books, "Open")
