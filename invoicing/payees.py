"""Where a refund by bank transfer goes: a name and an IBAN that can be right, kept with the refund.

Personal data: it is part of what is approved by its hash only. The files are `sending/bank.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from config.core.refused import Refused
from invoicing.models import Payee, Refund
from invoicing.models.refund import Lane

# Countries whose accounts a SEPA credit transfer reaches (EPC409-09).
SEPA = (
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT "
    "NL NO PL PT RO RS SE SI SK SM VA"
)


@dataclass(frozen=True)
class Target:
    """A checked account: the holder's name, the IBAN and BIC without blanks."""

    name: str
    iban: str
    bic: str = ""

    @property
    def content(self) -> str:
        """What the hash of an approval holds of it."""
        return f"{self.name}|{self.iban}|{self.bic}"


def target(given: Mapping[str, str] | Target) -> Target:
    """Check what was entered (name, iban, bic); Refused("payee") says what cannot be right."""
    if isinstance(given, Target):
        return given
    name = " ".join((given.get("name") or "").split())
    if not 1 < len(name) <= 70:
        raise Refused("payee", "Enter the name of the account's holder, with at most 70 letters.")
    try:
        iban = ibans.validate(given.get("iban") or "")
    except ValidationError as error:
        raise Refused("payee", "This IBAN cannot be right: compare it with the buyer's.") from error
    if iban[:2] not in SEPA.split():
        raise Refused("payee", f"A SEPA transfer does not reach accounts in {iban[:2]}.")
    try:
        bic = bics.validate(given["bic"]) if given.get("bic") else ""
    except ValidationError as error:
        raise Refused("payee", "This BIC cannot be right; it may be left empty.") from error
    return Target(name, iban, bic)


def target_of(refund: Refund) -> Target | None:
    """Where the refund goes as stored; None where it goes to no account."""
    payee = getattr(refund, "payee", None) if refund.lane == Lane.BANK else None
    return payee and Target(payee.name, payee.iban, payee.bic)


def store(refund: Refund, wanted: Target | None, by) -> None:
    """Keep another account, or none, with a proposed refund; the database refuses it later."""
    Payee.objects.filter(refund=refund).delete()
    refund._state.fields_cache.pop("payee", None)
    if wanted:
        Payee.objects.create(
            refund=refund, name=wanted.name, iban=wanted.iban, bic=wanted.bic, by=by
        )
