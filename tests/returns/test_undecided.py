"""The pages where people decide what reports leave open, and what follows from a decision."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from invoicing.matching import match_refunds
from invoicing.models import MoneyFact, Refund
from orders.models import OrderLine
from returns import intake
from returns.models import RMA
from tests.factories import make_marketplace, make_order, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.orders.doubts import make_doubt, make_unsure, make_waiting

pytestmark = pytest.mark.django_db
IDENTITY, WAITING = "/orders/identity/", "/returns/waiting/"


@pytest.fixture
def lead(client):
    person = make_user("lead")
    client.force_login(person)
    return person


def lines_of(order) -> list[OrderLine]:
    return list(order.lines.order_by("pk"))


def tile(client, key: str):
    return next((one for one in client.get("/").context["tiles"] if one.key == key), None)


def decide(client, line: OrderLine, **data):
    return client.post(reverse("returns:identity-line", args=[line.pk]), data, follow=True)


def queries(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


# --- Lines to identify ---------------------------------------------------------------------------
def test_list_shows_lines_codes_and_their_money(client, lead):
    order = make_doubt()
    settlement = make_settlement(order.seller)
    for code, amount, refunded in (("111", "119.00", False), ("111", "-19.00", True)):
        make_fact(settlement, order, None, amount, order_item_code=code, is_refund=refunded)
    page = client.get(IDENTITY + "?decided=false").content.decode()
    assert page.count("data-row") == 2
    assert "119.00" in page
    assert "19.00" in page.replace("119.00", "")
    assert page.count('<option value="222">') == 2


def test_taken_code_is_not_offered_again(client, lead):
    first, _second = lines_of(make_doubt())
    decide(client, first, code="111")
    page = client.get(IDENTITY + "?decided=false").content.decode()
    assert '<option value="111">' not in page
    assert '<option value="222">' in page


def test_decision_and_way_back(client, lead):
    first, _second = lines_of(make_doubt())
    assert "Decided." in decide(client, first, code="111").content.decode()
    first.refresh_from_db()
    assert first.order_item_id == "111"
    assert lead.username in client.get(IDENTITY + "?decided=true").content.decode()
    assert "Taken back." in decide(client, first, take_back="1").content.decode()
    first.refresh_from_db()
    assert first.order_item_id is None


def test_refusal_is_said(client, lead):
    first, second = lines_of(make_doubt())
    decide(client, first, code="111")
    assert "already has the code 111" in decide(client, second, code="111").content.decode()
    assert "No report names the code" in decide(client, second).content.decode()


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor"])
def test_others_neither_see_nor_decide(client, role):
    client.force_login(make_user(role))
    line = lines_of(make_doubt())[0]
    assert client.get(IDENTITY).status_code == 403
    decide(client, line, code="111")
    line.refresh_from_db()
    assert line.order_item_id is None


@pytest.mark.parametrize(("role", "count"), [("lead", 2), ("finance", 2), ("agent", None)])
def test_today_counts_lines_for_those_who_decide(client, role, count):
    client.force_login(make_user(role))
    make_doubt()
    found = tile(client, "identity")
    assert (found and found.count) == count


def test_list_costs_the_same_for_two_lines_and_six(client, lead):
    make_doubt()
    few = queries(client, IDENTITY)
    make_doubt()
    make_doubt()
    assert queries(client, IDENTITY) == few == 4


def test_money_of_the_code_finds_its_refund_after_the_decision(
    client, lead, django_capture_on_commit_callbacks
):
    order = make_doubt()
    first = lines_of(order)[0]
    make_fact(make_settlement(order.seller), order, None, "-119.00", order_item_code="111")
    match_refunds()
    assert not Refund.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        decide(client, first, code="111")
    refund = Refund.objects.get()
    assert (refund.source, refund.state) == ("amazon", "confirmed")
    assert MoneyFact.objects.get().order_line == first
    answer = decide(client, first, take_back="1").content.decode()
    assert "Refunds stand on the money" in answer


# --- Returns waiting for facts -------------------------------------------------------------------
def test_waiting_return_is_listed_with_what_to_do(client, lead):
    make_waiting(amazon_rma_id="DWAITRRMA", requested_on="2026-10-14")
    intake.intake_returns()
    page = client.get(WAITING).content.decode()
    assert "DWAITRRMA" in page
    assert "or say its marketplace" in page
    assert "2026" in page
    found = tile(client, "waiting")
    assert (found.count, found.url) == (1, WAITING)
    assert f'href="{WAITING}"' in client.get("/imports/").content.decode()


def test_saying_the_marketplace_makes_the_rma(client, lead, django_capture_on_commit_callbacks):
    row = make_waiting()
    intake.intake_returns()
    assert not RMA.objects.exists()
    url = row.order.get_absolute_url()
    assert "Say the marketplace" in client.get(url).content.decode()
    german = make_marketplace("DE")
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{url}marketplace/", {"marketplace": german.pk})
    rma = RMA.objects.get()
    assert (rma.marketplace, rma.currency) == (german, "EUR")
    assert rma.lines.get().amazon_return == row
    assert "has become an RMA" in client.get(WAITING).content.decode()


def test_agent_reads_the_list_but_does_not_say_the_marketplace(client):
    client.force_login(make_user("agent"))
    row = make_waiting()
    assert client.get(WAITING).status_code == 200
    client.post(f"{row.order.get_absolute_url()}marketplace/", {"marketplace": 1})
    row.order.refresh_from_db()
    assert row.order.marketplace is None


def test_marketplace_is_asked_only_while_it_is_open(client, lead):
    order = make_order()
    page = client.get(order.get_absolute_url()).content.decode()
    assert "Say the marketplace" not in page
    assert "Choose the line" not in page


def test_return_of_two_lines_becomes_an_rma_of_the_chosen_one(
    client, lead, django_capture_on_commit_callbacks
):
    order = make_doubt()
    row, line = make_unsure(order), lines_of(order)[1]
    assert "choose the line" in client.get(WAITING).content.decode()
    url = f"{order.get_absolute_url()}return-line/"
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(url, {"amazon_return": row.pk, "line": line.pk}).status_code == 302
    assert RMA.objects.get().lines.get().order_line == line
    assert client.post(url, {"amazon_return": row.pk, "line": line.pk}).status_code == 422


def test_return_that_is_an_rma_does_not_wait(client, lead):
    make_rma()
    assert "has become an RMA" in client.get(WAITING).content.decode()


def test_waiting_list_costs_the_same_for_one_and_three(client, lead):
    make_waiting()
    one = queries(client, WAITING)
    for n in (2, 3):
        make_waiting(order_id=f"302-9000001-000000{n}", natural_key=str(n))
    assert queries(client, WAITING) == one == 3


@pytest.mark.parametrize("url", [IDENTITY, WAITING])
def test_list_leaves_as_csv(client, lead, url):
    make_doubt()
    make_waiting()
    sheet = b"".join(client.get(url + "?export=csv").streaming_content).decode()
    assert len(sheet.strip().splitlines()) >= 2
