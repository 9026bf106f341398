"""What Amazon says about a return, told as the verbs it means: approved, shipped, returnless, done.

Set-based: each verb once for all cases it applies to, under a trail of its own. Opening the RMAs
is in ``intake.py``.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from config.core.trail import trail
from orders.models import AmazonReturn
from returns import case as cases
from returns import following
from returns.goods import InspectionResult, inspect_case, receive_case
from returns.models import Parcel
from returns.states import Condition, Disposition, State
from returns.workflow import approve_case, ship_case

PENDING = ("", "pending", "pending approval", "pending seller approval", "requested")
DECLINED = ("declined", "rejected", "cancelled", "canceled", "closed by seller")
LABELS = {
    "AmazonPrePaidLabel": Parcel.LabelType.AMAZON_PREPAID,
    "AmazonUnPaidLabel": Parcel.LabelType.AMAZON_UNPAID,
    "MerchantPrePaidLabel": Parcel.LabelType.OWN_PREPAID,
    "MerchantUnPaidLabel": Parcel.LabelType.BUYER,
}
PAYERS = {
    "customer": Parcel.Payer.BUYER,
    "seller": Parcel.Payer.SELLER,
    "amazon": Parcel.Payer.AMAZON,
}
# FBA disposition (Seller Central 200453320) → what the inspector would have written
FBA = {
    "SELLABLE": (Condition.AS_NEW, Disposition.RESTOCK),
    "DAMAGED": (Condition.DAMAGED, Disposition.SCRAP),
    "CARRIER_DAMAGED": (Condition.DAMAGED, Disposition.SCRAP),
    "CUSTOMER_DAMAGED": (Condition.DAMAGED, Disposition.SCRAP),
    "DEFECTIVE": (Condition.DEFECTIVE, Disposition.SCRAP),
    "EXPIRED": (Condition.USED, Disposition.SCRAP),
}


def catch_up_with_amazon(numbers: Sequence[str], *, by: Any) -> None:
    """Bring the cases to where Amazon says they are, and where their money says they are."""
    with trail("catch_up", by=by):
        found = cases.lock(numbers, by=by)
        said = _returns_of(found)
        known = [case for case in found if _is_known(case, said)]
        for case in known:
            case.quiet = True  # Amazon told the buyer
        for verb, applies, rule in _STEPS:
            todo = [case for case in known if applies(case, said)]
            if todo:
                with trail(verb, by=by, reason="Amazon's returns report"):
                    for case in todo:
                        rule(case, said)
                    cases.save(todo)
        if known:
            following.catch_up(known, by=by)


def _returns_of(found: Sequence[cases.Case]) -> dict[int, AmazonReturn]:
    ids = [line.amazon_return_id for case in found for line in case.lines]
    return AmazonReturn.objects.in_bulk([pk for pk in ids if pk])


def _is_known(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    """Whether the order's facts are here; a stub waits."""
    return bool(_rows(case, said)) and all(order.facts_complete for order in case.orders)


def _rows(case: cases.Case, said: dict[int, AmazonReturn]) -> list[AmazonReturn]:
    return [said[line.amazon_return_id] for line in case.lines if line.amazon_return_id]


def _statuses(case: cases.Case, said: dict[int, AmazonReturn]) -> set[str]:
    return {row.status.casefold() for row in _rows(case, said)}


