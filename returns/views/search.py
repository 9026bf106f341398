"""Search: an exact id jumps straight to its thing; anything else lists what it may be."""

import uuid
from contextlib import suppress

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from invoicing.models import Document, Refund, Settlement
from orders.models import Buyer, Order
from returns.models import RMA

SHOWN = 20
SHORTEST = 3


@login_required
def search(request: HttpRequest) -> HttpResponse:
    """GET /search/?q=…"""
    text = request.GET.get("q", "").strip()
    thing = _exactly(text) if text else None
    if thing:
        return redirect(thing.get_absolute_url())
    found = _found(text) if len(text) >= SHORTEST else {}
    context = {
        "search_query": text,
        "too_short": bool(text) and len(text) < SHORTEST,
        "found": found,
        "nothing": bool(found) and not any(found.values()),
        "shown": SHOWN,
    }
    return render(request, "returns/search.html", context)


def _exactly(text: str):
    """The one thing an id names: RMA, order, document, Amazon's RMA, tracking, refund, settlement.

    A refund's key is what reports write in every row.
    """
    if " " in text or not any(character.isdigit() for character in text):
        return None  # a name: ids are one word with figures in it
    with suppress(ValueError):
        return Refund.objects.filter(key=uuid.UUID(text)).first()
    upper = text.upper()
    candidates = (
        RMA.objects.filter(Q(number=upper) | Q(amazon_rma_id=text)),
        Order.objects.filter(amazon_order_id=upper),
        Document.objects.filter(number=text),
        RMA.objects.filter(pk__in=RMA.objects.filter(parcels__tracking=text).values("pk")),
        Refund.objects.filter(amazon_refund_id=text),
        Settlement.objects.filter(settlement_id=text),
    )
    for rows in candidates:
        found = list(rows.order_by("pk")[:2])
        if len(found) == 1:
            return found[0]
    return None


def _found(text: str) -> dict[str, list]:
    """At most twenty of each kind, newest first."""
    rmas = RMA.objects.filter(search__icontains=text.upper())
    orders = Order.objects.filter(Q(amazon_order_id__startswith=text) | Q(po_number__iexact=text))
    papers = Document.objects.filter(number__istartswith=text)
    return {
        "rmas": list(rmas.select_related("buyer").order_by("-opened_at", "-id")[:SHOWN]),
        "orders": list(orders.select_related("buyer", "marketplace")[:SHOWN]),
        "buyers": list(Buyer.objects.filter(legal_name__icontains=text)[:SHOWN]),
        "papers": list(papers.select_related("order", "buyer")[:SHOWN]),
    }
