"""The frozen content of one document: the semantic model of EN 16931, typed and exact.

Pure dataclasses and their canonical JSON; no ORM, no clock, no language. BT-n and BG-n name the
standard's business terms and groups. The verbs build a `Payload` and store `to_json()` with its
`sha256()`; page and XML are both made from what `from_json` reads back.
Whether a payload may be issued is decided by the gate, its words live in `texts.py`.
"""

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

Kind = Literal["invoice", "credit_note"]
Component = Literal[
    "item", "shipping", "gift_wrap", "promotion", "restocking_fee", "return_freight", "goodwill",
    "sales_tax",
]  # fmt: skip
# EN 16931 VAT categories (UNTDID 5305): standard or reduced, reverse charge, intra-Community,
# export, exempt, zero rated, outside the scope of VAT.
Category = Literal["S", "AE", "K", "G", "E", "Z", "O"]

EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaxRegistration:
    """One tax registration: scheme is VAT, OSS, JCT (Japan) or GST (Canada GST/HST)."""

    country: str
    scheme: str
    number: str


@dataclass(frozen=True, slots=True)
class Party:
    """Seller (BG-4) or buyer (BG-7) as on the day of issue.

    `legal_name` BT-27/BT-44; `address` street lines BT-35/36/162 and BT-50/51/163, without place or
    country; `city` BT-37/52, `postcode` BT-38/53, `region` BT-39/54, `country` BT-40/55 (ISO 3166).
    `postcode`, `city` and `region` may stay empty when `address` already says them. `registrations`
    are the seller's (BT-31, BT-32), `vat_id` is the buyer's (BT-48). `contact`, `phone`, `email`
    are BT-41/42/43 and BT-56/57/58. `legal_id` with its ICD scheme is BT-30/BT-47, `endpoint` with
    its EAS scheme BT-34/BT-49.
    """

    legal_name: str
    address: tuple[str, ...]
    country: str
    postcode: str = ""
    city: str = ""
    region: str = ""
    registrations: tuple[TaxRegistration, ...] = ()
    vat_id: str = ""
    email: str = ""
    contact: str = ""
    phone: str = ""
    legal_id: str = ""
    legal_id_scheme: str = ""
    endpoint: str = ""
    endpoint_scheme: str = ""


@dataclass(frozen=True, slots=True)
class PrecedingInvoice:
    """The invoice a credit note corrects (BT-25, BT-26); ours or Amazon's, under its own number."""

    number: str
    date: date


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where and when the goods went (BG-13, BG-15): name BT-70, day BT-72, country BT-80."""

    country: str
    name: str = ""
    address: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    region: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note on the whole document (BG-1): text BT-22 and UNTDID 4451 subject code BT-21."""

    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """A seller's own words for a key of `texts.EXEMPTIONS` or `texts.PAYMENT_NOTES`, in the
    document's language."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row (BG-25). Money in the payload's currency, `rate` a fraction (0.19, BT-152).

    `position` BT-126, `description` BT-153, `quantity` BT-129 in `unit` BT-130 (C62: pieces),
    `net` BT-131 = quantity / `price_quantity` (BT-149) x `unit_price` (BT-146, net), `category`
    BT-151, `sku` BT-155, `asin` BT-157 (buyer sees it as a standard id only with a scheme).
    `tax` and `gross` are the seller's own figures per row; the standard knows tax per rate only.
    On a credit note what goes back to the buyer is positive. `note` (BT-127) is the sentence that
    explains the number, in the document's language.
    """

    position: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    category: Category
    rate: Decimal
    tax: Decimal
    gross: Decimal
    component: Component = "item"
    sku: str = ""
    asin: str = ""
    note: str = ""
    price_quantity: Decimal = Decimal(1)
    unit: str = "C62"


