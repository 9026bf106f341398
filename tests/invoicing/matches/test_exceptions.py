"""What people do with exceptions: take, hand over, note, explain, reopen; what opens them again."""

from datetime import timedelta

import pytest

from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.crediting import record_credit_note
from invoicing.matches import exceptions
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Match, Refund
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


@pytest.fixture
def finance():
    return make_user("finance")


def differs(seen="-35.00"):
    """A sent refund of 35.70 for which Amazon shows another amount."""
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), seen, adjustment="A1")
    match_refunds()
    refresh()
    return Match.objects.get(refund=refund)


def last_event(match):
    return match.events.order_by("-pgh_id").first()


def test_taking_makes_it_ones_own_and_leaves_a_trail(finance):
    match = exceptions.take(differs(), by=finance)
    assert Match.objects.get(pk=match.pk).owner == finance
    assert last_event(match).pgh_context["verb"] == "hand_over_match"
    assert last_event(match).pgh_context["by"] == finance.pk


def test_handing_over_goes_only_to_somebody_who_may_resolve(finance):
    match, colleague = differs(), make_user("finance")
    exceptions.hand_to(match, colleague, by=finance)
    assert Match.objects.get(pk=match.pk).owner == colleague
    exceptions.hand_to(match.pk, None, by=finance)
    assert Match.objects.get(pk=match.pk).owner is None
    with pytest.raises(Refused) as no:
        exceptions.hand_to(match.pk, make_user("agent"), by=finance)
    assert no.value.code == "owner"


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor", "lead", "admin"])
def test_only_finance_resolves(role):
    match, somebody = differs(), make_user(role)
    for verb in (
        lambda: exceptions.take(match, by=somebody),
        lambda: exceptions.note(match, by=somebody, text="Mine"),
        lambda: exceptions.explain(match, by=somebody, resolution="other", reason="So"),
        lambda: exceptions.reopen(match, by=somebody, reason="So"),
        lambda: exceptions.explain_many([match.pk], by=somebody, resolution="other", reason="So"),
    ):
        with pytest.raises(Refused) as no:
            verb()
        assert no.value.code == "forbidden"
    assert Match.objects.get(pk=match.pk).result == "open"


def test_an_explained_exception_stays_explained_until_its_figures_change(finance):
    match = differs()
    exceptions.explain(match, by=finance, resolution="external", reason="Coupon of 0.70")
    refresh()
    match.refresh_from_db()
    assert (match.result, match.resolution, match.resolved_by) == ("explained", "external", finance)
    assert refresh().written == 0
    order = match.order
    late = make_settlement(order.seller)
    make_fact(late, order, order.lines.get(), "-0.20", adjustment="A1", at=DAY + timedelta(days=1))
    match_refunds()
    refresh()
    match.refresh_from_db()
    assert (match.result, match.cause, match.resolution) == ("open", "amount", "")
    assert match.resolved_by is None
    assert last_event(match).result == "open"


def test_what_is_said_of_an_explained_exception_may_change_without_its_figures(finance):
    match = differs()
    exceptions.explain(match, by=finance, resolution="external", reason="Coupon of 0.70")
    with trail("test", by=finance):  # as a new wording, or a parcel that came, would
        Match.objects.filter(pk=match.pk).update(detail={"template": "Old words", "params": {}})
    assert refresh().written == 1
    match.refresh_from_db()
    assert match.detail["template"] != "Old words"
    assert (match.result, match.resolution, match.resolved_by) == ("explained", "external", finance)
    assert "Coupon" in match.note


def test_an_explanation_ends_with_the_paper_it_was_given_for(finance):
    match, other = differs(), make_refund(make_order(), ("30.00", "5.70"))
    for refund in (match.refund, other):
        day = DAY.date()
        record_credit_note(refund, by=finance, number=f"C-{refund.pk}", issue_date=day)
    refresh()
    match.refresh_from_db()
    exceptions.explain(match, by=finance, resolution="external", reason="Coupon of 0.70")
    other.refresh_from_db()
    with trail("test", by=finance):
        Refund.objects.filter(pk=other.pk).update(document=None)
        Refund.objects.filter(pk=match.refund_id).update(document=other.document_id)
    refresh()
    match.refresh_from_db()
    assert (match.result, match.resolution) == ("open", "")


