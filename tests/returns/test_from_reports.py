"""From a row of a report to why it is that much: links on the run's page, and the key searched."""

from datetime import timedelta

import pytest
from django.utils import timezone

from invoicing.crediting import record_credit_note
from invoicing.models import Refund
from invoicing.reports import runs
from invoicing.reports.kinds import Scope, named
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.money import DAY, make_fact, make_settlement
from tests.invoicing.reports.conftest import OCTOBER, file_of, rows_of
from tests.invoicing.reports.test_datev import kept_by_datev
from tests.invoicing.reports.test_journal import confirmed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _november(time_machine):
    time_machine.move_to(DAY + timedelta(days=5), tick=True)


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def page_of(client, run) -> str:
    return client.get(f"/reports/{run.pk}/").content.decode()


@pytest.mark.usefixtures("_november")
@pytest.mark.parametrize("kind", ["settlement", "journal", "vat", "datev"])
@pytest.mark.parametrize("output_format", ["csv", "xlsx", "pdf"])
def test_every_row_leads_to_why(client, finance, kind, output_format):
    if output_format not in named(kind).formats:
        output_format = "csv"
    refund = confirmed(make_order(), "30.00", "5.70")
    kept_by_datev(refund.seller)
    scope = Scope(OCTOBER.date_from, OCTOBER.date_to, refund.seller)
    run = runs.run(kind, scope, output_format, by=finance)
    page = page_of(client, run)
    assert page.count(f'href="/refunds/{refund.key}/why/"') == run.rows > 0


def test_money_without_a_refund_has_no_link(client, finance):
    order = make_order(lines=2)
    fact = make_fact(make_settlement(order.seller), order, None, "-7.00", at=timezone.now())
    scope = Scope(fact.posted_on, fact.posted_on)
    page = page_of(client, runs.run("settlement", scope, "csv", by=finance))
    assert fact.amazon_order_id in page
    assert "/why/" not in page
    for address in (f"/money/untied/?q={fact.amazon_order_id}",
                    f"/settlements/?q={fact.settlement}"):  # fmt: skip
        assert f'href="{address}"' in page
        assert client.get(address).content.decode().count("data-row") == 1


def test_credit_note_of_a_row_leads_to_the_document(client, finance):
    refund = Refund.objects.get(origin=make_rma("refunded").number)
    today = timezone.localdate()
    record_credit_note(refund, by=finance, number="CN-2026-77", issue_date=today)
    page = page_of(client, runs.run("settlement", Scope(today, today), "csv", by=finance))
    assert 'href="/documents/?q=CN-2026-77"' in page
    assert "CN-2026-77" in client.get("/documents/?q=CN-2026-77").content.decode()


def test_sums_of_costs_lead_to_their_cases(client, finance):
    rma = make_rma("refunded")
    make_rma("requested")
    today = timezone.localdate()
    run = runs.run("cost", Scope(today, today), "csv", by=finance)
    [row] = [row for row in rows_of(run) if row["Cases"] == "1"]
    page = page_of(client, run)
    address = f"/returns/?cause=DEFECTIVE&amp;liability={row['Liability']}&amp;seller="
    assert address in page
    start = page.index(address)
    link = page[start : page.index('"', start)].replace("&amp;", "&")
    queue = client.get(link).content.decode()
    assert f'href="/returns/{rma.number}/"' in queue


def test_file_of_before_a_column_was_added_still_shows(client, finance):
    refund = Refund.objects.get(origin=make_rma("refunded").number)
    today = timezone.localdate()
    run = runs.run("settlement", Scope(today, today), "csv", by=finance)
    path = file_of(run)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines), "utf-8")
    assert f"/refunds/{refund.key}/why/" in page_of(client, run)


def test_key_from_a_file_is_found_by_both_searches(client, finance):
    refund = Refund.objects.get(origin=make_rma("refunded").number)
    answer = client.get("/search/", {"q": f" {refund.key} "})
    assert answer["Location"] == refund.get_absolute_url()
    listed = client.get("/refunds/", {"q": str(refund.key)}).content.decode()
    assert listed.count("data-row") == 1
    unknown = "00000000-0000-4000-8000-000000000000"
    assert "Nothing found" in client.get("/search/", {"q": unknown}).content.decode()
    assert client.get("/refunds/", {"q": unknown}).content.decode().count("data-row") == 0
