"""The pages of exceptions, ledger, periods and exchange rates: what they show, their buttons."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from invoicing import fx
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import FxRate, Match, Period
from invoicing.models.match import Result
from tests.factories import make_order, make_user
from tests.invoicing.money import make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_november")]
LATER = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def _november(time_machine):
    time_machine.move_to(LATER, tick=True)


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def text_of(response) -> str:
    return response.content.decode()


def make_exception(amount="35.00", order=None, **fields) -> Match:
    """Our refund of 35.70, of which Amazon's settlement shows another amount."""
    order = order or make_order()
    refund = make_refund(order, ("30.00", "5.70"), **fields)
    make_fact(make_settlement(order.seller), order, order.lines.get(), f"-{amount}",
              adjustment=f"A{order.pk}")  # fmt: skip
    match_refunds()
    refresh()
    return Match.objects.get(refund=refund)


def make_missing(**fields) -> Match:
    """Our refund, sent in October, that no settlement shows."""
    refund = make_refund(make_order(), ("10.00", "1.90"), **fields)
    refresh()
    return Match.objects.get(refund=refund)


def act(client, match, verb, **data):
    url = reverse("invoicing:exception-verb", args=[match.pk, verb])
    return client.post(url, data, follow=True)


def again(row):
    return type(row).objects.get(pk=row.pk)


# --- Exceptions ----------------------------------------------------------------------------------


def test_exceptions_show_their_cause_sentence_and_amounts(client, finance):
    match = make_exception()
    page = text_of(client.get("/exceptions/"))
    assert f'href="/exceptions/{match.pk}/"' in page
    assert "Amount differs" in page
    assert "Decided were 35.70 EUR, Amazon shows 35.00" in page


@pytest.mark.parametrize("count", [1, 3])
def test_exceptions_ask_the_same_queries_for_any_number(client, finance, count):
    for _ in range(count):
        make_exception()
    client.get("/exceptions/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/exceptions/")
    assert len(queries) == 5  # those of every list, and the causes


def test_exceptions_are_found_by_cause_owner_and_amount(client, finance):
    differs, missing = make_exception(), make_missing()
    act(client, missing, "take")
    for query, wanted in (
        ({"cause": "amount"}, differs),
        ({"cause": "missing"}, missing),
        ({"owner": "mine"}, missing),
        ({"owner": "nobody"}, differs),
        ({"difference_max": "-5"}, missing),
        ({"q": differs.order.amazon_order_id}, differs),
    ):
        page = text_of(client.get("/exceptions/", query))
        assert page.count("data-row") == 1, query
        assert f'href="/exceptions/{wanted.pk}/"' in page, query


def test_exception_page_links_every_side(client, finance):
    match = make_exception()
    page = text_of(client.get(match.get_absolute_url()))
    invoice = match.order.documents.get(kind="invoice")
    for side in (match.order, match.refund, invoice):
        assert f'href="{side.get_absolute_url()}"' in page
    assert f"/refunds/{match.refund.key}/why/" in page
    assert "35.00" in page
    assert "none on record" not in page


def test_exception_page_says_that_no_invoice_is_on_record(client, finance):
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    match_refunds()
    page = client.get(Match.objects.get(order=order).get_absolute_url())
    assert "none on record" in text_of(page)


def test_exception_is_taken_noted_handed_over_explained_and_reopened(client, finance):
    match, other = make_missing(), make_user("finance")
    act(client, match, "take")
    assert again(match).owner == finance
    act(client, match, "note", text="Asked Amazon.")
    assert "Asked Amazon." in text_of(client.get(match.get_absolute_url()))
    act(client, match, "hand-over", owner=other.pk)
    assert again(match).owner == other
    told = act(client, match, "explain", resolution="external", reason="Paid by cheque.")
    assert "Explained." in text_of(told)
    assert again(match).result == Result.EXPLAINED
    assert text_of(client.get("/exceptions/")).count("data-row") == 0
    assert text_of(client.get("/exceptions/", {"result": "explained"})).count("data-row") == 1
    act(client, match, "reopen", reason="The cheque came back.")
    assert again(match).result == Result.OPEN
    page = text_of(client.get(match.get_absolute_url()))
    assert "explained the exception" in page
    assert "opened the exception again" in page


