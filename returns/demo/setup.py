"""The demo's company: sellers, people, rules, buyers. Set up once, before any order."""

import datetime as dt
from decimal import Decimal
from typing import Any

from config.core.models import User
from config.core.trail import trail
from invoicing.einvoice import rulesets
from invoicing.models import ApprovalLimit, DocumentRules, FxRate, IssuingMode, NumberSeries
from orders.models import (
    Buyer,
    BuyerAddress,
    BuyerTaxId,
    Marketplace,
    Product,
    Seller,
    SellerTaxRegistration,
)
from orders.models.buyer import match_key
from returns.demo import catalogue
from returns.demo.buyers import BUYERS, STOPPED, DemoBuyer
from returns.demo.ids import siren, tax_id
from returns.models import Policy

SINCE = dt.date(2024, 1, 1)
RATE_DAYS = 120


def company(by: User, today: dt.date) -> None:
    """Sellers with registrations, people, limits, issuing modes, series and policies."""
    with trail("demo.setup", by=by):
        _people()
        sellers = {row["code"]: Seller.objects.create(**row) for row in catalogue.SELLERS}
        _address_of(sellers["DH"])
        markets = {market.code: market for market in Marketplace.objects.all()}
        _registrations(sellers)
        _issuing(sellers, markets)
        ApprovalLimit.objects.bulk_create(
            ApprovalLimit(currency=currency, amount=amount)
            for currency, amount in catalogue.LIMITS.items()
        )
        _products(sellers)
        _policies(by, markets)
        _buyers(markets)
        _exchange_rates(today)
        rules = {"DS": DocumentRules.Restocking.INVOICE}
        for code, seller in sellers.items():
            restocking = rules.get(code, DocumentRules.Restocking.ALLOWANCE)
            DocumentRules.objects.create(
                seller=seller, restocking=restocking, email_documents=code == "DH"
            )


def _people() -> None:
    for username, role, name in catalogue.PEOPLE:
        first, _, last = name.partition(" ")
        User.objects.create_user(
            username,
            email=f"{username}@demo.example",
            password=catalogue.PASSWORD,
            role=role,
            first_name=first,
            last_name=last,
        )


def _address_of(seller: Seller) -> None:
    """The seller's own electronic address: its German VAT id."""
    seller.endpoint, seller.endpoint_scheme = tax_id("DE", 0), "9930"
    seller.save()


def _registrations(sellers: dict[str, Seller]) -> None:
    rows = [
        SellerTaxRegistration(
            seller=sellers[code],
            country=country,
            scheme=scheme,
            number=tax_id(country, 0),
            valid_from=SINCE,
        )
        for code, country, scheme in catalogue.REGISTRATIONS
    ]
    SellerTaxRegistration.objects.bulk_create(rows)


def _issuing(sellers: dict[str, Seller], markets: dict[str, Marketplace]) -> None:
    modes, series = [], []
    for code, market, _share in catalogue.CHANNELS:
        seller, marketplace = sellers[code], markets[market]
        by_amazon = (code, market) in catalogue.AMAZON_ISSUES
        ours = IssuingMode.Issuer.SELLER
        if market in catalogue.FROM_TAX_DATA:
            ours = IssuingMode.Issuer.VIDR
        issuer = IssuingMode.Issuer.AMAZON if by_amazon else ours
        modes.append(IssuingMode(seller=seller, marketplace=marketplace, issuer=issuer))
        for kind, short in (("invoice", "IN"), ("credit_note", "CN")):
            pattern = f"{code}-{market}-{short}-{{year}}-{{number:06d}}"
            series.append(
                NumberSeries(seller=seller, marketplace=marketplace, kind=kind, pattern=pattern)
            )
    IssuingMode.objects.bulk_create(modes)
    NumberSeries.objects.bulk_create(series)


def _products(sellers: dict[str, Seller]) -> None:
    Product.objects.bulk_create(
        Product(seller=seller, sku=sku, title=title, category=category, custom_made=custom)
        for seller in sellers.values()
        for sku, title, category, _price, custom in catalogue.PRODUCTS
    )


