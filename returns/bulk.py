"""Verbs on many RMAs at once: the same rules, the same number of queries whatever N.

Every RMA is judged on its own; what is refused is named with its sentence and the rest goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from returns import case as cases
from returns.models import RMA
from returns.opening import Draft, LineRequest, open_many
from returns.workflow import approve_case, assign_case

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
            try:
                if number not in locked:
                    raise Refused("not_found", _("There is no RMA %(rma)s.") % {"rma": number})
                rule(locked[number])
                good.append(locked[number])
                result.done.append(number)
            except Refused as no:
                result.refused.append((number, no.sentence))
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
