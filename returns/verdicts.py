"""The policy applied to rows: which version holds, its verdict frozen onto the RMA, its terms.

The rules themselves are pure and live in ``policy.py``. Without any policy in the database a
person decides every request, and the verdict says so.
"""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from config.core.money import round_money
from config.core.sentence import gettext_noop, say
from returns import messages, policy
from returns.models import RMA, Policy, RMALine
from returns.reasons import UNDECIDED, default_liability
from returns.states import Liability

NO_POLICY = policy.PolicyRules(version="", currency="XXX")


def liability_of(reason_code: str) -> str:
    """Who is answerable at first sight of a reason code."""
    found = default_liability(reason_code)
    return found if found in Liability.values else UNDECIDED


def rules_of(row: Policy, currency: str) -> policy.PolicyRules:
    """A stored version as the pure rules see it; its limit is in the given currency."""
    return policy.PolicyRules(
        version=str(row),
        currency=currency,
        window_days=row.window_days,
        refuse_opened=row.refuse_opened,
        refuse_custom_made=row.refuse_custom_made,
        refuse_categories=frozenset(row.refuse_categories),
        restocking_percent=row.restocking_percent,
        late_restocking_percent=row.late_restocking_percent,
        freight_payer_by_liability=policy.DEFAULT_FREIGHT_PAYERS | row.freight_payers,
        approval_threshold=row.second_look_above,
        auto_approve=row.auto_approve,
        ship_back_days=row.ship_back_days,
        warn_after_days=row.warn_after_days,
        missing_after_days=row.missing_after_days,
    )


def terms(rma: RMA) -> policy.PolicyRules:
    """The rules frozen onto an RMA; the built-in ones where there was no policy."""
    return rules_of(rma.policy, rma.currency) if rma.policy else NO_POLICY


def decide(cases: Iterable[Any]) -> None:
    """Choose each case's policy and freeze its verdict: one query for all of them."""
    stored = {str(row): row for row in Policy.objects.select_related("marketplace")}
    for case in cases:
        facts = facts_of(case.rma, case.lines)
        rules = policy.choose(
            [_scope(row, case.rma.currency) for row in stored.values()],
            facts.marketplace,
            facts.buyer_type,
            _category(facts),
            facts.requested_on,
        )
        found = policy.verdict(rules, facts) if rules else without_policy()
        case.rma.policy = stored[rules.version] if rules else None
        case.rma.verdict = found.to_json()
        case.rma.outside_policy = found.outcome == "outside"


def preview(rma: RMA, lines: list[RMALine]) -> policy.Verdict:
    """The verdict a request would get; nothing is written."""
    facts = facts_of(rma, lines)
    rows = Policy.objects.select_related("marketplace")
    rules = policy.choose(
        [_scope(row, rma.currency) for row in rows],
        facts.marketplace,
        facts.buyer_type,
        _category(facts),
        facts.requested_on,
    )
    return policy.verdict(rules, facts) if rules else without_policy()


def without_policy() -> policy.Verdict:
    """The verdict where no policy fits: a person decides."""
    says = say(gettext_noop("No policy covers this return yet: a person decides."))
    reason = policy.Reason("no_policy", says, weight="review")
    return policy.Verdict(
        "review", (reason,), may_auto_approve=False, needs_second=False, policy_version=""
    )


def _scope(row: Policy, currency: str) -> policy.PolicyScope:
    return policy.PolicyScope(
        rules=rules_of(row, currency),
        valid_from=row.valid_from,
        marketplace=row.marketplace.code if row.marketplace else "",
        buyer_type=row.buyer_kind,
        category=row.category,
        number=row.version,
    )


def _category(facts: policy.CaseFacts) -> str:
    """The category all lines share; an RMA over several follows the policy for any category."""
    found = {line.category for line in facts.lines}
    return found.pop() if len(found) == 1 else ""


def facts_of(rma: RMA, lines: list[RMALine]) -> policy.CaseFacts:
    """What the policy may know of a request; days are days of the marketplace."""
    zone = ZoneInfo(rma.marketplace.time_zone)
    return policy.CaseFacts(
        requested_on=rma.opened_at.astimezone(zone).date(),
        currency=rma.currency,
        lines=tuple(_line(rma, line, zone) for line in lines),
        marketplace=rma.marketplace.code,
        buyer_type=rma.buyer.kind if rma.buyer else "",
        buyer_watched=bool(rma.buyer and rma.buyer.watched),
        facts_complete=all(line.order_line.order.facts_complete for line in lines),
    )


def _line(rma: RMA, line: RMALine, zone: ZoneInfo) -> policy.LineFacts:
    ordered, product = line.order_line, line.order_line.product
    net, tax, _rate = ordered.paid("item")
    bought = ordered.order.purchased_at
    return policy.LineFacts(
        key=str(line.position),
        sku=ordered.sku,
        quantity=line.requested,
        unit_value=round_money((net + tax) / max(ordered.quantity, 1), rma.currency),
        reason_code=line.reason_code,
        category=product.category if product else "",
        custom_made=bool(product and product.custom_made),
        opened=line.opened,
        purchased_on=bought.astimezone(zone).date() if bought else None,
        in_policy=line.amazon_return.in_policy if line.amazon_return_id else None,
        channel=ordered.order.channel or "MFN",
        liability=None if line.liability == UNDECIDED else line.liability,
    )


def is_automatic(case: Any) -> bool:
    """Whether the policy approves by itself. Amazon's returns are approved at Amazon."""
    return case.rma.source != RMA.Source.AMAZON and bool(case.rma.verdict.get("may_auto_approve"))


def instructions(case: Any) -> str:
    """Who pays the freight back, in the buyer's language; the first line's liability decides."""
    payer = policy.freight_payer(terms(case.rma), case.lines[0].liability)
    return messages.instructions(payer, messages.language_of(case.rma))
