"""Merging: what differs is written, older never overwrites newer, blanks never erase, lines keep
their identity, and a marketplace is never guessed."""

from decimal import Decimal

import pytest

from config.core.refused import Refused
from orders import decisions, identity
from orders.imports import registry
from orders.imports.files import BadFile
from orders.models import (
    AmazonReturn,
    Buyer,
    ImportRow,
    Marketplace,
    Order,
    OrderItemCode,
    OrderLine,
    Product,
)
from tests.factories import make_seller, make_user
from tests.orders.facts import all_facts
from tests.orders.reports import RETURN, bring_in, text

pytestmark = pytest.mark.django_db
OLD = {"last-updated-date": "2026-10-06T00:00:00+00:00"}
NEW = {"last-updated-date": "2026-10-09T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def seller():
    return make_seller(code="demo")


@pytest.mark.parametrize("first_new", [True, False])
def test_older_data_never_overwrites_newer(tmp_path, first_new):
    files = [text(OLD | {"order-status": "Pending", "quantity": "9"}), text(NEW)]
    for content in reversed(files) if first_new else files:
        bring_in(tmp_path, content)
    order = Order.objects.get()
    assert (order.status, order.lines.get().quantity) == ("Shipped", 1)
    assert order.last_updated_at.day == 9


@pytest.mark.parametrize("vat_first", [True, False])
def test_a_layout_without_a_column_erases_nothing(tmp_path, vat_first):
    vat = {"buyer-company-name": "Müller & Söhne GmbH", "is-amazon-invoiced": "false"}
    files = [text(vat | {"purchase-order-number": "PO 1"}), text({})]
    for content in files if vat_first else reversed(files):
        bring_in(tmp_path, content)
    order = Order.objects.get()
    assert (order.buyer.legal_name, order.po_number) == ("Müller & Söhne GmbH", "PO 1")
    assert order.is_amazon_invoiced is False


def test_change_keeps_the_raw_row_before(tmp_path):
    before = bring_in(tmp_path, text(OLD | {"quantity": "2"}))
    record = bring_in(tmp_path, text(NEW | {"quantity": "3"}))
    assert (record.inserted, record.updated, record.unchanged) == (0, 1, 0)
    line = OrderLine.objects.get()
    raw = ImportRow.objects.get(import_file=before, line=2)
    assert line.previous_raw == {"import": before.pk, "hash": raw.row_hash, "row": raw.data}
    assert line.import_file == record


def test_two_times_of_one_order_in_a_file_count_once(tmp_path):
    record = bring_in(tmp_path, text(OLD | {"quantity": "9"}, NEW | {"quantity": "2"}))
    assert OrderLine.objects.get().quantity == 2
    assert (record.rows, record.inserted, record.unchanged) == (2, 1, 1)


def test_repeated_sku_becomes_lines_that_keep_their_identity(tmp_path):
    cheap, dear = {"item-price": "11.90", "item-tax": "1.90"}, {"quantity": "3"}
    bring_in(tmp_path, text(OLD | dear, OLD | cheap))
    ids = {line.item_net: line.pk for line in OrderLine.objects.all()}
    assert sorted(OrderLine.objects.values_list("occurrence", flat=True)) == [1, 2]
    record = bring_in(tmp_path, text(OLD | cheap, OLD | dear))
    assert record.unchanged == 2
    gone = {"item-price": "", "item-tax": "", "quantity": "0", "item-status": "Cancelled"}
    bring_in(tmp_path, text(NEW | gone, NEW | dear))
    assert OrderLine.objects.get(quantity=0).pk == ids[Decimal("10.00")]
    assert OrderLine.objects.get(quantity=3).pk == ids[Decimal("100.00")]
    bring_in(tmp_path, text(NEW | gone, NEW | dear, NEW | {"quantity": "7"}))
    assert set(OrderLine.objects.values_list("occurrence", "quantity")) >= {(3, 7)}


def test_two_identical_rows_are_two_lines(tmp_path):
    bring_in(tmp_path, text({}, {}))
    assert Order.objects.get().gross_total == 238
    assert bring_in(tmp_path, text({}, {})).unchanged == 2


@pytest.mark.parametrize(
    ("price", "tax", "net", "rate"),
    [
        ("119.00", "19.00", "100.00", "0.19"),
        ("107.00", "7.00", "100.00", "0.07"),
        ("105.50", "5.50", "100.00", "0.055"),
        ("100.00", "0.00", "100.00", "0"),
        ("", "", "0", None),
        ("0.01", "0.00", "0.01", "0"),
    ],
)
def test_rate_has_the_fewest_decimals_that_give_the_tax(tmp_path, price, tax, net, rate):
    bring_in(tmp_path, text({"item-price": price, "item-tax": tax}))
    line = OrderLine.objects.get()
    assert line.item_net == Decimal(net)
    assert line.item_rate == (None if rate is None else Decimal(rate))


def test_rate_is_per_mille_and_finer_when_that_is_needed(tmp_path):
    row = {"sales-channel": "Amazon.com", "currency": "USD", "item-price": "10000.00"}
    bring_in(tmp_path, text(row | {"item-tax": "887.50"}))
    line = OrderLine.objects.get()
    assert (line.item_net, line.item_tax) == (Decimal("10000.00"), Decimal("887.50"))
    assert line.item_rate == Decimal("0.0888")


def test_promotion_is_positive_and_takes_its_share_of_tax(tmp_path):
    row = {"item-promotion-discount": "-11.90", "shipping-price": "5.95", "shipping-tax": "0.95"}
    bring_in(tmp_path, text(row | {"ship-promotion-discount": "5.95"}))
    line = OrderLine.objects.get()
    assert (line.item_promotion_net, line.item_promotion_tax) == (Decimal("10.00"), Decimal("1.90"))
    assert line.paid("shipping")[:2] == (0, 0)
    assert line.order.gross_total == Decimal("107.10")


def test_amounts_of_a_cancelled_line_are_nothing(tmp_path):
    bring_in(tmp_path, text({"item-status": "Cancelled"}, {"sku": "B"}))
    line = OrderLine.objects.get(sku="SKU-1")
    assert (line.quantity, line.item_net, line.item_tax) == (0, 0, 0)
    assert line.order.gross_total == 119


def test_skip_bad_leaves_out_the_whole_order_of_a_bad_line(tmp_path):
    other = {"amazon-order-id": "302-0000001-0000002"}
    content = text({"sku": "A"}, {"sku": "B", "quantity": "x"}, other)
    record = bring_in(tmp_path, content, skip_bad=True)
    assert (record.status, record.rows, record.inserted, record.bad) == ("partial", 3, 1, 2)
    assert Order.objects.get().amazon_order_id == "302-0000001-0000002"
    assert {p.line for p in record.line_errors.all()} == {2, 3}


@pytest.mark.parametrize(
    ("channel", "currency", "given", "expected"),
    [
        ("Amazon.fr", "EUR", None, "FR"),
        ("amazon.co.uk", "GBP", None, "UK"),
        ("Non-Amazon", "GBP", None, "UK"),
        ("", "EUR", "IT", "IT"),
        ("Non-Amazon", "EUR", "ES", "ES"),
    ],
)
def test_marketplace_is_named_asked_for_or_the_only_one(
    tmp_path, channel, currency, given, expected
):
    row = {"sales-channel": channel, "currency": currency}
    bring_in(tmp_path, text(row), marketplace=given)
    assert Order.objects.get().marketplace.code == expected


@pytest.mark.parametrize(
    ("channel", "given", "problem"),
    [
        ("Amazon.fr", "DE", "another marketplace"),
        ("Non-Amazon", "UK", "another marketplace"),
        ("Non-Amazon", None, "nothing tells"),
        ("Amazon.com.tr", None, "not known"),
    ],
)
def test_marketplace_is_never_guessed(tmp_path, channel, given, problem):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({"sales-channel": channel}), marketplace=given)
    assert problem in refused.value.problems[0].problem


