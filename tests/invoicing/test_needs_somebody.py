"""Nothing waits unseen: the desk's list of refunds that need somebody, overdue feeds, and Today."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django.utils.html import escape

from config.core.models import User
from config.core.trail import trail
from invoicing import refunds
from invoicing.models import Feed, Refund
from invoicing.sending import feeds
from invoicing.sending.needing import needs_person
from tests.factories import make_user
from tests.invoicing.sending.making import make_feed_refund, on_the_desk
from tests.papers import make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def needing(client) -> str:
    return text_of(client.get("/refunds/?needs=true"))


def tile(client, key: str):
    return next((one for one in client.get("/").context["tiles"] if one.key == key), None)


def set_back(model, row, **spans) -> None:
    """The row's moments were that long ago."""
    with trail("setup", by=User.objects.system()):
        moments = {name: timezone.now() - span for name, span in spans.items()}
        model.objects.filter(pk=row.pk).update(**moments)


def handed_over(amazon) -> tuple[Refund, Feed]:
    refund = make_feed_refund(make_shipped_order())
    [feed] = feeds.collect()
    return refund, feeds.hand_over(feed.pk)


# --- Refunds -------------------------------------------------------------------------------------


def test_unknown_refund_needs_somebody_and_says_what_is_known(client, finance):
    refund = make_refund("sending")
    refunds.mark_unknown(refund.key, by=finance, reason="The window closed while I typed")
    set_back(Refund, refund, sending_at=timedelta(hours=5))
    page = needing(client)
    assert refund.get_absolute_url() in page
    assert "Nobody knows whether the money left. The window closed while I typed · for" in page
    assert "5\N{NO-BREAK SPACE}h" in page


@pytest.mark.parametrize(("days", "shown"), [(1, False), (3, True)])
def test_refund_in_somebodys_hands_needs_somebody_after_two_days(client, finance, days, shown):
    refund = make_refund("sending")
    set_back(Refund, refund, sending_at=timedelta(days=days))
    page = needing(client)
    assert (refund.get_absolute_url() in page) is shown
    assert (escape("In somebody's hands for more than two days.") in page) is shown


@pytest.mark.parametrize(("hours", "shown"), [(20, False), (30, True)])
def test_refund_at_amazon_needs_somebody_after_a_day(client, finance, fake_amazon, hours, shown):
    refund, _feed = handed_over(fake_amazon)
    set_back(Refund, refund, sending_at=timedelta(hours=hours))
    page = needing(client)
    assert (refund.get_absolute_url() in page) is shown
    assert (escape("On its way through Amazon's feed for more than a day.") in page) is shown


def test_refund_that_the_feed_leaves_out_needs_somebody_and_says_why(client, finance):
    refund, gathered = make_feed_refund(make_shipped_order()), make_refund("approved")
    feeds.collect()  # no access to Amazon is set here
    page = needing(client)
    assert refund.get_absolute_url() in page
    assert gathered.get_absolute_url() not in page
    assert escape("Left out of Amazon's feed. There is no access to Amazon") in page
    assert "Left out" in text_of(client.get("/refunds/?state=approved"))
    assert tile(client, "somebody").count == 1


def test_refund_that_is_cancelled_or_led_by_hand_was_left_out_once(client, finance):
    one, other = make_feed_refund(make_shipped_order()), make_feed_refund(make_shipped_order())
    feeds.collect()
    assert len(on_the_desk(finance)) == 2
    refunds.cancel(one.key, by=finance, reason="The buyer keeps it")
    refunds.change_lane(other.key, by=finance, lane="guided", reason="By hand")
    refunds.approve(other.key, by=make_user("finance"))
    assert on_the_desk(finance) == {}


def test_nobody_is_needed_and_the_list_says_so(client, finance):
    refund = make_refund("sending")
    page = needing(client)
    assert refund.get_absolute_url() not in page
    assert "Nothing matches these filters." in page
    assert tile(client, "somebody").count == 0
    assert refund.get_absolute_url() in text_of(client.get("/refunds/?needs=false"))


