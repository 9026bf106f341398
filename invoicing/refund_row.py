"""One refund under its lock: finding it, checking the verb against its state, telling who follows.

What each verb means is in `refunds.py` and `approval.py`; both change rows only through here.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing.models import Refund, RefundLine
from invoicing.models.refund import Source
from invoicing.states import REFUND_VERB, RefundState

RELATED = ("order__marketplace", "order__buyer", "seller", "payee")
# Called inside the transaction after refunds changed state, with their ids.
followers: list[Callable[[list[int]], None]] = []
# Those of them that hear only of refunds whose money moves: the ledger, and what compares money.
of_money: set[Callable[[list[int]], None]] = set()
# Called inside the transaction before any lock of this room, with the refunds' origins (RMA
# numbers) and the orders on which refunds may appear: who locks cases above does it here, so that
# every verb locks in the same order (case, refund, document, order lines, number series) and none
# waits in a circle.
lockers: list[Callable[[list[str], list[int]], None]] = []


# Called under the locks with refunds and their lines before they are approved or started: the rooms
# above say, by refund id, why one must not go on, such as a case that Amazon paid meanwhile.
objectors: list[Callable[[list[Refund], list[RefundLine]], dict[int, Refused]]] = []


def objections(refunds: list[Refund], rows: list[RefundLine]) -> dict[int, Refused]:
    """What the rooms above have against these locked refunds."""
    found: dict[int, Refused] = {}
    for objector in objectors:
        found |= objector(refunds, rows)
    return found


def lock_first(origins: Iterable[str], orders: Iterable[int] = ()) -> None:
    """Let the rooms above lock what they will change when they are told."""
    wanted, order_ids = sorted(set(origins)), sorted(set(orders))
    for locker in lockers:
        locker(wanted, order_ids)


def tell(refund_ids: Iterable[int], *, money: Iterable[int] | None = None) -> None:
    """Tell the followers, in the same transaction; who follows money only of ``money``, if given.

    A first approval moves none: it books nothing, and there is nothing to compare it with.
    """
    ids = sorted(refund_ids)
    moved = ids if money is None else sorted(money)
    for follower in followers:
        if concerned := moved if follower in of_money else ids:
            follower(concerned)


def by_keys(keys: Iterable[UUID | str], *, related: Iterable[str] = RELATED) -> list[Refund]:
    """Lock the refunds with these keys in the order of their ids; unknown keys are left out.

    ``related`` comes along with each of them; what many share is cheaper to load on its own. A
    refund of Amazon's names no case: the cases of its order are those that follow it.
    """
    rows = Refund.objects.filter(key__in=list(keys)).order_by()
    named = list(rows.values_list("pk", "origin", "source", "order_id"))
    theirs = [order for _pk, _origin, source, order in named if source != Source.RETOUR]
    lock_first([origin for _pk, origin, _source, _order in named], theirs)
    found = Refund.objects.filter(pk__in=[pk for pk, _origin, _source, _order in named])
    locked = found.select_for_update(of=("self",)).order_by("pk")
    return list(locked.select_related(*related).defer("basis"))


@contextmanager
def changing(
    verb: str,
    key: UUID | str,
    *,
    by,
    reason: str = "",
    finish: Callable[[Refund], None] | None = None,
) -> Iterator[Refund]:
    """Run one verb on one refund: permission, transaction, lock, state; then save and tell.

    The block changes the locked row; its version grows by one. ``finish`` runs last in the same
    transaction: what needs the saved row, or takes the lock of a number series. Raises ``Refused``.
    """
    require(by, REFUND_VERB[verb].permission)
    with trail(f"{verb}_refund", by=by, reason=reason):
        refund = one(key)
        check_state(refund, verb)
        yield refund
        refund.version += 1
        _save(refund)
        tell([refund.pk])
        if finish:
            finish(refund)


def one(key: UUID | str) -> Refund:
    """Lock one refund by its key; an unknown one is refused."""
    found = by_keys([key])
    if not found:
        raise Refused("not_found", "This refund does not exist.")
    return found[0]


def check_state(refund: Refund, verb: str) -> None:
    """Refuse a verb that does not start from the refund's state, and say who was faster."""
    row = REFUND_VERB[verb]
    if refund.state in row.sources:
        return
    wanted = " or ".join(str(RefundState(state).label).lower() for state in row.sources)
    raise Refused(
        "state",
        f"This refund is {refund.get_state_display().lower()}{_last_change(refund)}; "
        f"to {verb.replace('_', ' ')} it must be {wanted}. Nothing was changed, look again.",
    )


def _save(refund: Refund) -> None:
    if not refund.amazon_refund_id:
        refund.save()
        return
    try:
        with transaction.atomic():
            refund.save()
    except IntegrityError as error:
        if "amazon_refund_once" not in str(error):
            raise
        raise Refused(
            "amazon_refund_known", "Amazon's refund id was just entered for another refund."
        ) from error


def need_reason(reason: str) -> str:
    """The reason without blanks around it; an empty one is refused."""
    if not reason.strip():
        raise Refused("reason", "Say why in a few words; the reason is kept with the refund.")
    return reason.strip()


def _last_change(refund: Refund) -> str:
    """ " since 3 minutes ago by Ann", from the trail; read only when somebody was refused."""
    event = apps.get_model("invoicing", "RefundEvent")
    last = event.objects.filter(pgh_obj_id=refund.pk).order_by("-pgh_id").first()
    if last is None:
        return ""
    minutes = int((timezone.now() - last.pgh_created_at).total_seconds() // 60)
    ago = "just now" if minutes < 1 else f"{minutes} min ago"
    return f" ({(last.pgh_context or {}).get('name', 'somebody')}, {ago})"
