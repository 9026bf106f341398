"""The return policy, pure: which rules hold, what they say about a case, and who pays what.

No ORM, no clock: verbs fill these dataclasses from rows and freeze the verdict on the RMA.
Reason codes live in reasons.py, clocks in clocks.py, the next actor in next_step.py, the
amounts in refund.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from config.core.money import ZERO, exact
from config.core.sentence import Sentence, gettext_noop, say
from invoicing.calculation import Reason
from returns.reasons import (
    AMAZON,
    BUYER,
    CARRIER,
    NOT_THE_BUYER,
    SELLER,
    UNDECIDED,
    default_liability,
    is_known_reason,
    reason_label,
)

Outcome = Literal["inside", "outside", "review"]
ShippingRule = Literal["none", "proportional", "all_left"]
AMAZON_FULFILS = "AFN"

DEFAULT_FREIGHT_PAYERS = {
    BUYER: "buyer",
    SELLER: "seller",
    CARRIER: "seller",
    AMAZON: "amazon",
    UNDECIDED: "seller",
}


@dataclass(frozen=True)
class PolicyRules:
    """One version of a policy. Days count from delivery (else purchase), percents are 0 to 100.

    `approval_threshold` is a gross value in `currency`; above it a second person decides
    (None: never). `version` is what documents and refunds quote, such as "DE business v3".
    """

    version: str
    currency: str
    window_days: int = 30
    non_returnable_reasons: frozenset[str] = frozenset()
    refuse_opened: bool = False
    refuse_custom_made: bool = True
    refuse_categories: frozenset[str] = frozenset()
    restocking_percent: Decimal = ZERO
    late_restocking_percent: Decimal = ZERO
    freight_payer_by_liability: Mapping[str, str] = field(
        default_factory=lambda: dict(DEFAULT_FREIGHT_PAYERS)
    )
    approval_threshold: Decimal | None = None
    auto_approve: bool = False
    ship_back_days: int = 7
    warn_after_days: int = 5
    missing_after_days: int = 21


@dataclass(frozen=True)
class PolicyScope:
    """Where and from when rules hold; an empty marketplace, buyer type or category is any."""

    rules: PolicyRules
    valid_from: date
    marketplace: str = ""
    buyer_type: str = ""
    category: str = ""
    number: int = 0
    valid_to: date | None = None


@dataclass(frozen=True)
class LineFacts:
    """What is known of one line that shall come back; `unit_value` is gross, None is unknown.

    `in_policy` is Amazon's own flag; `channel` is MFN (seller fulfils) or AFN (Amazon does).
    `liability` overrides the reason code's default once a person decided it.
    """

    key: str
    sku: str
    quantity: int
    unit_value: Decimal
    reason_code: str = ""
    category: str = ""
    custom_made: bool = False
    opened: bool | None = None
    purchased_on: date | None = None
    delivered_on: date | None = None
    in_policy: bool | None = None
    channel: str = "MFN"
    liability: str | None = None

    @property
    def liable(self) -> str:
        """Who is answerable, decided or by default."""
        return self.liability or default_liability(self.reason_code)


@dataclass(frozen=True)
class CaseFacts:
    """What is known of a request; `requested_on` is a day in the marketplace's zone."""

    requested_on: date
    currency: str
    lines: tuple[LineFacts, ...]
    marketplace: str = ""
    buyer_type: str = ""
    buyer_watched: bool = False
    facts_complete: bool = True