def test_tab_counts_what_it_shows_and_is_the_active_one(client, finance):
    for _ in range(3):
        set_back(Refund, make_refund("sending"), sending_at=timedelta(days=3))
    page = needing(client)
    assert 'aria-current="true">Needs somebody <span class="count">3</span>' in page
    assert page.count("<tr data-row>") == 3


@pytest.mark.parametrize("many", [1, 6])
def test_list_and_page_take_as_many_queries_for_one_and_many(
    client, finance, django_assert_num_queries, many
):
    for _ in range(many):
        set_back(Refund, make_refund("sending"), sending_at=timedelta(days=3))
    needing(client)
    with django_assert_num_queries(4):
        needing(client)


def test_list_is_read_from_the_index_of_what_waits():
    rows = needs_person().order_by("-proposed_at", "-id").values("pk")[:51]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    assert "refund_waiting" in rows.explain()


# --- Feeds ---------------------------------------------------------------------------------------


def test_overdue_feed_is_said_on_its_page_the_list_and_today(client, finance, fake_amazon):
    _refund, feed = handed_over(fake_amazon)
    path = f"/feeds/{feed.key}/"
    assert "more than a day" not in text_of(client.get(path))
    assert "overdue" not in text_of(client.get("/feeds/")).replace("Overdue at Amazon", "")
    assert tile(client, "late-feeds").count == 0
    set_back(Feed, feed, submitted_at=timedelta(hours=25))
    assert "Amazon has had this file for more than a day" in text_of(client.get(path))
    page = text_of(client.get("/feeds/"))
    assert "1 file is overdue at Amazon" in page
    assert '<span class="second">overdue</span>' in page
    found = tile(client, "late-feeds")
    assert (found.count, found.url) == (1, "/feeds/?late=true")
    assert path in text_of(client.get(found.url))
    assert path not in text_of(client.get("/feeds/?late=false"))


def test_feed_whose_refunds_are_decided_is_not_overdue(client, finance, fake_amazon):
    refund, feed = handed_over(fake_amazon)
    set_back(Feed, feed, submitted_at=timedelta(hours=25))
    refunds.mark_unknown(refund.key, by=finance, reason="Too long")
    refunds.resolve_unknown(
        refund.key, by=finance, outcome="sent", reason="Seller Central shows it",
        sent_on=timezone.localdate(), amount=refund.gross,
    )  # fmt: skip
    assert tile(client, "late-feeds").count == 0
    assert "more than a day" not in text_of(client.get(f"/feeds/{feed.key}/"))


def test_list_of_feeds_takes_as_many_queries_for_one_and_many(
    client, finance, fake_amazon, django_assert_num_queries
):
    for _ in range(3):
        _refund, feed = handed_over(fake_amazon)
        set_back(Feed, feed, submitted_at=timedelta(hours=25))
        client.get("/feeds/")
        with django_assert_num_queries(4):
            client.get("/feeds/")


@pytest.mark.parametrize(("role", "sees"), [("agent", False), ("finance", True)])
def test_overdue_feeds_are_counted_for_those_who_see_feeds(client, role, sees):
    client.force_login(make_user(role))
    assert (tile(client, "late-feeds") is not None) is sees
    assert tile(client, "somebody") is not None


# --- Today ---------------------------------------------------------------------------------------


def test_numbers_of_money_on_today_are_what_their_lists_show(client, finance):
    for state in ("proposed", "approved", "sending", "sending", "failed", "failed", "sent"):
        make_refund(state)
    refunds.mark_unknown(make_refund("sending").key, by=finance, reason="Lost")
    make_feed_refund(make_shipped_order())
    feeds.collect()
    keys = ("second", "carry", "begun", "somebody", "failed")
    tiles = [one for one in client.get("/").context["tiles"] if one.key in keys]
    counts = {one.key: one.count for one in tiles}
    assert counts == {"second": 1, "carry": 2, "begun": 2, "somebody": 2, "failed": 2}
    for one in tiles:
        assert text_of(client.get(one.url)).count("<tr data-row>") == one.count, one.key