def test_seller_is_asked_for_when_there_are_two(tmp_path):
    make_seller(code="other")
    with pytest.raises(Refused) as refused:
        bring_in(tmp_path, text({}))
    assert refused.value.code == "seller_missing"
    assert bring_in(tmp_path, text({}), seller="OTHER").seller.code == "other"


def test_one_order_id_may_stand_at_two_sellers(tmp_path):
    make_seller(code="other")
    for code in ("demo", "other"):
        assert bring_in(tmp_path, text({}), seller=code).inserted == 1
    assert Order.objects.count() == 2


@pytest.mark.parametrize("with_first", [True, False])
def test_return_with_and_without_rma_id_is_one(tmp_path, with_first):
    files = [
        text({"Refunded Amount": "5.00"}, of=RETURN),
        text({"Amazon RMA ID": "", "Label cost": "4.14"}, of=RETURN),
    ]
    for content in files if with_first else reversed(files):
        bring_in(tmp_path, content)
    one = AmazonReturn.objects.get()
    assert one.natural_key == "DaAAAAAAARRMA|SKU-1|CR-DEFECTIVE"
    assert (one.amazon_rma_id, one.refunded_amount) == ("DaAAAAAAARRMA", 5)
    assert one.label_cost == Decimal("4.14")


def test_return_with_and_without_rma_id_in_one_file_is_one(tmp_path):
    record = bring_in(tmp_path, text({"Amazon RMA ID": ""}, {}, of=RETURN))
    assert (record.rows, record.inserted, record.unchanged) == (2, 1, 1)
    assert AmazonReturn.objects.get().amazon_rma_id


