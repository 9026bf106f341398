"""Numbers: their pattern, the year where the seller is, the chain, and the sum of all credits."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.core.models import Counter, User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import refunds
from invoicing.models import Document, DocumentLine, NumberSeries
from invoicing.numbering import chain
from tests.factories import make_marketplace, make_seller, make_user
from tests.papers import (
    make_calculation,
    make_invoice,
    make_issuing,
    make_limit,
    make_refund,
    make_shipped_order,
    number_due,
)
from tests.soak import larger

pytestmark = pytest.mark.django_db


def test_series_is_made_from_the_sellers_code_on_first_use():
    invoice = make_invoice(make_shipped_order(seller=make_seller(code="dh")))
    assert invoice.series.pattern == "DH-DE-INV-{year}-{number:06d}"
    assert invoice.number == f"DH-DE-INV-{invoice.issue_date.year}-000001"


def test_pattern_set_by_an_admin_is_used():
    order = make_shipped_order()
    with trail("setup", by=User.objects.system()):
        NumberSeries.objects.create(
            seller=order.seller,
            kind="invoice",
            marketplace=make_marketplace(),
            pattern="DH/{year}/{number:04d}",
        )
    assert make_invoice(order).number == f"DH/{timezone.now().year}/0001"


@pytest.mark.parametrize(
    ("zone", "day", "number"),
    [
        ("Europe/Berlin", "2027-01-01", "2027-000001"),
        ("America/New_York", "2026-12-31", "2026-000001"),
        ("Asia/Tokyo", "2027-01-01", "2027-000001"),
    ],
)
def test_issue_date_and_year_are_those_where_the_seller_is(zone, day, number):
    seller = make_seller(time_zone=zone)
    with time_machine.travel(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), tick=False):
        invoice = make_invoice(make_shipped_order(seller=seller))
    assert (str(invoice.issue_date), invoice.number[-11:]) == (day, number)


def test_every_year_starts_again_at_one_with_its_own_chain():
    seller, made = make_seller(), []
    for year in (2026, 2026, 2027):
        with time_machine.travel(datetime(year, 6, 1, 12, tzinfo=UTC), tick=False):
            made.append(make_invoice(make_shipped_order(seller=seller)))
    assert [row.sequence for row in made] == [1, 2, 1]
    assert [row.previous_hash for row in made] == ["", made[0].chain_hash, ""]
    assert made[1].chain_hash == chain(made[0].chain_hash, made[1].number, made[1].payload_sha256)


def test_kinds_and_marketplaces_have_their_own_series():
    order = make_shipped_order()
    make_refund("sent", order=order)
    other = make_shipped_order(seller=order.seller, marketplace="UK", ship_country="GB")
    make_issuing(order.seller, "UK")
    with pytest.raises(Refused) as refused:
        make_invoice(other)
    assert refused.value.code == "gate"  # no UK VAT number: no number is spent
    numbers = Document.objects.exclude(number="").values_list("number", flat=True)
    marks = sorted("-".join(number.split("-")[-4:-2]) for number in numbers)
    assert marks == ["DE-CN", "DE-INV"]
    assert sorted(Counter.objects.filter(name__startswith="series:").values_list("value")) == [
        (1,), (1,)
    ]  # fmt: skip


AMOUNT = st.decimals(min_value="0.01", max_value="70.00", places=2)


@settings(
    max_examples=larger(15, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(amounts=st.lists(st.tuples(AMOUNT, st.sampled_from(["item", "goodwill"])), max_size=6))
def test_credits_and_refunds_never_pass_what_was_invoiced(amounts):
    """Any list of wishes: what is refused is refused, what is sent is never more than was paid."""
    make_limit("100000.00")
    order, finance = make_shipped_order(), make_user("finance")
    invoice = make_invoice(order, by=finance)
    for net, component in amounts:
        tax = (net * Decimal("0.19")).quantize(Decimal("0.01"))
        calculation = make_calculation(order, net=net, tax=tax, component=component)
        try:
            refund = refunds.propose(
                by=finance, order=order, origin="order", calculation=calculation
            )
        except Refused as refused:
            if refused.code != "cap_exceeded":
                raise
            continue
        refunds.approve(refund.key, by=finance)
        refunds.start(refund.key, by=finance)
        day = timezone.localdate()
        refunds.mark_sent(refund.key, by=finance, sent_on=day, amount=refund.gross)
        number_due()
    credited = DocumentLine.objects.filter(
        document__order=order, document__kind="credit_note", document__state="numbered"
    ).aggregate(net=Sum("net", default=Decimal(0)), tax=Sum("tax", default=Decimal(0)))
    assert credited["net"] <= invoice.net
    assert credited["tax"] <= invoice.tax
    assert not Document.objects.filter(order=order, kind="credit_note", state="draft").exists()
    rest = invoice.net - credited["net"]
    assert all(net > rest for net, _ in amounts) or credited["net"] > 0