def test_explaining_without_a_reason_keeps_what_was_entered(client, finance):
    match = make_missing()
    answer = act(client, match, "explain", resolution="external")
    assert answer.status_code == 422
    assert "Please check the form" in text_of(answer)
    assert again(match).result == Result.OPEN


@pytest.mark.parametrize("role", ["lead", "auditor", "admin"])
def test_exception_of_somebody_who_may_only_look(client, role):
    match = make_missing()
    client.force_login(make_user(role))
    assert "Your role may not do this" in text_of(client.get(match.get_absolute_url()))
    assert "Your role may not" in text_of(act(client, match, "take"))
    assert again(match).owner is None
    assert "Choose row" not in text_of(client.get("/exceptions/"))


def bulk(client, verb, *matches, **data):
    url = reverse("invoicing:exceptions-verb", args=[verb])
    return client.post(url, {"ids": [one.pk for one in matches], **data}, follow=True)


def test_several_are_taken_at_once(client, finance):
    pair = [make_missing(), make_exception()]
    assert "2 exceptions changed." in text_of(bulk(client, "take", *pair))
    assert {again(one).owner for one in pair} == {finance}


def test_several_of_one_cause_are_explained_together(client, finance):
    pair = [make_missing(), make_missing()]
    preview = text_of(bulk(client, "explain", *pair))
    assert "Explain 2 exceptions" in preview
    assert "−23.80" in preview
    assert {again(one).result for one in pair} == {Result.OPEN}
    said = {"confirm": "1", "resolution": "timing", "reason": "Amazon pays late."}
    assert "2 exceptions changed." in text_of(bulk(client, "explain", *pair, **said))
    assert {again(one).result for one in pair} == {Result.EXPLAINED}


def test_several_of_different_causes_are_not_explained_together(client, finance):
    pair = [make_missing(), make_exception()]
    assert "These have different causes" in text_of(bulk(client, "explain", *pair))
    said = {"confirm": "1", "resolution": "external", "reason": "All settled."}
    assert "of one cause together" in text_of(bulk(client, "explain", *pair, **said))
    assert {again(one).result for one in pair} == {Result.OPEN}


def test_nothing_chosen_is_told(client, finance):
    assert "Choose at least one row first." in text_of(bulk(client, "take"))
    assert bulk(client, "forget", make_missing()).status_code == 404


# --- Ledger and periods --------------------------------------------------------------------------


def test_ledger_shows_both_sides_and_leads_to_why(client, finance):
    refund = make_refund(make_order(), ("30.00", "5.70"))
    page = text_of(client.get("/ledger/"))
    assert page.count("data-row") == 3
    why = f"/refunds/{refund.key}/why/"
    assert page.count(f'href="{why}"') == 1  # money on its way is of the whole refund
    figure = f"#of-{refund.order.lines.get().pk}-item"
    assert page.count(f'href="{why}{figure}"') == 2
    assert f'id="{figure[1:]}"' in text_of(client.get(why))
    for amount in ("30.00", "5.70", "35.70"):
        assert amount in page


def test_ledger_is_searched_by_what_people_know(client, finance):
    refund = make_refund(make_order(), ("30.00", "5.70"), origin="RMA-2026-000077")
    make_refund(make_order(), ("10.00", "1.90"), sent_on=date(2026, 11, 2))
    period = refund.journals.first().period
    for query, lines in (
        ({"q": str(refund.key)}, 3),
        ({"q": refund.order.amazon_order_id}, 3),
        ({"q": "rma-2026-000077"}, 3),
        ({"account": "vat"}, 2),
        ({"amount_min": "30", "amount_max": "31"}, 1),
        ({"amount_min": "35.70", "amount_max": "35.70"}, 1),
        ({"country": "de"}, 4),
        ({"period": period.pk}, 3),
        ({"posted_before": "2026-10-31"}, 3),
        ({"q": "nothing-like-it"}, 0),
    ):
        assert text_of(client.get("/ledger/", query)).count("data-row") == lines, query


