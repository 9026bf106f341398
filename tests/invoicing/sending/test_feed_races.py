"""Feeds while others are at work: matching, a second worker, and a person who stops them."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing import refund_row, refunds
from invoicing.models import LaneRule
from invoicing.sending import feeds, outcomes, polling
from orders.amazon import tokens
from orders.amazon.errors import NotDone, Refusal
from tests.factories import make_user
from tests.invoicing.sending.making import again, attempt_of, due, make_feed_refund, make_rule
from tests.papers import make_shipped_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch):
    """The tests are the workers."""
    monkeypatch.setattr(feeds.tasks, "publish", lambda *args, **kwargs: None)


def elsewhere(run) -> None:
    """Run it on another connection, to its end."""
    faults = []

    def work():
        try:
            run()
        except Exception as error:  # noqa: BLE001 for the test to see
            faults.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert not faults


def test_refund_confirmed_while_the_file_waits_for_its_lock_is_not_paid(fake_amazon, monkeypatch):
    seen = make_feed_refund()
    other = make_feed_refund(make_shipped_order(seller=seen.seller))
    [feed] = feeds.collect()
    real, by = refund_row.lock_first, User.objects.system()

    def held_up(*args):
        monkeypatch.setattr(refund_row, "lock_first", real)
        elsewhere(lambda: refunds.confirm_many([seen.pk], by=by))
        real(*args)

    monkeypatch.setattr(refund_row, "lock_first", held_up)
    assert feeds.hand_over(feed.pk).state == "failed"
    assert fake_amazon.calls["createFeed"] == 0
    assert (again(seen).state, attempt_of(seen).state) == ("confirmed", "sent")
    assert (again(other).state, attempt_of(other).state) == ("approved", "given_back")


# --- A second worker -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [NotDone("late", "Later."), Refusal("http_400", "Too large.")])
def test_upload_that_fails_takes_no_file_from_the_worker_that_pays(fake_amazon, monkeypatch, error):
    """The first worker's upload took longer than its lease; the second's fails as the first pays"""
    refund = make_feed_refund()
    [feed] = feeds.collect()
    real_upload, real_create = feeds.Amazon.upload, feeds.Amazon.create_feed
    first, uploading, paying = threading.get_ident(), threading.Event(), threading.Event()
    second = threading.Thread(target=lambda: closing(lambda: feeds.hand_over(feed.pk)))

    def upload(self, *args):
        if threading.get_ident() == first:
            due()
            second.start()
            assert uploading.wait(10)
            return real_upload(self, *args)
        uploading.set()
        assert paying.wait(10)
        raise error

    def create_feed(self, *args):
        paying.set()
        second.join(timeout=10)
        return real_create(self, *args)

    monkeypatch.setattr(feeds.Amazon, "upload", upload)
    monkeypatch.setattr(feeds.Amazon, "create_feed", create_feed)
    assert feeds.hand_over(feed.pk).state == "submitted"
    assert again(feed).feed_id
    assert again(refund).state == "sending"
    due()
    assert feeds.hand_over(feed.pk) is None
    assert fake_amazon.calls["createFeed"] == 1


def closing(run) -> None:
    try:
        run()
    finally:
        connection.close()


def test_slow_upload_does_not_pay_after_half_its_lease(fake_amazon, monkeypatch, settings):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    settings.SENDING_LEASE = 2
    real = feeds.Amazon.upload

    def upload(self, *args):
        time.sleep(1.1)
        return real(self, *args)

    monkeypatch.setattr(feeds.Amazon, "upload", upload)
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    assert fake_amazon.calls["createFeed"] == 0
    due()
    assert feeds.hand_over(feed.pk).state == "submitted"  # what is uploaded stays so


def test_id_that_comes_after_the_file_was_ended_is_kept(fake_amazon, settings):
    make_feed_refund()
    [feed] = feeds.collect()
    assert feeds._creating(feed.pk, "document")
    feeds.mark_lost(feed.pk, "The worker died.")
    with outcomes.locked(feed.pk, "unknown", verb="test") as row:
        outcomes.end(row, "done", "Every refund of it was decided otherwise.")
    assert feeds.keep_id(feed.pk, "50009") is False
    feed = again(feed)
    assert (feed.state, feed.feed_id) == ("done", "50009")
    assert "50009" in feed.sentence


# --- Keys and switches ---------------------------------------------------------------------------


def test_rule_set_back_to_seller_central_stops_what_was_approved(fake_amazon):
    refund = make_feed_refund(feed_format="xml")
    make_rule(refund.seller, lane="guided")
    assert feeds.collect() == []
    refund = again(refund)
    assert refund.state == "approved"
    assert "switched off here" in refund.wait_why


def test_rule_that_is_gone_turns_no_xml_into_a_flat_file(fake_amazon):
    refund = make_feed_refund(feed_format="xml")
    with trail("setup", by=User.objects.system()):
        LaneRule.objects.all().delete()
    assert feeds.collect() == []
    assert "switched off here" in again(refund).wait_why


def test_rule_set_back_stops_a_file_that_is_not_handed_over_yet(fake_amazon):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    make_rule(refund.seller, lane="guided")
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("failed", "approved")
    assert "switched off here" in feed.sentence
    assert fake_amazon.calls["createFeed"] == 0


def test_keys_that_amazons_login_refuses_cost_delay_only(fake_amazon, settings):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    secret, settings.AMAZON_CLIENT_SECRET = settings.AMAZON_CLIENT_SECRET, "rotated"
    tokens._kept.clear()
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    assert "login refuses the keys" in feed.sentence
    settings.AMAZON_CLIENT_SECRET = secret
    due()
    feeds.hand_over(feed.pk)
    due()
    polling.poll(feed.pk)
    assert again(refund).state == "sent"
    assert refund.approvals.count() == 1


@pytest.mark.parametrize("fault", ["401", "403"])
def test_right_that_is_missing_for_the_upload_costs_delay_only(fake_amazon, fault):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    fake_amazon.fail("createFeedDocument", fault)
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("prepared", "sending")
    due()
    assert feeds.hand_over(feed.pk).state == "submitted"


def test_login_lost_at_the_last_moment_costs_delay_only(fake_amazon, monkeypatch):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    gone = Refusal("login", "Amazon's login refuses the keys of this seller (401).")

    def create_feed(self, *args):
        raise gone

    monkeypatch.setattr(feeds.Amazon, "create_feed", create_feed)
    feed = feeds.hand_over(feed.pk)
    assert (feed.state, again(refund).state) == ("prepared", "sending")


# --- A report read too late ----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["accepted", "refused", "partly"])
def test_report_of_an_earlier_attempt_says_nothing_of_the_next_one(fake_amazon, word):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    [stale] = feed.attempts.select_related("refund")
    with outcomes.locked(feed.pk, "prepared", verb="test") as row:
        outcomes.fail(row, outcomes.refunds_of(row), "http_400", "Refused.")
    refunds.approve(refund.key, by=make_user("finance"))
    [_next] = feeds.collect(timezone.now() + timedelta(hours=1))
    outcomes.answered(stale, timezone.localdate(), word, "What Amazon said then")
    assert (again(refund).state, attempt_of(refund).state) == ("sending", "sending")
    assert attempt_of(refund).evidence == {}
    assert again(stale).state == "failed"
    assert again(stale).evidence == {"report": word}
