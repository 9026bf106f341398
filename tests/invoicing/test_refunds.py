"""The verbs of a refund: what they do, and which state, role and rule refuses them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refund_row, refunds
from invoicing.models import Document, Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.states import LIVE, REFUND_VERBS, RefundState
from tests.factories import make_order, make_user
from tests.papers import (
    make_account,
    make_calculation,
    make_invoice,
    make_limit,
    make_refund,
    make_shipped_order,
    number_due,
)
from tests.people import team

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate
OTHERS = {"confirm", "confirm_paid", "accept_difference"}  # need more than a state; see below
PAYEE = {"name": "Demo Einkauf AG", "iban": "DE89 3704 0044 0532 0130 00"}


def again(refund) -> Refund:
    return Refund.objects.get(pk=refund.pk)


def run(verb: str, refund: Refund, by, **over):
    """Call a verb with what it needs to succeed."""
    if verb == "confirm":
        return refunds.confirm_many([refund.pk], by=by)
    more = {
        "approve": {},
        "start": {},
        "change_lane": {"lane": "bank", "payee": PAYEE, "reason": "The buyer's account is closed"},
        "mark_sent": {"sent_on": TODAY(), "amount": refund.gross},
        "resolve_unknown": {
            "outcome": "sent",
            "sent_on": TODAY(),
            "amount": refund.gross,
            "reason": "seen in Seller Central",
        },
    }.get(verb, {"reason": "because"})
    return getattr(refunds, verb)(refund.key, by=by, **more | over)


@pytest.fixture
def amazon_refund():
    """A refund Amazon made on its own, as matching stores it."""

    def make(order, net, tax, component="item"):
        net, tax = Decimal(net), Decimal(tax)
        system, now = User.objects.system(), timezone.now()
        with trail("match_refunds", by=system):
            refund = Refund.objects.create(
                source=Source.AMAZON, lane="none", state=RefundState.CONFIRMED,
                seller=order.seller, marketplace=order.marketplace, order=order, origin="order",
                currency=order.currency, net=net, tax=tax, gross=net + tax, proposer=system,
                proposed_at=now, confirmed_at=now, amazon_refund_id=f"A{net}",
            )  # fmt: skip
            RefundLine.objects.create(
                refund=refund, order_line=order.lines.first(), origin="A1", component=component,
                net=net, tax=tax, gross=net + tax,
            )  # fmt: skip
        return refund

    return make


# --- The way through -----------------------------------------------------------------------------


def test_refund_walks_to_confirmed_with_its_credit_note():
    people, order = team(), make_shipped_order(quantity=2)
    make_invoice(order, by=people.finance)
    calculation = make_calculation(order, origin="RMA-2026-000001")
    refund = refunds.propose(
        by=people.agent, order=order, origin="RMA-2026-000001", calculation=calculation
    )
    assert (refund.state, refund.gross, refund.needs_second) == ("proposed", Decimal("59.50"), True)
    refund = refunds.approve(refund.key, by=people.finance, content_hash=refund.content_hash)
    assert refund.document.state == "draft"
    refund = refunds.start(str(refund.key), by=people.lead)
    assert refund.state == "sending"
    refund = refunds.mark_sent(
        refund.key,
        by=people.lead,
        sent_on=TODAY(),
        amount=Decimal("59.50"),
        amazon_refund_id="P-77",
    )
    assert refund.amazon_refund_id == "P-77"
    number_due()
    document = Document.objects.get(refund=refund)
    assert (document.state, document.corrects.kind) == ("numbered", "invoice")
    assert (document.gross, document.number[-6:]) == (Decimal("59.50"), "000001")
    assert refunds.confirm_many([refund.pk], by=User.objects.system()) == [refund.pk]
    refund = again(refund)
    assert (refund.state, refund.version) == ("confirmed", 5)
    assert refund.confirmed_at is not None


@pytest.mark.parametrize("state", RefundState.values)
def test_lines_are_live_exactly_while_the_refund_counts(state):
    refund = make_refund(state)
    assert refund.state == state
    live = set(refund.lines.values_list("live", flat=True))
    assert live == {state in LIVE}


def test_followers_hear_of_every_change_inside_the_transaction(monkeypatch):
    heard = []

    def follow(ids):
        heard.append((ids, connection.in_atomic_block, again(Refund(pk=ids[0])).state))

    monkeypatch.setattr(refund_row, "followers", [follow])
    refund = make_refund("confirmed")
    assert [state for _, _, state in heard] == [
        "proposed", "approved", "sending", "sent", "confirmed"
    ]  # fmt: skip
    assert all(ids == [refund.pk] and inside for ids, inside, _ in heard)


def test_follower_that_fails_undoes_the_verb(monkeypatch):
    refund = make_refund("approved")

    def refuse(ids):
        raise Refused("no", "The case does not allow it.")

    monkeypatch.setattr(refund_row, "followers", [refuse])
    with pytest.raises(Refused), transaction.atomic():
        refunds.start(refund.key, by=make_user("lead"))
    assert again(refund).state == "approved"


def test_rooms_above_lock_before_anything_of_the_refund(monkeypatch):
    asked = []
    monkeypatch.setattr(refund_row, "lockers", [lambda *wanted: asked.append(wanted)])
    refund = make_refund("approved", origin="RMA-2026-000042")
    assert asked == [(["RMA-2026-000042"], [])] * 2
    assert refund.origin == "RMA-2026-000042"


# --- Every state, every verb, every role ---------------------------------------------------------


@pytest.mark.parametrize("state", RefundState.values)
def test_verbs_run_exactly_from_the_states_of_the_table(state):
    refund = make_refund(state)
    make_account(refund.seller)
    boss = User.objects.system()  # may do everything; whom a role refuses is tested below
    for row in REFUND_VERBS:
        if row.verb in OTHERS:
            continue
        by = make_user("finance") if row.verb == "approve" else boss
        saved = transaction.savepoint()
        if state in row.sources:
            run(row.verb, refund, by)
            assert again(refund).state in row.targets, row.verb
        else:
            with pytest.raises(Refused) as refused:
                run(row.verb, refund, by)
            assert refused.value.code == "state", row.verb
            assert again(refund).state == state
        transaction.savepoint_rollback(saved)


MAY = {
    "propose": {"agent", "lead", "finance"},
    "approve": {"lead", "finance"},
    "reject": {"lead", "finance"},
    "cancel": {"agent", "lead", "finance"},
    "start": {"lead", "finance"},
    "give_back": {"lead", "finance"},
    "mark_sent": {"lead", "finance"},
    "mark_unknown": {"lead", "finance"},
    "fail": {"lead", "finance"},
    "resolve_unknown": {"finance"},
    "reverse": {"finance"},
    "confirm": {"finance"},
    "change_lane": {"agent", "lead", "finance"},
}


def allows(verb: str, refund: Refund | None, by) -> bool:
    """Whether the verb runs for this person; any refusal but the role's is an error here."""
    try:
        if verb == "propose":
            order = make_order()
            calculation = make_calculation(order)
            refunds.propose(by=by, order=order, origin="order", calculation=calculation)
        else:
            run(verb, refund, by)
    except Refused as refused:
        if refused.code != "forbidden":
            raise
        return False
    return True


