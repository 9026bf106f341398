"""The floor of the queue page: its rows by plain SQL, escaped into an f-string by a bare view.

No log-in, no middleware, no filters, tabs, counts or frame: what nobody can do without.
"""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.html import escape

SQL = """
SELECT r.id, r.number, r.state, r.close_reason, r.next_actor, r.next_step, r.value, r.currency,
    r.due_at, r.opened_at, r.outside_policy, b.legal_name, b.watched, u.username, m.code,
    ARRAY(SELECT l.reason_code FROM returns_rmaline l WHERE l.rma_id = r.id
          ORDER BY l.position LIMIT 3),
    ARRAY(SELECT o.po_number FROM returns_rmaline l JOIN orders_orderline ol
          ON ol.id = l.order_line_id JOIN orders_order o ON o.id = ol.order_id
          WHERE l.rma_id = r.id ORDER BY l.position LIMIT 3)
FROM returns_rma r JOIN orders_marketplace m ON m.id = r.marketplace_id
LEFT JOIN orders_buyer b ON b.id = r.buyer_id LEFT JOIN core_user u ON u.id = r.owner_id
ORDER BY r.opened_at DESC, r.id DESC LIMIT 51
"""


def view(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        found = cursor.fetchall()
    rows = (f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in found[:50])
    return HttpResponse(f"<!doctype html><title>Returns</title><table>{''.join(rows)}</table>")


urlpatterns = [path("bare/", view), path("", include("config.urls"))]


def client() -> Client:
    """A client of a site without any middleware."""
    made = Client()
    with override_settings(MIDDLEWARE=[]):
        made.handler.load_middleware()
    return made