def test_accepting_another_amount_confirms_the_refund(finance):
    match = differs()
    exceptions.explain(match, by=finance, resolution="accepted", reason="70 cents are not worth it")
    match.refresh_from_db()
    assert Refund.objects.get(pk=match.refund_id).state == "confirmed"
    assert (match.result, match.cause, match.resolution) == ("explained", "amount", "accepted")
    assert refresh().written == 0


def test_accepting_on_the_refund_explains_its_exception(finance):
    match = differs()
    refunds.accept_difference(match.refund.key, by=finance, reason="70 cents are not worth it")
    match.refresh_from_db()
    assert (match.result, match.resolution, match.resolved_by) == ("explained", "accepted", finance)
    assert match.note == "70 cents are not worth it"
    assert refresh().written == 0


def test_an_accepted_difference_opens_again_when_more_money_comes(finance):
    match = differs()
    refunds.accept_difference(match.refund.key, by=finance, reason="Not worth it")
    order = match.order
    late = make_settlement(order.seller)
    make_fact(late, order, order.lines.get(), "-0.20", adjustment="A1", at=DAY + timedelta(days=1))
    match_refunds()
    refresh()
    match.refresh_from_db()
    assert (match.result, match.cause) == ("open", "amount")
    assert refresh().written == 0


def test_what_cannot_wait_is_not_a_matter_of_time(finance):
    with pytest.raises(Refused) as no:
        exceptions.explain(differs(), by=finance, resolution="timing", reason="Wait")
    assert no.value.code == "resolution"
    with pytest.raises(Refused) as no:
        exceptions.explain(differs(), by=finance, resolution="whatever", reason="Wait")
    assert no.value.code == "resolution"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_needed(finance, reason):
    match = differs()
    with pytest.raises(Refused) as no:
        exceptions.explain(match, by=finance, resolution="other", reason=reason)
    assert no.value.code == "reason"


def test_what_ties_by_now_is_not_explained(finance):
    match = differs()
    order = match.order
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), "-0.70", adjustment="A1")
    match_refunds()
    with pytest.raises(Refused) as no:
        exceptions.explain(match, by=finance, resolution="other", reason="So")
    assert no.value.code == "state"


def test_figures_that_changed_since_the_page_are_not_explained(finance):
    match = differs()
    order = match.order
    settlement = make_settlement(order.seller)
    make_fact(settlement, order, order.lines.get(), "-0.10", adjustment="A1")
    match_refunds()
    with pytest.raises(Refused) as no:
        exceptions.explain(match, by=finance, resolution="other", reason="So")
    assert no.value.code == "changed"
    assert Match.objects.get(pk=match.pk).result == "open"


def test_reopening_takes_the_explanation_back(finance):
    match = differs()
    exceptions.explain(match, by=finance, resolution="other", reason="So")
    exceptions.reopen(match.pk, by=finance, reason="It was another order")
    match.refresh_from_db()
    assert (match.result, match.resolution, match.explained_hash) == ("open", "", "")
    refresh()
    match.refresh_from_db()
    assert match.result == "open"
    with pytest.raises(Refused) as no:
        exceptions.reopen(match.pk, by=finance, reason="Again")
    assert no.value.code == "state"


def test_many_of_one_cause_are_explained_together_and_each_says_why_not(finance):
    one, two, gone = differs(), differs("-34.00"), differs("-33.00")
    exceptions.explain(gone, by=finance, resolution="other", reason="Before")
    done = exceptions.explain_many(
        [one.pk, two.pk, gone.pk], by=finance, resolution="external", reason="One campaign"
    )
    assert done.done == [one.pk, two.pk]
    assert {pk: no.code for pk, no in done.refused.items()} == {gone.pk: "state"}


def test_exceptions_of_several_causes_are_not_explained_together(finance):
    vat = differs("-30.00")
    assert vat.cause == "vat"
    with pytest.raises(Refused) as no:
        exceptions.explain_many([differs().pk, vat.pk], by=finance, resolution="other", reason="So")
    assert no.value.code == "cause"


def test_unknown_ids_are_refused(finance):
    with pytest.raises(Refused) as no:
        exceptions.take(987654, by=finance)
    assert no.value.code == "not_found"
