"""Filters of finance's lists: exceptions, ledger, feeds, bank files, periods, exchange rates.

They live in the address. Refunds and documents are in `filters.py`.
"""

import uuid
from contextlib import suppress

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from config.core.models import User
from config.core.roles import FINANCE
from invoicing.models import (
    Account,
    BankFile,
    Document,
    Feed,
    FxRate,
    Journal,
    JournalLine,
    Match,
    Period,
    Refund,
)
from invoicing.models.match import Cause, Kind, Result
from invoicing.sending.needing import late_feeds
from invoicing.states import FeedState
from orders.models import Order

MINE, NOBODY = "mine", "nobody"


def owners() -> list[tuple[str, str]]:
    """Me, nobody, and everybody who may own an exception."""
    people = User.objects.filter(role=FINANCE, is_active=True).order_by("username")
    found = [(str(one.pk), one.get_full_name() or one.username) for one in people]
    return [(MINE, _("Me")), (NOBODY, _("Nobody")), *found]


class ExceptionFilters(django_filters.FilterSet):
    """Exceptions by cause, owner, age and amount; by order, RMA or note."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    cause = django_filters.ChoiceFilter(choices=Cause.choices, label=_("Cause"))
    owner = django_filters.ChoiceFilter(choices=owners, method="only_owner", label=_("Owner"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Compared"))
    result = django_filters.ChoiceFilter(
        choices=[(Result.EXPLAINED.value, Result.EXPLAINED.label)], label=_("State")
    )
    difference = django_filters.RangeFilter(field_name="difference", label=_("Difference"))
    since = django_filters.DateFromToRangeFilter(field_name="since", label=_("Since"))
    posted = django_filters.DateFromToRangeFilter(field_name="posted_on", label=_("Counts on"))

    class Meta:
        model = Match
        fields = ["q", "cause", "owner", "kind", "result", "difference", "since", "posted"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, an RMA number, or words of the note."""
        value = value.strip()
        return rows.filter(
            Q(order__amazon_order_id__startswith=value)
            | Q(origin__iexact=value)
            | Q(note__icontains=value)
        )

    def only_owner(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Mine, nobody's, or those of one person."""
        if value == NOBODY:
            return rows.filter(owner=None)
        return rows.filter(owner=self.request.user.pk if value == MINE else int(value))


def months() -> list[tuple[str, str]]:
    """The periods there are, the newest first."""
    rows = Period.objects.select_related("seller", "marketplace").order_by("-month", "seller__name")
    return [
        (str(one.pk), " · ".join(map(str, filter(None, (one, one.seller, one.marketplace)))))
        for one in rows
    ]


class LedgerFilters(django_filters.FilterSet):
    """Ledger lines by account, refund, order, document, period and amount."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    account = django_filters.ChoiceFilter(choices=Account.choices, label=_("Account"))
    kind = django_filters.ChoiceFilter(
        choices=Journal.Kind.choices, field_name="journal__kind", label=_("Booking")
    )
    country = django_filters.CharFilter(lookup_expr="iexact", label=_("VAT country"))
    period = django_filters.ChoiceFilter(
        choices=months, field_name="journal__period", label=_("Period")
    )
    amount = django_filters.RangeFilter(method="only_amount", label=_("Amount"))
    posted = django_filters.DateFromToRangeFilter(
        field_name="journal__posted_on", label=_("Posted")
    )

    class Meta:
        model = JournalLine
        fields = ["q", "account", "kind", "country", "period", "amount", "posted"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """A refund's key, the beginning of an order id, an RMA or a document's number."""
        value = value.strip()
        found = (
            Q(order__in=Order.objects.filter(amazon_order_id__startswith=value))
            | Q(origin__iexact=value)
            | Q(document__in=Document.objects.filter(number__iexact=value))
        )
        with suppress(ValueError):
            found |= Q(key=uuid.UUID(value))
        return rows.filter(journal__refund__in=Refund.objects.filter(found))

    def only_amount(self, rows: QuerySet, name: str, value: slice) -> QuerySet:
        """Amounts of either side, without their sign."""
        if value.start is not None:
            rows = rows.filter(Q(amount__gte=value.start) | Q(amount__lte=-value.start))
        if value.stop is not None:
            rows = rows.filter(amount__gte=-value.stop, amount__lte=value.stop)
        return rows


class FeedFilters(django_filters.FilterSet):
    """Feeds by Amazon's id, an order they hold, and where they stand."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=FeedState.choices, label=_("State"))
    late = django_filters.BooleanFilter(method="only_late", label=_("Overdue at Amazon"))
    made = django_filters.DateFromToRangeFilter(field_name="created_at", label=_("Made"))

    class Meta:
        model = Feed
        fields = ["q", "state", "late", "made"]

    def only_late(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Files Amazon has had for more than a day with refunds nobody knows the end of."""
        late = late_feeds().order_by().values("pk")
        return rows.filter(pk__in=late) if value else rows.exclude(pk__in=late)

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Amazon's feed id, or an order id."""
        value = value.strip()
        holding = Feed.objects.filter(attempts__refund__order__amazon_order_id=value)
        return rows.filter(Q(feed_id=value) | Q(pk__in=holding.values("pk")))


class BankFileFilters(django_filters.FilterSet):
    """Bank files by their id, an order they pay, and where they stand."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=BankFile.State.choices, label=_("State"))
    made = django_filters.DateFromToRangeFilter(field_name="made_at", label=_("Made"))

    class Meta:
        model = BankFile
        fields = ["q", "state", "made"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The file's message id, or an order id."""
        value = value.strip()
        holding = BankFile.objects.filter(attempts__refund__order__amazon_order_id=value)
        return rows.filter(Q(message_id__iexact=value) | Q(pk__in=holding.values("pk")))


class PeriodFilters(django_filters.FilterSet):
    """Periods by state and month."""

    state = django_filters.ChoiceFilter(choices=Period.State.choices, label=_("State"))
    month = django_filters.DateFromToRangeFilter(field_name="month", label=_("Month"))

    class Meta:
        model = Period
        fields = ["state", "month"]


class RateFilters(django_filters.FilterSet):
    """Exchange rates by currency and day."""

    q = django_filters.CharFilter(method="search", label=_("Currency"))
    day = django_filters.DateFromToRangeFilter(field_name="day", label=_("Day"))

    class Meta:
        model = FxRate
        fields = ["q", "day"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """A currency code on either side."""
        value = value.strip().upper()
        return rows.filter(Q(quote=value) | Q(base=value))