def _is_declined(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    statuses = _statuses(case, said)
    return case.rma.state == State.REQUESTED and statuses <= set(DECLINED)


def _is_approved(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    if case.rma.state != State.REQUESTED:
        return False
    fba = any(row.source == AmazonReturn.Source.FBA for row in _rows(case, said))
    return fba or not _statuses(case, said) <= {*PENDING, *DECLINED}


def _is_shipped(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    """Delivered parcels have moved; a tracking number alone may be a label nobody used."""
    rows = _rows(case, said)
    if case.rma.state != State.APPROVED:
        return False
    return any(row.source == AmazonReturn.Source.FBA or row.delivered_on for row in rows)


def _has_new_parcel(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    if case.rma.state not in (State.APPROVED, State.SHIPPED, State.INSPECTED, State.REFUNDED):
        return False
    seen = {parcel.tracking: parcel for parcel in case.facts.parcels}
    return any(
        row.tracking not in seen or (row.delivered_on and not seen[row.tracking].delivered_at)
        for row in _rows(case, said)
        if _names_parcel(row)
    )


def _names_parcel(row: AmazonReturn) -> bool:
    """A delivery date is a parcel, too; its number is not always known."""
    return bool(row.tracking or row.delivered_on)


def _is_returnless(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    if case.rma.goods_waived_by_id or case.rma.state not in (State.APPROVED, State.REFUNDED):
        return False
    words = {f"{row.return_type} {row.resolution}".casefold() for row in _rows(case, said)}
    return all("returnless" in word for word in words)


def _is_in_fba(case: cases.Case, said: dict[int, AmazonReturn]) -> bool:
    rows = _rows(case, said)
    return case.rma.state == State.SHIPPED and all(
        row.source == AmazonReturn.Source.FBA for row in rows
    )


def _approve(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    approve_case(case)


def _decline(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    case.move("decline")


def _ship(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    """Move on with the first delivered parcel; FBA parcels are Amazon's own affair."""
    row = next((r for r in _rows(case, said) if r.delivered_on), None)
    if row is None:
        case.move("ship")
        case.rma.shipped_at = case.now
        return
    parcel = _parcel(case, row)
    known = {seen.tracking for seen in case.facts.parcels}
    if parcel.tracking in known:
        case.move("ship")
        case.rma.shipped_at = case.now
        _arrive(case, row)
    else:
        ship_case(case, parcel)


def _add_parcels(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    known = {seen.tracking for seen in case.facts.parcels}
    for row in _rows(case, said):
        if _names_parcel(row) and row.tracking not in known:
            known.add(row.tracking)
            case.add_parcel(_parcel(case, row))
        elif row.delivered_on:
            _arrive(case, row)


def _arrive(case: cases.Case, row: AmazonReturn) -> None:
    for seen in case.facts.parcels:
        if seen.tracking == row.tracking and seen.delivered_at is None and seen.id:
            seen.delivered_at = _delivered(case, row)
            case.arrived.append(Parcel(pk=seen.id, delivered_at=seen.delivered_at))


def _delivered(case: cases.Case, row: AmazonReturn) -> datetime | None:
    """Noon of the delivery day where the marketplace is; None while nobody delivered."""
    zone = ZoneInfo(case.rma.marketplace.time_zone)
    return datetime.combine(row.delivered_on, time(12), zone) if row.delivered_on else None


def _parcel(case: cases.Case, row: AmazonReturn) -> Parcel:
    delivered = _delivered(case, row)
    return Parcel(
        carrier=row.carrier,
        tracking=row.tracking,
        label_type=LABELS.get(row.label_type, ""),
        label_payer=PAYERS.get(row.label_payer.casefold(), ""),
        label_cost=row.label_cost,
        delivered_at=delivered,
        shipped_at=delivered,
    )


def _waive(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    case.rma.goods_waived_by = case.by


def _receive(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    receive_case(case, {line.pk: line.outstanding for line in case.lines})


def _inspect(case: cases.Case, said: dict[int, AmazonReturn]) -> None:
    results = []
    for line in case.lines:
        row = said[line.amazon_return_id]
        condition, disposition = FBA.get(
            row.disposition.upper(), (Condition.OPENED, Disposition.SCRAP)
        )
        note = f"{row.disposition} {row.fulfilment_center} {row.licence_plate}".strip()
        results.append(
            InspectionResult(line.pk, line.uninspected, condition, disposition, note[:500])
        )
    inspect_case(case, results)


_Applies = Callable[[cases.Case, dict[int, AmazonReturn]], bool]
_Rule = Callable[[cases.Case, dict[int, AmazonReturn]], None]
# In the order in which things happen; each step sees what the one before it did.
_STEPS: tuple[tuple[str, _Applies, _Rule], ...] = (
    ("decline", _is_declined, _decline),
    ("approve", _is_approved, _approve),
    ("ship", _is_shipped, _ship),
    ("add_parcel", _has_new_parcel, _add_parcels),
    ("waive_goods", _is_returnless, _waive),
    ("receive", _is_in_fba, _receive),
    ("inspect", _is_in_fba, _inspect),
)
