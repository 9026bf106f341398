"""Whose turn it is: from the request to the settled refund, and whatever stands in the way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.states import RefundState
from returns.next_step import CaseSnapshot, next_step
from returns.states import NextActor, State

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
SHIP_BY = NOON + timedelta(days=7)
HERE = NOON + timedelta(days=5)
REFUND_DUE = HERE + timedelta(days=4)


def step(state: str, **more) -> tuple[str, datetime | None, str]:
    units = {} if state == "requested" else {"approved": 2}
    case = CaseSnapshot(**{"state": state, "requested_at": NOON, "requested": 2, **units, **more})
    found = next_step(case)
    return found.actor, found.due, found.sentence


REPLY = NOON + timedelta(days=1)
GOODS = {"received": 2, "first_received_at": HERE}
ACCEPTED = {**GOODS, "accepted": 2}


@pytest.mark.parametrize(
    ("state", "facts", "actor", "due", "words"),
    [
        ("requested", {}, "agent", REPLY, "Approve or decline the request"),
        ("requested", {"approval_needs_second": True}, "lead", REPLY, "A lead approves"),
        ("requested", {"waiting_for_buyer": True, "answer_due": HERE}, "buyer", HERE, "answer"),
        ("requested", {"facts_incomplete": True}, "agent", REPLY, "Import the order report"),
        ("approved", {"ship_by": SHIP_BY}, "buyer", SHIP_BY, "ships 2 units"),
        ("approved", {"missing_address": True}, "agent", None, "Add a mail address"),
        ("approved", {"goods_expected": False}, "agent", None, "no goods are expected"),
        (
            "shipped",
            {"shipped_at": NOON},
            "warehouse",
            NOON + timedelta(days=21),
            "2 units are on their way",
        ),
        (
            "shipped",
            {"shipped_at": NOON, "delivered_at": HERE},
            "warehouse",
            REFUND_DUE,
            "Receive 2 delivered units",
        ),
        ("shipped", GOODS, "warehouse", REFUND_DUE, "Inspect 2 received units"),
        (
            "inspected",
            {**ACCEPTED, "uncredited": 2},
            "agent",
            REFUND_DUE,
            "Propose the refund of 2 accepted units",
        ),
        (
            "inspected",
            {**GOODS, "rejected": 2},
            "agent",
            REFUND_DUE,
            "reject the goods",
        ),
        (
            "inspected",
            {**ACCEPTED, "refunds": {"proposed": 1}},
            "finance",
            REFUND_DUE,
            "Approve or reject",
        ),
        (
            "inspected",
            {**ACCEPTED, "refunds": {"proposed": 1}, "refund_needs_second": True},
            "lead",
            REFUND_DUE,
            "Approve or reject",
        ),
        (
            "inspected",
            {**ACCEPTED, "refunds": {"approved": 1}},
            "finance",
            REFUND_DUE,
            "Carry out the approved refund",
        ),
        (
            "inspected",
            {**ACCEPTED, "refunds": {"failed": 1}},
            "finance",
            REFUND_DUE,
            "A refund failed",
        ),
        (
            "inspected",
            {**ACCEPTED, "refunds": {"unknown": 1, "approved": 1}},
            "finance",
            REFUND_DUE,
            "answer was lost",
        ),
        (
            "refunded",
            {**ACCEPTED, "refunds": {"sent": 1}},
            "amazon",
            None,
            "Waiting for Amazon's settlement",
        ),
        (
            "refunded",
            {**ACCEPTED, "refunds": {"sent": 1}, "documents_missing": 1},
            "finance",
            None,
            "missing credit document",
        ),
        (
            "refunded",
            {"refunds": {"sent": 1}, "ship_by": SHIP_BY},
            "buyer",
            SHIP_BY,
            "ships 2 units",
        ),
        ("refunded", {**ACCEPTED, "refunds": {"confirmed": 1}}, "nobody", None, "settles"),
        ("closed", {"waiting_for_buyer": True}, "nobody", None, "nothing left"),
    ],
)
def test_next_step_names_actor_due_date_and_work(state, facts, actor, due, words):
    found = step(state, **facts)
    assert found[:2] == (actor, due)
    assert words in found[2]


def test_refund_clock_starts_at_the_first_sign_of_the_goods():
    delivered = NOON + timedelta(days=3)
    _, due, _ = step("shipped", **GOODS, delivered_at=delivered)
    assert due == delivered + timedelta(days=4)


units = st.integers(0, 5)


@given(
    st.sampled_from(State.values),
    st.dictionaries(st.sampled_from(RefundState.values), st.integers(0, 2)),
    st.fixed_dictionaries(
        dict.fromkeys(("approved", "received", "missing", "accepted", "rejected"), units)
    ),
    st.fixed_dictionaries(
        {name: st.booleans() for name in ("goods_expected", "missing_address", "facts_incomplete")}
    ),
)
def test_next_step_of_any_case_has_an_actor(state, refunds, quantities, flags):
    case = CaseSnapshot(state, NOON, refunds=refunds, **quantities, **flags)
    found = next_step(case)
    assert found.actor in NextActor.values
    assert found.sentence
    assert (found.actor == "nobody") <= (state in {"closed", "refunded"})
