"""Ties the buyer's money in settlements to refunds: ours are confirmed by it, what nobody here
decided becomes a refund made at Amazon. Set-based (``matching_sql.py``), repeatable, and the same
in whatever order files came in. Reading and importing settlements is elsewhere.

A transaction of Amazon's (its adjustment id, else moment and line) is tied, first that fits:

1. by Amazon's id: the id entered on our refund, or an adjustment some rows of which are tied;
2. to a refund of ours with the same lines and the same gross, the oldest first;
3. to a refund of which it is exactly the missing part, or some lines with their exact amounts;
4. to a sent refund on one of its lines with another amount: tied, so that the difference shows;
   the refund stays sent. When the right amount arrives later, it takes the place.

Before that, what several sources tell of the same money is made one (``imports/one_money.py``).
More rows of an adjustment raise what Amazon refunded: its refund gives way to one of the whole; so
it does where a better source tells another amount. Money that came back is tied to the refund it
takes back: Amazon's is reversed, ours waits for a person.

Money is never older than the refund it proves, but for ``DAYS`` a person may be off. What is left
becomes a refund of Amazon's where the order is complete, paid in the same currency, and every line
certain; the rest stays untied, is listed by ``untied()`` and is tried again after each import.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import matching_changes_sql as changes
from invoicing import matching_sql as sql
from invoicing import refund_row, refunds
from invoicing.imports import one_money
from invoicing.matches.refresh import refresh_money
from invoicing.models import MoneyFact, Refund
from invoicing.models.refund import Source
from invoicing.sending import lanes
from invoicing.states import RefundState
from orders.models import ImportFile, OrderLine

DAYS = 3
ROUNDS = 100
CHUNK = 20_000  # refunds made in one transaction
ORDERS_AT_ONCE = 5_000  # whose money is tied in one transaction
MAY_HAVE_LEFT = (
    RefundState.SENDING, RefundState.SENT, RefundState.UNKNOWN, RefundState.CONFIRMED,
)  # fmt: skip
LOCK = 0x5E771E  # one matching at a time; a second one waits and finds the work done


@dataclass(frozen=True)
class Matched:
    """What one run changed, in refund ids, and how many money rows it tied."""

    rows: int
    confirmed: list[int]
    created: list[int]
    after: int | None = None  # part of a backlog: the orders up to this one are done


def match_refunds(
    seller_ids: list[int] | None = None, import_file: ImportFile | None = None
) -> Matched:
    """Tie what is untied, confirm what is proven, make Amazon's refunds; as the system actor.

    ``seller_ids`` limits the work; ``import_file`` has rows whose money is compared anew. Writes
    nothing where nothing is new. Followers of refunds hear of the changed ones in the same
    transaction; a big backlog takes several.
    """
    found, after = Matched(0, [], []), 0
    while True:
        part = _match(seller_ids, import_file, after)
        found = Matched(
            found.rows + part.rows,
            found.confirmed + part.confirmed,
            found.created + part.created,
        )
        if part.after is None:
            return found
        after = part.after


def _match(seller_ids: list[int] | None, import_file: ImportFile | None, after: int = 0) -> Matched:
    """One transaction: the orders after the given one, or as many of them as fit.

    What becomes known of lines and sources is looked at first, once for all parts; money that stays
    untied is an exception when the last is done.
    """
    by = User.objects.system()
    with trail("match_refunds", by=by), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        params = {"sellers": seller_ids, "days": DAYS, "by": by.pk, "chunk": CHUNK}
        unified = one_money.Unified()
        if not after:
            _heal(cursor, params)
            unified = one_money.unify(seller_ids, import_file=import_file)
        params |= {"moved": unified.refunds, "after": after, "orders_at_once": ORDERS_AT_ONCE}
        params["last"] = _last(cursor, params)
        params["orders"] = _lock(cursor, params | {"changed": unified.orders})
        touched, rows = _tie(cursor, params)
        touched = sorted({*touched, *unified.refunds})
        confirmed = _confirm(cursor, touched, by)
        _tell_others(cursor, touched, confirmed)
        created, new_rows = _create(cursor, params)
        if created:
            refund_row.tell(created)
        if len(created) == CHUNK:
            return Matched(rows + new_rows, confirmed, created, after)
        if params["last"] is None:
            refresh_money(seller_ids)
    return Matched(rows + new_rows, confirmed, created, params["last"])


def untied() -> QuerySet[MoneyFact]:
    """The buyer's refund rows no refund stands for yet: unknown orders and uncertain lines."""
    return MoneyFact.objects.filter(
        Q(is_refund=True), bucket=MoneyFact.Bucket.BUYER, refund__isnull=True
    )


