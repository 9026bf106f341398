"""Which rate the demo's Amazon charges: by the same table of treatments that documents follow."""

from decimal import Decimal

from invoicing.treatment import Sale, treat
from returns.demo import catalogue
from returns.demo.buyers import DemoBuyer


def rate_of(market, buyer: DemoBuyer, category: str) -> Decimal:
    """The rate Amazon charges, by the table of treatments; books have a rate of their own."""
    code = next(seller for seller, channel, _share in catalogue.CHANNELS if channel == market.code)
    home = catalogue.HOME[code]
    country = buyer.country or market.country
    vat = {where for seller, where, scheme in catalogue.REGISTRATIONS if seller == code}
    at_home = home if home == "DE" else market.country
    origin = catalogue.FROM_TAX_DATA.get(market.code, at_home)
    sale = Sale(
        ship_from=origin,
        ship_to=country,
        established=home,
        vat=frozenset(vat),
        one_stop_shop=home == "DE",
        buyer_id="" if buyer.vat == "no" else country,
        buyer_id_valid=True,
    )
    treated = treat(sale)
    if treated.category not in ("S", "O"):
        return Decimal(0)
    taxed = {"GB": "UK"}.get(treated.rate_country, treated.rate_country) or market.code
    standard = catalogue.STANDARD_RATE[taxed]
    books = catalogue.BOOK_RATE.get(taxed, standard)
    return Decimal(books if category == "books" else standard)
