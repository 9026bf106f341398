"""A leaver's work passes on: open cases, and refund decisions that wait for their account.

Set-based. Afterwards the account is closed; nothing that was done changes its author.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.core import roles
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing.models import Refund
from invoicing.states import RefundState
from returns.models import RMA
from returns.states import State


@dataclass(frozen=True)
class HandedOver:
    """What passed on: open cases, refunds in the leaver's hands."""

    cases: int
    refunds: int

    def __str__(self) -> str:
        cases = ngettext("%d case", "%d cases", self.cases) % self.cases
        refunds = ngettext("%d refund in hand", "%d refunds in hand", self.refunds) % self.refunds
        return f"{cases}, {refunds}"


def hand_over(leaver: User, to: User, *, by: Any) -> HandedOver:
    """Give a leaver's open cases and started refunds to somebody, and close the account.

    Refunds the leaver proposed keep their proposer: a second person still has to approve them, and
    the new owner of the case may be that person. Refused: "forbidden", "people", "role".
    """
    with trail("hand_over", by=by, reason=f"{leaver.get_username()} → {to.get_username()}"):
        roles.require(by, "core.hand_over")
        _check(leaver, to, by)
        owned = RMA.objects.filter(~Q(state=State.CLOSED), owner=leaver)
        list(owned.select_for_update(of=("self",)).order_by("id").values_list("id"))
        cases = owned.update(owner=to, version=F("version") + 1, updated_at=timezone.now())
        refunds = _pass_refunds(leaver, to)
        leaver.is_active = False
        leaver.save(update_fields=["is_active"])
    return HandedOver(cases, refunds)


def _check(leaver: User, to: User, by: Any) -> None:
    if leaver.pk == to.pk or leaver.is_system or not to.is_active:
        raise Refused("people", _("Choose two different people; the second must be active."))
    if leaver.is_staff and not by.is_staff:  # or a lead could lock every admin out
        raise Refused("forbidden", _("Only an admin closes the account of an admin."))


def _pass_refunds(leaver: User, to: User) -> int:
    """Refunds the leaver took in hand in Seller Central; the new one must be allowed to."""
    held = Refund.objects.filter(
        sender=leaver, state__in=(RefundState.SENDING, RefundState.UNKNOWN)
    )
    ids = list(held.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
    if ids and not roles.may(to, "invoicing.carry_out_refund"):
        raise Refused(
            "role",
            _("%(who)s has refunds in hand. Choose somebody who may carry out refunds.")
            % {"who": leaver},
        )
    return Refund.objects.filter(pk__in=ids).update(sender=to, version=F("version") + 1)
