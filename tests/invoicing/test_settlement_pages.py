"""Settlements with their sums, the page of any amount, and the way from other numbers to it."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invoicing.crediting import record_credit_note
from invoicing.matches import rows
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import JournalLine, Match, MoneyFact, Refund
from invoicing.models.match import Kind
from orders.models import ImportFile
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def make_file(total="-18.29", refunded=None):
    """A settlement: 11.90 to a buyer, a fee of Amazon's for it, 5.09 of the account; after a
    refund of ours of (net, tax) ``refunded``.
    """
    order, fields = make_order(), {}
    if refunded:
        make_refund(order, refunded)
    settlement = make_settlement(order.seller)
    settlement.total = Decimal(total)
    settlement.save()
    line = order.lines.get()
    fields["buyer"] = make_fact(settlement, order, line, "-11.90", adjustment=f"A{order.pk}")
    fields["fee"] = make_fact(settlement, order, line, "-1.30", adjustment=f"A{order.pk}",
                              bucket="fee", amount_type="ItemFees", component="",
                              amount_description="RefundCommission")  # fmt: skip
    fields["account"] = MoneyFact.objects.create(
        settlement=settlement, seller=order.seller, bucket="account", amount=Decimal("-5.09"),
        currency="EUR", transaction_type="ServiceFee", amount_type="Subscription",
        amount_description="Subscription Fee", posted_at=DAY, posted_on=DAY.date(),
        row_hash=f"account{settlement.pk}",
    )  # fmt: skip
    return settlement, order, fields


def text_of(client, address, **query) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def plain(html: str) -> str:
    """What a person reads, with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " "))


