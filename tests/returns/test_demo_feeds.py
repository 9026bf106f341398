"""The demo's feeds: one of each fate, by the real verbs, and nobody asks the real Amazon."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from invoicing.models import Feed
from returns.demo.feeds import Feeds
from tests.factories import make_order, make_seller, make_user
from tests.invoicing.money import make_refund


@pytest.mark.django_db
def test_three_refunds_go_by_feeds_of_every_fate():
    seller, day = make_seller(), timezone.localdate() - timedelta(days=1)
    waiting = [
        make_refund(make_order(seller=seller), ("10.00", "1.90"), state="approved", sent_on=day)
        for _ in range(3)
    ]
    cast = SimpleNamespace(finance=make_user("finance"), finance2=make_user("finance"))
    story = SimpleNamespace(today=timezone.now(), cast=cast)
    assert Feeds(story).tell(waiting) == {refund.pk for refund in waiting}
    assert set(Feed.objects.values_list("state", "attempts__state")) == {
        ("done", "sent"), ("unknown", "unknown"), ("submitted", "sending"),
    }  # fmt: skip
    assert b"successful" in bytes(Feed.objects.get(state="done").report)
    assert not Feed.objects.exclude(next_at=None).exists()
