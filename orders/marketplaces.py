"""Amazon's marketplaces as reference data (ids: Amazon's "Marketplace IDs" page).

Prices include tax everywhere but in the US and Canada, where reports show net prices.
"""

from config.core.models import User
from config.core.trail import trail
from orders.models import Marketplace

# code, country, Amazon's id, name, currency, language, time zone, prices include tax, region
_MARKETPLACES = (
    ("US", "US", "ATVPDKIKX0DER", "Amazon.com", "USD", "en", "America/Los_Angeles", False, "NA"),
    ("CA", "CA", "A2EUQ1WTGCTBG2", "Amazon.ca", "CAD", "en", "America/Toronto", False, "NA"),
    ("UK", "GB", "A1F83G8C2ARO7P", "Amazon.co.uk", "GBP", "en", "Europe/London", True, "EU"),
    ("DE", "DE", "A1PA6795UKMFR9", "Amazon.de", "EUR", "de", "Europe/Berlin", True, "EU"),
    ("FR", "FR", "A13V1IB3VIYZZH", "Amazon.fr", "EUR", "fr", "Europe/Paris", True, "EU"),
    ("IT", "IT", "APJ6JRA9NG5V4", "Amazon.it", "EUR", "it", "Europe/Rome", True, "EU"),
    ("ES", "ES", "A1RKKUPIHCS9HS", "Amazon.es", "EUR", "es", "Europe/Madrid", True, "EU"),
    ("JP", "JP", "A1VC38T7YXB528", "Amazon.co.jp", "JPY", "ja", "Asia/Tokyo", True, "FE"),
    ("NL", "NL", "A1805IZSGTT6HS", "Amazon.nl", "EUR", "nl", "Europe/Amsterdam", True, "EU"),
    ("BE", "BE", "AMEN7PMS3EDWL", "Amazon.com.be", "EUR", "fr", "Europe/Brussels", True, "EU"),
    ("SE", "SE", "A2NODRKZP88ZB9", "Amazon.se", "SEK", "sv", "Europe/Stockholm", True, "EU"),
    ("PL", "PL", "A1C3SOZRARQ6R3", "Amazon.pl", "PLN", "pl", "Europe/Warsaw", True, "EU"),
    ("IE", "IE", "A28R8C7NBKEWEA", "Amazon.ie", "EUR", "en", "Europe/Dublin", True, "EU"),
)


def load(using: str) -> None:
    """Insert the marketplaces that are missing; rows people changed stay as they are."""
    known = set(Marketplace.objects.using(using).values_list("code", flat=True))
    missing = [Marketplace(**_fields(row)) for row in _MARKETPLACES if row[0] not in known]
    if missing:
        system = User.objects.db_manager(using).system()
        with trail("migrate", by=system, using=using):
            Marketplace.objects.using(using).bulk_create(missing)


def _fields(row: tuple) -> dict:
    names = ("code", "country", "amazon_id", "name", "currency", "language", "time_zone")
    return dict(zip((*names, "prices_include_tax", "region"), row, strict=True))
