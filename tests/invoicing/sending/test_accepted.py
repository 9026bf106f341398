"""What Amazon's report says it accepted is neither given up nor paid again before a settlement."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from config.core import invariants
from config.core.models import User
from config.core.refused import Refused
from config.core.sentence import Sentence
from config.core.trail import trail
from invoicing import refunds
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Feed, Match, Refund
from invoicing.sending import accepted as accepted_module
from invoicing.sending import bank, feeds, outcomes, polling
from tests.factories import make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.sending.making import (
    again,
    attempt_of,
    due,
    make_feed_refund,
    make_rule,
    no_longer_looked_for,
)
from tests.papers import make_account, make_calculation, make_shipped_order

pytestmark = pytest.mark.django_db
PAYEE = {"name": "Demo Einkauf AG", "iban": "DE89370400440532013000"}
LATER = timedelta(days=20)


@pytest.fixture(autouse=True)
def _no_patience(fake_amazon, settings):
    settings.AMAZON_TIMEOUT = 1
    settings.SENDING_WINDOW = 0
    yield
    for name in ("accepted_not_paid_again", "attempts_agree"):
        [promise] = [one for one in invariants.promises() if one.name == name]
        assert invariants.violations(promise) == (0, [])


def handed_over() -> Feed:
    [feed] = feeds.collect()
    return feeds.hand_over(feed.pk)


def accepted() -> Refund:
    """A refund that Amazon's report calls accepted: sent."""
    refund, feed = make_feed_refund(), handed_over()
    due()
    polling.poll(feed.pk)
    assert again(refund).state == "sent"
    return refund


def given_up(fake_amazon, before_report=lambda refund: None) -> Refund:
    """A refund that a person took for failed, and that Amazon's late report calls accepted."""
    refund = make_feed_refund(make_shipped_order(quantity=1))
    fake_amazon.fail("createFeed", "truncated")
    feed = handed_over()
    no_longer_looked_for(feed)
    decide(refund)
    before_report(refund)
    feeds.keep_id(feed.pk, next(iter(fake_amazon.journal.feeds)), verb="adopt_feed")
    due()
    polling.poll(feed.pk)
    assert refund.attempts.get(number=1).evidence["report"] == "accepted"
    return again(refund)


def decide(refund) -> None:
    refunds.resolve_unknown(
        refund.key, by=make_user("finance"), outcome="failed", reason="Not to be seen"
    )


def settlement(refund, *amounts):
    """The settlement of the days after it, with these amounts of its line."""
    at = timezone.now()
    found = make_settlement(refund.seller, deposited_at=at, ends_at=at)
    for amount in amounts:
        make_fact(found, refund.order, refund.order.lines.get(), amount, adjustment="A1", at=at)
    match_refunds()


