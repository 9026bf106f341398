"""Amazon's return reasons as open data: a label and who is answerable at first sight.

Pure. The codes are those seen in reports (no official list exists), so an unknown code is
undecided and labelled by itself, never an error. A person may decide liability otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.core.sentence import gettext_noop

SELLER, BUYER, CARRIER, AMAZON, UNDECIDED = "seller", "buyer", "carrier", "amazon", "undecided"
LIABILITIES = (UNDECIDED, BUYER, SELLER, CARRIER, AMAZON)
NOT_THE_BUYER = frozenset({SELLER, CARRIER, AMAZON})


@dataclass(frozen=True)
class ReturnReason:
    """A reason code's default liability and its English label (a gettext key)."""

    liability: str
    label: str


# Seller-fulfilled reports prefix these words with CR-, Amazon-fulfilled ones do not.
REASONS: dict[str, ReturnReason] = {
    "DEFECTIVE": ReturnReason(SELLER, gettext_noop("Defective")),
    "QUALITY_UNACCEPTABLE": ReturnReason(SELLER, gettext_noop("Quality not acceptable")),
    "NOT_COMPATIBLE": ReturnReason(BUYER, gettext_noop("Not compatible")),
    "PART_NOT_COMPATIBLE": ReturnReason(BUYER, gettext_noop("Not compatible")),
    "MISSING_PARTS": ReturnReason(SELLER, gettext_noop("Parts missing")),
    "DAMAGED_BY_CARRIER": ReturnReason(CARRIER, gettext_noop("Damaged by the carrier")),
    "DAMAGED_BY_FC": ReturnReason(AMAZON, gettext_noop("Damaged in Amazon's warehouse")),
    "SWITCHEROO": ReturnReason(SELLER, gettext_noop("Wrong item sent")),
    "EXTRA_ITEM": ReturnReason(SELLER, gettext_noop("Extra item sent")),
    "MISSED_ESTIMATED_DELIVERY": ReturnReason(CARRIER, gettext_noop("Arrived too late")),
    "NEVER_ARRIVED": ReturnReason(CARRIER, gettext_noop("Never arrived")),
    "NOT_AS_DESCRIBED": ReturnReason(SELLER, gettext_noop("Not as described")),
    "ORDERED_WRONG_ITEM": ReturnReason(BUYER, gettext_noop("Ordered the wrong item")),
    "UNWANTED_ITEM": ReturnReason(BUYER, gettext_noop("No longer wanted")),
    "FOUND_BETTER_PRICE": ReturnReason(BUYER, gettext_noop("Found a better price")),
    "UNAUTHORIZED_PURCHASE": ReturnReason(BUYER, gettext_noop("Purchase not authorised")),
    "NO_REASON_GIVEN": ReturnReason(BUYER, gettext_noop("No reason given")),
    "EXCESSIVE_INSTALLATION": ReturnReason(BUYER, gettext_noop("Installation too difficult")),
    "WARRANTY": ReturnReason(SELLER, gettext_noop("Warranty")),
    "OTHER": ReturnReason(UNDECIDED, gettext_noop("Other")),
    "AMZ-PG-BAD-DESC": ReturnReason(SELLER, gettext_noop("Not as described")),
    "AMZ-PG-MISORDERED": ReturnReason(BUYER, gettext_noop("Ordered the wrong item")),
    "AMZ-PG-APP-TOO-LATE": ReturnReason(CARRIER, gettext_noop("Arrived too late")),
    "AMZ-PG-APP-TOO-SMALL": ReturnReason(BUYER, gettext_noop("Too small")),
    "AMZ-PG-APP-TOO-LARGE": ReturnReason(BUYER, gettext_noop("Too large")),
    "AMZ-PG-BAD-ITEM": ReturnReason(SELLER, gettext_noop("Defective")),
    # Damaged on arrival, but not by whom: carrier or packing is for a person to decide.
    "AMZ-PG-DAMAGED": ReturnReason(UNDECIDED, gettext_noop("Damaged on arrival")),
    "UNDELIVERABLE_REFUSED": ReturnReason(BUYER, gettext_noop("Delivery refused")),
    "UNDELIVERABLE_UNCLAIMED": ReturnReason(BUYER, gettext_noop("Parcel not collected")),
    "UNDELIVERABLE_UNKNOWN": ReturnReason(UNDECIDED, gettext_noop("Undeliverable")),
    "UNDELIVERABLE_INSUFFICIENT_ADDRESS": ReturnReason(
        BUYER, gettext_noop("Undeliverable: address incomplete")
    ),
    "UNDELIVERABLE_FAILED_DELIVERY_ATTEMPTS": ReturnReason(
        CARRIER, gettext_noop("Undeliverable: delivery attempts failed")
    ),
    "UNDELIVERABLE_CARRIER_MISS_SORTED": ReturnReason(
        CARRIER, gettext_noop("Undeliverable: missorted by the carrier")
    ),
    "UNDELIVERABLE_MISSING_LABEL": ReturnReason(
        CARRIER, gettext_noop("Undeliverable: label missing")
    ),
}
# Families whose members we do not list: fit and taste of clothing and jewellery.
FAMILIES: dict[str, ReturnReason] = {
    "APPAREL_": ReturnReason(BUYER, gettext_noop("Fit or style")),
    "JEWELRY_": ReturnReason(BUYER, gettext_noop("Fit or style")),
}

# One code a label: several mean the same.
BY_LABEL = {reason.label: code for code, reason in reversed([*REASONS.items(), *FAMILIES.items()])}


def same_label(code: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """All spellings that mean what ``code`` means: whole codes, and beginnings of families."""
    plain = code.strip().upper().removeprefix("CR-")
    label = reason_label(plain)
    codes = {plain, *(one for one, reason in REASONS.items() if reason.label == label)}
    families = [one for one, reason in FAMILIES.items() if reason.label == label]
    both = tuple(f"{prefix}{one}" for one in families for prefix in ("", "CR-"))
    return frozenset({*codes, *(f"CR-{one}" for one in codes)}), both


def _known(code: str) -> ReturnReason | None:
    """Find a code with or without its CR- prefix, in any case, else by its family."""
    plain = code.strip().upper().removeprefix("CR-")
    if plain in REASONS:
        return REASONS[plain]
    family = next((name for name in FAMILIES if plain.startswith(name)), None)
    return FAMILIES[family] if family else None


def is_known_reason(code: str) -> bool:
    """Say whether the code is one we have words for."""
    return _known(code) is not None


def default_liability(code: str) -> str:
    """Return seller, buyer, carrier, amazon, or undecided (also for every unknown code)."""
    known = _known(code)
    return known.liability if known else UNDECIDED


def reason_label(code: str) -> str:
    """Return the English label (a gettext key) of a reason code; an unknown code as it came."""
    known = _known(code)
    return known.label if known else code
