"""Feeds: the files of refunds that went to Amazon, and what one holds. What they do by themselves
is in ``sending/feeds.py``; nobody sends one by hand.
"""

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.lists import ListPage, Tab
from invoicing import timeline
from invoicing.finance_filters import FeedFilters
from invoicing.finance_tables import FeedTable
from invoicing.models import Feed, RefundAttempt
from invoicing.sending.needing import is_late, late_feeds
from invoicing.states import FeedState

VIEW = "invoicing.view_feed"
ATTEMPTS_SHOWN = 500


class FeedList(ListPage):
    """Every feed, newest first."""

    table_class = FeedTable
    filterset_class = FeedFilters
    row_template = "invoicing/feed_row.html"
    template_name = "invoicing/feeds.html"
    permission = VIEW
    title = gettext_lazy("Feeds to Amazon")
    empty_text = gettext_lazy(
        "Approved refunds of marketplaces with the feed lane go to Amazon in files; they show here."
    )
    search_placeholder = gettext_lazy("Feed id or order")
    scope_fields = ("seller__code", "marketplace__code")
    file_name = "feeds"

    def get_rows(self) -> QuerySet:
        """One row a feed."""
        late = Exists(late_feeds().filter(pk=OuterRef("pk")))
        return Feed.objects.annotate(refunds=Count("attempts"), late=late).values(
            "id", "key", "feed_id", "state", "processing_status", "sentence", "refunds", "late",
            "next_at", "created_at", "seller__name", "marketplace__name",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """What is under way, and what needs somebody."""
        rows = Feed.objects.order_by()
        self.late = Tab(_("Overdue at Amazon"), {"late": "true"}, late_feeds().order_by())
        shown = (FeedState.PREPARED, FeedState.SUBMITTED, FeedState.UNKNOWN, FeedState.FAILED)
        return [
            Tab(_("All")),
            self.late,
            *(Tab(str(state.label), {"state": state}, rows.filter(state=state)) for state in shown),
        ]

    def get_context(self, **extra: Any) -> dict[str, Any]:
        """The notice above the list says how many files Amazon has had for too long."""
        return super().get_context(**extra) | {"late": self.late}


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """GET /feeds/<key>/: where it stands and what became of each refund in it."""
    related = Feed.objects.select_related("seller", "marketplace").defer("content", "report")
    feed = get_object_or_404(related, key=key)
    attempts = RefundAttempt.objects.filter(feed=feed).select_related("refund__order")
    context = {
        "feed": feed,
        "late": is_late(feed),
        "attempts": attempts.order_by("message")[:ATTEMPTS_SHOWN],
        "count": attempts.count(),
        "shown": ATTEMPTS_SHOWN,
        "events": timeline.of("invoicing.feed", feed.pk),
    }
    return render(request, "invoicing/feed.html", context)
