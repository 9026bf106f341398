"""The goods' verbs: receive, give up as missing, inspect, deliver. Rows are only ever appended.

Receiving and inspecting are allowed while ``refunded`` (money may precede goods) and, for units
that arrive after they were given up, while ``inspected``; neither changes the state then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from config.core import roles
from config.core.refused import Refused
from returns import clocks, verdicts
from returns.case import Case, opened
from returns.models import RMA, Evidence, Inspection, Parcel, Receipt, RMALine
from returns.states import CREDITS, Condition, Disposition, State


@dataclass(frozen=True)
class InspectionResult:
    """What the inspector decided for some units of a line."""

    line_id: int
    quantity: int
    condition: str
    disposition: str
    note: str = ""


def receive(
    number: str,
    *,
    by: Any,
    quantities: dict[int, int],
    parcel_id: int | None = None,
    site: str = "",
    version: int | None = None,
) -> RMA:
    """Units arrived (line id → units) at ``site``, a warehouse's name. An approved case walks
    through shipped on the way.

    Units beyond the waited-for ones are taken from those given up as missing. Refused:
    "state", "quantity", "parcel".
    """
    permission = "returns.receive_rma"
    with opened(number, "receive", by=by, permission=permission, version=version) as case:
        receive_case(case, quantities, parcel_id, site)
    return case.rma


def receive_case(
    case: Case, quantities: dict[int, int], parcel_id: int | None = None, site: str = ""
) -> None:
    """Take units of a locked case into the warehouse."""
    if case.rma.state == State.APPROVED:
        case.move("ship")
        case.rma.shipped_at = case.rma.shipped_at or case.now
    case.within("receive", State.SHIPPED, State.INSPECTED, State.REFUNDED)
    arrived = {"parcel_id": _arrived(case, parcel_id), "site": " ".join(site.split())[:60]}
    for line_id, units in _positive(quantities).items():
        line = case.line(line_id)
        expected, late = min(units, line.outstanding), max(0, units - line.outstanding)
        if late > line.missing:
            _too_many(line, units, line.outstanding + line.missing)
        line.received += units
        line.missing -= late
        for kind, n in ((Receipt.Kind.RECEIVED, expected), (Receipt.Kind.FOUND, late)):
            if n:
                case.rows.append(_receipt(case, line, kind, n, **arrived))
    case.facts.first_received_at = case.facts.first_received_at or case.now
    case.lines_changed = True


def _arrived(case: Case, parcel_id: int | None) -> int | None:
    """The parcel the units came in, marked as delivered; the only one when none is named."""
    parcels = case.facts.parcels
    found = [p for p in parcels if p.id == parcel_id] if parcel_id else parcels
    if parcel_id and not found:
        raise Refused("parcel", _("That parcel is not part of %(rma)s.") % {"rma": case.rma.number})
    if len(found) != 1:
        return None
    if found[0].delivered_at is None:
        found[0].delivered_at = case.now
        case.arrived.append(Parcel(pk=found[0].id, delivered_at=case.now))
    return found[0].id


def _receipt(case: Case, line: RMALine, kind: str, units: int, **where: Any) -> Receipt:
    return Receipt(
        rma=case.rma, line=line, kind=kind, quantity=units, by=case.by, at=case.now, **where
    )


def _positive(quantities: dict[int, int]) -> dict[int, int]:
    """Lines with units; Refused("quantity") when there is none or a number is negative."""
    found = {int(line): int(units) for line, units in quantities.items() if int(units)}
    if not found or min(found.values()) < 0:
        raise Refused("quantity", _("Enter at least one unit."))
    return found


def _too_many(line: RMALine, units: int, most: int) -> None:
    raise Refused(
        "quantity",
        _("%(units)s units of %(sku)s do not fit: at most %(most)s.")
        % {"units": units, "sku": line.order_line.sku, "most": most},
    )


def mark_missing(
    number: str, *, by: Any, quantities: dict[int, int], reason: str, version: int | None = None
) -> RMA:
    """Give up units that never arrived; moves to inspected when nothing is waited for any more.

    Allowed when every parcel has arrived without them, when the policy's days since dispatch have
    passed, or to whoever may waive goods. Refused: "state", "quantity", "early", "reason".
    """
    if not reason.strip():
        raise Refused("reason", _("Give a reason; it stays with the case."))
    with opened(
        number,
        "mark_missing",
        by=by,
        permission="returns.receive_rma",
        version=version,
        reason=reason.strip(),
    ) as case:
        case.within("mark_missing", State.SHIPPED, State.REFUNDED)
        _may_be_missing(case)
        for line_id, units in _positive(quantities).items():
            line = case.line(line_id)
            if units > line.outstanding:
                _too_many(line, units, line.outstanding)
            line.missing += units
            case.rows.append(_receipt(case, line, Receipt.Kind.MISSING, units))
        case.lines_changed = True
        _finish_inspection(case)
    return case.rma


def _may_be_missing(case: Case) -> None:
    arrived = case.facts.parcels and not case.facts.moving
    days = verdicts.terms(case.rma).missing_after_days
    since = case.rma.shipped_at or case.rma.approved_at
    due = clocks.missing_due(since, days)
    if not arrived and case.now < due and not roles.may(case.by, "returns.waive_goods"):
        raise Refused(
            "early",
            _("A parcel may still come. Give the units up after %(day)s, or ask a lead.")
            % {"day": due.date()},
        )


def inspect(
    number: str, *, by: Any, results: Sequence[InspectionResult], version: int | None = None
) -> RMA:
    """Grade received units; moves to inspected when every approved unit is accounted for.

    Refused: "state", "quantity", "condition", "disposition".
    """
    with opened(number, "inspect", by=by, version=version) as case:
        inspect_case(case, results)
    return case.rma


def inspect_case(case: Case, results: Sequence[InspectionResult]) -> None:
    """Grade units of a locked case."""
    case.within("inspect", State.SHIPPED, State.INSPECTED, State.REFUNDED)
    if not results:
        raise Refused("quantity", _("Enter at least one unit."))
    case.rows += [_graded(case, result) for result in results]
    case.lines_changed = True
    _finish_inspection(case)


def _graded(case: Case, result: InspectionResult) -> Inspection:
    line = case.line(result.line_id)
    if result.condition not in Condition.values:
        raise Refused("condition", _("Choose the condition from the list."))
    if result.disposition not in Disposition.values or result.disposition == Disposition.MISSING:
        raise Refused("disposition", _("Choose what happens with the goods from the list."))
    if not 0 < result.quantity <= line.uninspected:
        _too_many(line, result.quantity, line.uninspected)
    if CREDITS[Disposition(result.disposition)]:
        line.accepted += result.quantity
    else:
        line.rejected += result.quantity
    return Inspection(
        rma=case.rma,
        line=line,
        quantity=result.quantity,
        condition=result.condition,
        disposition=result.disposition,
        note=result.note,
        by=case.by,
        at=case.now,
    )


def _finish_inspection(case: Case) -> None:
    """shipped → inspected when every approved unit was inspected or never came."""
    waiting = any(line.outstanding or line.uninspected for line in case.lines)
    if case.rma.state == State.SHIPPED and not waiting:
        case.move("inspect")
        case.rma.inspected_at = case.now


def deliver(parcel_id: int, *, by: Any, at: datetime, proof: Evidence | None = None) -> Parcel:
    """The carrier says a parcel arrived; ``proof`` is an evidence row of the same RMA.

    Refused: "not_found", "forbidden", "proof".
    """
    number = Parcel.objects.filter(pk=parcel_id).values_list("rma__number", flat=True).first()
    if number is None:
        raise Refused("not_found", _("There is no such parcel."))
    with opened(number, "deliver", by=by, permission="returns.ship_rma") as case:
        if proof is not None and proof.rma_id != case.rma.pk:
            raise Refused("proof", _("The proof belongs to another case."))
        parcel = Parcel.objects.get(pk=parcel_id)  # under the RMA's lock
        parcel.delivered_at = at
        parcel.proof_of_delivery = proof or parcel.proof_of_delivery
        parcel.save(update_fields=["delivered_at", "proof_of_delivery"])
        for seen in case.facts.parcels:
            if seen.id == parcel.pk:
                seen.delivered_at = at
    return parcel
