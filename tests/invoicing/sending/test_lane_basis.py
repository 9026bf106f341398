"""Net or gross: what the rule of a lane says, in files, by hand, and under an approval."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.urls import reverse
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import finances_pull, refunds
from invoicing.finance_forms import LaneForm
from invoicing.lane import basis_of, lane_amounts
from invoicing.matching import match_refunds
from invoicing.models import LaneRule, Refund
from invoicing.sending import feeds, lanes, polling
from tests.factories import make_marketplace, make_user
from tests.invoicing.sending.making import (
    again,
    attempt_of,
    due,
    make_feed_refund,
    make_rule,
)
from tests.papers import (
    make_account,
    make_calculation,
    make_invoice,
    make_refund,
    make_shipped_order,
)

pytestmark = pytest.mark.django_db
D = Decimal
PAYEE = {"name": "Demo Einkauf AG", "iban": "DE89370400440532013000"}


@pytest.fixture(autouse=True)
def _no_patience(fake_amazon, settings):
    settings.AMAZON_TIMEOUT = 1


def guided(basis: str, state="approved") -> Refund:
    """A German refund of 100.00 + 19.00 that a person types into Seller Central."""
    order = make_shipped_order(quantity=1, net="100.00", rate="0.19")
    make_rule(order.seller, lane="guided", basis=basis)
    return make_refund(state, order=order)


def sent(refund: Refund):
    """What the simulated Amazon paid for it."""
    [feed] = feeds.collect()
    feeds.hand_over(feed.pk)
    due()
    polling.poll(feed.pk)
    assert again(refund).state == "sent"


def change_rule(refund: Refund, basis: str, lane: str = "") -> None:
    make_rule(refund.seller, refund.marketplace.code, lane=lane or refund.lane, basis=basis)


def refused(code, run, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal:
        run(*args, **kwargs)
    assert refusal.value.code == code
    return refusal.value.sentence


# --- The rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "inclusive", "currency", "basis"),
    [
        ("market", True, "EUR", "gross"),
        ("market", False, "USD", "net"),
        ("net", True, "EUR", "net"),
        ("gross", False, "USD", "gross"),
        ("market", True, "JPY", "gross"),
        ("net", True, "JPY", "gross"),
        ("market", False, "JPY", "gross"),
    ],
)
def test_basis_is_the_rules_else_the_marketplaces_and_gross_in_yen(
    wanted, inclusive, currency, basis
):
    place = SimpleNamespace(prices_include_tax=inclusive, currency=currency)
    assert basis_of(wanted, place) == basis


@pytest.mark.parametrize("wrong", ["", "market", True])
def test_figures_are_net_or_gross_and_never_guessed(wrong):
    calculation = make_calculation(make_shipped_order())
    with pytest.raises(ValueError, match="net or gross"):
        lane_amounts(calculation, wrong)


# --- Amazon's feed -------------------------------------------------------------------------------

AMOUNTS = {
    ("flat", "gross"): {"item-price-adj": D("119.00")},
    ("flat", "net"): {"item-price-adj": D("100.00"), "item-tax-adj": D("19.00")},
    ("xml", "gross"): {"Principal": D("119.00")},
    ("xml", "net"): {"Principal": D("100.00"), "Tax": D("19.00")},
}


@pytest.mark.parametrize(("feed_format", "basis"), AMOUNTS)
def test_same_german_refund_goes_net_or_gross_and_ties(fake_amazon, feed_format, basis):
    order = make_shipped_order(quantity=1, net="100.00", rate="0.19")
    refund = make_feed_refund(order, feed_format=feed_format, basis=basis)
    sent(refund)
    [payment] = fake_amazon.journal.paid(order.amazon_order_id)
    paid = {name: amount for name, amount in payment.message.amounts.items() if amount}
    assert paid == AMOUNTS[feed_format, basis]
    assert payment.total == refund.gross
    figures = attempt_of(refund).request["figures"]
    assert {figure["basis"] for figure in figures} == {basis}
    assert [figure["field"] for figure in figures] == ["Principal", "Tax"][: len(paid)]

    fake_amazon.journal.age(hours=1)  # Amazon shows its transactions late
    finances_pull.pull(order.seller, by=User.objects.system())
    match_refunds()
    assert again(refund).state == "confirmed"
    assert (again(refund).match.result, again(refund).match.cause) == ("matched", "")


def test_yen_go_in_principal_only_whatever_the_rule_says(fake_amazon):
    order = make_shipped_order(marketplace="JP", quantity=1, net="1000", rate="0.10")
    refund = make_feed_refund(order, feed_format="xml", basis="net")
    assert refund.lane_basis == "gross"
    sent(refund)
    [payment] = fake_amazon.journal.paid(order.amazon_order_id)
    assert payment.message.amounts == {"Principal": D(1100)}


# --- By hand, by bank ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "shown", "words"),
    [
        ("gross", ["119.00"], "Gross amounts: the tax is in them."),
        ("net", ["100.00", "19.00"], "Net amounts: the tax is typed apart"),
    ],
)
def test_figures_to_type_are_on_the_basis_of_the_rule_and_say_so(client, basis, shown, words):
    refund = guided(basis)
    client.force_login(make_user("finance"))
    page = client.get(refund.get_absolute_url())
    assert [str(figure["amount"]) for figure in page.context["figures"]] == shown
    assert words in page.content.decode()
    assert f"{basis} amounts" in page.content.decode()
    started = refunds.start(refund.key, by=make_user("lead"))
    assert [one["amount"] for one in attempt_of(started).request["figures"]] == shown


def test_bank_transfers_pay_gross_where_amazon_takes_net():
    order = make_shipped_order()
    make_rule(order.seller, basis="net")
    make_account(order.seller)
    refund = refunds.propose(
        by=make_user("agent"), order=order, origin="order", payee=PAYEE, note="Account closed",
        calculation=make_calculation(order),
    )  # fmt: skip
    assert (refund.lane, refund.lane_basis) == ("bank", "gross")


def test_bank_transfer_that_is_net_is_refused_by_the_database():
    refund = make_refund()
    with (
        pytest.raises(IntegrityError, match="bank_transfer_is_gross"),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
    ):
        Refund.objects.filter(pk=refund.pk).update(lane="bank", lane_basis="net", needs_second=True)


# --- An approval is of one basis -----------------------------------------------------------------


def test_net_and_gross_are_two_contents():
    refund = guided("gross", "proposed")
    change_rule(refund, "net")
    lead = make_user("lead")
    anew = refunds.change_lane(refund.key, by=lead, lane="guided", reason="VCS since today")
    assert anew.content_hash != refund.content_hash
    assert (anew.lane, anew.lane_basis, anew.gross) == ("guided", "net", refund.gross)


def test_refund_approved_gross_is_not_started_net():
    refund = guided("gross")
    change_rule(refund, "net")
    sentence = refused("basis", refunds.start, refund.key, by=make_user("finance"))
    assert "net amounts" in sentence
    assert "gross amounts" in sentence
    assert (again(refund).state, refund.attempts.count()) == ("approved", 0)


def test_marketplace_whose_prices_change_stops_what_followed_it():
    refund = guided("market")
    with trail("test", by=User.objects.system()):
        place = make_marketplace("DE")
        place.prices_include_tax = not place.prices_include_tax
        place.save()
    refused("basis", refunds.start, refund.key, by=make_user("finance"))


def test_refund_goes_on_when_it_was_proposed_and_approved_anew(client):
    refund = guided("gross")
    assert "guided" not in dict(LaneForm(refund=refund).fields["lane"].choices)
    change_rule(refund, "net")
    assert "guided" in dict(LaneForm(refund=refund).fields["lane"].choices)
    client.force_login(make_user("lead"))
    assert "Let it go the same way anew" in client.get(refund.get_absolute_url()).content.decode()
    url = reverse("invoicing:refund-verb", args=[refund.key, "change_lane"])
    client.post(url, {"lane": "guided", "reason": "VCS since today"})
    anew = again(refund)
    assert (anew.state, anew.approver, anew.lane_basis) == ("proposed", None, "net")
    finance = make_user("finance")
    refused("changed", refunds.approve, anew.key, by=finance, content_hash=refund.content_hash)
    refunds.approve(anew.key, by=finance, content_hash=anew.content_hash)
    assert refunds.start(anew.key, by=finance).state == "sending"


@pytest.mark.parametrize("state", ["proposed", "failed"])
def test_refund_proposed_gross_is_not_approved_net(state):
    refund = guided("gross", state)
    change_rule(refund, "net")
    refused("basis", refunds.approve, refund.key, by=make_user("finance"))
    done = refunds.approve_many([refund.key], by=make_user("finance"))
    assert (done.done, len(done.refused)) == ([], 1)


def test_feed_leaves_what_was_approved_otherwise_and_says_why(fake_amazon):
    refund, other = make_feed_refund(), make_feed_refund()
    change_rule(refund, "net")
    made = feeds.collect()
    assert [feed.attempts.get().refund for feed in made] == [other]
    assert again(refund).state == "approved"
    assert "takes net amounts" in again(refund).wait_why


def test_file_made_before_the_rule_changed_is_not_handed_over(fake_amazon):
    refund = make_feed_refund()
    [feed] = feeds.collect()
    change_rule(refund, "net")
    assert feeds.hand_over(feed.pk).state == "failed"
    assert fake_amazon.calls["createFeed"] == 0
    assert (again(refund).state, attempt_of(refund).state) == ("approved", "given_back")


def test_basis_of_an_approved_refund_is_frozen_by_the_database():
    refund = guided("gross")
    with (
        pytest.raises(ProgrammingError, match="Cannot update"),
        transaction.atomic(),
        trail("test", by=User.objects.system()),
    ):
        Refund.objects.filter(pk=refund.pk).update(lane_basis="net")


def test_basis_changed_behind_our_back_is_not_sent(break_rows):
    refund = guided("gross")
    break_rows("invoicing_refund", "UPDATE invoicing_refund SET lane_basis = 'net'")
    change_rule(refund, "net")
    refused("content_changed", refunds.start, refund.key, by=make_user("finance"))


# --- The admin -----------------------------------------------------------------------------------


def test_admin_sets_the_basis_and_reads_when_to_choose_net(client):
    refund = guided("market")
    rule = LaneRule.objects.get(seller=refund.seller)
    client.force_login(make_user("admin", is_superuser=True))
    url = reverse("admin:invoicing_lanerule_change", args=[rule.pk])
    assert "VAT calculation service" in client.get(url).content.decode()
    given = {"seller": rule.seller_id, "marketplace": rule.marketplace_id, "lane": "guided",
             "feed_format": "flat", "basis": "net"}  # fmt: skip
    assert client.post(url, given).status_code == 302
    refused("basis", refunds.start, refund.key, by=make_user("finance"))
    [before, now] = rule.events.order_by("pgh_id").values_list("basis", flat=True)
    assert (before, now) == ("market", "net")


def test_admin_cannot_say_net_in_yen(client):
    rule = make_rule(make_shipped_order().seller, "JP", lane="guided")
    client.force_login(make_user("admin", is_superuser=True))
    url = reverse("admin:invoicing_lanerule_change", args=[rule.pk])
    given = {"seller": rule.seller_id, "marketplace": rule.marketplace_id, "lane": "guided",
             "feed_format": "flat"}  # fmt: skip
    page = client.post(url, given | {"basis": "net"})
    assert "Amazon takes yen with tax only" in page.content.decode()
    assert client.post(url, given | {"basis": "gross"}).status_code == 302
    assert again(rule).basis == "gross"


def test_pages_of_files_and_of_a_bulk_say_net_or_gross(client, fake_amazon):
    refund = make_feed_refund(basis="net", state="proposed")
    client.force_login(make_user("finance"))
    page = client.post(reverse("invoicing:refunds-approve"), {"ids": [refund.pk]})
    assert "Amazon feed, net amounts" in page.content.decode()
    refunds.approve(refund.key, by=make_user("finance"))
    [feed] = feeds.collect(timezone.now() + timedelta(minutes=5))
    page = client.get(reverse("invoicing:feed", args=[feed.key]))
    assert "sent as net amounts" in page.content.decode()
    assert "net amounts" in client.get(refund.get_absolute_url()).content.decode()


def test_new_refund_follows_the_rule_as_it_is():
    order = make_shipped_order(marketplace="US")
    make_invoice(order)
    assert make_refund(order=order).lane_basis == "net"
    make_rule(order.seller, "US", lane="guided", basis="gross")
    refund = make_refund(order=order, units=1)
    assert (refund.lane_basis, refund.proposed_at <= timezone.now()) == ("gross", True)


def test_each_seller_follows_its_own_rule(django_assert_num_queries):
    net, gross, none = guided("net"), guided("gross"), make_refund()
    american = make_refund(order=make_shipped_order(marketplace="US"))
    with django_assert_num_queries(1):
        found = lanes.bases_of([net, gross, none, american])
    assert found == {net.pk: "net", gross.pk: "gross", none.pk: "gross", american.pk: "net"}