@pytest.mark.parametrize("role", ["agent", "inspector", "lead", "finance", "auditor", "admin"])
def test_roles_may_exactly_what_the_table_says(role):
    somebody, refund = make_user(role), make_refund()
    states = {row.verb: row.sources[0] for row in REFUND_VERBS}
    made = {state: make_refund(state) for state in sorted(set(states.values()))}
    make_account(made[states["change_lane"]].seller)
    for verb, allowed in MAY.items():
        saved = transaction.savepoint()
        assert allows(verb, made.get(states.get(verb)), somebody) == (role in allowed), verb
        transaction.savepoint_rollback(saved)
    assert again(refund).state == "proposed"


# --- Two people ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "wanted"), [(None, True), ("59.49", True), ("59.50", False), ("0.00", True)]
)
def test_second_person_is_needed_above_the_limit_or_without_one(limit, wanted):
    if limit is not None:
        make_limit(limit)
    refund = make_refund(order=make_shipped_order(quantity=2))
    assert (refund.gross, refund.needs_second) == (Decimal("59.50"), wanted)
    make_limit("100000.00")
    assert again(refund).needs_second is wanted


def test_case_on_hold_needs_a_second_person_below_the_limit():
    make_limit("100000.00")
    order = make_order()
    refund = refunds.propose(
        by=make_user("agent"), order=order, origin="order", on_hold=True,
        calculation=make_calculation(order),
    )  # fmt: skip
    assert refund.needs_second


