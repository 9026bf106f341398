"""What the words of Amazon's Finances API mean: whose money a breakdown is, which component.

Data and pure functions. The words are Amazon's breakdown types (2024-06-19), e.g. OurPricePrincipal
below ProductCharges; an unknown one keeps its amount and is named in the import's notes.
"""

import re
from collections.abc import Sequence

from invoicing.imports.settlement_terms import ACCOUNT, BUYER, FEE, REFUNDS, WITHHELD, Term

# Amazon says "Refund" of chargebacks and claims as well; the others are older words for them.
_REFUNDS = REFUNDS | {"chargerefund", "chargeback", "guaranteeclaim", "a-to-z guarantee claim"}
_OF_AN_ORDER = _REFUNDS | {"shipment", "order"}
_FEES = ("amazonfees", "fbafees", "expenses", "refundedexpenses")
_WITHHELD = ("marketplacefacilitator", "lowvaluegoods")
_PARTS = {
    "ourprice": "item",
    "product": "item",
    "shipping": "shipping",
    "giftwrap": "gift_wrap",
    "goodwill": "goodwill",
    "restockingdeduction": "restocking_fee",
    "restockingfee": "restocking_fee",
    "returnshipping": "return_freight",
}
_KINDS = {
    "principal": False,
    "charges": False,
    "discount": False,
    "": False,
    "tax": True,
    "taxdiscount": True,
}
# Groups that some transactions give without the words below them.
_GROUPS = {
    "productcharges": ("item", False),
    "tax": ("item", True),
    "promo": ("item", False),
    "promorebates": ("item", False),
}
_WORD = re.compile(f"({'|'.join(_PARTS)})({'|'.join(filter(None, _KINDS))}|)")


def is_refund(transaction_type: str) -> bool:
    """Whether a transaction gives money back to the buyer."""
    return transaction_type.strip().casefold() in _REFUNDS


def classify(transaction_type: str, path: Sequence[str]) -> Term:
    """Read one breakdown by its type and those above it, the outermost first."""
    refund = is_refund(transaction_type)
    words = [_plain(word) for word in path]
    if any(word in _FEES for word in words):
        return Term(FEE, "", is_tax=False, is_refund=refund, is_known=True)
    last = words[-1] if words else ""
    if last.startswith(_WITHHELD):
        return Term(WITHHELD, "", is_tax=False, is_refund=refund, is_known=True)
    if transaction_type.strip().casefold() not in _OF_AN_ORDER:
        return Term(ACCOUNT, "", is_tax=False, is_refund=refund, is_known=True)
    component, is_tax, known = _component(words)
    if not known and not component and len(words) < 2:  # a total without any detail
        return Term(ACCOUNT, "", is_tax=False, is_refund=refund, is_known=last == "total")
    return Term(BUYER, component, is_tax, refund, is_known=known)


def _component(words: Sequence[str]) -> tuple[str, bool, bool]:
    """(component, whether tax, whether known) by the innermost word that says it."""
    for word in reversed(words):
        if word in _GROUPS:
            return *_GROUPS[word], True
        if found := _WORD.fullmatch(word):
            return _PARTS[found[1]], _KINDS[found[2]], True
    return "", False, False


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())
