"""From Amazon's tax rows to documents: one for each supply, whoever issues, and what waits."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.core.invariants import promises, violations
from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import corrections, documents, on_record, supplies
from invoicing.matching import match_refunds
from invoicing.models import Document, Refund, TaxFact
from invoicing.payload import Payload
from invoicing.states import DocumentState
from tests.factories import make_line, make_order, make_seller, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.tax_reports import ORDER, bring, sc, sc_row, vidr, vidr_row
from tests.papers import make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db
SECOND = {"shipping_id": "DDEMO0002", "transaction_id": "amzn1:crow:DEMOSHIP0002"}
BACK = {"transaction_type": "REFUND", "transaction_id": "amzn1:crow:DEMOREF0001",
        "quantity_purchased": "1", "invoice_status": "CreditNotePending"}  # fmt: skip


def known_order(issuer="vidr", *, seller=None, **fields):
    """The order of the sample rows, complete, with who issues decided."""
    seller = seller or make_seller()
    if issuer:
        make_issuing(seller, "DE", issuer)
    order = make_order(seller=seller, lines=0, amazon_order_id=ORDER, **fields)
    make_line(order, sku="DEMO-SKU-1", quantity=2, net="100.00")
    return order


def invoices(order):
    return list(order.documents.filter(kind="invoice").order_by("pk"))


def waiting(order):
    return [one.verdict.code for one in supplies.open_supplies(order_id=order.pk)]


# --- VIDR: we issue ------------------------------------------------------------------------------


def test_pending_shipment_is_drafted_from_amazons_figures_and_due(tmp_path):
    order = known_order()
    row = vidr_row("119.01", "19.01", shipping_vat_incl_amount="5.99", shipping_vat_amount="0.96",
                   shipping_vat_excl_amount="5.03", shipping_vat_rate="0.19")  # fmt: skip
    bring(tmp_path, vidr(row), seller=order.seller)
    invoice = Document.objects.get()
    assert (invoice.kind, invoice.issuer, invoice.mode) == ("invoice", "retour", "vidr")
    assert (invoice.shipment_id, invoice.whole_order) == ("DDEMO0001", False)
    assert (invoice.net, invoice.tax, invoice.gross) == (
        Decimal("105.03"), Decimal("19.97"), Decimal("125.00")
    )  # fmt: skip
    assert invoice.due_at <= timezone.now()
    assert invoice.tax_point == date(2026, 10, 6)
    assert list(invoice.lines.values_list("component", "net", "tax", "rate", "category")) == [
        ("item", Decimal("100.00"), Decimal("19.01"), Decimal("0.19"), "S"),
        ("shipping", Decimal("5.03"), Decimal("0.96"), Decimal("0.19"), "S"),
    ]
    assert TaxFact.objects.get().document == invoice


def test_invoice_of_a_shipment_issues_itself_with_amazons_figures(tmp_path):
    order = known_order()
    row = vidr_row("119.01", "19.01", shipping_vat_incl_amount="5.99", shipping_vat_amount="0.96",
                   shipping_vat_excl_amount="5.03", shipping_vat_rate="0.19")  # fmt: skip
    bring(tmp_path, vidr(row, vidr_row("59.50", "9.50", **SECOND)), seller=order.seller)
    documents.finish_documents()
    first, second = invoices(order)
    assert ([first.findings, second.findings], first.state, second.state) == (
        [[], []], "issued", "issued"
    )  # fmt: skip
    payload = Payload.from_json(first.payload)
    assert (payload.mode, payload.shipment_ids) == ("vidr", ("DDEMO0001",))
    assert payload.totals.gross + payload.totals.rounding == Decimal("125.00")
    assert payload.totals.tax == Decimal("19.97")
    assert payload.tax_point == date(2026, 10, 6)
    assert (payload.purchase_order, payload.buyer.vat_id) == (order.po_number, "DE129274202")


def test_draft_of_another_mode_gets_no_number(tmp_path):
    order = known_order()
    bring(tmp_path, vidr(vidr_row()), seller=order.seller)
    make_issuing(order.seller, "DE", "seller")
    with pytest.raises(Refused) as caught:
        documents.number(Document.objects.get(), by=make_user("finance"))
    assert caught.value.code == "mode"


def test_each_shipment_gets_one_invoice_and_the_same_file_no_second(tmp_path):
    order = known_order()
    content = vidr(vidr_row("59.50", "9.50"), vidr_row("59.50", "9.50", **SECOND))
    for _ in range(2):
        bring(tmp_path, content, seller=order.seller)
    assert [one.shipment_id for one in invoices(order)] == ["DDEMO0001", "DDEMO0002"]
    assert waiting(order) == []


def test_order_that_is_known_later_is_invoiced_then(tmp_path):
    seller = make_seller()
    make_issuing(seller, "DE", "vidr")
    bring(tmp_path, vidr(vidr_row()), seller=seller)
    assert not Document.objects.exists()
    (one,) = supplies.open_supplies([seller.pk])
    assert one.verdict.code == "stub"
    assert "orders report" in str(one.verdict.sentence)
    order = one.group.order
    order.facts_complete = True
    order.save()
    supplies.follow([seller.pk])
    assert Document.objects.get().order == order


@pytest.mark.parametrize(
    ("issuer", "cells", "code"),
    [
        ("seller", {}, "mode"),
        ("amazon", {}, "mode"),
        ("", {}, "mode"),
        ("vidr", {"is_amazon_invoiced": "true"}, "amazon"),
        ("vidr", {"invoice_number": "GB600001DEMO1D"}, "deemed"),
        ("vidr", {"currency": "GBP"}, "currency"),
        ("vidr", {"invoice_status": "InvoiceUploaded"}, "status"),
        ("vidr", {"item_vat_incl_amount": "0", "item_vat_amount": "0",
                  "item_vat_excl_amount": "0"}, "nothing"),
        ("vidr", {"transaction_id": "Correction:1:DEMO", "is_invoice_corrected": "true"},
         "correction"),
    ],
)  # fmt: skip
def test_what_cannot_be_invoiced_waits_and_says_why(tmp_path, issuer, cells, code):
    order = known_order(issuer)
    bring(tmp_path, vidr(vidr_row(**cells)), seller=order.seller)
    assert (invoices(order), waiting(order)) == ([], [code])


def test_line_that_is_not_certain_waits_for_a_person(tmp_path):
    order = known_order()
    make_line(order, sku="DEMO-SKU-1", occurrence=2)
    bring(tmp_path, vidr(vidr_row()), seller=order.seller)
    assert (invoices(order), waiting(order)) == ([], ["line"])


def test_invoice_of_another_system_is_put_on_record(tmp_path):
    order = known_order()
    row = vidr_row(invoice_status="InvoiceUploaded", invoice_number="DEMO-2026-0001")
    bring(tmp_path, vidr(row), seller=order.seller)
    (invoice,) = invoices(order)
    assert (invoice.issuer, invoice.number, invoice.state) == (
        "earlier", "DEMO-2026-0001", DocumentState.ISSUED
    )  # fmt: skip
    assert invoice.issue_date == date(2026, 10, 6)


def test_number_of_another_order_is_loud_and_records_nothing(tmp_path):
    order = known_order()
    other = make_order(seller=order.seller)
    documents.record_invoice(
        other, by=make_user("finance"), number="DEMO-2026-0001", issue_date=date(2026, 10, 1)
    )
    row = vidr_row(invoice_status="InvoiceUploaded", invoice_number="DEMO-2026-0001")
    done = bring(tmp_path, vidr(row), seller=order.seller)
    done.refresh_from_db()
    assert (invoices(order), waiting(order)) == ([], ["number"])
    assert any("DEMO-2026-0001 is on record already" in note for note in done.notes)


def test_recorded_invoice_of_the_whole_order_stops_one_by_shipment(tmp_path):
    order = known_order()
    documents.record_invoice(
        order, by=make_user("finance"), number="OLD-1", issue_date=date(2026, 10, 6)
    )
    bring(tmp_path, vidr(vidr_row()), seller=order.seller)
    assert [one.number for one in invoices(order)] == ["OLD-1"]
    assert TaxFact.objects.get().document.number == "OLD-1"


def test_return_of_goods_asks_for_no_document(tmp_path):
    order = known_order()
    row = vidr_row("-59.50", "-9.50", **BACK | {"transaction_type": "RETURN"})
    bring(tmp_path, vidr(row), seller=order.seller)
    assert (Document.objects.count(), waiting(order)) == (0, [])


def test_zero_rated_export_is_categorised_as_amazon_says(tmp_path):
    order = known_order()
    row = vidr_row("100.00", "0.00", item_vat_rate="0", export_outside_eu="true", ship_country="CH")
    bring(tmp_path, vidr(row), seller=order.seller)
    (invoice,) = invoices(order)
    assert invoice.lines.get().category == "G"
    assert invoice.taxes.get().category == "G"


# --- VIDR: transactions of refunds ---------------------------------------------------------------


def refunded_order(state="sent"):
    order = make_shipped_order(lines=1, quantity=2, amazon_order_id=ORDER)
    line = order.lines.get()
    line.sku = "DEMO-SKU-1"
    line.save()
    return order, make_refund(state, order=order)


def test_transaction_of_a_refund_goes_to_its_credit_note(tmp_path):
    order, refund = refunded_order()
    bring(tmp_path, vidr(vidr_row("-59.50", "-9.50", **BACK)), seller=order.seller)
    refund.document.refresh_from_db()
    assert refund.document.transaction_id == "amzn1:crow:DEMOREF0001"
    assert TaxFact.objects.get().document == refund.document


@pytest.mark.parametrize("money_first", [True, False])
def test_refund_that_amazon_made_gets_its_credit_note_by_itself(tmp_path, money_first):
    order = known_order()
    bring(tmp_path, vidr(vidr_row()), seller=order.seller)
    documents.finish_documents()
    steps = [
        lambda: refunded_at_amazon(order),
        lambda: bring(tmp_path, vidr(vidr_row("-59.50", "-9.50", **BACK)), seller=order.seller),
    ]
    for step in steps if money_first else reversed(steps):
        step()
    supplies.follow([order.seller_id])
    documents.finish_documents()
    refund = Refund.objects.get()
    note = refund.document
    assert (refund.source, note.issuer, note.state, note.findings) == (
        "amazon", "retour", "issued", []
    )  # fmt: skip
    assert (note.transaction_id, note.shipment_id, note.gross) == (
        "amzn1:crow:DEMOREF0001", "DDEMO0001", Decimal("59.50")
    )  # fmt: skip
    assert note.lines.get().original == invoices(order)[0].lines.get()
    assert waiting(order) == []


def refunded_at_amazon(order):
    """A settlement shows a refund of 50.00 and 9.50 tax that nobody here decided."""
    line, settlement = order.lines.get(), make_settlement(order.seller)
    later = timezone.now()
    make_fact(settlement, order, line, "-50.00", adjustment="A1", at=later)
    make_fact(settlement, order, line, "-9.50", adjustment="A1", at=later, is_tax=True,
              amount_description="Tax")  # fmt: skip
    match_refunds([order.seller_id])


@pytest.mark.parametrize("gross", ["-59.49", "-119.00"])
def test_refund_of_another_amount_stays_visible(tmp_path, gross):
    order, refund = refunded_order()
    tax = "-9.49" if gross == "-59.49" else "-19.00"
    bring(tmp_path, vidr(vidr_row(gross, tax, **BACK)), seller=order.seller)
    refund.document.refresh_from_db()
    assert (refund.document.transaction_id, waiting(order)) == ("", ["unmatched"])


def test_two_equal_refunds_take_one_transaction_each(tmp_path):
    order, first = refunded_order()
    second = make_refund("sent", order=order)
    rows = [
        vidr_row("-59.50", "-9.50", **BACK | {"transaction_id": f"amzn1:crow:DEMOREF{n}"})
        for n in (1, 2)
    ]
    for _ in range(2):
        bring(tmp_path, vidr(*rows), seller=order.seller)
    ids = Document.objects.filter(kind="credit_note").order_by("pk")
    assert list(ids.values_list("pk", "transaction_id")) == [
        (first.document_id, "amzn1:crow:DEMOREF1"), (second.document_id, "amzn1:crow:DEMOREF2")
    ]  # fmt: skip


def test_corrected_invoice_takes_both_transactions(tmp_path):
    order, _refund = refunded_order("proposed")
    (invoice,) = invoices(order)
    documents.finish_documents()
    reversal = vidr_row("-119.00", "-19.00", **BACK | {"quantity_purchased": "2",
                        "transaction_id": "CorrectionReversal:1:DEMO",
                        "is_invoice_corrected": "true"})  # fmt: skip
    anew = vidr_row(transaction_id="Correction:1:DEMO", is_invoice_corrected="true",
                    invoice_correction_details="Billing address")  # fmt: skip
    bring(tmp_path, vidr(reversal, anew), seller=order.seller)
    assert sorted(waiting(order)) == ["correction", "reversal"]
    corrected = corrections.correct_invoice(
        invoice, by=make_user("finance"), reason="Billing address"
    )
    supplies.follow([order.seller_id])
    corrected.refresh_from_db()
    note = Document.objects.get(kind="credit_note", occasion="cancellation")
    assert corrected.transaction_id == "Correction:1:DEMO"
    assert note.transaction_id == "CorrectionReversal:1:DEMO"
    assert waiting(order) == []


# --- SC_VAT_TAX: Amazon issued -------------------------------------------------------------------


def test_amazons_invoices_are_recorded_by_shipment(tmp_path):
    order = known_order("amazon")
    second = {"shipment_id": "DDEMO0002", "transaction_id": "T2",
              "vat_invoice_number": "DE600002DEMO1I"}  # fmt: skip
    content = sc(sc_row("59.50", "9.50"), sc_row("59.50", "9.50", **second))
    for _ in range(2):
        bring(tmp_path, content, seller=order.seller)
    found = [(one.number, one.shipment_id, one.issuer, one.state) for one in invoices(order)]
    assert found == [
        ("DE600001DEMO1I", "DDEMO0001", "amazon", "issued"),
        ("DE600002DEMO1I", "DDEMO0002", "amazon", "issued"),
    ]
    assert [one.issue_date for one in invoices(order)] == [date(2026, 10, 6)] * 2
    assert [one.gross for one in invoices(order)] == [Decimal("59.50")] * 2
    assert waiting(order) == []


@pytest.mark.parametrize("files", [1, 2])
def test_second_number_of_one_shipment_is_loud(tmp_path, files):
    order = known_order("amazon")
    rows = [sc_row(), sc_row(transaction_id="T2", vat_invoice_number="DE600009DEMO1I")]
    for part in [rows] if files == 1 else [rows[:1], rows[1:]]:
        bring(tmp_path, sc(*part), seller=order.seller)
    assert [one.number for one in invoices(order)] == ["DE600001DEMO1I"]
    assert waiting(order) == ["other"]


def test_amazons_credit_note_is_recorded_for_its_refund(tmp_path):
    order = known_order("amazon")
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    back = sc_row("-59.50", "-9.50", transaction_type="REFUND", quantity="1", transaction_id="R1",
                  vat_invoice_number="DE600003DEMO1C",
                  original_vat_invoice_number="DE600001DEMO1I")  # fmt: skip
    bring(tmp_path, sc(back), seller=order.seller)
    assert waiting(order) == ["refund"]
    refund = make_refund("sent", order=order)
    assert refund.document is None
    supplies.follow([order.seller_id])
    refund.refresh_from_db()
    note = refund.document
    assert (note.number, note.issuer, note.corrects.number) == (
        "DE600003DEMO1C", "amazon", "DE600001DEMO1I"
    )  # fmt: skip
    assert (note.transaction_id, note.gross, note.issue_date) == (
        "R1", Decimal("59.50"), refund.sent_on
    )  # fmt: skip
    assert note.lines.get().original == invoices(order)[0].lines.get()
    assert waiting(order) == []


def test_credit_note_waits_for_the_invoice_of_its_own_shipment(tmp_path):
    order = known_order("amazon")
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    refund = make_refund("sent", order=order)
    back = sc_row("-59.50", "-9.50", transaction_type="REFUND", quantity="1", transaction_id="R1",
                  shipment_id="DDEMO0002", vat_invoice_number="DE600003DEMO1C",
                  original_vat_invoice_number="DE600002DEMO1I")  # fmt: skip
    bring(tmp_path, sc(back), seller=order.seller)
    refund.refresh_from_db()
    assert (refund.document, waiting(order)) == (None, ["no_invoice"])


def test_number_that_a_person_recorded_is_tied_not_recorded_again(tmp_path):
    order = known_order("amazon")
    documents.record_invoice(
        order, by=make_user("finance"), number="DE600001DEMO1I", issue_date=date(2026, 10, 6)
    )
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    (invoice,) = invoices(order)
    assert (invoice.whole_order, TaxFact.objects.get().document) == (True, invoice)


def test_deemed_supply_is_recorded_and_never_ours(tmp_path):
    order = known_order("seller")
    row = sc_row(tax_collection_responsibility="Marketplace", vat_invoice_number="")
    bring(tmp_path, sc(row), seller=order.seller)
    with pytest.raises(Refused) as caught:
        documents.issue_invoice(order, by=make_user("finance"))
    assert caught.value.code == "deemed_supplier"
    assert not Document.objects.exists()


# --- The double issue ----------------------------------------------------------------------------


def shipped(issuer="seller"):
    order = known_order(issuer)
    order.shipments.create(amazon_shipment_id="DDEMO0001", shipped_at=timezone.now())
    return order


def test_portal_first_makes_amazons_invoice_a_loud_finding(tmp_path):
    order = shipped()
    ours = documents.issue_invoice(order, by=make_user("finance"))
    done = bring(tmp_path, sc(sc_row()), seller=order.seller)
    done.refresh_from_db()
    assert invoices(order) == [ours]
    assert waiting(order) == ["double"]
    assert any(ours.number in note and "owed twice" in note for note in done.notes)


def test_cancelled_portal_invoice_makes_room_for_amazons(tmp_path):
    order = shipped()
    ours = documents.issue_invoice(order, by=make_user("finance"))
    documents.finish_documents()
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    corrections.cancel_invoice(ours, by=make_user("finance"), reason="Amazon issued it")
    documents.finish_documents()
    supplies.follow([order.seller_id])
    assert [one.issuer for one in invoices(order)] == ["retour", "amazon"]
    assert waiting(order) == []


def test_invoice_about_to_be_issued_again_gives_way_to_amazons(tmp_path):
    order, finance = shipped(), make_user("finance")
    ours = documents.issue_invoice(order, by=finance)
    documents.finish_documents()
    corrections.cancel_invoice(ours, by=finance, reason="Wrong button")
    documents.finish_documents()
    corrections.issue_again(ours, by=finance, reason="Cancelled by mistake")
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    found = [(one.issuer, one.state, one.revision) for one in invoices(order)]
    assert found == [("retour", "issued", 0), ("amazon", "issued", 1)]
    assert waiting(order) == []
    with pytest.raises(Refused) as caught:
        corrections.issue_again(ours, by=finance, reason="Cancelled by mistake")
    assert caught.value.code == "replaced"


def test_amazon_first_refuses_the_portals_invoice(tmp_path):
    order = shipped()
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    with pytest.raises(Refused) as caught:
        documents.issue_invoice(order, by=make_user("finance"))
    assert caught.value.code == "amazon_issues"
    assert [one.issuer for one in invoices(order)] == ["amazon"]


def test_draft_of_ours_gives_way_to_amazons_invoice(tmp_path):
    order = known_order("vidr")
    bring(tmp_path, vidr(vidr_row()), seller=order.seller)
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    assert [(one.issuer, one.state) for one in invoices(order)] == [("amazon", "issued")]
    assert set(TaxFact.objects.values_list("document__number", flat=True)) == {"DE600001DEMO1I"}


def test_database_refuses_a_second_invoice_of_a_supply_either_way():
    order = known_order()
    given = {
        "kind": "invoice", "seller": order.seller, "marketplace": order.marketplace,
        "order": order, "currency": "EUR", "created_by": User.objects.system(),
    }  # fmt: skip
    Document.objects.create(issuer="retour", shipment_id="S1", whole_order=False, **given)
    for more in ({"shipment_id": "S1", "whole_order": False}, {}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Document.objects.create(issuer="amazon", **given | more)
    Document.objects.create(issuer="amazon", shipment_id="S2", whole_order=False, **given)
    assert order.documents.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ({}, {}, 1),
        ({}, {"shipment_id": "S1", "whole_order": False}, 1),
        ({"shipment_id": "S1", "whole_order": False}, {}, 1),
        ({"shipment_id": "S1", "whole_order": False},
         {"shipment_id": "S1", "whole_order": False}, 1),
        ({"shipment_id": "S1", "whole_order": False},
         {"shipment_id": "S2", "whole_order": False}, 2),
    ],
)  # fmt: skip
def test_constraint_alone_keeps_one_invoice_of_a_supply_at_once(one, other, kept):
    order, system = known_order(), User.objects.system()
    together, failed = threading.Barrier(2), []

    def write(issuer, supply):
        try:
            with trail("setup", by=system):
                together.wait(20)
                Document.objects.create(
                    kind="invoice", issuer=issuer, seller=order.seller, order=order,
                    marketplace=order.marketplace, currency="EUR", created_by=system, **supply,
                )  # fmt: skip
        except (IntegrityError, OperationalError) as error:
            failed.append(str(error))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=write, args=("retour", one)),
        threading.Thread(target=write, args=("amazon", other)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (order.documents.count(), len(failed)) == (kept, 2 - kept)
    # Two who look for each other's row at the same moment wait in a circle: one of them gives way.
    reasons = ("one_invoice_a_supply", "by_order_or_by_shipment", "deadlock detected")
    assert all(any(reason in message for reason in reasons) for message in failed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(4))
def test_portal_and_amazon_at_once_leave_one_invoice(tmp_path, round_):
    order = shipped()
    together, said = threading.Barrier(2), []

    def portal():
        together.wait()
        try:
            documents.issue_invoice(order, by=User.objects.system())
        except Refused as refused:
            said.append(refused.code)
        finally:
            connection.close()

    def amazon():
        together.wait()
        try:
            done = bring(tmp_path, sc(sc_row()), seller=order.seller)
            done.refresh_from_db()
            said.extend(note for note in done.notes if "owed twice" in note)
        finally:
            connection.close()

    threads = [threading.Thread(target=portal), threading.Thread(target=amazon)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (invoice,) = invoices(order)
    assert len(said) == 1
    assert (invoice.issuer == "retour") == ("owed twice" in said[0])


# --- Queries -------------------------------------------------------------------------------------


def test_many_shipments_take_few_queries(tmp_path, django_assert_max_num_queries):
    seller = make_seller()
    make_issuing(seller, "DE", "vidr")
    rows = []
    for number in range(30):
        order = make_order(seller=seller, lines=0, amazon_order_id=f"302-1110001-{number:07d}")
        make_line(order, sku="DEMO-SKU-1", quantity=2)
        rows.append(
            vidr_row(
                order_id=order.amazon_order_id,
                transaction_id=f"T{number}",
                shipping_id=f"D{number}",
                order_item_id="",
            )
        )
    with django_assert_max_num_queries(160):
        bring(tmp_path, vidr(*rows), seller=seller)
    assert Document.objects.count() == 30


def test_every_promise_holds_over_documents_from_tax_rows(tmp_path):
    order = known_order("amazon")
    back = sc_row("-59.50", "-9.50", transaction_type="REFUND", quantity="1", transaction_id="R1",
                  vat_invoice_number="DE600003DEMO1C",
                  original_vat_invoice_number="DE600001DEMO1I")  # fmt: skip
    bring(tmp_path, sc(sc_row(), back), seller=order.seller)
    make_refund("sent", order=order)
    seller = make_seller()
    make_issuing(seller, "DE", "vidr")
    other = make_order(seller=seller, lines=0)
    make_line(other, sku="DEMO-SKU-1", quantity=2)
    row = vidr_row(order_id=other.amazon_order_id, order_item_id="")
    bring(tmp_path, vidr(row), seller=seller)
    documents.finish_documents()
    make_refund("sent", order=other)
    documents.finish_documents()
    supplies.follow()
    assert Document.objects.exclude(state=DocumentState.ISSUED).count() == 0
    mine = [one for one in promises() if not one.name.startswith("orders.")]
    broken = {one.name: found for one in mine if (found := violations(one))[0]}
    assert broken == {}


# --- The page ------------------------------------------------------------------------------------


def test_page_lists_what_waits_with_conflicts_first(tmp_path, client):
    client.force_login(make_user("finance"))
    assert "Nothing waits" in client.get("/documents/tax-data/").content.decode()
    order = shipped()
    ours = documents.issue_invoice(order, by=make_user("finance"))
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    bring(tmp_path, vidr(vidr_row(order_id="302-1110001-0000009")), seller=order.seller)
    page = client.get("/documents/tax-data/").content.decode()
    assert page.index("owed twice") < page.index("issuing mode of the seller there is another one")
    assert ours.get_absolute_url() in page
    assert "/documents/tax-data/" in client.get("/documents/").content.decode()


def test_conflict_is_listed_however_many_rows_wait_since(tmp_path):
    order = shipped()
    documents.issue_invoice(order, by=make_user("finance"))
    bring(tmp_path, sc(sc_row()), seller=order.seller)
    rows = [vidr_row(order_id=f"302-1110002-{n:07d}", transaction_id=f"T{n}") for n in range(5)]
    bring(tmp_path, vidr(*rows), seller=order.seller)
    found = [one.verdict.code for one in supplies.open_supplies(limit=2)]
    assert found == ["double", "mode", "mode"]


def test_group_is_never_cut_in_two_by_the_limit(tmp_path):
    order = known_order("seller")
    bring(tmp_path, vidr(vidr_row("59.50", "9.50"),
                         vidr_row("59.50", "9.50", sku="OTHER", order_item_id="")),
          seller=order.seller)  # fmt: skip
    (one,) = supplies.open_supplies(limit=1)
    assert len(one.group.facts) == 2


@pytest.mark.parametrize(
    "cells", [{"is_amazon_invoiced": "true"}, {"invoice_number": "GB600001DEMO1D"}]
)
def test_what_only_amazon_may_issue_is_not_looked_at_again_and_again(tmp_path, cells):
    order = known_order()
    bring(tmp_path, vidr(vidr_row(**cells)), seller=order.seller)
    assert not on_record.ready(None).exists()


def test_page_is_for_people_who_are_logged_in(client):
    answer = client.get("/documents/tax-data/")
    assert (answer.status_code, "/login" in answer.url) == (302, True)


@pytest.mark.parametrize("count", [1, 3])
def test_page_asks_the_same_queries_for_any_number(tmp_path, client, count):
    seller = make_seller()
    rows = [vidr_row(order_id=f"302-1110001-{n:07d}", transaction_id=f"T{n}") for n in range(count)]
    bring(tmp_path, vidr(*rows), seller=seller)
    client.force_login(make_user("finance"))
    client.get("/documents/tax-data/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/documents/tax-data/")
    assert len(queries) <= 14