@dataclass(frozen=True)
class Verdict:
    """The policy's answer. A watched buyer or an unknown fact asks for a person, never refuses."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    may_auto_approve: bool
    needs_second: bool
    policy_version: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON to freeze on the RMA."""
        return {
            "outcome": self.outcome,
            "policy_version": self.policy_version,
            "may_auto_approve": self.may_auto_approve,
            "needs_second": self.needs_second,
            "reasons": [reason.to_json() for reason in self.reasons],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what `to_json` wrote."""
        return cls(
            outcome=data["outcome"],
            reasons=tuple(Reason.from_json(reason) for reason in data["reasons"]),
            may_auto_approve=data["may_auto_approve"],
            needs_second=data["needs_second"],
            policy_version=data["policy_version"],
        )


def choose(
    policies: Iterable[PolicyScope],
    marketplace: str,
    buyer_type: str,
    category: str,
    on_date: date,
) -> PolicyRules | None:
    """Return the most specific rules valid on the day, or None if no policy fits.

    More matching fields win; among equals category beats buyer type beats marketplace, then the
    later start, the higher number and the version text decide, so the answer is never by chance.
    """
    wanted = (category, buyer_type, marketplace)
    fitting = [
        scope
        for scope in policies
        if scope.valid_from <= on_date
        and (scope.valid_to is None or on_date <= scope.valid_to)
        and all(own in ("", asked) for own, asked in zip(_specifics(scope), wanted, strict=True))
    ]
    return max(fitting, key=_rank).rules if fitting else None


def _specifics(scope: PolicyScope) -> tuple[str, str, str]:
    return (scope.category, scope.buyer_type, scope.marketplace)


def _rank(scope: PolicyScope) -> tuple[int, tuple[bool, ...], date, int, str]:
    named = tuple(bool(name) for name in _specifics(scope))
    return (sum(named), named, scope.valid_from, scope.number, scope.rules.version)


def needs_second(rules: PolicyRules, value: Decimal, currency: str) -> bool:
    """Say whether a gross value is above the threshold; in another currency it always is."""
    if rules.approval_threshold is None:
        return False
    return currency != rules.currency or exact(value) > rules.approval_threshold


def freight_payer(rules: PolicyRules, liability: str) -> str:
    """Return who pays the return freight: buyer, seller, carrier or amazon."""
    default = DEFAULT_FREIGHT_PAYERS.get(liability, "seller")
    return rules.freight_payer_by_liability.get(liability, default)


def restocking_percent(rules: PolicyRules, liability: str, late: bool) -> Decimal:
    """Return the percent kept back; zero unless the buyer is answerable. Late takes the higher."""
    if liability != BUYER:
        return ZERO
    late_percent = rules.late_restocking_percent if late else ZERO
    return max(rules.restocking_percent, late_percent)


def shipping_rule(liability: str, whole_order: bool) -> ShippingRule:
    """Say how much outbound shipping goes back: all with the whole order, a share if not the
    buyer's fault, else none.
    """
    if whole_order:
        return "all_left"
    return "proportional" if liability in NOT_THE_BUYER else "none"


def return_until(rules: PolicyRules, line: LineFacts) -> date | None:
    """Return the last day of the return window, None if neither date is known."""
    start = line.delivered_on or line.purchased_on
    return start + timedelta(days=rules.window_days) if start else None


def verdict(rules: PolicyRules, facts: CaseFacts) -> Verdict:
    """Say whether the request is inside policy, with every reason.

    Goods that are faulty, damaged or wrong are never refused for being opened, custom-made or
    late: those come to a person. So does a line Amazon says is in policy where we would refuse.
    """
    value = sum((line.unit_value * line.quantity for line in facts.lines), ZERO)
    second = needs_second(rules, value, facts.currency)
    reasons = (*_case_reasons(rules, facts), *_second_reason(rules, facts, value, second))
    reasons += tuple(found for line in facts.lines for found in _line_reasons(rules, facts, line))
    weights = {reason.weight for reason in reasons}
    outcome: Outcome = "inside"
    if "outside" in weights:
        outcome = "outside"
    elif "review" in weights:
        outcome = "review"
    auto = rules.auto_approve and outcome == "inside" and not second and bool(facts.lines)
    return Verdict(outcome, reasons, auto, second, rules.version)


def _case_reasons(rules: PolicyRules, facts: CaseFacts) -> Iterator[Reason]:
    if not facts.lines:
        template = gettext_noop("The request names no line.")
        yield Reason("no_lines", say(template), weight="review")
    if not facts.facts_complete:
        template = gettext_noop("The order is not fully imported yet.")
        yield Reason("facts_incomplete", say(template), weight="review")
    if facts.buyer_watched:
        template = gettext_noop("The buyer is on the watch list: a person decides.")
        yield Reason("buyer_watched", say(template), weight="review")


def _second_reason(
    rules: PolicyRules, facts: CaseFacts, value: Decimal, second: bool
) -> Iterator[Reason]:
    if second and rules.approval_threshold is not None:
        template = gettext_noop(
            "Worth %(value)s %(currency)s, more than %(threshold)s %(limit_currency)s: "
            "a second person decides."
        )
        if facts.currency != rules.currency:
            template = gettext_noop(
                "Worth %(value)s %(currency)s, not comparable with the limit of "
                "%(threshold)s %(limit_currency)s: a second person decides."
            )
        says = say(
            template,
            value=value,
            currency=facts.currency,
            threshold=rules.approval_threshold,
            limit_currency=rules.currency,
        )
        yield Reason("needs_second", says)


def _line_reasons(rules: PolicyRules, facts: CaseFacts, line: LineFacts) -> Iterator[Reason]:
    """Reasons of one line; refusals become reviews where the buyer has a claim all the same."""
    if line.channel == AMAZON_FULFILS:
        template = gettext_noop("%(sku)s was fulfilled by Amazon, who decided this return.")
        yield Reason("amazon_decides", say(template, sku=line.sku), line.key)
        return
    yield from _doubts(line)
    refusals = list(_refusals(rules, facts, line))
    entitled = line.in_policy is True or line.liable in NOT_THE_BUYER
    for code, says in refusals:
        yield Reason(code, says, line.key, "review" if entitled else "outside")
    if refusals and entitled:
        yield _entitlement(line)
    if line.in_policy is False and not refusals:
        template = gettext_noop("Amazon marks %(sku)s as outside its policy, ours allows it.")
        yield Reason("amazon_says_outside", say(template, sku=line.sku), line.key, "review")
    if not refusals:
        yield from _within_window(rules, line)


def _doubts(line: LineFacts) -> Iterator[Reason]:
    if not is_known_reason(line.reason_code):
        template = gettext_noop("Nobody knows the reason code “%(code)s” of %(sku)s yet.")
        if not line.reason_code:
            template = gettext_noop("%(sku)s has no reason for the return.")
        says = say(template, code=line.reason_code, sku=line.sku)
        yield Reason("unknown_reason", says, line.key, "review")
    elif line.liable == UNDECIDED:
        template = gettext_noop("The reason “%(label)s” of %(sku)s does not say who is liable.")
        says = say(template, label=reason_label(line.reason_code), sku=line.sku)
        yield Reason("liability_undecided", says, line.key, "review")


def _refusals(
    rules: PolicyRules, facts: CaseFacts, line: LineFacts
) -> Iterator[tuple[str, Sentence]]:
    """Every rule the line breaks, strongest first; reviews for a missing date come last."""
    if line.reason_code and line.reason_code in rules.non_returnable_reasons:
        template = gettext_noop("“%(label)s” is not a reason to return %(sku)s.")
        label = reason_label(line.reason_code)
        yield "reason_not_returnable", say(template, label=label, sku=line.sku)
    if line.custom_made and rules.refuse_custom_made:
        template = gettext_noop("%(sku)s is custom-made and not returnable.")
        yield "custom_made", say(template, sku=line.sku)
    if line.opened and rules.refuse_opened:
        template = gettext_noop("%(sku)s was opened and is not returnable.")
        yield "opened", say(template, sku=line.sku)
    if line.category and line.category in rules.refuse_categories:
        template = gettext_noop("%(category)s are not returnable (%(sku)s).")
        yield "category_excluded", say(template, category=line.category, sku=line.sku)
    until = return_until(rules, line)
    if until is not None and facts.requested_on > until:
        days = (facts.requested_on - until).days
        template = gettext_noop(
            "%(sku)s was requested %(days)s days after the window of %(window)s days "
            "ended on %(until)s."
        )
        yield (
            "window_closed",
            say(
                template, sku=line.sku, days=days, window=rules.window_days, until=until.isoformat()
            ),
        )


def _entitlement(line: LineFacts) -> Reason:
    template = gettext_noop("Amazon marks %(sku)s as in policy: a person decides.")
    if line.liable in NOT_THE_BUYER:
        template = gettext_noop(
            "“%(label)s” is not the buyer's fault: a person decides about %(sku)s."
        )
    says = say(template, sku=line.sku, label=reason_label(line.reason_code))
    return Reason("buyer_has_a_claim", says, line.key, "review")


def _within_window(rules: PolicyRules, line: LineFacts) -> Iterator[Reason]:
    until = return_until(rules, line)
    if until is None:
        template = gettext_noop("No delivery or purchase date is known for %(sku)s.")
        yield Reason("date_unknown", say(template, sku=line.sku), line.key, "review")
    else:
        template = gettext_noop("%(sku)s may come back until %(until)s.")
        says = say(template, sku=line.sku, until=until.isoformat())
        yield Reason("inside_window", says, line.key)
