"""What the buttons of the desk do: verbs, forms that come back with errors, many at once."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from orders.models import Buyer
from returns.models import RMA, Evidence
from tests.factories import make_buyer, make_order, make_rma, make_user
from tests.papers import make_invoice, make_issuing, make_limit, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    person = make_user("lead")
    client.force_login(person)
    return person


def path(name, *args):
    return reverse(f"returns:{name}", args=args)


def photo(name="box.png"):
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(stream, "PNG")
    return SimpleUploadedFile(name, stream.getvalue(), "image/png")


# --- The case's buttons --------------------------------------------------------------------------
def test_button_does_the_verb_and_comes_back(client, lead):
    rma = make_rma()
    answer = client.post(path("verb", rma.number, "approve"), {"version": rma.version}, follow=True)
    assert RMA.objects.get(pk=rma.pk).state == "approved"
    assert "Approved." in answer.content.decode()


def test_button_without_what_it_needs_comes_back_with_the_input(client, lead):
    rma = make_rma("approved")
    form = {"until": "", "reason": "They asked for it"}
    answer = client.post(path("verb", rma.number, "extend"), form)
    assert answer.status_code == 422
    assert "They asked for it" in answer.content.decode()
    assert RMA.objects.get(pk=rma.pk).version == rma.version


def test_second_person_is_told_who_was_faster(client, lead):
    rma = make_rma()
    client.post(path("verb", rma.number, "approve"), {"version": rma.version})
    late = {"version": rma.version, "reason": "Too late"}
    answer = client.post(path("verb", rma.number, "decline"), late, follow=True)
    assert "was faster" in answer.content.decode()
    assert RMA.objects.get(pk=rma.pk).state == "approved"


def test_button_of_another_role_is_refused_with_a_sentence(client):
    rma = make_rma()
    client.force_login(make_user("auditor"))
    answer = client.post(path("verb", rma.number, "approve"), follow=True)
    assert "Your role may not" in answer.content.decode()
    assert RMA.objects.get(pk=rma.pk).state == "requested"


def test_verbs_are_posted_never_got(client, lead):
    rma = make_rma()
    assert client.get(path("verb", rma.number, "approve")).status_code == 405
    assert client.post(path("verb", rma.number, "explode")).status_code == 404


# --- Evidence ------------------------------------------------------------------------------------
def test_evidence_is_a_download_unless_it_is_our_own_picture(client, lead):
    rma = make_rma()
    form = {"upload": photo(), "kind": "photo"}
    client.post(path("verb", rma.number, "evidence"), form)
    url = path("evidence", rma.number, Evidence.objects.get().pk)
    download, inline = client.get(url), client.get(url + "?inline")
    assert download["Content-Disposition"].startswith("attachment")
    assert download["Content-Type"] == "application/octet-stream"
    assert inline["Content-Disposition"].startswith("inline")
    assert inline["Content-Type"] in ("image/jpeg", "image/png")
    for answer in (download, inline):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert b"".join(answer.streaming_content)[:4] in (b"\xff\xd8\xff\xe0", b"\x89PNG")


def test_a_paper_is_never_shown_in_place(client, lead):
    rma = make_rma()
    letter = SimpleUploadedFile("letter.html", b"%PDF-1.4 <script>", "text/html")
    client.post(path("verb", rma.number, "evidence"), {"upload": letter, "kind": "letter"})
    answer = client.get(path("evidence", rma.number, Evidence.objects.get().pk) + "?inline")
    assert answer["Content-Disposition"].startswith("attachment")
    assert b"".join(answer.streaming_content).startswith(b"%PDF-")


def test_evidence_of_another_case_is_not_found(client, lead):
    rma, other = make_rma(), make_rma()
    client.post(path("verb", rma.number, "evidence"), {"upload": photo(), "kind": "photo"})
    assert client.get(path("evidence", other.number, Evidence.objects.get().pk)).status_code == 404


# --- Inspection ----------------------------------------------------------------------------------
def outcome(line, place, quantity, condition, disposition, **more):
    values = {"quantity": quantity, "condition": condition, "disposition": disposition, **more}
    return {f"l{line.pk}-{place}-{name}": value for name, value in values.items() if value != ""}


def empty(line, *places):
    return {f"l{line.pk}-{place}-quantity": 0 for place in places}


@pytest.fixture
def inspector(client):
    person = make_user("inspector")
    client.force_login(person)
    return person


@pytest.mark.parametrize("what", ["number", "order", "tracking", "sku"])
def test_scan_opens_the_case(client, inspector, what):
    rma = make_rma("shipped")
    line = rma.lines.get()
    code = {
        "number": rma.number.lower(),
        "order": line.order_line.order.amazon_order_id,
        "tracking": rma.parcels.get().tracking,
        "sku": line.order_line.sku,
    }[what]
    answer = client.get(path("inspect"), {"q": f" {code} "})
    assert answer["Location"] == path("inspect-rma", rma.number)


def test_scan_of_two_cases_asks_which_one(client, inspector):
    order = make_order(quantity=9)
    first, second = make_rma("shipped", order=order), make_rma("shipped", order=order)
    page = client.get(path("inspect"), {"q": order.amazon_order_id}).content.decode()
    assert first.number in page
    assert second.number in page


def test_scan_of_nothing_known_says_so(client, inspector):
    assert "Nothing is known as" in client.get(path("inspect"), {"q": "4711"}).content.decode()


def test_goods_are_received_and_graded_in_one_go(client, inspector):
    rma = make_rma("shipped", quantity=3)
    line = rma.lines.get()
    form = {
        **outcome(line, 0, 2, "as_new", "restock", photos=[photo(), photo("back.png")]),
        **outcome(line, 1, 1, "damaged", "reject", note="Water damage"),
        **empty(line, 2),
        "version": rma.version,
    }
    answer = client.post(path("inspect-rma", rma.number), form)
    assert answer["Location"] == path("inspect")
    line.refresh_from_db()
    assert (line.received, line.accepted, line.rejected) == (3, 2, 1)
    assert RMA.objects.get(pk=rma.pk).state == "inspected"
    assert list(Evidence.objects.values_list("line_id", flat=True)) == [line.pk, line.pk]


def test_warehouse_is_remembered_so_that_nobody_types_it_twice(client, inspector):
    order = make_order(quantity=9)
    first, second, third = (make_rma("shipped", order=order, quantity=1) for _ in range(3))
    assert 'name="site"' in client.get(path("inspect-rma", first.number)).content.decode()
    line = first.lines.get()
    form = {**outcome(line, 0, 1, "as_new", "restock"), **empty(line, 1, 2), "site": "Hall <2>"}
    client.post(path("inspect-rma", first.number), form)
    assert first.receipts.get().site == "Hall <2>"
    page = client.get(path("inspect-rma", second.number)).content.decode()
    assert 'name="site" value="Hall &lt;2&gt;"' in page
    assert '<option value="Hall &lt;2&gt;">' in page
    client.force_login(make_user("lead"))
    case = client.get(path("rma", third.number)).content.decode()
    assert 'name="site" value="Hall &lt;2&gt;"' in case
    waiting = third.lines.get().pk
    client.post(path("verb", third.number, "receive"), {f"line_{waiting}": 1, "site": "Hall 3"})
    assert third.receipts.get().site == "Hall 3"


def test_part_of_the_goods_leaves_the_case_waiting(client, inspector):
    rma = make_rma("shipped", quantity=3)
    line = rma.lines.get()
    form = {**outcome(line, 0, 1, "opened", "refurbish"), **empty(line, 1, 2)}
    client.post(path("inspect-rma", rma.number), form)
    line.refresh_from_db()
    assert (line.received, line.accepted) == (1, 1)
    assert RMA.objects.get(pk=rma.pk).state == "shipped"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"disposition": ""}, "Say where the goods go."),
        ({"condition": ""}, "Say what you see."),
        ({"quantity": 9}, "less than or equal to 2"),
        ({"condition": "", "disposition": ""}, "Choose condition and destination"),
    ],
)
def test_wrong_inspection_saves_nothing_and_keeps_the_input(client, inspector, change, words):
    rma = make_rma("shipped", quantity=2)
    line = rma.lines.get()
    given = {"quantity": 2, "condition": "used", "disposition": "scrap", **change}
    form = {**outcome(line, 0, **given, note=""), **empty(line, 1, 2)}
    answer = client.post(path("inspect-rma", rma.number), form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    for name in ("condition", "disposition"):
        if given[name]:
            assert f'value="{given[name]}"' in page
            assert "checked" in page
    line.refresh_from_db()
    assert line.received == 0


def test_more_units_in_all_rows_than_expected_are_named(client, inspector):
    rma = make_rma("shipped", quantity=2)
    line = rma.lines.get()
    form = {
        **outcome(line, 0, 2, "used", "scrap"),
        **outcome(line, 1, 1, "used", "restock"),
        **empty(line, 2),
    }
    answer = client.post(path("inspect-rma", rma.number), form)
    assert answer.status_code == 422
    assert "3 units entered, at most 2 can be here." in answer.content.decode()


def test_bad_photo_undoes_the_inspection(client, inspector):
    rma = make_rma("shipped", quantity=2)
    line = rma.lines.get()
    fake = SimpleUploadedFile("x.png", b"<svg onload=alert(1)>", "image/png")
    form = {**outcome(line, 0, 2, "used", "scrap", photos=[fake]), **empty(line, 1, 2)}
    answer = client.post(path("inspect-rma", rma.number), form)
    assert answer.status_code == 422
    line.refresh_from_db()
    assert (line.received, line.accepted) == (0, 0)


def test_nothing_to_inspect_says_why(client, inspector):
    page = client.get(path("inspect-rma", make_rma().number)).content.decode()
    assert "not approved yet" in page


# --- New RMA -------------------------------------------------------------------------------------
def chosen(line, quantity, reason="DEFECTIVE", **more):
    values = {"order_line_id": line.pk, "quantity": quantity, "reason_code": reason, **more}
    return {f"l{line.pk}-{name}": value for name, value in values.items()}


def test_new_rma_is_requested_from_the_order(client, lead):
    order = make_order()
    url = path("new") + f"?order={order.amazon_order_id}"
    assert order.lines.get().sku in client.get(url).content.decode()
    client.post(url, chosen(order.lines.get(), 2) | {"buyer_reference": "R-1"})
    rma = RMA.objects.get()
    assert (rma.lines.get().requested, rma.buyer_reference) == (2, "R-1")


def test_new_rma_without_a_reason_comes_back_with_the_input(client, lead):
    order = make_order()
    form = chosen(order.lines.get(), 2, reason="", reason_text="It squeaks")
    answer = client.post(path("new") + f"?order={order.amazon_order_id}", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Say why these units come back." in page
    assert "It squeaks" in page
    assert not RMA.objects.exists()


def test_new_rma_shows_the_verdict_before_it_is_requested(client, lead):
    order = make_order()
    form = chosen(order.lines.get(), 1) | {"check": "1"}
    url = path("new") + f"?order={order.amazon_order_id}"
    assert "No policy covers this return yet" in client.post(url, form).content.decode()
    alone = client.post(url, form, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in alone
    assert not RMA.objects.exists()


def test_unknown_order_is_named(client, lead):
    page = client.get(path("new") + "?order=999-1").content.decode()
    assert "Order 999-1 is not here." in page


# --- Many at once --------------------------------------------------------------------------------
def test_bulk_entry_previews_then_requests(client, lead):
    order = make_order()
    line = order.lines.get()
    rows = f"{order.amazon_order_id};{line.sku};2;DEFECTIVE;broken\n302-0;X;1;;"
    page = client.post(path("bulk"), {"rows": rows}).content.decode()
    assert "No such order with this SKU." in page
    assert not RMA.objects.exists()
    client.post(path("bulk"), {"rows": rows, "confirm": "1"})
    assert RMA.objects.get().source == RMA.Source.BULK


def test_bulk_entry_without_rows_asks_for_them(client, lead):
    answer = client.post(path("bulk"), {"rows": " "})
    assert answer.status_code == 422
    assert "Paste rows or choose a file." in answer.content.decode()


def test_bulk_approval_previews_what_can_and_what_cannot(client, lead):
    can, cannot = make_rma(), make_rma("shipped")
    ids = {"ids": [can.pk, cannot.pk]}
    page = client.post(path("bulk-verb", "approve"), ids).content.decode()
    assert RMA.objects.get(pk=can.pk).state == "requested"
    assert f"{cannot.number} is Shipped back" in page
    client.post(path("bulk-verb", "approve"), ids | {"confirm": "1"})
    assert RMA.objects.get(pk=can.pk).state == "approved"


def test_bulk_take_over_makes_me_the_owner(client, lead):
    rmas = [make_rma(), make_rma("approved")]
    form = {"ids": [rma.pk for rma in rmas], "confirm": "1"}
    client.post(path("bulk-verb", "assign"), form)
    assert set(RMA.objects.values_list("owner", flat=True)) == {lead.pk}


def test_bulk_verb_of_another_role_is_forbidden(client):
    rma = make_rma()
    client.force_login(make_user("auditor"))
    answer = client.post(path("bulk-verb", "approve"), {"ids": [rma.pk], "confirm": "1"})
    assert answer.status_code == 403


# --- Orders --------------------------------------------------------------------------------------
def button(client, order, verb, **form):
    return client.post(path("order-verb", order.amazon_order_id, verb), form)


def test_order_gets_its_invoice_issued(client, lead):
    order = make_shipped_order()
    make_issuing(order.seller)
    assert button(client, order, "issue-invoice").status_code == 302
    paper = order.documents.get()
    assert paper.number in client.get(order.get_absolute_url()).content.decode()


def test_order_gets_amazons_invoice_recorded(client, lead):
    order = make_order()
    make_issuing(order.seller, issuer="amazon")
    day = timezone.localdate().isoformat()
    form = {"number": "DE6DEMO1I", "issue_date": day, "issuer": "amazon"}
    assert button(client, order, "record-invoice", **form).status_code == 302
    assert order.documents.get().number == "DE6DEMO1I"


def test_order_refuses_a_second_invoice_and_keeps_the_input(client, lead):
    order = make_shipped_order()
    make_invoice(order)
    form = {"number": "DE6DEMO2I", "issue_date": "2026-01-01", "issuer": "amazon"}
    answer = button(client, order, "record-invoice", **form)
    assert answer.status_code == 422
    assert "on record" in answer.content.decode()


def test_order_gets_its_buyer_by_name(client, lead):
    order, buyer = make_order(buyer=None), make_buyer(legal_name="Demo Nord AG")
    assert button(client, order, "buyer", legal_name="demo  NORD ag").status_code == 302
    order.refresh_from_db()
    assert order.buyer == buyer


def test_unknown_buyer_is_added_only_when_asked(client, lead):
    make_buyer(legal_name="Demo Nord AG")
    order = make_order(buyer=None)
    answer = button(client, order, "buyer", legal_name="Demo Süd AG")
    assert answer.status_code == 422
    assert "Alike: Demo Nord AG." in answer.content.decode()
    button(client, order, "buyer", legal_name="Demo Süd AG", create="on")
    order.refresh_from_db()
    assert order.buyer.legal_name == "Demo Süd AG"


def test_order_is_refunded_without_a_return_at_its_own_rate(client, lead):
    make_limit()
    order = make_order(net="100.00", rate="0.19")
    line = order.lines.get()
    form = {"line": line.pk, "component": "goodwill", "gross": "11.90", "note": "Scratched"}
    assert button(client, order, "refund", **form).status_code == 302
    refund = order.refunds.get()
    assert (refund.origin, str(refund.net), str(refund.tax)) == ("order", "10.00", "1.90")


def test_order_refund_above_what_was_paid_is_refused_with_the_input(client, lead):
    order = make_order(net="100.00", rate="0.19")
    form = {"line": order.lines.get().pk, "component": "item", "gross": "500.00", "note": "Big"}
    answer = button(client, order, "refund", **form)
    assert answer.status_code == 422
    assert 'value="500.00"' in answer.content.decode()
    assert not order.refunds.exists()


def test_order_buttons_ask_for_the_role(client):
    order = make_order()
    client.force_login(make_user("inspector"))
    answer = button(client, order, "buyer", legal_name="Demo X AG", create="on")
    assert answer.status_code == 422
    assert not Buyer.objects.filter(legal_name="Demo X AG").exists()


# --- Buyers --------------------------------------------------------------------------------------
def test_watching_a_buyer_needs_a_reason(client, lead):
    buyer = make_buyer()
    url = path("buyer-verb", buyer.pk, "watch")
    assert client.post(url, {"watched": "on", "watch_reason": ""}).status_code == 422
    client.post(url, {"watched": "on", "watch_reason": "Returns used goods"})
    buyer.refresh_from_db()
    assert (buyer.watched, buyer.watch_reason) == (True, "Returns used goods")
    client.post(url, {"watch_reason": "Returns used goods"})
    buyer.refresh_from_db()
    assert (buyer.watched, buyer.watch_reason) == (False, "")


def test_tax_id_shows_its_offline_check(client, lead):
    buyer = make_buyer()
    buyer.tax_ids.all().delete()
    url = path("buyer-verb", buyer.pk, "tax-id")
    client.post(url, {"country": "DE", "scheme": "VAT", "number": "DE 136 695 976"})
    assert "form is right" in client.get(path("buyer", buyer.pk)).content.decode()
    client.post(url, {"country": "DE", "scheme": "VAT", "number": "DE136695977"})
    assert "form is wrong" in client.get(path("buyer", buyer.pk)).content.decode()


def test_details_and_address_are_saved(client, lead):
    buyer = make_buyer()
    details = {
        "legal_name": buyer.legal_name,
        "kind": "public",
        "country": "FR",
        "language": "fr",
        "email": "achats@demo.example",
    }
    assert client.post(path("buyer-verb", buyer.pk, "details"), details).status_code == 302
    address = {"kind": "shipping", "line1": "1 rue Demo", "city": "Lyon", "country": "FR"}
    assert client.post(path("buyer-verb", buyer.pk, "address"), address).status_code == 302
    buyer.refresh_from_db()
    assert (buyer.kind, buyer.language) == ("public", "fr")
    assert buyer.addresses.get(kind="shipping").city == "Lyon"


def test_return_rate_leaves_out_what_is_not_the_buyers_fault(client, lead):
    buyer = make_buyer()
    order = make_order(buyer=buyer, quantity=10)
    for reason, liability in (("UNWANTED_ITEM", "buyer"), ("DEFECTIVE", "seller")):
        url = path("new") + f"?order={order.amazon_order_id}"
        client.post(url, chosen(order.lines.get(), 2, reason))
        assert RMA.objects.latest("pk").lines.get().liability == liability
    page = client.get(path("buyer", buyer.pk)).content.decode()
    assert "20.0 %" in page


# --- Work items, leavers, preview ----------------------------------------------------------------
def test_work_item_is_sorted_out(client, lead):
    rma = make_rma("approved", order=make_order(buyer=make_buyer(email="")))
    item = rma.work_items.get(done_at=None)
    assert "has no e-mail address" in client.get(rma.get_absolute_url()).content.decode()
    client.post(path("work-item-done", item.pk))
    item.refresh_from_db()
    assert item.done_by == lead


def test_leavers_work_passes_on(client, lead):
    leaver, heir = make_user("agent"), make_user("agent")
    rma = make_rma(owner=leaver)
    answer = client.post(path("hand-over"), {"leaver": leaver.pk, "to": leaver.pk})
    assert answer.status_code == 422
    client.post(path("hand-over"), {"leaver": leaver.pk, "to": heir.pk})
    rma.refresh_from_db()
    leaver.refresh_from_db()
    assert (rma.owner, leaver.is_active) == (heir, False)


def test_refund_preview_follows_what_is_typed_and_writes_nothing(client, lead):
    rma = make_rma("inspected", quantity=1)
    url = path("refund-preview", rma.number)
    plain = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in plain
    assert "39.66" in plain
    more = client.get(url, {"goodwill": "5.00"}, headers={"HX-Request": "true"}).content.decode()
    assert "44.66" in more
    assert "<html" in client.get(url).content.decode()
    assert not rma.lines.get().order_line.refund_lines.exists()
