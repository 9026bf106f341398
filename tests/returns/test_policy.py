"""The policy: which version holds, what it says, who pays, with every reason on the table."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns import states
from returns.policy import (
    CaseFacts,
    LineFacts,
    PolicyRules,
    PolicyScope,
    Verdict,
    choose,
    freight_payer,
    needs_second,
    restocking_percent,
    return_until,
    shipping_rule,
    verdict,
)
from returns.reasons import FAMILIES, LIABILITIES, REASONS, default_liability, reason_label

DAY = date(2026, 10, 20)
RULES = PolicyRules(
    version="DE business v3",
    currency="EUR",
    window_days=14,
    non_returnable_reasons=frozenset({"CR-FOUND_BETTER_PRICE"}),
    refuse_opened=True,
    refuse_categories=frozenset({"Electronics"}),
    restocking_percent=Decimal(10),
    late_restocking_percent=Decimal(20),
    approval_threshold=Decimal(500),
    auto_approve=True,
)
LINE = LineFacts(
    key="1",
    sku="DRILL-18V",
    quantity=2,
    unit_value=Decimal("100.00"),
    reason_code="CR-UNWANTED_ITEM",
    category="Tools",
    delivered_on=date(2026, 10, 10),
)


def decide(rules: PolicyRules = RULES, case: dict | None = None, **line) -> Verdict:
    facts = CaseFacts(DAY, "EUR", (replace(LINE, **line),))
    return verdict(rules, replace(facts, **(case or {})))


def codes(found: Verdict) -> list[str]:
    return [reason.code for reason in found.reasons]


def test_verdict_inside_may_approve_by_itself():
    found = decide()
    assert (found.outcome, found.may_auto_approve, found.needs_second) == ("inside", True, False)
    assert found.reasons[0].sentence == "DRILL-18V may come back until 2026-10-24."


def test_verdict_inside_waits_for_a_person_where_the_policy_wants_one():
    assert not decide(replace(RULES, auto_approve=False)).may_auto_approve


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"reason_code": "CR-FOUND_BETTER_PRICE"}, "reason_not_returnable"),
        ({"custom_made": True}, "custom_made"),
        ({"opened": True}, "opened"),
        ({"category": "Electronics"}, "category_excluded"),
        ({"delivered_on": date(2026, 10, 5)}, "window_closed"),
    ],
)
class TestRefusals:
    def test_line_against_a_rule_is_outside(self, line, code):
        found = decide(**line)
        assert (found.outcome, codes(found), found.may_auto_approve) == ("outside", [code], False)

    def test_line_amazon_calls_in_policy_comes_to_a_person(self, line, code):
        found = decide(**line, in_policy=True)
        assert (found.outcome, codes(found)) == ("review", [code, "buyer_has_a_claim"])

    @pytest.mark.parametrize("liability", ["seller", "carrier", "amazon"])
    def test_line_that_is_not_the_buyers_fault_comes_to_a_person(self, line, code, liability):
        found = decide(**line, liability=liability)
        assert (found.outcome, codes(found)) == ("review", [code, "buyer_has_a_claim"])

    def test_line_of_amazons_own_fulfilment_is_amazons_decision(self, line, code):
        found = decide(**line, channel="AFN")
        assert (found.outcome, codes(found)) == ("inside", ["amazon_decides"])


def test_every_broken_rule_is_named():
    found = decide(custom_made=True, opened=True, delivered_on=date(2026, 9, 1))
    assert codes(found) == ["custom_made", "opened", "window_closed"]
    assert "35 days after the window of 14 days ended on 2026-09-15" in found.reasons[2].sentence


@pytest.mark.parametrize(
    ("line", "case", "code"),
    [
        ({"reason_code": "CR-BRAND-NEW-CODE"}, {}, "unknown_reason"),
        ({"reason_code": ""}, {}, "unknown_reason"),
        ({"reason_code": "OTHER"}, {}, "liability_undecided"),
        ({"in_policy": False}, {}, "amazon_says_outside"),
        ({"delivered_on": None}, {}, "date_unknown"),
        ({}, {"buyer_watched": True}, "buyer_watched"),
        ({}, {"facts_complete": False}, "facts_incomplete"),
        ({}, {"lines": ()}, "no_lines"),
    ],
)
def test_doubt_asks_for_a_person_and_never_refuses(line, case, code):
    found = decide(case=case, **line)
    assert (found.outcome, found.may_auto_approve) == ("review", False)
    assert code in codes(found)


def test_one_line_outside_puts_the_case_outside():
    lines = (LINE, replace(LINE, key="2", sku="CUSTOM", custom_made=True))
    found = verdict(RULES, CaseFacts(DAY, "EUR", lines, buyer_watched=True))
    assert found.outcome == "outside"
    assert [reason.line for reason in found.reasons] == [None, "1", "2"]


@pytest.mark.parametrize(
    ("unit_value", "currency", "second"),
    [("250.00", "EUR", False), ("250.01", "EUR", True), ("1.00", "USD", True)],
)
def test_value_above_the_threshold_needs_a_second_person(unit_value, currency, second):
    found = decide(case={"currency": currency}, unit_value=Decimal(unit_value))
    assert (found.needs_second, found.may_auto_approve) == (second, not second)
    assert ("needs_second" in codes(found)) is second
    assert found.outcome == "inside"


def test_needs_second_without_a_threshold_never():
    rules = replace(RULES, approval_threshold=None)
    assert not needs_second(rules, Decimal(10**9), "USD")


def test_needs_second_of_a_float_is_refused():
    with pytest.raises(TypeError, match="Decimal"):
        needs_second(RULES, 1.5, "EUR")


@pytest.mark.parametrize("day", [DAY, date(2026, 10, 25)])
def test_verdict_survives_json(day):
    found = verdict(RULES, CaseFacts(day, "EUR", (LINE, replace(LINE, opened=True))))
    assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_window_counts_from_delivery_else_purchase():
    bought = replace(LINE, delivered_on=None, purchased_on=date(2026, 10, 1))
    assert return_until(RULES, LINE) == date(2026, 10, 24)
    assert return_until(RULES, bought) == date(2026, 10, 15)
    assert return_until(RULES, replace(LINE, delivered_on=None)) is None


@pytest.mark.parametrize(
    ("requested", "outcome"), [(date(2026, 10, 24), "inside"), (date(2026, 10, 25), "outside")]
)
def test_window_ends_with_its_last_day(requested, outcome):
    assert decide(case={"requested_on": requested}).outcome == outcome


def scope(version: str, **more) -> PolicyScope:
    rules = replace(RULES, version=version)
    return PolicyScope(rules, more.pop("valid_from", date(2026, 1, 1)), **more)


ANY = scope("any")
GERMAN = scope("german", marketplace="DE")
PUBLIC = scope("public", buyer_type="public")
TOOLS = scope("tools", category="Tools")
GERMAN_TOOLS = scope("german tools", marketplace="DE", category="Tools")
NEWER = scope("german newer", marketplace="DE", valid_from=date(2026, 6, 1), number=2)
ENDED = scope("ended", marketplace="DE", category="Tools", valid_to=date(2026, 10, 19))
LATER = scope("later", marketplace="DE", category="Tools", valid_from=date(2026, 10, 21))
FRENCH = scope("french", marketplace="FR", buyer_type="public", category="Tools")


@pytest.mark.parametrize(
    ("scopes", "chosen"),
    [
        ([ANY], "any"),
        ([ANY, GERMAN], "german"),
        ([GERMAN, PUBLIC], "public"),
        ([GERMAN, PUBLIC, TOOLS], "tools"),
        ([TOOLS, GERMAN_TOOLS], "german tools"),
        ([GERMAN, NEWER], "german newer"),
        ([ANY, ENDED, LATER, FRENCH], "any"),
        ([ENDED], None),
        ([], None),
    ],
)
def test_choose_takes_the_most_specific_valid_version(scopes, chosen):
    for order in (scopes, scopes[::-1]):
        found = choose(order, "DE", "public", "Tools", DAY)
        assert (found.version if found else None) == chosen


@given(st.permutations([ANY, GERMAN, PUBLIC, TOOLS, GERMAN_TOOLS, NEWER, ENDED, LATER, FRENCH]))
def test_choose_does_not_depend_on_the_order(scopes):
    found = choose(scopes, "DE", "public", "Tools", DAY)
    assert found is not None
    assert found.version == "german tools"


@pytest.mark.parametrize(
    ("code", "liability", "label"),
    [
        ("CR-DEFECTIVE", "seller", "Defective"),
        ("DEFECTIVE", "seller", "Defective"),
        ("cr-defective ", "seller", "Defective"),
        ("CR-SWITCHEROO", "seller", "Wrong item sent"),
        ("CR-DAMAGED_BY_CARRIER", "carrier", "Damaged by the carrier"),
        ("CR-DAMAGED_BY_FC", "amazon", "Damaged in Amazon's warehouse"),
        ("AMZ-PG-MISORDERED", "buyer", "Ordered the wrong item"),
        ("AMZ-PG-DAMAGED", "undecided", "Damaged on arrival"),
        ("APPAREL_TOO_SMALL", "buyer", "Fit or style"),
        ("CR-INVENTED_TOMORROW", "undecided", "CR-INVENTED_TOMORROW"),
        ("", "undecided", ""),
    ],
)
def test_reason_code_has_liability_and_label(code, liability, label):
    assert (default_liability(code), reason_label(code)) == (liability, label)


@given(st.text(max_size=60))
def test_no_reason_code_is_an_error(code):
    assert default_liability(code) in LIABILITIES
    assert isinstance(reason_label(code), str)


def test_liabilities_are_those_of_the_states():
    assert set(LIABILITIES) == set(states.Liability.values)
    assert {one.liability for one in (*REASONS.values(), *FAMILIES.values())} <= set(LIABILITIES)


@pytest.mark.parametrize(
    ("liability", "late", "percent"),
    [
        ("buyer", False, 10),
        ("buyer", True, 20),
        ("seller", True, 0),
        ("carrier", False, 0),
        ("amazon", False, 0),
        ("undecided", True, 0),
    ],
)
def test_restocking_percent_only_where_the_buyer_is_liable(liability, late, percent):
    assert restocking_percent(RULES, liability, late) == percent


@pytest.mark.parametrize(
    ("liability", "payer"),
    [("buyer", "buyer"), ("seller", "seller"), ("amazon", "amazon"), ("undecided", "seller")],
)
def test_freight_payer_by_default(liability, payer):
    assert freight_payer(RULES, liability) == payer


def test_freight_payer_as_the_policy_says():
    rules = replace(RULES, freight_payer_by_liability={"buyer": "seller"})
    assert freight_payer(rules, "buyer") == "seller"
    assert freight_payer(rules, "amazon") == "amazon"


@pytest.mark.parametrize(
    ("liability", "whole_order", "rule"),
    [
        ("buyer", False, "none"),
        ("buyer", True, "all_left"),
        ("seller", False, "proportional"),
        ("undecided", False, "none"),
    ],
)
def test_shipping_rule_by_fault_or_whole_order(liability, whole_order, rule):
    assert shipping_rule(liability, whole_order) == rule
