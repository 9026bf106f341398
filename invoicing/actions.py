"""Which buttons a refund offers to a person, and why the rest are not theirs; those of a document
are in `document_actions.py`.

The verbs decide again under their lock; this only spares people the refusal.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.roles import may
from invoicing import finance_forms, forms
from invoicing.four_eyes import is_alone
from invoicing.models import Refund
from invoicing.models.refund import Source
from invoicing.sending import lanes
from invoicing.states import MONEY_LEFT, REFUND_VERB, DocumentState, RefundState

NOT_YOURS = gettext_lazy("Your role may not do this. Ask a lead or an admin.")
SECOND = gettext_lazy(
    "You proposed this refund, named its account or called it failed; above the limit somebody else"
    " approves it."
)


@dataclass
class Action:
    """One button, as ``core/_actions.html`` draws it: ``refused`` greys it and says why;
    ``primary`` is the next action."""

    name: str
    label: str
    url: str
    primary: bool = False
    refused: str = ""
    confirm: str = ""
    danger: bool = False
    form: Any = None
    note: str = ""
    is_link: bool = False


def of_refund(
    refund: Refund, user: Any, bound: dict | None = None, *, differs: bool = False
) -> list[Action]:
    """The buttons of a refund, the next one first; ``bound`` holds forms posted with errors.

    ``differs``: Amazon's money is seen and is another amount.
    """
    bound = bound or {}
    found = [
        _verb(refund, user, verb, bound)
        for verb in _BUTTONS
        if refund.state in REFUND_VERB[verb].sources and _fits(refund, verb, differs)
    ]
    found += [*_by_bank(refund, user), *_paper(refund, user, bound)]
    return sorted(found, key=lambda action: bool(action.refused))


def _fits(refund: Refund, verb: str, differs: bool) -> bool:
    """Whether the verb means something for the way the refund goes: what a worker or a bank file
    carries out has no button for hands.
    """
    lane = lanes.lane_of(refund)
    if verb in ("start", "give_back"):
        return lane.by_hand
    if refund.state == RefundState.SENDING and verb in ("mark_sent", "fail"):
        return lane.by_hand
    if verb == "accept_difference":
        return differs and lane.by_amazon
    if verb == "confirm_paid":
        return not lane.by_amazon
    if refund.state == RefundState.SENDING and verb == "mark_unknown":
        return lane.by_amazon
    return verb != "change_lane" or refund.source == Source.RETOUR


def _by_bank(refund: Refund, user: Any) -> list[Action]:
    """A bank transfer goes out in a file."""
    if lanes.lane_of(refund).by_amazon or refund.state != RefundState.APPROVED:
        return []
    refused = "" if may(user, REFUND_VERB["start"].permission) else str(NOT_YOURS)
    url = reverse("invoicing:refund-verb", args=[refund.key, "bank_file"])
    label = _("Put it into a bank file")
    return [Action("bank_file", label, url, not refused, refused)]


# verb → label, form, primary, danger
_BUTTONS: dict[str, tuple] = {
    "approve": (gettext_lazy("Approve"), None, True, False),
    "start": (gettext_lazy("I carry it out now"), None, True, False),
    "mark_sent": (gettext_lazy("It is done in Seller Central"), forms.SentForm, True, False),
    "resolve_unknown": (gettext_lazy("Decide what happened"), forms.ResolveForm, True, False),
    "give_back": (gettext_lazy("Give it back, nothing was done"), forms.ReasonForm, False, False),
    "mark_unknown": (gettext_lazy("I cannot tell"), forms.ReasonForm, False, False),
    "confirm_paid": (
        gettext_lazy("The bank statement shows it"),
        finance_forms.PaidForm,
        True,
        False,
    ),
    "accept_difference": (
        gettext_lazy("Accept the other amount"),
        forms.ReasonForm,
        False,
        False,
    ),
    "change_lane": (gettext_lazy("Let it go another way"), finance_forms.LaneForm, False, False),
    "reject": (gettext_lazy("Reject"), forms.ReasonForm, False, True),
    "cancel": (gettext_lazy("Cancel the refund"), forms.ReasonForm, False, True),
    "fail": (gettext_lazy("The money did not arrive"), forms.ReasonForm, False, True),
    "reverse": (gettext_lazy("The money came back"), forms.ReasonForm, False, True),
}


def _verb(refund: Refund, user: Any, verb: str, bound: dict) -> Action:
    label, form, primary, danger = _BUTTONS[verb]
    refused = "" if may(user, REFUND_VERB[verb].permission) else str(NOT_YOURS)
    if not refused and verb == "approve" and _is_first(refund, user):
        refused = str(SECOND)
    given = {"refund": refund} if form is finance_forms.LaneForm else {}
    shown = bound.get(verb) or (form(auto_id=f"{verb}_%s", **given) if form else None)
    url = reverse("invoicing:refund-verb", args=[refund.key, verb])
    return Action(
        verb, str(label), url, primary and not refused, refused, danger=danger, form=shown
    )


def _is_first(refund: Refund, user: Any) -> bool:
    return refund.needs_second and is_alone(refund, user)


def _paper(refund: Refund, user: Any, bound: dict) -> list[Action]:
    """Recording Amazon's credit note, or issuing ours where it is missing."""
    draft = refund.document is None or refund.document.state == DocumentState.DRAFT
    if refund.state not in MONEY_LEFT or not draft or refund.source == "opening":
        return []
    found = []
    for name, label, permission, form in (
        (
            "record_credit_note",
            _("Record Amazon's credit note"),
            "invoicing.record_document",
            forms.NumberForm,
        ),
        ("issue_credit_note", _("Issue our credit note"), "invoicing.issue_document", None),
    ):
        refused = "" if may(user, permission) else str(NOT_YOURS)
        shown = bound.get(name) or (form(auto_id=f"{name}_%s") if form else None)
        url = reverse("invoicing:refund-verb", args=[refund.key, name])
        found.append(Action(name, label, url, refused=refused, form=shown))
    return found
