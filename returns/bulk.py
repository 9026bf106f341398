"""Verbs on many RMAs at once: the same rules, the same number of queries whatever N.

Every RMA is judged on its own; what is refused is named with its sentence and the rest goes on.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from returns import case as cases
from returns.goods import InspectionResult, inspect_case, receive_case
from returns.models import RMA, Parcel
from returns.opening import Draft, LineRequest, open_many
from returns.workflow import approve_case, assign_case, ship_case

MOST = 2_000


@dataclass
class BulkResult:
    """Numbers that were done, and what was refused with its sentence."""

    done: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def approve_many(numbers: Sequence[str], *, by: Any) -> BulkResult:
    """requested → approved for all units of every RMA that allows it."""
    return _each(numbers, "approve", "returns.approve_rma", approve_case, by=by)


def assign_many(numbers: Sequence[str], *, by: Any, owner: Any) -> BulkResult:
    """Give every RMA that is not closed to somebody."""
    return _each(
        numbers, "assign", "returns.assign_rma", lambda case: assign_case(case, owner), by=by
    )


def take_over_many(numbers: Sequence[str], *, by: Any) -> BulkResult:
    """Make oneself the owner of every RMA that is not closed."""
    return assign_many(numbers, by=by, owner=by)


def ship_many(parcels: Mapping[str, Mapping[str, Any]], *, by: Any) -> BulkResult:
    """approved → shipped for every number, each with its parcel's fields (as in ``ship``)."""

    def rule(case: cases.Case) -> None:
        ship_case(case, Parcel(**parcels[case.rma.number]))

    return _each(list(parcels), "ship", "returns.ship_rma", rule, by=by)


def receive_many(
    units: Mapping[str, Mapping[int, int]], *, by: Any, sites: Mapping[str, str] | None = None
) -> BulkResult:
    """Receive units (number → line id → units) of many RMAs, each at its site, if given."""

    def rule(case: cases.Case) -> None:
        number = case.rma.number
        receive_case(case, dict(units[number]), site=(sites or {}).get(number, ""))

    return _each(list(units), "receive", "returns.receive_rma", rule, by=by)


def inspect_many(results: Mapping[str, Sequence[InspectionResult]], *, by: Any) -> BulkResult:
    """Grade units of many RMAs (number → results)."""

    def rule(case: cases.Case) -> None:
        inspect_case(case, results[case.rma.number])

    return _each(list(results), "inspect", "returns.inspect_rma", rule, by=by)


@dataclass
class Preview:
    """What a bulk verb would do: RMAs it can, numbers it cannot and why, value per currency."""

    can: list[RMA] = field(default_factory=list)
    cannot: list[tuple[str, str]] = field(default_factory=list)
    totals: list[dict[str, Any]] = field(default_factory=list)


def preview(verb: str, rmas: Sequence[RMA], *, by: Any) -> Preview:
    """What ``approve`` or ``assign`` (to oneself) would do to RMAs now; nothing is written."""
    rule = {"approve": approve_case, "assign": lambda case: assign_case(case, by)}[verb]
    joined = RMA.objects.select_related(*cases.JOINED).filter(pk__in=[rma.pk for rma in rmas])
    result, shown, sums = BulkResult(), Preview(), defaultdict(Decimal)
    for case in cases.load(list(joined.order_by("number")), by=by):
        if _judge(case, rule, result):
            shown.can.append(case.rma)
            sums[case.rma.currency] += case.rma.value
    shown.cannot = result.refused
    shown.totals = [{"currency": c, "amount": amount} for c, amount in sorted(sums.items())]
    return shown


def _judge(case: cases.Case, rule: Callable[[cases.Case], None], result: BulkResult) -> bool:
    try:
        rule(case)
    except Refused as no:
        result.refused.append((case.rma.number, no.sentence))
        return False
    result.done.append(case.rma.number)
    return True


def _each(
    numbers: Sequence[str],
    verb: str,
    permission: str,
    rule: Callable[[cases.Case], None],
    *,
    by: Any,
) -> BulkResult:
    """One transaction, locks in the order of ids; Refused("forbidden") holds for all."""
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MOST:
        raise Refused("many", _("Choose at most %(n)s cases at once.") % {"n": MOST})
    result, good = BulkResult(), []
    with trail(verb, by=by):
        roles.require(by, permission)
        locked = {case.rma.number: case for case in cases.lock(wanted, by=by)}
        for number in wanted:
            if number not in locked:
                unknown = _("There is no RMA %(rma)s.") % {"rma": number}
                result.refused.append((number, unknown))
            elif _judge(locked[number], rule, result):
                good.append(locked[number])
        cases.save(good)
    return result


def request_many(rows: Sequence[Any], *, by: Any) -> BulkResult:
    """Open one RMA an order from checked rows (``bulk_entry.Row``); lines of an order go together.

    ``done`` holds the new RMA numbers; ``refused`` names the order and the rows' sentence.
    """
    if len(rows) > MOST:
        raise Refused("many", _("Enter at most %(n)s rows at once.") % {"n": MOST})
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.order_id, []).append(row)
    drafts = [_draft(order, group) for order, group in grouped.items()]
    opened, refused = open_many(drafts, by=by)
    return BulkResult(
        [case.rma.number for case in opened],
        [(draft.label, no.sentence) for draft, no in refused],
    )


def _draft(order: str, group: list[Any]) -> Draft:
    lines = [
        LineRequest(row.order_line_id, row.quantity, row.reason_code, row.reason_text)
        for row in group
    ]
    return Draft(lines, source=RMA.Source.BULK, label=order)
