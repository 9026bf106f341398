"""The desk's tab of refunds that need somebody: reason and since when, readable on a phone too."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from config.core.models import User
from config.core.trail import trail
from invoicing.models import Refund
from invoicing.sending import feeds
from tests.factories import make_user
from tests.invoicing.sending.making import make_feed_refund
from tests.papers import make_refund, make_shipped_order

pytestmark = pytest.mark.e2e


def test_reasons_are_read_on_a_phone_and_opened_by_keyboard(desk, check_page):
    late = make_refund("sending")
    with trail("setup", by=User.objects.system()):
        Refund.objects.filter(pk=late.pk).update(sending_at=timezone.now() - timedelta(days=3))
    make_feed_refund(make_shipped_order())
    feeds.collect()  # no access to Amazon: it is left out
    page = desk(make_user("finance"))
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    page.get_by_role("link", name="Refunds that need somebody 2").click()
    expect(page.locator("[aria-current=true]", has_text="Needs somebody")).to_contain_text("2")
    row = page.locator("[data-row]", has_text="In somebody's hands for more than two days.")
    expect(row).to_contain_text("3\N{NO-BREAK SPACE}d")
    reason = page.get_by_text("Left out of Amazon's feed. There is no access to Amazon")
    reason.scroll_into_view_if_needed()
    box, first = reason.bounding_box(), page.locator("[data-row] th").first.bounding_box()
    assert first["x"] + first["width"] <= box["x"]  # not under the column that stays
    assert box["x"] + box["width"] <= 390
    check_page(page)
    row.get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{late.get_absolute_url()}")
