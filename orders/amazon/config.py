"""How Amazon is reached: addresses and secrets of the environment, read when they are needed."""

from django.conf import settings

from orders.amazon.errors import Refusal
from orders.models import Seller

# Amazon's addresses by region (SP-API endpoints); one place gives the tokens of all regions.
ENDPOINTS = {
    "NA": "https://sellingpartnerapi-na.amazon.com",
    "EU": "https://sellingpartnerapi-eu.amazon.com",
    "FE": "https://sellingpartnerapi-fe.amazon.com",
}
TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105 an address, no secret
CONNECT_SECONDS = 5


def available(seller: Seller, region: str = "") -> bool:
    """Whether calls for this seller (in this region, if given) can be made: the secrets are set."""
    return bool(
        settings.AMAZON_CLIENT_ID and settings.AMAZON_CLIENT_SECRET and _token(seller, region)
    )


def refresh_token(seller: Seller, region: str) -> str:
    """The seller's refresh token; raises Refusal (``not_configured``) with the setting to fill."""
    if not available(seller, region):
        raise Refusal(
            "not_configured",
            f"Retour has no access to Amazon for {seller.code} in {region}: set AMAZON_CLIENT_ID, "
            "AMAZON_CLIENT_SECRET and the seller's entry in AMAZON_REFRESH_TOKENS.",
        )
    return _token(seller, region)


def endpoint(region: str) -> str:
    """Base address of the API for a region; AMAZON_ENDPOINT replaces it for all regions."""
    return (settings.AMAZON_ENDPOINT or ENDPOINTS[region]).rstrip("/")


def token_url() -> str:
    """Where access tokens come from."""
    return settings.AMAZON_TOKEN_URL or TOKEN_URL


def timeouts() -> tuple[int, int]:
    """Seconds to connect and to wait for an answer; ints, the client ignores floats."""
    return CONNECT_SECONDS, settings.AMAZON_TIMEOUT


def _token(seller: Seller, region: str) -> str:
    """Tokens are by seller code, or by "code/region" where an account sells in several."""
    tokens = settings.AMAZON_REFRESH_TOKENS
    return str(tokens.get(f"{seller.code}/{region}") or tokens.get(seller.code) or "")