def _policies(by: User, markets: dict[str, Marketplace]) -> None:
    """What holds everywhere, what differs by marketplace, and furniture, which nobody may open."""
    furniture = {"category": "furniture", "window_days": 14, "refuse_opened": True, "fee": 20}
    _policy(by, "Everywhere", 500)
    for code in ("DE", "FR", "IT", "ES"):
        _policy(by, f"EU {code}", 500, marketplace=markets[code], window_days=14)
    for code, limit in catalogue.SECOND_LOOK.items():
        _policy(by, f"Amazon {code}", limit, marketplace=markets[code])
    _policy(by, "Furniture, Japan", 50000, marketplace=markets["JP"], **furniture)
    _policy(by, "Furniture", 300, **furniture)


def _policy(by: User, name: str, limit: int, *, fee: int = 10, **fields: Any) -> None:
    """The first version of a policy; a late return costs ten percent more than ``fee``."""
    payers = {"buyer": "buyer", "seller": "seller", "carrier": "carrier", "amazon": "amazon"}
    given = {"window_days": 30, "freight_payers": payers, "second_look_above": Decimal(limit)}
    Policy.objects.create(
        name=name,
        version=1,
        valid_from=SINCE,
        created_by=by,
        restocking_percent=Decimal(fee),
        late_restocking_percent=Decimal(fee + 10),
        **given | fields,
    )


def _exchange_rates(today: dt.date) -> None:
    """A rate a day of the last months."""
    rows = []
    for nth in range(RATE_DAYS):
        day = today - dt.timedelta(days=nth)
        moved = Decimal(day.toordinal() % 21 - 10) / 10000
        rows += [
            FxRate(quote=quote, day=day, rate=Decimal(rate) + moved, source="Demo")
            for quote, rate in catalogue.FX.items()
        ]
    FxRate.objects.bulk_create(rows)


_SCHEME = {"CA": "GST", "JP": "JCT"}
_LANGUAGE = {"UK": "en", "US": "en", "CA": "en"}


def _buyers(markets: dict[str, Marketplace]) -> None:
    for code, rows in BUYERS.items():
        for nth, one in enumerate(rows, start=1):
            email = "" if nth == len(rows) and code == "DE" else f"{code}{nth}@buyer.example"
            _buyer(one, markets[code], nth, email)
    for code, rows in STOPPED.items():
        for nth, one in enumerate(rows, start=len(BUYERS[code]) + 1):
            _buyer(one, markets[code], nth, f"{code}{nth}@buyer.example")


def _buyer(one: DemoBuyer, market: Marketplace, nth: int, email: str) -> None:
    country = one.country or market.country
    number = tax_id(country, nth) if one.vat != "no" else ""
    buyer = Buyer.objects.create(
        legal_name=one.name,
        match_key=match_key(one.name),
        kind=one.kind,
        country=country,
        language=one.language or _LANGUAGE.get(market.code, market.language),
        email=email,
        watched=one.name in catalogue.WATCHED,
        watch_reason=catalogue.WATCHED.get(one.name, ""),
        **_electronic(one, country, nth),
    )
    if one.street:
        BuyerAddress.objects.create(
            buyer=buyer,
            kind=BuyerAddress.Kind.BILLING,
            name=one.name,
            line1=one.street,
            postal_code=one.postal_code,
            city=one.city,
            state=catalogue.SHIP_STATE.get(market.code, ""),
            country=country,
        )
    if number:
        valid = one.vat == "yes"
        BuyerTaxId.objects.create(
            buyer=buyer, country=country, scheme=_SCHEME.get(country, "VAT"),
            number=number if valid else number[:-1] + "X", valid_form=valid,
        )  # fmt: skip


def _electronic(one: DemoBuyer, country: str, nth: int) -> dict[str, str]:
    """What an e-invoice needs to know of the buyer; a profile only where its rules are here."""
    found = {"buyer_reference": one.reference}
    if country == "FR":
        number = siren(tax_id(country, nth))
        found |= {"legal_id": number, "legal_id_scheme": "0002"}
        found |= {"endpoint": number, "endpoint_scheme": "0225"}
    if one.profile and not rulesets.missing(one.profile):
        found |= {"invoice_profile": one.profile}
        found |= {"endpoint": tax_id(country, nth), "endpoint_scheme": one.scheme}
    return found
