"""Which way a refund goes, and choosing another one: that voids what was approved.

The lanes themselves are ``sending/lanes.py``, where money goes by bank transfer is `payees.py`.
"""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from config.core.refused import Refused
from invoicing import payees
from invoicing.approval import check_rest, content
from invoicing.calculation import Calculation
from invoicing.models import Refund
from invoicing.models.refund import Lane
from invoicing.payees import Target
from invoicing.refund_row import changing, need_reason
from invoicing.sending import lanes
from orders.models import Order

SEPA_CURRENCY = "EUR"


def choose(
    order: Order, lane: str | None = None, payee: Mapping[str, str] | None = None
) -> tuple[str, Target | None]:
    """The lane a refund of the order takes, and the account it goes to.

    The marketplace's where none is named; a payee makes it the bank's. Refused: "lane", "payee",
    "currency" (SEPA transfers are in euro).
    """
    account = payees.target(payee) if payee else None
    if lane is None and account is None:
        return lanes.rule_of(order.seller, order.marketplace)[0], None
    chosen = Lane.BANK.value if lane is None else str(lane)
    if (chosen == Lane.BANK) != (account is not None):
        raise Refused("payee", "A bank transfer, and nothing else, goes to an account: enter it.")
    if why_not := lanes.lane(chosen).available(order.seller, order.marketplace):
        raise Refused("lane", why_not)
    if chosen == Lane.BANK and order.currency != SEPA_CURRENCY:
        raise Refused("currency", "A SEPA transfer is in EUR; refund this order through Amazon.")
    return chosen, account


def change_lane(
    key: UUID | str, *, by, lane: str, reason: str, payee: Mapping[str, str] | None = None
) -> Refund:
    """Let a refund that has not left go another way: it is proposed again, its approval void.

    Checks under the locks that what was paid still covers it. A bank transfer always needs a
    second person, who did not enter its account. Refused: "state", "lane", "payee", "reason", and
    what stops a refund from being started.
    """
    reason = need_reason(reason)
    changed: dict[str, Target | None] = {}
    store = partial(_store, changed=changed, by=by)
    with changing("change_lane", key, by=by, reason=reason, finish=store) as refund:
        chosen, account = choose(refund.order, lane, payee)
        if (refund.lane, payees.target_of(refund)) == (chosen, account):
            raise Refused("lane", "This refund goes that way already.")
        check_rest(refund)
        changed["account"] = account
        refund.move_change_lane()
        refund.approver, refund.approved_at, refund.approved_hash = None, None, ""
        refund.lane = chosen
        refund.needs_second = refund.needs_second or chosen == Lane.BANK
        calculation = Calculation.from_json(refund.calculation)
        refund.content_hash = content(calculation, refund.order_id, refund.origin, chosen, account)
    return refund


def _store(refund: Refund, *, changed: dict[str, Target | None], by) -> None:
    payees.store(refund, changed["account"], by)
