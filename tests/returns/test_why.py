"""Why this amount: every figure leads to its sources, and calculating again gives the same cent."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invoicing.crediting import record_credit_note
from invoicing.fx import add_rate
from invoicing.matching import match_refunds
from invoicing.models import Refund
from returns import why
from tests.factories import make_order, make_rma, make_user
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = pytest.mark.django_db


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def refund_of(rma):
    return Refund.objects.get(origin=rma.number)


def test_each_figure_names_inspection_paper_and_what_was_paid():
    refund = refund_of(make_rma("refunded"))
    day = timezone.now().date()
    record_credit_note(refund, by=make_user("finance"), number="CN-AMZ-1", issue_date=day)
    refund.refresh_from_db()
    found = why.figures(refund)
    assert sum(one.line.gross for one in found) == refund.gross
    item = next(one for one in found if one.line.component == "item")
    assert item.rma_line.liability
    assert [row.quantity for row in item.inspections] == [item.line.quantity]
    assert item.part.net > 0
    assert [row.gross for row in item.papers] == [item.line.gross]


def test_calculating_again_gives_the_same_cent():
    refund = refund_of(make_rma("refunded"))
    proof = why.recomputed(refund)
    assert proof.same is True
    assert proof.gross == refund.gross


def test_other_inputs_do_not_prove_it():
    refund = refund_of(make_rma("refunded"))
    refund.basis["returned"][0]["quantity"] -= 1
    proof = why.recomputed(refund)
    assert proof.same is False
    assert proof.gross < refund.gross


def test_later_inspections_are_not_named_as_reasons():
    refund = refund_of(make_rma("refunded"))
    (item,) = (one for one in why.figures(refund) if one.line.component == "item")
    assert all(row.at <= refund.proposed_at for row in item.inspections)


def test_the_page_shows_the_proof_and_asks_a_fixed_number_of_queries(client):
    client.force_login(make_user("auditor"))
    refund = refund_of(make_rma("refunded"))
    with CaptureQueriesContext(connection) as seen:
        page = client.get(f"/refunds/{refund.key}/why/")
    assert "the same to the cent" in page.content.decode()
    assert len(seen) <= 16


def test_who_may_not_see_refunds_sees_no_why(client):
    refund = refund_of(make_rma("refunded"))
    client.force_login(make_user("inspector"))
    allowed = client.get(refund.get_absolute_url()).status_code
    assert client.get(f"/refunds/{refund.key}/why/").status_code == allowed


@pytest.mark.usefixtures("_october")
def test_refund_in_pounds_of_a_german_seller_shows_what_the_rate_cost(client):
    finance = make_user("finance")
    for day, rate in ((date(2026, 10, 1), "0.80"), (date(2026, 10, 28), "0.75")):
        add_rate(quote="GBP", day=day, rate=Decimal(rate), by=finance, source="ECB")
    order = make_order(marketplace="UK", rate="0.20", ship_country="GB")
    refund = make_refund(order, ("10.00", "2.00"))
    make_fact(make_settlement(order.seller, "GBP"), order, order.lines.get(), "-12.00",
              adjustment="A1")  # fmt: skip
    match_refunds()
    client.force_login(finance)
    page = client.get(f"/refunds/{refund.key}/why/").content.decode()
    assert "Exchange difference" in page
    for said in ("15.00", "16.00", "1.25", "1.33333333"):
        assert said in page, said
    at_home = refund_of(make_rma("refunded"))
    assert "Exchange difference" not in client.get(f"/refunds/{at_home.key}/why/").content.decode()
