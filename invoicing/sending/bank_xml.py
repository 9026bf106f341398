"""A SEPA credit transfer file (ISO 20022 pain.001.001.09): what a bank's portal takes. Pure.

Written by `sepaxml` and checked against the schema it ships. What goes in is `bank.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError

from config.core.refused import Refused

SCHEMA = "pain.001.001.09"  # what banks take since November 2025 (EPC rulebooks of 2023 and 2025)


@dataclass(frozen=True)
class Payer:
    """Whose account pays."""

    name: str
    iban: str
    bic: str = ""


@dataclass(frozen=True)
class Transfer:
    """One payment in euro. ``end_to_end`` (at most 35 characters) comes back on statements."""

    end_to_end: str
    name: str
    iban: str
    bic: str
    amount: Decimal
    text: str


def write(payer: Payer, transfers: Sequence[Transfer], *, message_id: str, on: date) -> bytes:
    """The file as UTF-8 XML, to be carried out on a day. Refused("bank_file") where the schema
    does not allow what an account or a name holds.
    """
    config = {"name": payer.name, "IBAN": payer.iban, "batch": True, "currency": "EUR"}
    if payer.bic:
        config["BIC"] = payer.bic
    file = SepaTransfer(config, schema=SCHEMA, clean=True)
    file.msg_id = message_id
    header = file._xml.find("CstmrCdtTrfInitn/GrpHdr/MsgId")
    header.text = message_id
    for transfer in transfers:
        file.add_payment(_payment(transfer, on))
    try:
        return bytes(file.export(validate=True))
    except ValidationError as error:
        raise Refused(
            "bank_file",
            "The file would not be accepted by a bank: a name, an IBAN or a BIC in it is not what "
            "SEPA allows.",
        ) from error


def _payment(transfer: Transfer, on: date) -> dict[str, object]:
    payment: dict[str, object] = {
        "name": transfer.name,
        "IBAN": transfer.iban,
        "amount": int(transfer.amount * 100),
        "execution_date": on,
        "description": transfer.text[:140],
        "endtoend_id": transfer.end_to_end,
    }
    if transfer.bic:
        payment["BIC"] = transfer.bic
    return payment
