"""Addresses of the returns desk and of the pages that join the rooms. Human ids in paths."""

from contextlib import suppress

from django.conf import settings
from django.urls import path, register_converter

from config.core.views import demo_people
from returns.views import (
    activity,
    bulk,
    buyers,
    case,
    charts,
    evidence,
    handover,
    inspect,
    new,
    orders,
    queue,
    search,
    today,
    undecided,
    verbs,
    why,
)


class RMANumber:
    """``RMA-2026-000123``."""

    regex = r"RMA-\d{4}-\d+"

    def to_python(self, value: str) -> str:
        """The number as it is."""
        return value

    def to_url(self, value: str) -> str:
        """The number as it is."""
        return value


register_converter(RMANumber, "rma")
app_name = "returns"
urlpatterns = [
    path("", today.today, name="today"),
    path("start/", today.start, name="start"),
    path("returns/", queue.Queue.as_view(), name="queue"),
    path("returns/new/", new.new, name="new"),
    path("returns/bulk/", bulk.entry, name="bulk"),
    path("returns/bulk/<slug:verb>/", bulk.verb, name="bulk-verb"),
    path("returns/inspect/", inspect.scan, name="inspect"),
    path("returns/work-items/<int:pk>/done/", verbs.work_item_done, name="work-item-done"),
    path("returns/<rma:number>/", case.show, name="rma"),
    path("returns/<rma:number>/inspect/", inspect.rma, name="inspect-rma"),
    path("returns/<rma:number>/refund/", case.refund_preview, name="refund-preview"),
    path("returns/<rma:number>/evidence/<int:pk>/", evidence.show, name="evidence"),
    path("returns/<rma:number>/<slug:verb>/", verbs.run, name="verb"),
    path("returns/waiting/", undecided.WaitingList.as_view(), name="waiting"),
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/identity/", undecided.IdentityList.as_view(), name="identity"),
    path("orders/identity/<int:pk>/", undecided.confirm_identity, name="identity-line"),
    path("orders/<str:amazon_order_id>/", orders.show, name="order"),
    path("orders/<str:amazon_order_id>/<slug:verb>/", orders.run, name="order-verb"),
    path("buyers/", buyers.BuyerList.as_view(), name="buyers"),
    path("buyers/<int:pk>/", buyers.show, name="buyer"),
    path("buyers/<int:pk>/<slug:verb>/", buyers.run, name="buyer-verb"),
    path("search/", search.search, name="search"),
    path("refunds/<uuid:key>/why/", why.show, name="why"),
    path("charts/", charts.charts, name="charts"),
    path("activity/", activity.Activity.as_view(), name="activity"),
    path("people/hand-over/", handover.hand_over, name="hand-over"),
]

if settings.RETOUR_DEMO:
    with suppress(ImportError):  # a wheel may leave the demo out
        from returns.demo import LOGINS

        demo_people[:] = LOGINS
