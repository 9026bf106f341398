"""What happens to each demo return: fates dealt out by share, walked day by day by the real verbs.

The demo's clock is set to the day being told, so that ages, deadlines and documents look lived in;
the trail keeps the true time of writing.
"""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from orders.models import OrderLine
from returns import bulk, evidence, refunding, workflow
from returns.demo import catalogue, photos
from returns.goods import InspectionResult
from returns.models import RMA, RMALine
from returns.opening import Draft, LineRequest, open_many
from returns.states import Condition, Disposition

DISPUTED = 8  # one rejection in so many is not taken by its buyer
# fate → share of the returns
FATES = {
    "requested": 12,
    "approved": 13,
    "shipped": 14,
    "received": 6,
    "inspected": 7,
    "partial": 3,
    "proposed": 4,
    "waiting": 4,
    "refunded": 6,
    "settled": 9,
    "declined": 6,
    "withdrawn": 4,
    "expired": 3,
    "rejected": 3,
    "replaced": 3,
}
_BACK = {"shipped", "received", "inspected", "partial", "proposed", "waiting", "refunded"} | {
    "settled",
    "rejected",
    "replaced",
}
_SEEN = _BACK - {"shipped", "received", "replaced"}
_PAID = {"proposed", "waiting", "refunded", "settled"}


@dataclass
class Plan:
    """One return to be told: its order lines and how it ends."""

    lines: list[OrderLine]
    fate: str
    opened: dt.datetime
    number: str = ""


@dataclass(frozen=True)
class Destiny:
    """A return to be: how it ends, where, when it was requested and when the goods were bought."""

    fate: str
    channel: tuple[str, str]
    opened: dt.datetime
    bought: dt.date


@contextmanager
def clock(moment: dt.datetime) -> Iterator[None]:
    """Let ``timezone.now()`` be a day of the story."""
    with mock.patch.object(timezone, "now", return_value=moment):
        yield


def destinies(rng: random.Random, count: int, today: dt.datetime) -> list[Destiny]:
    """``count`` returns to be: the open ones are young, the closed ones old; most inside policy."""
    names = rng.choices(list(FATES), weights=list(FATES.values()), k=count)
    markets = rng.choices(
        [(seller, market) for seller, market, _share in catalogue.CHANNELS],
        weights=[share for _seller, _market, share in catalogue.CHANNELS],
        k=count,
    )
    return [_destiny(rng, *pair, today) for pair in zip(names, markets, strict=True)]


def _destiny(rng: random.Random, fate: str, channel: tuple[str, str], today) -> Destiny:
    opened = today - dt.timedelta(days=_age(rng, fate), hours=rng.randint(1, 10))
    late = fate == "declined" or rng.random() < 0.07
    waited = rng.randint(20, 60) if late else rng.randint(4, 12)
    return Destiny(fate, channel, opened, (opened - dt.timedelta(days=waited)).date())


def plans(rng: random.Random, dealt: dict[str, Destiny]) -> list[Plan]:
    """The plans of the destinies by their orders' ids, once the orders are imported."""
    lines = OrderLine.objects.filter(order__amazon_order_id__in=dealt).select_related("order")
    by_order: dict[str, list[OrderLine]] = defaultdict(list)
    for line in lines.order_by("order_id", "pk"):
        by_order[line.order.amazon_order_id].append(line)
    found = []
    for order_id, one in dealt.items():
        some = by_order[order_id]
        found.append(Plan(some if rng.random() < 0.4 else some[:1], one.fate, one.opened))
    return found


def _age(rng: random.Random, fate: str) -> int:
    if fate == "requested":
        return rng.choice((0,) * 9 + (1, 2))
    if fate == "approved":
        return rng.randint(0, 6)
    if fate in ("shipped", "received"):
        return rng.randint(4, 10)
    if fate in ("inspected", "partial", "proposed", "waiting"):
        return rng.choice((8, 8, 9, 9, 9, 10, 10, 10, 11, 13))
    if fate == "refunded":  # Amazon's next settlement shows it
        return rng.randint(11, 18)
    return rng.randint(14, 75)


@dataclass
class Cast:
    """Who does what in the story."""

    agent: User
    agent2: User
    inspector: User
    lead: User
    finance: User
    finance2: User

    @classmethod
    def load(cls) -> "Cast":
        """The demo's people by their user names."""
        people = User.objects.in_bulk(field_name="username")
        return cls(**{name: people[name] for name in cls.__annotations__})


