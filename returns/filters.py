"""Filters of the returns lists; they live in the address and are shared by page and CSV."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import AmazonReturn, Buyer, Order, OrderLine
from orders.models.order import Channel
from returns import return_rate
from returns.models import RMA, RMALine, WorkItem
from returns.reasons import BY_LABEL, same_label
from returns.states import CloseReason, Liability, NextActor, State


class QueueFilters(django_filters.FilterSet):
    """What people narrow the queue by. ``q`` is answered by the trigram index on ``search``."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=State.choices, label=_("State"))
    next = django_filters.ChoiceFilter(
        method="waiting",
        choices=[c for c in NextActor.choices if c[0] != NextActor.NOBODY],
        label=_("Next"),
    )
    mine = django_filters.BooleanFilter(method="only_mine", label=_("Mine"))
    overdue = django_filters.BooleanFilter(method="only_overdue", label=_("Overdue"))
    outside = django_filters.BooleanFilter(field_name="outside_policy", label=_("Outside policy"))
    closed_as = django_filters.ChoiceFilter(
        field_name="close_reason", choices=CloseReason.choices, label=_("Closed as")
    )
    opened = django_filters.DateFromToRangeFilter(field_name="opened_at", label=_("Opened"))

    cause = django_filters.ChoiceFilter(
        method="only_cause",
        choices=lambda: [(code, gettext(label)) for label, code in BY_LABEL.items()],
        label=_("Reason"),
    )
    liability = django_filters.ChoiceFilter(
        method="only_liable", choices=Liability.choices, label=_("Liability")
    )
    unsent = django_filters.BooleanFilter(method="only_unsent", label=_("Not sent back in time"))
    work = django_filters.BooleanFilter(method="only_work", label=_("To sort out"))

    class Meta:
        model = RMA
        fields = ["q", "state", "next", "mine", "overdue", "outside", "closed_as", "opened"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Any part of a number, order id, PO, buyer, SKU or tracking number."""
        return rows.filter(search__icontains=value.strip().upper())

    def waiting(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Open cases whose next step is this actor's."""
        return rows.waiting_for(value)

    def only_mine(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Open cases the reader owns."""
        return rows.open().filter(owner=self.request.user) if value else rows

    def only_overdue(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Open cases whose step was due."""
        return rows.overdue(timezone.now()) if value else rows

    def only_unsent(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Approved, and the day to send them back has passed."""
        late = {"state": State.APPROVED, "ship_by__lt": timezone.localdate()}
        return rows.filter(**late) if value else rows

    def only_cause(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Cases with a line returned for this reason, however the code is spelt."""
        codes, families = same_label(value)
        meant = Q(reason_code__in=codes)
        for beginning in families:
            meant |= Q(reason_code__startswith=beginning)
        return rows.filter(pk__in=RMALine.objects.filter(meant).values("rma"))

    def only_liable(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Cases with a line this party is liable for."""
        return rows.filter(pk__in=RMALine.objects.filter(liability=value).values("rma"))

    def only_work(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Cases with something a person has to sort out first."""
        if not value:
            return rows
        return rows.filter(pk__in=WorkItem.objects.filter(done_at=None).values("rma"))


class BuyerFilters(django_filters.FilterSet):
    """Buyers by name, watch list and return rate."""

    q = django_filters.CharFilter(field_name="legal_name", lookup_expr="icontains", label=_("Name"))
    watched = django_filters.BooleanFilter(label=_("Watched"))
    high = django_filters.BooleanFilter(method="by_rate", label=_("High return rate"))
    kind = django_filters.ChoiceFilter(choices=Buyer.Kind.choices, label=_("Type"))

    class Meta:
        model = Buyer
        fields = ["q", "watched", "high", "kind"]

    def by_rate(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Those above the rate that Today speaks up at, or all the others."""
        high = return_rate.high(Buyer.objects.all()).values("pk")
        return rows.filter(pk__in=high) if value else rows.exclude(pk__in=high)


class OrderFilters(django_filters.FilterSet):
    """Orders by id, PO or buyer, and what is missing."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    complete = django_filters.BooleanFilter(field_name="facts_complete", label=_("Facts complete"))
    no_buyer = django_filters.BooleanFilter(
        field_name="buyer", lookup_expr="isnull", label=_("Without a buyer")
    )
    channel = django_filters.ChoiceFilter(choices=Channel.choices, label=_("Fulfilled by"))
    purchased = django_filters.DateFromToRangeFilter(field_name="purchased_at", label=_("Ordered"))

    class Meta:
        model = Order
        fields = ["q", "complete", "no_buyer", "channel", "purchased"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, a PO number, or part of a buyer's name."""
        value = value.strip()
        return rows.filter(
            Q(amazon_order_id__startswith=value)
            | Q(po_number__iexact=value)
            | Q(buyer__legal_name__icontains=value)
        )


class IdentityFilters(django_filters.FilterSet):
    """Order lines by order or SKU, open or decided."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    decided = django_filters.BooleanFilter(method="by_decision", label=_("Decided"))

    class Meta:
        model = OrderLine
        fields = ["q", "decided"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, or a SKU."""
        value = value.strip()
        return rows.filter(Q(order__amazon_order_id__startswith=value) | Q(sku__iexact=value))

    def by_decision(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Those a person has decided, or those that wait for one."""
        return rows.filter(identity_confirmed_by__isnull=not value)


class WaitingFilters(django_filters.FilterSet):
    """Amazon's returns by order, SKU or RMA id."""

    q = django_filters.CharFilter(method="search", label=_("Search"))

    class Meta:
        model = AmazonReturn
        fields = ["q"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, a SKU, or Amazon's RMA id."""
        value = value.strip()
        return rows.filter(
            Q(order__amazon_order_id__startswith=value)
            | Q(sku__iexact=value)
            | Q(amazon_rma_id__iexact=value)
        )
