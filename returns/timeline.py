"""The timeline of a case, read from the one trail: a row a verb, with what it changed."""

import json
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.core.models import TrailEvent
from returns import words_of_verbs
from returns.models import RMA

SHOWN = 400
_QUIET = {
    "id",
    "version",
    "updated_at",
    "next_step",
    "search",
    "rma_id",
    "created_at",
    "calculation",
    "content_hash",
    "approved_hash",
    "payload",
    "verdict",
}
THINGS = {
    "returns.rma": _("RMA"),
    "returns.rmaline": _("Line"),
    "returns.parcel": _("Parcel"),
    "returns.receipt": _("Receipt"),
    "returns.inspection": _("Inspection"),
    "returns.evidence": _("Evidence"),
    "returns.message": _("Message"),
    "returns.note": _("Note"),
    "returns.workitem": _("Work item"),
    "returns.policy": _("Policy"),
    "invoicing.refund": _("Refund"),
    "invoicing.refundline": _("Refund line"),
    "invoicing.document": _("Document"),
    "invoicing.numberseries": _("Number series"),
    "invoicing.issuingmode": _("Issuing mode"),
    "invoicing.approvallimit": _("Approval limit"),
    "orders.buyer": _("Buyer"),
    "orders.buyertaxid": _("Buyer's tax id"),
    "orders.buyeraddress": _("Buyer's address"),
    "orders.product": _("Product"),
    "orders.seller": _("Seller"),
    "orders.sellertaxregistration": _("Tax registration"),
    "orders.marketplace": _("Marketplace"),
    "core.user": _("User"),
}


def of(rma: RMA) -> list[dict[str, Any]]:
    """The case's history, newest first, one entry a verb (one query)."""
    events = TrailEvent.objects.filter(Q(rma_id=rma.pk) | Q(origin=rma.number))
    return entries(list(events.order_by("-at")[:SHOWN]))


def entries(events: list[TrailEvent]) -> list[dict[str, Any]]:
    """Group row changes by the verb that made them and say what changed in each."""
    before = _previous(events)
    grouped: dict[Any, dict[str, Any]] = {}
    for event in events:
        context = event.context or {}
        entry = grouped.setdefault(
            event.context_id or event.key,
            {
                "at": event.at,
                "who": context.get("name") or gettext("unknown"),
                "what": words_of_verbs.past(context.get("verb", "")),
                "reason": context.get("reason", ""),
                "request_id": context.get("request_id", ""),
                "changes": [],
            },
        )
        entry["changes"] += _changes(event, before.get(event.key))
    return list(grouped.values())


def _previous(events: list[TrailEvent]) -> dict[str, dict]:
    """For each event the row as the event before it left it."""
    found: dict[str, dict] = {}
    latest: dict[tuple[str, str], dict] = {}
    for event in sorted(events, key=lambda e: (e.at, e.data.get("pgh_id", 0))):
        thing = (event.model, event.obj)
        if thing in latest:
            found[event.key] = latest[thing]
        latest[thing] = event.data
    return found


def _changes(event: TrailEvent, before: dict | None) -> list[dict[str, Any]]:
    thing = THINGS.get(event.model, event.model)
    changed = []
    for name, value in event.data.items():
        if name.startswith("pgh_") or name in _QUIET or value in (None, "", [], {}):
            continue
        old = before.get(name) if before else None
        if before is not None and old == value:
            continue
        label = f"{thing}: {name.removesuffix('_id').replace('_', ' ')}"
        changed.append({"label": label, "before": _plain(old), "after": _plain(value)})
    return changed


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
