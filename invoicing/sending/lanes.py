"""The lanes a refund can take, behind one small interface, and which one a marketplace uses.

What a lane does is in its own file (`feeds.py`, `bank.py`) or in the hands of a person (guided).
"""

from collections.abc import Callable
from dataclasses import dataclass

from config.core.refused import Refused
from invoicing.models import LaneRule, PayerAccount
from invoicing.models.refund import Lane as LaneKey
from orders.models import Marketplace, Seller


def _always(seller: Seller, marketplace: Marketplace) -> str:
    return ""


@dataclass(frozen=True)
class Lane:
    """One way the money goes.

    ``automatic``: a worker carries it out without a person. ``dedupes``: asking twice with the same
    key pays once, so a lost answer may be asked for again; without it, never. ``why_not`` returns
    the sentence that says why it cannot be used for a seller on a marketplace, or "".
    """

    key: str
    automatic: bool = False
    dedupes: bool = False
    why_not: Callable[[Seller, Marketplace], str] = _always

    @property
    def label(self) -> str:
        """Its name on pages."""
        return str(LaneKey(self.key).label)

    def available(self, seller: Seller, marketplace: Marketplace) -> str:
        """Why it cannot be used there, as a sentence; "" where it can."""
        return self.why_not(seller, marketplace)


_lanes: dict[str, Lane] = {}


def register(lane: Lane) -> None:
    """Add a lane, or put another in its place."""
    _lanes[lane.key] = lane


def lane(key: str) -> Lane:
    """The lane of this key; refuses an unknown one."""
    if key not in _lanes:
        raise Refused("lane", "There is no such way to send a refund.")
    return _lanes[key]


def lanes() -> list[Lane]:
    """All lanes, the one without conditions first."""
    return list(_lanes.values())


def rule_of(seller: Seller, marketplace: Marketplace | None) -> tuple[str, str]:
    """The lane refunds of a seller take on a marketplace, and the format of its feed.

    Seller Central where no rule says otherwise.
    """
    rule = LaneRule.objects.filter(seller=seller, marketplace=marketplace).first()
    if rule is None:
        return LaneKey.GUIDED.value, LaneRule.Format.FLAT.value
    return rule.lane, rule.feed_format


def _no_feed(seller: Seller, marketplace: Marketplace) -> str:
    from orders.amazon import config  # loads Amazon's client only where somebody asks

    if config.available(seller, marketplace.region):
        return ""
    return (
        f"There is no access to Amazon for {seller.name}: an admin sets it in the environment "
        "(AMAZON_CLIENT_ID, AMAZON_CLIENT_SECRET, AMAZON_REFRESH_TOKENS)."
    )


def _no_bank(seller: Seller, marketplace: Marketplace) -> str:
    if PayerAccount.objects.filter(seller=seller).exists():
        return ""
    return f"{seller.name} has no bank account to pay refunds from: an admin enters one."


register(Lane(LaneKey.GUIDED.value))
register(Lane(LaneKey.FEED.value, automatic=True, why_not=_no_feed))
register(Lane(LaneKey.BANK.value, why_not=_no_bank))
