"""Why this amount: the page every number of a refund leads to."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from invoicing import timeline
from invoicing.ledger import fx_loss
from invoicing.models import Refund
from returns import why


@login_required
@permission_required("invoicing.view_refund", raise_exception=True)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """GET /refunds/<key>/why/; ``#line-<id>`` is one of its figures."""
    related = ("order__buyer", "order__marketplace", "document", "proposer", "approver")
    refund = get_object_or_404(Refund.objects.select_related(*related), key=key)
    context = {
        "refund": refund,
        "figures": why.figures(refund),
        "proof": why.recomputed(refund),
        "fx": fx_loss.of(refund),
        "events": timeline.of("invoicing.refund", refund.pk),
    }
    return render(request, "returns/why.html", context)
