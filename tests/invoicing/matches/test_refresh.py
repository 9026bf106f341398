"""What ties is matched, what does not is an exception; a second look writes nothing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from config.core import invariants
from config.core.sentence import Sentence
from invoicing import refunds
from invoicing.crediting import record_credit_note
from invoicing.matches.refresh import refresh
from invoicing.matching import assign, match_refunds
from invoicing.models import FxRate, Match, Refund
from returns import refunding
from returns.models import Inspection, Receipt
from tests.factories import (
    make_order,
    make_rma,
    make_user,
    pay,
    receive_and_inspect,
    record_invoice,
)
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def test_refund_with_its_money_and_within_days_of_its_paper_is_matched():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.70", adjustment="A1")
    match_refunds()
    refresh()
    match = Match.objects.get(refund=refund)
    assert (match.result, match.cause, match.expected, match.seen) == (
        "matched", "", Decimal("35.70"), Decimal("35.70"),
    )  # fmt: skip
    assert refresh().written == 0


def one(refund) -> Match:
    refresh()
    return Match.objects.get(refund=refund)


def test_money_over_what_was_paid_together_with_ours_is_a_duplicate():
    order = make_order()  # 119.00
    make_refund(order, ("70.00", "13.30"))
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, "-83.30", adjustment="A1")
    make_fact(settlement, order, line, "-50.00", adjustment="A2")
    match_refunds()
    match = one(Refund.objects.get(source="amazon"))
    assert (match.result, match.cause) == ("open", "duplicate")
    assert "more went back" in str(Sentence.from_json(match.detail))


def test_another_part_that_amazon_refunds_is_no_duplicate():
    order = make_order()
    make_refund(order, ("30.00", "5.70"))
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, "-35.70", adjustment="A1")
    make_fact(settlement, order, line, "-11.90", adjustment="A2")
    match_refunds()
    assert one(Refund.objects.get(source="amazon")).cause == "only_amazon"


def test_an_equal_refund_that_a_second_case_asked_for_is_no_duplicate():
    order = make_order(quantity=2)
    record_invoice(order)
    ours = make_refund(order, ("50.00", "9.50"), origin="RMA-2026-000001")
    make_rma("inspected", order=order, quantity=2)
    line, settlement = order.lines.get(), make_settlement(order.seller)
    make_fact(settlement, order, line, "-59.50", adjustment="A1")
    make_fact(settlement, order, line, "-59.50", adjustment="A2")
    match_refunds()
    assert one(ours).result == "matched"
    assert one(Refund.objects.get(source="amazon")).cause != "duplicate"


def test_vat_that_amazon_counts_otherwise_is_seen_where_the_amount_ties():
    order = make_order(marketplace="US", rate="0.10")
    refund = make_refund(order, ("30.00", "3.00"))
    line, settlement = order.lines.get(), make_settlement(order.seller, currency="USD")
    make_fact(settlement, order, line, "-31.00", adjustment="A1")
    make_fact(settlement, order, line, "-2.00", adjustment="A1", is_tax=True)
    match_refunds()
    match = one(refund)
    assert (match.cause, match.difference) == ("vat", 0)
    assert "2.00 USD of it as VAT instead of 3.00" in str(Sentence.from_json(match.detail))


@pytest.mark.parametrize(("days", "cause"), [(3, "timing"), (14, "credit_note"), (15, "missing")])
def test_money_is_missing_when_a_settlement_cycle_passed(time_machine, days, cause):
    refund = make_refund(make_order(), ("30.00", "5.70"), sent_on=DAY.date())
    time_machine.move_to(DAY + timedelta(days=days), tick=True)
    match = one(refund)
    assert match.cause == cause
    assert match.sides.get("causes", [cause])[-1] == {14: "timing", 15: "credit_note"}.get(
        days, cause
    )


@pytest.mark.parametrize(("days", "cause"), [(3, "timing"), (4, "missing")])
def test_money_is_missing_at_once_where_a_later_settlement_is_known(days, cause):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"), sent_on=DAY.date())
    make_settlement(order.seller, ends_at=DAY + timedelta(days=days))
    assert one(refund).cause == cause


def test_the_settlement_of_another_currency_says_nothing():
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"), sent_on=DAY.date())
    make_settlement(order.seller, currency="GBP", ends_at=DAY + timedelta(days=10))
    assert one(refund).cause == "timing"


def test_money_without_an_order_waits_and_is_settled_when_a_refund_stands_for_it():
    order = make_order(facts_complete=False)
    fact = make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90",
                     adjustment="A1")  # fmt: skip
    match_refunds()
    refresh()
    match = Match.objects.get(kind="money")
    assert (match.result, match.cause, match.seen) == ("open", "unassigned", Decimal("11.90"))
    assert match.sides == {"facts": [fact.pk]}
    type(order).objects.filter(pk=order.pk).update(facts_complete=True)
    match_refunds()
    refresh()
    match.refresh_from_db()
    fact.refresh_from_db()
    assert (match.result, match.cause) == ("matched", "")
    assert match.sides["refunds"] == [fact.refund_id]
    assert refresh().written == 0


@pytest.mark.parametrize("stub", [True, False])
def test_money_that_names_no_line_says_what_it_lacks(stub):
    order = make_order(lines=2, facts_complete=not stub)
    make_fact(make_settlement(order.seller), order, None, "-11.90", adjustment="A1")
    match_refunds()
    refresh()
    match = Match.objects.get(kind="money")
    wanted = "not known or only by name" if stub else "without saying for which line"
    assert match.cause == "unassigned"
    assert wanted in str(Sentence.from_json(match.detail))


def test_rates_that_come_settle_the_exception():
    order = make_order(marketplace="UK", rate="0.20")
    refund = make_refund(order, ("10.00", "2.00"))
    make_fact(make_settlement(order.seller, currency="GBP"), order, order.lines.get(), "-12.00")
    match_refunds()
    assert one(refund).cause == "fx"
    FxRate.objects.create(quote="GBP", day=date(2026, 10, 28), rate=Decimal("0.86"))
    assert one(refund).result == "matched"


def test_sides_name_the_case_its_receipts_and_inspections():
    order = make_order()
    record_invoice(order)
    rma = make_rma("refunded", order=order)
    refund = Refund.objects.get(origin=rma.number)
    sides = one(refund).sides
    assert sides["rma"] == rma.number
    assert sides["rma_lines"] == [line.pk for line in rma.lines.all()]
    assert sides["receipts"] == list(Receipt.objects.values_list("pk", flat=True))
    assert sides["inspections"] == list(Inspection.objects.values_list("pk", flat=True))


def test_sides_name_the_invoice_of_the_order_then_what_the_credit_note_corrects():
    order = make_order()
    invoice = record_invoice(order)
    refund = make_refund(order, ("30.00", "5.70"))
    assert refund.document is None
    assert one(refund).sides["invoices"] == [invoice.pk]
    note = record_credit_note(refund, by=make_user("finance"), number="CN-1", issue_date=DAY.date())
    assert note.corrects == invoice
    assert one(refund).sides["invoices"] == [invoice.pk]
    assert one(refund).sides["document"] == note.pk


def test_amounts_of_yen_are_said_without_decimals():
    order = make_order(marketplace="JP", rate="0.10", net="10000")
    refund = make_refund(order, ("1000", "100"))
    settlement = make_settlement(order.seller, currency="JPY")
    make_fact(settlement, order, order.lines.get(), "-1190", adjustment="A1")
    match_refunds()
    said = str(Sentence.from_json(one(refund).detail))
    assert said == "Decided were 1,100 JPY, Amazon shows 1,190: 90 apart."


@pytest.mark.parametrize(("disposition", "cause"), [("restock", "timing"), ("reject", "units")])
def test_refunded_units_are_compared_with_what_the_inspection_accepts(disposition, cause):
    order = make_order(quantity=3)
    record_invoice(order)
    rma = make_rma("shipped", order=order, quantity=2)
    (refund,) = refunding.propose(rma.number, by=make_user("lead"), early=True)
    pay(refund)
    assert one(refund).cause == "timing"
    receive_and_inspect(rma, by=make_user("lead"), disposition=disposition)
    match = one(refund)
    assert match.cause == cause
    if cause == "units":
        assert str(Sentence.from_json(match.detail)) == (
            f"Units of {rma.number} that were refunded: 2. Units that its goods allow after receipt"
            " and inspection: 0."
        )


def test_a_refund_that_failed_after_all_keeps_its_row():
    refund = make_refund(make_order(), ("30.00", "5.70"))
    assert one(refund).cause == "timing"
    refunds.fail(refund.key, by=make_user("finance"), reason="Amazon refused it")
    match = Match.objects.get(refund=refund)
    assert (match.result, match.expected) == ("matched", 0)


def test_only_the_named_sellers_are_compared():
    mine, other = make_order(), make_order()
    for order in (mine, other):
        make_fact(make_settlement(order.seller), order, None, "-1.00", adjustment="A1")
    refresh([mine.seller_id])
    assert list(Match.objects.values_list("seller", flat=True)) == [mine.seller_id]


BREAK = {
    "refunds_compared": "DELETE FROM invoicing_match",
    "matched_ties": "UPDATE invoicing_match SET result = 'matched', cause = ''",
    "untied_money_shown": "DELETE FROM invoicing_match WHERE kind = 'money'",
    "explained_as_it_is": "UPDATE invoicing_match SET result = 'explained', resolution = 'other',"
    " resolved_by_id = (SELECT min(id) FROM core_user), explained_hash = 'x'",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BREAK)
def test_promise_holds_and_sees_a_broken_row(name, break_rows):
    make_refund(make_order(), ("30.00", "5.70"))
    order = make_order(facts_complete=False)
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    refresh()
    (promise,) = [one for one in invariants.promises() if one.name == name]
    assert invariants.violations(promise) == (0, [])
    break_rows("invoicing_match", BREAK[name])
    assert invariants.violations(promise)[0] > 0


def test_matching_itself_shows_the_money_it_could_not_tie():
    order = make_order(facts_complete=False)
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    assert Match.objects.get(kind="money").result == "open"


def test_money_that_a_person_assigned_is_an_exception_no_more():
    order = make_order(lines=2)
    refund = make_refund(order, ("10.00", "1.90"), ("20.00", "3.80"))
    fact = make_fact(make_settlement(order.seller), order, None, "-35.70", adjustment="A1")
    match_refunds()
    assert Match.objects.get(kind="money").cause == "unassigned"
    assign([fact.pk], by=make_user("finance"), refund=refund, reason="The only refund of the order")
    match = Match.objects.get(kind="money")
    assert (match.result, match.sides["refunds"]) == ("matched", [refund.pk])
    assert Match.objects.get(refund=refund).result == "matched"
