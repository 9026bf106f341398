"""Refunds, documents and reports in Chromium: axe clean, on a phone and in the dark."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from invoicing import documents, settlement
from invoicing.matching import match_refunds
from invoicing.models import Document
from tests.factories import make_order, make_user
from tests.invoicing.money import make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def story(finance) -> list[str]:
    """Refunds in several states, documents, a run; returns the pages that show them."""
    today = timezone.now().date()
    waiting = make_refund(make_order(), ("10.00", "1.90"), state="proposed", sent_on=today)
    taken = make_refund(make_order(), ("10.00", "1.90"), state="sending", sent_on=today)
    order = make_order()
    paid = make_refund(order, ("30.00", "5.70"), sent_on=today - timedelta(days=1))
    make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-35.00", adjustment="A1",
        at=timezone.now(),
    )  # fmt: skip
    stub = make_order(facts_complete=False)
    make_fact(make_settlement(stub.seller), stub, None, "-7.00", adjustment="A2", at=timezone.now())
    match_refunds()
    documents.record_credit_note(paid, by=finance, number="CN-1", issue_date=today)
    period = settlement.Period(date(today.year - 1, 1, 1), today)
    run = settlement.run_report(period, "csv", by=finance)
    note = Document.objects.get(number="CN-1")
    return [
        "/refunds/",
        *(refund.get_absolute_url() for refund in (waiting, taken, paid)),
        "/documents/",
        note.get_absolute_url(),
        "/settlement/",
        "/settlement/new/",
        "/settlement/untied/",
        f"/settlement/{run.pk}/",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_pages_are_accessible(desk, check_page, width, scheme):
    finance = make_user("finance")
    page = desk(finance, width=width, scheme=scheme)
    for path in story(finance):
        page.goto(path)
        check_page(page)
        for folded in page.locator("details:not([open]) > summary").all():
            if folded.is_visible():
                folded.click()
        check_page(page)


def test_bulk_approval_asks_with_totals(desk, check_page):
    finance = make_user("finance")
    for _ in range(2):
        make_refund(
            make_order(), ("10.00", "1.90"), state="proposed", sent_on=timezone.now().date()
        )
    page = desk(finance)
    page.goto("/refunds/?state=proposed")
    page.get_by_label("Choose all rows of this page").check()
    page.get_by_role("button", name="Approve").click()
    check_page(page)
    assert "23.80" in page.inner_text("main")
    page.get_by_role("button", name="Approve").click()
    assert "2 refunds approved." in page.inner_text("#messages")
