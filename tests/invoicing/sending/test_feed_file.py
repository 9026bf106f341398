"""The bytes Amazon gets for refunds, and reading its report of them."""

from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.sending.feed_file import (
    FLAT_COLUMNS,
    Unsayable,
    adjustment,
    flat_file,
    xml_file,
)
from invoicing.sending.feed_report import Report, Unclear, read_report

D = Decimal
US = ("113-5550101-6289001", "USD", "CustomerReturn")
NET = [("62538000000001", "Principal", D("19.98")), ("62538000000001", "Tax", D("1.40"))]


def cells(file, record: int) -> dict[str, str]:
    row = file.content.decode().split("\r\n")[record].split("\t")
    return {name: cell for name, cell in zip(FLAT_COLUMNS, row, strict=True) if cell}


def components(file) -> list[tuple[str, str, str]]:
    found = ET.fromstring(file.content).iter("Component")
    return [
        (one.findtext("Type"), one.findtext("Amount"), one.find("Amount").get("currency"))
        for one in found
    ]


# --- Writing -------------------------------------------------------------------------------------


def test_flat_file_says_net_and_tax_apart_and_never_a_quantity():
    file = flat_file([adjustment(*US, NET)])
    assert file.content.startswith("\t".join(FLAT_COLUMNS).encode() + b"\r\n")
    assert cells(file, 1) == {
        "order-id": US[0],
        "order-item-id": "62538000000001",
        "adjustment-reason-code": "CustomerReturn",
        "currency": "USD",
        "item-price-adj": "19.98",
        "item-tax-adj": "1.40",
    }
    assert (file.places, file.messages) == (((1, 1),), 1)


def test_xml_file_says_gross_in_principal_where_prices_include_tax():
    file = xml_file(
        [adjustment("302-1", "EUR", "CustomerReturn", [("47", "Principal", D("119.00"))])], "A3DEMO"
    )
    assert components(file) == [("Principal", "119.00", "EUR")]
    root = ET.fromstring(file.content)
    assert root.findtext("Header/MerchantIdentifier") == "A3DEMO"
    assert root.findtext("Message/OrderAdjustment/ActionType") == "Refund"
    assert root.find(".//Quantity") is None


def test_yen_are_all_in_principal_and_whole():
    figures = [("604", "Principal", D(999)), ("604", "Shipping", D(100))]
    for file in (
        xml_file([adjustment("503-1", "JPY", "CustomerReturn", figures)], "A"),
        flat_file([adjustment("503-1", "JPY", "CustomerReturn", figures)]),
    ):
        assert b"1099" in file.content
        assert b"1099." not in file.content
    assert components(xml_file([adjustment("503-1", "JPY", "x", figures)], "A")) == [
        ("Principal", "1099", "JPY")
    ]


def test_fees_and_goodwill_are_netted_into_the_item():
    figures = [
        ("1", "Principal", D("100.00")),
        ("1", "Tax", D("19.00")),
        ("1", "RestockingFee", D("-10.00")),
        ("1", "RestockingFeeTax", D("-1.90")),
        ("1", "ReturnShipping", D("-4.00")),
        ("1", "Goodwill", D("2.00")),
        ("1", "ShippingTax", D("0.95")),
    ]
    one = adjustment("302-1", "EUR", "CustomerReturn", figures)
    assert one.items[0].amounts == {
        "Principal": D("88.00"),
        "Tax": D("17.10"),
        "ShippingTax": D("0.95"),
    }
    assert one.total == sum(amount for _, _, amount in figures)


def test_refund_of_several_items_knows_its_records():
    two = [("1", "Principal", D(5)), ("2", "Principal", D(6))]
    file = flat_file([adjustment("302-1", "EUR", "x", two), adjustment("302-2", "EUR", "x", NET)])
    assert file.places == ((1, 2), (3, 3))
    assert xml_file([adjustment("302-1", "EUR", "x", two)], "A").places == ((1, 1),)
    assert cells(file, 2)["adjustment-reason-code"] == "GeneralAdjustment"  # "x" is no reason


@pytest.mark.parametrize(
    "figures",
    [
        [("", "Principal", D(5))],
        [("1\t2", "Principal", D(5))],
        [("1", "Principal", D(5)), ("1", "RestockingFee", D(-6))],
        [("1", "Shipping", D(5)), ("1", "RestockingFee", D(-1))],
        [("1", "Principal", D(0))],
        [],
    ],
)
def test_what_amazons_file_cannot_say_is_refused(figures):
    with pytest.raises(Unsayable):
        adjustment("302-1", "EUR", "CustomerReturn", figures)


