"""Corrections of every kind of invoice: marketplaces, rates, promotions, shipments, fees, K."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.refused import Refused
from config.core.sentence import say
from config.core.trail import trail
from invoicing import corrections, credited, documents, refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.models import Document, Refund
from invoicing.payload import Payload
from invoicing.standing import current
from tests.factories import (
    make_buyer,
    make_line,
    make_order,
    make_registration,
    make_seller,
    make_user,
)
from tests.invoicing.tax_reports import ORDER, bring, vidr, vidr_row
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order
from tests.soak import larger

pytestmark = pytest.mark.django_db
SAYS = "Wrong company"
HOME = {
    "UK": ("GB", "VAT", "GB980780684"),
    "FR": ("FR", "VAT", "FR40303265045"),
    "US": ("US", "EIN", "12-3456789"),
    "CA": ("CA", "GST", "123456782 RT0001"),
    "JP": ("JP", "JCT", "T7000012050002"),
    "DE": ("DE", "VAT", "DE136695976"),
}
RATES = {"UK": "0.20", "FR": "0.055", "US": "0.0888", "CA": "0.13", "JP": "0.10", "DE": "0.19"}


def broken() -> dict[str, int]:
    """The promises of papers and money that rows break now."""
    ours = [promise for promise in promises() if "." not in promise.name]
    found = {promise.name: violations(promise)[0] for promise in ours}
    return {name: count for name, count in found.items() if count}


def order_in(marketplace: str):
    """An order with odd amounts: three pieces, a promotion, shipping and its promotion, a wrap."""
    country, scheme, number = HOME[marketplace]
    seller = make_seller(country=country)
    if country != "DE":
        make_registration(seller, country, scheme, number)
    reached = {"endpoint": "FR83404833048", "endpoint_scheme": "9957"} if country == "FR" else {}
    language = {"FR": "fr", "JP": "ja", "DE": "de"}.get(marketplace, "en")
    buyer = make_buyer(country=country, language=language, **reached)
    order = make_shipped_order(seller=seller, buyer=buyer, marketplace=marketplace, lines=0)
    rate, places = Decimal(RATES[marketplace]), 0 if order.currency == "JPY" else 2

    def money(name: str, net: str) -> dict:
        amount = round(Decimal(net), places)
        return {f"{name}_net": amount, f"{name}_tax": round(amount * rate, places)}

    make_line(
        order, net="1000", rate=RATES[marketplace], quantity=3,
        **money("item_promotion", "66.67"), **money("shipping", "33.33"),
        **money("shipping_promotion", "11.11"), **money("gift_wrap", "4.99"),
        shipping_rate=rate, gift_wrap_rate=rate,
    )  # fmt: skip
    return order


def issued(order) -> Document:
    """Its invoice, issued."""
    invoice = make_invoice(order)
    documents.finish_documents()
    return Document.objects.get(pk=invoice.pk)


def refund(order, *lines, state="sent"):
    """A refund of (component, quantity, net, tax) of the first line, with its credit note."""
    line, finance, lead = (
        order.lines.order_by("pk").first(),
        make_user("finance"),
        make_user("lead"),
    )
    calculated = tuple(
        CalculatedLine(
            order_line=str(line.pk), origin="RMA-2026-000001/1/1", component=component,
            quantity=quantity, net=Decimal(net), tax=Decimal(tax),
            rate=line.paid("item")[2], rule="test", says=say("It came back."),
        )
        for component, quantity, net, tax in lines
    )  # fmt: skip
    found = refunds.propose(
        by=lead, order=order, origin="RMA-2026-000001",
        calculation=Calculation(order.currency, calculated, "test"),
    )  # fmt: skip
    refunds.approve(found.key, by=finance)
    refunds.start(found.key, by=lead)
    found = refunds.mark_sent(found.key, by=lead, sent_on=timezone.localdate(), amount=found.gross)
    documents.finish_documents()
    if state == "reversed":
        found = refunds.reverse(found.key, by=finance, reason="It came back")
    return found


@pytest.mark.parametrize("marketplace", HOME)
def test_invoice_of_every_marketplace_is_cancelled_and_written_anew(marketplace):
    invoice = issued(order_in(marketplace))
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    anew.refresh_from_db()
    note = Document.objects.get(occasion="cancellation")
    assert (note.findings, note.state, anew.findings, anew.state) == ([], "issued", [], "issued")
    assert (note.net, note.tax) == (anew.net, anew.tax) == (invoice.net, invoice.tax)
    assert not any(credited.of_order(invoice.order_id).left(invoice.pk).values())
    before, after = Payload.from_json(invoice.payload), Payload.from_json(anew.payload)
    assert [(row.category, row.rate) for row in after.rates] == [
        (row.category, row.rate) for row in before.rates
    ]
    assert broken() == {}


@pytest.mark.parametrize("marketplace", HOME)
def test_credit_of_every_marketplace_with_a_fee_is_taken_back(marketplace):
    order = order_in(marketplace)
    issued(order)
    rate, places = Decimal(RATES[marketplace]), 0 if order.currency == "JPY" else 2
    fee = -round(Decimal(45) * rate, places)
    back = refund(
        order,
        ("item", 1, "300", str(round(300 * rate, places))),
        ("restocking_fee", 0, "-45", str(fee)),
        state="reversed",
    )
    note = Document.objects.get(refund=back)
    assert note.state == "issued", note.findings
    invoice = corrections.reverse_credit_note(note, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    invoice.refresh_from_db()
    assert (invoice.findings, invoice.state) == ([], "issued")
    assert (invoice.net, invoice.tax) == (note.net, note.tax)
    assert Payload.from_json(invoice.payload).totals == Payload.from_json(note.payload).totals
    assert broken() == {}


def test_fee_that_was_kept_is_what_a_cancellation_still_takes_back():
    order = make_shipped_order(quantity=1, net="100.00")
    invoice = issued(order)
    refund(order, ("item", 1, "100.00", "19.00"), ("restocking_fee", 0, "-15.00", "-2.85"))
    note = corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    note.refresh_from_db()
    assert (note.state, note.net, note.tax) == ("issued", Decimal("15.00"), Decimal("2.85"))
    assert note.lines.get().quantity == 0
    assert broken() == {}


def test_mixed_rates_are_taken_back_each_at_its_own():
    order = make_shipped_order(quantity=2, net="33.33")
    make_line(order, quantity=5, net="0.99", rate="0.07")
    make_line(order, quantity=7, net="123.45", rate="0.07")
    invoice = issued(order)
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    anew.refresh_from_db()
    table = set(invoice.taxes.values_list("category", "rate", "base", "tax"))
    for document in (anew, Document.objects.get(occasion="cancellation")):
        assert document.state == "issued", document.findings
        assert set(document.taxes.values_list("category", "rate", "base", "tax")) == table
    assert broken() == {}


def test_untaxed_sale_is_taken_back_in_its_category_after_the_buyer_lost_the_id():
    buyer = make_buyer(
        country="FR", language="fr", endpoint="FR83404833048", endpoint_scheme="9957"
    )
    with trail("setup", by=User.objects.system()):
        buyer.tax_ids.all().delete()
        buyer.tax_ids.create(country="FR", number="FR83404833048")
    invoice = issued(make_shipped_order(buyer=buyer, rate="0", ship_country="FR"))
    assert [row.category for row in invoice.taxes.all()] == ["K"]
    with trail("setup", by=User.objects.system()):
        buyer.tax_ids.all().delete()
    note = corrections.cancel_invoice(invoice, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    note.refresh_from_db()
    assert (note.findings, note.state) == ([], "issued")
    payload = Payload.from_json(note.payload)
    assert (payload.rates[0].category, payload.buyer.vat_id) == ("K", "FR83404833048")
    assert broken() == {}


def test_invoice_of_one_shipment_is_written_anew_and_credited_there(tmp_path):
    seller = make_seller()
    make_issuing(seller, "DE", "vidr")
    order = make_order(seller=seller, lines=0, amazon_order_id=ORDER)
    make_line(order, sku="DEMO-SKU-1", quantity=2, net="100.00")
    second = {"shipping_id": "DDEMO0002", "transaction_id": "amzn1:crow:DEMOSHIP0002"}
    rows = vidr(vidr_row("59.50", "9.50"), vidr_row("59.50", "9.50", **second))
    bring(tmp_path, rows, seller=seller)
    documents.finish_documents()
    first, other = Document.objects.order_by("shipment_id")
    anew = corrections.correct_invoice(first, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    anew.refresh_from_db()
    assert (anew.state, anew.shipment_id, anew.mode) == ("issued", "DDEMO0001", "vidr")
    assert anew.whole_order is False
    back = refund(order, ("item", 2, "100.00", "19.00"))
    note = Document.objects.get(refund=back)
    assert note.state == "issued", note.findings
    assert {row.original.document_id for row in note.lines.all()} == {anew.pk, other.pk}
    assert {row["number"] for row in note.payload["preceding"]} == {anew.number, other.number}
    assert broken() == {}


def test_late_correction_keeps_rate_and_supply_date_of_the_first_invoice():
    order = make_shipped_order(shipped_at=timezone.now() - timedelta(days=400))
    invoice = issued(order)
    anew = corrections.correct_invoice(invoice, by=make_user("finance"), reason=SAYS)
    documents.finish_documents()
    anew.refresh_from_db()
    note = Document.objects.get(occasion="cancellation")
    assert anew.tax_point == invoice.tax_point
    assert Payload.from_json(note.payload).original_supply_date == invoice.tax_point


# --- Any road ------------------------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(["third", "cent", "fail", "reverse", "back", "cancel", "correct", "issue"]),
    min_size=3,
    max_size=7,
)


class Road:
    """One order on which people credit, correct and take back in any order."""

    def __init__(self) -> None:
        self.finance, self.lead = make_user("finance"), make_user("lead")
        self.order = make_shipped_order(quantity=3, net="100.00")
        make_line(self.order, quantity=1, net="9.99", rate="0.07")
        issued(self.order)

    def go(self, step: str) -> None:
        """One step; what the rules refuse changes nothing."""
        try:
            getattr(self, step)()
        except Refused:
            return

    def third(self) -> None:
        """A piece comes back."""
        self._credit("33.33", "6.33")

    def cent(self) -> None:
        """The smallest credit there is."""
        self._credit("0.01", "0.00")

    def _credit(self, net: str, tax: str) -> None:
        make_refund("sent", order=self.order, net=net, tax=tax, approver=self.finance)

    def fail(self) -> None:
        """Money that was sent does not arrive."""
        refunds.fail(self._last_sent().key, by=self.finance, reason=SAYS)

    def reverse(self) -> None:
        """Amazon takes money back."""
        refunds.reverse(self._last_sent().key, by=self.finance, reason=SAYS)

    def _last_sent(self) -> Refund:
        found = Refund.objects.filter(order=self.order, state="sent").order_by("pk").last()
        if found is None:
            raise Refused("nothing", "No money is out.")
        return found

    def back(self) -> None:
        """A credit note is taken back."""
        for note in corrections.to_take_back()[:1]:
            corrections.reverse_credit_note(note, by=self.finance, reason=SAYS)

    def cancel(self) -> None:
        """The invoice that stands is cancelled."""
        corrections.cancel_invoice(self._standing(), by=self.finance, reason=SAYS)

    def correct(self) -> None:
        """The invoice that stands is written anew."""
        corrections.correct_invoice(self._standing(), by=self.finance, reason=SAYS)

    def _standing(self) -> Document:
        return current([self.order.pk]).get()

    def issue(self) -> None:
        """The workers catch up."""
        documents.finish_documents()


def test_the_road_leads_somewhere():
    road = Road()
    for step in ("third", "issue", "reverse", "back", "issue", "correct", "issue", "third"):
        road.go(step)
    road.issue()
    occasions = Document.objects.filter(order=road.order, state="issued").order_by("pk")
    assert list(occasions.values_list("kind", "occasion")) == [
        ("invoice", "supply"),
        ("credit_note", "refund"),
        ("invoice", "reversal"),
        ("credit_note", "cancellation"),
        ("invoice", "correction"),
        ("credit_note", "refund"),
    ]


@settings(
    max_examples=larger(6, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
@example(["third", "issue", "reverse", "back", "issue", "correct", "issue", "third", "cancel"])
@example(["third", "fail", "correct", "issue", "back", "cent", "issue", "cancel", "third"])
def test_whatever_people_do_no_invoice_is_credited_beyond_itself(steps):
    with transaction.atomic():
        road = Road()
        for step in steps:
            road.go(step)
        road.issue()
        assert broken() == {}, steps
        sums = credited.of_order(road.order.pk)
        for invoice in Document.objects.filter(order=road.order, kind="invoice", state="issued"):
            left = sums.left(invoice.pk).values()
            assert all(split.net >= 0 and split.tax >= 0 for split in left), steps
        transaction.set_rollback(True)