def queries_of(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        client.get(address)
    return len(seen)


# --- Settlements ---------------------------------------------------------------------------------


def test_list_names_every_file_and_leads_to_it(client, finance):
    assert "Import a settlement report" in text_of(client, "/settlements/")
    settlement, *_ = make_file()
    page = text_of(client, "/settlements/")
    assert f'href="/settlements/{settlement.pk}/"' in page
    assert "−18.29" in page
    assert 'href="/settlements/"' in text_of(client, "/")  # the navigation
    assert text_of(client, "/settlements/", q="nothing").count("data-row") == 0
    assert text_of(client, "/settlements/", q=settlement.settlement_id).count("data-row") == 1


@pytest.mark.parametrize("count", [1, 4])
def test_list_asks_the_same_queries_for_any_number(client, finance, count):
    for _ in range(count):
        make_file()
    assert queries_of(client, "/settlements/") <= 4


def test_settlement_adds_up_by_whose_money_it_is(client, finance):
    settlement, _order, facts = make_file()
    page = text_of(client, settlement.get_absolute_url())
    said = plain(page)
    assert "The rows add up to the file's own total of −18.29 EUR ; the difference is 0.00 EUR" in (
        said.replace("&#x27;", "'")
    )
    for label, amount in (("Buyer's money", "−11.90"), ("Fees", "−1.30"), ("Account", "−5.09")):
        assert re.search(rf"{label} all 1 {amount} EUR", said.replace("&#x27;", "'")), label
    assert page.count("data-row") == 3
    for fact in facts.values():
        assert f'href="/money/{fact.pk}/"' in page
    only = text_of(client, settlement.get_absolute_url(), bucket="account")
    assert only.count("data-row") == 1
    assert f'href="/money/{facts["account"].pk}/"' in only
    assert text_of(
        client, settlement.get_absolute_url(), bucket="fee", transaction="Refund"
    ).count("data-row") == 1  # fmt: skip


def test_settlement_that_does_not_add_up_says_so(client, finance):
    settlement, *_ = make_file(total="-20.00")
    said = plain(text_of(client, settlement.get_absolute_url()))
    assert "1.71 EUR apart" in said
    assert "the difference is" not in said


def test_settlement_leads_to_its_import_and_to_why(client, finance):
    settlement, order, _facts = make_file(refunded=("10.00", "1.90"))
    match_refunds()
    refund = order.refunds.get()
    settlement.import_file = ImportFile.objects.create(
        file_name="settlement.tsv", sha256="0" * 64, size=1, by=finance
    )
    settlement.save()
    for address in ("/settlements/", settlement.get_absolute_url()):
        assert f'href="/imports/{settlement.import_file_id}/"' in text_of(client, address)
    assert f'href="/refunds/{refund.key}/why/"' in text_of(client, settlement.get_absolute_url())
    assert client.get("/settlements/999999/").status_code == 404


def test_long_settlement_is_paged_by_key_with_fixed_queries(client, finance):
    settlement, order, _facts = make_file()
    assert queries_of(client, settlement.get_absolute_url()) <= 6
    for number in range(60):
        make_fact(settlement, order, None, "-1.00", adjustment=f"B{number}")
    assert queries_of(client, settlement.get_absolute_url()) <= 6
    page = text_of(client, settlement.get_absolute_url())
    assert page.count("data-row") == 50
    [after] = set(re.findall(r"after=([\w-]+)", page))
    assert text_of(client, settlement.get_absolute_url(), after=after).count("data-row") == 13


def test_rows_of_a_settlement_come_by_index():
    settlement, *_ = make_file()
    wanted = MoneyFact.objects.filter(settlement=settlement).order_by("id")[:51]
    assert "money_of_settlement" in plan_of(wanted)


def plan_of(query) -> str:
    """The plan where reading the whole table is no choice."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return query.explain()


# --- Any amount ----------------------------------------------------------------------------------


def test_amount_of_the_account_has_a_page(client, finance):
    settlement, _order, facts = make_file()
    page = text_of(client, facts["account"].get_absolute_url())
    assert f'href="{settlement.get_absolute_url()}"' in page
    assert "ServiceFee / Subscription / Subscription Fee" in page
    assert "−5.09" in page
    assert "Say what it means" not in page
    assert "not certain" not in page


def test_amount_that_a_refund_stands_for_leads_to_all_of_it(client, finance):
    _settlement, order, facts = make_file(refunded=("10.00", "1.90"))
    match_refunds()
    refresh()
    refund = order.refunds.get()
    page = text_of(client, facts["buyer"].get_absolute_url())
    line = JournalLine.objects.get(fact=facts["buyer"])
    match = Match.objects.get(refund=refund)
    for address in (refund.get_absolute_url(), f"/refunds/{refund.key}/why/",
                    match.get_absolute_url(), f"/periods/{line.journal.period_id}/",
                    order.get_absolute_url()):  # fmt: skip
        assert f'href="{address}"' in page, address
    assert "11.90" in page
    assert f'href="/money/{facts["fee"].pk}/"' not in page  # other money, another page


def test_echo_and_what_counts_name_each_other(client, finance):
    _settlement, order, facts = make_file()
    echo = MoneyFact.objects.create(
        source="finances", transaction_id="T1", seller=order.seller, order=order, bucket="echo",
        told="buyer", echo_of=facts["buyer"], is_refund=True, amount=Decimal("-11.90"),
        currency="EUR", transaction_type="Refund", amount_type="ItemPrice", row_hash="echo",
        amount_description="Principal", amazon_order_id=order.amazon_order_id, posted_at=DAY,
        posted_on=DAY.date(),
    )  # fmt: skip
    assert f'href="{facts["buyer"].get_absolute_url()}"' in text_of(client, echo.get_absolute_url())
    assert f'href="{echo.get_absolute_url()}"' in text_of(client, facts["buyer"].get_absolute_url())


def test_page_of_an_amount_asks_few_queries(client, finance):
    _settlement, _order, facts = make_file()
    for fact in facts.values():
        assert queries_of(client, fact.get_absolute_url()) <= 11


def test_comparison_of_an_amount_is_found_by_indexes_alone():
    _settlement, order, facts = make_file()
    order.lines.update(sku="OTHER")
    match_refunds()
    refresh()
    fact = MoneyFact.objects.get(pk=facts["buyer"].pk)
    tied = make_file()[2]["buyer"]
    tied.refund = make_refund(make_order(), ("10.00", "1.90"))
    for one in (fact, tied):
        plan = plan_of(rows.query_of(one))
        assert "Seq Scan" not in plan, plan
    if fact.refund_id is None:
        assert rows.of_money(fact) == Match.objects.get(kind=Kind.MONEY)
    assert rows.of_money(facts["account"]) is None


# --- The way there from other pages --------------------------------------------------------------


def test_refund_order_and_exception_lead_to_the_amount_and_its_settlement(client, finance):
    settlement, order, facts = make_file(refunded=("10.00", "2.00"))  # Amazon shows 11.90
    match_refunds()
    refresh()
    refund = order.refunds.get()
    pages = [refund.get_absolute_url(), order.get_absolute_url()]
    pages += [one.get_absolute_url() for one in Match.objects.all()]
    for address in pages:
        page = text_of(client, address)
        assert f'href="{facts["buyer"].get_absolute_url()}"' in page, address
        assert f'href="{settlement.get_absolute_url()}"' in page, address


def test_lines_of_refund_and_credit_note_lead_to_their_figure(client, finance):
    refund = make_refund(make_order(), ("10.00", "1.90"))
    day = timezone.now().date()
    record_credit_note(refund, by=finance, number="CN-1", issue_date=day)
    refund = Refund.objects.select_related("document").get(pk=refund.pk)
    figure = f"/refunds/{refund.key}/why/#line-{refund.lines.get().pk}"
    for address in (refund.get_absolute_url(), refund.document.get_absolute_url()):
        assert f'href="{figure}"' in text_of(client, address), address
    assert f'id="line-{refund.lines.get().pk}"' in text_of(client, f"/refunds/{refund.key}/why/")
    invoice = refund.order.documents.get(kind="invoice")
    assert "#line-" not in text_of(client, invoice.get_absolute_url())


def test_sums_of_a_month_lead_to_their_lines(client, finance):
    refund = make_refund(make_order(), ("10.00", "1.90"))
    make_refund(make_order(), ("20.00", "3.80"), sent_on=date(2026, 9, 2))
    period = refund.journals.get().period
    page = text_of(client, f"/periods/{period.pk}/")
    links = [
        link.replace("&amp;", "&")
        for link in re.findall(r'href="(/ledger/\?period=[^"]+account=[^"]+)"', page)
    ]
    assert len(links) == 3
    for link in links:
        assert client.get(link).content.decode().count("data-row") == 1, link


def test_agents_may_look_at_settlements(client):
    settlement, *_ = make_file()
    client.force_login(make_user("agent"))
    assert client.get("/settlements/").status_code == 200
    assert client.get(settlement.get_absolute_url()).status_code == 200
    client.logout()
    assert client.get("/settlements/").status_code == 302
