"""How many queries verbs take: few for one case, and the same for 3 and 50."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from returns import bulk, goods, workflow
from returns.bulk_entry import Row
from returns.opening import Draft, LineRequest, open_many
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.django_db

MOST_FOR_ONE = 12
MOST_FOR_MANY = 20


def count(call) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    # a request has no savepoints: there the outermost block is the transaction itself
    return len([q for q in captured if "SAVEPOINT" not in q["sql"]])


def fresh(role="lead"):
    """Somebody whose permissions were not read yet."""
    person = make_user(role)
    return type(person).objects.get(pk=person.pk)


def test_one_transition_takes_few_queries():
    lead = make_user("lead")
    approve, decline, ship = (make_rma(s, by=lead) for s in ("requested", "requested", "approved"))
    receive, inspect = make_rma("shipped", by=lead), make_rma("shipped", by=lead)
    units = {line.pk: 2 for line in receive.lines.all()}
    goods.receive(inspect.number, by=lead, quantities={line.pk: 2 for line in inspect.lines.all()})
    results = [goods.InspectionResult(line.pk, 2, "used", "scrap") for line in inspect.lines.all()]
    calls = {
        "approve": lambda: workflow.approve(approve.number, by=fresh()),
        "decline": lambda: workflow.decline(decline.number, by=fresh(), reason="late"),
        "ship": lambda: workflow.ship(ship.number, by=fresh(), tracking="1Z"),
        "receive": lambda: goods.receive(receive.number, by=fresh(), quantities=units),
        "inspect": lambda: goods.inspect(inspect.number, by=fresh(), results=results),
    }
    taken = {}
    for name, call in calls.items():
        fresh_person_queries = 3  # the person is made and read inside the call
        taken[name] = count(call) - fresh_person_queries
    assert {name: n for name, n in taken.items() if n > MOST_FOR_ONE} == {}


def cases(n: int, state: str, lead) -> list[str]:
    orders = [make_order(quantity=3) for _ in range(n)]
    drafts = [
        Draft([LineRequest(order.lines.get().pk, 2, "CR-DEFECTIVE")], label=str(order.pk))
        for order in orders
    ]
    opened, refused = open_many(drafts, by=lead)
    assert refused == []
    numbers = [case.rma.number for case in opened]
    if state != "requested":
        bulk.approve_many(numbers, by=lead)
    if state == "shipped":
        bulk.ship_many({number: {"carrier": "DHL"} for number in numbers}, by=lead)
    return numbers


def approve(numbers, by):
    return bulk.approve_many(numbers, by=by)


def assign(numbers, by):
    return bulk.assign_many(numbers, by=by, owner=by)


def ship(numbers, by):
    return bulk.ship_many({number: {"tracking": f"T{number}"} for number in numbers}, by=by)


def receive(numbers, by):
    return bulk.receive_many({number: units(number) for number in numbers}, by=by)


def units(number):
    from returns.models import RMALine

    return dict(RMALine.objects.filter(rma__number=number).values_list("pk", "approved"))


@pytest.mark.parametrize(
    ("call", "state"), [(approve, "requested"), (assign, "requested"), (ship, "approved")]
)
def test_bulk_verb_takes_the_same_queries_for_three_and_fifty(call, state):
    lead = make_user("lead")
    taken = []
    for n in (3, 50):
        numbers = cases(n, state, lead)
        taken.append(count(lambda numbers=numbers: call(numbers, lead)))
    assert taken[0] == taken[1] <= MOST_FOR_MANY


def test_request_many_takes_the_same_queries_for_three_and_fifty():
    lead, taken = make_user("lead"), []
    lead.has_perm("returns.request_rma")  # permissions are read once a request
    for n in (3, 50):
        found = [
            Row(i, order.amazon_order_id, line.sku, line.pk, 1, "CR-DEFECTIVE", "")
            for i, order in enumerate(make_order(quantity=2) for _ in range(n))
            for line in order.lines.all()
        ]
        taken.append(count(lambda rows=found: bulk.request_many(rows, by=lead)))
    assert taken[0] == taken[1] <= MOST_FOR_MANY


def test_bulk_refuses_row_by_row_and_does_the_rest():
    lead = make_user("lead")
    good, bad = cases(2, "requested", lead), make_rma("shipped", by=lead).number
    result = bulk.approve_many([good[0], bad, "RMA-1999-000001", good[1]], by=lead)
    assert result.done == good
    assert [number for number, _why in result.refused] == [bad, "RMA-1999-000001"]
    assert all(sentence for _number, sentence in result.refused)
