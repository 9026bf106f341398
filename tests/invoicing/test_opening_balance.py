"""The opening balance: earlier invoices and refunds count from the first day, once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from config.core.models import User
from config.core.refused import Refused
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.imports.opening_balance import TEMPLATE
from invoicing.matching import match_refunds
from invoicing.models import Document, Refund
from invoicing.refunds import propose
from orders.imports.run import import_file
from orders.models import Order
from tests.factories import make_line, make_order, make_seller, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = pytest.mark.django_db
HEADER = TEMPLATE.split("\n", 1)[0]


@pytest.fixture
def order():
    return make_order(net="500.00", quantity=25, marketplace="DE")


def line_of(what, order, **fields):
    given = {
        "kind": what,
        "order-id": order.amazon_order_id,
        "sku": order.lines.first().sku,
        "number": {"invoice": "2026-0815", "refund": "G-1"}[what],
        "date": "2026-03-02",
        "component": "item",
        "quantity": "5",
        "net": "500.00" if what == "invoice" else "100.00",
        "tax": "95.00" if what == "invoice" else "19.00",
        "rate": "0.19",
        "currency": "EUR",
    }
    given |= {name.replace("_", "-"): value for name, value in fields.items()}
    return ",".join(given.get(name, "") for name in HEADER.split(","))


@pytest.fixture
def bring(tmp_path, order):
    def run(*lines, seller=order.seller):
        path = tmp_path / "opening.csv"
        path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        return import_file(path, by=User.objects.system(), seller=seller)

    return run


def test_invoice_and_refund_are_recorded_with_their_credit_note(bring, order):
    done = bring(line_of("invoice", order), line_of("refund", order))
    assert (done.report_type, done.rows, done.inserted) == ("OPENING_BALANCE", 2, 2)
    invoice, note = Document.objects.order_by("pk")
    assert (invoice.kind, invoice.issuer, invoice.state, invoice.number, invoice.gross) == (
        "invoice", "earlier", "issued", "2026-0815", Decimal("595.00"),
    )  # fmt: skip
    assert (note.kind, note.corrects, note.gross, note.issue_date) == (
        "credit_note", invoice, Decimal("119.00"), date(2026, 3, 2),
    )  # fmt: skip
    assert note.lines.get().original == invoice.lines.get()
    assert [(t.category, t.rate, t.base, t.tax) for t in note.taxes.all()] == [
        ("S", Decimal("0.1900"), Decimal("100.00"), Decimal("19.00"))
    ]
    refund = Refund.objects.get()
    assert (refund.source, refund.state, refund.lane, refund.document) == (
        "opening", "confirmed", "none", note,
    )  # fmt: skip
    row = refund.lines.get()
    assert (row.order_line, row.quantity, row.net, row.tax, row.live) == (
        order.lines.get(), 5, Decimal("100.00"), Decimal("19.00"), True,
    )  # fmt: skip


def test_what_was_refunded_before_leaves_less_for_ours(bring, order):
    bring(line_of("invoice", order), line_of("refund", order, net="450.00", tax="85.50"))
    line = order.lines.get()
    from config.core.sentence import say

    wanted = CalculatedLine(
        order_line=str(line.pk), origin="order", component="item", quantity=5,
        net=Decimal("100.00"), tax=Decimal("19.00"), rate=line.item_rate, rule="demo",
        says=say("Five came back."),
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        propose(
            by=make_user("lead"), order=order, origin="order",
            calculation=Calculation("EUR", (wanted,), "demo"),
        )  # fmt: skip
    assert refused.value.code == "cap_exceeded"


def test_same_file_again_writes_nothing(bring, order):
    lines = line_of("invoice", order), line_of("refund", order), line_of("refund", order, number="")
    assert bring(*lines).inserted == 3
    before = [list(model.objects.order_by("pk").values()) for model in (Document, Refund)]
    again = bring(*lines)
    assert (again.inserted, again.unchanged) == (0, 3)
    assert [list(m.objects.order_by("pk").values()) for m in (Document, Refund)] == before


def test_unknown_order_becomes_a_stub(bring):
    bring(*TEMPLATE.strip().split("\n")[1:])
    order = Order.objects.get(amazon_order_id="302-0000000-0000001")
    assert (order.facts_complete, order.marketplace.code) == (False, "DE")
    invoice = Document.objects.get(kind="invoice")
    assert (invoice.gross, invoice.lines.count()) == (Decimal("600.99"), 2)
    assert Refund.objects.get().gross == Decimal("119.00")


def test_money_of_an_earlier_refund_ties_to_it(bring, order):
    bring(line_of("refund", order, date="2026-10-28"))
    fact = make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-119.00", adjustment="A1"
    )
    assert match_refunds().created == []
    fact.refresh_from_db()
    assert fact.refund == Refund.objects.get()


def opening(bring, order):
    bring(line_of("refund", order, date="2026-03-20"))


def settled(_bring, order):
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-119.00", adjustment="A1")
    match_refunds()


@pytest.mark.parametrize("steps", [(opening, settled), (settled, opening)])
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "amazons"])
def test_equal_money_months_later_is_another_refunds(bring, order, ours, steps):
    if ours:
        make_refund(order, ("100.00", "19.00"))
    for step in steps:
        step(bring, order)
    match_refunds()
    found = Refund.objects.values_list("source", "state", "money_facts__amount").order_by("source")
    assert sorted(found, key=str) == sorted(
        [
            ("opening", "confirmed", None),
            ("retour" if ours else "amazon", "confirmed", Decimal("-119.00")),
        ],
        key=str,
    )


def test_refund_known_from_amazon_only_gets_its_document(bring, order):
    make_fact(
        make_settlement(order.seller), order, order.lines.get(), "-119.00", adjustment="A1",
        at=DAY - timedelta(days=200),
    )  # fmt: skip
    match_refunds()
    day = (DAY - timedelta(days=200)).date().isoformat()
    bring(line_of("refund", order, date=day))
    refund = Refund.objects.get()
    assert (refund.source, refund.document.number) == ("amazon", "G-1")


@pytest.mark.parametrize(
    ("fields", "column", "problem"),
    [
        ({"kind": "bill"}, "kind", "is neither invoice nor refund"),
        ({"order_id": "12"}, "order-id", "is no Amazon order id"),
        ({"sku": ""}, "sku", "neither SKU nor item id"),
        ({"number": ""}, "number", "an invoice without a number"),
        ({"component": "goodwill"}, "component", "is no component of this kind of line"),
        ({"net": "-1.00"}, "net", "has the wrong sign"),
        ({"tax": "1.005"}, "tax", "is not an amount of money"),
        ({"rate": "19"}, "rate", "is no fraction"),
        ({"currency": "Euro"}, "currency", "is no currency code"),
        ({"date": "2099-01-01"}, "date", "lies in the future"),
        ({"marketplace": "Mars"}, "marketplace", "is not known"),
        ({"sku": "OTHER", "order_item_id": "9"}, "sku", "no certain line"),
    ],
)
def test_bad_line_is_named_and_nothing_imported(bring, order, fields, column, problem):
    make_line(order, sku="OTHER")
    make_line(order, sku="OTHER", occurrence=2)
    with pytest.raises(Refused) as refused:
        bring(line_of("invoice", order, **fields))
    found = [(p.column, p.problem) for p in refused.value.problems if p.line == 2]
    assert any(c == column and p.startswith(problem) for c, p in found), found
    assert not Document.objects.exists()


def test_document_with_two_dates_is_refused(bring, order):
    with pytest.raises(Refused) as refused:
        bring(line_of("invoice", order), line_of("invoice", order, date="2026-03-03"))
    assert [(p.line, p.column) for p in refused.value.problems] == [(2, "number"), (3, "number")]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([("refund", {"net": "500.01"})], "above what was paid"),
        (
            [("invoice", {"net": "50.00", "tax": "9.50"}), ("refund", {})],
            "above its invoice",
        ),
        ([("invoice", {}), ("invoice", {"number": "2026-0816"})], "two invoices of one order"),
        ([("refund", {"net": "0.00", "tax": "0.00"})], "not above zero"),
    ],
)
def test_what_cannot_be_is_refused_whole(bring, order, lines, problem):
    with pytest.raises(Refused) as refused:
        bring(*(line_of(kind, order, **fields) for kind, fields in lines))
    assert problem in refused.value.problems[0].problem
    assert not Document.objects.exists()
    assert not Refund.objects.exists()


def test_number_on_record_with_other_amounts_is_refused(bring, order):
    bring(line_of("invoice", order))
    with pytest.raises(Refused, match="on record with other amounts"):
        bring(line_of("invoice", order, net="400.00"))


def test_other_sellers_number_does_not_matter(bring, order):
    bring(line_of("invoice", order))
    other = make_order(seller=make_seller(), net="500.00")
    assert bring(line_of("invoice", other), seller=other.seller).inserted == 1


def test_own_refund_is_untouched(bring, order, time_machine):
    refund = make_refund(order, ("20.00", "3.80"))
    bring(line_of("refund", order))
    assert Refund.objects.get(pk=refund.pk).document == refund.document
    assert Refund.objects.count() == 2
