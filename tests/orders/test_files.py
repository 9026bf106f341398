"""Bytes become rows whatever the encoding, delimiter, quoting and header; what is no report is
refused with a sentence that names the remedy."""

import codecs

import pytest

from orders.imports import xmlfile
from orders.imports.files import BadFile
from orders.models import ImportFile, Order, OrderLine, Product
from tests.factories import make_seller
from tests.orders.reports import ORDER, bring_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller():
    return make_seller(code="demo")


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (lambda t: t.encode(), "utf-8"),
        (lambda t: codecs.BOM_UTF8 + t.encode(), "utf-8-sig"),
        (lambda t: t.encode("utf-16"), "utf-16"),
        (lambda t: t.encode("cp1252"), "cp1252"),
        (lambda t: t.replace("\n", "\r\n").encode("cp1252"), "cp1252"),
        (lambda t: t.replace("\n", "\r").encode(), "utf-8"),
    ],
)
def test_encoding_and_line_ends_are_found(tmp_path, encode, encoding):
    name = "Bürostuhl „Ergo“ – 99 €"
    record = bring_in(tmp_path, encode(text({"product-name": name})))
    assert (record.encoding, record.notes) == (encoding, [])
    assert Product.objects.get().title == name


@pytest.mark.parametrize("marketplace", [None, "JP"])
def test_japanese_file_in_cp932_is_read_as_such(tmp_path, marketplace):
    row = {"product-name": "安全ヘルメット～①", "sales-channel": "Amazon.co.jp", "currency": "JPY"}
    row |= {"item-price": "1100", "item-tax": "100"}
    record = bring_in(tmp_path, text(row).encode("cp932"), marketplace=marketplace)
    assert record.encoding == "cp932"
    line = OrderLine.objects.get()
    assert (line.title, line.item_net, line.item_tax) == ("安全ヘルメット～①", 1000, 100)


def test_text_in_no_known_encoding_is_refused(tmp_path):
    content = text({"product-name": "X"}).encode() + b"\x81\x8d\x8f"
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, content)
    assert refused.value.code == "encoding"


def test_mojibake_is_a_finding(tmp_path):
    twice = "Gehörschutz".encode().decode("cp1252")
    record = bring_in(tmp_path, text({}, {"sku": "B", "product-name": twice}))
    assert "Line 3" in record.notes[0]
    assert "wrong encoding" in record.notes[0]


@pytest.mark.parametrize("sep", [",", ";", "|"])
def test_csv_with_real_quotes_is_read(tmp_path, sep):
    name = f'"Label Sheets{sep} ""matte"""'
    bring_in(tmp_path, text({"product-name": name, "sku": "A"}, {"sku": "B"}, sep=sep))
    assert OrderLine.objects.get(sku="A").title == f'Label Sheets{sep} "matte"'


def test_quotes_in_a_flat_file_are_literal(tmp_path):
    bring_in(tmp_path, text({"product-name": 'Rohr 5" lang'}, {"sku": "B", "product-name": '"M"'}))
    assert set(OrderLine.objects.values_list("title", flat=True)) == {'Rohr 5" lang', '"M"'}


def test_lines_wrapped_in_one_more_pair_of_quotes_are_read(tmp_path):
    plain = text({"product-name": '"Helm, rot"'}, sep=",")
    wrapped = "".join('"' + line.replace('"', '""') + '"\n' for line in plain.splitlines())
    bring_in(tmp_path, wrapped)
    assert OrderLine.objects.get().title == "Helm, rot"


def test_csv_cell_may_hold_a_line_break_and_a_tab(tmp_path):
    bring_in(tmp_path, text({"product-name": '"Helm\n\trot\\neu"'}, {"sku": "B"}, sep=","))
    assert OrderLine.objects.get(sku="SKU-1").title == "Helm\n\trot\\neu"


def test_backslashes_are_text(tmp_path):
    bring_in(tmp_path, text({"product-name": "C:\\neu\\N", "sku": "A\\B"}))
    line = OrderLine.objects.get()
    assert (line.sku, line.title) == ("A\\B", "C:\\neu\\N")


def test_header_is_matched_by_name_in_any_order_case_and_form(tmp_path):
    shuffled = dict(reversed({k.upper().replace("-", "_"): v for k, v in ORDER.items()}.items()))
    record = bring_in(tmp_path, text({"my-own-column": "x"}, of=shuffled))
    assert (record.inserted, record.bad) == (1, 0)
    assert Order.objects.get().gross_total == 119


def test_lines_before_the_header_are_passed_over(tmp_path):
    preamble = '"Includes Amazon Marketplace transactions"\n\nAll amounts in EUR\tx\n'
    record = bring_in(tmp_path, preamble + text({"quantity": "2"}))
    assert record.inserted == 1


def test_error_lines_count_from_the_top_of_the_file(tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, "title\tof report\n\n" + text({}, {"sku": "B", "quantity": "two"}))
    (problem,) = refused.value.problems
    assert (problem.line, problem.column, problem.value) == (5, "quantity", "two")