@dataclass(frozen=True, slots=True)
class AllowanceCharge:
    """A deduction (BG-20) or a charge (BG-21) on the whole document; amounts are positive.

    `net` BT-92/BT-99, `category` BT-95/102, `rate` BT-96/103, `reason` BT-97/104 in the document's
    language, `reason_code` BT-98 (UNTDID 5189) or BT-105 (UNTDID 7161). A promotion, a restocking
    fee and return freight are deductions. `note` explains the number.
    """

    charge: bool
    net: Decimal
    category: Category
    rate: Decimal
    tax: Decimal
    gross: Decimal
    reason: str
    component: Component
    reason_code: str = ""
    sku: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One row of the VAT breakdown (BG-23): `category` BT-118, `rate` BT-119, `base` BT-116, `tax`
    BT-117 = base x rate, half up, to the cent. `exemption` is a key of `texts.EXEMPTIONS` (BT-120
    in words, BT-121 as VATEX code) or empty.
    """

    category: Category
    rate: Decimal
    base: Decimal
    tax: Decimal
    exemption: str = ""


@dataclass(frozen=True, slots=True)
class Amounts:
    """The document's totals (BG-22) in its currency.

    `net` BT-109, `tax` BT-110, `gross` BT-112 = net + tax; `lines` BT-106, `allowances` BT-107,
    `charges` BT-108: net = lines - allowances + charges. `paid` BT-113 is what Amazon moved,
    `rounding` BT-114 the cents between gross and that, `due` BT-115 = gross - paid + rounding.
    """

    net: Decimal
    tax: Decimal
    gross: Decimal
    lines: Decimal = Decimal(0)
    allowances: Decimal = Decimal(0)
    charges: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    due: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class NationalTax:
    """The VAT total in the currency of the taxing country (art. 230; BT-6, BT-111).

    `rate` is units of `currency` for one unit of the document's currency; `source` names it.
    """

    currency: str
    tax: Decimal
    rate: Decimal
    source: str
    date: date


@dataclass(frozen=True, slots=True)
class Payload:
    """One invoice (BT-3: 380) or credit note (381), complete.

    `number` BT-1 stays empty in a draft; `issue_date` BT-2, `currency` BT-5, `purchase_order`
    BT-13, `order_ids` BT-14, `buyer_reference` BT-10, `shipment_ids` BT-16, `preceding` BG-3,
    `national_tax` BT-6 and BT-111. `tax_point` is the day of supply on an invoice (BT-72, BT-7);
    on a credit note the day the price fell (the refund date of a Japanese return invoice), and
    `original_supply_date` then says when the goods were supplied. `tax_country` is the country
    whose tax is shown (on export and intra-Community supply the country of dispatch), the
    marketplace's when empty. `payment_note` is a key of `texts.PAYMENT_NOTES` (BT-20, BT-82),
    `payment_means` UNTDID 4461 (BT-81; 68: online payment service, never a bank transfer, for the
    money moves through Amazon). `profiles` are the keys of `einvoice.profiles` whose files are
    made; `mode` says whose figures these are: "seller" or "vidr" (Amazon's). `occasion` is why
    the document exists, see `states.Occasion`.
    """

    kind: Kind
    number: str
    issue_date: date
    currency: str
    language: str
    seller: Party
    buyer: Party
    marketplace_name: str
    marketplace_country: str
    lines: tuple[Line, ...]
    rates: tuple[RateRow, ...]
    totals: Amounts
    tax_point: date | None = None
    original_supply_date: date | None = None
    tax_country: str = ""
    purchase_order: str = ""
    order_ids: tuple[str, ...] = ()
    rma_number: str = ""
    preceding: tuple[PrecedingInvoice, ...] = ()
    national_tax: NationalTax | None = None
    payment_note: str = ""
    issuer_reference: str = ""
    schema: int = 1
    allowances: tuple[AllowanceCharge, ...] = ()
    delivery: Delivery | None = None
    buyer_reference: str = ""
    shipment_ids: tuple[str, ...] = ()
    transaction_id: str = ""
    notes: tuple[Note, ...] = ()
    wordings: tuple[Wording, ...] = ()
    payment_means: str = ""
    profiles: tuple[str, ...] = ()
    mode: str = ""
    occasion: str = ""

    @property
    def own_words(self) -> dict[str, str]:
        """The seller's own words by key; keys without any use those of `texts.py`."""
        return {wording.key: wording.text for wording in self.wordings}

    @property
    def jurisdiction(self) -> str:
        """ISO country whose rules the document follows; Amazon's UK and EL are GB and GR here."""
        return iso_country(self.tax_country or self.marketplace_country)

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, decimals as plain strings, dates ISO 8601.

        Equal payloads give equal text: 1.50 and 1.5 are both written "1.5".
        """
        return canonical_json(_plain(self))

    def sha256(self) -> str:
        """Hex digest of the canonical JSON in UTF-8: the identity of this content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, stored: str | bytes | Mapping[str, object]) -> Self:
        """Read `to_json()` back, as text or as the object a jsonb column gives.

        Fields added later take their defaults; unknown ones are errors.
        Raises ValueError that names the field which does not fit.
        """
        data = stored if isinstance(stored, Mapping) else json.loads(stored)
        payload = _typed(cls, data, "payload")
        assert isinstance(payload, cls)
        return payload


def canonical_json(data: object) -> str:
    """The one way to write stored content: a jsonb column forgets key order, this restores it.

    Hash a stored payload with this, not through `Payload`, whose later fields would be added.
    """
    return json.dumps(
        data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def iso_country(code: str) -> str:
    """ISO 3166 code of Amazon's and the tax offices' two-letter codes (UK, EL)."""
    return {"UK": "GB", "EL": "GR"}.get(code.upper(), code.upper())


def _plain(value: object) -> object:
    """What json can write; Decimal without exponent, trailing zeros or minus zero."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.normalize() if value else Decimal(0), "f")
    return value.isoformat() if isinstance(value, date) else value


def _typed(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`; `where` is the path shown when it does not fit."""
    if isinstance(kind, types.UnionType):
        return None if value is None else _typed(get_args(kind)[0], value, where)
    if get_origin(kind) is tuple:
        _expect(isinstance(value, list), where, "a list", value)
        return tuple(_typed(get_args(kind)[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if get_origin(kind) is Literal:
        _expect(value in get_args(kind), where, f"one of {', '.join(get_args(kind))}", value)
        return value
    if is_dataclass(kind):
        return _record(kind, value, where)
    if kind in (Decimal, date):
        return _parsed(kind, value, where)
    _expect(type(value) is kind, where, kind.__name__, value)
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Resolved once per class: 200 lines would otherwise pay for it 200 times."""
    return get_type_hints(kind)


def _record(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, Mapping), where, "an object", value)
    hints = _hints(kind)
    if unknown := set(value) - set(hints):
        raise ValueError(f"{where}: unknown field {', '.join(sorted(unknown))}")
    given = {name: _typed(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _parsed(kind: Any, value: Any, where: str) -> Any:
    """A Decimal or a date from its string; a JSON number would already have been a float."""
    _expect(isinstance(value, str), where, "a string", value)
    try:
        parsed: Any = Decimal(value) if kind is Decimal else date.fromisoformat(value)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"{where}: {value!r} is not a {kind.__name__}") from error
    _expect(kind is date or parsed.is_finite(), where, "a finite number", value)
    return parsed


def _expect(fits: bool, where: str, wanted: str, value: object) -> None:
    if not fits:
        raise ValueError(f"{where}: expected {wanted}, got {value!r}")
