"""The demo's company: sellers, people, rules, buyers. Set up once, before any order."""

import datetime as dt
from decimal import Decimal
from typing import Any

from config.core.models import User
from config.core.trail import trail
from invoicing.models import ApprovalLimit, IssuingMode, NumberSeries
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
from returns.demo.ids import tax_id
from returns.models import Policy

SINCE = dt.date(2024, 1, 1)


def company(by: User) -> None:
    """Sellers with registrations, people, limits, issuing modes, series and policies."""
    with trail("demo.setup", by=by):
        _people()
        sellers = {row["code"]: Seller.objects.create(**row) for row in catalogue.SELLERS}
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
        issuer = IssuingMode.Issuer.AMAZON if by_amazon else IssuingMode.Issuer.SELLER
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


_SCHEME = {"CA": "GST", "JP": "JCT"}
_LANGUAGE = {"UK": "en", "US": "en", "CA": "en"}


def _buyers(markets: dict[str, Marketplace]) -> None:
    for code, rows in catalogue.BUYERS.items():
        for nth, (name, postal_code, city, kind, street) in enumerate(rows, start=1):
            country = "AT" if city == "Wien" else markets[code].country
            buyer = Buyer.objects.create(
                legal_name=name,
                match_key=match_key(name),
                kind=kind,
                country=country,
                language=_LANGUAGE.get(code, markets[code].language),
                email="" if nth == len(rows) and code == "DE" else f"{code}{nth}@buyer.example",
                watched=name in catalogue.WATCHED,
                watch_reason=catalogue.WATCHED.get(name, ""),
            )
            BuyerAddress.objects.create(
                buyer=buyer,
                kind=BuyerAddress.Kind.BILLING,
                name=name,
                line1=street,
                postal_code=postal_code,
                city=city,
                state=catalogue.SHIP_STATE.get(code, ""),
                country=country,
            )
            if number := tax_id(country, nth):
                scheme = _SCHEME.get(country, "VAT")
                BuyerTaxId.objects.create(
                    buyer=buyer, country=country, scheme=scheme, number=number, valid_form=True
                )
