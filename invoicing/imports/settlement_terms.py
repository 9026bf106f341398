"""What the words of a settlement mean: whose money an amount is, which component, tax or not.

Data and one pure function. Amazon adds words without notice, so an unknown one is never an error:
it keeps its amount, in the bucket its type says, and the import's notes name it.
"""

from dataclasses import dataclass

BUYER, FEE, WITHHELD, ACCOUNT = "buyer", "fee", "withheld", "account"

# Transaction types that give money back to the buyer, in every language seen.
REFUNDS = frozenset(
    {
        "refund",
        "chargeback refund",
        "a-to-z guarantee refund",
        "refund_retrocharge",
        "erstattung",
        "remboursement",
        "rimborso",
        "reembolso",
        "返金",
    }
)
BUCKETS = {
    "itemprice": BUYER,
    "promotion": BUYER,
    "itemfees": FEE,
    "shipmentfees": FEE,
    "orderfees": FEE,
    "itemwithheldtax": WITHHELD,
    "orderwithheldtax": WITHHELD,
}
# Taxes a marketplace withholds stand under their own type, in some files under the price's.
WITHHELD_WORDS = ("marketplacefacilitator", "lowvaluegoods")
# Description of the buyer's money → component, and whether it is the tax of it.
COMPONENTS = {
    "principal": ("item", False),
    "tax": ("item", True),
    "taxdiscount": ("item", True),
    "producttax": ("item", True),
    "shipping": ("shipping", False),
    "shippingtax": ("shipping", True),
    "shippingtaxdiscount": ("shipping", True),
    "giftwrap": ("gift_wrap", False),
    "giftwraptax": ("gift_wrap", True),
    "goodwill": ("goodwill", False),
    "restockingfee": ("restocking_fee", False),
    "returnshipping": ("return_freight", False),
}


@dataclass(frozen=True)
class Term:
    """What one combination of transaction type, amount type and description means."""

    bucket: str
    component: str
    is_tax: bool
    is_refund: bool
    is_known: bool


def classify(transaction_type: str, amount_type: str, description: str) -> Term:
    """Read one combination. ``component`` is '' where no component is named or known."""
    is_refund = transaction_type.strip().casefold() in REFUNDS
    kind, word = _plain(amount_type), _plain(description)
    bucket = BUCKETS.get(kind, ACCOUNT)
    if bucket == BUYER and word.startswith(WITHHELD_WORDS):
        bucket = WITHHELD
    if bucket != BUYER:
        return Term(
            bucket, "", is_tax=False, is_refund=is_refund, is_known=kind in BUCKETS or not is_refund
        )
    component, is_tax = COMPONENTS.get(word, ("", False))
    return Term(bucket, component, is_tax, is_refund, is_known=bool(component))


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())