def _heal(cursor, params: dict) -> None:
    """Take over what later imports made known: marketplace, day, order line."""
    for statement in (
        changes.HEAL_MARKETPLACE,
        changes.HEAL_DOUBT,
        changes.HEAL_LINE_BY_CODE,
        changes.HEAL_LINE_BY_SKU,
        changes.HEAL_ONLY_LINE,
    ):
        cursor.execute(statement, params)


def _last(cursor, params: dict) -> int | None:
    """The last order of this part, None where it takes all that are left."""
    cursor.execute(sql.LAST, params)
    found = cursor.fetchone()
    return found and found[0]


def _lock(cursor, params: dict) -> list[int]:
    """Lock what may change, cases first; returns the orders concerned."""
    cursor.execute(sql.ORIGINS, params)
    origins = [origin for (origin,) in cursor.fetchall()]
    cursor.execute(sql.ORDERS, params)
    orders = [order for (order,) in cursor.fetchall()]
    refund_row.lock_first(origins, orders)
    cursor.execute(sql.LOCK_REFUNDS, params)
    return orders


def _tie(cursor, params: dict) -> tuple[list[int], int]:
    """Steps 1 to 4; returns the refunds money was tied to and the number of rows."""
    cursor.execute(sql.TIE_BY_ID + " RETURNING f.refund_id", params)
    tied = [refund for (refund,) in cursor.fetchall()]
    _replace(cursor, params)
    steps = (
        sql.PAIR_WHOLE, sql.PAIR_REST, sql.PAIR_LINES, sql.PAIR_DIFFERENT, sql.PAIR_REVERSAL,
    )  # fmt: skip
    for _round in range(ROUNDS):
        _open(cursor, params)
        found = _first_that_ties(cursor, steps, params)
        if not found:
            break
        tied += found
    _replace(cursor, params)
    return sorted(set(tied)), len(tied)


def _replace(cursor, params: dict) -> None:
    """Reverse Amazon's refunds whose rows say another amount now; their money is free again, but
    for what came back whole."""
    cursor.execute(changes.REPLACED, params)
    found = dict(cursor.fetchall())
    if not found:
        return
    due = [refund for refund, is_due in found.items() if is_due]
    cursor.execute(changes.REPLACE, {"replaced": list(found)})
    cursor.execute(changes.UNTIE, {"due": due})
    refund_row.tell(found)


def _tell_others(cursor, touched: list[int], confirmed: list[int]) -> None:
    """Refunds that were confirmed before may be proven by other money now."""
    cursor.execute(sql.KNOWN_BEFORE, {"touched": touched})
    new = set(confirmed)
    if before := [pk for (pk,) in cursor.fetchall() if pk not in new]:
        refund_row.tell(before)


def _open(cursor, params: dict) -> None:
    cursor.execute(sql.DROP_OPEN)
    cursor.execute(sql.OPEN, params)


def _first_that_ties(cursor, steps: tuple[str, ...], params: dict) -> list[int]:
    """Run the steps in order until one ties something; a weaker one waits for the stronger."""
    for step in steps:
        cursor.execute(step, params)
        if found := [refund for (refund,) in cursor.fetchall()]:
            return found
    return []


def _confirm(cursor, touched: list[int], by: User) -> list[int]:
    """Confirm the refunds whose money is all there; returns them.

    Few are not marked as sent (lost answers, forgotten ones): they are sent now and numbered.
    """
    if not touched:
        return []
    cursor.execute("DROP TABLE IF EXISTS proven")
    cursor.execute(sql.TOUCHED_DONE, {"touched": touched})
    cursor.execute(sql.CONFIRM_SENT)
    confirmed = [refund for (refund,) in cursor.fetchall()]
    if confirmed:
        refund_row.tell(confirmed)
    cursor.execute(sql.NOT_MARKED_SENT)
    if seen := dict(cursor.fetchall()):
        confirmed += refunds.confirm_many(seen, by=by)
        cursor.execute(sql.NAME_OTHERS)
    return sorted(confirmed)


