"""Which buttons a document offers to a person: issue, correct, hand over, keep; and why not.

The verbs decide again under their lock; this only spares people the refusal.
"""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from config.core.roles import may
from invoicing import corrections, forms
from invoicing.actions import NOT_YOURS, Action
from invoicing.models import Delivery, Document, LegalHold, Refund
from invoicing.models.document import Issuer, Kind
from invoicing.reviewing import ACCEPTABLE
from invoicing.states import MONEY_LEFT, UNPAID, DocumentState, Occasion
from invoicing.waiting import in_words


def of_document(
    document: Document,
    user: Any,
    *,
    refund: Refund | None = None,
    deliveries: Sequence[Delivery] = (),
    hold: LegalHold | None = None,
    bound: dict | None = None,
) -> list[Action]:
    """The buttons of a document, the next one first; ``bound`` holds forms posted with errors."""
    if document.state == DocumentState.DRAFT:
        found = _of_draft(document, user, refund)
    elif document.state == DocumentState.ISSUED:
        found = [
            *_hand_over(document, user, deliveries),
            *_correct(document, user, refund),
            *_keep(document, user, hold),
        ]
    else:
        found = [
            _button(
                document, user, "again", _("Make its file now"), "invoicing.issue_document",
                primary=bool(document.findings),
                note=_("Retour tries by itself too, at least once an hour."),
            )
        ]  # fmt: skip
    for action in found:
        if bound and action.name in bound:
            action.form = bound[action.name]
    return sorted(found, key=lambda action: (bool(action.refused), not action.primary))


def _button(
    document: Document, user: Any, name: str, label: str, permission: str,
    *, form: Any = None, refused: str = "", **look: Any,
) -> Action:  # fmt: skip
    """One button; ``refused`` is why the document does not allow it now, whoever asks."""
    why = refused or ("" if may(user, permission) else str(NOT_YOURS))
    url = reverse("invoicing:document-verb", args=[document.pk, name])
    shown = form(auto_id=f"{name}_%s") if form and not why else None
    look["primary"] = look.get("primary", False) and not why
    return Action(name, label, url, refused=why, form=shown, **look)


# --- Drafts --------------------------------------------------------------------------------------


def _of_draft(document: Document, user: Any, refund: Refund | None) -> list[Action]:
    """Issue it, or try again what the gate stopped; throw a stopped correction away."""
    label = _("Try again") if document.findings else _("Issue")
    found = [
        _button(
            document, user, "number", label, "invoicing.issue_document", primary=True,
            refused=_why_not_now(document, refund),
            confirm=_("The number is final: a numbered document cannot be changed any more."),
        )
    ]  # fmt: skip
    if any(one["code"] in ACCEPTABLE for one in document.findings):
        accept = _button(
            document, user, "accept", _("Accept Amazon's figures"), "invoicing.issue_document",
            note=_("Says that Amazon is right; the reason stays with the document."),
        )  # fmt: skip
        accept.form = None if accept.refused else accept_form(document)
        found.append(accept)
    if any(row["code"] == "vies_waiting" for row in document.findings):
        ask = _("Ask VIES now")
        found.append(_button(document, user, "ask_vies", ask, "invoicing.issue_document"))
    if document.occasion in (Occasion.CANCELLATION, Occasion.CORRECTION):
        found.append(
            _button(
                document, user, "discard", _("Throw the correction away"),
                "invoicing.correct_document", form=forms.ReasonForm, danger=True,
            )
        )  # fmt: skip
    return found


def _why_not_now(document: Document, refund: Refund | None) -> str:
    if document.follows_refund and (refund is None or refund.state not in MONEY_LEFT):
        return _("A credit note gets its number when its refund has been sent.")
    if document.occasion == Occasion.FEE and document.due_at is None:
        return _("It is issued with the credit note, when the refund is sent.")
    return ""


# --- Issued documents ----------------------------------------------------------------------------


def _correct(document: Document, user: Any, refund: Refund | None) -> list[Action]:
    """Documents are corrected by new ones only, and only by who issued them."""
    if document.issuer != Issuer.RETOUR:
        return []
    if document.kind == Kind.INVOICE:
        return _correct_invoice(document, user)
    if not document.follows_refund:
        return []
    stays = refund is None or refund.state not in UNPAID
    return [
        _button(
            document, user, "reverse", _("Reverse this credit note"), "invoicing.correct_document",
            form=forms.ReasonForm, danger=True,
            refused=_("The buyer keeps the money: a credit note is reversed only when its refund "
                      "failed or came back.") if stays else "",
            note="" if stays else _("An invoice that names it takes it back."),
        )
    ]  # fmt: skip


