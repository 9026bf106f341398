"""The pages of refunds, documents and settlement reports: what they show, each button's door."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.core.models import User
from config.core.trail import trail
from invoicing import documents
from invoicing.calculation import CalculatedLine, Calculation
from invoicing.matching import match_refunds
from invoicing.models import ApprovalLimit, Document, Download, Refund, ReportRun
from invoicing.refunds import propose
from tests.factories import make_order, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def text_of(response) -> str:
    return response.content.decode()


def post(client, refund, verb, **data):
    return client.post(reverse("invoicing:refund-verb", args=[refund.key, verb]), data, follow=True)


def test_desk_lists_refunds_with_their_stations(client, finance):
    waiting = make_refund(make_order(), ("10.00", "1.90"), state="proposed")
    sent = make_refund(make_order(), ("20.00", "3.80"))
    page = text_of(client.get("/refunds/"))
    assert str(waiting.key) in page
    assert str(sent.key) in page
    only = text_of(client.get("/refunds/", {"state": "sent"}))
    assert str(sent.key) in only
    assert str(waiting.key) not in only


@pytest.mark.parametrize("count", [1, 3])
def test_desk_asks_the_same_queries_for_any_number(client, finance, count):
    for _ in range(count):
        make_refund(make_order(), ("10.00", "1.90"), state="proposed")
    client.get("/refunds/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/refunds/")
    assert len(queries) == 4


def test_desk_finds_by_order_rma_and_amazon_id(client, finance):
    order = make_order(po_number="PO 99")
    refund = make_refund(
        order, ("10.00", "1.90"), origin="RMA-2026-000077", amazon_refund_id="amzn-1"
    )
    make_refund(make_order(), ("10.00", "1.90"))
    for word in (order.amazon_order_id[:11], "rma-2026-000077", "PO 99", "amzn-1"):
        page = text_of(client.get("/refunds/", {"q": word}))
        assert page.count("data-row") == 1
        assert str(refund.key) in page


def test_refund_page_says_why_and_what_to_type(client, finance):
    order = make_order(marketplace="US", rate="0.10")
    refund = make_refund(order, ("30.00", "3.00"), state="approved")
    page = text_of(client.get(refund.get_absolute_url()))
    assert "One of them came back." in page
    assert "Principal" in page
    assert "The tax alone" in page
    assert "33.00" in page


def test_refund_page_in_constant_queries(client, finance):
    for lines in (1, 3):
        order = make_order(lines=lines)
        refund = make_refund(order, *[("10.00", "1.90")] * lines)
        client.get(refund.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            client.get(refund.get_absolute_url())
        assert len(queries) == 15


def test_a_refund_walks_through_the_desk_by_its_buttons(client, finance):
    refund = make_refund(make_order(), ("30.00", "5.70"), state="proposed")
    post(client, refund, "approve")
    post(client, refund, "start")
    wrong = post(client, refund, "mark_sent", sent_on="2026-10-29", amount="35.71")
    assert "35.71" in text_of(wrong)
    assert Refund.objects.get(pk=refund.pk).state == "sending"
    post(client, refund, "mark_sent", sent_on="2026-10-29", amount="35.70", amazon_refund_id="X1")
    refund = Refund.objects.get(pk=refund.pk)
    assert (refund.state, refund.sent_on, refund.amazon_refund_id, refund.sender) == (
        "sent", date(2026, 10, 29), "X1", finance,
    )  # fmt: skip
    page = text_of(client.get(refund.get_absolute_url()))
    assert "carried out the refund" in page


def test_doubt_is_marked_and_decided_with_a_reason(client, finance):
    refund = make_refund(make_order(), ("30.00", "5.70"), state="sending")
    post(client, refund, "mark_unknown", reason="The page hung.")
    answer = client.post(
        reverse("invoicing:refund-verb", args=[refund.key, "resolve_unknown"]), {"outcome": "sent"}
    )
    assert answer.status_code == 422
    assert "Please check the form" in text_of(answer)
    post(client, refund, "resolve_unknown", outcome="failed", reason="Not in Seller Central.")
    assert Refund.objects.get(pk=refund.pk).state == "failed"


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor", "admin"])
def test_roles_without_the_permission_are_told(client, role):
    refund = make_refund(make_order(), ("30.00", "5.70"), state="proposed")
    client.force_login(make_user(role))
    page = text_of(client.get(refund.get_absolute_url()))
    assert "Your role may not do this" in page
    assert "Your role may not" in text_of(post(client, refund, "approve"))
    assert Refund.objects.get(pk=refund.pk).state == "proposed"


def test_proposer_above_the_limit_sees_why_somebody_else_approves(client):
    refund = make_refund(make_order(), ("30.00", "5.70"), state="proposed")
    client.force_login(refund.proposer)
    assert "above the limit somebody else approves it" in text_of(
        client.get(refund.get_absolute_url())
    )


def test_bulk_approval_shows_totals_then_approves(client, finance):
    done = [make_refund(make_order(), ("10.00", "1.90"), state="proposed") for _ in range(2)]
    yen = make_order(marketplace="JP", net="1000", rate="0.10")
    done.append(make_refund(yen, ("100", "10"), state="proposed"))
    sent = make_refund(make_order(), ("10.00", "1.90"))
    url = reverse("invoicing:refunds-approve")
    ids = {"ids": [refund.pk for refund in (*done, sent)]}
    with trail("setup", by=User.objects.system()):
        for refund in done:
            documents.record_invoice(
                refund.order, by=finance, number=f"R-{refund.pk}", issue_date=date(2026, 10, 1)
            ) if not refund.order.documents.exists() else None
    preview = text_of(client.post(url, ids))
    assert "Approve 3 refunds" in preview
    assert "23.80" in preview
    assert "It is sent." in preview
    assert {r.state for r in Refund.objects.filter(pk__in=[r.pk for r in done])} == {"proposed"}
    told = client.post(url, {**ids, "confirm": "1"}, follow=True)
    assert "3 refunds approved." in text_of(told)
    assert {r.state for r in Refund.objects.filter(pk__in=[r.pk for r in done])} == {"approved"}


def test_bulk_approval_of_nothing_is_told(client, finance):
    answer = client.post(reverse("invoicing:refunds-approve"), follow=True)
    assert "Choose at least one row first." in text_of(answer)


def test_amazons_refund_gets_its_credit_note_recorded(client, finance):
    order = make_order()
    documents.record_invoice(order, by=finance, number="AMZ-1", issue_date=date(2026, 10, 1))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    refund = Refund.objects.get()
    page = text_of(client.get(refund.get_absolute_url()))
    assert "Record Amazon&#x27;s credit note" in page
    assert "Refunded at Amazon on 2026-10-29." in page
    post(client, refund, "record_credit_note", number="AMZ-CN-1", issue_date="2026-10-29")
    assert Refund.objects.get().document.number == "AMZ-CN-1"


def test_other_amount_at_amazon_is_said(client, finance):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-35.00", adjustment="A1")
    match_refunds()
    assert "Amazon&#x27;s settlement shows another amount:" in text_of(
        client.get(refund.get_absolute_url())
    ) or "settlement shows another amount" in text_of(client.get(refund.get_absolute_url()))


def test_documents_list_and_page_show_the_chain(client, finance):
    order = make_order()
    refund = make_refund(order, ("30.00", "5.70"))
    documents.record_credit_note(refund, by=finance, number="CN-9", issue_date=date(2026, 10, 29))
    note = Document.objects.get(number="CN-9")
    page = text_of(client.get("/documents/"))
    assert "CN-9" in page
    assert f"INV-{order.pk}" in page
    detail = text_of(client.get(note.get_absolute_url()))
    assert f"INV-{order.pk}" in detail
    assert str(refund.key) in detail
    assert "Show the PDF" not in detail


def test_file_of_a_recorded_document_is_explained(client, finance):
    order = make_order()
    documents.record_invoice(order, by=finance, number="AMZ-1", issue_date=date(2026, 10, 1))
    url = reverse("invoicing:document-file", args=[Document.objects.get().pk])
    assert "issued this document" in text_of(client.get(url, follow=True))
    assert not Download.objects.exists()


def test_unknown_verb_is_not_found(client, finance):
    refund = make_refund(make_order(), ("30.00", "5.70"), state="proposed")
    assert post(client, refund, "explode").status_code == 404


def test_untied_money_says_why_it_waits(client, finance):
    order = make_order(facts_complete=False)
    make_fact(make_settlement(order.seller), order, None, "-7.00", adjustment="A1", sku="SKU-9")
    page = text_of(client.get(reverse("invoicing:untied")))
    assert "order not imported yet" in page
    assert "SKU-9" in page


@pytest.mark.parametrize("path", ["/refunds/", "/documents/", "/reports/", "/reports/new/"])
def test_pages_want_a_login(client, path):
    assert client.get(path).url.startswith("/login/")


def test_agent_may_not_see_reports(client):
    client.force_login(make_user("agent"))
    assert client.get("/reports/").status_code == 403
    assert client.get("/reports/new/").status_code == 403


def test_template_of_the_opening_balance_can_be_taken(client, finance):
    answer = client.get(reverse("invoicing:opening-balance"))
    assert text_of(answer).startswith("kind,order-id,")


@pytest.mark.django_db(transaction=True)
def test_report_is_run_shown_and_downloaded_from_the_page(client):
    user = make_user("finance")
    client.force_login(user)
    order = make_order()
    make_fact(make_settlement(order.seller), order, order.lines.get(), "-11.90", adjustment="A1")
    match_refunds()
    for output_format in ("csv", "xlsx"):
        answer = client.post(
            reverse("invoicing:report-new"),
            {
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "output_format": output_format,
            },
            follow=True,
        )
        run = ReportRun.objects.first()
        page = text_of(answer)
        assert answer.redirect_chain[-1][0] == f"/reports/{run.pk}/"
        assert order.amazon_order_id in page
        assert "seen only at Amazon" in page
        assert "Nobody yet." in page
        file = client.get(reverse("invoicing:report-file", args=[run.pk]))
        assert file["Content-Disposition"] == f'attachment; filename="{run.file_name}"'
        assert b"".join(file.streaming_content)
        shown = text_of(client.get(f"/reports/{run.pk}/"))
        assert "Nobody yet." not in shown
    assert Download.objects.filter(by=user).count() == 2
    assert text_of(client.get("/reports/")).count("data-row") == 2


@pytest.mark.django_db(transaction=True)
def test_report_with_a_wrong_period_is_refused_on_the_page(client):
    client.force_login(make_user("finance"))
    answer = client.post(
        reverse("invoicing:report-new"),
        {"date_from": "2026-10-31", "date_to": "2026-10-01", "output_format": "csv"},
    )
    assert "ends before it begins" in text_of(answer)
    assert not ReportRun.objects.exists()


def test_refund_within_the_limit_needs_one_person(client, finance):
    with trail("setup", by=User.objects.system()):
        ApprovalLimit.objects.update_or_create(currency="EUR", defaults={"amount": Decimal(1000)})
    order = make_order()
    documents.record_invoice(order, by=finance, number="AMZ-1", issue_date=date(2026, 10, 1))
    from config.core.sentence import say

    line = order.lines.get()
    calculated = CalculatedLine(
        order_line=str(line.pk), origin="order", component="item", quantity=1,
        net=Decimal("10.00"), tax=Decimal("1.90"), rate=line.item_rate, rule="demo",
        says=say("One came back."),
    )  # fmt: skip
    refund = propose(
        by=finance, order=order, origin="order",
        calculation=Calculation("EUR", (calculated,), "demo"),
    )  # fmt: skip
    assert not refund.needs_second
    page = text_of(client.get("/refunds/", {"state": "proposed", "second": "false"}))
    assert str(refund.key) in page
    post(client, refund, "approve")
    assert Refund.objects.get(pk=refund.pk).state == "approved"
