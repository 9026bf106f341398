"""Tax ids for demo companies: invented numbers that pass their country's check digits."""

from itertools import count

from stdnum.ca import bn as ca_bn
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat
from stdnum.jp import cn as jp_cn

_FORMS = {
    "DE": (eu_vat, "DE{:09d}", 900000000),
    "FR": (eu_vat, "FR{:02d}900000001", 0),
    "IT": (eu_vat, "IT{:011d}", 90000000000),
    "ES": (eu_vat, "ESB{:08d}", 90000000),
    "AT": (eu_vat, "ATU{:08d}", 90000000),
    "GB": (gb_vat, "GB{:09d}", 900000000),
    "NL": (eu_vat, "NL{:09d}B01", 900000000),
    "PL": (eu_vat, "PL{:010d}", 9000000000),
    "BE": (eu_vat, "BE0{:09d}", 900000000),
    "CZ": (eu_vat, "CZ{:08d}", 90000000),
    "CA": (ca_bn, "{:09d}RT0001", 900000000),
    "JP": (jp_cn, "{:013d}", 9000000000000),
}


def tax_id(country: str, nth: int) -> str:
    """The ``nth`` valid number of a country (0, 1, …); "" where the country has none to check."""
    if country not in _FORMS:
        return ""
    if country == "FR":
        return _french(nth)
    module, form, start = _FORMS[country]
    found = (form.format(n) for n in count(start) if module.is_valid(form.format(n)))
    number = next(text for place, text in enumerate(found) if place == nth)
    return f"T{number}" if country == "JP" else number


def siren(vat_id: str) -> str:
    """The SIREN in a French VAT id."""
    return vat_id.removeprefix("FR")[2:]


def _french(nth: int) -> str:
    """A SIREN with its Luhn digit, and the key in front: (12 + 3 × (SIREN mod 97)) mod 97."""
    from stdnum.fr import siren

    found = (f"{n:09d}" for n in count(900000000) if siren.is_valid(f"{n:09d}"))
    number = next(text for place, text in enumerate(found) if place == nth)
    return f"FR{(12 + 3 * (int(number) % 97)) % 97:02d}{number}"
