"""The page of what Amazon's tax reports ask for and no document stands for yet, and why.

What is decided about a row is in `tax_groups.py`, the verbs are in `supplies.py`.
"""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from invoicing.models import Document, TaxFact
from invoicing.supplies import LOUD, OpenSupply, open_supplies
from invoicing.waiting import in_words

SHOWN = 200


@login_required
@permission_required("invoicing.view_document", raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    """GET /documents/tax-data/: shipments and refunds of VIDR and SC_VAT_TAX, conflicts first."""
    rows = [_row(one) for one in open_supplies(limit=SHOWN)]
    return render(request, "invoicing/tax_rows.html", {"rows": rows, "shown": SHOWN})


def _row(one: OpenSupply) -> dict:
    group, verdict = one.group, one.verdict
    target = verdict.target if isinstance(verdict.target, Document) else None
    shipment = group.kind == TaxFact.Type.SHIPMENT
    return {
        "order": group.order,
        "what": _("Shipment") if shipment else _("Refund"),
        "name": group.shipment_id if shipment else group.transaction_id,
        "report": group.facts[0].get_report_display(),
        "number": group.number,
        "gross": group.gross,
        "currency": group.facts[0].currency,
        "why": in_words(verdict.sentence.to_json()),
        "loud": verdict.code in LOUD,
        "target": target,
    }
