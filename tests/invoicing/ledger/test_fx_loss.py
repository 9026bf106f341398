"""Exchange differences: the sale's rate against the refund's, booked in the seller's currency."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing import documents, periods, refunds
from invoicing.fx import add_rate
from invoicing.ledger import fx_loss, posting
from invoicing.matches.refresh import refresh
from invoicing.matching import match_refunds
from invoicing.models import Journal, Match, Period, Refund
from tests.factories import make_order, make_seller, make_user
from tests.invoicing.ledger.test_posting import broken
from tests.invoicing.money import DAY, make_fact, make_refund, make_settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_october")]


@pytest.fixture
def _october(time_machine):
    time_machine.move_to(DAY, tick=True)


def rate(day, value, quote="GBP"):
    add_rate(quote=quote, day=day, rate=Decimal(value), by=make_user("finance"), source="ECB")


def seen_in_pounds(order=None, *, net="10.00", tax="2.00"):
    """A refund in pounds of a German seller, sold on 1 October and posted on 29 October."""
    order = order or make_order(marketplace="UK", rate="0.20", ship_country="GB")
    refund = make_refund(order, (net, tax))
    make_fact(
        make_settlement(order.seller, "GBP"), order, order.lines.first(),
        str(-Decimal(net) - Decimal(tax)), adjustment=f"A{refund.pk}",
    )  # fmt: skip
    match_refunds()
    return Refund.objects.get(pk=refund.pk)


def test_loss_is_booked_in_the_sellers_currency_with_both_rates():
    rate(date(2026, 10, 1), "0.80")
    rate(date(2026, 10, 28), "0.75")
    refund = seen_in_pounds()
    journal = Journal.objects.get(kind="fx")
    assert (journal.currency, journal.posted_on) == ("EUR", date(2026, 10, 29))
    lines = {line.account: (line.amount, line.fx_rate, line.fx_day) for line in journal.lines.all()}
    assert lines == {
        "fx": (Decimal("1.00"), Decimal("1.33333333"), date(2026, 10, 28)),
        "fx_clearing": (Decimal("-1.00"), Decimal("1.25"), date(2026, 10, 1)),
    }
    loss = fx_loss.of(refund)
    assert (loss.original_value, loss.value, loss.loss) == (
        Decimal("15.00"), Decimal("16.00"), Decimal("1.00"),
    )  # fmt: skip
    assert broken() == {}


def test_gain_is_booked_the_other_way_round():
    rate(date(2026, 10, 1), "0.75")
    rate(date(2026, 10, 28), "0.80")
    refund = seen_in_pounds()
    assert fx_loss.of(refund).loss == Decimal("-1.00")
    assert Journal.objects.get(kind="fx").lines.get(account="fx").amount == Decimal("-1.00")


def test_missing_rate_is_booked_when_it_comes():
    rate(date(2026, 10, 1), "0.80")
    refund = seen_in_pounds()
    assert fx_loss.of(refund).loss is None
    assert not Journal.objects.filter(kind="fx").exists()
    rate(date(2026, 10, 28), "0.75")
    posting.catch_up()
    posting.catch_up()
    assert Journal.objects.filter(kind="fx").count() == 1
    assert broken() == {}


def test_rate_older_than_a_week_is_none():
    rate(date(2026, 10, 1), "0.80")
    rate(date(2026, 10, 21), "0.75")
    refund = seen_in_pounds()
    assert fx_loss.of(refund).current is None


def test_equal_rates_are_booked_as_nothing_and_done():
    for day in (date(2026, 10, 1), date(2026, 10, 28)):
        rate(day, "0.80")
    refund = seen_in_pounds()
    assert fx_loss.of(refund).loss == 0
    lines = Journal.objects.get(kind="fx").lines
    assert set(lines.values_list("amount", "fx_rate")) == {(Decimal(0), Decimal("1.25"))}
    assert still_wanted() == []
    assert broken() == {}
    refunds.reverse(refund.key, by=make_user("finance"), reason="Amazon took it back.")
    assert Journal.objects.filter(kind="back", reverses__kind="fx").count() == 1
    assert broken() == {}


def still_wanted() -> list[int]:
    """Refunds that the catch-up would look at."""
    with connection.cursor() as cursor:
        cursor.execute(
            posting.sql.UNPOSTED, {"now": timezone.now(), "after": 0, "chunk": posting.CHUNK}
        )
        return [pk for (pk,) in cursor.fetchall()]


def test_rate_that_the_invoice_froze_counts_for_the_sale():
    """The invoice says what its VAT was in the seller's currency: that rate, not the table's."""
    rate(date(2026, 10, 1), "0.80")
    rate(date(2026, 10, 28), "0.75")
    order = make_order(marketplace="UK", rate="0.20", ship_country="GB")
    invoice = documents.record_invoice(
        order, by=make_user("finance"), number="INV-1", issue_date=date(2026, 10, 1),
        issuer="amazon",
    )  # fmt: skip
    with_rate = {"national_tax": {"currency": "EUR", "rate": "1.30", "date": "2026-09-30"}}
    frozen = fx_loss.sql.ABROAD.replace("d.payload", f"'{json.dumps(with_rate)}'::jsonb")
    refund = seen_in_pounds(order)
    original = fx_loss.sql.ABROAD
    fx_loss.sql.ABROAD = frozen
    try:
        loss = fx_loss.of(refund)
    finally:
        fx_loss.sql.ABROAD = original
    assert invoice.issue_date == loss.sold_on
    assert loss.original == (Decimal("1.30"), date(2026, 9, 30))


@pytest.mark.parametrize(
    ("country", "marketplace", "home"),
    [("DE", "UK", "EUR"), ("GB", "DE", "GBP"), ("UK", "DE", "GBP"), ("PL", "DE", "PLN"),
     ("US", "DE", "USD"), ("CN", "US", "CNY"), ("FR", "PL", "EUR")],
)  # fmt: skip
def test_the_sellers_country_says_which_currency_is_its_own(country, marketplace, home):
    refund = make_refund(
        make_order(seller=make_seller(country=country), marketplace=marketplace), ("10.00", "1.90")
    )
    loss = fx_loss.of(refund)
    assert (loss.home, loss.currency) == (home, refund.currency)


def test_refund_in_the_sellers_own_currency_has_none():
    refund = make_refund(make_order(), ("10.00", "1.90"))
    assert fx_loss.of(refund) is None


def test_reversed_refund_takes_its_exchange_difference_back():
    rate(date(2026, 10, 1), "0.80")
    rate(date(2026, 10, 28), "0.75")
    refund = seen_in_pounds()
    refunds.reverse(refund.key, by=make_user("finance"), reason="Amazon took it back.")
    back = Journal.objects.get(kind="back", currency="EUR")
    assert back.reverses.kind == "fx"
    assert {line.amount for line in back.lines.all()} == {Decimal("1.00"), Decimal("-1.00")}
    assert broken() == {}


def test_rate_that_comes_after_the_month_was_closed_is_booked_in_the_next(time_machine):
    rate(date(2026, 10, 1), "0.80")
    refund = seen_in_pounds()
    time_machine.move_to(datetime(2026, 11, 20, tzinfo=UTC))
    october, finance = Period.objects.get(), make_user("finance")
    explain()
    assert periods.check(october) == []
    periods.close(october, by=finance)
    rate(date(2026, 10, 28), "0.75")
    posting.catch_up()
    journal = Journal.objects.get(kind="fx")
    assert (journal.posted_on, journal.period.month) == (date(2026, 10, 29), date(2026, 11, 1))
    assert journal.refund == refund
    assert broken() == {}


def test_month_waits_for_the_rates_of_its_refunds(time_machine):
    seen_in_pounds()
    explain()
    Match.objects.update(result="matched", cause="", resolution="", resolved_by=None)
    time_machine.move_to(datetime(2026, 11, 20, tzinfo=UTC))
    [blocker] = periods.check(Period.objects.get())
    assert (blocker.code, blocker.count) == ("rates", 1)
    for day in (date(2026, 10, 1), date(2026, 10, 28)):
        rate(day, "0.80")
    assert periods.check(Period.objects.get()) == []


def explain():
    """Somebody explains every comparison."""
    refresh()
    with trail("test", by=User.objects.system()):
        Match.objects.update(
            result="explained", cause="fx", resolution="other", resolved_by=User.objects.system()
        )