@pytest.mark.parametrize("late_first", [True, False])
def test_status_of_a_return_never_goes_back(tmp_path, late_first):
    files = [
        text({"Return request status": "Completed", "Refunded Amount": "20.00"}, of=RETURN),
        text({"Return request status": "Pending approval"}, of=RETURN),
    ]
    for content in files if late_first else reversed(files):
        bring_in(tmp_path, content)
    one = AmazonReturn.objects.get()
    assert (one.status, one.refunded_amount) == ("Completed", 20)


def test_unknown_codes_of_a_return_are_data(tmp_path):
    row = {"Return Reason": "AMZ-NEW-REASON", "Return request status": "Teleported"}
    bring_in(tmp_path, text(row, of=RETURN))
    assert AmazonReturn.objects.get().reason_code == "AMZ-NEW-REASON"


def test_return_in_another_currency_than_the_marketplace_is_a_problem(tmp_path):
    with pytest.raises(BadFile, match="currency"):
        bring_in(tmp_path, text({}, of=RETURN), marketplace="US")


def test_return_of_a_repeated_sku_is_tied_to_no_line(tmp_path):
    bring_in(tmp_path, text({}, of=RETURN))
    assert AmazonReturn.objects.get().order_line.confirmed is False
    bring_in(tmp_path, text({}, {"quantity": "2"}))
    assert AmazonReturn.objects.get().order_line is None
    assert OrderLine.objects.count() == 2


def test_code_is_adopted_only_beyond_doubt(tmp_path):
    bring_in(tmp_path, text({}))
    order, line = Order.objects.get(), OrderLine.objects.get()
    for code, expected in (("111", "111"), ("222", None)):
        OrderItemCode.objects.create(order=order, sku="SKU-1", code=code)
        identity.resolve_identities([order.pk])
        line.refresh_from_db()
        assert line.order_item_id == expected
    assert identity.resolve_identities([order.pk]) == 0


def test_code_that_stands_for_two_skus_is_adopted_by_none(tmp_path):
    bring_in(tmp_path, text({}, {"sku": "B"}))
    order = Order.objects.get()
    for sku in ("SKU-1", "B"):
        OrderItemCode.objects.create(order=order, sku=sku, code="111")
    identity.resolve_identities([order.pk])
    assert not OrderLine.objects.exclude(order_item_id=None).exists()


