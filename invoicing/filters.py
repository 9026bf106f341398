"""Filters of the lists of money and papers; they live in the address."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from invoicing.models import Document, MoneyFact, Refund, SettlementRun
from invoicing.models.document import Issuer, Kind
from invoicing.models.refund import Source
from invoicing.states import DocumentState, RefundState


class RefundFilters(django_filters.FilterSet):
    """Refunds by order, RMA or Amazon's id, and where they stand."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=RefundState.choices, label=_("State"))
    second = django_filters.BooleanFilter(
        field_name="needs_second", label=_("Needs a second person")
    )
    source = django_filters.ChoiceFilter(choices=Source.choices, label=_("Decided by"))
    undocumented = django_filters.BooleanFilter(
        field_name="document", lookup_expr="isnull", label=_("Without a credit note")
    )
    proposed = django_filters.DateFromToRangeFilter(field_name="proposed_at", label=_("Proposed"))

    class Meta:
        model = Refund
        fields = ["q", "state", "second", "source", "undocumented", "proposed"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, an RMA number, a PO number or Amazon's refund id."""
        value = value.strip()
        return rows.filter(
            Q(order__amazon_order_id__startswith=value)
            | Q(origin__iexact=value)
            | Q(order__po_number__iexact=value)
            | Q(amazon_refund_id=value)
        )


class DocumentFilters(django_filters.FilterSet):
    """Documents by number, order or RMA, kind, issuer and state."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"))
    state = django_filters.ChoiceFilter(choices=DocumentState.choices, label=_("State"))
    issuer = django_filters.ChoiceFilter(choices=Issuer.choices, label=_("Issued by"))
    blocked = django_filters.BooleanFilter(method="only_blocked", label=_("With findings"))
    issued = django_filters.DateFromToRangeFilter(field_name="issue_date", label=_("Date"))

    class Meta:
        model = Document
        fields = ["q", "kind", "state", "issuer", "blocked", "issued"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of a number or an order id, or an RMA number."""
        value = value.strip()
        return rows.filter(
            Q(number__istartswith=value)
            | Q(order__amazon_order_id__startswith=value)
            | Q(origin__iexact=value)
        )

    def only_blocked(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Drafts the gate found something on."""
        drafts = rows.filter(state=DocumentState.DRAFT)
        return drafts.exclude(findings=[]) if value else rows


class RunFilters(django_filters.FilterSet):
    """Runs by file name and format."""

    q = django_filters.CharFilter(
        field_name="file_name", lookup_expr="icontains", label=_("File name")
    )
    output_format = django_filters.ChoiceFilter(
        choices=[("csv", "CSV"), ("xlsx", "XLSX")], label=_("Format")
    )

    class Meta:
        model = SettlementRun
        fields = ["q", "output_format"]


class UntiedFilters(django_filters.FilterSet):
    """Untied money by order."""

    q = django_filters.CharFilter(
        field_name="amazon_order_id", lookup_expr="startswith", label=_("Order id")
    )

    class Meta:
        model = MoneyFact
        fields = ["q"]
