"""Why a draft waits and what the next step is, in words. Pure: reads the values of one row.

What may be done about it is in `actions.py`, whether it may be issued in `gate.py`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from config.core.sentence import Sentence
from invoicing.models import Document, Refund
from invoicing.models.document import Kind
from invoicing.states import MONEY_LEFT, DocumentState, Occasion

# The record that lacks what a finding misses, by the beginning of the finding's code.
_RECORDS = {
    "buyer_": ("returns:buyer", "buyer_id", gettext_lazy("Complete the buyer")),
    "seller_": ("invoicing:document", "id", gettext_lazy("Have the seller completed")),
    "profile": ("returns:buyer", "buyer_id", gettext_lazy("Complete the buyer or the seller")),
    "national_tax": ("invoicing:document", "id", gettext_lazy("Have the exchange rate entered")),
    "supply_date": ("returns:order", "order__amazon_order_id", gettext_lazy("Look at the order")),
    "treatment": ("invoicing:document", "id", gettext_lazy("Compare, then accept or correct")),
    "rate_unknown": ("invoicing:document", "id", gettext_lazy("Have the rate added, or accept")),
    "vies": ("invoicing:document", "id", gettext_lazy("Ask VIES, or accept other proof")),
}
# Codes of official rules and of our own about the same records.
_ABOUT_BUYER = ("BR-IC-02", "BR-AE-02", "BR-AE-03", "BR-DE-15", "PEPPOL-EN16931-R010")


def why(row: Mapping[str, Any]) -> str:
    """What a draft waits for, as a sentence; with findings, the first of them."""
    if row["findings"]:
        return in_words(row["findings"][0]["sentence"])
    if row["kind"] == Kind.CREDIT_NOTE and row["refund__state"] not in (None, *MONEY_LEFT):
        return _("Its refund is not sent yet; the credit note follows the money.")
    if _follows_credit_note(row):
        return _("It follows with the credit note, when the refund is sent.")
    if row["due_at"]:
        return _("In line: it is checked and numbered by itself.")
    return _("Nobody has asked to issue it yet.")


def of_document(document: Document, refund: Refund | None) -> str:
    """What a document waits for when it is a draft, else empty; reads only what is loaded."""
    if document.state != DocumentState.DRAFT:
        return ""
    row = {name: getattr(document, name) for name in ("findings", "kind", "occasion", "due_at")}
    return why(row | {"refund__state": refund and refund.state})


def in_words(sentence: str | Mapping[str, Any]) -> str:
    """A stored sentence in the reader's language; text without values stays as it is."""
    if isinstance(sentence, str):
        return sentence
    return Sentence.from_json(sentence).render(_, get_language() or "en")


def more(row: Mapping[str, Any]) -> str:
    """How many findings there are besides the one that `why` shows."""
    rest = len(row["findings"]) - 1
    return ngettext("and %(n)d more", "and %(n)d more", rest) % {"n": rest} if rest > 0 else ""


def next_step(row: Mapping[str, Any]) -> tuple[str, str]:
    """What to do about it, and where: (label, address); no address where nothing is to be done."""
    if not row["findings"]:
        return _unchecked(row)
    code = row["findings"][0]["code"]
    if code.startswith(_ABOUT_BUYER):
        code = "buyer_"
    if code.startswith("buyer_") and not row["buyer_id"]:
        page = reverse("returns:order", args=[row["order__amazon_order_id"]])
        return _("Name the buyer of the order"), page
    for start, (page, key, label) in _RECORDS.items():
        if code.startswith(start) and row[key]:
            return str(label), reverse(page, args=[row[key]])
    return _("Look at the report"), _page(row)


def steps_of(document: Document, user: Any) -> list[tuple[str, str]]:
    """Where to correct what stops a draft, other than on its own page: (label, address), once.

    Settings are linked for those who may change them; others read in the sentence whom to ask.
    """
    row = {"id": document.pk, "buyer_id": document.buyer_id, "seller_id": document.seller_id}
    row["order__amazon_order_id"] = document.order.amazon_order_id
    found = {}
    for one in document.findings:
        label, url = next_step({**row, "findings": [one]})
        found[url] = label
        if one["code"] == "treatment" and document.buyer_id:
            found[reverse("returns:buyer", args=[document.buyer_id])] = _("Complete the buyer")
        if user.is_staff and (setting := _setting(one, row)):
            found[setting[1]] = setting[0]
    found.pop(_page(row), None)
    return [(label, url) for url, label in found.items()]


def _setting(one: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The page of the administration where what a finding misses is entered, filled in."""
    code, sentence = one["code"], one["sentence"]
    said = sentence.get("params", {}) if isinstance(sentence, Mapping) else {}
    if code == "national_tax":
        known = {"base": said.get("base"), "quote": said.get("currency"), "day": said.get("day")}
        page = reverse("admin:invoicing_fxrate_add")
        return _("Enter the exchange rate"), f"{page}?{urlencode(_given(known))}"
    if code == "rate_unknown":
        known = {"country": said.get("country")}
        page = reverse("admin:invoicing_vatrate_add")
        return _("Add the rate"), f"{page}?{urlencode(_given(known))}"
    if code.startswith(("seller_", "profile")):
        page = reverse("admin:orders_seller_change", args=[row["seller_id"]])
        return _("Complete the seller"), page
    return None


def _given(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value}


def _unchecked(row: Mapping[str, Any]) -> tuple[str, str]:
    if row["kind"] == Kind.CREDIT_NOTE and row["refund__state"] not in (None, *MONEY_LEFT):
        return _("Carry out the refund"), reverse("invoicing:refund", args=[row["refund__key"]])
    if row["due_at"] or _follows_credit_note(row):
        return _("Nothing to do"), ""
    return _("Issue it"), _page(row)


def _follows_credit_note(row: Mapping[str, Any]) -> bool:
    """The invoice of a fee that its refund keeps back."""
    return row["occasion"] == Occasion.FEE and not row["due_at"]


def _page(row: Mapping[str, Any]) -> str:
    return reverse("invoicing:document", args=[row["id"]])
