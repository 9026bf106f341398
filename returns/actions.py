"""Which buttons an RMA offers to a person: what may be done now, and why the rest may not.

The verbs decide again under their lock; this only spares people the refusal.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.roles import may
from invoicing import actions as buttons
from invoicing.actions import NOT_YOURS
from invoicing.models import Refund
from invoicing.states import RefundState
from returns import forms, sites
from returns.models import RMA
from returns.states import BY_VERB, State

# A refund that waits: what its page is opened for, and who may do it.
REFUND_STEP = {
    RefundState.PROPOSED: (gettext_lazy("Decide the refund"), "invoicing.approve_refund"),
    RefundState.APPROVED: (gettext_lazy("Carry out the refund"), "invoicing.carry_out_refund"),
    RefundState.SENDING: (gettext_lazy("Finish the refund"), "invoicing.carry_out_refund"),
    RefundState.UNKNOWN: (gettext_lazy("Look up the refund"), "invoicing.decide_refund"),
    RefundState.FAILED: (gettext_lazy("Decide the failed refund"), "invoicing.approve_refund"),
}


@dataclass
class Action(buttons.Action):
    """A button of a case; ``is_link`` leads to a page of its own."""

    def __post_init__(self) -> None:
        self.fill(self.form)

    def fill(self, form: Any) -> None:
        """Take a form; its ids carry the action's name, for a page has several forms."""
        self.form = form
        if form is not None:
            form.auto_id = f"{self.name}-%s"


@dataclass(frozen=True)
class Facts:
    """What the case page already knows: units by stage, and the refund that could be proposed."""

    outstanding: int
    uninspected: int
    refundable: bool
    refund_sentence: str
    open_refunds: int
    unseen_refunds: int
    accounted_for: bool


