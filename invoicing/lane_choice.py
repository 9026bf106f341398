"""Which way a refund goes, and choosing another one: that voids what was approved.

The lanes themselves are ``sending/lanes.py``, where money goes by bank transfer is `payees.py`.
"""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from config.core.refused import Refused
from invoicing import payees
from invoicing.approval import check_rest, content
from invoicing.models import Refund
from invoicing.models.refund import Lane
from invoicing.payees import Target
from invoicing.refund_row import changing, need_reason
from invoicing.sending import lanes
from invoicing.sending.lanes import Way
from orders.models import Order

SEPA_CURRENCY = "EUR"


def choose(order: Order, lane: str | None = None, payee: Mapping[str, str] | None = None) -> Way:
    """How a refund of the order goes: its lane, net or gross, and the account.

    The marketplace's lane where none is named; a payee makes it the bank's. Refused: "lane",
    "payee", "currency" (SEPA transfers are in euro).
    """
    account = payees.target(payee) if payee else None
    rule = lanes.rule_of(order.seller, order.marketplace)
    if lane is None and account is None:
        return Way(rule.lane, lanes.lane(rule.lane).basis(rule.basis, order.marketplace))
    chosen = lanes.lane(Lane.BANK.value if lane is None else str(lane))
    if chosen.by_amazon != (account is None):
        raise Refused("payee", "A bank transfer, and nothing else, goes to an account: enter it.")
    if why_not := chosen.why_not(order.seller, order.marketplace):
        raise Refused("lane", why_not)
    if account and order.currency != SEPA_CURRENCY:
        raise Refused("currency", "A SEPA transfer is in EUR; refund this order through Amazon.")
    return Way(chosen.key, chosen.basis(rule.basis, order.marketplace), account)


def change_lane(
    key: UUID | str, *, by, lane: str, reason: str, payee: Mapping[str, str] | None = None
) -> Refund:
    """Let a refund that has not left go another way: it is proposed again, its approval void.

    Checks under the locks that what was paid still covers it. A bank transfer always needs a
    second person, who did not enter its account. The lane it has may be chosen again where that
    lane takes net amounts now instead of gross ones, or the other way round. Refused: "state",
    "lane", "payee", "reason", and what stops a refund from being started.
    """
    reason = need_reason(reason)
    changed: dict[str, Target | None] = {}
    store = partial(_store, changed=changed, by=by)
    with changing("change_lane", key, by=by, reason=reason, finish=store) as refund:
        way = choose(refund.order, lane, payee)
        if lanes.way_of(refund) == way:
            raise Refused("lane", "This refund goes that way already.")
        check_rest(refund, same_way=False)
        changed["account"] = way.account
        refund.move_change_lane()
        refund.approver, refund.approved_at, refund.approved_hash = None, None, ""
        refund.sender = refund.sending_at = refund.sent_at = refund.sent_on = None
        refund.lane, refund.lane_basis = way.lane, way.basis
        refund.needs_second = refund.needs_second or way.account is not None
        refund.content_hash = content(refund.calculation, refund.order_id, refund.origin, way)
    return refund


def _store(refund: Refund, *, changed: dict[str, Target | None], by) -> None:
    payees.store(refund, changed["account"], by)
