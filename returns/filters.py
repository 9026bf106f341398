"""Filters of the returns lists; they live in the address and are shared by page and CSV."""

import django_filters
from django.db.models import QuerySet
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Buyer
from returns.models import RMA
from returns.states import CloseReason, NextActor, State


class QueueFilters(django_filters.FilterSet):
    """What people narrow the queue by. ``q`` is answered by the trigram index on ``search``."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=State.choices, label=_("State"))
    next = django_filters.ChoiceFilter(
        field_name="next_actor", choices=NextActor.choices, label=_("Next")
    )
    mine = django_filters.BooleanFilter(method="only_mine", label=_("Mine"))
    overdue = django_filters.BooleanFilter(method="only_overdue", label=_("Overdue"))
    outside = django_filters.BooleanFilter(field_name="outside_policy", label=_("Outside policy"))
    closed_as = django_filters.ChoiceFilter(
        field_name="close_reason", choices=CloseReason.choices, label=_("Closed as")
    )
    opened = django_filters.DateFromToRangeFilter(field_name="opened_at", label=_("Opened"))

    class Meta:
        model = RMA
        fields = ["q", "state", "next", "mine", "overdue", "outside", "closed_as", "opened"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Any part of a number, order id, PO, buyer, SKU or tracking number."""
        return rows.alias(_search=Upper("search")).filter(_search__contains=value.strip().upper())

    def only_mine(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Cases the reader owns."""
        return rows.filter(owner=self.request.user) if value else rows

    def only_overdue(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Open cases whose step was due."""
        return rows.exclude(state=State.CLOSED).filter(due_at__lt=timezone.now()) if value else rows


class BuyerFilters(django_filters.FilterSet):
    """Buyers by name and watch list."""

    q = django_filters.CharFilter(field_name="legal_name", lookup_expr="icontains", label=_("Name"))
    watched = django_filters.BooleanFilter(label=_("Watched"))
    kind = django_filters.ChoiceFilter(choices=Buyer.Kind.choices, label=_("Type"))

    class Meta:
        model = Buyer
        fields = ["q", "watched", "kind"]