def _correct_invoice(document: Document, user: Any) -> list[Action]:
    replaced = ""
    if document.occasion == Occasion.REVERSAL:
        replaced = _("This invoice takes a credit note back; credit again by a refund.")
    elif corrections.cancellation_of(document):
        replaced = _("It is cancelled: nothing is left of it.")
    sold = document.occasion in (Occasion.SUPPLY, Occasion.CORRECTION)
    permission, found = "invoicing.correct_document", []
    if sold and replaced and not document.corrections.filter(occasion=Occasion.CORRECTION).exists():
        found.append(
            _button(
                document, user, "issue-again", _("Issue it again"), permission,
                form=forms.ReasonForm,
                note=_("For an invoice that was cancelled by mistake: a new invoice over what the "
                       "cancellation took back, with what is known about the buyer now."),
                confirm=_("A new invoice with a number of its own is issued. It is final."),
            )
        )  # fmt: skip
    if sold:
        found.append(
            _button(
                document, user, "correct", _("Correct this invoice"), permission,
                form=forms.ReasonForm, refused=replaced,
                note=_("For a wrong name, address or VAT id: credited in full and written anew "
                       "with what is known about the buyer now."),
                confirm=_("Two documents are issued: a credit note over what is left, and a new "
                          "invoice."),
            )
        )  # fmt: skip
    found.append(
        _button(
            document, user, "cancel", _("Cancel this invoice"), permission, form=forms.ReasonForm,
            danger=True, refused=replaced,
            confirm=_("A credit note over everything that is left is issued. It is final."),
        )
    )  # fmt: skip
    return found


def _hand_over(document: Document, user: Any, deliveries: Sequence[Delivery]) -> list[Action]:
    """Mail it to the buyer; the next action where the last mail failed or none was made."""
    if document.issuer != Issuer.RETOUR:
        return []
    mails = [one for one in deliveries if one.channel == Delivery.Channel.EMAIL]
    failed = bool(mails) and mails[0].state == Delivery.State.FAILED
    on_its_way = any(one.state == Delivery.State.PREPARED for one in mails)
    return [
        _button(
            document, user, "send", _("Mail it again") if mails else _("Mail it to the buyer"),
            "invoicing.send_delivery", form=forms.SendForm, primary=failed or not mails,
            refused=_("It is on its way by e-mail.") if on_its_way else "",
        )
    ]  # fmt: skip


def _keep(document: Document, user: Any, hold: LegalHold | None) -> list[Action]:
    """Keep it beyond its time, or let it go again."""
    permission = "invoicing.hold_document"
    if hold:
        return [
            _button(
                document, user, "lift-hold", _("Lift the hold"), permission, form=forms.ReasonForm,
                confirm=_("From then on it may be erased when its time is over."),
            )
        ]  # fmt: skip
    label = _("Place a legal hold")
    return [_button(document, user, "place-hold", label, permission, form=forms.HoldForm)]


def accept_form(document: Document, data: Any = None) -> forms.AcceptForm:
    """The form that accepts a doubt of the review, with the doubts there are."""
    doubts = {
        one["code"]: in_words(one["sentence"])
        for one in reversed(document.findings)
        if one["code"] in ACCEPTABLE
    }
    return forms.AcceptForm(data, auto_id="accept_%s", choices=list(doubts.items()))


def of_delivery(delivery: Delivery, user: Any) -> list[Action]:
    """The buttons of one hand-over."""
    state, mail = Delivery.State, delivery.channel == Delivery.Channel.EMAIL
    wanted = []
    if delivery.state in (state.PREPARED, state.FAILED):
        wanted.append(("cancel", _("Cancel"), forms.ReasonForm))
    if delivery.state in (state.FAILED, state.CANCELLED) and not mail:
        wanted.append(("resend", _("Prepare again"), None))
    if delivery.state == state.SENT and mail:
        wanted.append(("came-back", _("It came back"), None))
    refused = "" if may(user, "invoicing.send_delivery") else str(NOT_YOURS)
    return [] if refused else [
        Action(
            name, label,
            reverse("invoicing:delivery-verb", args=[delivery.document_id, delivery.pk, name]),
            form=form and form(auto_id=f"{name}_{delivery.pk}_%s"),
        )
        for name, label, form in wanted
    ]  # fmt: skip
