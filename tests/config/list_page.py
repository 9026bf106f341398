"""A list page over orders, as a room would write one, with its addresses; for the tests only."""

import django_filters
import django_tables2
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.urls import include, path

from config.core.lists import BulkAction, HeaderAction, ListPage, Tab
from orders.models import Order
from orders.models.order import Channel


class Filters(django_filters.FilterSet):
    """One filter of each kind the bar can draw."""

    q = django_filters.CharFilter(
        field_name="amazon_order_id", lookup_expr="contains", label="Order number"
    )
    state = django_filters.ChoiceFilter(
        field_name="status", choices=[("requested", "Requested"), ("approved", "Approved")]
    )
    channel = django_filters.MultipleChoiceFilter(choices=Channel.choices, label="Channel")
    business = django_filters.BooleanFilter(field_name="is_business", label="Business")
    opened = django_filters.DateFromToRangeFilter(field_name="purchased_at", label="Opened")

    class Meta:
        model = Order
        fields = ["q", "state", "channel", "business", "opened"]


class Columns(django_tables2.Table):
    """The columns of example_row.html."""

    number = django_tables2.Column(verbose_name="Order")
    buyer = django_tables2.Column(verbose_name="Buyer", accessor="buyer_name")
    state = django_tables2.Column(verbose_name="State")
    reason = django_tables2.Column(verbose_name="Reason", attrs={"th": {"class": "opt"}})
    value = django_tables2.Column(verbose_name="Value", attrs={"th": {"class": "num"}})
    opened_at = django_tables2.Column(verbose_name="Age", attrs={"th": {"class": "num"}})


class OrderPage(ListPage):
    """The list under test."""

    table_class = Columns
    filterset_class = Filters
    row_template = "core/example_row.html"
    permission = "orders.view_order"
    title = "Example orders"
    empty_text = "Import a report to fill this list."
    search_placeholder = "Order number"
    default_sort = "-opened_at"
    sorts = {"opened_at": "opened_at", "value": "value"}
    scope_fields = ("seller__code", "marketplace__code")
    quick_filters = ("state",)
    file_name = "orders"

    def get_rows(self) -> QuerySet:
        return Order.objects.values(
            "id",
            "currency",
            number=F("amazon_order_id"),
            buyer_name=F("buyer__legal_name"),
            po=F("po_number"),
            state=F("status"),
            reason=F("sales_channel"),
            value=F("gross_total"),
            opened_at=F("purchased_at"),
        )

    def get_tabs(self) -> list[Tab]:
        return [
            Tab("All"),
            *(
                Tab(state.capitalize(), {"state": state}, Order.objects.filter(status=state))
                for state in ("requested", "approved")
            ),
        ]

    def get_bulk_actions(self) -> list[BulkAction]:
        return [
            BulkAction(
                "approve", "Approve", "/bulk/", "returns.approve_rma", "Approve {n} orders?"
            ),
            BulkAction("discard", "Discard", "/bulk/", "returns.no_such_permission"),
        ]

    def get_header_actions(self) -> list[HeaderAction]:
        return [HeaderAction("New order", "/new/", primary=True)]


def bulk(request):
    """Say what was chosen."""
    return HttpResponse(" ".join(request.POST.getlist("ids")))


urlpatterns = [
    path("example/", OrderPage.as_view()),
    path("bulk/", bulk),
    path("", include("config.urls")),
]
