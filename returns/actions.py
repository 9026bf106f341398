"""Which buttons an RMA offers to a person: what may be done now, and why the rest may not.

The verbs decide again under their lock; this only spares people the refusal.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from config.core.roles import may
from returns import forms
from returns.models import RMA
from returns.states import BY_VERB, State


@dataclass
class Action:
    """One button: ``refused`` greys it and says why; ``primary`` is the next action."""

    name: str
    label: str
    url: str
    primary: bool = False
    refused: str = ""
    confirm: str = ""
    danger: bool = False
    form: Any = None
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """What the case page already knows: units by stage, and the refund that could be proposed."""

    outstanding: int
    uninspected: int
    refundable: bool
    refund_sentence: str
    open_refunds: int
    accounted_for: bool


def panel(
    rma: RMA, user: Any, facts: Facts, lines: list, bound: dict | None = None
) -> list[Action]:
    """The actions of a case for a person, the next one first.

    ``bound`` holds the form of a verb that was posted with errors, by verb.
    """
    bound = bound or {}
    actions = [
        action
        for build in (_decide, _goods, _money, _end)
        for action in build(rma, user, facts, lines)
    ]
    for action in actions:
        if action.name in bound:
            action.form = bound[action.name]
    actions.sort(key=lambda action: (bool(action.refused), not action.primary))
    return actions


def side(rma: RMA, user: Any) -> list[Action]:
    """What is possible at any time: assign, note, evidence."""
    wanted = [
        ("assign", _("Assign"), "returns.assign_rma", forms.AssignForm(initial=_owner(rma))),
        ("note", _("Write a note"), "returns.note_rma", forms.NoteForm()),
        ("evidence", _("Add evidence"), "returns.add_evidence_file", forms.EvidenceForm()),
    ]
    return [
        Action(name, label, _url(rma, name), form=form)
        for name, label, permission, form in wanted
        if may(user, permission)
    ]


def _owner(rma: RMA) -> dict:
    return {"owner": rma.owner_id}


def _url(rma: RMA, verb: str) -> str:
    return reverse("returns:verb", args=[rma.number, verb])


def _verb(rma: RMA, user: Any, verb: str, label: str, **more: Any) -> list[Action]:
    """The button of a verb of the state table; nothing where the state does not allow it."""
    row = BY_VERB[verb]
    if rma.state not in row.sources:
        return []
    refused = more.pop("refused", "") or _not_yours(user, more.pop("permission", row.permission))
    if refused:
        more["primary"] = False
    return [Action(verb, label, _url(rma, verb), refused=refused, **more)]


def _plain(rma: RMA, user: Any, verb: str, label: str, permission: str, **more: Any) -> Action:
    refused = more.pop("refused", "") or _not_yours(user, permission)
    if refused:
        more["primary"] = False
    return Action(verb, label, more.pop("url", _url(rma, verb)), refused=refused, **more)


def _not_yours(user: Any, permission: str) -> str:
    if may(user, permission):
        return ""
    return _("Your role may not do this. Ask a lead or an admin.")


def _decide(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    found = _verb(rma, user, "approve", _("Approve"), primary=True)
    found += _verb(rma, user, "decline", _("Decline"), form=forms.ReasonForm(), danger=True)
    if rma.state == State.APPROVED:
        found.append(
            _plain(
                rma,
                user,
                "extend",
                _("Give more time"),
                "returns.extend_rma",
                form=forms.ExtendForm(),
            )
        )
    return found


def _goods(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    found = _verb(rma, user, "ship", _("Record parcel"), form=forms.ShipForm(), primary=True)
    if rma.state in (State.APPROVED, State.SHIPPED, State.REFUNDED) and facts.outstanding:
        waiting = [(line, line.outstanding) for line in lines if line.outstanding > 0]
        found.append(
            _plain(
                rma,
                user,
                "receive",
                _("Receive goods"),
                "returns.receive_rma",
                form=forms.QuantitiesForm(lines=waiting),
                primary=rma.state == State.SHIPPED,
            )
        )
        found.append(
            _plain(
                rma,
                user,
                "missing",
                _("Give up as missing"),
                "returns.receive_rma",
                form=forms.MissingForm(lines=waiting),
            )
        )
    if facts.uninspected:
        found.append(_inspect_link(rma, user))
    return found


def _inspect_link(rma: RMA, user: Any) -> Action:
    action = _plain(rma, user, "inspect", _("Inspect"), "returns.inspect_rma", primary=True)
    action.url = reverse("returns:inspect-rma", args=[rma.number])
    return action


def _money(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    if rma.state not in (State.APPROVED, State.SHIPPED, State.INSPECTED):
        return []
    early = rma.state != State.INSPECTED
    permission = "returns.refund_early" if early else "invoicing.propose_refund"
    label = _("Refund before the goods are back") if early else _("Propose refund")
    refused = "" if facts.refundable or early else facts.refund_sentence
    return [
        _plain(
            rma,
            user,
            "propose",
            label,
            permission,
            form=forms.ProposeForm(),
            primary=not early,
            refused=refused,
        )
    ]


def _end(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    busy = _("A refund is under way; cancel it first.") if facts.open_refunds else ""
    reason = forms.ReasonForm
    found = _verb(
        rma, user, "reject_goods", _("Reject goods"), form=reason(), danger=True, refused=busy
    )
    found += _verb(rma, user, "replace", _("Replace, no money"), form=reason(), refused=busy)
    found += _verb(rma, user, "withdraw", _("Withdraw"), form=reason(), refused=busy)
    if rma.state == State.REFUNDED and facts.outstanding and not rma.goods_waived_by_id:
        found.append(
            _plain(rma, user, "waive", _("Waive the goods"), "returns.waive_goods", form=reason())
        )
    found += _verb(rma, user, "settle", _("Close as settled"))
    found += _verb(rma, user, "reopen", _("Reopen"), form=reason())
    return found