def test_ledger_as_csv_sums_to_nothing(client, finance):
    make_refund(make_order(), ("30.00", "5.70"))
    answer = client.get("/ledger/", {"export": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert sum(Decimal(row["Debit (credit negative)"]) for row in rows) == 0
    assert {row["Currency"] for row in rows} == {"EUR"}


@pytest.mark.parametrize("count", [1, 3])
def test_ledger_asks_the_same_queries_for_any_number(client, finance, count):
    for _ in range(count):
        make_refund(make_order(), ("30.00", "5.70"))
    client.get("/ledger/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/ledger/")
    assert len(queries) <= 4


def close(client, period, verb="close", **data):
    url = reverse("invoicing:period-verb", args=[period.pk, verb])
    return client.post(url, data, follow=True)


def test_month_names_what_stands_in_the_way_with_links(client, finance):
    match = make_missing()
    period = Period.objects.get()
    page = text_of(client.get(f"/periods/{period.pk}/"))
    assert "These exceptions are open" in page
    assert f'href="{match.get_absolute_url()}"' in page
    assert "Something stands in the way" in page
    assert "These exceptions are open" in text_of(close(client, period))
    assert again(period).state == Period.State.OPEN


def test_month_is_closed_and_reopened_with_its_sums(client, finance):
    match = make_missing()
    period = Period.objects.get()
    act(client, match, "explain", resolution="external", reason="Paid by cheque.")
    assert "the month can be closed" in text_of(client.get(f"/periods/{period.pk}/"))
    assert "The month is closed." in text_of(close(client, period))
    page = text_of(client.get(f"/periods/{period.pk}/"))
    assert "Sums as closed" in page
    assert "11.90" in page
    assert again(period).sha256[:16] in page
    assert text_of(client.get("/periods/", {"state": "closed"})).count("data-row") == 1
    assert close(client, period, "reopen").status_code == 422
    assert again(period).state == Period.State.CLOSED
    close(client, period, "reopen", reason="A late invoice.")
    assert again(period).state == Period.State.OPEN
    page = text_of(client.get(f"/periods/{period.pk}/"))
    assert "A late invoice." in page
    assert "closed the month" in page


@pytest.mark.parametrize("role", ["lead", "auditor"])
def test_month_of_somebody_who_may_only_look(client, role):
    make_missing()
    period = Period.objects.get()
    client.force_login(make_user(role))
    assert "Your role may not do this" in text_of(client.get(f"/periods/{period.pk}/"))
    assert "Your role may not" in text_of(close(client, period))
    assert again(period).state == Period.State.OPEN


@pytest.mark.parametrize("path", ["/exceptions/", "/ledger/", "/periods/", "/rates/", "/feeds/",
                                  "/bank-files/"])  # fmt: skip
def test_agents_have_no_books(client, path):
    client.force_login(make_user("agent"))
    assert client.get(path).status_code == 403


# --- Exchange rates ------------------------------------------------------------------------------
ECB = "Date,USD,JPY,\n2026-11-19,1.0862,N/A,\n2026-11-18,1.0851,163.10,\n"


def upload(client, text, **data):
    file = SimpleUploadedFile("eurofxref-hist.csv", text.encode())
    url = reverse("invoicing:rate-new")
    return client.post(url, {"file": file, "since": "2026-11-01", **data}, follow=True)


def test_banks_file_is_read_from_the_page(client, finance):
    assert "3 rates stored." in text_of(upload(client, ECB))
    page = text_of(client.get("/rates/", {"q": "usd"}))
    assert page.count("data-row") == 2
    assert "1.0862" in page


def test_other_files_and_contradictions_are_told(client, finance):
    assert "not the ECB&#x27;s file" in text_of(upload(client, "<html>"))
    upload(client, ECB)
    assert "differs" in text_of(upload(client, ECB.replace("1.0862", "1.2")))
    assert FxRate.objects.count() == 3


def test_one_rate_is_entered_by_hand(client, finance):
    given = {"quote": "pln", "day": "2026-11-19", "rate": "4.2512", "source": "NBP"}
    url = reverse("invoicing:rate-new")
    assert "The rate is stored." in text_of(client.post(url, given, follow=True))
    assert fx.rate_at("EUR", "PLN", date(2026, 11, 19))[0] == Decimal("4.2512")
    wrong = client.post(url, {**given, "rate": "4.3"})
    assert "said 4.2512 for that day already" in text_of(wrong)
    assert client.post(url, {**given, "rate": ""}).status_code == 422


def test_rates_are_for_finance_to_enter(client):
    client.force_login(make_user("auditor"))
    assert "Add rates" not in text_of(client.get("/rates/"))
    assert upload(client, ECB).status_code == 403


# --- Money without a refund ----------------------------------------------------------------------


@pytest.fixture
def untied_fact():
    """50.00 that Amazon refunded on an order of two lines without saying on which."""
    order = make_order(lines=2)
    refund = make_refund(order, ("30.00", "5.70"))
    fact = make_fact(make_settlement(order.seller), order, None, "-50.00", adjustment="A1")
    match_refunds()
    refresh()
    fact = again(fact)
    assert fact.refund is None
    return SimpleNamespace(fact=fact, order=order, refund=refund)


def assign(client, fact, **data):
    return client.post(reverse("invoicing:money-assign", args=[fact.pk]), data, follow=True)


def test_money_without_a_refund_names_its_order_and_what_it_may_mean(client, finance, untied_fact):
    page = text_of(client.get("/money/untied/"))
    assert f'href="/money/{untied_fact.fact.pk}/"' in page
    page = text_of(client.get(f"/money/{untied_fact.fact.pk}/"))
    assert "Our refund of €35.70, sent" in page
    for line in untied_fact.order.lines.all():
        assert f"A refund Amazon made of {line.sku}" in page
    match = Match.objects.get(kind="money")
    assert f'href="{match.get_absolute_url()}"' in page
    assert f'href="/money/{untied_fact.fact.pk}/"' in text_of(client.get(match.get_absolute_url()))


def test_money_of_a_line_becomes_amazons_refund(client, finance, untied_fact):
    line = untied_fact.order.lines.last()
    given = {"means": f"line-{line.pk}", "reason": "The buyer wrote which one."}
    assert "Decided." in text_of(assign(client, untied_fact.fact, **given))
    fact = again(untied_fact.fact)
    assert (fact.order_line, fact.refund.source) == (line, "amazon")
    assert "Say what it means" not in text_of(client.get(f"/money/{fact.pk}/"))


def test_money_of_our_refund_shows_on_it(client, finance, untied_fact):
    refund = untied_fact.refund
    assign(client, untied_fact.fact, means=f"refund-{refund.pk}", reason="Same day, no other.")
    assert again(untied_fact.fact).refund == refund
    assert "50.00" in text_of(client.get(refund.get_absolute_url()))


def test_what_was_posted_with_it_for_another_sku_stays_untied(client, finance, untied_fact):
    fact, order = untied_fact.fact, untied_fact.order
    given = {"order_item_code": "", "at": fact.posted_at}
    other = make_fact(fact.settlement, order, None, "-7.00", sku="ANOTHER", **given)
    mine = make_fact(fact.settlement, order, None, "-3.00", sku="MINE", **given)
    assign(client, mine, means=f"line-{order.lines.last().pk}", reason="The buyer wrote which.")
    assert (again(mine).refund.gross, again(other).refund) == (Decimal("3.00"), None)


def test_money_is_assigned_with_a_reason_by_finance_only(client, finance, untied_fact):
    line = untied_fact.order.lines.last()
    assert assign(client, untied_fact.fact, means=f"line-{line.pk}").status_code == 422
    assert assign(client, untied_fact.fact, means="line-0", reason="x").status_code == 422
    client.force_login(make_user("lead"))
    told = assign(client, untied_fact.fact, means=f"line-{line.pk}", reason="I say so")
    assert "Your role may not" in text_of(told)
    assert again(untied_fact.fact).refund is None