def test_person_decides_what_stays_ambiguous(tmp_path):
    bring_in(tmp_path, text({}, {"quantity": "2"}))
    order, line = Order.objects.get(), OrderLine.objects.first()
    OrderItemCode.objects.create(order=order, sku="SKU-1", code="111")
    lead = make_user("lead")
    decisions.confirm_identity(line, "111", by=lead)
    identity.resolve_identities([order.pk])
    line.refresh_from_db()
    assert (line.order_item_id, line.identity_confirmed_by) == ("111", lead)
    with pytest.raises(Refused, match="Another line"):
        decisions.confirm_identity(OrderLine.objects.last(), "111", by=lead)
    with pytest.raises(Refused, match="No report"):
        decisions.confirm_identity(line, "999", by=lead)
    with pytest.raises(Refused):
        decisions.confirm_identity(line, "111", by=make_user("agent"))


def test_product_keeps_the_title_of_its_latest_order(tmp_path):
    old = OLD | {"product-name": "Helm alt", "amazon-order-id": "302-0000001-0000002"}
    new = NEW | {"product-name": "Helm neu"}
    bring_in(tmp_path, text(new))
    bring_in(tmp_path, text(old))
    assert Product.objects.get().title == "Helm neu"
    bring_in(tmp_path, text({**NEW, "last-updated-date": "2026-10-11", "product-name": "Helm 3"}))
    assert Product.objects.get().title == "Helm 3"


def test_buyer_is_found_whatever_case_and_blanks(tmp_path):
    rows = [
        {"amazon-order-id": f"302-0000001-000000{n}", "buyer-company-name": name}
        for n, name in enumerate(("Straße  GmbH", "STRASSE GMBH", "strasse gmbh ", ""))
    ]
    bring_in(tmp_path, text(*rows))
    assert Buyer.objects.count() == 1
    assert Order.objects.filter(buyer=None).count() == 1


def test_buyer_of_an_order_chosen_by_a_person_stays(tmp_path):
    bring_in(tmp_path, text({"buyer-company-name": ""}))
    chosen = Buyer.objects.create(legal_name="Demo", match_key="demo")
    Order.objects.update(buyer=chosen)
    bring_in(tmp_path, text(NEW | {"buyer-company-name": "Other GmbH"}))
    assert Order.objects.get().buyer == chosen


def test_after_import_is_called_once_it_is_committed(
    tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    heard = []
    monkeypatch.setattr(registry, "after_import", [heard.append])
    with django_capture_on_commit_callbacks(execute=True):
        record = bring_in(tmp_path, text({}))
        assert heard == []
    assert heard == [record]


def test_import_needs_its_permission(tmp_path):
    from orders.imports.run import import_file

    with pytest.raises(Refused):
        import_file(tmp_path / "x", by=make_user("agent"))
    with pytest.raises(Refused, match="no file"):
        import_file(tmp_path / "x", by=make_user("finance"))


def test_every_marketplace_has_its_own_sales_channel(tmp_path):
    rows = [
        {
            "amazon-order-id": f"302-0000001-{n:07d}",
            "sales-channel": place.name,
            "currency": place.currency,
            "item-price": "1000",
            "item-tax": "100",
        }
        for n, place in enumerate(Marketplace.objects.all())
    ]
    bring_in(tmp_path, text(*rows))
    for place in Marketplace.objects.all():
        order = Order.objects.get(marketplace=place)
        assert order.gross_total == (1000 if place.prices_include_tax else 1100)


def test_facts_are_the_same_after_a_refused_import(tmp_path):
    bring_in(tmp_path, text({}))
    before = all_facts()
    with pytest.raises(BadFile):
        bring_in(tmp_path, text(NEW | {"quantity": "5"}, {"sku": "C", "quantity": "?"}))
    assert all_facts() == before


def test_skip_bad_leaves_out_the_order_of_a_line_that_is_no_row(tmp_path):
    other = {"amazon-order-id": "302-0000001-0000002"}
    content = text({}, {"sku": "B", "product-name": "moved\tcells"}, other)
    record = bring_in(tmp_path, content, skip_bad=True)
    assert (record.inserted, record.bad) == (1, 2)
    assert Order.objects.get().amazon_order_id == "302-0000001-0000002"


def test_thousands_of_bad_cells_are_refused_even_with_skip_bad(tmp_path):
    rows = [{"sku": f"S{n}", "quantity": "x", "item-price": "y"} for n in range(6000)]
    with pytest.raises(BadFile, match="wrong file"):
        bring_in(tmp_path, text(*rows), skip_bad=True)
