"""The pages of the returns desk: who may open them, what they cost, what they say when empty."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from returns import refunding
from tests.factories import make_buyer, make_order, make_rma, make_user
from tests.papers import make_invoice, make_limit, make_shipped_order

pytestmark = pytest.mark.django_db
ROLES = ("agent", "inspector", "lead", "finance", "auditor", "admin")


@pytest.fixture
def lead(client):
    person = make_user("lead")
    client.force_login(person)
    return person


def path(name, *args):
    return reverse(f"returns:{name}", args=args)


def queries(client, url):
    """Queries of a second visit, when what is kept per process is known."""
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(seen)


# --- Who may open what ---------------------------------------------------------------------------
PAGES = {
    "today": ROLES,
    "queue": ROLES,
    "orders": ROLES,
    "buyers": ROLES,
    "search": ROLES,
    "new": ("agent", "lead"),
    "bulk": ("agent", "lead"),
    "inspect": ("inspector", "lead"),
    "activity": ("lead", "finance", "auditor", "admin"),
    "hand-over": ("lead", "admin"),
}


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_for_its_roles_only(client, name):
    for role in ROLES:
        client.force_login(make_user(role))
        expected = 200 if role in PAGES[name] else 403
        assert (role, client.get(path(name)).status_code) == (role, expected)


@pytest.mark.parametrize("name", PAGES)
def test_page_sends_strangers_to_the_log_in(client, name):
    answer = client.get(path(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("role", "place"),
    [("agent", "/"), ("inspector", "/returns/inspect/"), ("lead", "/"), ("admin", "/")],
)
def test_log_in_leads_to_the_work_of_the_role(client, role, place):
    make_user(role, username="somebody")
    form = {"username": "somebody", "password": "a long enough password", "next": "/"}
    answer = client.post("/login/", form, follow=True)
    assert answer.redirect_chain[-1] == (place, 302)


def test_log_in_keeps_the_page_that_was_asked_for(client):
    make_user("inspector", username="somebody")
    form = {"username": "somebody", "password": "a long enough password", "next": "/orders/"}
    assert client.post("/login/", form)["Location"] == "/orders/"


# --- Empty states --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("today", "Nothing waits for you"),
        ("queue", "Returns appear here"),
        ("orders", "Orders appear here"),
        ("buyers", "Buyers appear here"),
        ("inspect", "Nothing waits for the warehouse"),
        ("search", "Search everything"),
        ("new", "Start with an order"),
    ],
)
def test_empty_page_says_what_would_fill_it(client, lead, name, words):
    assert words in client.get(path(name)).content.decode()


def test_today_offers_first_steps_until_something_is_there(client, lead):
    assert "First steps" in client.get("/").content.decode()
    make_rma()
    assert "First steps" not in client.get("/").content.decode()


# --- What pages cost -----------------------------------------------------------------------------
def test_queue_costs_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    one = queries(client, path("queue"))
    make_rma(by=lead)
    make_rma("approved", by=lead)
    assert one == 4
    assert queries(client, path("queue")) == 4


def test_orders_cost_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    one = queries(client, path("orders"))
    make_rma(by=lead)
    make_order()
    assert one == 4
    assert queries(client, path("orders")) == 4


def test_buyers_cost_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    one = queries(client, path("buyers"))
    make_rma(by=lead)
    make_buyer()
    assert one == 4
    assert queries(client, path("buyers")) == 4


def test_activity_costs_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    one = queries(client, path("activity"))
    make_rma(by=lead)
    assert one == 4  # reference data alone is more than a page, so the trail is counted
    assert queries(client, path("activity")) == 4


def test_today_costs_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    one = queries(client, path("today"))
    make_rma("shipped", by=lead)
    make_rma("inspected", by=lead)
    assert one == 7
    assert queries(client, path("today")) == 7


def test_search_costs_the_same_for_one_and_three(client, lead):
    make_rma(by=lead)
    url = path("search") + "?q=demo"
    one = queries(client, url)
    make_rma(by=lead)
    make_rma(by=lead)
    assert one == 6
    assert queries(client, url) == 6


def test_rma_page_costs_at_most_twelve_with_everything_on_it(client, lead):
    make_limit()
    order = make_shipped_order(lines=3, quantity=3)
    make_invoice(order)
    rma = make_rma("inspected", by=lead, order=order)
    assert queries(client, rma.get_absolute_url()) == 10
    refunding.propose(rma.number, by=make_user("agent"))
    assert queries(client, rma.get_absolute_url()) == 10


def test_order_page_costs_the_same_with_one_and_three_lines(client, lead):
    small, big = make_order(lines=1), make_order(lines=3)
    make_rma(by=lead, order=small)
    make_rma(by=lead, order=big)
    assert queries(client, small.get_absolute_url()) == 14
    assert queries(client, big.get_absolute_url()) == 14


def test_buyer_page_costs_the_same_with_one_and_three_cases(client, lead):
    buyer = make_buyer()
    make_rma(by=lead, order=make_order(buyer=buyer))
    url = path("buyer", buyer.pk)
    one = queries(client, url)
    make_rma(by=lead, order=make_order(buyer=buyer))
    make_rma(by=lead, order=make_order(buyer=buyer))
    assert one == 8
    assert queries(client, url) == 8


# --- The case page -------------------------------------------------------------------------------
@pytest.mark.parametrize("state", ["requested", "approved", "shipped", "inspected", "closed"])
@pytest.mark.parametrize("role", ROLES)
def test_case_has_at_most_one_filled_button(client, state, role):
    rma = make_rma(state)
    client.force_login(make_user(role))
    page = client.get(rma.get_absolute_url()).content.decode()
    main = page[page.index("<main") :]
    actions = main[main.index('aria-labelledby="actions-title"') :]
    assert len(re.findall(r"<(?:button|summary|a)[^>]*data-next", actions)) <= 1


@pytest.mark.parametrize(
    ("state", "role", "label"),
    [
        ("requested", "agent", "Approve"),
        ("approved", "agent", "Record parcel"),
        ("shipped", "inspector", "Receive goods"),
        ("inspected", "agent", "Propose refund"),
    ],
)
def test_case_fills_the_next_action_of_the_role(client, state, role, label):
    rma = make_rma(state)
    client.force_login(make_user(role))
    page = client.get(rma.get_absolute_url()).content.decode()
    assert re.search(rf"btn primary[^>]*data-next[^>]*>{label}<", page)


def test_case_greys_what_the_role_may_not_and_says_why(client):
    rma = make_rma()
    client.force_login(make_user("auditor"))
    page = client.get(rma.get_absolute_url()).content.decode()
    assert 'aria-disabled="true" aria-describedby="why-approve"' in page
    assert "Your role may not do this" in page


def test_case_links_to_the_refund_that_waits(client):
    make_limit()
    order = make_shipped_order()
    make_invoice(order)
    rma = make_rma("inspected", order=order)
    waiting = refunding.propose(rma.number, by=make_user("agent"))[0]
    client.force_login(make_user("finance"))
    page = client.get(rma.get_absolute_url()).content.decode()
    assert f'class="btn primary" href="{waiting.get_absolute_url()}"' in page


@pytest.mark.parametrize("state", ["requested", "approved", "shipped", "inspected", "closed"])
def test_ids_of_a_case_page_are_unique(client, lead, state):
    page = client.get(make_rma(state).get_absolute_url()).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


def test_proposal_asks_for_nothing(client, lead):
    page = client.get(make_rma("inspected").get_absolute_url()).content.decode()
    form = page[page.index("/propose/") :]
    assert "required" not in form[: form.index("</form>")]


def test_unknown_case_is_not_found(client, lead):
    assert client.get("/returns/RMA-2026-999999/").status_code == 404


# --- Search --------------------------------------------------------------------------------------
def test_exact_ids_jump_to_the_thing(client, lead):
    rma = make_rma("shipped", by=lead)
    order = rma.lines.get().order_line.order
    invoice = make_invoice()
    for text, place in (
        (rma.number.lower(), rma.get_absolute_url()),
        (rma.parcels.get().tracking, rma.get_absolute_url()),
        (order.amazon_order_id, order.get_absolute_url()),
        (invoice.number, invoice.get_absolute_url()),
    ):
        assert client.get(path("search"), {"q": text})["Location"] == place


def test_part_of_a_name_lists_returns_and_buyers(client, lead):
    rma = make_rma(by=lead, order=make_order(buyer=make_buyer(legal_name="Demo Sägewerk KG")))
    page = client.get(path("search"), {"q": "sägewerk"}).content.decode()
    assert rma.number in page
    assert path("buyer", rma.buyer_id) in page


def test_what_nobody_knows_is_said(client, lead):
    assert "Nothing found" in client.get(path("search"), {"q": "xyzzy"}).content.decode()


# --- Activity ------------------------------------------------------------------------------------
def test_activity_filters_by_case_verb_and_person(client, lead):
    rma, other = make_rma("approved", by=lead), make_rma()
    page = client.get(path("activity"), {"q": rma.number}).content.decode()
    assert rma.number in page
    assert other.number not in page
    rows = client.get(path("activity"), {"verb": "approve", "who": lead.username})
    assert set(re.findall(r"RMA-\d{4}-\d+", rows.content.decode())) == {rma.number}


def test_activity_leaves_as_csv(client, lead):
    rma = make_rma(by=lead)
    sheet = b"".join(client.get(path("activity") + "?export=csv").streaming_content).decode()
    assert rma.number in sheet
    assert "requested" in sheet