@pytest.mark.parametrize("boss", [False, True])
def test_proposer_does_not_approve_what_needs_two(boss):
    finance = make_user("finance", is_superuser=boss)
    refund = make_refund(proposer=finance)
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=finance)
    assert refused.value.code == "second_person"
    assert refunds.approve(refund.key, by=make_user("lead")).state == "approved"


def test_system_actor_is_not_a_second_person():
    refund = make_refund()
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=User.objects.system())
    assert refused.value.code == "second_person"


def test_proposer_approves_below_the_limit():
    make_limit("500.00")
    finance = make_user("finance")
    assert make_refund("approved", proposer=finance, approver=finance).approver == finance


def test_database_refuses_a_proposer_as_second_person_whoever_asks():
    refund = make_refund()
    with pytest.raises(IntegrityError, match="second_person_approves"), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(
            state="approved", approver=refund.proposer, approved_hash=refund.content_hash
        )


# --- Caps ----------------------------------------------------------------------------------------


def test_second_proposal_of_the_same_origin_is_refused():
    refund = make_refund(origin="RMA-2026-000007")
    with pytest.raises(Refused) as refused:
        make_refund(order=refund.order, origin="RMA-2026-000007")
    assert refused.value.code == "already_refunded"
    assert Refund.objects.count() == 1


def test_proposal_beyond_what_was_paid_is_refused_with_what_is_left():
    order = make_shipped_order(quantity=3)
    make_refund(order=order, units=2)
    with pytest.raises(Refused) as refused:
        make_refund(order=order, units=2)
    assert refused.value.code == "cap_exceeded"
    assert "€39.67" in refused.value.sentence or "€39.66" in refused.value.sentence


@pytest.mark.parametrize(
    ("net", "tax", "fits"),
    [("100.00", "19.00", True), ("100.01", "18.00", False), ("99.00", "19.01", False)],
)
def test_net_and_tax_are_capped_each_on_its_own(net, tax, fits):
    order = make_shipped_order()
    if fits:
        assert make_refund(order=order, net=net, tax=tax).state == "proposed"
        return
    with pytest.raises(Refused) as refused:
        make_refund(order=order, net=net, tax=tax)
    assert refused.value.code == "cap_exceeded"


def test_rejected_money_is_free_again():
    order = make_shipped_order()
    make_refund("rejected", order=order, net="100.00", tax="19.00")
    assert make_refund(order=order, net="100.00", tax="19.00").state == "proposed"


def test_goodwill_draws_on_what_was_paid_for_the_item():
    order = make_shipped_order()
    make_refund(order=order, net="90.00", tax="17.10")
    make_refund(order=order, net="10.00", tax="1.90", component="goodwill")
    with pytest.raises(Refused) as refused:
        make_refund(order=order, net="0.01", tax="0.00", component="goodwill")
    assert refused.value.code == "cap_exceeded"


def test_shipping_is_capped_by_shipping():
    order = make_shipped_order()
    with pytest.raises(Refused) as refused:
        make_refund(order=order, net="1.00", tax="0.19", component="shipping")
    assert refused.value.code == "cap_exceeded"


@pytest.mark.parametrize(("state", "verb"), [("proposed", "approve"), ("approved", "start")])
def test_amazon_refund_seen_meanwhile_stops_ours(amazon_refund, state, verb):
    refund = make_refund(state, net="60.00", tax="11.40")
    amazon_refund(refund.order, "50.00", "9.50")
    with pytest.raises(Refused) as refused:
        run(verb, refund, make_user("finance"))
    assert refused.value.code == "cap_exceeded"
    assert "Amazon" in refused.value.sentence
    assert again(refund).state == state


@pytest.mark.parametrize(("state", "verb"), [("proposed", "approve"), ("approved", "start")])
def test_amazon_refund_that_leaves_enough_does_not_stop_ours(amazon_refund, state, verb):
    refund = make_refund(state, net="60.00", tax="11.40")
    amazon_refund(refund.order, "40.00", "7.60")
    run(verb, refund, make_user("finance"))
    assert again(refund).state != state


