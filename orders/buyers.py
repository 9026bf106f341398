"""The verbs on buyers: keep details, tax ids and addresses, and say whose an order is.

Imports create buyers by company name on their own; people complete and correct them here.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

from config.core import roles
from config.core.refused import Refused
from config.core.trail import trail
from orders.models import Buyer, BuyerAddress, BuyerTaxId, Order
from orders.models.buyer import match_key

CHANGE = "orders.change_buyer"
# Called with the order after its buyer was set, in the same transaction; rooms above register.
followers: list[Callable[[Order], None]] = []
# Northern Ireland's XI numbers have the form of British ones.
_COUNTRY = {"UK": "GB", "XI": "GB", "EL": "GR"}
_FALLBACK = {"JP": "cn", "CA": "bn", "US": "ein"}


def save_buyer(buyer: Buyer | None = None, *, by: Any, **fields: Any) -> Buyer:
    """Create a buyer or change its details; ``fields`` are columns of ``Buyer``.

    Refused: "forbidden"; "name" when it is empty or another buyer has it.
    """
    with trail("save_buyer", by=by):
        roles.require(by, CHANGE)
        buyer = buyer or Buyer()
        if buyer.pk:
            buyer = Buyer.objects.select_for_update().get(pk=buyer.pk)
        if fields.get("email") and fields["email"] != buyer.email:
            buyer.email_bounced = False
        for name, value in fields.items():
            setattr(buyer, name, value)
        key = _free_key(buyer)
        buyer.match_key = buyer.match_key or key  # reports go on naming a renamed buyer as before
        buyer.save()
    return buyer


def _free_key(buyer: Buyer) -> str:
    key = match_key(buyer.legal_name)
    if not key:
        raise Refused("name", _("A buyer needs a legal name."))
    if Buyer.objects.filter(match_key=key).exclude(pk=buyer.pk).exists():
        raise Refused(
            "name",
            _("Another buyer is called %(name)s already. Attach its orders there.")
            % {"name": buyer.legal_name},
        )
    return key


def save_tax_id(buyer: Buyer, *, by: Any, country: str, number: str, scheme: str = "VAT"):
    """Add a tax id; kept as compact text, with the verdict of the offline check.

    A wrong check digit does not stop it (people copy what the buyer sent), it is shown instead.
    Refused: "forbidden", "number" when it is empty.
    """
    with trail("save_tax_id", by=by):
        roles.require(by, CHANGE)
        compact = "".join(number.split()).replace(".", "").replace("-", "").upper()
        if not compact:
            raise Refused("number", _("Type the tax id."))
        country = country.strip().upper()
        valid = check_tax_id(country, scheme, compact)
        row, _created = BuyerTaxId.objects.update_or_create(
            buyer=buyer,
            country=country,
            number=compact,
            defaults={"scheme": scheme, "valid_form": valid},
        )
    return row


def save_address(buyer: Buyer, *, by: Any, kind: str, **fields: Any) -> BuyerAddress:
    """Set the buyer's billing or delivery address; issued documents keep the one they have."""
    with trail("save_address", by=by):
        roles.require(by, CHANGE)
        address = BuyerAddress.objects.filter(buyer=buyer, kind=kind).first()
        address = address or BuyerAddress(buyer=buyer, kind=kind)
        for name, value in fields.items():
            setattr(address, name, value)
        address.save()
    return address


def attach_buyer(order: Order, buyer: Buyer, *, by: Any) -> Order:
    """Say whose an order is, where Amazon's report did not, or named the company otherwise."""
    with trail("attach_buyer", by=by):
        roles.require(by, CHANGE)
        order = Order.objects.select_for_update().get(pk=order.pk)
        order.buyer = buyer
        order.save(update_fields=["buyer"])
        for follow in followers:
            follow(order)
    return order


def check_tax_id(country: str, scheme: str, number: str) -> bool | None:
    """Whether a tax id has the form and check digits of its country (python-stdnum, offline).

    None where the country or scheme has no check. Whether it is registered, VIES says.
    """
    country = _COUNTRY.get(country, country)
    if scheme == "VAT" and country.lower() in eu_vat.MEMBER_STATES:
        prefixed = number if number[:2].isalpha() else country + number
        return eu_vat.is_valid(prefixed)
    module = _module(country, scheme)
    if module is None:
        return None
    try:
        module.validate(number.removeprefix("T") if country == "JP" else number)
    except ValidationError:
        return False
    return True


def _module(country: str, scheme: str) -> Any:
    name = "vat" if scheme == "VAT" else _FALLBACK.get(country, "")
    return get_cc_module(country.lower(), name or _FALLBACK.get(country, "vat"))
