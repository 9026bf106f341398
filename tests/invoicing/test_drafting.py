"""Drafts: each credit row names the invoice line it takes back; fees as the seller wants them."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.sentence import say
from config.core.trail import trail
from invoicing import documents, drafting, refunds
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.models import Document, DocumentRules
from invoicing.models.document import Issuer, Kind
from tests.factories import make_line, make_order, make_seller, make_user
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def shipment_invoice(order, number, *parts, day=1, issuer=Issuer.EARLIER):
    """A recorded invoice of one shipment; ``parts`` are (line, quantity, net, tax)."""
    net, tax = sum(Decimal(p[2]) for p in parts), sum(Decimal(p[3]) for p in parts)
    with trail("setup", by=User.objects.system()):
        invoice = drafting.new_document(
            order, Kind.INVOICE, issuer, User.objects.system(), shipment_id=number,
            whole_order=False, mode="vidr", number=number, issue_date=date(2026, 10, day),
            tax_point=date(2026, 10, day), net=net, tax=tax, gross=net + tax,
        )  # fmt: skip
        invoice.save()
        rows = [
            drafting.new_line(
                invoice, line, "item", quantity=quantity, net=Decimal(net), tax=Decimal(tax),
                given=line.item_rate, position=position,
            )
            for position, (line, quantity, net, tax) in enumerate(parts, start=1)
        ]  # fmt: skip
        drafting.store_lines(rows)
        invoice.state = "issued"
        invoice.save()
    return invoice


def two_shipments(**second):
    """An order of 4 units, invoiced as 3 and 1: 75.00 and 25.00 net."""
    order = make_order(quantity=4, net="100.00")
    make_issuing(order.seller, "DE", "vidr")
    line = order.lines.get()
    one = shipment_invoice(order, "S1", (line, 3, "75.00", "14.25"))
    two = shipment_invoice(order, "S2", (line, 1, "25.00", "4.75"), day=2, **second)
    return order, one, two


def rows_of(document):
    return [
        (row.original.document.shipment_id, row.quantity, row.net, row.tax)
        for row in document.lines.order_by("position")
    ]


def test_one_invoice_that_covers_the_refund_takes_it_whole():
    order, one, _two = two_shipments()
    note = make_refund("approved", order=order, units=2).document
    assert rows_of(note) == [("S1", 2, Decimal("50.00"), Decimal("9.50"))]
    assert (note.corrects, note.shipment_id, note.whole_order, note.mode) == (
        one, "S1", False, "vidr"
    )  # fmt: skip


def test_second_refund_goes_where_something_is_left():
    order, _one, two = two_shipments()
    make_refund("approved", order=order, units=3)
    note = make_refund("approved", order=order, units=1).document
    assert rows_of(note) == [("S2", 1, Decimal("25.00"), Decimal("4.75"))]
    assert note.corrects == two


def test_refund_above_one_invoice_spills_into_the_next():
    order, one, _two = two_shipments()
    note = make_refund("approved", order=order, units=4).document
    assert rows_of(note) == [
        ("S1", 3, Decimal("75.00"), Decimal("14.25")),
        ("S2", 1, Decimal("25.00"), Decimal("4.75")),
    ]
    assert (note.corrects, note.shipment_id, note.whole_order) == (one, "", True)
    assert note.gross == Decimal("119.00")


def test_spilling_over_a_part_that_was_credited_keeps_every_cent():
    order, _one, _two = two_shipments()
    first = make_refund("approved", order=order, net="33.33", tax="6.33")
    rest = make_refund("approved", order=order, net="66.67", tax="12.67")
    assert rows_of(first.document) == [("S1", 1, Decimal("33.33"), Decimal("6.33"))]
    taken = rows_of(rest.document)
    assert [row[0] for row in taken] == ["S1", "S2"]
    assert (sum(row[2] for row in taken), sum(row[3] for row in taken)) == (
        Decimal("66.67"), Decimal("12.67")
    )  # fmt: skip
    assert taken[0][2] == Decimal("41.67")


def test_credit_note_over_two_invoices_names_both_and_is_issued():
    order, _one, _two = two_shipments()
    refund = make_refund("sent", order=order, units=4)
    documents.finish_documents()
    note = Document.objects.get(pk=refund.document_id)
    assert [named["number"] for named in note.payload["preceding"]] == ["S1", "S2"]
    assert note.findings == []


def test_invoice_that_was_replaced_is_not_credited():
    order, one, _two = two_shipments()
    with trail("setup", by=User.objects.system()):
        anew = drafting.new_document(
            order, Kind.INVOICE, Issuer.EARLIER, User.objects.system(), shipment_id="S1",
            whole_order=False, revision=1, corrects=one, occasion="correction", number="S1b",
            issue_date=date(2026, 10, 3), tax_point=date(2026, 10, 1),
        )  # fmt: skip
        anew.state = "issued"
        anew.save()
    assert [row.number for row in drafting.invoices_of([order.pk])[order.pk]] == ["S1b", "S2"]
    assert drafting.invoice_of(order) == anew


def test_component_no_invoice_charged_names_no_original():
    order = make_shipped_order(lines=0)
    line = make_line(order, quantity=1, shipping_net=Decimal("5.00"), shipping_tax=Decimal("0.95"))
    shipment_invoice(order, "S1", (line, 1, "100.00", "19.00"))
    make_issuing(order.seller, "DE", "vidr")
    refund = make_refund("approved", order=order, net="5.00", tax="0.95", component="shipping")
    assert refund.document.lines.get().original is None


def test_untaxed_rows_keep_the_category_of_their_invoice():
    order = make_shipped_order(rate="0", net="100.00", ship_country="CH")
    invoice = make_invoice(order)
    assert set(invoice.lines.values_list("category", flat=True)) == {"G"}
    note = make_refund("approved", order=order, units=1).document
    assert set(note.lines.values_list("category", flat=True)) == {"G"}
    assert [(tax.category, tax.rate) for tax in note.taxes.all()] == [("G", Decimal(0))]


# --- Restocking fees -----------------------------------------------------------------------------


def refund_with_fee(order):
    """A proposed refund of 100.00 net with a restocking fee of 15.00 net."""
    line, origin = order.lines.get(), f"RMA-2026-{order.pk:06d}"

    def part(component, net, tax):
        return CalculatedLine(
            order_line=str(line.pk), origin=f"{origin}/1/1", component=component,
            quantity=1 if component == "item" else 0, net=Decimal(net), tax=Decimal(tax),
            rate=line.item_rate, rule="demo", says=say("As the test wants it."),
        )  # fmt: skip

    calculation = Calculation(
        order.currency,
        (part("item", "100.00", "19.00"), part("restocking_fee", "-15.00", "-2.85")),
        policy_version="demo",
    )
    return refunds.propose(
        by=make_user("agent"), order=order, origin=origin, calculation=calculation
    )


def fee_order(restocking):
    order = make_shipped_order(quantity=1, net="100.00")
    with trail("setup", by=User.objects.system()):
        DocumentRules.objects.create(seller=order.seller, restocking=restocking)
    make_invoice(order)
    return order


def carried_out(refund):
    finance = make_user("finance")
    refunds.start(refund.key, by=finance)
    refunds.mark_sent(refund.key, by=finance, sent_on=timezone.localdate(), amount=refund.gross)
    documents.finish_documents()


def test_fee_lowers_the_credit_where_it_is_a_price_reduction():
    refund = refund_with_fee(fee_order("allowance"))
    refund = refunds.approve(refund.key, by=make_user("finance"))
    assert refund.document.gross == refund.gross == Decimal("101.15")
    assert not Document.objects.filter(occasion="fee").exists()


def test_fee_is_an_invoice_of_its_own_where_it_is_a_service():
    refund = refund_with_fee(fee_order("invoice"))
    refund = refunds.approve(refund.key, by=make_user("finance"))
    note, fee = refund.document, Document.objects.get(occasion="fee")
    assert (note.gross, fee.gross, refund.gross) == (
        Decimal("119.00"), Decimal("17.85"), Decimal("101.15")
    )  # fmt: skip
    assert (fee.kind, fee.corrects, fee.origin) == ("invoice", note, refund.origin)
    row = fee.lines.get()
    assert (row.component, row.net, row.tax, row.rate, row.category) == (
        "restocking_fee", Decimal("15.00"), Decimal("2.85"), Decimal("0.19"), "S"
    )  # fmt: skip
    assert (note.due_at, fee.due_at) == (None, None)
    carried_out(refund)
    note.refresh_from_db()
    fee.refresh_from_db()
    assert (note.state, note.findings, fee.state, fee.findings) == ("issued", [], "issued", [])
    assert note.series != fee.series


def test_cancelled_refund_throws_its_fee_away_too():
    refund = refund_with_fee(fee_order("invoice"))
    refund = refunds.approve(refund.key, by=make_user("finance"))
    refunds.cancel(refund.key, by=make_user("finance"), reason="Not after all")
    assert list(Document.objects.values_list("kind", flat=True)) == ["invoice"]


def test_fee_of_a_refund_that_failed_at_first_is_issued_when_it_is_carried_out_again():
    refund, finance = refund_with_fee(fee_order("invoice")), make_user("finance")
    refunds.approve(refund.key, by=finance)
    refunds.start(refund.key, by=finance)
    refunds.mark_sent(refund.key, by=finance, sent_on=timezone.localdate(), amount=refund.gross)
    note, fee = Document.objects.get(refund=refund), Document.objects.get(occasion="fee")
    assert documents.issue_due(note.pk)
    refunds.fail(refund.key, by=finance, reason="The card is closed")
    assert not documents.issue_due(fee.pk)
    refunds.approve(refund.key, by=make_user("lead"))
    carried_out(refund)
    fee.refresh_from_db()
    assert fee.state == "issued"


def test_fee_does_not_stand_in_the_way_of_a_second_refund_or_invoice():
    order = fee_order("invoice")
    order.lines.update(quantity=2, item_net=Decimal("200.00"), item_tax=Decimal("38.00"))
    refund = refund_with_fee(order)
    refunds.approve(refund.key, by=make_user("finance"))
    fee = Document.objects.get(occasion="fee")
    assert fee not in drafting.invoices_of([order.pk])[order.pk]


def test_one_seller_bills_fees_and_another_does_not():
    billing, lowering = fee_order("invoice"), fee_order("allowance")
    proposed = [refund_with_fee(billing), refund_with_fee(lowering)]
    result = refunds.approve_many([one.key for one in proposed], by=make_user("finance"))
    assert len(result.done) == 2
    assert list(Document.objects.filter(occasion="fee").values_list("order", flat=True)) == [
        billing.pk
    ]


def test_credit_drafts_of_many_refunds_take_the_queries_of_one():
    seller = make_seller()
    make_issuing(seller, "DE", "vidr")

    def proposed(number):
        order = make_order(seller=seller, quantity=2)
        shipment_invoice(order, f"S{number}", (order.lines.get(), 2, "100.00", "19.00"))
        return make_refund("proposed", order=order).key

    keys, finance = [proposed(number) for number in range(13)], make_user("finance")
    with CaptureQueriesContext(connection) as one:
        refunds.approve_many(keys[:1], by=finance)
    with CaptureQueriesContext(connection) as twelve:
        refunds.approve_many(keys[1:], by=finance)
    assert len(twelve) <= len(one)
    assert Document.objects.filter(kind="credit_note").count() == 13


def test_every_promise_holds_over_shipments_spills_and_fees():
    order, _one, _two = two_shipments()
    make_refund("sent", order=order, units=4)
    fees = refund_with_fee(fee_order("invoice"))
    carried_out(refunds.approve(fees.key, by=make_user("finance")))
    mine = [one for one in promises() if not one.name.startswith("orders.")]
    broken = {one.name: found for one in mine if (found := violations(one))[0]}
    assert broken == {}
