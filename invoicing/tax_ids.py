"""The form of tax ids, checked offline by python-stdnum. Pure.

A right form does not make a number valid: the EU's register answers that (`vies.py`).
"""

from types import ModuleType

from stdnum.ca import bn
from stdnum.eu import oss
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat
from stdnum.jp import cn

from invoicing.payload import EU, TaxRegistration, iso_country

# Northern Ireland uses Britain's numbers under its own prefix, and trades goods as in the EU.
BRITISH = ("GB", "XI")


def plain(number: str) -> str:
    """The number as registers know it: no blanks, dots or hyphens, capitals."""
    return "".join(sign for sign in number.upper() if sign.isalnum())


def country_of(number: str) -> str:
    """ISO country of a VAT id by its prefix (EL is GR), empty where it has none."""
    prefix = plain(number)[:2]
    return iso_country(prefix) if prefix.isalpha() and len(prefix) == 2 else ""


def prefixed(number: str, country: str) -> str:
    """A VAT id with its country's prefix (BR-CO-09), where it was noted without; else as it is."""
    country = iso_country(country)
    if country not in (*EU, *BRITISH) or country_of(number) in _prefixes(country):
        return number
    whole = {"GR": "EL"}.get(country, country) + plain(number)
    return whole if has_vat_form(whole) else number


def has_vat_form(number: str) -> bool | None:
    """Whether a VAT id with its country's prefix is well formed; None: that country is not known.

    Check digits are computed where the country has them.
    """
    number = plain(number)
    country = country_of(number)
    if country in EU:
        return bool(eu_vat.is_valid(number))
    if country in BRITISH:
        return bool(gb_vat.is_valid(number[2:]))
    return None


def has_form(registration: TaxRegistration) -> bool | None:
    """Whether a seller's number is well formed for its scheme and country; None: not known."""
    number, country = plain(registration.number), iso_country(registration.country)
    if registration.scheme == "JCT":
        return number.startswith("T") and _is(cn, number[1:])
    if registration.scheme == "GST":
        return _is(bn, number)
    if registration.scheme == "OSS" and number.startswith(("EU", "IM")):
        return _is(oss, number)
    if registration.scheme in ("VAT", "OSS") and country in (*EU, *BRITISH):
        return bool(has_vat_form(number)) and country_of(number) in _prefixes(country)
    return None


def _prefixes(country: str) -> tuple[str, ...]:
    return BRITISH if country in BRITISH else (country,)


def _is(kind: ModuleType, number: str) -> bool:
    return bool(kind.is_valid(number))