def test_proposal_of_foreign_line_is_refused():
    order, other = make_order(), make_order()
    with pytest.raises(Refused) as refused:
        refunds.propose(
            by=make_user("lead"), order=order, origin="order", calculation=make_calculation(other)
        )
    assert refused.value.code == "foreign_line"


def test_proposal_of_nothing_is_refused():
    order = make_order()
    with pytest.raises(Refused) as refused:
        refunds.propose(
            by=make_user("lead"), order=order, origin="order",
            calculation=make_calculation(order, net="0.00", tax="0.00"),
        )  # fmt: skip
    assert refused.value.code == "nothing"


def test_stub_order_waits_for_its_facts():
    order = make_order(facts_complete=False)
    with pytest.raises(Refused) as refused:
        refunds.propose(
            by=make_user("lead"), order=order, origin="order", calculation=make_calculation(order)
        )
    assert refused.value.code == "facts_incomplete"


# --- Content, invoices, attempts -----------------------------------------------------------------


def test_approval_of_other_content_than_seen_is_refused():
    refund = make_refund()
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"), content_hash="0" * 64)
    assert refused.value.code == "changed"


def test_content_changed_behind_our_back_is_not_approved(break_rows):
    refund = make_refund()
    break_rows(
        "invoicing_refundline",
        "UPDATE invoicing_refundline SET net = net - 1, gross = gross - 1",
    )
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refused.value.code == "content_changed"


def test_approval_without_an_invoice_on_record_is_refused():
    order = make_order()
    refund = refunds.propose(
        by=make_user("agent"), order=order, origin="order", calculation=make_calculation(order)
    )
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refused.value.code == "invoice_missing"


def test_no_credit_note_of_ours_where_amazon_writes_it():
    order = make_shipped_order()
    make_invoice(order, recorded=True)
    refund = make_refund("sent", order=order)
    assert refund.document_id is None


def test_failed_refund_is_approved_again_as_the_next_attempt():
    refund = make_refund("failed")
    draft = refund.document_id
    refund = refunds.approve(refund.key, by=make_user("finance"))
    assert (refund.state, refund.attempt, refund.document_id) == ("approved", 2, draft)
    assert set(refund.lines.values_list("live", flat=True)) == {True}


def test_failed_refund_whose_money_went_elsewhere_is_not_approved_again():
    refund = make_refund("failed", net="60.00", tax="11.40")
    make_refund(order=refund.order, net="60.00", tax="11.40")
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refused.value.code == "cap_exceeded"


def test_cancelled_refund_throws_its_draft_away():
    refund = make_refund("approved")
    draft = refund.document_id
    refund = refunds.cancel(refund.key, by=make_user("lead"), reason="Buyer keeps the goods")
    assert (refund.document_id, Document.objects.filter(pk=draft).exists()) == (None, False)


# --- Carrying out --------------------------------------------------------------------------------


def test_another_amount_than_approved_is_refused():
    refund = make_refund("sending")
    with pytest.raises(Refused) as refused:
        run("mark_sent", refund, make_user("lead"), amount=refund.gross + Decimal("0.01"))
    assert refused.value.code == "amount_differs"
    assert again(refund).state == "sending"


@pytest.mark.parametrize("days", [2, -40])
def test_day_outside_the_refund_is_refused(days):
    refund = make_refund("sending")
    with pytest.raises(Refused) as refused:
        run("mark_sent", refund, make_user("lead"), sent_on=TODAY() + timedelta(days=days))
    assert refused.value.code == "date"


def test_amazon_refund_id_of_another_refund_is_refused():
    first, second = make_refund("sending"), None
    run("mark_sent", first, make_user("lead"), amazon_refund_id="P-1")
    second = make_refund("sending", order=make_shipped_order(seller=first.seller))
    with pytest.raises(Refused) as refused:
        run("mark_sent", second, make_user("lead"), amazon_refund_id="P-1")
    assert refused.value.code == "amazon_refund_known"


def test_gate_that_fails_does_not_lose_that_money_left():
    order = make_shipped_order()
    refund = make_refund("sending", order=order)
    with trail("test", by=User.objects.system()):
        order.seller.tax_registrations.all().delete()
    refund = run("mark_sent", refund, make_user("lead"))
    number_due()
    document = again(refund).document
    assert (again(refund).state, document.state) == ("sent", "draft")
    assert document.findings[0]["code"] == "seller_registration"