def panel(
    rma: RMA,
    user: Any,
    facts: Facts,
    *,
    lines: list,
    refunds: list[Refund],
    bound: dict | None = None,
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
    actions += _refund_links(user, refunds)
    for action in actions:
        if action.name in bound:
            action.fill(bound[action.name])
    _one_primary(actions)
    actions.sort(key=lambda action: (bool(action.refused), not action.primary))
    return actions


def _one_primary(actions: list[Action]) -> None:
    """Only the next action is filled; of several candidates the furthest along wins."""
    candidates = [action for action in actions if action.primary]
    for action in candidates[:-1]:
        action.primary = False


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
    refused = _not_yours(user, row.permission) or more.pop("refused", "")
    more.pop("refused", None)
    if refused:
        more["primary"] = False
    return [Action(verb, label, _url(rma, verb), refused=refused, **more)]


def _plain(rma: RMA, user: Any, verb: str, label: str, permission: str, **more: Any) -> Action:
    refused = _not_yours(user, permission) or more.pop("refused", "")
    more.pop("refused", None)
    if refused:
        more["primary"] = False
    return Action(verb, label, more.pop("url", _url(rma, verb)), refused=refused, **more)


def _not_yours(user: Any, permission: str) -> str:
    return "" if may(user, permission) else str(NOT_YOURS)


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
    if rma.state in (State.SHIPPED, State.REFUNDED) and facts.outstanding:
        form = forms.ShipForm()
        found.append(
            _plain(rma, user, "add_parcel", _("Add a parcel"), "returns.ship_rma", form=form)
        )
    if rma.state in (State.APPROVED, State.SHIPPED, State.REFUNDED) and facts.outstanding:
        waiting = [(line, line.outstanding) for line in lines if line.outstanding > 0]
        found.append(
            _plain(
                rma,
                user,
                "receive",
                _("Receive goods"),
                "returns.receive_rma",
                form=forms.ReceiveForm(lines=waiting, sites=sites.known(rma.seller_id, user)),
                primary=rma.state == State.SHIPPED,
            )
        )
        if rma.state != State.APPROVED:
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
    url = reverse("returns:inspect-rma", args=[rma.number])
    return _plain(
        rma,
        user,
        "inspect",
        _("Inspect"),
        "returns.inspect_rma",
        url=url,
        is_link=True,
        primary=True,
    )


def _refund_links(user: Any, refunds: list[Refund]) -> list[Action]:
    """The way to refunds that wait for somebody; their buttons are on their own page."""
    found = []
    for refund in refunds:
        if refund.state in REFUND_STEP:
            label, permission = REFUND_STEP[refund.state]
            first = may(user, permission) and not found
            found.append(
                Action(
                    f"refund-{refund.pk}",
                    label,
                    refund.get_absolute_url(),
                    primary=bool(first),
                    refused="" if may(user, permission) else str(NOT_YOURS),
                    is_link=True,
                )
            )
    return found


def _money(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    if rma.state in (State.APPROVED, State.SHIPPED):
        accepted = facts.refundable and rma.state == State.SHIPPED  # part of the goods is here
        return [*([_propose(rma, user)] if accepted else []), _propose_early(rma, user)]
    if rma.state not in (State.INSPECTED, State.REFUNDED):
        return _verb(rma, user, "void_refund", _("Refund did not arrive"), form=forms.ReasonForm())
    if facts.open_refunds and not facts.refundable:
        return []
    refused = "" if facts.refundable else facts.refund_sentence
    if rma.state == State.REFUNDED and refused:
        return _verb(rma, user, "void_refund", _("Refund did not arrive"), form=forms.ReasonForm())
    return [_propose(rma, user, refused)]


def _propose(rma: RMA, user: Any, refused: str = "") -> Action:
    return _plain(
        rma,
        user,
        "propose",
        _("Propose refund"),
        "invoicing.propose_refund",
        form=_propose_form(rma),
        primary=True,
        refused=refused,
    )


def _propose_early(rma: RMA, user: Any) -> Action:
    return _plain(
        rma,
        user,
        "propose_early",
        _("Refund before the goods are back"),
        "returns.refund_early",
        form=_propose_form(rma, "?early=1"),
    )


def _propose_form(rma: RMA, early: str = "") -> forms.ProposeForm:
    url = reverse("returns:refund-preview", args=[rma.number])
    return forms.ProposeForm(preview_url=url + early)


def _end(rma: RMA, user: Any, facts: Facts, lines: list) -> list[Action]:
    busy = _("A refund is under way; cancel it first.") if facts.open_refunds else ""
    reason = forms.ReasonForm
    found = []
    some = _("Units were accepted: refund them.") if any(x.accepted for x in lines) else ""
    if rma.state == State.INSPECTED:
        found += _verb(
            rma,
            user,
            "reject_goods",
            _("Reject goods"),
            form=reason(),
            danger=True,
            primary=not some,
            refused=some or busy,
        )
    if rma.state == State.INSPECTED and some and not facts.refundable:
        label, permission = _("Close without a refund"), "returns.settle_rma"
        found.append(
            _plain(rma, user, "refund_nothing", label, permission, form=reason(), refused=busy)
        )
    found += _verb(rma, user, "replace", _("Replace, no money"), form=reason(), refused=busy)
    found += _verb(rma, user, "withdraw", _("Withdraw"), form=reason(), refused=busy)
    waivable = (State.APPROVED, State.SHIPPED, State.REFUNDED)
    if rma.state in waivable and facts.outstanding and not rma.goods_waived_by_id:
        found.append(
            _plain(rma, user, "waive", _("Waive the goods"), "returns.waive_goods", form=reason())
        )
    found += _verb(rma, user, "settle", _("Close as settled"), refused=_not_settled(rma, facts))
    found += _verb(rma, user, "reopen", _("Reopen"), form=reason())
    return found


def _not_settled(rma: RMA, facts: Facts) -> str:
    """Why a refunded case cannot be closed yet."""
    if facts.unseen_refunds:
        return _("Amazon's settlement does not show all of the money yet.")
    if not facts.accounted_for and not rma.goods_waived_by_id:
        return _("Not all units are accounted for: receive and inspect them, or waive them.")
    return ""
