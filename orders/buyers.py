"""Verbs on buyers: keep one, give an order its buyer, check tax ids offline.

Reports know a buyer by company name only; what people add here is never overwritten by them.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from stdnum.exceptions import ValidationError

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from orders.models import Buyer, BuyerAddress, BuyerTaxId, Order
from orders.models.buyer import match_key

_EU = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)
# (country, scheme) → the module of python-stdnum that knows its form
_FORMS = {
    ("GB", "VAT"): "stdnum.gb.vat",
    ("CH", "VAT"): "stdnum.ch.vat",
    ("NO", "VAT"): "stdnum.no.mva",
    ("US", "EIN"): "stdnum.us.ein",
    ("CA", "GST"): "stdnum.ca.bn",
    ("JP", "LEGAL"): "stdnum.jp.cn",
    ("JP", "JCT"): "stdnum.jp.cn",  # T and the corporate number
    ("TR", "VAT"): "stdnum.tr.vkn",
    ("AU", "GST"): "stdnum.au.abn",
    ("IN", "GST"): "stdnum.in_.gstin",
}


def check_tax_id(country: str, scheme: str, number: str) -> bool | None:
    """Whether a tax id has the right form and check digits; None when no check is known.

    ``country`` is ISO 3166 (GR and GB, not EL and UK, but both are understood). Offline: it says
    nothing about whether the number is in use.
    """
    country = {"UK": "GB", "EL": "GR", "XI": "GB"}.get(country.upper(), country.upper())
    number = number.strip()
    module = _FORMS.get((country, scheme.upper()))
    if module is None and scheme.upper() == "VAT" and _vies(country) in _EU:
        module = "stdnum.eu.vat"
        if not number.upper().startswith(_vies(country)):
            number = _vies(country) + number
    if module is None:
        return None
    if module == "stdnum.jp.cn":
        number = number.upper().removeprefix("T")
    try:
        import_module(module).validate(number)
    except ValidationError:
        return False
    return True


def _vies(country: str) -> str:
    return "EL" if country == "GR" else country


def save_buyer(
    buyer: Buyer | None = None,
    *,
    by: Any,
    legal_name: str | None = None,
    tax_ids: Iterable[tuple[str, str, str]] | None = None,
    addresses: Iterable[dict] | None = None,
    reason: str = "",
    **fields: Any,
) -> Buyer:
    """Create or change a buyer.

    ``tax_ids`` are (country, scheme, number) and replace the ones on record, as ``addresses``
    (dictionaries of BuyerAddress fields) do; None leaves them. Other ``fields`` are Buyer's own.
    Raises Refused when another buyer has that name or a watched buyer has no reason.
    """
    roles.require(by, "orders.change_buyer" if buyer and buyer.pk else "orders.add_buyer")
    verb = "change_buyer" if buyer and buyer.pk else "add_buyer"
    with trail(verb, by=by, reason=reason):
        if buyer and buyer.pk:
            buyer = Buyer.objects.select_for_update().get(pk=buyer.pk)
        buyer = buyer or Buyer()
        for name, value in fields.items():
            setattr(buyer, name, value)
        if legal_name is not None:
            buyer.legal_name = " ".join(legal_name.split())
        _refuse_wrong(buyer)
        buyer.save()
        if tax_ids is not None:
            _replace_tax_ids(buyer, tax_ids)
        if addresses is not None:
            _replace_addresses(buyer, addresses)
    return buyer


def _refuse_wrong(buyer: Buyer) -> None:
    if not buyer.legal_name:
        raise Refused("name_missing", "A buyer needs its legal name.")
    if not buyer.match_key:  # reports keep finding a renamed buyer under its first name
        buyer.match_key = match_key(buyer.legal_name)
    if Buyer.objects.filter(match_key=buyer.match_key).exclude(pk=buyer.pk).exists():
        raise Refused("name_taken", f"There is already a buyer {buyer.legal_name}.")
    if buyer.watched and not buyer.watch_reason:
        raise Refused("reason_missing", "Say why this buyer is watched.")


def _replace_tax_ids(buyer: Buyer, tax_ids: Iterable[tuple[str, str, str]]) -> None:
    wanted = {(c.upper(), n.strip()): s.upper() for c, s, n in tax_ids if n.strip()}
    known = {(t.country, t.number): t for t in buyer.tax_ids.all()}
    for key, tax_id in known.items():
        if key not in wanted:
            tax_id.delete()
    for (country, number), scheme in wanted.items():
        valid = check_tax_id(country, scheme, number)
        old = known.get((country, number))
        if old is None:
            BuyerTaxId.objects.create(
                buyer=buyer, country=country, scheme=scheme, number=number, valid_form=valid
            )
        elif (old.scheme, old.valid_form) != (scheme, valid):
            old.scheme, old.valid_form = scheme, valid
            old.save()


def _replace_addresses(buyer: Buyer, addresses: Iterable[dict]) -> None:
    known = {address.kind: address for address in buyer.addresses.all()}
    wanted = {address["kind"]: address for address in addresses}
    for kind, address in known.items():
        if kind not in wanted:
            address.delete()
    for kind, values in wanted.items():
        address = known.get(kind) or BuyerAddress(buyer=buyer)
        for name, value in values.items():
            setattr(address, name, value)
        address.save()


def attach_buyer(order: Order, buyer: Buyer | None, *, by: Any) -> Order:
    """Say which organisation placed an order that came without a company name.

    Orders are facts without a trail of their own: the decision is kept by the buyer's trail row
    of this verb. Raises Refused when the order has a buyer already that a report named.
    """
    roles.require(by, "orders.change_buyer")
    with trail("attach_buyer", by=by, reason=order.amazon_order_id):
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.buyer_id and buyer and order.buyer_id != buyer.pk:
            raise Refused("has_buyer", f"The order is already {order.buyer}'s.")
        order.buyer = buyer
        order.save(update_fields=["buyer"])
    return order