def test_fault_in_numbering_does_not_lose_that_money_left(monkeypatch):
    refund = make_refund("sending")
    monkeypatch.setattr("invoicing.crediting.send_to_worker", lambda pk: 1 / 0)
    run("mark_sent", refund, make_user("lead"))
    refund = again(refund)
    assert (refund.state, refund.document.findings[0]["code"]) == ("sent", "fault")


def test_unknown_refund_is_decided_as_failed_or_sent():
    refund = make_refund("unknown")
    saved = transaction.savepoint()
    failed = run("resolve_unknown", refund, make_user("finance"), outcome="failed")
    assert (failed.state, failed.document.state) == ("failed", "draft")
    transaction.savepoint_rollback(saved)
    sent = run("resolve_unknown", refund, make_user("finance"))
    number_due()
    assert (sent.state, again(sent).document.state) == ("sent", "numbered")


@pytest.mark.parametrize("state", ["unknown", "sending"])
def test_settlement_decides_what_nobody_marked_as_sent(state):
    refund = make_refund(state)
    day = TODAY()
    assert refunds.confirm_many({refund.pk: day}, by=User.objects.system()) == [refund.pk]
    number_due()
    refund = again(refund)
    assert (refund.state, refund.sent_on, refund.document.state) == ("confirmed", day, "numbered")


def test_refusal_names_who_was_faster():
    refund, lead = make_refund(), make_user("lead", first_name="Ada", last_name="Demo")
    refunds.approve(refund.key, by=lead)
    with pytest.raises(Refused) as refused:
        refunds.approve(refund.key, by=make_user("finance"))
    assert lead.username in refused.value.sentence
    assert "approved" in refused.value.sentence


@pytest.mark.parametrize("verb", ["reject", "cancel"])
def test_decision_without_a_reason_is_refused(verb):
    with pytest.raises(Refused) as refused:
        run(verb, make_refund(), make_user("lead"), reason=" ")
    assert refused.value.code == "reason"


# --- Many at once --------------------------------------------------------------------------------


def test_approve_many_does_what_it_can_and_says_why_not():
    good, order = make_refund(), make_order()
    bad = refunds.propose(
        by=make_user("agent"), order=order, origin="order", calculation=make_calculation(order)
    )
    result = refunds.approve_many([good.key, bad.key, "0" * 32], by=make_user("finance"))
    assert result.done == [str(good.key)]
    assert [key for key, _ in result.refused] == [str(bad.key), "0" * 32]
    assert (again(good).state, again(bad).state) == ("approved", "proposed")


def test_approve_many_takes_the_same_queries_for_one_and_thirty(django_assert_max_num_queries):
    finance, lead = make_user("finance"), make_user("lead")
    counts = []
    for many in (1, 30):
        keys = [make_refund(approver=finance).key for _ in range(many)]
        lead = User.objects.get(pk=lead.pk)
        with django_assert_max_num_queries(27) as queries:
            assert len(refunds.approve_many(keys, by=lead).done) == many
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("state", "verb"), [
    ("proposed", "approve"), ("approved", "start"), ("sending", "give_back"),
    ("sending", "mark_unknown"), ("proposed", "reject"),
])  # fmt: skip
def test_one_verb_takes_few_queries(state, verb, django_assert_max_num_queries):
    refund, by = make_refund(state), make_user("lead")
    by.has_perm("invoicing.approve_refund")
    # One of them restores the trail's context of the test around it.
    most = {"approve": 27, "start": 21, "mark_unknown": 17}.get(verb, 16)
    with django_assert_max_num_queries(most):
        run(verb, refund, by)


# --- What the database refuses -------------------------------------------------------------------


def test_state_cannot_be_set_directly():
    with pytest.raises(AttributeError):
        make_refund().state = "sent"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoicing_refund SET gross = gross - 1, net = net - 1",
        "UPDATE invoicing_refund SET needs_second = false",
        "UPDATE invoicing_refund SET calculation = '{}'",
        "UPDATE invoicing_refund SET state = 'confirmed'",
        "UPDATE invoicing_refundline SET gross = gross - 1, net = net - 1",
        "DELETE FROM invoicing_refundline",
        "DELETE FROM invoicing_refund",
        "TRUNCATE invoicing_refund CASCADE",
    ],
)
def test_database_keeps_what_was_decided(statement):
    make_refund("approved")
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
