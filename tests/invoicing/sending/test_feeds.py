"""Refunds by Amazon's feed against a simulated Amazon: gathered, handed over, followed up."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from config.core import invariants
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.matching import match_refunds
from invoicing.models import Feed, RefundAttempt
from invoicing.sending import feeds, lanes, needing, polling, sweeper
from tests.factories import make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.sending.making import (
    again,
    attempt_of,
    due,
    make_feed_refund,
    no_longer_looked_for,
    on_the_desk,
    states,
)
from tests.papers import make_refund, make_shipped_order

pytestmark = pytest.mark.django_db
PROMISES = (
    "attempts_agree",
    "attempts_sent_once",
    "attempts_numbered",
    "feeds_and_attempts",
    "feed_files_whole",
    "refund_totals",
    "second_person",
)


@pytest.fixture(autouse=True)
def _promises():
    """Whatever happened, the rows keep what they promise."""
    yield
    broken = {p.name: invariants.violations(p) for p in invariants.promises()}
    assert {name: broken[name] for name in PROMISES} == dict.fromkeys(PROMISES, (0, []))


@pytest.fixture(autouse=True)
def _no_patience(fake_amazon, settings):
    settings.AMAZON_TIMEOUT = 1


def gathered() -> Feed:
    [feed] = feeds.collect()
    return feed


def handed_over() -> Feed:
    return feeds.hand_over(gathered().pk)


def followed(feed: Feed, times: int = 1) -> Feed:
    for _ in range(times):
        due()
        feed = polling.poll(feed.pk)
    return feed


# --- The way through -----------------------------------------------------------------------------


@pytest.mark.parametrize("feed_format", ["flat", "xml"])
def test_refund_is_gathered_handed_over_and_sent_by_the_report(fake_amazon, feed_format):
    refund = make_feed_refund(feed_format=feed_format)
    feed = gathered()
    assert (again(refund).state, feed.state) == ("sending", "prepared")
    attempt = attempt_of(refund)
    assert (attempt.state, attempt.lane, attempt.message) == ("sending", "feed", 1)
    assert attempt.request["gross"] == str(refund.gross)
    feed = feeds.hand_over(feed.pk)
    assert feed.state == "submitted"
    assert again(refund).state == "sending"  # handed over is not paid
    feed = polling.poll(feed.pk)
    assert (feed.state, feed.processing_status) == ("done", "DONE")
    refund = again(refund)
    assert (refund.state, refund.sent_on) == ("sent", timezone.localdate())
    assert attempt_of(refund).evidence == {"report": "accepted"}
    [payment] = fake_amazon.journal.paid(refund.order.amazon_order_id)
    assert payment.total == refund.gross


def test_refund_is_held_for_some_seconds_after_its_approval(fake_amazon, settings):
    settings.SENDING_HOLD = 10
    refund = make_feed_refund(approved_ago=3)
    assert feeds.collect() == []
    refunds.cancel(refund.key, by=make_user("finance"), reason="The buyer keeps it")
    assert feeds.collect(timezone.now() + timedelta(seconds=20)) == []


def test_refunds_of_a_window_leave_in_one_feed(fake_amazon, settings):
    first = make_feed_refund()
    for _ in range(3):
        make_feed_refund(make_shipped_order(seller=first.seller))
    feed = handed_over()
    assert feed.attempts.count() == 4
    make_feed_refund(make_shipped_order(seller=first.seller))
    assert feeds.collect() == []
    settings.SENDING_WINDOW = 0
    assert len(feeds.collect()) == 1
    assert fake_amazon.calls["createFeed"] == 1


def test_second_refund_of_an_order_waits_for_the_next_feed(fake_amazon, settings):
    first = make_feed_refund()
    second = make_feed_refund(first.order)
    assert handed_over().attempts.get().refund == first
    settings.SENDING_WINDOW = 0
    assert gathered().attempts.get().refund == second


def test_refund_in_seller_central_is_not_gathered(fake_amazon):
    make_refund("approved")
    assert feeds.collect(timezone.now() + timedelta(hours=1)) == []


def test_refund_without_amazons_item_number_stays_and_says_why(fake_amazon):
    refund = make_feed_refund()
    refund.order.lines.update(order_item_id=None)
    assert feeds.collect() == []
    refund = again(refund)
    assert (refund.state, refund.wait_until > timezone.now()) == ("approved", True)
    assert "item number" in refund.wait_why


def test_refund_that_amazon_made_meanwhile_is_left_out(fake_amazon):
    refund, fine = make_feed_refund(units=3), make_feed_refund()
    order, line = refund.order, refund.order.lines.get()
    make_fact(make_settlement(order.seller), order, line, -line.item_net, adjustment="A1")
    match_refunds()
    made = feeds.collect()
    assert [feed.attempts.get().refund for feed in made] == [fine]
    assert again(refund).state == "approved"
    assert "already took the rest" in again(refund).wait_why


def test_money_seen_before_the_call_stops_the_whole_file(fake_amazon, settings):
    refund = make_feed_refund()
    other = make_feed_refund(make_shipped_order(seller=refund.seller))
    feed = gathered()
    refunds.confirm_many([refund.pk], by=User.objects.system())
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, fake_amazon.calls["createFeed"]) == ("failed", 0)
    assert again(refund).state == "confirmed"
    assert (again(other).state, attempt_of(other).state) == ("approved", "given_back")
    assert handed_over().attempts.get().refund == other
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 0


def test_lane_without_access_to_amazon_waits_with_a_sentence(settings):
    refund = make_feed_refund()
    settings.AMAZON_REFRESH_TOKENS = {}
    assert feeds.collect() == []
    assert "no access to Amazon" in again(refund).wait_why


def test_access_taken_away_on_the_way_costs_delay_only(fake_amazon, settings):
    refund, tokens = make_feed_refund(), settings.AMAZON_REFRESH_TOKENS
    feed = gathered()
    settings.AMAZON_REFRESH_TOKENS = {}
    assert feeds.hand_over(feed.pk).state == "prepared"
    assert "no access to Amazon" in again(feed).sentence
    settings.AMAZON_REFRESH_TOKENS = tokens
    due()
    assert feeds.hand_over(feed.pk).state == "submitted"
    settings.AMAZON_REFRESH_TOKENS = {}
    assert "no access to Amazon" in followed(feed).sentence
    settings.AMAZON_REFRESH_TOKENS = tokens
    assert followed(feed).state == "done"
    assert again(refund).state == "sent"


def test_lost_feed_is_looked_for_again_while_there_is_no_access(fake_amazon, settings):
    make_feed_refund()
    fake_amazon.fail("createFeed", "truncated")
    feed, tokens = handed_over(), settings.AMAZON_REFRESH_TOKENS
    settings.AMAZON_REFRESH_TOKENS = {}
    assert polling.look_for(feed.pk).state == "unknown"
    settings.AMAZON_REFRESH_TOKENS = tokens
    assert polling.look_for(feed.pk).state == "submitted"


# --- What the call that pays can answer ----------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "429_empty"])
def test_feed_refused_for_now_is_tried_again_and_pays_once(fake_amazon, fault):
    refund = make_feed_refund()
    fake_amazon.behaviour.rate = "0.01"  # a token every 100 seconds
    fake_amazon.fail("createFeed", fault)
    feed = handed_over()
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    assert feed.next_at > timezone.now()
    assert feeds.hand_over(feed.pk) is None  # not before Amazon allows it
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_quota SET tokens = 5")
    due()
    assert feeds.hand_over(feed.pk).state == "submitted"
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


@pytest.mark.parametrize("fault", ["400", "403"])
def test_feed_refused_for_good_fails_its_refunds_which_may_be_approved_again(
    fake_amazon, settings, fault
):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", fault)
    feed = handed_over()
    assert (feed.state, again(refund).state) == ("failed", "failed")
    assert attempt_of(refund).state == "failed"
    refunds.approve(refund.key, by=make_user("finance"))
    settings.SENDING_HOLD = 0
    followed(handed_over())
    assert again(refund).state == "sent"
    assert [a.state for a in refund.attempts.order_by("number")] == ["failed", "sent"]
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


LOST = ["timeout_after", "reset_after", "503_after", "truncated", "not_json", "no_id"]


@pytest.mark.parametrize("fault", LOST)
def test_lost_answer_is_found_at_amazon_and_never_sent_again(fake_amazon, fault):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", fault)
    feed = handed_over()
    assert (feed.state, again(refund).state) == ("unknown", "unknown")
    assert attempt_of(refund).state == "unknown"
    due()
    assert polling.look_for(feed.pk).state == "submitted"
    feed = followed(feed)
    assert feed.state == "done"
    assert "in doubt" in feed.sentence
    refund = again(refund)
    assert refund.state == "unknown"  # a file that fits is evidence; only its money is proof
    assert attempt_of(refund).evidence == {"report": "accepted", "adopted": feed.feed_id}
    assert "Its money confirms it" in refund.note
    assert refund in needing.needs_person()
    assert fake_amazon.calls["createFeed"] == 1
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


def test_lost_answer_that_was_found_is_confirmed_by_its_money(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "truncated")
    feed = handed_over()
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert polling.look_for(feed.pk).state == "submitted"
        assert followed(feed).state == "done"  # looks at the account's transactions, too
        match_refunds()  # as the worker does after an import was committed
    assert again(refund).state == "confirmed"
    assert attempt_of(refund).state == "sent"


@pytest.mark.parametrize("outcome", ["accepted", "refused"])
def test_feed_of_somebody_else_that_fits_decides_nothing(fake_amazon, outcome):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "reset")
    feed = handed_over()
    fake_amazon.journal.store(doc := fake_amazon.journal.new_document(), records(1))
    if outcome == "refused":
        fake_amazon.journal.reject("303-1", "The amount is not eligible.")
    fake_amazon.journal.take(feed.feed_type, [feed.marketplace.amazon_id], doc)
    assert polling.look_for(feed.pk).state == "submitted"
    assert followed(feed).state == "done"
    assert again(refund).state == "unknown"
    assert attempt_of(refund).evidence["report"] == outcome


def test_feed_created_after_the_call_was_over_is_not_adopted(fake_amazon, settings):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "reset")
    feed = handed_over()
    fake_amazon.journal.store(doc := fake_amazon.journal.new_document(), records(1))
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.SENDING_LEASE + 60)):
        fake_amazon.journal.take(feed.feed_type, [feed.marketplace.amazon_id], doc)
        assert polling.look_for(feed.pk).state == "unknown"
    assert again(refund).state == "unknown"


@pytest.mark.parametrize("fault", ["503_html", "timeout", "reset"])
def test_answer_lost_without_effect_stays_unknown_until_a_person_decides(fake_amazon, fault):
    refund, finance = make_feed_refund(), make_user("finance")
    fake_amazon.fail("createFeed", fault)
    feed = handed_over()
    for _ in range(polling.LOOKS):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_quota SET tokens = 5")
        feed = polling.look_for(feed.pk)
    assert (feed.state, feed.next_at) == ("unknown", None)
    assert "Decide its refunds" in feed.sentence
    assert refund in needing.needs_person()
    refunds.resolve_unknown(refund.key, by=finance, outcome="failed", reason="Not at Amazon")
    assert polling.look_for(feed.pk).state == "done"
    assert fake_amazon.calls["createFeed"] == 1
    assert fake_amazon.journal.payments == []


def test_two_lost_feeds_are_told_apart_by_a_person_only(fake_amazon, settings):
    first = make_feed_refund()
    fake_amazon.fail("createFeed", "truncated", 2)
    handed_over()
    settings.SENDING_WINDOW = 0
    second = make_feed_refund(make_shipped_order(seller=first.seller))
    feed = handed_over()
    assert polling.look_for(feed.pk).state == "unknown"
    assert {again(first).state, again(second).state} == {"unknown"}


def test_lost_feeds_are_known_by_their_money_when_the_account_shows_it(fake_amazon, settings):
    settings.SENDING_WINDOW = 0
    first = make_feed_refund()
    fake_amazon.fail("createFeed", "truncated")
    fake_amazon.fail("createFeed", "reset")
    lost = handed_over()
    second = make_feed_refund(make_shipped_order(seller=first.seller))
    other = handed_over()
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        for _ in range(polling.PULLS):
            for feed in (lost, other):
                polling.look_for(feed.pk)
        match_refunds()  # as the worker does after an import was committed
        for feed in (lost, other):
            polling.look_for(feed.pk)
    assert (again(lost).state, again(other).state) == ("done", "unknown")
    assert (again(first).state, again(second).state) == ("confirmed", "unknown")
    assert fake_amazon.calls["createFeed"] == 2


def test_feed_that_a_person_decided_is_not_adopted_by_the_next_one(fake_amazon, settings):
    first, finance = make_feed_refund(), make_user("finance")
    fake_amazon.fail("createFeed", "truncated")
    left = handed_over()
    day = timezone.localdate()
    refunds.resolve_unknown(first.key, by=finance, outcome="sent", reason="Seen", sent_on=day,
                            amount=first.gross)  # fmt: skip
    assert polling.look_for(left.pk).state == "done"
    settings.SENDING_WINDOW = 0
    second = make_feed_refund(make_shipped_order(seller=first.seller))
    fake_amazon.fail("createFeed", "reset")
    assert polling.look_for(handed_over().pk).state == "unknown"
    assert again(second).state == "unknown"


def test_feed_of_somebody_else_is_not_adopted(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.fail("createFeed", "reset")
    feed = handed_over()
    fake_amazon.journal.store(doc := fake_amazon.journal.new_document(), records(2))
    fake_amazon.journal.take(feed.feed_type, [feed.marketplace.amazon_id], doc)
    assert polling.look_for(feed.pk).state == "unknown"
    assert again(refund).state == "unknown"


def records(many: int) -> bytes:
    head = "order-id\torder-item-id\tcurrency\titem-price-adj\n"
    rows = [f"303-{number}\t{number}\tEUR\t5.00\n" for number in range(1, many + 1)]
    return (head + "".join(rows)).encode()


def test_lane_that_dedupes_asks_again_with_the_same_document(fake_amazon):
    feed_lane = lanes.lane("feed")
    fake_amazon.behaviour.dedupes = True
    lanes.register(lanes.Lane("feed", dedupes=True, why_not=feed_lane.why_not))
    try:
        refund = make_feed_refund()
        fake_amazon.fail("createFeed", "reset_after")
        feed = handed_over()
        assert feed.state == "unknown"
        assert polling.look_for(feed.pk).state == "submitted"
    finally:
        lanes.register(feed_lane)
    assert fake_amazon.calls["createFeed"] == 2
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


@pytest.mark.parametrize("operation", ["createFeedDocument", "upload"])
@pytest.mark.parametrize("fault", ["503_html", "reset"])
def test_upload_that_fails_is_harmless_and_repeated(fake_amazon, operation, fault):
    refund = make_feed_refund()
    fake_amazon.fail(operation, fault)
    feed = handed_over()
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    due()
    assert feeds.hand_over(feed.pk).state == "submitted"
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


def test_worker_held_up_before_the_call_does_not_make_it(fake_amazon, settings):
    refund, feed = make_feed_refund(), gathered()
    settings.SENDING_LEASE = 0
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    assert fake_amazon.calls["createFeed"] == 0


# --- What Amazon makes of it ---------------------------------------------------------------------


@pytest.mark.parametrize("feed_format", ["flat", "xml"])
def test_partial_acceptance_sends_one_and_fails_the_other(fake_amazon, feed_format):
    good = make_feed_refund(feed_format=feed_format)
    bad = make_feed_refund(make_shipped_order(seller=good.seller), feed_format=feed_format)
    fake_amazon.journal.reject(bad.order.amazon_order_id, "The amount is not eligible.")
    assert followed(handed_over()).state == "done"
    assert (again(good).state, again(bad).state) == ("sent", "failed")
    assert "not eligible" in attempt_of(bad).sentence


def test_cancelled_feed_fails_its_refunds(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.behaviour.outcome = "CANCELLED"
    feed = followed(handed_over())
    assert (feed.state, again(refund).state) == ("failed", "failed")


def test_fatal_feed_with_a_report_follows_it(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.behaviour.outcome = "FATAL_WITH_REPORT"
    feed = followed(handed_over())
    assert (feed.state, again(refund).state) == ("done", "failed")


@pytest.mark.parametrize("outcome", ["FATAL", "FATAL_AFTER_PAYING"])
def test_fatal_feed_without_a_report_is_unknown_and_a_persons(fake_amazon, outcome):
    refund = make_feed_refund()
    fake_amazon.behaviour.outcome = outcome
    feed = followed(handed_over())
    assert (feed.state, again(refund).state) == ("done", "unknown")
    assert "in doubt" in feed.sentence
    assert refund in needing.needs_person()
    assert fake_amazon.calls["createFeed"] == 1


def test_feed_in_progress_is_asked_after_further_and_further_apart(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.behaviour.in_progress = 6
    feed = handed_over()
    gaps = []
    for _ in range(6):
        feed = followed(feed)
        gaps.append(feed.next_at - timezone.now())
    assert feed.state == "submitted"
    assert feed.processing_status in ("IN_QUEUE", "IN_PROGRESS")
    assert gaps[-1] > 3 * gaps[0]
    assert not needing.is_late(feed)
    assert needing.is_late(feed, timezone.now() + timedelta(days=2))
    assert followed(feed).state == "done"
    assert again(refund).state == "sent"


def test_report_that_comes_after_a_slow_feed_is_waited_for(fake_amazon):
    refund = make_feed_refund()
    fake_amazon.behaviour.in_progress, fake_amazon.behaviour.report_late = 7, 2
    feed = handed_over()
    for _ in range(9):
        feed = followed(feed)
    assert (feed.state, feed.processing_status) == ("submitted", "DONE")
    assert followed(feed).state == "done"
    assert again(refund).state == "sent"


def handed_over_days_ago(days: float) -> Feed:
    """A feed that Amazon has had for so long."""
    feed = handed_over()
    moved = timezone.now() - timedelta(days=days)
    with trail("setup", by=User.objects.system()):
        Feed.objects.filter(pk=feed.pk).update(submitted_at=moved, creating_at=moved)
    return again(feed)


@pytest.mark.parametrize("fault", ["400", "503_html", "truncated"])
@pytest.mark.parametrize("operation", ["getFeed", "getFeedDocument"])
def test_report_that_never_comes_is_a_persons_after_some_days(fake_amazon, operation, fault):
    refund = make_feed_refund()
    feed = handed_over_days_ago(2.9)
    fake_amazon.fail(operation, fault, 2)
    feed = followed(feed)
    assert (again(refund).state, feed.next_at < timezone.now() + timedelta(hours=1)) == (
        "sending", True,
    )  # fmt: skip
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        feed = followed(feed)
        refund = again(refund)
        assert (feed.state, refund.state, attempt_of(refund).state) == (
            "submitted",
            *["unknown"] * 2,
        )
        for said in (refund.note, feed.sentence, attempt_of(refund).sentence):
            assert "Open the order in Seller Central and see whether it shows the refund" in said
        assert feed.next_at > timezone.now() + timedelta(hours=23)
        assert on_the_desk(make_user("finance")) == {refund.order.amazon_order_id: "unknown"}
        assert followed(feed).state == "done"  # the report comes late: it decides
    assert again(refund).state == "sent"
    assert fake_amazon.calls["createFeed"] == 1


def test_status_that_never_ends_is_a_persons_after_some_days(fake_amazon):
    refund, fake_amazon.behaviour.in_progress = make_feed_refund(), 99
    followed(handed_over_days_ago(4))
    assert again(refund).state == "unknown"


def test_person_decides_a_silent_file_and_a_late_acceptance_stops_the_next_try(fake_amazon):
    refund, finance = make_feed_refund(), make_user("finance")
    feed = handed_over_days_ago(4)
    refunds.mark_unknown(refund.key, by=finance, reason="Where is it?")
    fake_amazon.fail("getFeed", "503_html")
    feed = followed(feed)
    refunds.resolve_unknown(refund.key, by=finance, outcome="failed", reason="Not to be seen")
    assert followed(feed).state == "done"
    with pytest.raises(Refused) as refusal:
        refunds.approve(refund.key, by=make_user("finance"))
    assert refusal.value.code == "accepted_at_amazon"
    assert fake_amazon.journal.times_paid(refund.order.amazon_order_id) == 1


def test_silent_file_is_not_asked_for_ever(fake_amazon):
    refund, fake_amazon.behaviour.in_progress = make_feed_refund(), 99
    feed = followed(handed_over_days_ago(31))
    assert (feed.state, feed.next_at, again(refund).state) == ("done", None, "unknown")
    assert "31 days" in feed.sentence
    assert followed_calls(fake_amazon, feed) == 0


def followed_calls(amazon, feed: Feed) -> int:
    """How often a sweep asks Amazon about a feed that is over."""
    before = amazon.calls["getFeed"]
    sweeper.sweep()
    return amazon.calls["getFeed"] - before


def test_answer_that_cannot_be_read_is_asked_for_further_apart_and_given_up(
    fake_amazon, monkeypatch
):
    refund, feed = make_feed_refund(), handed_over_days_ago(4)

    def broken(*args):
        raise KeyError("feedId")

    monkeypatch.setattr(polling, "_follow", broken)
    due()
    with pytest.raises(KeyError):
        polling.poll(feed.pk)
    assert again(refund).state == "unknown"
    assert "could not read" in again(feed).sentence


@pytest.mark.parametrize("fault", ["429", "503_html", "truncated", "reset"])
@pytest.mark.parametrize("operation", ["getFeed", "getFeedDocument", "download"])
def test_question_that_fails_is_asked_again(fake_amazon, operation, fault):
    refund, feed = make_feed_refund(), handed_over()
    fake_amazon.fail(operation, fault)
    feed = followed(feed)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_quota SET tokens = 5")
    assert followed(feed, 2).state == "done"
    assert again(refund).state in ("sent", "unknown" if fault == "truncated" else "sent")


def test_report_that_does_not_tie_leaves_it_to_a_person(fake_amazon, monkeypatch):
    refund, feed = make_feed_refund(), handed_over()
    for name, content in fake_amazon.journal.documents.items():
        if content and content.startswith(b"Feed Processing"):
            text = content.replace(b"processed\t\t1", b"processed\t\t7")
            fake_amazon.journal.documents[name] = text
    feed = followed(feed)
    assert (feed.state, again(refund).state) == ("done", "unknown")
    assert "7 messages" in attempt_of(refund).sentence


def test_one_refund_that_breaks_keeps_no_other_back(fake_amazon, monkeypatch):
    broken = make_feed_refund()
    fine = make_feed_refund(make_shipped_order(seller=broken.seller))
    feed = handed_over()
    real = polling.outcomes.answered

    def answered(attempt, *args):
        if attempt.refund_id == broken.pk:
            raise RuntimeError("a bug")
        real(attempt, *args)

    monkeypatch.setattr(polling.outcomes, "answered", answered)
    assert followed(feed).state == "submitted"
    assert (again(broken).state, again(fine).state) == ("sending", "sent")
    monkeypatch.undo()
    assert followed(feed).state == "done"
    assert again(broken).state == "sent"


def test_polling_twice_changes_nothing_more(fake_amazon):
    refund = make_feed_refund()
    feed = followed(handed_over())
    version = again(refund).version
    assert polling.poll(feed.pk).state == "done"
    assert again(refund).version == version


def test_money_seen_before_the_report_confirms_and_the_report_changes_nothing(fake_amazon):
    refund = make_feed_refund()
    feed = handed_over()
    order, line = refund.order, refund.order.lines.get()
    make_fact(make_settlement(order.seller), order, line, -refund.gross, at=timezone.now())
    assert match_refunds().confirmed == [refund.pk]
    assert attempt_of(refund).state == "sent"
    assert followed(feed).state == "done"
    assert again(refund).state == "confirmed"


def test_accepted_after_a_person_gave_it_up_is_never_sent_again(fake_amazon):
    refund, finance = make_feed_refund(), make_user("finance")
    fake_amazon.fail("createFeed", "truncated")
    feed = handed_over()
    no_longer_looked_for(feed)
    refunds.resolve_unknown(refund.key, by=finance, outcome="failed", reason="Not to be seen")
    feeds.keep_id(feed.pk, next(iter(fake_amazon.journal.feeds)), verb="adopt_feed")
    assert followed(feed).state == "done"
    with pytest.raises(Refused) as refusal:
        refunds.approve(refund.key, by=finance)
    assert refusal.value.code == "accepted_at_amazon"


def test_accepted_after_all_stops_it_whichever_way_it_goes(fake_amazon):
    refund, finance = make_feed_refund(), make_user("finance")
    fake_amazon.fail("createFeed", "truncated")
    feed = handed_over()
    no_longer_looked_for(feed)
    refunds.resolve_unknown(refund.key, by=finance, outcome="failed", reason="Not to be seen")
    refunds.change_lane(refund.key, by=finance, lane="guided", reason="By hand, then")
    refunds.approve(refund.key, by=make_user("finance"))
    feeds.keep_id(feed.pk, next(iter(fake_amazon.journal.feeds)), verb="adopt_feed")
    assert followed(feed).state == "done"
    with pytest.raises(Refused) as refusal:
        refunds.start(refund.key, by=finance)
    assert refusal.value.code == "accepted_at_amazon"


# --- Hands off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["give_back", "fail"])
def test_refund_in_a_feed_cannot_be_given_up_by_hand(fake_amazon, verb):
    refund, finance = make_feed_refund(), make_user("finance")
    handed_over()
    with pytest.raises(Refused) as refusal:
        getattr(refunds, verb)(refund.key, by=finance, reason="Too slow")
    assert refusal.value.code == "feed"


def test_refund_of_the_feed_lane_cannot_be_started_by_hand():
    refund = make_feed_refund()
    with pytest.raises(Refused) as refusal:
        refunds.start(refund.key, by=make_user("finance"))
    assert refusal.value.code == "lane"


def test_refund_whose_file_is_on_the_way_is_left_alone(fake_amazon):
    refund, finance = make_feed_refund(), make_user("finance")
    feed = gathered()
    with pytest.raises(Refused) as refusal:
        refunds.mark_unknown(refund.key, by=finance, reason="Where is it?")
    assert refusal.value.code == "feed"
    feeds.hand_over(feed.pk)
    refunds.mark_unknown(refund.key, by=finance, reason="Where is it?")
    assert followed(feed).state == "done"
    assert again(refund).state == "sent"


# --- The sweeper ---------------------------------------------------------------------------------


def test_sweep_carries_a_refund_from_approval_to_sent(fake_amazon):
    refund = make_feed_refund()
    assert sweeper.sweep().done["collected"]
    assert sweeper.sweep().done["handed_over"]
    due()
    assert sweeper.sweep().done["polled"]
    assert again(refund).state == "sent"
    assert not sweeper.sweep()


def test_feed_left_in_the_middle_is_lost_after_its_lease_only(fake_amazon, settings):
    refund, feed = make_feed_refund(), gathered()
    assert feeds._creating(feed.pk, "document")
    due()
    sweeper.sweep()
    assert again(feed).state == "creating"
    settings.SENDING_LEASE = 0
    due()
    sweeper.sweep()
    assert again(feed).state == "unknown"
    assert again(refund).state == "unknown"
    assert fake_amazon.calls["createFeed"] == 0


def test_feed_that_breaks_keeps_no_other_back(fake_amazon, monkeypatch):
    broken, fine = make_feed_refund(), make_feed_refund()
    for feed in feeds.collect():
        feeds.hand_over(feed.pk)
    due()
    bad = attempt_of(broken).feed_id
    real = polling.poll

    def poll(feed_id):
        if feed_id == bad:
            raise RuntimeError("a bug")
        return real(feed_id)

    monkeypatch.setattr(sweeper.polling, "poll", poll)
    swept = sweeper.sweep()
    assert swept.broken == 1
    assert (again(broken).state, again(fine).state) == ("sending", "sent")
    assert not sweeper.sweep()  # the broken one waits for its turn


def test_refund_long_in_somebodys_hands_is_asked_after():
    refund = make_refund("sending")
    assert refund not in needing.needs_person()
    assert refund in needing.needs_person(timezone.now() + timedelta(days=3))


def test_gathering_takes_the_same_queries_for_one_and_ten(
    fake_amazon, django_assert_max_num_queries
):
    counts = []
    for many in (1, 10):
        first = make_feed_refund()
        for _ in range(many - 1):
            make_feed_refund(make_shipped_order(seller=first.seller))
        with django_assert_max_num_queries(60) as queries:
            assert len(feeds.collect()) == 1
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 2  # files are one insert, whatever they hold


# --- What the database refuses -------------------------------------------------------------------


def test_two_open_attempts_of_a_refund_are_refused():
    from django.db import IntegrityError, transaction

    from invoicing.sending.attempts import open_attempt

    refund, by = make_refund("sending"), make_user("finance")
    with pytest.raises(IntegrityError), transaction.atomic(), trail("test", by=by):
        open_attempt(refund, by=by, lane="guided")
    assert RefundAttempt.objects.filter(refund=refund).count() == 1
    assert states() == {"sending": 1}
