"""Invoices and credit notes: drafted from facts, gated, frozen, rendered once, never changed."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import documents, finishing, refunds, tasks
from invoicing.models import Artifact, Document, DocumentLine, Download, Refund
from invoicing.models.document import Kind
from invoicing.numbering import sentence_of
from invoicing.payload import Payload
from tests.factories import make_buyer, make_order, make_registration, make_seller, make_user
from tests.papers import make_invoice, make_issuing, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


def rich_order(**fields):
    """One line with shipping, gift wrap and promotions on item and shipping."""
    order = make_shipped_order(**fields)
    line = order.lines.get()
    money = {
        "item_promotion_net": "10.00", "item_promotion_tax": "1.90",
        "shipping_net": "5.00", "shipping_tax": "0.95", "shipping_rate": "0.19",
        "shipping_promotion_net": "1.00", "shipping_promotion_tax": "0.19",
        "gift_wrap_net": "2.00", "gift_wrap_tax": "0.38", "gift_wrap_rate": "0.19",
    }  # fmt: skip
    for name, amount in money.items():
        setattr(line, name, Decimal(amount))
    line.save()
    return order


# --- Invoices ------------------------------------------------------------------------------------


def test_invoice_has_a_line_per_component_and_promotions_as_reductions():
    invoice = make_invoice(rich_order())
    rows = list(invoice.lines.values_list("component", "quantity", "net", "tax", "rate"))
    rate = Decimal("0.19")
    assert rows == [
        ("item", 3, Decimal(100), Decimal(19), rate),
        ("item", 0, Decimal(-10), Decimal("-1.90"), rate),
        ("shipping", 0, Decimal(5), Decimal("0.95"), rate),
        ("shipping", 0, Decimal(-1), Decimal("-0.19"), rate),
        ("gift_wrap", 0, Decimal(2), Decimal("0.38"), rate),
    ]
    assert (invoice.net, invoice.tax, invoice.gross) == (
        Decimal("96.00"), Decimal("18.24"), Decimal("114.24")
    )  # fmt: skip
    table = list(invoice.taxes.values_list("category", "rate", "base", "tax"))
    assert table == [("S", rate, Decimal("96.00"), Decimal("18.24"))]


def test_invoice_payload_holds_parties_references_and_dates():
    order = rich_order(po_number="PO-4711")
    payload = Payload.from_json(make_invoice(order).payload)
    assert payload.purchase_order == "PO-4711"
    assert payload.seller.legal_name == order.seller.legal_name
    assert [row.number for row in payload.seller.registrations] == ["DE136695976"]
    assert payload.buyer.legal_name == order.buyer.legal_name
    assert payload.buyer.address == ("Hafenring 7",)
    assert (payload.buyer.vat_id, payload.buyer.city) == ("DE129274202", "Hamburg")
    assert payload.order_ids == (order.amazon_order_id,)
    shipped = timezone.now() - timedelta(days=8)
    assert payload.tax_point == shipped.astimezone(ZoneInfo("Europe/Berlin")).date()
    assert [row.component for row in payload.allowances] == ["promotion", "promotion"]


@pytest.mark.parametrize(
    ("buyer", "marketplace", "wanted"),
    [("fr", "DE", "fr"), ("pt", "DE", "de"), ("sv", "SE", "en"), ("ja", "JP", "ja")],
)
def test_document_speaks_the_buyers_language_where_there_are_texts(buyer, marketplace, wanted):
    order = make_shipped_order(marketplace=marketplace, buyer=make_buyer(language=buyer))
    make_issuing(order.seller, marketplace)
    with pytest.raises(Refused) if marketplace != "DE" else transaction.atomic():
        documents.issue_invoice(order, by=make_user("finance"))
    assert Document.objects.get(order=order).language == wanted


def test_second_invoice_of_an_order_is_refused():
    invoice = make_invoice()
    with pytest.raises(Refused) as refused:
        documents.issue_invoice(invoice.order, by=make_user("lead"))
    assert refused.value.code == "invoice_known"
    assert invoice.number in refused.value.sentence


@pytest.mark.parametrize(
    ("issuer", "flag", "code"),
    [(None, None, "issuing_mode"), ("amazon", None, "amazon_issues"),
     ("seller", True, "amazon_issues")],
)  # fmt: skip
def test_invoice_that_amazon_issues_is_refused(issuer, flag, code):
    order = make_shipped_order(is_amazon_invoiced=flag)
    if issuer:
        make_issuing(order.seller, issuer=issuer)
    with pytest.raises(Refused) as refused:
        documents.issue_invoice(order, by=make_user("finance"))
    assert refused.value.code == code
    assert not Document.objects.exists()


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor", "admin"])
def test_roles_without_the_permission_issue_nothing(role):
    order = make_shipped_order()
    make_issuing(order.seller)
    with pytest.raises(Refused) as refused:
        documents.issue_invoice(order, by=make_user(role))
    assert refused.value.code == "forbidden"


def test_gate_keeps_the_draft_with_its_findings_and_spends_no_number():
    order = make_order()  # no shipment: no date of supply
    make_issuing(order.seller)
    finance = make_user("finance")
    with pytest.raises(Refused) as refused:
        documents.issue_invoice(order, by=finance)
    assert refused.value.code == "gate"
    draft = Document.objects.get(order=order)
    assert (draft.state, draft.number) == ("draft", "")
    assert [finding["code"] for finding in draft.findings] == ["supply_date"]
    assert sentence_of(draft.findings[0]) in refused.value.sentence
    order.shipments.create(amazon_shipment_id="S", shipped_at=timezone.now())
    assert documents.number(draft, by=finance).number.endswith("000001")
    assert Document.objects.get(order=order).findings == []


def test_invoice_after_a_failed_gate_replaces_the_draft():
    order = make_order()
    make_issuing(order.seller)
    for _ in range(2):
        with pytest.raises(Refused):
            documents.issue_invoice(order, by=make_user("finance"))
    order.status, order.last_updated_at = "Shipped", timezone.now()
    order.save()
    invoice = documents.issue_invoice(order, by=make_user("finance"))
    assert list(order.documents.all()) == [invoice]


def test_cancelled_lines_are_not_invoiced():
    order = make_shipped_order(lines=2)
    cancelled = order.lines.first()
    cancelled.quantity = 0
    cancelled.save()
    rows = make_invoice(order).lines.values_list("order_line", flat=True)
    assert cancelled.pk not in list(rows)


# --- Recorded documents --------------------------------------------------------------------------


def test_recorded_invoice_has_amazons_number_and_the_orders_lines():
    invoice = make_invoice(rich_order(), recorded=True)
    assert (invoice.state, invoice.issuer, invoice.series) == ("issued", "amazon", None)
    assert (invoice.gross, invoice.lines.count()) == (Decimal("114.24"), 5)
    with pytest.raises(Refused) as refused:
        documents.file_of(invoice, by=make_user("agent"))
    assert refused.value.code == "no_file"


def test_number_is_recorded_once_a_seller():
    first = make_invoice(recorded=True)
    order = make_shipped_order(seller=first.seller)
    with pytest.raises(Refused) as refused:
        documents.record_invoice(
            order, by=make_user("finance"), number=f" {first.number} ", issue_date=date(2026, 1, 2)
        )
    assert refused.value.code == "number_known"


def test_amazons_credit_note_is_recorded_on_the_refund():
    order = make_shipped_order()
    invoice = make_invoice(order, recorded=True)
    refund = make_refund("sent", order=order)
    document = documents.record_credit_note(
        refund, by=make_user("finance"), number="DE6DEMO9C", issue_date=timezone.localdate()
    )
    assert (document.state, document.issuer, document.corrects) == ("issued", "amazon", invoice)
    assert (document.gross, document.lines.get().original.document_id) == (
        refund.gross, invoice.pk
    )  # fmt: skip
    assert type(refund).objects.get(pk=refund.pk).document == document


@pytest.mark.parametrize(("state", "recorded", "code"), [
    ("sending", True, "not_sent"), ("sent", False, "we_issue"),
])  # fmt: skip
def test_credit_note_is_not_recorded_where_it_does_not_belong(state, recorded, code):
    order = make_shipped_order()
    make_invoice(order, recorded=recorded)
    refund = make_refund(state, order=order)
    with pytest.raises(Refused) as refused:
        documents.record_credit_note(
            refund, by=make_user("finance"), number="X1", issue_date=timezone.localdate()
        )
    assert refused.value.code == code


# --- Credit notes --------------------------------------------------------------------------------


def test_credit_note_lines_point_to_the_original_and_keep_its_rate():
    order = rich_order()
    invoice = make_invoice(order)
    refund = make_refund("sent", order=order, net="2.00", tax="0.38", component="gift_wrap")
    line = refund.document.lines.get()
    assert (line.original.document, line.original.component) == (invoice, "gift_wrap")
    assert (line.rate, line.component) == (Decimal("0.19"), "gift_wrap")
    payload = Payload.from_json(Document.objects.get(refund=refund).payload)
    assert [(row.number, row.date) for row in payload.preceding] == [
        (invoice.number, invoice.issue_date)
    ]
    assert payload.tax_point == refund.sent_on
    assert payload.original_supply_date == invoice.tax_point
    assert payload.rma_number == refund.origin


def test_credit_note_is_not_numbered_before_the_money_left():
    refund = make_refund("approved")
    with pytest.raises(Refused) as refused:
        documents.number(refund.document, by=make_user("finance"))
    assert refused.value.code == "not_sent"


def test_draft_left_by_a_finding_is_numbered_later():
    order = make_shipped_order()
    refund = make_refund("sending", order=order)
    with trail("test", by=User.objects.system()):
        order.seller.tax_registrations.all().delete()
    refunds.mark_sent(
        refund.key, by=make_user("lead"), sent_on=timezone.localdate(), amount=refund.gross
    )
    make_registration(order.seller, "DE", "VAT", "DE136695976")
    document = documents.number(refund.document, by=make_user("finance"))
    assert (document.state, document.findings) == ("numbered", [])


def test_credit_above_the_invoice_gets_no_number(break_rows):
    order = make_shipped_order()
    make_invoice(order)
    refund = make_refund("sending", order=order, net="50.00", tax="9.50")
    break_rows(
        "invoicing_documentline",
        "UPDATE invoicing_documentline SET net = 49, tax = 9, gross = 58 WHERE quantity = 3",
    )
    refunds.mark_sent(
        refund.key, by=make_user("lead"), sent_on=timezone.localdate(), amount=refund.gross
    )
    document = Document.objects.get(refund=refund)
    assert (document.state, document.findings[0]["code"]) == ("draft", "credit_exceeds")


def test_reversed_refunds_credit_note_stays_and_blocks_a_second_one():
    order = make_shipped_order()
    first = make_refund("reversed", order=order, net="100.00", tax="19.00")
    second = make_refund("sent", order=order, net="100.00", tax="19.00")
    assert Document.objects.get(refund=first).state == "numbered"
    draft = Document.objects.get(refund=second)
    assert (draft.state, draft.findings[0]["code"]) == ("draft", "credit_exceeds")


# --- Rendering and downloads ---------------------------------------------------------------------


def test_document_is_rendered_once_and_downloads_are_the_stored_bytes():
    invoice = make_invoice()
    reader = make_user("auditor")
    with pytest.raises(Refused) as refused:
        documents.file_of(invoice, by=reader)
    assert refused.value.code == "no_file"
    assert documents.render_numbered(invoice.pk)
    assert not documents.render_numbered(invoice.pk)
    first, second = (documents.file_of(invoice, by=reader) for _ in range(2))
    assert bytes(first.content) == bytes(second.content)
    assert bytes(first.content).startswith(b"%PDF")
    assert hashlib.sha256(first.content).hexdigest() == first.sha256
    assert Document.objects.get(pk=invoice.pk).state == "issued"
    assert list(Download.objects.values_list("document", "by")) == [(invoice.pk, reader.pk)] * 2


@pytest.mark.django_db(transaction=True)
def test_commit_of_a_number_renders_the_document():
    invoice = make_invoice()
    assert Document.objects.get(pk=invoice.pk).state == "issued"


@pytest.mark.django_db(transaction=True)
def test_sweeper_finishes_what_the_queue_lost(monkeypatch):
    monkeypatch.setattr(tasks.issue_document, "delay", lambda pk: 1 / 0)
    invoices = [make_invoice() for _ in range(2)]
    assert set(Document.objects.values_list("state", flat=True)) == {"numbered"}
    assert tasks.finish_documents() == 2
    assert Artifact.objects.filter(document__in=invoices, kind="pdf").count() == 2
    assert tasks.finish_documents() == 0


@pytest.mark.django_db(transaction=True)
def test_document_that_cannot_be_rendered_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(tasks.issue_document, "delay", lambda pk: None)
    bad, good = make_invoice(), make_invoice()
    real = finishing.writing.files
    monkeypatch.setattr(
        finishing.writing,
        "files",
        lambda payload: 1 / 0 if payload.number == bad.number else real(payload),
    )
    assert documents.finish_documents() == 1
    assert Document.objects.get(pk=good.pk).state == "issued"
    bad = Document.objects.get(pk=bad.pk)
    assert (bad.state, bad.findings[0]["code"]) == ("numbered", "fault")


# What the French rules want of every buyer: where e-invoices reach it.
REACHED = {"endpoint": "FR83404833048", "endpoint_scheme": "9957"}
HOME = {
    "UK": ("GB", "VAT", "GB980780684"),
    "FR": ("FR", "VAT", "FR40303265045"),
    "US": ("US", "EIN", "12-3456789"),
    "CA": ("CA", "GST", "123456782 RT0001"),
    "JP": ("JP", "JCT", "T7000012050002"),
}


@pytest.mark.parametrize(("marketplace", "rate"), [
    ("UK", "0.20"), ("FR", "0.055"), ("US", "0.0888"), ("CA", "0.13"), ("JP", "0.10"),
])  # fmt: skip
def test_every_marketplace_gets_its_invoice_and_credit_note(marketplace, rate):
    country, scheme, number = HOME[marketplace]
    seller = make_seller(country=country)
    make_registration(seller, country, scheme, number)
    language = {"FR": "fr", "JP": "ja"}.get(marketplace, "en")
    buyer = make_buyer(country=country, language=language, **REACHED if country == "FR" else {})
    order = make_shipped_order(
        seller=seller, buyer=buyer, marketplace=marketplace, quantity=3, net="1000", rate=rate
    )
    invoice = make_invoice(order)
    assert (invoice.state, invoice.currency) == ("numbered", order.currency)
    line = order.lines.get()
    places = 0 if order.currency == "JPY" else 2
    net, tax = round(line.item_net / 3, places), round(line.item_tax / 3, places)
    refund = make_refund("sent", order=order, net=net, tax=tax)
    document = Document.objects.get(refund=refund)
    assert (document.findings, document.state) == ([], "numbered")
    assert documents.render_numbered(document.pk)


def test_untaxed_sale_within_the_union_is_credited_as_such():
    buyer = make_buyer(country="FR", language="fr", **REACHED)
    with trail("setup", by=User.objects.system()):
        buyer.tax_ids.all().delete()
        buyer.tax_ids.create(country="FR", number="FR83404833048")
    order = make_shipped_order(buyer=buyer, rate="0", ship_country="FR")
    invoice = make_invoice(order)
    assert [row.category for row in invoice.taxes.all()] == ["K"]
    with trail("setup", by=User.objects.system()):
        order.ship_country = "BE"  # a fact that changes later does not change the credit note
        order.save()
    document = Document.objects.get(refund=make_refund("sent", order=order))
    assert document.findings == []
    payload = Payload.from_json(document.payload)
    assert [(row.category, row.exemption) for row in payload.rates] == [("K", "intra_community")]
    assert (payload.language, payload.buyer.vat_id) == ("fr", "FR83404833048")


def test_share_of_a_line_is_never_refused_for_its_rounding():
    """Net and tax of a share are rounded each on its own: 1.5 cents off is not an error."""
    order = make_shipped_order(quantity=3, net="0.17")
    line = order.lines.get()
    assert (line.item_net, line.item_tax) == (Decimal("0.17"), Decimal("0.03"))
    refund = make_refund("sent", order=order, net="0.05", tax="0.02")
    assert Document.objects.get(refund=refund).findings == []


def test_refund_amazon_made_gets_our_credit_note_where_we_issue():
    order = make_shipped_order()
    make_invoice(order)
    system, net, tax = User.objects.system(), Decimal("50.00"), Decimal("9.50")
    with trail("match_refunds", by=system):
        refund = Refund.objects.create(
            source="amazon", lane="none", state="confirmed", seller=order.seller, order=order,
            marketplace=order.marketplace, origin="order", currency="EUR", net=net, tax=tax,
            gross=net + tax, proposer=system, proposed_at=timezone.now(),
            confirmed_at=timezone.now(),
        )  # fmt: skip
        refund.lines.create(
            order_line=order.lines.get(), origin="A", component="item", net=net, tax=tax,
            gross=net + tax,
        )  # fmt: skip
    document = documents.issue_credit_note(refund, by=make_user("finance"))
    assert (document.state, document.gross, document.refund) == ("numbered", net + tax, refund)
    with pytest.raises(Refused) as refused:
        documents.issue_credit_note(refund, by=make_user("finance"))
    assert refused.value.code == "state"


def test_export_writes_the_stored_files(tmp_path):
    invoice = make_invoice()
    documents.render_numbered(invoice.pk)
    out = StringIO()
    call_command("export_documents", to=str(tmp_path), number=invoice.number, stdout=out)
    stored = Artifact.objects.get(document=invoice, kind="pdf")
    assert (tmp_path / f"{invoice.number}.pdf").read_bytes() == bytes(stored.content)
    assert "3 files" in out.getvalue()


# --- What the database refuses -------------------------------------------------------------------


LATE_ROW = (
    "INSERT INTO invoicing_documenttax (document_id, category, rate, base, tax)"
    " SELECT id, 'Z', 0, 0, 0 FROM invoicing_document"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoicing_document SET gross = gross + 1, net = net + 1",
        "UPDATE invoicing_document SET number = 'X'",
        "UPDATE invoicing_document SET payload = '{}'",
        "UPDATE invoicing_document SET state = 'draft'",
        "DELETE FROM invoicing_documentline",
        "DELETE FROM invoicing_document",
        "UPDATE invoicing_documentline SET net = net + 1, gross = gross + 1",
        "UPDATE invoicing_documenttax SET tax = 0",
        "DELETE FROM invoicing_documenttax",
        LATE_ROW,
        "UPDATE invoicing_artifact SET size = 0",
        "DELETE FROM invoicing_artifact",
        "DELETE FROM invoicing_download",
        "TRUNCATE invoicing_artifact",
        "TRUNCATE invoicing_document CASCADE",
    ],
)
def test_database_keeps_issued_documents(statement):
    invoice = make_invoice()
    documents.render_numbered(invoice.pk)
    documents.file_of(invoice, by=make_user("lead"))
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: Document.objects.filter(pk=document.pk).update(number="X"),
        lambda document: document.delete(),
        lambda document: document.lines.all().delete(),
        lambda document: DocumentLine.objects.filter(document=document).update(sku="X"),
        lambda document: Artifact.objects.filter(document=document).update(size=1),
    ],
)
def test_orm_cannot_change_issued_documents(change):
    invoice = make_invoice()
    documents.render_numbered(invoice.pk)
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
    ):
        change(invoice)


# --- Categories and rates ------------------------------------------------------------------------


def test_one_invoice_an_order_also_in_the_database():
    invoice = make_invoice()
    with pytest.raises(DatabaseError, match="one_invoice_a_supply"), transaction.atomic():
        Document.objects.create(
            kind=Kind.INVOICE, issuer="retour", seller=make_seller(), order=invoice.order,
            marketplace=invoice.marketplace, currency="EUR", created_by=invoice.created_by,
        )  # fmt: skip
