"""Refunds on their way through Amazon's feed, for the tests of sending."""

import csv
import io
import itertools
from datetime import timedelta
from decimal import Decimal

import time_machine
from django.test import Client
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing import refunds
from invoicing.models import Feed, LaneRule, Refund, RefundAttempt
from invoicing.sending.attempts import LOOKS
from tests.factories import make_marketplace, make_user
from tests.papers import make_calculation, make_invoice, make_limit, make_shipped_order

_next = itertools.count(1)


def make_rule(seller, marketplace="DE", feed_format="flat", lane="feed", basis="market"):
    """Refunds of the seller there go by feed, net or gross as the marketplace if not said."""
    with trail("setup", by=User.objects.system()):
        return LaneRule.objects.update_or_create(
            seller=seller,
            marketplace=make_marketplace(marketplace),
            defaults={"lane": lane, "feed_format": feed_format, "basis": basis},
        )[0]


def make_feed_refund(
    order=None, *, feed_format="flat", basis="market", approved_ago=60, state="approved", **money
):
    """A refund of the feed lane, approved so many seconds ago by the real verbs."""
    order = order or make_shipped_order()
    name_items(order)
    make_rule(order.seller, order.marketplace.code, feed_format, basis=basis)
    finance = make_user("finance")
    if not order.documents.filter(kind="invoice").exists():
        make_invoice(order, by=finance, recorded=True)
    origin = money.pop("origin", f"RMA-2026-{900000 + next(_next)}")
    with time_machine.travel(timezone.now() - timedelta(seconds=approved_ago)):
        refund = refunds.propose(
            by=make_user("agent"), order=order, origin=origin,
            calculation=make_calculation(order, origin=origin, **money),
        )  # fmt: skip
        if state == "approved":
            refund = refunds.approve(refund.key, by=finance)
    return refund


def name_items(order) -> None:
    """Give the order's lines the item numbers an orders report brings."""
    for line in order.lines.filter(order_item_id=None):
        line.order_item_id = f"{62538000000000 + line.pk}"
        line.save(update_fields=["order_item_id"])


def again(row):
    """The row as it stands now."""
    return type(row).objects.get(pk=row.pk)


def states() -> dict[str, int]:
    """How many refunds are in each state."""
    found: dict[str, int] = {}
    for state in Refund.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def due() -> None:
    """Everything that waits for its time is due now."""
    with trail("setup", by=User.objects.system()):
        Feed.objects.filter(next_at__isnull=False).update(next_at=timezone.now())


def on_the_desk(user) -> dict[str, str]:
    """What a person sees under "Needs somebody": order id → state, from the list as served."""
    person = Client(SERVER_NAME="localhost")
    person.force_login(user)
    answer = person.get("/refunds/?needs=true&export=csv", secure=True)
    assert answer.status_code == 200, answer.status_code
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
    return {row["Order and PO"]: row["State"] for row in rows}


def no_longer_looked_for(feed: Feed) -> None:
    """A lost feed was looked for as often as it is: its refunds are a person's to decide."""
    with trail("setup", by=User.objects.system()):
        Feed.objects.filter(pk=feed.pk).update(looks=LOOKS, next_at=None)


def attempt_of(refund) -> RefundAttempt:
    """Its newest attempt."""
    return refund.attempts.order_by("-number").first()


__all__ = ["Decimal", "again", "attempt_of", "due", "make_feed_refund", "make_limit", "make_rule",
           "on_the_desk", "states"]  # fmt: skip
