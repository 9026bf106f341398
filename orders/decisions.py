"""What people decide where reports leave a fact open: which code an order line has, which line an
Amazon return means, which marketplace a stub is of.

The rules that need no person are in ``identity.py`` and ``imports/stubs.py``. A code can be decided
anew or taken back until money stands on it; a later orders report overrules a said marketplace; a
return that was tied becomes an RMA at once, whose own verbs lead back.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from orders import identity
from orders.imports import stubs
from orders.models import AmazonReturn, Marketplace, Order, OrderItemCode, OrderLine

IDENTIFY = "orders.confirm_identity"
SAY_MARKETPLACE = "orders.import_report"
# Called with the order after the decision was committed; rooms above register.
followers: list[Callable[[Order], None]] = []
# Say why a line may not have another code (None: none) any more, or nothing; rooms above register.
objectors: list[Callable[[OrderLine, str | None], str]] = []


def confirm_identity(line: OrderLine, code: str, *, by: Any) -> OrderLine:
    """A person decides which of the order's codes this line has.

    Refused: "forbidden"; "unknown_code" when no report names that code for the line's SKU;
    "code_taken" when another line has it; "relied_on" when money stands on the code before.
    """
    with trail("confirm_identity", by=by, reason=code):
        roles.require(by, IDENTIFY)
        line, others = _lock(line)
        known = OrderItemCode.objects.filter(order_id=line.order_id, sku=line.sku, code=code)
        if not known.exists():
            raise Refused(
                "unknown_code",
                _("No report names the code %(code)s for %(sku)s.")
                % {"code": code, "sku": line.sku},
            )
        if any(other.order_item_id == code for other in others):
            raise Refused(
                "code_taken",
                _("Another line of the order already has the code %(code)s.") % {"code": code},
            )
        return _set_code(line, code, by)


def take_back_identity(line: OrderLine, *, by: Any) -> OrderLine:
    """Undo a decision about a line's code; the evidence alone counts again.

    Refused: "forbidden"; "not_decided"; "relied_on" when money stands on the code.
    """
    with trail("take_back_identity", by=by, reason=line.order_item_id or ""):
        roles.require(by, IDENTIFY)
        line, _others = _lock(line)
        if line.identity_confirmed_by_id is None:
            raise Refused("not_decided", _("Nobody has decided which code this line has."))
        return _set_code(line, None, None)


def _lock(line: OrderLine) -> tuple[OrderLine, list[OrderLine]]:
    """The line and the others of its order, all locked in the order refunds lock them too."""
    lines = OrderLine.objects.select_for_update().filter(order_id=line.order_id).order_by("pk")
    found = {one.pk: one for one in lines}
    return found.pop(line.pk), list(found.values())


def _set_code(line: OrderLine, code: str | None, by: Any) -> OrderLine:
    for object_to in objectors:
        if why := object_to(line, code):
            raise Refused("relied_on", why)
    line.order_item_id, line.identity_confirmed_by = code, by
    line.save(update_fields=["order_item_id", "identity_confirmed_by"])
    identity.resolve_identities([line.order_id])
    _tell(line.order)
    line.refresh_from_db()
    return line


def choose_line(amazon_return: AmazonReturn, line: OrderLine, *, by: Any) -> AmazonReturn:
    """A person decides which line of its order an Amazon return means.

    Refused: "forbidden"; "certain" when its line is known; "incomplete" while the orders report is
    missing; "other_line" when the line is of another order or SKU.
    """
    with trail("choose_line", by=by, reason=line.sku):
        roles.require(by, IDENTIFY)
        row = AmazonReturn.objects.select_for_update().get(pk=amazon_return.pk)
        if row.order_line_id:
            raise Refused("certain", _("The line of this return is known already."))
        if not row.order.facts_complete:
            raise Refused("incomplete", _("Import the orders report of this order first."))
        if line.order_id != row.order_id or (row.sku and line.sku != row.sku):
            raise Refused("other_line", _("The return is of another SKU than this line."))
        row.order_line, row.line_chosen_by = line, by
        row.save(update_fields=["order_line", "line_chosen_by"])
        _tell(row.order)
    return row


def say_marketplace(order: Order, marketplace: Marketplace, *, by: Any) -> Order:
    """Say which marketplace a stub is of, so that its returns need not wait for the orders report.

    Refused: "forbidden"; "known" when a report has named it; "currency" when the order's money is
    in another one than the marketplace's.
    """
    with trail("say_marketplace", by=by, reason=marketplace.code):
        roles.require(by, SAY_MARKETPLACE)
        order = Order.objects.select_for_update().get(pk=order.pk)
        if not may_say_marketplace(order):
            raise Refused("known", _("A report has named the order's marketplace already."))
        if order.currency not in ("", marketplace.currency):
            raise Refused(
                "currency",
                _("The order's money is in %(currency)s, %(marketplace)s sells in %(own)s.")
                % {
                    "currency": order.currency,
                    "marketplace": marketplace.name,
                    "own": marketplace.currency,
                },
            )
        order.marketplace, order.marketplace_said_by = marketplace, by
        order.currency = marketplace.currency
        order.save(update_fields=["marketplace", "marketplace_said_by", "currency"])
        with connection.cursor() as cursor:
            stubs.tie_returns(cursor.execute, f"SELECT {order.pk:d}")
        _tell(order)
    return order


def may_say_marketplace(order: Order) -> bool:
    """Whether it is for a person to say the order's marketplace: no report has named it."""
    unsaid = order.marketplace_id is None or order.marketplace_said_by_id is not None
    return unsaid and not order.facts_complete


def _tell(order: Order) -> None:
    for follow in followers:
        transaction.on_commit(lambda follow=follow: follow(order))