class Story:
    """Walks all plans step by step; each step is one bulk verb where there is one."""

    def __init__(self, rng: random.Random, told: list[Plan], today: dt.datetime) -> None:
        self.rng, self.told, self.today, self.cast = rng, told, today, Cast.load()

    def tell(self, say: Callable[[str], None]) -> None:
        """Tell everything up to the proposed refunds; money is in ``money.py``."""
        told = (self.request, self.decide, self.ship, self.expire, self.approve_young)
        for step in (*told, self.receive, self.inspect, self.end, self.talk):
            step()
            say(step.__name__.replace("_", " "))

    def request(self) -> None:
        """Open the RMAs, oldest first, a day at a time."""
        for day, of_day in self._by_day(self.told, 0):
            drafts = [self._draft(plan) for plan in of_day]
            with clock(day):
                opened, _refused = open_many(drafts, by=self.cast.agent)
            plans_by_label = {plan.lines[0].order.amazon_order_id: plan for plan in of_day}
            for case in opened:
                order = case.lines[0].order_line.order
                plans_by_label[order.amazon_order_id].number = case.rma.number
        self.told = [plan for plan in self.told if plan.number]
        self._share_out()

    def _share_out(self) -> None:
        """Most cases that go on have an owner; new ones wait for somebody to take them."""
        owners: dict[User | None, list[str]] = defaultdict(list)
        people = (self.cast.agent, self.cast.agent2, self.cast.lead, None)
        for plan in self.told:
            shares = (1, 1, 0, 8) if plan.fate == "requested" else (10, 8, 1, 2)
            owners[self.rng.choices(people, weights=shares)[0]].append(plan.number)
        for owner, numbers in owners.items():
            if owner:
                bulk.take_over_many(numbers, by=owner)

    def _draft(self, plan: Plan) -> Draft:
        codes = [code for code, _share in catalogue.REASONS]
        weights = [share for _code, share in catalogue.REASONS]
        lines = []
        for line in plan.lines:
            units = line.quantity if self.rng.random() < 0.7 else (line.quantity + 1) // 2
            reason = self.rng.choices(codes, weights=weights)[0]
            lines.append(LineRequest(line.pk, units, reason, opened=self.rng.random() < 0.3))
        return Draft(lines, opened_at=plan.opened, label=plan.lines[0].order.amazon_order_id)

    def _by_day(self, some: list[Plan], after: float) -> Iterator[tuple[dt.datetime, list[Plan]]]:
        """Plans by the day ``after`` days from their opening, never later than today."""
        days: dict[dt.date, list[Plan]] = defaultdict(list)
        for plan in some:
            days[min(plan.opened + dt.timedelta(days=after), self.today).date()].append(plan)
        for day in sorted(days):
            noon = dt.datetime.combine(day, dt.time(15), dt.UTC)
            yield min(noon, self.today), days[day]

    def _having(self, *fates: str) -> list[Plan]:
        return [plan for plan in self.told if plan.fate in fates]

    def decide(self) -> None:
        """Approve what goes on, decline what does not."""
        later = ("requested", "declined", "approved")
        self._approve([plan for plan in self.told if plan.fate not in later])
        for day, of_day in self._by_day(self._having("declined"), 1):
            with clock(day):
                for plan in of_day:
                    reason = "The return window is over; the goods are not defective."
                    workflow.decline(plan.number, by=self.cast.agent, reason=reason)

    def approve_young(self) -> None:
        """Approve what still waits for the buyer: after the nightly rule, which is not due yet."""
        self._approve(self._having("approved"))

    def _approve(self, some: list[Plan]) -> None:
        for day, of_day in self._by_day(some, 0.5):
            with clock(day):
                bulk.approve_many([plan.number for plan in of_day], by=self.cast.lead)

    def ship(self) -> None:
        """Hand the parcels over to the carriers."""
        for day, of_day in self._by_day([p for p in self.told if p.fate in _BACK], 3):
            with clock(day):
                parcels = {plan.number: self._parcel() for plan in of_day}
                bulk.ship_many(parcels, by=self.cast.agent)

    def _parcel(self) -> dict:
        return {
            "carrier": self.rng.choice(catalogue.CARRIERS),
            "tracking": f"DEMO{self.rng.randint(0, 10**12):012d}",
            "label_type": self.rng.choice(("amazon_prepaid", "own_prepaid", "buyer")),
            "label_payer": self.rng.choice(("seller", "seller", "buyer")),
        }

    def expire(self) -> None:
        """The nightly rule closes what was never sent back."""
        from returns import nightly

        for plan in self._having("withdrawn"):
            with clock(plan.opened + dt.timedelta(days=1)):
                workflow.withdraw(plan.number, by=self.cast.agent, reason="Buyer keeps the goods.")
        late = self._having("expired")
        nights = {day for after in (6, 9) for day, _of_day in self._by_day(late, after)}
        for night in sorted(nights):
            with clock(night):
                nightly.expire_unshipped(night)

    def receive(self) -> None:
        """Goods arrive; of the partial cases only some of them."""
        coming = [p for p in self.told if p.fate in _SEEN or p.fate in ("received", "partial")]
        lines = _lines_of(coming)
        for day, of_day in self._by_day(coming, 7):
            with clock(day):
                units = {
                    plan.number: {line.pk: self._units(plan, line) for line in lines[plan.number]}
                    for plan in of_day
                }
                sites = {plan.number: _site(plan) for plan in of_day}
                bulk.receive_many(units, by=self.cast.inspector, sites=sites)

    def _units(self, plan: Plan, line: RMALine) -> int:
        return max(1, line.approved // 2) if plan.fate == "partial" else line.approved

    def inspect(self) -> None:
        """Look at what came; a few dispositions, a few rejections."""
        seen = [plan for plan in self.told if plan.fate in _SEEN]
        lines = _lines_of(seen)
        for day, of_day in self._by_day(seen, 8):
            with clock(day):
                results = {
                    plan.number: [
                        result
                        for line in lines[plan.number]
                        for result in self._results(plan, line)
                    ]
                    for plan in of_day
                }
                bulk.inspect_many(results, by=self.cast.inspector)

    def _results(self, plan: Plan, line: RMALine) -> list[InspectionResult]:
        if plan.fate == "rejected":
            note = "Serial number belongs to another device."
            return [
                InspectionResult(
                    line.pk, line.received, Condition.WRONG_ITEM, Disposition.REJECT, note
                )
            ]
        good, rest = line.received, 0
        if line.received > 2 and self.rng.random() < 0.4:
            good, rest = line.received - 1, 1
        found = [InspectionResult(line.pk, good, Condition.OPENED, Disposition.RESTOCK, "")]
        if rest:
            note = "Housing cracked."
            found.append(
                InspectionResult(line.pk, rest, Condition.DAMAGED, Disposition.SCRAP, note)
            )
        return found

    def end(self) -> None:
        """Cases that end without money."""
        for plan in self._having("rejected"):
            with clock(min(plan.opened + dt.timedelta(days=9), self.today)):
                reason = "Not the item we sold. It goes back to the buyer."
                workflow.reject_goods(plan.number, by=self.cast.lead, reason=reason)
        for plan in self._having("replaced"):
            with clock(min(plan.opened + dt.timedelta(days=9), self.today)):
                workflow.replace(plan.number, by=self.cast.lead, reason="Exchanged for a new one.")

    def talk(self) -> None:
        """What people add: photos of what they saw, notes, and buyers who do not agree."""
        for nth, plan in enumerate(self._having("rejected", "partial", "inspected")):
            if plan.fate == "rejected" or nth % 4 == 0:
                with clock(min(plan.opened + dt.timedelta(days=8), self.today)):
                    photo = photos.photo(self.rng, plan.number)
                    evidence.add(plan.number, by=self.cast.inspector, upload=photo, kind="photo")
        for plan in self.rng.sample(self.told, len(self.told) // 20):
            with clock(min(plan.opened + dt.timedelta(days=2), self.today)):
                text = self.rng.choice(catalogue.NOTES)
                workflow.add_note(plan.number, by=self.cast.agent, text=text)
        rejected = sorted(self._having("rejected"), key=lambda plan: plan.opened, reverse=True)
        youngest = rejected[: len(rejected) // DISPUTED + 1]  # an old dispute would be settled
        for plan in youngest:
            with clock(min(plan.opened + dt.timedelta(days=11), self.today)):
                reason = "The buyer disputes it: the serial number is on our delivery note."
                workflow.reopen(plan.number, by=self.cast.lead, reason=reason)

    def propose(self) -> list[Plan]:
        """Propose the refunds of those whose money moves; returns the plans that have one."""
        proposed = []
        for plan in self._having(*_PAID):
            with clock(min(plan.opened + dt.timedelta(days=9), self.today)):
                try:
                    refunding.propose(plan.number, by=self.cast.agent)
                except Refused:  # a fee may leave nothing to refund: the case stays as it is
                    continue
            proposed.append(plan)
        return proposed


def _site(plan: Plan) -> str:
    """A quarter of the parcels goes to a warehouse that works for others too."""
    return catalogue.SITES[int(plan.number[-2:]) % 4 == 0]


def _lines_of(some: list[Plan]) -> dict[str, list[RMALine]]:
    found: dict[str, list[RMALine]] = defaultdict(list)
    numbers = [plan.number for plan in some]
    for line in RMALine.objects.filter(rma__number__in=numbers).select_related("rma"):
        found[line.rma.number].append(line)
    return found


def overdue(now: dt.datetime) -> int:
    """How many open cases are late in the story's end (for the command's summary)."""
    return RMA.objects.overdue(now).count()