def test_cells_of_one_blank_are_blank(tmp_path):
    bring_in(tmp_path, text({"purchase-order-number": " ", "shipping-price": " ", "sku": " S 1 "}))
    line = OrderLine.objects.get()
    assert (line.sku, line.shipping_net, line.order.po_number) == ("S 1", 0, "")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n ", "empty"),
        (b"\x1f\x8b\x08\x00abc", "packed"),
        (b"PK\x03\x04abc", "packed"),
        (b"%PDF-1.7", "packed"),
        (b"one line of prose\n", "unknown_report"),
        (b"a\tb\tc\n1\t2\t3\n", "unknown_report"),
        (b"order-id\tsku\tquantity\tasin\ttax\n", "unknown_report"),
        (b"<html><body>Sign in</body></html>", "unknown_report"),
        (b"<a><b></a>", "unreadable"),
    ],
)
def test_what_is_no_report_is_refused_and_kept_on_record(tmp_path, content, code):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, content)
    assert refused.value.code == code
    assert ImportFile.objects.get().status == "refused"


def test_entities_in_xml_are_refused(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY b "bb">]><AmazonEnvelope><x>&b;</x></AmazonEnvelope>'
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, bomb)
    assert "DTD" in refused.value.sentence


RETURNS_XML = "<AmazonEnvelope><MessageType>Returns-Report</MessageType>%s</AmazonEnvelope>"


@pytest.mark.parametrize("encoding", ["shift_jis", "no-such-encoding"])
def test_xml_in_an_encoding_the_parser_does_not_know_is_refused(tmp_path, encoding):
    said = f'<?xml version="1.0" encoding="{encoding}"?><AmazonEnvelope/>'
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, said)
    assert refused.value.code == "encoding"


def test_xml_that_is_no_report_is_not_read_to_its_end(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(xmlfile, "tag_of", lambda element: seen.append(element) or element.tag)
    with pytest.raises(BadFile, match="message type"):
        bring_in(tmp_path, f"<AmazonEnvelope>{'<x/>' * 50_000}</AmazonEnvelope>")
    assert len(seen) < 5 * xmlfile.HEAD


@pytest.mark.parametrize("row", ["<x/>" * 20_000, "<x>" * 50 + "</x>" * 50])
def test_xml_row_beyond_any_report_is_refused(tmp_path, row):
    with pytest.raises(BadFile, match="any report"):
        bring_in(tmp_path, RETURNS_XML % f"<return_details>{row}</return_details>")


def test_xml_around_the_rows_takes_no_memory(tmp_path):
    """Elements that are no row go as they end, however many there are."""
    path = tmp_path / "big.xml"
    path.write_text(f"<AmazonEnvelope>{'<x>text</x>' * 50_000}</AmazonEnvelope>")
    root = None
    for element in xmlfile._elements(path, "return_details"):
        root = element
    assert (root.tag, len(root)) == ("AmazonEnvelope", 0)


@pytest.mark.parametrize("content", ["a,b" + "x" * 200_000 + "\n", '"' + "x" * 200_000 + '",b\n'])
def test_header_cell_longer_than_any_is_no_report(tmp_path, content):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, content)
    assert refused.value.code == "unknown_report"


def test_header_wider_than_any_table_is_refused(tmp_path):
    wide = {f"x-{n}": "" for n in range(600)}
    with pytest.raises(BadFile, match="500 columns"):
        bring_in(tmp_path, text(wide))


def test_missing_column_is_named(tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({}, drop=("item-price", "quantity")))
    assert {p.column for p in refused.value.problems} == {"item-price", "quantity"}
    assert "item-price" in refused.value.sentence


def test_column_standing_twice_is_refused(tmp_path):
    with pytest.raises(BadFile, match="twice"):
        bring_in(tmp_path, text({"SKU": "other"}))


def test_header_alone_is_an_empty_report(tmp_path):
    record = bring_in(tmp_path, text())
    assert (record.status, record.rows) == ("done", 0)
    assert "no rows" in record.notes[0]


def test_wrong_type_given_is_refused(tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({}), report_type="GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA")
    assert "All orders" in refused.value.sentence


def test_row_with_more_cells_than_the_header_is_a_problem(tmp_path):
    broken = text({}, {"sku": "B", "product-name": "moved\tcells"})
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, broken)
    assert [p.line for p in refused.value.problems] == [3]


def test_delimiter_at_the_end_of_every_line_is_no_cell(tmp_path):
    header, *rows = text({}, {"sku": "B"}).splitlines()
    record = bring_in(tmp_path, "\n".join([header, *(f"{row}\t" for row in rows)]) + "\n")
    assert record.inserted == 2


def test_row_cut_off_at_the_end_of_the_file_is_a_problem(tmp_path):
    whole = text({}, {"sku": "B"})
    with pytest.raises(BadFile):
        bring_in(tmp_path, whole[:-30])


def test_trailing_blank_cells_may_be_missing(tmp_path):
    short = text({"purchase-order-number": "4711"}).rstrip("\n").rpartition("\t")[0] + "\n"
    assert bring_in(tmp_path, short).inserted == 1


def test_nul_characters_are_a_problem(tmp_path):
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, text({}, {"sku": "B\0"}))
    assert refused.value.problems[0].line == 3


def test_overlong_line_is_refused(tmp_path):
    with pytest.raises(BadFile, match="million"):
        bring_in(tmp_path, text({"product-name": "x" * 3_000_000}))


def test_open_quote_is_refused(tmp_path):
    opened = text(
        {"product-name": '"never closed'}, *[{"sku": f"S{n}"} for n in range(3000)], sep=","
    )
    with pytest.raises(BadFile) as refused:
        bring_in(tmp_path, opened)
    assert refused.value.code in ("unreadable", "bad_lines")
    assert not Order.objects.exists()