def test_amount_finer_than_the_currency_is_refused():
    with pytest.raises(Unsayable):
        flat_file([adjustment("302-1", "EUR", "x", [("1", "Principal", D("1.005"))])])


@pytest.mark.property
@given(
    st.lists(
        st.lists(st.decimals("0.01", "999.99", places=2), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_file_holds_exactly_the_money_of_its_refunds(refunds):
    said = [
        adjustment(f"302-{n}", "EUR", "x", [(str(i), "Principal", a) for i, a in enumerate(items)])
        for n, items in enumerate(refunds)
    ]
    wanted = sum(sum(items) for items in refunds)
    flat = flat_file(said)
    rows = [cells(flat, record) for record in range(1, flat.messages + 1)]
    assert sum(D(row["item-price-adj"]) for row in rows) == wanted
    assert sum(D(amount) for _, amount, _ in components(xml_file(said, "A"))) == wanted
    assert [last for _, last in flat.places][-1] == flat.messages


# --- Reading -------------------------------------------------------------------------------------


def flat_report(processed, successful, *errors) -> bytes:
    rows = [f"{number}\t\t79525\t{kind}\t{text}" for number, kind, text in errors]
    head = ["original-record-number\tsku\terror-code\terror-type\terror-message"] if rows else []
    return "\n".join(
        [
            "Feed Processing Summary:\t",
            f"Number of records processed\t\t{processed}\t",
            f"Number of records successful\t\t{successful}",
            "",
            *head,
            *rows,
        ]
    ).encode()


def xml_report(processed, successful, *errors, status="Complete") -> bytes:
    results = "".join(
        f"<Result><MessageID>{number}</MessageID><ResultCode>{kind}</ResultCode>"
        f"<ResultDescription>{text}</ResultDescription></Result>"
        for number, kind, text in errors
    )
    return (
        "<AmazonEnvelope><Message><ProcessingReport>"
        f"<StatusCode>{status}</StatusCode><ProcessingSummary>"
        f"<MessagesProcessed>{processed}</MessagesProcessed>"
        f"<MessagesSuccessful>{successful}</MessagesSuccessful></ProcessingSummary>"
        f"{results}</ProcessingReport></Message></AmazonEnvelope>"
    ).encode()


FORMS = pytest.mark.parametrize("form", [flat_report, xml_report])


@FORMS
def test_report_names_what_was_refused(form):
    report = read_report(form(3, 2, (2, "Error", "Not eligible.")), 3)
    assert report.outcome(1, 1) == ("accepted", "")
    assert report.outcome(2, 2) == ("refused", "Not eligible.")
    assert report.outcome(1, 2) == ("partly", "Amazon took 1 of its lines. Not eligible.")


@FORMS
def test_warning_refuses_nothing(form):
    assert read_report(form(1, 1, (1, "Warning", "Late.")), 1) == Report(1, 1, {})


@FORMS
@pytest.mark.parametrize(
    ("counts", "errors"),
    [
        ((2, 2), []),  # another number of messages
        ((3, 1), [(2, "Error", "x")]),  # one is neither accepted nor refused
        ((3, 3), [(2, "Error", "x")]),
        ((3, 2), [(7, "Error", "x")]),
        ((0, 0), []),
    ],
)
def test_report_that_does_not_tie_is_not_believed(form, counts, errors):
    with pytest.raises(Unclear):
        read_report(form(*counts, *errors), 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>503</html>",
        b"Feed Processing Summary:\t\nNumber of records processed\t\t1",
        xml_report(1, 1, status="Processing"),
        xml_report(1, 1)[:-30],
        b"\x89PNG",
    ],
)
def test_what_is_no_whole_report_is_not_believed(content):
    with pytest.raises(Unclear):
        read_report(content, 1)


def test_entities_of_a_report_are_not_followed():
    bomb = b'<!DOCTYPE a [<!ENTITY b "1">]>' + xml_report("&b;", 1)
    with pytest.raises(Unclear):
        read_report(bomb, 1)


@pytest.mark.parametrize(
    ("name", "messages", "wanted"),
    [
        ("processing_report_flat_error.txt", 1, ["refused"]),
        ("processing_report_xml_partial_error.xml", 2, ["accepted", "refused"]),
    ],
)
def test_sample_reports_are_read(name, messages, wanted):
    content = (Path(__file__).parents[2] / "data" / "amazon" / name).read_bytes()
    report = read_report(content, messages)
    assert [report.outcome(n, n)[0] for n in range(1, messages + 1)] == wanted
