"""The lanes a refund can take, behind one small interface, and what a marketplace's rule says.

What a lane does is in its own file (`feeds.py`, `bank.py`) or in the hands of a person (guided).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import F, FilteredRelation, Q

from config.core.refused import Refused
from invoicing import payees
from invoicing.lane import Basis, basis_of
from invoicing.models import LaneRule, PayerAccount, Refund
from invoicing.models.refund import Lane as LaneKey
from invoicing.models.refund import LaneBasis
from orders.models import Marketplace, Seller


def _always(seller: Seller, marketplace: Marketplace) -> str:
    return ""


@dataclass(frozen=True)
class Lane:
    """One way the money goes.

    ``by_hand``: a person takes each refund in hand, no file carries it. ``by_amazon``: Amazon pays,
    on the basis of the rule, and its settlement shows it; else it goes gross to an account, and the
    bank statement shows it. ``dedupes``: asking twice with the same key pays once, so a lost answer
    may be asked for again; without it, never. ``why_not`` returns the sentence that says why it
    cannot be used for a seller on a marketplace, or "".
    """

    key: str
    by_hand: bool = False
    by_amazon: bool = True
    dedupes: bool = False
    why_not: Callable[[Seller, Marketplace], str] = _always

    @property
    def label(self) -> str:
        """Its name on pages."""
        return str(LaneKey(self.key).label)

    def basis(self, wanted: str, marketplace: Marketplace) -> Basis:
        """Whether it is asked for net or gross amounts there; ``wanted`` is the rule's word."""
        return basis_of(wanted, marketplace) if self.by_amazon else "gross"


@dataclass(frozen=True)
class Way:
    """How one refund goes, as it is approved: its lane, net or gross, the account if it has one."""

    lane: str
    basis: str
    account: payees.Target | None = None


_lanes: dict[str, Lane] = {}
NOT_OURS = Lane(LaneKey.NONE.value)  # of refunds that Amazon made, or that were before Retour


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


def lane_of(refund: Refund) -> Lane:
    """The lane a refund goes by; `NOT_OURS` where we do not send it."""
    return _lanes.get(refund.lane, NOT_OURS)


def way_of(refund: Refund) -> Way:
    """How a refund goes, as stored."""
    return Way(refund.lane, refund.lane_basis, payees.target_of(refund))


def rule_of(seller: Seller, marketplace: Marketplace) -> LaneRule:
    """The rule for refunds of a seller on a marketplace; an unsaved one where nobody made one:
    Seller Central, a flat file, amounts as the marketplace's prices.
    """
    rule = LaneRule.objects.filter(seller=seller, marketplace=marketplace).first()
    return rule or LaneRule(seller=seller, marketplace=marketplace, lane=LaneKey.GUIDED.value)


def bases_of(refunds: Iterable[Refund]) -> dict[int, str]:
    """By id, net or gross as each refund's lane wants it now, in one query; none if not ours."""
    ours = [refund for refund in refunds if refund.marketplace_id and refund.lane in _lanes]
    sellers = {refund.seller_id for refund in ours}
    rule = FilteredRelation("lane_rules", condition=Q(lane_rules__seller__in=sellers))
    places = Marketplace.objects.filter(pk__in={one.marketplace_id for one in ours})
    rows = list(places.annotate(rule=rule, at=F("rule__seller"), wanted=F("rule__basis")))
    place = {row.pk: row for row in rows}
    wanted = {(row.at, row.pk): row.wanted for row in rows}
    return {
        one.pk: lane_of(one).basis(
            wanted.get((one.seller_id, one.marketplace_id), ""), place[one.marketplace_id]
        )
        for one in ours
    }


def basis_now(refund: Refund) -> str:
    """Net or gross as its lane wants it now; "" where we do not send it."""
    return bases_of([refund]).get(refund.pk, "")


def other_basis(refund: Refund, now: str) -> str:
    """Why a refund that was put together net (gross) cannot go where gross (net) is wanted ``now``;
    "" where nothing changed.
    """
    if not now or refund.lane_basis == now:
        return ""
    had = f"with {LaneBasis(refund.lane_basis).label}" if refund.lane_basis else "without saying so"
    return (
        f"{lane_of(refund).label} takes {LaneBasis(now).label} on this marketplace now, and this "
        f"refund was proposed {had}. Let it go the same way anew: it is then proposed with "
        f"{LaneBasis(now).label} and approved again."
    )


def _no_feed(seller: Seller, marketplace: Marketplace) -> str:
    from orders.amazon import config  # loads Amazon's client only where somebody asks

    rules = LaneRule.objects.filter(seller=seller, marketplace=marketplace)
    if not rules.filter(lane=LaneKey.FEED).exists():  # whoever sets the rule back stops the feed
        return (
            f"The feed is switched off here: refunds of {seller.name} on {marketplace.name} go by "
            "Seller Central. Let this refund go another way, or ask an admin to switch it on again."
        )
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


register(Lane(LaneKey.GUIDED.value, by_hand=True))
register(Lane(LaneKey.FEED.value, why_not=_no_feed))
register(Lane(LaneKey.BANK.value, by_amazon=False, why_not=_no_bank))