def refused(code: str, verb, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal:
        verb(*args, **kwargs)
    assert refusal.value.code == code
    return refusal.value.sentence


# --- Giving up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["fail", "reverse"])
def test_accepted_refund_is_given_up_only_when_no_settlement_shows_it(verb):
    refund, finance = accepted(), make_user("finance")
    give_up, reason = getattr(refunds, verb), {"reason": "The buyer says no"}
    said = refused("accepted_at_amazon", give_up, refund.key, by=finance, **reason)
    assert attempt_of(refund).feed.feed_id in said
    with time_machine.travel(timezone.now() + LATER):
        refused("accepted_at_amazon", give_up, refund.key, by=finance, **reason)
        settlement(refund)
        refused("forbidden", give_up, refund.key, by=make_user("lead"), **reason)
        assert give_up(refund.key, by=finance, **reason).state in ("failed", "reversed")


def test_accepted_refund_is_not_given_up_while_money_of_its_order_means_nothing_yet():
    refund, finance = accepted(), make_user("finance")
    with time_machine.travel(timezone.now() + LATER):
        at = timezone.now()
        found = make_settlement(refund.seller, deposited_at=at, ends_at=at)
        make_fact(found, refund.order, None, -refund.gross)
        refused("accepted_at_amazon", refunds.fail, refund.key, by=finance, reason="Not seen")


def test_settlement_that_ended_too_early_says_nothing():
    refund, finance = accepted(), make_user("finance")
    settlement(refund)
    with time_machine.travel(timezone.now() + LATER):
        refused("accepted_at_amazon", refunds.fail, refund.key, by=finance, reason="Not seen")


def test_refund_that_amazon_took_in_part_is_not_called_unpaid_before_a_settlement():
    refund, feed = make_feed_refund(), handed_over()
    [attempt] = feed.attempts.select_related("refund")
    outcomes.answered(attempt, timezone.localdate(), "partly", "Amazon took 1 of its lines.")
    with trail("setup", by=User.objects.system()):
        outcomes.end(again(feed), "done")
    assert again(refund).state == "unknown"
    wanted = {"by": make_user("finance"), "outcome": "failed", "reason": "Nothing to see"}
    refused("accepted_at_amazon", refunds.resolve_unknown, refund.key, **wanted)
    with time_machine.travel(timezone.now() + LATER):
        settlement(refund)
        assert refunds.resolve_unknown(refund.key, **wanted).state == "failed"


# --- Paying anew ---------------------------------------------------------------------------------


def anew(refund: Refund, lane="guided", state="approved") -> Refund:
    """Cancelled and proposed again, by another lane."""
    refunds.cancel(refund.key, by=make_user("finance"), reason="Try it otherwise")
    make_rule(refund.seller, lane="feed" if lane == "feed" else "guided")
    if lane == "bank":
        make_account(refund.seller)
    found = refunds.propose(
        by=make_user("agent"), order=refund.order, origin="order",
        calculation=make_calculation(refund.order), payee=PAYEE if lane == "bank" else None,
        note="To their account" if lane == "bank" else "",
    )  # fmt: skip
    if state == "approved":
        with time_machine.travel(timezone.now() - timedelta(minutes=1)):
            refunds.approve(found.key, by=make_user("finance"))
    return again(found)


def test_given_up_refund_is_not_approved_again(fake_amazon):
    refund = given_up(fake_amazon)
    said = refused("accepted_at_amazon", refunds.approve, refund.key, by=make_user("finance"))
    assert "no settlement shows yet" in said
    assert refund.order.lines.get().sku in said


def test_same_line_proposed_anew_is_not_approved(fake_amazon):
    refund = anew(given_up(fake_amazon), state="proposed")
    refused("accepted_at_amazon", refunds.approve, refund.key, by=make_user("finance"))


@pytest.mark.parametrize("lane", ["guided", "bank", "feed"])
def test_same_line_approved_anew_before_the_report_does_not_leave(fake_amazon, lane):
    approved = []
    given_up(fake_amazon, lambda refund: approved.append(anew(refund, lane)))
    [refund] = approved
    assert refund.state == "approved"
    if lane == "feed":
        assert feeds.collect() == []
        assert "Amazon accepted an earlier refund" in again(refund).wait_why
    elif lane == "bank":
        refused("accepted_at_amazon", bank.make_file, [refund.key], by=make_user("finance"))
    else:
        refused("accepted_at_amazon", refunds.start, refund.key, by=make_user("finance"))
    assert fake_amazon.calls["createFeed"] == 1


def test_file_made_before_the_report_is_not_handed_over(fake_amazon):
    waiting = []

    def again_by_feed(refund):
        with time_machine.travel(timezone.now() - timedelta(minutes=1)):
            refunds.approve(refund.key, by=make_user("finance"))
        waiting.extend(feeds.collect())

    refund = given_up(fake_amazon, again_by_feed)
    assert refund.state == "sending"
    due()
    assert feeds.hand_over(waiting[0].pk).state == "failed"
    assert again(refund).state == "approved"
    assert fake_amazon.calls["createFeed"] == 1


def test_settlement_that_does_not_show_it_frees_the_line(fake_amazon):
    refund = given_up(fake_amazon)
    with time_machine.travel(timezone.now() + LATER):
        settlement(refund)
        assert refunds.approve(refund.key, by=make_user("finance")).state == "approved"


def test_settlement_that_shows_it_leaves_nothing_to_refund(fake_amazon):
    refund = given_up(fake_amazon)
    with time_machine.travel(timezone.now() + LATER):
        settlement(refund, -refund.gross)
        refused("cap_exceeded", refunds.approve, refund.key, by=make_user("finance"))
    assert Refund.objects.get(source="amazon").gross == refund.gross


def test_other_lines_go_on(fake_amazon):
    refund = given_up(fake_amazon)
    other = make_feed_refund(make_shipped_order(seller=refund.seller))
    assert other.state == "approved"


def test_bulk_approval_asks_once_whatever_it_holds(fake_amazon, django_assert_num_queries):
    counts = []
    for many in (1, 5):
        rows = [make_feed_refund(state="proposed") for _ in range(many)]
        lines = [line for row in rows for line in row.lines.all()]
        with django_assert_num_queries(1) as queries:
            assert accepted_module.object_to_accepted(rows, lines) == {}
        counts.append(len(queries))
    assert counts == [1, 1]


# --- While it is looked for ----------------------------------------------------------------------


def test_refund_of_a_file_that_is_looked_for_is_not_called_unpaid(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "timeout_after")
    feed = handed_over()
    wanted = {"by": make_user("finance"), "outcome": "failed", "reason": "I see nothing"}
    said = refused("feed", refunds.resolve_unknown, refund.key, **wanted)
    assert "still being looked for" in said
    assert f"of {polling.LOOKS}" in said
    no_longer_looked_for(feed)
    assert refunds.resolve_unknown(refund.key, **wanted).state == "failed"


def test_lost_file_is_looked_for_until_the_end_where_one_of_it_was_given_up(fake_amazon):
    refund = make_feed_refund()
    other = make_feed_refund(make_shipped_order(seller=refund.seller))
    fake_amazon.fail("createFeed", "reset_after")
    feed = handed_over()
    no_longer_looked_for(feed)
    decide(refund)
    refunds.resolve_unknown(
        other.key, by=make_user("finance"), outcome="sent", reason="Seen in Seller Central",
        sent_on=timezone.localdate(), amount=other.gross,
    )  # fmt: skip
    with trail("setup", by=User.objects.system()):
        Feed.objects.filter(pk=feed.pk).update(looks=polling.LOOKS - 2)
    assert polling.look_for(feed.pk).state == "submitted"
    due()
    polling.poll(feed.pk)
    assert attempt_of(refund).evidence["report"] == "accepted"
    refused("accepted_at_amazon", refunds.approve, refund.key, by=make_user("finance"))


# --- A report against a person's word ------------------------------------------------------------


def exception_of(refund) -> str:
    """The sentence of its open exception of cause unknown, as people read it."""
    match = Match.objects.get(refund=refund)
    assert (match.result, match.cause) == ("open", "unknown")
    return str(Sentence.from_json(match.detail))


def test_report_that_refuses_what_a_person_called_sent_is_an_exception_at_once(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.journal.reject(refund.order.amazon_order_id, "Not eligible.")
    feed = handed_over()
    finance, today = make_user("finance"), timezone.localdate()
    refunds.mark_sent(refund.key, by=finance, sent_on=today, amount=refund.gross)
    assert Match.objects.get(refund=refund).cause == "timing"
    due()
    polling.poll(feed.pk)
    assert attempt_of(refund).evidence["report"] == "refused"
    assert "refused it" in exception_of(refund)
    settlement(refund, -refund.gross)
    assert Match.objects.get(refund=refund).cause != "unknown"


def test_report_that_accepts_what_a_person_called_failed_is_an_exception_at_once(fake_amazon):
    refund = given_up(fake_amazon)
    assert "accepted it" in exception_of(refund)
    with time_machine.travel(timezone.now() + LATER):
        settlement(refund)
        refresh()
        assert Match.objects.get(refund=refund).result == "matched"


def test_failed_refund_without_a_word_of_amazon_is_no_exception(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "400")
    handed_over()
    refresh()
    assert again(refund).state == "failed"
    assert not Match.objects.filter(refund=refund).exists()