def _create(cursor, params: dict) -> tuple[list[int], int]:
    """Make refunds of Amazon's from what is left and certain; returns them and their rows."""
    cursor.execute("DROP TABLE IF EXISTS new_refund, new_line")
    cursor.execute(sql.LOCK_LINES)
    cursor.execute(sql.NEW_REFUNDS, params)
    cursor.execute(sql.NEW_LINES, params)
    cursor.execute(sql.INSERT_REFUNDS, params)
    created = [refund for (refund,) in cursor.fetchall()]
    if not created:
        return [], 0
    cursor.execute(sql.INSERT_LINES)
    cursor.execute(sql.TIE_NEW)
    return sorted(created), cursor.rowcount


# --- By hand -------------------------------------------------------------------------------------


def assign(
    fact_ids: Iterable[int],
    *,
    by,
    order_line: OrderLine | None = None,
    refund: Refund | None = None,
    reason: str,
) -> list[MoneyFact]:
    """Say which refund of ours, or which order line, money means that matching left alone.

    The facts are of one order, the buyer's and untied; the refund is one that left (or may have).
    What follows is matching's: the refund is confirmed where that is all its money, money of a
    line becomes Amazon's refund. Who said it, when and why stays with the facts. Raises Refused.
    """
    require(by, "invoicing.assign_money_fact")
    if not reason.strip():
        raise Refused("reason", "Say how you know; the reason is kept with the money.")
    if (order_line is None) == (refund is None):
        raise Refused("one_of_both", "Choose either a refund or an order line.")
    with trail("assign_money", by=by, reason=reason.strip()), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        facts = _waiting(fact_ids)
        _check_meaning(facts[0], order_line, refund)
        values = {"facts": [fact.pk for fact in facts], "by": by.pk}
        values |= {"reason": reason.strip()[:500], "refund": refund and refund.pk}
        cursor.execute(changes.ASSIGN, values | {"line": order_line and order_line.pk})
        if refund:
            confirmed = _confirm(cursor, [refund.pk], User.objects.system())
            _tell_others(cursor, [refund.pk], confirmed)
            refresh_money([facts[0].seller_id])
        else:
            match_refunds([facts[0].seller_id])
    return list(MoneyFact.objects.filter(pk__in=values["facts"]).order_by("pk"))


def _waiting(fact_ids: Iterable[int]) -> list[MoneyFact]:
    """The facts, locked after their cases and refunds; refused where one is not waiting."""
    rows = MoneyFact.objects.filter(pk__in=list(fact_ids)).order_by("pk")
    orders = set(rows.order_by().values_list("order_id", flat=True)) - {None}
    origins = Refund.objects.filter(order__in=orders).order_by().values_list("origin", flat=True)
    refund_row.lock_first(origins, orders)
    list(Refund.objects.filter(order__in=orders).order_by("pk").select_for_update())
    facts = list(rows.select_for_update(of=("self",)))
    if not facts or len(orders) != 1 or len({(f.order_id, f.currency) for f in facts}) != 1:
        raise Refused("one_order", "Choose money of one order, in one currency.")
    if any(f.bucket != f.Bucket.BUYER or not f.is_refund or f.refund_id for f in facts):
        raise Refused(
            "tied", "This money belongs to a refund already, or is not the buyer's: look again."
        )
    return facts


def _check_meaning(fact: MoneyFact, order_line: OrderLine | None, refund: Refund | None) -> None:
    if order_line and order_line.order_id != fact.order_id:
        raise Refused("foreign_line", "This line is of another order.")
    if not refund:
        return
    now = Refund.objects.get(pk=refund.pk)
    if (now.order_id, now.currency) != (fact.order_id, fact.currency):
        raise Refused("foreign_refund", "This refund is of another order or currency.")
    if not lanes.lane_of(now).by_amazon:
        raise Refused(
            "lane",
            "This refund goes by bank transfer, which Amazon never shows: what Amazon paid is "
            "another refund. Choose the order line it belongs to.",
        )
    if now.source != Source.RETOUR or now.state not in MAY_HAVE_LEFT:
        raise Refused(
            "state",
            f"This refund is {now.get_state_display().lower()}: no money of it can have left.",
        )
