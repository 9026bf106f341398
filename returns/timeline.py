"""The timeline of a case, read from the one trail: a row a verb, with what it changed."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from config.core.models import TrailEvent, User
from config.core.money import format_number
from returns import words_of_verbs
from returns.models import RMA

SHOWN = 400
# Columns that say nothing to people: keys, copies, and what the verb itself says already.
_QUIET = {
    "approved_hash",
    "at",
    "calculation",
    "content_hash",
    "created_at",
    "expires_at",
    "id",
    "next_actor",
    "next_step",
    "number",
    "opened_at",
    "payload",
    "position",
    "search",
    "sender_id",
    "sha256",
    "stored_path",
    "updated_at",
    "verdict",
    "version",
}
_PEOPLE = {"owner_id", "extended_by_id", "goods_waived_by_id"}
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
    "orders.order": _("Order"),
    "orders.orderline": _("Order line"),
    "orders.amazonreturn": _("Amazon return"),
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
    """The case's history, newest first, one entry a verb (one query, one more for names)."""
    events = TrailEvent.objects.filter(Q(rma_id=rma.pk) | Q(origin=rma.number))
    return entries(list(events.order_by("-at", "-key")[:SHOWN]))


def entries(events: list[TrailEvent]) -> list[dict[str, Any]]:
    """Group row changes by the verb that made them and say what changed in each."""
    before, people = _previous(events), _names(events)
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
                "note": "",
                "changes": [],
            },
        )
        for change in _changes(event, before.get(event.key), people):
            if event.model == "returns.rma" and change["name"] == "state" and change["before"]:
                entry["note"] = f"{change['before']} → {change['after']}"
            else:
                entry["changes"].append(change)
    return list(grouped.values())


def _names(events: list[TrailEvent]) -> dict[int, str]:
    """The people that rows point at; no query where there are none."""
    ids = {event.data[name] for event in events for name in _PEOPLE if event.data.get(name)}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}


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


def _changes(event: TrailEvent, before: dict | None, people: dict[int, str]) -> list[dict]:
    """What one row change means to a person; zeros and keys of a new row are left out."""
    thing, model = THINGS.get(event.model, event.model), apps.get_model(event.model)
    changed = []
    for name, value in event.data.items():
        old = before.get(name) if before else None
        if name in _QUIET or name.startswith("pgh_") or value == old or _says_nothing(name):
            continue
        if before is None and value in (None, "", [], {}, 0, False):
            continue
        field = model._meta.get_field(name.removesuffix("_id"))
        told = [_told(field, one, people) for one in (old, value)]
        if told[0] != told[1]:
            label = f"{thing}: {field.verbose_name}"
            names = dict(zip(("before", "after"), told, strict=True))
            changed.append({"name": name, "label": label, **names})
    return changed


def _says_nothing(name: str) -> bool:
    """Keys of other rows, and the times that the entry itself shows."""
    return name not in _PEOPLE and (name.endswith(("_id", "_at")) and name != "due_at")


def _told(field: models.Field, value: Any, people: dict[int, str]) -> Any:
    """A stored value in words: labels of codes, names of people, minutes instead of instants."""
    if value in (None, ""):
        return None
    if field.is_relation:
        return people.get(value, value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, models.DateTimeField):
        moment = datetime.fromisoformat(value)
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
    if isinstance(field, models.DecimalField):
        return format_number(Decimal(str(value)), get_language() or "en")
    return json.dumps(value) if isinstance(value, dict | list) else value
